//! What a day at the inbox needs besides reading and answering, on the screen as people see it.

use crossterm::event::{KeyCode, KeyModifiers};
use offdesk_core::model::{Canned, Priority};

use super::{
    state::Pane,
    tests::{BO, Scene, scene},
};

fn down(scene: &mut Scene, times: usize) {
    (0..times).for_each(|_| scene.press(KeyCode::Down));
}

/// R21: any filter is put together, shown, saved under a name, found again; a tab leaves it.
#[tokio::test]
async fn a_filter_is_put_together_saved_and_found_again() {
    let mut scene = scene().await;
    scene.press(KeyCode::Char('!'));
    assert!(scene.shows("Priority") && scene.shows("urgent"));
    scene.press(KeyCode::Enter);
    assert_eq!(scene.app.view.as_ref().unwrap().row.priority, Priority::Urgent);
    scene.press(KeyCode::Char('f'));
    let screen = scene.lines(100, 30).join("\n");
    assert!(["status", "queue", "snooze", "why mine", "origin"].iter().all(|line| screen.contains(line)), "{screen}");
    let at = |scene: &Scene| {
        let Some(super::dialog::Dialog::Filter(form)) = &scene.app.dialog else { panic!("no dialog") };
        form.lines[form.at].label
    };
    while at(&scene) != "priority" {
        down(&mut scene, 1);
    }
    scene.press(KeyCode::Right);
    assert!(scene.shows("‹ urgent ›"), "{}", scene.lines(100, 30).join("\n"));
    scene.press(KeyCode::Char('w'));
    scene.text("Hot");
    scene.press(KeyCode::Enter);
    assert_eq!(scene.app.rows().len(), 1);
    assert!(scene.shows("Hot · 1"));
    scene.press(KeyCode::Char('1'));
    assert_eq!(scene.app.rows().len(), 8);
    scene.press(KeyCode::Char('F'));
    assert!(scene.shows("Hot"));
    scene.press(KeyCode::Enter);
    assert_eq!(scene.app.rows().len(), 1);
    // The dialog begins with what is shown.
    scene.press(KeyCode::Char('f'));
    assert!(scene.shows("‹ urgent ›"));
    scene.press(KeyCode::Char('x'));
    assert_eq!(scene.app.rows().len(), 8);
    scene.press(KeyCode::Char('F'));
    scene.press(KeyCode::Char('n'));
    scene.text("ter");
    scene.press(KeyCode::Enter);
    assert_eq!(scene.app.device.saved_filters().unwrap()[0].name, "Hotter");
    scene.press(KeyCode::Char('F'));
    scene.press(KeyCode::Char('x'));
    assert!(scene.app.device.saved_filters().unwrap().is_empty());
}

/// R26: many at once, and all of it is taken back by one key.
#[tokio::test]
async fn marked_conversations_are_triaged_together() {
    let mut scene = scene().await;
    scene.press(KeyCode::Char(' '));
    scene.press(KeyCode::Char(' '));
    scene.press(KeyCode::Char(' '));
    assert!(scene.shows("3 marked") && scene.shows("✓"));
    scene.press(KeyCode::Char('s'));
    assert!(scene.shows("Snooze until") && scene.shows("tomorrow"));
    scene.press(KeyCode::Enter);
    assert!(scene.shows("3 of 3"));
    assert_eq!(scene.app.counts.snoozed, 3);
    scene.until_shows("zz").await;
    scene.press(KeyCode::Char('z'));
    assert_eq!(scene.app.device.counts().unwrap().snoozed, 0);
    scene.press(KeyCode::Char('A'));
    scene.press(KeyCode::Char('t'));
    scene.text("monday");
    scene.press(KeyCode::Enter);
    assert_eq!(scene.app.device.counts().unwrap().by_tag.get("monday"), Some(&8));
}

/// R24: both sections of the panel, and they follow what is done.
#[tokio::test]
async fn the_panel_shows_customer_and_conversation() {
    let mut scene = scene().await;
    scene.press(KeyCode::Char('s'));
    scene.press(KeyCode::Enter);
    scene.press(KeyCode::Char('a'));
    scene.press(KeyCode::Enter);
    scene.press(KeyCode::Char('i'));
    let screen = scene.lines(110, 34).join("\n");
    for shown in
        ["Customer", "+14155552671", "Conversation", "direct", "snoozed", "until", "Ada (manual by Ada)", "Timeline"]
    {
        assert!(screen.contains(shown), "{shown} in\n{screen}");
    }
}

