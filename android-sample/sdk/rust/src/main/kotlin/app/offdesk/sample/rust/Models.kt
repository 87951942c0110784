package app.offdesk.sample.rust

import app.offdesk.ffi.Alert
import app.offdesk.ffi.Attention
import app.offdesk.ffi.Connection
import app.offdesk.ffi.ConversationRow
import app.offdesk.ffi.Deed
import app.offdesk.ffi.Delivery
import app.offdesk.ffi.HeldBecause
import app.offdesk.ffi.IntentId
import app.offdesk.ffi.MemberId
import app.offdesk.ffi.Message
import app.offdesk.ffi.MessageKind
import app.offdesk.ffi.Origin
import app.offdesk.ffi.OutboxItem
import app.offdesk.ffi.OutboxState
import app.offdesk.ffi.Panels
import app.offdesk.ffi.Status
import app.offdesk.ffi.SyncStatus
import app.offdesk.sample.api.AlertItem
import app.offdesk.sample.api.Bubble
import app.offdesk.sample.api.InboxRow
import app.offdesk.sample.api.OutboxEntry
import app.offdesk.sample.api.OutboxStep
import app.offdesk.sample.api.Panel
import app.offdesk.sample.api.Step
import app.offdesk.sample.api.SyncState

// The library's models as the app's.

internal fun ConversationRow.toRow(me: MemberId): InboxRow = InboxRow(
    id = id,
    name = contactName,
    preview = preview,
    lastActivity = lastActivity,
    unread = unread,
    needsReply = needsReply,
    closed = status == Status.CLOSED,
    draft = draft,
    pending = pending.toInt(),
    held = held.toInt(),
    tags = tags,
    origin = when (origins.firstOrNull()) {
        Origin.CAMPAIGN -> "campaign"
        Origin.CART_RECOVERY -> "cart recovery"
        Origin.DIRECT, null -> "direct"
    },
    mine = assignees.any { it.member == me },
    snoozedUntil = snoozedUntil,
)

internal suspend fun Message.toBubble(author: suspend (MemberId) -> String, textOf: (IntentId) -> String?): Bubble {
    val by = by?.let { author(it) } ?: "an automation"
    return when (kind) {
        MessageKind.INBOUND -> Bubble.Theirs(id, text, at)
        MessageKind.NOTE -> Bubble.Note(id, text, at, by)
        MessageKind.OUTBOUND -> Bubble.Ours(id, text, at, by, delivery.toStep(textOf))
    }
}

internal fun Delivery.toStep(textOf: (IntentId) -> String?): Step = when (this) {
    Delivery.Saved -> Step.Saved
    Delivery.Accepted, Delivery.Received, Delivery.Internal, Delivery.Newer -> Step.Accepted
    is Delivery.Held -> when (val because = because) {
        is HeldBecause.Newer -> Step.Held(textOf(because.message))
        is HeldBecause.Behind -> Step.Held(textOf(because.message))
    }
    is Delivery.Scheduled -> Step.Scheduled(at)
    Delivery.Dropped -> Step.Dropped
    Delivery.HandedOver -> Step.HandedOver
    Delivery.Sent -> Step.Sent
    Delivery.Delivered -> Step.Delivered
    is Delivery.Failed -> Step.Failed(reason)
    Delivery.Unknown -> Step.Unknown
}

internal suspend fun Panels.toPanel(name: suspend (MemberId) -> String): Panel = Panel(
    name = customer.name,
    phones = customer.card?.phones.orEmpty(),
    email = customer.card?.email,
    fields = customer.card?.custom.orEmpty().map { it.name to it.value } + conversation.details.map { it.name to it.value },
    assignees = conversation.assignments.map { name(it.member) }.distinct(),
    tags = conversation.tags,
    timeline = conversation.timeline.map { entry ->
        val who = entry.by?.let { name(it) } ?: "the relay"
        "$who ${entry.what.inWords { name(it) }}" + if (entry.accepted) "" else " (not sent yet)"
    },
)

private suspend fun Deed.inWords(name: suspend (MemberId) -> String): String = when (this) {
    Deed.Opened -> "opened the conversation"
    is Deed.Marked -> "marked where it came from"
    is Deed.Assigned -> "assigned ${name(member)}"
    is Deed.Unassigned -> "unassigned ${name(member)}"
    Deed.Closed -> "closed it"
    Deed.Reopened -> "opened it again"
    is Deed.Snoozed -> "let it rest"
    Deed.Woken -> "ended its rest"
    is Deed.Tagged -> "tagged it $tag"
    is Deed.Untagged -> "removed the tag $tag"
    is Deed.Prioritised -> "set its priority to ${priority.name.lowercase()}"
    is Deed.Moved -> "moved it"
    is Deed.Released -> "sent a held message"
    is Deed.Dropped -> "dropped a held message"
    is Deed.Consented -> "noted consent for $phone"
    is Deed.Blocked -> if (blocked) "blocked the contact" else "unblocked the contact"
}

internal fun Alert.toItem(): AlertItem = AlertItem(id, conversation, contactName, text, at)

internal fun OutboxItem.toEntry(): OutboxEntry = OutboxEntry(
    id = intent,
    conversation = conversation,
    name = contactName,
    verb = verb,
    text = text,
    state = when (val state = state) {
        is OutboxState.Saved, is OutboxState.Scheduled -> OutboxStep.Waiting
        OutboxState.Sending, OutboxState.Waiting -> OutboxStep.Sending
        is OutboxState.Held -> OutboxStep.Held(state.byText)
        is OutboxState.NeedsAttention -> OutboxStep.Refused(state.why.inWords())
    },
)

private fun Attention.inWords(): String = when (this) {
    is Attention.Rejected -> reason
    is Attention.NoLongerApplies -> reason
    Attention.NeedsAccess -> "the conversation exists, and you may not write in it"
    Attention.AccessLost -> "the conversation left this phone before this was sent"
}

internal fun SyncStatus.toState(): SyncState = SyncState(
    line = when (connection) {
        Connection.Offline -> SyncState.Line.OFFLINE
        Connection.Connecting -> SyncState.Line.CONNECTING
        is Connection.CatchingUp -> SyncState.Line.CATCHING_UP
        Connection.Live -> SyncState.Line.LIVE
        Connection.NotProgressing -> SyncState.Line.STUCK
        Connection.Unauthorized -> SyncState.Line.REFUSED
    },
    waiting = pending.toInt(),
    attention = attention.toInt() + held.toInt(),
    lastContact = lastContact,
    revoked = revoked,
)
