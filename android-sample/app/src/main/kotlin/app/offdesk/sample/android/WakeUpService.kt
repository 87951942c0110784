package app.offdesk.sample.android

import com.google.firebase.messaging.FirebaseMessagingService
import com.google.firebase.messaging.RemoteMessage

/**
 * A wake-up says nothing but that there is something: the text of a notification comes from this phone's own database after
 * a sync. The relay does not send wake-ups yet; until it does, nothing calls this.
 */
class WakeUpService : FirebaseMessagingService() {
    override fun onMessageReceived(message: RemoteMessage) = SyncWorker.now(this)

    /** Where the relay is to send wake-ups. It takes no address yet, so there is nobody to tell. */
    override fun onNewToken(token: String) = Unit
}
