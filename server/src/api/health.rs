//! Whether the relay works: `GET /healthz`; what it counted: `GET /metrics`.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
};
use serde::Serialize;
use subtle::ConstantTimeEq;

use super::ApiError;
use crate::{auth, serve::App, store::StoreError};

/// The answer of a relay that works.
#[derive(Debug, Serialize)]
pub(super) struct Health {
    status: &'static str,
    /// The log's epoch: a new one after a restored backup.
    epoch: i64,
    /// Whether dispatch waits for an administrator after a restore.
    recovering: bool,
    version: &'static str,
}

/// Answers once the store has: a relay that can't read its database is not healthy.
pub(super) async fn healthz(State(app): State<App>) -> Result<Json<Health>, ApiError> {
    let (epoch, recovering) = app
        .store
        .read(|tx| {
            Ok::<_, StoreError>(
                tx.connection()
                    .query_row("SELECT epoch, recovering FROM relay", [], |row| Ok((row.get(0)?, row.get(1)?)))?,
            )
        })
        .await?;
    Ok(Json(Health { status: "ok", epoch, recovering, version: env!("CARGO_PKG_VERSION") }))
}

/// Prometheus' text, for whoever bears the configured token.
pub(super) async fn metrics(State(app): State<App>, headers: HeaderMap) -> Result<impl IntoResponse, ApiError> {
    if let Some(token) = &app.config.metrics_token {
        let given = auth::bearer(&headers).unwrap_or_default();
        if !bool::from(given.as_bytes().ct_eq(token.expose().as_bytes())) {
            return Err(ApiError::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "The token is not the configured one",
                "Send 'metrics_token' as a bearer token.",
            ));
        }
    }
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], app.metrics.render()))
}
