//! Access of a member, resolved from role and overrides (R1 to R8).

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

    /// Whether they may open this contact's record (R7).
    pub fn sees_record(&self, contact: &Contact) -> bool {
        match self.contacts {
            ContactAccess::All => true,
            ContactAccess::Own => contact.owner == Some(self.member) || contact.shared_with.contains(&self.member),
            ContactAccess::None => false,
        }
    }

    /// How a conversation is visible to them: on the dashboard by R4 to R6, through the record by R7.
    pub fn conversation(&self, assigned: bool, sees_record: bool) -> Visibility {
        let dashboard = match self.dashboard {
            DashboardAccess::All => Visibility::DASHBOARD,
            DashboardAccess::Assigned if assigned => Visibility::DASHBOARD,
            DashboardAccess::Assigned | DashboardAccess::None => Visibility::NONE,
        };
        let record =
            if sees_record && self.messages >= MessageAccess::Read { Visibility::RECORD } else { Visibility::NONE };
        dashboard.with(record)
    }

    /// How a contact is visible: by its record, or because a conversation with it is (R7's last sentence).
    pub fn contact(&self, sees_record: bool, sees_a_conversation: bool) -> Visibility {
        if sees_record || sees_a_conversation { Visibility::DASHBOARD } else { Visibility::NONE }
    }

    /// Whether they can be assigned (R8): not with dashboard access `none`.
    pub fn assignable(&self) -> bool {
        self.dashboard != DashboardAccess::None
    }
}
