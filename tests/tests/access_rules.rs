//! R1 to R8 as pure functions: what a role allows, whom it lets see what, who may be assigned.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use offdesk_core::{
    ids::{ConversationId, DocumentId, IntentId, MemberId, RoleId},
    intents::{Author, State, Verb},
    model::{
        Action, AssignmentKey, Channel, Contact, ContactAccess, Conversation, DashboardAccess, Directory, Member,
        MessageAccess, Refusal, RefusalCode, Role, RoleKind, Settings,
        action::{RegisterMap, RegisterValue},
        conversation::AssignmentReason,
    },
    policy::{Access, After, ConversationFacts, Visibility, judge_conversation, judge_registers},
    time::Timestamp,
};

const ANA: MemberId = MemberId([1; 16]);
const BEN: MemberId = MemberId([2; 16]);
const NOW: Timestamp = Timestamp(1_800_000_000_000);

type Level = (RoleKind, DashboardAccess, ContactAccess, MessageAccess);
const ADMINISTRATOR: Level = (RoleKind::Administrator, DashboardAccess::All, ContactAccess::All, MessageAccess::Write);
const AGENT: Level = (RoleKind::User, DashboardAccess::All, ContactAccess::All, MessageAccess::Write);
const REP: Level = (RoleKind::User, DashboardAccess::Assigned, ContactAccess::Own, MessageAccess::Write);
const READER: Level = (RoleKind::User, DashboardAccess::All, ContactAccess::All, MessageAccess::Read);
const RECORDS_ONLY: Level = (RoleKind::User, DashboardAccess::None, ContactAccess::All, MessageAccess::Write);

/// A workspace of Ana and Ben with roles of their own.
fn directory(ana: Level, ben: Level) -> Directory {
    let mut directory = Directory::default();
    for (id, name, (kind, dashboard, contacts, messages)) in [(ANA, "Ana", ana), (BEN, "Ben", ben)] {
        let role = RoleId(id.0);
        directory.roles.insert(role, Role { id: role, name: name.into(), kind, dashboard, contacts, messages });
        let member = Member { id, name: name.into(), role: Some(role), dashboard_override: None, active: true };
        directory.members.insert(id, member);
    }
    directory
}

fn access(directory: &Directory, member: MemberId) -> Access {
    Access::of(directory, member).unwrap()
}

fn contact(owner: Option<MemberId>, shared_with: &[MemberId]) -> Contact {
    Contact {
        id: DocumentId([9; 16]),
        name: "Maria".into(),
        phones: BTreeSet::new(),
        email: None,
        owner,
        shared_with: shared_with.iter().copied().collect(),
        custom: BTreeMap::new(),
        reach: Default::default(),
    }
}

fn conversation(assigned: &[MemberId]) -> Conversation {
    let assignment = |member: &MemberId| offdesk_core::model::Assignment {
        key: AssignmentKey { member: *member, intent: IntentId(member.0) },
        by: None,
        reason: AssignmentReason::Manual,
        at: NOW,
    };
    Conversation {
        id: ConversationId([8; 16]),
        contact: DocumentId([9; 16]),
        channel: Channel::Sms("+14155550100".into()),
        origins: BTreeMap::new(),
        messages: BTreeMap::new(),
        assignments: assigned.iter().map(assignment).collect(),
        closings: Vec::new(),
        reopenings: Vec::new(),
        decisions: Vec::new(),
        tags: BTreeSet::new(),
        sorting: Default::default(),
    }
}

/// What the relay says to a verb of Ana's.
fn asks(directory: &Directory, on: &Conversation, verb: &Verb) -> Result<(), Refusal> {
    let author = Author { member: ANA, intent: IntentId([7; 16]), at: NOW, assignable: true };
    let actions = verb.actions(&author, State::Conversation(Some(on))).unwrap();
    judge(directory, on, &actions)
}

fn judge(directory: &Directory, on: &Conversation, actions: &[Action]) -> Result<(), Refusal> {
    let facts = ConversationFacts {
        conversation: Some(on),
        held: BTreeMap::new(),
        directory,
        numbers: &[],
        queues: &BTreeMap::new(),
        held_author_only: Duration::from_secs(60),
        now: NOW,
    };
    judge_conversation(&access(directory, ANA), actions, &facts)
}

