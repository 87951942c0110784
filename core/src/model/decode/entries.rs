//! Entries: what one change writes under a key of its own, immutable afterwards.

use std::collections::{BTreeMap, BTreeSet};

use automerge::ScalarValue;

use super::{Author, Entry, Reader, foreign_key, parse, time};
use crate::{
    ids::{IntentId, MemberId},
    model::{
        Action, AssignmentKey, HeldChoice, MessageKind, NewMessage, Refusal, RefusalCode,
        action::{MAX_MENTIONS, MAX_TEXT_BYTES},
        conversation::{AssignmentReason, keys},
        genesis::{ASSIGNMENTS, CLOSINGS, MESSAGES, REOPENINGS, SNOOZES},
        write::mentions,
    },
    time::Timestamp,
};

/// Bytes of a member's id as text, with the blank after it.
const MEMBER_WITH_BLANK: usize = 27;

impl Reader<'_> {
    pub(super) fn entry(&self, entry: Entry) -> Result<Action, Refusal> {
        let map = entry.map;
        let mut fields = Fields { map, fields: entry.fields };
        let by = fields.member(keys::BY)?;
        if matches!(self.author, Author::Is(author) if author != by) {
            return Err(Refusal::new(
                RefusalCode::ForgedAuthor,
                map,
                "it names another author than the member who sent it",
            ));
        }
        let member = || by.ok_or_else(|| Refusal::new(RefusalCode::WrongType, map, "it names no author"));
        let action = match map {
            MESSAGES => {
                let id = self.own(map, &entry.key)?;
                let kind = fields.text(keys::KIND)?;
                let kind = keys::parse_message_kind(&kind).ok_or_else(|| fields.wrong("no such kind of message"))?;
                if kind == MessageKind::Inbound && matches!(self.author, Author::Is(Some(_))) {
                    return Err(Refusal::new(RefusalCode::ForgedAuthor, map, "only the relay writes inbound messages"));
                }
                let text = fields.text(keys::TEXT)?;
                if text.len() > MAX_TEXT_BYTES {
                    return Err(Refusal::new(RefusalCode::TooLarge, map, "a text has at most 16384 bytes"));
                }
                if text.trim().is_empty() {
                    return Err(fields.wrong("a text is not blank"));
                }
                let (mentions, later) = (fields.mentions()?, fields.optional_time(keys::LATER)?);
                if !mentions.is_empty() && kind != MessageKind::Note {
                    return Err(fields.wrong("members are mentioned in notes only"));
                }
                if later.is_some() && kind != MessageKind::Outbound {
                    return Err(fields.wrong("only what goes to the contact can be sent later"));
                }
                let at = fields.time(keys::AT)?;
                Action::AddMessage { id, message: NewMessage { kind, by, text, at, mentions, later } }
            }
            ASSIGNMENTS => {
                let key: AssignmentKey = parse(map, &entry.key)?;
                if key.intent != self.intent {
                    return Err(foreign_key(map));
                }
                let reason = fields.text(keys::REASON)?;
                let reason = AssignmentReason::from_name(&reason).ok_or_else(|| fields.wrong("no such reason"))?;
                Action::Assign { key, by, reason, at: fields.time(keys::AT)? }
            }
            CLOSINGS => {
                let id = self.own(map, &entry.key)?;
                let seen = fields.optional_text(keys::SEEN)?.map(|seen| parse(map, &seen)).transpose()?;
                Action::Close { id, by: member()?, at: fields.time(keys::AT)?, seen }
            }
            REOPENINGS => {
                let (closing, id) = self.pair(map, &entry.key)?;
                Action::Reopen { closing, id, by: member()?, at: fields.time(keys::AT)? }
            }
            SNOOZES if entry.key.contains('/') => {
                let (snooze, id) = self.pair(map, &entry.key)?;
                Action::Wake { snooze, id, by: member()?, at: fields.time(keys::AT)? }
            }
            SNOOZES => {
                let id = self.own(map, &entry.key)?;
                let seen = fields.optional_text(keys::SEEN)?.map(|seen| parse(map, &seen)).transpose()?;
                let (at, until) = (fields.time(keys::AT)?, fields.time(keys::UNTIL)?);
                Action::Snooze { id, by: member()?, at, until, seen }
            }
            _ => {
                let (message, id) = self.pair(map, &entry.key)?;
                let choice = match fields.text(keys::CHOICE)?.as_str() {
                    keys::SEND => HeldChoice::Send,
                    keys::DROP => HeldChoice::Drop,
                    _ => return Err(fields.wrong("no such choice")),
                };
                Action::DecideHeld { message, id, by: member()?, choice }
            }
        };
        fields.finish()?;
        Ok(action)
    }

    /// An entry's key must carry the intent's own id: nobody writes under another's.
    fn own(&self, map: &'static str, key: &str) -> Result<IntentId, Refusal> {
        let id: IntentId = parse(map, key)?;
        if id == self.intent { Ok(id) } else { Err(foreign_key(map)) }
    }

    fn pair(&self, map: &'static str, key: &str) -> Result<(IntentId, IntentId), Refusal> {
        let (first, second) = key
            .split_once('/')
            .ok_or_else(|| Refusal::new(RefusalCode::UnknownPath, map, "the key is not a pair of ids"))?;
        Ok((parse(map, first)?, self.own(map, second)?))
    }
}
struct Fields {
    map: &'static str,
    fields: BTreeMap<String, ScalarValue>,
}

