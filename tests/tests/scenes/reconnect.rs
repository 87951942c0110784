//! What a reconnect costs, and what a cut costs, by counting what passes through the socket.

use std::time::Duration;

use offdesk_core::{model::Channel, triage::InboxFilter};
use offdesk_relay::accept::{self, Inbound};
use offdesk_tests::{AGENT, OUR_NUMBER, Phone, World};

const DEADLINE: Duration = Duration::from_secs(120);

/// Customers who each wrote once: two documents a customer.
async fn customers(world: &World, numbers: std::ops::Range<u32>) {
    let workspace = world.workspace();
    let all: Vec<u32> = numbers.collect();
    for some in all.chunks(250) {
        let (now, mut rng, some) = (world.app().now(), world.app().rng(), some.to_vec());
        world
            .write(move |tx| {
                for number in some {
                    let inbound = Inbound {
                        workspace,
                        channel: Channel::Sms(OUR_NUMBER.into()),
                        phone: format!("+1415{number:07}"),
                        text: format!("Hello, this is customer {number}."),
                        provider_id: format!("SM{number}"),
                    };
                    accept::inbound(tx, now, &mut rng, &inbound)?;
                }
                Ok(())
            })
            .await;
    }
}

/// The bytes and turns of one unchanged reconnect.
async fn reconnect(phone: &Phone) -> offdesk_tests::Traffic {
    let before = phone.proxy.traffic();
    let report = phone.sync_once(DEADLINE).await.unwrap();
    assert!(report.up_to_date);
    assert_eq!((report.round_trips, report.documents), (1, 0));
    phone.proxy.traffic().since(before)
}

/// DESIGN's target for phones that wake often: nothing new costs one round trip and at most 1 kB both ways together, HTTP's
/// own lines included, however much the phone holds.
#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_reconnect_is_one_small_round_trip() {
    let world = World::open().await;
    let ana = world.member("Ana", AGENT).await;
    let phone = world.enrol(&ana, "Ana's phone").await;
    customers(&world, 2_000_000..2_000_050).await;
    phone.sync_once(DEADLINE).await.unwrap();
    assert!(phone.stats().unwrap().documents >= 100);
    let phone = phone.reopen().await;
    let with_few = reconnect(&phone).await;

    customers(&world, 2_000_050..2_005_000).await;
    let report = phone.sync_once(DEADLINE).await.unwrap();
    assert!(report.up_to_date);
    assert!(phone.stats().unwrap().documents >= 10_000);
    let phone = phone.reopen().await;
    let with_many = reconnect(&phone).await;

    eprintln!("unchanged reconnect: {with_few:?} with 100 documents, {with_many:?} with 10,000");
    assert_eq!((with_many.turns, with_many.connections), (1, 1));
    assert!(with_many.up + with_many.down <= 1000, "{with_many:?}");
    // Numbers in cursor and clock may take a byte or two more.
    assert!(with_many.up + with_many.down <= with_few.up + with_few.down + 16, "{with_few:?} {with_many:?}");
}

/// A cold start that is cut again and again goes on from the last page that it stored, and ends with everything once.
#[tokio::test(flavor = "multi_thread")]
async fn a_cold_start_survives_cuts() {
    let world = World::open().await;
    let ana = world.member("Ana", AGENT).await;
    customers(&world, 2_000_000..2_001_500).await;
    let uncut = {
        let tablet = world.enrol(&ana, "Ana's tablet").await;
        let before = tablet.proxy.traffic();
        tablet.sync_once(DEADLINE).await.unwrap();
        tablet.proxy.traffic().since(before).down
    };

    let phone = world.enrol(&ana, "Ana's phone").await;
    let before = phone.proxy.traffic();
    let (mut cuts, mut held) = (0, phone.stats().unwrap().documents);
    loop {
        phone.proxy.cut_after(uncut / 4);
        if phone.sync_once(DEADLINE).await.is_ok_and(|report| report.up_to_date) {
            break;
        }
        cuts += 1;
        let holds = phone.stats().unwrap().documents;
        assert!(holds >= held, "nothing that was stored is lost");
        held = holds;
        assert!(cuts < 30, "it gets nowhere: {held} documents");
    }
    assert!(cuts >= 3, "the cuts came too late to prove anything: {cuts}");
    let down = phone.proxy.traffic().since(before).down;
    eprintln!("a cold start of 3,000 documents: {uncut} bytes at once, {down} with {cuts} cuts");
    assert!(down < 2 * uncut, "{cuts} cuts made {down} bytes of {uncut}: it starts over instead of going on");
    assert_eq!(phone.counts().unwrap().open, 1500);
    assert_eq!(phone.inbox(&InboxFilter::default(), 2000, None).unwrap().len(), 1500);
}
