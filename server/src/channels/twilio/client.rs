//! Calling Twilio's API.
//!
//! The one thing to get right is the outcome of a call that goes wrong: only what surely was not taken may be tried again.
//! A connection that never came up, Twilio's own `429`, and an error that Twilio's API itself wrote (it answers in JSON
//! with a code) have taken nothing. A timeout, a connection that broke, and a `5xx` of whatever stands in between may have.

use std::time::Duration;

use futures_util::{FutureExt, future::BoxFuture};
use jiff::fmt::rfc2822;
use offdesk_core::time::Timestamp;
use reqwest::{StatusCode, header::RETRY_AFTER, redirect, retry};
use serde::{Deserialize, de::DeserializeOwned};
use url::Url;

use crate::channels::{
    ListError, Listed, Outcome, Outgoing, Progress, Received, SmsProvider,
    twilio::{
        Account, STATUS_PATH, below, progress,
        reasons::{Refusal, describe, refusal},
    },
};

/// Time for a connection to come up. As long as it hasn't, nothing was sent.
const CONNECT: Duration = Duration::from_secs(5);
/// Time for a whole call. Twilio answers within a second or two, else it is stuck.
const CALL: Duration = Duration::from_secs(15);
/// The longest pause that we let the provider ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);
/// The most that is read of one answer. A page of 1,000 messages is about 1 MB.
const ANSWER_BYTES: usize = 8 << 20;
/// Messages on a page of the list; Twilio allows 1,000.
const PAGE: usize = 500;
/// The most messages read of one list.
const LISTED: usize = 50_000;

/// The client can't be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The HTTP client can't be set up.
    #[error("the HTTP client for the SMS provider can't be set up: {0}")]
    Http(#[from] reqwest::Error),
}

/// Calls Twilio's API with our account. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Twilio {
    http: reqwest::Client,
    account: Account,
}

#[derive(Deserialize)]
struct Resource {
    sid: String,
    status: String,
    error_code: Option<i64>,
    from: Option<String>,
    to: Option<String>,
    body: Option<String>,
    date_created: Option<String>,
    direction: Option<String>,
    num_media: Option<String>,
}

impl Resource {
    fn created(&self) -> Option<Timestamp> {
        let zoned = rfc2822::parse(self.date_created.as_deref()?).ok()?;
        Some(Timestamp(zoned.timestamp().as_millisecond()))
    }

    fn outbound(&self) -> bool {
        self.direction.as_deref().is_none_or(|direction| direction.starts_with("outbound"))
    }
}

#[derive(Deserialize)]
struct Page {
    messages: Vec<Resource>,
    next_page_uri: Option<String>,
}

/// Twilio's own error, as opposed to one of a proxy or load balancer on the way.
#[derive(Deserialize)]
struct ApiError {
    code: i64,
    message: Option<String>,
}

impl Twilio {
    /// A client for `account`.
    ///
    /// # Errors
    /// [`ClientError`] if the machine offers no way to check certificates.
    pub fn new(account: Account) -> Result<Self, ClientError> {
        Self::with_timeout(account, CALL)
    }

    /// As [`Twilio::new`], with another time for a whole call.
    ///
    /// # Errors
    /// As [`Twilio::new`].
    pub fn with_timeout(account: Account, call: Duration) -> Result<Self, ClientError> {
        // Whoever came first has installed the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .timeout(call)
            // Neither a redirect nor the client's own judgement may send a message a second time.
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .user_agent(concat!("offdesk-relay/", env!("CARGO_PKG_VERSION")));
        if account.base_url.host_str().is_some_and(|host| matches!(host, "localhost" | "127.0.0.1" | "[::1]")) {
            http = http.no_proxy();
        }
        Ok(Self { http: http.build()?, account })
    }

    fn messages_url(&self) -> String {
        below(&self.account.base_url, &format!("/2010-04-01/Accounts/{}/Messages.json", self.account.sid))
    }

    /// Where Twilio reports on this attempt. The message travels in the address, so that a report is understood even if it
    /// comes before the answer to our call, or if that answer never comes.
    fn status_callback(&self, message: &Outgoing) -> Option<String> {
        let base = self.account.public_url.as_ref()?;
        Some(format!("{}?message={}&attempt={}", below(base, STATUS_PATH), message.message, message.attempt.0))
    }

