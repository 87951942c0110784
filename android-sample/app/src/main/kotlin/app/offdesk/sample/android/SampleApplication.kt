package app.offdesk.sample.android

import android.app.Application
import android.net.ConnectivityManager
import android.net.Network
import androidx.core.content.getSystemService
import app.offdesk.Offdesk
import app.offdesk.ffi.Config
import app.offdesk.ffi.OffdeskException
import app.offdesk.sample.api.OffdeskClient
import app.offdesk.sample.rust.RustClient
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.filterNotNull
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock

/** Holds the one device of the app, for screens, workers and wake-ups alike. */
class SampleApplication : Application() {
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)
    private val opening = Mutex()
    private val opened = MutableStateFlow<OffdeskClient?>(null)

    /** The client; `null` until the phone is enrolled. */
    val client: StateFlow<OffdeskClient?> = opened

    override fun onCreate() {
        super.onCreate()
        Notifications(this).createChannels()
        scope.launch { open() }
        scope.launch { Notifications(this@SampleApplication).follow(client.filterNotNull().first()) }
        SyncWorker.schedule(this)
    }

    /** Opens the device if it was enrolled. Safe to call from anywhere. */
    suspend fun open(): OffdeskClient? = opening.withLock {
        opened.value ?: try {
            keep(Offdesk.open(config()))
        } catch (_: OffdeskException.NotEnrolled) {
            null
        }
    }

    /** Enrols the phone. */
    suspend fun enrol(relay: String, code: String): OffdeskClient = opening.withLock {
        opened.value ?: keep(Offdesk.enrol(config(), relay, code, android.os.Build.MODEL))
    }

    private fun config() = Config(getDatabasePath("offdesk.db").apply { parentFile?.mkdirs() }.path, DatabaseKey(this).bytes())

    private suspend fun keep(offdesk: Offdesk): OffdeskClient {
        offdesk.start()
        val client = RustClient(offdesk, scope)
        opened.value = client
        followNetwork(client)
        return client
    }

    private fun followNetwork(client: OffdeskClient) {
        val callback = object : ConnectivityManager.NetworkCallback() {
            override fun onAvailable(network: Network) = tell(true)

            override fun onLost(network: Network) = tell(false)

            private fun tell(online: Boolean) {
                scope.launch { client.setOnline(online) }
            }
        }
        getSystemService<ConnectivityManager>()?.registerDefaultNetworkCallback(callback)
    }
}
