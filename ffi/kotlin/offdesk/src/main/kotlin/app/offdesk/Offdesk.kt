package app.offdesk

import app.offdesk.ffi.Alert
import app.offdesk.ffi.AlertId
import app.offdesk.ffi.AlertList
import app.offdesk.ffi.Colleague
import app.offdesk.ffi.ColleagueList
import app.offdesk.ffi.Config
import app.offdesk.ffi.ContactId
import app.offdesk.ffi.ContactList
import app.offdesk.ffi.ContactRow
import app.offdesk.ffi.ConversationId
import app.offdesk.ffi.ConversationRow
import app.offdesk.ffi.Device
import app.offdesk.ffi.EnrolmentCode
import app.offdesk.ffi.InboxFilter
import app.offdesk.ffi.InboxList
import app.offdesk.ffi.LogLevel
import app.offdesk.ffi.LogRecord
import app.offdesk.ffi.LogSink
import app.offdesk.ffi.Message
import app.offdesk.ffi.MessageList
import app.offdesk.ffi.Network
import app.offdesk.ffi.Notices
import app.offdesk.ffi.OffdeskException
import app.offdesk.ffi.OutboxItem
import app.offdesk.ffi.OutboxList
import app.offdesk.ffi.Panels
import app.offdesk.ffi.PanelsList
import app.offdesk.ffi.SyncReport
import app.offdesk.ffi.SyncStatus
import app.offdesk.ffi.setLogSink
import java.time.Duration
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext

/**
 * One device of one member: its conversations, with or without a network.
 *
 * - **Flows** are live lists. Each collector gets what there is at once and every later state; one that is slow skips states,
 *   so nothing piles up. Cancelling the collector ends the list in the library, and closing the device completes the flow.
 * - **Verbs** are `suspend` functions that run off the caller's thread. What a verb did is on the disk when it returns, and
 *   goes to the relay when there is a network.
 * - **Failures** are [OffdeskException]s, a sealed class; their `toString()` is a sentence for people. Reads and verbs fail
 *   with `Closed` once the device is closed, `Paused` while it is paused, `Locked` or `Revoked` when access ended.
 *
 * A device may be used from any thread. There must be one `Offdesk` per database: keep it as long as the app runs.
 */
