//! What hostile devices get: a refusal with the right code, and an unharmed document.

use super::*;
use offdesk_core::model::RefusalCode;

fn code(verdict: Verdict) -> RefusalCode {
    match verdict {
        Verdict::Rejected(refusal) => refusal.code,
        other => panic!("not rejected: {other:?}"),
    }
}

/// Step 6: a member with read access may look, not write (R7).
#[test]
fn a_reader_can_not_write() {
    let mut office = Office::open();
    let reader = office.member("Reader", READER);
    let mut phone = office.phone(reader);
    let document = office.sms("+14155552671", "Hi");
    phone.pull(&office, document, Kind::Conversation);
    assert_eq!(code(phone.run(&mut office, document, &reply("Hello"))), RefusalCode::Forbidden);
    assert_eq!(office.conversation(document).messages.len(), 1);
}
