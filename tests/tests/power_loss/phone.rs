//! A device for stories: the real session on the real database, one transaction for each event as the driver does it, and
//! the frames of a relay that says what the story needs.

use std::time::Duration;

use automerge::ActorId;
use offdesk_core::{
    engine::Error,
    ids::{ContactId, ConversationId, DeviceId, DocumentId, IntentId, MemberId, RoleId, WorkspaceId},
    model::{
        Action, Channel, ContactAccess, DashboardAccess, Document, Kind, Member, MessageAccess, MessageKind,
        NewMessage, Role, RoleKind, Settings, action::ContactField,
    },
    policy::Visibility,
    protocol::{
        Backfill, Cursor, Delivery, Fact, FactBody, Incarnation, MessageFact, Request, Response, Verdict, Welcome,
    },
    store::{Database, DatabaseKey, SqliteStorage},
    sync::{
        Session, SessionOptions,
        session::{Effect, End, Event, RequestId},
        storage::{Identity, Storage, StorageError, SyncState},
    },
    time::Timestamp,
};
use offdesk_faulty_disk::Failure;
use offdesk_tests::database;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_bytes::ByteBuf;

use super::{
    rows::Rows,
    story::{Stage, Subject},
};

pub(crate) const KEY: [u8; 32] = [9; 32];
pub(crate) const FILE: &str = "device.db";
pub(crate) const START: Timestamp = Timestamp(1_760_000_000_000);
pub(crate) const ADA: MemberId = MemberId([0xa1; 16]);
pub(crate) const OURS: &str = "+14155550100";

/// Tables that hold what must not be lost. The others derive from them.
const DURABLE: [&str; 7] = ["device", "documents", "snapshots", "changes", "facts", "intents", "registers"];
/// Tables of the read model, which must equal a fresh projection.
const READ_MODEL: [&str; 6] =
    ["conversation_rows", "conversation_assignees", "conversation_tags", "alerts", "contact_rows", "contact_phones"];

/// Ada's phone.
pub(crate) struct Phone {
    stage: Stage,
    pub(crate) database: Option<Database>,
    pub(crate) session: Session,
    rng: ChaCha8Rng,
    pub(crate) now: Timestamp,
}

impl Phone {
    /// The app was started anew, and operation `number` begins: always with the same ids and at the same time.
    pub(crate) fn begin(&mut self, number: u64) {
        self.session = Session::new(SessionOptions::default());
        self.rng = ChaCha8Rng::seed_from_u64(number);
        self.now = START.after(Duration::from_secs(60 * number));
    }

