//! The information panel, filters and saved filters, contacts and search, without a network (R21, R23, R24).

use super::{
    verbs::{SALES, ada},
    *,
};
use crate::{
    intents::ContactEdit,
    model::{Consent, Priority, Status, conversation::AssignmentReason},
    protocol::Deed,
    triage::InboxFilter,
};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// R24: both sections, and they follow what is done: who the customer is, what the conversation is, who did what.
#[tokio::test]
async fn the_panel_says_who_it_is_and_what_was_done() {
    let scene = Scene::new();
    let ada = ada(&scene, 0..2).await;
    let mut live = ada.observe_panels(conversation(0));
    assert_eq!(live.items().len(), 1);
    let contact = live.items()[0].customer.card.as_ref().unwrap().id;
    let phone = live.items()[0].customer.card.as_ref().unwrap().phones.first().unwrap().clone();
    ada.set_priority(conversation(0), Priority::High).unwrap();
    ada.move_to_queue(conversation(0), Some(SALES)).unwrap();
    ada.snooze(conversation(0), START.after(HOUR)).unwrap();
    ada.assign(conversation(0), ADA).unwrap();
    ada.add_tag(conversation(0), "vip").unwrap();
    ada.close_conversation(conversation(0)).unwrap();
    let edit = ContactEdit { owner: Some(ADA), share: vec![ADA], ..ContactEdit::default() };
    ada.edit_contact(contact, edit).unwrap();
    ada.set_consent(contact, &phone, Some(Consent::Granted)).unwrap();
    ada.block_contact(contact, true).unwrap();
    live.next().await.unwrap();
    let panels = &live.items()[0];
    assert_eq!(panels, &ada.panels(conversation(0)).unwrap());
    let card = panels.customer.card.as_ref().unwrap();
    assert_eq!((card.owner, card.shared_with.contains(&ADA)), (Some(ADA), true));
    assert_eq!((card.reach.consent.get(&phone), card.reach.blocked), (Some(&Consent::Granted), true));
    assert!(panels.customer.others.is_empty());
    let panel = &panels.conversation;
    assert_eq!((panel.status, panel.priority), (Status::Closed, Priority::High));
    assert_eq!(panel.queue, Some((SALES, "Sales".into())));
    assert_eq!(panel.snooze.as_ref().map(|snooze| (snooze.by, snooze.until)), Some((ADA, START.after(HOUR))));
    let given = &panel.assignments[0];
    assert_eq!((given.key.member, given.by, given.reason), (ADA, Some(ADA), AssignmentReason::Manual));
    assert!(panel.tags.contains("vip"));
    let what: Vec<&Deed> = panel.timeline.iter().map(|entry| &entry.what).collect();
    assert!(panel.timeline.iter().all(|entry| entry.by == Some(ADA) && entry.order.is_none()), "pending: {what:?}");
    assert!(what.contains(&&Deed::Closed) && what.contains(&&Deed::Snoozed { until: START.after(HOUR) }));
    let nowhere = ada.panels(conversation(9));
    assert!(matches!(nowhere, Err(Error::UnknownConversation(_))));
}

/// R20, R21: what rests is in a list of its own until its time has come, with nothing else happening.
#[tokio::test]
async fn what_rests_comes_back_by_itself() {
    let scene = Scene::new();
    let ada = ada(&scene, 0..3).await;
    ada.snooze(conversation(1), START.after(HOUR)).unwrap();
    let resting = |snoozed| InboxFilter { snoozed: Some(snoozed), ..InboxFilter::default() };
    let count = |filter: &InboxFilter| ada.inbox(filter, 10, None).unwrap().len();
    assert_eq!((count(&resting(true)), count(&resting(false)), ada.counts().unwrap().snoozed), (1, 2, 1));
    scene.clock.advance(2 * HOUR);
    assert_eq!((count(&resting(true)), count(&resting(false)), ada.counts().unwrap().snoozed), (0, 3, 0));
}

