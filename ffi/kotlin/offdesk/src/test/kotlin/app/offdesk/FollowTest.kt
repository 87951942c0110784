package app.offdesk

import app.offdesk.ffi.Connection
import app.offdesk.ffi.ConversationId
import app.offdesk.ffi.InboxFilter
import app.offdesk.ffi.Network
import app.offdesk.ffi.OffdeskException
import app.offdesk.ffi.PageKey
import app.offdesk.ffi.openLists
import java.nio.file.Path
import java.time.Duration
import java.util.concurrent.CopyOnWriteArrayList
import kotlin.time.measureTime
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.yield
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** What a screen follows: lists, status, the end of both. */
class FollowTest {
    @TempDir
    private lateinit var folder: Path

    @Test
    fun inbox_follows_by_diffs() = scene(folder) { scope ->
        val ada = live("Ada")
        val states = CopyOnWriteArrayList<List<String>>()
        val following = scope.launch { ada.inbox(limit = 2).map { rows -> rows.map { it.preview } }.collect(states::add) }
        eventually("an empty list is a state") { states.lastOrNull() == emptyList<String>() }
        world.inbound(MARIA, "Hello?")
        eventually("Maria is there") { states.last() == listOf("Hello?") }
        world.inbound(JOSEF, "Hi")
        eventually("Josef is before her") { states.last() == listOf("Hi", "Hello?") }
        world.inbound(MARIA, "Anybody there?")
        eventually("she is before him") { states.last() == listOf("Anybody there?", "Hi") }
        world.inbound("+14155550177", "Me too")
        eventually("two are shown") { states.last() == listOf("Me too", "Anybody there?") }
        following.cancelAndJoin()

        val unread = ada.inbox(InboxFilter(unread = true))
        val third = unread.reaches("three are unread") { it.size == 3 }.last().id
        ada.markRead(third)
        unread.reaches("two are") { rows -> rows.size == 2 && rows.none { it.id == third } }
    }

    @Test
    fun status_tells_what_waits() = scene(folder) {
        val ada = live("Ada")
        world.inbound(MARIA, "Hello?")
        val conversation = ada.theConversation()
        ada.setNetwork(Network.OFFLINE)
        ada.reply(conversation, "Hello Maria")
        val offline = ada.status.reaches("it waits") { it.pending == 1uL && it.connection == Connection.Offline }
        assertEquals(Network.OFFLINE, offline.network)
        ada.setNetwork(Network.ONLINE)
        ada.isLive()
        assertTrue(ada.stats().bytesUp > 0uL)
    }

    @Test
    fun observers_end_with_their_handle() = scene(folder) { scope ->
        eventually("no other test left one") { openLists() == 0u }
        val ada = live("Ada")
        world.inbound(MARIA, "Hello?")
        val conversation = ada.theConversation()
        val following = listOf(
            scope.launch { ada.inbox().collect {} },
            scope.launch { ada.messages(conversation).collect {} },
            scope.launch { ada.panels(conversation).collect {} },
            scope.launch { ada.colleagues(conversation).collect {} },
            scope.launch { ada.contacts().collect {} },
            scope.launch { ada.outbox().collect {} },
            scope.launch { ada.alerts().collect {} },
        )
        eventually("all are followed") { openLists() == 7u }
        following[0].cancelAndJoin()
        eventually("a cancelled one is gone") { openLists() == 6u }
        ada.messages(conversation).first()
        eventually("so is one whose first state was enough") { openLists() == 6u }
        ada.shutDown()
        inTime("closing completes the flows") { following.forEach { it.join() } }
        assertTrue(following.drop(1).none { it.isCancelled })
        eventually("nothing is left") { openLists() == 0u }
    }

    @Test
    fun five_hundred_subscriptions_leak_nothing() = scene(folder) { scope ->
        val ada = live("Ada")
        world.inbound(MARIA, "Hello?")
        val conversation = ada.theConversation()
        eventually("none is followed yet") { openLists() == 0u }
        val times = if (System.getenv("OFFDESK_FULL").isNullOrEmpty()) 500 else 10_000
        repeat(times / 2) {
            // One that has its first state, and one that is cancelled whatever it was about to do.
            assertEquals(1, ada.inbox().first().size)
            val following = scope.launch { ada.messages(conversation).collect {} }
            yield()
            following.cancelAndJoin()
        }
        eventually("none is left") { openLists() == 0u }
        assertEquals(1, ada.messages(conversation).first().size)
    }

    @Test
    fun ten_thousand_rows() = scene(folder) {
        world.fill(10_000)
        val ada = live("Ada")
        assertEquals(10_000uL, ada.counts().open)
        val seen = HashSet<ConversationId>()
        var after: PageKey? = null
        do {
            val page = ada.inboxPage(limit = 500, after = after)
            page.rows.forEach { assertTrue(seen.add(it.id), "none twice") }
            after = page.next
        } while (after != null)
        assertEquals(10_000, seen.size)
        val states = CopyOnWriteArrayList<Int>()
        val first = ada.inbox(limit = 10_000).reaches("they move by one") { rows ->
            states += rows.size
            if (states.size == 1) world.inbound(MARIA, "I am new")
            rows[0].preview == "I am new"
        }
        assertEquals(10_000, first.size)
        assertEquals(10_001uL, ada.counts().open)
    }

    @Test
    fun cancelled_sync_ends_at_once() = scene(folder) { scope ->
        world.fill(2_000)
        val ada = enrol("Ada")
        val syncing = scope.launch { ada.syncOnce(Duration.ofMinutes(5)) }
        eventually("it is at it") { ada.status.value.connection !is Connection.Offline }
        assertTrue(measureTime { syncing.cancelAndJoin() }.inWholeMilliseconds < 2_000)
        assertTrue(syncing.isCancelled)
        assertTrue(ada.syncOnce(Duration.ofMinutes(5)).upToDate, "the next one goes on")
        assertEquals(2_000uL, ada.counts().open)
        fails<OffdeskException.Deadline> { ada.syncOnce(Duration.ZERO) }
    }

    @Test
    fun a_slow_collector_skips_states() = scene(folder) {
        val ada = live("Ada")
        world.inbound(MARIA, "Hello?")
        val conversation = ada.theConversation()
        val sizes = mutableListOf<Int>()
        ada.messages(conversation).reaches("all are there") { messages ->
            if (sizes.isEmpty()) repeat(20) { ada.note(conversation, "note $it") }
            sizes += messages.size
            messages.size == 21
        }
        assertTrue(sizes.size < 20, "$sizes")
    }

    @Test
    fun a_flow_fails_as_a_call_does() = scene(folder) {
        val ada = live("Ada")
        fails<OffdeskException.InvalidId> { ada.messages("no id").toList() }
        assertEquals(emptyList<Any>(), ada.messages("00000000000000000000000001").first())
        val stopped = fails<CancellationException> { ada.inbox().collect { throw CancellationException("enough") } }
        assertEquals("enough", stopped.message)
    }
}
