//! What becomes of what a member asks for, on a conversation that they stand to in some way.

use super::access::{Member, Records, Stands};

/// What the relay is to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Done,
    /// Their access doesn't allow it.
    Forbidden,
    /// R8: the member named can't be assigned.
    NotEligible,
    /// R9, R17: they don't see it, and are told nothing else.
    Unseen,
    /// It exists already, and is theirs to go on in.
    Exists,
}

/// What a member may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// A message to the contact (R17).
    Reply,
    /// An internal note.
    Note,
    /// Assigns a colleague who can be (R18).
    AssignColleague,
    /// Assigns themselves, without a reply.
    AssignSelf,
    /// Assigns a colleague who has dashboard access `none` (R8).
    AssignWithoutDashboard,
    /// Removes a colleague's assignment (R18).
    Unassign,
    /// Closes the episode.
    Close,
    /// Undoes a closing.
    Reopen,
    /// Adds a tag.
    AddTag,
    /// Removes a tag.
    RemoveTag,
    /// Lets it rest until tomorrow (R20).
    Snooze,
    /// Ends a colleague's snooze.
    Wake,
    /// Says that it is urgent.
    Prioritise,
    /// Moves it to a queue (R36).
    MoveToQueue,
    /// Takes it out of its queue.
    TakeFromQueue,
    /// A note that calls a colleague (R26).
    Mention,
    /// A reply that is to leave tomorrow.
    ReplyLater,
    /// Sends a colleague's held reply, once the time that is the author's alone has passed (R33).
    SendHeld,
    /// Drops it and replies in its place (R33).
    EditHeld,
    /// Starts a conversation with a contact that has none, by a first message.
    Start,
    /// The same without a message: who starts it has it.
    StartSilently,
    /// Starts one that exists (R17).
    StartExisting,
    /// Starts one with a number that nobody knows: contact, conversation and message in one.
    StartWithStranger,
    /// Creates a contact with a number that nobody knows.
    CreateContact,
    /// Creates one with the number of a contact that exists.
    CreateExisting,
    /// Edits the contact's name.
    RenameContact,
    /// Adds a phone to the contact.
    AddPhone,
    /// Removes the contact's phone.
    RemovePhone,
    /// Sets a custom field of the contact.
    SetCustomField,
    /// Makes a colleague the record's owner.
    ChangeOwner,
    /// Shares the record with a colleague.
    Share,
    /// Ends the sharing of the record with a colleague.
    Unshare,
    /// Notes that the contact wants no messages (R34).
    RevokeConsent,
    /// Blocks the contact as spam.
    Block,
    /// Renames a member (R1).
    EditMember,
    /// Gives a role more access (R1).
    EditRole,
    /// Moves the workspace to another region (R1).
    EditSettings,
    /// Sets up a queue (R1).
    AddQueue,
}

impl Verb {
    /// Every verb.
    pub const ALL: [Verb; 38] = [
        Verb::Reply,
        Verb::Note,
        Verb::AssignColleague,
        Verb::AssignSelf,
        Verb::AssignWithoutDashboard,
        Verb::Unassign,
        Verb::Close,
        Verb::Reopen,
        Verb::AddTag,
        Verb::RemoveTag,
        Verb::Snooze,
        Verb::Wake,
        Verb::Prioritise,
        Verb::MoveToQueue,
        Verb::TakeFromQueue,
        Verb::Mention,
        Verb::ReplyLater,
        Verb::SendHeld,
        Verb::EditHeld,
        Verb::Start,
        Verb::StartSilently,
        Verb::StartExisting,
        Verb::StartWithStranger,
        Verb::CreateContact,
        Verb::CreateExisting,
        Verb::RenameContact,
        Verb::AddPhone,
        Verb::RemovePhone,
        Verb::SetCustomField,
        Verb::ChangeOwner,
        Verb::Share,
        Verb::Unshare,
        Verb::RevokeConsent,
        Verb::Block,
        Verb::EditMember,
        Verb::EditRole,
        Verb::EditSettings,
        Verb::AddQueue,
    ];

