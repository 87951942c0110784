//! Who is reminded of what, and what shows when, from one row and one moment.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use super::told::{Peace, Told, Viewer, in_words, reminders, shortest_wait};
use crate::{
    alerts::{
        Alert, Why,
        quiet::{QuietHours, QuietSpan},
        reminders::{Reminders, Rest, Waiting},
    },
    ids::{ConversationId, DocumentId, IntentId, MemberId, QueueId, RoleId},
    model::{
        ContactAccess, DashboardAccess, Directory, Member, MessageAccess, Queue, Role, RoleKind, Settings,
        conversation::AssignmentReason,
    },
    protocol::Muted,
    time::Timestamp,
    triage::{ActiveAlert, ConversationRow, Shows},
};

const ANA: MemberId = MemberId([1; 16]);
const BEN: MemberId = MemberId([2; 16]);
const CARL: MemberId = MemberId([3; 16]);
const SALES: QueueId = QueueId([7; 16]);
/// A Thursday, 12:00 in UTC.
const NOON: Timestamp = Timestamp(1_763_640_000_000);
const HOUR: Duration = Duration::from_secs(3600);

/// Ana and Ben see all, Carl what is assigned to him.
fn directory() -> Directory {
    let mut directory = Directory::default();
    for (id, dashboard) in [(ANA, DashboardAccess::All), (BEN, DashboardAccess::All), (CARL, DashboardAccess::Assigned)]
    {
        let role = Role {
            id: RoleId(id.0),
            name: String::new(),
            kind: RoleKind::User,
            dashboard,
            contacts: ContactAccess::All,
            messages: MessageAccess::Write,
        };
        let member = Member { id, name: "M".into(), role: Some(role.id), dashboard_override: None, active: true };
        directory.roles.insert(role.id, role);
        directory.members.insert(id, member);
    }
    directory
}

fn viewer(me: MemberId) -> Viewer {
    let settings = Settings { reply_within: 2 * HOUR, ..Settings::default() };
    Viewer { me, directory: Arc::new(directory()), settings: Arc::new(settings), peace: Peace::default() }
}

fn assigned(to: &[MemberId]) -> BTreeMap<MemberId, BTreeSet<AssignmentReason>> {
    to.iter().map(|member| (*member, BTreeSet::from([AssignmentReason::Manual]))).collect()
}

fn row(to: &[MemberId], reminders: Reminders) -> ConversationRow {
    let plain = ConversationRow::plain(DocumentId([5; 16]), ConversationId([4; 16]), DocumentId([6; 16]));
    ConversationRow { last_activity: NOON, assignees: assigned(to), reminders, ..plain }
}

fn waiting(since: Timestamp) -> Reminders {
    let waiting = Waiting { message: IntentId([9; 16]), order: 40, since };
    Reminders { waiting: Some(waiting), ..Reminders::default() }
}

fn rest(by: MemberId, until: Timestamp) -> Reminders {
    Reminders { rest: Some(Rest { snooze: IntentId([8; 16]), by, until }), ..Reminders::default() }
}

/// What comes due for a member: the hours from noon.
fn due(row: &ConversationRow, viewer: &Viewer) -> Vec<i64> {
    reminders(row, viewer).iter().map(|active| (active.alert.at.0 - NOON.0) / 3_600_000).collect()
}

fn directory_without_carl() -> Arc<Directory> {
    let mut directory = directory();
    directory.members.get_mut(&CARL).unwrap().active = false;
    Arc::new(directory)
}

/// R16: who let it rest is told when that ends, and who is assigned; nobody else.
#[test]
fn the_end_of_a_rest_is_its_authors_and_the_assignees() {
    let row = row(&[CARL], rest(ANA, NOON.after(HOUR)));
    assert_eq!(due(&row, &viewer(ANA)), [1]);
    assert_eq!(due(&row, &viewer(CARL)), [1]);
    assert_eq!(due(&row, &viewer(BEN)), [0i64; 0]);
}

