package app.offdesk.sample.android

import android.content.Context
import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyProperties
import java.io.File
import java.security.KeyStore
import java.security.SecureRandom
import javax.crypto.Cipher
import javax.crypto.KeyGenerator
import javax.crypto.SecretKey
import javax.crypto.spec.GCMParameterSpec

/**
 * The database's key: 32 random bytes, kept in a file that is sealed with a key of the Android Keystore, which never leaves
 * the phone's hardware. It opens after the first unlock, so that a wake-up can sync while the screen is locked.
 */
class DatabaseKey(private val context: Context) {
    /** The key, made at the first call. */
    fun bytes(): ByteArray {
        val file = File(context.noBackupFilesDir, "database.key")
        if (file.exists()) return open(file.readBytes())
        val key = ByteArray(KEY_BYTES).also(SecureRandom()::nextBytes)
        // Whole or not at all: a half-written key would lock the database for good.
        val written = File(file.path + ".new").apply { writeBytes(seal(key)) }
        check(written.renameTo(file)) { "the key can't be kept in ${file.parent}" }
        return key
    }

    private fun seal(key: ByteArray): ByteArray {
        val cipher = Cipher.getInstance(TRANSFORMATION).apply { init(Cipher.ENCRYPT_MODE, sealingKey()) }
        return cipher.iv + cipher.doFinal(key)
    }

    private fun open(sealed: ByteArray): ByteArray {
        val iv = GCMParameterSpec(TAG_BITS, sealed, 0, IV_BYTES)
        val cipher = Cipher.getInstance(TRANSFORMATION).apply { init(Cipher.DECRYPT_MODE, sealingKey(), iv) }
        return cipher.doFinal(sealed, IV_BYTES, sealed.size - IV_BYTES)
    }

    private fun sealingKey(): SecretKey {
        val store = KeyStore.getInstance(STORE).apply { load(null) }
        (store.getKey(ALIAS, null) as? SecretKey)?.let { return it }
        val purposes = KeyProperties.PURPOSE_ENCRYPT or KeyProperties.PURPOSE_DECRYPT
        val spec = KeyGenParameterSpec.Builder(ALIAS, purposes)
            .setBlockModes(KeyProperties.BLOCK_MODE_GCM)
            .setEncryptionPaddings(KeyProperties.ENCRYPTION_PADDING_NONE)
            .setKeySize(KEY_BYTES * Byte.SIZE_BITS)
            .build()
        return KeyGenerator.getInstance(KeyProperties.KEY_ALGORITHM_AES, STORE).run {
            init(spec)
            generateKey()
        }
    }

    private companion object {
        const val STORE = "AndroidKeyStore"
        const val ALIAS = "offdesk-database"
        const val TRANSFORMATION = "AES/GCM/NoPadding"
        const val KEY_BYTES = 32
        const val IV_BYTES = 12
        const val TAG_BITS = 128
    }
}
