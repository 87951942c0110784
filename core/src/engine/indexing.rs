//! Takes the texts of messages into the search (R23) while nothing else is to be done: a few conversations in a transaction,
//! then a pause in which whoever waits for the writer goes first.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Offdesk,
    driver::{Core, Engine},
    error::Error,
    in_place::in_place,
    reading::opened,
};
use crate::{ids::MessageId, store::SqliteStorage, sync::session::Connection};

/// How long after a change texts are taken in: a reply, its verdict and its fact come one after the other.
const QUIET: Duration = Duration::from_millis(300);
/// How long the writer is left to others between two transactions.
const PAUSE: Duration = Duration::from_millis(40);
/// How long one transaction goes on taking in conversations.
const STEP: Duration = Duration::from_millis(8);
/// The same for whoever asked for it, and waits.
const LONG_STEP: Duration = Duration::from_millis(150);
/// Conversations that are looked up at once.
const FEW: usize = 200;

impl Offdesk {
    /// Takes the texts of messages into the search for at most this long; a started device does it by itself. Whether all
    /// are in it.
    ///
    /// # Errors
    /// As any write.
    pub fn index_messages(&self, atmost: Duration) -> Result<bool, Error> {
        let engine = self.engine();
        engine.check_access()?;
        let end = Instant::now() + atmost;
        loop {
            let complete = engine.index_some(atmost.min(LONG_STEP))?;
            if complete || Instant::now() >= end {
                return Ok(complete);
            }
        }
    }
}

impl Engine {
    /// Sees to it that texts are taken in soon, if any wait.
    pub(super) fn index_soon(self: &Arc<Self>, core: &mut Core) {
        if !core.started || core.indexing.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        let engine = self.clone();
        core.indexing = core.spawn(async move {
            tokio::time::sleep(QUIET).await;
            loop {
                let indexing = engine.clone();
                let done = in_place(move || indexing.index_if_idle()).await;
                // A failing disk shows elsewhere; the next change tries again.
                if !matches!(done, Some(Ok(false))) {
                    return;
                }
                tokio::time::sleep(PAUSE).await;
            }
        });
    }

    /// One step, unless pages are coming in: they go first. Whether all is done.
    fn index_if_idle(&self) -> Result<bool, Error> {
        if matches!(self.status().connection, Connection::CatchingUp { .. }) {
            return Ok(false);
        }
        self.index_some(STEP)
    }

    /// Takes in some conversations in one transaction. Whether none are left.
    fn index_some(&self, atmost: Duration) -> Result<bool, Error> {
        let mut core = self.lock();
        if core.nothing_to_index()? {
            return Ok(true);
        }
        let began = Instant::now();
        let (complete, _) = core.transact(|_, disk, _| {
            let documents = disk.reading().texts_to_read(FEW)?;
            let many = documents.len() == FEW;
            for (at, document) in documents.iter().enumerate() {
                if at > 0 && began.elapsed() >= atmost {
                    return Ok(false);
                }
                index(disk, *document)?;
            }
            Ok(!many)
        })?;
        Ok(complete)
    }
}

/// Takes in one conversation. One that can't be read has nothing to find, and the session sees to it.
fn index(disk: &mut SqliteStorage<'_>, document: crate::ids::DocumentId) -> Result<(), Error> {
    let messages = match opened(&disk.reading(), document) {
        Ok(found) => found.map(|(_, messages)| messages).unwrap_or_default(),
        Err(error) => {
            tracing::debug!(%document, %error, "no texts of a document");
            Vec::new()
        }
    };
    let texts: Vec<(MessageId, &str)> = messages.iter().map(|message| (message.id, message.text.as_str())).collect();
    Ok(disk.put_texts(document, &texts)?)
}
