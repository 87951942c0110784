//! Values with a form of their own: times, addresses, secrets. Jiff and `url` could bring serde themselves, but their
//! errors don't say what to write instead.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize, Serializer};
use url::Url;

/// A text that no log, message or printed configuration shows.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself, for the one call that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("(hidden)")
    }
}

/// The default provider.
#[allow(clippy::expect_used)] // A literal, read in every test that configures SMS.
pub(super) fn twilio() -> Url {
    Url::parse("https://api.twilio.com").expect("a literal address")
}

/// Reads a time such as `20s`, `10m` or `24h`.
pub(crate) fn parse_time(text: &str) -> Result<Duration, String> {
    let parsed = text.parse::<jiff::SignedDuration>().ok().and_then(|time| Duration::try_from(time).ok());
    parsed.ok_or_else(|| format!("'{text}' is no time; write it such as 20s, 10m or 24h"))
}

/// Writes a time as it is read.
pub(crate) fn write_time(time: Duration) -> String {
    jiff::SignedDuration::try_from(time).map_or_else(|_| format!("{}s", time.as_secs()), |time| format!("{time:#}"))
}

pub(super) mod time {
    use super::{Deserialize, Duration, Serializer};

    pub(in crate::config) fn serialize<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::write_time(*time))
    }

    pub(in crate::config) fn deserialize<'de, D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        super::parse_time(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

pub(super) mod web_address {
    use super::{Deserialize, Serializer, Url};

    pub(in crate::config) fn serialize<S: Serializer>(url: &Url, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(url.as_str())
    }

    pub(in crate::config) fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
        parse(&String::deserialize(deserializer)?)
    }

    pub(super) fn parse<E: serde::de::Error>(text: &str) -> Result<Url, E> {
        match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
            Ok(_) => {
                Err(E::custom(format!("'{text}' is no web address: write it with https:// or http:// and a host")))
            }
            Err(error) => Err(E::custom(format!(
                "'{text}' is no web address ({error}): write it such as https://relay.example.com"
            ))),
        }
    }
}

pub(super) mod optional_web_address {
    use super::{Deserialize, Serialize, Serializer, Url};

    pub(in crate::config) fn serialize<S: Serializer>(url: &Option<Url>, serializer: S) -> Result<S::Ok, S::Error> {
        url.as_ref().map(Url::as_str).serialize(serializer)
    }

    pub(in crate::config) fn deserialize<'de, D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Url>, D::Error> {
        Option::<String>::deserialize(deserializer)?.map(|text| super::web_address::parse(&text)).transpose()
    }
}