    /// What the relay is to say to it.
    pub fn outcome(self, member: &Member, stands: Stands) -> Outcome {
        match self {
            // R8: a reply is accepted whoever sends it; the assignment of one with `none` is inert.
            Verb::Reply
            | Verb::Note
            | Verb::AssignColleague
            | Verb::Unassign
            | Verb::Close
            | Verb::Reopen
            | Verb::AddTag
            | Verb::RemoveTag
            | Verb::Snooze
            | Verb::Wake
            | Verb::Prioritise
            | Verb::MoveToQueue
            | Verb::TakeFromQueue
            | Verb::Mention
            | Verb::ReplyLater => in_conversation(member, stands, Outcome::Done),
            Verb::AssignSelf => in_conversation(member, stands, eligible(member.can_be_assigned())),
            Verb::AssignWithoutDashboard => in_conversation(member, stands, eligible(false)),
            // R33: its author, or after a time an assignee.
            Verb::SendHeld | Verb::EditHeld => {
                in_conversation(member, stands, if stands.assigned { Outcome::Done } else { Outcome::Forbidden })
            }
            Verb::Start => starts(member, stands, Outcome::Done),
            Verb::StartSilently => starts(member, stands, eligible(member.can_be_assigned())),
            Verb::StartExisting => existing(member, stands),
            // R2: a User creates conversations, and with them their contacts.
            Verb::StartWithStranger => {
                if member.writes() {
                    Outcome::Done
                } else {
                    Outcome::Forbidden
                }
            }
            Verb::CreateContact => creates(member, Outcome::Done),
            Verb::CreateExisting => {
                // R7: who sees all sees the conversation that there is, and its card.
                creates(member, if member.sees_card(stands) { Outcome::Exists } else { Outcome::Unseen })
            }
            Verb::RenameContact
            | Verb::AddPhone
            | Verb::RemovePhone
            | Verb::SetCustomField
            | Verb::ChangeOwner
            | Verb::Share
            | Verb::Unshare
            | Verb::RevokeConsent
            | Verb::Block => in_record(member, stands),
            Verb::EditMember | Verb::EditRole | Verb::EditSettings | Verb::AddQueue => {
                // R1, R2: a User may read but not change.
                if member.administers() { Outcome::Done } else { Outcome::Forbidden }
            }
        }
    }
}

fn eligible(can: bool) -> Outcome {
    if can { Outcome::Done } else { Outcome::NotEligible }
}

/// R9: who doesn't see it learns nothing of it; R7: who only reads changes nothing.
fn in_conversation(member: &Member, stands: Stands, then: Outcome) -> Outcome {
    match (member.sees(stands), member.writes()) {
        (false, _) => Outcome::Unseen,
        (true, false) => Outcome::Forbidden,
        (true, true) => then,
    }
}

/// Starting a conversation with a contact that has none: R7: one needs to write, and to know the contact. Who sees all
/// conversations will see this one, and the contact's card with it.
fn starts(member: &Member, stands: Stands, then: Outcome) -> Outcome {
    match (member.writes(), member.sees_all() || member.opens_record(stands)) {
        (false, _) => Outcome::Forbidden,
        // Whom one may assign is known before the contact is looked for.
        (true, _) if then == Outcome::NotEligible => then,
        (true, false) => Outcome::Unseen,
        (true, true) => then,
    }
}

/// R17: texting a number is no way into its history.
fn existing(member: &Member, stands: Stands) -> Outcome {
    match (member.writes(), member.sees(stands)) {
        (false, _) => Outcome::Forbidden,
        (true, false) => Outcome::Unseen,
        (true, true) => Outcome::Exists,
    }
}

/// Contacts are created by those who may open any record, and by those who may start conversations.
fn creates(member: &Member, then: Outcome) -> Outcome {
    let records = member.kind.is_some() && member.records != Records::None;
    if records || member.writes() { then } else { Outcome::Forbidden }
}

/// R7: a card that is seen because of a conversation is read; a record is changed by those who may open it.
fn in_record(member: &Member, stands: Stands) -> Outcome {
    match (member.sees_card(stands), member.opens_record(stands)) {
        (false, _) => Outcome::Unseen,
        (true, false) => Outcome::Forbidden,
        (true, true) => Outcome::Done,
    }
}
