//! R32: no message is sent twice, whatever crashes when. R31: what can't be known is said to be unknown.

use super::*;
use crate::channels::{
    AttemptId, Outcome, Outgoing, SmsProvider,
    twilio::{Account, Twilio},
};

/// Hands a text to the provider as a relay does that dies before it writes down the answer.
async fn taken_by_provider(shop: &Shop, message: MessageId, text: &str) {
    let client = Twilio::new(Account {
        base_url: Url::parse(&shop.provider.url()).unwrap(),
        sid: shop.provider.account_sid().into(),
        auth_token: shop.provider.auth_token().into(),
        public_url: None,
    })
    .unwrap();
    let attempt = AttemptId(IntentId([9; 16]));
    let (sender, recipient, body) = (OUR_NUMBER.to_owned(), ANA.to_owned(), text.to_owned());
    let outcome = client.send(&Outgoing { message, attempt, sender, recipient, body }).await;
    assert!(matches!(outcome, Outcome::HandedOver { .. }), "{outcome:?}");
}

/// A reply that waits in a relay that is stopped.
async fn queued_reply(text: &str) -> (Shop, MessageId) {
    let mut shop = Shop::open().await;
    let ana = shop.conversation(ANA).await;
    shop.pause().await;
    let reply = shop.reply(ana, text).await;
    shop.confirm_after_stop().await;
    (shop, reply)
}

