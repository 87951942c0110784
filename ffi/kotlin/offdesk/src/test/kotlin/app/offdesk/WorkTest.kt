package app.offdesk

import app.offdesk.ffi.Attention
import app.offdesk.ffi.ContactEdit
import app.offdesk.ffi.Deed
import app.offdesk.ffi.Delivery
import app.offdesk.ffi.Field
import app.offdesk.ffi.OffdeskException
import app.offdesk.ffi.OutboxState
import app.offdesk.ffi.Status
import java.nio.file.Path
import java.time.Duration
import java.time.Instant
import java.time.temporal.ChronoUnit
import kotlinx.coroutines.flow.map
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** What a member does, with and without a network. */
class WorkTest {
    @TempDir
    private lateinit var folder: Path

    @Test
    fun enrol_and_open() = scene(folder) {
        val member = world.person("Ada")
        fails<OffdeskException.NotEnrolled> { open("Ada") }
        val refused = fails<OffdeskException.EnrolmentRefused> {
            Offdesk.enrol(config("Ada"), world.relay, "WRONG-CODE", "Ada")
        }
        assertTrue(refused.title.isNotBlank())
        val ada = live("Ada", member = member)
        assertEquals("Ada", ada.me().name)
        assertEquals(member, ada.me().member)
        world.inbound(MARIA, "Hello?")
        val conversation = ada.theConversation()
        fails<OffdeskException.AlreadyEnrolled> { Offdesk.enrol(config("Ada"), world.relay, world.code(member), "Ada") }
        ada.shutDown()
        val again = open("Ada")
        assertEquals(listOf("Hello?"), again.conversation(conversation).messages.map { it.text })
        assertTrue(Offdesk.version.matches(Regex("""\d+\.\d+\.\d+""")))
    }

    @Test
    fun offline_reply_is_delivered_later() = scene(folder) {
        val ada = live("Ada")
        world.inbound(MARIA, "Hello?")
        val conversation = ada.theConversation()
        world.network(up = false)
        val reply = ada.reply(conversation, "Hello Maria")
        assertEquals(Delivery.Saved, ada.message(conversation, reply).delivery)
        assertTrue(world.sent().isEmpty())
        world.network(up = true)
        eventually("Maria gets it") { world.sent() == listOf(SentText(MARIA, "Hello Maria")) }
        ada.messages(conversation).map { it.last() }.reaches("it is delivered") {
            it.id == reply && it.delivery == Delivery.Delivered
        }
        assertTrue(ada.outbox().reaches("nothing waits") { it.isEmpty() }.isEmpty())
    }

    @Test
    fun alert_is_raised_and_dismissed() = scene(folder) {
        val member = world.person("Ada")
        val phone = live("Ada's phone", member = member)
        val laptop = live("Ada's laptop", member = member)
        world.inbound(MARIA, "Hello?")
        val alert = phone.alerts().reaches("it is told on the phone") { it.size == 1 }.single()
        assertEquals(listOf(MARIA, "Hello?", "R12"), listOf(alert.contactName, alert.text, alert.rule))
        assertEquals(alert.id, laptop.alerts().reaches("and on the laptop") { it.size == 1 }.single().id)
        assertEquals(1, phone.badge())
        val why = phone.explain(alert.id)
        assertEquals("R12", why.rule)
        assertTrue(why.sentences.all { it.isNotBlank() } && why.sentences.isNotEmpty())
        val drawer = mutableListOf<AlertChange>()
        laptop.dismissAlert(alert.id)
        phone.alerts().reaches("dismissed on both") { it.isEmpty() }
        assertEquals(0, phone.badge())
        world.inbound(JOSEF, "Anybody?")
        phone.alertChanges().reaches("only the other one is to be shown") { drawer.add(it) }
        assertEquals(listOf("Anybody?"), drawer.map { (it as AlertChange.Show).alert.text })
    }

    @Test
    fun a_push_tells_each_alert_once() = scene(folder) {
        val ada = enrol("Ada")
        world.inbound(MARIA, "Hello?")
        val notices = ada.handlePush(byteArrayOf(), Duration.ofSeconds(30))
        assertEquals(listOf("Hello?"), notices.show.map { it.text })
        assertEquals(1u, notices.badge)
        assertNull(notices.incomplete)
        ada.alertsShown(notices.show.map { it.id })
        assertTrue(ada.handlePush(byteArrayOf(), Duration.ofSeconds(30)).show.isEmpty(), "nobody is told twice")
        world.network(up = false)
        assertTrue(ada.handlePush(byteArrayOf(), Duration.ofSeconds(-1)).incomplete != null)
    }

    @Test
    fun rejected_reply_is_shown_with_its_reason() = scene(folder) {
        val member = world.person("Ada")
        val ada = live("Ada", member = member)
        world.inbound(MARIA, "Hello?")
        val conversation = ada.theConversation()
        world.network(up = false)
        ada.reply(conversation, "Hello Maria")
        world.setLevel(member, "reader")
        world.network(up = true)
        val item = ada.outbox().map { it.singleOrNull() }.reaches("it needs attention") {
            it?.state is OutboxState.NeedsAttention
        }
        val why = (item!!.state as OutboxState.NeedsAttention).why as Attention.Rejected
        assertEquals(listOf("reply", "Hello Maria", "forbidden"), listOf(item.verb, item.text, why.code))
        assertTrue(why.reason.isNotBlank())
        assertEquals(1uL, ada.status.reaches("the status says so") { it.attention == 1uL }.attention)
        assertTrue(world.sent().isEmpty())
        ada.discard(item.intent)
        ada.outbox().reaches("it is gone") { it.isEmpty() }
    }

