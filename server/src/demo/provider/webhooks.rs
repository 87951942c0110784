//! The provider's calls of the relay: inbound messages, and reports of what became of outbound ones.

use std::{
    io,
    sync::{Arc, PoisonError},
    time::Duration,
};

use reqwest::StatusCode;

use super::{Inner, Text, faults::Faults};
use crate::channels::twilio::signature;

/// An inbound message did not reach the relay.
#[derive(Debug, thiserror::Error)]
pub enum Undelivered {
    /// Nobody said where inbound messages go.
    #[error("the provider was not told where inbound messages go")]
    NoWebhook,
    /// The relay refused it.
    #[error("the relay refused the message with status {0}")]
    Refused(u16),
    /// The provider stopped before it got through.
    #[error("the provider stopped")]
    Stopped,
    /// The message can't be kept.
    #[error("the provider's log failed: {0}")]
    Log(#[from] io::Error),
}

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Tries of a report; Twilio itself tries once unless told otherwise.
const REPORT_TRIES: u32 = 8;

impl Inner {
    /// Takes a text from a handset.
    pub(super) fn receive(&self, from: &str, to: &str, body: &str) -> io::Result<Text> {
        let text = Text {
            sid: Self::sid("SM"),
            from: from.into(),
            to: to.into(),
            body: body.into(),
            inbound: true,
            at: self.now(),
            status: "received".into(),
            error_code: None,
            status_callback: None,
        };
        self.keep(text.clone())?;
        Ok(text)
    }

    pub(super) async fn inbound(&self, from: &str, to: &str, body: &str) -> Result<String, Undelivered> {
        let text = self.receive(from, to, body)?;
        let form = [
            ("MessageSid", text.sid.as_str()),
            ("SmsSid", &text.sid),
            ("AccountSid", &self.options.account_sid),
            ("From", from),
            ("To", to),
            ("Body", body),
            ("NumMedia", "0"),
            ("NumSegments", "1"),
            ("SmsStatus", "received"),
        ];
        let twice = self.state().faults.duplicate_webhooks;
        for _ in 0..=u8::from(twice) {
            self.deliver(&form).await?;
        }
        Ok(text.sid)
    }

    /// Calls the webhook until it is answered. Asks each time where it is: the relay may have come back elsewhere.
    async fn deliver(&self, form: &[(&str, &str)]) -> Result<(), Undelivered> {
        let mut pause = self.options.retry_pause;
        loop {
            let url = self.state().inbound_url.clone().ok_or(Undelivered::NoWebhook)?;
            match self.post(url.as_str(), form).await {
                Ok(status) if status.is_success() => return Ok(()),
                Ok(status) if status.is_client_error() => return Err(Undelivered::Refused(status.as_u16())),
                Ok(_) | Err(_) => {}
            }
            if self.stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                return Err(Undelivered::Stopped);
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Posts a form with Twilio's signature over it and the address.
    pub(super) async fn post(&self, url: &str, form: &[(&str, &str)]) -> Result<StatusCode, reqwest::Error> {
        let signature = signature::sign(&self.options.auth_token, url, form.iter().copied());
        let request = self.http.post(url).header(signature::HEADER, signature).form(form);
        Ok(request.send().await?.status())
    }

    /// Delivers a text to its handset and reports on it.
    pub(super) fn deliver_to_handset(self: &Arc<Self>, text: Text) {
        let this = self.clone();
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move { this.report_all(text).await });
    }

    async fn report_all(&self, text: Text) {
        let faults = self.state().faults.clone();
        let code = faults.undelivered.get(&text.to).copied();
        let last = if code.is_some() { "undelivered" } else { "delivered" };
        let mut reports = vec![("sent", None), (last, code)];
        if faults.reversed_callbacks {
            reports.reverse();
        }
        for (status, code) in reports {
            self.set_status(&text.sid, status, code);
            if let Some(callback) = &text.status_callback
                && !faults.no_callbacks
            {
                self.report(callback, &text, status, code, &faults).await;
            }
        }
        self.set_status(&text.sid, last, code);
    }

    async fn report(&self, callback: &str, text: &Text, status: &str, code: Option<i64>, faults: &Faults) {
        let code = code.map(|code| code.to_string());
        let mut form = vec![
            ("MessageSid", text.sid.as_str()),
            ("SmsSid", &text.sid),
            ("AccountSid", &self.options.account_sid),
            ("MessageStatus", status),
            ("SmsStatus", status),
            ("From", &text.from),
            ("To", &text.to),
        ];
        if let Some(code) = &code {
            form.push(("ErrorCode", code));
        }
        for _ in 0..=u8::from(faults.duplicate_webhooks) {
            let mut pause = self.options.retry_pause;
            for _ in 0..REPORT_TRIES {
                match self.post(callback, &form).await {
                    Ok(status) if !status.is_server_error() => break,
                    Ok(_) | Err(_) => tokio::time::sleep(pause).await,
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}
