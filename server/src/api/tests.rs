//! Enrolling, health, counters and every kind of error, through the routes as they are served.

use std::{net::SocketAddr, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::connect_info::MockConnectInfo,
    http::{HeaderMap, Method, Request, StatusCode, header},
    routing::get,
};
use bytesize::ByteSize;
use offdesk_core::protocol::{EnrolResponse, EnrolmentCode, Problem};
use serde::de::DeserializeOwned;
use serde_json::json;
use tower::ServiceExt;

use crate::{
    admin::{device, tests::Company},
    config::{Config, Limits, Secret},
    serve,
};

/// An answer read to its end.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// Checks that it is a problem of this status and name.
    fn is(&self, status: StatusCode, kind: &str) -> Problem {
        assert_eq!(
            self.headers[header::CONTENT_TYPE],
            "application/problem+json",
            "{}",
            String::from_utf8_lossy(&self.body)
        );
        let problem: Problem = self.json();
        assert_eq!(
            (self.status, problem.kind.as_str(), problem.status),
            (status, kind, status.as_u16()),
            "{problem:?}"
        );
        problem
    }
}

/// The relay's routes with a client at 203.0.113.5.
struct Client {
    routes: Router,
}

impl Client {
    fn new(company: &Company) -> Self {
        Self::of(serve::router(&company.app))
    }

    fn of(routes: Router) -> Self {
        Self { routes: routes.layer(MockConnectInfo(SocketAddr::from(([203, 0, 113, 5], 40000)))) }
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.routes.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, body: impl Into<Body>) -> Answer {
        self.send(Request::post(path).header(header::CONTENT_TYPE, "application/json").body(body.into()).unwrap()).await
    }

    async fn enrol(&self, code: &str) -> Answer {
        self.post("/v1/enrol", json!({ "code": code, "device_name": "Ben's phone" }).to_string()).await
    }

    async fn further_code(&self, credential: &str) -> Answer {
        let request =
            Request::post("/v1/enrolment-codes").header(header::AUTHORIZATION, format!("Bearer {credential}"));
        self.send(request.body(Body::empty()).unwrap()).await
    }
}

#[tokio::test]
async fn a_code_enrols_one_device_once() {
    let company = Company::new().await;
    let client = Client::new(&company);
    let code = company.code(company.ben).await;
    let enrolled = client.enrol(&code.to_lowercase().replace('-', " ")).await;
    assert_eq!(enrolled.status, StatusCode::CREATED);
    assert_eq!(enrolled.headers[header::CACHE_CONTROL], "no-store");
    let device: EnrolResponse = enrolled.json();
    assert_eq!((device.workspace, device.member, device.epoch), (company.workspace, company.ben, 1));
    assert_ne!(device.incarnation, 0);

    client.enrol(&code).await.is(StatusCode::FORBIDDEN, "enrolment_code_invalid");
    assert_eq!(company.number("SELECT count(*) FROM devices").await, 1);
}

#[tokio::test]
async fn a_wrong_and_an_expired_code_are_told_the_same() {
    let company = Company::new().await;
    let client = Client::new(&company);
    let wrong = client.enrol("00000-00000-00000-00000").await.is(StatusCode::FORBIDDEN, "enrolment_code_invalid");
    let nonsense = client.enrol("hello").await.is(StatusCode::FORBIDDEN, "enrolment_code_invalid");
    let code = company.code(company.ben).await;
    company.clock.advance(Duration::from_secs(24 * 3600));
    let expired = client.enrol(&code).await.is(StatusCode::FORBIDDEN, "enrolment_code_invalid");
    assert_eq!((&wrong, &nonsense), (&expired, &expired));
}

/// Of many who try one code at the same time, one gets a device.
#[tokio::test]
async fn a_race_for_a_code_has_one_winner() {
    let company = Company::new().await;
    let client = Client::new(&company);
    let code = company.code(company.ben).await;
    let answers = futures_util::future::join_all((0..10).map(|_| client.enrol(&code))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == StatusCode::CREATED).count(), 1);
    assert_eq!(company.number("SELECT count(*) FROM devices").await, 1);
}

#[tokio::test]
async fn a_device_enrols_a_further_one_of_its_member() {
    let company = Company::new().await;
    let client = Client::new(&company);
    let phone: EnrolResponse = client.enrol(&company.code(company.ben).await).await.json();
    let code: EnrolmentCode = client.further_code(&phone.credential).await.json();
    assert_eq!(code.expires, crate::admin::tests::BEGIN.after(Duration::from_secs(24 * 3600)));
    let laptop: EnrolResponse = client.enrol(&code.code).await.json();
    assert_eq!(laptop.member, company.ben);
    assert_ne!((laptop.device, &laptop.credential), (phone.device, &phone.credential));
}

/// R10: a revoked device is told apart from an unknown one: only the former is to wipe itself.
#[tokio::test]
async fn a_revoked_device_is_told_so() {
    let company = Company::new().await;
    let client = Client::new(&company);
    let phone: EnrolResponse = client.enrol(&company.code(company.ben).await).await.json();
    let (workspace, id) = (company.workspace, phone.device);
    company.act(move |tx, actor| device::revoke(tx, actor, workspace, id)).await.unwrap();
    client.further_code(&phone.credential).await.is(StatusCode::UNAUTHORIZED, "device_revoked");
    client.further_code("of nobody").await.is(StatusCode::UNAUTHORIZED, "unauthorized");
    client.post("/v1/enrolment-codes", "").await.is(StatusCode::UNAUTHORIZED, "unauthorized");
}

