//! The second of two processes on a phone's database: the notification extension, a program of its own as it is on a phone.
//! See [`offdesk_tests::worker`].

use std::time::Duration;

use offdesk_core::engine::{Error, Puller};
use offdesk_tests::{
    crash::office::device,
    worker::{DEADLINE, answer, database, lines, memory, open, say, show},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let database = database();
    let puller = open(|| Puller::open(device(&database, Duration::ZERO))).await?;
    say("done");
    let mut lines = lines();
    while let Some(line) = lines.recv().await {
        match line.as_str() {
            "quit" => break,
            "memory" => {
                memory();
                answer(&line, Ok(()));
            }
            _ => answer(&line, pull(&puller).await),
        }
    }
    Ok(())
}

async fn pull(puller: &Puller) -> Result<(), Error> {
    let notices = puller.pull(DEADLINE).await?;
    show(&notices, |alerts| puller.alerts_shown(alerts))
}
