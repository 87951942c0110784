package app.offdesk.sample.android

import android.content.Context
import androidx.work.BackoffPolicy
import androidx.work.Constraints
import androidx.work.CoroutineWorker
import androidx.work.ExistingPeriodicWorkPolicy
import androidx.work.ExistingWorkPolicy
import androidx.work.NetworkType
import androidx.work.OneTimeWorkRequestBuilder
import androidx.work.OutOfQuotaPolicy
import androidx.work.PeriodicWorkRequestBuilder
import androidx.work.WorkManager
import androidx.work.WorkerParameters
import app.offdesk.sample.api.ClientException
import java.time.Duration

/** One bounded catch-up in the background. What came before the system stops it is kept. */
class SyncWorker(context: Context, parameters: WorkerParameters) : CoroutineWorker(context, parameters) {
    override suspend fun doWork(): Result {
        val client = (applicationContext as SampleApplication).open() ?: return Result.success()
        return try {
            client.syncOnce(DEADLINE)
            Result.success()
        } catch (_: ClientException) {
            Result.retry()
        }
    }

    companion object {
        /** Well within the ten minutes that the system gives a worker. */
        private val DEADLINE: Duration = Duration.ofMinutes(2)
        private val PERIOD: Duration = Duration.ofHours(1)
        private val BACKOFF: Duration = Duration.ofSeconds(30)
        private val online = Constraints.Builder().setRequiredNetworkType(NetworkType.CONNECTED).build()

        /** Every hour, in case a wake-up got lost. */
        fun schedule(context: Context) {
            val request = PeriodicWorkRequestBuilder<SyncWorker>(PERIOD).setConstraints(online).build()
            WorkManager.getInstance(context).enqueueUniquePeriodicWork("sync", ExistingPeriodicWorkPolicy.KEEP, request)
        }

        /** At once: the relay has something. */
        fun now(context: Context) {
            val request = OneTimeWorkRequestBuilder<SyncWorker>()
                .setExpedited(OutOfQuotaPolicy.RUN_AS_NON_EXPEDITED_WORK_REQUEST)
                .setConstraints(online)
                .setBackoffCriteria(BackoffPolicy.EXPONENTIAL, BACKOFF)
                .build()
            WorkManager.getInstance(context).enqueueUniqueWork("wake-up", ExistingWorkPolicy.KEEP, request)
        }
    }
}
