//! After a restore: what the backup missed comes from the provider, and nothing leaves that may have left before.

use super::*;
use crate::channels::{
    AttemptId, Outgoing, SmsProvider,
    twilio::{Account, Twilio},
};

async fn client(shop: &Shop) -> Twilio {
    Twilio::new(Account {
        base_url: Url::parse(&shop.provider.url()).unwrap(),
        sid: shop.provider.account_sid().into(),
        auth_token: shop.provider.auth_token().into(),
        public_url: None,
    })
    .unwrap()
}

#[tokio::test]
async fn nothing_is_claimed_before_an_administrator_confirms() {
    let shop = Shop::open().await;
    let ana = shop.conversation(ANA).await;
    shop.pause().await;
    let reply = shop.reply(ana, "Hello").await;
    let (now, mut rng) = (shop.app.now(), shop.app.rng());
    let claimed = shop.write(move |tx| ledger::claim(tx, now, &mut rng, 8, &crate::dispatch::Pace::default())).await;
    assert!(claimed.is_empty());
    assert_eq!(shop.entry(reply).await.state, State::Queued);
    shop.confirm().await;
    shop.until(reply, State::Delivered).await;
    shop.close().await;
}

/// R32, after a restore: of two replies that wait in the backup one has left since, the other has not.
#[tokio::test]
async fn what_left_after_the_backup_is_not_sent_again_and_what_did_not_is() {
    let mut shop = Shop::open().await;
    let (ana, ben) = (shop.conversation(ANA).await, shop.conversation(BEN).await);
    shop.pause().await;
    let (left, waits) = (shop.reply(ana, "Left already").await, shop.reply(ben, "Still waits").await);
    shop.stop().await;
    // The backup is taken here; then the old relay sends one and a customer writes, and both are lost with the disk.
    shop.database(|db| db.execute("UPDATE relay SET backup_at = ?1", [shop.app.now().millis()]).unwrap());
    let (sender, recipient, body) = (OUR_NUMBER.to_owned(), ANA.to_owned(), "Left already".to_owned());
    let lost = Outgoing { message: left, attempt: AttemptId(IntentId([8; 16])), sender, recipient, body };
    client(&shop).await.send(&lost).await;
    shop.provider.inbound_without_webhook(BEN, OUR_NUMBER, "Are you open today?").unwrap();

    shop.start();
    let mut changed = shop.app.store.changed();
    patiently(async {
        while shop.texts(ben).await.len() < 3 {
            let _ = changed.recv().await;
        }
    })
    .await;
    assert!(shop.texts(ben).await.contains(&"Are you open today?".to_owned()));
    assert_eq!(shop.texts(ana).await, ["Hello?", "Left already"], "what the backup has comes once");
    assert!(shop.provider.handset(BEN).is_empty(), "nobody has confirmed yet");

    shop.confirm().await;
    shop.until(left, State::Delivered).await;
    shop.until(waits, State::Delivered).await;
    assert_eq!(shop.provider.handset(ANA), ["Left already"]);
    assert_eq!(shop.provider.handset(BEN), ["Still waits"]);
    shop.close().await;
}

/// A message that a device offers again is never sent, but if the provider has it, that is said.
#[tokio::test]
async fn a_message_offered_again_is_asked_about_and_never_sent() {
    let mut shop = Shop::open().await;
    let ana = shop.conversation(ANA).await;
    shop.pause().await;
    let (sent, never) = (shop.reply(ana, "Was sent").await, shop.reply(ana, "Never was").await);
    shop.stop().await;
    shop.database(|db| {
        db.execute("UPDATE relay SET backup_at = ?1", [shop.app.now().millis() - 1000]).unwrap();
        // As the acceptor writes down what is offered again.
        db.execute("UPDATE ledger SET state = 'unknown'", []).unwrap();
    });
    let (sender, recipient, body) = (OUR_NUMBER.to_owned(), ANA.to_owned(), "Was sent".to_owned());
    let lost = Outgoing { message: sent, attempt: AttemptId(IntentId([8; 16])), sender, recipient, body };
    client(&shop).await.send(&lost).await;
    shop.start();
    shop.until(sent, State::Delivered).await;
    shop.confirm().await;
    assert_eq!(shop.entry(never).await.state, State::Unknown);
    assert_eq!(shop.provider.handset(ANA), ["Was sent"]);
    shop.close().await;
}

