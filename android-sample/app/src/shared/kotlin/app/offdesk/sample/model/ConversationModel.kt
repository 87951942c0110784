package app.offdesk.sample.model

import app.offdesk.sample.api.Bubble
import app.offdesk.sample.api.OffdeskClient
import app.offdesk.sample.api.Panel
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.SharingStarted
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.combine
import kotlinx.coroutines.flow.onStart
import kotlinx.coroutines.flow.stateIn

/** What a conversation's screen shows. */
data class ConversationState(
    val bubbles: List<Bubble> = emptyList(),
    val panel: Panel? = null,
    val composing: Composing = Composing(),
    val panelOpen: Boolean = false,
    val message: Said? = null,
)

/** What is in the field at the foot. */
data class Composing(val text: String = "", val asNote: Boolean = false)

/** Bubbles, what is being written, and the panel. */
class ConversationModel(
    val conversation: String,
    private val client: OffdeskClient,
    scope: CoroutineScope,
) {
    private val composing = MutableStateFlow(Composing())
    private val panelOpen = MutableStateFlow(false)
    private val doing = Doing(scope)

    val state: StateFlow<ConversationState> = combine(
        client.bubbles(conversation).onStart { emit(emptyList()) },
        client.panel(conversation).onStart { emit(null) },
        composing,
        panelOpen,
        doing.message,
        ::ConversationState,
    ).stateIn(scope, SharingStarted.WhileSubscribed(STAY_MS), ConversationState())

    init {
        doing.run {
            composing.value = Composing(client.draft(conversation))
            client.markRead(conversation)
        }
    }

    /** Each keystroke is durable: a phone that dies keeps the draft. */
    fun type(text: String) {
        composing.value = composing.value.copy(text = text)
        if (!composing.value.asNote) doing.run { client.setDraft(conversation, text) }
    }

    fun writeNote(asNote: Boolean) {
        composing.value = composing.value.copy(asNote = asNote)
    }

    fun togglePanel() {
        panelOpen.value = !panelOpen.value
    }

    fun send() {
        val written = composing.value
        if (written.text.isBlank()) return
        val what = if (written.asNote) "Note added" else "Reply on its way"
        doing.undoable(what, { client.undo(it) }) {
            val id = if (written.asNote) client.note(conversation, written.text) else client.reply(conversation, written.text)
            composing.value = Composing()
            client.setDraft(conversation, "")
            id
        }
    }

    fun sendHeld(bubble: Bubble): Unit = doing.run { client.sendHeld(conversation, bubble.id) }

    fun dropHeld(bubble: Bubble): Unit = doing.run { client.dropHeld(conversation, bubble.id) }

    fun undo(): Unit = doing.undo()

    fun dismissMessage(): Unit = doing.dismiss()
}
