//! What may be written where in a document, and by whom: the schema's paths as a table, for changes that no verb of ours
//! makes. A change is a list of steps; it is done as a whole or not at all.

use super::access::{Member, Records, Stands};

/// A place of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A conversation's fixed facts: whom it is with, over what.
    Opening,
    /// Its messages and notes.
    Messages,
    /// Who is assigned.
    Assignments,
    /// What closed it.
    Closings,
    /// What undid a closing.
    Reopenings,
    /// What was decided about held replies (R33).
    Decisions,
    /// Its tags.
    Tags,
    /// How it came about (R22).
    Origins,
    /// Snoozes, and what ended them (R20).
    Snoozes,
    /// How urgent it is.
    Priority,
    /// Which queue it is in (R36).
    Queue,
    /// What campaign or checkout it comes from (R22).
    Details,
    /// Maps of a conversation that nobody writes yet.
    Unused,
    /// A contact's phones.
    Phones,
    /// With whom its record is shared.
    Shared,
    /// Its custom fields.
    Custom,
    /// Its name, e-mail, owner.
    Fields,
    /// What the contact said about messages (R34).
    Consent,
    /// Whether it is spam.
    Blocked,
    /// Members of the workspace.
    Members,
    /// Roles.
    Roles,
    /// Settings.
    Values,
    /// Queues.
    Queues,
    /// Canned responses.
    Canned,
    /// Opening hours.
    Hours,
    /// Engagements.
    Engagements,
    /// Automations.
    Automations,
}

/// What is done there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deed {
    /// Something new is written.
    Add,
    /// Something that stands there is overwritten.
    Change,
    /// Something that stands there is taken away.
    Remove,
}

/// On what kind of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// A conversation that is there.
    Conversation,
    /// One that comes into being, with a contact that is there.
    NewConversation,
    /// A contact that is there.
    Contact,
    /// One that comes into being.
    NewContact,
    /// Directory or settings.
    SetUp,
}

/// One step of a change.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Where.
    pub place: Place,
    /// What.
    pub deed: Deed,
    /// Whether it is well-formed in itself: its author, key, type, time and references are what the schema wants.
    pub sound: bool,
    /// R8: of an assignment by hand, whether whom it names can be assigned.
    pub eligible: bool,
    /// R33: of a decision, whether the held reply is the member's own.
    pub own: bool,
}

/// What the relay is to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// It is done.
    Done,
    /// It is refused.
    Refused,
    /// R9: nothing is told.
    Unseen,
}

impl Place {
    /// Every place.
    pub const ALL: [Place; 27] = [
        Place::Opening,
        Place::Messages,
        Place::Assignments,
        Place::Closings,
        Place::Reopenings,
        Place::Decisions,
        Place::Tags,
        Place::Origins,
        Place::Snoozes,
        Place::Priority,
        Place::Queue,
        Place::Details,
        Place::Unused,
        Place::Phones,
        Place::Shared,
        Place::Custom,
        Place::Fields,
        Place::Consent,
        Place::Blocked,
        Place::Members,
        Place::Roles,
        Place::Values,
        Place::Queues,
        Place::Canned,
        Place::Hours,
        Place::Engagements,
        Place::Automations,
    ];

    /// Whether members write there in this way at all.
    pub fn allows(self, deed: Deed) -> bool {
        match self {
            // What was said and done stays (R20: it is undone by a new entry, never by taking the old one away).
            Place::Opening
            | Place::Messages
            | Place::Closings
            | Place::Reopenings
            | Place::Decisions
            | Place::Snoozes => deed == Deed::Add,
            // Something is there or it isn't.
            Place::Assignments | Place::Tags | Place::Phones | Place::Shared | Place::Blocked => deed != Deed::Change,
            // It is never unknown how urgent something is.
            Place::Priority => deed != Deed::Remove,
            Place::Queue
            | Place::Custom
            | Place::Fields
            | Place::Consent
            | Place::Members
            | Place::Roles
            | Place::Values
            | Place::Queues
            | Place::Canned
            | Place::Hours
            | Place::Engagements
            | Place::Automations => true,
            // R22: the relay marks campaigns and checkouts.
            Place::Origins | Place::Details | Place::Unused => false,
        }
    }
}

/// What is to become of a change.
pub fn judge(member: &Member, stands: Stands, on: On, steps: &[Step]) -> Ruling {
    let sound = steps.iter().all(|step| step.sound && step.place.allows(step.deed));
    // R8 and R33 look at whom a step concerns.
    let concerns = |step: &Step| match step.place {
        Place::Assignments => step.eligible,
        Place::Decisions => step.own || stands.assigned,
        _ => true,
    };
    let proper = sound && steps.iter().all(concerns);
    let done = |may: bool| if may && proper { Ruling::Done } else { Ruling::Refused };
    match on {
        On::Conversation if !member.sees(stands) => Ruling::Unseen,
        On::Conversation => done(member.writes()),
        On::Contact if !member.sees_card(stands) => Ruling::Unseen,
        On::Contact => done(member.opens_record(stands)),
        On::NewContact => done(member.kind.is_some() && member.records != Records::None || member.writes()),
        On::NewConversation => match done(member.writes()) {
            // R7: one starts with a contact whose card one sees; who sees all will see this one.
            Ruling::Done if !member.sees_all() && !member.sees_card(stands) => Ruling::Unseen,
            ruling => ruling,
        },
        On::SetUp => done(member.administers()),
    }
}
