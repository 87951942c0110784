import Dispatch
import Foundation
import OffdeskBindings

/// One device of one member: what it shows, what its member does, and its sync with the relay.
///
/// Reading and writing need no network and return within a few milliseconds. What a verb did is durable when it returns;
/// what waits for the relay shows in ``outbox()`` and ``observeOutbox()`` until it has arrived. Nothing blocks the caller: the
/// library's disk work runs on queues of its own, verbs in the order in which they were called.
///
/// Live lists are `AsyncSequence`s that give the whole list, first as it is and then after each change. A loop over one ends
/// when its task is cancelled or the device is closed.
///
/// Use one object for each database, from any task. When the last reference goes, so do sync and files; ``close()`` also
/// waits for that.
///
/// Unless they say otherwise, reads and verbs fail only with ``OffdeskError/locked``, ``OffdeskError/revoked``,
/// ``OffdeskError/paused``, ``OffdeskError/closed`` or for the disk's reasons, and with ``OffdeskError/invalidId(text:)`` or
/// ``OffdeskError/notFound(thing:id:)`` where they take an id. Every error's `description` is a sentence for people that says
/// what to do next. Calls that can be cancelled also throw `CancellationError`.
public final class Offdesk: Sendable {
    /// This library's version, such as `0.1.0`: for the app's "about" screen and for bug reports.
    public static var version: String { OffdeskBindings.version() }

    /// The version of the sync protocol that this library speaks.
    public static var protocolVersion: Int { Int(OffdeskBindings.protocolVersion()) }

    /// How many live lists of all devices this process holds, for tests that none is leaked.
    public static var openLists: Int { Int(OffdeskBindings.openLists()) }

    let device: Device
    private let reads = DispatchQueue(label: "app.offdesk.reads", qos: .userInitiated)
    private let verbs = DispatchQueue(label: "app.offdesk.verbs", qos: .userInitiated)

    private init(_ device: Device) {
        self.device = device
    }

    // MARK: - Life

    /// Opens a device that was enrolled.
    ///
    /// - Throws: ``OffdeskError/notEnrolled`` if the database holds none, ``OffdeskError/revoked``, ``OffdeskError/wrongKey``,
    ///   ``OffdeskError/invalidKey(bytes:)``, ``OffdeskError/newerDatabase``.
    public static func open(_ configuration: Configuration) async throws -> Offdesk {
        let config = try configuration.forRust()
        return Offdesk(try await run(on: .global(qos: .userInitiated)) { try Device.open(config: config) })
    }

    /// Makes the database a device of the member whose code it is. Nothing is written before the relay has answered.
    ///
    /// - Throws: ``OffdeskError/enrolmentRefused(title:detail:)`` with the relay's words, ``OffdeskError/offline(reason:)``,
    ///   ``OffdeskError/invalidRelay(address:)``, ``OffdeskError/alreadyEnrolled``, ``OffdeskError/wrongKey``,
    ///   ``OffdeskError/invalidKey(bytes:)``; `CancellationError` if the task is cancelled.
    public static func enrol(
        _ configuration: Configuration, relay: String, code: String, deviceName: String
    ) async throws -> Offdesk {
        let config = try configuration.forRust()
        let device = try await cancellable {
            try await Device.enrol(config: config, relay: relay, code: code, deviceName: deviceName)
        }
        return Offdesk(device)
    }

    /// Enrols anew, as another device of the same member: after ``OffdeskError/copied`` or ``OffdeskError/unauthorized``. What
    /// was not delivered is kept and sent.
    ///
    /// - Throws: as ``enrol(_:relay:code:deviceName:)``; ``OffdeskError/forbidden(reason:)`` if the code is another member's.
    public func reEnrol(code: String, deviceName: String) async throws {
        try await cancellable { try await device.reEnrol(code: code, deviceName: deviceName) }
    }

    /// A code that enrols one more device of the same member.
    ///
    /// - Throws: ``OffdeskError/offline(reason:)``, ``OffdeskError/unauthorized``; `CancellationError` if the task is cancelled.
    public func newEnrolmentCode() async throws -> EnrolmentCode {
        try await cancellable { try await device.newEnrolmentCode() }
    }

