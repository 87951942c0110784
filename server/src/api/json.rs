//! JSON bodies whose errors are problems.

use axum::{
    Json,
    extract::{FromRequest, Request, rejection::JsonRejection},
    http::StatusCode,
};
use serde::de::DeserializeOwned;

use super::ApiError;
use crate::serve::App;

/// As [`Json`], but refuses with a problem.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        match Json::<T>::from_request(request, app).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(rejection) => Err(refuse(&rejection, app)),
        }
    }
}

fn refuse(rejection: &JsonRejection, app: &App) -> ApiError {
    match rejection {
        JsonRejection::MissingJsonContentType(_) => ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "The body is not JSON",
            "Send it with 'Content-Type: application/json'.",
        ),
        JsonRejection::BytesRejection(inner) if inner.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            ApiError::too_large(app.config.limits.json_body.as_u64())
        }
        // The parser says where and why, and repeats no more of the body than the wrong key or value.
        rejection => {
            ApiError::new(StatusCode::BAD_REQUEST, "malformed_json", "The body can't be read", &rejection.body_text())
        }
    }
}
