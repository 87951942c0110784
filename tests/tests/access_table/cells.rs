//! Every combination of what a member is given and how they stand to a conversation.

use offdesk_core::model::{ContactAccess, DashboardAccess, MessageAccess, RoleKind};
use offdesk_tests::reference::{Dashboard, Kind, Member, Messages, Records, Stands};
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};

/// R3: how a member comes by their dashboard access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// Their role gives it.
    ByRole,
    /// Their role gives another, and an override this one.
    ByOverride,
}

/// R7: contact access, and whose the record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// Every record is open to them; this one is a colleague's.
    All,
    /// Their own are; they own this one.
    OwnAsOwner,
    /// Their own are; this one is shared with them.
    OwnAsShared,
    /// Their own are; this one is a colleague's.
    OwnOfOthers,
    /// None is, though they own this one.
    None,
}

const KINDS: [Option<Kind>; 3] = [Some(Kind::Administrator), Some(Kind::User), None];
const DASHBOARDS: [Dashboard; 3] = [Dashboard::All, Dashboard::Assigned, Dashboard::None];
const GIVEN: [Given; 2] = [Given::ByRole, Given::ByOverride];
const ASSIGNED: [bool; 2] = [true, false];
const RECORDS: [Record; 5] = [Record::All, Record::OwnAsOwner, Record::OwnAsShared, Record::OwnOfOthers, Record::None];
const MESSAGES: [Messages; 3] = [Messages::Write, Messages::Read, Messages::None];

/// How many there are.
pub const COUNT: usize = KINDS.len() * DASHBOARDS.len() * GIVEN.len() * ASSIGNED.len() * RECORDS.len() * MESSAGES.len();

/// One combination.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    pub kind: Option<Kind>,
    pub dashboard: Dashboard,
    pub given: Given,
    pub assigned: bool,
    pub record: Record,
    pub messages: Messages,
}

/// All of them, mixed, so that whatever is wrong anywhere shows early.
pub fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for kind in KINDS {
        for dashboard in DASHBOARDS {
            for given in GIVEN {
                for assigned in ASSIGNED {
                    for record in RECORDS {
                        let of = |messages| Cell { kind, dashboard, given, assigned, record, messages };
                        cells.extend(MESSAGES.map(of));
                    }
                }
            }
        }
    }
    cells.shuffle(&mut StdRng::seed_from_u64(COUNT as u64));
    cells
}

impl Cell {
    /// The member, as the reference sees them.
    pub fn member(&self) -> Member {
        let records = match self.record {
            Record::All => Records::All,
            Record::OwnAsOwner | Record::OwnAsShared | Record::OwnOfOthers => Records::Own,
            Record::None => Records::None,
        };
        Member { kind: self.kind, dashboard: self.dashboard, records, messages: self.messages }
    }

    /// How they stand to the conversations.
    pub fn stands(&self) -> Stands {
        Stands { assigned: self.assigned, own: self.owns() || self.record == Record::OwnAsShared }
    }

    /// Whether they own the contacts' records.
    pub fn owns(&self) -> bool {
        matches!(self.record, Record::OwnAsOwner | Record::None)
    }

    /// Their role's kind, as the product writes it.
    pub fn role_kind(&self) -> Option<RoleKind> {
        self.kind.map(|kind| match kind {
            Kind::Administrator => RoleKind::Administrator,
            Kind::User => RoleKind::User,
        })
    }

    /// The role's dashboard access, and the member's own.
    pub fn role_dashboard(&self) -> (DashboardAccess, Option<DashboardAccess>) {
        let (this, other) = match self.dashboard {
            Dashboard::All => (DashboardAccess::All, DashboardAccess::None),
            Dashboard::Assigned => (DashboardAccess::Assigned, DashboardAccess::All),
            Dashboard::None => (DashboardAccess::None, DashboardAccess::Assigned),
        };
        match self.given {
            Given::ByRole => (this, None),
            Given::ByOverride => (other, Some(this)),
        }
    }

    /// The role's contact access.
    pub fn role_contacts(&self) -> ContactAccess {
        match self.member().records {
            Records::All => ContactAccess::All,
            Records::Own => ContactAccess::Own,
            Records::None => ContactAccess::None,
        }
    }

    /// The role's message access.
    pub fn role_messages(&self) -> MessageAccess {
        match self.messages {
            Messages::Write => MessageAccess::Write,
            Messages::Read => MessageAccess::Read,
            Messages::None => MessageAccess::None,
        }
    }
}