impl Fields {
    fn wrong(&self, reason: &str) -> Refusal {
        Refusal::new(RefusalCode::WrongType, self.map, reason)
    }

    fn optional_text(&mut self, key: &str) -> Result<Option<String>, Refusal> {
        match self.fields.remove(key) {
            None => Ok(None),
            Some(ScalarValue::Str(text)) => Ok(Some(text.to_string())),
            Some(_) => Err(self.wrong(&format!("{key} must be a text"))),
        }
    }

    fn text(&mut self, key: &str) -> Result<String, Refusal> {
        self.optional_text(key)?.ok_or_else(|| self.wrong(&format!("{key} is missing")))
    }

    fn member(&mut self, key: &str) -> Result<Option<MemberId>, Refusal> {
        self.optional_text(key)?.map(|text| parse(self.map, &text)).transpose()
    }

    fn optional_time(&mut self, key: &str) -> Result<Option<Timestamp>, Refusal> {
        match self.fields.remove(key) {
            None => Ok(None),
            Some(ScalarValue::Timestamp(at)) => time(self.map, at).map(Some),
            Some(_) => Err(self.wrong(&format!("{key} must be a time"))),
        }
    }

    fn time(&mut self, key: &str) -> Result<Timestamp, Refusal> {
        self.optional_time(key)?.ok_or_else(|| self.wrong(&format!("{key} must be a time")))
    }

    /// Ids of members in the one spelling that we write; a text that names nobody would be another spelling of none.
    fn mentions(&mut self) -> Result<BTreeSet<MemberId>, Refusal> {
        let Some(text) = self.optional_text(keys::MENTIONS)? else { return Ok(BTreeSet::new()) };
        if text.len() > MAX_MENTIONS * MEMBER_WITH_BLANK {
            return Err(Refusal::new(RefusalCode::TooLarge, self.map, "a note mentions at most 32 members"));
        }
        let members: BTreeSet<MemberId> = text.split(' ').map(|id| parse(self.map, id)).collect::<Result<_, _>>()?;
        if mentions(&members) == text {
            Ok(members)
        } else {
            Err(self.wrong("mentioned members are named once, in order"))
        }
    }

    fn finish(self) -> Result<(), Refusal> {
        match self.fields.keys().next() {
            Some(key) => Err(Refusal::new(
                RefusalCode::UnknownPath,
                self.map,
                &format!("an entry here has no field '{}'", key.chars().take(64).collect::<String>()),
            )),
            None => Ok(()),
        }
    }
}
