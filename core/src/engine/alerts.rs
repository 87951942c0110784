//! What the member is told (R11 to R16): the alerts that stand and the reminders that are due, when what is to come will
//! show, and what they chose not to be disturbed by. All of it comes from this device's own state and clock.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use jiff::tz::TimeZone;
use tokio::runtime::Handle;

use super::{Offdesk, driver::Engine, error::Error, live::LiveList, reading};
use crate::{
    alerts::quiet::QuietHours,
    ids::{AlertId, ConversationId, DocumentId, MessageId, QueueId},
    protocol::{FactBody, Muted, RegisterContent, RegisterKey},
    store::Snapshot,
    sync::SubmitError,
    time::Timestamp,
    triage::{ActiveAlert, Explanation, Ground, Peace, Told, Viewer},
};

/// How far ahead a list looks for what changes it by itself. When that has passed without anything it looks again.
const AHEAD: Duration = Duration::from_secs(24 * 60 * 60);

/// A mute that ends with no time.
pub const FOR_GOOD: Timestamp = Timestamp(i64::MAX);

/// Something to be shown at its time, for the system's own scheduler: it needs no network and no running app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheduled {
    /// When.
    pub at: Timestamp,
    /// What.
    pub alert: ActiveAlert,
}

/// What can be muted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mute {
    /// All alerts.
    Everything,
    /// Those of a conversation.
    Conversation(ConversationId),
    /// Those of conversations while they are in a queue.
    Queue(QueueId),
}

impl Offdesk {
    /// The alerts that stand and the reminders that are due, the latest first, each with whether it is to be shown: muted
    /// ones and those that wait for the end of quiet hours are among them.
    ///
    /// # Errors
    /// As any read.
    pub fn alerts(&self) -> Result<Vec<ActiveAlert>, Error> {
        let now = self.engine().now();
        Ok(self.engine().told(now, now)?.alerts)
    }

    /// How many alerts show: what the badge says. It derives from replicated state, so that it is the same on all of the
    /// member's devices (R15).
    ///
    /// # Errors
    /// As any read.
    pub fn badge(&self) -> Result<usize, Error> {
        let now = self.engine().now();
        Ok(self.engine().told(now, now)?.badge())
    }

    /// The alerts that show, as they change, also when nothing but time passes: an insert is to be shown, a removal to be
    /// taken back.
    pub fn observe_alerts(&self) -> LiveList<ActiveAlert> {
        let engine: Arc<Engine> = self.engine().clone();
        let revision = engine.observe_revision();
        let query = move || {
            let now = engine.now();
            let horizon = now.after(AHEAD);
            let told = engine.told(now, horizon)?;
            engine.tell_again_at(told.next.unwrap_or(horizon));
            Ok(told.alerts.into_iter().filter(|active| active.shows.is_shown()).collect())
        };
        LiveList::new(revision, query, |active: &ActiveAlert| active.alert.id)
    }

    /// Everything that will show from now until `until` though nothing happens, the next first: reminders at their time, and
    /// what quiet hours hold at their end. To be given to the system's scheduler whenever the device has synced or changed
    /// something, in place of what was given before.
    ///
    /// # Errors
    /// As any read.
    pub fn next_alerts(&self, until: Timestamp) -> Result<Vec<Scheduled>, Error> {
        let coming = self.engine().told(self.engine().now(), until)?.coming;
        Ok(coming.into_iter().map(|(at, alert)| Scheduled { at, alert }).collect())
    }

    /// Dismisses an alert or a due reminder, on all of the member's devices (R15). One that is gone already is no error.
    ///
    /// # Errors
    /// As any write.
    pub fn dismiss_alert(&self, alert: AlertId) -> Result<(), Error> {
        self.engine().local(|session, now, _, disk| match session.dismiss(now, disk, alert) {
            Ok(()) | Err(SubmitError::UnknownAlert(_)) => Ok(()),
            Err(error) => Err(error.into()),
        })
    }

