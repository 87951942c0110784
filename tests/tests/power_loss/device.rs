//! The device's story: from an empty folder to the end of the device's access.

use offdesk_core::{
    engine::Error,
    ids::ConversationId,
    intents::{NewContact, Verb},
    model::{Channel, Refusal, RefusalCode},
    protocol::{Backfill, Goodbye, Request, Response, Verdict},
    store::{Database, DatabaseKey},
    sync::{
        Part, Submission,
        session::{End, Event},
        storage::{IntentState, Storage, StorageError},
    },
};
use offdesk_faulty_disk::{Loss, Synchronous};

use super::{
    phone::{
        FILE, KEY, OURS, Phone, contact, cursor, customer, id, identity, message_fact, rebuild, sent, thread, verdicts,
        welcome, workspace,
    },
    promises::{cut_everywhere, try_all},
    story::{Operation, Subject, record},
};

const STORY: &[Operation<Phone>] = &[
    Operation { name: "open a new store", run: create, opens: true },
    Operation { name: "enrol", run: enrol, opens: false },
    Operation { name: "two pages of a backfill", run: backfill, opens: false },
    Operation { name: "reply", run: reply, opens: false },
    Operation { name: "undo", run: undo, opens: false },
    Operation { name: "start a conversation", run: start, opens: false },
    Operation { name: "reply on a reply", run: two_replies, opens: false },
    Operation { name: "draft, read mark", run: registers, opens: false },
    Operation { name: "push, cut off", run: push, opens: false },
    Operation { name: "verdicts, one refused: rebase", run: judged, opens: false },
    Operation { name: "accepted, with a page", run: accepted, opens: false },
    Operation { name: "discard what was refused", run: discard, opens: false },
    Operation { name: "eviction and purge", run: evict, opens: false },
    Operation { name: "rebuild of the read model", run: rebuild_all, opens: false },
    Operation { name: "pause and resume", run: pause, opens: false },
    Operation { name: "a new epoch", run: new_epoch, opens: false },
    Operation { name: "the end of access", run: revoked, opens: false },
    Operation { name: "close", run: close, opens: false },
    Operation { name: "open again", run: create, opens: true },
];

fn create(phone: &mut Phone) -> Result<(), Error> {
    phone.begin(0);
    phone.open()?;
    phone.acknowledge();
    Ok(())
}

fn enrol(phone: &mut Phone) -> Result<(), Error> {
    phone.begin(1);
    let (identity, state) = identity();
    phone.transact(|_, _, _, disk| {
        disk.set_identity(&identity)?;
        Ok(disk.set_state(&state)?)
    })
}

fn backfill(phone: &mut Phone) -> Result<(), Error> {
    phone.begin(2);
    let (request, _) = phone.connect()?;
    let first = [vec![welcome(1)], workspace(), customer(0), customer(1)].concat();
    let half = cursor(1, 4, Some(Backfill { id: 1, sent: 2 }));
    phone.answered(request, [first, vec![half]].concat())?;
    phone.answered(request, [customer(2), customer(3), vec![cursor(1, 4, None)]].concat())?;
    phone.closed(request, End::Finished)
}

fn say(phone: &mut Phone, customer: u8, text: &str) -> Result<(), Error> {
    let submission = Submission::one(thread(customer), Verb::Reply { text: text.into() });
    phone.local(|session, now, rng, disk| Ok(session.submit(now, rng, disk, submission)?)).map(drop)
}

fn reply(phone: &mut Phone) -> Result<(), Error> {
    phone.begin(3);
    say(phone, 0, "On my way")
}

fn undo(phone: &mut Phone) -> Result<(), Error> {
    phone.begin(4);
    phone.local(|session, now, rng, disk| {
        let last = disk.open_intents()?.pop().expect("the reply");
        Ok(session.undo(now, rng, disk, last.id)?)
    })
}

fn start(phone: &mut Phone) -> Result<(), Error> {
    phone.begin(5);
    let create = NewContact { name: "Zoë".into(), phones: vec!["+14155552999".into()], ..NewContact::default() };
    let start = Verb::StartConversation {
        conversation: ConversationId(id(4, 90)),
        contact: contact(90),
        channel: Channel::Sms(OURS.into()),
        text: Some("Hello Zoë".into()),
    };
    let parts = vec![
        Part { document: contact(90), verb: Verb::CreateContact(create), natural_key: None },
        Part { document: thread(90), verb: start, natural_key: None },
    ];
    phone.local(|session, now, rng, disk| Ok(session.submit(now, rng, disk, Submission { parts })?)).map(drop)
}

