import OffdeskBindings

extension Offdesk {
    /// Hands what the library says from now on to `take`, as far as it matters as much as `level`: ids, counts and errors,
    /// nothing that anybody wrote and nobody's name or phone. There is one taker for the whole process; none, and it is handed
    /// to nobody.
    ///
    /// It is called on a thread of its own, one record after the other, never while the library does anything for the caller.
    public static func setLog(
        level: LogLevel = .info, _ take: (@Sendable (LogRecord) -> Void)?
    ) throws {
        do {
            try setLogSink(level: level, sink: take.map(Sink.init))
        } catch {
            throw OffdeskError(error)
        }
    }

    private final class Sink: LogSink {
        let take: @Sendable (LogRecord) -> Void

        init(_ take: @escaping @Sendable (LogRecord) -> Void) {
            self.take = take
        }

        func log(record: LogRecord) {
            take(record)
        }
    }
}
