//! A bystander who reads the relay's log after each of its commits and draws own conclusions, straight from the rules: who
//! sees what (R3 to R8), who is alerted of what (R11 to R14), which change came under which number. It shares the
//! documents' format with the code under test, and none of its logic.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use offdesk_core::{
    alerts::router::alert_id,
    ids::{AlertId, DocumentId, IntentId, MemberId, QueueId},
    model::{
        Contact, ContactAccess, Conversation, DashboardAccess, Directory, Document, Kind, MessageAccess, MessageKind,
        RefusalCode, Settings, document::parse_change,
    },
    protocol::{FactBody, PushedIntent, RegisterContent, Response, Verdict},
};
use offdesk_relay::store::Solo;

use crate::world::{Violation, broken};

/// A document as the log makes it.
#[derive(Clone)]
pub struct Mirror {
    pub kind: Kind,
    pub document: Document,
    pub conversation: Option<Conversation>,
    pub contact: Option<Contact>,
}

/// Who sees what.
#[derive(Clone, Debug, Default)]
pub struct Visible {
    /// What each member's devices are sent.
    pub dashboard: BTreeMap<MemberId, BTreeSet<DocumentId>>,
    /// What each member may open through a contact's record (R7).
    pub record: BTreeMap<MemberId, BTreeSet<DocumentId>>,
}

/// A member's access in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    pub dashboard: DashboardAccess,
    pub contacts: ContactAccess,
    pub messages: MessageAccess,
}

/// The bystander.
#[derive(Clone, Default)]
pub struct Witness {
    last: u64,
    pub mirrors: BTreeMap<DocumentId, Mirror>,
    pub directory: Directory,
    pub settings: Settings,
    /// The alerts that must be there.
    pub alerts: BTreeMap<DocumentId, BTreeSet<(MemberId, AlertId)>>,
    /// What was accepted, by intent.
    pub accepted: BTreeMap<IntentId, BTreeSet<DocumentId>>,
    /// What was judged under each number of each actor, in every life of the relay.
    used: BTreeMap<(DocumentId, Vec<u8>, u64), [u8; 32]>,
    /// Final verdicts of this life of the relay.
    verdicts: BTreeMap<(DocumentId, [u8; 32]), Verdict>,
    visible: Option<Rc<Visible>>,
    /// How far each member has read, and the last place of the log that said so.
    read: (u64, BTreeMap<(MemberId, Vec<u8>), u64>),
}

impl Witness {
    /// Takes the place of this one after the relay was put back to when `backup` stood: what was used up stays used up.
    pub fn put_back(&mut self, backup: &Witness) {
        let used = std::mem::take(&mut self.used);
        *self = Witness { used, visible: None, ..backup.clone() };
    }

    /// Reads what the log has gained.
    pub fn observe(&mut self, solo: &mut Solo) -> Result<(), Violation> {
        let rows = new_changes(solo, self.last);
        if !rows.is_empty() {
            self.visible = None;
        }
        for (document, kind, seq, bytes, intent) in rows {
            if seq <= self.last {
                return broken("the log is one order", format!("place {seq} was given twice"));
            }
            self.last = seq;
            self.take(document, kind, &bytes, intent)?;
        }
        self.registers(solo)
    }

    /// R25: a read mark only moves forward.
    fn registers(&mut self, solo: &mut Solo) -> Result<(), Violation> {
        let (last, marks) = &mut self.read;
        let sql = "SELECT seq, member, key, content FROM registers WHERE seq > ?1 ORDER BY seq";
        let mut statement = solo.connection().prepare_cached(sql).unwrap();
        let mut rows = statement.query([*last]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            *last = row.get(0).unwrap();
            let (member, key) = (MemberId(row.get(1).unwrap()), row.get::<_, Vec<u8>>(2).unwrap());
            let content: Vec<u8> = row.get(3).unwrap();
            if let Ok(RegisterContent::Order(order)) = rmp_serde::from_slice(&content)
                && let Some(before) = marks.insert((member, key), order).filter(|before| *before > order)
            {
                return broken(
                    "a read mark only moves forward (R25)",
                    format!("{member} had read up to {before}, now up to {order}"),
                );
            }
        }
        Ok(())
    }

