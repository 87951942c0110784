package app.offdesk.sample.ui

import androidx.compose.foundation.background
import androidx.compose.foundation.clickable
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.items
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.material3.Divider
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.draw.clip
import androidx.compose.ui.text.font.FontWeight
import androidx.compose.ui.unit.dp
import app.offdesk.sample.api.AlertItem
import app.offdesk.sample.api.OutboxEntry
import app.offdesk.sample.api.OutboxStep
import app.offdesk.sample.api.SyncState
import app.offdesk.sample.model.AlertsState
import app.offdesk.sample.model.Explained
import app.offdesk.sample.model.OutboxViewState
import app.offdesk.sample.model.SettingsState

/** What can be done on the alerts' screen. */
class AlertsActions(
    val open: (AlertItem) -> Unit = {},
    val explain: (AlertItem) -> Unit = {},
    val dismiss: (AlertItem) -> Unit = {},
    val closeSheet: () -> Unit = {},
    val dismissMessage: () -> Unit = {},
)

/** The alerts that stand; each can say why. */
@Composable
fun AlertsScreen(state: AlertsState, actions: AlertsActions) {
    Box(Modifier.fillMaxSize()) {
        Column {
            Title("Alerts")
            if (state.alerts.isEmpty()) Text("Nobody waits for you", Modifier.padding(16.dp))
            LazyColumn {
                items(state.alerts, key = { it.id }) { alert ->
                    Column(Modifier.fillMaxWidth().clickable { actions.open(alert) }.padding(16.dp, 10.dp)) {
                        Row {
                            Text(alert.title, Modifier.weight(1f), fontWeight = FontWeight.Bold)
                            Text(shortTime(alert.at), style = MaterialTheme.typography.labelMedium)
                        }
                        Text(alert.text, maxLines = 2)
                        Row {
                            TextButton({ actions.explain(alert) }) { Text("Why was I alerted?") }
                            TextButton({ actions.dismiss(alert) }) { Text("Dismiss") }
                        }
                    }
                    Divider()
                }
            }
        }
        state.why?.let { WhySheet(it, actions.closeSheet, Modifier.align(Alignment.BottomCenter)) }
        SaidBar(state.message, {}, actions.dismissMessage, Modifier.align(Alignment.BottomCenter))
    }
}

/** Which rule, in sentences, and the facts that it stood on. */
@Composable
fun WhySheet(explained: Explained, close: () -> Unit, modifier: Modifier = Modifier) {
    Column(
        modifier.fillMaxWidth().clip(RoundedCornerShape(topStart = 20.dp, topEnd = 20.dp))
            .background(MaterialTheme.colorScheme.secondaryContainer).padding(20.dp),
        verticalArrangement = Arrangement.spacedBy(8.dp),
    ) {
        Text("Why was I alerted?", style = MaterialTheme.typography.titleMedium)
        explained.why.sentences.forEach { Text(it) }
        explained.why.facts.forEach { (name, value) ->
            Row {
                Text(name, Modifier.weight(1f), style = MaterialTheme.typography.bodySmall)
                Text(value, Modifier.weight(2f), style = MaterialTheme.typography.bodySmall)
            }
        }
        Row(verticalAlignment = Alignment.CenterVertically) {
            Text("Rule ${explained.why.rule}", Modifier.weight(1f), style = MaterialTheme.typography.labelMedium)
            TextButton(close) { Text("Close") }
        }
    }
}

/** What can be done on the outbox's screen. */
class OutboxActions(
    val undo: (OutboxEntry) -> Unit = {},
    val retry: (OutboxEntry) -> Unit = {},
    val discard: (OutboxEntry) -> Unit = {},
    val sendHeld: (OutboxEntry) -> Unit = {},
    val dropHeld: (OutboxEntry) -> Unit = {},
    val dismissMessage: () -> Unit = {},
)

/** What has not arrived, why, and what can be done about it. */
@Composable
fun OutboxScreen(state: OutboxViewState, actions: OutboxActions) {
    Box(Modifier.fillMaxSize()) {
        Column {
            Title("Outbox")
            if (state.entries.isEmpty()) Text("Everything has arrived", Modifier.padding(16.dp))
            LazyColumn {
                items(state.entries, key = { it.id }) { entry ->
                    OutboxItem(entry, actions)
                    Divider()
                }
            }
        }
        SaidBar(state.message, {}, actions.dismissMessage, Modifier.align(Alignment.BottomCenter))
    }
}

@Composable
private fun OutboxItem(entry: OutboxEntry, actions: OutboxActions) {
    Column(Modifier.fillMaxWidth().padding(16.dp, 10.dp), verticalArrangement = Arrangement.spacedBy(3.dp)) {
        Text("${entry.verb} · ${entry.name}", fontWeight = FontWeight.Bold)
        entry.text?.let { Text(it, maxLines = 3) }
        val words = when (val state = entry.state) {
            OutboxStep.Waiting -> "saved on this phone"
            OutboxStep.Sending -> "on its way"
            is OutboxStep.Held -> state.newer?.let { "held: the customer wrote “$it” meanwhile" } ?: "held"
            is OutboxStep.Refused -> "refused: ${state.reason}"
        }
        Text(words, style = MaterialTheme.typography.labelMedium, color = MaterialTheme.colorScheme.tertiary)
        Row {
            when (entry.state) {
                OutboxStep.Waiting -> TextButton({ actions.undo(entry) }) { Text("Undo") }
                OutboxStep.Sending -> Unit
                is OutboxStep.Held -> {
                    TextButton({ actions.sendHeld(entry) }) { Text("Send it anyway") }
                    TextButton({ actions.dropHeld(entry) }) { Text("Drop it") }
                }
                is OutboxStep.Refused -> {
                    TextButton({ actions.retry(entry) }) { Text("Try again") }
                    TextButton({ actions.discard(entry) }) { Text("Discard") }
                }
            }
        }
    }
}

/** Who uses the phone, and how sync stands. */
@Composable
fun SettingsScreen(state: SettingsState) {
    Column(Modifier.fillMaxSize()) {
        Title("Settings")
        state.account?.let { account ->
            Fact("You", account.name)
            Fact("Workspace", account.workspace)
            Fact("Relay", account.relay)
        }
        Fact("Sync", state.sync.inWords())
        Fact("Waiting to be sent", state.sync.waiting.toString())
        state.sync.lastContact?.let { Fact("Last contact", shortTime(it)) }
    }
}

private fun SyncState.inWords(): String = when (line) {
    SyncState.Line.OFFLINE -> "offline"
    SyncState.Line.CONNECTING -> "connecting"
    SyncState.Line.CATCHING_UP -> "catching up"
    SyncState.Line.LIVE -> "up to date"
    SyncState.Line.STUCK -> "connected, but nothing moves"
    SyncState.Line.REFUSED -> "refused by the relay"
}

@Composable
private fun Title(text: String) {
    Text(text, Modifier.padding(16.dp), style = MaterialTheme.typography.headlineSmall)
}

@Composable
private fun Fact(name: String, value: String) {
    Column(Modifier.padding(16.dp, 8.dp)) {
        Text(name, style = MaterialTheme.typography.labelMedium)
        Text(value)
    }
}
