//! `POST /v1/events/{workspace}`: an event, signed.

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    routing::post,
};
use offdesk_core::ids::WorkspaceId;

use super::{Event, EventError, Handled, handle, signature};
use crate::{admin::automation::secret_of, api::ApiError, serve::App};

/// The path of the workspaces' events.
pub(crate) const PATH: &str = "/v1/events/{workspace}";

/// The route.
pub(crate) fn routes() -> Router<App> {
    Router::new().route(PATH, post(receive))
}

async fn receive(
    State(app): State<App>,
    Path(workspace): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Handled>, ApiError> {
    // A workspace that isn't there, or has no secret, looks like one whose secret is another.
    let unsigned = || {
        ApiError::new(
            StatusCode::FORBIDDEN,
            "bad_signature",
            "The event is not signed by this workspace's secret",
            "Sign it as docs/operations.md says, with `admin automation secret`, and check that the clock is right.",
        )
    };
    let workspace: WorkspaceId = workspace.parse().map_err(|_| unsigned())?;
    let signature = headers.get(signature::HEADER).and_then(|value| value.to_str().ok()).ok_or_else(unsigned)?;
    // By a reader: whoever can't sign keeps nobody from writing.
    let secret = app.store.read(move |tx| secret_of(tx, workspace)).await?.ok_or_else(unsigned)?;
    if !signature::verify(&secret, app.now(), &body, signature) {
        return Err(unsigned());
    }
    let event: Event = serde_json::from_slice(&body).map_err(|error| {
        ApiError::new(StatusCode::BAD_REQUEST, "malformed_json", "The body can't be read", &error.to_string())
    })?;
    let (now, mut rng) = (app.now(), app.rng());
    Ok(Json(app.store.write(move |tx| handle(tx, now, &mut rng, workspace, &event)).await?))
}

impl From<EventError> for ApiError {
    fn from(error: EventError) -> Self {
        match error {
            EventError::Store(error) => error.into(),
            error => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "event_invalid",
                "The event can't be taken",
                &error.to_string(),
            ),
        }
    }
}
