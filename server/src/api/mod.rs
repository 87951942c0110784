//! The HTTP routes that are not the sync route, and what surrounds every route.

mod enrol;
mod health;
mod json;
pub mod problem;
mod surround;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;

use std::time::Duration;

use axum::{
    Router,
    http::StatusCode,
    routing::{get, post},
};
use offdesk_core::protocol::{ENROL_PATH, ENROLMENT_CODE_PATH};
use tower_http::timeout::TimeoutLayer;

use crate::serve::App;

pub use problem::ApiError;

/// How long a request may take that is no stream, its body included.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Every route, with what surrounds it.
pub(crate) fn router(app: &App) -> Router<App> {
    let routes = Router::new()
        .route(ENROL_PATH, post(enrol::enrol))
        .route(ENROLMENT_CODE_PATH, post(enrol::further_code))
        .route("/healthz", get(health::healthz))
        .route("/metrics", get(health::metrics))
        .merge(crate::channels::twilio::webhook::routes())
        .merge(crate::automations::http::routes())
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, TIMEOUT));
    // A sync stays open as long as its device likes: no timeout is on it, and it bounds its body itself.
    surround::surround(app, routes.merge(crate::relay::router(app)))
}
