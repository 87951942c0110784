package app.offdesk

import app.offdesk.ffi.CannedRef
import app.offdesk.ffi.ConversationId
import app.offdesk.ffi.Expanded
import app.offdesk.ffi.IntentId
import app.offdesk.ffi.MemberId
import app.offdesk.ffi.Started
import app.offdesk.ffi.Timestamp

// What a member writes to customers and colleagues. Each returns the intent: what can be undone until it leaves, and what
// the outbox tells of until it has arrived.

/**
 * Starts a conversation by SMS, with a first message if a text is given. The phone is as a person types it; [name] is for a
 * customer who is new here, [from] one of the workspace's numbers. A conversation that is here already is opened again.
 */
public suspend fun Offdesk.startConversation(
    phone: String,
    name: String? = null,
    from: String? = null,
    text: String? = null,
): Started = call { startConversation(phone, name, from, text) }

/** Sends a message to the customer, and assigns its author. It waits the undo window before it leaves. */
public suspend fun Offdesk.reply(conversation: ConversationId, text: String): IntentId = call { reply(conversation, text) }

/** Sends a message to the customer at a later time, and assigns its author now. The relay keeps it until then. */
public suspend fun Offdesk.replyLater(conversation: ConversationId, text: String, at: Timestamp): IntentId =
    call { replyLater(conversation, text, at) }

/** Adds an internal note, which is never sent. Members whom it mentions are alerted. */
public suspend fun Offdesk.note(
    conversation: ConversationId,
    text: String,
    mentions: List<MemberId> = emptyList(),
): IntentId = call { note(conversation, text, mentions) }

/** Sends a held or scheduled reply as it stands. */
public suspend fun Offdesk.sendHeld(conversation: ConversationId, message: IntentId): IntentId =
    call { sendHeld(conversation, message) }

/** Drops a held or scheduled reply: it is never sent. */
public suspend fun Offdesk.dropHeld(conversation: ConversationId, message: IntentId): IntentId =
    call { dropHeld(conversation, message) }

/** Sends another text in a held or scheduled reply's place. */
public suspend fun Offdesk.editHeld(conversation: ConversationId, message: IntentId, text: String): IntentId =
    call { editHeld(conversation, message, text) }

/** Keeps a draft, from the first keystroke on; an empty text removes it. */
public suspend fun Offdesk.setDraft(conversation: ConversationId, text: String): Unit = call { setDraft(conversation, text) }

/** Puts a canned response into the draft, its variables filled in. */
public suspend fun Offdesk.insertCanned(conversation: ConversationId, canned: CannedRef): Expanded =
    call { insertCanned(conversation, canned) }

/** Takes back something that has not left yet; fails with `TooLate` once it is on its way. */
public suspend fun Offdesk.undo(intent: IntentId): Unit = call { undo(intent) }

/** Runs what needs attention again, as a new intent. */
public suspend fun Offdesk.retry(intent: IntentId): IntentId = call { retry(intent) }

/** Drops what needs attention, its text with it. */
public suspend fun Offdesk.discard(intent: IntentId): Unit = call { discard(intent) }
