//! Who is in a conversation right now (R27). Nothing of it is stored: it comes with the live stream and is gone with it.

use serde::{Deserialize, Serialize};

use super::{Offdesk, error::Error, live::LiveList};
use crate::{
    ids::{ConversationId, MemberId},
    protocol::Presence,
    store::Snapshot,
    sync::storage::Storage,
};

/// A colleague who is in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Colleague {
    /// Who.
    pub member: MemberId,
    /// What they do.
    pub doing: Presence,
}

impl Offdesk {
    /// Says that the member has this conversation open, or none: colleagues who see it are shown that while it lasts. That
    /// they are drafting is told from [`Offdesk::set_draft`].
    ///
    /// # Errors
    /// [`Error::UnknownConversation`], or as any write.
    pub fn look_at(&self, conversation: Option<ConversationId>) -> Result<(), Error> {
        self.engine().local(|session, _, _, disk| {
            let find = |id| disk.document_of(id)?.ok_or(Error::UnknownConversation(id));
            session.look_at(conversation.map(find).transpose()?);
            Ok(())
        })
    }

    /// The colleagues who are in a conversation.
    ///
    /// # Errors
    /// As any read.
    pub fn colleagues(&self, conversation: ConversationId) -> Result<Vec<Colleague>, Error> {
        let known = self.engine().colleagues();
        self.engine().read(|snapshot| in_conversation(snapshot, &known, conversation))
    }

    /// The colleagues who are in a conversation, as they come, write and go.
    pub fn observe_colleagues(&self, conversation: ConversationId) -> LiveList<Colleague> {
        let engine = self.engine().clone();
        let query = move || {
            let known = engine.colleagues();
            engine.read(|snapshot| in_conversation(snapshot, &known, conversation))
        };
        LiveList::new(self.engine().observe_presence(), query, |colleague| colleague.member)
    }
}

type Known = std::collections::BTreeMap<crate::ids::DocumentId, Vec<(MemberId, Presence)>>;

fn in_conversation(snapshot: &Snapshot<'_>, known: &Known, id: ConversationId) -> Result<Vec<Colleague>, Error> {
    let Some(document) = snapshot.document_of(id)? else { return Ok(Vec::new()) };
    let members = known.get(&document).into_iter().flatten();
    Ok(members.map(|(member, doing)| Colleague { member: *member, doing: *doing }).collect())
}
