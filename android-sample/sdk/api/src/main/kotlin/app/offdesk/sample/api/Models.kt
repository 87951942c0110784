package app.offdesk.sample.api

import java.time.Instant

/** What the list is narrowed to. */
enum class InboxTab { ALL, MINE, UNREAD, NEEDS_REPLY, CLOSED }

/** One conversation in the list. */
data class InboxRow(
    val id: String,
    val name: String,
    val preview: String,
    val lastActivity: Instant,
    val unread: Boolean = false,
    val needsReply: Boolean = false,
    val closed: Boolean = false,
    val draft: Boolean = false,
    /** What this phone has yet to deliver in it. */
    val pending: Int = 0,
    /** The member's own replies that are held. */
    val held: Int = 0,
    val tags: List<String> = emptyList(),
    /** `direct`, `campaign` or `cart recovery`. */
    val origin: String = "direct",
    val mine: Boolean = false,
    val snoozedUntil: Instant? = null,
)

/** How far a message got: an honest ladder, each step what is known and no more. */
sealed interface Step {
    data object Saved : Step
    data object Accepted : Step
    data class Held(val because: String?) : Step
    data class Scheduled(val at: Instant) : Step
    data object Dropped : Step
    data object HandedOver : Step
    data object Sent : Step
    data object Delivered : Step
    data class Failed(val reason: String) : Step

    /** The provider could not tell; it is never sent again by itself. */
    data object Unknown : Step
}

/** One bubble. */
sealed interface Bubble {
    val id: String
    val text: String
    val at: Instant

    /** From the customer. */
    data class Theirs(override val id: String, override val text: String, override val at: Instant) : Bubble

    /** From us. */
    data class Ours(
        override val id: String,
        override val text: String,
        override val at: Instant,
        val author: String,
        val step: Step,
    ) : Bubble

    /** To colleagues only. */
    data class Note(override val id: String, override val text: String, override val at: Instant, val author: String) : Bubble
}

/** The panel beside a conversation. */
data class Panel(
    val name: String,
    val phones: List<String> = emptyList(),
    val email: String? = null,
    val fields: List<Pair<String, String>> = emptyList(),
    val assignees: List<String> = emptyList(),
    val tags: List<String> = emptyList(),
    val timeline: List<String> = emptyList(),
)

/** Something that the member is told. */
data class AlertItem(
    val id: String,
    val conversation: String,
    val title: String,
    val text: String,
    val at: Instant,
)

/** What a notification drawer is to do. */
sealed interface AlertUpdate {
    data class Show(val alert: AlertItem) : AlertUpdate
    data class TakeBack(val id: String) : AlertUpdate
}

/** Why the member was alerted. */
data class Why(val rule: String, val sentences: List<String>, val facts: List<Pair<String, String>> = emptyList())

/** Something that has not arrived. */
data class OutboxEntry(
    val id: String,
    val conversation: String?,
    val name: String,
    val verb: String,
    val text: String?,
    val state: OutboxStep,
)

/** How far it is, and so what can be done about it. */
sealed interface OutboxStep {
    /** It can be undone. */
    data object Waiting : OutboxStep
    data object Sending : OutboxStep

    /** Send it anyway or drop it. */
    data class Held(val newer: String?) : OutboxStep

    /** Try again or discard it. */
    data class Refused(val reason: String) : OutboxStep
}

/** How sync stands. */
data class SyncState(
    val line: Line = Line.OFFLINE,
    val waiting: Int = 0,
    val attention: Int = 0,
    val lastContact: Instant? = null,
    val revoked: Boolean = false,
) {
    enum class Line { OFFLINE, CONNECTING, CATCHING_UP, LIVE, STUCK, REFUSED }
}

/** Who uses the phone. */
data class Account(val name: String, val workspace: String, val relay: String)
