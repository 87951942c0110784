//! What a device is sent, from its cursor alone.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod visibility;

use std::collections::{BTreeMap, BTreeSet};

use offdesk_core::{
    ids::{DocumentId, MemberId},
    intents::Verb,
    model::{Action, DashboardAccess, Kind, Member},
    protocol::{Backfill, Cursor, Hello, Incarnation, Response},
};
use rand::{SeedableRng, rngs::StdRng};

use super::{
    backfill,
    catch_up::{self, Page, PageSizes, Step},
    exchange::{Exchange, Step as ExchangeStep},
    request::{PushBody, SyncRequest},
};
use crate::{
    accept::{
        self,
        tests::{AGENT, Office, Phone, REP, reply},
    },
    auth::{self, AuthError, Authenticated},
    store::StoreError,
};

/// The receiving end of a stream: applies frames as a device does, but keeps only which documents it holds.
struct Receiver {
    device: Authenticated,
    cursor: Cursor,
    held: BTreeMap<DocumentId, Kind>,
    order: Vec<DocumentId>,
}

impl Receiver {
    fn new(office: &Office, phone: &Phone) -> Self {
        let (workspace, member) = (phone.pusher.workspace, phone.pusher.member);
        let access = office
            .store
            .read_blocking(move |tx| auth::access(tx, workspace, member)?.ok_or(AuthError::Deactivated))
            .unwrap();
        let device =
            Authenticated { device: phone.pusher.device, member, workspace, access, incarnation: 1, push_number: 0 };
        Self { device, cursor: Cursor::default(), held: BTreeMap::new(), order: Vec::new() }
    }

    fn step(&mut self, office: &Office) -> Option<Page> {
        let (workspace, member) = (self.device.workspace, self.device.member);
        let access =
            office.store.read_blocking(move |tx| auth::access(tx, workspace, member)).unwrap().expect("active");
        self.device.access = access;
        let (device, cursor) = (self.device.clone(), self.cursor);
        let step = office
            .store
            .read_blocking(move |tx| {
                let epoch = accept::epoch(tx)?;
                catch_up::next(tx, &device, epoch, &Cursor { epoch, ..cursor }, &PageSizes::default())
            })
            .unwrap();
        match step {
            Step::UpToDate => None,
            Step::Page(page) => Some(page),
            Step::Backfill(plan) => {
                let device = self.device.device;
                let (plan, place) = office.write(move |tx| {
                    let place = backfill::begin(tx, device, &plan, &mut StdRng::seed_from_u64(9))?;
                    Ok::<_, StoreError>((plan, place))
                });
                let cursor = Cursor { epoch: 1, seq: plan.seq, backfill: Some(place) };
                Some(Page { frames: plan.first, cursor, gone: Vec::new() })
            }
        }
    }

    fn apply(&mut self, page: &Page) {
        for frame in &page.frames {
            match frame {
                Response::Snapshot { document, kind, .. } => {
                    self.held.insert(*document, *kind);
                    self.order.push(*document);
                }
                Response::Delta { document, .. } => assert!(self.held.contains_key(document), "a delta of nothing"),
                Response::Evict { documents } => documents.iter().for_each(|document| {
                    self.held.remove(document);
                }),
                Response::Retain { documents } => self.held.retain(|document, _| documents.contains(document)),
                _ => {}
            }
        }
        self.cursor = page.cursor;
    }

    fn catch_up(&mut self, office: &Office) -> usize {
        let mut pages = 0;
        while let Some(page) = self.step(office) {
            self.apply(&page);
            pages += 1;
            assert!(pages < 1000, "no end");
        }
        pages
    }

    fn conversations(&self) -> BTreeSet<DocumentId> {
        self.held.iter().filter(|(_, kind)| **kind == Kind::Conversation).map(|(document, _)| *document).collect()
    }
}

fn set_dashboard(office: &mut Office, member: MemberId, dashboard: DashboardAccess) {
    let (id, directory) = office.directory();
    let member = Member { dashboard_override: Some(dashboard), ..directory.members[&member].clone() };
    office.later(1);
    let (now, workspace) = (office.now, office.workspace);
    let actions: Vec<Action> = member.actions();
    office.write(move |tx| accept::author(tx, now, &mut StdRng::seed_from_u64(3), workspace, id, &actions));
}

fn number(n: usize) -> String {
    format!("+1415555{n:04}")
}