/// R16, R12, R13, R8: an overdue reply concerns whom the message did: effective assignees, else those who see all, in a queue
/// with members those of them who are on it.
#[test]
fn an_overdue_reply_concerns_whom_the_message_did() {
    let mine = row(&[CARL], waiting(NOON));
    assert_eq!((due(&mine, &viewer(CARL)), due(&mine, &viewer(ANA))), (vec![2], vec![]));
    let inert = Viewer { directory: directory_without_carl(), ..viewer(ANA) };
    assert_eq!(due(&mine, &inert), [2], "an inert assignment counts as nobody");
    let nobodys = row(&[], waiting(NOON));
    assert_eq!((due(&nobodys, &viewer(ANA)), due(&nobodys, &viewer(CARL))), (vec![2], vec![]));

    let queue = Queue { members: BTreeSet::from([BEN, CARL]), reply_within: Some(HOUR), ..Queue::default() };
    let settings =
        Settings { queues: BTreeMap::from([(SALES, queue.clone())]), reply_within: 2 * HOUR, ..Settings::default() };
    let queued = ConversationRow { queue: Some(SALES), ..nobodys };
    let in_queue = |me| Viewer { settings: Arc::new(settings.clone()), ..viewer(me) };
    assert_eq!(due(&queued, &in_queue(BEN)), [1], "by the queue's own time");
    assert_eq!(due(&queued, &in_queue(ANA)), [0i64; 0], "she is not on it");
    assert_eq!(due(&queued, &in_queue(CARL)), [0i64; 0], "he doesn't see all");
    assert_eq!(shortest_wait(&settings), Some(HOUR));

    let off = Viewer { settings: Arc::default(), ..viewer(ANA) };
    assert_eq!((due(&queued, &off), shortest_wait(&off.settings)), (vec![], None), "no threshold, nothing overdue");
}

/// R15, R16: the id of a reminder is the same on every device of a member, and another for each member and cause.
#[test]
fn a_reminder_has_one_id_per_member_and_cause() {
    let all = |me| {
        let due = Reminders { follow_up: Some(NOON), ..rest(ANA, NOON) };
        let due = Reminders { waiting: waiting(NOON).waiting, ..due };
        let ids = reminders(&row(&[ANA, BEN], due), &viewer(me)).into_iter().map(|active| active.alert.id);
        ids.collect::<BTreeSet<_>>()
    };
    assert_eq!(all(ANA), all(ANA));
    assert_eq!((all(ANA).len(), all(ANA).intersection(&all(BEN)).count()), (3, 0));
    let moved = |at| reminders(&row(&[], Reminders { follow_up: Some(at), ..Reminders::default() }), &viewer(ANA));
    assert_ne!(moved(NOON)[0].alert.id, moved(NOON.after(HOUR))[0].alert.id, "another time is another reminder");
}

/// R15, R16: what was dealt with is gone, what comes after it is not.
#[test]
fn what_was_dealt_with_is_no_reminder() {
    let dealt = |until| Reminders { follow_up: Some(NOON), reminded: until, ..rest(ANA, NOON.after(HOUR)) };
    assert_eq!(due(&row(&[], dealt(NOON.before(HOUR))), &viewer(ANA)), [1, 0]);
    assert_eq!(due(&row(&[], dealt(NOON)), &viewer(ANA)), [1]);
    assert_eq!(due(&row(&[], dealt(NOON.after(HOUR))), &viewer(ANA)), [0i64; 0]);
    assert_eq!(dealt(NOON).first(), Some(NOON.after(HOUR)), "the database looks for no more than that");
}

/// 22 to 7 o'clock UTC, every day.
fn nights() -> Peace {
    let span =
        QuietSpan { days: (1..=7).collect(), from: jiff::civil::time(22, 0, 0, 0), to: jiff::civil::time(7, 0, 0, 0) };
    let quiet = QuietHours { zone: "UTC".into(), spans: vec![span] };
    Peace { quiet: Some(quiet), mutes: BTreeMap::new() }
}

fn message(at: Timestamp) -> ActiveAlert {
    let why = Why::Unassigned { message: IntentId([9; 16]), order: 40, queue: None };
    ActiveAlert {
        document: DocumentId([5; 16]),
        conversation: ConversationId([4; 16]),
        alert: Alert::new(ANA, IntentId([9; 16]), at, why),
        contact_name: String::new(),
        text: String::new(),
        shows: Shows::Now,
    }
}

