//! The relay's program; see [`offdesk_relay::cli`].

fn main() -> std::process::ExitCode {
    offdesk_relay::cli::run()
}
