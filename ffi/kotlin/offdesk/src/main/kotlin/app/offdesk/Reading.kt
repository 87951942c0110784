package app.offdesk

import app.offdesk.ffi.Alert
import app.offdesk.ffi.AlertId
import app.offdesk.ffi.CannedResponse
import app.offdesk.ffi.Contact
import app.offdesk.ffi.ContactId
import app.offdesk.ffi.ContactRow
import app.offdesk.ffi.ConversationId
import app.offdesk.ffi.ConversationView
import app.offdesk.ffi.Counts
import app.offdesk.ffi.Expanded
import app.offdesk.ffi.Explanation
import app.offdesk.ffi.InboxFilter
import app.offdesk.ffi.InboxPage
import app.offdesk.ffi.IntentId
import app.offdesk.ffi.Me
import app.offdesk.ffi.Member
import app.offdesk.ffi.Message
import app.offdesk.ffi.MessageHits
import app.offdesk.ffi.PageKey
import app.offdesk.ffi.QuietHours
import app.offdesk.ffi.Record
import app.offdesk.ffi.SavedFilter
import app.offdesk.ffi.ScheduledAlert
import app.offdesk.ffi.SearchHit
import app.offdesk.ffi.Stats
import app.offdesk.ffi.Timestamp
import app.offdesk.ffi.Workspace

// What is read once. What a screen shows for longer is a flow of Offdesk.

/** Who uses this device, and what they may do. */
public suspend fun Offdesk.me(): Me = call { me() }

/** The workspace's members, deactivated ones included, by name. */
public suspend fun Offdesk.members(): List<Member> = call { members() }

/** The workspace's name, numbers and queues. */
public suspend fun Offdesk.workspace(): Workspace = call { workspace() }

/** A page of the conversations that the filter takes, the latest first; the next one begins behind [InboxPage.next]. */
public suspend fun Offdesk.inboxPage(
    filter: InboxFilter = InboxFilter(),
    limit: Int = Offdesk.PAGE,
    after: PageKey? = null,
): InboxPage = call { inbox(filter, rows(limit), after) }

/** Counts beside the list. */
public suspend fun Offdesk.counts(): Counts = call { counts() }

/** Customers by name and phone, as typed so far: partial words, any accents, any phone format. Works offline. */
public suspend fun Offdesk.search(typed: String, limit: Int = Offdesk.PAGE): List<SearchHit> =
    call { search(typed, rows(limit)) }

/** Conversations by what was said in them, as typed so far. Works offline. */
public suspend fun Offdesk.searchMessages(typed: String, limit: Int = Offdesk.PAGE): MessageHits =
    call { searchMessages(typed, rows(limit)) }

/** The member's saved filters, by name. */
public suspend fun Offdesk.savedFilters(): List<SavedFilter> = call { savedFilters() }

/** One conversation with everything that is shown of it. */
public suspend fun Offdesk.conversation(id: ConversationId): ConversationView = call { conversation(id) }

/** One message. */
public suspend fun Offdesk.message(conversation: ConversationId, message: IntentId): Message =
    call { message(conversation, message) }

/** This member's draft in a conversation. */
public suspend fun Offdesk.draft(conversation: ConversationId): String? = call { draft(conversation) }

/** Contacts by name, or those that [typed] finds. */
public suspend fun Offdesk.findContacts(typed: String, limit: Int = Offdesk.PAGE): List<ContactRow> =
    call { contacts(typed, rows(limit)) }

/** A customer's card. */
public suspend fun Offdesk.contact(id: ContactId): Contact = call { contact(id) }

/** Asks the relay for a contact's conversations that are not on the dashboard; [Offdesk.record] shows them as they come. */
public suspend fun Offdesk.openRecord(contact: ContactId): Unit = call { openRecord(contact) }

/** A contact's record as far as it is here. */
public suspend fun Offdesk.recordOf(contact: ContactId): Record = call { record(contact) }

/** Canned responses whose shortcut or text holds what was typed. */
public suspend fun Offdesk.cannedResponses(typed: String = ""): List<CannedResponse> = call { cannedResponses(typed) }

/** What a text with variables becomes in this conversation. */
public suspend fun Offdesk.previewCanned(conversation: ConversationId, text: String): Expanded =
    call { previewCanned(conversation, text) }

/** The alerts that stand and the reminders that are due, the latest first, each with whether it is to be shown. */
public suspend fun Offdesk.standingAlerts(): List<Alert> = call { alerts() }

/** How many alerts show: what the badge says. */
public suspend fun Offdesk.badge(): Int = call { badge().toInt() }

/** What will show until then though nothing happens, the next first: for the system's scheduler, in place of what it had. */
public suspend fun Offdesk.nextAlerts(until: Timestamp): List<ScheduledAlert> = call { nextAlerts(until) }

/** Why an alert was raised, whether it stands and shows. */
public suspend fun Offdesk.explain(alert: AlertId): Explanation = call { explain(alert) }

/** Why this member was not told of a message. */
public suspend fun Offdesk.whyNot(conversation: ConversationId, message: IntentId): Explanation =
    call { whyNot(conversation, message) }

/** This member's quiet hours, if they have any. */
public suspend fun Offdesk.quietHours(): QuietHours? = call { quietHours() }

/** What the device holds, and what went over the network since it was opened. */
public suspend fun Offdesk.stats(): Stats = call { stats() }

/** What support needs to know, as JSON: nothing that anybody wrote, and nobody's name, phone or address. */
public suspend fun Offdesk.diagnostics(): String = call { diagnostics() }
