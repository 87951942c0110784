//! Twilio's side of the API: taking messages and listing them.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Form, Json, Router,
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::{fmt::rfc2822, tz::TimeZone};
use offdesk_core::time::Timestamp;
use serde_json::{Value, json};

use super::{Inner, Text, faults::take};

pub(super) fn routes() -> Router<Arc<Inner>> {
    Router::new().route("/2010-04-01/Accounts/{account}/Messages.json", get(list).post(send))
}

fn error(status: StatusCode, code: i64, message: &str) -> Response {
    let more = format!("https://www.twilio.com/docs/errors/{code}");
    let body = json!({"code": code, "message": message, "more_info": more, "status": status.as_u16()});
    (status, Json(body)).into_response()
}

/// HTTP Basic, as Twilio asks for it.
fn authenticate(inner: &Inner, account: &str, headers: &HeaderMap) -> Result<(), Box<Response>> {
    let expected = STANDARD.encode(format!("{}:{}", inner.options.account_sid, inner.options.auth_token));
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if given.and_then(|given| given.strip_prefix("Basic ")) != Some(&expected) {
        return Err(Box::new(error(StatusCode::UNAUTHORIZED, 20003, "Authenticate")));
    }
    if account != inner.options.account_sid {
        return Err(Box::new(error(StatusCode::NOT_FOUND, 20404, "The requested resource was not found")));
    }
    Ok(())
}

/// What happens to the answer of a message that was taken.
enum Answer {
    Given,
    CutOff,
    Never,
    Error,
}

async fn send(
    State(inner): State<Arc<Inner>>,
    Path(account): Path<String>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    if let Err(refused) = authenticate(&inner, &account, &headers) {
        return *refused;
    }
    let delay = inner.state().faults.delay();
    tokio::time::sleep(delay).await;
    let field = |name: &str| form.get(name).cloned().unwrap_or_default();
    let (to, from, body) = (field("To"), field("From"), field("Body"));
    if let Some(refused) = refuse(&inner, &to, &from, &body) {
        return refused;
    }
    let text = Text {
        sid: Inner::sid("SM"),
        from,
        to,
        body,
        inbound: false,
        at: inner.now(),
        status: "queued".into(),
        error_code: None,
        status_callback: form.get("StatusCallback").cloned(),
    };
    let answer = planned_answer(&inner);
    if let Err(failure) = inner.keep(text.clone()) {
        return error(StatusCode::INTERNAL_SERVER_ERROR, 20500, &failure.to_string());
    }
    let taken = resource(&inner, &text);
    inner.deliver_to_handset(text);
    match answer {
        Answer::Given => (StatusCode::CREATED, Json(taken)).into_response(),
        Answer::Error => error(StatusCode::INTERNAL_SERVER_ERROR, 20500, "Internal error"),
        Answer::CutOff => {
            let cut = futures_util::stream::once(async { Err::<Vec<u8>, _>(std::io::Error::other("cut off")) });
            (StatusCode::CREATED, Body::from_stream(cut)).into_response()
        }
        // Ends when the caller hangs up, or with the provider.
        Answer::Never => {
            inner.stop.cancelled().await;
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

fn refuse(inner: &Inner, to: &str, from: &str, body: &str) -> Option<Response> {
    let faults = &mut inner.state().faults;
    if take(&mut faults.busy) {
        let mut answer = error(StatusCode::TOO_MANY_REQUESTS, 20429, "Too many requests");
        answer.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from(0));
        return Some(answer);
    }
    if take(&mut faults.fail_before) {
        return Some(error(StatusCode::INTERNAL_SERVER_ERROR, 20500, "Internal error"));
    }
    let bad = |code, message| Some(error(StatusCode::BAD_REQUEST, code, message));
    if !offdesk_core::phone::is_e164(to) {
        return bad(21211, "The 'To' number is not a valid phone number.");
    }
    if !offdesk_core::phone::is_e164(from) {
        return bad(21212, "The 'From' number is not a valid phone number.");
    }
    if body.is_empty() {
        return bad(21602, "Message body is required.");
    }
    if body.chars().count() > 1600 {
        return bad(21617, "The concatenated message body exceeds the 1600 character limit.");
    }
    faults.refuse.get(to).and_then(|code| bad(*code, "The message can't be sent to this number."))
}

fn planned_answer(inner: &Inner) -> Answer {
    let faults = &mut inner.state().faults;
    if take(&mut faults.drop_answers) {
        Answer::CutOff
    } else if take(&mut faults.hang_after) {
        Answer::Never
    } else if take(&mut faults.fail_after) {
        Answer::Error
    } else {
        Answer::Given
    }
}

async fn list(
    State(inner): State<Arc<Inner>>,
    Path(account): Path<String>,
    headers: HeaderMap,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    if let Err(refused) = authenticate(&inner, &account, &headers) {
        return *refused;
    }
    let delay = inner.state().faults.delay();
    tokio::time::sleep(delay).await;
    if take(&mut inner.state().faults.fail_lists) {
        return error(StatusCode::INTERNAL_SERVER_ERROR, 20500, "Internal error");
    }
    let number = |name: &str, default: usize| query.get(name).and_then(|text| text.parse().ok()).unwrap_or(default);
    let (size, page) = (number("PageSize", 50).clamp(1, 1000), number("Page", 0));
    let wanted = |name: &str, value: &str| query.get(name).is_none_or(|wanted| wanted == value);
    let found: Vec<Text> = {
        let state = inner.state();
        let matching = state.texts.iter().rev().filter(|text| wanted("To", &text.to) && wanted("From", &text.from));
        // A message that is not sent yet has no date to filter by.
        let dated =
            |text: &&Text| query.get("DateSent>").is_none_or(|since| text.status != "queued" && day(text.at) >= *since);
        matching.filter(dated).cloned().collect()
    };
    let shown: Vec<Value> = found.iter().skip(page * size).take(size).map(|text| resource(&inner, text)).collect();
    let more = found.len() > (page + 1) * size;
    let next = more.then(|| next_page(&account, &query, page + 1));
    Json(json!({"messages": shown, "page": page, "page_size": size, "next_page_uri": next})).into_response()
}

fn next_page(account: &str, query: &HashMap<String, String>, page: usize) -> String {
    let mut parameters = url::form_urlencoded::Serializer::new(String::new());
    parameters.extend_pairs(query.iter().filter(|(name, _)| name.as_str() != "Page"));
    parameters.append_pair("Page", &page.to_string());
    format!("/2010-04-01/Accounts/{account}/Messages.json?{}", parameters.finish())
}

fn instant(at: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(at.millis()).unwrap_or_default()
}

fn day(at: Timestamp) -> String {
    instant(at).strftime("%Y-%m-%d").to_string()
}

/// A message as Twilio writes it.
fn resource(inner: &Inner, text: &Text) -> Value {
    let date = rfc2822::to_string(&instant(text.at).to_zoned(TimeZone::UTC)).unwrap_or_default();
    json!({
        "sid": text.sid,
        "account_sid": inner.options.account_sid,
        "api_version": "2010-04-01",
        "from": text.from,
        "to": text.to,
        "body": text.body,
        "direction": if text.inbound { "inbound" } else { "outbound-api" },
        "status": text.status,
        "error_code": text.error_code,
        "error_message": null,
        "num_media": "0",
        "num_segments": "1",
        "date_created": date,
        "date_updated": date,
        "date_sent": if text.status == "queued" { Value::Null } else { Value::String(date.clone()) },
        "uri": format!("/2010-04-01/Accounts/{}/Messages/{}.json", inner.options.account_sid, text.sid),
    })
}
