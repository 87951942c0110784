import Foundation
import OffdeskAPI

extension FakeDesk.State {
    /// A Tuesday morning, for previews and tests: three customers, one of whom waits.
    public static func tuesday(now: Date = Date()) -> Self {
        var state = Self()
        var maria = InboxRow(id: "maria", title: "Maria López", preview: "Is my order ready?", at: now - 120)
        (maria.unread, maria.needsReply) = (true, true)
        var farid = InboxRow(id: "farid", title: "Farid Haddad", preview: "Thank you, that worked!", at: now - 3600)
        (farid.assignees, farid.tags) = (["Ada"], ["vip"])
        var ines = InboxRow(id: "ines", title: "+1 415 555 0188", preview: "I'll check.", at: now - 7200)
        (ines.held, ines.assignees) = (1, ["Ada"])
        state.rows = [maria, farid, ines]
        state.messages = [
            "maria": [Bubble(id: "m1", side: .theirs, text: "Is my order ready?", at: now - 120)],
            "farid": [
                Bubble(id: "f1", side: .ours, text: "Try it again, please.", at: now - 4000, author: "Ada", step: .delivered),
                Bubble(id: "f2", side: .theirs, text: "Thank you, that worked!", at: now - 3600),
            ],
            "ines": [
                Bubble(id: "i1", side: .theirs, text: "Is it broken?", at: now - 9000),
                Bubble(id: "i2", side: .theirs, text: "Never mind, I see it.", at: now - 7300),
                Bubble(id: "i3", side: .ours, text: "I'll check.", at: now - 7200, author: "Ada", step: .held),
            ],
        ]
        state.panels["maria"] = Panel(
            name: "Maria López",
            customer: [Panel.Fact("Phone", "+1 415 555 0123")],
            conversation: [Panel.Fact("Status", "Open"), Panel.Fact("Assigned", "Nobody")]
        )
        state.alerts = [
            AlertItem(id: "a1", conversation: "maria", title: "Maria López", text: "Is my order ready?", at: now - 120)
        ]
        state.outbox = [
            OutboxEntry(
                id: "i3", conversation: "ines", title: "+1 415 555 0188", what: "reply", text: "I'll check.",
                state: .held(by: "Never mind, I see it.")
            ),
            OutboxEntry(
                id: "o2", conversation: "farid", title: "Farid Haddad", what: "add_tag",
                state: .needsAttention("Your role doesn't allow it.")
            ),
        ]
        (state.sync.held, state.sync.attention) = (1, 1)
        return state
    }
}

/// A maker of fake desks: a device that was enrolled, or one that takes the code `1234`.
public struct FakeDeskMaker: DeskMaker {
    private let desk: FakeDesk?

    public init(_ desk: FakeDesk?) {
        self.desk = desk
    }

    public func open() async throws -> (any Desk)? { desk }

    public func enrol(relay: String, code: String, deviceName: String) async throws -> any Desk {
        guard code == "1234" else {
            throw FakeDesk.Failure("The code is not known: ask an administrator for another one.")
        }
        return FakeDesk(.tuesday())
    }
}