    fn take(&mut self, id: DocumentId, kind: Kind, bytes: &[u8], intent: IntentId) -> Result<(), Violation> {
        let Ok(change) = parse_change(bytes) else { return broken("the log is readable", format!("in {id}")) };
        self.number(id, &change)?;
        if !self.accepted.entry(intent).or_default().insert(id) {
            return broken("an intent counts once", format!("intent {intent} was accepted twice in {id}"));
        }
        let mirror = self.mirrors.entry(id).or_insert_with(|| Mirror {
            kind,
            document: Document::new(kind),
            conversation: None,
            contact: None,
        });
        if let Err(error) = mirror.document.apply(vec![change]) {
            return broken("nothing is accepted before what it builds on", format!("{id}: {error}"));
        }
        match kind {
            Kind::Conversation => {
                let before = mirror.conversation.take();
                let after = Conversation::read(&mirror.document);
                mirror.conversation = after.clone();
                if let Some(after) = after {
                    self.alert(id, intent, before.as_ref(), &after);
                }
            }
            Kind::Contact => mirror.contact = Contact::read(id, &mirror.document),
            Kind::Directory => self.directory = Directory::read(&mirror.document),
            Kind::Settings => self.settings = Settings::read(&mirror.document),
        }
        Ok(())
    }

    fn number(&mut self, id: DocumentId, change: &automerge::Change) -> Result<(), Violation> {
        let key = (id, change.actor_id().to_bytes().to_vec(), change.seq());
        let hash = change.hash().0;
        match self.used.insert(key, hash) {
            Some(before) if before != hash => broken(
                "no (actor, seq) is used twice",
                format!("{id}: seq {} of actor {} is two changes", change.seq(), change.actor_id()),
            ),
            _ => Ok(()),
        }
    }

    /// A group was judged, and its author is told so. A copy that was made while a push of the original was under way can't be
    /// told from it before both have pushed: meanwhile both may use one number, which the relay refuses to whoever is second.
    pub fn judged(&mut self, group: &[PushedIntent], verdict: &Verdict, copied: bool) -> Result<(), Violation> {
        let taken = matches!(verdict, Verdict::Rejected(refusal) if refusal.code == RefusalCode::ActorSequence);
        if matches!(verdict, Verdict::RetryAfter(_)) || (copied && taken) {
            return Ok(());
        }
        for intent in group {
            let Ok(change) = parse_change(&intent.change) else { continue };
            self.number(intent.document, &change)?;
            let key = (intent.document, change.hash().0);
            if matches!(verdict, Verdict::Duplicate(_)) && matches!(self.verdicts.get(&key), Some(Verdict::Accepted(_)))
            {
                return broken("a verdict is final", format!("intent {} was accepted, then a duplicate", intent.id));
            }
            if !matches!(verdict, Verdict::Accepted(_) | Verdict::Rejected(_) | Verdict::NeedsAccess) {
                continue;
            }
            let known = self.verdicts.entry(key).or_insert_with(|| verdict.clone());
            let same = match (&*known, verdict) {
                (Verdict::Accepted(_), Verdict::Accepted(_)) => true,
                (one, other) => one == other,
            };
            if !same {
                return broken(
                    "a verdict is final",
                    format!("intent {} was told {known:?}, then {verdict:?}", intent.id),
                );
            }
        }
        Ok(())
    }

    /// The queue that a conversation is in.
    pub fn queue_of(&self, conversation: DocumentId) -> Option<QueueId> {
        self.mirrors.get(&conversation)?.conversation.as_ref()?.sorting.queue
    }

