//! Step 7: what a failure in the middle leaves, and what personal registers can't do.

use super::*;
use offdesk_core::protocol::{RegisterContent, RegisterKey, RegisterWrite};

/// A panic anywhere in judging takes its push with it and nothing else: the writer, its cache and everybody's work stay.
#[test]
fn a_panic_is_contained() {
    let mut scene = scene();
    let mine = scene.reply();
    let before = everything(&scene.office);
    let request = Push {
        incarnation: Incarnation { previous: scene.phone.incarnation, next: 99 },
        number: 100,
        groups: vec![vec![mine.clone()]],
        registers: Vec::new(),
    };
    let (now, pusher) = (scene.office.now, scene.phone.pusher);
    let outcome: Result<(), StoreError> = scene.office.store.write_blocking(move |tx: &mut Tx<'_>| {
        push(tx, now, &pusher, &request)?;
        panic!("in the middle of it");
    });
    assert!(outcome.is_err());
    assert_eq!(everything(&scene.office), before);
    let held = scene.office.held(scene.document, Kind::Conversation);
    assert_eq!(cached_heads(&scene.office, scene.document, Kind::Conversation), held.heads());
    // Not even the push's number was taken: the device pushes again.
    accepted(scene.phone.push(&scene.office, vec![mine]));
    scene.honest_devices_go_on();
}

/// A group that was refused after a part of it had been applied leaves no trace in what the writer keeps in memory.
#[test]
fn what_is_undone_is_undone_in_memory_too() {
    let mut scene = scene();
    let admin = scene.office.member("Adam", ADMIN);
    let user = scene.office.member("Uma", AGENT);
    let (directory, _) = scene.office.directory();
    scene.phone = scene.office.phone(admin);
    scene.phone.pull(&scene.office, directory, Kind::Directory);
    let id = IntentId::generate(scene.office.now, &mut scene.office.rng);
    let off = Action::SetRegister {
        map: offdesk_core::model::action::RegisterMap::Members,
        key: format!("{user}.active"),
        value: Some(offdesk_core::model::action::RegisterValue::Bool(false)),
    };
    let edit = scene.phone.raw(&mut scene.office, directory, Kind::Directory, id, &[off]);
    let forged = tweaked(&scene.reply(), |change| change.start_op = change.start_op.checked_add(1).unwrap());
    assert_eq!(code(scene.answer(vec![edit, forged])), RefusalCode::OperationCounter);
    let workspace = scene.office.workspace;
    let still =
        scene.office.write(move |tx| Ok(crate::accept::policies(tx, workspace)?.directory.members[&user].active));
    assert!(still, "Uma is still a member");
}

fn write(scene: &mut Scene, key: RegisterKey, value: RegisterContent) {
    scene.phone.pushes += 1;
    let incarnation = Incarnation { previous: scene.phone.incarnation, next: scene.phone.incarnation };
    let registers = vec![RegisterWrite { key, value, version: u64::MAX }];
    let request = Push { incarnation, number: scene.phone.pushes, groups: Vec::new(), registers };
    let (now, pusher) = (scene.office.now, scene.phone.pusher);
    scene.office.write(move |tx| push(tx, now, &pusher, &request)).unwrap();
}

/// R25: a read mark is no further than what there is, so that nothing that comes is read already, on any device.
#[test]
fn a_read_mark_does_not_run_ahead() {
    let mut scene = scene();
    let end = scene.office.count("SELECT max(seq) FROM workspaces") as u64;
    let key = RegisterKey::ReadMark(scene.document);
    for order in [u64::MAX, i64::MAX as u64, end + 1, 1] {
        write(&mut scene, key, RegisterContent::Order(order));
        let stored = scene.office.write(|tx| {
            Ok(tx.connection().query_row("SELECT content FROM registers", [], |row| row.get::<_, Vec<u8>>(0))?)
        });
        let stored: RegisterContent = crate::accept::unpack(&stored, "register").unwrap();
        assert!(matches!(stored, RegisterContent::Order(stored) if stored <= end + 1), "{stored:?}");
    }
}

#[test]
fn registers_hold_what_fits_their_key() {
    let mut scene = scene();
    let document = scene.document;
    for (key, value) in [
        (RegisterKey::ReadMark(document), RegisterContent::Text("all".into())),
        (RegisterKey::ReadMark(document), RegisterContent::Flag(true)),
        (RegisterKey::Draft(document), RegisterContent::Text("a".repeat(16 * 1024 + 1))),
        (RegisterKey::Draft(document), RegisterContent::Order(1)),
        (RegisterKey::MarkedUnread(document), RegisterContent::Text("x".into())),
    ] {
        write(&mut scene, key, value);
    }
    assert_eq!(scene.office.count("SELECT count(*) FROM registers"), 0);
}
