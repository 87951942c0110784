//! A workspace out into lines of JSON and in again.

use std::{path::Path, time::Instant};

use offdesk_core::{
    ids::{DocumentId, IntentId, MemberId, WorkspaceId},
    model::{
        Action, AssignmentKey, Automation, Canned, Channel, Consent, Engagement, Hours, MessageKind, NewMessage,
        Priority, Queue, action::ContactField, conversation::AssignmentReason,
    },
    protocol::{Delivery, RegisterContent, RegisterKey},
};
use rand::{SeedableRng, rngs::StdRng};

use super::{BEGIN, Company};
use crate::{
    accept::{self, Inbound},
    admin::{
        Actor, AdminError, set_up,
        transfer::{Importer, LINES_AT_ONCE, export},
    },
    store::{ReadTx, Store, StoreError},
};

const OURS: &str = "+14155552671";

fn exported(store: &Store, workspace: WorkspaceId) -> String {
    let written = store.read_blocking(|tx: &ReadTx<'_>| {
        let mut lines = Vec::new();
        export(tx, workspace, &mut lines)?;
        Ok::<_, AdminError>(lines)
    });
    String::from_utf8(written.unwrap()).unwrap()
}

async fn import(store: &Store, into: Option<WorkspaceId>, file: &str) -> Result<Importer, AdminError> {
    let mut importer = Importer::new(into);
    let mut rng = StdRng::seed_from_u64(5);
    let lines: Vec<String> = file.lines().map(str::to_owned).collect();
    for chunk in lines.chunks(LINES_AT_ONCE) {
        let chunk = chunk.to_vec();
        let work = store.write(move |tx| {
            importer.take(tx, &mut Actor { now: BEGIN, rng: &mut rng, who: "Olga" }, &chunk)?;
            Ok::<_, AdminError>((importer, rng))
        });
        (importer, rng) = work.await?;
    }
    Ok(importer)
}

fn fresh(folder: &Path, name: &str) -> Store {
    Store::open(&folder.join(name)).unwrap()
}

