package app.offdesk.sample.api

import java.time.Duration
import java.time.Instant
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.StateFlow

/**
 * All that the screens know of Offdesk. `sdk/rust` stands on the library, `sdk/fake` on lists in memory; nothing else in the
 * app imports either.
 */
interface OffdeskClient {
    val sync: StateFlow<SyncState>

    suspend fun account(): Account

    fun inbox(tab: InboxTab): Flow<List<InboxRow>>

    /** Customers and messages, as typed so far. */
    suspend fun search(typed: String): List<InboxRow>

    fun bubbles(conversation: String): Flow<List<Bubble>>

    fun panel(conversation: String): Flow<Panel?>

    fun alerts(): Flow<List<AlertItem>>

    fun alertUpdates(): Flow<AlertUpdate>

    fun outbox(): Flow<List<OutboxEntry>>

    suspend fun why(alert: String): Why

    suspend fun draft(conversation: String): String

    suspend fun setDraft(conversation: String, text: String)

    /** Returns the id of what can be undone until it leaves. */
    suspend fun reply(conversation: String, text: String): String

    suspend fun note(conversation: String, text: String): String

    suspend fun close(conversation: String): String

    suspend fun reopen(conversation: String): String

    suspend fun snooze(conversation: String, until: Instant): String

    suspend fun markRead(conversation: String)

    suspend fun markUnread(conversation: String)

    suspend fun undo(id: String)

    suspend fun retry(id: String)

    suspend fun discard(id: String)

    suspend fun sendHeld(conversation: String, message: String)

    suspend fun dropHeld(conversation: String, message: String)

    suspend fun dismiss(alert: String)

    /** What the phone knows of the network. */
    suspend fun setOnline(online: Boolean)

    /** One bounded catch-up, for background work. */
    suspend fun syncOnce(deadline: Duration): Boolean
}

/** A call failed; `message` is for people. */
class ClientException(message: String, cause: Throwable? = null) : Exception(message, cause)
