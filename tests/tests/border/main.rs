//! The scenarios that every language's suite plays against a real relay, here in Rust through the very types that Kotlin and
//! Swift call. Their names are in `tests/scenarios.txt`; each suite has a test of each.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod follow;
mod hand;
mod limits;
mod work;

/// Every scenario of the list is a test here.
#[test]
fn every_scenario_is_played() {
    let sources = [include_str!("follow.rs"), include_str!("limits.rs"), include_str!("work.rs")].concat();
    let missing: Vec<&str> = include_str!("../../scenarios.txt")
        .lines()
        .filter(|name| !sources.contains(&format!("async fn {name}()")))
        .collect();
    assert!(missing.is_empty(), "no test plays {missing:?}");
}
