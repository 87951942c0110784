//! The HTTP routes that are not the sync route, and what surrounds every route.

mod health;
pub mod problem;

use axum::{Router, routing::get};

use crate::serve::App;

pub use problem::ApiError;

/// Every route, with what surrounds it.
pub(crate) fn router(app: &App) -> Router<App> {
    Router::new()
        .route("/healthz", get(health::healthz))
        .merge(crate::relay::router(app))
        .merge(crate::channels::twilio::webhook::routes())
}
