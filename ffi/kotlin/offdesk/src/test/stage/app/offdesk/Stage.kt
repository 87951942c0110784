package app.offdesk

import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse.BodyHandlers
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive

/** The process that plays relays, provider and network (`tests/src/stage`), one for all tests of this JVM. */
internal object Stage {
    private val http = HttpClient.newHttpClient()
    private val control: String by lazy {
        val program = checkNotNull(System.getProperty("offdesk.stage")) { "-Doffdesk.stage says which program it is" }
        // It ends when its standard input does, which is when this JVM ends.
        val process = ProcessBuilder(program).redirectError(ProcessBuilder.Redirect.DISCARD).start()
        val first = checkNotNull(process.inputStream.bufferedReader().readLine()) { "$program says nothing" }
        Json.parseToJsonElement(first).jsonObject.getValue("control").jsonPrimitive.content
    }

    fun tell(path: String, vararg body: Pair<String, Any>): JsonObject {
        val json = JsonObject(body.associate { (name, value) -> name to primitive(value) })
        val request = HttpRequest.newBuilder(URI.create(control + path)).header("content-type", "application/json")
        return answer(request.POST(HttpRequest.BodyPublishers.ofString(json.toString())).build()).jsonObject
    }

    fun ask(path: String): JsonElement = answer(HttpRequest.newBuilder(URI.create(control + path)).build())

    private fun answer(request: HttpRequest): JsonElement {
        val answer = http.send(request, BodyHandlers.ofString())
        check(answer.statusCode() < 400) { "${request.uri()}: ${answer.statusCode()} ${answer.body()}" }
        return Json.parseToJsonElement(answer.body())
    }

    private fun primitive(value: Any): JsonPrimitive = when (value) {
        is Boolean -> JsonPrimitive(value)
        is Number -> JsonPrimitive(value)
        else -> JsonPrimitive(value.toString())
    }
}

/** A text that a customer got. */
internal data class SentText(val to: String, val text: String)

/** A workspace with a relay of its own. */
internal class World(staleAfterMs: Int? = null) {
    private val path: String
    val relay: String

    init {
        val opened = Stage.tell("/worlds", *listOfNotNull(staleAfterMs?.let { "stale_after_ms" to it }).toTypedArray())
        path = "/worlds/" + opened.text("world")
        relay = opened.text("relay")
    }

    fun person(name: String, level: String = "agent"): String =
        Stage.tell("$path/people", "name" to name, "level" to level).text("member")

    fun setLevel(member: String, level: String) {
        Stage.tell("$path/levels", "member" to member, "level" to level)
    }

    fun code(member: String): String = Stage.tell("$path/codes", "member" to member).text("code")

    fun revoke(device: String) {
        Stage.tell("$path/revoke", "device" to device)
    }

    fun inbound(from: String, text: String) {
        Stage.tell("$path/inbound", "from" to from, "text" to text)
    }

    fun network(up: Boolean) {
        Stage.tell("$path/network", "up" to up)
    }

    fun fill(conversations: Int) {
        Stage.tell("$path/fill", "conversations" to conversations)
    }

    fun sent(): List<SentText> =
        Stage.ask("$path/sent").jsonArray.map { SentText(it.jsonObject.text("to"), it.jsonObject.text("text")) }

    private fun JsonObject.text(name: String): String = getValue(name).jsonPrimitive.content
}