    /// Why an alert or reminder was raised, whether it stands and shows, in plain words with the facts and the rule (R16); also
    /// of one that was taken back, as long as its conversation is here.
    ///
    /// # Errors
    /// [`Error::UnknownAlert`] for one that this device doesn't know, or as any read.
    pub fn explain(&self, alert: AlertId) -> Result<Explanation, Error> {
        let (me, now) = (self.engine().identity().member, self.engine().now());
        self.engine().read(|snapshot| {
            let viewer = viewer(snapshot, me)?;
            let mut due = snapshot.told(&viewer, now, now)?.alerts.into_iter();
            let due = due.find(|active| active.alert.id == alert);
            let document = match &due {
                Some(active) => Some(active.document),
                None => snapshot.document_of_alert(alert)?,
            };
            let document = document.ok_or(Error::UnknownAlert(alert))?;
            let told = |ground: &Ground<'_>| {
                let known = due.clone().map(|active| active.alert);
                let fact = ground.facts.iter().find_map(|fact| match &fact.body {
                    FactBody::Alert(known) if known.id == alert => Some(known.clone()),
                    _ => None,
                });
                known.or(fact).map(|alert| ground.explain(&alert))
            };
            on_ground(snapshot, &viewer, document, now, told)?.ok_or(Error::UnknownAlert(alert))
        })
    }

    /// Why this member was not told of a message, in plain words with the facts and the rule (R16). Who was assigned then
    /// follows from what the relay says happened; members, roles, queues and blocking are known as of now, and the words say
    /// so.
    ///
    /// # Errors
    /// [`Error::UnknownConversation`], [`Error::UnknownMessage`], or as any read.
    pub fn why_not(&self, conversation: ConversationId, message: MessageId) -> Result<Explanation, Error> {
        let (me, now) = (self.engine().identity().member, self.engine().now());
        self.engine().read(|snapshot| {
            let document = snapshot.document_of(conversation)?.ok_or(Error::UnknownConversation(conversation))?;
            let viewer = viewer(snapshot, me)?;
            on_ground(snapshot, &viewer, document, now, |ground| ground.why_not(message))?
                .ok_or(Error::UnknownMessage(message))
        })
    }

    /// Reminds this member of a conversation at a time, in place of one that was set before; `None`: not at all.
    ///
    /// # Errors
    /// [`Error::UnknownConversation`], or as any write.
    pub fn follow_up(&self, conversation: ConversationId, at: Option<Timestamp>) -> Result<(), Error> {
        self.choose_of(conversation, RegisterKey::FollowUp, RegisterContent::Time(at.unwrap_or_default()))
    }

    /// Keeps alerts from being shown and counted until a time, or [`FOR_GOOD`]; `None` ends that. What was raised meanwhile
    /// stays silent when the time has come, and shows if the mute is ended before.
    ///
    /// # Errors
    /// [`Error::UnknownConversation`], or as any write.
    pub fn mute(&self, what: Mute, until: Option<Timestamp>) -> Result<(), Error> {
        let until = RegisterContent::Time(until.unwrap_or_default());
        match what {
            Mute::Conversation(id) => self.choose_of(id, |id| RegisterKey::Muted(Muted::Conversation(id)), until),
            Mute::Everything => self.choose(RegisterKey::Muted(Muted::Everything), until),
            Mute::Queue(queue) => self.choose(RegisterKey::Muted(Muted::Queue(queue)), until),
        }
    }

    /// Sets this member's quiet hours; `None`: they have none.
    ///
    /// # Errors
    /// [`Error::QuietHours`] for a time zone or a week that is none, or as any write.
    pub fn set_quiet_hours(&self, quiet: Option<&QuietHours>) -> Result<(), Error> {
        if let Some(quiet) = quiet {
            quiet.check()?;
        }
        let text = quiet.map(QuietHours::to_text).unwrap_or_default();
        self.choose(RegisterKey::QuietHours, RegisterContent::Text(text))
    }

    /// This member's quiet hours and mutes.
    ///
    /// # Errors
    /// As any read.
    pub fn peace(&self) -> Result<Peace, Error> {
        self.engine().read(|snapshot| Ok(snapshot.peace()?))
    }

    fn choose(&self, key: RegisterKey, value: RegisterContent) -> Result<(), Error> {
        self.engine().local(|session, now, _, disk| Ok(session.choose(now, disk, key, value)?))
    }

    fn choose_of(
        &self,
        conversation: ConversationId,
        key: impl FnOnce(DocumentId) -> RegisterKey,
        value: RegisterContent,
    ) -> Result<(), Error> {
        self.engine().local(|session, now, _, disk| {
            let document = super::verbs::find(disk, conversation)?;
            Ok(session.choose(now, disk, key(document), value)?)
        })
    }
}

impl Engine {
    /// Has the lists look again at a time, though nothing is written until then. The earliest wish counts: what is due after it
    /// is wished for again by whoever looks then.
    fn tell_again_at(self: &Arc<Self>, at: Timestamp) {
        let mut watch = self.alert_watch.lock().unwrap_or_else(PoisonError::into_inner);
        if watch.as_ref().is_some_and(|(known, task)| *known <= at && !task.is_finished()) {
            return;
        }
        // A list that was made outside of a runtime is told on the device's.
        let Some(runtime) = Handle::try_current().ok().or_else(|| self.lock().runtime.clone()) else { return };
        let (engine, sleep) = (Arc::downgrade(self), self.config.clock.sleep_until(at));
        let task = runtime.spawn(async move {
            sleep.await;
            if let Some(engine) = engine.upgrade() {
                engine.changed();
            }
        });
        if let Some((_, before)) = watch.replace((at, task.abort_handle())) {
            before.abort();
        }
    }

    /// Nobody is to be told any more.
    pub(super) fn stop_telling(&self) {
        let watch = self.alert_watch.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((_, task)) = watch {
            task.abort();
        }
    }

    fn told(&self, now: Timestamp, until: Timestamp) -> Result<Told, Error> {
        let me = self.identity().member;
        self.read(|snapshot| Ok(snapshot.told(&viewer(snapshot, me)?, now, until)?))
    }
}

/// Lets `say` look at everything that explains what is told of a conversation.
fn on_ground<T>(
    snapshot: &Snapshot<'_>,
    viewer: &Viewer,
    document: DocumentId,
    now: Timestamp,
    say: impl Fn(&Ground<'_>) -> Option<T>,
) -> Result<Option<T>, Error> {
    let Some(row) = snapshot.conversation_in(document)? else { return Ok(None) };
    let Some((_, messages)) = reading::opened(snapshot, document)? else { return Ok(None) };
    let (facts, registers) = (snapshot.facts(document)?, snapshot.registers_of(document)?);
    let zone = TimeZone::system();
    let ground =
        Ground { viewer, row: &row, messages: &messages, facts: &facts, registers: &registers, zone: &zone, now };
    Ok(say(&ground))
}

/// Whose device it is, and by what it decides.
pub(super) fn viewer(snapshot: &Snapshot<'_>, me: crate::ids::MemberId) -> Result<Viewer, Error> {
    let (directory, settings) = (reading::directory(snapshot)?, reading::settings(snapshot)?);
    Ok(Viewer { me, directory: Arc::new(directory), settings: Arc::new(settings), peace: snapshot.peace()? })
}
