//! Many conversations at once, by the relay's own code but without sockets and provider.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use offdesk_core::{
    ids::ContactId,
    model::{Action, Channel, action::ContactField},
    time::Timestamp,
};
use offdesk_relay::{
    accept::{self, Inbound},
    store::{StoreError, Tx},
};
use serde::Deserialize;

use super::{Answer, Worlds, done};
use crate::OUR_NUMBER;

/// Conversations of one transaction.
const AT_A_TIME: u32 = 500;
/// What customers of a filled world write.
const TEXTS: &[&str] = &[
    "Good morning, is my order on its way?",
    "Can we move Thursday's appointment to Friday afternoon?",
    "Thank you, that worked!",
    "The invoice shows a wrong address, can you change it?",
    "How much would the larger one cost, with delivery?",
];
/// Their first and last names: every combination occurs.
const NAMES: (&[&str], &[&str]) = (
    &["Ada", "Bruno", "Chiara", "Dmitri", "Elif", "Farid", "Grace", "Hugo", "Ines", "João"],
    &["Almeida", "Becker", "Castillo", "Dubois", "Eriksen", "Fontana", "García", "Haddad", "Ito", "Jansen", "Kovács"],
);

#[derive(Deserialize)]
pub(super) struct Filled {
    conversations: u32,
}

pub(super) async fn fill(
    State(worlds): State<Arc<Worlds>>,
    Path(world): Path<u64>,
    Json(filled): Json<Filled>,
) -> Answer {
    let scene = worlds.scene(world).await?;
    let world = &scene.world;
    for from in (0..filled.conversations).step_by(AT_A_TIME as usize) {
        let to = filled.conversations.min(from + AT_A_TIME);
        let (now, mut rng, workspace) = (world.app().now(), world.app().rng(), world.workspace());
        world
            .write(move |tx: &mut Tx<'_>| {
                for number in from..to {
                    // A minute apart, the highest number last.
                    let at = Timestamp(now.millis() - i64::from(filled.conversations - number) * 60_000);
                    let message = Inbound {
                        workspace,
                        channel: Channel::Sms(OUR_NUMBER.into()),
                        phone: format!("+1415{:07}", 2_000_000 + number),
                        text: TEXTS[number as usize % TEXTS.len()].into(),
                        provider_id: format!("SM{number:032x}"),
                    };
                    let document = accept::inbound(tx, at, &mut rng, &message)?.document;
                    let sql = "SELECT contact FROM documents WHERE id = ?1";
                    let contact: Vec<u8> = tx.connection().query_row(sql, [document.as_bytes()], |row| row.get(0))?;
                    let contact = ContactId::from_slice(&contact).ok_or(StoreError::Missing("contact"))?;
                    let name = Action::SetContactField { field: ContactField::Name, value: Some(name(number)) };
                    accept::author(tx, at, &mut rng, workspace, contact, &[name])?;
                }
                Ok(())
            })
            .await;
    }
    done()
}

fn name(number: u32) -> String {
    let ((first, last), number) = (NAMES, number as usize);
    format!("{} {}", first[number % first.len()], last[number / first.len() % last.len()])
}
