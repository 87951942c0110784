//! The first of two processes on a phone's database: the app. See [`offdesk_tests::worker`].

use std::time::Duration;

use offdesk_core::{
    engine::{Error, Offdesk},
    ids::ConversationId,
    triage::InboxFilter,
};
use offdesk_tests::{
    crash::office::device,
    worker::{DEADLINE, answer, database, lines, open, say, show},
};

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Error> {
    let database = database();
    let app = open(|| Offdesk::open(device(&database, Duration::ZERO))).await?;
    // Lists that follow the store, as screens have them.
    let (mut inbox, mut alerts) = (app.observe_inbox(InboxFilter::default(), 50), app.observe_alerts());
    tokio::spawn(async move { while inbox.next().await.is_some() {} });
    tokio::spawn(async move { while alerts.next().await.is_some() {} });
    say("done");
    let mut lines = lines();
    while let Some(line) = lines.recv().await {
        if line == "quit" {
            app.close().await;
            return Ok(());
        }
        answer(&line, run(&app, &line).await);
    }
    Ok(())
}

async fn run(app: &Offdesk, line: &str) -> Result<(), Error> {
    let (what, rest) = line.split_once(' ').unwrap_or((line, ""));
    match what {
        "start" => app.start(),
        "pause" => app.pause().await,
        "resume" => app.resume().await,
        "sync" => {
            app.sync_once(DEADLINE).await?;
        }
        "push" => {
            let notices = app.handle_push(b"{}", DEADLINE).await?;
            show(&notices, |alerts| app.alerts_shown(alerts))?;
        }
        _ => {
            let (number, text) = rest.split_once(' ').unwrap_or((rest, ""));
            let mut rows = app.inbox(&InboxFilter::default(), 100, None)?;
            rows.sort_by_key(|row| row.conversation);
            let number: usize = number.parse().unwrap_or_default();
            if let Some(at) = number.checked_rem(rows.len()) {
                write(app, what, rows[at].conversation, text)?;
            }
        }
    }
    Ok(())
}

fn write(app: &Offdesk, what: &str, conversation: ConversationId, text: &str) -> Result<(), Error> {
    say(&format!("trying {what} {conversation} {text}"));
    match what {
        "reply" => app.reply(conversation, text).map(|_| ())?,
        "note" => app.note(conversation, text).map(|_| ())?,
        "draft" => app.set_draft(conversation, text)?,
        "read" => app.mark_read(conversation)?,
        _ => app.add_tag(conversation, text).map(|_| ())?,
    }
    say(&format!("kept {what} {conversation} {text}"));
    Ok(())
}
