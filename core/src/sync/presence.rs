//! Who is where right now (R27): what this member does goes out, what colleagues do comes in. None of it is ever stored: it
//! is in memory, ends by itself, and is gone with the process.
//!
//! What is said holds for [`LASTS`], so it is said again while it lasts. It goes beside an open stream, in a request like any
//! push, and never more often than every two seconds: someone who types says so once. Without a live stream nothing is said
//! and nothing is known.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    ids::{DocumentId, MemberId},
    protocol::{Presence, Response},
    sync::session::{Effect, Session},
    time::Timestamp,
};

/// How long what was said holds, here and at the relay.
pub const LASTS: Duration = Duration::from_secs(30);
/// How often it is said again.
const AGAIN: Duration = Duration::from_secs(20);
/// How long to wait between two words.
const PAUSE: Duration = Duration::from_secs(2);
/// How long after the last keystroke somebody is still drafting.
const STILL_DRAFTING: Duration = Duration::from_secs(8);

/// Colleagues by conversation, with what they do and until when that holds.
type Colleagues = BTreeMap<DocumentId, BTreeMap<MemberId, (Presence, Timestamp)>>;

/// What the session knows of presence.
#[derive(Debug, Default)]
pub(super) struct Presences {
    /// The conversation that this member has open.
    open: Option<DocumentId>,
    /// Until when they are drafting, if nothing more is typed.
    drafting: Option<Timestamp>,
    /// What was said last, and when.
    said: Option<(Vec<(DocumentId, Presence)>, Timestamp)>,
    colleagues: Colleagues,
}

impl Presences {
    fn states(&self, now: Timestamp) -> Vec<(DocumentId, Presence)> {
        let drafting = self.drafting.is_some_and(|until| until > now);
        let presence = if drafting { Presence::Drafting } else { Presence::Viewing };
        self.open.map(|document| (document, presence)).into_iter().collect()
    }

    /// When something is to be said next.
    pub(super) fn due_at(&self, now: Timestamp) -> Option<Timestamp> {
        let states = self.states(now);
        let Some((said, at)) = &self.said else { return (!states.is_empty()).then_some(now) };
        if *said != states {
            return Some(at.after(PAUSE));
        }
        // Whoever stops typing says so without being asked.
        let changes = self.drafting.filter(|until| *until > now);
        let again = (!states.is_empty()).then(|| at.after(AGAIN));
        [changes, again].into_iter().flatten().min()
    }

    /// What to say, if its time has come.
    pub(super) fn say(&mut self, now: Timestamp) -> Option<Vec<(DocumentId, Presence)>> {
        self.due_at(now).filter(|at| *at <= now)?;
        let states = self.states(now);
        self.said = Some((states.clone(), now));
        Some(states)
    }

    /// When the first word of a colleague ends.
    pub(super) fn ends_at(&self) -> Option<Timestamp> {
        self.colleagues.values().flat_map(BTreeMap::values).map(|(_, until)| *until).min()
    }

    /// Forgets what has ended. Whether anything had.
    fn expire(&mut self, now: Timestamp) -> bool {
        let before = self.ends_at();
        for members in self.colleagues.values_mut() {
            members.retain(|_, (_, until)| *until > now);
        }
        self.colleagues.retain(|_, members| !members.is_empty());
        before.is_some_and(|at| at <= now)
    }

    /// The stream ended: what colleagues do is not known, and what was said must be said again.
    pub(super) fn disconnected(&mut self) -> bool {
        self.said = None;
        !std::mem::take(&mut self.colleagues).is_empty()
    }
}

impl Session {
    /// The member has this conversation open, or none any more.
    pub fn look_at(&mut self, document: Option<DocumentId>) {
        if self.presence.open != document {
            (self.presence.open, self.presence.drafting) = (document, None);
        }
    }

    /// The member types in the conversation that they have open; an emptied text ends it.
    pub(super) fn typed(&mut self, now: Timestamp, document: DocumentId, something: bool) {
        if self.presence.open == Some(document) {
            self.presence.drafting = something.then(|| now.after(STILL_DRAFTING));
        }
    }

    /// Colleagues who are in a conversation right now, and what they do.
    pub fn colleagues(&self) -> BTreeMap<DocumentId, Vec<(MemberId, Presence)>> {
        let doing = |members: &BTreeMap<MemberId, (Presence, Timestamp)>| {
            members.iter().map(|(member, (presence, _))| (*member, *presence)).collect()
        };
        self.presence.colleagues.iter().map(|(document, members)| (*document, doing(members))).collect()
    }

    /// The relay says who is in a conversation, in place of what it said before.
    pub(super) fn heard_of(&mut self, now: Timestamp, document: DocumentId, members: Vec<(MemberId, Presence)>) {
        let until = now.after(LASTS);
        let members: BTreeMap<_, _> = members
            .into_iter()
            .filter(|(_, presence)| *presence != Presence::Unknown)
            .map(|(member, presence)| (member, (presence, until)))
            .collect();
        if members.is_empty() {
            self.presence.colleagues.remove(&document);
        } else {
            self.presence.colleagues.insert(document, members);
        }
        self.effects.push(Effect::Presence);
    }

    /// A document that leaves this device takes with it who is there.
    pub(super) fn left(&mut self, frame: &Response) {
        let gone = |document: &DocumentId| match frame {
            Response::Evict { documents } => documents.contains(document),
            Response::Retain { documents } => !documents.contains(document),
            _ => false,
        };
        let gone: BTreeSet<DocumentId> = self.presence.colleagues.keys().copied().filter(gone).collect();
        for document in &gone {
            self.presence.colleagues.remove(document);
        }
        if !gone.is_empty() {
            self.effects.push(Effect::Presence);
        }
    }

    /// Ends what has ended.
    pub(super) fn expire_presence(&mut self, now: Timestamp) {
        if self.presence.expire(now) {
            self.effects.push(Effect::Presence);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: DocumentId = DocumentId([1; 16]);
    const SECOND: Duration = Duration::from_secs(1);

    /// R27: said once when somebody begins to type, again while it lasts, and once when they stop.
    #[test]
    fn what_lasts_is_said_now_and_then() {
        let mut presences = Presences { open: Some(HERE), ..Presences::default() };
        let mut said = Vec::new();
        for second in 0..60 {
            let now = Timestamp(second * 1000);
            if (5..25).contains(&second) {
                presences.drafting = Some(now.after(STILL_DRAFTING));
            }
            if second == 50 {
                presences.open = None;
            }
            let states = presences.say(now);
            said.extend(states.map(|states| (second, states.first().map(|(_, presence)| *presence))));
        }
        let (viewing, drafting) = (Some(Presence::Viewing), Some(Presence::Drafting));
        assert_eq!(said, [(0, viewing), (5, drafting), (25, drafting), (32, viewing), (50, None)]);
    }

    #[test]
    fn nobody_hears_more_often_than_every_two_seconds() {
        let mut presences = Presences { open: Some(HERE), ..Presences::default() };
        let times = (0..1000).filter(|tenth| {
            let now = Timestamp(tenth * 100);
            presences.drafting = (tenth % 7 < 4).then(|| now.after(SECOND));
            presences.say(now).is_some()
        });
        assert!(times.count() <= 50);
    }
}
