//! The inbox for people.
//!
//! - [`state`]: what is shown; [`keys`], [`triage`]: what keys do; [`dialog`], [`choose`], [`filtering`]: the windows over it;
//!   [`people`]: contacts and records; [`editor`]: texts being written.
//! - [`draw`]: the screen; [`list`], [`thread`], [`panes`]: its parts; [`style`], [`text`]: colours and widths.

mod choose;
mod details;
mod dialog;
mod draw;
mod editor;
mod filtering;
mod keys;
mod list;
mod panes;
mod people;
mod state;
mod style;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;
mod text;
mod thread;
mod triage;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod triage_tests;

use std::{io, time::Duration};

use crossterm::{
    event::{DisableBracketedPaste, EnableBracketedPaste, Event, EventStream, KeyEventKind},
    execute,
};
use futures_util::StreamExt;
use offdesk_core::engine::{NetworkState, Offdesk};
use ratatui::DefaultTerminal;

use crate::{
    cli::DeviceArgs,
    device::{Failure, config},
};
use state::App;

/// How often what depends on the time is drawn anew: the seconds left to take a reply back.
const TICK: Duration = Duration::from_secs(1);

/// Opens the inbox until the person quits.
pub(crate) async fn run(args: &DeviceArgs) -> Result<(), Failure> {
    let device = Offdesk::open(config(args, Duration::from_secs(3), false)?)?;
    if args.offline {
        device.set_network(NetworkState::Offline);
    }
    device.start();
    // Its panic hook gives the terminal back before the panic is told.
    let mut terminal = ratatui::try_init()?;
    let pasting = execute!(io::stdout(), EnableBracketedPaste);
    let done = follow(&mut terminal, App::new(device.clone())).await;
    let _ = pasting.and_then(|()| execute!(io::stdout(), DisableBracketedPaste));
    ratatui::try_restore()?;
    device.close().await;
    done
}

async fn follow(terminal: &mut DefaultTerminal, mut app: App) -> Result<(), Failure> {
    let mut events = EventStream::new();
    let mut status = app.device.observe_status();
    let mut tick = tokio::time::interval(TICK);
    while !app.quit {
        terminal.draw(|frame| draw::draw(&app, frame))?;
        tokio::select! {
            event = events.next() => match event {
                Some(Ok(Event::Key(key))) if key.kind != KeyEventKind::Release => app.key(key),
                Some(Ok(Event::Paste(text))) => app.paste(&text),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => return Ok(()),
            },
            () = app.changed() => app.refresh(),
            changed = status.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
                app.refresh();
            }
            _ = tick.tick() => app.status = app.device.status(),
        }
    }
    Ok(())
}
