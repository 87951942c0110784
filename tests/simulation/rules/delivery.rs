//! What members asked for is delivered once, or listed to them.

use std::collections::{BTreeMap, BTreeSet};

use offdesk_core::{
    ids::IntentId,
    sync::storage::{IntentState, Storage},
};

use super::{in_use, read};
use crate::world::{Violation, World, broken};

/// After healing, queues drain within 60 simulated seconds: no intent waits, no register is unsynced.
pub fn queues_are_empty(world: &mut World) -> Result<(), Violation> {
    for at in in_use(world) {
        let (open, dirty, state) =
            read(&mut world.phones[at], |disk| Ok((disk.open_intents()?, disk.dirty_registers()?, disk.state()?)))?;
        if let Some(intent) = open.first() {
            let status = world.phones[at].session.status().clone();
            return broken(
                "queues drain within 60 s",
                format!(
                    "phone {at}: {} {} in {} is {:?}; {} in all; {status:?}; {state:?}",
                    intent.verb.name(),
                    intent.id,
                    intent.document,
                    intent.state,
                    open.len()
                ),
            );
        }
        if let Some((key, register)) = dirty.first() {
            return broken("queues drain within 60 s", format!("phone {at}: {key:?} is unsynced: {register:?}"));
        }
    }
    Ok(())
}

/// R32, R9: every intent was accepted, or is listed to its author with a reason, or was taken back by them; none is two of
/// these. What says something to the contact or to colleagues is there word for word, and once.
pub fn no_intent_vanishes(world: &mut World) -> Result<(), Violation> {
    let mut listed: BTreeMap<IntentId, usize> = BTreeMap::new();
    for at in in_use(world) {
        let attention = read(&mut world.phones[at], |disk| disk.attention())?;
        for intent in attention {
            if !matches!(intent.state, IntentState::NeedsAttention(_)) {
                return broken("no intent vanishes", format!("{} is listed without a reason", intent.id));
            }
            listed.insert(intent.id, at);
        }
    }
    let mut texts: BTreeMap<&str, usize> = BTreeMap::new();
    let messages = world.witness.mirrors.values().filter_map(|mirror| mirror.conversation.as_ref());
    for message in messages.flat_map(|conversation| conversation.messages.values()) {
        *texts.entry(&message.text).or_default() += 1;
    }
    if let Some((text, count)) = texts.iter().find(|(_, count)| **count > 1) {
        return broken("what is said is said once (R32)", format!("'{text}' stands {count} times"));
    }
    for (id, intent) in &world.book.intents {
        let accepted = world.witness.accepted.contains_key(id);
        let copied = world.phones[intent.phone].copied;
        if intent.withdrawn {
            if accepted && !copied && !intent.excused && !world.seen.contains_key("relay restored") {
                return broken("what was taken back stays so (R26)", format!("{} {id} was accepted", intent.verb));
            }
            continue;
        }
        let speaks = intent.text.is_some();
        let gone = !accepted && !listed.contains_key(id);
        if gone && speaks && !intent.excused && !copied {
            return broken(
                "no intent vanishes",
                format!(
                    "{} {id} '{}' of phone {} is nowhere",
                    intent.verb,
                    intent.text.as_deref().unwrap_or(""),
                    intent.phone
                ),
            );
        }
        if accepted && speaks && !texts.contains_key(intent.text.as_deref().unwrap_or("")) {
            return broken("what is accepted is there", format!("{} {id}: its text is nowhere", intent.verb));
        }
        if accepted && listed.contains_key(id) && !copied {
            return broken(
                "an intent has one outcome",
                format!("{} {id} was accepted and needs attention on phone {}", intent.verb, listed[id]),
            );
        }
    }
    Ok(())
}

/// R31, R32: the ledger has nothing left to do, and knows of everything that the provider took. Nothing that was held or
/// dropped was handed over.
pub fn the_ledger_is_settled(world: &mut World) -> Result<(), Violation> {
    let counts = world.provider.counts();
    if let Some((message, count)) = counts.iter().find(|(_, count)| **count > 1) {
        return broken("nothing is dispatched twice (R32)", format!("{message} was taken {count} times"));
    }
    let rows: Vec<(IntentId, String, String)> = {
        let connection = world.office.solo.connection();
        let mut statement = connection
            .prepare_cached(
                "SELECT message, state, body FROM ledger WHERE state <> 'queued' OR due IS NULL OR due <= ?1",
            )
            .unwrap();
        let rows = statement.query_map([world.now.0], |row| Ok((IntentId(row.get(0)?), row.get(1)?, row.get(2)?)));
        rows.unwrap().map(Result::unwrap).collect()
    };
    let inbound: BTreeSet<&str> = world.provider.inbound.iter().map(|(received, _)| received.body.as_str()).collect();
    for (message, state, body) in rows {
        let taken = counts.contains_key(&message);
        match state.as_str() {
            "queued" | "dispatching" => {
                return broken("queues drain within 60 s", format!("'{body}' {message} is {state} in the ledger"));
            }
            // After a restore a message may be held or dropped anew that went out before.
            "held" | "dropped" if taken && !world.seen.contains_key("relay restored") => {
                return broken("what is held is not sent (R33)", format!("'{body}' {message} is {state} and was sent"));
            }
            "handed_over" | "sent" | "delivered" if !taken => {
                return broken("a state is honest (R31)", format!("'{body}' {message} is {state} and was never sent"));
            }
            _ if inbound.contains(body.as_str()) => {
                return broken("a state is honest (R31)", format!("'{body}' of a customer is in the ledger"));
            }
            _ => {}
        }
    }
    // What customers wrote, and the provider could tell the relay, is there.
    let said: BTreeSet<String> = world
        .witness
        .mirrors
        .values()
        .filter_map(|mirror| mirror.conversation.as_ref())
        .flat_map(|conversation| conversation.messages.values().map(|message| message.text.clone()))
        .collect();
    match world.provider.inbound.iter().find(|(received, _)| !said.contains(&received.body)) {
        Some((received, _)) => broken("what customers write arrives", format!("'{}' is nowhere", received.body)),
        None => Ok(()),
    }
}
