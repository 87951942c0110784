package app.offdesk.sample.ui

import androidx.compose.animation.core.Animatable
import androidx.compose.foundation.background
import androidx.compose.foundation.gestures.Orientation
import androidx.compose.foundation.gestures.draggable
import androidx.compose.foundation.gestures.rememberDraggableState
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.Spacer
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.offset
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.material3.lightColorScheme
import androidx.compose.runtime.Composable
import androidx.compose.runtime.remember
import androidx.compose.runtime.rememberCoroutineScope
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.draw.clip
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.text.font.FontWeight
import androidx.compose.ui.unit.IntOffset
import androidx.compose.ui.unit.dp
import app.offdesk.sample.api.SyncState
import app.offdesk.sample.model.Said
import java.time.Instant
import java.time.LocalDate
import java.time.ZoneId
import java.time.format.DateTimeFormatter
import java.time.format.FormatStyle
import kotlin.math.roundToInt
import kotlinx.coroutines.launch

private val colors = lightColorScheme(
    primary = Color(0xFF1B5E57),
    secondary = Color(0xFF4A635F),
    tertiary = Color(0xFF8A5100),
    primaryContainer = Color(0xFFCDE8E2),
    secondaryContainer = Color(0xFFE3EBE9),
    tertiaryContainer = Color(0xFFFFE9C9),
)

/** The app's colours. */
@Composable
fun OffdeskTheme(content: @Composable () -> Unit) {
    MaterialTheme(colorScheme = colors) { Surface(color = MaterialTheme.colorScheme.background, content = content) }
}

/** How sync stands, in words; nothing while all is well. */
@Composable
fun SyncBanner(sync: SyncState) {
    val words = when {
        sync.revoked -> "Your access on this phone was ended by an administrator"
        sync.attention > 0 -> "${sync.attention} not sent: look into the outbox"
        sync.line == SyncState.Line.OFFLINE && sync.waiting > 0 -> "Offline · ${sync.waiting} saved, sent when there is a network"
        sync.line == SyncState.Line.OFFLINE -> "Offline · everything here can be used"
        sync.line == SyncState.Line.CATCHING_UP -> "Catching up…"
        sync.line == SyncState.Line.STUCK -> "Connected, but nothing moves"
        sync.line == SyncState.Line.REFUSED -> "The relay refuses this phone: enrol it anew"
        else -> return
    }
    Text(
        words,
        Modifier.fillMaxWidth().background(MaterialTheme.colorScheme.tertiaryContainer).padding(16.dp, 8.dp),
        style = MaterialTheme.typography.labelLarge,
    )
}

/** What was done or why it was not, with a way back. */
@Composable
fun SaidBar(said: Said?, undo: () -> Unit, dismiss: () -> Unit, modifier: Modifier = Modifier) {
    if (said == null) return
    Row(
        modifier.fillMaxWidth().padding(12.dp).clip(RoundedCornerShape(8.dp)).background(Color(0xFF2B3230)).padding(start = 16.dp),
        verticalAlignment = Alignment.CenterVertically,
    ) {
        Text(said.text, Modifier.weight(1f).padding(vertical = 14.dp), color = Color.White)
        TextButton(if (said.canUndo) undo else dismiss) {
            Text(if (said.canUndo) "Undo" else "OK", color = Color(0xFF9FE0D4), fontWeight = FontWeight.Bold)
        }
    }
}

/** A label, such as a tag. */
@Composable
fun Label(text: String, color: Color = MaterialTheme.colorScheme.secondaryContainer) {
    Text(
        text,
        Modifier.clip(RoundedCornerShape(6.dp)).background(color).padding(6.dp, 2.dp),
        style = MaterialTheme.typography.labelSmall,
        maxLines = 1,
    )
}

/** A row that can be swiped away to either side. */
@Composable
fun Swipeable(toEnd: String, onEnd: () -> Unit, toStart: String, onStart: () -> Unit, content: @Composable () -> Unit) {
    val at = remember { Animatable(0f) }
    val scope = rememberCoroutineScope()
    Box(Modifier.background(MaterialTheme.colorScheme.primaryContainer)) {
        Row(Modifier.matchParentSize().padding(horizontal = 20.dp), verticalAlignment = Alignment.CenterVertically) {
            Text(toEnd, color = MaterialTheme.colorScheme.primary)
            Spacer(Modifier.weight(1f))
            Text(toStart, color = MaterialTheme.colorScheme.primary)
        }
        Surface(
            Modifier.offset { IntOffset(at.value.roundToInt(), 0) }.draggable(
                rememberDraggableState { delta -> scope.launch { at.snapTo(at.value + delta) } },
                Orientation.Horizontal,
                onDragStopped = {
                    if (at.value > SWIPED) onEnd() else if (at.value < -SWIPED) onStart()
                    at.animateTo(0f)
                },
            ),
            content = content,
        )
    }
}

private const val SWIPED = 220f

/** The time today, the day before. */
fun shortTime(at: Instant, zone: ZoneId = ZoneId.systemDefault(), today: LocalDate = LocalDate.now(zone)): String {
    val local = at.atZone(zone)
    return if (local.toLocalDate() == today) {
        local.format(DateTimeFormatter.ofPattern("HH:mm"))
    } else {
        local.format(DateTimeFormatter.ofLocalizedDate(FormatStyle.SHORT))
    }
}
