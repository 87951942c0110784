package app.offdesk.sample.model

import app.offdesk.sample.api.Account
import app.offdesk.sample.api.AlertItem
import app.offdesk.sample.api.OffdeskClient
import app.offdesk.sample.api.OutboxEntry
import app.offdesk.sample.api.SyncState
import app.offdesk.sample.api.Why
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.SharingStarted
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.combine
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.flow.stateIn

/** What the alerts' screen shows. */
data class AlertsState(val alerts: List<AlertItem> = emptyList(), val why: Explained? = null, val message: Said? = null)

/** The sheet "why was I alerted". */
data class Explained(val alert: AlertItem, val why: Why)

/** The alerts that stand, and why each was raised. */
class AlertsModel(private val client: OffdeskClient, scope: CoroutineScope) {
    private val explained = MutableStateFlow<Explained?>(null)
    private val doing = Doing(scope)

    val state: StateFlow<AlertsState> = combine(client.alerts(), explained, doing.message, ::AlertsState)
        .stateIn(scope, SharingStarted.WhileSubscribed(STAY_MS), AlertsState())

    fun explain(alert: AlertItem): Unit = doing.run { explained.value = Explained(alert, client.why(alert.id)) }

    fun closeSheet() {
        explained.value = null
    }

    fun dismiss(alert: AlertItem): Unit = doing.run { client.dismiss(alert.id) }

    fun dismissMessage(): Unit = doing.dismiss()
}

/** What the outbox shows. */
data class OutboxViewState(val entries: List<OutboxEntry> = emptyList(), val message: Said? = null)

/** What has not arrived, and what can be done about it. */
class OutboxModel(private val client: OffdeskClient, scope: CoroutineScope) {
    private val doing = Doing(scope)

    val state: StateFlow<OutboxViewState> = combine(client.outbox(), doing.message, ::OutboxViewState)
        .stateIn(scope, SharingStarted.WhileSubscribed(STAY_MS), OutboxViewState())

    fun undo(entry: OutboxEntry): Unit = doing.run { client.undo(entry.id) }

    fun retry(entry: OutboxEntry): Unit = doing.run { client.retry(entry.id) }

    fun discard(entry: OutboxEntry): Unit = doing.run { client.discard(entry.id) }

    fun sendHeld(entry: OutboxEntry): Unit =
        doing.run { entry.conversation?.let { client.sendHeld(it, entry.id) } }

    fun dropHeld(entry: OutboxEntry): Unit =
        doing.run { entry.conversation?.let { client.dropHeld(it, entry.id) } }

    fun dismissMessage(): Unit = doing.dismiss()
}

/** What the settings show. */
data class SettingsState(val account: Account? = null, val sync: SyncState = SyncState())

/** Who uses the phone, and how sync stands. */
class SettingsModel(client: OffdeskClient, scope: CoroutineScope) {
    val state: StateFlow<SettingsState> = combine(flow { emit(client.account()) }, client.sync, ::SettingsState)
        .stateIn(scope, SharingStarted.WhileSubscribed(STAY_MS), SettingsState())
}
