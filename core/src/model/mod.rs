//! The document schema: what an Automerge document of each kind holds and how it is read and written. Automerge
//! keys live only in this module.
//!
//! - [`genesis`]: the pinned first change of every document.
//! - [`conversation`] with its [`sorting`], [`contact`], [`directory`], [`settings`]: the states that documents are read into.
//! - [`mod@write`]: how a verb's [`Action`]s become the operations of one change.
//! - [`outline`]: what lists show of a document, to be had without loading it.
//! - [`decode`]: the way back: which actions the operations of a received change mean, or why it is refused.
//! - [`inspect`]: bounds on a received change's bytes, checked before Automerge parses them.

pub mod action;
mod advance;
pub mod contact;
mod contents;
pub mod conversation;
pub mod decode;
pub mod directory;
pub mod document;
pub mod genesis;
pub mod inspect;
pub mod outline;
pub mod refusal;
pub mod settings;
pub mod sorting;
pub mod write;

pub use action::{Action, AssignmentKey, HeldChoice, MessageKind, NewMessage};
pub use contact::{Consent, Contact, Reach};
pub use conversation::{Assignment, Channel, Conversation, Message, Origin, Status};
pub use directory::{ContactAccess, DashboardAccess, Directory, Member, MessageAccess, Role, RoleKind};
pub use document::{Document, DocumentError};
pub use genesis::Kind;
pub use outline::Outline;
pub use refusal::{Refusal, RefusalCode};
pub use settings::{Automation, Canned, Engagement, Hours, Queue, RegisterEdit, Settings};
pub use sorting::{Priority, Snooze, Sorting, Waking};
