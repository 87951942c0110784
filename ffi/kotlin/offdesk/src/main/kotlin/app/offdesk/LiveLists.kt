package app.offdesk

import app.offdesk.ffi.Alert
import app.offdesk.ffi.AlertStep
import app.offdesk.ffi.Colleague
import app.offdesk.ffi.ColleagueStep
import app.offdesk.ffi.ContactRow
import app.offdesk.ffi.ContactStep
import app.offdesk.ffi.ConversationRow
import app.offdesk.ffi.InboxStep
import app.offdesk.ffi.Message
import app.offdesk.ffi.MessageStep
import app.offdesk.ffi.OutboxItem
import app.offdesk.ffi.OutboxStep
import app.offdesk.ffi.Panels
import app.offdesk.ffi.PanelsStep
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.conflate
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.flow.flowOn

/**
 * A live list of the library as a flow of its states. The library is asked for the next steps only once the last state was
 * taken: a slow collector skips states on both sides of the border, and nothing waits in a queue.
 */
internal fun <L : AutoCloseable, S, T> liveList(
    open: () -> L,
    next: suspend L.() -> List<S>?,
    end: L.() -> Unit,
    step: MutableList<T>.(S) -> Unit,
    dispatcher: CoroutineDispatcher,
): Flow<List<T>> = flow {
    open().use { list ->
        try {
            var rows = emptyList<T>()
            while (true) {
                val steps = list.next() ?: break
                // A new list each time: what was emitted before is never touched.
                rows = rows.toMutableList().also { changed -> steps.forEach { changed.step(it) } }
                emit(rows)
            }
        } finally {
            list.end()
        }
    }
}.conflate().flowOn(dispatcher)

// UniFFI makes a type of its own for each list's steps; what they say is the same.

internal fun MutableList<ConversationRow>.apply(step: InboxStep): Unit = when (step) {
    is InboxStep.Reset -> reset(step.items)
    is InboxStep.Insert -> add(step.index.toInt(), step.item)
    is InboxStep.Update -> update(step.index, step.item)
    is InboxStep.Move -> move(step.from, step.to, step.item)
    is InboxStep.Remove -> remove(step.index)
}

internal fun MutableList<Message>.apply(step: MessageStep): Unit = when (step) {
    is MessageStep.Reset -> reset(step.items)
    is MessageStep.Insert -> add(step.index.toInt(), step.item)
    is MessageStep.Update -> update(step.index, step.item)
    is MessageStep.Move -> move(step.from, step.to, step.item)
    is MessageStep.Remove -> remove(step.index)
}

internal fun MutableList<Panels>.apply(step: PanelsStep): Unit = when (step) {
    is PanelsStep.Reset -> reset(step.items)
    is PanelsStep.Insert -> add(step.index.toInt(), step.item)
    is PanelsStep.Update -> update(step.index, step.item)
    is PanelsStep.Move -> move(step.from, step.to, step.item)
    is PanelsStep.Remove -> remove(step.index)
}

internal fun MutableList<Colleague>.apply(step: ColleagueStep): Unit = when (step) {
    is ColleagueStep.Reset -> reset(step.items)
    is ColleagueStep.Insert -> add(step.index.toInt(), step.item)
    is ColleagueStep.Update -> update(step.index, step.item)
    is ColleagueStep.Move -> move(step.from, step.to, step.item)
    is ColleagueStep.Remove -> remove(step.index)
}

internal fun MutableList<ContactRow>.apply(step: ContactStep): Unit = when (step) {
    is ContactStep.Reset -> reset(step.items)
    is ContactStep.Insert -> add(step.index.toInt(), step.item)
    is ContactStep.Update -> update(step.index, step.item)
    is ContactStep.Move -> move(step.from, step.to, step.item)
    is ContactStep.Remove -> remove(step.index)
}

internal fun MutableList<OutboxItem>.apply(step: OutboxStep): Unit = when (step) {
    is OutboxStep.Reset -> reset(step.items)
    is OutboxStep.Insert -> add(step.index.toInt(), step.item)
    is OutboxStep.Update -> update(step.index, step.item)
    is OutboxStep.Move -> move(step.from, step.to, step.item)
    is OutboxStep.Remove -> remove(step.index)
}

internal fun MutableList<Alert>.apply(step: AlertStep): Unit = when (step) {
    is AlertStep.Reset -> reset(step.items)
    is AlertStep.Insert -> add(step.index.toInt(), step.item)
    is AlertStep.Update -> update(step.index, step.item)
    is AlertStep.Move -> move(step.from, step.to, step.item)
    is AlertStep.Remove -> remove(step.index)
}

/** As the library counts: a negative number of rows is none. */
internal fun rows(limit: Int): UInt = limit.coerceAtLeast(0).toUInt()

private fun <T> MutableList<T>.reset(items: List<T>) {
    clear()
    addAll(items)
}

private fun <T> MutableList<T>.update(index: UInt, item: T) {
    set(index.toInt(), item)
}

private fun <T> MutableList<T>.move(from: UInt, to: UInt, item: T) {
    removeAt(from.toInt())
    add(to.toInt(), item)
}

private fun <T> MutableList<T>.remove(index: UInt) {
    removeAt(index.toInt())
}