fn two_replies(phone: &mut Phone) -> Result<(), Error> {
    phone.begin(6);
    let parts = ["We are late", "Sorry"].map(|text| Part {
        document: thread(1),
        verb: Verb::Reply { text: text.into() },
        natural_key: None,
    });
    let [first, second] = parts.map(|part| Submission { parts: vec![part] });
    phone.local(|session, now, rng, disk| {
        session.submit(now, rng, disk, first)?;
        Ok(session.submit(now, rng, disk, second)?)
    })?;
    Ok(())
}

fn registers(phone: &mut Phone) -> Result<(), Error> {
    phone.begin(7);
    phone.local(|session, now, _, disk| Ok(session.set_draft(now, disk, thread(2), "Dear cus")?))?;
    phone.local(|session, now, _, disk| Ok(session.mark_read(now, disk, thread(3))?))
}

fn push(phone: &mut Phone) -> Result<(), Error> {
    phone.begin(8);
    let (request, frames) = phone.connect()?;
    assert!(verdicts(&frames, |_| Verdict::Accepted(1)).len() > 3, "{frames:?}");
    phone.closed(request, End::Broken("cut off".into()))
}

fn judged(phone: &mut Phone) -> Result<(), Error> {
    phone.begin(9);
    let (request, frames) = phone.connect()?;
    // The new conversation is accepted, the first reply refused, the second one built on it.
    let answers = verdicts(&frames, |index| match index {
        1 => Verdict::Rejected(Refusal::new(RefusalCode::Forbidden, "messages", "not today")),
        2 => Verdict::RetryAfter(1_000),
        _ => Verdict::Accepted(5),
    });
    phone.answered(request, [vec![welcome(1)], answers].concat())?;
    phone.closed(request, End::Finished)
}

fn accepted(phone: &mut Phone) -> Result<(), Error> {
    phone.begin(10);
    let (request, frames) = phone.connect()?;
    let answers = verdicts(&frames, |_| Verdict::Accepted(6));
    let facts = vec![message_fact(offdesk_core::ids::IntentId(id(5, 2)), 7)];
    let delta = Response::Delta { document: thread(2), visibility: None, changes: Vec::new(), facts };
    phone.answered(request, [vec![welcome(1)], answers, vec![delta, cursor(1, 7, None)]].concat())?;
    phone.closed(request, End::Finished)
}

fn discard(phone: &mut Phone) -> Result<(), Error> {
    phone.begin(11);
    phone.local(|session, now, _, disk| {
        let refused = disk.attention()?.pop().expect("what was refused");
        Ok(session.discard(now, disk, refused.id)?)
    })
}

fn evict(phone: &mut Phone) -> Result<(), Error> {
    phone.begin(12);
    let (request, _) = phone.connect()?;
    let evict = Response::Evict { documents: vec![thread(2), contact(2)] };
    phone.answered(request, vec![welcome(1), evict, cursor(1, 8, None)])?;
    phone.closed(request, End::Finished)
}

fn rebuild_all(phone: &mut Phone) -> Result<(), Error> {
    phone.begin(13);
    let Phone { database, session, .. } = phone;
    let database = database.as_mut().ok_or(Error::Paused)?;
    database.recreate_read_model()?;
    rebuild(session, database)?;
    phone.acknowledge();
    Ok(())
}

fn pause(phone: &mut Phone) -> Result<(), Error> {
    phone.begin(14);
    let database = phone.database.as_mut().ok_or(Error::Paused)?;
    database.release()?;
    database.reacquire()?;
    phone.acknowledge();
    say(phone, 3, "Are you there?")
}

fn new_epoch(phone: &mut Phone) -> Result<(), Error> {
    phone.begin(15);
    let (request, frames) = phone.connect()?;
    let effects = phone.answered(request, vec![welcome(2)])?;
    // It starts over, unless it had done so before the disk failed.
    let (request, frames) = sent(effects).unwrap_or((request, frames));
    let page = [workspace(), customer(0), customer(1), customer(3), vec![cursor(2, 4, None)]].concat();
    let answer = [vec![welcome(2)], nothing_of(&frames), page].concat();
    let mut effects = phone.answered(request, answer)?;
    effects.extend(phone.events(vec![Event::Closed { request, end: End::Finished }])?);
    // What did not come by itself it asks for by name.
    while let Some((request, frames)) = sent(effects) {
        effects = phone.answered(request, [vec![welcome(2)], nothing_of(&frames)].concat())?;
        effects.extend(phone.events(vec![Event::Closed { request, end: End::Finished }])?);
    }
    Ok(())
}

