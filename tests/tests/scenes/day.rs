//! A rep's whole day, with a train in the middle of it.

use std::time::Duration;

use offdesk_core::{
    engine::{CannedRef, OutboxState},
    ids::{ConversationId, DocumentId, QueueId, RoleId},
    intents::{ContactEdit, Verb},
    model::{
        Action, Canned, ContactAccess, DashboardAccess, MessageAccess, Priority, Queue, Role, RoleKind, Status,
        settings::edits,
    },
    protocol::{Deed, Presence},
    sync::storage::Attention,
    triage::{Assignee, InboxFilter},
};
use offdesk_relay::{
    accept,
    store::{StoreError, Tx},
};
use offdesk_tests::{ADMINISTRATOR, AGENT, Person, Phone, World, eventually};

const MARIA: &str = "+14155550123";
const PAUL: &str = "+14155550124";
const ZOE: &str = "+14155550125";
const SALES: QueueId = QueueId([7; 16]);
const HOUR: Duration = Duration::from_secs(60 * 60);

fn count(phone: &Phone, filter: &InboxFilter) -> usize {
    phone.inbox(filter, 100, None).unwrap().len()
}

/// What of the outbox its author has to look at.
fn asks(phone: &Phone) -> Vec<OutboxState> {
    let outbox = phone.outbox().unwrap().into_iter().map(|item| item.state);
    outbox.filter(|state| matches!(state, OutboxState::Held { .. } | OutboxState::NeedsAttention(_))).collect()
}

/// An Administrator gives a role other access to messages.
async fn set_messages(world: &World, person: &Person, role: RoleId, messages: MessageAccess) {
    let role = Role {
        id: role,
        name: person.name.clone(),
        kind: RoleKind::User,
        dashboard: DashboardAccess::All,
        contacts: ContactAccess::All,
        messages,
    };
    let (now, mut rng, workspace) = (world.app().now(), world.app().rng(), world.workspace());
    let actions: Vec<Action> = role.actions();
    world
        .write(move |tx: &mut Tx<'_>| {
            let sql = "SELECT directory FROM workspaces WHERE id = ?1";
            let directory: Vec<u8> = tx.connection().query_row(sql, [workspace.as_bytes()], |row| row.get(0))?;
            let directory = DocumentId::from_slice(&directory).ok_or(StoreError::Missing("directory"))?;
            accept::author(tx, now, &mut rng, workspace, directory, &actions)
        })
        .await;
}

/// R4, R16 to R18, R20 to R27, R31, R33, R36, R37, R41: Rita's day. She narrows the list, finds customers, reads the panel, sorts,
/// answers, calls Ana; on the train she works on without a network; back on it she is asked about what was overtaken and
/// what was refused, and goes home with nothing left to do.
#[tokio::test(flavor = "multi_thread")]
async fn a_day_is_lived() {
    let world = World::open().await;
    let (eve, ana, rita) =
        (world.member("Eve", ADMINISTRATOR).await, world.member("Ana", AGENT).await, world.member("Rita", AGENT).await);
    let (eves, anas) = (world.phone(&eve, "Eve's phone").await, world.phone(&ana, "Ana's phone").await);
    let ritas = world.phone(&rita, "Rita's phone").await;
    let queue = Queue { name: "Sales".into(), ..Queue::default() };
    eves.administer(&edits(&[], &queue.actions(SALES))).unwrap();
    for (who, said) in [(MARIA, "Is the blue lamp in stock?"), (PAUL, "Where is my parcel?"), (ZOE, "Call me back")] {
        world.inbound(who, said).await;
    }
    eventually("the morning's work is here", || {
        count(&ritas, &InboxFilter::default()) == 3 && ritas.settings().unwrap().queues.contains_key(&SALES)
    })
    .await;
    let [maria, paul, zoe] = [MARIA, PAUL, ZOE].map(|who| ritas.conversation_with(who).unwrap());

    morning(&ritas, &anas, &ana, &rita, (maria, paul, zoe)).await;
    world.provider.until(|texts| texts.iter().any(|text| text.body.starts_with("Good morning"))).await;

    // On the train: no network. What she does is there at once, and nothing of it is lost.
    ritas.go_offline();
    let now = ritas.config.clock.now();
    ritas.snooze(zoe, now.after(HOUR)).unwrap();
    ritas.reply(paul, "It left yesterday.").unwrap();
    ritas.move_to_queue(maria, Some(SALES)).unwrap();
    ritas.reply_later(maria, "And the green one comes on Monday.", now.after(24 * HOUR)).unwrap();
    let resting = InboxFilter { snoozed: Some(true), ..InboxFilter::default() };
    assert_eq!((count(&ritas, &resting), ritas.counts().unwrap().snoozed), (1, 1));
    assert_eq!(ritas.conversation(paul).unwrap().messages.last().unwrap().delivery, None, "saved here, no more (R31)");
    ritas.clock.leap(2 * HOUR);
    assert_eq!((count(&ritas, &resting), ritas.counts().unwrap().snoozed), (0, 0), "it woke without a network (R16)");

    // Meanwhile: Paul wrote again, and Eve archived the queue and took Rita's pen away for an hour.
    world.inbound(PAUL, "It just came!").await;
    let archived = Queue { archived: true, ..queue.clone() };
    eves.administer(&edits(&queue.actions(SALES), &archived.actions(SALES))).unwrap();
    eves.live().await;
    back(&world, &ritas, &rita, (maria, paul)).await;
    evening(&ritas, &anas, (maria, paul, zoe)).await;
}