public class Offdesk private constructor(
    private val device: Device,
    private val dispatcher: CoroutineDispatcher,
) : AutoCloseable {
    private val scope = CoroutineScope(SupervisorJob() + dispatcher)
    private val latestStatus = MutableStateFlow(device.status())

    init {
        val changes = device.observeStatus()
        scope.launch {
            changes.use {
                try {
                    while (true) latestStatus.value = changes.next() ?: break
                } finally {
                    changes.end()
                }
            }
        }
    }

    /** How sync stands, from what the relay said and what waits; never from a socket. */
    public val status: StateFlow<SyncStatus> = latestStatus.asStateFlow()

    // Its life and its sync.

    /** Keeps the device in sync from now on, while there is a network. */
    public suspend fun start(): Unit = call { start() }

    /** Says what the host knows of the network. With one, what waits is sent at once. */
    public suspend fun setNetwork(network: Network): Unit = call { setNetwork(network) }

    /**
     * One bounded catch-up for background work: sends what waits, fetches what is new, and ends. The device need not be
     * started. What came before the deadline, or before the caller was cancelled, is kept.
     */
    public suspend fun syncOnce(deadline: Duration): SyncReport = call { syncOnce(deadline.coerceAtLeast(Duration.ZERO)) }

    /**
     * Answers a push: one bounded sync, and then the alerts that the system is to show and nobody was handed yet. What the
     * push says doesn't matter. That the relay could not be reached is told in the notices.
     */
    public suspend fun handlePush(payload: ByteArray, deadline: Duration): Notices =
        call { handlePush(payload, deadline.coerceAtLeast(Duration.ZERO)) }

    /** Says that alerts are shown, by the system or by the app itself: no other process is then handed them. */
    public suspend fun alertsShown(alerts: List<AlertId>): Unit = call { alertsShown(alerts) }

    /**
     * Stops everything and lets go of every lock on the database within a second, for a host that is about to suspend the
     * process. Until [resume], reads and verbs fail with `Paused`.
     */
    public suspend fun pause(): Unit = call { pause() }

    /** Goes on after [pause]. */
    public suspend fun resume(): Unit = call { resume() }

    /** A code that enrols one more device of the same member. */
    public suspend fun newEnrolmentCode(): EnrolmentCode = call { newEnrolmentCode() }

    /** Enrols anew after `Copied` or `Unauthorized`, as another device of the same member. What waits is kept and sent. */
    public suspend fun reEnrol(code: String, deviceName: String): Unit = call { reEnrol(code, deviceName) }

    /** Deletes the device's data and closes it. The relay knows the device until an administrator revokes it. */
    public suspend fun wipe() {
        call { wipe() }
        scope.cancel()
    }

    /** Writes everything into the one file and closes it. Flows complete; every later call fails with `Closed`. */
    public suspend fun shutDown() {
        withContext(NonCancellable + dispatcher) { device.shutDown() }
        scope.cancel()
    }

    /** As [shutDown], waiting on this thread: not for the main thread. Closing twice, or from two threads, is safe. */
    override fun close(): Unit = runBlocking { shutDown() }

    // Live lists.

    /** The first [limit] conversations that the filter takes, the latest first. */
    public fun inbox(filter: InboxFilter = InboxFilter(), limit: Int = PAGE): Flow<List<ConversationRow>> =
        live({ observeInbox(filter, rows(limit)) }, InboxList::next, InboxList::end) { apply(it) }

    /** The messages of a conversation in the relay's order, this device's pending ones last. */
    public fun messages(conversation: ConversationId): Flow<List<Message>> =
        live({ observeMessages(conversation) }, MessageList::next, MessageList::end) { apply(it) }

    /** The panel beside a conversation; `null` while the conversation is not on this device. */
    public fun panels(conversation: ConversationId): Flow<Panels?> =
        live({ observePanels(conversation) }, PanelsList::next, PanelsList::end) { apply(it) }.map { it.firstOrNull() }

    /** The colleagues who are in a conversation, as they come, write and go. */
    public fun colleagues(conversation: ConversationId): Flow<List<Colleague>> =
        live({ observeColleagues(conversation) }, ColleagueList::next, ColleagueList::end) { apply(it) }

    /** The first [limit] contacts by name. */
    public fun contacts(limit: Int = PAGE): Flow<List<ContactRow>> =
        live({ observeContacts(rows(limit)) }, ContactList::next, ContactList::end) { apply(it) }

    /** The conversations of a contact's record; [openRecord] asks for those that are not on the dashboard. */
    public fun record(contact: ContactId): Flow<List<ConversationRow>> =
        live({ observeRecord(contact) }, InboxList::next, InboxList::end) { apply(it) }

    /** What has not arrived: saved, on its way, held, or in need of attention; the latest first. */
    public fun outbox(): Flow<List<OutboxItem>> =
        live({ observeOutbox() }, OutboxList::next, OutboxList::end) { apply(it) }

    /** The alerts that show, also as time passes: what quiet hours hold comes at their end. */
    public fun alerts(): Flow<List<Alert>> = live({ observeAlerts() }, AlertList::next, AlertList::end) { apply(it) }

    /** The alerts as a notification drawer needs them: which to show, and which to take back. */
    public fun alertChanges(): Flow<AlertChange> = alerts().changes()

    /** Calls the library off the caller's thread. */
    internal suspend fun <T> call(block: suspend Device.() -> T): T = withContext(dispatcher) { device.block() }

    private fun <L : AutoCloseable, S, T> live(
        open: Device.() -> L,
        next: suspend L.() -> List<S>?,
        end: L.() -> Unit,
        step: MutableList<T>.(S) -> Unit,
    ): Flow<List<T>> = liveList({ device.open() }, next, end, step, dispatcher)

    public companion object {
        /** How many rows a live list or a page has when nothing is said. */
        public const val PAGE: Int = 50

        /**
         * Opens a device that was enrolled. [dispatcher] is where the disk is waited for.
         *
         * Fails with `NotEnrolled` if the database holds none, `Revoked`, `WrongKey`, `InvalidKey` or `NewerDatabase`.
         */
        public suspend fun open(config: Config, dispatcher: CoroutineDispatcher = Dispatchers.IO): Offdesk =
            opening(dispatcher) { Device.open(config.sane()) }

        /**
         * Makes the database a device of the member whose [code] it is. Nothing is written before the relay has answered.
         *
         * Fails with `EnrolmentRefused` and the relay's words, `Offline`, `InvalidRelay`, `AlreadyEnrolled` or `InvalidKey`.
         */
        public suspend fun enrol(
            config: Config,
            relay: String,
            code: String,
            deviceName: String,
            dispatcher: CoroutineDispatcher = Dispatchers.IO,
        ): Offdesk = opening(dispatcher) { Device.enrol(config.sane(), relay, code, deviceName) }

        /** The version of the library, such as `0.1.0`. */
        public val version: String get() = app.offdesk.ffi.version()

        /**
         * Hands what the library says of itself to [sink] on a thread of its own, as far as it matters as much as [level].
         * It holds ids, counts and errors, nothing that anybody wrote. One sink for the process; `null` ends it.
         */
        public fun log(level: LogLevel, sink: ((LogRecord) -> Unit)?) {
            setLogSink(level, sink?.let { take -> object : LogSink { override fun log(record: LogRecord) = take(record) } })
        }

        private suspend fun opening(dispatcher: CoroutineDispatcher, open: suspend () -> Device): Offdesk {
            var opened: Offdesk? = null
            try {
                return withContext(dispatcher) { Offdesk(open(), dispatcher).also { opened = it } }
            } catch (cancelled: CancellationException) {
                // It came too late: nobody gets the device, so nobody else would close it.
                opened?.shutDown()
                throw cancelled
            }
        }

        /** A span of less than nothing is nothing; the border takes no such span. */
        private fun Config.sane(): Config = copy(undoWindow = undoWindow?.coerceAtLeast(Duration.ZERO))
    }
}
