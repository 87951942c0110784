//! `offdesk-relay demo`: a relay on its embedded database, two members' phones as real devices on their own encrypted
//! files, an SMS provider that speaks Twilio's shape, and one scene played on them.

use std::{
    io::{self, Write},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    cast::{Cast, CastError},
    provider::{Options, Provider, StartError},
    scene,
};
use crate::{
    config::{Config, Secret, Sms},
    serve::{self, ServeError},
    store::StoreError,
};

/// What the demo is told.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Play the scene and exit: 0 if everything came out as told
    #[arg(long)]
    pub scene_only: bool,
    /// Keep the databases in this folder, which must be empty or new [default: a temporary one, removed at the end]
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// Where the relay listens; another port is taken if this one is not free
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    pub listen: SocketAddr,
}

/// The demo can't go on.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The folder holds something.
    #[error("{0} is not empty: name another folder with --data, or leave it out")]
    NotEmpty(PathBuf),
    /// A file, socket or the terminal failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The relay can't start.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The provider can't start.
    #[error(transparent)]
    Provider(#[from] StartError),
    /// The workspace or the phones can't be set up.
    #[error(transparent)]
    Cast(#[from] CastError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The scene came out otherwise than it should.
    #[error("the scene failed: {0}")]
    Scene(String),
}

/// Plays the demo; without `scene_only` it stays up until interrupted.
///
/// # Errors
/// [`DemoError`].
pub async fn run(args: Args) -> Result<(), DemoError> {
    let temporary = match &args.data {
        None => Some(tempfile::Builder::new().prefix("offdesk-demo-").tempdir()?),
        Some(_) => None,
    };
    let folder = temporary.as_ref().map(|folder| folder.path().to_owned()).or(args.data.clone()).unwrap_or_default();
    prepare(&folder)?;
    let provider = Provider::start(Options::default()).await?;
    let listen = free(args.listen)?;
    let running = serve::start(config(&folder, listen, &provider)).await?;
    let inbound = format!("{}/v1/sms/twilio/inbound", running.url());
    if let Ok(url) = inbound.parse() {
        provider.set_inbound_url(url);
    }
    say(&format!("Relay on {} · database {}", running.url(), folder.join("relay.db").display()))?;
    let cast = Cast::gather(&running, &folder).await?;
    scene::play(&cast, &provider).await?;
    if !args.scene_only {
        stay(&cast, &provider, &running.url()).await?;
    }
    cast.leave().await;
    provider.stop().await;
    running.stop().await?;
    Ok(())
}

/// One line to the terminal.
pub(super) fn say(line: &str) -> Result<(), io::Error> {
    writeln!(io::stdout().lock(), "{line}")
}

async fn stay(cast: &Cast, provider: &Provider, relay: &str) -> Result<(), DemoError> {
    let code = cast.code_for_ana().await?;
    let text = r#"{"from":"+14155552671","to":"+14155550100","body":"One more thing…"}"#;
    say("")?;
    say("Everything stays up; Ctrl-C ends it. Send another SMS as the customer:")?;
    say("")?;
    say(&format!("  curl -sS {}/control/inbound -H 'content-type: application/json' -d '{text}'", provider.url()))?;
    say("")?;
    say("Start a phone of Ana's in another terminal (enrol it once, then open it):")?;
    say("")?;
    let handset = "cargo run --release -p offdesk-core --example handset -- --db ana.db --key-file ana.key";
    say(&format!("  {handset} enrol {relay} {code}"))?;
    say(&format!("  {handset}"))?;
    say("")?;
    tokio::signal::ctrl_c().await?;
    say("Stopping.")?;
    Ok(())
}

fn prepare(folder: &Path) -> Result<(), DemoError> {
    std::fs::create_dir_all(folder)?;
    if std::fs::read_dir(folder)?.next().is_some() {
        return Err(DemoError::NotEmpty(folder.to_owned()));
    }
    Ok(())
}

/// The address if its port is free, else one with a port that is.
fn free(wanted: SocketAddr) -> Result<SocketAddr, io::Error> {
    let listener = TcpListener::bind(wanted).or_else(|_| TcpListener::bind((wanted.ip(), 0)))?;
    listener.local_addr()
}

fn config(folder: &Path, listen: SocketAddr, provider: &Provider) -> Config {
    let url = |text: String| text.parse().ok();
    let sms = url(provider.url()).map(|base_url| Sms {
        base_url,
        account_sid: provider.account_sid().to_owned(),
        auth_token: Some(Secret::new(provider.auth_token())),
        auth_token_file: None,
        status_callback: true,
        settle: Duration::from_secs(1),
    });
    Config {
        database: folder.join("relay.db"),
        listen,
        public_url: url(format!("http://{listen}")),
        sms,
        ..Config::default()
    }
}
