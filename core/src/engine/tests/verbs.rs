//! What members do without a network (R26): it shows at once, can be taken back, and says why it can't be done.

use super::*;
use crate::{
    ids::QueueId,
    intents::{Verb, VerbError},
    model::{Consent, Priority, Queue},
    protocol::Deed,
    sync::session::End,
    triage::InboxFilter,
};

const LONG: Duration = Duration::from_secs(30);
const HOUR: Duration = Duration::from_secs(60 * 60);
pub(super) const SALES: QueueId = QueueId([0x51; 16]);

/// Ada's phone with some customers, and a queue.
pub(super) async fn ada(scene: &Scene, customers: std::ops::Range<u8>) -> Offdesk {
    let ada = scene.enrol().await;
    let [directory, _] = workspace();
    let settings = Settings { numbers: vec![OURS.into()], ..Settings::default() };
    let queue = Queue { name: "Sales".into(), ..Queue::default() }.actions(SALES);
    let settings = snapshot(Kind::Settings, id(1, 2), &[settings.actions(), queue].concat(), Vec::new());
    let mut frames = vec![welcome(), directory, settings];
    frames.extend(page(customers));
    frames.push(cursor(10, true));
    scene.relay.says(frames, Some(End::Finished));
    ada.sync_once(LONG).await.unwrap();
    ada
}

/// R20, R26: a snooze shows until when; a new one takes its place, also an earlier one; waking ends it; so does undoing.
#[tokio::test]
async fn a_conversation_is_snoozed_and_woken() {
    let scene = Scene::new();
    let ada = ada(&scene, 0..1).await;
    let until = |ada: &Offdesk| ada.conversation(conversation(0)).unwrap().row.snoozed_until;
    ada.snooze(conversation(0), START.after(DAY)).unwrap();
    assert_eq!(until(&ada), Some(START.after(DAY)));
    let sooner = ada.snooze(conversation(0), START.after(HOUR)).unwrap();
    assert_eq!(until(&ada), Some(START.after(HOUR)));
    ada.undo(sooner).unwrap();
    assert_eq!(until(&ada), Some(START.after(DAY)));
    ada.wake(conversation(0)).unwrap();
    assert_eq!(until(&ada), None);
    assert!(matches!(ada.wake(conversation(0)), Err(Error::Verb(VerbError::NothingToDo))));
    let past = ada.snooze(conversation(0), START);
    assert!(matches!(past, Err(Error::Verb(VerbError::TimePassed))), "{past:?}");
    let far = ada.snooze(conversation(0), START.after(400 * DAY));
    assert!(matches!(far, Err(Error::Verb(VerbError::TooFarAhead))), "{far:?}");
    let what: Vec<Deed> =
        ada.conversation(conversation(0)).unwrap().timeline.into_iter().map(|entry| entry.what).collect();
    assert_eq!(what, [Deed::Snoozed { until: START.after(DAY) }, Deed::Woken]);
}

/// R26, R36: priority and queue; a queue that is not there is refused in words.
#[tokio::test]
async fn a_conversation_is_sorted() {
    let scene = Scene::new();
    let ada = ada(&scene, 0..1).await;
    ada.set_priority(conversation(0), Priority::Urgent).unwrap();
    ada.move_to_queue(conversation(0), Some(SALES)).unwrap();
    let row = ada.conversation(conversation(0)).unwrap().row;
    assert_eq!((row.priority, row.queue), (Priority::Urgent, Some(SALES)));
    let nowhere = ada.move_to_queue(conversation(0), Some(QueueId([9; 16])));
    assert!(matches!(&nowhere, Err(Error::Forbidden { reason }) if reason.contains("no such queue")), "{nowhere:?}");
    assert!(matches!(ada.set_priority(conversation(0), Priority::Urgent), Err(Error::Verb(VerbError::NothingToDo))));
}

