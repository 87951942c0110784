//! The screen as people see it, on a device that was filled by a relay of a few pages.

use std::{sync::Arc, time::Duration};

use automerge::ActorId;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use futures_util::stream;
use offdesk_core::{
    engine::{Call, Clock, Config, NetworkState, Offdesk, OutboxState, Part, Parts, Posted, SystemClock, Transport},
    ids::{ConversationId, DeviceId, DocumentId, IntentId, MemberId, RoleId, WorkspaceId},
    model::{
        Action, Channel, ContactAccess, DashboardAccess, Document, Kind, Member, MessageAccess, MessageKind,
        NewMessage, Origin, Role, RoleKind, Settings, action::ContactField,
    },
    policy::Visibility,
    protocol::{Cursor, Delivery, EnrolResponse, Fact, FactBody, HeldBecause, MessageFact, Response, Welcome},
    store::DatabaseKey,
    time::Timestamp,
};
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer};
use serde_bytes::ByteBuf;

use super::{
    draw::draw,
    state::{App, Focus, Pane},
};

const ADA: MemberId = MemberId([0xa1; 16]);
pub(super) const BO: MemberId = MemberId([0xb0; 16]);
const OURS: &str = "+14155550100";

/// Customers, some with names that terminals find hard.
const CUSTOMERS: [(&str, &str); 8] = [
    ("Maria García", "+14155552671"),
    ("田中 さくら（新規のお客様）", "+81312345678"),
    ("Łukasz Żółćiński-Wróblewski of Greater Northern Poland", "+48123456789"),
    ("👩‍👩‍👧 The Kim family ❤️", "+14155552672"),
    ("محمد علي", "+201001234567"),
    ("Zoë", "+14155552673"),
    ("", "+14155552674"),
    ("Bob", "+14155552675"),
];

#[derive(Debug)]
struct Pages(Vec<Response>);

impl Transport for Pages {
    fn sync(&self, _: Call) -> Parts {
        let frames = self.0.clone();
        let parts = [Part::Opened, Part::Frames(frames), Part::Ended(offdesk_core::sync::session::End::Finished)];
        Box::pin(stream::iter(parts))
    }

    fn post(&self, _: &'static str, _: Option<String>, _: Vec<u8>) -> Posted {
        let enrolled = EnrolResponse {
            workspace: WorkspaceId([1; 16]),
            member: ADA,
            device: DeviceId([2; 16]),
            credential: "secret".into(),
            incarnation: 1,
            epoch: 1,
        };
        Box::pin(async move { Ok((200, serde_json::to_vec(&enrolled).unwrap())) })
    }

    fn reset(&self) {}
}

fn id(group: u8, number: u8) -> [u8; 16] {
    let mut id = [0; 16];
    (id[0], id[1], id[15]) = (1, group, number);
    id
}

fn snapshot(kind: Kind, document: [u8; 16], actions: &[Action], facts: Vec<Fact>) -> Response {
    let mut doc = Document::new(kind);
    let actor = ActorId::from(id(9, document[15]).to_vec());
    doc.author(actor, IntentId(id(8, document[15])), Timestamp(0), actions).unwrap();
    Response::Snapshot {
        document: DocumentId(document),
        kind,
        visibility: Visibility::DASHBOARD,
        saved: ByteBuf::from(doc.save()),
        changes: Vec::new(),
        facts,
        outline: None,
    }
}

fn directory() -> Response {
    let role = Role {
        id: RoleId(id(7, 1)),
        name: "Agent".into(),
        kind: RoleKind::User,
        dashboard: DashboardAccess::All,
        contacts: ContactAccess::All,
        messages: MessageAccess::Write,
    };
    let member =
        |id, name: &str| Member { id, name: name.into(), role: Some(role.id), dashboard_override: None, active: true };
    let actions = [role.actions(), member(ADA, "Ada").actions(), member(BO, "Bo").actions()].concat();
    snapshot(Kind::Directory, id(1, 1), &actions, Vec::new())
}

