//! Members and roles, as the directory document holds them: scalar registers `{id}.{field}`, so that two edits of
//! different fields never conflict and every edit can be judged by its key.

use std::collections::BTreeMap;

use automerge::ScalarValue;
use serde::{Deserialize, Serialize};

use crate::{
    ids::{MemberId, RoleId},
    model::{
        Action, Document,
        action::{RegisterMap, RegisterValue},
        contents::scalars,
        genesis::{MEMBERS, ROLES},
    },
};

/// What a role may administer (R1, R2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoleKind {
    /// Setup, configuration, members, roles; and everything a User may.
    Administrator,
    /// Creates and manages conversations.
    User,
}

/// What reaches a member's dashboard (R3 to R6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DashboardAccess {
    /// Nothing: no dashboard, no conversation alerts.
    None,
    /// Conversations assigned to them.
    Assigned,
    /// Every conversation.
    All,
}

/// Which contacts' records a member may open (R7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactAccess {
    /// None.
    None,
    /// Those they own or that are shared with them.
    Own,
    /// Every one.
    All,
}

/// What a member may do with messages (R7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageAccess {
    /// Nothing through the record path, no replies anywhere.
    None,
    /// Look.
    Read,
    /// Look and reply.
    Write,
}

/// Parses and prints the names of the access levels, which are the same in documents, flags and JSON.
macro_rules! names {
    ($($type:ident { $($variant:ident = $name:literal),* $(,)? })*) => {$(
        impl $type {
            /// The name in documents, flags and JSON.
            pub const fn name(self) -> &'static str {
                match self { $($type::$variant => $name),* }
            }

            /// Reads a name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some($type::$variant),)* _ => None }
            }
        }
    )*};
}

names! {
    RoleKind { Administrator = "administrator", User = "user" }
    DashboardAccess { None = "none", Assigned = "assigned", All = "all" }
    ContactAccess { None = "none", Own = "own", All = "all" }
    MessageAccess { None = "none", Read = "read", Write = "write" }
}

/// A role with its access.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Its id.
    pub id: RoleId,
    /// Its name.
    pub name: String,
    /// What it may administer.
    pub kind: RoleKind,
    /// What reaches its members' dashboards.
    pub dashboard: DashboardAccess,
    /// Which records its members may open.
    pub contacts: ContactAccess,
    /// What its members may do with messages.
    pub messages: MessageAccess,
}

impl Role {
    /// The actions that write this role into the directory.
    pub fn actions(&self) -> Vec<Action> {
        let set = |field: &str, value: &str| {
            register(RegisterMap::Roles, &self.id.to_string(), field, RegisterValue::Text(value.into()))
        };
        vec![
            set("name", &self.name),
            set("kind", self.kind.name()),
            set("dashboard", self.dashboard.name()),
            set("contacts", self.contacts.name()),
            set("messages", self.messages.name()),
        ]
    }
}

/// A person in the workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Their id.
    pub id: MemberId,
    /// Their name.
    pub name: String,
    /// Their role; none means no Conversations at all (R2).
    pub role: Option<RoleId>,
    /// Overrides the role's dashboard access (R3).
    pub dashboard_override: Option<DashboardAccess>,
    /// Whether they may use Offdesk at all (R10).
    pub active: bool,
}

impl Member {
    /// The actions that write this member into the directory.
    pub fn actions(&self) -> Vec<Action> {
        let id = self.id.to_string();
        let set = |field: &str, value| register(RegisterMap::Members, &id, field, value);
        let mut actions =
            vec![set("name", RegisterValue::Text(self.name.clone())), set("active", RegisterValue::Bool(self.active))];
        if let Some(role) = self.role {
            actions.push(set("role", RegisterValue::Text(role.to_string())));
        }
        if let Some(dashboard) = self.dashboard_override {
            actions.push(set("dashboard", RegisterValue::Text(dashboard.name().into())));
        }
        actions
    }
}

/// The directory document read into memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    /// Members by id, deactivated ones included.
    pub members: BTreeMap<MemberId, Member>,
    /// Roles by id.
    pub roles: BTreeMap<RoleId, Role>,
}

impl Directory {
    /// Reads a document. Entries that are not complete are passed over: a role without an access level grants nothing.
    pub fn read(document: &Document) -> Self {
        let doc = document.inner();
        let mut directory = Directory::default();
        for (id, fields) in group(scalars(doc, ROLES)) {
            let Ok(id) = id.parse::<RoleId>() else { continue };
            let text = |field: &str| fields.get(field).and_then(as_text);
            let role = Role {
                id,
                name: text("name").unwrap_or_default().to_owned(),
                kind: text("kind").and_then(RoleKind::from_name).unwrap_or(RoleKind::User),
                dashboard: text("dashboard").and_then(DashboardAccess::from_name).unwrap_or(DashboardAccess::None),
                contacts: text("contacts").and_then(ContactAccess::from_name).unwrap_or(ContactAccess::None),
                messages: text("messages").and_then(MessageAccess::from_name).unwrap_or(MessageAccess::None),
            };
            directory.roles.insert(id, role);
        }
        for (id, fields) in group(scalars(doc, MEMBERS)) {
            let Ok(id) = id.parse::<MemberId>() else { continue };
            let text = |field: &str| fields.get(field).and_then(as_text);
            let member = Member {
                id,
                name: text("name").unwrap_or_default().to_owned(),
                role: text("role").and_then(|role| role.parse().ok()),
                dashboard_override: text("dashboard").and_then(DashboardAccess::from_name),
                active: matches!(fields.get("active"), Some(ScalarValue::Boolean(true))),
            };
            directory.members.insert(id, member);
        }
        directory
    }

    /// The role of an active member.
    pub fn role_of(&self, member: MemberId) -> Option<&Role> {
        let member = self.members.get(&member).filter(|member| member.active)?;
        self.roles.get(&member.role?)
    }

    /// A member's name, or a stand-in for one that is not known here.
    pub fn name_of(&self, member: MemberId) -> &str {
        self.members.get(&member).map_or("Unknown member", |member| member.name.as_str())
    }
}

pub(super) fn register(map: RegisterMap, id: &str, field: &str, value: RegisterValue) -> Action {
    Action::SetRegister { map, key: format!("{id}.{field}"), value: Some(value) }
}

pub(super) fn as_text(value: &ScalarValue) -> Option<&str> {
    match value {
        ScalarValue::Str(text) => Some(text),
        _ => None,
    }
}

pub(super) fn group(scalars: Vec<(String, ScalarValue)>) -> BTreeMap<String, BTreeMap<String, ScalarValue>> {
    let mut groups: BTreeMap<String, BTreeMap<String, ScalarValue>> = BTreeMap::new();
    for (key, value) in scalars {
        if let Some((id, field)) = key.split_once('.') {
            groups.entry(id.to_owned()).or_default().insert(field.to_owned(), value);
        }
    }
    groups
}
