//! A push: groups in, verdicts out, all in the writer's transaction.

use offdesk_core::{
    failpoint,
    ids::{DeviceId, DocumentId, MemberId, WorkspaceId},
    model::{Kind, Refusal, RefusalCode, action::MAX_TEXT_BYTES, document, inspect},
    policy::Access,
    protocol::{Incarnation, PushedIntent, RegisterContent, RegisterKey, RegisterWrite, Response, Seq, Verdict},
    time::Timestamp,
};
use rusqlite::{OptionalExtension, params};

use crate::{
    accept::{
        apply::{self, Accepted},
        document_row,
        judge::{GroupState, Passed, Stopped, judge, stored_verdict},
        pack, policies, unpack,
    },
    store::{StoreError, Tx},
};

/// Who pushes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pusher {
    /// Their workspace.
    pub workspace: WorkspaceId,
    /// The member.
    pub member: MemberId,
    /// The device.
    pub device: DeviceId,
}

/// What a device pushes in one request.
#[derive(Clone, Debug, PartialEq)]
pub struct Push {
    /// Which copy of the store speaks.
    pub incarnation: Incarnation,
    /// The push's number.
    pub number: u64,
    /// Its groups.
    pub groups: Vec<Vec<PushedIntent>>,
    /// Its register writes.
    pub registers: Vec<RegisterWrite>,
}

/// The incarnation that accepts whichever comes next: after a restore the relay can't know the devices' present ones.
pub const ANY_INCARNATION: u64 = 0;
/// The most intents of one group.
const MAX_GROUP: usize = 64;
/// Rejected changes of a workspace that are kept for an administrator to inspect: no workspace pushes out another's.
const QUARANTINE: i64 = 1000;
/// The longest text of a saved filter, of quiet hours, of a member's own canned response.
const MAX_CHOSEN_BYTES: usize = 4 * 1024;
/// The most saved filters of a member, and the most canned responses of their own.
const MAX_CHOSEN: i64 = 200;
/// Bytes of an id, with which a register's packed key ends.
const ID_BYTES: usize = 16;
/// How long a device waits before it asks again for a verdict that an older push didn't get.
const RETRY_MS: u64 = 1000;

/// Whether a hello's incarnation is that of a copy: it knows neither the stored one nor comes after a restore. Nobody
/// may store the one that accepts whichever comes next.
pub(crate) fn is_clone(stored: u64, incarnation: Incarnation) -> bool {
    incarnation.next == ANY_INCARNATION
        || stored != ANY_INCARNATION && stored != incarnation.previous && stored != incarnation.next
}

/// Judges and applies a push. Returns the frames that answer it, `None` if the pusher is a clone.
///
/// # Errors
/// As the store's: then nothing of the push is stored.
pub fn push(
    tx: &mut Tx<'_>,
    now: Timestamp,
    pusher: &Pusher,
    push: &Push,
) -> Result<Option<Vec<Response>>, StoreError> {
    let (stored, last): (u64, u64) = tx
        .connection()
        .prepare_cached("SELECT incarnation, push_number FROM devices WHERE id = ?1 AND revoked IS NULL")?
        .query_row([pusher.device.as_bytes()], |row| Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?)))
        .optional()?
        .ok_or(StoreError::Missing("device"))?;
    if is_clone(stored, push.incarnation) {
        return Ok(None);
    }
    let old = push.number <= last;
    if !old {
        tx.connection()
            .prepare_cached("UPDATE devices SET incarnation = ?2, push_number = ?3, last_seen = ?4 WHERE id = ?1")?
            .execute(params![
                pusher.device.as_bytes(),
                push.incarnation.next.cast_signed(),
                push.number,
                now.millis()
            ])?;
    }
    let mut frames = Vec::new();
    for group in &push.groups {
        let verdict = if old { told_before(tx, pusher, group)? } else { judge_group(tx, now, pusher, group)? };
        metrics::counter!(crate::metrics::VERDICTS, "verdict" => name(&verdict)).increment(1);
        frames.push(Response::Verdict { intents: group.iter().map(|intent| intent.id).collect(), verdict });
    }
    if !push.registers.is_empty() && !old {
        let mut versions = Vec::new();
        for write in &push.registers {
            store_register(tx, pusher, write)?;
            versions.push((write.key, write.version));
        }
        frames.push(Response::RegistersStored { versions });
    }
    frames.push(Response::PushDone { number: push.number });
    failpoint::hit("accept.before_commit");
    Ok(Some(frames))
}

