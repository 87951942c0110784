//! A device's birth and end: enrolling with a code, enrolling anew, closing, wiping (R10).

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Offdesk,
    config::Config,
    connection::PATIENCE,
    driver::{Core, Engine, transport},
    error::Error,
    transport::Transport,
};
use crate::{
    protocol::{ENROL_PATH, ENROLMENT_CODE_PATH, EnrolRequest, EnrolResponse, EnrolmentCode, Problem},
    store::Database,
    sync::storage::{Storage, StorageError, born},
};

impl Offdesk {
    /// Makes `config.database` a device of the member whose code it is. Nothing is written before the relay has
    /// answered; then identity and sync state in one transaction.
    ///
    /// # Errors
    /// [`Error::Enrolment`] with the relay's words, [`Error::Offline`], [`Error::InvalidRelay`],
    /// [`Error::AlreadyEnrolled`], [`Error::WrongKey`], [`Error::Storage`].
    pub async fn enrol(config: Config, relay: &str, code: &str, device_name: &str) -> Result<Offdesk, Error> {
        let way = transport(&config, relay, Arc::default())?;
        let mut database = Database::open(&config.database, &config.key)?;
        if database.write(|disk| disk.identity())?.is_some() {
            return Err(Error::AlreadyEnrolled);
        }
        let enrolled = ask(way.as_ref(), code, device_name).await?;
        let (identity, state) = born(relay, &enrolled, config.clock.now());
        database.write(|disk| {
            disk.set_identity(&identity)?;
            disk.set_state(&state)
        })?;
        Ok(Offdesk::over(Engine::new(config, database, identity)?))
    }

    /// Opens a device that was enrolled. One whose access was ended, and that died before it could delete its data, does so
    /// now (R10).
    ///
    /// # Errors
    /// [`Error::NotEnrolled`] if the database holds none, [`Error::Revoked`], [`Error::WrongKey`], [`Error::Storage`].
    pub fn open(config: Config) -> Result<Offdesk, Error> {
        let mut database = Database::open(&config.database, &config.key)?;
        let (identity, state) = database.write(|disk| Ok::<_, StorageError>((disk.identity()?, disk.state()?)))?;
        let identity = identity.ok_or(Error::NotEnrolled)?;
        if state.is_some_and(|state| state.revoked) {
            delete(&config.database, Some(database))?;
            return Err(Error::Revoked);
        }
        Ok(Offdesk::over(Engine::new(config, database, identity)?))
    }

    /// Stops the device, writes everything into its one file and closes it. Every other handle answers
    /// [`Error::Closed`] from then on, and lists end.
    pub async fn close(self) {
        let engine = self.engine().clone();
        let _ = tokio::task::spawn_blocking(move || engine.close()).await;
    }

    /// Deletes the device's data (R10). The relay still knows the device until an administrator revokes it.
    ///
    /// # Errors
    /// [`Error::Storage`] if a file can't be deleted.
    pub async fn wipe(self) -> Result<(), Error> {
        let engine = self.engine().clone();
        let wiped = tokio::task::spawn_blocking(move || engine.wipe()).await;
        wiped.map_err(|_| Error::Closed)?
    }

    /// Enrols anew, as another device of the same member: after this store was proven to be a copy, or its credential
    /// was refused. What it had not delivered is kept and sent.
    ///
    /// # Errors
    /// As [`Offdesk::enrol`]; [`Error::Forbidden`] if the code is another member's.
    pub async fn re_enrol(&self, code: &str, device_name: &str) -> Result<(), Error> {
        let engine = self.engine().clone();
        let enrolled = ask(engine.transport().as_ref(), code, device_name).await?;
        let known = engine.identity();
        if (enrolled.member, enrolled.workspace) != (known.member, known.workspace) {
            let reason = "this code belongs to another member: ask for one of your own".into();
            return Err(Error::Forbidden { reason });
        }
        let done = tokio::task::spawn_blocking(move || engine.reborn(&enrolled)).await;
        done.map_err(|_| Error::Closed)?
    }

