//! Judges the actions of one change.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    ids::{MemberId, MessageId, QueueId},
    model::{
        Action, Contact, Conversation, Directory, MessageKind, NewMessage, Origin, Queue, Refusal, RefusalCode,
        action::ContactField, conversation::AssignmentReason,
    },
    policy::{access::Access, held},
    time::Timestamp,
};

/// What the judge knows about a conversation beside its document.
#[derive(Clone, Debug)]
pub struct ConversationFacts<'a> {
    /// The conversation before the change; `None` if the change opens it.
    pub conversation: Option<&'a Conversation>,
    /// The workspace's queues.
    pub queues: &'a BTreeMap<QueueId, Queue>,
    /// The messages that are held now, with their author and the time since which they are.
    pub held: BTreeMap<MessageId, (MemberId, Timestamp)>,
    /// The members and roles.
    pub directory: &'a Directory,
    /// Our numbers, in E.164, from which an SMS conversation may be opened.
    pub numbers: &'a [String],
    /// R33: how long only the author may decide about a held reply.
    pub held_author_only: std::time::Duration,
    /// The judge's clock.
    pub now: Timestamp,
}

/// How far ahead a snooze or a message that is sent later may lie: a year.
pub const MAX_AHEAD: Duration = Duration::from_secs(366 * 24 * 60 * 60);

pub(super) fn forbid(path: &str, reason: &str) -> Refusal {
    Refusal::new(RefusalCode::Forbidden, path, reason)
}

/// Judges a change of a conversation by a member who sees it, or opens it with this change.
///
/// # Errors
/// The first [`Refusal`] found, with the rule in its reason's words.
pub fn judge_conversation(access: &Access, actions: &[Action], facts: &ConversationFacts<'_>) -> Result<(), Refusal> {
    let sends = actions
        .iter()
        .any(|action| matches!(action, Action::AddMessage { message, .. } if message.kind == MessageKind::Outbound));
    for action in actions {
        judge_one(access, action, actions, facts)?;
    }
    // R17: who sends is assigned in the same change.
    let assigns_self =
        actions.iter().any(|action| matches!(action, Action::Assign { key, .. } if key.member == access.member));
    if sends && !assigns_self {
        return Err(Refusal::new(
            RefusalCode::Malformed,
            "assignments",
            "a reply assigns its author in the same change (R17)",
        ));
    }
    Ok(())
}

fn judge_one(access: &Access, action: &Action, all: &[Action], facts: &ConversationFacts<'_>) -> Result<(), Refusal> {
    // R7: write access is needed to reply, and for whatever changes the conversation.
    let need_write = |path: &str| {
        if access.writes() { Ok(()) } else { Err(forbid(path, "your role may not write in conversations (R7)")) }
    };
    match action {
        Action::OpenConversation { channel, .. } => {
            need_write("conversation")?;
            let known = match channel {
                crate::model::Channel::Sms(number) => facts.numbers.contains(number),
                crate::model::Channel::WebChat(_) => false,
            };
            if known {
                Ok(())
            } else {
                Err(Refusal::new(
                    RefusalCode::UnknownChannel,
                    "channel",
                    "the workspace can't start conversations from there",
                ))
            }
        }
        // Marked later, at whatever time its author claims, it would come before what the relay marked (R22, R41).
        Action::AddOrigin { origin: Origin::Direct, .. } if opens(all) => need_write("origins"),
        Action::AddOrigin { .. } => Err(Refusal::new(
            RefusalCode::ForgedAuthor,
            "origins",
            "a member marks no origin but that of a conversation that they open (R22)",
        )),
        Action::AddMessage { message, .. } => {
            need_write("messages")?;
            judge_message(message, facts)
        }
        Action::Assign { key, by, reason, .. } => {
            need_write("assignments")?;
            judge_assignment(access, key.member, *by, *reason, all, facts)
        }
        // Removing what is gone already is harmless: both removers meant the same.
        Action::Unassign { .. } => need_write("assignments"),
        Action::Close { .. } => need_write("closings"),
        Action::Reopen { closing, .. } => {
            need_write("reopenings")?;
            let known = facts
                .conversation
                .is_some_and(|conversation| conversation.closings.iter().any(|known| known.id == *closing));
            if known {
                Ok(())
            } else {
                Err(Refusal::new(RefusalCode::WrongType, "reopenings", "it names no closing of this conversation"))
            }
        }
        Action::AddTag { .. } | Action::RemoveTag { .. } => need_write("tags"),
        Action::Snooze { until, .. } => {
            need_write("snoozes")?;
            not_too_far("snoozes", *until, facts.now)
        }
        Action::Wake { snooze, .. } => {
            need_write("snoozes")?;
            let known = facts.conversation.is_some_and(|on| on.sorting.snoozes.iter().any(|known| known.id == *snooze));
            if known {
                Ok(())
            } else {
                Err(Refusal::new(RefusalCode::WrongType, "snoozes", "it names no snooze of this conversation"))
            }
        }
        Action::SetPriority { .. } => need_write("priority"),
        Action::SetQueue { queue } => {
            need_write("queue")?;
            let there = queue.is_none_or(|queue| facts.queues.get(&queue).is_some_and(|queue| !queue.archived));
            if there {
                Ok(())
            } else {
                Err(Refusal::new(
                    RefusalCode::UnknownQueue,
                    "queue",
                    "there is no such queue, or it is archived: choose another one",
                ))
            }
        }
        Action::SetDetail { .. } => Err(Refusal::new(
            RefusalCode::ForgedAuthor,
            "fields",
            "only the relay says what campaign or checkout it comes from (R22)",
        )),
        Action::DecideHeld { message, .. } => {
            need_write("decisions")?;
            held::judge_decision(access.member, *message, facts)
        }
        _ => Err(Refusal::new(RefusalCode::UnknownPath, "conversation", "not a part of a conversation")),
    }
}

