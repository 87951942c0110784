//! One loaded document: what the relay confirmed of it, and this device's own open intents on top.
//!
//! Applying a change costs Automerge a walk over the document, reading the whole conversation another. So both wait until
//! somebody looks: accepted changes are taken note of and applied together, or not at all if the optimistic document turns
//! out to hold exactly the same (what becomes of an outbox that the relay accepts); and the conversation that was read is
//! kept, and brought up to date by what is authored and by what comes from others.

use std::sync::Arc;

use automerge::{ActorId, Change, ChangeHash};

use crate::{
    model::{Action, Conversation, Document, DocumentError, Kind, decode},
    policy::Visibility,
    sync::storage::IntentRecord,
};

/// One loaded document.
pub(super) struct Loaded {
    pub(super) kind: Kind,
    pub(super) visibility: Visibility,
    /// Whether the relay knows it.
    pub(super) known: bool,
    /// The actor of the present lineage.
    pub(super) actor: Option<[u8; 16]>,
    /// Confirmed changes on disk since the snapshot.
    pub(super) tail: usize,
    /// What is confirmed, but for `accepted`.
    confirmed: Document,
    /// Confirmed changes that are not applied yet, in order.
    accepted: Vec<Change>,
    optimistic: Optimistic,
    /// Whether every own change is in the optimistic document.
    complete: bool,
    /// The conversation as the optimistic document has it.
    conversation: Option<Arc<Conversation>>,
}

enum Optimistic {
    /// To be built from the open intents on disk.
    Unknown,
    /// There are no open intents.
    Same,
    /// With the open intents' changes.
    Own(Document),
}

impl Loaded {
    pub(super) fn new(confirmed: Document, visibility: Visibility, known: bool, tail: usize) -> Self {
        Self {
            kind: confirmed.kind(),
            visibility,
            known,
            actor: None,
            tail,
            confirmed,
            accepted: Vec::new(),
            optimistic: Optimistic::Unknown,
            complete: true,
            conversation: None,
        }
    }

    /// Whether the change of this hash is confirmed.
    pub(super) fn holds(&self, hash: &ChangeHash) -> bool {
        self.accepted.iter().any(|change| change.hash() == *hash) || self.confirmed.contains(hash)
    }

    /// The number that the confirmed document has for the next change of an actor.
    pub(super) fn next_seq(&self, actor: &ActorId) -> u64 {
        let accepted = self.accepted.iter().filter(|change| change.actor_id() == actor).map(|change| change.seq() + 1);
        accepted.max().unwrap_or(0).max(self.confirmed.next_seq(actor))
    }

    /// The confirmed change whose hash begins so: mostly a head.
    pub(super) fn beginning_with(&self, start: &[u8]) -> Option<ChangeHash> {
        let begins = |hash: &ChangeHash| hash.0.starts_with(start);
        let heads = self.confirmed_heads().into_iter().find(begins);
        let accepted = || self.accepted.iter().map(Change::hash).find(begins);
        heads.or_else(accepted).or_else(|| self.confirmed.beginning_with(start))
    }

    /// The heads of the confirmed document, sorted.
    pub(super) fn confirmed_heads(&self) -> Vec<ChangeHash> {
        heads_after(&self.confirmed, &self.accepted)
    }

    /// The confirmed document.
    ///
    /// # Errors
    /// Automerge refuses an accepted change.
    pub(super) fn confirmed(&mut self) -> Result<&Document, DocumentError> {
        if !self.accepted.is_empty() {
            let heads = self.confirmed_heads();
            let accepted = std::mem::take(&mut self.accepted);
            match std::mem::replace(&mut self.optimistic, Optimistic::Same) {
                Optimistic::Own(document) if document.heads() == heads => self.confirmed = document,
                other => {
                    self.optimistic = other;
                    self.confirmed.apply(accepted)?;
                }
            }
        }
        Ok(&self.confirmed)
    }

