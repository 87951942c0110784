package app.offdesk

import app.offdesk.ffi.Alert
import app.offdesk.ffi.AlertId
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow

/** What a notification drawer is to do. */
public sealed interface AlertChange {
    /** Show this alert, or show it anew: its text changed. */
    public data class Show(val alert: Alert) : AlertChange

    /** Take this one back: it was read, answered, dismissed or became moot, here or on another device. */
    public data class TakeBack(val id: AlertId) : AlertChange
}

/** The changes between states, whatever states a slow collector skipped. */
internal fun Flow<List<Alert>>.changes(): Flow<AlertChange> = flow {
    var shown = emptyMap<AlertId, Alert>()
    collect { alerts ->
        val now = alerts.associateBy { it.id }
        shown.keys.filter { it !in now }.forEach { emit(AlertChange.TakeBack(it)) }
        now.values.filter { shown[it.id] != it }.forEach { emit(AlertChange.Show(it)) }
        shown = now
    }
}
