//! The words of every explanation, branch by branch.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use jiff::tz::TimeZone;

use super::{
    explain::{Explanation, Ground},
    project::Registers,
    told::{Peace, Viewer},
};
use crate::{
    alerts::{Alert, Why, quiet::QuietHours, reminders::Reminder},
    ids::{ConversationId, DocumentId, IntentId, MemberId, QueueId, RoleId},
    model::{
        ContactAccess, DashboardAccess, Directory, Member, MessageAccess, MessageKind, Queue, Role, RoleKind, Settings,
        conversation::AssignmentReason,
    },
    policy::Visibility,
    protocol::{Deed, Delivery, EventFact, Fact, FactBody, Muted},
    time::Timestamp,
    triage::{ConversationRow, MessageView},
};

const ANA: MemberId = MemberId([1; 16]);
const BEN: MemberId = MemberId([2; 16]);
const CARL: MemberId = MemberId([3; 16]);
const SALES: QueueId = QueueId([7; 16]);
const HERE: DocumentId = DocumentId([5; 16]);
const MESSAGE: IntentId = IntentId([9; 16]);
/// 2025-11-20, 12:00 in UTC.
const NOON: Timestamp = Timestamp(1_763_640_000_000);
const HOUR: Duration = Duration::from_secs(3600);

/// What Ana's device knows.
struct Desk {
    viewer: Viewer,
    row: ConversationRow,
    messages: Vec<MessageView>,
    facts: Vec<Fact>,
    registers: Registers,
}

fn said(id: IntentId, kind: MessageKind, by: Option<MemberId>, order: u64) -> MessageView {
    MessageView {
        id,
        kind,
        by,
        text: "Hello".into(),
        mentions: BTreeSet::new(),
        later: None,
        at: NOON,
        order: Some(order),
        delivery: Some(Delivery::Received),
    }
}

impl Desk {
    /// Ana and Ben see all, Carl what is assigned to him. Maria wrote at order 40.
    fn new() -> Self {
        let mut directory = Directory::default();
        let all = [(ANA, "Ana", DashboardAccess::All), (BEN, "Ben", DashboardAccess::All)];
        for (id, name, dashboard) in all.into_iter().chain([(CARL, "Carl", DashboardAccess::Assigned)]) {
            let role = Role {
                id: RoleId(id.0),
                name: String::new(),
                kind: RoleKind::User,
                dashboard,
                contacts: ContactAccess::All,
                messages: MessageAccess::Write,
            };
            let member = Member { id, name: name.into(), role: Some(role.id), dashboard_override: None, active: true };
            directory.roles.insert(role.id, role);
            directory.members.insert(id, member);
        }
        let queue = Queue { name: "Sales".into(), members: BTreeSet::from([BEN]), ..Queue::default() };
        let settings = Settings { queues: BTreeMap::from([(SALES, queue)]), ..Settings::default() };
        let viewer =
            Viewer { me: ANA, directory: Arc::new(directory), settings: Arc::new(settings), peace: Peace::default() };
        let plain = ConversationRow::plain(HERE, ConversationId([4; 16]), DocumentId([6; 16]));
        let row = ConversationRow { contact_name: "Maria".into(), last_activity: NOON, queue: Some(SALES), ..plain };
        let messages = vec![said(MESSAGE, MessageKind::Inbound, None, 40)];
        Self { viewer, row, messages, facts: Vec::new(), registers: Registers::default() }
    }