impl Shop {
    /// Stops the relay while it pauses, and takes the pause off for the next start.
    async fn confirm_after_stop(&mut self) {
        self.stop().await;
        self.database(|db| db.execute("UPDATE relay SET recovering = 0", []).unwrap());
    }
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_and_the_message_not_sent_again() {
    let shop = Shop::open().await;
    let ana = shop.conversation(ANA).await;
    shop.provider.faults(|faults| {
        faults.drop_answers = 1;
        faults.no_callbacks = true;
    });
    let reply = shop.reply(ana, "Your table is ready").await;
    patiently(shop.provider.until(|texts| texts.iter().any(|text| !text.inbound && text.status == "delivered"))).await;
    // Nobody reports it: only the list can tell.
    let entry = shop.until(reply, State::Delivered).await;
    assert_eq!(entry.attempts, 1);
    assert_eq!(shop.provider.handset(ANA).len(), 1);
    shop.close().await;
}

/// The address of the report names the message: a report is as good as the answer that was lost.
#[tokio::test]
async fn a_report_makes_up_for_a_lost_answer() {
    let shop = Shop::open().await;
    let ana = shop.conversation(ANA).await;
    shop.provider.faults(|faults| {
        faults.drop_answers = 1;
        faults.fail_lists = u32::MAX;
    });
    let reply = shop.reply(ana, "Your table is ready").await;
    let entry = shop.until(reply, State::Delivered).await;
    assert_eq!((entry.attempts, shop.provider.handset(ANA).len()), (1, 1));
    shop.close().await;
}

#[tokio::test]
async fn a_crash_after_the_provider_took_it_sends_nothing_again() {
    let (mut shop, reply) = queued_reply("See you at eight").await;
    shop.claimed_and_died(reply);
    taken_by_provider(&shop, reply, "See you at eight").await;
    shop.start();
    let entry = shop.until(reply, State::Delivered).await;
    assert_eq!(entry.attempts, 1);
    assert_eq!(shop.provider.handset(ANA), ["See you at eight"]);
    shop.close().await;
}

#[tokio::test]
async fn a_crash_before_the_provider_was_called_sends_it_once() {
    let (mut shop, reply) = queued_reply("See you at eight").await;
    shop.claimed_and_died(reply);
    shop.start();
    let entry = shop.until(reply, State::Delivered).await;
    assert_eq!(entry.attempts, 2);
    assert_eq!(shop.provider.handset(ANA), ["See you at eight"]);
    shop.close().await;
}

/// An error in between may come before or after the provider took the message: both end with one message.
#[tokio::test]
async fn an_internal_error_of_the_provider_is_asked_about() {
    let shop = Shop::open().await;
    let (ana, ben) = (shop.conversation(ANA).await, shop.conversation(BEN).await);
    shop.provider.faults(|faults| {
        faults.fail_before = 1;
        faults.no_callbacks = true;
    });
    let not_taken = shop.reply(ana, "Hi Ana").await;
    assert_eq!(shop.until(not_taken, State::HandedOver).await.attempts, 2);
    shop.provider.faults(|faults| faults.fail_after = 1);
    let taken = shop.reply(ben, "Hi Ben").await;
    let mut changed = shop.app.store.changed();
    patiently(async {
        while shop.entry(taken).await.provider_id.is_none() {
            let _ = changed.recv().await;
        }
    })
    .await;
    assert_eq!(shop.entry(taken).await.attempts, 1);
    assert_eq!((shop.provider.handset(ANA).len(), shop.provider.handset(BEN).len()), (1, 1));
    shop.close().await;
}

/// R31: never sent again on its own; and what comes after it goes on.
#[tokio::test]
async fn if_the_provider_never_tells_the_message_is_unknown_and_the_conversation_goes_on() {
    let shop = Shop::open().await;
    let ana = shop.conversation(ANA).await;
    shop.provider.faults(|faults| {
        faults.drop_answers = 1;
        faults.no_callbacks = true;
        faults.fail_lists = u32::MAX;
    });
    let open = shop.reply(ana, "Did this arrive?").await;
    let next = shop.reply(ana, "Next").await;
    give_up_quickly(&shop, open).await;
    shop.until(open, State::Unknown).await;
    assert_eq!(shop.delivery(open).await, Delivery::Unknown);
    shop.until(next, State::HandedOver).await;
    assert_eq!(shop.provider.handset(ANA), ["Did this arrive?", "Next"]);

    // A report that comes after all is believed.
    let sid = shop.provider.texts().into_iter().find(|text| text.body == "Did this arrive?").unwrap().sid;
    let url = format!("{}?message={open}", shop.status_url());
    let form = [("MessageSid", sid.as_str()), ("MessageStatus", "delivered")];
    assert_eq!(patiently(shop.provider.post_signed(&url, &form)).await.unwrap(), 204);
    assert_eq!(shop.delivery(open).await, Delivery::Delivered);
    shop.close().await;
}

/// The dispatcher's own patience with failing lists is minutes; its last step is what matters here.
async fn give_up_quickly(shop: &Shop, message: MessageId) {
    patiently(shop.provider.until(|texts| texts.iter().any(|text| !text.inbound))).await;
    let entry = shop.entry(message).await;
    assert_eq!(entry.state, State::Dispatching);
    let now = shop.app.now();
    shop.write(move |tx| ledger::give_up(tx, now, &entry, "its list can't be had")).await;
}

/// Two texts alike, one of them lost: which one nobody can tell.
#[tokio::test]
async fn several_candidates_make_it_unknown() {
    let (mut shop, reply) = queued_reply("OK").await;
    shop.claimed_and_died(reply);
    taken_by_provider(&shop, reply, "OK").await;
    taken_by_provider(&shop, reply, "OK").await;
    shop.start();
    shop.until(reply, State::Unknown).await;
    assert_eq!(shop.provider.handset(ANA).len(), 2, "nothing was added");
    shop.close().await;
}

/// An earlier message of the same text is not taken for the lost one.
#[tokio::test]
async fn the_same_text_said_before_is_no_answer() {
    let mut shop = Shop::open().await;
    let ana = shop.conversation(ANA).await;
    let before = shop.reply(ana, "OK").await;
    shop.until(before, State::Delivered).await;
    shop.pause().await;
    let lost = shop.reply(ana, "OK").await;
    shop.confirm_after_stop().await;
    shop.claimed_and_died(lost);
    shop.start();
    shop.until(lost, State::Delivered).await;
    assert_eq!(shop.provider.handset(ANA), ["OK", "OK"]);
    shop.close().await;
}

/// The provider's clock is minutes off, both ways.
#[tokio::test]
async fn a_skewed_clock_of_the_provider_hides_nothing() {
    for skew in [-200_000, 200_000] {
        let (mut shop, reply) = queued_reply("On my way").await;
        shop.provider.faults(|faults| faults.clock_skew_ms = skew);
        shop.claimed_and_died(reply);
        taken_by_provider(&shop, reply, "On my way").await;
        shop.start();
        shop.until(reply, State::Delivered).await;
        assert_eq!(shop.provider.handset(ANA).len(), 1, "skew {skew}");
        shop.close().await;
    }
}
