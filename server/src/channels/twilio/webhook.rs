//! What Twilio calls: inbound messages, and reports on outbound ones.
//!
//! A request is believed only with Twilio's signature over the address under which the world knows this relay
//! (`public_url`), whatever a proxy made of it on the way. Nothing is answered with success before it is durable. Twilio
//! calls again for 15 seconds at most, and only if told to in the webhook's address (`#rc=5&rp=all`); what got lost all
//! the same is asked for ([`crate::dispatch::recovery`]). Both kinds count once however often they come.
//!
//! A report that comes before the answer to our own call is not lost: the address that we give Twilio names the message.

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{OriginalUri, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use offdesk_core::{
    ids::{IntentId, MessageId, WorkspaceId},
    model::Channel,
    phone,
    time::Timestamp,
};
use rand::Rng;
use rusqlite::OptionalExtension;
use url::form_urlencoded;

use crate::{
    accept::{self, Inbound},
    api::ApiError,
    channels::{
        Received,
        twilio::{INBOUND_PATH, STATUS_PATH, below, progress, reasons, signature},
    },
    dispatch::ledger::{self, Reported},
    serve::App,
    store::{ReadTx, StoreError, Tx},
};

/// The largest request. Twilio's have some 2 kB, the text being at most 1,600 characters.
const BODY: usize = 64 * 1024;

/// Both webhooks.
pub(crate) fn routes() -> Router<App> {
    Router::new().route(INBOUND_PATH, post(inbound)).route(STATUS_PATH, post(status))
}

/// A form that Twilio signed.
struct Signed {
    form: Vec<(String, String)>,
    query: Vec<(String, String)>,
}

impl Signed {
    fn get<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
        pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    fn field(&self, name: &'static str) -> Result<&str, ApiError> {
        Self::get(&self.form, name).ok_or_else(|| malformed(&format!("The field {name} is missing.")))
    }
}

fn malformed(detail: &str) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "malformed", "The request is not one of Twilio's", detail)
}

/// Reads a request and verifies who sent it.
async fn receive(app: &App, uri: &OriginalUri, headers: &HeaderMap, body: Body) -> Result<Signed, ApiError> {
    let (Some(sms), Some(public_url)) = (&app.config.sms, &app.config.public_url) else {
        return Err(ApiError::new(StatusCode::NOT_FOUND, "not_found", "SMS is not configured", ""));
    };
    let body: Bytes = to_bytes(body, BODY)
        .await
        .map_err(|_| ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "The request is too large", ""))?;
    let unsigned = || {
        ApiError::new(
            StatusCode::FORBIDDEN,
            "bad_signature",
            "The request does not carry the provider's signature",
            "Check that public_url is the address that the provider calls, and that auth_token is the account's.",
        )
    };
    let signature = headers.get(signature::HEADER).and_then(|value| value.to_str().ok()).ok_or_else(unsigned)?;
    let form: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
    let path = uri.path_and_query().map_or("", |path| path.as_str());
    let url = below(public_url, path);
    let pairs = form.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let token = sms.auth_token.as_ref().map_or("", |token| token.expose());
    if !signature::verify(token, &url, pairs, signature) {
        tracing::warn!(%url, "a webhook without the provider's signature was refused");
        return Err(unsigned());
    }
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !content_type.starts_with("application/x-www-form-urlencoded") {
        return Err(malformed("A form is expected."));
    }
    let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    Ok(Signed { form, query })
}

/// A contact's message to one of our numbers.
async fn inbound(
    State(app): State<App>,
    uri: OriginalUri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let signed = receive(&app, &uri, &headers, body).await?;
    let received = Received {
        provider_id: signed.field("MessageSid")?.to_owned(),
        from: signed.field("From")?.to_owned(),
        to: signed.field("To")?.to_owned(),
        body: Signed::get(&signed.form, "Body").unwrap_or_default().to_owned(),
        attachments: Signed::get(&signed.form, "NumMedia").and_then(|count| count.parse().ok()).unwrap_or(0),
    };
    if !phone::is_e164(&received.from) {
        // Nobody could be answered: a short code, or a name as sender.
        tracing::warn!(from = received.from, to = received.to, "a message without a number to answer to was refused");
        return Err(malformed("The sender is not a phone number in E.164."));
    }
    if take(&app, received.clone()).await?.is_none() {
        tracing::warn!(to = received.to, provider_id = received.provider_id, "a message to a number that is not ours");
        return Err(ApiError::new(
            StatusCode::NOT_FOUND,
            "unknown_number",
            "No workspace has this number",
            "Add the number to the workspace's settings, or point its webhook elsewhere at the provider.",
        ));
    }
    Ok(([(header::CONTENT_TYPE, "text/xml")], "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response></Response>")
        .into_response())
}

/// Takes a message into its conversation; once this returns it is durable. Whether it is new, or `None` if no workspace has
/// the number.
///
/// # Errors
/// As the store's.
pub(crate) async fn take(app: &App, received: Received) -> Result<Option<bool>, StoreError> {
    let (now, mut rng) = (app.now(), app.rng());
    app.store.write(move |tx| take_in(tx, now, &mut rng, received)).await
}

/// The same inside a transaction.
///
/// # Errors
/// As the store's.
pub fn take_in(
    tx: &mut Tx<'_>,
    now: Timestamp,
    rng: &mut dyn Rng,
    received: Received,
) -> Result<Option<bool>, StoreError> {
    let Some(workspace) = workspace_of(&tx.reading(), &received.to)? else { return Ok(None) };
    let text = received.text();
    let Received { provider_id, from, to, .. } = received;
    let message = Inbound { workspace, channel: Channel::Sms(to), phone: from, text, provider_id };
    accept::inbound(tx, now, rng, &message).map(|outcome| Some(!outcome.duplicate))
}

fn workspace_of(tx: &ReadTx<'_>, number: &str) -> Result<Option<WorkspaceId>, StoreError> {
    let mut statement = tx.connection().prepare_cached("SELECT workspace FROM numbers WHERE number = ?1")?;
    Ok(statement.query_row([number], |row| Ok(WorkspaceId(row.get(0)?))).optional()?)
}

/// What became of a message of ours.
async fn status(
    State(app): State<App>,
    uri: OriginalUri,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let signed = receive(&app, &uri, &headers, body).await?;
    let provider_id = signed.field("MessageSid")?.to_owned();
    let status = signed.field("MessageStatus")?;
    let code = Signed::get(&signed.form, "ErrorCode").and_then(|code| code.parse().ok());
    let Some(progress) = progress(status, code) else {
        tracing::debug!(provider_id, status, "a report that says nothing of delivery");
        return Ok(StatusCode::NO_CONTENT);
    };
    if let Some(code) = code {
        tracing::info!(
            provider_id,
            code,
            reason = reasons::describe(Some(code), None),
            "the provider reports a failure"
        );
    }
    let message = Signed::get(&signed.query, "message").and_then(|id| id.parse::<IntentId>().ok());
    let now = app.now();
    let reported = app
        .store
        .write({
            let provider_id = provider_id.clone();
            move |tx| ledger::report(tx, now, &provider_id, message as Option<MessageId>, &progress)
        })
        .await?;
    if reported == Reported::NotOurs {
        tracing::warn!(provider_id, "a report on a message that is not in the ledger");
        return Err(ApiError::new(StatusCode::NOT_FOUND, "unknown_message", "No such message was sent from here", ""));
    }
    Ok(StatusCode::NO_CONTENT)
}
