import Foundation
import Offdesk
import OffdeskAPI

// From the library's values to the screens'.

extension InboxQuery {
    func filter() -> InboxFilter {
        switch filter {
        case .open: InboxFilter(mine: mine, status: .open, snoozed: false)
        case .unread: InboxFilter(mine: mine, unread: true)
        case .needsReply: InboxFilter(mine: mine, status: .open, needsReply: true)
        case .snoozed: InboxFilter(mine: mine, status: .open, snoozed: true)
        case .closed: InboxFilter(mine: mine, status: .closed)
        }
    }
}

extension InboxRow {
    init(_ row: ConversationRow, names: [MemberId: String]) {
        self.init(id: row.id.text, title: row.contactName, preview: row.preview, at: row.lastActivity)
        unread = row.unread
        needsReply = row.needsReply
        closed = row.status == .closed
        snoozedUntil = row.snoozedUntil
        assignees = row.assignees.compactMap { names[$0.member] }
        tags = row.tags
        draft = row.draft
        pending = Int(row.pending)
        held = Int(row.held)
    }
}

extension Bubble {
    init(_ message: Message, names: [MemberId: String]) {
        let side: Side =
            switch message.kind {
            case .inbound: .theirs
            case .outbound: .ours
            case .note: .note
            }
        let author = message.by.flatMap { names[$0] }
        self.init(
            id: message.id.text, side: side, text: message.text, at: message.at, author: author,
            step: Step(message.delivery)
        )
    }
}

extension Bubble.Step {
    init(_ delivery: Delivery) {
        self =
            switch delivery {
            case .saved: .saved
            case .received, .internal: .none
            case .accepted: .accepted
            case .held: .held
            case .scheduled(let at): .scheduled(at)
            case .dropped: .dropped
            case .handedOver: .handedOver
            case .sent: .sent
            case .delivered: .delivered
            case .failed(let reason): .failed(reason)
            case .unknown, .newer: .unknown
            }
    }
}

extension Panel {
    init(_ panels: Panels, names: [MemberId: String]) {
        let card = panels.customer.card
        var customer = (card?.phones ?? []).enumerated().map { Fact($0.offset == 0 ? "Phone" : "Phone \($0.offset + 1)", $0.element) }
        if let email = card?.email {
            customer.append(Fact("E-mail", email))
        }
        customer += (card?.custom ?? []).map { Fact($0.name, $0.value) }
        let about = panels.conversation
        var conversation = [Fact("Status", about.status == .open ? "Open" : "Closed")]
        let assigned = Set(about.assignments.map(\.member)).compactMap { names[$0] }.sorted()
        conversation.append(Fact("Assigned", assigned.isEmpty ? "Nobody" : assigned.joined(separator: ", ")))
        if let queue = about.queueName {
            conversation.append(Fact("Queue", queue))
        }
        if !about.tags.isEmpty {
            conversation.append(Fact("Tags", about.tags.joined(separator: ", ")))
        }
        conversation += about.details.map { Fact($0.name, $0.value) }
        self.init(
            name: panels.customer.name,
            customer: customer,
            conversation: conversation,
            others: panels.customer.others.map { InboxRow($0, names: names) }
        )
    }
}

extension AlertItem {
    init(_ alert: Alert) {
        self.init(
            id: alert.id.text, conversation: alert.conversation.text, title: alert.contactName, text: alert.text,
            at: alert.at, sounds: alert.shows == .now
        )
    }
}

extension OutboxEntry {
    init(_ item: OutboxItem) {
        let state: State =
            switch item.state {
            case .saved: .saved
            case .sending: .sending
            case .waiting: .waiting
            case .held(because: _, let text): .held(by: text)
            case .scheduled(let at): .scheduled(at)
            case .needsAttention(let why): .needsAttention(why.sentence)
            }
        self.init(
            id: item.intent.text, conversation: item.conversation?.text, title: item.contactName, what: item.verb,
            text: item.text, state: state
        )
    }
}

extension Attention {
    /// What to tell its author.
    var sentence: String {
        switch self {
        case .rejected(code: _, let reason): reason
        case .needsAccess: "A colleague has this conversation already, and you may not write in it."
        case .accessLost: "You lost access to this conversation before this was delivered."
        case .noLongerApplies(let reason): reason
        }
    }
}

extension SyncState {
    init(_ status: SyncStatus) {
        let connection: Connection =
            switch status.connection {
            case .offline: .offline
            case .connecting: .connecting
            case .catchingUp(let done, let total): .catchingUp(done: Int(done), total: Int(total))
            case .live: .live
            case .notProgressing: .stuck
            case .unauthorized: .refused
            }
        self.init(connection)
        pending = Int(status.pending)
        attention = Int(status.attention)
        held = Int(status.held)
        locked = status.locked
        revoked = status.revoked
        lastError = status.lastError
    }
}
