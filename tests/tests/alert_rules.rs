//! R11 to R15 as pure functions: whom the router tells, and when what was told is moot.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use offdesk_core::{
    alerts::{
        Alert, Why,
        moot::{Standing, is_moot},
        router::{Happened, Situation, route},
    },
    ids::{IntentId, MemberId, QueueId, RoleId},
    model::{ContactAccess, DashboardAccess, Directory, Member, MessageAccess, Role, RoleKind},
    time::Timestamp,
};

const ANA: MemberId = MemberId([1; 16]);
const BEN: MemberId = MemberId([2; 16]);
const CARL: MemberId = MemberId([3; 16]);
const NOW: Timestamp = Timestamp(1_800_000_000_000);
const HELLO: Happened = Happened::Inbound { message: IntentId([9; 16]), order: 40 };

/// Ana sees all, Ben sees all, Carl sees what is assigned to him.
fn directory() -> Directory {
    let mut directory = Directory::default();
    for (id, name, dashboard) in [
        (ANA, "Ana", DashboardAccess::All),
        (BEN, "Ben", DashboardAccess::All),
        (CARL, "Carl", DashboardAccess::Assigned),
    ] {
        let role = Role {
            id: RoleId(id.0),
            name: name.into(),
            kind: RoleKind::User,
            dashboard,
            contacts: ContactAccess::All,
            messages: MessageAccess::Write,
        };
        let member = Member { id, name: name.into(), role: Some(role.id), dashboard_override: None, active: true };
        directory.roles.insert(role.id, role);
        directory.members.insert(id, member);
    }
    directory
}

fn told(happened: Happened, assignees: &[MemberId], directory: &Directory) -> Vec<(MemberId, &'static str)> {
    let assignees = assignees.iter().copied().collect();
    let alerts = route(happened, &Situation { assignees: &assignees, queue: None, blocked: false, directory }, NOW);
    alerts.into_iter().map(|(member, alert)| (member, alert.why.rule())).collect()
}

/// R11, R13: whoever is assigned is told, and nobody else.
#[test]
fn assignees_are_told_and_nobody_else() {
    assert_eq!(told(HELLO, &[CARL], &directory()), [(CARL, "R11")]);
    assert_eq!(told(HELLO, &[ANA, CARL], &directory()), [(ANA, "R11"), (CARL, "R11")]);
}

/// R12, R13: while nobody is assigned, those who see everything are told; also once the last one was removed.
#[test]
fn while_nobody_is_assigned_those_who_see_all_are_told() {
    assert_eq!(told(HELLO, &[], &directory()), [(ANA, "R12"), (BEN, "R12")]);
}

/// R8: an assignee whose access became `none`, or who was deactivated, counts as nobody.
#[test]
fn an_inert_assignment_counts_as_nobody() {
    let mut directory = directory();
    directory.members.get_mut(&CARL).unwrap().dashboard_override = Some(DashboardAccess::None);
    assert_eq!(told(HELLO, &[CARL], &directory), [(ANA, "R12"), (BEN, "R12")]);
    directory.members.get_mut(&BEN).unwrap().active = false;
    assert_eq!(told(HELLO, &[CARL, BEN], &directory), [(ANA, "R12")]);
}

/// R6: `none` is told nothing.
#[test]
fn none_is_told_nothing() {
    let mut directory = directory();
    for member in [ANA, BEN] {
        directory.members.get_mut(&member).unwrap().dashboard_override = Some(DashboardAccess::None);
    }
    assert_eq!(told(HELLO, &[], &directory), []);
    let assigned = Happened::Assigned { member: ANA, by: Some(BEN), automation: None, intent: IntentId([5; 16]) };
    assert_eq!(told(assigned, &[ANA], &directory), []);
}

/// R14: told when somebody else assigns, not of one's own doing, and not by an automation.
#[test]
fn being_assigned_by_somebody_else_is_told() {
    let by = |by| Happened::Assigned { member: CARL, by, automation: None, intent: IntentId([5; 16]) };
    assert_eq!(told(by(Some(ANA)), &[CARL], &directory()), [(CARL, "R14")]);
    assert_eq!(told(by(Some(CARL)), &[CARL], &directory()), []);
    assert_eq!(told(by(None), &[CARL], &directory()), []);
}

/// R15: one alert per member and cause: the same id however often it is decided, another for another member.
#[test]
fn an_alert_has_one_id_per_member_and_cause() {
    let ids = || -> Vec<_> {
        let (assignees, directory) = (BTreeSet::new(), directory());
        let situation = Situation { assignees: &assignees, queue: None, blocked: false, directory: &directory };
        route(HELLO, &situation, NOW).into_iter().map(|(_, alert)| alert.id).collect()
    };
    assert_eq!(ids(), ids());
    assert_eq!(ids().into_iter().collect::<BTreeSet<_>>().len(), 2);
}

fn alert(why: Why) -> Alert {
    Alert { id: offdesk_core::alerts::router::alert_id(ANA, IntentId([9; 16])), member: Some(ANA), at: NOW, why }
}

fn standing(assignees: &BTreeSet<MemberId>) -> Standing<'_> {
    Standing {
        member: ANA,
        read: 0,
        replied: 0,
        dismissed: false,
        effective_assignees: assignees,
        on_dashboard: true,
        opened_since: false,
    }
}