#[tokio::test]
async fn a_flood_is_told_when_to_come_again() {
    let limits = Limits { enrol_per_minute: 3, ..Limits::default() };
    let company = Company::with(Config { limits, ..Config::default() }).await;
    let client = Client::new(&company);
    for _ in 0..3 {
        client.enrol("wrong").await.is(StatusCode::FORBIDDEN, "enrolment_code_invalid");
    }
    let answer = client.enrol(&company.code(company.ben).await).await;
    answer.is(StatusCode::TOO_MANY_REQUESTS, "rate_limited");
    let wait: u64 = answer.headers[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    assert_eq!(company.number("SELECT count(*) FROM devices").await, 0);
}

#[tokio::test]
async fn what_cannot_be_read_is_a_problem() {
    let limits = Limits { json_body: ByteSize::kib(1), ..Limits::default() };
    let company = Company::with(Config { limits, ..Config::default() }).await;
    let client = Client::new(&company);
    client.post("/v1/enrol", "{").await.is(StatusCode::BAD_REQUEST, "malformed_json");
    client.post("/v1/enrol", r#"{"code":"x"}"#).await.is(StatusCode::BAD_REQUEST, "malformed_json");
    client
        .post("/v1/enrol", r#"{"code":"x","device_name":"y","z":1}"#)
        .await
        .is(StatusCode::BAD_REQUEST, "malformed_json");
    let nameless = client.post("/v1/enrol", r#"{"code":"x","device_name":" "}"#).await;
    nameless.is(StatusCode::BAD_REQUEST, "device_name_invalid");
    let long = format!(r#"{{"code":"{}","device_name":"y"}}"#, "x".repeat(2000));
    let too_large = client.post("/v1/enrol", long).await.is(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large");
    assert!(too_large.detail.unwrap().contains("1024"));
    let plain = client.send(Request::post("/v1/enrol").body(Body::from("{}")).unwrap()).await;
    plain.is(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type");
}

#[tokio::test]
async fn what_is_not_there_is_a_problem() {
    let company = Company::new().await;
    let client = Client::new(&company);
    client.get("/v1/nothing").await.is(StatusCode::NOT_FOUND, "not_found");
    let wrong = client.get("/v1/enrol").await;
    wrong.is(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed");
    assert_eq!(wrong.headers[header::ALLOW], "POST");
    let request = Request::builder().method(Method::DELETE).uri("/healthz").body(Body::empty()).unwrap();
    client.send(request).await.is(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed");
}

/// A panic of one request is contained, told as a problem, and harms no other; a library's plain error becomes a problem.
#[tokio::test]
async fn a_panic_is_contained() {
    async fn panics() -> &'static str {
        panic!("the code is wrong here")
    }
    async fn plain() -> (StatusCode, &'static str) {
        (StatusCode::CONFLICT, "in plain words")
    }
    let company = Company::new().await;
    let routes = Router::new().route("/panics", get(panics)).route("/plain", get(plain));
    let client = Client::of(super::surround::surround(&company.app, routes).with_state(company.app.clone()));
    let contained = client.get("/panics").await;
    contained.is(StatusCode::INTERNAL_SERVER_ERROR, "internal");
    assert!(!String::from_utf8_lossy(&contained.body).contains("wrong here"), "what failed inside is for the log only");
    client.get("/plain").await.is(StatusCode::CONFLICT, "conflict");
}

#[tokio::test]
async fn health_is_what_the_store_says() {
    let company = Company::new().await;
    let client = Client::new(&company);
    let healthy = client.get("/healthz").await;
    assert_eq!(healthy.status, StatusCode::OK);
    let health: serde_json::Value = healthy.json();
    assert_eq!((&health["status"], &health["epoch"], &health["recovering"]), (&json!("ok"), &json!(1), &json!(false)));

    // The database is gone: no reader can be opened on it any more.
    let lost = Company::new().await;
    let client = Client::new(&lost);
    lost.app.store.clone().close().await;
    std::fs::remove_file(lost.app.store.path()).unwrap();
    std::fs::create_dir(lost.app.store.path()).unwrap();
    client.get("/healthz").await.is(StatusCode::INTERNAL_SERVER_ERROR, "internal");
}

#[tokio::test]
async fn what_happens_is_counted() {
    let company = Company::with(Config { metrics_token: Some(Secret::new("let me see")), ..Config::default() }).await;
    let client = Client::new(&company);
    client.get("/healthz").await;
    client.get("/metrics").await.is(StatusCode::UNAUTHORIZED, "unauthorized");
    let request =
        Request::get("/metrics").header(header::AUTHORIZATION, "Bearer let me see").body(Body::empty()).unwrap();
    let answer = client.send(request).await;
    assert_eq!(answer.status, StatusCode::OK);
    let text = String::from_utf8(answer.body).unwrap();
    let counted = r#"offdesk_http_requests_total{route="/healthz",method="GET",status="200"}"#;
    assert!(text.contains(counted), "{text}");
    assert!(text.contains("offdesk_http_response_head_seconds_bucket"), "{text}");
}
