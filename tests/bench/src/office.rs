//! A relay's database with a workload in it, made by the product's own code: customers' lines go through
//! [`accept::inbound`], members' lines, tags and closings through [`accept::push`] as the changes of their devices, with
//! every check that a stranger's push gets. Only what a provider would report (delivered) is set by the relay's own call.
//!
//! A hundred conversations are under way at a time, so that their changes and facts interleave in the log as they do in an
//! office. Making 10,000 takes minutes, so databases are kept in the target folder, under a name that holds the version of
//! workload and schema.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use automerge::ActorId;
use offdesk_core::{
    ids::{ContactId, DeviceId, DocumentId, IntentId, MemberId, RoleId, WorkspaceId},
    intents::{Author, State, Verb},
    model::{
        Action, Channel, Conversation, Document, Kind, Member, Role, Settings, action::ContactField,
        document::parse_change,
    },
    policy::held::Seen,
    protocol::{Delivery, Incarnation, PushedIntent, RegisterContent, RegisterKey, RegisterWrite, Response, Verdict},
    time::Timestamp,
};
use offdesk_relay::{
    accept::{self, Inbound, Push, Pusher},
    store::{Store, StoreError, Tx},
};
use offdesk_tests::{ADMINISTRATOR, AGENT, OUR_NUMBER};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rusqlite::params;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use sha2::{Digest, Sha256};

use crate::workload::{self, END, Line, MEMBERS, Speaker, Talk};

/// Conversations that are under way at a time: they and their contacts fit into the writer's cache.
const AT_ONCE: usize = 100;
/// Lines of one transaction.
const AT_A_TIME: usize = 200;

/// Whose workspace a database holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Office {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The members, in the order of [`MEMBERS`].
    pub members: Vec<MemberId>,
    /// Messages in it.
    pub messages: usize,
}

/// The database for this many conversations, made if it isn't in `cache` yet.
pub fn database(cache: &Path, conversations: usize) -> (PathBuf, Office) {
    let folder = cache.join(format!("relay-{conversations}-{}", version()));
    let (database, about) = (folder.join("relay.db"), folder.join("office.json"));
    if !about.exists() {
        eprintln!("making a relay with {conversations} conversations, once");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        // On a thread of its own: it waits for the writer, which no async task may.
        let making = database.clone();
        let office = std::thread::spawn(move || make(&making, conversations)).join().unwrap();
        fs::write(&about, serde_json::to_vec(&office).unwrap()).unwrap();
    }
    (database, serde_json::from_slice(&fs::read(about).unwrap()).unwrap())
}

/// What a kept database depends on: workload and schema. Anything else that changes what the acceptor writes needs the
/// cache deleted by hand.
fn version() -> String {
    let schema = include_str!("../../../server/migrations/0001_relay.sql");
    let digest = Sha256::digest(schema);
    format!("{}-{:02x}{:02x}{:02x}", workload::VERSION, digest[0], digest[1], digest[2])
}

