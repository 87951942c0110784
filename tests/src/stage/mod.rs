//! Worlds for suites that are not written in Rust: each is a workspace with a real relay, a scripted SMS provider and a
//! proxy before the relay, all on loopback. The program `stage` runs this; suites start it and tell it over HTTP and JSON:
//!
//! | request | body | answer |
//! |---|---|---|
//! | `POST /worlds` | `{"stale_after_ms"?}` (R33's time; the workspace's default if left out) | `{"world", "relay"}`: the address goes through the proxy |
//! | `DELETE /worlds/1` | | |
//! | `POST /worlds/1/people` | `{"name", "level"}`: `administrator`, `agent`, `rep` or `reader` | `{"member"}` |
//! | `POST /worlds/1/levels` | `{"member", "level"}` | |
//! | `POST /worlds/1/deactivate` | `{"member"}` | |
//! | `POST /worlds/1/codes` | `{"member"}` | `{"code"}` |
//! | `POST /worlds/1/revoke` | `{"device"}`: the name it was enrolled with | |
//! | `POST /worlds/1/inbound` | `{"from", "text"}`: a customer's SMS | |
//! | `GET /worlds/1/sent` | | `[{"to", "text"}]`: what customers got |
//! | `POST /worlds/1/network` | `{"up"}`: down refuses connections and cuts those that are open | |
//! | `POST /worlds/1/fill` | `{"conversations"}`; nobody who is there already is alerted less: fill first, add people then | |
//!
//! What fails is answered with a status of 400 or more and `{"error"}`.

mod fill;
mod people;

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use offdesk_core::model::Settings;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Mutex, task::JoinHandle};

use crate::{OUR_NUMBER, Proxy, World};

/// A running stage.
#[derive(Debug)]
pub struct Stage {
    worlds: Arc<Worlds>,
    addr: SocketAddr,
    serving: JoinHandle<io::Result<()>>,
}

/// The worlds that are open, by number.
#[derive(Debug, Default)]
struct Worlds {
    open: Mutex<BTreeMap<u64, Arc<Scene>>>,
    opened: AtomicU64,
}

/// A world and the network before its relay.
#[derive(Debug)]
struct Scene {
    world: World,
    proxy: Proxy,
}

impl Stage {
    /// Starts it on a free port of loopback, with no world yet.
    ///
    /// # Errors
    /// [`io::Error`] if there is no port.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let addr = listener.local_addr()?;
        let worlds = Arc::new(Worlds::default());
        let routes = routes().with_state(worlds.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(Self { worlds, addr, serving })
    }

    /// Where it is told what happens.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Closes every world; their files are deleted.
    pub async fn stop(self) {
        self.serving.abort();
        self.worlds.open.lock().await.clear();
    }
}

impl Worlds {
    async fn scene(&self, world: u64) -> Result<Arc<Scene>, Trouble> {
        let found = self.open.lock().await.get(&world).cloned();
        found
            .ok_or_else(|| Trouble(StatusCode::NOT_FOUND, format!("there is no world {world}: POST /worlds opens one")))
    }
}

/// Why something can't be done.
#[derive(Debug)]
struct Trouble(StatusCode, String);

impl Trouble {
    fn bad(why: impl std::fmt::Display) -> Self {
        Self(StatusCode::BAD_REQUEST, why.to_string())
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}

type Answer = Result<Json<Value>, Trouble>;

fn done() -> Answer {
    Ok(Json(json!({})))
}

fn routes() -> Router<Arc<Worlds>> {
    Router::new()
        .route("/worlds", post(open))
        .route("/worlds/{world}", delete(close))
        .route("/worlds/{world}/people", post(people::add))
        .route("/worlds/{world}/levels", post(people::set_level))
        .route("/worlds/{world}/deactivate", post(people::deactivate))
        .route("/worlds/{world}/codes", post(people::code))
        .route("/worlds/{world}/revoke", post(people::revoke))
        .route("/worlds/{world}/inbound", post(inbound))
        .route("/worlds/{world}/sent", get(sent))
        .route("/worlds/{world}/network", post(network))
        .route("/worlds/{world}/fill", post(fill::fill))
}

#[derive(Deserialize)]
struct Opened {
    stale_after_ms: Option<u64>,
}

async fn open(State(worlds): State<Arc<Worlds>>, Json(asked): Json<Opened>) -> Answer {
    let mut settings = Settings::default();
    if let Some(ms) = asked.stale_after_ms {
        settings.stale_after = Duration::from_millis(ms);
    }
    let world = World::with(settings).await;
    let proxy = Proxy::to(world.addr()).await.map_err(Trouble::bad)?;
    let (number, relay) = (worlds.opened.fetch_add(1, Ordering::SeqCst) + 1, proxy.url());
    worlds.open.lock().await.insert(number, Arc::new(Scene { world, proxy }));
    Ok(Json(json!({"world": number.to_string(), "relay": relay})))
}

async fn close(State(worlds): State<Arc<Worlds>>, Path(number): Path<u64>) -> Answer {
    let scene = worlds.scene(number).await?;
    worlds.open.lock().await.remove(&number);
    // Another request may still be at work in it: then its files go with that one.
    if let Some(scene) = Arc::into_inner(scene) {
        scene.proxy.refuse(true);
        scene.world.stop().await;
    }
    done()
}

#[derive(Deserialize)]
struct Texted {
    from: String,
    text: String,
}

async fn inbound(State(worlds): State<Arc<Worlds>>, Path(world): Path<u64>, Json(sms): Json<Texted>) -> Answer {
    let scene = worlds.scene(world).await?;
    scene.world.provider.inbound(&sms.from, OUR_NUMBER, &sms.text).await.map_err(Trouble::bad)?;
    done()
}

async fn sent(State(worlds): State<Arc<Worlds>>, Path(world): Path<u64>) -> Answer {
    let texts = worlds.scene(world).await?.world.provider.texts();
    let sent = texts.iter().filter(|text| !text.inbound).map(|text| json!({"to": text.to, "text": text.body}));
    Ok(Json(sent.collect()))
}

#[derive(Deserialize)]
struct Network {
    up: bool,
}

async fn network(State(worlds): State<Arc<Worlds>>, Path(world): Path<u64>, Json(network): Json<Network>) -> Answer {
    worlds.scene(world).await?.proxy.refuse(!network.up);
    done()
}
