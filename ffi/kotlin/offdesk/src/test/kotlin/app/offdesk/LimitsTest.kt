package app.offdesk

import app.offdesk.ffi.InboxFilter
import app.offdesk.ffi.NewContact
import app.offdesk.ffi.OffdeskException
import app.offdesk.ffi.QuietHours
import app.offdesk.ffi.QuietSpan
import java.nio.file.Files
import java.nio.file.Path
import java.time.Duration
import java.time.Instant
import kotlin.time.measureTime
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.withContext
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** What is not as it should be: arguments, closed and paused devices, everything at once. */
class LimitsTest {
    @TempDir
    private lateinit var folder: Path

    @Test
    fun bad_arguments_are_typed_errors() = scene(folder) {
        val short = fails<OffdeskException.InvalidKey> { Offdesk.open(config("Ada").copy(key = ByteArray(31))) }
        assertEquals(31uL, short.bytes)
        val ada = live("Ada")
        fails<OffdeskException.WrongKey> { Offdesk.open(config("Ada").copy(key = ByteArray(32))) }
        fails<OffdeskException.InvalidRelay> { Offdesk.enrol(config("Ben"), "not an address", "CODE", "Ben") }
        fails<OffdeskException.Offline> { Offdesk.enrol(config("Ben"), "http://127.0.0.1:9", "CODE", "Ben") }

        world.inbound(MARIA, "Hello?")
        val conversation = ada.theConversation()
        for (empty in listOf("", " \n\t")) fails<OffdeskException.EmptyText> { ada.reply(conversation, empty) }
        val long = fails<OffdeskException.TextTooLong> { ada.reply(conversation, "x".repeat(1 shl 20)) }
        assertEquals(1uL shl 20, long.bytes)
        val nowhere = "00000000000000000000000001"
        assertEquals("conversation", fails<OffdeskException.NotFound> { ada.reply(nowhere, "Hi") }.thing)
        assertEquals("conversation", fails<OffdeskException.NotFound> { ada.conversation(nowhere) }.thing)
        assertEquals("member", fails<OffdeskException.NotFound> { ada.note(conversation, "Hi", listOf(nowhere)) }.thing)
        assertEquals("intent", fails<OffdeskException.NotFound> { ada.undo(nowhere) }.thing)
        assertEquals("alert", fails<OffdeskException.NotFound> { ada.explain(nowhere) }.thing)
        assertEquals("no id", fails<OffdeskException.InvalidId> { ada.reply("no id", "Hi") }.text)
        fails<OffdeskException.InvalidPhone> { ada.createContact(NewContact(phones = listOf("12"))) }
        val never = QuietHours("Europe/Berlin", listOf(QuietSpan(listOf(1), "25:00", "7:00")))
        fails<OffdeskException.InvalidValue> { ada.setQuietHours(never) }
        for (at in listOf(Instant.EPOCH, Instant.MIN, Instant.MAX)) {
            fails<OffdeskException.InvalidTime> { ada.replyLater(conversation, "Hi", at) }
        }
        ada.syncOnce(Duration.ofSeconds(-1))
        assertTrue(ada.inboxPage(limit = -1).rows.isEmpty())
        val sentence = fails<OffdeskException.EmptyText> { ada.reply(conversation, "") }.toString()
        assertEquals("write a text first: a message can't be empty", sentence)
        assertTrue(ada.inboxPage().rows.single().pending == 0u, "none of it was written")
    }

    @Test
    fun calls_on_a_closed_device_are_typed_errors() = scene(folder) {
        val ada = live("Ada")
        world.inbound(MARIA, "Hello?")
        val conversation = ada.theConversation()
        ada.close()
        ada.close()
        fails<OffdeskException.Closed> { ada.inboxPage() }
        fails<OffdeskException.Closed> { ada.reply(conversation, "Hi") }
        fails<OffdeskException.Closed> { ada.syncOnce(Duration.ofSeconds(1)) }
        ada.start()
        ada.resume()
        fails<OffdeskException.Closed> { ada.counts() }
        assertTrue(inTime("its flows complete") { ada.inbox().toList() }.flatten().isEmpty())
        assertTrue("\"closed\"" in ada.diagnostics())
    }

    /** Whatever runs while a device is closed ends with an answer or a typed error, and the file is whole. */
    @Test
    fun concurrent_close_is_safe() = scene(folder) { scope ->
        val ada = live("Ada")
        world.inbound(MARIA, "Hello?")
        val conversation = ada.theConversation()
        val workers = (0 until 8).map { worker ->
            scope.async {
                var written = 0
                try {
                    while (true) {
                        if (worker % 2 == 0) ada.note(conversation, "note").also { written++ } else ada.inboxPage()
                    }
                    @Suppress("UNREACHABLE_CODE") written
                } catch (_: OffdeskException.Closed) {
                    written
                }
            }
        }
        eventually("they are at it") { ada.conversation(conversation).messages.size > 20 }
        withContext(Dispatchers.IO) { List(3) { async { ada.close() } }.awaitAll() }
        val written = inTime("all end") { workers.awaitAll() }.sum()
        val messages = open("Ada").conversation(conversation).messages
        assertEquals(written + 1, messages.size, "what returned is there")
    }

    @Test
    fun pause_lets_go_and_resume_goes_on() = scene(folder) {
        val ada = live("Ada")
        world.inbound(MARIA, "Hello?")
        val conversation = ada.theConversation()
        assertTrue(measureTime { ada.pause() }.inWholeMilliseconds < 1_000)
        assertEquals(emptyList<String>(), locksOn(folder.resolve("Ada.db")))
        fails<OffdeskException.Paused> { ada.reply(conversation, "Hi") }
        fails<OffdeskException.Paused> { ada.inboxPage(InboxFilter()) }
        world.inbound(MARIA, "Still there?")
        ada.resume()
        ada.messages(conversation).reaches("what came meanwhile is here") { it.size == 2 }
        ada.reply(conversation, "Hi")
        eventually("and what is said goes out") { world.sent().map { it.text } == listOf("Hi") }
    }

    @Test
    fun revoked_device_loses_its_data() = scene(folder) {
        val ada = live("Ada")
        world.inbound(MARIA, "Hello?")
        val conversation = ada.theConversation()
        world.revoke("Ada")
        ada.status.reaches("it knows") { it.revoked }
        fails<OffdeskException.Revoked> { ada.conversation(conversation) }
        eventually("its file is gone") { Files.notExists(folder.resolve("Ada.db")) }
        fails<OffdeskException.NotEnrolled> { open("Ada") }
    }

    /** The system's locks on a database and its log, as the kernel lists them. */
    private fun locksOn(database: Path): List<String> {
        val files = listOf("", "-wal", "-shm").map { Path.of("$database$it") }.filter(Files::exists)
        assertTrue(files.isNotEmpty())
        val inodes = files.map { ":${Files.getAttribute(it, "unix:ino")} " }
        return Files.readAllLines(Path.of("/proc/locks")).filter { lock -> inodes.any { it in lock } }
    }
}
