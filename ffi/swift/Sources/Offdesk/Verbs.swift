import Foundation
import OffdeskBindings

/// What a member does. A verb is durable when it returns, with or without a network. Those that return an intent can be taken
/// back with ``undo(_:)`` until it leaves.
extension Offdesk {
    // MARK: - Messages

    /// Starts a conversation by SMS, with a first message if a text is given. The phone is as a person types it; `name` is
    /// for a customer who is new here, `from` one of the workspace's numbers. One that is here already is opened again.
    ///
    /// - Throws: ``OffdeskError/invalidPhone(reason:)``, ``OffdeskError/forbidden(reason:)``,
    ///   ``OffdeskError/textTooLong(bytes:limit:)``.
    @discardableResult
    public func startConversation(
        phone: String, name: String? = nil, from: String? = nil, text: String? = nil
    ) async throws -> Started {
        try await write { try $0.startConversation(phone: phone, name: name, from: from, text: text) }
    }

    /// Sends a message to the customer, and assigns its author. Waits the undo window before it leaves.
    ///
    /// - Throws: ``OffdeskError/emptyText``, ``OffdeskError/textTooLong(bytes:limit:)``, ``OffdeskError/forbidden(reason:)``.
    @discardableResult
    public func reply(to conversation: ConversationId, text: String) async throws -> IntentId {
        try await write { try $0.reply(conversation: conversation, text: text) }
    }

    /// Sends a message to the customer at a later time, and assigns its author now. The relay keeps it until then.
    ///
    /// - Throws: as ``reply(to:text:)``, and ``OffdeskError/invalidTime(reason:)``.
    @discardableResult
    public func replyLater(
        to conversation: ConversationId, text: String, at: Date
    ) async throws -> IntentId {
        let at = try at.forRust()
        return try await write { try $0.replyLater(conversation: conversation, text: text, at: at) }
    }

    /// Adds an internal note, which is never sent. Members whom it mentions are alerted.
    ///
    /// - Throws: as ``reply(to:text:)``.
    @discardableResult
    public func note(
        in conversation: ConversationId, text: String, mentions: [MemberId] = []
    ) async throws -> IntentId {
        try await write { try $0.note(conversation: conversation, text: text, mentions: mentions) }
    }

    /// Sends a held or scheduled reply as it stands.
    ///
    /// - Throws: ``OffdeskError/notPossible(reason:)`` if it is not held any more, ``OffdeskError/forbidden(reason:)``.
    @discardableResult
    public func sendHeld(_ message: IntentId, in conversation: ConversationId) async throws -> IntentId {
        try await write { try $0.sendHeld(conversation: conversation, message: message) }
    }

    /// Drops a held or scheduled reply: it is never sent.
    ///
    /// - Throws: as ``sendHeld(_:in:)``.
    @discardableResult
    public func dropHeld(_ message: IntentId, in conversation: ConversationId) async throws -> IntentId {
        try await write { try $0.dropHeld(conversation: conversation, message: message) }
    }

    /// Sends another text in a held reply's place.
    ///
    /// - Throws: as ``sendHeld(_:in:)`` and ``reply(to:text:)``.
    @discardableResult
    public func editHeld(
        _ message: IntentId, in conversation: ConversationId, text: String
    ) async throws -> IntentId {
        try await write { try $0.editHeld(conversation: conversation, message: message, text: text) }
    }

    /// Keeps a draft, from the first keystroke on; an empty text removes it.
    public func setDraft(_ text: String, in conversation: ConversationId) async throws {
        try await write { try $0.setDraft(conversation: conversation, text: text) }
    }

    /// Puts a canned response into the draft, its variables filled in.
    @discardableResult
    public func insertCanned(
        _ canned: CannedRef, into conversation: ConversationId
    ) async throws -> Expanded {
        try await write { try $0.insertCanned(conversation: conversation, canned: canned) }
    }

    /// Says that the member has this conversation open, or none: colleagues are shown that while it lasts.
    public func lookAt(_ conversation: ConversationId?) async throws {
        try await write { try $0.lookAt(conversation: conversation) }
    }

    // MARK: - Triage

    /// Marks a conversation read on all of the member's devices.
    public func markRead(_ conversation: ConversationId) async throws {
        try await write { try $0.markRead(conversation: conversation) }
    }

