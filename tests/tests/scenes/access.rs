//! Who holds what: access is what is replicated.

use offdesk_core::{
    engine::{Error, NetworkState, Offdesk},
    intents::NewContact,
    sync::storage::Attention,
    triage::InboxFilter,
};
use offdesk_relay::admin;
use offdesk_tests::{AGENT, Phone, REP, World, database, eventually};

const MARIA: &str = "+14155550123";
const PAUL: &str = "+14155550124";

fn names(phone: &Phone) -> Vec<String> {
    let rows = phone.inbox(&InboxFilter::default(), 100, None).unwrap();
    rows.into_iter().map(|row| row.contact_name).collect()
}

/// R5, R9, R14: a rep's phone holds what is assigned to them and nothing else; losing the assignment takes it away, with every
/// row; what they had written offline is kept and listed with the reason.
#[tokio::test(flavor = "multi_thread")]
async fn a_rep_holds_what_is_assigned_and_loses_it() {
    let world = World::open().await;
    let (ana, rita) = (world.member("Ana", AGENT).await, world.member("Rita", REP).await);
    let (anas, ritas) = (world.phone(&ana, "Ana's phone").await, world.phone(&rita, "Rita's phone").await);
    world.inbound(MARIA, "A question about my roof").await;
    world.inbound(PAUL, "Something else").await;
    eventually("Ana sees both", || names(&anas).len() == 2).await;
    assert!(names(&ritas).is_empty());
    let conversation = anas.conversation_with(MARIA).unwrap();

    anas.assign(conversation, rita.id).unwrap();
    eventually("Rita holds hers", || names(&ritas) == [MARIA]).await;
    eventually("and was told who assigned her (R14)", || {
        ritas.alerts().unwrap().iter().any(|active| active.alert.why.rule() == "R14")
    })
    .await;
    assert_eq!(ritas.texts(conversation), ["A question about my roof"]);
    assert!(ritas.search("0124", 10).unwrap().is_empty(), "nothing of Paul is on her phone");
    let document = ritas.conversation(conversation).unwrap().row.document;

    ritas.go_offline();
    ritas.note(conversation, "The roof is slate").unwrap();
    anas.unassign(conversation, rita.id).unwrap();
    anas.live().await;
    ritas.go_online();
    eventually("it is gone from Rita's phone", || names(&ritas).is_empty()).await;
    assert!(matches!(ritas.conversation(conversation), Err(Error::UnknownConversation(_))));
    assert!(ritas.alerts().unwrap().is_empty());
    assert!(ritas.search("roof", 10).unwrap().is_empty());
    eventually("what she wrote is kept, with the reason", || {
        let outbox = ritas.outbox().unwrap();
        outbox.iter().any(|item| item.text.as_deref() == Some("The roof is slate"))
            && ritas.status().attention == 1
            && ritas.status().pending == 0
    })
    .await;
    let reason = &ritas.outbox().unwrap()[0].state;
    let offdesk_core::engine::OutboxState::NeedsAttention(why) = reason else { panic!("{reason:?}") };
    assert!(matches!(why, Attention::AccessLost | Attention::NeedsAccess | Attention::Rejected(_)), "{why:?}");
    let connection = database::open(&ritas.config.database, &ritas.key);
    let left = database::rows_under(&connection, &document.0, &document.to_string());
    assert!(left.iter().all(|place| place.starts_with("intents.")), "only her own intent stays: {left:?}");
}

/// An operator revokes a device, by its name.
async fn revoke(world: &World, name: &str) {
    let id = world.device_id(name).await;
    let (now, mut rng, workspace) = (world.app().now(), world.app().rng(), world.workspace());
    world
        .store()
        .write(move |tx: &mut offdesk_relay::store::Tx<'_>| {
            let mut actor = admin::Actor { now, rng: &mut rng, who: "the scene" };
            admin::device::revoke(tx, &mut actor, workspace, id)
        })
        .await
        .unwrap();
}

/// R10: a revoked device loses access at once, and wipes itself; the member's other device goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_device_wipes_itself() {
    let world = World::open().await;
    let ana = world.member("Ana", AGENT).await;
    let (lost, kept) = (world.phone(&ana, "Ana's lost phone").await, world.phone(&ana, "Ana's phone").await);
    world.inbound(MARIA, "Hello").await;
    for phone in [&lost, &kept] {
        eventually("both hold it", || names(phone) == [MARIA]).await;
    }
    lost.set_network(NetworkState::Offline);
    revoke(&world, "Ana's lost phone").await;
    lost.set_network(NetworkState::Online);
    eventually("it knows", || lost.status().revoked).await;
    assert!(matches!(lost.inbox(&InboxFilter::default(), 10, None), Err(Error::Revoked)));
    let config = lost.config.clone();
    lost.close().await;
    eventually("its file holds no device any more", || match Offdesk::open(config.clone()) {
        Err(Error::NotEnrolled | Error::Revoked | Error::WrongKey | Error::Storage(_)) => true,
        Err(_) => false,
        Ok(_) => panic!("a wiped device opens"),
    })
    .await;
    world.inbound(MARIA, "Still there?").await;
    let conversation = kept.conversation_with(MARIA).unwrap();
    eventually("the other one goes on", || kept.texts(conversation).len() == 2).await;
}

/// R10, at once: a revoked device learns of it on its open stream, though nothing else happens in the workspace.
#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_ends_an_open_stream() {
    let world = World::open().await;
    let ana = world.member("Ana", AGENT).await;
    let lost = world.phone(&ana, "Ana's lost phone").await;
    revoke(&world, "Ana's lost phone").await;
    eventually("it knows", || lost.status().revoked).await;
    lost.close().await;
    world.stop().await;
}

/// R17: texting a number is no way into its history: Rita starts a conversation that exists and that she may not write. She
/// is told that it needs access and nothing else; her text is kept; nobody is texted.
#[tokio::test(flavor = "multi_thread")]
async fn starting_somebody_elses_conversation_needs_access() {
    let world = World::open().await;
    let (ana, rita) = (world.member("Ana", AGENT).await, world.member("Rita", REP).await);
    let (anas, ritas) = (world.phone(&ana, "Ana's phone").await, world.phone(&rita, "Rita's phone").await);
    anas.create_contact(NewContact { name: "Maria Gomez".into(), phones: vec![MARIA.into()], ..NewContact::default() })
        .unwrap();
    world.inbound(MARIA, "My secret").await;
    eventually("Ana sees it", || names(&anas) == ["Maria Gomez"]).await;
    anas.live().await;

    ritas.go_offline();
    ritas.start_conversation(MARIA, None, None, Some("Hi, Rita here")).unwrap();
    ritas.go_online();
    eventually("Rita is told", || ritas.status().attention >= 1 && ritas.status().pending == 0).await;
    let outbox = ritas.outbox().unwrap();
    assert!(outbox.iter().any(|item| item.text.as_deref() == Some("Hi, Rita here")), "{outbox:?}");
    assert!(names(&ritas).is_empty(), "no conversation is left of it, and none came: {:?}", names(&ritas));
    assert!(ritas.search("Gomez", 10).unwrap().is_empty());
    assert!(ritas.search("secret", 10).unwrap().is_empty());
    assert!(world.provider.handset(MARIA).is_empty());
}
