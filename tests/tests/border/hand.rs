//! A world told over HTTP, as the suites of the other languages tell it, and devices in it.

use std::{path::PathBuf, sync::Arc, time::Duration};

use offdesk_core::ids::ConversationId;
use offdesk_ffi::{Config, Connection, ConversationRow, Device, InboxFilter, InboxList, InboxStep, Message};
use offdesk_tests::{eventually, in_time, stage::Stage};
use serde_json::{Value, json};

/// What every key here is.
pub(crate) const KEY: [u8; 32] = [9; 32];
/// A customer.
pub(crate) const MARIA: &str = "+14155550123";

/// A world of the stage.
pub(crate) struct Scene {
    stage: Stage,
    http: reqwest::Client,
    world: String,
    /// Where its relay is, through the network that can be cut.
    pub(crate) relay: String,
    folder: tempfile::TempDir,
}

impl Scene {
    pub(crate) async fn open() -> Self {
        Self::with(json!({})).await
    }

    pub(crate) async fn with(settings: Value) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (stage, http) = (Stage::start().await.unwrap(), reqwest::Client::new());
        let (folder, none) = (tempfile::tempdir().unwrap(), String::new);
        let mut scene = Self { stage, http, world: none(), relay: none(), folder };
        let opened = scene.tell("/worlds", settings).await;
        scene.world = format!("/worlds/{}", opened["world"].as_str().unwrap_or_else(|| panic!("{opened}")));
        scene.relay = opened["relay"].as_str().unwrap().to_owned();
        scene
    }

    async fn tell(&self, path: &str, body: Value) -> Value {
        let url = format!("{}{}{path}", self.stage.url(), self.world);
        let answer = self.http.post(url).json(&body).send().await.unwrap();
        let (status, body) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {body}");
        serde_json::from_str(&body).unwrap_or(Value::Null)
    }

    /// A new member, by their id.
    pub(crate) async fn person(&self, name: &str, level: &str) -> String {
        let added = self.tell("/people", json!({ "name": name, "level": level })).await;
        added["member"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn set_level(&self, member: &str, level: &str) {
        self.tell("/levels", json!({ "member": member, "level": level })).await;
    }

    pub(crate) async fn code(&self, member: &str) -> String {
        let code = self.tell("/codes", json!({ "member": member })).await;
        code["code"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn inbound(&self, from: &str, text: &str) {
        self.tell("/inbound", json!({ "from": from, "text": text })).await;
    }

    pub(crate) async fn network(&self, up: bool) {
        self.tell("/network", json!({ "up": up })).await;
    }

    pub(crate) async fn revoke(&self, device: &str) {
        self.tell("/revoke", json!({ "device": device })).await;
    }

    pub(crate) async fn fill(&self, conversations: u32) {
        self.tell("/fill", json!({ "conversations": conversations })).await;
    }

    /// What customers got.
    pub(crate) async fn sent(&self) -> Vec<String> {
        let url = format!("{}{}/sent", self.stage.url(), self.world);
        let sent: Value = self.http.get(url).send().await.unwrap().json().await.unwrap();
        sent.as_array().unwrap().iter().map(|text| text["text"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) async fn until_sent(&self, text: &str) {
        in_time("the customer gets it", async {
            while !self.sent().await.iter().any(|sent| sent == text) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn config(&self, name: &str) -> Config {
        let database = self.path(name).to_str().unwrap().to_owned();
        Config { database, key: KEY.to_vec(), undo_window: Some(Duration::ZERO), root_certificates: Vec::new() }
    }

    /// Enrols a device for a new member of this name.
    pub(crate) async fn enrol(&self, name: &str, level: &str) -> Arc<Device> {
        let member = self.person(name, level).await;
        self.enrol_for(&member, name).await
    }

    pub(crate) async fn enrol_for(&self, member: &str, name: &str) -> Arc<Device> {
        let code = self.code(member).await;
        Device::enrol(self.config(name), self.relay.clone(), code, name.into()).await.unwrap()
    }

    /// Enrols, starts and waits until everything is here.
    pub(crate) async fn live(&self, name: &str, level: &str) -> Arc<Device> {
        let device = self.enrol(name, level).await;
        device.start().unwrap();
        is_live(&device).await;
        device
    }
}

pub(crate) async fn is_live(device: &Device) {
    eventually("it is live", || device.status().connection == Connection::Live && device.status().pending == 0).await;
}

/// The rows of the whole inbox.
pub(crate) fn rows(device: &Device) -> Vec<ConversationRow> {
    device.inbox(InboxFilter::default(), None, None).unwrap().rows
}

/// The only conversation, once it is here.
pub(crate) async fn the_conversation(device: &Device) -> ConversationId {
    eventually("a conversation is here", || rows(device).len() == 1).await;
    rows(device)[0].id
}

pub(crate) fn messages(device: &Device, conversation: ConversationId) -> Vec<Message> {
    device.conversation(conversation).unwrap().messages
}

/// Applies steps as a host does.
pub(crate) fn apply(rows: &mut Vec<ConversationRow>, steps: Vec<InboxStep>) {
    let at = |index: u32| usize::try_from(index).unwrap();
    for step in steps {
        match step {
            InboxStep::Reset { items } => *rows = items,
            InboxStep::Insert { index, item } => rows.insert(at(index), item),
            InboxStep::Update { index, item } => rows[at(index)] = item,
            InboxStep::Move { from, to, item } => {
                rows.remove(at(from));
                rows.insert(at(to), item);
            }
            InboxStep::Remove { index } => {
                rows.remove(at(index));
            }
        }
    }
}

/// Follows a list until its rows are as wished.
pub(crate) async fn follow(
    list: &Arc<InboxList>,
    rows: &mut Vec<ConversationRow>,
    wish: impl Fn(&[ConversationRow]) -> bool,
) {
    in_time("the list gets there", async {
        while !wish(rows) {
            apply(rows, list.clone().next().await.unwrap().expect("the list goes on"));
        }
    })
    .await;
}