/// A device that misses nothing is told so without a page.
#[test]
fn unchanged_is_up_to_date() {
    let mut office = Office::open();
    let ana = office.member("Ana", AGENT);
    let phone = office.phone(ana);
    office.sms(&number(1), "Hi");
    let mut receiver = Receiver::new(&office, &phone);
    assert_eq!(receiver.catch_up(&office), 1);
    assert!(receiver.step(&office).is_none());
    // Directory, settings, contact, conversation.
    assert_eq!(receiver.held.len(), 4);
}

/// A cold start comes in frozen order, page by page, resumes at every page boundary, and misses nothing that happens
/// meanwhile.
#[test]
fn a_cold_start_resumes_wherever_it_is_cut() {
    let mut office = Office::open();
    let ana = office.member("Ana", AGENT);
    let phone = office.phone(ana);
    let documents: Vec<DocumentId> =
        (0..PageSizes::default().difference).map(|n| office.sms(&number(n), "Hi")).collect();
    let mut receiver = Receiver::new(&office, &phone);
    let mut pages = 0;
    while let Some(page) = receiver.step(&office) {
        // The stream is cut before this page arrives whole; the same cursor gives the same page again.
        let again = receiver.step(&office).unwrap();
        if receiver.cursor.backfill.is_some() {
            assert_eq!(page.frames.len(), again.frames.len());
        }
        receiver.apply(&again);
        pages += 1;
        if pages == 2 {
            // An old conversation becomes the latest, and a new one comes, while the list is under way.
            office.sms(&number(0), "Still there?");
            office.sms(&number(9000), "New here");
        }
    }
    assert!(pages > 3, "{pages}");
    assert_eq!(receiver.conversations().len(), PageSizes::default().difference + 1);
    // The latest conversation came first, right after directory, settings and its contact.
    assert_eq!(receiver.order[3], *documents.last().unwrap());
    assert!(receiver.step(&office).is_none());
}

/// R5, R9: an `assigned` member is sent what is assigned to them, and loses it with the assignment; another conversation of
/// the same contact keeps the contact's card.
#[test]
fn assignments_grant_and_revoke() {
    let mut office = Office::open();
    let (ana, rep) = (office.member("Ana", AGENT), office.member("Rep", REP));
    let (mut anas, reps) = (office.phone(ana), office.phone(rep));
    let document = office.sms(&number(1), "Hi");
    office.sms(&number(2), "Hi");
    let mut receiver = Receiver::new(&office, &reps);
    receiver.catch_up(&office);
    assert!(receiver.conversations().is_empty());
    anas.pull(&office, document, Kind::Conversation);
    anas.run(&mut office, document, &Verb::Assign { member: rep });
    receiver.catch_up(&office);
    assert_eq!(receiver.conversations(), [document].into());
    assert_eq!(receiver.held.len(), 4, "with its contact");
    office.sms(&number(2), "Not theirs");
    let page = receiver.step(&office).unwrap();
    assert!(page.frames.is_empty(), "{:?}", page.frames);
    receiver.apply(&page);
    let seen = office.conversation(document).assignments.iter().map(|assignment| assignment.key.intent).collect();
    anas.run(&mut office, document, &Verb::Unassign { member: rep, seen });
    receiver.catch_up(&office);
    assert!(receiver.conversations().is_empty());
    assert_eq!(receiver.held.len(), 2, "the contact is gone too");
}

/// A revocation is sent even if the document came back meanwhile, and the document then comes whole.
#[test]
fn a_document_that_came_back_comes_whole() {
    let mut office = Office::open();
    let (ana, rep) = (office.member("Ana", AGENT), office.member("Rep", REP));
    let (mut anas, reps) = (office.phone(ana), office.phone(rep));
    let document = office.sms(&number(1), "Hi");
    anas.pull(&office, document, Kind::Conversation);
    anas.run(&mut office, document, &Verb::Assign { member: rep });
    let mut receiver = Receiver::new(&office, &reps);
    receiver.catch_up(&office);
    let seen = office.conversation(document).assignments.iter().map(|assignment| assignment.key.intent).collect();
    anas.run(&mut office, document, &Verb::Unassign { member: rep, seen });
    anas.run(&mut office, document, &Verb::Assign { member: rep });
    let page = receiver.step(&office).unwrap();
    let evicts = |frame: &Response| matches!(frame, Response::Evict { documents } if documents.contains(&document));
    let whole = |frame: &Response| matches!(frame, Response::Snapshot { document: sent, .. } if *sent == document);
    let (evicted, sent) = (page.frames.iter().position(evicts), page.frames.iter().position(whole));
    assert!(evicted.unwrap() < sent.unwrap());
    receiver.apply(&page);
    assert_eq!(receiver.conversations(), [document].into());
}

