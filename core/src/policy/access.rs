//! Access of a member, resolved from role and overrides (R1 to R8), and what it lets them see.
//!
//! What a member may see is decided here and nowhere else. The relay asks [`Access::conversation`] and
//! [`Access::contact`] with what it knows of a document (is it assigned to them, is the record theirs), and where a query
//! has to choose among many documents it is made of [`Access::shows`] and [`Access::opens_record`].

use serde::{Deserialize, Serialize};

use crate::{
    ids::MemberId,
    model::{Contact, ContactAccess, DashboardAccess, Directory, MessageAccess, RoleKind},
};

/// What one member may see and do, everything considered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Who.
    pub member: MemberId,
    /// Whether they administer the workspace (R1).
    pub administrator: bool,
    /// What reaches their dashboard (R3).
    pub dashboard: DashboardAccess,
    /// Which contacts' records they may open (R7).
    pub contacts: ContactAccess,
    /// What they may do with messages (R7).
    pub messages: MessageAccess,
}

/// The ways by which a document is visible to a member. The bits are kept on the device, so that record-path documents
/// stay off every list, count and badge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Visibility(pub u8);

impl Visibility {
    /// Not visible.
    pub const NONE: Visibility = Visibility(0);
    /// On the member's dashboard; for other kinds than conversations, simply visible.
    pub const DASHBOARD: Visibility = Visibility(1);
    /// Through the contact's record (R7).
    pub const RECORD: Visibility = Visibility(2);

    /// Whether any bit is set.
    pub const fn any(self) -> bool {
        self.0 != 0
    }

    /// Whether it is on the dashboard.
    pub const fn dashboard(self) -> bool {
        self.0 & Self::DASHBOARD.0 != 0
    }

    /// Both together.
    #[must_use]
    pub const fn with(self, other: Visibility) -> Visibility {
        Visibility(self.0 | other.0)
    }
}

impl Access {
    /// Resolves a member's access; `None` if they are unknown or deactivated (R10).
    pub fn of(directory: &Directory, id: MemberId) -> Option<Access> {
        let member = directory.members.get(&id).filter(|member| member.active)?;
        // R2: a member may hold no role; then no Conversations at all.
        let none = Access {
            member: id,
            administrator: false,
            dashboard: DashboardAccess::None,
            contacts: ContactAccess::None,
            messages: MessageAccess::None,
        };
        let Some(role) = directory.role_of(id) else { return Some(none) };
        Some(Access {
            member: id,
            administrator: role.kind == RoleKind::Administrator,
            dashboard: member.dashboard_override.unwrap_or(role.dashboard),
            contacts: role.contacts,
            messages: role.messages,
        })
    }

    /// Whether a conversation is on their dashboard (R4 to R6).
    pub fn shows(&self, assigned: bool) -> bool {
        match self.dashboard {
            DashboardAccess::All => true,
            DashboardAccess::Assigned => assigned,
            DashboardAccess::None => false,
        }
    }

    /// Whether they may open a contact's record (R7); `own` is whether they are one of [`own_record_of`].
    pub fn opens_record(&self, own: bool) -> bool {
        match self.contacts {
            ContactAccess::All => true,
            ContactAccess::Own => own,
            ContactAccess::None => false,
        }
    }

    /// Whether they may open this contact's record (R7).
    pub fn sees_record(&self, contact: &Contact) -> bool {
        self.opens_record(own_record_of(contact).any(|member| member == self.member))
    }

    /// How a conversation is visible to them: on the dashboard by R4 to R6, through the record by R7.
    pub fn conversation(&self, assigned: bool, opens_record: bool) -> Visibility {
        let dashboard = if self.shows(assigned) { Visibility::DASHBOARD } else { Visibility::NONE };
        let record = if opens_record && self.reads() { Visibility::RECORD } else { Visibility::NONE };
        dashboard.with(record)
    }

    /// How a contact is visible: by its record, or because a conversation with it is (R7's last sentence).
    pub fn contact(&self, opens_record: bool, shows_a_conversation: bool) -> Visibility {
        if opens_record || shows_a_conversation { Visibility::DASHBOARD } else { Visibility::NONE }
    }

    /// How directory and settings are visible: everybody may read the set-up (R2), and needs it to work.
    pub fn set_up(&self) -> Visibility {
        Visibility::DASHBOARD
    }

    /// Whether they may look at messages through a record (R7).
    pub fn reads(&self) -> bool {
        self.messages >= MessageAccess::Read
    }

    /// Whether they may write in conversations that they see (R7).
    pub fn writes(&self) -> bool {
        self.messages >= MessageAccess::Write
    }

    /// Whether they may start a conversation with a contact: with one whose card they see, and if every conversation is
    /// on their dashboard with any, for this one will be, and the card with it.
    pub fn starts_with(&self, sees_contact: bool) -> bool {
        self.shows(false) || sees_contact
    }

    /// Whether they can be assigned (R8): not with dashboard access `none`.
    pub fn assignable(&self) -> bool {
        self.dashboard != DashboardAccess::None
    }
}

/// Those whose own a contact's record is (R7): its owner, and whom it is shared with.
pub fn own_record_of(contact: &Contact) -> impl Iterator<Item = MemberId> {
    contact.owner.into_iter().chain(contact.shared_with.iter().copied())
}
