//! Reminders, mutes and quiet hours, by a reference of their own: at some times after everything has come to rest, each
//! device is told exactly what its member's reminders and alerts are by then, and shows what it may (R15, R16).

use std::collections::{BTreeMap, BTreeSet};

use offdesk_core::{
    alerts::{Why, reminders::Reminder},
    ids::{AlertId, DocumentId, MemberId},
    model::{Conversation, DashboardAccess, MessageKind},
    protocol::{Delivery, Fact, FactBody, Muted, RegisterContent, RegisterKey},
    time::Timestamp,
    triage::{Shows, Viewer},
};

use super::{
    convergence::{relay_facts, relay_register},
    in_use, read,
};
use crate::world::{Violation, World, broken};

/// When the devices are looked at, in milliseconds from now.
const LOOKS: [i64; 4] = [0, 45_000, 300_000, 3_600_000];

/// What comes due, and when.
type Due = (DocumentId, &'static str, Timestamp);

/// A message as it stands: its time, whose it is if it is the company's, and whether it reached the contact or will.
struct Said {
    id: DocumentId,
    order: u64,
    at: Timestamp,
    by: Option<MemberId>,
}

/// R16: each device tells of what came due by then, of nothing else, and under the same id as the member's others.
pub fn reminders_come_due_as_the_rules_say(world: &mut World) -> Result<(), Violation> {
    let mut ids: BTreeMap<(MemberId, Due), AlertId> = BTreeMap::new();
    for at in in_use(world) {
        let me = world.phones[at].member;
        let all = expected(world, me);
        let (directory, settings) = (world.witness.directory.clone().into(), world.witness.settings.clone().into());
        let peace = read(&mut world.phones[at], |disk| disk.reading().peace())?;
        let viewer = Viewer { me, directory, settings, peace };
        for look in LOOKS.map(|millis| Timestamp(world.now.0 + millis)) {
            let told = read(&mut world.phones[at], |disk| disk.reading().told(&viewer, look, look))?;
            let mut shown = BTreeSet::new();
            for active in &told.alerts {
                let queue = world.witness.queue_of(active.document);
                let shows = shows(world, me, active.document, queue, active.alert.at, look);
                if active.shows != shows {
                    return broken(
                        "mutes and quiet hours are kept (R16)",
                        format!("phone {at} of {me} at {look:?}: {active:?} should be {shows:?}"),
                    );
                }
                let Why::Reminder(reminder) = &active.alert.why else { continue };
                let due = (active.document, kind(reminder), active.alert.at);
                if *ids.entry((me, due)).or_insert(active.alert.id) != active.alert.id || !shown.insert(due) {
                    return broken("one alert per member and cause (R15)", format!("phone {at} of {me}: {due:?}"));
                }
            }
            let expected: BTreeSet<Due> = all.iter().filter(|(_, _, due)| *due <= look).copied().collect();
            if let Some(odd) = shown.symmetric_difference(&expected).next() {
                let how = if shown.contains(odd) { "tells of" } else { "does not tell of" };
                return broken("reminders are as R16 says", format!("phone {at} of {me} {how} {odd:?} at {look:?}"));
            }
            if !shown.is_empty() {
                world.reached("reminder due");
            }
        }
    }
    Ok(())
}

fn kind(reminder: &Reminder) -> &'static str {
    match reminder {
        Reminder::SnoozeEnded { .. } => "rest",
        Reminder::FollowUp => "follow-up",
        Reminder::ReplyOverdue { .. } => "overdue",
    }
}

fn time(world: &mut World, me: MemberId, key: RegisterKey) -> Timestamp {
    match relay_register(world, me, key) {
        Some(RegisterContent::Time(time)) => time,
        _ => Timestamp(0),
    }
}