/// R15: reading, replying, dismissing, losing sight or the assignment retract an alert; nothing else does.
#[test]
fn an_alert_ends_when_it_is_moot() {
    let (nobody, ana, ben) = (BTreeSet::new(), BTreeSet::from([ANA]), BTreeSet::from([BEN]));
    let message = IntentId([9; 16]);
    let assigned = alert(Why::Assigned { message, order: 40 });
    assert!(!is_moot(&assigned, &standing(&ana)));
    assert!(!is_moot(&assigned, &Standing { read: 39, ..standing(&ana) }), "what was read came before it");
    assert!(is_moot(&assigned, &Standing { read: 40, ..standing(&ana) }));
    assert!(is_moot(&assigned, &Standing { replied: 41, ..standing(&ana) }));
    assert!(is_moot(&assigned, &Standing { dismissed: true, ..standing(&ana) }));
    assert!(is_moot(&assigned, &Standing { on_dashboard: false, ..standing(&ana) }));
    assert!(is_moot(&assigned, &standing(&ben)), "she was unassigned");

    let unassigned = alert(Why::Unassigned { message, order: 40, queue: None });
    assert!(!is_moot(&unassigned, &standing(&nobody)));
    assert!(is_moot(&unassigned, &standing(&ben)), "somebody else took it (R13)");
    assert!(!is_moot(&unassigned, &standing(&ana)), "she took it, and has not answered");

    let by_ben = alert(Why::AssignedBy { by: Some(BEN), intent: Some(IntentId([9; 16])), automation: None });
    assert!(!is_moot(&by_ben, &standing(&ana)));
    assert!(is_moot(&by_ben, &Standing { opened_since: true, ..standing(&ana) }));
    assert!(is_moot(&by_ben, &standing(&ben)));

    // R26: a mention ends by reading, whoever is assigned and whatever the contact was answered.
    let mentioned = alert(Why::Mentioned { by: Some(BEN), message, order: 40 });
    for whose in [&nobody, &ben, &ana] {
        assert!(!is_moot(&mentioned, &Standing { replied: 50, ..standing(whose) }));
        assert!(is_moot(&mentioned, &Standing { read: 40, ..standing(whose) }));
    }
}

/// R12, R26: queues, blocked contacts and mentions.
#[test]
fn queues_and_blocked_contacts_narrow_who_is_told() {
    let directory = directory();
    let told = |happened, assignees: &[MemberId], queue: Option<&[MemberId]>, blocked| -> Vec<MemberId> {
        let assignees = assignees.iter().copied().collect();
        let on_it: BTreeSet<MemberId> = queue.unwrap_or_default().iter().copied().collect();
        let queue = queue.map(|_| (QueueId([5; 16]), &on_it));
        let situation = Situation { assignees: &assignees, queue, blocked, directory: &directory };
        route(happened, &situation, NOW).into_iter().map(|(member, _)| member).collect()
    };
    assert_eq!(told(HELLO, &[], Some(&[]), false), [ANA, BEN], "a queue without members is everybody's");
    assert_eq!(told(HELLO, &[], Some(&[BEN, CARL]), false), [BEN], "Carl doesn't see all");
    assert!(told(HELLO, &[], Some(&[CARL]), false).is_empty(), "taken literally");
    assert_eq!(told(HELLO, &[ANA], Some(&[BEN]), false), [ANA], "an assignee is told, on the queue or not");
    assert!(told(HELLO, &[], None, true).is_empty() && told(HELLO, &[ANA], None, true).is_empty());
    let mention = |member, by| Happened::Mentioned { member, by: Some(by), message: IntentId([9; 16]), order: 40 };
    assert_eq!(told(mention(BEN, ANA), &[], None, true), [BEN], "a colleague calls, whatever the contact is");
    assert!(told(mention(ANA, ANA), &[], None, false).is_empty());
    assert!(told(mention(CARL, ANA), &[], None, false).is_empty());
    assert_eq!(told(mention(CARL, ANA), &[CARL], None, false), [CARL]);
}

/// R16: an alert says by which rule it was raised and on which facts: which message, at which place, or who assigned whom.
#[test]
fn an_alert_explains_itself() {
    let why = |happened, assignees: &[MemberId]| {
        let (directory, assignees) = (directory(), assignees.iter().copied().collect());
        let situation = Situation { assignees: &assignees, queue: None, blocked: false, directory: &directory };
        let mut alerts = route(happened, &situation, NOW);
        let (member, alert) = alerts.remove(0);
        assert_eq!((alert.member, alert.at), (Some(member), NOW));
        (alert.why.rule(), alert.why)
    };
    let message = IntentId([9; 16]);
    assert_eq!(why(HELLO, &[CARL]), ("R11", Why::Assigned { message, order: 40 }));
    assert_eq!(why(HELLO, &[]), ("R12", Why::Unassigned { message, order: 40, queue: None }));
    let intent = IntentId([8; 16]);
    let assigned = Happened::Assigned { member: CARL, by: Some(ANA), automation: None, intent };
    let by = Why::AssignedBy { by: Some(ANA), intent: Some(intent), automation: None };
    assert_eq!(why(assigned, &[CARL]), ("R14", by));
}