    /// Marks many conversations read. If one of them is not on this device, none is.
    public func markRead(_ conversations: [ConversationId]) async throws {
        try await write { try $0.markEachRead(conversations: conversations) }
    }

    /// Marks a conversation unread until it is next read.
    public func markUnread(_ conversation: ConversationId) async throws {
        try await write { try $0.markUnread(conversation: conversation) }
    }

    /// Assigns a member.
    ///
    /// - Throws: ``OffdeskError/notEligible(name:)``, ``OffdeskError/forbidden(reason:)``.
    @discardableResult
    public func assign(_ member: MemberId, to conversation: ConversationId) async throws -> IntentId {
        try await write { try $0.assign(conversation: conversation, member: member) }
    }

    /// Ends a member's assignments.
    ///
    /// - Throws: ``OffdeskError/nothingToDo`` if they are not assigned, ``OffdeskError/forbidden(reason:)``.
    @discardableResult
    public func unassign(_ member: MemberId, from conversation: ConversationId) async throws -> IntentId {
        try await write { try $0.unassign(conversation: conversation, member: member) }
    }

    /// Closes a conversation; it opens again when the contact writes.
    ///
    /// - Throws: ``OffdeskError/forbidden(reason:)``.
    @discardableResult
    public func closeConversation(_ conversation: ConversationId) async throws -> IntentId {
        try await write { try $0.closeConversation(conversation: conversation) }
    }

    /// Opens a closed conversation again.
    ///
    /// - Throws: ``OffdeskError/nothingToDo`` if it is open, ``OffdeskError/forbidden(reason:)``.
    @discardableResult
    public func reopen(_ conversation: ConversationId) async throws -> IntentId {
        try await write { try $0.reopen(conversation: conversation) }
    }

    /// Lets a conversation rest until a time, or until the contact writes.
    ///
    /// - Throws: ``OffdeskError/invalidTime(reason:)``, ``OffdeskError/forbidden(reason:)``.
    @discardableResult
    public func snooze(_ conversation: ConversationId, until: Date) async throws -> IntentId {
        let until = try until.forRust()
        return try await write { try $0.snooze(conversation: conversation, until: until) }
    }

    /// Ends a conversation's rest.
    ///
    /// - Throws: ``OffdeskError/nothingToDo``, ``OffdeskError/forbidden(reason:)``.
    @discardableResult
    public func wake(_ conversation: ConversationId) async throws -> IntentId {
        try await write { try $0.wake(conversation: conversation) }
    }

    /// Says how urgent a conversation is.
    ///
    /// - Throws: ``OffdeskError/nothingToDo``, ``OffdeskError/forbidden(reason:)``.
    @discardableResult
    public func setPriority(
        _ priority: Priority, of conversation: ConversationId
    ) async throws -> IntentId {
        try await write { try $0.setPriority(conversation: conversation, priority: priority) }
    }

    /// Moves a conversation to a queue, or out of any.
    ///
    /// - Throws: ``OffdeskError/nothingToDo``, ``OffdeskError/forbidden(reason:)``.
    @discardableResult
    public func move(_ conversation: ConversationId, to queue: QueueId?) async throws -> IntentId {
        try await write { try $0.moveToQueue(conversation: conversation, queue: queue) }
    }

    /// Adds a tag.
    ///
    /// - Throws: ``OffdeskError/invalidValue(reason:)``, ``OffdeskError/nothingToDo``, ``OffdeskError/forbidden(reason:)``.
    @discardableResult
    public func addTag(_ tag: String, to conversation: ConversationId) async throws -> IntentId {
        try await write { try $0.addTag(conversation: conversation, tag: tag) }
    }

    /// Removes a tag.
    ///
    /// - Throws: as ``addTag(_:to:)``.
    @discardableResult
    public func removeTag(_ tag: String, from conversation: ConversationId) async throws -> IntentId {
        try await write { try $0.removeTag(conversation: conversation, tag: tag) }
    }

    /// Does something to many conversations in one write. What can't be done to one hinders none of the others.
    public func onEach(
        _ conversations: [ConversationId], _ action: BulkAction
    ) async throws -> [BulkOutcome] {
        if case .snooze(let until) = action {
            _ = try until.forRust()
        }
        return try await write { try $0.onEach(conversations: conversations, action: action) }
    }

    // MARK: - Intents

