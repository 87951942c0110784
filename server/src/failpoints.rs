//! The relay's crash points, for the kill tests: see [`offdesk_core::failpoint`].

pub use offdesk_core::failpoint::hit;

/// A message is marked `dispatching`, durably; nothing else has happened.
pub const DISPATCH_CLAIMED: &str = "dispatch.claimed";
/// Right before the provider is called.
pub const DISPATCH_BEFORE_PROVIDER: &str = "dispatch.before_provider";
/// The provider has answered; nobody has looked at the answer.
pub const DISPATCH_AFTER_PROVIDER: &str = "dispatch.after_provider";
/// Right before the outcome is written.
pub const DISPATCH_BEFORE_OUTCOME: &str = "dispatch.before_outcome";
/// A push is checked and written, inside its transaction.
pub const ACCEPT_IN_TRANSACTION: &str = "accept.in_transaction";
/// A push's transaction is complete but for the commit.
pub const ACCEPT_BEFORE_COMMIT: &str = "accept.before_commit";
/// An inbound message is written, inside its transaction.
pub const INBOUND_IN_TRANSACTION: &str = "inbound.in_transaction";
/// The writer is about to commit.
pub const WRITER_BEFORE_COMMIT: &str = "writer.before_commit";
/// The writer has committed and told nobody.
pub const WRITER_AFTER_COMMIT: &str = "writer.after_commit";

/// Every point, for tests that try each.
pub const ALL: [&str; 9] = [
    DISPATCH_CLAIMED,
    DISPATCH_BEFORE_PROVIDER,
    DISPATCH_AFTER_PROVIDER,
    DISPATCH_BEFORE_OUTCOME,
    ACCEPT_IN_TRANSACTION,
    ACCEPT_BEFORE_COMMIT,
    INBOUND_IN_TRANSACTION,
    WRITER_BEFORE_COMMIT,
    WRITER_AFTER_COMMIT,
];
