//! What an event does, and which are refused.

use std::collections::BTreeSet;

use offdesk_core::{
    ids::{AutomationId, DocumentId, MemberId},
    model::{
        Action, Automation, Consent, Conversation, MessageKind, Origin, action::ContactField,
        conversation::AssignmentReason,
    },
};
use serde_json::json;

use super::{
    Event, Handled, handle,
    runs::{self, Run, carry_out_next},
    signature,
};
use crate::{
    accept::{
        self,
        tests::{ADMIN, AGENT, NOBODY, Office, REP},
    },
    store::StoreError,
};

const CART: AutomationId = AutomationId([11; 16]);
const MARA: &str = "+14155552671";

fn event(id: &str, phone: &str) -> Event {
    let event = json!({
        "id": id,
        "event": "abandoned_checkout",
        "contact": { "phone": phone, "name": "Mara Lindgren" },
        "data": { "cart_url": "https://shop.example/c/7", "value": 129.5 },
    });
    serde_json::from_value(event).unwrap()
}

fn automation() -> Automation {
    Automation {
        name: "Cart".into(),
        enabled: true,
        event: "abandoned_checkout".into(),
        template: "Still there, {contact.first_name|friend}? {data.cart_url}".into(),
        origin: Origin::CartRecovery,
        ..Automation::default()
    }
}

trait Automates {
    fn automation(&mut self, automation: &Automation);
    fn happens(&mut self, event: Event) -> Handled;
    fn edit(&mut self, document: DocumentId, actions: Vec<Action>);
    fn alerts(&self, member: MemberId) -> i64;
    fn time_passes(&mut self) -> bool;
    fn runs(&self) -> Vec<Run>;
}

impl Automates for Office {
    fn automation(&mut self, automation: &Automation) {
        let settings = self.store.read_blocking(|tx| accept::settings_of(tx, self.workspace)).unwrap();
        self.edit(settings, automation.actions(CART));
    }

    fn happens(&mut self, event: Event) -> Handled {
        self.later(1000);
        let (now, mut rng, workspace) = (self.now, self.rng(), self.workspace);
        self.write(move |tx| Ok(handle(tx, now, &mut rng, workspace, &event).unwrap()))
    }

    fn time_passes(&mut self) -> bool {
        let (now, mut rng) = (self.now, self.rng());
        self.write(move |tx| carry_out_next(tx, now, &mut rng))
    }

    fn runs(&self) -> Vec<Run> {
        self.store.read_blocking(|tx| runs::latest(tx, self.workspace, 10)).unwrap()
    }

    fn edit(&mut self, document: DocumentId, actions: Vec<Action>) {
        let (now, mut rng, workspace) = (self.now, self.rng(), self.workspace);
        self.write(move |tx| accept::author(tx, now, &mut rng, workspace, document, &actions));
    }

    fn alerts(&self, member: MemberId) -> i64 {
        self.store
            .read_blocking(|tx| {
                let sql = "SELECT count(*) FROM facts WHERE member = ?1";
                Ok::<_, StoreError>(tx.connection().query_row(sql, [member.as_bytes()], |row| row.get(0))?)
            })
            .unwrap()
    }
}

fn document(handled: &Handled) -> DocumentId {
    handled.done[0].document.unwrap_or_else(|| panic!("{handled:?}"))
}

fn latest(conversation: &Conversation) -> Option<Origin> {
    conversation.origins.iter().max_by_key(|(_, at)| **at).map(|(origin, _)| *origin)
}

fn automated(conversation: &Conversation) -> Vec<MemberId> {
    let by_automation = conversation.assignments.iter().filter(|one| one.reason == AssignmentReason::Automation);
    by_automation.map(|assignment| assignment.key.member).collect()
}

