package app.offdesk.sample.model

import app.offdesk.sample.api.AlertItem
import app.offdesk.sample.api.Bubble
import app.offdesk.sample.api.InboxRow
import app.offdesk.sample.api.InboxTab
import app.offdesk.sample.api.OutboxEntry
import app.offdesk.sample.api.OutboxStep
import app.offdesk.sample.api.Step
import app.offdesk.sample.fake.FakeClient
import java.time.Duration
import java.time.Instant
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.launch
import kotlinx.coroutines.test.TestScope
import kotlinx.coroutines.test.UnconfinedTestDispatcher
import kotlinx.coroutines.test.advanceTimeBy
import kotlinx.coroutines.test.runCurrent
import kotlinx.coroutines.test.runTest
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

private val NOON = Instant.parse("2026-03-02T12:00:00Z")

/** View models over lists in memory, on a clock of their own. */
@OptIn(ExperimentalCoroutinesApi::class)
class ModelsTest {
    private val maria = InboxRow("1", "Maria", "Where is my order?", NOON, unread = true, needsReply = true)
    private val josef = InboxRow("2", "Josef", "Thanks!", NOON.minusSeconds(60), closed = true)
    private val client = FakeClient(listOf(maria, josef), now = { NOON })

    @Test
    fun `the inbox shows a tab, and what is typed`() = runTest {
        val model = InboxModel(client, backgroundScope)
        watch(model.state)
        assertEquals(listOf("Maria"), model.state.value.rows?.map { it.name })
        model.show(InboxTab.CLOSED)
        settle()
        assertEquals(listOf("Josef"), model.state.value.rows?.map { it.name })
        model.type("ord")
        settle()
        assertEquals(listOf("Maria"), model.state.value.rows?.map { it.name })
        model.type("")
        settle()
        assertEquals(listOf("Josef"), model.state.value.rows?.map { it.name })
    }

    @Test
    fun `a swipe closes, and can be taken back`() = runTest {
        val model = InboxModel(client, backgroundScope)
        watch(model.state)
        model.close(maria)
        settle()
        assertEquals(emptyList<InboxRow>(), model.state.value.rows)
        assertEquals(Said("Closed Maria", canUndo = true), model.state.value.message)
        model.undo()
        settle()
        assertEquals(listOf("Maria"), model.state.value.rows?.map { it.name })
        assertNull(model.state.value.message)
    }

    @Test
    fun `the other swipe lets rest until tomorrow`() = runTest {
        val model = InboxModel(client, backgroundScope, now = { NOON })
        watch(model.state)
        model.snooze(maria)
        settle()
        assertEquals(NOON + Duration.ofDays(1), model.state.value.rows?.single()?.snoozedUntil)
    }

    @Test
    fun `what fails is said, and the text is kept`() = runTest {
        val model = ConversationModel("1", client, backgroundScope)
        watch(model.state)
        model.type("Hello")
        settle()
        client.failure = "the disk is full: free some space and try again"
        model.send()
        settle()
        assertEquals(Said("the disk is full: free some space and try again"), model.state.value.message)
        assertEquals("Hello", model.state.value.composing.text)
        assertTrue(model.state.value.bubbles.isEmpty())
    }

    @Test
    fun `a reply is shown as saved, its draft is gone, and it marks read`() = runTest {
        client.setDraft("1", "Hel")
        val model = ConversationModel("1", client, backgroundScope)
        watch(model.state)
        settle()
        assertEquals("Hel", model.state.value.composing.text)
        assertEquals(false, client.rows.value.first().unread)
        model.type("Hello Maria")
        model.send()
        settle()
        val bubble = model.state.value.bubbles.single() as Bubble.Ours
        assertEquals("Hello Maria" to Step.Saved, bubble.text to bubble.step)
        assertEquals("", client.draft("1"))
        assertEquals("", model.state.value.composing.text)
        model.undo()
        settle()
        assertTrue(model.state.value.bubbles.isEmpty())
    }

    @Test
    fun `a note is no draft and no reply`() = runTest {
        val model = ConversationModel("1", client, backgroundScope)
        watch(model.state)
        model.writeNote(true)
        model.type("She called before")
        model.send()
        settle()
        assertTrue(model.state.value.bubbles.single() is Bubble.Note)
        assertEquals(true, client.rows.value.first().needsReply)
    }

    @Test
    fun `an alert says why, and can be dismissed`() = runTest {
        val alert = AlertItem("a", "1", "Maria", "Where is my order?", NOON)
        client.alertList.value = listOf(alert)
        val model = AlertsModel(client, backgroundScope)
        watch(model.state)
        model.explain(alert)
        settle()
        assertEquals("R12", model.state.value.why?.why?.rule)
        model.closeSheet()
        model.dismiss(alert)
        settle()
        assertEquals(AlertsState(), model.state.value)
    }

    @Test
    fun `what was refused is tried again or discarded`() = runTest {
        val refused = OutboxEntry("r", "1", "Maria", "reply", "Hi", OutboxStep.Refused("not allowed"))
        client.outboxList.value = listOf(refused)
        val model = OutboxModel(client, backgroundScope)
        watch(model.state)
        model.retry(refused)
        settle()
        assertEquals(OutboxStep.Waiting, model.state.value.entries.single().state)
        model.discard(refused)
        settle()
        assertTrue(model.state.value.entries.isEmpty())
    }

    private fun TestScope.watch(state: StateFlow<*>) {
        backgroundScope.launch(UnconfinedTestDispatcher(testScheduler)) { state.collect {} }
        settle()
    }

    /** Lets everything happen that is due within a second, that of the models in the background too. */
    private fun TestScope.settle() {
        advanceTimeBy(1_000)
        runCurrent()
    }
}
