import Foundation
import OffdeskBindings

extension Offdesk {
    /// Answers a push: one bounded sync, and then what the system is to show that nobody was handed yet. What the push holds
    /// doesn't count; the texts come from this device.
    ///
    /// That the relay could not be reached is told in ``Notices/incomplete``. Call ``alertsShown(_:)`` once the alerts are shown.
    ///
    /// - Throws: `CancellationError` if the task is cancelled, which ends the sync at once; what came is kept.
    public func handlePush(_ payload: Data = Data(), deadline: Duration) async throws -> Notices {
        let deadline = try deadline.forRust()
        return try await cancellable { try await device.handlePush(payload: payload, deadline: deadline) }
    }

    /// Says that alerts are shown, by the system or by the app itself: a notification extension is then not handed them.
    public func alertsShown(_ alerts: [AlertId]) async throws {
        try await write { try $0.alertsShown(alerts: alerts) }
    }
}

/// A process beside the app, on the same database, that only pulls: a notification extension. It sends nothing, works in a few
/// megabytes however much the device holds, and has files open during a call only.
///
/// ```swift
/// let extensionsSide = try await OffdeskPuller.open(configuration)
/// let notices = try await extensionsSide.pull(deadline: .seconds(20))
/// ```
public final class OffdeskPuller: Sendable {
    private let puller: Puller

    private init(_ puller: Puller) {
        self.puller = puller
    }

    /// Opens the database of an enrolled device beside its app.
    ///
    /// - Throws: ``OffdeskError/notEnrolled``, ``OffdeskError/revoked``, ``OffdeskError/wrongKey``,
    ///   ``OffdeskError/notPossible(reason:)`` if another version of the app wrote the database last.
    public static func open(_ configuration: Configuration) async throws -> OffdeskPuller {
        let config = try configuration.forRust()
        return OffdeskPuller(try await run(on: .global(qos: .userInitiated)) { try Puller.open(config: config) })
    }

    /// Answers a push: unless the app syncs by itself, pulls what is new, up to the deadline; then says what the system is to
    /// show that nobody was handed yet.
    public func pull(deadline: Duration) async throws -> Notices {
        let deadline = try deadline.forRust()
        return try await cancellable { try await puller.pull(deadline: deadline) }
    }

    /// Says that alerts are shown: the app is then not handed them.
    public func alertsShown(_ alerts: [AlertId]) async throws {
        let puller = puller
        try await run(on: .global(qos: .userInitiated)) { try puller.alertsShown(alerts: alerts) }
    }
}
