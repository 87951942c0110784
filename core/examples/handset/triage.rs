//! Commands that sort conversations, one or many, and those of saved filters.

use offdesk_core::{
    engine::Offdesk,
    ids::ConversationId,
    intents::Verb,
    model::{Origin, Priority, Status, conversation::AssignmentReason},
    time::Timestamp,
    triage::{Assignee, InboxFilter, Scope},
};
use serde_json::json;

use crate::{
    cli::{
        FilterArgs, OriginArg, ReasonArg, StatusArg,
        triage::{EachArgs, Filters, PriorityArg, Triage},
    },
    device::Failure,
    names,
    run::Run,
    words,
};

impl Run {
    pub(crate) async fn triage(&self, device: &Offdesk, command: Triage) -> Result<(), Failure> {
        let find = |typed: &str| names::conversation(device, typed);
        let (id, intent) = match command {
            Triage::Snooze { conversation, until } => {
                let id = find(&conversation)?;
                (id, device.snooze(id, self.time(&until)?)?)
            }
            Triage::Wake(named) => {
                let id = find(&named.conversation)?;
                (id, device.wake(id)?)
            }
            Triage::Priority { conversation, priority } => {
                let id = find(&conversation)?;
                (id, device.set_priority(id, priority_of(priority))?)
            }
            Triage::Queue { conversation, queue } => {
                let id = find(&conversation)?;
                (id, device.move_to_queue(id, names::queue(device, &queue)?)?)
            }
            Triage::Later { conversation, at, text } => {
                let id = find(&conversation)?;
                (id, device.reply_later(id, &text.join(" "), self.time(&at)?)?)
            }
            Triage::Insert { conversation, shortcut } => return self.insert(device, find(&conversation)?, &shortcut),
            Triage::Each { filter, what, limit } => return self.each(device, &filter, &what, limit).await,
        };
        self.saved(device, Some(id), Some(intent)).await
    }

    fn insert(&self, device: &Offdesk, id: ConversationId, shortcut: &str) -> Result<(), Failure> {
        let found = device.canned(shortcut)?;
        let exact = found.iter().find(|one| one.canned.shortcut.eq_ignore_ascii_case(shortcut));
        let chosen =
            exact.or(found.first()).ok_or_else(|| Failure::Name(format!("nothing is canned as '{shortcut}'")))?;
        let expanded = device.insert_canned(id, chosen.id)?;
        let draft = device.draft(id)?.unwrap_or_default();
        self.out.say(&json!({ "draft": draft, "missing": expanded.missing }), || vec![draft.clone()])
    }

    async fn each(&self, device: &Offdesk, filter: &FilterArgs, what: &EachArgs, limit: usize) -> Result<(), Failure> {
        let rows = device.inbox(&filter_of(device, filter)?, limit, None)?;
        let all: Vec<ConversationId> = rows.iter().map(|row| row.conversation).collect();
        let (done, refused) = match self.verb(device, what)? {
            None => {
                device.mark_each_read(&all)?;
                (all.len(), Vec::new())
            }
            Some(verb) => {
                let outcomes = device.on_each(&all, &verb)?;
                let done = outcomes.iter().filter(|(_, outcome)| outcome.is_ok()).count();
                let why = |(id, outcome): (ConversationId, Result<_, offdesk_core::engine::Error>)| {
                    outcome.err().map(|error| (id, error.to_string()))
                };
                (done, outcomes.into_iter().filter_map(why).collect::<Vec<_>>())
            }
        };
        let synced = self.settle(device).await;
        let said = json!({ "done": done, "refused": refused, "synced": synced.is_ok() });
        self.out.say(&said, || {
            let refused = refused.iter().map(|(id, why)| format!("{id}: {why}"));
            std::iter::once(format!("saved for {done} of {}", all.len())).chain(refused).collect()
        })
    }

    /// `None`: mark them read, which is no intent.
    fn verb(&self, device: &Offdesk, what: &EachArgs) -> Result<Option<Verb>, Failure> {
        if let Some(tag) = &what.add_tag {
            return Ok(Some(Verb::AddTag { tag: tag.clone() }));
        }
        if let Some(member) = &what.assign {
            return Ok(Some(Verb::Assign { member: names::member(device, Some(member))? }));
        }
        if let Some(priority) = what.set_priority {
            return Ok(Some(Verb::SetPriority { priority: priority_of(priority) }));
        }
        if let Some(until) = &what.snooze {
            return Ok(Some(Verb::Snooze { until: self.time(until)?, seen: None, replaces: Vec::new() }));
        }
        Ok(what.close.then_some(Verb::Close { seen: None }))
    }

    pub(crate) async fn filters(&self, device: &Offdesk, command: Filters) -> Result<(), Failure> {
        match command {
            Filters::List => {
                let saved = device.saved_filters()?;
                return self.out.say(&json!({ "filters": saved }), || {
                    saved.iter().map(|saved| format!("{}  {}", saved.id, saved.name)).collect()
                });
            }
            Filters::Save { name, filter } => {
                device.save_filter(&name, &filter_of(device, &filter)?)?;
            }
            Filters::Rename { filter, name } => {
                device.change_filter(names::filter(device, &filter)?.id, Some(&name), None)?;
            }
            Filters::Delete { filter } => device.delete_filter(names::filter(device, &filter)?.id)?,
        }
        self.saved(device, None, None).await
    }

    pub(crate) fn time(&self, typed: &str) -> Result<Timestamp, Failure> {
        let said = "is no time: write 30m, 3h, 2d, tomorrow, 17:30, or 2026-11-22 09:00";
        words::time_of(typed, self.now).ok_or_else(|| Failure::Usage(format!("'{typed}' {said}")))
    }
}

const fn priority_of(priority: PriorityArg) -> Priority {
    match priority {
        PriorityArg::Low => Priority::Low,
        PriorityArg::Normal => Priority::Normal,
        PriorityArg::High => Priority::High,
        PriorityArg::Urgent => Priority::Urgent,
    }
}

pub(crate) fn filter_of(device: &Offdesk, args: &FilterArgs) -> Result<InboxFilter, Failure> {
    if let Some(name) = &args.filter {
        return Ok(names::filter(device, name)?.filter);
    }
    let assignee = match &args.assignee {
        Some(typed) => Some(Assignee::Member(names::member(device, Some(typed))?)),
        None => args.unassigned.then_some(Assignee::Nobody),
    };
    Ok(InboxFilter {
        scope: if args.mine { Scope::AssignedToMe } else { Scope::All },
        status: args.status.map(|status| match status {
            StatusArg::Open => Status::Open,
            StatusArg::Closed => Status::Closed,
        }),
        unread: args.unread,
        needs_reply: args.needs_reply,
        assignee,
        reason: args.reason.map(|reason| match reason {
            ReasonArg::Manual => AssignmentReason::Manual,
            ReasonArg::Reply => AssignmentReason::Reply,
            ReasonArg::Automation => AssignmentReason::Automation,
        }),
        tag: args.tag.clone(),
        origin: args.origin.map(|origin| match origin {
            OriginArg::Direct => Origin::Direct,
            OriginArg::Campaign => Origin::Campaign,
            OriginArg::CartRecovery => Origin::CartRecovery,
        }),
        contact: None,
        blocked: args.blocked,
        queue: args.queue.as_deref().map(|queue| names::queue(device, queue)).transpose()?.flatten(),
        priority: args.priority.map(priority_of),
        snoozed: (args.snoozed || args.awake).then_some(args.snoozed),
    })
}