/// R19, R22: a contact's first event starts their conversation: with its origin and what the event says of it, its message,
/// which goes out, and its assignees.
#[test]
fn an_event_starts_a_conversation_and_assigns() {
    let mut office = Office::open();
    let (ana, nobody) = (office.member("Ana", AGENT), office.member("Nora", NOBODY));
    office.automation(&Automation { members: [ana, nobody].into(), ..automation() });
    let handled = office.happens(event("1", "(415) 555-2671"));
    let document = document(&handled);
    let conversation = office.conversation(document);
    let [(_, message)] = conversation.messages.iter().collect::<Vec<_>>()[..] else { panic!("one message") };
    assert_eq!(message.text, "Still there, Mara? https://shop.example/c/7");
    assert_eq!((message.kind, message.by), (MessageKind::Outbound, None));
    assert_eq!(latest(&conversation), Some(Origin::CartRecovery));
    assert_eq!(conversation.sorting.details["cart.cart_url"], "https://shop.example/c/7");
    assert_eq!(conversation.sorting.details["cart.value"], "129.5");
    // R8: who has no dashboard is not assigned, whatever the automation says.
    assert_eq!(automated(&conversation), [ana]);
    let sent = "SELECT count(*) FROM ledger WHERE state = 'queued' AND author IS NULL AND recipient = '+14155552671'";
    assert_eq!(office.count(sent), 1);

    // A later campaign goes into the same conversation, marks it too, and comes first.
    office.automation(&Automation { origin: Origin::Campaign, members: [ana].into(), ..automation() });
    let again = office.happens(event("2", MARA));
    assert_eq!(self::document(&again), document);
    let conversation = office.conversation(document);
    assert_eq!(latest(&conversation), Some(Origin::Campaign));
    assert!(conversation.origins.contains_key(&Origin::CartRecovery) && conversation.messages.len() == 2);
    assert_eq!(automated(&conversation).len(), 1, "one assignment by automation is enough");
}

/// R19: the record owner is assigned where an automation says so, beside those whom it names.
#[test]
fn the_record_owner_is_assigned() {
    let mut office = Office::open();
    let (ana, rep) = (office.member("Ana", AGENT), office.member("Rita", REP));
    let document = office.sms(MARA, "Hi");
    let contact = office.conversation(document).contact;
    office.edit(contact, vec![Action::SetContactField { field: ContactField::Owner, value: Some(rep.to_string()) }]);
    office.automation(&Automation {
        record_owner: true,
        template: "{owner.first_name} calls you".into(),
        ..automation()
    });
    let handled = office.happens(event("1", MARA));
    assert_eq!(self::document(&handled), document, "where they wrote");
    assert_eq!(automated(&office.conversation(document)), [rep]);
    office.automation(&Automation { record_owner: true, members: [ana].into(), ..automation() });
    office.happens(event("2", MARA));
    let both = automated(&office.conversation(document));
    assert!(both.len() == 2 && both.contains(&ana), "{both:?}");
}

/// R14: whom an automation assigns is not told, unless it says so; R11: they are when the contact replies.
#[test]
fn the_assigned_are_told_if_the_automation_says_so() {
    for tells in [false, true] {
        let mut office = Office::open();
        let (ana, rita) = (office.member("Ana", AGENT), office.member("Rita", REP));
        office.automation(&Automation { members: [rita].into(), alert: tells, ..automation() });
        let document = document(&office.happens(event("1", MARA)));
        assert_eq!((office.alerts(rita), office.alerts(ana)), (i64::from(tells), 0));
        office.happens(event("2", MARA));
        assert_eq!(office.alerts(rita), i64::from(tells), "they were assigned before");
        assert_eq!(office.sms(MARA, "Yes!"), document);
        assert_eq!((office.alerts(rita), office.alerts(ana)), (i64::from(tells) + 1, 0));
    }
}

/// R32: an event counts once, and what came of it is told again; one that nothing waited for may come again.
#[test]
fn an_event_counts_once() {
    let mut office = Office::open();
    office.member("Adam", ADMIN);
    assert_eq!(office.happens(event("1", MARA)), Handled { duplicate: false, done: Vec::new() });
    office.automation(&automation());
    let first = office.happens(event("1", MARA));
    let second = office.happens(event("1", MARA));
    assert_eq!((second.duplicate, &second.done), (true, &first.done));
    office.automation(&Automation { enabled: false, ..automation() });
    assert!(office.happens(event("2", MARA)).done.is_empty(), "it is not enabled");
    assert_eq!(office.count("SELECT count(*) FROM ledger"), 1);
}

