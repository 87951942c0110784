//! A relay for stories: the real store with its writer thread, and a device's pushes to it.

use std::{cell::Cell, path::Path, time::Duration};

use automerge::ActorId;
use offdesk_core::{
    ids::{ConversationId, DeviceId, DocumentId, IntentId, MemberId, WorkspaceId},
    intents::{Author, NewContact, State, Verb},
    model::{Channel, Contact, Conversation, Document, Kind},
    policy::held::Seen,
    protocol::{Incarnation, PushedIntent, RegisterWrite, Response},
    time::Timestamp,
};
use offdesk_faulty_disk::Failure;
use offdesk_relay::{
    accept::{self, Push, Pusher},
    admin::{Actor, AdminError},
    auth::code::{CodeError, EnrolError},
    store::{Store, StoreError, Tx},
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rusqlite::{Connection, ErrorCode};
use serde_bytes::ByteBuf;

use super::{
    rows::Rows,
    story::{Stage, Subject},
};

pub(crate) const FILE: &str = "relay.db";
pub(crate) const START: Timestamp = Timestamp(1_800_000_000_000);
pub(crate) const OURS: &str = "+14155550100";

/// The relay, and what a test knows of one device.
pub(crate) struct Relay {
    stage: Stage,
    store: Option<Store>,
    pub(crate) rng: ChaCha8Rng,
    pub(crate) now: Timestamp,
}

/// What a call on the relay fails with.
#[derive(Debug)]
pub(crate) enum Error {
    Store(StoreError),
    Admin(AdminError),
    Code(CodeError),
    Enrol(EnrolError),
    Closed,
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<AdminError> for Error {
    fn from(error: AdminError) -> Self {
        Self::Admin(error)
    }
}

impl From<CodeError> for Error {
    fn from(error: CodeError) -> Self {
        Self::Code(error)
    }
}

impl From<EnrolError> for Error {
    fn from(error: EnrolError) -> Self {
        Self::Enrol(error)
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Relay {
    /// Operation `number` begins: always with the same ids and at the same time.
    pub(crate) fn begin(&mut self, number: u64) {
        self.rng = ChaCha8Rng::seed_from_u64(number);
        self.now = START.after(Duration::from_secs(60 * number));
    }

    /// One closure for the writer; it returns when it is durable.
    pub(crate) fn write<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Tx<'_>, Timestamp, &mut ChaCha8Rng) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (now, mut rng) = (self.now, self.rng.clone());
        let store = self.store.as_ref().ok_or(Error::Closed)?;
        let value = store.write_blocking(move |tx: &mut Tx<'_>| work(tx, now, &mut rng))?;
        self.stage.acknowledge();
        Ok(value)
    }

    /// An administrator's act.
    pub(crate) fn act<T: Send + 'static>(
        &mut self,
        act: impl FnOnce(&mut Tx<'_>, &mut Actor<'_>) -> Result<T, AdminError> + Send + 'static,
    ) -> Result<T, Error> {
        self.write(move |tx, now, rng| Ok(act(tx, &mut Actor { now, rng, who: "Olga" })?))
    }

    pub(crate) fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Error> {
        let store = self.store.as_ref().ok_or(Error::Closed)?;
        store.read_blocking(|tx| Ok::<_, Error>(read(tx.connection())?))
    }

    pub(crate) fn workspace(&self) -> Result<WorkspaceId, Error> {
        self.read(|connection| {
            connection.query_row("SELECT id FROM workspaces", [], |row| Ok(WorkspaceId(row.get(0)?)))
        })
    }

    pub(crate) fn member(&self) -> Result<MemberId, Error> {
        self.read(|connection| connection.query_row("SELECT id FROM members", [], |row| Ok(MemberId(row.get(0)?))))
    }

    pub(crate) fn device(&self) -> Result<DeviceId, Error> {
        self.read(|connection| connection.query_row("SELECT id FROM devices", [], |row| Ok(DeviceId(row.get(0)?))))
    }

    /// What the device pushes, as its next push.
    pub(crate) fn push(
        &mut self,
        groups: Vec<Vec<PushedIntent>>,
        registers: Vec<RegisterWrite>,
    ) -> Result<Vec<Response>, Error> {
        let pusher = Pusher { workspace: self.workspace()?, member: self.member()?, device: self.device()? };
        let (number, incarnation): (i64, i64) = self.read(|connection| {
            connection
                .query_row("SELECT push_number, incarnation FROM devices", [], |row| Ok((row.get(0)?, row.get(1)?)))
        })?;
        let previous = incarnation.cast_unsigned();
        let push = Push {
            incarnation: Incarnation { previous, next: previous + 1 },
            number: number.cast_unsigned() + 1,
            groups,
            registers,
        };
        self.write(move |tx, now, _| Ok(accept::push(tx, now, &pusher, &push)?.expect("no clone")))
    }

    /// What the relay holds of a document.
    pub(crate) fn held(&self, document: DocumentId, kind: Kind) -> Result<Document, Error> {
        self.read(|connection| Ok(held(connection, document, kind).unwrap()))
    }

    /// A verb of the device's member, authored on what the relay holds.
    pub(crate) fn intent(&mut self, document: DocumentId, verb: &Verb) -> Result<PushedIntent, Error> {
        let kind = verb.kind();
        let mut held = match self.held(document, kind) {
            Ok(held) => held,
            Err(Error::Store(StoreError::Sqlite(rusqlite::Error::QueryReturnedNoRows))) => Document::new(kind),
            Err(error) => return Err(error),
        };
        let (now, member) = (self.now, self.member()?);
        let id = IntentId::generate(now, &mut self.rng);
        let author = Author { member, intent: id, at: now, assignable: true };
        let actions = match kind {
            Kind::Contact => {
                let known = Contact::read(document, &held).filter(|contact| !contact.phones.is_empty());
                verb.actions(&author, State::Contact(known.as_ref()))
            }
            _ => verb.actions(&author, State::Conversation(Conversation::read(&held).as_ref())),
        };
        let actor = ActorId::from(IntentId::generate(now, &mut self.rng).0);
        let change = held.author(actor, id, now, &actions.unwrap()).unwrap();
        let change = ByteBuf::from(change.raw_bytes().to_vec());
        Ok(PushedIntent {
            id,
            document,
            kind,
            change,
            seen: Some(Seen { order: u64::MAX, age_ms: 0 }),
            reoffered: false,
        })
    }

    /// A group that starts a conversation with a new contact.
    pub(crate) fn start(&mut self, phone: &str, text: &str) -> Result<Vec<PushedIntent>, Error> {
        let contact = DocumentId::generate(self.now, &mut self.rng);
        let document = DocumentId::generate(self.now, &mut self.rng);
        let create = NewContact { name: "Zoë".into(), phones: vec![phone.into()], ..NewContact::default() };
        let start = Verb::StartConversation {
            conversation: ConversationId::generate(self.now, &mut self.rng),
            contact,
            channel: Channel::Sms(OURS.into()),
            text: Some(text.into()),
        };
        Ok(vec![self.intent(contact, &Verb::CreateContact(create))?, self.intent(document, &start)?])
    }

    /// Ends the relay in order.
    pub(crate) fn close(&mut self) {
        if let Some(store) = self.store.take() {
            runtime().block_on(store.close());
        }
    }

    pub(crate) fn acknowledge(&self) {
        self.stage.acknowledge();
    }

    pub(crate) fn file(&self) -> std::path::PathBuf {
        self.stage.folder.join(FILE)
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

/// What a database holds of a document: its snapshot and the changes since.
fn held(connection: &Connection, document: DocumentId, kind: Kind) -> Result<Document, String> {
    let (saved, since): (Vec<u8>, i64) = connection
        .query_row("SELECT saved, seq FROM snapshots WHERE document = ?1", [document.as_bytes()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .or_else(|error| match error {
            rusqlite::Error::QueryReturnedNoRows => Ok((Vec::new(), 0)),
            error => Err(error),
        })
        .map_err(|error| error.to_string())?;
    let mut statement = connection
        .prepare("SELECT bytes FROM changes WHERE document = ?1 AND seq > ?2 ORDER BY seq")
        .map_err(|error| error.to_string())?;
    let changes = statement
        .query_map(rusqlite::params![document.as_bytes(), since], |row| row.get(0))
        .and_then(Iterator::collect::<rusqlite::Result<Vec<Vec<u8>>>>)
        .map_err(|error| error.to_string())?;
    let mut read = match saved.is_empty() {
        true => Document::new(kind),
        false => Document::load(kind, &saved).map_err(|error| error.to_string())?,
    };
    read.apply_bytes(&changes).map_err(|error| error.to_string())?;
    Ok(read)
}

impl Subject for Relay {
    type Error = Error;

    fn on(stage: &Stage) -> Self {
        Self { stage: stage.clone(), store: None, rng: ChaCha8Rng::seed_from_u64(0), now: START }
    }

    fn open(&mut self) -> Result<(), Error> {
        self.store = Some(Store::open(&self.file())?);
        Ok(())
    }

    fn end(mut self) {
        self.close();
    }

    fn inspect(folder: &Path) -> Result<Rows, String> {
        let path = folder.join(FILE);
        let store = Store::open(&path).map_err(|error| format!("it doesn't open: {error}"))?;
        let found = Cell::new(None);
        let looked = store.read_blocking(|tx| {
            found.set(Some(look(tx.connection())));
            Ok::<_, StoreError>(())
        });
        runtime().block_on(store.close());
        looked.map_err(|error| format!("it can't be read: {error}"))?;
        found.take().unwrap_or_else(|| Err("nothing was looked at".into()))
    }

    fn is_typed(error: &Error, failure: Failure) -> bool {
        let store = match error {
            Error::Store(error)
            | Error::Admin(AdminError::Store(error))
            | Error::Code(CodeError::Store(error))
            | Error::Enrol(EnrolError::Store(error)) => error,
            _ => return false,
        };
        let said = match store {
            StoreError::Sqlite(rusqlite::Error::SqliteFailure(error, _)) => {
                return match error.code {
                    ErrorCode::DiskFull => failure == Failure::Full,
                    code => code == ErrorCode::SystemIoFailure,
                };
            }
            StoreError::NotCommitted(said) | StoreError::Migration(said) => said,
            _ => return false,
        };
        said.contains("disk I/O error") || (failure == Failure::Full && said.contains("disk is full"))
    }
}

fn look(connection: &Connection) -> Result<Rows, String> {
    let said = |error: rusqlite::Error| error.to_string();
    let integrity: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).map_err(said)?;
    if integrity != "ok" {
        return Err(format!("integrity: {integrity}"));
    }
    // Rows that are written together in one acceptance.
    for (what, sql) in [
        (
            "an accepted intent without its change",
            "SELECT count(*) FROM intents i WHERE NOT EXISTS (SELECT 1 FROM changes c WHERE c.document = i.document AND c.seq = i.seq)",
        ),
        (
            "a change beyond the workspace's log",
            "SELECT count(*) FROM changes c JOIN documents d ON d.id = c.document JOIN workspaces w ON w.id = d.workspace WHERE c.seq > w.seq",
        ),
        (
            "an outbound message without its fact",
            "SELECT count(*) FROM ledger l WHERE NOT EXISTS (SELECT 1 FROM facts f WHERE f.document = l.document)",
        ),
        (
            "an inbound message without its intent",
            "SELECT count(*) FROM inbound m WHERE NOT EXISTS (SELECT 1 FROM intents i WHERE i.intent = m.message)",
        ),
        (
            "a message under way without an attempt",
            "SELECT count(*) FROM ledger WHERE state = 'dispatching' AND (attempt IS NULL OR attempted_at IS NULL)",
        ),
    ] {
        let wrong: i64 = connection.query_row(sql, [], |row| row.get(0)).map_err(said)?;
        if wrong > 0 {
            return Err(format!("{wrong} times: {what}"));
        }
    }
    heads_fit(connection)?;
    Rows::read(connection, |_| true).map_err(said)
}

/// The projection of a document's heads is what its changes say.
fn heads_fit(connection: &Connection) -> Result<(), String> {
    let mut statement =
        connection.prepare("SELECT id, kind, heads FROM documents").map_err(|error| error.to_string())?;
    let rows = statement
        .query_map([], |row| Ok((DocumentId(row.get(0)?), row.get::<_, u8>(1)?, row.get::<_, Vec<u8>>(2)?)))
        .and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>)
        .map_err(|error| error.to_string())?;
    for (document, kind, heads) in rows {
        let kind = Kind::from_code(kind).ok_or("an unknown kind")?;
        let mut fresh: Vec<[u8; 32]> = held(connection, document, kind)?.heads().iter().map(|head| head.0).collect();
        fresh.sort_unstable();
        if fresh.concat() != heads {
            return Err(format!("the heads of {document} are not those of its changes"));
        }
    }
    Ok(())
}