/// A conversation of each customer; the first shows every rung of the ladder.
fn conversation(number: u8, now: Timestamp) -> [Response; 2] {
    let (name, phone) = CUSTOMERS[usize::from(number)];
    let contact = DocumentId(id(2, number));
    let mut card = vec![Action::AddPhone { phone: phone.into() }];
    if !name.is_empty() {
        card.push(Action::SetContactField { field: ContactField::Name, value: Some(name.into()) });
    }
    let channel = Channel::Sms(OURS.into());
    let mut actions = vec![
        Action::OpenConversation { conversation: ConversationId(id(4, number)), contact, channel },
        Action::AddOrigin { origin: Origin::ALL[usize::from(number) % 3], at: now },
        Action::AddTag { tag: "a-tag-with-a-rather-long-name".into() },
    ];
    let held = HeldBecause::Newer(IntentId([5; 16]));
    let texts = [
        (
            MessageKind::Inbound,
            Delivery::Received,
            "Hello, is the table from the advert still there? これはとても長い文章です。",
        ),
        (MessageKind::Outbound, Delivery::Delivered, "It is! When would you like to come and see it?"),
        (MessageKind::Note, Delivery::Internal, "She asked about the blue one last month too"),
        (MessageKind::Outbound, Delivery::Failed { reason: "the number can't be reached at present".into() }, "❤️"),
        (
            MessageKind::Outbound,
            Delivery::Held(held),
            "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenverordnung",
        ),
        (MessageKind::Inbound, Delivery::Received, "\u{1b}[31mred? no"),
    ];
    let mut facts = Vec::new();
    for (at, (kind, delivery, text)) in texts.into_iter().enumerate() {
        let at = u8::try_from(at).unwrap();
        let message = IntentId(id(10 + number, at));
        let by = (kind != MessageKind::Inbound).then_some(ADA);
        actions.push(Action::AddMessage { id: message, message: NewMessage::new(kind, by, text.into(), now) });
        let order = u64::from(number) * 10 + u64::from(at) + 1;
        facts.push(Fact { seq: order, body: FactBody::Message(MessageFact { id: message, order, at: now, delivery }) });
    }
    [
        snapshot(Kind::Contact, contact.0, &card, Vec::new()),
        snapshot(Kind::Conversation, id(3, number), &actions, facts),
    ]
}

pub(super) struct Scene {
    pub(super) app: App,
    _folder: tempfile::TempDir,
}

pub(super) async fn scene() -> Scene {
    let now = SystemClock.now();
    let settings = Settings { name: "Sprocket & Söhne".into(), numbers: vec![OURS.into()], ..Settings::default() };
    let mut frames = vec![
        Response::Welcome(Welcome {
            version: offdesk_core::protocol::VERSION,
            epoch: 1,
            now,
            up_to_date: false,
            clone: false,
        }),
        directory(),
        snapshot(Kind::Settings, id(1, 2), &settings.actions(), Vec::new()),
    ];
    for number in 0..8 {
        frames.extend(conversation(number, now.before(Duration::from_secs(60 * u64::from(number)))));
    }
    frames.push(Response::Cursor { cursor: Cursor { epoch: 1, seq: 100, backfill: None }, up_to_date: true });
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::new(folder.path().join("device.db"), DatabaseKey::new([7; 32]));
    config.undo_window = Duration::ZERO;
    config.transport = Some(Arc::new(Pages(frames)));
    let device = Offdesk::enrol(config, "http://relay.test", "CODE", "handset").await.unwrap();
    device.sync_once(Duration::from_secs(30)).await.unwrap();
    device.set_network(NetworkState::Offline);
    Scene { app: App::new(device), _folder: folder }
}

impl Scene {
    pub(super) fn press(&mut self, code: KeyCode) {
        self.app.key(KeyEvent::new(code, KeyModifiers::NONE));
        self.app.refresh();
    }

    pub(super) fn text(&mut self, text: &str) {
        text.chars().for_each(|c| self.press(KeyCode::Char(c)));
    }

    /// Follows the lists until the screen shows it, as the inbox does.
    pub(super) async fn until_shows(&mut self, text: &str) {
        let shown = async {
            while !self.shows(text) {
                self.app.changed().await;
                self.app.refresh();
            }
        };
        if tokio::time::timeout(Duration::from_secs(20), shown).await.is_err() {
            panic!("never shows '{text}':\n{}", self.lines(120, 40).join("\n"));
        }
    }

    pub(super) fn screen(&self, width: u16, height: u16) -> Buffer {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(&self.app, frame)).unwrap();
        terminal.backend().buffer().clone()
    }

    pub(super) fn lines(&self, width: u16, height: u16) -> Vec<String> {
        let screen = self.screen(width, height);
        (0..height).map(|y| (0..width).map(|x| screen[(x, y)].symbol()).collect()).collect()
    }

    pub(super) fn shows(&self, text: &str) -> bool {
        self.lines(120, 40).iter().any(|line| line.contains(text))
    }
}

