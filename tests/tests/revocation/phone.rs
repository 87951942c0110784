//! Mia's device: the session that ships, on an encrypted file, driven one request at a time, so that an answer can be cut
//! after any page.

use std::{
    collections::VecDeque,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use offdesk_core::{
    ids::DocumentId,
    intents::Verb,
    protocol::{Request, Response},
    store::{Database, DatabaseKey},
    sync::{
        Session, SessionOptions,
        outbox::Submission,
        session::{Effect, End, Event, RequestId, SessionError},
        storage::{Attention, IntentState, Storage, StorageError, born},
    },
    time::Timestamp,
};
use rand::{SeedableRng, rngs::StdRng};

use crate::company::Company;

/// The key of the file.
pub const KEY: [u8; 32] = [5; 32];

/// Where an answer breaks off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    Never,
    /// After so many pages of all that is answered.
    After(usize),
}

/// The device.
pub struct Phone {
    file: PathBuf,
    database: Database,
    session: Session,
    rng: StdRng,
    now: Timestamp,
    sent: VecDeque<(RequestId, Vec<Request>)>,
    synced: Option<Result<(), End>>,
}

impl Phone {
    /// Enrols a device in a new file.
    pub fn enrol(file: &Path, company: &Company) -> Self {
        let mut phone = Self::open(file, company.now);
        let (identity, state) = born("relay", &company.enrolled, company.now);
        phone.disk(|disk| {
            disk.set_identity(&identity)?;
            disk.set_state(&state)
        });
        phone
    }

    /// Starts the app on a file.
    pub fn open(file: &Path, now: Timestamp) -> Self {
        let database = Database::open(file, &DatabaseKey::new(KEY)).unwrap();
        let rng = StdRng::seed_from_u64(21);
        Self { file: file.to_owned(), database, session: session(), rng, now, sent: VecDeque::new(), synced: None }
    }

    /// The app is killed and started anew.
    pub fn restart(&mut self) {
        self.session = session();
        self.sent.clear();
        self.synced = None;
    }

    /// Closes it in order.
    pub fn close(self) {
        self.database.checkpoint_and_close().unwrap();
    }

    fn disk<T>(&mut self, work: impl FnOnce(&mut dyn Storage) -> Result<T, StorageError>) -> T {
        self.database.write(|disk| work(disk)).unwrap()
    }

    fn event(&mut self, event: Event) {
        self.events(vec![event]);
    }

    /// Several events in one transaction, as a driver hands in what has come meanwhile.
    fn events(&mut self, events: Vec<Event>) {
        self.now = Timestamp(self.now.millis() + 1);
        let (session, rng, now) = (&mut self.session, &mut self.rng, self.now);
        let takes = |event: &Event| {
            matches!(event, Event::Frame { frame: Response::Evict { .. } | Response::Retain { .. }, .. })
        };
        let takes = events.iter().any(takes);
        let (effects, removed) = self
            .database
            .write(|disk| {
                let before = disk.documents(None)?;
                let effects = session.handle_all(now, rng, disk, events)?;
                let after = disk.documents(None)?;
                Ok::<_, SessionError>((effects, before.iter().any(|document| !after.contains(document))))
            })
            .unwrap();
        if takes && removed {
            let log = fs::metadata(self.file.with_extension("db-wal")).map_or(0, |log| log.len());
            assert_eq!(log, 0, "what was removed is not in the log either");
        }
        for effect in effects {
            match effect {
                Effect::Send { request, frames, .. } => self.sent.push_back((request, frames)),
                Effect::Cancel { request } => self.sent.retain(|(sent, _)| *sent != request),
                Effect::Synced { result } => self.synced = Some(result),
                Effect::Wipe => panic!("nobody revoked it"),
                Effect::WakeAt(_) | Effect::Changed | Effect::Presence | Effect::Status => {}
            }
        }
    }

    /// Asks for documents by name with the next request (R7).
    pub fn open_records(&mut self, documents: &[DocumentId]) {
        self.session.fetch(documents);
    }

    /// Writes a reply, saved on the device.
    pub fn reply(&mut self, document: DocumentId, text: &str) {
        let (session, rng, now) = (&mut self.session, &mut self.rng, self.now);
        let submission = Submission::one(document, Verb::Reply { text: text.into() });
        self.database
            .write(|disk| {
                session.submit(now, rng, disk, submission).map_err(|error| StorageError::Io(error.to_string()))
            })
            .unwrap();
        self.event(Event::Written);
    }

    /// Sends what waits. The relay gets it if it is `taken`; nobody gets the answer.
    pub fn lose_a_push(&mut self, company: &mut Company, taken: bool) {
        self.event(Event::SyncOnce);
        let (request, frames) = self.sent.pop_front().expect("a request");
        if taken {
            company.answer(&frames);
        }
        self.event(Event::Closed { request, end: End::Broken("the connection was cut".into()) });
        self.restart();
    }

    /// One catch-up. `false` if it was cut; the app is then started anew.
    pub fn sync(&mut self, company: &mut Company, cut: Cut) -> bool {
        self.synced = None;
        self.event(Event::SyncOnce);
        let mut pages = 0;
        for _ in 0..100 {
            let Some((request, frames)) = self.sent.pop_front() else {
                if let Some(result) = &self.synced {
                    assert_eq!(*result, Ok(()));
                    return true;
                }
                // It waits for a time.
                self.now = self.now.after(Duration::from_secs(5));
                self.event(Event::Woken);
                continue;
            };
            let answer = company.answer(&frames);
            let mut events = vec![Event::Opened { request }];
            for frame in answer {
                let page = matches!(frame, Response::Cursor { .. });
                events.push(Event::Frame { request, frame });
                pages += usize::from(page);
                if page {
                    self.events(std::mem::take(&mut events));
                }
                if page && cut == Cut::After(pages) {
                    self.event(Event::Closed { request, end: End::Broken("the connection was cut".into()) });
                    self.restart();
                    return false;
                }
            }
            events.push(Event::Closed { request, end: End::Finished });
            self.events(events);
        }
        panic!("no end of requests");
    }

    /// What it holds.
    pub fn held(&mut self) -> Vec<DocumentId> {
        self.disk(|disk| disk.documents(None))
    }

    /// The texts that wait for their author's attention, each with whether that is because access was lost.
    pub fn attention(&mut self) -> Vec<(String, bool)> {
        let intents = self.disk(|disk| disk.attention());
        let lost = |state: &IntentState| {
            matches!(state, IntentState::NeedsAttention(Attention::AccessLost | Attention::NeedsAccess))
        };
        intents.iter().filter_map(|intent| Some((intent.verb.text()?.to_owned(), lost(&intent.state)))).collect()
    }

    /// How many intents are still under way.
    pub fn open_intents(&mut self) -> usize {
        self.disk(|disk| disk.open_intents()).len()
    }
}

fn session() -> Session {
    Session::new(SessionOptions { undo_window: Duration::ZERO, loaded_documents: 3 })
}

/// A copy of a closed device's file.
pub fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_file(to.with_extension("db-wal"));
    fs::copy(from, to).unwrap();
}
