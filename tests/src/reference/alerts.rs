//! R8, R11 to R14, and the mentions of R26: whether one member is told of what happens in a conversation.

use super::access::{Member, Stands};

/// Who did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The member themselves.
    Themselves,
    /// A colleague.
    Colleague,
    /// An automation.
    Automation,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// The contact wrote.
    ContactWrote,
    /// The member was assigned.
    Assigned(By),
    /// A note mentioned the member.
    Mentioned(By),
}

impl Happening {
    /// Everything that may happen.
    pub const ALL: [Happening; 6] = [
        Happening::ContactWrote,
        Happening::Assigned(By::Themselves),
        Happening::Assigned(By::Colleague),
        Happening::Assigned(By::Automation),
        Happening::Mentioned(By::Themselves),
        Happening::Mentioned(By::Colleague),
    ];
}

/// The queue that the conversation is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// None.
    None,
    /// One without members.
    Everybodys,
    /// One with the member on it.
    Theirs,
    /// One of others.
    Others,
    /// One of others that is archived: nobody's any more.
    Archived,
}

/// Who else is assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    /// Nobody.
    Nobody,
    /// A colleague who has a dashboard.
    Colleague,
    /// One who has none: that counts as nobody (R8).
    Inert,
}

/// The conversation when it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scene {
    /// Whether the member is assigned already.
    pub assigned: bool,
    /// Who else is.
    pub other: Other,
    /// Where it is.
    pub queue: Queue,
    /// Whether the contact is blocked as spam.
    pub blocked: bool,
}

impl Happening {
    /// Whether the member is told.
    pub fn tells(self, member: &Member, scene: Scene) -> bool {
        match self {
            // R26: nobody is told of what spam says.
            Happening::ContactWrote if scene.blocked => false,
            // R11: whoever is assigned and counts, always.
            Happening::ContactWrote if scene.assigned && member.can_be_assigned() => true,
            // R13: from the first effective assignee on, nobody else.
            Happening::ContactWrote if scene.other == Other::Colleague => false,
            // R12: those with `all`; in a queue with members, only those of them.
            Happening::ContactWrote => member.sees_all() && scene.queue != Queue::Others,
            // R14: when someone else assigns them, who was not assigned; R6, R8: not without a dashboard. An automation's
            // assignment tells only if it says so, and here none does.
            Happening::Assigned(By::Colleague) => !scene.assigned && member.can_be_assigned(),
            Happening::Assigned(By::Themselves | By::Automation) => false,
            // R26, R7: who is mentioned by somebody else, if the conversation is on their dashboard.
            Happening::Mentioned(By::Colleague) => member.on_dashboard(Stands { assigned: scene.assigned, own: false }),
            Happening::Mentioned(By::Themselves | By::Automation) => false,
        }
    }
}
