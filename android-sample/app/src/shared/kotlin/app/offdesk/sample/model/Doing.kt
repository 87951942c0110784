package app.offdesk.sample.model

import app.offdesk.sample.api.ClientException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.launch

/** What is said at the foot of a screen. */
data class Said(val text: String, val canUndo: Boolean = false)

/** Runs verbs for a screen, and says what became of them. */
class Doing(private val scope: CoroutineScope) {
    private val said = MutableStateFlow<Said?>(null)
    private var takeBack: (suspend () -> Unit)? = null

    val message: StateFlow<Said?> = said.asStateFlow()

    fun run(work: suspend () -> Unit) {
        scope.launch { attempt(work) }
    }

    /** Does what can be taken back with the id that it returns, until it leaves. */
    fun undoable(text: String, undo: suspend (String) -> Unit, work: suspend () -> String) {
        scope.launch {
            attempt {
                val id = work()
                takeBack = { undo(id) }
                said.value = Said(text, canUndo = true)
            }
        }
    }

    fun undo() {
        val work = takeBack ?: return
        dismiss()
        run(work)
    }

    fun dismiss() {
        takeBack = null
        said.value = null
    }

    private suspend fun attempt(work: suspend () -> Unit) {
        try {
            work()
        } catch (failure: ClientException) {
            takeBack = null
            said.value = Said(failure.message.orEmpty())
        }
    }
}
