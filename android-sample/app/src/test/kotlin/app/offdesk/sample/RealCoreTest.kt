package app.offdesk.sample

import app.offdesk.JOSEF
import app.offdesk.MARIA
import app.offdesk.Scene
import app.offdesk.SentText
import app.offdesk.addTag
import app.offdesk.editContact
import app.offdesk.eventually
import app.offdesk.ffi.ContactEdit
import app.offdesk.reaches
import app.offdesk.sample.api.Bubble
import app.offdesk.sample.api.InboxTab
import app.offdesk.sample.api.OutboxStep
import app.offdesk.sample.api.Step
import app.offdesk.sample.model.AlertsModel
import app.offdesk.sample.model.ConversationModel
import app.offdesk.sample.model.InboxModel
import app.offdesk.sample.model.OutboxModel
import app.offdesk.sample.model.SettingsModel
import app.offdesk.sample.rust.RustClient
import app.offdesk.scene
import java.nio.file.Path
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.first
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** The sample's view models over a running core and relay. */
class RealCoreTest {
    @TempDir
    private lateinit var folder: Path

    @Test
    fun `a rep works in a tunnel`() {
        val shown = mutableListOf<String>()
        inTheTunnel(folder) { name, _ -> shown += name }
        assertEquals(listOf("alerts", "inbox-offline", "outbox", "conversation-held", "inbox", "settings"), shown)
    }
}

/** A rep in a train: what the screens show is handed to [shown], with a name for it. */
internal fun inTheTunnel(folder: Path, shown: (String, Any) -> Unit): Unit = scene(folder, staleAfterMs = 0) {
    val phone = Phone(this, shown)
    try {
        phone.works()
    } finally {
        phone.scope.cancel()
    }
}

private class Phone(private val scene: Scene, private val shown: (String, Any) -> Unit) {
    val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)

    suspend fun works() {
        val world = scene.world
        val ada = scene.live("Ada")
        val client = RustClient(ada, scope)
        world.inbound(JOSEF, "Thanks, the blue one fits!")
        world.inbound("+14155550177", "Can you deliver on Friday afternoon?")
        world.inbound(MARIA, "Blue, please")
        val rows = ada.inbox().reaches("three customers") { it.size == 3 }
        val (maria, grace, josef) = rows
        ada.editContact(maria.contact, ContactEdit(name = "Maria Lopez", email = "maria@example.com"))
        ada.editContact(grace.contact, ContactEdit(name = "Grace Kim"))
        ada.editContact(josef.contact, ContactEdit(name = "Josef Novak"))
        ada.addTag(maria.id, "vip")
        ada.outbox().reaches("all of it has arrived") { it.isEmpty() }

        val inbox = InboxModel(client, scope)
        val conversation = ConversationModel(maria.id, client, scope)
        val alerts = AlertsModel(client, scope)
        val outbox = OutboxModel(client, scope)
        val alert = alerts.state.reaches("they are told") { it.alerts.size >= 2 }.alerts.last()
        alerts.explain(alert)
        val explained = alerts.state.reaches("and why") { it.why != null }
        assertTrue(explained.why!!.why.sentences.isNotEmpty())
        shown("alerts", explained)

        // In the tunnel.
        world.network(up = false)
        client.setOnline(false)
        conversation.type("Blue is on its way")
        conversation.send()
        val saved = conversation.state.reaches("it is saved") { state ->
            (state.bubbles.lastOrNull() as? Bubble.Ours)?.step == Step.Saved && state.message?.canUndo == true
        }
        assertEquals("Ada", (saved.bubbles.last() as Bubble.Ours).author)
        conversation.dismissMessage()
        val offline = inbox.state.reaches("the list says so") { state ->
            state.rows?.firstOrNull()?.pending == 1 && state.sync.waiting > 0
        }
        shown("inbox-offline", offline)

        // Out again, and overtaken: she wrote in between.
        world.inbound(MARIA, "No, red!")
        world.network(up = true)
        client.setOnline(true)
        val entry = outbox.state.reaches("it is held") { it.entries.singleOrNull()?.state is OutboxStep.Held }.entries.single()
        assertEquals(OutboxStep.Held("No, red!"), entry.state)
        shown("outbox", outbox.state.first { it.entries.isNotEmpty() })
        conversation.togglePanel()
        val held = conversation.state.reaches("its bubble says why") { state ->
            state.panelOpen && state.message == null &&
                state.bubbles.any { (it as? Bubble.Ours)?.step == Step.Held("No, red!") } && "vip" in state.panel?.tags.orEmpty()
        }
        shown("conversation-held", held)
        assertTrue(world.sent().isEmpty())
        outbox.sendHeld(entry)
        eventually("Maria gets it") { world.sent() == listOf(SentText(MARIA, "Blue is on its way")) }
        outbox.state.reaches("nothing waits") { it.entries.isEmpty() }

        inbox.show(InboxTab.NEEDS_REPLY)
        val needs = inbox.state.reaches("two wait") { state -> state.tab == InboxTab.NEEDS_REPLY && state.rows?.size == 2 }
        inbox.close(needs.rows!!.last())
        val closed = inbox.state.reaches("one is closed") { it.rows?.size == 1 && it.message?.canUndo == true }
        shown("inbox", closed)
        inbox.undo()
        inbox.state.reaches("and taken back or on its way") { it.rows?.size == 2 || it.message?.canUndo == false }
        val settings = SettingsModel(client, scope).state.reaches("the account is known") { it.account != null }
        assertEquals("Acme", settings.account?.workspace)
        shown("settings", settings)
    }
}
