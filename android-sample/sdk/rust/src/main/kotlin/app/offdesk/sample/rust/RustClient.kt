package app.offdesk.sample.rust

import app.offdesk.AlertChange
import app.offdesk.Offdesk
import app.offdesk.closeConversation
import app.offdesk.discard
import app.offdesk.dismissAlert
import app.offdesk.draft
import app.offdesk.dropHeld
import app.offdesk.explain
import app.offdesk.ffi.InboxFilter
import app.offdesk.ffi.MemberId
import app.offdesk.ffi.Network
import app.offdesk.ffi.OffdeskException
import app.offdesk.ffi.Status
import app.offdesk.markRead
import app.offdesk.markUnread
import app.offdesk.me
import app.offdesk.members
import app.offdesk.note
import app.offdesk.reopen
import app.offdesk.reply
import app.offdesk.retry
import app.offdesk.sample.api.Account
import app.offdesk.sample.api.AlertItem
import app.offdesk.sample.api.AlertUpdate
import app.offdesk.sample.api.Bubble
import app.offdesk.sample.api.ClientException
import app.offdesk.sample.api.InboxRow
import app.offdesk.sample.api.InboxTab
import app.offdesk.sample.api.OffdeskClient
import app.offdesk.sample.api.OutboxEntry
import app.offdesk.sample.api.Panel
import app.offdesk.sample.api.SyncState
import app.offdesk.sample.api.Why
import app.offdesk.search
import app.offdesk.searchMessages
import app.offdesk.sendHeld
import app.offdesk.setDraft
import app.offdesk.snooze
import app.offdesk.undo
import app.offdesk.workspace
import java.time.Duration
import java.time.Instant
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.SharingStarted
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.catch
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.stateIn

/** The app's interface on the library: it translates, and decides nothing. */
class RustClient(private val offdesk: Offdesk, scope: CoroutineScope) : OffdeskClient {
    private var members = emptyMap<MemberId, String>()

    override val sync: StateFlow<SyncState> =
        offdesk.status.map { it.toState() }.stateIn(scope, SharingStarted.Eagerly, offdesk.status.value.toState())

    override suspend fun account(): Account = said {
        val me = offdesk.me()
        Account(me.name, offdesk.workspace().name, me.relay)
    }

    override fun inbox(tab: InboxTab): Flow<List<InboxRow>> = offdesk.inbox(tab.toFilter(), ROWS).map { rows ->
        val me = offdesk.me().member
        rows.map { it.toRow(me) }
    }.said()

    override suspend fun search(typed: String): List<InboxRow> = said {
        val me = offdesk.me().member
        val byCustomer = offdesk.search(typed).flatMap { it.conversations }
        val byWords = offdesk.searchMessages(typed).hits.map { it.conversation }
        (byCustomer + byWords).distinctBy { it.id }.map { it.toRow(me) }
    }

    override fun bubbles(conversation: String): Flow<List<Bubble>> = offdesk.messages(conversation).map { messages ->
        val byId = messages.associateBy { it.id }
        messages.map { message -> message.toBubble(author = { name(it) }, textOf = { byId[it]?.text }) }
    }.said()

    override fun panel(conversation: String): Flow<Panel?> =
        offdesk.panels(conversation).map { panels -> panels?.toPanel { name(it) } }.said()

    override fun alerts(): Flow<List<AlertItem>> = offdesk.alerts().map { alerts -> alerts.map { it.toItem() } }.said()

    override fun alertUpdates(): Flow<AlertUpdate> = offdesk.alertChanges().map { change ->
        when (change) {
            is AlertChange.Show -> AlertUpdate.Show(change.alert.toItem())
            is AlertChange.TakeBack -> AlertUpdate.TakeBack(change.id)
        }
    }.said()

    override fun outbox(): Flow<List<OutboxEntry>> = offdesk.outbox().map { items -> items.map { it.toEntry() } }.said()

    override suspend fun why(alert: String): Why = said {
        val explanation = offdesk.explain(alert)
        Why(explanation.rule, explanation.sentences, explanation.facts.map { it.name to it.value })
    }

    override suspend fun draft(conversation: String): String = said { offdesk.draft(conversation).orEmpty() }

    override suspend fun setDraft(conversation: String, text: String): Unit = said { offdesk.setDraft(conversation, text) }

    override suspend fun reply(conversation: String, text: String): String = said { offdesk.reply(conversation, text) }

    override suspend fun note(conversation: String, text: String): String = said { offdesk.note(conversation, text) }

    override suspend fun close(conversation: String): String = said { offdesk.closeConversation(conversation) }

    override suspend fun reopen(conversation: String): String = said { offdesk.reopen(conversation) }

    override suspend fun snooze(conversation: String, until: Instant): String = said { offdesk.snooze(conversation, until) }

    override suspend fun markRead(conversation: String): Unit = said { offdesk.markRead(conversation) }

    override suspend fun markUnread(conversation: String): Unit = said { offdesk.markUnread(conversation) }

    override suspend fun undo(id: String): Unit = said { offdesk.undo(id) }

    override suspend fun retry(id: String): Unit = said { offdesk.retry(id) }

    override suspend fun discard(id: String): Unit = said { offdesk.discard(id) }

    override suspend fun sendHeld(conversation: String, message: String): Unit =
        said { offdesk.sendHeld(conversation, message) }

    override suspend fun dropHeld(conversation: String, message: String): Unit =
        said { offdesk.dropHeld(conversation, message) }

    override suspend fun dismiss(alert: String): Unit = said { offdesk.dismissAlert(alert) }

    override suspend fun setOnline(online: Boolean): Unit =
        said { offdesk.setNetwork(if (online) Network.ONLINE else Network.OFFLINE) }

    override suspend fun syncOnce(deadline: Duration): Boolean = said { offdesk.syncOnce(deadline).upToDate }

    private suspend fun name(member: MemberId): String {
        if (member !in members) members = offdesk.members().associate { it.id to it.name }
        return members[member] ?: "somebody"
    }

    private companion object {
        const val ROWS = 200
    }
}

/** What went wrong, in the library's words. */
private inline fun <T> said(call: () -> T): T = try {
    call()
} catch (failure: OffdeskException) {
    throw ClientException(failure.toString(), failure)
}

private fun <T> Flow<T>.said(): Flow<T> = catch { failure ->
    throw if (failure is OffdeskException) ClientException(failure.toString(), failure) else failure
}

private fun InboxTab.toFilter(): InboxFilter = when (this) {
    InboxTab.ALL -> InboxFilter(status = Status.OPEN)
    InboxTab.MINE -> InboxFilter(status = Status.OPEN, mine = true)
    InboxTab.UNREAD -> InboxFilter(unread = true)
    InboxTab.NEEDS_REPLY -> InboxFilter(status = Status.OPEN, needsReply = true)
    InboxTab.CLOSED -> InboxFilter(status = Status.CLOSED)
}
