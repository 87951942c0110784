package app.offdesk.sample.model

import app.offdesk.sample.api.InboxRow
import app.offdesk.sample.api.InboxTab
import app.offdesk.sample.api.OffdeskClient
import app.offdesk.sample.api.SyncState
import java.time.Duration
import java.time.Instant
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.FlowPreview
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.SharingStarted
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.combine
import kotlinx.coroutines.flow.debounce
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.flatMapLatest
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.flow.stateIn
import kotlinx.coroutines.flow.update

/** What the inbox shows. */
data class InboxState(
    val tab: InboxTab = InboxTab.ALL,
    val typed: String = "",
    /** `null` until the first rows are here. */
    val rows: List<InboxRow>? = null,
    val sync: SyncState = SyncState(),
    val message: Said? = null,
)

/** The list, its filters, its search, and what a swipe does. */
class InboxModel(
    private val client: OffdeskClient,
    scope: CoroutineScope,
    private val now: () -> Instant = Instant::now,
) {
    private data class Asked(val tab: InboxTab = InboxTab.ALL, val typed: String = "")

    private val asked = MutableStateFlow(Asked())
    private val doing = Doing(scope)

    @OptIn(ExperimentalCoroutinesApi::class, FlowPreview::class)
    private val rows = asked
        .debounce { if (it.typed.isEmpty()) 0L else TYPING_MS }
        .distinctUntilChanged()
        .flatMapLatest { asked ->
            if (asked.typed.isBlank()) client.inbox(asked.tab) else flow { emit(client.search(asked.typed)) }
        }

    val state: StateFlow<InboxState> = combine(asked, rows, client.sync, doing.message) { asked, rows, sync, message ->
        InboxState(asked.tab, asked.typed, rows, sync, message)
    }.stateIn(scope, SharingStarted.WhileSubscribed(STAY_MS), InboxState())

    fun show(tab: InboxTab): Unit = asked.update { it.copy(tab = tab) }

    fun type(text: String): Unit = asked.update { it.copy(typed = text) }

    /** Swiped away: done with it for now. */
    fun close(row: InboxRow): Unit = doing.undoable("Closed ${row.name}", { client.undo(it) }) { client.close(row.id) }

    /** Swiped the other way: not now. */
    fun snooze(row: InboxRow): Unit = doing.undoable("${row.name} rests until tomorrow", { client.undo(it) }) {
        client.snooze(row.id, now() + Duration.ofDays(1))
    }

    fun toggleRead(row: InboxRow): Unit =
        doing.run { if (row.unread) client.markRead(row.id) else client.markUnread(row.id) }

    fun undo(): Unit = doing.undo()

    fun dismissMessage(): Unit = doing.dismiss()

    private companion object {
        const val TYPING_MS = 150L
    }
}

/** How long a screen that is turned keeps its lists. */
internal const val STAY_MS = 5_000L
