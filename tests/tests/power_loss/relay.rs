//! The relay's story: from an empty folder over a message's whole way to the provider.

use std::{sync::OnceLock, time::Duration};

use offdesk_core::{
    ids::{DocumentId, IntentId},
    intents::Verb,
    model::Channel,
    protocol::{RegisterContent, RegisterKey, RegisterWrite, Response, Verdict},
};
use offdesk_faulty_disk::Synchronous;
use offdesk_relay::{
    accept::{self, Inbound},
    admin,
    auth::code,
    channels::{AttemptId, Outcome, Outgoing, Progress},
    dispatch::{Pace, ledger},
};
use serde_bytes::ByteBuf;

use super::{
    promises::{cut_everywhere, try_all},
    relay_rig::{Error, OURS, Relay},
    story::{Operation, Subject, record},
};

pub(crate) const STORY: &[Operation<Relay>] = &[
    Operation { name: "open a new store", run: open, opens: true },
    Operation { name: "create a workspace", run: workspace, opens: false },
    Operation { name: "add a member", run: member, opens: false },
    Operation { name: "make an enrolment code", run: make_code, opens: false },
    Operation { name: "enrol a device", run: enrol, opens: false },
    Operation { name: "an inbound message", run: inbound, opens: false },
    Operation { name: "accept a new conversation", run: accept_start, opens: false },
    Operation { name: "accept, refuse, store a draft", run: accept_and_refuse, opens: false },
    Operation { name: "claim for dispatch", run: claim, opens: false },
    Operation { name: "handed over", run: handed_over, opens: false },
    Operation { name: "the provider's report", run: report, opens: false },
    Operation { name: "claim the next", run: claim_next, opens: false },
    Operation { name: "an unclear outcome", run: unclear, opens: false },
    Operation { name: "change settings", run: settings, opens: false },
    Operation { name: "deactivate a member", run: deactivate, opens: false },
    Operation { name: "close", run: close, opens: false },
    Operation { name: "open again", run: open, opens: true },
];

fn open(relay: &mut Relay) -> Result<(), Error> {
    relay.begin(0);
    relay.open()?;
    relay.acknowledge();
    Ok(())
}

fn workspace(relay: &mut Relay) -> Result<(), Error> {
    relay.begin(1);
    relay.act(|tx, actor| admin::workspace::create(tx, actor, "Acme", "US", &[OURS.into()])).map(drop)
}

fn member(relay: &mut Relay) -> Result<(), Error> {
    relay.begin(2);
    let workspace = relay.workspace()?;
    let add = move |tx: &mut offdesk_relay::store::Tx<'_>, actor: &mut admin::Actor<'_>| {
        let role = admin::role::find(&tx.reading(), workspace, "Agent")?;
        admin::member::add(tx, actor, workspace, "Ada", Some(role))
    };
    relay.act(add).map(drop)
}

/// The same each time, since the ids and secrets of an operation are.
static CODE: OnceLock<String> = OnceLock::new();

fn make_code(relay: &mut Relay) -> Result<(), Error> {
    relay.begin(3);
    let whose = (relay.workspace()?, relay.member()?);
    let made =
        relay.write(move |tx, now, rng| Ok(code::create(tx, now, rng, whose, Duration::from_secs(3600), "Olga")?))?;
    CODE.get_or_init(|| made.code);
    Ok(())
}

fn enrol(relay: &mut Relay) -> Result<(), Error> {
    relay.begin(4);
    let code = CODE.get().cloned().unwrap_or_default();
    relay.write(move |tx, now, rng| Ok(code::enrol(tx, now, rng, &code, "Ada's phone")?)).map(drop)
}

fn inbound(relay: &mut Relay) -> Result<(), Error> {
    relay.begin(5);
    let message = Inbound {
        workspace: relay.workspace()?,
        channel: Channel::Sms(OURS.into()),
        phone: "+14155552671".into(),
        text: "Where is it?".into(),
        provider_id: "SM0001".into(),
    };
    relay.write(move |tx, now, rng| Ok(accept::inbound(tx, now, rng, &message)?)).map(drop)
}

fn verdicts(frames: Vec<Response>) -> Vec<Verdict> {
    let verdict = |frame| if let Response::Verdict { verdict, .. } = frame { Some(verdict) } else { None };
    frames.into_iter().filter_map(verdict).collect()
}

fn accept_start(relay: &mut Relay) -> Result<(), Error> {
    relay.begin(6);
    let group = relay.start("+14155552999", "Hello Zoë")?;
    let verdicts = verdicts(relay.push(vec![group], Vec::new())?);
    assert!(matches!(verdicts[..], [Verdict::Accepted(_)]), "{verdicts:?}");
    Ok(())
}

/// The conversation of the customer who wrote.
fn conversation(relay: &Relay) -> Result<DocumentId, Error> {
    relay.read(|connection| {
        let sql = "SELECT intents.document FROM inbound JOIN intents ON intents.intent = inbound.message";
        connection.query_row(sql, [], |row| Ok(DocumentId(row.get(0)?)))
    })
}