fn count(store: &Store, sql: &'static str) -> i64 {
    store
        .read_blocking(|tx: &ReadTx<'_>| Ok::<_, StoreError>(tx.connection().query_row(sql, [], |row| row.get(0))?))
        .unwrap()
}

/// A contact writes; returns the conversation's document and the message.
async fn sms(company: &Company, from: &str, text: &str) -> (DocumentId, IntentId) {
    let message = Inbound {
        workspace: company.workspace,
        channel: Channel::Sms(OURS.into()),
        phone: from.into(),
        text: text.into(),
        provider_id: format!("{from}/{text}"),
    };
    let came = company.act(move |tx, actor| Ok(accept::inbound(tx, actor.now, actor.rng, &message)?)).await.unwrap();
    (came.document, came.message)
}

async fn edit(company: &Company, document: DocumentId, actions: Vec<Action>) {
    let workspace = company.workspace;
    company
        .act(move |tx, actor| Ok(accept::author(tx, actor.now, actor.rng, workspace, document, &actions)?))
        .await
        .unwrap();
}

/// What was sent to the contact, in this state.
async fn sent(company: &Company, document: DocumentId, by: MemberId, text: &str, delivery: Option<Delivery>) {
    let (workspace, text) = (company.workspace, text.to_owned());
    company
        .act(move |tx, actor| {
            let id = IntentId::generate(actor.now, actor.rng);
            let message = NewMessage::new(MessageKind::Outbound, Some(by), text, actor.now);
            let key = AssignmentKey { member: by, intent: id };
            let reply = AssignmentReason::Reply;
            let actions = [
                Action::AddMessage { id, message },
                Action::Assign { key, by: Some(by), reason: reply, at: actor.now },
            ];
            accept::author(tx, actor.now, actor.rng, workspace, document, &actions)?;
            if let Some(delivery) = delivery {
                accept::set_delivery(tx, actor.now, workspace, document, id, delivery)?;
            }
            Ok(())
        })
        .await
        .unwrap();
}

/// A company with something of everything.
async fn company() -> Company {
    let company = Company::new().await;
    let (workspace, ana, ben) = (company.workspace, company.ana, company.ben);
    let hours = Hours { name: "Office".into(), zone: "UTC".into(), ..Hours::default() };
    let hours = company.act(move |tx, actor| set_up::add(tx, actor, workspace, hours)).await.unwrap().id;
    let queue = Queue { name: "Sales".into(), members: [ben].into(), hours: Some(hours), ..Queue::default() };
    let queue = company.act(move |tx, actor| set_up::add(tx, actor, workspace, queue)).await.unwrap().id;
    company
        .act(move |tx, actor| {
            set_up::add(tx, actor, workspace, Canned { shortcut: "hi".into(), text: "Hi {contact.name}".into() })?;
            let (name, page, greeting) = ("Pricing".into(), "*".into(), "Hello".into());
            set_up::add(tx, actor, workspace, Engagement { name, page, greeting, ..Engagement::default() })?;
            let (name, event, template) = ("Cart".into(), "abandoned_checkout".into(), "{data.url}".into());
            set_up::add(tx, actor, workspace, Automation { name, event, template, ..Automation::default() })?;
            Ok(())
        })
        .await
        .unwrap();
    let (first, said) = sms(&company, "+14155550123", "Is it \"ready\"?\nToday?").await;
    sent(&company, first, ben, "Yes", Some(Delivery::Delivered)).await;
    sent(&company, first, ana, "Really", Some(Delivery::Failed { reason: "no such number".into() })).await;
    let intent = IntentId([7; 16]);
    edit(
        &company,
        first,
        vec![Action::AddTag { tag: "roof".into() }, Action::SetPriority { priority: Priority::High }],
    )
    .await;
    edit(&company, first, vec![Action::SetQueue { queue: Some(queue) }]).await;
    edit(&company, first, vec![Action::Close { id: intent, by: ben, at: BEGIN, seen: Some(said) }]).await;
    let (second, _) = sms(&company, "+14155550124", "Hello?").await;
    let until = BEGIN.after(super::DAY);
    let snooze = Action::Snooze { id: IntentId([8; 16]), by: ana, at: BEGIN, until, seen: None };
    edit(&company, second, vec![snooze]).await;
    let contact = accept_contact(&company, first);
    edit(
        &company,
        contact,
        vec![
            Action::SetContactField { field: ContactField::Name, value: Some("Mara Lindgren".into()) },
            Action::SetContactField { field: ContactField::Owner, value: Some(ben.to_string()) },
            Action::ShareContact { member: ana },
            Action::SetCustomField { name: "roof".into(), value: Some("slate".into()) },
            Action::SetConsent { phone: "+14155550123".into(), consent: Some(Consent::Granted) },
        ],
    )
    .await;
    let marks = [
        (RegisterKey::ReadMark(first), RegisterContent::Order(1_000)),
        (RegisterKey::Draft(second), RegisterContent::Text("Dear".into())),
        (RegisterKey::QuietHours, RegisterContent::Text("{}".into())),
    ];
    company
        .act(move |tx, _| {
            for (key, content) in marks {
                let seq = tx.next_seq(workspace)?;
                tx.connection().execute(
                    "INSERT INTO registers (member, key, seq, content) VALUES (?1, ?2, ?3, ?4)",
                    rusqlite::params![ben.as_bytes(), accept::pack(&key)?, seq, accept::pack(&content)?],
                )?;
            }
            Ok(())
        })
        .await
        .unwrap();
    company
}

fn accept_contact(company: &Company, document: DocumentId) -> DocumentId {
    company
        .app
        .store
        .read_blocking(|tx: &ReadTx<'_>| accept::document_row(tx, document))
        .unwrap()
        .and_then(|row| row.contact)
        .unwrap()
}

/// Out, in, and out again: the same lines. A second import finds everything there. Nobody is alerted, and nothing is sent.
#[tokio::test]
async fn an_export_comes_in_and_out_again_the_same() {
    let company = company().await;
    let first = exported(&company.app.store, company.workspace);
    for kind in [
        "workspace",
        "role",
        "member",
        "hours",
        "queue",
        "canned",
        "engagement",
        "automation",
        "contact",
        "conversation",
        "message",
        "event",
        "mark",
    ] {
        assert!(first.contains(&format!("{{\"record\":\"{kind}\"")), "nothing of kind {kind}:\n{first}");
    }
    let other = fresh(company.folder.path(), "other.db");
    let imported = import(&other, None, &first).await.unwrap();
    assert_eq!((imported.tally().1, imported.workspace()), (0, Some(company.workspace)));
    assert_eq!(exported(&other, company.workspace), first);
    let (lines, again) = (first.lines().count() as u64, import(&other, None, &first).await.unwrap());
    assert_eq!((again.tally().0.len(), again.tally().1), (0, lines));
    assert_eq!(exported(&other, company.workspace), first);

    assert_eq!(count(&other, "SELECT count(*) FROM ledger"), 0);
    assert_eq!(count(&other, "SELECT count(*) FROM facts WHERE member IS NOT NULL"), 0);
    assert_eq!(count(&other, "SELECT count(*) FROM documents WHERE closed AND kind = 1"), 1);
    let grants = "SELECT count(*) FROM grants WHERE active";
    assert_eq!(count(&other, grants), count(&company.app.store, grants), "who is assigned, and whose records they are");
    assert_eq!(count(&other, "SELECT count(*) FROM numbers"), 1);
}

/// What had not left when it was exported is unknown where it is imported: it is never sent from there.
#[tokio::test]
async fn what_had_not_left_is_unknown() {
    let company = Company::new().await;
    let (document, _) = sms(&company, "+14155550123", "Hi").await;
    sent(&company, document, company.ben, "On its way", None).await;
    assert_eq!(company.number("SELECT count(*) FROM ledger WHERE state = 'queued'").await, 1);
    let first = exported(&company.app.store, company.workspace);
    assert!(first.contains("\"delivery\":\"accepted\""), "{first}");
    let other = fresh(company.folder.path(), "other.db");
    import(&other, None, &first).await.unwrap();
    let second = exported(&other, company.workspace);
    assert_eq!(second, first.replace("\"delivery\":\"accepted\"", "\"delivery\":\"unknown\""));
    assert_eq!(count(&other, "SELECT count(*) FROM ledger"), 0);
}

/// An import that ended early is begun again; a line that can't be taken is told with its number, and what was before stays.
#[tokio::test]
async fn a_wrong_line_is_told_and_the_rest_comes_later() {
    let company = company().await;
    let whole = exported(&company.app.store, company.workspace);
    let lines: Vec<&str> = whole.lines().collect();
    let other = fresh(company.folder.path(), "other.db");
    let half = lines[..lines.len() / 2].join("\n");
    import(&other, None, &half).await.unwrap();
    import(&other, None, &whole).await.unwrap();
    assert_eq!(exported(&other, company.workspace), whole);

    let message = lines.iter().find(|line| line.starts_with("{\"record\":\"message\"")).unwrap();
    let contact = lines.iter().find(|line| line.starts_with("{\"record\":\"contact\"")).unwrap();
    let elsewhere = company.workspace.to_string();
    let first = |line: &str| format!("{}\n{line}", lines[0].replace(&elsewhere, &WorkspaceId([1; 16]).to_string()));
    for (file, expected) in [
        ("{\"record\":\"sausage\"}".to_owned(), "line 1: unknown variant `sausage`"),
        ("{".into(), "line 1: EOF"),
        (message.to_string(), "line 1: the first line names no workspace"),
        (
            format!("{}\n\n{}", lines[0], message.replace("\"document\":\"0", "\"document\":\"7")),
            "line 3: there is no document",
        ),
        (format!("{}\n{}", lines[0], contact.replace("\"id\":\"0", "\"id\":\"7")), "has the phone"),
        (
            format!("{}\n{}", lines[0], contact.replace("+1415", "1415").replace("\"id\":\"0", "\"id\":\"7")),
            "not a phone",
        ),
        (first(""), "is called 'Acme Roofing'"),
    ] {
        let told = import(&other, None, &file).await.unwrap_err().to_string();
        assert!(told.contains(expected), "{expected}: {told}");
    }
    assert_eq!(exported(&other, company.workspace), whole);
    let not = import(&other, Some(WorkspaceId([1; 16])), &whole).await.unwrap_err().to_string();
    assert!(not.contains("the file is of workspace"), "{not}");
}

/// The lines that the operators' document gives as an example come in, into a workspace that is there.
#[tokio::test]
async fn the_documents_example_comes_in() {
    let company = Company::new().await;
    let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operations.md")).unwrap();
    let lines: Vec<&str> = document.lines().filter(|line| line.starts_with("{\"record\"")).collect();
    assert_eq!(lines.len(), 3);
    let imported = import(&company.app.store, Some(company.workspace), &lines.join("\n")).await.unwrap();
    assert_eq!(imported.tally().0.values().sum::<u64>(), 3);
    let written = exported(&company.app.store, company.workspace);
    assert!(written.contains("\"text\":\"Is it ready?\"") && written.contains("Mara Lindgren"), "{written}");
}

/// How long 100,000 messages take: `cargo test --release -p offdesk-relay --lib -- --ignored a_hundred_thousand --nocapture`.
#[tokio::test]
#[ignore = "a measurement"]
#[allow(clippy::print_stdout)]
async fn a_hundred_thousand_messages() {
    let company = Company::new().await;
    let (workspace, ben) = (company.workspace, company.ben);
    let mut file = exported(&company.app.store, workspace);
    let id = |n: u64, kind: u8| {
        let mut bytes = [kind; 16];
        bytes[8..].copy_from_slice(&n.to_be_bytes());
        DocumentId(bytes)
    };
    for n in 0..5_000 {
        let (contact, document) = (id(n, 1), id(n, 2));
        file += &format!(
            "{{\"record\":\"contact\",\"id\":\"{contact}\",\"name\":\"Customer {n}\",\"email\":null,\"phones\":[\"+1415{:07}\"],\"owner\":null,\"shared_with\":[],\"custom\":{{}}}}\n\
             {{\"record\":\"conversation\",\"document\":\"{document}\",\"id\":\"{document}\",\"contact\":\"{contact}\",\"channel\":\"sms:{OURS}\",\"origins\":{{\"direct\":1}}}}\n",
            5_000_000 + n
        );
        for m in 0..20 {
            let (way, by) =
                if m % 2 == 0 { ("inbound", String::new()) } else { ("outbound", format!("\"by\":\"{ben}\",")) };
            let message = id(n * 20 + m, 3);
            file += &format!(
                "{{\"record\":\"message\",\"document\":\"{document}\",\"id\":\"{message}\",\"way\":\"{way}\",{by}\"text\":\"Message {m} of customer {n}, as long as such messages are.\",\"at\":{},\"delivery\":\"delivered\"}}\n",
                1_700_000_000_000u64 + n * 1000 + m
            );
        }
    }
    let other = fresh(company.folder.path(), "other.db");
    let began = Instant::now();
    import(&other, None, &file).await.unwrap();
    let imported = began.elapsed();
    let began = Instant::now();
    let out = exported(&other, workspace);
    println!("import {imported:?}, export {:?}, {} bytes of JSON", began.elapsed(), out.len());
    println!("database {} bytes", std::fs::metadata(company.folder.path().join("other.db")).unwrap().len());
    assert_eq!(count(&other, "SELECT count(*) FROM facts"), 100_000);
}
