//! The record path: conversations that are opened from their contact's record (R7).

use offdesk_core::{
    engine::Error,
    ids::ContactId,
    intents::{ContactEdit, NewContact},
    triage::InboxFilter,
};
use offdesk_tests::{AGENT, Phone, REP, World, database, eventually};

const MARIA: &str = "+14155550123";

fn dashboard(phone: &Phone) -> usize {
    phone.inbox(&InboxFilter::default(), 100, None).unwrap().len()
}

/// R7, R9: Rita owns Maria's record; the conversation is Ana's. From the record she opens it, reads it offline, and is told
/// of what comes; it is on no list of hers, in no count, and raises no alert. When she answers it becomes hers (R17). When
/// the record is another's, everything of it leaves her phone, every word of it too.
#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_opened_read_offline_and_taken_away() {
    let world = World::open().await;
    let (ana, rita) = (world.member("Ana", AGENT).await, world.member("Rita", REP).await);
    let (anas, ritas) = (world.phone(&ana, "Ana's phone").await, world.phone(&rita, "Rita's phone").await);
    let new = NewContact { name: "Maria Gomez".into(), phones: vec![MARIA.into()], ..NewContact::default() };
    let (contact, _) = anas.create_contact(new).unwrap();
    anas.live().await;
    world.inbound(MARIA, "A question about my quokka").await;
    eventually("Ana sees it", || dashboard(&anas) == 1).await;
    let conversation = anas.conversation_with("Maria Gomez").unwrap();
    anas.live().await;
    assert!(matches!(ritas.open_record(contact), Err(Error::UnknownContact(_))), "she may not see the card");

    let to_rita = ContactEdit { owner: Some(rita.id), ..ContactEdit::default() };
    anas.edit_contact(contact, to_rita).unwrap();
    eventually("the card is on Rita's phone", || ritas.record(contact).is_ok()).await;
    assert!(!ritas.record(contact).unwrap().complete);
    assert!(ritas.record(contact).unwrap().conversations.is_empty());
    let hits = ritas.search("gomez", 10).unwrap();
    assert!(hits.len() == 1 && hits[0].by_record, "found, and marked: {hits:?}");
    assert!(!anas.search("gomez", 10).unwrap()[0].by_record);

    ritas.open_record(contact).unwrap();
    eventually("the record is here", || ritas.record(contact).unwrap().complete).await;
    let record = ritas.record(contact).unwrap();
    assert_eq!(record.conversations.iter().map(|row| row.conversation).collect::<Vec<_>>(), [conversation]);
    assert!(!record.more && !record.conversations[0].visibility.dashboard());
    ritas.go_offline();
    assert_eq!(ritas.texts(conversation), ["A question about my quokka"]);
    assert_eq!((dashboard(&ritas), ritas.counts().unwrap().open, ritas.alerts().unwrap().len()), (0, 0, 0));
    eventually("its messages are found, and marked", || {
        let found = ritas.search_messages("quok", 10).unwrap();
        found.complete && found.hits.len() == 1 && found.hits[0].by_record
    })
    .await;
    ritas.go_online();
    world.inbound(MARIA, "Hello?").await;
    eventually("what comes, comes", || ritas.texts(conversation).len() == 2).await;
    assert_eq!((dashboard(&ritas), ritas.alerts().unwrap().len()), (0, 0));

    let document = record.conversations[0].document;
    anas.edit_contact(contact, ContactEdit { owner: Some(ana.id), ..ContactEdit::default() }).unwrap();
    eventually("it is gone from Rita's phone", || ritas.record(contact).is_err()).await;
    eventually("and the conversation with it", || ritas.conversation(conversation).is_err()).await;
    assert!(
        ritas.search_messages("quok", 10).unwrap().hits.is_empty() && ritas.search("gomez", 10).unwrap().is_empty()
    );
    let connection = database::open(&ritas.config.database, &ritas.key);
    assert_eq!(database::rows_under(&connection, &document.0, &document.to_string()), Vec::<String>::new());
    let words: i64 = connection.query_row("SELECT count(*) FROM message_texts", [], |row| row.get(0)).unwrap();
    assert_eq!(words, 0);
}

/// R7, R17: a reply from the record makes the conversation one's own, and puts it on the dashboard.
#[tokio::test(flavor = "multi_thread")]
async fn a_reply_from_the_record_brings_it_to_the_dashboard() {
    let world = World::open().await;
    let (ana, rita) = (world.member("Ana", AGENT).await, world.member("Rita", REP).await);
    let (anas, ritas) = (world.phone(&ana, "Ana's phone").await, world.phone(&rita, "Rita's phone").await);
    world.inbound(MARIA, "Hello").await;
    eventually("Ana sees it", || dashboard(&anas) == 1).await;
    let contact: ContactId = anas.contacts("", 10, None).unwrap()[0].contact;
    anas.edit_contact(contact, ContactEdit { share: vec![rita.id], ..ContactEdit::default() }).unwrap();
    eventually("the card comes", || ritas.record(contact).is_ok()).await;
    ritas.open_record(contact).unwrap();
    eventually("the record comes", || ritas.record(contact).unwrap().conversations.len() == 1).await;
    let conversation = ritas.record(contact).unwrap().conversations[0].conversation;
    ritas.reply(conversation, "Hi, Rita here").unwrap();
    eventually("it is hers", || dashboard(&ritas) == 1).await;
    eventually("and Ana sees that", || anas.texts(conversation) == ["Hello", "Hi, Rita here"]).await;
    ritas.live().await;
}
