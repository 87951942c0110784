//! What a contact and a conversation are, whoever starts them.

use std::collections::BTreeMap;

use crate::world::{Violation, World, broken};

/// A phone is one contact's, and a contact has one conversation over one of our numbers.
pub fn natural_keys_are_unique(world: &World) -> Result<(), Violation> {
    let (mut phones, mut conversations) = (BTreeMap::new(), BTreeMap::new());
    for (id, mirror) in &world.witness.mirrors {
        for phone in mirror.contact.iter().flat_map(|contact| &contact.phones) {
            if let Some(other) = phones.insert(phone, id) {
                return broken("a phone is one contact's", format!("{phone} is that of {other} and of {id}"));
            }
        }
        if let Some(conversation) = &mirror.conversation
            && let Some(other) = conversations.insert((conversation.channel.to_string(), conversation.contact), id)
        {
            return broken("one conversation for a contact and a number", format!("{other} and {id} are the same one"));
        }
    }
    Ok(())
}
