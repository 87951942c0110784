//! Documents asked for by name while a stream is open: the answer comes on a connection of its own, and may be old by then.

use super::*;
use crate::policy::Visibility;

/// Ann opens a record while her phone is live: the request that asks for its conversation, unanswered.
fn asked(phone: &mut Phone, document: DocumentId) -> Sent {
    phone.session.fetch(&[document]);
    phone.event(Event::Woken);
    phone.sent.pop_front().expect("it is asked for")
}

fn answered(phone: &mut Phone, sent: &Sent, answer: Response) {
    phone.deliver(sent, vec![answer], None);
}

/// Seed 6021: that there is no such document was true when it was said. Meanwhile the stream brought it.
#[test]
fn a_late_word_that_there_is_no_such_document_does_not_take_it() {
    let mut relay = Relay::new(ANN);
    let mut phone = Phone::in_sync(&mut relay);
    let stream = phone.go_live(&mut relay);
    let soon = DocumentId([4; 16]);
    let request = asked(&mut phone, soon);
    let late = relay.answer(&request.frames);
    assert!(late.iter().any(|frame| matches!(frame, Response::Evict { documents } if *documents == [soon])));

    let (_, document) = relay.conversation("Bob", "+14155550101");
    assert_eq!(document, soon);
    phone.follow(&relay, &stream);
    phone.deliver(&request, late, None);
    assert!(phone.disk.document(soon).unwrap().is_some());
    phone.check_against(&relay);
}

/// Seed 18643: as above, and she opens it again before the old answer comes. That is no answer to the new wish.
#[test]
fn a_late_word_is_no_answer_to_a_later_wish() {
    let mut relay = Relay::new(ANN);
    let mut phone = Phone::in_sync(&mut relay);
    let stream = phone.go_live(&mut relay);
    let soon = DocumentId([4; 16]);
    let request = asked(&mut phone, soon);
    let late = relay.answer(&request.frames);
    relay.conversation("Bob", "+14155550101");
    phone.follow(&relay, &stream);
    phone.session.fetch(&[soon]);
    phone.deliver(&request, late, None);
    assert!(phone.disk.document(soon).unwrap().is_some());
}

/// R9, seed 9068: what came of a document that was asked for left the relay before access narrowed, and comes after. It is not
/// kept on that word: the relay is asked once more.
#[test]
fn a_late_document_is_not_kept_if_access_narrowed_meanwhile() {
    for may_be_seen in [true, false] {
        let mut relay = Relay::new(ANN);
        let mut phone = Phone::in_sync(&mut relay);
        let stream = phone.go_live(&mut relay);
        let (_, document) = relay.conversation("Bob", "+14155550101");
        let request = asked(&mut phone, document);
        let mut late = relay.snapshot(document);
        if let Response::Snapshot { visibility, .. } = &mut late {
            *visibility = Visibility::RECORD;
        }
        let stays: Vec<DocumentId> = phone.disk.documents(None).unwrap();
        phone.event(Event::Frame { request: stream.id, frame: Response::Retain { documents: stays } });
        answered(&mut phone, &request, late.clone());
        assert!(phone.disk.document(document).unwrap().is_none());

        let again = phone.sent.pop_front().expect("it is asked for once more");
        assert!(again.frames.contains(&Request::Fetch { documents: vec![document], records: Vec::new() }));
        let answer = if may_be_seen { late } else { Response::Evict { documents: vec![document] } };
        answered(&mut phone, &again, answer);
        assert_eq!(phone.disk.document(document).unwrap().is_some(), may_be_seen);
        assert!(phone.sent.is_empty());
        phone.check();
    }
}

/// R7: a record's conversations come unasked for by name, on the word of the contact. What the stream told of them meanwhile
/// is newer: one that was taken away is not brought back by it.
#[test]
fn a_records_conversations_come_unless_the_stream_knew_better() {
    for (meanwhile, stays) in [("nothing", true), ("evicted", false), ("narrowed", false)] {
        let mut relay = Relay::new(ANN);
        let mut phone = Phone::in_sync(&mut relay);
        let stream = phone.go_live(&mut relay);
        let (contact, document) = relay.conversation("Bob", "+14155550101");
        phone.session.open_record(contact);
        phone.event(Event::Woken);
        let request = phone.sent.pop_front().expect("it is asked for");
        let asks = Request::Fetch { documents: Vec::new(), records: vec![contact] };
        assert!(request.frames.contains(&asks));
        let mut snapshot = relay.snapshot(document);
        if let Response::Snapshot { visibility, .. } = &mut snapshot {
            *visibility = Visibility::RECORD;
        }
        let word = match meanwhile {
            "evicted" => Some(Response::Evict { documents: vec![document] }),
            "narrowed" => Some(Response::Retain { documents: phone.disk.documents(None).unwrap() }),
            _ => None,
        };
        if let Some(frame) = word {
            phone.event(Event::Frame { request: stream.id, frame });
        }
        phone.deliver(&request, vec![snapshot, Response::Record { contact, more: false }], None);
        assert_eq!(phone.disk.document(document).unwrap().is_some(), stays, "{meanwhile}");
        let known = phone.session.opened_records().contains_key(&contact);
        assert_eq!(known, meanwhile != "narrowed", "{meanwhile}");
        let again = phone.sent.iter().any(|sent| sent.frames.contains(&asks));
        assert_eq!(again, meanwhile == "narrowed", "{meanwhile}");
        // What nobody asked for any more is no answer.
        phone.deliver(&request, vec![relay.snapshot(document)], None);
        assert_eq!(phone.disk.document(document).unwrap().is_some(), stays, "{meanwhile}");
    }
}