fn code(result: Result<(), Refusal>) -> Option<RefusalCode> {
    result.err().map(|refusal| refusal.code)
}

fn reply() -> Verb {
    Verb::Reply { text: "Hello".into() }
}

/// The set-up with these members, and settings that nobody touched.
fn after(directory: &Directory) -> After<'_> {
    static SETTINGS: std::sync::LazyLock<Settings> = std::sync::LazyLock::new(Settings::default);
    After { directory, settings: &SETTINGS, known_zone: &|_| true }
}

/// R1, R2: the directory and the settings are for administrators; a User may read them and not write.
#[test]
fn only_administrators_change_the_set_up() {
    let name = |value: &str| Action::SetRegister {
        map: RegisterMap::Values,
        key: "name".into(),
        value: Some(RegisterValue::Text(value.into())),
    };
    let directory = directory(ADMINISTRATOR, AGENT);
    assert!(judge_registers(&access(&directory, ANA), &[name("Acme")], &after(&directory)).is_ok());
    let refused = judge_registers(&access(&directory, BEN), &[name("Mine")], &after(&directory));
    assert_eq!(code(refused), Some(RefusalCode::Forbidden));
}

/// R1: an Administrator sets what there is to be set, and nothing else.
#[test]
fn there_are_no_other_settings() {
    let directory = directory(ADMINISTRATOR, AGENT);
    for (map, key) in [
        (RegisterMap::Values, "shoe_size".to_owned()),
        (RegisterMap::Members, format!("{ANA}.shoe_size")),
        (RegisterMap::Queues, format!("{ANA}.shoe_size")),
        (RegisterMap::Canned, format!("{ANA}.shoe_size")),
        (RegisterMap::Hours, format!("{ANA}.shoe_size")),
        (RegisterMap::Engagements, format!("{ANA}.shoe_size")),
        (RegisterMap::Automations, format!("{ANA}.shoe_size")),
    ] {
        let set = Action::SetRegister { map, key: key.clone(), value: Some(RegisterValue::Int(43)) };
        let refused = judge_registers(&access(&directory, ANA), &[set], &after(&directory));
        assert_eq!(code(refused), Some(RefusalCode::UnknownPath), "{key}");
    }
}

/// R1: nobody can lock everybody out: one active Administrator remains.
#[test]
fn the_last_administrator_stays() {
    let before = directory(ADMINISTRATOR, AGENT);
    let deactivate = Action::SetRegister {
        map: RegisterMap::Members,
        key: format!("{ANA}.active"),
        value: Some(RegisterValue::Bool(false)),
    };
    let mut after = before.clone();
    after.members.get_mut(&ANA).unwrap().active = false;
    let refused = judge_registers(&access(&before, ANA), std::slice::from_ref(&deactivate), &self::after(&after));
    assert_eq!(code(refused), Some(RefusalCode::LastAdministrator));
    let mut two = after;
    two.members.get_mut(&BEN).unwrap().role = Some(RoleId(ANA.0));
    assert!(judge_registers(&access(&before, ANA), &[deactivate], &self::after(&two)).is_ok());
}

/// R2: a member without a role has nothing; R10: neither has one who was deactivated.
#[test]
fn without_a_role_there_is_nothing() {
    let mut directory = directory(AGENT, AGENT);
    directory.members.get_mut(&ANA).unwrap().role = None;
    let ana = access(&directory, ANA);
    assert!(!ana.conversation(true, ana.sees_record(&contact(Some(ANA), &[]))).any());
    directory.members.get_mut(&BEN).unwrap().active = false;
    assert_eq!(Access::of(&directory, BEN), None);
}

/// R3: the override of a member counts, whatever the role says, and whatever the role's kind is.
#[test]
fn dashboard_access_is_the_roles_or_the_members_own() {
    let mut directory = directory(REP, ADMINISTRATOR);
    assert_eq!(access(&directory, ANA).dashboard, DashboardAccess::Assigned);
    directory.members.get_mut(&ANA).unwrap().dashboard_override = Some(DashboardAccess::All);
    directory.members.get_mut(&BEN).unwrap().dashboard_override = Some(DashboardAccess::None);
    assert_eq!(access(&directory, ANA).dashboard, DashboardAccess::All);
    let ben = access(&directory, BEN);
    assert!(ben.administrator && ben.dashboard == DashboardAccess::None);
}

