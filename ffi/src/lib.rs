//! What Kotlin and Swift see of Offdesk.
//!
//! This crate translates and decides nothing: each exported function or method is one call of `offdesk-core`. Today it
//! exports its version alone, which is enough to build, load and bind the library on every platform; `README.md` says
//! what follows.

uniffi::setup_scaffolding!();

/// The version of this library, such as `0.1.0`: for the app's "about" screen and for bug reports.
#[uniffi::export]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// The version of the sync protocol that this library speaks.
#[uniffi::export]
pub fn protocol_version() -> u16 {
    offdesk_core::protocol::VERSION
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_version_is_the_workspaces() {
        assert_eq!(super::version().split('.').count(), 3);
        assert_eq!(super::protocol_version(), offdesk_core::protocol::VERSION);
    }
}