/// R26: many at once, each by itself: what can't be done on one hinders none of the others, and each can be taken back.
#[tokio::test]
async fn many_conversations_are_triaged_at_once() {
    let scene = Scene::new();
    let ada = ada(&scene, 0..4).await;
    let urgent = |ada: &Offdesk| {
        let rows = ada.inbox(&InboxFilter::default(), 10, None).unwrap();
        rows.iter().filter(|row| row.priority == Priority::Urgent).count()
    };
    ada.set_priority(conversation(2), Priority::Urgent).unwrap();
    let all: Vec<ConversationId> = (0..5).map(conversation).collect();
    let verb = Verb::SetPriority { priority: Priority::Urgent };
    let outcomes = ada.on_each(&all, &verb).unwrap();
    let done: Vec<IntentId> = outcomes.iter().filter_map(|(_, outcome)| outcome.as_ref().ok().copied()).collect();
    assert_eq!(done.len(), 3);
    assert!(matches!(outcomes[2], (_, Err(Error::Verb(VerbError::NothingToDo)))));
    assert!(matches!(outcomes[4], (_, Err(Error::UnknownConversation(_)))));
    assert_eq!(urgent(&ada), 4);
    assert!(ada.undo_each(&done).unwrap().iter().all(Result::is_ok));
    assert_eq!(urgent(&ada), 1);
    ada.mark_each_read(&all[..4]).unwrap();
    assert_eq!(ada.counts().unwrap().unread, 0);
    let start = Verb::CreateContact(crate::intents::NewContact::default());
    assert!(matches!(ada.on_each(&all, &start), Err(Error::Verb(VerbError::WrongDocument))));
}

/// R26: a blocked contact's conversation leaves the list and the counts, is found among the blocked, and comes back.
#[tokio::test]
async fn a_blocked_contact_is_off_the_lists() {
    let scene = Scene::new();
    let ada = ada(&scene, 0..2).await;
    let contact = ada.conversation(conversation(1)).unwrap().row.contact;
    let blocking = ada.block_contact(contact, true).unwrap();
    let listed = |filter: InboxFilter| -> Vec<ConversationId> {
        ada.inbox(&filter, 10, None).unwrap().into_iter().map(|row| row.conversation).collect()
    };
    assert_eq!(listed(InboxFilter::default()), [conversation(0)]);
    assert_eq!(listed(InboxFilter { blocked: true, ..InboxFilter::default() }), [conversation(1)]);
    assert_eq!(listed(InboxFilter { contact: Some(contact), ..InboxFilter::default() }), [conversation(1)]);
    assert_eq!(ada.counts().unwrap().open, 1);
    assert!(ada.conversation(conversation(1)).unwrap().row.blocked);
    ada.undo(blocking).unwrap();
    assert_eq!(listed(InboxFilter::default()).len(), 2);
}

/// R34: consent is kept by phone, however that is typed.
#[tokio::test]
async fn consent_is_kept_by_phone() {
    let scene = Scene::new();
    let ada = ada(&scene, 0..1).await;
    let contact = ada.conversation(conversation(0)).unwrap().row.contact;
    ada.set_consent(contact, "(415) 555-2000", Some(Consent::Revoked)).unwrap();
    let reach = ada.contact(contact).unwrap().reach;
    assert_eq!(reach.consent.get("+14155552000"), Some(&Consent::Revoked));
    ada.set_consent(contact, "+14155552000", None).unwrap();
    assert!(ada.contact(contact).unwrap().reach.consent.is_empty());
}

/// R25, R26: what is sent later is shown so, and neither clears needs-reply nor can lie in the past.
#[tokio::test]
async fn a_reply_is_written_for_later() {
    let scene = Scene::new();
    let ada = ada(&scene, 0..1).await;
    let past = ada.reply_later(conversation(0), "Good morning", START);
    assert!(matches!(past, Err(Error::Verb(VerbError::TimePassed))), "{past:?}");
    let later = ada.reply_later(conversation(0), "Good morning", START.after(DAY)).unwrap();
    let view = ada.conversation(conversation(0)).unwrap();
    let message = view.messages.last().unwrap();
    assert_eq!((message.id, message.later), (later, Some(START.after(DAY))));
    assert!(view.row.needs_reply && view.row.assignees.contains_key(&ADA));
    ada.undo(later).unwrap();
    assert_eq!(ada.conversation(conversation(0)).unwrap().messages.len(), 1);
}

/// R26: only members are called.
#[tokio::test]
async fn a_note_calls_members() {
    let scene = Scene::new();
    let ada = ada(&scene, 0..1).await;
    let stranger = MemberId([9; 16]);
    assert!(
        matches!(ada.note_to(conversation(0), "Look", &[stranger]), Err(Error::UnknownMember(id)) if id == stranger)
    );
    ada.note_to(conversation(0), "Look", &[ADA]).unwrap();
    assert!(ada.conversation(conversation(0)).unwrap().messages.last().unwrap().mentions.contains(&ADA));
}
