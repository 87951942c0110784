//! Enrolling devices: `POST /v1/enrol` with a code, `POST /v1/enrolment-codes` from a device for a further one.

use std::net::SocketAddr;

use axum::{
    Json,
    extract::{ConnectInfo, State},
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
};
use offdesk_core::protocol::{EnrolRequest, EnrolResponse};

use super::{ApiError, json::Body};
use crate::{
    auth::{
        self, AuthError, address,
        code::{self, CodeError, EnrolError},
    },
    metrics,
    serve::App,
};

/// Answers hold secrets: nobody on the way keeps them.
const NO_STORE: [(header::HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];

/// Makes the caller a device of the member whom the code is for.
pub(super) async fn enrol(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Body(request): Body<EnrolRequest>,
) -> Result<impl IntoResponse, ApiError> {
    limit(&app, peer, &headers)?;
    let (now, mut rng) = (app.now(), app.rng());
    let response: EnrolResponse =
        app.store.write(move |tx| code::enrol(tx, now, &mut rng, &request.code, &request.device_name)).await?;
    ::metrics::counter!(metrics::ENROLLED).increment(1);
    tracing::info!(device = %response.device, "a device was enrolled");
    Ok((StatusCode::CREATED, NO_STORE, Json(response)))
}

/// Makes a code for a further device of the caller's member.
pub(super) async fn further_code(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, ApiError> {
    limit(&app, peer, &headers)?;
    let credential = auth::bearer(&headers).ok_or(AuthError::Unknown)?.to_owned();
    let (now, mut rng, lifetime) = (app.now(), app.rng(), app.config.enrolment_code_lifetime);
    let code = app
        .store
        .write(move |tx| {
            // Authenticated in the writer, so that no revocation can come in between (R10).
            let caller = auth::authenticate(&tx.reading(), &credential)?;
            let who = format!("device {} of member {}", caller.device, caller.member);
            Ok::<_, ApiError>(code::create(tx, now, &mut rng, (caller.workspace, caller.member), lifetime, &who)?)
        })
        .await?;
    Ok((StatusCode::CREATED, NO_STORE, Json(code)))
}

fn limit(app: &App, peer: SocketAddr, headers: &HeaderMap) -> Result<(), ApiError> {
    let client = address::client(peer.ip(), headers, &app.config.trusted_proxies);
    app.enrolments.attempt(client).map_err(|seconds| {
        ::metrics::counter!(metrics::RATE_LIMITED, "route" => "enrol").increment(1);
        ApiError::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limited",
            "Too many attempts from this address",
            &format!("Try again in {seconds} seconds."),
        )
        .retry_after(seconds)
    })
}

impl From<EnrolError> for ApiError {
    fn from(error: EnrolError) -> Self {
        match error {
            EnrolError::Code => Self::new(
                StatusCode::FORBIDDEN,
                "enrolment_code_invalid",
                "This code can't be used",
                "It is mistyped, used or expired. Ask an administrator for a new one.",
            ),
            EnrolError::Name => Self::new(
                StatusCode::BAD_REQUEST,
                "device_name_invalid",
                "The device's name can't be used",
                &error.to_string(),
            ),
            EnrolError::Store(error) => error.into(),
        }
    }
}

impl From<CodeError> for ApiError {
    fn from(error: CodeError) -> Self {
        match error {
            CodeError::NotActive => AuthError::Deactivated.into(),
            CodeError::Store(error) => error.into(),
        }
    }
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        let refuse = |kind, title, detail| Self::new(StatusCode::UNAUTHORIZED, kind, title, detail);
        match error {
            AuthError::Unknown => refuse(
                "unauthorized",
                "The credential is not known here",
                "Enrol the device with a code of an administrator.",
            ),
            AuthError::Revoked => refuse(
                "device_revoked",
                "This device was revoked",
                "Its data is to be wiped. Ask an administrator for a new code.",
            ),
            // To the device it is the same: it wipes itself.
            AuthError::Deactivated => {
                refuse("device_revoked", "This member was deactivated", "The device's data is to be wiped.")
            }
            AuthError::Store(error) => error.into(),
        }
    }
}