/// The relay holds nothing of what a request asks for or about. What is offered is left open: the answer is cut off.
fn nothing_of(frames: &[Request]) -> Vec<Response> {
    let gone = frames.iter().filter_map(|frame| match frame {
        Request::Fetch { documents, .. } => Some(Response::Evict { documents: documents.clone() }),
        _ => None,
    });
    let asks = questions(frames).into_iter().all(|question| question);
    let answers = if asks { verdicts(frames, |_| Verdict::MissingDeps(Vec::new())) } else { Vec::new() };
    answers.into_iter().chain(gone).collect()
}

/// Whether each group of a request is a question: an intent without a change.
fn questions(frames: &[Request]) -> Vec<bool> {
    let question = |frame: &Request| match frame {
        Request::Group { intents } => Some(intents.iter().all(|intent| intent.change.is_empty())),
        _ => None,
    };
    frames.iter().filter_map(question).collect()
}

fn revoked(phone: &mut Phone) -> Result<(), Error> {
    phone.begin(16);
    let (request, _) = phone.connect()?;
    phone.answered(request, vec![Response::Goodbye { reason: Goodbye::Revoked }]).map(drop)
}

fn close(phone: &mut Phone) -> Result<(), Error> {
    phone.begin(17);
    if let Some(database) = phone.database.take() {
        database.checkpoint_and_close()?;
        phone.acknowledge();
    }
    Ok(())
}

/// R31, R32: at every write, sync and truncation of the device's operations power may go, or the disk fail.
#[test]
fn a_device_keeps_its_promises_whenever_power_goes_or_the_disk_fails() {
    let tried = try_all(STORY);
    assert!(tried.points() > 200 && tried.cases() > 1_000, "{} points", tried.points());
    tried.settle("device");
}

/// The story does what its names say: how many intents are open after an operation, in flight among them, and refused.
#[test]
fn the_story_passes_every_state_of_an_intent() {
    let recorded = record(STORY, None);
    let expected = [
        ("undo", (0, 0, 0)),
        ("start a conversation", (2, 0, 0)),
        ("reply on a reply", (4, 0, 0)),
        ("push, cut off", (4, 4, 0)),
        ("verdicts, one refused: rebase", (1, 0, 1)),
        ("accepted, with a page", (0, 0, 1)),
        ("discard what was refused", (0, 0, 0)),
        ("a new epoch", (4, 4, 0)),
    ];
    for (name, expected) in expected {
        let (_, range) = recorded.operations.iter().find(|(operation, _)| *operation == name).unwrap();
        let folder = tempfile::tempdir().unwrap();
        recorded.disk.after_power_cut(range.end, Loss::Nothing).write_to(folder.path()).unwrap();
        let mut database = Database::open(&folder.path().join(FILE), &DatabaseKey::new(KEY)).unwrap();
        let (open, refused) =
            database.write(|disk| Ok::<_, StorageError>((disk.open_intents()?, disk.attention()?))).unwrap();
        let in_flight = open.iter().filter(|intent| matches!(intent.state, IntentState::InFlight { .. })).count();
        assert_eq!((open.len(), in_flight, refused.len()), expected, "{name}");
    }
}

/// These tests can fail: a disk that forgets what it was told to sync, and a database that doesn't ask for it.
#[test]
fn with_syncs_forgotten_or_lowered_the_promises_break() {
    let forgotten = record(STORY, None);
    forgotten.disk.forget_syncs();
    let normal = record(STORY, Some(Synchronous::Normal));
    let off = record(STORY, Some(Synchronous::Off));
    for (how, recorded) in [("syncs forgotten", forgotten), ("synchronous=NORMAL", normal), ("synchronous=OFF", off)] {
        let tried = cut_everywhere::<Phone>(&recorded);
        println!("device, {how}: {} broken promises of {} cases", tried.broken.len(), tried.cases());
        assert!(tried.broken.len() > 10, "{how} must be noticed");
    }
}
