//! Members, roles, settings, devices.

use offdesk_core::{
    model::{DashboardAccess, RoleKind},
    policy::Access,
};

use super::Company;
use crate::{
    admin::{AdminError, audit, device, member, role, settings, workspace},
    auth::{self, AuthError, code::EnrolError},
    store::{ReadTx, StoreError},
};

async fn access(company: &Company, credential: &str) -> Result<Access, AuthError> {
    let credential = credential.to_owned();
    company.app.store.read(move |tx: &ReadTx<'_>| auth::authenticate(tx, &credential)).await.map(|device| device.access)
}

/// R1 to R3: a new workspace has roles to start from, and what they give is what a device signs in with.
#[tokio::test]
async fn a_member_has_what_their_role_gives() {
    let company = Company::new().await;
    let phone = company.enrol(company.ana, "Ana's phone").await;
    let access_of_ana = access(&company, &phone.credential).await.unwrap();
    assert!(access_of_ana.administrator);
    let workspace = company.workspace;
    let ben = company.ben;
    company
        .act(move |tx, actor| {
            let role = role::find(&tx.reading(), workspace, "field")?;
            member::set_role(tx, actor, workspace, ben, Some(role))
        })
        .await
        .unwrap();
    let laptop = company.enrol(company.ben, "Ben's laptop").await;
    let access_of_ben = access(&company, &laptop.credential).await.unwrap();
    assert_eq!((access_of_ben.administrator, access_of_ben.dashboard), (false, DashboardAccess::Assigned));

    company
        .act(move |tx, actor| member::set_dashboard(tx, actor, workspace, ben, Some(DashboardAccess::None)))
        .await
        .unwrap();
    assert_eq!(access(&company, &laptop.credential).await.unwrap().dashboard, DashboardAccess::None);
    company.act(move |tx, actor| member::set_dashboard(tx, actor, workspace, ben, None)).await.unwrap();
    assert_eq!(access(&company, &laptop.credential).await.unwrap().dashboard, DashboardAccess::Assigned);
}

/// R1: however it is tried, somebody who administers stays.
#[tokio::test]
async fn the_last_administrator_stays() {
    let company = Company::new().await;
    let (workspace, ana, ben) = (company.workspace, company.ana, company.ben);
    let refused =
        |result: Result<(), AdminError>| assert!(matches!(result, Err(AdminError::LastAdministrator)), "{result:?}");
    refused(company.act(move |tx, actor| member::deactivate(tx, actor, workspace, ana).map(drop)).await);
    refused(company.act(move |tx, actor| member::set_role(tx, actor, workspace, ana, None)).await);
    let demoted = role::Changes { kind: Some(RoleKind::User), ..role::Changes::default() };
    refused(
        company
            .act(move |tx, actor| {
                let role = role::find(&tx.reading(), workspace, "administrator")?;
                role::set(tx, actor, workspace, role, &demoted).map(drop)
            })
            .await,
    );
    // Once Ben administers too, Ana may go.
    company
        .act(move |tx, actor| {
            let role = role::find(&tx.reading(), workspace, "administrator")?;
            member::set_role(tx, actor, workspace, ben, Some(role))?;
            member::deactivate(tx, actor, workspace, ana).map(drop)
        })
        .await
        .unwrap();
}

/// R10: deactivating ends the access of every device and code at once; activating again brings none of them back.
#[tokio::test]
async fn a_deactivated_members_devices_and_codes_are_refused() {
    let company = Company::new().await;
    let (workspace, ben) = (company.workspace, company.ben);
    let phone = company.enrol(ben, "Ben's phone").await;
    let open = company.code(ben).await;
    let devices = company.act(move |tx, actor| member::deactivate(tx, actor, workspace, ben)).await.unwrap();
    assert_eq!(devices, 1);
    assert!(matches!(access(&company, &phone.credential).await, Err(AuthError::Revoked)));
    assert!(matches!(company.try_enrol(open.clone(), "Another").await, Err(EnrolError::Code)));

    company.act(move |tx, actor| member::activate(tx, actor, workspace, ben)).await.unwrap();
    assert!(matches!(access(&company, &phone.credential).await, Err(AuthError::Revoked)));
    assert!(matches!(company.try_enrol(open, "Another").await, Err(EnrolError::Code)));
    let again = company.enrol(ben, "Ben's phone").await;
    assert!(access(&company, &again.credential).await.is_ok());
}

/// R10: whoever is deactivated by an edit of the directory loses their devices as by the command line.
#[tokio::test]
async fn a_member_deactivated_in_the_directory_is_refused() {
    use offdesk_core::model::{
        Action,
        action::{RegisterMap, RegisterValue},
    };
    let company = Company::new().await;
    let phone = company.enrol(company.ben, "Ben's phone").await;
    let (workspace, ben) = (company.workspace, company.ben);
    company
        .act(move |tx, actor| {
            let action = Action::SetRegister {
                map: RegisterMap::Members,
                key: format!("{ben}.active"),
                value: Some(RegisterValue::Bool(false)),
            };
            workspace::edit_directory(tx, actor, workspace, &[action])
        })
        .await
        .unwrap();
    assert!(matches!(access(&company, &phone.credential).await, Err(AuthError::Revoked)));
}

/// R10: revoking a device ends its access and no other's.
#[tokio::test]
async fn a_revoked_device_is_refused_and_the_other_is_not() {
    let company = Company::new().await;
    let (lost, kept) = (company.enrol(company.ben, "Lost phone").await, company.enrol(company.ben, "Laptop").await);
    let workspace = company.workspace;
    let revoke = move |tx: &mut crate::store::Tx<'_>, actor: &mut crate::admin::Actor<'_>| {
        let device = device::find(&tx.reading(), workspace, "lost")?;
        device::revoke(tx, actor, workspace, device)
    };
    company.act(revoke).await.unwrap();
    assert!(matches!(access(&company, &lost.credential).await, Err(AuthError::Revoked)));
    assert!(access(&company, &kept.credential).await.is_ok());
    assert!(matches!(access(&company, "never issued").await, Err(AuthError::Unknown)));
    assert!(matches!(company.act(revoke).await, Err(AdminError::NothingToDo(_))));
}

#[tokio::test]
async fn a_number_has_one_workspace() {
    let company = Company::new().await;
    let taken = company.act(|tx, actor| workspace::create(tx, actor, "Rival", "US", &["+14155552671".into()])).await;
    assert!(matches!(&taken, Err(AdminError::NumberTaken(number)) if number == "+14155552671"), "{taken:?}");
    assert_eq!(company.number("SELECT count(*) FROM workspaces").await, 1, "nothing of a refused act is stored");

    let workspace = company.workspace;
    let changes = settings::Changes {
        remove_numbers: vec!["+14155552671".into()],
        add_numbers: vec!["415-555-2672".into()],
        ..settings::Changes::default()
    };
    let changed = company.act(move |tx, actor| settings::set(tx, actor, workspace, &changes)).await.unwrap();
    assert_eq!(changed.numbers, ["+14155552672"]);
    company.act(|tx, actor| workspace::create(tx, actor, "Rival", "US", &["+14155552671".into()])).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_what_to_write() {
    let company = Company::new().await;
    let country = company.act(|tx, actor| workspace::create(tx, actor, "B", "Narnia", &[])).await.unwrap_err();
    assert!(country.to_string().contains("ISO 3166"), "{country}");
    let phone =
        company.act(|tx, actor| workspace::create(tx, actor, "B", "US", &["call me".into()])).await.unwrap_err();
    assert!(phone.to_string().contains("country code"), "{phone}");
    let name = company.act(|tx, actor| workspace::create(tx, actor, "acme roofing", "US", &[])).await.unwrap_err();
    assert!(name.to_string().contains("choose another name"), "{name}");
    let workspace = company.workspace;
    let nothing =
        company.act(move |tx, actor| settings::set(tx, actor, workspace, &settings::Changes::default())).await;
    assert!(matches!(nothing, Err(AdminError::NothingToDo(_))));
}

/// R40: every act is in the trail, with who did it; one that was refused is not.
#[tokio::test]
async fn every_act_leaves_a_trace() {
    let company = Company::new().await;
    let before = company.number("SELECT count(*) FROM audit").await;
    let (workspace, ben) = (company.workspace, company.ben);
    company.enrol(ben, "Ben's phone").await;
    company.act(move |tx, actor| member::set_role(tx, actor, workspace, ben, None)).await.unwrap();
    company.act(move |tx, actor| member::deactivate(tx, actor, workspace, company.ana).map(drop)).await.unwrap_err();
    let trail = company.app.store.read(move |tx| audit::list(tx, Some(workspace), 100)).await.unwrap();
    let new = trail.len() - usize::try_from(before).unwrap();
    let acts: Vec<_> = trail.iter().take(new).map(|entry| (entry.who.as_str(), entry.act.as_str())).collect();
    assert_eq!(acts.len(), 3, "{acts:?}");
    assert_eq!(acts[0], ("Olga", format!("member {ben}: role set to none").as_str()));
    assert!(acts[1].0 == format!("member {ben}") && acts[1].1.starts_with("enrolled device"), "{acts:?}");
    assert!(acts[2].0 == "Olga" && acts[2].1.starts_with("made an enrolment code"), "{acts:?}");
}

/// The command line writes to the file from another process: the relay's writer and everybody else notice.
#[tokio::test]
async fn an_act_of_another_process_is_noticed() {
    use crate::store::{Changed, Store};
    let company = Company::new().await;
    let phone = company.enrol(company.ben, "Ben's phone").await;
    let mut changed = company.app.store.changed();
    let other = Store::open(company.app.store.path()).unwrap();
    let (workspace, ben, now) = (company.workspace, company.ben, company.app.now());
    tokio::task::spawn_blocking(move || {
        other.write_blocking(move |tx| {
            let mut actor = crate::admin::Actor { now, rng: &mut super::rng(), who: "Olga" };
            member::deactivate(tx, &mut actor, workspace, ben)
        })
    })
    .await
    .unwrap()
    .unwrap();
    while changed.recv().await.unwrap() != Changed::Everything {}
    assert!(matches!(access(&company, &phone.credential).await, Err(AuthError::Revoked)));
    let listed = company
        .app
        .store
        .write(move |tx| Ok::<_, StoreError>(crate::accept::policies(tx, workspace)?.directory.members[&ben].active));
    assert!(!listed.await.unwrap(), "the writer's cache is fresh");
}