    /// R26: whether a contact is blocked as spam.
    pub fn is_blocked(&self, contact: DocumentId) -> bool {
        let card = self.mirrors.get(&contact).and_then(|mirror| mirror.contact.as_ref());
        card.is_some_and(|card| card.reach.blocked)
    }

    /// R11 to R14, and the mentions of R26, as they stand in the rules.
    fn alert(&mut self, id: DocumentId, intent: IntentId, before: Option<&Conversation>, after: &Conversation) {
        let assignees: BTreeSet<MemberId> = after.assignments.iter().map(|assignment| assignment.key.member).collect();
        let mut told: BTreeSet<(MemberId, IntentId)> = BTreeSet::new();
        for message in after.messages.values().filter(|message| message.kind == MessageKind::Inbound) {
            if before.is_some_and(|before| before.messages.contains_key(&message.id)) {
                continue;
            }
            let effective: Vec<MemberId> =
                assignees.iter().copied().filter(|member| self.has_dashboard(*member)).collect();
            if self.is_blocked(after.contact) {
                continue;
            }
            if effective.is_empty() {
                // R12: in a queue with members, only its `all` members.
                let queue = after.sorting.queue.and_then(|queue| self.settings.queues.get(&queue));
                let on_it = queue.filter(|queue| !queue.archived && !queue.members.is_empty());
                let everybody = self.directory.members.keys().copied();
                let everybody = everybody.filter(|member| on_it.is_none_or(|queue| queue.members.contains(member)));
                told.extend(
                    everybody
                        .filter(|member| {
                            self.level(*member).is_some_and(|level| level.dashboard == DashboardAccess::All)
                        })
                        .map(|member| (member, message.id)),
                );
            } else {
                told.extend(effective.into_iter().map(|member| (member, message.id)));
            }
        }
        for assignment in &after.assignments {
            let member = assignment.key.member;
            let known = before.is_some_and(|before| before.assignments.iter().any(|known| known.key.member == member));
            let new = assignment.key.intent == intent && !known;
            if new && assignment.by.is_some_and(|by| by != member) && self.has_dashboard(member) {
                told.insert((member, intent));
            }
        }
        for note in after.messages.values().filter(|message| message.kind == MessageKind::Note) {
            if before.is_some_and(|before| before.messages.contains_key(&note.id)) {
                continue;
            }
            let sees = |member: &MemberId| match self.level(*member).map(|level| level.dashboard) {
                Some(DashboardAccess::All) => true,
                Some(DashboardAccess::Assigned) => assignees.contains(member),
                Some(DashboardAccess::None) | None => false,
            };
            let called = note.mentions.iter().copied().filter(|member| note.by != Some(*member));
            told.extend(called.filter(sees).map(|member| (member, note.id)));
        }
        let alerts = self.alerts.entry(id).or_default();
        alerts.extend(told.into_iter().map(|(member, cause)| (member, alert_id(member, cause))));
    }

    /// A member's access now; `None` if they are not active.
    pub fn level(&self, id: MemberId) -> Option<Level> {
        let member = self.directory.members.get(&id).filter(|member| member.active)?;
        let role = member.role.and_then(|role| self.directory.roles.get(&role));
        Some(role.map_or(
            // R2: no role, no Conversations at all.
            Level { dashboard: DashboardAccess::None, contacts: ContactAccess::None, messages: MessageAccess::None },
            |role| Level {
                dashboard: member.dashboard_override.unwrap_or(role.dashboard),
                contacts: role.contacts,
                messages: role.messages,
            },
        ))
    }

    /// R8: whether an assignment of theirs counts.
    pub fn has_dashboard(&self, member: MemberId) -> bool {
        self.level(member).is_some_and(|level| level.dashboard != DashboardAccess::None)
    }

