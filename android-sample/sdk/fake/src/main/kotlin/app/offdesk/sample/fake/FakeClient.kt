package app.offdesk.sample.fake

import app.offdesk.sample.api.Account
import app.offdesk.sample.api.AlertItem
import app.offdesk.sample.api.AlertUpdate
import app.offdesk.sample.api.Bubble
import app.offdesk.sample.api.ClientException
import app.offdesk.sample.api.InboxRow
import app.offdesk.sample.api.InboxTab
import app.offdesk.sample.api.OffdeskClient
import app.offdesk.sample.api.OutboxEntry
import app.offdesk.sample.api.OutboxStep
import app.offdesk.sample.api.Panel
import app.offdesk.sample.api.Step
import app.offdesk.sample.api.SyncState
import app.offdesk.sample.api.Why
import java.time.Duration
import java.time.Instant
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.update

/**
 * Lists in memory, for previews and for tests of view models. It holds what it is given; verbs change that as the library
 * would show it, while nothing is ever sent.
 */
class FakeClient(
    rows: List<InboxRow> = emptyList(),
    bubbles: Map<String, List<Bubble>> = emptyMap(),
    alerts: List<AlertItem> = emptyList(),
    outbox: List<OutboxEntry> = emptyList(),
    private val now: () -> Instant = { Instant.parse("2026-03-02T09:00:00Z") },
) : OffdeskClient {
    val rows = MutableStateFlow(rows)
    val bubbles = MutableStateFlow(bubbles)
    val alertList = MutableStateFlow(alerts)
    val outboxList = MutableStateFlow(outbox)
    val panels = MutableStateFlow(emptyMap<String, Panel>())
    val drafts = MutableStateFlow(emptyMap<String, String>())

    /** What the next call fails with. */
    var failure: String? = null
    private var made = 0

    override val sync = MutableStateFlow(SyncState())

    override suspend fun account(): Account = Account("Ada", "Acme", "https://relay.example.com")

    override fun inbox(tab: InboxTab): Flow<List<InboxRow>> = rows.map { all ->
        all.filter { row ->
            when (tab) {
                InboxTab.ALL -> !row.closed
                InboxTab.MINE -> !row.closed && row.mine
                InboxTab.UNREAD -> row.unread
                InboxTab.NEEDS_REPLY -> !row.closed && row.needsReply
                InboxTab.CLOSED -> row.closed
            }
        }.sortedByDescending { it.lastActivity }
    }

    override suspend fun search(typed: String): List<InboxRow> =
        rows.value.filter { typed.lowercase() in it.name.lowercase() || typed.lowercase() in it.preview.lowercase() }

    override fun bubbles(conversation: String): Flow<List<Bubble>> = bubbles.map { it[conversation].orEmpty() }

    override fun panel(conversation: String): Flow<Panel?> = panels.map { it[conversation] }

    override fun alerts(): Flow<List<AlertItem>> = alertList

    override fun alertUpdates(): Flow<AlertUpdate> = flow {
        var shown = emptyMap<String, AlertItem>()
        alertList.collect { alerts ->
            val current = alerts.associateBy { it.id }
            (shown.keys - current.keys).forEach { emit(AlertUpdate.TakeBack(it)) }
            current.values.filter { shown[it.id] != it }.forEach { emit(AlertUpdate.Show(it)) }
            shown = current
        }
    }

    override fun outbox(): Flow<List<OutboxEntry>> = outboxList

    override suspend fun why(alert: String): Why = done {
        Why("R12", listOf("The customer wrote, and nobody is assigned."), listOf("assigned" to "nobody"))
    }

    override suspend fun draft(conversation: String): String = drafts.value[conversation].orEmpty()

    override suspend fun setDraft(conversation: String, text: String): Unit = done {
        drafts.update { if (text.isEmpty()) it - conversation else it + (conversation to text) }
        row(conversation) { it.copy(draft = text.isNotEmpty()) }
    }

    override suspend fun reply(conversation: String, text: String): String = done {
        val id = "reply-${++made}"
        add(conversation, Bubble.Ours(id, text, now(), "Ada", Step.Saved))
        row(conversation) { it.copy(preview = text, pending = it.pending + 1, needsReply = false, lastActivity = now(), mine = true) }
        wait(id, conversation, "reply", text)
    }

    override suspend fun note(conversation: String, text: String): String = done {
        val id = "note-${++made}"
        add(conversation, Bubble.Note(id, text, now(), "Ada"))
        wait(id, conversation, "note", text)
    }

    override suspend fun close(conversation: String): String = verb(conversation, "close") { it.copy(closed = true) }

    override suspend fun reopen(conversation: String): String = verb(conversation, "reopen") { it.copy(closed = false) }

    override suspend fun snooze(conversation: String, until: Instant): String =
        verb(conversation, "snooze") { it.copy(snoozedUntil = until) }

    override suspend fun markRead(conversation: String): Unit = done { row(conversation) { it.copy(unread = false) } }

    override suspend fun markUnread(conversation: String): Unit = done { row(conversation) { it.copy(unread = true) } }

    override suspend fun undo(id: String): Unit = done {
        val entry = outboxList.value.find { it.id == id } ?: throw ClientException("too late: it is already on its way")
        outboxList.update { list -> list - entry }
        bubbles.update { all -> all.mapValues { (_, list) -> list.filter { it.id != id } } }
        entry.conversation?.let { conversation ->
            row(conversation) { if (entry.verb == "close") it.copy(closed = false) else it }
        }
    }

    override suspend fun retry(id: String): Unit = done {
        outboxList.update { list -> list.map { if (it.id == id) it.copy(state = OutboxStep.Waiting) else it } }
    }

    override suspend fun discard(id: String): Unit = done { outboxList.update { list -> list.filter { it.id != id } } }

    override suspend fun sendHeld(conversation: String, message: String): Unit = retry(message)

    override suspend fun dropHeld(conversation: String, message: String): Unit = discard(message)

    override suspend fun dismiss(alert: String): Unit = done { alertList.update { list -> list.filter { it.id != alert } } }

    override suspend fun setOnline(online: Boolean) {
        sync.update { it.copy(line = if (online) SyncState.Line.LIVE else SyncState.Line.OFFLINE) }
    }

    override suspend fun syncOnce(deadline: Duration): Boolean = done { true }

    private suspend fun verb(conversation: String, verb: String, change: (InboxRow) -> InboxRow): String = done {
        row(conversation, change)
        wait("$verb-${++made}", conversation, verb, null)
    }

    private fun wait(id: String, conversation: String, verb: String, text: String?): String {
        val name = rows.value.find { it.id == conversation }?.name.orEmpty()
        outboxList.update { listOf(OutboxEntry(id, conversation, name, verb, text, OutboxStep.Waiting)) + it }
        sync.update { it.copy(waiting = outboxList.value.size) }
        return id
    }

    private fun add(conversation: String, bubble: Bubble) {
        bubbles.update { it + (conversation to it[conversation].orEmpty() + bubble) }
    }

    private fun row(conversation: String, change: (InboxRow) -> InboxRow) {
        rows.update { all -> all.map { if (it.id == conversation) change(it) else it } }
    }

    private inline fun <T> done(work: () -> T): T {
        failure?.let {
            failure = null
            throw ClientException(it)
        }
        return work()
    }
}
