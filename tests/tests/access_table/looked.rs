//! The ways to see something, as Mia's device tries them.

use std::collections::BTreeSet;

use offdesk_core::{
    ids::DocumentId,
    model::{
        Action, Channel,
        action::{RegisterMap, RegisterValue},
    },
    policy::Visibility,
    protocol::{DIGEST_BUCKETS, FactBody, Response},
};
use offdesk_relay::{
    accept::{self, Inbound},
    store::StoreError,
};
use offdesk_tests::{
    raw::{
        BareRelay, Device,
        client::{Ask, told_of},
    },
    reference::{Member, Read, Sight, Stands},
};
use rand::Rng;

use crate::company::{Company, phone};

/// What is seen, in the order of [`Read::ALL`].
pub async fn look_everywhere(relay: &BareRelay, company: &Company, device: &mut Device) -> Looked {
    let cold = device.pull().await;
    let (watched, asked) = (company.watched.conversation, company.fetched.conversation);
    let (card, asked_card) = (company.watched.contact, company.fetched.contact);
    let fetched = device.fetch(&[asked, asked_card, company.lonely, company.directory, company.settings]).await;
    let records = device.ask(Ask { records: vec![company.recorded.contact], ..Ask::default() }).await;
    texts(relay, company, false).await;
    let delta = device.pull().await;
    let digest = Ask { pull: true, digest: Some(vec![0; DIGEST_BUCKETS]), ..Ask::default() };
    let mended = device.ask(digest).await;
    let mut stream = device.live().await;
    let mut live = stream.until("the greeting", |frame| matches!(frame, Response::Welcome(_))).await;
    texts(relay, company, true).await;
    // Everybody learns of the settings, which change after the messages: what is to come has come with that page.
    let settings =
        |frame: &Response| matches!(frame, Response::Delta { document, .. } if *document == company.settings);
    live.extend(stream.until("the settings", settings).await);
    live.extend(stream.until("the page's end", |frame| matches!(frame, Response::Cursor { .. })).await);
    drop(stream);
    let named = |frame: &Response| match frame {
        Response::Bucket { documents, .. } => documents.contains(&watched),
        _ => false,
    };
    let digest_seen = told(&mended, watched) || mended.iter().any(named);
    let sights = Read::ALL
        .map(|read| match read {
            Read::ColdConversation => conversation(&cold, watched),
            Read::ColdCard => seen(told(&cold, card)),
            Read::ColdLonelyCard => seen(told(&cold, company.lonely)),
            Read::ColdDirectory => seen(told(&cold, company.directory)),
            Read::ColdSettings => seen(told(&cold, company.settings)),
            Read::FetchedConversation => conversation(&fetched, asked),
            Read::FetchedCard => seen(told(&fetched, asked_card)),
            Read::FetchedLonelyCard => seen(told(&fetched, company.lonely)),
            Read::FetchedDirectory => seen(told(&fetched, company.directory)),
            Read::FetchedSettings => seen(told(&fetched, company.settings)),
            Read::RecordsConversation => conversation(&records, company.recorded.conversation),
            Read::Delta => seen(told(&delta, watched)),
            Read::DeltaOfFetched => seen(told(&delta, asked)),
            Read::Live => seen(told(&live, watched)),
            Read::LiveOfFetched => seen(told(&live, asked)),
            Read::Alert => seen(alerted(&live, watched)),
            Read::Digest => seen(digest_seen),
        })
        .to_vec();
    Looked { sights, cold: told_of(&cold).into_keys().collect() }
}

/// What was seen.
pub struct Looked {
    pub sights: Vec<Sight>,
    /// Every document of a cold start.
    pub cold: BTreeSet<DocumentId>,
}

/// Every document that a cold start is to bring, by the reference.
pub fn cold(company: &Company, member: &Member, stands: Stands) -> BTreeSet<DocumentId> {
    let mut all: BTreeSet<DocumentId> = [company.directory, company.settings].into();
    let subjects = company.subjects.iter().chain([&company.watched, &company.fetched, &company.recorded]);
    for subject in subjects {
        let lonely = company.documents[&subject.conversation].clone();
        let talks_with = offdesk_core::model::Conversation::read(&lonely).unwrap().contact;
        if member.on_dashboard(stands) {
            all.insert(subject.conversation);
        }
        if member.sees_card(stands) {
            all.insert(talks_with);
        }
        // A contact that was prepared without a conversation.
        if subject.contact != talks_with && member.opens_record(stands) {
            all.insert(subject.contact);
        }
    }
    if member.opens_record(stands) {
        all.insert(company.lonely);
    }
    all
}

/// The contacts write once more; then, if so told, the workspace is renamed.
async fn texts(relay: &BareRelay, company: &Company, rename: bool) {
    let (workspace, number, settings) = (company.workspace, company.number.clone(), company.settings);
    relay
        .write(move |tx, now, rng| {
            for at in [200, 201] {
                let provider_id = format!("SM{:016x}", rng.next_u64());
                let channel = Channel::Sms(number.clone());
                let message =
                    Inbound { workspace, channel, phone: phone(at), text: "Are you there?".into(), provider_id };
                accept::inbound(tx, now, rng, &message)?;
            }
            if rename {
                let value = Some(RegisterValue::Text("Acme & Sons".into()));
                let action = Action::SetRegister { map: RegisterMap::Values, key: "name".into(), value };
                accept::author(tx, now, rng, workspace, settings, &[action])?;
            }
            Ok::<_, StoreError>(())
        })
        .await;
}

fn told(frames: &[Response], document: DocumentId) -> bool {
    told_of(frames).contains_key(&document)
}

fn seen(yes: bool) -> Sight {
    if yes { Sight::Seen } else { Sight::Nothing }
}

fn conversation(frames: &[Response], wanted: DocumentId) -> Sight {
    let found = frames.iter().find_map(|frame| match frame {
        Response::Snapshot { document, visibility, .. } if *document == wanted => Some(*visibility),
        _ => None,
    });
    match found {
        None => Sight::Nothing,
        Some(Visibility::DASHBOARD) => Sight::Dashboard,
        Some(Visibility::RECORD) => Sight::Record,
        Some(_) => Sight::Both,
    }
}

fn alerted(frames: &[Response], wanted: DocumentId) -> bool {
    let facts = frames.iter().filter_map(|frame| match frame {
        Response::Delta { document, facts, .. } if *document == wanted => Some(facts),
        _ => None,
    });
    facts.flatten().any(|fact| matches!(fact.body, FactBody::Alert(_)))
}
