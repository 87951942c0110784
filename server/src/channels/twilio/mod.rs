//! SMS through Twilio, or through a provider with the same API.
//!
//! [`client`] hands messages over and lists them; [`webhook`] receives inbound messages and reports of delivery;
//! [`signature`] tells Twilio's requests from others; [`reasons`] puts its error codes into plain words.

pub mod client;
pub mod reasons;
pub mod signature;
pub mod webhook;

use url::Url;

pub use client::Twilio;

use crate::channels::Progress;

/// Where Twilio delivers inbound messages.
pub const INBOUND_PATH: &str = "/v1/sms/twilio/inbound";
/// Where Twilio reports what became of a message.
pub const STATUS_PATH: &str = "/v1/sms/twilio/status";

/// Our account.
#[derive(Clone)]
pub struct Account {
    /// Where the API is.
    pub base_url: Url,
    /// The account's id.
    pub sid: String,
    /// Its secret, which also signs webhooks.
    pub auth_token: String,
    /// The address by which Twilio reaches this relay. Without one, Twilio can't report what becomes of a message.
    pub public_url: Option<Url>,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The secret stays out of logs.
        f.debug_struct("Account")
            .field("base_url", &self.base_url.as_str())
            .field("sid", &self.sid)
            .finish_non_exhaustive()
    }
}

/// A path below an address that may itself have a path.
pub(crate) fn below(base: &Url, path: &str) -> String {
    format!("{}{path}", base.as_str().trim_end_matches('/'))
}

/// What one of Twilio's message states means on our ladder; `None` for one that says nothing about an outbound message.
pub(crate) fn progress(status: &str, error: Option<i64>) -> Option<Progress> {
    match status {
        "accepted" | "scheduled" | "queued" | "sending" => Some(Progress::HandedOver),
        "sent" => Some(Progress::Sent),
        "delivered" | "read" => Some(Progress::Delivered),
        "undelivered" | "failed" | "canceled" => Some(Progress::Failed { reason: reasons::describe(error, None) }),
        _ => None,
    }
}