/// R4 to R6: a change of the member's access takes and gives at once.
#[test]
fn a_narrowed_scope_retains_only_what_may_be_seen() {
    let mut office = Office::open();
    let (ana, ben) = (office.member("Ana", AGENT), office.member("Ben", AGENT));
    let (mut anas, bens) = (office.phone(ana), office.phone(ben));
    let documents: Vec<DocumentId> = (0..5).map(|n| office.sms(&number(n), "Hi")).collect();
    anas.pull(&office, documents[0], Kind::Conversation);
    anas.run(&mut office, documents[0], &Verb::Assign { member: ben });
    let mut receiver = Receiver::new(&office, &bens);
    receiver.catch_up(&office);
    assert_eq!(receiver.conversations().len(), 5);
    set_dashboard(&mut office, ben, DashboardAccess::Assigned);
    receiver.catch_up(&office);
    assert_eq!(receiver.conversations(), [documents[0]].into());
    set_dashboard(&mut office, ben, DashboardAccess::None);
    receiver.catch_up(&office);
    assert!(receiver.conversations().is_empty());
    set_dashboard(&mut office, ben, DashboardAccess::All);
    receiver.catch_up(&office);
    assert_eq!(receiver.conversations().len(), 5);
}

/// R9: whose list is gone begins anew, and keeps nothing of what the list's own beginning would have taken away.
#[test]
fn whoever_lost_its_list_is_told_what_stays() {
    let mut office = Office::open();
    let (ana, ben) = (office.member("Ana", AGENT), office.member("Ben", AGENT));
    let (mut anas, bens) = (office.phone(ana), office.phone(ben));
    let documents: Vec<DocumentId> = (0..3).map(|n| office.sms(&number(n), "Hi")).collect();
    anas.pull(&office, documents[0], Kind::Conversation);
    anas.run(&mut office, documents[0], &Verb::Assign { member: ben });
    let mut receiver = Receiver::new(&office, &bens);
    receiver.catch_up(&office);
    receiver.cursor.backfill = Some(Backfill { id: 7, sent: 2 });
    set_dashboard(&mut office, ben, DashboardAccess::Assigned);
    receiver.catch_up(&office);
    assert_eq!(receiver.conversations(), [documents[0]].into());
}