/// R26: a name after @ calls a colleague; a canned response goes into the draft; what is written leaves later.
#[tokio::test]
async fn notes_call_replies_are_canned_and_leave_later() {
    let mut scene = scene().await;
    scene.press(KeyCode::Char('n'));
    scene.text("@bo can you look?");
    scene.press(KeyCode::Enter);
    let messages = &scene.app.view.as_ref().unwrap().messages;
    assert!(messages.last().unwrap().mentions.contains(&BO));

    let canned = Canned { shortcut: "hi".into(), text: "Hello {contact.name}, thanks for writing".into() };
    scene.app.device.keep_canned(None, &canned).unwrap();
    scene.press(KeyCode::Char('v'));
    assert!(scene.shows("Hello {contact.name}"), "{}", scene.lines(100, 30).join("\n"));
    scene.press(KeyCode::Enter);
    assert!(scene.shows("Hello Maria García, thanks"), "{}", scene.lines(100, 30).join("\n"));
    scene.app.key(crossterm::event::KeyEvent::new(KeyCode::Char('t'), KeyModifiers::CONTROL));
    assert!(scene.shows("Send this"));
    scene.press(KeyCode::Enter);
    let outbox = scene.app.device.outbox().unwrap();
    assert!(outbox.iter().any(|item| item.verb == "reply_later" || item.verb == "later"), "{outbox:?}");
    assert_eq!(scene.app.device.draft(scene.app.selected.unwrap()).unwrap(), None);
}

/// R7, R26: contacts are found, opened, changed, blocked.
#[tokio::test]
async fn a_contact_is_found_edited_and_blocked() {
    let mut scene = scene().await;
    scene.press(KeyCode::Char('C'));
    assert_eq!(scene.app.contacts.len(), 8);
    scene.text("zoe");
    assert_eq!(scene.app.contacts.len(), 1);
    scene.press(KeyCode::Enter);
    assert_eq!(scene.app.pane, Pane::Record);
    assert!(scene.shows("Zoë") && scene.shows("sms:+14155550100"), "{}", scene.lines(100, 30).join("\n"));
    scene.press(KeyCode::Char('e'));
    scene.text(" Smith");
    scene.press(KeyCode::Enter);
    scene.press(KeyCode::Char('b'));
    assert!(scene.shows("Zoë Smith") && scene.shows("blocked as spam"), "{}", scene.lines(100, 30).join("\n"));
    assert_eq!(scene.app.counts.blocked, 1);
    scene.press(KeyCode::Char('b'));
    scene.press(KeyCode::Enter);
    assert_eq!(scene.app.pane, Pane::Conversation);
    assert_eq!(scene.app.view.as_ref().unwrap().row.contact_name, "Zoë Smith");
    scene.press(KeyCode::Char('C'));
    scene.text(" of nowhere");
    scene.press(KeyCode::Enter);
    assert!(scene.shows("New contact"));
}

/// R23: what was said is found, with the words around it.
#[tokio::test]
async fn a_message_is_found_from_the_search_bar() {
    let mut scene = scene().await;
    scene.app.device.index_messages(std::time::Duration::from_secs(10)).unwrap();
    scene.press(KeyCode::Char('/'));
    scene.text("adver");
    assert_eq!(scene.app.rows().len(), 8);
    assert!(scene.shows("… Hello, is the table from"), "{}", scene.lines(100, 30).join("\n"));
    scene.text("tisement");
    assert!(scene.shows("nothing found"));
}

/// However small the terminal is, and whatever is open: it draws.
#[tokio::test]
async fn every_window_draws_at_any_size() {
    let mut scene = scene().await;
    for key in ['f', 's', '!', 'm', 'v', 'F', 'C', 'c'] {
        scene.press(KeyCode::Char(key));
        for (width, height) in [(80, 24), (40, 8), (12, 4), (1, 1)] {
            scene.screen(width, height);
        }
        scene.press(KeyCode::Esc);
        scene.press(KeyCode::Esc);
    }
}