/// R34, R26: nobody is written to who opted out or is blocked, and nobody reads a text with a hole in it.
#[test]
fn some_are_left_alone() {
    let mut office = Office::open();
    office.member("Ana", AGENT);
    office.automation(&Automation { template: "{data.coupon}".into(), ..automation() });
    let why = |handled: &Handled| handled.done[0].left_alone.clone().unwrap_or_else(|| panic!("{handled:?}"));
    assert!(why(&office.happens(event("1", MARA))).contains("data.coupon"));
    assert_eq!(office.count("SELECT count(*) FROM contact_phones"), 0, "nothing was made");

    office.automation(&automation());
    let document = office.sms(MARA, "Hi");
    let contact = office.conversation(document).contact;
    office.edit(contact, vec![Action::SetConsent { phone: MARA.into(), consent: Some(Consent::Revoked) }]);
    assert!(why(&office.happens(event("2", MARA))).contains("opted out"));
    office.edit(contact, vec![Action::SetConsent { phone: MARA.into(), consent: Some(Consent::Granted) }]);
    office.edit(contact, vec![Action::SetBlocked { blocked: true }]);
    assert!(why(&office.happens(event("3", MARA))).contains("blocked"));
    assert_eq!(office.count("SELECT count(*) FROM ledger"), 0);
}

const HOUR: std::time::Duration = std::time::Duration::from_secs(3600);

/// R19, R39: after the automation's delay, and not before; whom it assigns is assigned when the message is sent, by what holds
/// then. R32: since when it waited stays written, so that after a restore the provider is asked about it.
#[test]
fn a_delay_is_kept() {
    let mut office = Office::open();
    let (ana, ben) = (office.member("Ana", AGENT), office.member("Ben", AGENT));
    office.automation(&Automation { delay: HOUR, members: [ana].into(), ..automation() });
    let handled = office.happens(event("1", MARA));
    let came = office.now;
    assert_eq!(handled.done[0].due, Some(came.after(HOUR)));
    assert_eq!(office.happens(event("1", MARA)).done, handled.done, "the same again");
    office.later(3_600_000 - 1_001);
    assert!(!office.time_passes(), "not yet");
    assert_eq!(office.count("SELECT count(*) FROM documents WHERE kind = 1"), 0, "nothing is there before");

    office.automation(&Automation { delay: HOUR, members: [ana, ben].into(), ..automation() });
    office.later(1);
    assert!(office.time_passes());
    assert!(!office.time_passes(), "once");
    let [run] = &office.runs()[..] else { panic!("one run") };
    assert_eq!((run.state.as_str(), run.received), ("sent", came));
    let document: Vec<u8> = office
        .store
        .read_blocking(|tx| {
            Ok::<_, StoreError>(tx.connection().query_row("SELECT document FROM ledger", [], |row| row.get(0))?)
        })
        .unwrap();
    let conversation = office.conversation(DocumentId::from_slice(&document).unwrap());
    let assigned: BTreeSet<MemberId> = automated(&conversation).into_iter().collect();
    assert_eq!(assigned, [ana, ben].into());
    let sql = "SELECT held_since FROM ledger WHERE state = 'queued' AND due IS NULL";
    assert_eq!(office.count(sql), came.millis());
}

/// R34, R39: what waits is not sent to who opted out meanwhile, nor for an automation that was disabled or removed.
#[test]
fn what_waits_is_judged_when_its_time_has_come() {
    let mut office = Office::open();
    let document = office.sms(MARA, "Hi");
    let contact = office.conversation(document).contact;
    office.automation(&Automation { delay: HOUR, ..automation() });
    office.happens(event("1", MARA));
    office.edit(contact, vec![Action::SetConsent { phone: MARA.into(), consent: Some(Consent::Revoked) }]);
    office.later(3_600_000);
    assert!(office.time_passes());
    assert!(office.runs()[0].because.as_deref().unwrap().contains("opted out"));

    office.happens(event("2", "+14155550199"));
    office.automation(&Automation { delay: HOUR, enabled: false, ..automation() });
    office.later(3_600_000);
    assert!(office.time_passes());
    assert!(office.runs()[0].because.as_deref().unwrap().contains("disabled"));
    assert_eq!(office.count("SELECT count(*) FROM ledger"), 0);
}

