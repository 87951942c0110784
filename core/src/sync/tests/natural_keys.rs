//! Two who start the same conversation apart from each other, and one who may not.

use super::relay::OUR_NUMBER;
use super::*;
use crate::{
    ids::ConversationId,
    intents::NewContact,
    model::Channel,
    sync::{Part, storage::Attention},
};

const CAROL: &str = "+14155550177";
const CONTACT: DocumentId = DocumentId([0x51; 16]);
const CONVERSATION: DocumentId = DocumentId([0x52; 16]);

fn start(phone: &mut Phone) -> Vec<IntentId> {
    let new = NewContact { name: "Carol".into(), phones: vec![CAROL.into()], ..NewContact::default() };
    let verb = Verb::StartConversation {
        conversation: ConversationId(CONVERSATION.0),
        contact: CONTACT,
        channel: Channel::Sms(OUR_NUMBER.into()),
        text: Some("Hello Carol".into()),
    };
    let parts = vec![
        Part { document: CONTACT, verb: Verb::CreateContact(new), natural_key: None },
        Part { document: CONVERSATION, verb, natural_key: None },
    ];
    phone.submit(Submission { parts }).unwrap()
}

/// DESIGN 3, natural keys: Carol wrote in while Ann's phone was offline. Ann's message goes to that conversation, and
/// nothing stays under the old ids: no row, no intent, no second Carol. Her draft follows.
#[test]
fn a_conversation_that_exists_takes_the_place_of_the_own_one() {
    let mut relay = Relay::new(ANN);
    let mut phone = Phone::in_sync(&mut relay);
    let started = start(&mut phone);
    let note = phone.act(CONVERSATION, Verb::Note { text: "from the fair".into(), mentions: Vec::new() });
    phone.session.set_draft(phone.now, &mut phone.disk, CONVERSATION, "By the way").unwrap();
    let (contact, document) = relay.conversation("Carol C.", CAROL);
    relay.inbound(document, "Hi, it's Carol");

    phone.now = phone.now.after(4 * SECOND);
    assert_eq!(phone.sync(&mut relay), Ok(()));
    assert_eq!(phone.texts(document), ["Hi, it's Carol", "Hello Carol", "from the fair"]);
    assert!(accepted(&phone.state(started[1])) && accepted(&phone.state(note)));
    let rows = phone.disk.conversation_rows();
    assert_eq!(rows.iter().map(|row| (row.document, row.contact)).collect::<Vec<_>>(), [(document, contact)]);
    assert_eq!(phone.disk.contact_rows().len(), 1);
    assert!(phone.disk.document_kind(CONTACT).unwrap().is_none());
    assert!(phone.disk.document_kind(CONVERSATION).unwrap().is_none());
    assert!(phone.disk.all_intents().iter().all(|intent| intent.document == document));
    let draft = phone.disk.register(crate::protocol::RegisterKey::Draft(document)).unwrap().unwrap();
    assert_eq!(draft.content, crate::protocol::RegisterContent::Text("By the way".into()));
    phone.check_against(&relay);
}

/// Only the contact exists: the conversation stays the device's own, with the other contact.
#[test]
fn a_contact_that_exists_takes_the_place_of_the_own_one() {
    let mut relay = Relay::new(ANN);
    let mut phone = Phone::in_sync(&mut relay);
    let started = start(&mut phone);
    let (contact, document) = relay.conversation("Carol C.", CAROL);
    relay.documents.remove(&document);
    phone.now = phone.now.after(4 * SECOND);
    assert_eq!(phone.sync(&mut relay), Ok(()));
    assert!(accepted(&phone.state(started[1])));
    let row = phone.disk.conversation_row(CONVERSATION).unwrap();
    assert_eq!((row.contact, row.contact_name.as_str()), (contact, "Carol C."));
    phone.check_against(&relay);
}

/// The answer says where it goes, then the connection breaks before the document has come, at any frame.
#[test]
fn an_intent_waits_for_the_document_that_it_goes_to() {
    for cut in 1..9 {
        let mut relay = Relay::new(ANN);
        let mut phone = Phone::in_sync(&mut relay);
        let started = start(&mut phone);
        let (_, document) = relay.conversation("Carol C.", CAROL);
        phone.now = phone.now.after(4 * SECOND);
        phone.event(Event::SyncOnce);
        let sent = phone.sent.pop_front().unwrap();
        let frames = relay.answer(&sent.frames);
        phone.deliver(&sent, frames, Some(cut));
        phone.check();
        if cut == 2 {
            assert_eq!(phone.state(started[1]), IntentState::WaitsFor { document });
            assert_eq!(phone.intent(started[1]).verb.text(), Some("Hello Carol"));
        }
        phone.restart();
        assert_eq!(phone.sync(&mut relay), Ok(()), "cut at {cut}");
        assert_eq!(relay.texts(document), ["Hello Carol"], "cut at {cut}");
        phone.check_against(&relay);
    }
}

/// R17: the number belongs to somebody else's customer. Ann learns that and no more; her text stays.
#[test]
fn needs_access_keeps_the_text_and_leaves_no_document() {
    let mut relay = Relay::new(ANN);
    let mut phone = Phone::in_sync(&mut relay);
    relay.moods.out_of_sight.insert(CAROL.into());
    let started = start(&mut phone);
    let second = phone.reply(CONVERSATION, "Hello?");
    phone.now = phone.now.after(4 * SECOND);
    assert_eq!(phone.sync(&mut relay), Ok(()));
    for id in started.iter().chain([&second]) {
        assert_eq!(phone.state(*id), IntentState::NeedsAttention(Attention::NeedsAccess));
    }
    assert_eq!(phone.intent(started[1]).verb.text(), Some("Hello Carol"));
    assert!(phone.disk.conversation_rows().is_empty() && phone.disk.contact_rows().is_empty());
    phone.check_against(&relay);
    // She discards it: nothing is left.
    phone.session.discard(phone.now, &mut phone.disk, started[0]).unwrap();
    phone.session.discard(phone.now, &mut phone.disk, second).unwrap();
    assert!(phone.disk.all_intents().is_empty());
}
