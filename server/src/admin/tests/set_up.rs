//! Queues, canned responses, hours, engagements, automations.

use offdesk_core::model::{Automation, Canned, Engagement, Hours, Queue, settings::hours::Day};

use super::Company;
use crate::admin::{AdminError, audit, member, role, set_up};

fn office() -> Hours {
    Hours {
        name: "Office".into(),
        zone: "Europe/Berlin".into(),
        week: [(Day::Mon, "09:00-17:00".parse().unwrap())].into(),
        ..Hours::default()
    }
}

/// R36: a queue has a name, members, hours and a time to reply in; it is archived, never removed; every act is traced (R40).
#[tokio::test]
async fn a_queue_is_made_changed_and_archived() {
    let company = Company::new().await;
    let (workspace, ben) = (company.workspace, company.ben);
    let hours = company.act(move |tx, actor| set_up::add(tx, actor, workspace, office())).await.unwrap();
    let queue = Queue { name: "Sales".into(), hours: Some(hours.id), ..Queue::default() };
    let queue = company.act(move |tx, actor| set_up::add(tx, actor, workspace, queue)).await.unwrap();
    let changed = company.act(move |tx, actor| {
        set_up::set::<Queue>(tx, actor, workspace, queue.id, |queue| {
            queue.members.insert(ben);
            queue.reply_within = Some(std::time::Duration::from_secs(3600));
        })
    });
    assert_eq!(changed.await.unwrap().thing.members, [ben].into());
    let again = company.act(move |tx, actor| set_up::set::<Queue>(tx, actor, workspace, queue.id, |_| {})).await;
    assert!(matches!(again, Err(AdminError::NothingToDo(_))), "{again:?}");

    let same = Queue { name: "sales".into(), ..Queue::default() };
    let same = company.act(move |tx, actor| set_up::add(tx, actor, workspace, same)).await;
    assert!(matches!(same, Err(AdminError::Name(_))), "{same:?}");
    for refused in [
        company.act(move |tx, actor| set_up::remove::<Queue>(tx, actor, workspace, queue.id).map(drop)).await,
        company.act(move |tx, actor| set_up::remove::<Hours>(tx, actor, workspace, hours.id).map(drop)).await,
        company
            .act(move |tx, actor| {
                set_up::set::<Hours>(tx, actor, workspace, hours.id, |hours| hours.zone = "Europe/Berlim".into())
                    .map(drop)
            })
            .await,
    ] {
        assert!(matches!(refused, Err(AdminError::Setting(_))), "{refused:?}");
    }
    let archive = |queue: &mut Queue| queue.archived = true;
    company.act(move |tx, actor| set_up::set(tx, actor, workspace, queue.id, archive)).await.unwrap();
    let all = company.act(move |tx, _| Ok(set_up::list::<Queue>(&tx.reading(), workspace)?)).await.unwrap();
    assert_eq!(all.len(), 1);
    assert!(all[0].thing.archived && all[0].thing.members == [ben].into());

    let trail = company.act(move |tx, _| Ok(audit::list(&tx.reading(), Some(workspace), 3)?)).await.unwrap();
    let acts: Vec<&str> = trail.iter().map(|entry| entry.act.as_str()).collect();
    assert!(acts[0].contains("changed queue 'Sales'") && acts[0].contains("archived from false to true"), "{acts:?}");
    assert!(acts[1].contains("reply_within_ms 3600000") && acts[1].contains(&format!("member.{ben}")), "{acts:?}");
    assert!(acts[2].contains("added queue 'Sales'"), "{acts:?}");
}

/// R37 to R39: what people would be sent is checked before anybody is.
#[tokio::test]
async fn texts_with_unknown_variables_are_refused() {
    let company = Company::new().await;
    let workspace = company.workspace;
    let canned = Canned { shortcut: "hi".into(), text: "Hi {contact.nickname}".into() };
    let refused = company.act(move |tx, actor| set_up::add(tx, actor, workspace, canned)).await;
    let told = refused.unwrap_err().to_string();
    assert!(told.contains("contact.nickname") && told.contains("contact.first_name"), "{told}");
    let engagement = Engagement {
        name: "Pricing".into(),
        page: "*".into(),
        greeting: "Hi {contact.name}".into(),
        ..Engagement::default()
    };
    let refused = company.act(move |tx, actor| set_up::add(tx, actor, workspace, engagement)).await;
    assert!(matches!(refused, Err(AdminError::Setting(_))), "{refused:?}");
    let automation = Automation {
        name: "Cart".into(),
        event: "abandoned_checkout".into(),
        template: "Still there, {contact.first_name|friend}? {data.cart_url}".into(),
        ..Automation::default()
    };
    let added = company.act(move |tx, actor| set_up::add(tx, actor, workspace, automation)).await.unwrap();
    let found = company.act(move |tx, _| set_up::find::<Automation>(&tx.reading(), workspace, "ca")).await.unwrap();
    assert_eq!(found, added.id);
    company.act(move |tx, actor| set_up::remove::<Automation>(tx, actor, workspace, added.id)).await.unwrap();
    let none = company.act(move |tx, _| Ok(set_up::list::<Automation>(&tx.reading(), workspace)?)).await.unwrap();
    assert!(none.is_empty());
}

/// R1: a member is renamed; a role goes once nobody has it.
#[tokio::test]
async fn members_are_renamed_and_unused_roles_go() {
    let company = Company::new().await;
    let (workspace, ben) = (company.workspace, company.ben);
    company.act(move |tx, actor| member::rename(tx, actor, workspace, ben, "Benjamin Okafor")).await.unwrap();
    let agent = company.act(move |tx, _| role::find(&tx.reading(), workspace, "Agent")).await.unwrap();
    let rep = company.act(move |tx, _| role::find(&tx.reading(), workspace, "Field rep")).await.unwrap();
    let held = company.act(move |tx, actor| role::remove(tx, actor, workspace, agent)).await;
    let told = held.unwrap_err().to_string();
    assert!(told.contains("Benjamin Okafor"), "{told}");
    assert_eq!(company.act(move |tx, actor| role::remove(tx, actor, workspace, rep)).await.unwrap().name, "Field rep");
    let roles = company.act(move |tx, _| Ok(role::list(&tx.reading(), workspace)?)).await.unwrap();
    assert!(roles.iter().all(|role| role.id != rep));
}
