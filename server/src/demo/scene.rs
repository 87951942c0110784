//! The scene: a customer writes while one phone is offline; both answer; the late answer is held and asked about; everybody
//! ends up with the same conversation, and the customer got each message once.

use std::time::{Duration, Instant};

use offdesk_core::{
    engine::{NetworkState, Offdesk, OutboxState},
    ids::ConversationId,
    model::MessageKind,
    protocol::Delivery,
    triage::{InboxFilter, MessageView},
};

use super::{
    cast::{CARLA, Cast, OUR_NUMBER, STALE_AFTER},
    provider::Provider,
    run::{DemoError, say},
};

/// How long anything in the scene may take.
const PATIENCE: Duration = Duration::from_secs(20);

const READY: &str = "Hi, is my bike ready?";
const TODAY: &str = "I could come today before six";
const ANAS: &str = "Yes, it is ready. See you before six!";
const BENS: &str = "Should be ready tomorrow, I think";
const EDITED: &str = "I will have it at the counter for you. Ben";

pub(super) async fn play(cast: &Cast, provider: &Provider) -> Result<(), DemoError> {
    let (anas, bens) = (&cast.anas, &cast.bens);
    say("Ana's and Ben's phones are enrolled: each a device on its own encrypted database")?;
    say("")?;
    customer(provider, 1, READY).await?;
    let conversation = until("both phones show it", || {
        let first =
            |phone: &Offdesk| phone.inbox(&InboxFilter::default(), 1, None).ok()?.first().map(|row| row.conversation);
        first(anas).filter(|_| first(bens).is_some())
    })
    .await?;
    until("both are alerted", || (alerts(anas) == 1 && alerts(bens) == 1).then_some(())).await?;
    step(2, "Ana and Ben are both alerted: nobody is assigned (R12)")?;

    bens.set_network(NetworkState::Offline);
    step(3, "Ben's phone loses its network")?;
    customer(provider, 4, TODAY).await?;
    until("Ana is alerted", || (alerts(anas) == 2).then_some(())).await?;
    step(5, "Ana is alerted; Ben can't be: his phone is offline")?;
    anas.reply(conversation, ANAS).map_err(failed)?;
    until("Carla has Ana's answer", || delivered(anas, conversation, ANAS)).await?;
    step(6, &format!("Ana replies: “{ANAS}” — accepted, handed over, delivered. She is assigned now (R17)"))?;
    if alerts(anas) != 0 {
        return Err(DemoError::Scene("Ana's alerts should be gone: she replied (R15)".into()));
    }

    bens.add_tag(conversation, "pickup").map_err(failed)?;
    bens.mark_read(conversation).map_err(failed)?;
    let stale = bens.reply(conversation, BENS).map_err(failed)?;
    let waiting = bens.outbox().map_err(failed)?.len();
    step(
        7,
        &format!("Ben, still offline, tags it “pickup” and replies: “{BENS}” — {waiting} things saved on his phone"),
    )?;
    tokio::time::sleep(STALE_AFTER + Duration::from_millis(200)).await;
    bens.set_network(NetworkState::Online);
    let because = until("Ben's reply is held", || {
        let outbox = bens.outbox().ok()?;
        outbox.into_iter().find_map(|item| match item.state {
            OutboxState::Held { by_text, .. } if item.intent == stale => Some(by_text.unwrap_or_default()),
            _ => None,
        })
    })
    .await?;
    step(8, "Ben's phone is back. The tag is in; his reply is held (R33), and he is asked: send anyway, edit, drop?")?;
    say(&format!("     because he had not seen: “{because}”"))?;
    bens.edit_held(conversation, stale, EDITED).map_err(failed)?;
    step(9, &format!("Ben edits: “{EDITED}”"))?;
    until("Carla has Ben's answer", || delivered(anas, conversation, EDITED)).await?;
    converged(cast, conversation).await?;
    step(10, "Both phones show the same conversation, nothing waits in their outboxes:")?;
    show(anas, conversation)?;
    let received = provider.handset(CARLA);
    if received != [ANAS, EDITED] {
        return Err(DemoError::Scene(format!("Carla should have each answer once, but got {received:?}")));
    }
    step(11, "By the provider's own log Carla's handset received each message once:")?;
    received.iter().try_for_each(|text| say(&format!("       “{text}”")))?;
    say("")?;
    say("The scene came out as told.")?;
    Ok(())
}

async fn customer(provider: &Provider, number: u8, text: &str) -> Result<(), DemoError> {
    provider.inbound(CARLA, OUR_NUMBER, text).await.map_err(|error| DemoError::Scene(error.to_string()))?;
    step(number, &format!("Carla texts {OUR_NUMBER}: “{text}”"))
}

fn step(number: u8, what: &str) -> Result<(), DemoError> {
    Ok(say(&format!("{number:>3}  {what}"))?)
}

fn failed(error: offdesk_core::engine::Error) -> DemoError {
    DemoError::Scene(error.to_string())
}

fn alerts(phone: &Offdesk) -> usize {
    phone.alerts().map_or(usize::MAX, |alerts| alerts.len())
}

fn messages(phone: &Offdesk, conversation: ConversationId) -> Option<Vec<MessageView>> {
    Some(phone.conversation(conversation).ok()?.messages)
}

fn delivered(phone: &Offdesk, conversation: ConversationId, text: &str) -> Option<()> {
    let messages = messages(phone, conversation)?;
    messages.iter().any(|message| message.text == text && message.delivery == Some(Delivery::Delivered)).then_some(())
}

async fn converged(cast: &Cast, conversation: ConversationId) -> Result<(), DemoError> {
    until("both phones show the same", || {
        let (ours, theirs) = (messages(&cast.anas, conversation)?, messages(&cast.bens, conversation)?);
        let (a, b) = (cast.anas.conversation(conversation).ok()?, cast.bens.conversation(conversation).ok()?);
        let idle = cast.anas.outbox().ok()?.is_empty() && cast.bens.outbox().ok()?.is_empty();
        let same = ours == theirs && a.row.tags == b.row.tags && a.row.assignees == b.row.assignees;
        (idle && same && a.row.tags.contains("pickup") && a.row.assignees.len() == 2).then_some(())
    })
    .await
}

fn show(phone: &Offdesk, conversation: ConversationId) -> Result<(), DemoError> {
    let members = phone.members().map_err(failed)?;
    let name = |message: &MessageView| match message.by {
        Some(by) => members.iter().find(|member| member.id == by).map_or("?", |member| member.name.as_str()),
        None => "Carla",
    };
    for message in messages(phone, conversation).unwrap_or_default() {
        let state = match (&message.kind, &message.delivery) {
            (MessageKind::Inbound, _) => "received",
            (_, Some(Delivery::Delivered)) => "delivered",
            (_, Some(Delivery::Dropped)) => "never sent: replaced",
            _ => "",
        };
        say(&format!("       {:<6} {:<45} {state}", name(&message), message.text))?;
    }
    Ok(())
}

/// Waits until `look` finds what it looks for.
async fn until<T>(what: &str, look: impl Fn() -> Option<T>) -> Result<T, DemoError> {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        if start.elapsed() > PATIENCE {
            return Err(DemoError::Scene(format!("waited {} s until {what}", PATIENCE.as_secs())));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