/// An older push, overtaken by a newer one, changes nothing any more: it is told what is known.
fn told_before(tx: &Tx<'_>, pusher: &Pusher, group: &[PushedIntent]) -> Result<Verdict, StoreError> {
    let mut told = Verdict::RetryAfter(RETRY_MS);
    for intent in group.iter().take(MAX_GROUP) {
        let Some(change) = parse(&intent.change) else { continue };
        if let Some(verdict) = stored_verdict(tx, pusher.device, intent.document, &change.hash().0)? {
            told = verdict;
        }
    }
    Ok(told)
}

/// Never without the bounds of step 1: Automerge inflates whatever it is given. Bytes that are not what their contents
/// make are passed over: their hash may be that of a sound change, whose verdict this is not.
fn parse(bytes: &[u8]) -> Option<automerge::Change> {
    inspect::inspect(bytes).ok()?;
    document::parse_change(bytes).ok().filter(document::is_canonical)
}

fn judge_group(
    tx: &mut Tx<'_>,
    now: Timestamp,
    pusher: &Pusher,
    group: &[PushedIntent],
) -> Result<Verdict, StoreError> {
    if group.is_empty() || group.len() > MAX_GROUP {
        return Ok(Verdict::Rejected(Refusal::new(RefusalCode::TooLarge, "group", "a group holds 1 to 64 intents")));
    }
    // A single intent is judged before anything is written, so that there is nothing to undo: for what a savepoint might
    // have to undo SQLite writes a copy of each page that changes, a seventh of all that an acceptance costs.
    let several = group.len() > 1;
    if several {
        tx.connection().execute_batch("SAVEPOINT intent_group")?;
    }
    let mut state = GroupState::default();
    match run_group(tx, now, pusher, group, &mut state) {
        Ok(seq) => {
            if several {
                tx.connection().execute_batch("RELEASE intent_group")?;
            }
            Ok(Verdict::Accepted(seq))
        }
        Err(stopped) => {
            if several {
                tx.connection().execute_batch("ROLLBACK TO intent_group; RELEASE intent_group")?;
            }
            for (document, kind) in &state.written {
                tx.cache.documents.pop(document);
                if matches!(kind, Kind::Directory | Kind::Settings) {
                    tx.cache.policies.remove(&pusher.workspace);
                }
            }
            let verdict = match stopped {
                Stopped::Verdict(verdict) => verdict,
                Stopped::Failed(error) => return Err(error),
            };
            if matches!(verdict, Verdict::Rejected(_) | Verdict::NeedsAccess) {
                keep_refusal(tx, now, pusher, group, &verdict)?;
            }
            Ok(verdict)
        }
    }
}

fn run_group(
    tx: &mut Tx<'_>,
    now: Timestamp,
    pusher: &Pusher,
    group: &[PushedIntent],
    state: &mut GroupState,
) -> Result<Seq, Stopped> {
    let mut last = 0;
    let mut known = Vec::new();
    for intent in group {
        match judge(tx, now, pusher, intent, state) {
            Ok(passed) if state.resolved.is_empty() => {
                state.written.insert((intent.document, intent.kind));
                last = accept(tx, now, pusher, intent, &passed)?;
                if passed.creates {
                    state.created.insert(intent.document);
                }
            }
            // Something before it stands for another document: the whole group is run again by its author.
            Ok(_) => {}
            Err(Stopped::Verdict(Verdict::Resolved(pairs))) => state.resolved.extend(pairs),
            Err(Stopped::Verdict(verdict @ (Verdict::Accepted(_) | Verdict::Duplicate(_)))) => known.push(verdict),
            Err(other) => return Err(other),
        }
    }
    if known.len() == group.len() {
        return Err(Stopped::Verdict(together(&known)));
    }
    if !known.is_empty() {
        let reason = "some of the group was accepted before: a group is accepted as a whole";
        let refusal = Refusal::new(RefusalCode::IntentReused, "group", reason);
        return Err(Stopped::Verdict(Verdict::Rejected(refusal)));
    }
    if state.resolved.is_empty() { Ok(last) } else { Err(Stopped::Verdict(Verdict::Resolved(state.resolved.clone()))) }
}

