//! In good times and in bad: the ladder, refusals, what is tried again, and order.

use super::*;

/// R31
#[tokio::test]
async fn a_reply_climbs_the_ladder_and_reaches_the_handset_once() {
    let shop = Shop::open().await;
    let ana = shop.conversation(ANA).await;
    let reply = shop.reply(ana, "We open at nine.").await;
    let entry = shop.until(reply, State::Delivered).await;
    assert!(entry.provider_id.is_some());
    assert_eq!(shop.delivery(reply).await, Delivery::Delivered);
    assert_eq!(shop.provider.handset(ANA), ["We open at nine."]);
    shop.close().await;
}

/// R31
#[tokio::test]
async fn reports_in_any_order_and_number_never_lead_down() {
    let shop = Shop::open().await;
    shop.provider.faults(|faults| {
        faults.reversed_callbacks = true;
        faults.duplicate_webhooks = true;
    });
    let ana = shop.conversation(ANA).await;
    let reply = shop.reply(ana, "Yes").await;
    shop.until(reply, State::Delivered).await;
    let sid = shop.entry(reply).await.provider_id.unwrap();
    for status in ["sent", "queued", "undelivered", "delivered", "something-new"] {
        let form = [("MessageSid", sid.as_str()), ("MessageStatus", status)];
        assert_eq!(patiently(shop.provider.post_signed(&shop.status_url(), &form)).await.unwrap(), 204);
    }
    assert_eq!(shop.entry(reply).await.state, State::Delivered);
    assert_eq!(shop.delivery(reply).await, Delivery::Delivered);
    shop.close().await;
}

/// R31: a failure says why, at once or later.
#[tokio::test]
async fn a_failure_says_why() {
    let shop = Shop::open().await;
    shop.provider.faults(|faults| {
        faults.refuse.insert(ANA.into(), 21610);
        faults.undelivered.insert(BEN.into(), 30006);
    });
    let (ana, ben) = (shop.conversation(ANA).await, shop.conversation(BEN).await);
    let (to_ana, to_ben) = (shop.reply(ana, "Hi Ana").await, shop.reply(ben, "Hi Ben").await);
    shop.until(to_ana, State::Failed).await;
    shop.until(to_ben, State::Failed).await;
    let Delivery::Failed { reason } = shop.delivery(to_ana).await else { panic!("not failed") };
    assert!(reason.contains("opted out"), "{reason}");
    let Delivery::Failed { reason } = shop.delivery(to_ben).await else { panic!("not failed") };
    assert!(reason.contains("landline"), "{reason}");
    assert!(shop.provider.handset(ANA).is_empty());
    shop.close().await;
}

/// R32: "too many requests" has taken nothing, so that it may be tried again.
#[tokio::test]
async fn a_busy_provider_is_tried_again() {
    let shop = Shop::open().await;
    let ana = shop.conversation(ANA).await;
    shop.provider.faults(|faults| faults.busy = 1);
    let reply = shop.reply(ana, "One moment").await;
    let entry = shop.until(reply, State::Delivered).await;
    assert_eq!((entry.attempts, shop.provider.handset(ANA).len()), (2, 1));
    shop.close().await;
}

/// R32: nothing listens, so that nothing can have been taken.
#[tokio::test]
async fn a_provider_that_is_down_gets_it_when_it_is_back() {
    let mut shop = Shop::open().await;
    let ana = shop.conversation(ANA).await;
    let listen = shop.provider.url().trim_start_matches("http://").parse().unwrap();
    shop.provider.stop().await;
    let reply = shop.reply(ana, "Are you there?").await;
    let mut changed = shop.app.store.changed();
    patiently(async {
        while shop.entry(reply).await.attempts == 0 || shop.entry(reply).await.state != State::Queued {
            let _ = changed.recv().await;
        }
    })
    .await;
    assert_eq!(shop.delivery(reply).await, Delivery::Accepted);
    shop.provider = Arc::new(Provider::start(Options { listen, ..Options::default() }).await.unwrap());
    shop.until(reply, State::Delivered).await;
    assert_eq!(shop.provider.handset(ANA), ["Are you there?"]);
    shop.close().await;
}

#[tokio::test]
async fn a_conversation_keeps_its_order_though_its_first_message_is_delayed() {
    let shop = Shop::open().await;
    let ana = shop.conversation(ANA).await;
    shop.pause().await;
    let texts = ["first", "second", "third", "fourth"];
    let mut last = None;
    for text in texts {
        last = Some(shop.reply(ana, text).await);
    }
    shop.provider.faults(|faults| faults.busy = 2);
    shop.confirm().await;
    shop.until(last.unwrap(), State::Delivered).await;
    assert_eq!(shop.provider.handset(ANA), texts);
    shop.close().await;
}

#[tokio::test]
async fn a_conversation_that_hangs_holds_up_no_other() {
    let shop = Shop::open().await;
    let (ana, ben) = (shop.conversation(ANA).await, shop.conversation(BEN).await);
    shop.provider.faults(|faults| {
        faults.hang_after = 1;
        faults.no_callbacks = true;
    });
    let stuck = shop.reply(ana, "This one hangs").await;
    patiently(shop.provider.until(|texts| texts.iter().any(|text| text.body == "This one hangs"))).await;
    let behind = shop.reply(ana, "And this one waits behind it").await;
    let to_ben = shop.reply(ben, "Hi Ben").await;
    shop.until(to_ben, State::HandedOver).await;
    assert_eq!(shop.entry(stuck).await.state, State::Dispatching);
    assert_eq!(shop.entry(behind).await.state, State::Queued);
    shop.close().await;
}

/// R31: there is nobody to send to, and its author is told.
#[tokio::test]
async fn a_contact_without_a_phone_is_a_failure_that_says_so() {
    let shop = Shop::open().await;
    let ana = shop.conversation(ANA).await;
    shop.write(|tx| Ok(tx.connection().execute("UPDATE documents SET peer = NULL", [])?)).await;
    let reply = shop.reply(ana, "Hello").await;
    shop.until(reply, State::Failed).await;
    let Delivery::Failed { reason } = shop.delivery(reply).await else { panic!("not failed") };
    assert!(reason.contains("no phone number"), "{reason}");
    shop.close().await;
}

/// A number that was taken from the workspace sends nothing any more.
#[tokio::test]
async fn a_number_that_was_given_up_sends_nothing() {
    let shop = Shop::open().await;
    let ana = shop.conversation(ANA).await;
    shop.write(|tx| Ok(tx.connection().execute("DELETE FROM numbers", [])?)).await;
    let reply = shop.reply(ana, "Hello").await;
    shop.until(reply, State::Failed).await;
    assert!(shop.provider.handset(ANA).is_empty());
    shop.close().await;
}
