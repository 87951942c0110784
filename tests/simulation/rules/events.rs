//! Who did what, as the relay tells it.

use std::collections::BTreeMap;

use offdesk_core::{
    ids::{DocumentId, IntentId},
    protocol::{EventFact, FactBody},
};

use crate::world::{BEGINNING, Violation, World, broken};

/// Verbs that do something which no message tells, whatever they are run on.
const TOLD: [&str; 11] = [
    "assign",
    "unassign",
    "close",
    "reopen",
    "add_tag",
    "remove_tag",
    "snooze",
    "wake",
    "set_priority",
    "move_to_queue",
    "decide_held",
];

/// R24, R41: what a member did is told once, as theirs, with a time of the relay's.
pub fn events_say_who_did_what(world: &mut World) -> Result<(), Violation> {
    let mut events: BTreeMap<IntentId, Vec<(DocumentId, EventFact)>> = BTreeMap::new();
    {
        let connection = world.office.solo.connection();
        let mut statement = connection.prepare_cached("SELECT document, body FROM facts WHERE member IS NULL").unwrap();
        let rows = statement.query_map([], |row| Ok((DocumentId(row.get(0)?), row.get::<_, Vec<u8>>(1)?)));
        for row in rows.unwrap() {
            let (document, body) = row.unwrap();
            if let FactBody::Event(event) = rmp_serde::from_slice(&body).unwrap() {
                events.entry(event.id).or_default().push((document, event));
            }
        }
    }
    let wrong = |what: String| broken("events say who did what (R24)", what);
    for (document, event) in events.values().flatten() {
        if event.at < BEGINNING || event.at > world.now {
            return wrong(format!("{document}: {event:?} is at no time of the relay's, it is {:?}", world.now));
        }
        let author = world.book.intents.get(&event.id).map(|intent| world.phones[intent.phone].member);
        if author.is_some_and(|author| event.by != Some(author)) {
            return wrong(format!("{document}: {event:?} is {author:?}'s"));
        }
    }
    for (id, intent) in &world.book.intents {
        let accepted = world.witness.accepted.get(id).map_or(0, |documents| documents.len());
        if TOLD.contains(&intent.verb) && accepted != events.get(id).map_or(0, Vec::len) {
            return wrong(format!(
                "{} {id} was accepted {accepted} times, and told so: {:?}",
                intent.verb,
                events.get(id)
            ));
        }
    }
    Ok(())
}