    @Test
    fun held_reply_is_sent() = scene(folder, staleAfterMs = 0) {
        val ada = live("Ada")
        world.inbound(MARIA, "Blue, please")
        val conversation = ada.theConversation()
        world.network(up = false)
        val reply = ada.reply(conversation, "Blue is on its way")
        world.inbound(MARIA, "No, red!")
        world.network(up = true)
        val item = ada.outbox().map { it.singleOrNull() }.reaches("it is held") { it?.state is OutboxState.Held }
        assertEquals("No, red!", (item!!.state as OutboxState.Held).byText)
        assertEquals(reply, item.intent)
        assertTrue(world.sent().isEmpty())
        ada.sendHeld(conversation, reply)
        eventually("Maria gets it") { world.sent() == listOf(SentText(MARIA, "Blue is on its way")) }
    }

    @Test
    fun draft_survives_reopening() = scene(folder) {
        val ada = live("Ada")
        world.inbound(MARIA, "Hello?")
        val conversation = ada.theConversation()
        ada.setDraft(conversation, "Dear Mar")
        ada.shutDown()
        val again = open("Ada")
        assertEquals("Dear Mar", again.draft(conversation))
        assertTrue(again.inboxPage().rows.single().draft)
        again.setDraft(conversation, "")
        assertNull(again.draft(conversation))
    }

    @Test
    fun assign_close_snooze_and_undo() = scene(folder) {
        val ben = world.person("Ben")
        val ada = live("Ada", undoWindow = Duration.ofHours(1))
        world.inbound(MARIA, "Hello?")
        val conversation = ada.theConversation()
        suspend fun row() = ada.conversation(conversation).row

        ada.assign(conversation, ben)
        assertEquals(listOf(ben), row().assignees.map { it.member })
        fails<OffdeskException.NothingToDo> { ada.unassign(conversation, ada.me().member) }
        val closed = ada.closeConversation(conversation)
        assertEquals(Status.CLOSED, row().status)
        ada.reopen(conversation)
        assertEquals(Status.OPEN, row().status)
        val until = Instant.now().plus(1, ChronoUnit.DAYS).truncatedTo(ChronoUnit.MILLIS)
        ada.snooze(conversation, until)
        assertEquals(until, row().snoozedUntil)
        val deeds = ada.panels(conversation).reaches("the panel shows it") { it != null }!!.conversation.timeline.map { it.what }
        assertTrue(Deed.Snoozed(until) in deeds, "$deeds")

        world.network(up = false)
        val reply = ada.reply(conversation, "Oops")
        ada.undo(reply)
        assertEquals(listOf("Hello?"), ada.conversation(conversation).messages.map { it.text })
        assertEquals(listOf(ben), row().assignees.map { it.member }, "its assignment went with it")
        world.network(up = true)
        eventually("the closing has left") { ada.outbox().reaches("any") { true }.none { it.intent == closed } }
        fails<OffdeskException.TooLate> { ada.undo(closed) }
    }

    @Test
    fun search_by_name_and_phone() = scene(folder) {
        val ada = live("Ada")
        world.inbound(MARIA, "Where is my order?")
        val contact = ada.inbox().reaches("she is here") { it.size == 1 }.single().contact
        ada.editContact(contact, ContactEdit(name = "María Müller"))
        for (typed in listOf("mar", "muller", "MÜL", "0123", "(415) 555-0123", "+1415")) {
            val hit = ada.search(typed).singleOrNull()
            assertEquals("María Müller", hit?.contact?.displayName, typed)
            assertEquals(1, hit?.conversations?.size, typed)
        }
        assertTrue(ada.search("josef").isEmpty())
        eventually("her words are found") { ada.searchMessages("ord").hits.size == 1 }
        assertEquals(listOf("María Müller"), ada.findContacts("mar").map { it.displayName })
    }

    @Test
    fun panels_show_the_customer() = scene(folder) {
        val ada = live("Ada")
        world.inbound(MARIA, "Hello?")
        val row = ada.inbox().reaches("she is here") { it.size == 1 }.single()
        ada.editContact(row.contact, ContactEdit(name = "Maria", email = "maria@example.com", custom = listOf(Field("size", "M"))))
        ada.addTag(row.id, "vip")
        val panels = ada.panels(row.id).reaches("the panel shows it") { it != null && "vip" in it.conversation.tags }!!
        val card = panels.customer.card!!
        assertEquals(listOf("Maria", "maria@example.com"), listOf(card.name, card.email))
        assertEquals(listOf(MARIA), card.phones)
        assertEquals(listOf(Field("size", "M")), card.custom)
        assertEquals(Status.OPEN, panels.conversation.status)
    }
}