    /// One transaction, as the driver does it.
    pub(crate) fn transact<T>(
        &mut self,
        run: impl FnOnce(&mut Session, Timestamp, &mut ChaCha8Rng, &mut SqliteStorage<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let Self { database, session, rng, now, .. } = self;
        let database = database.as_mut().ok_or(Error::Paused)?;
        let outcome = database.write(|disk| run(session, *now, rng, disk));
        match &outcome {
            Ok(_) => self.stage.acknowledge(),
            Err(_) => self.session.forget(),
        }
        outcome
    }

    /// A member does something.
    pub(crate) fn local<T>(
        &mut self,
        run: impl FnOnce(&mut Session, Timestamp, &mut ChaCha8Rng, &mut SqliteStorage<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.transact(|session, now, rng, disk| {
            let value = run(session, now, rng, disk)?;
            session.handle(now, rng, disk, Event::Written)?;
            Ok(value)
        })
    }

    pub(crate) fn events(&mut self, events: Vec<Event>) -> Result<Vec<Effect>, Error> {
        self.transact(|session, now, rng, disk| Ok(session.handle_all(now, rng, disk, events)?))
    }

    /// Connects, and returns the request with its groups.
    pub(crate) fn connect(&mut self) -> Result<(RequestId, Vec<Request>), Error> {
        let effects = self.events(vec![Event::SyncOnce])?;
        Ok(sent(effects).expect("a request"))
    }

    /// The relay answers with these frames, all in one transaction.
    pub(crate) fn answered(&mut self, request: RequestId, frames: Vec<Response>) -> Result<Vec<Effect>, Error> {
        let frames = frames.into_iter().map(|frame| Event::Frame { request, frame });
        self.events([Event::Opened { request }].into_iter().chain(frames).collect())
    }

    pub(crate) fn closed(&mut self, request: RequestId, end: End) -> Result<(), Error> {
        self.events(vec![Event::Closed { request, end }]).map(drop)
    }

    /// Marks a call that returned though it was no transaction.
    pub(crate) fn acknowledge(&self) {
        self.stage.acknowledge();
    }
}

/// The request that is to be sent.
pub(crate) fn sent(effects: Vec<Effect>) -> Option<(RequestId, Vec<Request>)> {
    effects.into_iter().find_map(|effect| match effect {
        Effect::Send { request, frames, .. } => Some((request, frames)),
        _ => None,
    })
}

/// A verdict for each group of a request, in order, and the end of its push.
pub(crate) fn verdicts(frames: &[Request], judge: impl Fn(usize) -> Verdict) -> Vec<Response> {
    let groups = frames.iter().filter_map(|frame| match frame {
        Request::Group { intents } => Some(intents.iter().map(|intent| intent.id).collect()),
        _ => None,
    });
    let mut answers: Vec<Response> =
        groups.enumerate().map(|(index, intents)| Response::Verdict { intents, verdict: judge(index) }).collect();
    for frame in frames {
        match frame {
            Request::Registers { writes } => answers.push(Response::RegistersStored {
                versions: writes.iter().map(|write| (write.key, write.version)).collect(),
            }),
            Request::Push { number } => answers.push(Response::PushDone { number: *number }),
            _ => {}
        }
    }
    answers
}

impl Subject for Phone {
    type Error = Error;

    fn on(stage: &Stage) -> Self {
        let (session, rng) = (Session::new(SessionOptions::default()), ChaCha8Rng::seed_from_u64(0));
        Self { stage: stage.clone(), database: None, session, rng, now: START }
    }

    fn open(&mut self) -> Result<(), Error> {
        self.database = Some(Database::open(&self.stage.folder.join(FILE), &DatabaseKey::new(KEY))?);
        Ok(())
    }

    fn end(self) {
        drop(self.database);
    }

    fn inspect(folder: &std::path::Path) -> Result<Rows, String> {
        let path = folder.join(FILE);
        let said = |what: &'static str| move |error: &dyn std::fmt::Display| format!("{what}: {error}");
        let mut database =
            Database::open(&path, &DatabaseKey::new(KEY)).map_err(|error| said("it doesn't open")(&error))?;
        let mut session = Session::new(SessionOptions::default());
        let enrolled = database.write(|disk| disk.identity()).map_err(|error| said("no identity")(&error))?.is_some();
        if enrolled && database.needs_rebuild() {
            rebuild(&mut session, &mut database).map_err(|error| said("no projection")(&error))?;
        }
        database.integrity_check().map_err(|error| said("integrity")(&error))?;
        let found = read(&path);
        if enrolled {
            database.recreate_read_model().map_err(|error| said("no fresh read model")(&error))?;
            rebuild(&mut session, &mut database).map_err(|error| said("no fresh projection")(&error))?;
            let fresh = read(&path);
            if found.1 != fresh.1 {
                return Err(format!("the read model isn't what the documents say: {}", found.1.difference(&fresh.1)));
            }
        }
        whole_intents(&mut database)?;
        Ok(found.0)
    }

    fn is_typed(error: &Error, failure: Failure) -> bool {
        match (error, failure) {
            (Error::Storage(StorageError::Full), failure) => failure == Failure::Full,
            (Error::Storage(StorageError::Io(_)), _) => true,
            _ => false,
        }
    }
}

pub(crate) fn rebuild(session: &mut Session, database: &mut Database) -> Result<(), Error> {
    database.write(|disk| session.rebuild_read_model(disk))?;
    Ok(database.read_model_rebuilt()?)
}

/// What is durable, and what derives from it.
fn read(path: &std::path::Path) -> (Rows, Rows) {
    let connection = database::open(path, &KEY);
    let tables = |wanted: &'static [&'static str]| Rows::read(&connection, |name| wanted.contains(&name)).unwrap();
    let mut durable = tables(&DURABLE);
    // Says whether a row of the read model is there: the same as the read model does.
    drop(durable.0.remove("read_model"));
    (durable, tables(&READ_MODEL))
}

/// An intent is there with its change, in one piece, or not at all.
fn whole_intents(database: &mut Database) -> Result<(), String> {
    let open = database.write(|disk| disk.open_intents()).map_err(|error: StorageError| error.to_string())?;
    for intent in open {
        let change = offdesk_core::model::document::parse_change(&intent.change);
        if !intent.change.is_empty() && !change.is_ok_and(|change| change.hash().0 == intent.hash) {
            return Err(format!("intent {} and its change don't fit", intent.id));
        }
    }
    Ok(())
}

pub(crate) const fn id(group: u8, number: u8) -> [u8; 16] {
    let mut id = [0; 16];
    id[0] = 1;
    id[1] = group;
    id[15] = number;
    id
}

/// The document of a customer's conversation.
pub(crate) fn thread(number: u8) -> DocumentId {
    DocumentId(id(3, number))
}

pub(crate) fn contact(number: u8) -> ContactId {
    DocumentId(id(2, number))
}

pub(crate) fn identity() -> (Identity, SyncState) {
    let identity = Identity {
        workspace: WorkspaceId([1; 16]),
        member: ADA,
        device: DeviceId([3; 16]),
        relay: "https://relay.test".into(),
        credential: "secret".into(),
    };
    let state = SyncState {
        cursor: Cursor { epoch: 1, ..Cursor::default() },
        incarnation: Incarnation { previous: 7, next: 7 },
        push_number: 0,
        last_contact: START,
        last_digest: START,
        clone: false,
        revoked: false,
    };
    (identity, state)
}

pub(crate) fn welcome(epoch: u64) -> Response {
    Response::Welcome(Welcome {
        version: offdesk_core::protocol::VERSION,
        epoch,
        now: START,
        up_to_date: false,
        clone: false,
    })
}

pub(crate) fn cursor(epoch: u64, seq: u64, backfill: Option<Backfill>) -> Response {
    let up_to_date = backfill.is_none();
    Response::Cursor { cursor: Cursor { epoch, seq, backfill }, up_to_date }
}

fn snapshot(kind: Kind, document: [u8; 16], actions: &[Action], facts: Vec<Fact>) -> Response {
    let mut authored = Document::new(kind);
    let actor = ActorId::from(id(9, document[15]).to_vec());
    authored.author(actor, IntentId(id(8, document[15])), START, actions).unwrap();
    Response::Snapshot {
        document: DocumentId(document),
        kind,
        visibility: Visibility::DASHBOARD,
        saved: ByteBuf::from(authored.save()),
        changes: Vec::new(),
        facts,
        outline: None,
    }
}

/// Members and settings of a small workspace in which Ada may do everything.
pub(crate) fn workspace() -> Vec<Response> {
    let role = Role {
        id: RoleId(id(7, 1)),
        name: "Agent".into(),
        kind: RoleKind::User,
        dashboard: DashboardAccess::All,
        contacts: ContactAccess::All,
        messages: MessageAccess::Write,
    };
    let ada = Member { id: ADA, name: "Ada".into(), role: Some(role.id), dashboard_override: None, active: true };
    let settings = Settings { name: "Sprocket".into(), numbers: vec![OURS.into()], ..Settings::default() };
    vec![
        snapshot(Kind::Directory, id(1, 1), &[role.actions(), ada.actions()].concat(), Vec::new()),
        snapshot(Kind::Settings, id(1, 2), &settings.actions(), Vec::new()),
    ]
}

/// A customer who wrote once.
pub(crate) fn customer(number: u8) -> Vec<Response> {
    let name = Action::SetContactField { field: ContactField::Name, value: Some(format!("Customer {number}")) };
    let phone = Action::AddPhone { phone: format!("+1415555{:04}", 2000 + u16::from(number)) };
    let message = IntentId(id(5, number));
    let hello = NewMessage::new(MessageKind::Inbound, None, "Hello?".into(), START);
    let open = Action::OpenConversation {
        conversation: ConversationId(id(4, number)),
        contact: contact(number),
        channel: Channel::Sms(OURS.into()),
    };
    let actions = [open, Action::AddMessage { id: message, message: hello }];
    vec![
        snapshot(Kind::Contact, contact(number).0, &[name, phone], Vec::new()),
        snapshot(Kind::Conversation, thread(number).0, &actions, vec![message_fact(message, u64::from(number) + 1)]),
    ]
}

pub(crate) fn message_fact(message: IntentId, order: u64) -> Fact {
    let fact = MessageFact { id: message, order, at: START, delivery: Delivery::Received };
    Fact { seq: order, body: FactBody::Message(fact) }
}