fn accept_and_refuse(relay: &mut Relay) -> Result<(), Error> {
    relay.begin(7);
    let conversation = conversation(relay)?;
    let reply = relay.intent(conversation, &Verb::Reply { text: "On its way".into() })?;
    let mut broken = relay.intent(conversation, &Verb::AddTag { tag: "late".into() })?;
    broken.change = ByteBuf::from(vec![1, 2, 3]);
    let draft = RegisterWrite {
        key: RegisterKey::Draft(conversation),
        value: RegisterContent::Text("Dear cus".into()),
        version: 1,
    };
    let verdicts = verdicts(relay.push(vec![vec![reply], vec![broken]], vec![draft])?);
    assert!(matches!(verdicts[..], [Verdict::Accepted(_), Verdict::Rejected(_)]), "{verdicts:?}");
    Ok(())
}

fn claim(relay: &mut Relay) -> Result<(), Error> {
    relay.begin(8);
    claim_one(relay)
}

fn claim_next(relay: &mut Relay) -> Result<(), Error> {
    relay.begin(11);
    claim_one(relay)
}

/// R32: when this has returned the provider may be called, so that it must never be forgotten.
fn claim_one(relay: &mut Relay) -> Result<(), Error> {
    let claimed = relay.write(|tx, now, rng| Ok(ledger::claim(tx, now, rng, 1, &Pace::default())?))?;
    assert_eq!(claimed.len(), 1);
    Ok(())
}

/// The message under way.
fn under_way(relay: &Relay) -> Result<Outgoing, Error> {
    relay.read(|connection| {
        let sql = "SELECT message, attempt, sender, recipient, body FROM ledger WHERE state = 'dispatching'";
        connection.query_row(sql, [], |row| {
            Ok(Outgoing {
                message: IntentId(row.get(0)?),
                attempt: AttemptId(IntentId(row.get(1)?)),
                sender: row.get(2)?,
                recipient: row.get(3)?,
                body: row.get(4)?,
            })
        })
    })
}

fn finish(relay: &mut Relay, outcome: Outcome) -> Result<(), Error> {
    let sent = under_way(relay)?;
    relay.write(move |tx, now, rng| Ok(ledger::finish(tx, now, rng, &sent, &outcome, &Pace::default())?))
}

fn handed_over(relay: &mut Relay) -> Result<(), Error> {
    relay.begin(9);
    finish(relay, Outcome::HandedOver { provider_id: "SM0002".into(), progress: Progress::HandedOver })
}

fn report(relay: &mut Relay) -> Result<(), Error> {
    relay.begin(10);
    relay.write(|tx, now, _| Ok(ledger::report(tx, now, "SM0002", None, &Progress::Delivered)?)).map(drop)
}

fn unclear(relay: &mut Relay) -> Result<(), Error> {
    relay.begin(12);
    finish(relay, Outcome::Unclear { why: "no answer".into() })
}

fn settings(relay: &mut Relay) -> Result<(), Error> {
    relay.begin(13);
    let workspace = relay.workspace()?;
    let changes = admin::settings::Changes { name: Some("Acme & Co".into()), ..Default::default() };
    relay.act(move |tx, actor| admin::settings::set(tx, actor, workspace, &changes)).map(drop)
}

fn deactivate(relay: &mut Relay) -> Result<(), Error> {
    relay.begin(14);
    let (workspace, member) = (relay.workspace()?, relay.member()?);
    relay.act(move |tx, actor| admin::member::deactivate(tx, actor, workspace, member)).map(drop)
}

fn close(relay: &mut Relay) -> Result<(), Error> {
    relay.begin(15);
    relay.close();
    relay.acknowledge();
    Ok(())
}

/// R32: at every write, sync and truncation of the relay's operations power may go, or the disk fail. A verdict that was
/// given, and a `dispatching` that was written before the provider is called, are never lost.
#[test]
fn a_relay_keeps_its_promises_whenever_power_goes_or_the_disk_fails() {
    let tried = try_all(STORY);
    assert!(tried.points() > 200 && tried.cases() > 1_000, "{} points", tried.points());
    tried.settle("relay");
}

/// These tests can fail: a disk that forgets what it was told to sync, and a database that doesn't ask for it.
#[test]
fn with_syncs_forgotten_or_lowered_the_promises_break() {
    let forgotten = record(STORY, None);
    forgotten.disk.forget_syncs();
    let normal = record(STORY, Some(Synchronous::Normal));
    let off = record(STORY, Some(Synchronous::Off));
    for (how, recorded) in [("syncs forgotten", forgotten), ("synchronous=NORMAL", normal), ("synchronous=OFF", off)] {
        let tried = cut_everywhere::<Relay>(&recorded);
        println!("relay, {how}: {} broken promises of {} cases", tried.broken.len(), tried.cases());
        assert!(tried.broken.len() > 10, "{how} must be noticed");
    }
}
