package app.offdesk.sample.ui

import androidx.compose.foundation.background
import androidx.compose.foundation.clickable
import androidx.compose.foundation.horizontalScroll
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.items
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.shape.CircleShape
import androidx.compose.material3.Divider
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedTextField
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.draw.clip
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.text.font.FontWeight
import androidx.compose.ui.text.style.TextOverflow
import androidx.compose.ui.unit.dp
import app.offdesk.sample.api.InboxRow
import app.offdesk.sample.api.InboxTab
import app.offdesk.sample.model.InboxState

/** What can be done on the inbox's screen. */
class InboxActions(
    val open: (InboxRow) -> Unit = {},
    val show: (InboxTab) -> Unit = {},
    val type: (String) -> Unit = {},
    val close: (InboxRow) -> Unit = {},
    val snooze: (InboxRow) -> Unit = {},
    val undo: () -> Unit = {},
    val dismissMessage: () -> Unit = {},
)

/** The dashboard: search, filters, rows that are swiped away. */
@Composable
fun InboxScreen(state: InboxState, actions: InboxActions) {
    Box(Modifier.fillMaxSize()) {
        Column {
            SyncBanner(state.sync)
            OutlinedTextField(
                state.typed,
                actions.type,
                Modifier.fillMaxWidth().padding(12.dp, 8.dp),
                placeholder = { Text("Name, phone or message") },
                singleLine = true,
            )
            Row(
                Modifier.horizontalScroll(rememberScrollState()).padding(horizontal = 12.dp),
                horizontalArrangement = Arrangement.spacedBy(8.dp),
            ) {
                InboxTab.values().forEach { tab -> Tab(tab, tab == state.tab) { actions.show(tab) } }
            }
            val rows = state.rows
            if (rows != null && rows.isEmpty()) {
                Text("Nothing here", Modifier.padding(24.dp), color = MaterialTheme.colorScheme.secondary)
            }
            LazyColumn(Modifier.padding(top = 8.dp)) {
                items(rows.orEmpty(), key = { it.id }) { row ->
                    Swipeable("Close", { actions.close(row) }, "Tomorrow", { actions.snooze(row) }) {
                        ConversationItem(row) { actions.open(row) }
                    }
                    Divider()
                }
            }
        }
        SaidBar(state.message, actions.undo, actions.dismissMessage, Modifier.align(Alignment.BottomCenter))
    }
}

@Composable
private fun Tab(tab: InboxTab, chosen: Boolean, choose: () -> Unit) {
    val name = when (tab) {
        InboxTab.ALL -> "All"
        InboxTab.MINE -> "Mine"
        InboxTab.UNREAD -> "Unread"
        InboxTab.NEEDS_REPLY -> "Needs reply"
        InboxTab.CLOSED -> "Closed"
    }
    Text(
        name,
        Modifier
            .clip(CircleShape)
            .background(if (chosen) MaterialTheme.colorScheme.primary else MaterialTheme.colorScheme.secondaryContainer)
            .clickable(onClick = choose)
            .padding(14.dp, 7.dp),
        color = if (chosen) Color.White else MaterialTheme.colorScheme.onSurface,
        style = MaterialTheme.typography.labelLarge,
    )
}

@Composable
private fun ConversationItem(row: InboxRow, open: () -> Unit) {
    Row(Modifier.fillMaxWidth().clickable(onClick = open).padding(16.dp, 12.dp)) {
        Box(
            Modifier.padding(top = 7.dp, end = 10.dp).size(9.dp).clip(CircleShape)
                .background(if (row.unread) MaterialTheme.colorScheme.primary else Color.Transparent),
        )
        Column(Modifier.weight(1f), verticalArrangement = Arrangement.spacedBy(4.dp)) {
            Row {
                val weight = if (row.unread) FontWeight.Bold else FontWeight.Normal
                Text(row.name, Modifier.weight(1f), fontWeight = weight, maxLines = 1, overflow = TextOverflow.Ellipsis)
                Text(shortTime(row.lastActivity), style = MaterialTheme.typography.labelMedium)
            }
            Text(
                row.preview,
                maxLines = 1,
                overflow = TextOverflow.Ellipsis,
                style = MaterialTheme.typography.bodyMedium,
                color = MaterialTheme.colorScheme.secondary,
            )
            Row(horizontalArrangement = Arrangement.spacedBy(6.dp)) {
                if (row.needsReply) Label("needs reply", MaterialTheme.colorScheme.primaryContainer)
                if (row.held > 0) Label("held", MaterialTheme.colorScheme.tertiaryContainer)
                if (row.pending > 0) Label("${row.pending} on this phone", MaterialTheme.colorScheme.tertiaryContainer)
                if (row.draft) Label("draft")
                if (row.origin != "direct") Label(row.origin)
                row.tags.take(TAGS).forEach { Label(it) }
            }
        }
    }
}

private const val TAGS = 3
