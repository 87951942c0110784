//! What the provider calls, and what somebody calls who is not the provider.

use super::*;
use crate::channels::twilio::signature;

/// Posts as it stands, and returns status and content type.
async fn post(url: &str, signature: Option<&str>, body: String) -> (u16, String) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client.post(url).header("content-type", "application/x-www-form-urlencoded").body(body);
    if let Some(signature) = signature {
        request = request.header(signature::HEADER, signature);
    }
    let answer = patiently(request.send()).await.unwrap();
    let content_type = answer.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
    (answer.status().as_u16(), content_type.unwrap_or_default())
}

const HELLO: &str = "MessageSid=SM1&From=%2B14155552671&To=%2B14155550100&Body=Hello";
const HELLO_FORM: [(&str, &str); 4] = [("MessageSid", "SM1"), ("From", ANA), ("To", OUR_NUMBER), ("Body", "Hello")];

#[tokio::test]
async fn without_the_providers_signature_nothing_is_believed_or_stored() {
    let shop = Shop::open().await;
    let url = shop.inbound_url();
    let by_another = signature::sign("another token", &url, HELLO_FORM.into_iter());
    let of_another_url = signature::sign(shop.provider.auth_token(), &shop.status_url(), HELLO_FORM.into_iter());
    for signature in [None, Some(""), Some("AAAA"), Some(&by_another), Some(&of_another_url)] {
        let (status, content_type) = post(&url, signature, HELLO.into()).await;
        assert_eq!((status, content_type.as_str()), (403, "application/problem+json"), "{signature:?}");
        let (status, _) = post(&shop.status_url(), signature.filter(|_| status == 0), HELLO.into()).await;
        assert_eq!(status, 403);
    }
    assert_eq!(shop.document(ANA).await, None);
    shop.close().await;
}

#[tokio::test]
async fn the_same_request_with_its_signature_is_taken() {
    let shop = Shop::open().await;
    let signature = signature::sign(shop.provider.auth_token(), &shop.inbound_url(), HELLO_FORM.into_iter());
    let (status, content_type) = post(&shop.inbound_url(), Some(&signature), HELLO.into()).await;
    assert_eq!((status, content_type.as_str()), (200, "text/xml"));
    let ana = shop.document(ANA).await.unwrap();
    assert_eq!(shop.texts(ana).await, ["Hello"]);
    shop.close().await;
}

#[tokio::test]
async fn a_webhook_that_comes_twice_counts_once() {
    let shop = Shop::open().await;
    shop.provider.faults(|faults| faults.duplicate_webhooks = true);
    let ana = shop.conversation(ANA).await;
    assert_eq!(shop.texts(ana).await, ["Hello?"]);
    shop.close().await;
}

#[tokio::test]
async fn what_the_provider_would_never_send_is_refused_in_plain_words() {
    let shop = Shop::open().await;
    let url = shop.inbound_url();
    let answer = async |form: &[(&str, &str)]| patiently(shop.provider.post_signed(&url, form)).await.unwrap();
    assert_eq!(answer(&[("MessageSid", "SM1"), ("From", ANA), ("Body", "no recipient")]).await, 400);
    assert_eq!(answer(&[("MessageSid", "SM1"), ("From", "OTTO"), ("To", OUR_NUMBER), ("Body", "a name")]).await, 400);
    assert_eq!(
        answer(&[("MessageSid", "SM1"), ("From", ANA), ("To", "+14155559999"), ("Body", "not ours")]).await,
        404
    );
    let (status, content_type) = post(&url, None, format!("Body={}", "a".repeat(100_000))).await;
    assert_eq!((status, content_type.as_str()), (413, "application/problem+json"));
    let form = [("MessageSid", "SM-of-somebody-else"), ("MessageStatus", "delivered")];
    assert_eq!(patiently(shop.provider.post_signed(&shop.status_url(), &form)).await.unwrap(), 404);
    assert_eq!(shop.document(ANA).await, None);
    shop.close().await;
}

/// A picture without words is not lost without a trace.
#[tokio::test]
async fn attachments_are_mentioned() {
    let shop = Shop::open().await;
    let form = [("MessageSid", "SM1"), ("From", ANA), ("To", OUR_NUMBER), ("Body", "Look"), ("NumMedia", "2")];
    patiently(shop.provider.post_signed(&shop.inbound_url(), &form)).await.unwrap();
    let ana = shop.document(ANA).await.unwrap();
    assert_eq!(shop.texts(ana).await, ["Look\n[2 attachments, not shown here]"]);
    shop.close().await;
}

/// While the relay is down the provider keeps trying; the customer's words arrive once.
#[tokio::test]
async fn a_message_sent_while_the_relay_is_down_arrives_when_it_is_back() {
    let mut shop = Shop::open().await;
    shop.stop().await;
    let provider = shop.provider.clone();
    let writing = tokio::spawn(async move { provider.inbound(ANA, OUR_NUMBER, "Anybody there?").await });
    patiently(shop.provider.until(|texts| texts.len() == 1)).await;
    shop.start();
    patiently(writing).await.unwrap().unwrap();
    let ana = shop.document(ANA).await.unwrap();
    assert_eq!(shop.texts(ana).await, ["Anybody there?"]);
    shop.close().await;
}