    fn ground<T>(&self, ask: impl FnOnce(&Ground<'_>) -> T) -> T {
        ask(&Ground {
            viewer: &self.viewer,
            row: &self.row,
            messages: &self.messages,
            facts: &self.facts,
            registers: &self.registers,
            zone: &TimeZone::UTC,
            now: NOON,
        })
    }

    fn assigned(mut self, members: &[MemberId]) -> Self {
        let manual = || BTreeSet::from([AssignmentReason::Manual]);
        self.row.assignees = members.iter().map(|member| (*member, manual())).collect();
        self
    }

    /// What is said of an alert for this reason that the relay raised at order 40.
    fn says(&mut self, why: Why) -> Vec<String> {
        let mut alert = Alert::new(ANA, MESSAGE, NOON, why.clone());
        if let Why::Reminder(reminder) = &why {
            alert.id = reminder.id(ANA, HERE, NOON);
        } else {
            self.facts = vec![Fact { seq: 40, body: FactBody::Alert(alert.clone()) }];
        }
        let explained = self.ground(|ground| ground.explain(&alert));
        assert_eq!(explained.rule, why.rule());
        explained.sentences
    }

    fn event(&mut self, order: u64, what: Deed) {
        let event = EventFact { id: IntentId([order as u8; 16]), order, at: NOON, by: Some(BEN), what: vec![what] };
        self.facts.push(Fact { seq: order, body: FactBody::Event(event) });
    }

    fn why_not(&self) -> (&'static str, String) {
        let Explanation { rule, sentences, .. } = self.ground(|ground| ground.why_not(MESSAGE)).unwrap();
        (rule, sentences.join(" "))
    }

    fn grant(&mut self, dashboard: DashboardAccess) {
        let directory = Arc::make_mut(&mut self.viewer.directory);
        directory.members.get_mut(&ANA).unwrap().dashboard_override = Some(dashboard);
    }
}

const fn assigned() -> Why {
    Why::Assigned { message: MESSAGE, order: 40 }
}

const fn unassigned() -> Why {
    Why::Unassigned { message: MESSAGE, order: 40, queue: None }
}

/// R16: what raised an alert is said in plain words, with the rule.
#[test]
fn every_alert_says_why_in_plain_words() {
    let raised = |why: Why| Desk::new().assigned(&[ANA]).says(why).remove(0);
    assert_eq!(raised(assigned()), "You were assigned when Maria wrote, so you were told (R11).");
    assert_eq!(
        raised(unassigned()),
        "Nobody was assigned when Maria wrote, and you see all conversations, so you were told (R12)."
    );
    assert_eq!(
        raised(Why::Unassigned { message: MESSAGE, order: 40, queue: Some(SALES) }),
        "Nobody was assigned when Maria wrote, and you are on the queue Sales, so you were told (R12)."
    );
    let by = |by| Why::AssignedBy { by, intent: Some(MESSAGE), automation: None };
    assert_eq!(raised(by(Some(BEN))), "Ben assigned you to the conversation with Maria (R14).");
    assert_eq!(raised(by(None)), "An automation that says so assigned you to the conversation with Maria (R14).");
    let mentioned = |by| Why::Mentioned { by, message: MESSAGE, order: 40 };
    assert_eq!(raised(mentioned(Some(BEN))), "Ben mentioned you in a note (R26).");
    assert_eq!(raised(mentioned(None)), "You were mentioned in a note (R26).");
    assert_eq!(raised(Why::Newer), "Only a newer version of this app knows why you were told.");

    let reminded = |reminder, to: &[MemberId]| Desk::new().assigned(to).says(Why::Reminder(reminder)).remove(0);
    let rest = |by| Reminder::SnoozeEnded { snooze: MESSAGE, by };
    assert_eq!(
        reminded(rest(ANA), &[]),
        "You let the conversation rest until 2025-11-20 12:00, and that has come (R16)."
    );
    assert_eq!(
        reminded(rest(BEN), &[ANA]),
        "Ben let the conversation rest until 2025-11-20 12:00; that has come, and you are assigned (R16)."
    );
    assert_eq!(
        reminded(Reminder::FollowUp, &[]),
        "You wanted to come back to the conversation at 2025-11-20 12:00 (R16)."
    );
    let overdue = |queue| Reminder::ReplyOverdue {
        message: MESSAGE,
        order: 40,
        since: NOON.before(2 * HOUR),
        within: 2 * HOUR,
        queue,
    };
    let waited = "Maria has waited for a reply since 2025-11-20 10:00, longer than 2 hours, and ";
    assert_eq!(reminded(overdue(None), &[ANA]), format!("{waited}you are assigned (R16)."));
    assert_eq!(
        reminded(overdue(None), &[]),
        format!("{waited}nobody is assigned and you see all conversations (R16).")
    );
    assert_eq!(
        reminded(overdue(Some(SALES)), &[]),
        format!("{waited}nobody is assigned and you are on the queue Sales (R16).")
    );
}

/// R15, R16: whether it stands and shows is said, and what ended it.
#[test]
fn every_alert_says_how_it_stands() {
    let mut desk = Desk::new();
    assert_eq!(desk.says(unassigned())[1], "It stands and shows.");
    let lunch = r#"{"zone":"UTC","spans":[{"days":[4],"from":"11:00","to":"13:00"}]}"#;
    desk.viewer.peace.quiet = QuietHours::parse(lunch).unwrap();
    assert_eq!(desk.says(unassigned())[1], "It waits for the end of your quiet hours at 2025-11-20 13:00 (R16).");
    desk.viewer.peace.quiet = None;
    for (what, until, words) in [
        (Muted::Everything, Timestamp(i64::MAX), "It does not show: you muted all alerts (R16)."),
        (Muted::Conversation(HERE), Timestamp(i64::MAX), "It does not show: you muted this conversation (R16)."),
        (
            Muted::Queue(SALES),
            NOON.after(HOUR),
            "It does not show: you muted the queue Sales until 2025-11-20 13:00 (R16).",
        ),
    ] {
        desk.viewer.peace.mutes = BTreeMap::from([(what, until)]);
        assert_eq!(desk.says(unassigned())[1], words);
    }
    desk.viewer.peace.mutes.clear();
    desk.row.blocked = true;
    assert_eq!(desk.says(unassigned())[1], "It does not show: Maria is blocked as spam (R26).");

    let ended = |why: Why, change: &dyn Fn(&mut Desk)| {
        let mut desk = Desk::new();
        change(&mut desk);
        desk.says(why).remove(1)
    };
    let id = Alert::new(ANA, MESSAGE, NOON, assigned()).id;
    assert_eq!(
        ended(unassigned(), &|desk| desk.registers.dismissed = BTreeSet::from([id])),
        "You have dealt with it, on this device or another."
    );
    assert_eq!(
        ended(unassigned(), &|desk| desk.row.visibility = Visibility::RECORD),
        "It was taken back: the conversation has left your dashboard (R15)."
    );
    assert_eq!(
        ended(unassigned(), &|desk| desk.registers.read = 40),
        "It was taken back: you have read it, on this device or another (R15)."
    );
    assert_eq!(
        ended(unassigned(), &|desk| {
            let reply = said(IntentId([8; 16]), MessageKind::Outbound, Some(ANA), 41);
            desk.messages.push(MessageView { delivery: Some(Delivery::Sent), ..reply });
        }),
        "It was taken back: you have replied since (R15)."
    );
    assert_eq!(ended(assigned(), &|_| ()), "It was taken back: you are not assigned any more (R15).");
    assert_eq!(
        ended(unassigned(), &|desk| {
            desk.row.assignees = [BEN, CARL].map(|member| (member, BTreeSet::new())).into();
        }),
        "It was taken back: Ben and Carl are assigned by now (R13)."
    );
}

/// R16: a message of which one was not told says why not, and what of that is known as of now only.
#[test]
fn why_not_is_said_in_plain_words() {
    let desk = |change: &dyn Fn(&mut Desk)| {
        let mut desk = Desk::new();
        change(&mut desk);
        desk.why_not()
    };
    let kind = |kind, by| move |desk: &mut Desk| desk.messages = vec![said(MESSAGE, kind, by, 40)];
    let (rule, words) = desk(&kind(MessageKind::Outbound, Some(BEN)));
    assert_eq!((rule, &*words), ("R11", "Nobody is told of what the company writes, only of what the contact does."));
    assert_eq!(desk(&kind(MessageKind::Note, Some(ANA))), ("R26", "It is your own note.".into()));
    assert_eq!(
        desk(&kind(MessageKind::Note, Some(BEN))),
        ("R26", "A note is told only to those whom it mentions, and it doesn't mention you.".into())
    );
    assert_eq!(
        desk(&|desk| desk.row.blocked = true),
        ("R26", "Maria is blocked as spam, as of now: nobody is told of what they write.".into())
    );
    assert_eq!(
        desk(&|desk| desk.grant(DashboardAccess::None)),
        ("R6", "You have no dashboard, as of now, and without one there are no alerts of conversations.".into())
    );
    let assign = |order, member| {
        move |desk: &mut Desk| desk.event(order, Deed::Assigned { member, reason: AssignmentReason::Manual })
    };
    assert_eq!(
        desk(&assign(39, BEN)),
        ("R13", "Ben was assigned when it came: then only who is assigned is told.".into())
    );
    assert_eq!(
        desk(&|desk| {
            assign(30, CARL)(desk);
            desk.messages.insert(0, said(IntentId([8; 16]), MessageKind::Outbound, Some(BEN), 35));
        }),
        ("R13", "Ben and Carl were assigned when it came: then only who is assigned is told.".into())
    );
    assert_eq!(
        desk(&assign(39, ANA)),
        (
            "R8",
            "You were assigned when it came, and would have been told with your access of now: it must have been another \
             then."
                .into()
        )
    );
    let nothing = "Nothing that is known now kept you from being told: your access, the queue or the contact must have been \
                   another when it came.";
    assert_eq!(desk(&assign(41, BEN)), ("R12", nothing.into()), "who was assigned later was not then");
    assert_eq!(
        desk(&|desk| {
            assign(38, BEN)(desk);
            desk.event(39, Deed::Unassigned { member: BEN });
            desk.grant(DashboardAccess::Assigned);
        }),
        (
            "R12",
            "Nobody was assigned when it came: then those are told who see all conversations, and you, as of now, see only \
             what is assigned to you."
                .into()
        )
    );
    assert_eq!(
        desk(&|desk| desk.event(39, Deed::Moved { queue: Some(SALES) })),
        ("R12", "It came in the queue Sales, whose members are told; you are, as of now, not on it.".into())
    );
    assert_eq!(
        desk(&|desk| desk.messages[0].order = None),
        ("R11", "The message has not reached the relay yet.".into())
    );

    let mut told = Desk::new();
    told.says(unassigned());
    assert_eq!(
        told.why_not().1,
        "You were told of it. Nobody was assigned when Maria wrote, and you see all conversations, so you were told (R12). \
         It stands and shows."
    );
    assert_eq!(told.ground(|ground| ground.why_not(IntentId([99; 16]))), None);
}