    /// Takes back something that has not left yet.
    ///
    /// - Throws: ``OffdeskError/tooLate`` once it is on its way.
    public func undo(_ intent: IntentId) async throws {
        try await write { try $0.undo(intent: intent) }
    }

    /// Runs what needs attention again, as a new intent.
    ///
    /// - Throws: as the verb itself; ``OffdeskError/tooLate`` if it doesn't need attention.
    @discardableResult
    public func retry(_ intent: IntentId) async throws -> IntentId {
        try await write { try $0.retry(intent: intent) }
    }

    /// Drops what needs attention, its text with it.
    ///
    /// - Throws: ``OffdeskError/tooLate`` if it doesn't need attention.
    public func discard(_ intent: IntentId) async throws {
        try await write { try $0.discard(intent: intent) }
    }

    // MARK: - Contacts

    /// Creates a contact.
    ///
    /// - Throws: ``OffdeskError/invalidPhone(reason:)``, ``OffdeskError/invalidValue(reason:)``,
    ///   ``OffdeskError/nothingToDo`` for one without anything, ``OffdeskError/forbidden(reason:)``.
    @discardableResult
    public func createContact(_ contact: NewContact) async throws -> CreatedContact {
        try await write { try $0.createContact(contact: contact) }
    }

    /// Edits a contact.
    ///
    /// - Throws: as ``createContact(_:)``.
    @discardableResult
    public func editContact(_ contact: ContactId, _ edit: ContactEdit) async throws -> IntentId {
        try await write { try $0.editContact(contact: contact, edit: edit) }
    }

    /// Says whether one of a contact's phones may be written to; `nil`: it is not known any more.
    ///
    /// - Throws: as ``editContact(_:_:)``.
    @discardableResult
    public func setConsent(
        _ consent: Consent?, of contact: ContactId, phone: String
    ) async throws -> IntentId {
        try await write { try $0.setConsent(contact: contact, phone: phone, consent: consent) }
    }

    /// Blocks a contact as spam, or no more.
    ///
    /// - Throws: as ``editContact(_:_:)``.
    @discardableResult
    public func blockContact(_ contact: ContactId, _ blocked: Bool = true) async throws -> IntentId {
        try await write { try $0.blockContact(contact: contact, blocked: blocked) }
    }

    /// Opens a contact's record: asks the relay for the conversations with them that are not on the dashboard.
    public func openRecord(of contact: ContactId) async throws {
        try await write { try $0.openRecord(contact: contact) }
    }

    // MARK: - Alerts

    /// Dismisses an alert or a due reminder, on all of the member's devices. One that is gone is no error.
    public func dismissAlert(_ alert: AlertId) async throws {
        try await write { try $0.dismissAlert(alert: alert) }
    }

    /// Reminds this member of a conversation at a time, in place of one that was set before; `nil`: not at all.
    public func followUp(_ conversation: ConversationId, at: Date?) async throws {
        let at = try at?.forRust()
        try await write { try $0.followUp(conversation: conversation, at: at) }
    }

    /// Keeps alerts from being shown and counted until a time, or for good.
    public func mute(_ what: Mute, until: Date? = nil) async throws {
        let until = try until?.forRust()
        try await write { try $0.mute(what: what, until: until) }
    }

    /// Ends a mute. What was raised meanwhile shows, if it stands.
    public func unmute(_ what: Mute) async throws {
        try await write { try $0.unmute(what: what) }
    }

    /// Sets this member's quiet hours; `nil`: they have none.
    ///
    /// - Throws: ``OffdeskError/invalidValue(reason:)`` for what is none.
    public func setQuietHours(_ hours: QuietHours?) async throws {
        try await write { try $0.setQuietHours(hours: hours) }
    }

    // MARK: - Saved filters

    /// Saves a filter under a name of 1 to 60 characters, and returns its id.
    ///
    /// - Throws: ``OffdeskError/invalidValue(reason:)``, ``OffdeskError/notPossible(reason:)`` if there are 200.
    @discardableResult
    public func saveFilter(_ name: String, _ filter: InboxFilter) async throws -> IntentId {
        try await write { try $0.saveFilter(name: name, filter: filter) }
    }

    /// Deletes a saved filter. One that is gone is no error.
    public func deleteFilter(_ id: IntentId) async throws {
        try await write { try $0.deleteFilter(id: id) }
    }
}
