//! The relay's disk is lost, and a backup from before the last hour's work is put back: devices bring back what is
//! theirs, the provider what customers wrote, and nothing is sent again.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use offdesk_core::{
    engine::{NetworkState, Offdesk},
    ids::ConversationId,
    protocol::Delivery,
    triage::MessageView,
};
use offdesk_tests::{
    crash::{
        Office,
        office::arrives,
        views::{shown, times_shown},
    },
    eventually,
};

const MARIA: &str = "+14155552001";
const JOAO: &str = "+14155552002";
const NEWCOMER: &str = "+14155552003";

fn messages(phone: &Offdesk, conversation: ConversationId) -> Vec<MessageView> {
    phone.conversation(conversation).unwrap().messages
}

fn texts(phone: &Offdesk, conversation: ConversationId) -> Vec<String> {
    messages(phone, conversation).into_iter().map(|message| message.text).collect()
}

fn delivery(phone: &Offdesk, text: &str) -> Option<Delivery> {
    let shown = shown(phone);
    let message = shown.values().flat_map(|shown| &shown.messages).find(|message| message.text == text)?;
    message.delivery.clone()
}

async fn delivered(phone: &Offdesk, text: &str) {
    eventually(&format!("'{text}' is delivered"), || delivery(phone, text) == Some(Delivery::Delivered)).await;
}

/// R32, R31: a restore loses nothing that a device or the provider has, and sends nothing again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restore_devices_bring_back_what_is_theirs_and_nothing_is_sent_again() {
    let mut office = Office::open(env!("CARGO_BIN_EXE_relay_under_test"), &["Ana", "Ben"]).await;
    let ana = office.phone("Ana", "ana").await;
    let ben = office.phone("Ben", "ben").await;

    // Before the backup.
    let maria = ana.start_conversation(MARIA, Some("Maria"), None, Some("Your table is booked")).unwrap().conversation;
    delivered(&ana, "Your table is booked").await;
    office.inbound(MARIA, "Thanks!").await;
    eventually("Ben has Maria's answer", || times_shown(&shown(&ben)).contains_key("Thanks!")).await;
    let backup = office.path("backup.db");
    office.relay.admin(&["backup".as_ref(), "--to".as_ref(), backup.as_os_str()]).await;

    // The last hour's work, which the backup doesn't have.
    let asked = ana.reply(maria, "Do you need a high chair?").unwrap();
    delivered(&ana, "Do you need a high chair?").await;
    office.inbound(MARIA, "Yes please, two").await;
    eventually("Ben has Maria's wish", || texts(&ben, maria).contains(&"Yes please, two".into())).await;
    ben.note(maria, "two high chairs: told the kitchen").unwrap();
    ben.add_tag(maria, "children").unwrap();
    let joao = ben.start_conversation(JOAO, Some("João"), None, Some("Your coat is still here")).unwrap().conversation;
    delivered(&ben, "Your coat is still here").await;
    office.inbound(JOAO, "I'll fetch it on Monday").await;
    office.inbound(NEWCOMER, "Are you open today?").await;
    eventually("Ana has the newcomer", || times_shown(&shown(&ana)).contains_key("Are you open today?")).await;
    for (name, phone) in [("Ana's phone", &ana), ("Ben's phone", &ben)] {
        arrives(phone, name).await;
    }
    // Ben has something to say in a tunnel when it happens.
    ben.set_network(NetworkState::Offline);
    ben.reply(joao, "Monday is fine").unwrap();
    let before = shown(&ana);
    let sent: Vec<_> = office.provider.texts().into_iter().filter(|text| !text.inbound).collect();

    // The disk is lost. The backup becomes a new database, on the same address.
    office.relay.kill().await;
    let database = office.path("restored.db");
    let restored = office
        .relay
        .admin(&["restore".as_ref(), "--from".as_ref(), backup.as_os_str(), "--to".as_ref(), database.as_os_str()])
        .await;
    assert!(restored["epoch"].as_u64().unwrap() > 1);
    office.relay.move_to(database);
    office.relay.start(None).await;
    ana.set_network(NetworkState::Online);
    ben.set_network(NetworkState::Online);
    for (name, phone) in [("Ana's phone", &ana), ("Ben's phone", &ben)] {
        arrives(phone, name).await;
        let status = phone.status();
        assert!(!status.clone && !status.revoked && status.attention == 0, "{name}: {status:?}");
    }

    // Everything is back, on both phones, once; and nothing has left the relay.
    let everything = [
        "Your table is booked",
        "Thanks!",
        "Do you need a high chair?",
        "Yes please, two",
        "two high chairs: told the kitchen",
        "Your coat is still here",
        "I'll fetch it on Monday",
        "Are you open today?",
        "Monday is fine",
    ];
    eventually("both phones show everything again", || {
        let (ana, ben) = (shown(&ana), shown(&ben));
        ana == ben && everything.iter().all(|text| times_shown(&ana).get(*text) == Some(&1))
    })
    .await;
    assert_eq!(times_shown(&shown(&ana)).len(), everything.len());
    let after = shown(&ana);
    assert_eq!(after.len(), before.len(), "conversations");
    assert!(after[&maria].tags.contains("children"));
    let names: Vec<_> = after.values().map(|shown| shown.contact.as_str()).collect();
    assert!(names.contains(&"Maria") && names.contains(&"João"), "{names:?}");
    assert!(messages(&ana, maria).iter().any(|message| message.id == asked), "the same message, under its id");
    assert_eq!(office.provider.texts().iter().filter(|text| !text.inbound).count(), sent.len(), "sent again");
    for text in ["Do you need a high chair?", "Your coat is still here"] {
        // Nobody may send it again; that the provider has it may be found out by asking.
        let state = delivery(&ana, text).unwrap();
        let honest = matches!(state, Delivery::Unknown | Delivery::HandedOver | Delivery::Sent | Delivery::Delivered);
        assert!(honest, "'{text}' is {state:?}");
    }
    assert_eq!(delivery(&ben, "Monday is fine"), Some(Delivery::Accepted), "waits for the administrator");

    // An administrator has looked at devices and revocations.
    office.relay.admin(&["resume-dispatch", "--confirmed"]).await;
    delivered(&ben, "Monday is fine").await;
    ana.reply(maria, "See you tonight").unwrap();
    delivered(&ana, "See you tonight").await;
    eventually("both phones show the same", || shown(&ana) == shown(&ben)).await;
    for text in office.provider.texts().iter().filter(|text| !text.inbound) {
        assert_eq!(office.times_sent(&text.body), 1, "how often '{}' was sent", text.body);
    }
    assert_eq!(office.provider.texts().iter().filter(|text| !text.inbound).count(), sent.len() + 2);

    // A colleague who enrols now gets all of it from the restored relay.
    let late = office.phone("Ben", "tablet").await;
    assert_eq!(shown(&late), shown(&ben));
    for phone in [ana, ben, late] {
        phone.close().await;
    }
    office.relay.kill().await;
    office.relay_file_is_sound();
}
