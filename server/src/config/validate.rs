//! What single values can't say about themselves.

use std::{path::Path, time::Duration};

use super::{Config, ConfigError, write_time};

impl Config {
    /// Checks what belongs together.
    ///
    /// # Errors
    /// [`ConfigError::Wrong`] with every problem found: what is wrong, where, and what to do.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut problems = Vec::new();
        if self.database.as_os_str().is_empty() {
            problems.push("'database' is empty: name the file that holds the relay's data".to_owned());
        }
        let within = [
            ("heartbeat", self.heartbeat, Duration::from_secs(1), Duration::from_secs(300)),
            ("shutdown_grace", self.shutdown_grace, Duration::ZERO, Duration::from_secs(600)),
            (
                "enrolment_code_lifetime",
                self.enrolment_code_lifetime,
                Duration::from_secs(60),
                Duration::from_secs(30 * 24 * 3600),
            ),
        ];
        for (key, value, least, most) in within {
            if value < least || value > most {
                problems.push(format!(
                    "'{key}' is {}: write a time between {} and {}",
                    write_time(value),
                    write_time(least),
                    write_time(most)
                ));
            }
        }
        let limits = &self.limits;
        let positive = [
            ("limits.sync_body", limits.sync_body.as_u64()),
            ("limits.json_body", limits.json_body.as_u64()),
            ("limits.streams_per_device", limits.streams_per_device.into()),
            ("limits.enrol_per_minute", limits.enrol_per_minute.into()),
        ];
        problems.extend(
            positive
                .iter()
                .filter(|(_, value)| *value == 0)
                .map(|(key, _)| format!("'{key}' is 0: nothing would work; write a positive number")),
        );
        if tracing_subscriber::EnvFilter::try_new(&self.log.level).is_err() {
            problems.push(format!("'log.level' is '{}': write error, warn, info, debug or trace", self.log.level));
        }
        if let Some(tls) = &self.tls {
            problems.extend(readable("tls.certificate", &tls.certificate));
            problems.extend(readable("tls.key", &tls.key));
        }
        self.validate_sms(&mut problems);
        if problems.is_empty() { Ok(()) } else { Err(ConfigError::Wrong(problems)) }
    }

    fn validate_sms(&self, problems: &mut Vec<String>) {
        let Some(sms) = &self.sms else { return };
        if sms.account_sid.trim().is_empty() {
            problems.push("'sms.account_sid' is empty: write the provider's account id".into());
        }
        if sms.auth_token.as_ref().is_none_or(|token| token.expose().is_empty()) {
            problems.push(
                "'sms.auth_token' is missing: set OFFDESK_SMS__AUTH_TOKEN or name a file in 'sms.auth_token_file'"
                    .into(),
            );
        }
        if self.public_url.is_none() {
            problems.push("'public_url' is missing: the provider signs its webhooks with the address it calls, so SMS needs it; write it such as https://relay.example.com".into());
        }
    }
}

fn readable(key: &str, file: &Path) -> Option<String> {
    std::fs::File::open(file).err().map(|error| format!("'{key}': {} can't be read: {error}", file.display()))
}
