//! One member, two devices: what is read, dismissed or drafted on one is so on the other.

use offdesk_core::triage::InboxFilter;
use offdesk_tests::{AGENT, Phone, World, eventually};

const MARIA: &str = "+14155550123";

fn unread(phone: &Phone) -> bool {
    phone.inbox(&InboxFilter::default(), 10, None).unwrap()[0].unread
}

/// R15, R25: reading on the laptop retracts the alert on the phone; marking unread shows on both; the mark moves forward only.
#[tokio::test(flavor = "multi_thread")]
async fn reading_on_one_device_is_reading_on_all() {
    let world = World::open().await;
    let ana = world.member("Ana", AGENT).await;
    let (phone, laptop) = (world.phone(&ana, "Ana's phone").await, world.phone(&ana, "Ana's laptop").await);
    let devices = [&phone, &laptop];
    world.inbound(MARIA, "Hello?").await;
    for device in devices {
        eventually("the alert is on both", || device.alerts().unwrap().len() == 1).await;
        assert!(unread(device));
    }
    assert_eq!(phone.alerts().unwrap()[0].alert.id, laptop.alerts().unwrap()[0].alert.id, "one alert, not two");
    let conversation = phone.conversation_with(MARIA).unwrap();

    laptop.mark_read(conversation).unwrap();
    for device in devices {
        eventually("read, and the alert is gone", || !unread(device) && device.alerts().unwrap().is_empty()).await;
        assert!(device.inbox(&InboxFilter::default(), 10, None).unwrap()[0].needs_reply, "looking is not answering");
    }
    phone.mark_unread(conversation).unwrap();
    for device in devices {
        eventually("unread again on both", || unread(device)).await;
        assert!(device.alerts().unwrap().is_empty(), "marking unread raises no alert");
    }
    laptop.mark_read(conversation).unwrap();
    for device in devices {
        eventually("and read", || !unread(device)).await;
    }
}

/// R15: an alert that became moot before a device came back never shows there, and a dismissal counts everywhere.
#[tokio::test(flavor = "multi_thread")]
async fn a_moot_alert_never_shows_on_a_device_that_was_away() {
    let world = World::open().await;
    let (ana, ben) = (world.member("Ana", AGENT).await, world.member("Ben", AGENT).await);
    let (anas, bens) = (world.phone(&ana, "Ana's phone").await, world.phone(&ben, "Ben's phone").await);
    let bens_laptop = world.phone(&ben, "Ben's laptop").await;
    bens_laptop.go_offline();
    world.inbound(MARIA, "Hello?").await;
    eventually("Ana is alerted", || anas.alerts().unwrap().len() == 1).await;
    eventually("Ben is alerted", || bens.alerts().unwrap().len() == 1).await;
    let conversation = anas.conversation_with(MARIA).unwrap();
    anas.reply(conversation, "Hello Maria!").unwrap();
    eventually("Ana has it: Ben need not look (R13)", || bens.alerts().unwrap().is_empty()).await;

    let mut told = bens_laptop.observe_alerts();
    bens_laptop.go_online();
    bens_laptop.live().await;
    assert_eq!(bens_laptop.texts(conversation), ["Hello?", "Hello Maria!"]);
    assert!(bens_laptop.alerts().unwrap().is_empty());
    let shown = tokio::time::timeout(std::time::Duration::from_millis(200), told.next()).await;
    assert!(shown.is_err(), "it was never shown, not even for a moment: {shown:?}");

    // A second contact, dismissed on one of Ben's devices.
    world.inbound("+14155550124", "Anybody?").await;
    eventually("both of Ben's devices tell", || {
        bens.alerts().unwrap().len() == 1 && bens_laptop.alerts().unwrap().len() == 1
    })
    .await;
    bens.dismiss_alert(bens.alerts().unwrap()[0].alert.id).unwrap();
    eventually("dismissed on both", || bens.alerts().unwrap().is_empty() && bens_laptop.alerts().unwrap().is_empty())
        .await;
    assert_eq!(anas.alerts().unwrap().len(), 1, "Ana's alert is her own");
}

/// R27: a draft follows its author to their other device, and to nobody else.
#[tokio::test(flavor = "multi_thread")]
async fn a_draft_follows_its_author() {
    let world = World::open().await;
    let (ana, ben) = (world.member("Ana", AGENT).await, world.member("Ben", AGENT).await);
    let (phone, laptop) = (world.phone(&ana, "Ana's phone").await, world.phone(&ana, "Ana's laptop").await);
    let bens = world.phone(&ben, "Ben's phone").await;
    world.inbound(MARIA, "When?").await;
    for device in [&phone, &laptop, &bens] {
        eventually("Maria's message is there", || device.conversation_with(MARIA).is_some()).await;
    }
    let conversation = phone.conversation_with(MARIA).unwrap();
    phone.set_draft(conversation, "On Tu").unwrap();
    phone.set_draft(conversation, "On Tuesday").unwrap();
    eventually("the draft is on the laptop", || laptop.draft(conversation).unwrap().as_deref() == Some("On Tuesday"))
        .await;
    assert!(laptop.inbox(&InboxFilter::default(), 10, None).unwrap()[0].draft);
    phone.note(conversation, "Asked the workshop").unwrap();
    eventually("Ben has what came after the draft", || bens.texts(conversation).len() == 2).await;
    assert_eq!(bens.draft(conversation).unwrap(), None);
}
