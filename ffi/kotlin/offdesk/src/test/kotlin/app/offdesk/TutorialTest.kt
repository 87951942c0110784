package app.offdesk

import java.nio.file.Path
import java.util.concurrent.atomic.AtomicBoolean
import kotlinx.coroutines.launch
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** The lines of the README, as `tests/kotlin/run` puts them into a class. */
internal interface Tutorial {
    suspend fun follow(database: String, key: ByteArray, relay: String, code: String)
}

class TutorialTest {
    @TempDir
    private lateinit var folder: Path

    @Test
    fun the_tutorial_of_the_readme_runs() = scene(folder) { scope ->
        val tutorial = Class.forName("app.offdesk.TutorialOfTheReadme").getDeclaredConstructor().newInstance() as Tutorial
        val code = world.code(world.person("Ada"))
        world.inbound(MARIA, "Where is my order?")
        val ended = AtomicBoolean()
        val following = scope.launch {
            tutorial.follow(folder.resolve("Ada.db").toString(), ByteArray(32) { 9 }, world.relay, code)
            ended.set(true)
        }
        inTime("it comes to its end") { following.join() }
        assertEquals(listOf(SentText(MARIA, "It left this morning!")), world.sent())
        assertEquals(true, ended.get())
    }
}
