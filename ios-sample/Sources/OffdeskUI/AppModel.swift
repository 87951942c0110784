import Foundation
import Observation
import OffdeskAPI

/// The app: opening or enrolling the device, its life with the system's, and what is open.
@MainActor @Observable
public final class AppModel {
    public enum Phase {
        case opening
        /// Nothing is on this device yet.
        case enrolling
        case ready(any Desk)
        case failed(String)
    }

    public private(set) var phase = Phase.opening
    public private(set) var enrolling = false
    public var failure: String?
    /// The conversation that a notification or link asks for.
    public var opened: String?

    private let maker: any DeskMaker

    public init(_ maker: any DeskMaker) {
        self.maker = maker
    }

    public var desk: (any Desk)? {
        if case .ready(let desk) = phase { desk } else { nil }
    }

    public func open() async {
        do {
            if let desk = try await maker.open() {
                try await desk.start()
                phase = .ready(desk)
            } else {
                phase = .enrolling
            }
        } catch {
            phase = .failed(error.localizedDescription)
        }
    }

    public func enrol(relay: String, code: String, deviceName: String) async {
        guard !enrolling else { return }
        enrolling = true
        defer { enrolling = false }
        failure = await sentence {
            let code = code.trimmingCharacters(in: .whitespacesAndNewlines)
            let desk = try await maker.enrol(relay: relay, code: code, deviceName: deviceName)
            try await desk.start()
            phase = .ready(desk)
        }
    }

    /// The app comes to the front: what it let go of, it takes up again.
    public func becameActive() async {
        guard let desk else { return }
        failure = await sentence { try await desk.resume() } ?? failure
    }

    /// The app is about to be suspended: the system ends apps that hold a lock on a shared file then.
    public func willSuspend() async {
        guard let desk else { return }
        failure = await sentence { try await desk.pause() } ?? failure
    }

    /// A wake-up in the background: one bounded sync, and nothing held afterwards. Answers whether all was fetched.
    public func refresh(deadline: Duration = .seconds(20)) async -> Bool {
        if case .opening = phase { await open() }
        guard let desk else { return false }
        var done = false
        failure = await sentence {
            try await desk.resume()
            try await desk.syncOnce(deadline: deadline)
            done = true
        } ?? failure
        await willSuspend()
        return done
    }

    /// `offdesk://conversation/<id>`: a notification's link.
    public func open(_ link: URL) {
        guard link.scheme == "offdesk", link.host == "conversation" else { return }
        let id = link.lastPathComponent
        opened = id.isEmpty || id == "/" ? opened : id
    }
}

/// What the settings show.
@MainActor @Observable
public final class SettingsModel {
    public private(set) var me: Person?
    public private(set) var state = SyncState()
    public private(set) var diagnostics = ""
    public var failure: String?

    private let desk: any Desk

    public init(_ desk: any Desk) {
        self.desk = desk
    }

    public func follow() async {
        failure = await sentence {
            me = try await desk.me()
            for try await state in desk.sync() {
                self.state = state
            }
        } ?? failure
    }

    public func collectDiagnostics() async {
        diagnostics = await desk.diagnostics()
    }
}
