//! A worker's process as its test sees it: what it was told to do, what it says, and that it answers in time.

use std::{
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, Command},
    sync::watch,
};

/// Longer than any deadline that a worker has: what takes longer hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Worker {
    pub(crate) role: &'static str,
    process: Child,
    input: ChildStdin,
    asked: u64,
    answered: watch::Receiver<u64>,
    said: Arc<Mutex<Vec<String>>>,
}

impl Worker {
    /// Starts one; `errors` takes what it writes about failures.
    pub(crate) async fn start(role: &'static str, database: &Path, errors: &Path) -> Self {
        let log = std::fs::OpenOptions::new().append(true).create(true).open(errors).unwrap();
        let program = match role {
            "app" => env!("CARGO_BIN_EXE_app_worker"),
            _ => env!("CARGO_BIN_EXE_extension_worker"),
        };
        let mut process = Command::new(program)
            .arg(database)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (input, output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let said = Arc::new(Mutex::new(Vec::new()));
        let (answers, answered) = watch::channel(0);
        let heard = said.clone();
        // Ends with the process' output.
        tokio::spawn(async move {
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                if line == "done" {
                    answers.send_modify(|answers| *answers += 1);
                } else {
                    heard.lock().unwrap().push(line);
                }
            }
        });
        // The first answer says that it is ready.
        Self { role, process, input, asked: 1, answered, said }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id().unwrap()
    }

    /// Tells it to do something, without waiting for that.
    pub(crate) async fn tell(&mut self, what: &str) {
        self.asked += 1;
        // It may have been killed, or have died of an error, which its answers show.
        let _ = self.input.write_all(format!("{what}\n").as_bytes()).await;
    }

    /// Waits until it has done all that it was told.
    pub(crate) async fn finishes(&mut self) {
        let asked = self.asked;
        let done = tokio::time::timeout(PATIENCE, self.answered.wait_for(|answered| *answered >= asked)).await;
        let said = self.said.lock().unwrap();
        assert!(matches!(done, Ok(Ok(_))), "the {} hangs or has died; it said {said:#?}", self.role);
    }

    /// Tells it to do something and waits for that; how long it took.
    pub(crate) async fn does(&mut self, what: &str) -> Duration {
        let began = Instant::now();
        self.tell(what).await;
        self.finishes().await;
        began.elapsed()
    }

    /// Kills it as it stands.
    pub(crate) async fn kill(mut self) -> Vec<String> {
        self.process.kill().await.unwrap();
        self.rest().await
    }

    /// Lets it end in order.
    pub(crate) async fn quit(mut self) -> Vec<String> {
        self.finishes().await;
        let _ = self.input.write_all(b"quit\n").await;
        let ended = tokio::time::timeout(PATIENCE, self.process.wait()).await;
        let ended = ended.unwrap_or_else(|_| panic!("the {} doesn't end", self.role)).unwrap();
        assert!(ended.success(), "the {} ended with {ended}", self.role);
        self.rest().await
    }

    /// All that it said, once it can say no more.
    async fn rest(&mut self) -> Vec<String> {
        // The channel closes with the output.
        let _ = tokio::time::timeout(PATIENCE, self.answered.wait_for(|_| false)).await;
        std::mem::take(&mut self.said.lock().unwrap())
    }
}
