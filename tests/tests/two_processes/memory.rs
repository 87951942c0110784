//! What an extension takes of a phone's memory, of which iOS gives it some 24 MB in all.

use std::time::Duration;

use offdesk_core::{engine::Offdesk, model::Channel};
use offdesk_relay::accept::{self, Inbound};
use offdesk_tests::{AGENT, OUR_NUMBER, World, crash::office::device};

use super::worker::{PATIENCE, Worker};

/// The most that a puller's process may take of its own, in kilobytes: what iOS counts, whose limit is some 24 MB.
const OWN: u64 = 8_000;
/// The most with the program's pages that happen to be mapped from its file, which the system takes back at will. The program
/// is built for speed here and half as large when it is built for a phone.
const WHOLE: u64 = 20_000;

/// With 10,000 conversations on the phone and 100 of them changed and alerted, a whole pull in a process of its own takes
/// little memory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pull_takes_little_memory_however_much_the_phone_holds() {
    let world = World::open().await;
    for block in 0..20 {
        say(&world, block * 500..(block + 1) * 500, "Hello, is the blue one still on sale?", 2).await;
    }
    // Those that will change are long.
    say(&world, 0..100, "And could it be sent to my sister's address instead of mine, please?", 30).await;
    // She comes to an office that has answered all of that: none of it alerts her.
    let ana = world.member("Ana", AGENT).await;
    let database = world.path("ana.db");
    let code = world.enrolment_code(&ana).await;
    let phone = Offdesk::enrol(device(&database, Duration::ZERO), &world.url(), &code, "Ana's phone").await.unwrap();
    phone.sync_once(PATIENCE * 4).await.unwrap();
    assert_eq!(phone.stats().unwrap().conversations, 10_000);
    phone.close().await;

    say(&world, 0..100, "Are you there?", 1).await;
    let mut extension = Worker::start("extension", &database, &world.path("workers.log")).await;
    extension.finishes().await;
    extension.does("memory").await;
    let took = extension.does("pull").await;
    extension.does("memory").await;
    let said = extension.quit().await;
    let shown = said.iter().filter(|line| line.starts_with("showing")).count();
    assert_eq!(shown, 100, "{said:#?}");
    let kilobytes = |kind: &str| -> u64 {
        let last = said.iter().rev().find_map(|line| line.strip_prefix(kind)?.trim().strip_suffix(" kB"));
        last.and_then(|number| number.parse().ok()).expect("the process says what it has taken")
    };
    let (whole, mapped) = (kilobytes("VmHWM:"), kilobytes("RssFile:"));
    let own = whole - mapped;
    eprintln!(
        "a pull of 100 changed conversations among 10,000: {own} kB at most, {whole} kB with the program; {took:?}"
    );
    assert!(own <= OWN && whole <= WHOLE, "{own} kB, {whole} kB");

    let phone = Offdesk::open(device(&database, Duration::ZERO)).unwrap();
    assert_eq!(phone.alerts().unwrap().len(), 100, "the app has what the extension received");
    phone.close().await;
}

/// Customers text us, each so many times.
async fn say(world: &World, customers: std::ops::Range<u32>, text: &'static str, times: u32) {
    let (now, mut rng, workspace) = (world.app().now(), world.app().rng(), world.workspace());
    world
        .write(move |tx| {
            for customer in customers {
                for time in 0..times {
                    let inbound = Inbound {
                        workspace,
                        channel: Channel::Sms(OUR_NUMBER.into()),
                        phone: format!("+1415{customer:07}"),
                        text: text.into(),
                        provider_id: format!("{customer}/{time}/{text}"),
                    };
                    accept::inbound(tx, now, &mut rng, &inbound)?;
                }
            }
            Ok(())
        })
        .await;
}
