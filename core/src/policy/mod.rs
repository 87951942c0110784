//! Who may do and see what: pure functions that answer allow, or deny with a reason. The device asks them for an early,
//! clear error; the relay asks the same ones at receive time, with its own state and clock.

pub mod access;
pub mod change;
pub mod held;
pub mod set_up;

pub use access::{Access, Visibility, own_record_of};
pub use change::{ConversationFacts, MAX_AHEAD, judge_contact, judge_conversation};
pub use set_up::{After, check_set_up, judge_registers};