    /// Stops everything and lets go of every lock on the database within a second: for an app that is about to be suspended.
    /// Until ``resume()``, calls fail with ``OffdeskError/paused``. Carried out in a cancelled task too.
    public func pause() async throws {
        try await unhindered { try await $0.pause() }
    }

    /// Goes on after ``pause()``. Carried out in a cancelled task too.
    public func resume() async throws {
        try await unhindered { try await $0.resume() }
    }

    /// Writes everything into the one file and closes it. Live lists end; every later call fails with
    /// ``OffdeskError/closed``. Closing twice is no error. Carried out in a cancelled task too.
    public func close() async throws {
        try await unhindered { try await $0.close() }
    }

    /// Deletes the device's data, and closes it. The relay still knows the device until an administrator revokes it. Carried
    /// out in a cancelled task too.
    public func wipe() async throws {
        try await unhindered { try await $0.wipe() }
    }

    // MARK: - Sync

    /// Keeps the device in sync from now on, while there is a network.
    public func start() async throws {
        try await write { try $0.start() }
    }

    /// Says what the app knows of the network, from `NWPathMonitor`. With one, what waits is sent at once.
    public func setNetwork(_ network: Network) async throws {
        try await write { try $0.setNetwork(network: network) }
    }

    /// One bounded catch-up: sends what waits, fetches what is new, and ends. For background work; the device need not be
    /// started. What came before the deadline, or before the task was cancelled, is kept.
    ///
    /// - Throws: ``OffdeskError/deadline``, ``OffdeskError/offline(reason:)``, ``OffdeskError/unauthorized``,
    ///   ``OffdeskError/relay(status:title:)``; `CancellationError` if the task is cancelled, which ends the sync at once.
    public func syncOnce(deadline: Duration) async throws -> SyncReport {
        let deadline = try deadline.forRust()
        return try await cancellable { try await device.syncOnce(deadline: deadline) }
    }

    /// How sync stands, from what the relay said and what waits.
    public var status: SyncStatus { device.status() }

    /// How sync stands, first as it is and then after each change.
    public func observeStatus() -> Live<SyncStatus> {
        let device = device
        return Live {
            let changes = device.observeStatus()
            return Live.Source(next: { _ in try await changes.next() }, end: { changes.end() })
        }
    }

    /// What the device holds, and what went over the network since it was opened.
    public func stats() async throws -> Stats {
        try await read { try $0.stats() }
    }

    /// What support needs to know of the device, as JSON to be sent along with a report: versions, counts, states and times,
    /// nothing that anybody wrote and nobody's name, phone or address.
    public func diagnostics() async -> String {
        let device = device
        return await withCheckedContinuation { continuation in
            reads.async { continuation.resume(returning: device.diagnostics()) }
        }
    }

    // MARK: - Off the caller's thread

    func read<T: Sendable>(_ work: @escaping @Sendable (Device) throws -> T) async throws -> T {
        let device = device
        return try await run(on: reads) { try work(device) }
    }

    func write<T: Sendable>(_ work: @escaping @Sendable (Device) throws -> T) async throws -> T {
        let device = device
        return try await run(on: verbs) { try work(device) }
    }

    // A task of its own, so that the caller's cancellation doesn't reach it: half a pause is none.
    private func unhindered(_ work: @escaping @Sendable (Device) async throws -> Void) async throws {
        let device = device
        try await Task { try await cancellable { try await work(device) } }.value
    }
}

/// Runs work that waits for the disk outside of Swift's own threads, which must never wait.
///
/// Not `throws(OffdeskError)`: callers who catch some of its cases would make the compiler of Swift 6.0 fail an assertion.
func run<T: Sendable>(on queue: DispatchQueue, _ work: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
        queue.async { continuation.resume(with: Result(catching: work).mapError(OffdeskError.init)) }
    }
}

/// Runs work that talks to the relay on the library's own threads. Cancelling the task cancels it there.
func cancellable<T: Sendable>(_ work: () async throws -> T) async throws -> T {
    do {
        return try await work()
    } catch let cancelled as CancellationError {
        throw cancelled
    } catch {
        throw OffdeskError(error)
    }
}

extension OffdeskError {
    /// What the border throws is an `OffdeskError`, but for defects of the library: those must not end the app.
    init(_ error: any Error) {
        self = error as? OffdeskError ?? .storage(reason: "the library failed: \(error)")
    }
}
