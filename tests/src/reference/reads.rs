//! What a member gets to see of a conversation, by every way in which the relay sends something.

use super::access::{Member, Stands};

/// A way to see something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// A conversation, when a device begins.
    ColdConversation,
    /// Its contact's card, when a device begins.
    ColdCard,
    /// The card of a contact with whom there is no conversation.
    ColdLonelyCard,
    /// The directory.
    ColdDirectory,
    /// The settings.
    ColdSettings,
    /// A conversation that is asked for by its id.
    FetchedConversation,
    /// Its contact's card, asked for by its id.
    FetchedCard,
    /// The card of a contact without a conversation, asked for by its id.
    FetchedLonelyCard,
    /// The directory by its id.
    FetchedDirectory,
    /// The settings by their id.
    FetchedSettings,
    /// A conversation, asked for by its contact's record (R7).
    RecordsConversation,
    /// A new message, by the next pull.
    Delta,
    /// The same in a conversation that was asked for.
    DeltaOfFetched,
    /// A new message, by an open stream.
    Live,
    /// The same in a conversation that was asked for.
    LiveOfFetched,
    /// An alert of it (R11, R12).
    Alert,
    /// A conversation, by claiming to hold something else than one does.
    Digest,
}

/// What is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Nothing at all.
    Nothing,
    /// It.
    Seen,
    /// It, as a conversation of the dashboard.
    Dashboard,
    /// It, as a conversation that opens from its contact's record only (R7: off the dashboard).
    Record,
    /// It, by both ways.
    Both,
}

impl Read {
    /// Every way.
    pub const ALL: [Read; 17] = [
        Read::ColdConversation,
        Read::ColdCard,
        Read::ColdLonelyCard,
        Read::ColdDirectory,
        Read::ColdSettings,
        Read::FetchedConversation,
        Read::FetchedCard,
        Read::FetchedLonelyCard,
        Read::FetchedDirectory,
        Read::FetchedSettings,
        Read::RecordsConversation,
        Read::Delta,
        Read::DeltaOfFetched,
        Read::Live,
        Read::LiveOfFetched,
        Read::Alert,
        Read::Digest,
    ];

    /// What is to be seen.
    pub fn sight(self, member: &Member, stands: Stands) -> Sight {
        let (dashboard, record) = (member.on_dashboard(stands), member.by_record(stands));
        match self {
            // R9: what is sent by itself is what is on the dashboard (R5: nothing else).
            Read::ColdConversation if !dashboard => Sight::Nothing,
            Read::ColdConversation | Read::FetchedConversation => match (dashboard, record) {
                (false, false) => Sight::Nothing,
                (true, false) => Sight::Dashboard,
                (false, true) => Sight::Record,
                (true, true) => Sight::Both,
            },
            // What the dashboard shows comes by itself.
            Read::RecordsConversation if !dashboard && record => Sight::Record,
            Read::RecordsConversation => Sight::Nothing,
            Read::Delta | Read::Live | Read::Digest => seen(dashboard),
            // R7: what was opened from the record goes on being sent.
            Read::DeltaOfFetched | Read::LiveOfFetched => seen(member.sees(stands)),
            Read::ColdCard | Read::FetchedCard => seen(member.sees_card(stands)),
            Read::ColdLonelyCard | Read::FetchedLonelyCard => seen(member.opens_record(stands)),
            // R2: everybody may read the set-up.
            Read::ColdDirectory | Read::ColdSettings | Read::FetchedDirectory | Read::FetchedSettings => Sight::Seen,
            // R6, R7: a conversation that is off the dashboard raises none.
            Read::Alert => seen(member.is_alerted(stands)),
        }
    }
}

fn seen(yes: bool) -> Sight {
    if yes { Sight::Seen } else { Sight::Nothing }
}