/// R21: a filter is saved under a name, lists what it did, gets another name, and goes.
#[tokio::test]
async fn a_filter_is_saved_renamed_and_deleted() {
    let scene = Scene::new();
    let ada = ada(&scene, 0..3).await;
    ada.set_priority(conversation(2), Priority::Urgent).unwrap();
    ada.move_to_queue(conversation(1), Some(SALES)).unwrap();
    let urgent = InboxFilter { priority: Some(Priority::Urgent), ..InboxFilter::default() };
    let sales = InboxFilter { queue: Some(SALES), ..InboxFilter::default() };
    let first = ada.save_filter(" Urgent ones ", &urgent).unwrap();
    let second = ada.save_filter("Sales", &sales).unwrap();
    let names = || ada.saved_filters().unwrap().into_iter().map(|saved| saved.name).collect::<Vec<_>>();
    assert_eq!(names(), ["Sales", "Urgent ones"]);
    let listed = |at: usize| {
        let filter = ada.saved_filters().unwrap()[at].filter.clone();
        ada.inbox(&filter, 10, None).unwrap().into_iter().map(|row| row.conversation).collect::<Vec<_>>()
    };
    assert_eq!((listed(0), listed(1)), (vec![conversation(1)], vec![conversation(2)]));
    let counts = ada.counts().unwrap();
    assert_eq!((counts.urgent, counts.by_queue.get(&SALES)), (1, Some(&1)));
    ada.change_filter(first, Some("A first"), None).unwrap();
    ada.change_filter(first, None, Some(&sales)).unwrap();
    assert_eq!((names(), listed(0)), (vec!["A first".to_owned(), "Sales".to_owned()], vec![conversation(1)]));
    ada.delete_filter(second).unwrap();
    ada.delete_filter(second).unwrap();
    assert_eq!(names(), ["A first"]);
    assert!(matches!(ada.change_filter(second, Some("x"), None), Err(Error::UnknownFilter(_))));
    assert!(matches!(ada.save_filter("  ", &urgent), Err(Error::FilterName)));
    assert!(matches!(ada.save_filter(&"x".repeat(61), &urgent), Err(Error::FilterName)));
}

/// R7: contacts by name, a page at a time, or as typed.
#[tokio::test]
async fn contacts_are_listed_by_name() {
    let scene = Scene::new();
    let ada = ada(&scene, 0..5).await;
    let all = ada.contacts("", 10, None).unwrap();
    assert_eq!(all.len(), 5);
    let first = ada.contacts("", 2, None).unwrap();
    let rest = ada.contacts("", 10, Some(&crate::store::ContactKey::of(&first[1]))).unwrap();
    assert_eq!([first, rest].concat(), all);
    assert!(all.windows(2).all(|pair| pair[0].display_name.to_lowercase() <= pair[1].display_name.to_lowercase()));
    let typed = ada.contacts(&all[3].display_name, 10, None).unwrap();
    assert!(typed.contains(&all[3]));
}

/// R23: messages are taken in while nothing else is done, and found from then on; a message of one's own as well, and not
/// once it was taken back.
#[tokio::test]
async fn messages_are_found_once_they_are_taken_in() {
    let scene = Scene::new();
    let ada = ada(&scene, 0..3).await;
    let intent = ada.note(conversation(1), "The quokka is asleep").unwrap();
    let before = ada.search_messages("quokka", 10).unwrap();
    assert!(before.hits.is_empty() && !before.complete);
    assert!(ada.index_messages(Duration::from_secs(10)).unwrap());
    let found = ada.search_messages("QUOK", 10).unwrap();
    assert!(found.complete);
    assert_eq!(found.hits[0].conversation.conversation, conversation(1));
    let message = ada.message(conversation(1), found.hits[0].message).unwrap();
    assert_eq!(message.text, "The quokka is asleep");
    ada.undo(intent).unwrap();
    ada.index_messages(Duration::from_secs(10)).unwrap();
    assert!(ada.search_messages("quokka", 10).unwrap().hits.is_empty());
}
