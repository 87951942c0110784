import Foundation
import Observation
import OffdeskAPI

/// The inbox: filters, the toggle, search, and triage by swipe with a way back.
@MainActor @Observable
public final class InboxModel {
    public var query = InboxQuery()
    public var typed = ""
    public private(set) var rows: [InboxRow] = []
    public private(set) var hits: [CustomerHit] = []
    public private(set) var status = StatusLine(SyncState())
    /// Whether this member may toggle between all conversations and their own.
    public private(set) var hasToggle = false
    public private(set) var me: Person?
    /// The last swipe, while it can be taken back.
    public private(set) var done: Done?
    public var failure: String?

    public struct Done: Equatable, Sendable {
        public let said: String
        let undoable: Undoable
    }

    private let desk: any Desk

    public init(_ desk: any Desk) {
        self.desk = desk
    }

    /// Follows the rows of the query until its task is cancelled: the screen starts it anew when the query changes.
    public func followRows() async {
        await failing {
            if me == nil {
                try await lookAtMe()
            }
            for try await rows in desk.inbox(query) {
                self.rows = rows
            }
        }
    }

    public func followStatus() async {
        await failing {
            var before: SyncState.Connection?
            for try await state in desk.sync() {
                status = StatusLine(state)
                // Name and access come with the first sync, and may change with each.
                if state.connection == .live, before != .live {
                    try await lookAtMe()
                }
                before = state.connection
            }
        }
    }

    private func lookAtMe() async throws {
        let me = try await desk.me()
        (self.me, hasToggle) = (me, me.hasToggle)
    }

    /// Searches for what is typed; the screen starts it anew at each keystroke.
    public func search() async {
        let typed = typed.trimmingCharacters(in: .whitespaces)
        guard !typed.isEmpty else {
            hits = []
            return
        }
        await failing {
            let hits = try await desk.search(typed)
            guard !Task.isCancelled else { return }
            self.hits = hits
        }
    }

    public func close(_ row: InboxRow) async {
        await triage(row, .close, "Closed \(row.title)")
    }

    public func reopen(_ row: InboxRow) async {
        await triage(row, .reopen, "Opened \(row.title)")
    }

    public func snooze(_ row: InboxRow, until: Date) async {
        await triage(row, .snooze(until: until), "\(row.title) rests")
    }

    public func take(_ row: InboxRow) async {
        guard let me else { return }
        await triage(row, .assign(member: me.id), "\(row.title) is yours")
    }

    public func markUnread(_ row: InboxRow) async {
        await failing { _ = try await desk.triage(row.id, .markUnread) }
    }

    public func undo() async {
        guard let done else { return }
        self.done = nil
        await failing { try await desk.undo(done.undoable) }
    }

    /// The way back is shown for some seconds only.
    public func forgetDone() {
        done = nil
    }

    private func triage(_ row: InboxRow, _ action: Triage, _ said: String) async {
        await failing {
            let undoable = try await desk.triage(row.id, action)
            done = Done(said: said, undoable: undoable)
        }
    }

    private func failing(_ work: () async throws -> Void) async {
        failure = await sentence(of: work) ?? failure
    }
}

/// What the line above the list says of sync.
public struct StatusLine: Equatable, Sendable {
    public let text: String
    /// Whether it is to be noticed.
    public let urgent: Bool

    public init(_ state: SyncState) {
        let waiting = state.pending == 1 ? "1 waits to be sent" : "\(state.pending) wait to be sent"
        (text, urgent) =
            if state.revoked {
                ("Your access was ended by an administrator", true)
            } else if state.locked {
                ("Out of contact for too long: connect to unlock", true)
            } else if state.attention > 0 {
                ("\(state.attention) need your attention", true)
            } else if state.held > 0 {
                ("\(state.held) held: decide what becomes of them", true)
            } else {
                switch state.connection {
                case .offline: (state.pending > 0 ? "Offline · \(waiting)" : "Offline", false)
                case .connecting: (state.pending > 0 ? "Connecting · \(waiting)" : "Connecting", false)
                case .catchingUp(let done, let total): (total > 0 ? "Updating \(done) of \(total)" : "Updating", false)
                case .live: (state.pending > 0 ? "Sending" : "Up to date", false)
                case .stuck: ("Connected, but nothing moves", true)
                case .refused: ("The relay refuses this device: enrol it anew", true)
                }
            }
    }
}

/// Runs work for a screen and answers what to tell if it fails. A screen that has gone wants to hear nothing.
@MainActor
func sentence(of work: () async throws -> Void) async -> String? {
    do {
        try await work()
        return nil
    } catch is CancellationError {
        return nil
    } catch {
        return error.localizedDescription
    }
}
