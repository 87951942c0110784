//! Processes of their own, where memory is measured: a relay, and a device. They are this program again, with a role.

use std::{
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child as Process, ChildStdin, ChildStdout, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use offdesk_core::{
    engine::{Config as DeviceConfig, Offdesk},
    store::DatabaseKey,
};
use offdesk_relay::{
    clock::SystemClock,
    config::Config,
    random::Random,
    serve::{self, App},
    store::Store,
};
use tokio::runtime::Runtime;

use crate::{measure::Memory, stage::DEADLINE};

/// The argument that makes this program a child.
const ROLE: &str = "--child";

/// A running child. It ends when it is dropped.
#[derive(Debug)]
pub struct Child {
    process: Process,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Child {
    fn spawn(role: &str, path: &Path, addr: Option<SocketAddr>) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args([ROLE, role])
            .arg(path)
            .args(addr.map(|addr| addr.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (to, from) = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        Self { process, to, from }
    }

    /// A relay on this database, and where it listens.
    pub fn relay(database: &Path) -> (Self, SocketAddr) {
        let mut child = Self::spawn("relay", database, None);
        let addr = child.line().parse().unwrap();
        (child, addr)
    }

    /// A device at this path, which syncs with the relay at `addr` and stays.
    pub fn device(database: &Path, addr: SocketAddr) -> Self {
        let mut child = Self::spawn("device", database, Some(addr));
        assert_eq!(child.line(), "ready");
        child
    }

    /// Tells a device to sync, and waits until it has everything.
    pub fn sync(&mut self) {
        writeln!(self.to, "sync").unwrap();
        assert_eq!(self.line(), "synced");
    }

    /// Its memory.
    pub fn memory(&self) -> Memory {
        crate::measure::memory(&self.process.id().to_string())
    }

    /// CPU time that it has used, to the hundredth of a second.
    pub fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap_or_default();
        let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
        let ticks: u64 = after.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
        Duration::from_millis(ticks * 10)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs a child's role if the arguments name one; `false` if this is the bench itself.
pub fn ran(args: &[String]) -> bool {
    match args {
        [child, role, path] if child == ROLE && role == "relay" => relay(Path::new(path)),
        [child, role, path, addr] if child == ROLE && role == "device" => {
            device(Path::new(path), addr.parse().unwrap())
        }
        _ => return false,
    }
    true
}

fn relay(path: &Path) {
    let config = Config { database: path.to_owned(), listen: "127.0.0.1:0".parse().unwrap(), ..Config::default() };
    let app = App::new(Store::open(path).unwrap(), config, Arc::new(SystemClock), Random::system().unwrap());
    Runtime::new().unwrap().block_on(async {
        let running = serve::start_app(app).await.unwrap();
        println!("{}", running.addr());
        running.wait().await.unwrap();
    });
}

/// The device was enrolled by the parent; its database is at `path`.
fn device(path: &Path, addr: SocketAddr) {
    let mut config = DeviceConfig::new(PathBuf::from(path), DatabaseKey::new([7; 32]));
    config.via = Some(addr);
    let device = Offdesk::open(config).unwrap();
    println!("ready");
    let runtime = Runtime::new().unwrap();
    for command in std::io::stdin().lines() {
        assert_eq!(command.unwrap(), "sync");
        let report = runtime.block_on(device.sync_once(DEADLINE)).unwrap();
        assert!(report.up_to_date);
        println!("synced");
    }
}