    /// Asks for a code that enrols one more device of the same member.
    ///
    /// # Errors
    /// [`Error::Offline`], [`Error::Unauthorized`], [`Error::Enrolment`] with the relay's words.
    pub async fn new_enrolment_code(&self) -> Result<EnrolmentCode, Error> {
        let engine = self.engine();
        let credential = engine.identity().credential;
        let posted = engine.transport().post(ENROLMENT_CODE_PATH, Some(credential), b"{}".to_vec()).await;
        let (status, body) = posted.map_err(Error::Offline)?;
        if status == 401 { Err(Error::Unauthorized) } else { answer(status, &body) }
    }
}

async fn ask(way: &dyn Transport, code: &str, device_name: &str) -> Result<EnrolResponse, Error> {
    let request = EnrolRequest { code: code.trim().to_owned(), device_name: device_name.trim().to_owned() };
    let body = serde_json::to_vec(&request).map_err(|error| Error::Protocol(error.to_string()))?;
    let (status, body) = way.post(ENROL_PATH, None, body).await.map_err(Error::Offline)?;
    answer(status, &body)
}

fn answer<T: serde::de::DeserializeOwned>(status: u16, body: &[u8]) -> Result<T, Error> {
    if (200..300).contains(&status) {
        return serde_json::from_slice(body).map_err(|error| Error::Protocol(error.to_string()));
    }
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) => Err(Error::Enrolment(problem)),
        Err(_) => Err(Error::Relay { status, title: String::new() }),
    }
}

impl Engine {
    fn close(self: &Arc<Self>) {
        let mut core = self.lock();
        // First, so that whoever finds the database gone is told that it is closed, and not paused.
        self.end_lists();
        self.stop(&mut core);
        if let Some(database) = core.database.take()
            && let Err(error) = database.checkpoint_and_close()
        {
            tracing::warn!(%error, "the database was closed without a checkpoint; nothing is lost");
        }
    }

    /// The last handle is gone: nothing may go on in the background.
    pub(super) fn abandon(&self) {
        let mut core = self.lock();
        if let Some(database) = &core.database {
            let _ = database.wait_atmost(PATIENCE);
        }
        self.let_go(&mut core);
        core.drop_tasks();
        core.waiting.clear();
        self.stop_telling();
        self.set_available(false);
        self.end_lists();
        core.database = None;
    }

    fn wipe(self: &Arc<Self>) -> Result<(), Error> {
        let mut core = self.lock();
        self.end_lists();
        self.stop(&mut core);
        delete(&self.config.database, core.database.take())
    }

    /// The relay ended this device's access (R10).
    pub(super) fn erase(self: &Arc<Self>, core: &mut Core) {
        self.let_go(core);
        core.drop_tasks();
        self.mark_revoked();
        self.set_available(false);
        if let Err(error) = delete(&self.config.database, core.database.take()) {
            tracing::error!(%error, "the data of a revoked device could not be deleted");
        }
        // Told only now that it is true. Lists go on, to show that they are empty.
        core.waiting.clear();
        self.changed();
    }

    pub(super) fn database_bytes(&self) -> u64 {
        files(&self.config.database)
            .take(2)
            .filter_map(|file| fs::metadata(file).ok())
            .map(|metadata| metadata.len())
            .sum()
    }

    fn reborn(self: &Arc<Self>, enrolled: &EnrolResponse) -> Result<(), Error> {
        let now = self.now();
        let (identity, state) = born(&self.identity().relay, enrolled, now);
        let mut core = self.lock();
        core.drop_tasks();
        core.transact(|session, disk, _| Ok(session.re_enrolled(now, disk, &identity, &state)?))?;
        self.set_identity(identity);
        core.session.forget();
        self.restart(&mut core)
    }
}

/// Closes a database and deletes its files.
pub(super) fn delete(path: &Path, database: Option<Database>) -> Result<(), Error> {
    // The pages are encrypted; closing first lets the log be merged and removed.
    if let Some(database) = database
        && let Err(error) = database.checkpoint_and_close()
    {
        tracing::warn!(%error, "the database was closed in haste");
    }
    for file in files(path) {
        match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::Storage(StorageError::Io(format!("{} can't be deleted: {error}", file.display()))));
            }
            _ => {}
        }
    }
    Ok(())
}

/// A database's file, its log and the log's index.
fn files(path: &Path) -> impl Iterator<Item = PathBuf> {
    ["", "-wal", "-shm"].into_iter().map(|suffix| {
        let mut name = path.to_owned().into_os_string();
        name.push(suffix);
        PathBuf::from(name)
    })
}
