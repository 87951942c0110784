//! `POST /v1/sync`.

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use futures_util::stream;
use offdesk_core::protocol::{Encoder, Goodbye, Response as Frame, SYNC_PATH};
use tokio::sync::mpsc;

use super::{
    request::{self, RequestError},
    stream::Stream,
};
use crate::{
    api::ApiError,
    auth::{self, AuthError, Authenticated},
    serve::App,
};

/// The media type of requests and responses.
const FRAMES: &str = "application/x-offdesk-frames";
/// Chunks of a response that wait for a slow reader before the stream waits too.
const CHUNKS: usize = 4;

/// The sync route.
pub fn router(_app: &App) -> Router<App> {
    // The handler bounds the body itself, once it knows who sends it.
    Router::new().route(SYNC_PATH, post(sync)).layer(DefaultBodyLimit::disable())
}

async fn sync(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    // Before a byte of the body is read: a stranger can't make the relay hold megabytes.
    let device = match authenticated(&app, &head.headers).await {
        Ok(device) => device,
        Err(AuthError::Revoked | AuthError::Deactivated) => return farewell(),
        Err(AuthError::Unknown) => return Err(unauthorized()),
        Err(AuthError::Store(error)) => return Err(error.into()),
    };
    let limit = usize::try_from(app.config.limits.sync_body.0).unwrap_or(usize::MAX);
    let body = axum::body::to_bytes(body, limit).await.map_err(|_| {
        ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            "The request is too large, or broke off",
            "Push in smaller parts.",
        )
    })?;
    let request = request::read(&body).map_err(|error| malformed(&error))?;
    let (chunks, received) = mpsc::channel::<Bytes>(CHUNKS);
    let stream = Stream::new(app, chunks);
    tokio::spawn(stream.run(device, request));
    let body = Body::from_stream(stream::unfold(received, |mut received| async move {
        let chunk = received.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(chunk), received))
    }));
    Ok(([(header::CONTENT_TYPE, FRAMES)], body).into_response())
}

fn malformed(error: &RequestError) -> ApiError {
    let kind = if matches!(error, RequestError::Version(_)) { "unsupported_version" } else { "malformed_frames" };
    ApiError::new(StatusCode::BAD_REQUEST, kind, "The request can't be read", &error.to_string())
}

/// The device that a request's bearer token names.
async fn authenticated(app: &App, headers: &HeaderMap) -> Result<Authenticated, AuthError> {
    let credential = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .map(str::to_owned)
        .ok_or(AuthError::Unknown)?;
    app.store.read(move |tx| auth::authenticate(tx, &credential)).await
}

/// The answer to a device whose access has ended. Not a 401, which tells a device to pause and keep everything: to be wiped
/// (R10) it must be told by the relay that knows it, in a frame.
fn farewell() -> Result<Response, ApiError> {
    let mut encoder = Encoder::new(17).map_err(|_| ApiError::internal())?;
    encoder.push(&Frame::Goodbye { reason: Goodbye::Revoked }).map_err(|_| ApiError::internal())?;
    let body = encoder.finish().map_err(|_| ApiError::internal())?;
    Ok(([(header::CONTENT_TYPE, FRAMES)], body).into_response())
}

fn unauthorized() -> ApiError {
    ApiError::new(
        StatusCode::UNAUTHORIZED,
        "unauthorized",
        "The device is not known here",
        "Enrol it with an enrolment code.",
    )
}