fn opens(actions: &[Action]) -> bool {
    actions.iter().any(|action| matches!(action, Action::OpenConversation { .. }))
}

fn judge_message(message: &NewMessage, facts: &ConversationFacts<'_>) -> Result<(), Refusal> {
    if !message.mentions.iter().all(|member| facts.directory.members.contains_key(member)) {
        return Err(Refusal::new(RefusalCode::WrongType, "messages", "a note mentions members only"));
    }
    message.later.map_or(Ok(()), |later| not_too_far("messages", later, facts.now))
}

fn not_too_far(path: &str, time: Timestamp, now: Timestamp) -> Result<(), Refusal> {
    if time <= now.after(MAX_AHEAD) {
        Ok(())
    } else {
        Err(Refusal::new(RefusalCode::WrongType, path, "this lies more than a year ahead: choose an earlier time"))
    }
}

fn judge_assignment(
    access: &Access,
    member: MemberId,
    by: Option<MemberId>,
    reason: AssignmentReason,
    all: &[Action],
    facts: &ConversationFacts<'_>,
) -> Result<(), Refusal> {
    match reason {
        AssignmentReason::Automation => {
            Err(Refusal::new(RefusalCode::ForgedAuthor, "assignments", "only automations assign with this reason"))
        }
        AssignmentReason::Reply => {
            let replies = all.iter().any(
                |action| matches!(action, Action::AddMessage { message, .. } if message.kind == MessageKind::Outbound),
            );
            if member == access.member && by == Some(access.member) && replies {
                // R8: a `none` member's record-path reply is accepted with an inert assignment.
                Ok(())
            } else {
                Err(Refusal::new(
                    RefusalCode::Malformed,
                    "assignments",
                    "the reason 'reply' belongs to a reply of the one assigned (R17)",
                ))
            }
        }
        AssignmentReason::Manual => {
            // A manual assignment of oneself inside a reply is also how the relay reads R17 when the reason was lost.
            let eligible = Access::of(facts.directory, member).is_some_and(|access| access.assignable());
            if eligible {
                Ok(())
            } else {
                Err(Refusal::new(
                    RefusalCode::NotEligible,
                    "assignments",
                    "this member can't be assigned: no dashboard access (R8)",
                ))
            }
        }
    }
}

/// Judges a change of a contact by a member. `before` is the contact before the change, `None` if the change creates it.
///
/// # Errors
/// `forbidden` without access to the record, `invalid_phone` for a phone that is not E.164, `wrong_type` for an owner
/// that is no member.
pub fn judge_contact(
    access: &Access,
    actions: &[Action],
    before: Option<&Contact>,
    directory: &Directory,
) -> Result<(), Refusal> {
    let sees = before.is_none_or(|contact| access.sees_record(contact));
    // Starting a conversation creates its contact: write access to messages is enough for a new one.
    let may = if before.is_none() { access.opens_record(true) || access.writes() } else { sees };
    if !may {
        return Err(forbid("contact", "you can't change this contact's record (R7)"));
    }
    for action in actions {
        match action {
            Action::SetContactField { field: ContactField::Owner, value: Some(owner) } => {
                let known = directory.members.keys().any(|member| member.to_string() == *owner);
                if !known {
                    return Err(Refusal::new(RefusalCode::WrongType, "owner", "the record owner must be a member"));
                }
            }
            Action::ShareContact { member } if !directory.members.contains_key(member) => {
                return Err(Refusal::new(RefusalCode::WrongType, "shared", "a record is shared with members only"));
            }
            Action::AddPhone { phone } | Action::SetConsent { phone, .. } if !crate::phone::is_e164(phone) => {
                return Err(Refusal::new(
                    RefusalCode::InvalidPhone,
                    "phones",
                    "a phone is written in E.164, such as +15550102030",
                ));
            }
            Action::SetContactField { .. }
            | Action::AddPhone { .. }
            | Action::RemovePhone { .. }
            | Action::ShareContact { .. }
            | Action::UnshareContact { .. }
            | Action::SetConsent { .. }
            | Action::SetBlocked { .. }
            | Action::SetCustomField { .. } => {}
            _ => return Err(Refusal::new(RefusalCode::UnknownPath, "contact", "not a part of a contact")),
        }
    }
    Ok(())
}
