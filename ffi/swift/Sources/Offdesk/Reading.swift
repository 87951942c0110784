import Foundation
import OffdeskBindings

extension Offdesk {
    // MARK: - Inbox

    /// A page of the conversations on the dashboard that the filter takes, the latest first: 50, or `limit`, of those behind
    /// `after`.
    public func inbox(
        _ filter: InboxFilter = InboxFilter(), limit: Int? = nil, after: PageKey? = nil
    ) async throws -> InboxPage {
        try await read { try $0.inbox(filter: filter, limit: rows(limit), after: after) }
    }

    /// The first rows of an inbox: 50, or `limit`.
    public func observeInbox(_ filter: InboxFilter = InboxFilter(), limit: Int? = nil) -> Live<[ConversationRow]> {
        live { try $0.observeInbox(filter: filter, limit: rows(limit)) }
    }

    /// Counts beside the list.
    public func counts() async throws -> Counts {
        try await read { try $0.counts() }
    }

    /// Customers by name and phone, as typed so far; works offline.
    public func search(_ typed: String, limit: Int? = nil) async throws -> [SearchHit] {
        try await read { try $0.search(typed: typed, limit: rows(limit)) }
    }

    /// Conversations by what was said in them, as typed so far; works offline.
    public func searchMessages(_ typed: String, limit: Int? = nil) async throws -> MessageHits {
        try await read { try $0.searchMessages(typed: typed, limit: rows(limit)) }
    }

    /// The member's saved filters, by name.
    public func savedFilters() async throws -> [SavedFilter] {
        try await read { try $0.savedFilters() }
    }

    // MARK: - Conversation

    /// One conversation with everything that is shown of it.
    public func conversation(_ id: ConversationId) async throws -> ConversationView {
        try await read { try $0.conversation(id: id) }
    }

    /// The messages of one conversation, in the relay's order, this device's pending ones last.
    public func observeMessages(of conversation: ConversationId) -> Live<[Message]> {
        live { try $0.observeMessages(conversation: conversation) }
    }

    /// One message.
    public func message(_ message: IntentId, in conversation: ConversationId) async throws -> Message {
        try await read { try $0.message(conversation: conversation, message: message) }
    }

    /// The panel beside a conversation: the customer's details, and the conversation's.
    public func panels(of conversation: ConversationId) async throws -> Panels {
        try await read { try $0.panels(conversation: conversation) }
    }

    /// The panel beside a conversation; `nil` while the conversation is not on this device.
    public func observePanels(of conversation: ConversationId) -> Live<Panels?> {
        live(only: { try $0.observePanels(conversation: conversation) })
    }

    /// This member's draft in a conversation.
    public func draft(in conversation: ConversationId) async throws -> String? {
        try await read { try $0.draft(conversation: conversation) }
    }

    /// The colleagues who are in a conversation right now.
    public func colleagues(in conversation: ConversationId) async throws -> [Colleague] {
        try await read { try $0.colleagues(conversation: conversation) }
    }

    /// The colleagues who are in a conversation, as they come, write and go.
    public func observeColleagues(in conversation: ConversationId) -> Live<[Colleague]> {
        live { try $0.observeColleagues(conversation: conversation) }
    }

    // MARK: - Contacts

    /// Contacts by name, or those that `typed` finds: the first 50, or `limit`.
    public func contacts(_ typed: String = "", limit: Int? = nil) async throws -> [ContactRow] {
        try await read { try $0.contacts(typed: typed, limit: rows(limit)) }
    }

    /// The first contacts by name: 50, or `limit`.
    public func observeContacts(limit: Int? = nil) -> Live<[ContactRow]> {
        live { try $0.observeContacts(limit: rows(limit)) }
    }

    /// A customer's card.
    public func contact(_ id: ContactId) async throws -> Contact {
        try await read { try $0.contact(id: id) }
    }

    /// A contact's record as far as it is here; ``openRecord(of:)`` asks the relay for the rest.
    public func record(of contact: ContactId) async throws -> Record {
        try await read { try $0.record(contact: contact) }
    }

    /// The conversations of a contact's record.
    public func observeRecord(of contact: ContactId) -> Live<[ConversationRow]> {
        live { try $0.observeRecord(contact: contact) }
    }

    // MARK: - Outbox

    /// What has not arrived: saved, on its way, held, or in need of attention; the latest first.
    public func outbox() async throws -> [OutboxItem] {
        try await read { try $0.outbox() }
    }

    /// The outbox as it changes.
    public func observeOutbox() -> Live<[OutboxItem]> {
        live { try $0.observeOutbox() }
    }

    // MARK: - Alerts

    /// The alerts that stand and the reminders that are due, the latest first, each with whether it is to be shown.
    public func alerts() async throws -> [Alert] {
        try await read { try $0.alerts() }
    }

    /// The alerts that show, also as nothing but time passes: one that comes is to be shown, one that goes to be taken back.
    public func observeAlerts() -> Live<[Alert]> {
        live { try $0.observeAlerts() }
    }

    /// How many alerts show: what the badge says.
    public func badge() async throws -> Int {
        try await read { Int(try $0.badge()) }
    }

    /// Everything that will show until `until` though nothing happens, the next first: for the system's own scheduler, in
    /// place of what was given to it before.
    public func nextAlerts(until: Date) async throws -> [ScheduledAlert] {
        let until = try until.forRust()
        return try await read { try $0.nextAlerts(until: until) }
    }

    /// Why an alert was raised, and whether it stands and shows.
    public func explain(_ alert: AlertId) async throws -> Explanation {
        try await read { try $0.explain(alert: alert) }
    }

    /// Why this member was not told of a message.
    public func whyNot(_ message: IntentId, in conversation: ConversationId) async throws -> Explanation {
        try await read { try $0.whyNot(conversation: conversation, message: message) }
    }

    /// This member's quiet hours, if they have any.
    public func quietHours() async throws -> QuietHours? {
        try await read { try $0.quietHours() }
    }

    // MARK: - Workspace

    /// Who uses this device, and what they may do.
    public func me() async throws -> Me {
        try await read { try $0.me() }
    }

    /// The workspace's members, deactivated ones included, by name.
    public func members() async throws -> [Member] {
        try await read { try $0.members() }
    }

    /// The workspace's name, numbers and queues.
    public func workspace() async throws -> Workspace {
        try await read { try $0.workspace() }
    }

    /// Canned responses whose shortcut or text holds what was typed.
    public func cannedResponses(_ typed: String = "") async throws -> [CannedResponse] {
        try await read { try $0.cannedResponses(typed: typed) }
    }

    /// What a text with variables becomes in this conversation.
    ///
    /// - Throws: ``OffdeskError/forbidden(reason:)`` for a text that is no template.
    public func previewCanned(_ text: String, in conversation: ConversationId) async throws -> Expanded {
        try await read { try $0.previewCanned(conversation: conversation, text: text) }
    }
}

private func rows(_ limit: Int?) -> UInt32? {
    limit.map { UInt32(clamping: $0) }
}