    /// Takes in confirmed changes that are not held yet.
    ///
    /// # Errors
    /// [`DocumentError::MissingDependency`] if one depends on a change that is not here; nothing is then changed.
    pub(super) fn append(&mut self, fresh: Vec<Change>) -> Result<(), DocumentError> {
        for (at, change) in fresh.iter().enumerate() {
            for dep in change.deps() {
                if !self.holds(dep) && !fresh[..at].iter().any(|earlier| earlier.hash() == *dep) {
                    return Err(DocumentError::MissingDependency(*dep));
                }
            }
        }
        if fresh.is_empty() {
            return Ok(());
        }
        match &mut self.optimistic {
            Optimistic::Own(document) => {
                if fresh.iter().any(|change| !document.contains(&change.hash())) {
                    self.conversation = None;
                    if document.apply(fresh.clone()).is_err() {
                        self.optimistic = Optimistic::Unknown;
                    }
                }
            }
            Optimistic::Same if follow(&mut self.conversation, &self.confirmed, &fresh) => {}
            Optimistic::Same | Optimistic::Unknown => self.conversation = None,
        }
        self.accepted.extend(fresh);
        Ok(())
    }

    /// Whether the optimistic document has yet to be built from the open intents.
    pub(super) fn is_unbuilt(&self) -> bool {
        matches!(self.optimistic, Optimistic::Unknown)
    }

    /// Puts the changes of open intents on top of the confirmed document. One whose dependencies are not here (any more)
    /// is left out: it is to be run again.
    pub(super) fn build(&mut self, lineage: &[IntentRecord]) -> Result<(), DocumentError> {
        if lineage.is_empty() {
            // Nothing of its own was in it: then what was accepted goes on waiting.
            if matches!(self.optimistic, Optimistic::Own(_)) {
                let heads = self.confirmed()?.heads();
                if matches!(&self.optimistic, Optimistic::Own(document) if document.heads() != heads) {
                    self.conversation = None;
                }
            }
            (self.optimistic, self.complete) = (Optimistic::Same, true);
            return Ok(());
        }
        if !self.is_unbuilt() {
            return Ok(());
        }
        let mut document = self.confirmed()?.clone();
        self.complete = true;
        self.conversation = None;
        for intent in lineage {
            if let Err(error) = document.apply_bytes(&[&intent.change]) {
                tracing::debug!(intent = %intent.id, %error, "an own change waits to be run again");
                self.complete = false;
            }
        }
        self.optimistic = Optimistic::Own(document);
        Ok(())
    }

    /// The own lineage is not what it was: it is built anew when next needed.
    pub(super) fn restage(&mut self) {
        (self.optimistic, self.conversation) = (Optimistic::Unknown, None);
    }

    /// Whether every own change is in the optimistic document.
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    /// The document with the open intents in it, once built.
    pub(super) fn optimistic(&mut self) -> Result<&Document, DocumentError> {
        if !matches!(self.optimistic, Optimistic::Own(_)) {
            self.confirmed()?;
        }
        Ok(match &self.optimistic {
            Optimistic::Own(document) => document,
            Optimistic::Same | Optimistic::Unknown => &self.confirmed,
        })
    }

    /// The conversation with the open intents in it, once built; `None` if it was never opened.
    pub(super) fn conversation(&mut self) -> Result<Option<Arc<Conversation>>, DocumentError> {
        if self.conversation.is_none() && self.kind == Kind::Conversation {
            self.conversation = Conversation::read(self.optimistic()?).map(Arc::new);
        }
        Ok(self.conversation.clone())
    }

    /// Authors on the optimistic document: `author` is to make one change of these actions.
    pub(super) fn author<T>(
        &mut self,
        actions: &[Action],
        author: impl FnOnce(&mut Document) -> Result<T, DocumentError>,
    ) -> Result<T, DocumentError> {
        if !matches!(self.optimistic, Optimistic::Own(_)) {
            self.optimistic = Optimistic::Own(self.confirmed()?.clone());
        }
        let Optimistic::Own(document) = &mut self.optimistic else { return author(&mut self.confirmed) };
        let authored = author(document)?;
        if let Some(conversation) = &mut self.conversation {
            Arc::make_mut(conversation).advance(document, actions);
        }
        Ok(authored)
    }
}

