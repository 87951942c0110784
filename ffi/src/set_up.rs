//! Who uses the device, and what the workspace has: members, queues, canned responses.

use offdesk_core::{
    engine,
    ids::{CannedId, DeviceId, IntentId, MemberId, QueueId, WorkspaceId},
    model::{self, ContactAccess, DashboardAccess, MessageAccess},
    policy, template,
    time::Timestamp,
};

/// What reaches a member's dashboard (R3).
#[uniffi::remote(Enum)]
pub enum DashboardAccess {
    /// Every conversation.
    All,
    /// Those assigned to them.
    Assigned,
    /// None.
    None,
}

/// Which contacts' records a member may open (R7).
#[uniffi::remote(Enum)]
pub enum ContactAccess {
    /// All.
    All,
    /// Those that they own or that are shared with them.
    Own,
    /// None.
    None,
}

/// What a member may do with messages (R7).
#[uniffi::remote(Enum)]
pub enum MessageAccess {
    /// Read and write.
    Write,
    /// Read.
    Read,
    /// Neither.
    None,
}

/// What a member may see and do, everything considered.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Access {
    /// Whether they administer the workspace (R1).
    pub administrator: bool,
    /// What reaches their dashboard.
    pub dashboard: DashboardAccess,
    /// Which contacts' records they may open.
    pub contacts: ContactAccess,
    /// What they may do with messages.
    pub messages: MessageAccess,
}

impl From<policy::Access> for Access {
    fn from(access: policy::Access) -> Self {
        Self {
            administrator: access.administrator,
            dashboard: access.dashboard,
            contacts: access.contacts,
            messages: access.messages,
        }
    }
}

/// Who uses this device.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Me {
    /// The member.
    pub member: MemberId,
    /// Their name; `Unknown member` before the first sync.
    pub name: String,
    /// This device.
    pub device: DeviceId,
    /// The workspace.
    pub workspace: WorkspaceId,
    /// Where the relay is.
    pub relay: String,
    /// Whether they can toggle between all conversations and their own (R4, R5).
    pub has_toggle: bool,
    /// What they may do; nothing before the first sync, and for a member who was deactivated.
    pub access: Option<Access>,
}

impl From<engine::Me> for Me {
    fn from(me: engine::Me) -> Self {
        Self {
            has_toggle: me.has_toggle(),
            member: me.member,
            name: me.name,
            device: me.device,
            workspace: me.workspace,
            relay: me.relay,
            access: me.access.map(Into::into),
        }
    }
}

/// A member of the workspace.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Member {
    /// Their id.
    pub id: MemberId,
    /// Their name.
    pub name: String,
    /// Whether they are one still.
    pub active: bool,
}

impl From<model::Member> for Member {
    fn from(member: model::Member) -> Self {
        Self { id: member.id, name: member.name, active: member.active }
    }
}

/// A queue of the workspace (R36).
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Queue {
    /// Its id.
    pub id: QueueId,
    /// Its name.
    pub name: String,
    /// Whether nothing is moved to it any more.
    pub archived: bool,
    /// Who is on it; nobody: everybody.
    pub members: Vec<MemberId>,
}

/// What of the workspace's settings a screen shows.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Workspace {
    /// Its name.
    pub name: String,
    /// Region for phone numbers without a country code, such as `US`.
    pub region: String,
    /// Our SMS numbers in E.164; the first is the default sender.
    pub numbers: Vec<String>,
    /// The queues, archived ones included.
    pub queues: Vec<Queue>,
}

impl From<model::Settings> for Workspace {
    fn from(settings: model::Settings) -> Self {
        let queue = |(id, queue): (QueueId, model::settings::Queue)| Queue {
            id,
            name: queue.name,
            archived: queue.archived,
            members: queue.members.into_iter().collect(),
        };
        Self {
            name: settings.name,
            region: settings.region,
            numbers: settings.numbers,
            queues: settings.queues.into_iter().map(queue).collect(),
        }
    }
}

/// Which canned response.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum CannedRef {
    /// One that everybody has.
    Shared {
        /// Its id.
        id: CannedId,
    },
    /// One of the member's own.
    Own {
        /// Its id.
        id: IntentId,
    },
}

impl From<CannedRef> for engine::CannedRef {
    fn from(canned: CannedRef) -> Self {
        match canned {
            CannedRef::Shared { id } => Self::Shared(id),
            CannedRef::Own { id } => Self::Own(id),
        }
    }
}

/// A canned response, to choose (R37).
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct CannedResponse {
    /// Which.
    pub id: CannedRef,
    /// What is typed for it.
    pub shortcut: String,
    /// What it says, with its variables.
    pub text: String,
}

impl From<engine::CannedChoice> for CannedResponse {
    fn from(choice: engine::CannedChoice) -> Self {
        let id = match choice.id {
            engine::CannedRef::Shared(id) => CannedRef::Shared { id },
            engine::CannedRef::Own(id) => CannedRef::Own { id },
        };
        Self { id, shortcut: choice.canned.shortcut, text: choice.canned.text }
    }
}

/// A text with its variables' values in it.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Expanded {
    /// The text.
    pub text: String,
    /// Variables that have no value: nothing stands in their places.
    pub missing: Vec<String>,
    /// Variables that there are none of.
    pub unknown: Vec<String>,
}

impl From<template::Expanded> for Expanded {
    fn from(expanded: template::Expanded) -> Self {
        Self { text: expanded.text, missing: expanded.missing, unknown: expanded.unknown }
    }
}

/// A code that enrols one more device of the same member.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct EnrolmentCode {
    /// The code.
    pub code: String,
    /// Until when it can be used.
    pub expires: Timestamp,
}
