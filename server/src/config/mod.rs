//! What can be configured, and from where it is read: the defaults, then a TOML file, then the environment, then the
//! command line's flags; the later one counts. An unknown key is an error that names it, where it stands and what is
//! known there: a misspelt key must not silently leave a default in place.
//!
//! In the environment a key is written in capitals after `OFFDESK_`, with two underscores between a table and its key:
//! `OFFDESK_DATABASE`, `OFFDESK_SMS__AUTH_TOKEN`.

mod read;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
mod typed;
mod validate;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};
use url::Url;

pub use read::{ConfigError, Overrides};
pub use typed::Secret;
pub(crate) use typed::{parse_time, write_time};

/// Everything that can be configured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The database file.
    pub database: PathBuf,
    /// Where to listen.
    pub listen: SocketAddr,
    /// The address by which the world reaches this relay; providers sign their webhooks with it. Needed for SMS.
    #[serde(with = "typed::optional_web_address", skip_serializing_if = "Option::is_none")]
    pub public_url: Option<Url>,
    /// Proxies in front of the relay, whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// How often a live stream says that it lives. Mobile networks drop what is silent for a minute or so.
    #[serde(with = "typed::time")]
    pub heartbeat: Duration,
    /// How long what is under way may take when the relay shuts down.
    #[serde(with = "typed::time")]
    pub shutdown_grace: Duration,
    /// How long an enrolment code can be used.
    #[serde(with = "typed::time")]
    pub enrolment_code_lifetime: Duration,
    /// Whoever reads `/metrics` must bear this token; without one, anybody may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics_token: Option<Secret>,
    /// The log.
    pub log: Log,
    /// Bounds on what a client may ask for.
    pub limits: Limits,
    /// TLS by the relay itself. Without it, plain HTTP for a proxy on the same machine or network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// The SMS provider. Without it, no SMS is sent or received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sms: Option<Sms>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            database: PathBuf::from("offdesk.db"),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            public_url: None,
            trusted_proxies: Vec::new(),
            heartbeat: Duration::from_secs(20),
            shutdown_grace: Duration::from_secs(10),
            enrolment_code_lifetime: Duration::from_secs(24 * 60 * 60),
            metrics_token: None,
            log: Log::default(),
            limits: Limits::default(),
            tls: None,
            sms: None,
        }
    }
}

/// The log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// For people or for machines.
    pub format: LogFormat,
    /// A level (`error`, `warn`, `info`, `debug`, `trace`), or directives such as `info,offdesk_relay::dispatch=debug`.
    pub level: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: "info".into() }
    }
}

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Bounds on what a client may ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The largest body of a sync request, compressed. A day offline is some 100 kB.
    pub sync_body: ByteSize,
    /// The largest body of any other request.
    pub json_body: ByteSize,
    /// Live streams that one device may hold. A second one is a reconnect whose first is not known dead yet.
    pub streams_per_device: u32,
    /// Enrolments that one address may try in a minute. An office behind one address enrols its phones together.
    pub enrol_per_minute: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { sync_body: ByteSize::mib(32), json_body: ByteSize::kib(64), streams_per_device: 2, enrol_per_minute: 30 }
    }
}

/// Files for TLS, in PEM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate with its chain, the relay's own first.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// An SMS provider with Twilio's API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sms {
    /// Where its API is.
    #[serde(with = "typed::web_address", default = "typed::twilio")]
    pub base_url: Url,
    /// The account.
    pub account_sid: String,
    /// The account's secret, which also signs webhooks. Better in `auth_token_file` or `OFFDESK_SMS__AUTH_TOKEN`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_token: Option<Secret>,
    /// A file that holds `auth_token` and nothing else. [`Config::read`] puts its content there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_token_file: Option<PathBuf>,
    /// Whether the provider is asked to report what becomes of each message. Needs `public_url`.
    #[serde(default = "yes")]
    pub status_callback: bool,
    /// How long the provider gets until its list of messages is believed, when the relay asks it what became of a call
    /// that brought no answer.
    #[serde(with = "typed::time", default = "settle")]
    pub settle: Duration,
}

fn settle() -> Duration {
    Duration::from_secs(10)
}

fn yes() -> bool {
    true
}
