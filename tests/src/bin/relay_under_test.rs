//! The relay's program, for tests that kill it: Cargo tells a test where its own package's programs are, not another's.

fn main() -> std::process::ExitCode {
    offdesk_relay::cli::run()
}
