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
import androidx.compose.foundation.layout.widthIn
import androidx.compose.foundation.lazy.LazyColumn
import androidx.compose.foundation.lazy.items
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.material3.Button
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedTextField
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.draw.clip
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.text.font.FontWeight
import androidx.compose.ui.unit.dp
import app.offdesk.sample.api.Bubble
import app.offdesk.sample.api.Panel
import app.offdesk.sample.api.Step
import app.offdesk.sample.model.ConversationState

/** What can be done on a conversation's screen. */
class ConversationActions(
    val type: (String) -> Unit = {},
    val writeNote: (Boolean) -> Unit = {},
    val send: () -> Unit = {},
    val sendHeld: (Bubble) -> Unit = {},
    val dropHeld: (Bubble) -> Unit = {},
    val togglePanel: () -> Unit = {},
    val undo: () -> Unit = {},
    val dismissMessage: () -> Unit = {},
)

/** Bubbles with how far each got, the field to write in, and the panel. */
@Composable
fun ConversationScreen(state: ConversationState, actions: ConversationActions) {
    Box(Modifier.fillMaxSize()) {
        Column {
            Row(
                Modifier.fillMaxWidth().clickable(onClick = actions.togglePanel).padding(16.dp, 12.dp),
                verticalAlignment = Alignment.CenterVertically,
            ) {
                Text(state.panel?.name.orEmpty(), Modifier.weight(1f), style = MaterialTheme.typography.titleLarge)
                Text(if (state.panelOpen) "Hide details" else "Details", color = MaterialTheme.colorScheme.primary)
            }
            state.panel?.takeIf { state.panelOpen }?.let { PanelCard(it) }
            LazyColumn(
                Modifier.weight(1f).padding(horizontal = 12.dp),
                reverseLayout = true,
                verticalArrangement = Arrangement.spacedBy(8.dp, Alignment.Bottom),
            ) {
                items(state.bubbles.asReversed(), key = { it.id }) { BubbleItem(it, actions) }
            }
            Composer(state, actions)
        }
        SaidBar(state.message, actions.undo, actions.dismissMessage, Modifier.align(Alignment.BottomCenter))
    }
}

@Composable
private fun BubbleItem(bubble: Bubble, actions: ConversationActions) {
    val ours = bubble !is Bubble.Theirs
    Column(Modifier.fillMaxWidth(), horizontalAlignment = if (ours) Alignment.End else Alignment.Start) {
        val color = when (bubble) {
            is Bubble.Theirs -> MaterialTheme.colorScheme.secondaryContainer
            is Bubble.Ours -> MaterialTheme.colorScheme.primaryContainer
            is Bubble.Note -> MaterialTheme.colorScheme.tertiaryContainer
        }
        Column(Modifier.widthIn(max = 300.dp).clip(RoundedCornerShape(14.dp)).background(color).padding(12.dp, 8.dp)) {
            if (bubble is Bubble.Note) {
                Text("Note by ${bubble.author}", style = MaterialTheme.typography.labelSmall, fontWeight = FontWeight.Bold)
            }
            Text(bubble.text)
        }
        if (bubble is Bubble.Ours) {
            Text(
                "${bubble.author} · ${shortTime(bubble.at)} · ${bubble.step.inWords()}",
                Modifier.padding(4.dp, 2.dp),
                style = MaterialTheme.typography.labelSmall,
                color = if (bubble.step.isTrouble()) Color(0xFFA33A00) else MaterialTheme.colorScheme.secondary,
            )
            (bubble.step as? Step.Held)?.let { held ->
                Text(
                    held.because?.let { "The customer wrote “$it” before this arrived" } ?: "Behind another held reply",
                    style = MaterialTheme.typography.labelMedium,
                )
                Row {
                    TextButton({ actions.dropHeld(bubble) }) { Text("Drop it") }
                    TextButton({ actions.sendHeld(bubble) }) { Text("Send it anyway") }
                }
            }
        } else if (bubble is Bubble.Theirs) {
            Text(shortTime(bubble.at), Modifier.padding(4.dp, 2.dp), style = MaterialTheme.typography.labelSmall)
        }
    }
}

/** The ladder in words: each says what is known, and no more. */
fun Step.inWords(): String = when (this) {
    Step.Saved -> "saved on this phone"
    Step.Accepted -> "at the relay"
    is Step.Held -> "held"
    is Step.Scheduled -> "to be sent ${shortTime(at)}"
    Step.Dropped -> "dropped, not sent"
    Step.HandedOver -> "handed to the provider"
    Step.Sent -> "sent"
    Step.Delivered -> "delivered"
    is Step.Failed -> "not delivered: $reason"
    Step.Unknown -> "unknown: the provider could not tell"
}

private fun Step.isTrouble(): Boolean = this is Step.Held || this is Step.Failed || this == Step.Unknown

@Composable
private fun PanelCard(panel: Panel) {
    Column(
        Modifier.fillMaxWidth().padding(12.dp, 0.dp).clip(RoundedCornerShape(12.dp))
            .background(MaterialTheme.colorScheme.secondaryContainer).padding(14.dp),
        verticalArrangement = Arrangement.spacedBy(4.dp),
    ) {
        Text("Customer", style = MaterialTheme.typography.labelLarge)
        panel.phones.forEach { Text(it) }
        panel.email?.let { Text(it) }
        panel.fields.forEach { (name, value) -> Text("$name: $value") }
        Text("Conversation", Modifier.padding(top = 8.dp), style = MaterialTheme.typography.labelLarge)
        Text(if (panel.assignees.isEmpty()) "Nobody is assigned" else panel.assignees.joinToString(prefix = "Assigned: "))
        Row(horizontalArrangement = Arrangement.spacedBy(6.dp)) { panel.tags.forEach { Label(it, Color.White) } }
        panel.timeline.takeLast(SHOWN).forEach { Text(it, style = MaterialTheme.typography.bodySmall) }
    }
}

private const val SHOWN = 5

@Composable
private fun Composer(state: ConversationState, actions: ConversationActions) {
    val composing = state.composing
    Column(Modifier.fillMaxWidth().padding(12.dp)) {
        OutlinedTextField(
            composing.text,
            actions.type,
            Modifier.fillMaxWidth(),
            placeholder = { Text(if (composing.asNote) "A note to colleagues" else "A reply to the customer") },
        )
        Row(Modifier.padding(top = 6.dp), verticalAlignment = Alignment.CenterVertically) {
            TextButton({ actions.writeNote(!composing.asNote) }) {
                Text(if (composing.asNote) "Write a reply" else "Write a note")
            }
            Box(Modifier.weight(1f))
            Button(actions.send, enabled = composing.text.isNotBlank()) { Text(if (composing.asNote) "Add" else "Send") }
        }
    }
}