/// Alerts reach only the member they are for.
#[test]
fn an_alert_fact_is_its_members_own() {
    let mut office = Office::open();
    let (ana, rep) = (office.member("Ana", AGENT), office.member("Rep", REP));
    let mut anas = office.phone(ana);
    let reps = office.phone(rep);
    let document = office.sms(&number(1), "Hi");
    anas.pull(&office, document, Kind::Conversation);
    anas.run(&mut office, document, &reply("Hello"));
    anas.run(&mut office, document, &Verb::Assign { member: rep });
    let facts = |office: &Office, phone: &Phone| {
        let mut receiver = Receiver::new(office, phone);
        let page = receiver.step(office).unwrap();
        receiver.apply(&page);
        page.frames
            .into_iter()
            .find_map(|frame| match frame {
                Response::Snapshot { document: sent, facts, .. } if sent == document => Some(facts),
                _ => None,
            })
            .unwrap()
    };
    let alerts = |office: &Office, phone: &Phone| {
        facts(office, phone)
            .iter()
            .filter_map(|fact| match &fact.body {
                offdesk_core::protocol::FactBody::Alert(alert) => Some(alert.why.rule()),
                offdesk_core::protocol::FactBody::Message(_) | offdesk_core::protocol::FactBody::Event(_) => None,
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(alerts(&office, &anas), ["R12"]);
    assert_eq!(alerts(&office, &reps), ["R14"]);
}

/// What one exchange sends, to its end.
fn answer(office: &Office, mut exchange: Exchange) -> Vec<Response> {
    let (mut sent, now) = (Vec::new(), office.now);
    loop {
        match exchange.step() {
            ExchangeStep::Read => {
                exchange = office
                    .store
                    .read_blocking(move |tx| exchange.read(now, tx).map(|()| exchange))
                    .expect("the device may read");
            }
            ExchangeStep::Write => {
                exchange = office.write(move |tx| {
                    exchange.write(now, &mut StdRng::seed_from_u64(9), tx).expect("the device may write");
                    Ok::<_, StoreError>(exchange)
                });
            }
            ExchangeStep::Send { frames, .. } => sent.extend(frames),
            ExchangeStep::Wait | ExchangeStep::End => return sent,
        }
    }
}

/// R9, R10: whose access ends between the greeting and what they asked for by name gets nothing of it.
#[test]
fn access_is_looked_at_again_before_a_document_is_sent() {
    let mut office = Office::open();
    let ana = office.member("Ana", AGENT);
    let phone = office.phone(ana);
    let document = office.sms(&number(1), "Hi");
    let receiver = Receiver::new(&office, &phone);
    let hello = Hello {
        version: offdesk_core::protocol::VERSION,
        incarnation: Incarnation { previous: 1, next: 1 },
        cursor: receiver.cursor,
        pull: false,
        live: false,
        digest: None,
    };
    let request = SyncRequest { hello, push: None, fetch: vec![document], records: Vec::new(), presence: None };
    let ask = || Exchange::new(receiver.device.clone(), request.clone(), PageSizes::default());
    let brings = |frames: &[Response]| frames.iter().any(|frame| matches!(frame, Response::Snapshot { .. }));
    assert!(brings(&answer(&office, ask())), "while she may see it");
    let mut exchange = ask();
    let read = |office: &Office, mut exchange: Exchange| {
        let now = office.now;
        office.store.read_blocking(move |tx| exchange.read(now, tx).map(|()| exchange))
    };
    assert!(matches!(exchange.step(), ExchangeStep::Read));
    exchange = read(&office, exchange).unwrap();
    assert!(matches!(exchange.step(), ExchangeStep::Send { frames, .. } if !brings(&frames)));
    let (id, directory) = office.directory();
    let actions = Member { active: false, ..directory.members[&ana].clone() }.actions();
    let (now, workspace) = (office.now, office.workspace);
    office.write(move |tx| accept::author(tx, now, &mut StdRng::seed_from_u64(3), workspace, id, &actions));
    assert!(matches!(exchange.step(), ExchangeStep::Read));
    assert!(matches!(read(&office, exchange), Err(AuthError::Deactivated)));
}

/// DESIGN 5: a device isn't sent what it has just had accepted; everybody else is.
#[test]
fn what_an_exchange_accepted_does_not_come_back_in_it() {
    let mut office = Office::open();
    let (ana, ben) = (office.member("Ana", AGENT), office.member("Ben", AGENT));
    let (mut anas, mut bens) = (office.phone(ana), office.phone(ben));
    let document = office.sms(&number(1), "Hi");
    let mut receiver = Receiver::new(&office, &anas);
    receiver.catch_up(&office);
    bens.pull(&office, document, Kind::Conversation);
    anas.pull(&office, document, Kind::Conversation);
    bens.run(&mut office, document, &reply("Ben here"));
    let intent = anas.intent(&mut office, document, &Verb::AddTag { tag: "vip".into() });
    let epoch = office.store.read_blocking(accept::epoch).unwrap();
    let hello = Hello {
        version: offdesk_core::protocol::VERSION,
        incarnation: Incarnation { previous: 1, next: 2 },
        cursor: Cursor { epoch, ..receiver.cursor },
        pull: true,
        live: false,
        digest: None,
    };
    let push = PushBody { number: 1, groups: vec![vec![intent.clone()]], registers: Vec::new() };
    let changes = |frames: Vec<Response>| -> Vec<_> {
        let of = |frame| if let Response::Delta { changes, .. } = frame { changes } else { Vec::new() };
        frames.into_iter().flat_map(of).collect()
    };
    let request =
        SyncRequest { hello: hello.clone(), push: Some(push), fetch: Vec::new(), records: Vec::new(), presence: None };
    let exchange = Exchange::new(receiver.device.clone(), request, PageSizes::default());
    let sent = changes(answer(&office, exchange));
    assert_eq!(sent.len(), 1, "Ben's reply alone");
    let mut own = intent.change.clone();
    offdesk_core::protocol::abridged::abridge(&mut own);
    assert!(!sent.contains(&own));
    // The same again without the push: its verdict may have been lost with the first answer.
    let request = SyncRequest { hello, push: None, fetch: Vec::new(), records: Vec::new(), presence: None };
    let device = Authenticated { incarnation: 2, ..receiver.device.clone() };
    let sent = changes(answer(&office, Exchange::new(device, request, PageSizes::default())));
    assert!(sent.len() == 2 && sent.contains(&own));
}
