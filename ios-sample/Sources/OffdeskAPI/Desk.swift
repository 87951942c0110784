import Foundation

/// A shared inbox on this device, as the screens see it. ``OffdeskAPI`` knows nothing of Rust; `OffdeskRust` plays this protocol
/// over the library, `OffdeskFake` in memory.
///
/// What a method did is durable when it returns. Everything that fails throws an error whose `localizedDescription` is a
/// sentence to be shown.
public protocol Desk: Sendable {
    // What screens follow: the whole value, first as it is and then after each change.
    func inbox(_ query: InboxQuery) -> AsyncThrowingStream<[InboxRow], any Error>
    func messages(of conversation: String) -> AsyncThrowingStream<[Bubble], any Error>
    func panel(of conversation: String) -> AsyncThrowingStream<Panel?, any Error>
    func alerts() -> AsyncThrowingStream<[AlertItem], any Error>
    func outbox() -> AsyncThrowingStream<[OutboxEntry], any Error>
    func sync() -> AsyncThrowingStream<SyncState, any Error>

    // What they ask.
    func me() async throws -> Person
    func colleagues() async throws -> [Person]
    func search(_ typed: String) async throws -> [CustomerHit]
    func draft(in conversation: String) async throws -> String
    func explain(_ alert: String) async throws -> AlertExplanation
    func diagnostics() async -> String

    // What the member does.
    func startConversation(phone: String, name: String?, text: String) async throws -> String
    @discardableResult func reply(to conversation: String, text: String) async throws -> Undoable
    func note(in conversation: String, text: String) async throws
    func setDraft(_ text: String, in conversation: String) async throws
    func markRead(_ conversation: String) async throws
    @discardableResult func triage(_ conversation: String, _ action: Triage) async throws -> Undoable
    func undo(_ undoable: Undoable) async throws
    func decide(_ decision: HeldDecision, on message: String, in conversation: String) async throws
    func retry(_ intent: String) async throws
    func discard(_ intent: String) async throws
    func dismiss(_ alert: String) async throws

    // The device's life.
    func start() async throws
    func setNetwork(online: Bool) async throws
    func syncOnce(deadline: Duration) async throws
    func pause() async throws
    func resume() async throws
}

/// Makes a ``Desk``: opens the one that is on this device, or enrols one.
public protocol DeskMaker: Sendable {
    /// The desk on this device; `nil` if none was enrolled yet.
    func open() async throws -> (any Desk)?
    func enrol(relay: String, code: String, deviceName: String) async throws -> any Desk
}
