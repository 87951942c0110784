//! Whether the relay works: `GET /healthz`.

use axum::{Json, extract::State};
use serde::Serialize;

use super::ApiError;
use crate::{serve::App, store::StoreError};

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
