package app.offdesk.sample.android

import android.Manifest
import android.content.Intent
import android.os.Build
import android.os.Bundle
import androidx.activity.ComponentActivity
import androidx.activity.compose.setContent
import androidx.activity.enableEdgeToEdge
import androidx.activity.result.contract.ActivityResultContracts
import androidx.compose.foundation.layout.padding
import androidx.compose.material3.NavigationBar
import androidx.compose.material3.NavigationBarItem
import androidx.compose.material3.Scaffold
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.res.stringResource
import androidx.lifecycle.ViewModel
import androidx.lifecycle.compose.collectAsStateWithLifecycle
import androidx.lifecycle.viewModelScope
import androidx.lifecycle.viewmodel.compose.viewModel
import androidx.navigation.compose.NavHost
import androidx.navigation.compose.composable
import androidx.navigation.compose.currentBackStackEntryAsState
import androidx.navigation.compose.rememberNavController
import app.offdesk.sample.R
import app.offdesk.sample.api.OffdeskClient
import app.offdesk.sample.model.AlertsModel
import app.offdesk.sample.model.ConversationModel
import app.offdesk.sample.model.InboxModel
import app.offdesk.sample.model.OutboxModel
import app.offdesk.sample.model.SettingsModel
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
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.update

/** The one activity. A notification opens it with `offdesk://conversation/ID`. */
class MainActivity : ComponentActivity() {
    private val linked = MutableStateFlow<String?>(null)
    private val askToNotify = registerForActivityResult(ActivityResultContracts.RequestPermission()) {}

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        enableEdgeToEdge()
        // A screen that is turned has followed its link before.
        if (savedInstanceState == null) linked.value = conversationOf(intent)
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.TIRAMISU) askToNotify.launch(Manifest.permission.POST_NOTIFICATIONS)
        val application = application as SampleApplication
        setContent {
            OffdeskTheme {
                val client by application.client.collectAsStateWithLifecycle()
                when (val client = client) {
                    null -> EnrolScreen(application::enrol)
                    else -> Screens(client, linked)
                }
            }
        }
    }

    override fun onNewIntent(intent: Intent) {
        super.onNewIntent(intent)
        linked.value = conversationOf(intent)
    }

    private fun conversationOf(intent: Intent): String? =
        intent.data?.takeIf { it.scheme == "offdesk" && it.host == "conversation" }?.lastPathSegment
}

/** Keeps one of the plain models while a screen is turned. */
class Kept<M>(make: (CoroutineScope) -> M) : ViewModel() {
    val model: M = make(viewModelScope)
}

@Composable
private fun <M> keep(key: String, make: (CoroutineScope) -> M): M = viewModel(key = key) { Kept(make) }.model

private enum class Destination(val label: Int) {
    INBOX(R.string.tab_inbox),
    ALERTS(R.string.tab_alerts),
    OUTBOX(R.string.tab_outbox),
    SETTINGS(R.string.tab_settings),
}

@Composable
private fun Screens(client: OffdeskClient, linked: MutableStateFlow<String?>) {
    val navigation = rememberNavController()
    val entry by navigation.currentBackStackEntryAsState()
    val link by linked.collectAsStateWithLifecycle()
    val open = { conversation: String -> navigation.navigate("conversation/$conversation") { launchSingleTop = true } }
    LaunchedEffect(link) {
        link?.let { conversation ->
            open(conversation)
            linked.update { null }
        }
    }
    Scaffold(bottomBar = {
        NavigationBar {
            Destination.entries.forEach { destination ->
                NavigationBarItem(
                    selected = entry?.destination?.route == destination.name,
                    onClick = { navigation.navigate(destination.name) { popUpTo(Destination.INBOX.name) } },
                    icon = {},
                    label = { Text(stringResource(destination.label)) },
                )
            }
        }
    }) { padding ->
        NavHost(navigation, Destination.INBOX.name, Modifier.padding(padding)) {
            composable(Destination.INBOX.name) {
                val model = keep("inbox") { InboxModel(client, it) }
                val state by model.state.collectAsStateWithLifecycle()
                val actions = InboxActions({ open(it.id) }, model::show, model::type, model::close, model::snooze, model::undo, model::dismissMessage)
                InboxScreen(state, actions)
            }
            composable("conversation/{id}") { destination ->
                val id = destination.arguments?.getString("id").orEmpty()
                val model = keep("conversation-$id") { ConversationModel(id, client, it) }
                val state by model.state.collectAsStateWithLifecycle()
                val actions = ConversationActions(
                    model::type, model::writeNote, model::send, model::sendHeld, model::dropHeld, model::togglePanel,
                    model::undo, model::dismissMessage,
                )
                ConversationScreen(state, actions)
            }
            composable(Destination.ALERTS.name) {
                val model = keep("alerts") { AlertsModel(client, it) }
                val state by model.state.collectAsStateWithLifecycle()
                val actions = AlertsActions({ open(it.conversation) }, model::explain, model::dismiss, model::closeSheet, model::dismissMessage)
                AlertsScreen(state, actions)
            }
            composable(Destination.OUTBOX.name) {
                val model = keep("outbox") { OutboxModel(client, it) }
                val state by model.state.collectAsStateWithLifecycle()
                val actions = OutboxActions(model::undo, model::retry, model::discard, model::sendHeld, model::dropHeld, model::dismissMessage)
                OutboxScreen(state, actions)
            }
            composable(Destination.SETTINGS.name) {
                val model = keep("settings") { SettingsModel(client, it) }
                val state by model.state.collectAsStateWithLifecycle()
                SettingsScreen(state)
            }
        }
    }
}