#[test]
fn what_is_no_event_is_refused() {
    let mut office = Office::open();
    office.automation(&automation());
    let good = serde_json::to_value(event("1", MARA)).unwrap();
    let with = |pointer: &str, value: serde_json::Value| {
        let mut event = good.clone();
        *event.pointer_mut(pointer).unwrap() = value;
        serde_json::from_value::<Event>(event).unwrap()
    };
    let many: serde_json::Map<_, _> = (0..33).map(|n| (format!("n{n}"), json!(n))).collect();
    let mut elsewhere = event("1", MARA);
    elsewhere.from = Some("+14155550199".into());
    for wrong in [
        with("/id", json!("")),
        with("/event", json!("Abandoned checkout")),
        with("/contact/phone", json!("12")),
        with("/contact/name", json!("x".repeat(2000))),
        with("/data", json!({ "cart url": 1 })),
        with("/data", json!({ "items": [1] })),
        with("/data", many.into()),
        elsewhere,
    ] {
        let (now, mut rng, workspace) = (office.now, office.rng(), office.workspace);
        let refused = office.store.write_blocking(move |tx| handle(tx, now, &mut rng, workspace, &wrong));
        assert!(refused.is_err(), "{refused:?}");
    }
    assert_eq!(office.count("SELECT count(*) FROM documents WHERE kind = 2"), 0);
}

mod over_http {
    use axum::{
        body::{Body, to_bytes},
        http::{Request, StatusCode},
    };
    use tower::ServiceExt;

    use super::*;
    use crate::{
        admin::{automation, set_up, tests::Company},
        api,
    };

    async fn post(company: &Company, path: &str, signature: &str, body: &str) -> (StatusCode, serde_json::Value) {
        let request =
            Request::post(path).header(signature::HEADER, signature).body(Body::from(body.to_owned())).unwrap();
        let answer = api::router(&company.app).with_state(company.app.clone()).oneshot(request).await.unwrap();
        let status = answer.status();
        let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    /// Whoever has the secret, and nobody else, brings events; and only of now.
    #[tokio::test]
    async fn an_event_is_signed() {
        let company = Company::new().await;
        let workspace = company.workspace;
        company.act(move |tx, actor| set_up::add(tx, actor, workspace, automation())).await.unwrap();
        let path = format!("/v1/events/{workspace}");
        let body = serde_json::to_string(&event("1", "+14155552699")).unwrap();
        let now = company.app.now();
        let (status, _) = post(&company, &path, &signature::sign(b"", now, body.as_bytes()), &body).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "there is no secret yet");

        let secret = company.act(move |tx, actor| automation::secret(tx, actor, workspace, false)).await.unwrap();
        let sign = |at, body: &str| signature::sign(secret.as_bytes(), at, body.as_bytes());
        let elsewhere = format!("/v1/events/{}", offdesk_core::ids::WorkspaceId([1; 16]));
        for (path, signature) in [
            (path.as_str(), String::new()),
            (&path, signature::sign(b"guessed", now, body.as_bytes())),
            (&path, sign(now.before(std::time::Duration::from_secs(3600)), &body)),
            (&path, sign(now, "{}")),
            (&elsewhere, sign(now, &body)),
        ] {
            let (status, problem) = post(&company, path, &signature, &body).await;
            assert_eq!((status, &problem["type"]), (StatusCode::FORBIDDEN, &json!("bad_signature")));
        }
        let (status, handled) = post(&company, &path, &sign(now, &body), &body).await;
        assert_eq!((status, &handled["duplicate"]), (StatusCode::OK, &json!(false)), "{handled}");
        let (_, again) = post(&company, &path, &sign(now, &body), &body).await;
        assert_eq!((&again["duplicate"], &again["done"]), (&json!(true), &handled["done"]));
        for (wrong, expected) in [
            ("{", StatusCode::BAD_REQUEST),
            (r#"{"id":"9","event":"x","contact":{"phone":"1"}}"#, StatusCode::UNPROCESSABLE_ENTITY),
        ] {
            assert_eq!(post(&company, &path, &sign(now, wrong), wrong).await.0, expected);
        }
        let anew = company.act(move |tx, actor| automation::secret(tx, actor, workspace, true)).await.unwrap();
        assert_ne!(anew, secret);
        assert_eq!(post(&company, &path, &sign(now, &body), &body).await.0, StatusCode::FORBIDDEN);
    }
}