    async fn hand_over(&self, message: &Outgoing) -> Outcome {
        let mut form = vec![("To", message.recipient.as_str()), ("From", &message.sender), ("Body", &message.body)];
        let callback = self.status_callback(message);
        if let Some(callback) = &callback {
            form.push(("StatusCallback", callback));
        }
        let request = self
            .http
            .post(self.messages_url())
            .basic_auth(&self.account.sid, Some(&self.account.auth_token))
            .form(&form);
        let response = match request.send().await {
            Ok(response) => response,
            // A connection that did not come up carried nothing.
            Err(error) if error.is_connect() => {
                return Outcome::TryLater {
                    after: None,
                    why: format!("the provider can't be reached: {}", plain(&error)),
                };
            }
            Err(error) if error.is_builder() => {
                return Outcome::Refused {
                    reason: format!("The request can't be made: {}", plain(&error)),
                    permanent: true,
                };
            }
            Err(error) => return Outcome::Unclear { why: plain(&error) },
        };
        let status = response.status();
        let pause = retry_after(&response);
        match read(response).await {
            Ok(body) => sort(status, pause, &body),
            Err(why) if status == StatusCode::TOO_MANY_REQUESTS => Outcome::TryLater { after: pause, why },
            Err(why) => Outcome::Unclear { why: format!("status {status}, and {why}") },
        }
    }

    async fn page(&self, url: &str) -> Result<Page, ListError> {
        let request = self.http.get(url).basic_auth(&self.account.sid, Some(&self.account.auth_token));
        let response = request.send().await.map_err(|error| ListError::Unavailable(plain(&error)))?;
        let status = response.status();
        let body = read(response).await.map_err(ListError::Unavailable)?;
        if !status.is_success() {
            let error: Option<ApiError> = parse(&body);
            let why = error.map_or_else(
                || format!("status {status}"),
                |error| describe(Some(error.code), error.message.as_deref()),
            );
            return Err(ListError::Unavailable(why));
        }
        parse(&body).ok_or_else(|| ListError::Unavailable("its answer is not a list of messages".into()))
    }

    /// All pages from `first` on, until `enough` says of a page that what follows is too old.
    async fn pages(&self, first: Url, enough: impl Fn(&[Resource]) -> bool) -> Result<Vec<Resource>, ListError> {
        let mut found = Vec::new();
        let mut url = first.clone();
        loop {
            let page = self.page(url.as_str()).await?;
            let done = enough(&page.messages);
            found.extend(page.messages);
            let Some(next) = page.next_page_uri.filter(|_| !done) else { return Ok(found) };
            if found.len() >= LISTED {
                return Err(ListError::TooMany(LISTED));
            }
            // Our credentials go with the request: only ever to the host that we were told.
            url = first
                .join(&next)
                .ok()
                .filter(|url| url.origin() == first.origin())
                .ok_or_else(|| ListError::Unavailable(format!("its next page is at {next}")))?;
        }
    }

    fn list_url(&self, filters: &[(&str, &str)]) -> Result<Url, ListError> {
        let size = PAGE.to_string();
        let parameters = filters.iter().copied().chain([("PageSize", size.as_str())]);
        Url::parse_with_params(&self.messages_url(), parameters)
            .map_err(|error| ListError::Unavailable(error.to_string()))
    }

    async fn outbound(&self, recipient: &str, sender: &str, since: Timestamp) -> Result<Vec<Listed>, ListError> {
        let since = whole_second(since);
        // No filter by DateSent: what Twilio has accepted and not sent yet has no such date. The list is ordered with the
        // newest first, so that a page of older ones ends it.
        let url = self.list_url(&[("To", recipient), ("From", sender)])?;
        let mut found = Vec::new();
        for one in self.pages(url, |page| all_before(page, since)).await? {
            if !one.outbound() {
                continue;
            }
            let at = one.created().ok_or_else(|| ListError::Unavailable(format!("{} has no date", one.sid)))?;
            if at >= since {
                let progress = progress(&one.status, one.error_code).unwrap_or(Progress::HandedOver);
                found.push(Listed { provider_id: one.sid, body: one.body.unwrap_or_default(), at, progress });
            }
        }
        Ok(found)
    }

    async fn inbound(&self, number: &str, since: Timestamp) -> Result<Vec<Received>, ListError> {
        let since = whole_second(since);
        // The filter counts whole days in UTC.
        let day = jiff::Timestamp::from_millisecond(since.millis())
            .map_err(|error| ListError::Unavailable(error.to_string()))?
            .strftime("%Y-%m-%d")
            .to_string();
        let url = self.list_url(&[("To", number), ("DateSent>", &day)])?;
        let mut found: Vec<(Option<Timestamp>, Received)> = Vec::new();
        for one in self.pages(url, |page| all_before(page, since)).await? {
            let at = one.created();
            // One without a readable date is rather taken twice (it counts once) than not at all.
            if one.direction.as_deref() == Some("inbound") && at.is_none_or(|at| at >= since) {
                let attachments = one.num_media.and_then(|count| count.parse().ok()).unwrap_or(0);
                let (from, to) = (one.from.unwrap_or_default(), one.to.unwrap_or_default());
                let body = one.body.unwrap_or_default();
                found.push((at, Received { provider_id: one.sid, from, to, body, attachments }));
            }
        }
        found.sort_by_key(|(at, _)| *at);
        Ok(found.into_iter().map(|(_, received)| received).collect())
    }
}

