//! What surrounds every route: problems for what no route answers, contained panics, tracing, counters.
//!
//! A request is traced by its method and route, never by its headers, query or body: those hold credentials and what
//! people said.

use std::{any::Any, time::Instant};

use axum::{
    Router,
    extract::{DefaultBodyLimit, MatchedPath, Request},
    http::{Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use tower_http::{catch_panic::CatchPanicLayer, classify::ServerErrorsFailureClass, trace::TraceLayer};
use tracing::Span;

use super::ApiError;
use crate::{metrics, serve::App};

/// Wraps all routes.
pub(super) fn surround(app: &App, routes: Router<App>) -> Router<App> {
    let json_body = usize::try_from(app.config.limits.json_body.as_u64()).unwrap_or(usize::MAX);
    routes
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(DefaultBodyLimit::max(json_body))
        .layer(CatchPanicLayer::custom(contained))
        .layer(middleware::map_response(as_problem))
        .layer(middleware::from_fn(count))
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(|request: &Request| tracing::info_span!("http", method = %request.method(), route = route(request)))
                .on_request(())
                .on_response(|response: &Response, took: std::time::Duration, _: &Span| {
                    tracing::debug!(status = response.status().as_u16(), ms = took.as_millis(), "answered");
                })
                .on_failure(|failure: ServerErrorsFailureClass, _: std::time::Duration, _: &Span| tracing::error!(%failure, "a request failed")),
        )
}

fn route(request: &Request) -> &str {
    request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str)
}

async fn no_route() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "not_found", "There is no such address here", "")
}

async fn no_method(method: Method) -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        &format!("{method} is not for this address"),
        "The 'Allow' header says what is.",
    )
}

fn contained(panic: Box<dyn Any + Send>) -> Response {
    let what =
        panic.downcast_ref::<&str>().map(|text| (*text).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
    tracing::error!(panic = what.unwrap_or_default(), "a request's handler panicked");
    ApiError::internal().into_response()
}

/// Errors that a library answered in plain text become problems too.
async fn as_problem(response: Response) -> Response {
    let status = response.status();
    let mut is_problem =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == super::problem::CONTENT_TYPE);
    is_problem |= !(status.is_client_error() || status.is_server_error());
    if is_problem {
        return response;
    }
    let title = status.canonical_reason().unwrap_or("The request failed");
    let kind = title.to_ascii_lowercase().replace([' ', '-'], "_");
    let mut problem = ApiError::new(status, &kind, title, "").into_response();
    for (name, value) in response.headers() {
        if !problem.headers().contains_key(name) && name != header::CONTENT_LENGTH {
            problem.headers_mut().insert(name, value.clone());
        }
    }
    problem
}

async fn count(request: Request, next: Next) -> Response {
    let route = route(&request).to_owned();
    let method = request.method().as_str().to_owned();
    let began = Instant::now();
    let response = next.run(request).await;
    ::metrics::histogram!(metrics::HTTP_SECONDS, "route" => route.clone()).record(began.elapsed().as_secs_f64());
    let status = response.status().as_u16().to_string();
    ::metrics::counter!(metrics::HTTP_REQUESTS, "route" => route, "method" => method, "status" => status).increment(1);
    response
}
