//! The read model is derived: made anew from the documents it is the same.

use offdesk_core::{
    ids::MemberId,
    store::Database,
    sync::{Session, SessionOptions},
    time::Timestamp,
    triage::{ActiveAlert, ContactRow, ConversationRow, InboxFilter},
};

use super::in_use;
use crate::world::{Violation, World, broken};

type Shown = (Vec<ConversationRow>, Vec<ActiveAlert>, Vec<ContactRow>);

/// Rows, alerts and search entries of each device equal a fresh projection of its documents, facts and registers.
pub fn the_read_model_is_a_projection(world: &mut World) -> Result<(), Violation> {
    for at in in_use(world) {
        let phone = &mut world.phones[at];
        let member = phone.member;
        let Some(database) = phone.database.as_mut() else { continue };
        let compared = compare(database, member);
        match compared {
            Ok(None) => {}
            Ok(Some(what)) => return broken("the read model is a projection", format!("phone {at}: {what}")),
            Err(error) => return broken("the read model is a projection", format!("phone {at}: {error}")),
        }
    }
    Ok(())
}

fn compare(database: &mut Database, member: MemberId) -> Result<Option<String>, Box<dyn std::error::Error>> {
    let shown = shown(database, member)?;
    let mut copy = database.copy_in_memory()?;
    copy.recreate_read_model()?;
    let mut session = Session::new(SessionOptions::default());
    copy.write(|disk| session.rebuild_read_model(disk))?;
    copy.read_model_rebuilt()?;
    let fresh = self::shown(&mut copy, member)?;
    let odd = |one: &Shown, other: &Shown| {
        let row = one.0.iter().find(|row| !other.0.contains(row)).map(|row| format!("{row:?}"));
        let alert = one.1.iter().find(|alert| !other.1.contains(alert)).map(|alert| format!("{alert:?}"));
        let contact = one.2.iter().find(|contact| !other.2.contains(contact)).map(|contact| format!("{contact:?}"));
        row.or(alert).or(contact)
    };
    if shown == fresh {
        return Ok(None);
    }
    Ok(Some(format!("it has {:?}, anew it would have {:?}", odd(&shown, &fresh), odd(&fresh, &shown))))
}

fn shown(database: &mut Database, member: MemberId) -> Result<Shown, Box<dyn std::error::Error>> {
    Ok(database.write(|disk| {
        let reading = disk.reading();
        let contacts = reading.search("415", 1000)?.into_iter().map(|hit| hit.contact).collect();
        let rows = reading.inbox(&InboxFilter::default(), member, Timestamp(0), 1000, None)?;
        Ok::<_, offdesk_core::sync::storage::StorageError>((rows, reading.alerts()?, contacts))
    })?)
}
