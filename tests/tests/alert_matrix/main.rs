//! R11 to R15 as tables: whom the relay tells, for members in every state × conversations in every state × everything that
//! may happen, compared with [`offdesk_tests::reference::alerts`]; and what two devices of each of two members show, whatever
//! the order in which they come back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]

mod devices;
mod table;
