//! Facts as they go over the wire: what the relay says of every message, column by column.
//!
//! A conversation has a fact for each message, and row by row they would take a quarter of a cold start. In columns a
//! message takes 5 bytes: the ids stand in the order of the document's own keys; order, place and time are differences. So are
//! those of alerts about messages, and of events. Whatever else there is (an alert of having been assigned, a reason why a
//! message is held or failed) follows as it is. A list of facts, as older peers send it, is read as well.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_bytes::ByteBuf;

use crate::{
    alerts::{Alert, Why},
    ids::{MemberId, MessageId},
    protocol::{
        Delivery, Fact, FactBody, MessageFact, Seq,
        event_columns::{self, Events},
    },
    time::Timestamp,
};

/// The states that have nothing more to say, by their code.
const PLAIN: [Delivery; 8] = [
    Delivery::Received,
    Delivery::Internal,
    Delivery::Accepted,
    Delivery::Dropped,
    Delivery::HandedOver,
    Delivery::Sent,
    Delivery::Delivered,
    Delivery::Unknown,
];

#[derive(Serialize, Deserialize)]
struct Columns {
    /// Ids, sorted.
    ids: Vec<MessageId>,
    /// Each message's order, less that of the one before.
    orders: ByteBuf,
    /// The fact's place in the log, less the order.
    places: ByteBuf,
    /// The relay's time, less that in the id.
    times: ByteBuf,
    /// Codes of states.
    states: ByteBuf,
    /// Alerts about messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alerts: Option<Alerts>,
    /// What changes did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    events: Option<Events>,
    /// The other facts. One that only a newer version knows is passed over.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "crate::tolerant::known")]
    rest: Vec<Fact>,
}