/// R4, R5, R6: `all` sees every conversation on the dashboard, `assigned` only theirs, `none` not even those.
#[test]
fn the_dashboard_shows_all_or_assigned_or_none() {
    let seen = |level: Level, assigned: bool| access(&directory(level, AGENT), ANA).conversation(assigned, false);
    assert!(seen(AGENT, false).dashboard());
    assert!(seen(REP, true).dashboard());
    assert_eq!(seen(REP, false), Visibility::NONE);
    assert!(!seen(RECORDS_ONLY, true).dashboard());
}

/// R7: a record opens to its owner and to whom it is shared with; its conversations then show, off the dashboard.
#[test]
fn the_record_path_follows_the_record() {
    let directory = directory(REP, RECORDS_ONLY);
    let (ana, ben) = (access(&directory, ANA), access(&directory, BEN));
    assert!(ana.sees_record(&contact(Some(ANA), &[])) && ana.sees_record(&contact(Some(BEN), &[ANA])));
    assert!(!ana.sees_record(&contact(Some(BEN), &[])));
    assert!(ben.sees_record(&contact(None, &[])), "Ben's role opens every record");
    assert_eq!(ana.conversation(false, true), Visibility::RECORD);
    assert_eq!(ben.conversation(false, true), Visibility::RECORD);
    assert!(ana.contact(false, true).any(), "whoever sees a conversation sees its contact's card");
}

/// R7: without message access the record shows no conversation; with `read` one looks and does not write.
#[test]
fn reading_is_not_writing() {
    let no_messages = (RoleKind::User, DashboardAccess::None, ContactAccess::All, MessageAccess::None);
    assert!(!access(&directory(no_messages, AGENT), ANA).conversation(false, true).any());
    let directory = directory(READER, AGENT);
    assert!(access(&directory, ANA).conversation(false, false).dashboard());
    let on = conversation(&[]);
    for verb in [
        reply(),
        Verb::Note { text: "Hm".into(), mentions: Vec::new() },
        Verb::AddTag { tag: "vip".into() },
        Verb::Assign { member: BEN },
    ] {
        assert_eq!(code(asks(&directory, &on, &verb)), Some(RefusalCode::Forbidden), "{}", verb.name());
    }
}

/// R8: a `none` member can't be assigned, and their own reply through the record path is accepted all the same.
#[test]
fn none_can_not_be_assigned_but_may_answer_through_the_record() {
    let on = conversation(&[]);
    let refused = asks(&directory(AGENT, RECORDS_ONLY), &on, &Verb::Assign { member: BEN });
    assert_eq!(code(refused), Some(RefusalCode::NotEligible));
    assert_eq!(code(asks(&directory(RECORDS_ONLY, AGENT), &on, &reply())), None);
}

/// R17: a reply that does not assign its author is refused, and so is one that takes the reason without the reply.
#[test]
fn a_reply_and_its_assignment_stand_together() {
    let directory = directory(AGENT, AGENT);
    let on = conversation(&[]);
    let author = Author { member: ANA, intent: IntentId([7; 16]), at: NOW, assignable: true };
    let mut actions = reply().actions(&author, State::Conversation(Some(&on))).unwrap();
    assert!(judge(&directory, &on, &actions).is_ok());
    let assigns = actions.iter().position(|action| matches!(action, Action::Assign { .. })).unwrap();
    let assign = actions.remove(assigns);
    assert_eq!(code(judge(&directory, &on, &actions)), Some(RefusalCode::Malformed));
    assert_eq!(code(judge(&directory, &on, &[assign])), Some(RefusalCode::Malformed));
}

/// R18: several may be assigned, and whoever writes may remove whomever.
#[test]
fn several_are_assigned_and_anyone_who_writes_may_change_it() {
    let directory = directory(AGENT, REP);
    let on = conversation(&[ANA, BEN]);
    assert!(asks(&directory, &on, &Verb::Assign { member: BEN }).is_ok());
    let seen = on.assignments_of(BEN).map(|assignment| assignment.key.intent).collect();
    assert!(asks(&directory, &on, &Verb::Unassign { member: BEN, seen }).is_ok());
}
