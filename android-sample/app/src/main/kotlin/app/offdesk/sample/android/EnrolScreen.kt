package app.offdesk.sample.android

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.material3.Button
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedTextField
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.rememberCoroutineScope
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.unit.dp
import app.offdesk.ffi.OffdeskException
import app.offdesk.sample.R
import app.offdesk.sample.api.OffdeskClient
import kotlinx.coroutines.launch

/** Makes this phone a device of the member whose code is typed. */
@Composable
fun EnrolScreen(enrol: suspend (relay: String, code: String) -> OffdeskClient) {
    var relay by rememberSaveable { mutableStateOf("https://") }
    var code by rememberSaveable { mutableStateOf("") }
    var busy by remember { mutableStateOf(false) }
    var trouble by remember { mutableStateOf<String?>(null) }
    val scope = rememberCoroutineScope()
    Column(Modifier.padding(24.dp, 64.dp), verticalArrangement = Arrangement.spacedBy(16.dp)) {
        Text(stringResource(R.string.enrol_title), style = MaterialTheme.typography.headlineSmall)
        OutlinedTextField(relay, { relay = it }, Modifier.fillMaxWidth(), label = { Text(stringResource(R.string.enrol_relay)) }, singleLine = true)
        OutlinedTextField(code, { code = it }, Modifier.fillMaxWidth(), label = { Text(stringResource(R.string.enrol_code)) }, singleLine = true)
        trouble?.let { Text(it, color = MaterialTheme.colorScheme.error) }
        Button(enabled = !busy && code.isNotBlank(), onClick = {
            scope.launch {
                busy = true
                trouble = null
                try {
                    enrol(relay.trim(), code.trim())
                } catch (refused: OffdeskException) {
                    trouble = refused.toString()
                } finally {
                    busy = false
                }
            }
        }) { Text(stringResource(R.string.enrol_do)) }
    }
}
