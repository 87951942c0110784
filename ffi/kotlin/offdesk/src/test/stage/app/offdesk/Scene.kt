package app.offdesk

import app.offdesk.ffi.Config
import app.offdesk.ffi.Connection
import app.offdesk.ffi.ConversationId
import java.nio.file.Path
import java.time.Duration
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.TimeoutCancellationException
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout

internal const val MARIA = "+14155550123"
internal const val JOSEF = "+14155550199"

/** Far more than anything takes on a busy machine: only a failing test waits this long. */
private const val PATIENCE_MS = 60_000L

/** A world, and the devices in it. */
internal class Scene(val folder: Path, val world: World) {
    private val opened = mutableListOf<Offdesk>()

    fun config(name: String, undoWindow: Duration? = Duration.ZERO): Config = Config(
        database = folder.resolve("$name.db").toString(),
        key = ByteArray(32) { 9 },
        undoWindow = undoWindow,
    )

    /** Enrols a device of a member of this name, who is new unless given. */
    suspend fun enrol(
        name: String,
        level: String = "agent",
        member: String = world.person(name, level),
        undoWindow: Duration? = Duration.ZERO,
    ): Offdesk = Offdesk.enrol(config(name, undoWindow), world.relay, world.code(member), name).also { opened += it }

    /** Enrols and starts one, and waits until everything is here. */
    suspend fun live(
        name: String,
        level: String = "agent",
        member: String = world.person(name, level),
        undoWindow: Duration? = Duration.ZERO,
    ): Offdesk = enrol(name, level, member, undoWindow).also {
        it.start()
        it.isLive()
    }

    suspend fun open(name: String): Offdesk = Offdesk.open(config(name)).also { opened += it }

    suspend fun end() = opened.forEach { it.shutDown() }
}

/** Runs a scenario in a world of its own. */
internal fun scene(folder: Path, staleAfterMs: Int? = null, play: suspend Scene.(CoroutineScope) -> Unit): Unit =
    runBlocking(Dispatchers.Default) {
        val scene = Scene(folder, World(staleAfterMs))
        try {
            scene.play(this)
        } finally {
            scene.end()
        }
    }

internal suspend fun Offdesk.isLive() {
    status.reaches("it is live") { it.connection == Connection.Live && it.pending == 0uL }
}

/** The only conversation, once it is here. */
internal suspend fun Offdesk.theConversation(): ConversationId =
    inbox().reaches("a conversation is here") { it.size == 1 }.single().id

/** Waits for a state of a flow that meets the condition. */
internal suspend fun <T> Flow<T>.reaches(what: String, condition: suspend (T) -> Boolean): T =
    inTime(what) { first { condition(it) } }

/** Waits until something is so. */
internal suspend fun eventually(what: String, condition: suspend () -> Boolean) {
    inTime(what) { while (!condition()) delay(10) }
}

internal suspend fun <T> inTime(what: String, work: suspend () -> T): T = try {
    withTimeout(PATIENCE_MS) { work() }
} catch (_: TimeoutCancellationException) {
    throw AssertionError("waited in vain: $what")
}

/** The typed failure that a call ends with. */
internal suspend inline fun <reified E : Throwable> fails(call: () -> Any?): E {
    val outcome = try {
        call()
    } catch (failure: Throwable) {
        if (failure is E) return failure
        throw AssertionError("expected ${E::class.simpleName}, it failed with $failure", failure)
    }
    throw AssertionError("expected ${E::class.simpleName}, it returned $outcome")
}
