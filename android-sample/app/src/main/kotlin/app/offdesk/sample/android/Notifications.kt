package app.offdesk.sample.android

import android.Manifest
import android.app.PendingIntent
import android.content.Context
import android.content.Intent
import android.content.pm.PackageManager
import android.net.Uri
import androidx.core.app.NotificationChannelCompat
import androidx.core.app.NotificationCompat
import androidx.core.app.NotificationManagerCompat
import androidx.core.content.ContextCompat
import app.offdesk.sample.R
import app.offdesk.sample.api.AlertItem
import app.offdesk.sample.api.AlertUpdate
import app.offdesk.sample.api.OffdeskClient

/** The notification drawer: shows what the member is to be told, and takes back what became moot. */
class Notifications(private val context: Context) {
    private val drawer = NotificationManagerCompat.from(context)

    fun createChannels() {
        drawer.createNotificationChannelsCompat(
            listOf(
                channel(MESSAGES, NotificationManagerCompat.IMPORTANCE_HIGH, R.string.channel_messages, R.string.channel_messages_about),
                channel(TROUBLE, NotificationManagerCompat.IMPORTANCE_DEFAULT, R.string.channel_trouble, R.string.channel_trouble_about),
            ),
        )
    }

    /** Follows the alerts for as long as the process lives. */
    suspend fun follow(client: OffdeskClient) {
        client.alertUpdates().collect { update ->
            when (update) {
                is AlertUpdate.Show -> show(update.alert)
                is AlertUpdate.TakeBack -> drawer.cancel(update.id, ALERT)
            }
        }
    }

    private fun show(alert: AlertItem) {
        val granted = ContextCompat.checkSelfPermission(context, Manifest.permission.POST_NOTIFICATIONS)
        if (granted != PackageManager.PERMISSION_GRANTED) return
        val notification = NotificationCompat.Builder(context, MESSAGES)
            .setSmallIcon(R.drawable.icon)
            .setContentTitle(alert.title)
            .setContentText(alert.text)
            .setWhen(alert.at.toEpochMilli())
            .setContentIntent(open(alert))
            .setAutoCancel(true)
            .setOnlyAlertOnce(true)
            // A locked screen shows that somebody wrote, not what.
            .setVisibility(NotificationCompat.VISIBILITY_PRIVATE)
            .build()
        drawer.notify(alert.id, ALERT, notification)
    }

    private fun open(alert: AlertItem): PendingIntent {
        val intent = Intent(Intent.ACTION_VIEW, Uri.parse("offdesk://conversation/${alert.conversation}"), context, MainActivity::class.java)
        return PendingIntent.getActivity(context, 0, intent, PendingIntent.FLAG_IMMUTABLE or PendingIntent.FLAG_UPDATE_CURRENT)
    }

    private fun channel(id: String, importance: Int, name: Int, about: Int) = NotificationChannelCompat.Builder(id, importance)
        .setName(context.getString(name))
        .setDescription(context.getString(about))
        .build()

    private companion object {
        const val MESSAGES = "messages"
        const val TROUBLE = "trouble"
        const val ALERT = 1
    }
}
