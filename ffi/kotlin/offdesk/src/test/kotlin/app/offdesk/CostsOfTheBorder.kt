package app.offdesk

import app.offdesk.ffi.Config
import app.offdesk.ffi.Device
import app.offdesk.ffi.InboxFilter
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Test
import java.io.File
import java.util.HexFormat
import kotlin.time.Duration
import kotlin.time.Duration.Companion.nanoseconds
import kotlin.time.DurationUnit
import kotlin.time.TimeSource

/**
 * What a call across the border costs from Kotlin. No test: `tests/kotlin/bench` runs it for the table in
 * `docs/performance.md`, on a database that Rust has made and measured too.
 */
class CostsOfTheBorder {
    @Test
    fun `are told`(): Unit = runBlocking {
        val (database, key, pages, notes, told) = System.getProperty("offdesk.costs").split("|")
        Device.open(Config(database, HexFormat.of().parseHex(key))).use { device ->
            val filter = InboxFilter()
            val rows = device.inbox(filter, 50u).rows
            // The virtual machine compiles what runs often: a phone's app has run for a while too.
            repeat(pages.toInt()) { device.inbox(filter, 50u) }
            val page = List(pages.toInt()) { took { check(device.inbox(filter, 50u).rows.size == rows.size) } }
            val list = device.observeInbox(filter, 50u)
            list.next()
            val verbs = mutableListOf<Duration>()
            val steps = mutableListOf<Duration>()
            repeat(notes.toInt()) { number ->
                verbs += took { device.note(rows[number % rows.size].id, "called back") }
                steps += took { checkNotNull(list.next()) }
            }
            list.destroy()
            File(told).writeText(listOf(page, verbs, steps).joinToString("\n", postfix = "\n") { it.p50AndP99() })
            device.close()
        }
    }

    private inline fun took(work: () -> Unit): Duration {
        val began = TimeSource.Monotonic.markNow()
        work()
        return began.elapsedNow()
    }

    private fun List<Duration>.p50AndP99(): String {
        val sorted = sorted()
        fun at(share: Double) = sorted.getOrElse((share * (size - 1)).toInt()) { 0.nanoseconds }.toString(DurationUnit.MILLISECONDS, 2)
        return "p50 ${at(0.5)}, p99 ${at(0.99)}"
    }
}
