package app.offdesk.sample

import androidx.compose.runtime.Composable
import androidx.compose.ui.ImageComposeScene
import androidx.compose.ui.unit.Density
import app.offdesk.sample.model.AlertsState
import app.offdesk.sample.model.ConversationState
import app.offdesk.sample.model.InboxState
import app.offdesk.sample.model.OutboxViewState
import app.offdesk.sample.model.SettingsState
import app.offdesk.sample.ui.AlertsActions
import app.offdesk.sample.ui.AlertsScreen
import app.offdesk.sample.ui.ConversationActions
import app.offdesk.sample.ui.ConversationScreen
import app.offdesk.sample.ui.InboxActions
import app.offdesk.sample.ui.InboxScreen
import app.offdesk.sample.ui.OffdeskTheme
import app.offdesk.sample.ui.OutboxActions
import app.offdesk.sample.ui.OutboxScreen
import app.offdesk.sample.ui.SettingsScreen
import java.nio.file.Files
import java.nio.file.Path
import kotlin.system.exitProcess
import org.jetbrains.skia.EncodedImageFormat

private const val WIDTH = 360
private const val HEIGHT = 720
private const val SCALE = 2
private const val FRAME = 16_000_000L

/** Renders the screens with what a running core holds to pictures in the folder given. */
fun main(arguments: Array<String>) {
    val pictures = Files.createDirectories(Path.of(arguments.single()))
    inTheTunnel(Files.createTempDirectory("sample")) { name, state ->
        Files.write(pictures.resolve("$name.png"), render { OffdeskTheme { Screen(state) } })
        println("$name.png")
    }
    exitProcess(0)
}

@Composable
private fun Screen(state: Any) {
    when (state) {
        is InboxState -> InboxScreen(state, InboxActions())
        is ConversationState -> ConversationScreen(state, ConversationActions())
        is AlertsState -> AlertsScreen(state, AlertsActions())
        is OutboxViewState -> OutboxScreen(state, OutboxActions())
        is SettingsState -> SettingsScreen(state)
        else -> error("there is no screen for ${state::class}")
    }
}

/** As a phone of 360 × 720 shows it. */
private fun render(content: @Composable () -> Unit): ByteArray {
    val screen = ImageComposeScene(WIDTH * SCALE, HEIGHT * SCALE, Density(SCALE.toFloat()), content = content)
    try {
        // The second frame has what the first one measured.
        screen.render()
        return checkNotNull(screen.render(FRAME).encodeToData(EncodedImageFormat.PNG)) { "no picture" }.bytes
    } finally {
        screen.close()
    }
}