async fn morning(
    ritas: &Phone,
    anas: &Phone,
    ana: &Person,
    rita: &Person,
    (maria, paul, zoe): (ConversationId, ConversationId, ConversationId),
) {
    // A filter of her own, saved; the counts say the same as the lists.
    let fresh = InboxFilter {
        status: Some(Status::Open),
        needs_reply: true,
        assignee: Some(Assignee::Nobody),
        ..InboxFilter::default()
    };
    ritas.save_filter("Fresh", &fresh).unwrap();
    let counts = ritas.counts().unwrap();
    assert_eq!((count(ritas, &fresh), counts.unassigned, counts.needs_reply, counts.unread), (3, 3, 3, 3));
    // By phone, by what was said; a name she gives herself.
    let contact = ritas.conversation(maria).unwrap().row.contact;
    ritas.edit_contact(contact, ContactEdit { name: Some("Maria Gomez".into()), ..ContactEdit::default() }).unwrap();
    assert_eq!(ritas.search("(415) 555-0124", 5).unwrap()[0].conversations[0].conversation, paul);
    assert_eq!(ritas.search("gom", 5).unwrap()[0].conversations[0].conversation, maria);
    eventually("messages are found", || {
        let found = ritas.search_messages("parc", 5).unwrap();
        found.complete && found.hits.iter().any(|hit| hit.conversation.conversation == paul)
    })
    .await;
    // She asks Ana, who is told; takes Paul's herself; makes Zoe's urgent, with one key both of the others are tagged, and not.
    ritas.note_to(maria, "@Ana is the blue one in stock?", &[ana.id]).unwrap();
    eventually("Ana is called", || {
        anas.alerts().unwrap().iter().any(|active| active.conversation == maria && active.text.contains("blue one"))
    })
    .await;
    anas.note(maria, "Twelve of them").unwrap();
    ritas.assign(paul, rita.id).unwrap();
    ritas.set_priority(zoe, Priority::Urgent).unwrap();
    let outcomes = ritas.on_each(&[maria, zoe], &Verb::AddTag { tag: "today".into() }).unwrap();
    assert_eq!(ritas.counts().unwrap().by_tag.get("today"), Some(&2));
    assert_eq!(ritas.counts().unwrap().urgent, 1);
    drop(outcomes);
    // A canned answer, finished by hand, while Ana sees that it is being written.
    let canned = Canned { shortcut: "gm".into(), text: "Good morning {contact.name}!".into() };
    let own = ritas.keep_canned(None, &canned).unwrap();
    ritas.look_at(Some(maria)).unwrap();
    ritas.insert_canned(maria, CannedRef::Own(own)).unwrap();
    eventually("Ana sees her write", || {
        anas.colleagues(maria).unwrap().iter().any(|one| one.member == rita.id && one.doing == Presence::Drafting)
    })
    .await;
    let draft = ritas.draft(maria).unwrap().unwrap();
    assert_eq!(draft, "Good morning Maria Gomez!");
    eventually("Ana's word is here", || ritas.texts(maria).contains(&"Twelve of them".to_owned())).await;
    ritas.reply(maria, &format!("{draft} We have twelve.")).unwrap();
    ritas.set_draft(maria, "").unwrap();
    ritas.look_at(None).unwrap();
    ritas.mark_each_read(&[maria, paul, zoe]).unwrap();
    ritas.live().await;
    eventually("and sees her go", || anas.colleagues(maria).unwrap().is_empty()).await;
    // The panel tells who did what, by the relay's clock.
    let panels = ritas.panels(maria).unwrap();
    assert_eq!(panels.customer.name, "Maria Gomez");
    assert!(panels.conversation.assignments.iter().any(|given| given.key.member == rita.id), "by her reply (R17)");
    assert!(panels.conversation.timeline.iter().any(|entry| entry.what == Deed::Tagged("today".into())));
    assert_eq!(count(ritas, &fresh), 1, "only Zoe's is left");
}

