//! The inbox: what a list row is ([`row`]), how it derives from a document, its facts and the member's registers
//! ([`project`]), which rows a filter takes ([`filter`]), what its member is told now ([`told`]) and why ([`explain`]), and the diffs that an observer of a list gets ([`mod@diff`]).

pub mod diff;
pub mod explain;
pub mod filter;
pub mod outline;
pub mod project;
pub mod row;
pub mod told;

#[cfg(test)]
mod explain_tests;
#[cfg(test)]
mod project_tests;
#[cfg(test)]
mod told_tests;

pub use diff::{ListDiff, diff};
pub use explain::{Explanation, Ground};
pub use filter::{Assignee, Counts, InboxFilter, Scope};
pub use outline::project_outline;
pub use project::{Projected, Registers, project_contact, project_conversation};
pub use row::{ActiveAlert, ContactRow, ConversationRow, MessageHit, MessageView, Preview, SearchHit, Sendable, Shows};
pub use told::{Peace, Told, Viewer};