/// Brings a conversation that was read up to date with accepted changes that are not in its document yet. `false` if that
/// can't be told from the changes alone, or none was read.
fn follow(conversation: &mut Option<Arc<Conversation>>, document: &Document, fresh: &[Change]) -> bool {
    let Some(known) = conversation else { return false };
    let Some(actions) = fresh.iter().map(|change| decode::entries(document, change)).collect::<Option<Vec<_>>>() else {
        return false;
    };
    let known = Arc::make_mut(known);
    actions.iter().for_each(|actions| known.advance(document, actions));
    true
}

/// The heads that a document has with these changes, sorted.
fn heads_after(document: &Document, changes: &[Change]) -> Vec<ChangeHash> {
    let mut heads = document.heads();
    for change in changes {
        heads.retain(|head| !change.deps().contains(head));
        heads.push(change.hash());
    }
    heads.sort();
    heads
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use automerge::ActorId;

    use super::*;
    use crate::{
        ids::{ConversationId, DocumentId, IntentId, MemberId},
        model::{AssignmentKey, Channel, MessageKind, NewMessage, conversation::AssignmentReason},
        time::Timestamp,
    };

    const BO: MemberId = MemberId([7; 16]);
    const AT: Timestamp = Timestamp(1_760_000_000_000);

    /// Another hand that writes in the same document.
    struct Other {
        document: Document,
        written: u8,
    }

    impl Other {
        fn writes(&mut self, actions: &[Action]) -> Change {
            self.written += 1;
            self.document.author(ActorId::from([9; 16].to_vec()), IntentId([self.written; 16]), AT, actions).unwrap()
        }

        fn says(&mut self, text: &str) -> Change {
            let message = NewMessage::new(MessageKind::Outbound, Some(BO), text.into(), AT);
            let intent = IntentId([self.written + 1; 16]);
            let key = AssignmentKey { member: BO, intent };
            let assign = Action::Assign { key, by: Some(BO), reason: AssignmentReason::Reply, at: AT };
            self.writes(&[Action::AddMessage { id: intent, message }, assign])
        }
    }

    fn conversation() -> (Loaded, Other) {
        let mut document = Document::new(Kind::Conversation);
        let open = Action::OpenConversation {
            conversation: ConversationId([1; 16]),
            contact: DocumentId([2; 16]),
            channel: Channel::Sms("+14155550100".into()),
        };
        document.author(ActorId::from([8; 16].to_vec()), IntentId([200; 16]), AT, &[open]).unwrap();
        let mut loaded = Loaded::new(document.clone(), Visibility::DASHBOARD, true, 0);
        loaded.build(&[]).unwrap();
        loaded.conversation().unwrap().unwrap();
        (loaded, Other { document, written: 0 })
    }

    #[track_caller]
    fn shows(loaded: &mut Loaded, other: &Other) {
        loaded.build(&[]).unwrap();
        assert_eq!(loaded.conversation().unwrap().as_deref(), Conversation::read(&other.document).as_ref());
    }

    /// What others say is shown before their changes are applied; several wait until somebody needs the document.
    #[test]
    fn what_others_say_is_told_from_their_changes() {
        let (mut loaded, mut other) = conversation();
        for text in ["Hello?", "Anybody there?"] {
            let change = other.says(text);
            loaded.append(vec![change]).unwrap();
            shows(&mut loaded, &other);
        }
        assert_eq!(loaded.accepted.len(), 2);
        assert_eq!(loaded.confirmed().unwrap().save(), other.document.save());
        assert!(loaded.accepted.is_empty());
        shows(&mut loaded, &other);
    }

    /// What depends on what stood there before is read from the document.
    #[test]
    fn what_takes_something_away_is_read_from_the_document() {
        let (mut loaded, mut other) = conversation();
        let tag = Action::AddTag { tag: "vip".into() };
        let untag = Action::RemoveTag { tag: "vip".into() };
        let leave = Action::Unassign { key: AssignmentKey { member: BO, intent: IntentId([1; 16]) } };
        let changes = [other.says("Hello?"), other.writes(&[tag]), other.writes(&[leave]), other.writes(&[untag])];
        for change in changes {
            loaded.append(vec![change]).unwrap();
            loaded.build(&[]).unwrap();
            loaded.conversation().unwrap();
        }
        assert!(loaded.accepted.is_empty());
        shows(&mut loaded, &other);
    }
}