fn shows(peace: &Peace, at: Timestamp, now: Timestamp) -> Shows {
    peace.shows(at, DocumentId([5; 16]), Some(SALES), now)
}

/// R16: quiet hours hold what they were there for until they end; what was shown before stays, without a sound.
#[test]
fn quiet_hours_hold_alerts_until_they_end() {
    let (peace, evening, night, morning) =
        (nights(), NOON.after(9 * HOUR), NOON.after(11 * HOUR), NOON.after(19 * HOUR));
    assert_eq!(shows(&peace, night, night.after(HOUR)), Shows::At(morning));
    assert_eq!(shows(&peace, night, morning), Shows::Now, "delivered at their end");
    assert_eq!(shows(&peace, evening, evening), Shows::Now);
    assert_eq!(shows(&peace, evening, night), Shows::Silently);
    // A device that learns of it late shows it late, not at all hours.
    let mut viewer = Viewer { peace, ..viewer(ANA) };
    let told = Told::new(vec![(message(night), None)], &[], &viewer, night);
    assert_eq!((told.badge(), told.next, told.coming.len()), (0, Some(morning), 1));
    let told = Told::new(vec![(message(night), None)], &[], &viewer, morning);
    assert_eq!((told.badge(), told.next), (1, None));
    viewer.peace = Peace::default();
    assert_eq!(Told::new(vec![(message(night), None)], &[], &viewer, night).badge(), 1);
}

/// R16: a reminder that comes due in quiet hours is held as any alert, and the scheduler is told the time at which it shows.
#[test]
fn a_reminder_waits_for_the_end_of_quiet_hours() {
    let viewer = Viewer { peace: nights(), ..viewer(ANA) };
    let rows = [row(&[], Reminders { follow_up: Some(NOON.after(12 * HOUR)), ..Reminders::default() })];
    let at_noon = Told::new(Vec::new(), &rows, &viewer, NOON);
    assert_eq!((at_noon.alerts.len(), at_noon.next), (0, Some(NOON.after(19 * HOUR))));
    let at_night = Told::new(Vec::new(), &rows, &viewer, NOON.after(13 * HOUR));
    assert_eq!((at_night.alerts.len(), at_night.badge()), (1, 0));
    assert_eq!(Told::new(Vec::new(), &rows, &viewer, NOON.after(19 * HOUR)).badge(), 1);
}

/// R16: a mute silences everything, a conversation or a queue, until a time or for good; there is no exception for whom it
/// names, and muted alerts count in no badge.
#[test]
fn what_is_muted_is_neither_shown_nor_counted() {
    let muted = |what, until| Peace { quiet: None, mutes: BTreeMap::from([(what, until)]) };
    let here = DocumentId([5; 16]);
    for what in [Muted::Everything, Muted::Conversation(here), Muted::Queue(SALES)] {
        let peace = muted(what, NOON.after(HOUR));
        assert_eq!(shows(&peace, NOON, NOON), Shows::Muted, "{what:?}");
        assert_eq!(shows(&peace, NOON, NOON.after(2 * HOUR)), Shows::Muted, "it is not told later either: {what:?}");
        assert_eq!(shows(&peace, NOON.after(HOUR), NOON.after(HOUR)), Shows::Now, "{what:?} ended");
        assert_eq!(shows(&muted(what, Timestamp(i64::MAX)), NOON.after(HOUR), NOON.after(HOUR)), Shows::Muted);
        let mut viewer = viewer(ANA);
        viewer.peace = peace;
        let told = Told::new(vec![(message(NOON), Some(SALES))], &[], &viewer, NOON);
        assert_eq!((told.alerts.len(), told.badge(), told.next), (1, 0, None));
    }
    for other in [Muted::Conversation(DocumentId([6; 16])), Muted::Queue(QueueId([8; 16]))] {
        assert_eq!(shows(&muted(other, Timestamp(i64::MAX)), NOON, NOON), Shows::Now, "{other:?}");
    }
}

#[test]
fn spans_are_told_in_words() {
    let words = |seconds| in_words(Duration::from_secs(seconds));
    assert_eq!(words(60), "1 minute");
    assert_eq!(words(7_260), "2 hours 1 minute");
    assert_eq!(words(86_400 + 60), "1 day");
    assert_eq!(words(0), "no time");
}
