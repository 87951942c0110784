import Foundation
import Offdesk
import OffdeskAPI

/// A ``Desk`` over the library.
public struct RustDesk: Desk {
    let offdesk: Offdesk

    public init(_ offdesk: Offdesk) {
        self.offdesk = offdesk
    }

    // MARK: - What screens follow

    public func inbox(_ query: InboxQuery) -> AsyncThrowingStream<[InboxRow], any Error> {
        let names = Names(offdesk)
        return following(offdesk.observeInbox(query.filter(), limit: query.limit)) { rows in
            let names = await names.of(rows.flatMap { $0.assignees.map(\.member) })
            return rows.map { InboxRow($0, names: names) }
        }
    }

    public func messages(of conversation: String) -> AsyncThrowingStream<[Bubble], any Error> {
        let names = Names(offdesk)
        return following(offdesk.observeMessages(of: ConversationId(conversation))) { messages in
            let names = await names.of(messages.compactMap(\.by))
            return messages.map { Bubble($0, names: names) }
        }
    }

    public func panel(of conversation: String) -> AsyncThrowingStream<Panel?, any Error> {
        let names = Names(offdesk)
        return following(offdesk.observePanels(of: ConversationId(conversation))) { panels in
            guard let panels else { return nil }
            let names = await names.of(panels.conversation.assignments.map(\.member))
            return Panel(panels, names: names)
        }
    }

    public func alerts() -> AsyncThrowingStream<[AlertItem], any Error> {
        following(offdesk.observeAlerts()) { $0.map(AlertItem.init) }
    }

    public func outbox() -> AsyncThrowingStream<[OutboxEntry], any Error> {
        following(offdesk.observeOutbox()) { $0.map(OutboxEntry.init) }
    }

    public func sync() -> AsyncThrowingStream<SyncState, any Error> {
        following(offdesk.observeStatus()) { SyncState($0) }
    }

    // MARK: - What they ask

    public func me() async throws -> Person {
        let me = try await offdesk.me()
        return Person(id: me.member.text, name: me.name, hasToggle: me.hasToggle)
    }

    public func colleagues() async throws -> [Person] {
        try await offdesk.members().filter(\.active).map { Person(id: $0.id.text, name: $0.name) }
    }

    public func search(_ typed: String) async throws -> [CustomerHit] {
        try await offdesk.search(typed).map { hit in
            CustomerHit(
                id: hit.contact.id.text,
                name: hit.contact.displayName,
                phones: hit.contact.phones,
                conversations: hit.conversations.map { InboxRow($0, names: [:]) }
            )
        }
    }

    public func draft(in conversation: String) async throws -> String {
        try await offdesk.draft(in: ConversationId(conversation)) ?? ""
    }

    public func explain(_ alert: String) async throws -> AlertExplanation {
        let explained = try await offdesk.explain(AlertId(alert))
        let facts = explained.facts.map { Panel.Fact($0.name, $0.value) }
        return AlertExplanation(rule: explained.rule, sentences: explained.sentences, facts: facts)
    }

    public func diagnostics() async -> String {
        await offdesk.diagnostics()
    }

    // MARK: - What the member does

    public func startConversation(phone: String, name: String?, text: String) async throws -> String {
        try await offdesk.startConversation(phone: phone, name: name, text: text).conversation.text
    }

    public func reply(to conversation: String, text: String) async throws -> Undoable {
        Undoable(try await offdesk.reply(to: ConversationId(conversation), text: text).text)
    }

    public func note(in conversation: String, text: String) async throws {
        try await offdesk.note(in: ConversationId(conversation), text: text)
    }

    public func setDraft(_ text: String, in conversation: String) async throws {
        try await offdesk.setDraft(text, in: ConversationId(conversation))
    }

    public func markRead(_ conversation: String) async throws {
        try await offdesk.markRead(ConversationId(conversation))
    }

    public func triage(_ conversation: String, _ action: Triage) async throws -> Undoable {
        let id = ConversationId(conversation)
        switch action {
        case .close: return Undoable(try await offdesk.closeConversation(id).text)
        case .reopen: return Undoable(try await offdesk.reopen(id).text)
        case .snooze(let until): return Undoable(try await offdesk.snooze(id, until: until).text)
        case .wake: return Undoable(try await offdesk.wake(id).text)
        case .assign(let member): return Undoable(try await offdesk.assign(MemberId(member), to: id).text)
        case .markUnread:
            try await offdesk.markUnread(id)
            return Undoable(nil)
        }
    }

    public func undo(_ undoable: Undoable) async throws {
        guard let intent = undoable.intent else { return }
        try await offdesk.undo(IntentId(intent))
    }

    public func decide(_ decision: HeldDecision, on message: String, in conversation: String) async throws {
        let (message, conversation) = (IntentId(message), ConversationId(conversation))
        switch decision {
        case .send: try await offdesk.sendHeld(message, in: conversation)
        case .drop: try await offdesk.dropHeld(message, in: conversation)
        case .edit(let text): try await offdesk.editHeld(message, in: conversation, text: text)
        }
    }

    public func retry(_ intent: String) async throws {
        try await offdesk.retry(IntentId(intent))
    }

    public func discard(_ intent: String) async throws {
        try await offdesk.discard(IntentId(intent))
    }

    public func dismiss(_ alert: String) async throws {
        try await offdesk.dismissAlert(AlertId(alert))
    }

    // MARK: - The device's life

    public func start() async throws {
        try await offdesk.start()
    }

    public func setNetwork(online: Bool) async throws {
        try await offdesk.setNetwork(online ? .online : .offline)
    }

    public func syncOnce(deadline: Duration) async throws {
        _ = try await offdesk.syncOnce(deadline: deadline)
    }

    public func pause() async throws {
        try await offdesk.pause()
    }

    public func resume() async throws {
        try await offdesk.resume()
    }
}

/// A stream of what a live list gives, for screens. The list ends when the stream's reader does.
private func following<Value: Sendable, Shown: Sendable>(
    _ live: Live<Value>, _ shown: @escaping @Sendable (Value) async -> Shown
) -> AsyncThrowingStream<Shown, any Error> {
    // A slow screen wants the latest, not all that came before it.
    AsyncThrowingStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
        let task = Task {
            do {
                for try await value in live {
                    continuation.yield(await shown(value))
                }
                continuation.finish()
            } catch {
                continuation.finish(throwing: error)
            }
        }
        continuation.onTermination = { _ in task.cancel() }
    }
}

/// Members' names, asked for again only when somebody unknown turns up.
private actor Names {
    private let offdesk: Offdesk
    private var known: [MemberId: String] = [:]

    init(_ offdesk: Offdesk) {
        self.offdesk = offdesk
    }

    func of(_ members: [MemberId]) async -> [MemberId: String] {
        if members.contains(where: { known[$0] == nil }), let all = try? await offdesk.members() {
            known = Dictionary(all.map { ($0.id, $0.name) }, uniquingKeysWith: { first, _ in first })
        }
        return known
    }
}