fn expected(world: &mut World, me: MemberId) -> BTreeSet<Due> {
    let visible = world.witness.visible();
    let mut expected = BTreeSet::new();
    for id in visible.dashboard.get(&me).into_iter().flatten() {
        let conversation = world.witness.mirrors.get(id).and_then(|mirror| mirror.conversation.clone());
        let Some(conversation) = conversation.filter(|known| !world.witness.is_blocked(known.contact)) else {
            continue;
        };
        let facts = relay_facts(world, *id, me);
        let said = said(&conversation, &facts);
        let dealt = time(world, me, RegisterKey::Reminded(*id));
        let follow_up = time(world, me, RegisterKey::FollowUp(*id));
        let mut add = |kind, at: Timestamp| {
            if at > dealt {
                expected.insert((*id, kind, at));
            }
        };
        // The member's own word after it is what they wanted to be reminded of.
        let own = said.iter().any(|said| said.by == Some(me) && said.at >= follow_up);
        if follow_up > Timestamp(0) && !own {
            add("follow-up", follow_up);
        }
        let effective: BTreeSet<MemberId> = conversation
            .assignments
            .iter()
            .map(|assignment| assignment.key.member)
            .filter(|member| world.witness.has_dashboard(*member))
            .collect();
        let last = said.iter().filter(|said| said.by.is_none()).map(|said| said.id).next_back();
        let undone = |closing| conversation.reopenings.iter().any(|reopening| reopening.closing == closing);
        let closed = conversation
            .closings
            .iter()
            .any(|closing| !undone(closing.id) && closing.seen.map(|seen| DocumentId(seen.0)) == last);
        if closed {
            continue;
        }
        let sorting = &conversation.sorting;
        let woken = |snooze| sorting.wakings.iter().any(|waking| waking.snooze == snooze);
        let rests = sorting
            .snoozes
            .iter()
            .filter(|snooze| !woken(snooze.id) && snooze.seen.map(|seen| DocumentId(seen.0)) == last);
        let rest = rests.max_by_key(|snooze| (snooze.until, snooze.id));
        if let Some(rest) = rest {
            let answered = said.iter().any(|said| said.by.is_some() && said.at >= rest.until);
            if !answered && (rest.by == me || effective.contains(&me)) {
                add("rest", rest.until);
            }
        }
        let waits = said.iter().rev().take_while(|said| said.by.is_none()).last();
        let within = world.witness.settings.reply_within(sorting.queue);
        if let Some(waits) = waits.filter(|_| !within.is_zero()) {
            let on_queue = sorting.queue.and_then(|queue| world.witness.settings.queues.get(&queue));
            let asked =
                on_queue.is_none_or(|queue| queue.archived || queue.members.is_empty() || queue.members.contains(&me));
            let sees_all = world.witness.level(me).is_some_and(|level| level.dashboard == DashboardAccess::All);
            let told = if effective.is_empty() { asked && sees_all } else { effective.contains(&me) };
            if told {
                add("overdue", rest.map_or(waits.at, |rest| waits.at.max(rest.until)).after(within));
            }
        }
    }
    expected
}

/// What the contact and the company said to each other, in the relay's order; what never left is not among it.
fn said(conversation: &Conversation, facts: &[Fact]) -> Vec<Said> {
    let mut all = Vec::new();
    for fact in facts {
        let FactBody::Message(fact) = &fact.body else { continue };
        let Some(message) = conversation.messages.get(&fact.id) else { continue };
        let unsent = matches!(fact.delivery, Delivery::Held(_) | Delivery::Dropped | Delivery::Scheduled { .. });
        if message.kind == MessageKind::Note || unsent {
            continue;
        }
        // Every reply in the simulation is a member's.
        all.push(Said { id: DocumentId(fact.id.0), order: fact.order, at: fact.at, by: message.by });
    }
    all.sort_by_key(|said| said.order);
    all
}

/// Whether what was raised at `at` shows at `look`, with the quiet hours that the simulation's members have: one stretch of
/// every day, in UTC.
fn shows(
    world: &mut World,
    me: MemberId,
    document: DocumentId,
    queue: Option<offdesk_core::ids::QueueId>,
    at: Timestamp,
    look: Timestamp,
) -> Shows {
    let mutes = [Some(Muted::Everything), Some(Muted::Conversation(document)), queue.map(Muted::Queue)];
    for mute in mutes.into_iter().flatten() {
        if at < time(world, me, RegisterKey::Muted(mute)) {
            return Shows::Muted;
        }
    }
    let quiet = match relay_register(world, me, RegisterKey::QuietHours) {
        Some(RegisterContent::Text(text)) => crate::doing::quiet_minutes(&text),
        _ => None,
    };
    let until = |at: Timestamp| {
        let (from, to) = quiet?;
        let day = 24 * 60 * 60_000;
        // The stretch that began today, or yesterday.
        let began = at.0 - (at.0 - from * 60_000).rem_euclid(day);
        let length = (to - from).rem_euclid(24 * 60) * 60_000;
        (at.0 < began + length).then_some(Timestamp(began + length))
    };
    match until(at) {
        Some(end) if look < end => Shows::At(end),
        _ if until(look).is_some() => Shows::Silently,
        _ => Shows::Now,
    }
}
