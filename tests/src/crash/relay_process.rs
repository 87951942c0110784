//! The relay as a process of its own, run by its own command line, on one file and one port for all its lives.

use std::{
    ffi::OsStr,
    fs::{self, OpenOptions},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Stdio,
};

use offdesk_core::failpoint;
use offdesk_relay::{channels::twilio::INBOUND_PATH, demo::provider::Provider};
use rand::RngExt;
use serde_json::Value;
use tokio::process::{Child, Command};

use super::Death;
use crate::eventually;

/// A relay, running or not.
#[derive(Debug)]
pub struct RelayProcess {
    program: PathBuf,
    folder: PathBuf,
    database: PathBuf,
    addr: SocketAddr,
    /// Its present life.
    pub process: Option<Child>,
}

impl RelayProcess {
    /// Configures a relay in `folder` that sends through `provider`; it is not started.
    pub fn configured(program: &str, folder: &Path, provider: &Provider) -> Self {
        let addr = free_port();
        let config = format!(
            "listen = '{addr}'\npublic_url = 'http://{addr}'\n\n[sms]\nbase_url = '{}'\naccount_sid = '{}'\nauth_token = '{}'\n\
             settle = '300ms'\n",
            provider.url(),
            provider.account_sid(),
            provider.auth_token(),
        );
        fs::write(folder.join("relay.toml"), config).unwrap();
        provider.set_inbound_url(format!("http://{addr}{INBOUND_PATH}").parse().unwrap());
        let (folder, database) = (folder.to_owned(), folder.join("relay.db"));
        Self { program: program.into(), folder, database, addr, process: None }
    }

    /// Its address as devices write it.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Its database.
    pub fn database(&self) -> &Path {
        &self.database
    }

    /// From its next life on it runs on another file.
    pub fn move_to(&mut self, database: PathBuf) {
        self.database = database;
    }

    /// Starts it, to die as `death` says, and waits until it listens or is dead.
    pub async fn start(&mut self, death: Option<Death>) {
        let mut command = self.command();
        command.arg("serve").env_remove(failpoint::VARIABLE).stdin(Stdio::null());
        if let Some(armed) = death.and_then(Death::armed) {
            command.env(failpoint::VARIABLE, armed);
        }
        let log = || OpenOptions::new().append(true).create(true).open(self.folder.join("relay.log")).unwrap();
        let mut process = command.stdout(log()).stderr(log()).kill_on_drop(true).spawn().unwrap();
        let died = death.is_some();
        eventually("the relay listens", || {
            let ended = process.try_wait().unwrap();
            assert!(
                died || ended.is_none(),
                "the relay ended by itself: {ended:?}; see {}",
                self.folder.join("relay.log").display()
            );
            ended.is_some() || TcpStream::connect(self.addr).is_ok()
        })
        .await;
        self.process = Some(process);
    }

    /// Kills it as it stands.
    pub async fn kill(&mut self) {
        let mut process = self.process.take().unwrap();
        process.kill().await.unwrap();
    }

    /// Carries out the death that it was started with. Returns whether it was at a named point.
    pub async fn dies(&mut self, death: Death) -> bool {
        death.strike(&mut self.process.take().unwrap()).await
    }

    /// An administrator's command, which must succeed. Returns what it printed as JSON.
    pub async fn admin(&self, arguments: &[impl AsRef<OsStr>]) -> Value {
        let output = self.command().args(["admin", "--json"]).args(arguments).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the command failed: {said}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--config").arg(self.folder.join("relay.toml")).arg("--database").arg(&self.database);
        command
    }
}

/// A port below those that the system gives to outgoing connections, one of which might else take it, or even connect to
/// itself, while the relay is down.
fn free_port() -> SocketAddr {
    loop {
        let addr = SocketAddr::from(([127, 0, 0, 1], rand::rng().random_range(20_000..32_000)));
        if TcpListener::bind(addr).is_ok() {
            return addr;
        }
    }
}
