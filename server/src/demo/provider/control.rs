//! Telling a provider that runs in a process of its own what to do. Loopback only: it has no authentication.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use serde::{Deserialize, Serialize};
use url::Url;

use super::{Faults, Inner, Text};

/// Body of `POST /control/inbound`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewInbound {
    from: String,
    to: String,
    body: String,
}

pub(super) fn routes() -> Router<Arc<Inner>> {
    Router::new()
        .route("/control/inbound", post(inbound))
        .route("/control/inbound-url", put(inbound_url))
        .route("/control/faults", put(faults))
        .route("/control/texts", get(texts))
}

/// A handset texts one of our numbers; answers once the relay has it, with the message's id as a JSON string.
async fn inbound(State(inner): State<Arc<Inner>>, Json(new): Json<NewInbound>) -> Response {
    match inner.inbound(&new.from, &new.to, &new.body).await {
        Ok(sid) => Json(sid).into_response(),
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

/// Where inbound messages go: the body is a JSON string.
async fn inbound_url(State(inner): State<Arc<Inner>>, Json(url): Json<String>) -> StatusCode {
    match Url::parse(&url) {
        Ok(url) => {
            inner.state().inbound_url = Some(url);
            StatusCode::NO_CONTENT
        }
        Err(_) => StatusCode::BAD_REQUEST,
    }
}

/// What goes wrong from here on: a JSON object with the fields of [`Faults`] that are not nothing.
async fn faults(State(inner): State<Arc<Inner>>, Json(faults): Json<Faults>) -> StatusCode {
    inner.state().faults = faults;
    StatusCode::NO_CONTENT
}

/// Every text it took.
async fn texts(State(inner): State<Arc<Inner>>) -> Json<Vec<Text>> {
    Json(inner.state().texts.clone())
}