fn make(database: &Path, conversations: usize) -> Office {
    let store = Store::open(database).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(conversations as u64);
    let began = Timestamp(END.millis() - 200 * 24 * 3_600_000);
    let settings = Settings { name: "Acme".into(), numbers: vec![OUR_NUMBER.into()], ..Settings::default() };
    let mut making = rng.clone();
    let workspace = write(&store, move |tx| accept::create_workspace(tx, began, &mut making, &settings));
    let names = MEMBERS.iter().map(|name| (*name, AGENT)).chain([("Olga Admin", ADMINISTRATOR)]);
    let members: Vec<MemberId> =
        names.map(|(name, level)| member(&store, &mut rng, began, workspace, name, level)).collect();
    let pushers: Vec<Pusher> = members.iter().map(|member| device(&store, &mut rng, workspace, *member)).collect();
    let talks = workload::talks(conversations);
    let messages = talks.iter().map(|talk| talk.lines.len()).sum();
    let phones = pushers.into_iter().map(|pusher| Phone { pusher, pushes: 0 }).collect();
    let mut desk = Desk { workspace, phones, rng: ChaCha8Rng::seed_from_u64(rng.next_u64()), mirrors: BTreeMap::new() };
    for (block, talks) in talks.chunks(AT_ONCE).enumerate() {
        desk = desk.work(&store, talks);
        if block % 10 == 9 {
            eprintln!("  {} conversations", (block + 1) * AT_ONCE);
        }
    }
    write(&store, |tx| {
        // What the provider reported long ago.
        tx.connection().execute("UPDATE ledger SET state = 'delivered' WHERE state = 'queued'", [])?;
        Ok(())
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(store.close());
    Office { workspace, members, messages }
}

fn write<T: Send + 'static>(
    store: &Store,
    work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
) -> T {
    store.write_blocking(work).unwrap()
}

fn member(
    store: &Store,
    rng: &mut ChaCha8Rng,
    now: Timestamp,
    workspace: WorkspaceId,
    name: &str,
    (kind, dashboard, contacts, messages): offdesk_tests::world::Level,
) -> MemberId {
    let role = Role { id: RoleId::generate(now, rng), name: name.into(), kind, dashboard, contacts, messages };
    let member = Member {
        id: MemberId::generate(now, rng),
        name: name.into(),
        role: Some(role.id),
        dashboard_override: None,
        active: true,
    };
    let (id, mut rng) = (member.id, ChaCha8Rng::seed_from_u64(rng.next_u64()));
    let actions: Vec<Action> = role.actions().into_iter().chain(member.actions()).collect();
    write(store, move |tx| {
        let sql = "SELECT directory FROM workspaces WHERE id = ?1";
        let directory: Vec<u8> = tx.connection().query_row(sql, [workspace.as_bytes()], |row| row.get(0))?;
        let directory = DocumentId::from_slice(&directory).ok_or(StoreError::Missing("directory"))?;
        accept::author(tx, now, &mut rng, workspace, directory, &actions)
    });
    id
}

/// A device that nobody holds: it is spoken for by the generator.
fn device(store: &Store, rng: &mut ChaCha8Rng, workspace: WorkspaceId, member: MemberId) -> Pusher {
    let pusher = Pusher { workspace, member, device: DeviceId::generate(END, rng) };
    let secret = rng.next_u64().to_be_bytes();
    write(store, move |tx| {
        tx.connection().execute(
            "INSERT INTO devices (id, workspace, member, name, credential_hash, incarnation, created, last_seen)
             VALUES (?1, ?2, ?3, 'laptop', ?4, 1, 0, 0)",
            params![pusher.device.as_bytes(), workspace.as_bytes(), member.as_bytes(), secret],
        )?;
        Ok(())
    });
    pusher
}

/// A member's device: whose it is, and how often it has pushed.
pub(crate) struct Phone {
    pub(crate) pusher: Pusher,
    pub(crate) pushes: u64,
}

/// A conversation as its members' devices hold it.
struct Mirror {
    document: Document,
    opened: Conversation,
    /// The last seq that is applied.
    seq: u64,
    actors: BTreeMap<usize, ActorId>,
    last_inbound: Option<IntentId>,
}

/// Conversations at work.
struct Desk {
    workspace: WorkspaceId,
    phones: Vec<Phone>,
    rng: ChaCha8Rng,
    mirrors: BTreeMap<DocumentId, Mirror>,
}

impl Desk {
    /// Works off a block of conversations, in transactions of some lines each.
    fn work(mut self, store: &Store, talks: &[Talk]) -> Self {
        let mut lines: Vec<(usize, Line)> = talks
            .iter()
            .enumerate()
            .flat_map(|(talk, of)| of.lines.iter().map(move |line| (talk, line.clone())))
            .collect();
        lines.sort_by_key(|(talk, line)| (line.at, *talk));
        let talks: Arc<Vec<Talk>> = Arc::new(talks.to_vec());
        let mut documents: Vec<Option<DocumentId>> = vec![None; talks.len()];
        for some in lines.chunks(AT_A_TIME) {
            let (some, talks) = (some.to_vec(), talks.clone());
            (self, documents) = write(store, move |tx| {
                for (talk, line) in some {
                    documents[talk] = Some(self.line(tx, &talks[talk], &line, documents[talk])?);
                }
                Ok((self, documents))
            });
        }
        write(store, move |tx| {
            for (talk, document) in talks.iter().zip(documents) {
                self.settle(tx, talk, document.ok_or(StoreError::Missing("conversation"))?)?;
            }
            self.mirrors.clear();
            Ok(self)
        })
    }

    fn line(
        &mut self,
        tx: &mut Tx<'_>,
        talk: &Talk,
        line: &Line,
        known: Option<DocumentId>,
    ) -> Result<DocumentId, StoreError> {
        let document = match known {
            Some(document) if line.by != Speaker::Customer => document,
            _ => self.inbound(tx, talk, line)?,
        };
        match line.by {
            Speaker::Customer if known.is_none() => self.introduce(tx, talk, line.at, document)?,
            Speaker::Customer => {}
            Speaker::Member(of) => self.say(tx, of, document, line.at, &Verb::Reply { text: line.text.clone() })?,
            Speaker::Note(of) => {
                self.say(tx, of, document, line.at, &Verb::Note { text: line.text.clone(), mentions: Vec::new() })?
            }
        }
        Ok(document)
    }

    /// What comes of a conversation once everything is said.
    fn settle(&mut self, tx: &mut Tx<'_>, talk: &Talk, document: DocumentId) -> Result<(), StoreError> {
        let last = talk.lines.last().map_or(END, |line| line.at);
        if let Some(tag) = talk.tag {
            self.say(tx, 0, document, last, &Verb::AddTag { tag: tag.into() })?;
        }
        if let Some(of) = talk.closed_by {
            let seen = self.mirrors.get(&document).and_then(|mirror| mirror.last_inbound);
            self.say(tx, of, document, last, &Verb::Close { seen })?;
        }
        if talk.read { self.read(tx, document, last) } else { Ok(()) }
    }

    fn inbound(&mut self, tx: &mut Tx<'_>, talk: &Talk, line: &Line) -> Result<DocumentId, StoreError> {
        let inbound = Inbound {
            workspace: self.workspace,
            channel: Channel::Sms(OUR_NUMBER.into()),
            phone: talk.phone.clone(),
            text: line.text.clone(),
            provider_id: format!("SM{:016x}{:016x}", self.rng.next_u64(), self.rng.next_u64()),
        };
        let outcome = accept::inbound(tx, line.at, &mut self.rng, &inbound)?;
        let mirror = self.mirror(tx, outcome.document)?;
        mirror.last_inbound = Some(outcome.message);
        Ok(outcome.document)
    }

    /// The customer's card.
    fn introduce(
        &mut self,
        tx: &mut Tx<'_>,
        talk: &Talk,
        at: Timestamp,
        document: DocumentId,
    ) -> Result<(), StoreError> {
        let sql = "SELECT contact FROM documents WHERE id = ?1";
        let contact: Vec<u8> = tx.connection().query_row(sql, [document.as_bytes()], |row| row.get(0))?;
        let contact = ContactId::from_slice(&contact).ok_or(StoreError::Missing("contact"))?;
        let field = |field, value: &String| Action::SetContactField { field, value: Some(value.clone()) };
        let mut actions = vec![field(ContactField::Name, &talk.name)];
        actions.extend(talk.email.as_ref().map(|email| field(ContactField::Email, email)));
        accept::author(tx, at, &mut self.rng, self.workspace, contact, &actions)?;
        Ok(())
    }

    /// The conversation with everything that the relay accepted so far.
    fn mirror(&mut self, tx: &Tx<'_>, document: DocumentId) -> Result<&mut Mirror, StoreError> {
        let (since, known) = self.mirrors.get(&document).map_or((0, false), |mirror| (mirror.seq, true));
        let mut statement = tx
            .connection()
            .prepare_cached("SELECT seq, bytes FROM changes WHERE document = ?1 AND seq > ?2 ORDER BY seq")?;
        let new = statement
            .query_map(params![document.as_bytes(), since], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<Vec<(u64, Vec<u8>)>, _>>()?;
        if !known {
            let (mut held, seq) = (Document::new(Kind::Conversation), new.last().map_or(0, |(seq, _)| *seq));
            held.apply_bytes(&new.into_iter().map(|(_, bytes)| bytes).collect::<Vec<_>>()).unwrap();
            let opened = Conversation::read(&held).ok_or(StoreError::Missing("conversation"))?;
            let mirror = Mirror { document: held, opened, seq, actors: BTreeMap::new(), last_inbound: None };
            self.mirrors.insert(document, mirror);
        } else if let Some(mirror) = self.mirrors.get_mut(&document) {
            for (seq, bytes) in new {
                mirror.document.apply(vec![parse_change(&bytes).unwrap()]).unwrap();
                mirror.seq = seq;
            }
        }
        self.mirrors.get_mut(&document).ok_or(StoreError::Missing("conversation"))
    }

    /// A member's device authors a verb and pushes it.
    fn say(
        &mut self,
        tx: &mut Tx<'_>,
        of: usize,
        document: DocumentId,
        at: Timestamp,
        verb: &Verb,
    ) -> Result<(), StoreError> {
        let id = IntentId::generate(at, &mut self.rng);
        let author = Author { member: self.phones[of].pusher.member, intent: id, at, assignable: true };
        let mirror = self.mirror(tx, document)?;
        let actor = mirror.actors.entry(of).or_insert_with(|| ActorId::from(id.0)).clone();
        let actions = verb.actions(&author, State::Conversation(Some(&mirror.opened))).unwrap();
        let change = mirror.document.author(actor, id, at, &actions).unwrap();
        let intent = pushed(id, document, change.raw_bytes());
        push(tx, at, &mut self.phones[of], vec![vec![intent]], Vec::new())?;
        if matches!(verb, Verb::Reply { .. }) {
            accept::set_delivery(tx, at, self.workspace, document, id, Delivery::Delivered)?;
        }
        Ok(())
    }

    /// The measured member has read it all.
    fn read(&mut self, tx: &mut Tx<'_>, document: DocumentId, at: Timestamp) -> Result<(), StoreError> {
        let seq = self.mirror(tx, document)?.seq;
        let value = RegisterContent::Order(seq);
        let write = RegisterWrite { key: RegisterKey::ReadMark(document), value, version: 1 };
        push(tx, at, &mut self.phones[0], Vec::new(), vec![write])
    }
}

/// An intent as a device pushes it.
pub(crate) fn pushed(id: IntentId, document: DocumentId, change: &[u8]) -> PushedIntent {
    let seen = Some(Seen { order: i64::MAX.cast_unsigned(), age_ms: 0 });
    PushedIntent { id, document, kind: Kind::Conversation, change: ByteBuf::from(change), seen, reoffered: false }
}

/// Pushes as a device does; everything must be accepted.
fn push(
    tx: &mut Tx<'_>,
    now: Timestamp,
    phone: &mut Phone,
    groups: Vec<Vec<PushedIntent>>,
    registers: Vec<RegisterWrite>,
) -> Result<(), StoreError> {
    phone.pushes += 1;
    let incarnation = Incarnation { previous: phone.pushes, next: phone.pushes + 1 };
    let push = Push { incarnation, number: phone.pushes, groups, registers };
    let frames = accept::push(tx, now, &phone.pusher, &push)?.ok_or(StoreError::Missing("device"))?;
    for frame in frames {
        if let Response::Verdict { verdict, .. } = frame
            && !matches!(verdict, Verdict::Accepted(_))
        {
            return Err(StoreError::Refused(format!("a push of the workload was answered {verdict:?}")));
        }
    }
    Ok(())
}
