import Foundation
import OffdeskAPI

/// A desk in memory, for previews and tests: what is done shows at once, and a test says what the relay does.
public actor FakeDesk: Desk {
    /// What everything shown is made of.
    public struct State: Sendable {
        public var rows: [InboxRow] = []
        public var messages: [String: [Bubble]] = [:]
        public var panels: [String: Panel] = [:]
        public var alerts: [AlertItem] = []
        public var outbox: [OutboxEntry] = []
        public var sync = SyncState(.live)
        public var drafts: [String: String] = [:]
        public var people = [Person(id: "ada", name: "Ada"), Person(id: "ben", name: "Ben")]
        public var online = true
        public var paused = false

        public init() {}
    }

    /// A failure as the library has them: with a sentence for people.
    public struct Failure: LocalizedError, Equatable {
        public let errorDescription: String?

        public init(_ sentence: String) {
            errorDescription = sentence
        }
    }

    public private(set) var state: State
    /// What the next call that does something fails with.
    private var failing: Failure?
    private var followers: [UUID: @Sendable (State) -> Void] = [:]
    private var undo: [String: State] = [:]
    private var made = 0

    public init(_ state: State = State()) {
        self.state = state
    }

    /// How many streams are followed, for tests that none is left.
    public var followed: Int { followers.count }

    /// Something happens: a customer writes, the relay answers.
    public func happens(_ change: @Sendable (inout State) -> Void) {
        change(&state)
        followers.values.forEach { $0(state) }
    }

    /// Lets the next call that does something fail.
    public func failNext(_ sentence: String) {
        failing = Failure(sentence)
    }

    private func act(_ change: (inout State) throws -> Void) throws {
        if let failure = failing {
            failing = nil
            throw failure
        }
        try change(&state)
        followers.values.forEach { $0(state) }
    }

    private func undoable(_ change: (inout State) throws -> Void) throws -> Undoable {
        let before = state
        try act(change)
        made += 1
        undo["intent \(made)"] = before
        return Undoable("intent \(made)")
    }

    // MARK: - What screens follow

    private nonisolated func following<Value: Equatable & Sendable>(
        _ look: @escaping @Sendable (State) -> Value
    ) -> AsyncThrowingStream<Value, any Error> {
        AsyncThrowingStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
            let id = UUID()
            continuation.onTermination = { _ in Task { await self.leave(id) } }
            Task { await self.join(id) { continuation.yield(look($0)) } }
        }
    }

    private func join(_ id: UUID, _ told: @escaping @Sendable (State) -> Void) {
        followers[id] = told
        told(state)
    }

    private func leave(_ id: UUID) {
        followers[id] = nil
    }

    public nonisolated func inbox(_ query: InboxQuery) -> AsyncThrowingStream<[InboxRow], any Error> {
        following { state in
            state.rows
                .filter { row in
                    let taken =
                        switch query.filter {
                        case .open: !row.closed && row.snoozedUntil == nil
                        case .unread: row.unread
                        case .needsReply: !row.closed && row.needsReply
                        case .snoozed: !row.closed && row.snoozedUntil != nil
                        case .closed: row.closed
                        }
                    return taken && (!query.mine || row.assignees.contains("Ada"))
                }
                .sorted { $0.at > $1.at }
                .prefix(query.limit)
                .map { $0 }
        }
    }

    public nonisolated func messages(of conversation: String) -> AsyncThrowingStream<[Bubble], any Error> {
        following { $0.messages[conversation] ?? [] }
    }

    public nonisolated func panel(of conversation: String) -> AsyncThrowingStream<Panel?, any Error> {
        following { $0.panels[conversation] }
    }

    public nonisolated func alerts() -> AsyncThrowingStream<[AlertItem], any Error> {
        following(\.alerts)
    }

    public nonisolated func outbox() -> AsyncThrowingStream<[OutboxEntry], any Error> {
        following(\.outbox)
    }

    public nonisolated func sync() -> AsyncThrowingStream<SyncState, any Error> {
        following(\.sync)
    }

    // MARK: - What they ask

    public func me() -> Person { state.people[0] }

    public func colleagues() -> [Person] { state.people }

    public func search(_ typed: String) -> [CustomerHit] {
        state.rows.filter { $0.title.localizedCaseInsensitiveContains(typed) }.map {
            CustomerHit(id: $0.id, name: $0.title, phones: [], conversations: [$0])
        }
    }

    public func draft(in conversation: String) -> String { state.drafts[conversation] ?? "" }

    public func explain(_ alert: String) throws -> AlertExplanation {
        guard state.alerts.contains(where: { $0.id == alert }) else {
            throw Failure("this device knows of no alert \(alert)")
        }
        return AlertExplanation(rule: "R12", sentences: ["The customer wrote.", "Nobody was assigned."])
    }

    public func diagnostics() -> String { "{}" }

    // MARK: - What the member does

    public func startConversation(phone: String, name: String?, text: String) throws -> String {
        let id = "conversation \(state.rows.count + 1)"
        try act { $0.rows.append(InboxRow(id: id, title: name ?? phone, preview: text, at: Date())) }
        _ = try reply(to: id, text: text)
        return id
    }

    public func reply(to conversation: String, text: String) throws -> Undoable {
        guard !text.allSatisfy(\.isWhitespace) else { throw Failure("write a text first: a message can't be empty") }
        return try undoable { state in
            let id = "message \(state.messages.values.joined().count + 1)"
            state.messages[conversation, default: []].append(
                Bubble(id: id, side: .ours, text: text, at: Date(), author: "Ada", step: .saved)
            )
            state.outbox.insert(
                OutboxEntry(id: id, conversation: conversation, title: conversation, what: "reply", text: text), at: 0
            )
            state.drafts[conversation] = nil
            state.sync.pending += 1
        }
    }

    public func note(in conversation: String, text: String) throws {
        try act { state in
            let id = "message \(state.messages.values.joined().count + 1)"
            let note = Bubble(id: id, side: .note, text: text, at: Date(), author: "Ada")
            state.messages[conversation, default: []].append(note)
            state.drafts[conversation] = nil
        }
    }

    public func setDraft(_ text: String, in conversation: String) throws {
        try act { $0.drafts[conversation] = text.isEmpty ? nil : text }
    }

    public func markRead(_ conversation: String) throws {
        try act { state in state.change(conversation) { $0.unread = false } }
    }

    public func triage(_ conversation: String, _ action: Triage) throws -> Undoable {
        try undoable { state in
            let people = state.people
            state.change(conversation) { row in
                switch action {
                case .close: row.closed = true
                case .reopen: row.closed = false
                case .snooze(let until): row.snoozedUntil = until
                case .wake: row.snoozedUntil = nil
                case .assign(let member): row.assignees = people.filter { $0.id == member }.map(\.name)
                case .markUnread: row.unread = true
                }
            }
        }
    }

    public func undo(_ undoable: Undoable) throws {
        guard let intent = undoable.intent, let before = undo.removeValue(forKey: intent) else {
            throw Failure("too late: it is already on its way")
        }
        try act { $0 = before }
    }

    public func decide(_ decision: HeldDecision, on message: String, in conversation: String) throws {
        try act { state in
            state.outbox.removeAll { $0.id == message }
            state.messages[conversation]?.indices.forEach { index in
                guard state.messages[conversation]?[index].id == message else { return }
                switch decision {
                case .send: state.messages[conversation]?[index].step = .sent
                case .drop: state.messages[conversation]?[index].step = .dropped
                case .edit(let text):
                    state.messages[conversation]?[index].text = text
                    state.messages[conversation]?[index].step = .sent
                }
            }
        }
    }

    public func retry(_ intent: String) throws {
        try act { state in
            for index in state.outbox.indices where state.outbox[index].id == intent {
                state.outbox[index].state = .saved
            }
        }
    }

    public func discard(_ intent: String) throws {
        try act { $0.outbox.removeAll { $0.id == intent } }
    }

    public func dismiss(_ alert: String) throws {
        try act { $0.alerts.removeAll { $0.id == alert } }
    }

    // MARK: - The device's life

    public func start() throws { try act { $0.paused = false } }
    public func setNetwork(online: Bool) throws { try act { $0.online = online } }
    public func syncOnce(deadline: Duration) throws { try act { $0.sync.pending = 0 } }
    public func pause() throws { try act { $0.paused = true } }
    public func resume() throws { try act { $0.paused = false } }
}

extension FakeDesk.State {
    mutating func change(_ conversation: String, _ change: (inout InboxRow) -> Void) {
        for index in rows.indices where rows[index].id == conversation {
            change(&rows[index])
        }
    }
}
