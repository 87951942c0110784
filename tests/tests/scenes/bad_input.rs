//! Whatever comes in wrong is answered with a clear error, and harms nothing.

use std::{fs, io::Write};

use offdesk_core::{
    engine::{Error, Offdesk},
    protocol::{ENROL_PATH, EnrolResponse, Problem, SYNC_PATH},
    store::DatabaseKey,
    triage::InboxFilter,
};
use offdesk_relay::{
    channels::twilio::INBOUND_PATH,
    config::{Config, Overrides},
};
use offdesk_tests::{AGENT, LeapingClock, OUR_NUMBER, Phone, World, eventually};

const MARIA: &str = "+14155550123";

/// A phone with one conversation, closed.
async fn closed_phone(world: &World) -> Phone {
    let ana = world.member("Ana", AGENT).await;
    let phone = world.phone(&ana, "Ana's phone").await;
    world.inbound(MARIA, "Hello").await;
    eventually("Maria's message is there", || phone.conversation_with(MARIA).is_some()).await;
    phone.pause().await;
    phone
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_opens_nothing() {
    let world = World::open().await;
    let phone = closed_phone(&world).await;
    let mut config = phone.config.clone();
    drop(phone);
    config.key = DatabaseKey::new([9; 32]);
    let error = Offdesk::open(config).unwrap_err();
    assert!(matches!(error, Error::WrongKey), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_database_is_an_error_and_no_panic() {
    let world = World::open().await;
    let phone = closed_phone(&world).await;
    let config = phone.config.clone();
    phone.close().await;
    let length = fs::metadata(&config.database).unwrap().len();
    assert!(length > 16 * 1024);
    // The whole middle: pages that every reading touches.
    let mut bytes = fs::read(&config.database).unwrap();
    let (from, to) = (bytes.len() / 8, bytes.len() * 7 / 8);
    bytes[from..to].fill(0x5a);
    fs::write(&config.database, bytes).unwrap();
    let told = Offdesk::open(config).and_then(|device| {
        device.inbox(&InboxFilter::default(), 10, None)?;
        device.search("Maria", 10).map(drop)
    });
    let error = told.unwrap_err();
    assert!(matches!(error, Error::Storage(_) | Error::WrongKey), "{error:?}");
    assert!(!error.to_string().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_enrolment_code_is_refused_in_words() {
    let world = World::open().await;
    let ana = world.member("Ana", AGENT).await;
    let config = world.device_config("Ana's phone", &LeapingClock::default());
    for code in ["00000-00000-00000-00000", "nonsense", ""] {
        let error = Offdesk::enrol(config.clone(), &world.url(), code, "Ana's phone").await.unwrap_err();
        let Error::Enrolment(problem) = error else { panic!("{error:?}") };
        assert!(problem.detail.is_some(), "it says what to do: {problem:?}");
    }
    // A code works once.
    let code = world.enrolment_code(&ana).await;
    let device = Offdesk::enrol(config, &world.url(), &code, "Ana's phone").await.unwrap();
    let other = world.device_config("Ben's phone", &LeapingClock::default());
    let error = Offdesk::enrol(other, &world.url(), &code, "Ben's phone").await.unwrap_err();
    assert!(matches!(error, Error::Enrolment(_)), "{error:?}");
    device.close().await;
}

/// A device without our client: its credential, for requests by hand.
async fn credential(world: &World) -> String {
    let ana = world.member("Mallory", AGENT).await;
    let code = world.enrolment_code(&ana).await;
    let body = serde_json::json!({ "code": code, "device_name": "by hand" });
    let response = http().post(format!("{}{ENROL_PATH}", world.url())).json(&body).send().await.unwrap();
    assert!(response.status().is_success());
    response.json::<EnrolResponse>().await.unwrap().credential
}

fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

async fn sync(world: &World, credential: &str, body: Vec<u8>) -> (u16, Vec<u8>) {
    let response =
        http().post(format!("{}{SYNC_PATH}", world.url())).bearer_auth(credential).body(body).send().await.unwrap();
    (response.status().as_u16(), response.bytes().await.unwrap().to_vec())
}

fn frames(plain: &[u8]) -> Vec<u8> {
    zstd::encode_all(plain, 3).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_frames_are_refused() {
    let world = World::open().await;
    let credential = credential(&world).await;
    let mut truncated = 100u32.to_be_bytes().to_vec();
    truncated.extend(b"short");
    let mut nonsense = 4u32.to_be_bytes().to_vec();
    nonsense.extend([0xc1, 0xc1, 0xc1, 0xc1]);
    let bodies = [
        b"not zstd at all".to_vec(),
        frames(&truncated),
        frames(&nonsense),
        frames(&u32::MAX.to_be_bytes()),
        Vec::new(),
    ];
    for body in bodies {
        let (status, answer) = sync(&world, &credential, body.clone()).await;
        assert_eq!(status, 400, "{body:?}");
        let problem: Problem = serde_json::from_slice(&answer).unwrap();
        assert_eq!(problem.status, 400);
        assert!(!problem.title.is_empty());
    }
    assert_eq!(sync(&world, "no-such-credential", Vec::new()).await.0, 401);
    healthy(&world).await;
}

/// Few bytes that claim to be many, and simply too many bytes: refused, and the relay's memory stays bounded.
#[tokio::test(flavor = "multi_thread")]
async fn oversized_bodies_are_refused() {
    let world = World::open().await;
    let credential = credential(&world).await;
    let before = peak_memory();
    let limit = usize::try_from(world.app().config.limits.sync_body.as_u64()).unwrap();
    let (status, _) = sync(&world, &credential, vec![0; limit + 1]).await;
    assert_eq!(status, 413);
    let mut bomb = zstd::Encoder::new(Vec::new(), 19).unwrap();
    let zeros = vec![0u8; 1024 * 1024];
    // 4 GB of empty frames in some 100 kB.
    for _ in 0..4096 {
        bomb.write_all(&zeros).unwrap();
    }
    let (status, _) = sync(&world, &credential, bomb.finish().unwrap()).await;
    assert!(status == 400 || status == 413, "{status}");
    let grown = peak_memory().saturating_sub(before);
    assert!(grown < 400 * 1024 * 1024, "{grown} bytes more at the peak");
    healthy(&world).await;
}

/// The most memory that this process (relay and tests together) ever had, in bytes.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or("VmHWM: 0 kB");
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

async fn healthy(world: &World) {
    let response = http().get(format!("{}/healthz", world.url())).send().await.unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsigned_webhook_touches_nothing() {
    let world = World::open().await;
    let phone = closed_phone(&world).await;
    phone.resume().await;
    let url = format!("{}{INBOUND_PATH}", world.url());
    let form = [("MessageSid", "SM1"), ("From", MARIA), ("To", OUR_NUMBER), ("Body", "Transfer the money")];
    let unsigned = http().post(&url).form(&form).send().await.unwrap();
    assert_eq!(unsigned.status(), 403);
    let forged = http().post(&url).header("X-Twilio-Signature", "AAAA").form(&form).send().await.unwrap();
    assert_eq!(forged.status(), 403);
    // What is signed arrives, so the relay was listening all along.
    world.inbound(MARIA, "The last word").await;
    eventually("the signed message is there", || {
        let conversation = phone.conversation_with(MARIA).unwrap();
        phone.texts(conversation).last().is_some_and(|text| text == "The last word")
    })
    .await;
    let conversation = phone.conversation_with(MARIA).unwrap();
    assert_eq!(phone.texts(conversation), ["Hello", "The last word"]);
}

#[test]
fn an_unknown_config_key_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("relay.toml");
    fs::write(&file, "listn = \"127.0.0.1:8080\"\n").unwrap();
    let error = Config::read(Some(&file), &Overrides::default()).unwrap_err().to_string();
    assert!(error.contains("listn") && error.contains("listen") && error.contains("relay.toml"), "{error}");
}