#[tokio::test]
async fn the_inbox_shows_who_wrote_and_how_far_each_message_got() {
    let scene = scene().await;
    for text in
        ["Maria García", "Sprocket & Söhne · Ada", "delivered", "failed: the number", "held: something", "note by Ada"]
    {
        assert!(scene.shows(text), "{text} in\n{}", scene.lines(120, 40).join("\n"));
    }
    assert!(scene.shows("✈ offline"));
    // What a customer writes can't drive the terminal.
    assert!(!scene.lines(120, 40).concat().contains('\u{1b}'));
}

#[tokio::test]
async fn nothing_runs_over_an_edge_at_any_size() {
    let mut scene = scene().await;
    for (width, height) in [(80, 24), (120, 40), (66, 10)] {
        let left = (width * 2 / 5).clamp(30, 48);
        for _ in 0..8 {
            let screen = scene.screen(width, height);
            for y in 2..height - 1 {
                assert_eq!(
                    screen[(left - 1, y)].symbol(),
                    "│",
                    "line {y} of {width}x{height}\n{}",
                    scene.lines(width, height).join("\n")
                );
                assert_eq!(
                    screen[(width - 1, y)].symbol(),
                    " ",
                    "line {y} of {width}x{height}\n{}",
                    scene.lines(width, height).join("\n")
                );
            }
            scene.press(KeyCode::Down);
        }
    }
    // However small, and whatever is open: it draws.
    for key in ['?', 'a', 't', '+', 'i', 'g', 'o', 'r', '/'] {
        scene.press(KeyCode::Char(key));
        for (width, height) in [(80, 24), (40, 8), (12, 4), (1, 1)] {
            scene.screen(width, height);
        }
        scene.press(KeyCode::Esc);
        scene.press(KeyCode::Esc);
    }
}

#[tokio::test]
async fn a_reply_can_be_written_seen_waiting_and_taken_back() {
    let mut scene = scene().await;
    scene.press(KeyCode::Char('r'));
    scene.text("See you at 3 ");
    assert!(scene.shows("See you at 3"));
    // R27: leaving keeps the draft.
    scene.press(KeyCode::Esc);
    assert!(scene.shows("Draft: r to go on"));
    scene.press(KeyCode::Char('r'));
    scene.press(KeyCode::Enter);
    assert_eq!(scene.app.focus, Focus::List);
    let outbox = scene.app.device.outbox().unwrap();
    assert!(matches!(outbox[0].state, OutboxState::Saved { .. }), "{outbox:?}");
    scene.until_shows("saved on this device").await;
    scene.press(KeyCode::Char('z'));
    assert!(!scene.shows("saved on this device"));
    assert!(scene.app.device.outbox().unwrap().iter().all(|item| !matches!(item.state, OutboxState::Saved { .. })));
}

/// R23: by any way of writing a phone, as one types.
#[tokio::test]
async fn search_follows_the_typing() {
    let mut scene = scene().await;
    scene.press(KeyCode::Char('/'));
    scene.text("(415) 555-2673");
    assert_eq!(scene.app.rows().len(), 1);
    assert!(scene.shows("Zoë"));
    scene.press(KeyCode::Esc);
    assert_eq!(scene.app.rows().len(), 8);
}

#[tokio::test]
async fn triage_works_without_a_network() {
    let mut scene = scene().await;
    scene.press(KeyCode::Char('t'));
    scene.text("vip");
    scene.press(KeyCode::Enter);
    assert!(scene.app.view.as_ref().unwrap().row.tags.contains("vip"));
    scene.press(KeyCode::Char('a'));
    scene.press(KeyCode::Down);
    scene.press(KeyCode::Enter);
    assert!(scene.app.view.as_ref().unwrap().row.assignees.contains_key(&BO));
    let closed = scene.app.selected;
    scene.press(KeyCode::Char('d'));
    assert!(
        scene
            .app
            .device
            .inbox(&Default::default(), 20, None)
            .unwrap()
            .iter()
            .any(|row| Some(row.conversation) == closed)
    );
    scene.press(KeyCode::Char('o'));
    assert_eq!(scene.app.pane, Pane::Outbox);
    scene.until_shows("waits for the network").await;
}

#[tokio::test]
async fn a_new_conversation_is_there_at_once() {
    let mut scene = scene().await;
    scene.press(KeyCode::Char('+'));
    scene.text("415 555 2690");
    scene.press(KeyCode::Tab);
    scene.text("Carol");
    scene.press(KeyCode::Tab);
    scene.text("Hello Carol");
    scene.press(KeyCode::Enter);
    assert_eq!(scene.app.view.as_ref().unwrap().row.contact_name, "Carol");
    assert!(scene.shows("Hello Carol"));
}