impl SmsProvider for Twilio {
    fn send<'a>(&'a self, message: &'a Outgoing) -> BoxFuture<'a, Outcome> {
        self.hand_over(message).boxed()
    }

    fn find<'a>(
        &'a self,
        recipient: &'a str,
        sender: &'a str,
        since: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<Listed>, ListError>> {
        self.outbound(recipient, sender, since).boxed()
    }

    fn list_inbound<'a>(
        &'a self,
        number: &'a str,
        since: Timestamp,
    ) -> BoxFuture<'a, Result<Vec<Received>, ListError>> {
        self.inbound(number, since).boxed()
    }
}

/// Twilio's dates have no fractions: what came within the same second counts as later.
fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp(at.millis() - at.millis().rem_euclid(1000))
}

/// Whether a page lies before `since`; the newest come first, so that what follows does too.
fn all_before(page: &[Resource], since: Timestamp) -> bool {
    page.iter().all(|one| one.created().is_some_and(|at| at < since))
}

/// What an answer means.
fn sort(status: StatusCode, pause: Option<Duration>, body: &[u8]) -> Outcome {
    if status.is_success() {
        return match parse::<Resource>(body) {
            Some(one) => Outcome::HandedOver {
                progress: progress(&one.status, one.error_code).unwrap_or(Progress::HandedOver),
                provider_id: one.sid,
            },
            None => Outcome::Unclear { why: "the provider's answer can't be read".into() },
        };
    }
    let error: Option<ApiError> = parse(body);
    if status == StatusCode::TOO_MANY_REQUESTS {
        let why =
            describe(error.as_ref().map(|error| error.code), error.as_ref().and_then(|error| error.message.as_deref()));
        return Outcome::TryLater { after: pause, why };
    }
    let Some(ApiError { code, message }) = error else {
        // 401 comes before anything is looked at, whoever answers it.
        return if status == StatusCode::UNAUTHORIZED {
            Outcome::Refused { reason: describe(Some(20003), None), permanent: false }
        } else {
            Outcome::Unclear { why: format!("somebody on the way to the provider answered {status}") }
        };
    };
    let reason = describe(Some(code), message.as_deref());
    if status == StatusCode::SERVICE_UNAVAILABLE {
        return Outcome::TryLater { after: pause, why: reason };
    }
    if !status.is_client_error() || status == StatusCode::REQUEST_TIMEOUT {
        return Outcome::Unclear { why: reason };
    }
    match refusal(code) {
        Refusal::Busy => Outcome::TryLater { after: pause, why: reason },
        Refusal::NeedsAdministrator => Outcome::Refused { reason, permanent: false },
        Refusal::Permanent => Outcome::Refused { reason, permanent: true },
    }
}

fn retry_after(response: &reqwest::Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_PAUSE))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    serde_json::from_slice(body).ok()
}

async fn read(mut response: reqwest::Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| plain(&error))? {
        if body.len() + chunk.len() > ANSWER_BYTES {
            return Err("the provider's answer is too large".into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The innermost cause, without the address that carries our account's id.
fn plain(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    if error.is_timeout() { "the provider did not answer in time".into() } else { cause.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ERROR_JSON: &[u8] = br#"{"code": 20500, "message": "Internal", "more_info": "", "status": 500}"#;

    /// R32: only what surely was not taken may be tried again.
    #[test]
    fn an_answer_in_doubt_is_unclear() {
        let unclear = |status: u16, body: &[u8]| {
            let status = StatusCode::from_u16(status).unwrap_or_default();
            matches!(sort(status, None, body), Outcome::Unclear { .. })
        };
        assert!(unclear(201, b"{"), "taken, but under which id?");
        assert!(unclear(500, ERROR_JSON));
        assert!(unclear(502, b"<html>Bad gateway"));
        assert!(unclear(503, b"<html>Who knows who says this"));
        assert!(unclear(408, ERROR_JSON));
        assert!(unclear(302, b""));
        assert!(unclear(404, b"<html>a proxy's"));
        assert!(!unclear(503, br#"{"code": 20503, "message": "Try later"}"#));
        assert!(!unclear(429, b""));
        assert!(!unclear(400, br#"{"code": 21211, "message": "bad number"}"#));
    }

    #[test]
    fn a_refusal_says_whether_it_may_pass() {
        let permanent = sort(StatusCode::BAD_REQUEST, None, br#"{"code": 21610, "message": "unsubscribed"}"#);
        assert!(matches!(permanent, Outcome::Refused { permanent: true, .. }));
        let credentials = sort(StatusCode::UNAUTHORIZED, None, br#"{"code": 20003, "message": "Authenticate"}"#);
        assert!(matches!(credentials, Outcome::Refused { permanent: false, .. }));
        let pause = Some(Duration::from_secs(3));
        let busy = sort(StatusCode::BAD_REQUEST, pause, br#"{"code": 21611, "message": "queue full"}"#);
        assert!(matches!(busy, Outcome::TryLater { after: Some(after), .. } if Some(after) == pause));
    }
}