/// Alerts of one member, raised by messages.
#[derive(Serialize, Deserialize)]
struct Alerts {
    member: MemberId,
    messages: Vec<MessageId>,
    /// The message's order, less that in the message's own fact if there is one above, else that of the alert before.
    orders: ByteBuf,
    /// The fact's place in the log, less the order.
    places: ByteBuf,
    /// The relay's time, less that in the message's id.
    times: ByteBuf,
    /// 1 if the member was assigned (R11), 0 if nobody was (R12).
    assigned: ByteBuf,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Read {
    Columns(Columns),
    Rows(#[serde(deserialize_with = "crate::tolerant::known")] Vec<Fact>),
}

pub(super) fn serialize<S: Serializer>(facts: &[Fact], serializer: S) -> Result<S::Ok, S::Error> {
    columns(facts).ok_or_else(|| ser::Error::custom("a fact can't be written"))?.serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Fact>, D::Error> {
    match Read::deserialize(deserializer)? {
        Read::Rows(facts) => Ok(facts),
        Read::Columns(columns) => rows(columns).ok_or_else(|| de::Error::custom("columns of facts are damaged")),
    }
}

fn columns(facts: &[Fact]) -> Option<Columns> {
    let mut plain = Vec::with_capacity(facts.len());
    let (mut rest, mut alerts, mut events, mut told) = (Vec::new(), Vec::new(), Vec::new(), None);
    for fact in facts {
        match &fact.body {
            FactBody::Message(message) => match PLAIN.iter().position(|state| *state == message.delivery) {
                Some(state) => plain.push((message, fact.seq, u8::try_from(state).ok()?)),
                None => rest.push(fact.clone()),
            },
            FactBody::Alert(alert) => match (alert.member, &alert.why) {
                (Some(member), Why::Assigned { message, order } | Why::Unassigned { message, order, queue: None })
                    if *told.get_or_insert(member) == member =>
                {
                    alerts.push((*message, *order, fact.seq, alert));
                }
                _ => rest.push(fact.clone()),
            },
            FactBody::Event(event) => events.push((event, fact.seq)),
        }
    }
    plain.sort_by_key(|(message, ..)| message.id);
    let (mut ids, mut orders, mut places, mut times) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut before = 0;
    for (message, seq, _) in &plain {
        ids.push(message.id);
        write(&mut orders, message.order.wrapping_sub(before));
        write(&mut places, seq.wrapping_sub(message.order));
        write(&mut times, message.at.millis().wrapping_sub(time_of(message.id)).cast_unsigned());
        before = message.order;
    }
    Some(Columns {
        ids,
        orders: orders.into(),
        places: places.into(),
        times: times.into(),
        states: plain.iter().map(|(.., state)| *state).collect::<Vec<_>>().into(),
        alerts: told.map(|member| {
            alert_columns(member, &alerts, |message| {
                let place = plain.binary_search_by_key(&message, |(fact, ..)| fact.id).ok()?;
                Some(plain[place].0.order)
            })
        }),
        events: event_columns::columns(&events),
        rest,
    })
}

fn alert_columns(
    member: MemberId,
    alerts: &[(MessageId, u64, Seq, &Alert)],
    order_of: impl Fn(MessageId) -> Option<u64>,
) -> Alerts {
    let (mut orders, mut places, mut times, mut assigned) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut before = 0;
    for (message, order, seq, alert) in alerts {
        write(&mut orders, order.wrapping_sub(order_of(*message).unwrap_or(before)));
        write(&mut places, seq.wrapping_sub(*order));
        write(&mut times, alert.at.millis().wrapping_sub(time_of(*message)).cast_unsigned());
        assigned.push(u8::from(matches!(alert.why, Why::Assigned { .. })));
        before = *order;
    }
    Alerts {
        member,
        messages: alerts.iter().map(|(message, ..)| *message).collect(),
        orders: orders.into(),
        places: places.into(),
        times: times.into(),
        assigned: assigned.into(),
    }
}

fn alert_rows(alerts: Alerts, known: &BTreeMap<MessageId, u64>, facts: &mut Vec<Fact>) -> Option<()> {
    let (mut orders, mut places, mut times) = (&alerts.orders[..], &alerts.places[..], &alerts.times[..]);
    if alerts.messages.len() != alerts.assigned.len() {
        return None;
    }
    let mut before: u64 = 0;
    for (message, assigned) in alerts.messages.into_iter().zip(alerts.assigned.iter()) {
        let order = known.get(&message).copied().unwrap_or(before).wrapping_add(read(&mut orders)?);
        let seq = order.wrapping_add(read(&mut places)?);
        let at = Timestamp(time_of(message).wrapping_add(read(&mut times)?.cast_signed()));
        let why = if *assigned == 0 {
            Why::Unassigned { message, order, queue: None }
        } else {
            Why::Assigned { message, order }
        };
        facts.push(Fact { seq, body: FactBody::Alert(Alert::new(alerts.member, message, at, why)) });
        before = order;
    }
    Some(())
}

fn rows(columns: Columns) -> Option<Vec<Fact>> {
    let (mut orders, mut places, mut times) = (&columns.orders[..], &columns.places[..], &columns.times[..]);
    if columns.ids.len() != columns.states.len() {
        return None;
    }
    let mut facts = columns.rest;
    let mut orders_of = BTreeMap::new();
    let mut before: u64 = 0;
    for (id, state) in columns.ids.into_iter().zip(columns.states.iter()) {
        let order = before.wrapping_add(read(&mut orders)?);
        let seq = order.wrapping_add(read(&mut places)?);
        let at = Timestamp(time_of(id).wrapping_add(read(&mut times)?.cast_signed()));
        let delivery = PLAIN.get(usize::from(*state))?.clone();
        // A message has one fact.
        orders_of.insert(id, order);
        facts.push(Fact { seq, body: FactBody::Message(MessageFact { id, order, at, delivery }) });
        before = order;
    }
    if let Some(alerts) = columns.alerts {
        alert_rows(alerts, &orders_of, &mut facts)?;
    }
    if let Some(events) = columns.events {
        event_columns::rows(events, &mut facts)?;
    }
    // In the order of the log, as they were.
    facts.sort_by_key(|fact| fact.seq);
    Some(facts)
}

/// The milliseconds in the leading bits of an id.
pub(super) fn time_of(id: MessageId) -> i64 {
    id.0.iter().take(6).fold(0, |time, byte| time << 8 | i64::from(*byte))
}

/// Seven bits a byte, the sign folded into the lowest one: near zero on either side is short.
pub(super) fn write(to: &mut Vec<u8>, difference: u64) {
    let signed = difference.cast_signed();
    let mut left = ((signed << 1) ^ (signed >> 63)).cast_unsigned();
    while left >= 0x80 {
        to.push((left & 0x7f) as u8 | 0x80);
        left >>= 7;
    }
    to.push(left as u8);
}

pub(super) fn read(from: &mut &[u8]) -> Option<u64> {
    let mut folded: u64 = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        folded |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((folded >> 1) ^ (folded & 1).wrapping_neg());
        }
    }
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{
        ids::{IntentId, QueueId},
        model::conversation::AssignmentReason,
        protocol::{Deed, EventFact},
    };
    use proptest::prelude::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Frame {
        #[serde(with = "super")]
        facts: Vec<Fact>,
    }

    fn fact() -> impl Strategy<Value = Fact> {
        prop_oneof![message(), alert(), event()]
    }

    fn event() -> impl Strategy<Value = Fact> {
        let deed = prop_oneof![
            Just(Deed::Closed),
            ".{0,9}".prop_map(Deed::Tagged),
            any::<i64>().prop_map(|until| Deed::Snoozed { until: Timestamp(until) }),
            any::<[u8; 16]>().prop_map(|id| Deed::Assigned { member: MemberId(id), reason: AssignmentReason::Manual }),
        ];
        let what = prop::collection::vec(deed, 0..3);
        (any::<[u8; 16]>(), any::<[u64; 2]>(), any::<i64>(), 0..4u8, what).prop_map(
            |(mut id, [seq, order], at, by, what)| {
                id[0] &= 0x7f;
                let by = (by > 0).then_some(MemberId([by; 16]));
                let event = EventFact { id: IntentId(id), order, at: Timestamp(at), by, what };
                Fact { seq, body: FactBody::Event(event) }
            },
        )
    }

    fn alert() -> impl Strategy<Value = Fact> {
        (any::<[u8; 16]>(), any::<[u64; 2]>(), any::<i64>(), 0..5).prop_map(|(mut id, [seq, order], at, kind)| {
            id[0] &= 0x7f;
            let (message, at) = (IntentId(id), Timestamp(at));
            let (member, why) = match kind {
                0 => (1, Why::Assigned { message, order }),
                1 => (1, Why::Unassigned { message, order, queue: None }),
                2 => (2, Why::Unassigned { message, order, queue: None }),
                3 => (1, Why::Unassigned { message, order, queue: Some(QueueId([9; 16])) }),
                _ => (1, Why::AssignedBy { by: None, intent: Some(message), automation: None }),
            };
            Fact { seq, body: FactBody::Alert(Alert::new(MemberId([member; 16]), message, at, why)) }
        })
    }

    fn message() -> impl Strategy<Value = Fact> {
        let delivery = prop_oneof![
            (0..PLAIN.len()).prop_map(|state| PLAIN[state].clone()),
            ".{0,9}".prop_map(|reason| Delivery::Failed { reason }),
        ];
        (any::<[u8; 16]>(), any::<u64>(), any::<u64>(), any::<i64>(), delivery).prop_map(
            |(mut id, seq, order, at, delivery)| {
                id[0] &= 0x7f;
                let message = MessageFact { id: IntentId(id), order, at: Timestamp(at), delivery };
                Fact { seq, body: FactBody::Message(message) }
            },
        )
    }

    proptest! {
        #[test]
        fn columns_hold_what_rows_did(mut facts in prop::collection::vec(fact(), 0..20)) {
            facts.sort_by_key(|fact| fact.seq);
            let bytes = rmp_serde::to_vec_named(&Frame { facts: facts.clone() }).unwrap();
            let mut read = rmp_serde::from_slice::<Frame>(&bytes).unwrap().facts;
            let key = |fact: &Fact| (fact.seq, fact.body.key());
            facts.sort_by_key(key);
            read.sort_by_key(key);
            prop_assert_eq!(read, facts);
        }

        #[test]
        fn damaged_columns_are_an_error(bytes in prop::collection::vec(any::<u8>(), 0..80), states in prop::collection::vec(any::<u8>(), 0..4)) {
            let alerts = Alerts {
                member: MemberId([1; 16]),
                messages: states.iter().map(|byte| IntentId([*byte; 16])).collect(),
                orders: bytes.clone().into(),
                places: bytes.clone().into(),
                times: bytes.clone().into(),
                assigned: states.clone().into(),
            };
            let columns = Columns {
                ids: states.iter().map(|byte| IntentId([*byte; 16])).collect(),
                orders: bytes.clone().into(),
                places: bytes.clone().into(),
                times: bytes.into(),
                states: states.clone().into(),
                alerts: Some(alerts),
                events: None,
                rest: Vec::new(),
            };
            let _ = rows(columns);
        }
    }

    /// A newer version's fact, deed, state and reason are passed over or said to be newer; what stands beside them is read.
    #[test]
    fn what_a_newer_version_adds_is_no_damage() {
        #[derive(Serialize)]
        #[serde(rename_all = "snake_case")]
        enum NewerBody {
            Weather { degrees: u8 },
            Message(NewerMessage),
            Alert(NewerAlert),
            Event(NewerEvent),
        }
        #[derive(Serialize)]
        struct NewerMessage {
            id: IntentId,
            order: u64,
            at: Timestamp,
            delivery: BTreeMap<&'static str, u8>,
        }
        #[derive(Serialize)]
        struct NewerAlert {
            id: crate::ids::AlertId,
            at: Timestamp,
            why: BTreeMap<&'static str, u8>,
            member: Option<MemberId>,
        }
        #[derive(Serialize)]
        struct NewerEvent {
            id: IntentId,
            order: u64,
            at: Timestamp,
            by: Option<MemberId>,
            what: (&'static str, BTreeMap<&'static str, u8>),
        }
        #[derive(Serialize)]
        struct NewerFact {
            seq: u64,
            body: NewerBody,
        }
        #[derive(Serialize)]
        struct Newer {
            facts: Vec<NewerFact>,
        }
        let newer = || BTreeMap::from([("by_pigeon", 1)]);
        let (id, at, order) = (IntentId([1; 16]), Timestamp(9), 3);
        let alert = crate::ids::AlertId([2; 16]);
        let bodies = [
            NewerBody::Weather { degrees: 21 },
            NewerBody::Message(NewerMessage { id, order, at, delivery: newer() }),
            NewerBody::Alert(NewerAlert { id: alert, at, why: newer(), member: Some(MemberId([3; 16])) }),
            NewerBody::Event(NewerEvent { id, order, at, by: None, what: ("closed", newer()) }),
        ];
        let facts = bodies.into_iter().zip(1..).map(|(body, seq)| NewerFact { seq, body }).collect();
        let bytes = rmp_serde::to_vec_named(&Newer { facts }).unwrap();
        let read = rmp_serde::from_slice::<Frame>(&bytes).unwrap().facts;
        let why = Why::Newer;
        let expected = [
            FactBody::Message(MessageFact { id, order, at, delivery: Delivery::Newer }),
            FactBody::Alert(Alert { id: alert, member: Some(MemberId([3; 16])), at, why }),
            FactBody::Event(EventFact { id, order, at, by: None, what: vec![Deed::Closed] }),
        ];
        assert_eq!(read.into_iter().map(|fact| fact.body).collect::<Vec<_>>(), expected);
    }

    /// What an older relay sends.
    #[test]
    fn rows_are_read_too() {
        #[derive(Serialize)]
        struct Old {
            facts: Vec<Fact>,
        }
        let message = MessageFact { id: IntentId([1; 16]), order: 3, at: Timestamp(9), delivery: Delivery::Sent };
        let facts = vec![Fact { seq: 5, body: FactBody::Message(message) }];
        let bytes = rmp_serde::to_vec_named(&Old { facts: facts.clone() }).unwrap();
        assert_eq!(rmp_serde::from_slice::<Frame>(&bytes).unwrap().facts, facts);
    }
}
