//! Who is in a conversation right now: told to those who see it, and to nobody and nothing else (R27).

use offdesk_core::{engine::Colleague, ids::MemberId, protocol::Presence};
use offdesk_tests::{AGENT, Phone, REP, World, database, eventually};
use rusqlite::{Connection, types::ValueRef};

const MARIA: &str = "+14155550123";

/// Every value of every table, but for where a device noted when it last heard of the relay.
fn dump(connection: &Connection) -> Vec<String> {
    let mut statement = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
        .unwrap();
    let tables: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut all = Vec::new();
    for table in tables.iter().filter(|table| *table != "device") {
        let mut statement = connection.prepare(&format!("SELECT * FROM \"{table}\"")).unwrap();
        let columns: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for (at, column) in columns.iter().enumerate() {
                let value = match row.get_ref(at).unwrap() {
                    ValueRef::Blob(bytes) => format!("{bytes:02x?}"),
                    ValueRef::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                    other => format!("{other:?}"),
                };
                all.push(format!("{table}.{column} {value}"));
            }
        }
    }
    all
}

fn on_phone(phone: &Phone) -> Vec<String> {
    dump(&database::open(&phone.config.database, &phone.key))
}

fn doing(phone: &Phone, conversation: offdesk_core::ids::ConversationId) -> Vec<(MemberId, Presence)> {
    let here = phone.colleagues(conversation).unwrap();
    here.into_iter().map(|Colleague { member, doing }| (member, doing)).collect()
}

/// R5, R27: Ben sees that Ana looks and writes; her own other phone doesn't, nor does Rita, who may not see the conversation.
/// When Rita sees it she is shown; when she doesn't any more she isn't. Nothing of it is in any database.
#[tokio::test(flavor = "multi_thread")]
async fn colleagues_see_who_is_drafting_and_nobody_else_does() {
    let world = World::open().await;
    let (ana, ben, rita) =
        (world.member("Ana", AGENT).await, world.member("Ben", AGENT).await, world.member("Rita", REP).await);
    let (anas, other) = (world.phone(&ana, "Ana's phone").await, world.phone(&ana, "Ana's laptop").await);
    let (bens, ritas) = (world.phone(&ben, "Ben's phone").await, world.phone(&rita, "Rita's phone").await);
    world.inbound(MARIA, "Hello").await;
    for phone in [&anas, &other, &bens] {
        eventually("it is here", || phone.conversation_with(MARIA).is_some()).await;
    }
    let conversation = anas.conversation_with(MARIA).unwrap();
    eventually("its texts are taken in", || {
        [&anas, &other, &bens].iter().all(|phone| phone.search_messages("hello", 1).unwrap().complete)
    })
    .await;
    let relay = |world: &World| {
        let connection = Connection::open(world.path("relay.db")).unwrap();
        dump(&connection)
    };
    let before = (relay(&world), on_phone(&anas), on_phone(&bens));

    let mut live = bens.observe_colleagues(conversation);
    anas.look_at(Some(conversation)).unwrap();
    eventually("Ben sees her look", || doing(&bens, conversation) == [(ana.id, Presence::Viewing)]).await;
    assert!(live.next().await.is_some());
    // It was said a moment ago: what is said next waits its two seconds.
    bens.look_at(Some(conversation)).unwrap();
    eventually("she sees him", || doing(&anas, conversation) == [(ben.id, Presence::Viewing)]).await;
    assert_eq!(doing(&other, conversation), [(ben.id, Presence::Viewing)], "on both of hers, and not herself");
    bens.look_at(None).unwrap();
    eventually("and sees him go", || doing(&anas, conversation).is_empty()).await;
    assert_eq!((relay(&world), on_phone(&anas), on_phone(&bens)), before, "no database has a byte of it");
    assert!(doing(&ritas, conversation).is_empty());

    anas.set_draft(conversation, "Dear Ma").unwrap();
    eventually("Ben sees her write", || doing(&bens, conversation) == [(ana.id, Presence::Drafting)]).await;
    assert!(doing(&other, conversation).is_empty());
    assert!(doing(&ritas, conversation).is_empty());
    anas.assign(conversation, rita.id).unwrap();
    eventually("Rita sees the conversation", || ritas.conversation(conversation).is_ok()).await;
    anas.set_draft(conversation, "Dear Maria").unwrap();
    ritas.go_offline();
    ritas.go_online();
    eventually("and who is in it", || doing(&ritas, conversation) == [(ana.id, Presence::Drafting)]).await;
    anas.unassign(conversation, rita.id).unwrap();
    eventually("until she doesn't", || ritas.conversation(conversation).is_err()).await;
    assert!(doing(&ritas, conversation).is_empty());
    assert!(ritas.look_at(Some(conversation)).is_err());

    anas.close().await;
    eventually("whoever closes the app is gone at once", || doing(&bens, conversation).is_empty()).await;
}