/// The verdict of a group, all of which was accepted before.
fn together(known: &[Verdict]) -> Verdict {
    let duplicate = known.iter().any(|verdict| matches!(verdict, Verdict::Duplicate(_)));
    let last = known
        .iter()
        .filter_map(|verdict| match verdict {
            Verdict::Accepted(seq) | Verdict::Duplicate(seq) => Some(*seq),
            _ => None,
        })
        .max()
        .unwrap_or(0);
    if duplicate { Verdict::Duplicate(last) } else { Verdict::Accepted(last) }
}

/// Step 7 for one intent.
fn accept(
    tx: &mut Tx<'_>,
    now: Timestamp,
    pusher: &Pusher,
    intent: &PushedIntent,
    passed: &Passed,
) -> Result<u64, StoreError> {
    let seq = tx.next_seq(pusher.workspace)?;
    if passed.creates {
        tx.create_document(pusher.workspace, intent.document, intent.kind, seq)?;
    }
    tx.append(intent.document, intent.kind, seq, &passed.change, &passed.actions, intent.id, Some(pusher.device))?;
    apply::consequences(
        tx,
        &Accepted {
            now,
            workspace: pusher.workspace,
            document: intent.document,
            kind: intent.kind,
            seq,
            intent: intent.id,
            author: Some(pusher.member),
            actions: &passed.actions,
            seen: intent.seen,
            reoffered: intent.reoffered,
            automation: None,
        },
    )?;
    if intent.kind == Kind::Conversation {
        follow(tx, pusher, intent.document)?;
    }
    keep_verdict(tx, now, pusher, intent, &passed.change.hash().0, &Verdict::Accepted(seq))?;
    failpoint::hit("accept.in_transaction");
    Ok(seq)
}

/// What a device wrote in, and sees by its contact's record only (R7), it goes on receiving: it holds it.
fn follow(tx: &mut Tx<'_>, pusher: &Pusher, document: DocumentId) -> Result<(), StoreError> {
    let policies = policies(tx, pusher.workspace)?;
    let Some(access) = Access::of(&policies.directory, pusher.member) else { return Ok(()) };
    if access.shows(false) {
        return Ok(());
    }
    let row = document_row(&tx.reading(), document)?.ok_or(StoreError::Missing("conversation"))?;
    if !tx.reading().visibility(&access, document, &row)?.dashboard() {
        tx.connection()
            .prepare_cached("INSERT OR REPLACE INTO fetched (device, document, seq) VALUES (?1, ?2, 0)")?
            .execute(params![pusher.device.as_bytes(), document.as_bytes()])?;
    }
    Ok(())
}

