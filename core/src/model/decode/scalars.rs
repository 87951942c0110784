//! Plain values: whoever writes last, or knows of what stood there, decides.

use automerge::ScalarValue;

use super::{Reader, bounded, parse, time};
use crate::{
    ids::MemberId,
    model::{
        Action, Consent, Kind, Origin, Priority, Refusal, RefusalCode,
        action::{ContactField, MAX_FIELD_BYTES, RegisterMap, RegisterValue},
        conversation::keys,
        genesis::{
            AUTOMATIONS, CANNED, CONSENT, CUSTOM, ENGAGEMENTS, FIELDS, HOURS, MEMBERS, ORIGINS, PHONES, QUEUES, ROLES,
            SHARED, TAGS, VALUES,
        },
        write::BLOCKED,
    },
};

impl Reader<'_> {
    pub(super) fn scalar(&mut self, map: &'static str, key: &str, value: Option<&ScalarValue>) -> Result<(), Refusal> {
        let flag = |value: Option<&ScalarValue>| match value {
            Some(ScalarValue::Boolean(true)) => Ok(true),
            None => Ok(false),
            _ => Err(Refusal::new(RefusalCode::WrongType, map, "must be true")),
        };
        let text = |value| optional_text(map, value);
        let action = match (self.document.kind(), map) {
            (Kind::Conversation, TAGS) => {
                if key.is_empty() || key.len() > MAX_FIELD_BYTES || key.trim() != key {
                    return Err(Refusal::new(
                        RefusalCode::WrongType,
                        map,
                        "a tag has 1 to 1024 bytes and no blanks around it",
                    ));
                }
                if flag(value)? { Action::AddTag { tag: key.into() } } else { Action::RemoveTag { tag: key.into() } }
            }
            (Kind::Conversation, ORIGINS) => match (Origin::from_name(key), value) {
                (Some(origin), Some(ScalarValue::Timestamp(at))) => Action::AddOrigin { origin, at: time(map, *at)? },
                (Some(_), None) => return Err(Refusal::new(RefusalCode::WrongAction, map, "an origin stays")),
                _ => return Err(Refusal::new(RefusalCode::WrongType, map, "must be a known origin with a time")),
            },
            (Kind::Conversation, FIELDS) => self.conversation_field(map, key, value)?,
            (Kind::Contact, PHONES) => {
                let phone = key.to_owned();
                if flag(value)? { Action::AddPhone { phone } } else { Action::RemovePhone { phone } }
            }
            (Kind::Contact, SHARED) => {
                let member: MemberId = parse(map, key)?;
                if flag(value)? { Action::ShareContact { member } } else { Action::UnshareContact { member } }
            }
            (Kind::Contact, CONSENT) => {
                let known = |name: String| Consent::from_name(&name);
                let wrong = || Refusal::new(RefusalCode::WrongType, map, "consent is granted or revoked");
                let consent = text(value)?.map(|name| known(name).ok_or_else(wrong)).transpose()?;
                Action::SetConsent { phone: key.into(), consent }
            }
            (Kind::Contact, FIELDS) if key == BLOCKED => Action::SetBlocked { blocked: flag(value)? },
            (Kind::Contact, FIELDS) => {
                let field = match key {
                    "name" => ContactField::Name,
                    "email" => ContactField::Email,
                    "owner" => ContactField::Owner,
                    _ => return Err(Refusal::new(RefusalCode::UnknownPath, map, "a contact has no such field")),
                };
                Action::SetContactField { field, value: text(value)? }
            }
            (Kind::Contact, CUSTOM) => Action::SetCustomField { name: key.into(), value: text(value)? },
            (Kind::Directory, MEMBERS) => self.register(RegisterMap::Members, key, value)?,
            (Kind::Directory, ROLES) => self.register(RegisterMap::Roles, key, value)?,
            (Kind::Settings, VALUES) => self.register(RegisterMap::Values, key, value)?,
            (Kind::Settings, QUEUES) => self.register(RegisterMap::Queues, key, value)?,
            (Kind::Settings, CANNED) => self.register(RegisterMap::Canned, key, value)?,
            (Kind::Settings, ENGAGEMENTS) => self.register(RegisterMap::Engagements, key, value)?,
            (Kind::Settings, AUTOMATIONS) => self.register(RegisterMap::Automations, key, value)?,
            (Kind::Settings, HOURS) => self.register(RegisterMap::Hours, key, value)?,
            _ => return Err(Refusal::new(RefusalCode::UnknownPath, map, "nobody writes this map")),
        };
        self.actions.push(action);
        Ok(())
    }

    fn conversation_field(&self, map: &'static str, key: &str, value: Option<&ScalarValue>) -> Result<Action, Refusal> {
        let text = optional_text(map, value)?;
        match key {
            keys::PRIORITY => match text.as_deref().and_then(Priority::from_name) {
                Some(priority) => Ok(Action::SetPriority { priority }),
                None if text.is_none() => {
                    Err(Refusal::new(RefusalCode::WrongAction, map, "a priority is set anew, not deleted"))
                }
                None => Err(Refusal::new(RefusalCode::WrongType, map, "no such priority")),
            },
            keys::QUEUE => Ok(Action::SetQueue { queue: text.map(|queue| parse(map, &queue)).transpose()? }),
            detail if keys::is_detail(detail) => Ok(Action::SetDetail { name: detail.into(), value: text }),
            _ => Err(Refusal::new(RefusalCode::UnknownPath, map, "a conversation has no such field")),
        }
    }

    fn register(&self, map: RegisterMap, key: &str, value: Option<&ScalarValue>) -> Result<Action, Refusal> {
        let value = match value {
            None => None,
            Some(ScalarValue::Boolean(value)) => Some(RegisterValue::Bool(*value)),
            Some(ScalarValue::Int(value)) => Some(RegisterValue::Int(*value)),
            Some(ScalarValue::Str(value)) if value.len() > map.max_text_bytes() => {
                let reason = format!("longer than {} bytes", map.max_text_bytes());
                return Err(Refusal::new(RefusalCode::TooLarge, key, &reason));
            }
            Some(ScalarValue::Str(value)) => Some(RegisterValue::Text(value.to_string())),
            Some(_) => {
                return Err(Refusal::new(RefusalCode::WrongType, key, "must be a text, a whole number or a yes or no"));
            }
        };
        Ok(Action::SetRegister { map, key: key.into(), value })
    }
}

fn optional_text(path: &'static str, value: Option<&ScalarValue>) -> Result<Option<String>, Refusal> {
    match value {
        Some(ScalarValue::Str(text)) => bounded(path, text).map(Some),
        None => Ok(None),
        Some(_) => Err(Refusal::new(RefusalCode::WrongType, path, "must be a text")),
    }
}