/// R32: a reply that is held in the backup was decided about and sent since; the provider's report says so.
#[tokio::test]
async fn a_report_on_a_reply_that_the_backup_holds_back_is_believed() {
    let mut shop = Shop::open().await;
    let ana = shop.conversation(ANA).await;
    shop.pause().await;
    let held = shop.reply(ana, "Decided long ago").await;
    shop.stop().await;
    shop.database(|db| db.execute("UPDATE ledger SET state = 'held', held_since = updated", []).unwrap());
    shop.start();
    let url = format!("{}?message={held}", shop.status_url());
    let form = [("MessageSid", "SM-since"), ("MessageStatus", "delivered")];
    assert_eq!(patiently(shop.provider.post_signed(&url, &form)).await.unwrap(), 204);
    shop.until(held, State::Delivered).await;
    shop.close().await;
}

/// The provider gave up on its webhook while the relay was down: the customer's words are not lost.
#[tokio::test]
async fn what_the_provider_gave_up_delivering_is_asked_for() {
    let mut shop = Shop::open().await;
    let ana = shop.conversation(ANA).await;
    shop.stop().await;
    shop.provider.inbound_without_webhook(ANA, OUR_NUMBER, "Is anybody there?").unwrap();
    shop.start();
    let mut changed = shop.app.store.changed();
    patiently(async {
        while shop.texts(ana).await.len() < 2 {
            let _ = changed.recv().await;
        }
    })
    .await;
    assert_eq!(shop.texts(ana).await, ["Hello?", "Is anybody there?"]);
    shop.close().await;
}

/// R31: the report came while the relay was down, and not again.
#[tokio::test]
async fn an_overdue_report_is_asked_for() {
    let mut shop = Shop::open().await;
    let ana = shop.conversation(ANA).await;
    shop.provider.faults(|faults| faults.no_callbacks = true);
    let reply = shop.reply(ana, "Your order is ready").await;
    shop.until(reply, State::HandedOver).await;
    patiently(shop.provider.until(|texts| texts.iter().any(|text| text.status == "delivered"))).await;
    shop.stop().await;
    shop.database(|db| db.execute("UPDATE ledger SET updated = updated - 600000", []).unwrap());
    shop.start();
    shop.until(reply, State::Delivered).await;
    assert_eq!(shop.delivery(reply).await, Delivery::Delivered);
    shop.close().await;
}

/// What was texted to the number before the workspace was founded is not fetched.
#[tokio::test]
async fn history_from_before_the_workspace_stays_where_it_is() {
    let shop = Shop::open().await;
    shop.provider.faults(|faults| faults.clock_skew_ms = -30 * 60 * 1000);
    shop.provider.inbound_without_webhook(BEN, OUR_NUMBER, "From before").unwrap();
    shop.provider.faults(|faults| faults.clock_skew_ms = 0);
    shop.provider.inbound_without_webhook(ANA, OUR_NUMBER, "From after").unwrap();
    let client = client(&shop).await;
    let pace = crate::dispatch::Pace::default();
    let fetch = crate::dispatch::recovery::fetch_inbound(&shop.app, &client, shop.app.now(), &pace);
    let new = patiently(fetch).await.unwrap();
    assert!(new <= 1, "the running relay may have fetched it first");
    assert!(shop.document(ANA).await.is_some() && shop.document(BEN).await.is_none());
    shop.close().await;
}

/// Several pages of the provider's list.
#[tokio::test]
async fn a_long_list_is_read_to_its_end() {
    let shop = Shop::open().await;
    for number in 0..1_203 {
        shop.provider.inbound_without_webhook(BEN, OUR_NUMBER, &format!("message {number}")).unwrap();
    }
    let since = shop.app.now().before(Duration::from_secs(60));
    let listed = patiently(client(&shop).await.list_inbound(OUR_NUMBER, since)).await.unwrap();
    assert_eq!(listed.len(), 1_203);
    let later = shop.app.now().after(Duration::from_secs(60));
    assert!(patiently(client(&shop).await.list_inbound(OUR_NUMBER, later)).await.unwrap().is_empty());
    shop.close().await;
}
