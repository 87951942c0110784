import Foundation
import OffdeskBindings

/// What a device is opened with.
public struct Configuration: Sendable {
    /// The database's file. Its log lies beside it. For an app with a notification extension: in the app group's container.
    public var database: URL

    /// The database's key: 32 random bytes, kept in the Keychain.
    public var key: Data

    /// How long a reply waits on the device, to be undone, before it is sent. 3 seconds if `nil`.
    public var undoWindow: Duration?

    /// Certificates (PEM) that are trusted beside the system's.
    public var rootCertificates: [Data]

    /// A device at `database`.
    public init(database: URL, key: Data, undoWindow: Duration? = nil, rootCertificates: [Data] = []) {
        self.database = database
        self.key = key
        self.undoWindow = undoWindow
        self.rootCertificates = rootCertificates
    }

    func forRust() throws -> Config {
        Config(
            database: database.path,
            key: key,
            undoWindow: try undoWindow?.forRust(),
            rootCertificates: rootCertificates
        )
    }
}

extension Configuration: CustomStringConvertible, CustomReflectable {
    /// Tells the path and never the key.
    public var description: String { "Configuration(database: \(database.path))" }

    public var customMirror: Mirror { Mirror(self, children: ["database": database]) }
}

extension Duration {
    // The border knows spans from nothing to some hundred thousand years only, and traps beyond.
    func forRust() throws -> TimeInterval {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0, seconds < 1 << 40 else {
            throw OffdeskError.invalidValue(reason: "a span of time can't be \(self): give one of 0 seconds or more")
        }
        return TimeInterval(seconds) + TimeInterval(attoseconds) / 1e18
    }
}

extension Date {
    // `Date` holds any floating-point number; the border traps on what is no instant.
    func forRust() throws -> Date {
        guard abs(timeIntervalSince1970) < 1e12 else {
            throw OffdeskError.invalidTime(reason: "this is no date: give one within a year from now")
        }
        return self
    }
}
