//! Alerts, by a reference that is written from the rules and shares no code with the router or the projection.

use std::collections::BTreeSet;

use offdesk_core::{
    alerts::Why,
    ids::{AlertId, DocumentId, MemberId},
    model::{Conversation, MessageKind},
    protocol::{Delivery, Fact, FactBody, HeldBecause, RegisterContent, RegisterKey},
};

use super::{
    convergence::{relay_facts, relay_register},
    in_use, read,
};
use crate::world::{Violation, World, broken};

/// R11 to R14: the relay told exactly those who are to be told.
pub fn alerts_are_raised_as_the_rules_say(world: &mut World) -> Result<(), Violation> {
    let rows: Vec<(DocumentId, MemberId, FactBody)> = {
        let connection = world.office.solo.connection();
        let mut statement =
            connection.prepare_cached("SELECT document, member, body FROM facts WHERE member IS NOT NULL").unwrap();
        let rows = statement.query_map([], |row| {
            let body: Vec<u8> = row.get(2)?;
            Ok((DocumentId(row.get(0)?), MemberId(row.get(1)?), rmp_serde::from_slice(&body).unwrap()))
        });
        rows.unwrap().map(Result::unwrap).collect()
    };
    let mut raised: BTreeSet<(DocumentId, MemberId, AlertId)> = BTreeSet::new();
    for (document, member, body) in rows {
        if let FactBody::Alert(alert) = body {
            raised.insert((document, member, alert.id));
        }
    }
    let expected: BTreeSet<(DocumentId, MemberId, AlertId)> = world
        .witness
        .alerts
        .iter()
        .flat_map(|(document, alerts)| alerts.iter().map(|(member, alert)| (*document, *member, *alert)))
        .collect();
    if let Some(odd) = raised.symmetric_difference(&expected).next() {
        let how = if raised.contains(odd) { "raised" } else { "missing" };
        return broken("alerts are as R11 to R14 say", format!("an alert is {how}: {odd:?}"));
    }
    Ok(())
}

/// R15: a device shows the alerts that stand, and no other.
pub fn alerts_are_shown_as_the_rules_say(world: &mut World) -> Result<(), Violation> {
    let visible = world.witness.visible();
    for at in in_use(world) {
        let member = world.phones[at].member;
        let mut expected = BTreeSet::new();
        for id in visible.dashboard.get(&member).into_iter().flatten() {
            let conversation = world.witness.mirrors.get(id).and_then(|mirror| mirror.conversation.clone());
            // A blocked contact's conversations are off the dashboard.
            let conversation = conversation.filter(|known| !world.witness.is_blocked(known.contact));
            if let Some(conversation) = conversation {
                let facts = relay_facts(world, *id, member);
                expected.extend(standing(world, member, *id, &conversation, &facts));
            }
        }
        let shown: BTreeSet<AlertId> = read(&mut world.phones[at], |disk| {
            Ok(disk.reading().alerts()?.iter().map(|active| active.alert.id).collect())
        })?;
        if let Some(odd) = shown.symmetric_difference(&expected).next() {
            let how = if shown.contains(odd) { "shows a moot" } else { "does not show an" };
            return broken("alerts are shown as R15 says", format!("phone {at} of {member} {how} alert {odd}"));
        }
    }
    Ok(())
}

fn standing(
    world: &mut World,
    me: MemberId,
    id: DocumentId,
    conversation: &Conversation,
    facts: &[Fact],
) -> Vec<AlertId> {
    let read = match relay_register(world, me, RegisterKey::ReadMark(id)) {
        Some(RegisterContent::Order(order)) => order,
        _ => 0,
    };
    let effective: BTreeSet<MemberId> = conversation
        .assignments
        .iter()
        .map(|assignment| assignment.key.member)
        .filter(|member| world.witness.has_dashboard(*member))
        .collect();
    let answered = answered(me, conversation, facts);
    let mut standing = Vec::new();
    for fact in facts {
        let FactBody::Alert(alert) = &fact.body else { continue };
        let dismissed =
            relay_register(world, me, RegisterKey::Dismissed(alert.id)) == Some(RegisterContent::Flag(true));
        let mine = effective.contains(&me);
        let stands = match alert.why {
            Why::Assigned { order, .. } => mine && read < order && answered <= order,
            Why::Unassigned { order, .. } => (mine || effective.is_empty()) && read < order && answered <= order,
            Why::AssignedBy { .. } => mine && read < fact.seq,
            Why::Mentioned { order, .. } => read < order,
            Why::Reminder(_) | Why::Newer => return Vec::new(),
        };
        if stands && !dismissed {
            standing.push(alert.id);
        }
    }
    standing
}

/// Up to where I have answered: a held reply answers what I had seen, a dropped one nothing.
fn answered(me: MemberId, conversation: &Conversation, facts: &[Fact]) -> u64 {
    let order_of = |id| {
        facts.iter().find_map(|fact| match &fact.body {
            FactBody::Message(message) if message.id == id => Some(message.order),
            _ => None,
        })
    };
    let mut answered = 0;
    for fact in facts {
        let FactBody::Message(message) = &fact.body else { continue };
        let own = conversation
            .messages
            .get(&message.id)
            .is_some_and(|known| known.by == Some(me) && known.kind == MessageKind::Outbound);
        if !own {
            continue;
        }
        let up_to = match &message.delivery {
            Delivery::Held(HeldBecause::Newer(newer)) => order_of(*newer).unwrap_or(0),
            Delivery::Held(HeldBecause::Behind(_)) | Delivery::Dropped | Delivery::Scheduled { .. } => 0,
            _ => message.order,
        };
        answered = answered.max(up_to);
    }
    answered
}