async fn back(world: &World, ritas: &Phone, rita: &Person, (maria, paul): (ConversationId, ConversationId)) {
    let role = ritas.members().unwrap().into_iter().find(|member| member.id == rita.id).unwrap().role.unwrap();
    ritas.reply(maria, "Shall I put one aside?").unwrap();
    set_messages(world, rita, role, MessageAccess::Read).await;
    ritas.go_online();
    eventually("nothing of hers is taken while she may only read", || {
        let asks = asks(ritas);
        ritas.status().pending == 0 && asks.len() >= 4
    })
    .await;
    let refused = |state: &OutboxState| matches!(state, OutboxState::NeedsAttention(Attention::Rejected(_)));
    assert!(asks(ritas).iter().all(refused), "{:?}", asks(ritas));
    assert!(!world.provider.handset(MARIA).iter().any(|text| text.contains("aside")));
    set_messages(world, rita, role, MessageAccess::Write).await;
    eventually("she has her pen back", || {
        ritas.me().unwrap().access.is_some_and(|access| access.messages == MessageAccess::Write)
    })
    .await;

    // She tries again, one after the other. The queue is gone for good: that she lets go.
    let waiting = |ritas: &Phone| {
        let outbox = ritas.outbox().unwrap().into_iter().rev();
        outbox.filter(|item| matches!(item.state, OutboxState::NeedsAttention(_))).collect::<Vec<_>>()
    };
    for item in waiting(ritas) {
        // What makes no sense any more says so, and stays to be looked at.
        let _ = ritas.retry(item.intent);
        ritas.live().await;
    }
    for item in waiting(ritas) {
        ritas.discard(item.intent).unwrap();
    }
    // She tried again knowing that Paul had written. In the tunnel she doesn't know: she is asked, and says something better.
    world.provider.until(|texts| texts.iter().any(|text| text.body == "It left yesterday.")).await;
    ritas.go_offline();
    ritas.reply(paul, "Is it there yet?").unwrap();
    world.inbound(PAUL, "Wrong colour, though.").await;
    ritas.clock.leap(Duration::from_secs(10 * 60));
    ritas.go_online();
    let held = || ritas.outbox().unwrap().into_iter().find(|item| matches!(item.state, OutboxState::Held { .. }));
    eventually("she is asked about Paul", || held().is_some()).await;
    assert!(!world.provider.handset(PAUL).iter().any(|text| text.contains("there yet")), "not sent behind her back");
    ritas.edit_held(paul, held().unwrap().intent, "Sorry! We'll change it.").unwrap();
    world.provider.until(|texts| texts.iter().any(|text| text.body == "Sorry! We'll change it.")).await;
    world.provider.until(|texts| texts.iter().any(|text| text.body == "Shall I put one aside?")).await;
    ritas.live().await;
}

async fn evening(ritas: &Phone, anas: &Phone, (maria, paul, zoe): (ConversationId, ConversationId, ConversationId)) {
    ritas.reply(zoe, "I'll call at five.").unwrap();
    ritas.on_each(&[maria, paul, zoe], &Verb::Close { seen: None }).unwrap();
    ritas.live().await;
    assert!(asks(ritas).is_empty(), "{:?}", asks(ritas));
    assert_eq!(ritas.counts().unwrap().open, 0);
    for conversation in [maria, paul, zoe] {
        eventually("Ana sees the same", || {
            anas.messages(conversation).len() == ritas.messages(conversation).len()
                && anas.conversation(conversation).unwrap().row.status == Status::Closed
        })
        .await;
        let said = |phone: &Phone| {
            let messages = phone.messages(conversation).into_iter();
            messages.map(|message| (message.order, message.text)).collect::<Vec<_>>()
        };
        assert_eq!(said(anas), said(ritas), "in one order (R41)");
        assert_eq!(
            anas.panels(conversation).unwrap().conversation.timeline.len(),
            ritas.panels(conversation).unwrap().conversation.timeline.len()
        );
    }
}
