//! Events in columns, as [facts](super::fact_columns) go over the wire: about ten bytes for an event.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::{
    ids::{IntentId, MemberId},
    protocol::{
        Deed, EventFact, Fact, FactBody,
        fact_columns::{read, time_of, write},
    },
    time::Timestamp,
};

#[derive(Serialize, Deserialize)]
pub(super) struct Events {
    ids: Vec<IntentId>,
    /// Each event's order, less that of the one before.
    orders: ByteBuf,
    /// The fact's place in the log, less the order.
    places: ByteBuf,
    /// The relay's time, less that in the id.
    times: ByteBuf,
    /// Everybody who did something, once.
    members: Vec<MemberId>,
    /// Who, by their place among `members`, counted from 1; 0 is the relay.
    by: ByteBuf,
    what: Vec<Deeds>,
}

#[derive(Serialize, Deserialize)]
struct Deeds(#[serde(deserialize_with = "crate::tolerant::known")] Vec<Deed>);

/// The columns of these events; `None` if there are none.
pub(super) fn columns(events: &[(&EventFact, u64)]) -> Option<Events> {
    if events.is_empty() {
        return None;
    }
    let (mut orders, mut places, mut times, mut by) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut members: Vec<MemberId> = Vec::new();
    let mut before = 0;
    for (event, seq) in events {
        write(&mut orders, event.order.wrapping_sub(before));
        write(&mut places, seq.wrapping_sub(event.order));
        write(&mut times, event.at.millis().wrapping_sub(time_of(event.id)).cast_unsigned());
        let place = event.by.map_or(0, |member| {
            let known = members.iter().position(|known| *known == member).unwrap_or_else(|| {
                members.push(member);
                members.len() - 1
            });
            known as u64 + 1
        });
        write(&mut by, place);
        before = event.order;
    }
    Some(Events {
        ids: events.iter().map(|(event, _)| event.id).collect(),
        orders: orders.into(),
        places: places.into(),
        times: times.into(),
        members,
        by: by.into(),
        what: events.iter().map(|(event, _)| Deeds(event.what.clone())).collect(),
    })
}

/// Puts the events' facts to the others; `None` if the columns don't fit together.
pub(super) fn rows(events: Events, facts: &mut Vec<Fact>) -> Option<()> {
    let (mut orders, mut places) = (&events.orders[..], &events.places[..]);
    let (mut times, mut by) = (&events.times[..], &events.by[..]);
    if events.ids.len() != events.what.len() {
        return None;
    }
    let mut before: u64 = 0;
    for (id, Deeds(what)) in events.ids.into_iter().zip(events.what) {
        let order = before.wrapping_add(read(&mut orders)?);
        let seq = order.wrapping_add(read(&mut places)?);
        let at = Timestamp(time_of(id).wrapping_add(read(&mut times)?.cast_signed()));
        let by = match usize::try_from(read(&mut by)?).ok()? {
            0 => None,
            place => Some(*events.members.get(place - 1)?),
        };
        facts.push(Fact { seq, body: FactBody::Event(EventFact { id, order, at, by, what }) });
        before = order;
    }
    Some(())
}
