//! The command line of `offdesk-relay`.
//!
//! Exit codes: 0 done, 1 failed (the reason is on standard error), 2 the command line can't be understood.

mod admin;
mod log;
mod output;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};

use crate::{
    admin::AdminError,
    config::{Config, ConfigError, Overrides},
    serve::{self, ServeError},
};

/// Offdesk's relay: accepts, orders and replicates what teams do in their shared inbox, online or not, and sends their
/// messages.
///
/// Start with `offdesk-relay admin workspace create`, add members, make an enrolment code for each device with
/// `admin code create`, then run `offdesk-relay serve`.
#[derive(Debug, Parser)]
#[command(name = "offdesk-relay", version, after_help = AFTER)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const AFTER: &str = "Settings come from the file, then from the environment (OFFDESK_DATABASE, OFFDESK_SMS__AUTH_TOKEN, …), then from \
these options; the later one counts.\nExit codes: 0 done, 1 failed, 2 the command line can't be understood.";

#[derive(Args, Debug)]
struct Global {
    /// The configuration file (TOML). `offdesk-relay config --print-default` shows one.
    #[arg(long, short, global = true, env = "OFFDESK_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The database file.
    #[arg(long, global = true, value_name = "FILE")]
    database: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the relay until it is told to stop (Ctrl-C or SIGTERM).
    Serve {
        /// Where to listen, such as 0.0.0.0:8080.
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<std::net::SocketAddr>,
    },
    /// Create workspaces, members, codes and backups; look at devices, refusals and the audit trail. Works while the relay
    /// runs or not.
    Admin(admin::AdminArgs),
    /// Show the main job on real devices: a relay, two phones, an SMS provider, and one scene played on them.
    #[cfg(feature = "demo")]
    Demo(crate::demo::Args),
    /// Check the configuration, or print one to start from.
    #[command(group = clap::ArgGroup::new("what").required(true))]
    Config {
        /// Read everything as `serve` would, and say what is wrong.
        #[arg(long, group = "what")]
        check: bool,
        /// Print the defaults as a file.
        #[arg(long, group = "what")]
        print_default: bool,
        /// Print what `serve` would use, secrets hidden.
        #[arg(long, group = "what")]
        print: bool,
    },
}

/// What a command failed of.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The relay failed.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// An administrative act was not done.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// The demo failed.
    #[cfg(feature = "demo")]
    #[error(transparent)]
    Demo(#[from] crate::demo::DemoError),
    /// There is no database to administer.
    #[error(
        "there is no database {0}; name it with --database or --config, or create it with `admin workspace create`"
    )]
    NoDatabase(PathBuf),
    /// Nothing can be printed.
    #[error("the output can't be written: {0}")]
    Output(#[from] std::io::Error),
    /// The runtime can't be started.
    #[error("the program can't be started: {0}")]
    Runtime(std::io::Error),
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness: {0}")]
    Random(#[from] rand::rngs::SysError),
}

/// Reads the command line and does what it says.
pub fn run() -> ExitCode {
    match execute(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader has gone (`| head`): nothing is wrong.
        Err(CliError::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn execute(cli: Cli) -> Result<(), CliError> {
    let Cli { global, command } = cli;
    match command {
        Command::Serve { listen } => serve(read(&global, listen)?),
        Command::Admin(args) => admin::run(args, &read(&global, None)?),
        #[cfg(feature = "demo")]
        Command::Demo(args) => demo(args),
        Command::Config { print_default: true, .. } => output::print(&Config::default().to_toml()?),
        Command::Config { print: true, .. } => output::print(&read(&global, None)?.to_toml()?),
        Command::Config { .. } => {
            read(&global, None)?;
            output::print("The configuration is fine.\n")
        }
    }
}

fn read(global: &Global, listen: Option<std::net::SocketAddr>) -> Result<Config, ConfigError> {
    Config::read(global.config.as_deref(), &Overrides { database: global.database.clone(), listen })
}

fn serve(config: Config) -> Result<(), CliError> {
    log::init(&config.log);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(CliError::Runtime)?;
    runtime.block_on(async {
        let running = serve::start(config).await?;
        let shutdown = running.app().shutdown.clone();
        let signals = tokio::spawn(async move {
            let signal = signal().await;
            tracing::info!(signal, "shutting down");
            shutdown.cancel();
        });
        let config = &running.app().config;
        tracing::info!(address = %running.addr(), tls = config.tls.is_some(), database = %config.database.display(), "the relay listens");
        let ended = running.wait().await;
        signals.abort();
        tracing::info!("the relay has ended");
        Ok(ended?)
    })
}

#[cfg(feature = "demo")]
fn demo(args: crate::demo::Args) -> Result<(), CliError> {
    let level = std::env::var("RUST_LOG").unwrap_or_else(|_| "warn".into());
    log::init(&crate::config::Log { level, ..Default::default() });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(CliError::Runtime)?;
    Ok(runtime.block_on(crate::demo::run(args))?)
}

/// Waits until somebody asks the process to end.
async fn signal() -> &'static str {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (interrupt, terminate) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
        if let (Ok(mut interrupt), Ok(mut terminate)) = (interrupt, terminate) {
            return tokio::select! {
                _ = interrupt.recv() => "SIGINT",
                _ = terminate.recv() => "SIGTERM",
            };
        }
    }
    match tokio::signal::ctrl_c().await {
        Ok(()) => "Ctrl-C",
        // Without signals the process ends as the system ends it; the store survives that.
        Err(_) => std::future::pending().await,
    }
}
