package app.offdesk

import app.offdesk.ffi.AlertId
import app.offdesk.ffi.BulkAction
import app.offdesk.ffi.BulkOutcome
import app.offdesk.ffi.Consent
import app.offdesk.ffi.ContactEdit
import app.offdesk.ffi.ContactId
import app.offdesk.ffi.ConversationId
import app.offdesk.ffi.CreatedContact
import app.offdesk.ffi.InboxFilter
import app.offdesk.ffi.IntentId
import app.offdesk.ffi.MemberId
import app.offdesk.ffi.Mute
import app.offdesk.ffi.NewContact
import app.offdesk.ffi.Priority
import app.offdesk.ffi.QueueId
import app.offdesk.ffi.QuietHours
import app.offdesk.ffi.Timestamp

// What a member does with conversations, contacts and alerts, all of it offline.

/** Says that the member has this conversation open, or none: colleagues are shown that while it lasts. */
public suspend fun Offdesk.lookAt(conversation: ConversationId?): Unit = call { lookAt(conversation) }

/** Marks a conversation read on all of the member's devices. */
public suspend fun Offdesk.markRead(conversation: ConversationId): Unit = call { markRead(conversation) }

/** Marks many conversations read; if one is not here, none. */
public suspend fun Offdesk.markEachRead(conversations: List<ConversationId>): Unit = call { markEachRead(conversations) }

/** Marks a conversation unread until it is next read. */
public suspend fun Offdesk.markUnread(conversation: ConversationId): Unit = call { markUnread(conversation) }

/** Assigns a member. */
public suspend fun Offdesk.assign(conversation: ConversationId, member: MemberId): IntentId =
    call { assign(conversation, member) }

/** Ends a member's assignments. */
public suspend fun Offdesk.unassign(conversation: ConversationId, member: MemberId): IntentId =
    call { unassign(conversation, member) }

/** Closes a conversation; it opens again when the contact writes. */
public suspend fun Offdesk.closeConversation(conversation: ConversationId): IntentId =
    call { closeConversation(conversation) }

/** Opens a closed conversation again. */
public suspend fun Offdesk.reopen(conversation: ConversationId): IntentId = call { reopen(conversation) }

/** Lets a conversation rest until a time, or until the contact writes. */
public suspend fun Offdesk.snooze(conversation: ConversationId, until: Timestamp): IntentId =
    call { snooze(conversation, until) }

/** Ends a conversation's rest. */
public suspend fun Offdesk.wake(conversation: ConversationId): IntentId = call { wake(conversation) }

/** Says how urgent a conversation is. */
public suspend fun Offdesk.setPriority(conversation: ConversationId, priority: Priority): IntentId =
    call { setPriority(conversation, priority) }

/** Moves a conversation to a queue, or out of any. */
public suspend fun Offdesk.moveToQueue(conversation: ConversationId, queue: QueueId?): IntentId =
    call { moveToQueue(conversation, queue) }

/** Adds a tag. */
public suspend fun Offdesk.addTag(conversation: ConversationId, tag: String): IntentId = call { addTag(conversation, tag) }

/** Removes a tag. */
public suspend fun Offdesk.removeTag(conversation: ConversationId, tag: String): IntentId =
    call { removeTag(conversation, tag) }

/** Does something to many conversations in one write. What can't be done to one hinders none of the others. */
public suspend fun Offdesk.onEach(conversations: List<ConversationId>, action: BulkAction): List<BulkOutcome> =
    call { onEach(conversations, action) }

/** Saves a filter on all of the member's devices, under a name of 1 to 60 characters. */
public suspend fun Offdesk.saveFilter(name: String, filter: InboxFilter): IntentId = call { saveFilter(name, filter) }

/** Deletes a saved filter. One that is gone is no failure. */
public suspend fun Offdesk.deleteFilter(id: IntentId): Unit = call { deleteFilter(id) }

/** Creates a contact. */
public suspend fun Offdesk.createContact(contact: NewContact): CreatedContact = call { createContact(contact) }

/** Edits a contact: what is not given stays. */
public suspend fun Offdesk.editContact(contact: ContactId, edit: ContactEdit): IntentId = call { editContact(contact, edit) }

/** Says whether one of a contact's phones may be written to; `null`: it is not known any more. */
public suspend fun Offdesk.setConsent(contact: ContactId, phone: String, consent: Consent?): IntentId =
    call { setConsent(contact, phone, consent) }

/** Blocks a contact as spam, or no more. */
public suspend fun Offdesk.blockContact(contact: ContactId, blocked: Boolean): IntentId =
    call { blockContact(contact, blocked) }

/** Dismisses an alert or a due reminder on all of the member's devices. One that is gone is no failure. */
public suspend fun Offdesk.dismissAlert(alert: AlertId): Unit = call { dismissAlert(alert) }

/** Reminds this member of a conversation at a time, in place of one that was set before; `null`: not at all. */
public suspend fun Offdesk.followUp(conversation: ConversationId, at: Timestamp?): Unit = call { followUp(conversation, at) }

/** Keeps alerts from being shown and counted until a time, or for good if none is given. */
public suspend fun Offdesk.mute(what: Mute, until: Timestamp? = null): Unit = call { mute(what, until) }

/** Ends a mute. What was raised meanwhile shows, if it stands. */
public suspend fun Offdesk.unmute(what: Mute): Unit = call { unmute(what) }

/** Sets this member's quiet hours; `null`: they have none. */
public suspend fun Offdesk.setQuietHours(hours: QuietHours?): Unit = call { setQuietHours(hours) }