    /// Who sees what now.
    pub fn visible(&mut self) -> Rc<Visible> {
        if let Some(visible) = &self.visible {
            return visible.clone();
        }
        let mut visible = Visible::default();
        for member in self.directory.members.keys() {
            if let Some(level) = self.level(*member) {
                let (dashboard, record) = self.seen_by(*member, level);
                visible.dashboard.insert(*member, dashboard);
                visible.record.insert(*member, record);
            }
        }
        self.visible.insert(Rc::new(visible)).clone()
    }

    fn seen_by(&self, member: MemberId, level: Level) -> (BTreeSet<DocumentId>, BTreeSet<DocumentId>) {
        let (mut dashboard, mut record) = (BTreeSet::new(), BTreeSet::new());
        let opens_record = |id: &DocumentId| match level.contacts {
            ContactAccess::All => true,
            ContactAccess::Own => self
                .mirrors
                .get(id)
                .and_then(|mirror| mirror.contact.as_ref())
                .is_some_and(|contact| contact.owner == Some(member) || contact.shared_with.contains(&member)),
            ContactAccess::None => false,
        };
        for (id, mirror) in &self.mirrors {
            match mirror.kind {
                Kind::Directory | Kind::Settings => drop(dashboard.insert(*id)),
                Kind::Contact => {
                    if opens_record(id) {
                        dashboard.insert(*id);
                    }
                }
                Kind::Conversation => {
                    let Some(conversation) = &mirror.conversation else { continue };
                    let assigned = conversation.assignments.iter().any(|known| known.key.member == member);
                    let sees = match level.dashboard {
                        DashboardAccess::All => true,
                        DashboardAccess::Assigned => assigned,
                        DashboardAccess::None => false,
                    };
                    if sees {
                        dashboard.insert(*id);
                        // R7: seeing a conversation includes its contact's card.
                        dashboard.insert(conversation.contact);
                    }
                    if level.messages >= MessageAccess::Read && opens_record(&conversation.contact) {
                        record.insert(*id);
                    }
                }
            }
        }
        (dashboard, record)
    }

    /// R5, R9: nothing of a document leaves for a device whose member may not see it, and no alert of another member.
    pub fn may_be_sent(&self, member: MemberId, visible: &Visible, frame: &Response) -> Result<(), Violation> {
        let (document, facts) = match frame {
            Response::Snapshot { document, facts, .. } | Response::Delta { document, facts, .. } => (document, facts),
            _ => return Ok(()),
        };
        let seen = [&visible.dashboard, &visible.record]
            .iter()
            .any(|all| all.get(&member).is_some_and(|seen| seen.contains(document)));
        if !seen {
            return broken(
                "what may not be seen is not sent (R5, R9)",
                format!("{document} goes to a device of {member}, who may not see it"),
            );
        }
        for fact in facts {
            let FactBody::Alert(alert) = &fact.body else { continue };
            let theirs = self.alerts.get(document).is_some_and(|alerts| alerts.contains(&(member, alert.id)));
            if !theirs {
                return broken(
                    "alerts are as R11 to R14 say",
                    format!("{member} is sent alert {alert:?} of {document}"),
                );
            }
        }
        Ok(())
    }
}

type Row = (DocumentId, Kind, u64, Vec<u8>, IntentId);

fn new_changes(solo: &mut Solo, since: u64) -> Vec<Row> {
    let connection = solo.connection();
    let mut statement = connection
        .prepare_cached(
            "SELECT c.document, d.kind, c.seq, c.bytes, c.intent FROM documents d JOIN changes c ON c.document = d.id
             WHERE d.last_seq > ?1 AND c.seq > ?1 ORDER BY c.seq",
        )
        .unwrap();
    let rows = statement.query_map([since], |row| {
        Ok((
            DocumentId(row.get(0)?),
            Kind::from_code(row.get(1)?).unwrap(),
            row.get(2)?,
            row.get(3)?,
            IntentId(row.get(4)?),
        ))
    });
    rows.unwrap().map(Result::unwrap).collect()
}