fn keep_verdict(
    tx: &Tx<'_>,
    now: Timestamp,
    pusher: &Pusher,
    intent: &PushedIntent,
    hash: &[u8],
    verdict: &Verdict,
) -> Result<(), StoreError> {
    tx.connection()
        .prepare_cached("INSERT OR IGNORE INTO verdicts (document, hash, device, intent, verdict, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute(params![intent.document.as_bytes(), hash, pusher.device.as_bytes(), intent.id.as_bytes(), pack(verdict)?, now.millis()])?;
    Ok(())
}

fn keep_refusal(
    tx: &Tx<'_>,
    now: Timestamp,
    pusher: &Pusher,
    group: &[PushedIntent],
    verdict: &Verdict,
) -> Result<(), StoreError> {
    let (code, path, reason) = match verdict {
        Verdict::Rejected(refusal) => (refusal.code.name(), refusal.path.to_string(), refusal.reason.to_string()),
        _ => ("needs_access", String::new(), String::new()),
    };
    for intent in group {
        // Bytes that can't be parsed have no hash to know them by; they are refused anew each time.
        if let Some(change) = parse(&intent.change) {
            // A copied change of another device keeps that device's verdict.
            let others = tx.holds(intent.document, intent.kind, &change.hash())?;
            if !others {
                keep_verdict(tx, now, pusher, intent, &change.hash().0, verdict)?;
            }
        }
        let bytes = &intent.change[..intent.change.len().min(inspect::MAX_CHANGE_BYTES)];
        tx.connection()
            .prepare_cached(
                "INSERT INTO quarantine (workspace, device, intent, document, code, path, reason, bytes, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                pusher.workspace.as_bytes(),
                pusher.device.as_bytes(),
                intent.id.as_bytes(),
                intent.document.as_bytes(),
                code,
                path,
                reason,
                bytes,
                now.millis()
            ])?;
    }
    tx.connection()
        .prepare_cached(
            "DELETE FROM quarantine WHERE workspace = ?1
             AND id <= (SELECT id FROM quarantine WHERE workspace = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
        )?
        .execute(params![pusher.workspace.as_bytes(), QUARANTINE])?;
    Ok(())
}

fn store_register(tx: &mut Tx<'_>, pusher: &Pusher, write: &RegisterWrite) -> Result<(), StoreError> {
    let key = pack(&write.key)?;
    let fits = match (&write.key, &write.value) {
        (RegisterKey::ReadMark(_), RegisterContent::Order(_)) => true,
        (RegisterKey::MarkedUnread(_) | RegisterKey::Dismissed(_), RegisterContent::Flag(_)) => true,
        (RegisterKey::Draft(_), RegisterContent::Text(text)) => text.len() <= MAX_TEXT_BYTES,
        (RegisterKey::FollowUp(_) | RegisterKey::Reminded(_) | RegisterKey::Muted(_), RegisterContent::Time(_)) => true,
        (
            RegisterKey::QuietHours | RegisterKey::SavedFilter(_) | RegisterKey::Canned(_),
            RegisterContent::Text(text),
        ) => text.len() <= MAX_CHOSEN_BYTES,
        _ => false,
    };
    if !fits || !has_room(tx, pusher, &write.key)? {
        // A device of ours never writes this; a hostile one is answered as if it were stored, and harms nobody.
        return Ok(());
    }
    let stored: Option<Vec<u8>> = tx
        .connection()
        .prepare_cached("SELECT content FROM registers WHERE member = ?1 AND key = ?2")?
        .query_row(params![pusher.member.as_bytes(), key], |row| row.get(0))
        .optional()?;
    let stored: Option<RegisterContent> = stored.map(|content| unpack(&content, "register")).transpose()?;
    let content = match (&write.value, &stored) {
        // R25: a read mark only moves forward, and nobody has read what is not there yet.
        (RegisterContent::Order(new), old) => {
            let end: Seq = tx
                .connection()
                .prepare_cached("SELECT seq FROM workspaces WHERE id = ?1")?
                .query_row([pusher.workspace.as_bytes()], |row| row.get(0))?;
            let old = if let Some(RegisterContent::Order(old)) = old { *old } else { 0 };
            RegisterContent::Order((*new).min(end).max(old))
        }
        // R16: what was dealt with on one device stays dealt with.
        (RegisterContent::Time(new), Some(RegisterContent::Time(old)))
            if matches!(write.key, RegisterKey::Reminded(_)) =>
        {
            RegisterContent::Time(*new.max(old))
        }
        (value, _) => value.clone(),
    };
    if stored.as_ref() == Some(&content) {
        return Ok(());
    }
    let seq = tx.next_seq(pusher.workspace)?;
    tx.connection()
        .prepare_cached(
            "INSERT INTO registers (member, key, seq, content) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (member, key) DO UPDATE SET seq = excluded.seq, content = excluded.content",
        )?
        .execute(params![pusher.member.as_bytes(), key, seq, pack(&content)?])?;
    Ok(())
}

/// Whether a member may have one more register of those that they make as many of as they like.
fn has_room(tx: &Tx<'_>, pusher: &Pusher, key: &RegisterKey) -> Result<bool, StoreError> {
    if !matches!(key, RegisterKey::SavedFilter(_) | RegisterKey::Canned(_)) {
        return Ok(true);
    }
    let packed = pack(key)?;
    // Keys of a kind begin alike: a map of one, with the kind's name; the id is what differs, at their end.
    let kind = &packed[..packed.len() - ID_BYTES];
    let (known, others): (bool, i64) = tx
        .connection()
        .prepare_cached(
            "SELECT count(*) FILTER (WHERE key = ?2) > 0, count(*) FILTER (WHERE substr(key, 1, ?4) = ?3)
             FROM registers WHERE member = ?1",
        )?
        .query_row(params![pusher.member.as_bytes(), packed, kind, kind.len()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(known || others < MAX_CHOSEN)
}

pub(super) fn name(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Accepted(_) => "accepted",
        Verdict::Duplicate(_) => "duplicate",
        Verdict::Resolved(_) => "resolved",
        Verdict::MovedTo(_) => "moved_to",
        Verdict::MissingDeps(_) => "missing_deps",
        Verdict::Rejected(refusal) => refusal.code.name(),
        Verdict::NeedsAccess => "needs_access",
        Verdict::BlockedBy(_) => "blocked_by",
        Verdict::RetryAfter(_) => "retry_after",
    }
}
