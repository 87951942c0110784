//! A small relay for tests: accepts changes on real documents and answers as the protocol says. It watches what no device
//! may ever do: use an (actor, seq) for two changes.

use std::collections::{BTreeMap, BTreeSet};

use automerge::ActorId;
use serde_bytes::{ByteArray, ByteBuf};

use crate::{
    ids::{ContactId, ConversationId, DocumentId, IntentId, MemberId, RoleId},
    model::{
        Action, Channel, Contact, ContactAccess, Conversation, DashboardAccess, Document, Kind, Member, MessageAccess,
        MessageKind, NewMessage, Origin, Outline, Refusal, RefusalCode, Role, RoleKind, Settings, decode::decode,
        document::parse_change,
    },
    policy::Visibility,
    protocol::{
        Backfill, Cursor, Delivery, Fact, FactBody, Goodbye, Hello, Incarnation, MessageFact, Outlined, PushedIntent,
        RegisterContent, RegisterKey, Request, Response, Seq, VERSION, Verdict, Welcome,
    },
    time::Timestamp,
};

pub(super) const OUR_NUMBER: &str = "+14155550100";

pub(super) struct Held {
    pub(super) kind: Kind,
    pub(super) document: Document,
    pub(super) created: Seq,
    pub(super) changes: Vec<(Seq, Vec<u8>)>,
    pub(super) facts: Vec<Fact>,
}

/// How the relay treats the next pushes.
#[derive(Clone, Debug, Default)]
pub(super) struct Moods {
    /// Messages with this text are refused.
    pub(super) refuses: BTreeSet<String>,
    /// Contacts with this phone exist, out of the member's sight.
    pub(super) out_of_sight: BTreeSet<String>,
    /// Every store is a copy.
    pub(super) clone: bool,
    /// Groups are put off by so many milliseconds.
    pub(super) later: Option<u64>,
}

#[derive(Default)]
pub(super) struct Relay {
    pub(super) epoch: u64,
    pub(super) seq: Seq,
    pub(super) documents: BTreeMap<DocumentId, Held>,
    pub(super) evicted: BTreeMap<DocumentId, Seq>,
    /// Outbound messages of evicted conversations.
    pub(super) gone: Vec<String>,
    pub(super) moods: Moods,
    pub(super) registers: BTreeMap<RegisterKey, RegisterContent>,
    pub(super) incarnation: u64,
    pub(super) member: Option<MemberId>,
    /// Every push as it came: number and groups.
    pub(super) pushes: Vec<(u64, Vec<Vec<PushedIntent>>)>,
    pub(super) hellos: Vec<Hello>,
    /// Messages accepted, in order.
    pub(super) accepted: Vec<(IntentId, String)>,
    verdicts: BTreeMap<(DocumentId, [u8; 32]), Verdict>,
    intents: BTreeMap<(IntentId, DocumentId), Seq>,
    /// Who used which (actor, seq), whether accepted or not.
    pub(super) used: BTreeMap<(Vec<u8>, u64), [u8; 32]>,
    last_id: u8,
}

impl Relay {
    pub(super) fn new(member: MemberId) -> Self {
        let mut relay = Self { epoch: 1, member: Some(member), incarnation: 7, ..Self::default() };
        let role = Role {
            id: RoleId([1; 16]),
            name: "Sales".into(),
            kind: RoleKind::User,
            dashboard: DashboardAccess::All,
            contacts: ContactAccess::All,
            messages: MessageAccess::Write,
        };
        let ann =
            Member { id: member, name: "Ann".into(), role: Some(role.id), dashboard_override: None, active: true };
        let (directory, settings) = (relay.id(), relay.id());
        relay.create(directory, Kind::Directory);
        relay.author(directory, &[role.actions(), ann.actions()].concat());
        relay.create(settings, Kind::Settings);
        relay.author(settings, &Settings { numbers: vec![OUR_NUMBER.into()], ..Settings::default() }.actions());
        relay
    }

    pub(super) fn id(&mut self) -> DocumentId {
        self.last_id += 1;
        DocumentId([self.last_id; 16])
    }

    fn create(&mut self, id: DocumentId, kind: Kind) {
        self.seq += 1;
        let created = self.seq;
        let held = Held { kind, document: Document::new(kind), created, changes: Vec::new(), facts: Vec::new() };
        self.documents.insert(id, held);
    }

    /// One change of the relay itself.
    pub(super) fn author(&mut self, id: DocumentId, actions: &[Action]) -> IntentId {
        self.seq += 1;
        let mut intent = [0xee; 16];
        intent[8..].copy_from_slice(&self.seq.to_be_bytes());
        let intent = IntentId(intent);
        let held = self.documents.get_mut(&id).unwrap();
        let actor = ActorId::from([0xaa, id.0[0], self.epoch as u8]);
        let change = held.document.author(actor, intent, Timestamp(1_000), actions).unwrap();
        held.changes.push((self.seq, change.raw_bytes().to_vec()));
        intent
    }

    /// A contact with a conversation over SMS.
    pub(super) fn conversation(&mut self, name: &str, phone: &str) -> (ContactId, DocumentId) {
        let (contact, document) = (self.id(), self.id());
        self.create(contact, Kind::Contact);
        let name =
            Action::SetContactField { field: crate::model::action::ContactField::Name, value: Some(name.into()) };
        self.author(contact, &[name, Action::AddPhone { phone: phone.into() }]);
        self.create(document, Kind::Conversation);
        let open = Action::OpenConversation {
            conversation: ConversationId(document.0),
            contact,
            channel: Channel::Sms(OUR_NUMBER.into()),
        };
        self.author(document, &[open, Action::AddOrigin { origin: Origin::Direct, at: Timestamp(1_000) }]);
        (contact, document)
    }

    /// The contact writes.
    pub(super) fn inbound(&mut self, document: DocumentId, text: &str) -> IntentId {
        let message = NewMessage::new(MessageKind::Inbound, None, text.into(), Timestamp(1_000));
        let mut id = [0xdd; 16];
        id[8..].copy_from_slice(&(self.seq + 1).to_be_bytes());
        let id = IntentId(id);
        self.author(document, &[Action::AddMessage { id, message }]);
        self.fact(document, id, Delivery::Received);
        id
    }

    pub(super) fn fact(&mut self, document: DocumentId, id: IntentId, delivery: Delivery) {
        let seq = self.seq;
        let body = FactBody::Message(MessageFact { id, order: seq, at: Timestamp(seq as i64 * 1_000), delivery });
        self.documents.get_mut(&document).unwrap().facts.push(Fact { seq, body });
    }

    pub(super) fn evict(&mut self, document: DocumentId) {
        self.seq += 1;
        let held = self.documents.remove(&document).unwrap();
        let messages = Conversation::read(&held.document).map(|on| on.messages).unwrap_or_default();
        let own = messages.into_values().filter(|message| message.kind == MessageKind::Outbound);
        self.gone.extend(own.map(|message| message.text));
        self.evicted.insert(document, self.seq);
    }

    pub(super) fn texts(&self, document: DocumentId) -> Vec<String> {
        let conversation = Conversation::read(&self.documents[&document].document).unwrap();
        let mut texts: Vec<_> =
            conversation.messages.values().map(|message| (message.at, message.text.clone())).collect();
        texts.sort();
        texts.into_iter().map(|(_, text)| text).collect()
    }

    /// The whole answer to one request, but for what a live stream brings later.
    pub(super) fn answer(&mut self, frames: &[Request]) -> Vec<Response> {
        let mut answer = Vec::new();
        let mut push = None;
        let mut groups = Vec::new();
        let Some(Request::Hello(hello)) = frames.first() else {
            return vec![Response::Goodbye { reason: Goodbye::Malformed("no hello".into()) }];
        };
        self.hellos.push(hello.clone());
        let welcome = self.welcome(hello);
        let Response::Welcome(Welcome { clone, epoch, .. }) = welcome else { return Vec::new() };
        answer.push(welcome);
        if clone || epoch != hello.cursor.epoch {
            // The device settles this before anything else.
            return answer;
        }
        for frame in frames {
            match frame {
                Request::Hello(_) => {}
                Request::Push { number } => push = Some(*number),
                Request::Group { intents } => {
                    groups.push(intents.clone());
                    let ids = intents.iter().map(|intent| intent.id).collect();
                    let verdict = self.group(intents);
                    answer.push(Response::Verdict { intents: ids, verdict });
                }
                Request::Registers { writes } => {
                    for write in writes {
                        self.registers.insert(write.key, write.value.clone());
                    }
                    let versions = writes.iter().map(|write| (write.key, write.version)).collect();
                    answer.push(Response::RegistersStored { versions });
                }
                Request::Fetch { documents, .. } => {
                    for id in documents {
                        let held = self.documents.contains_key(id);
                        let gone = Response::Evict { documents: vec![*id] };
                        answer.push(if held { self.snapshot(*id) } else { gone });
                    }
                }
                Request::Presence { .. } | Request::Unknown => {}
            }
        }
        if let Some(number) = push {
            self.incarnation = hello.incarnation.next;
            self.pushes.push((number, groups));
            answer.push(Response::PushDone { number });
        }
        if hello.pull {
            answer.extend(self.pages(hello.cursor));
        }
        answer
    }

    fn welcome(&mut self, hello: &Hello) -> Response {
        let Incarnation { previous, next } = hello.incarnation;
        let known = previous == self.incarnation || next == self.incarnation;
        Response::Welcome(Welcome {
            version: VERSION,
            epoch: self.epoch,
            now: Timestamp(0),
            up_to_date: hello.pull && hello.cursor == self.cursor(),
            clone: self.moods.clone || !known,
        })
    }

    pub(super) fn cursor(&self) -> Cursor {
        Cursor { epoch: self.epoch, seq: self.seq, backfill: None }
    }

    /// As the relay keeps it; every other document has none, like those of older relays.
    fn outline(&self, id: DocumentId, held: &Held) -> Option<Outlined> {
        let outline = match Conversation::read(&held.document) {
            Some(conversation) => {
                let order = |fact: &Fact| match &fact.body {
                    FactBody::Message(message) => Some((message.order, message.id)),
                    FactBody::Alert(_) | FactBody::Event(_) => None,
                };
                let last = held.facts.iter().filter_map(order).max().map(|(_, id)| id);
                Outline::of_conversation(&conversation, last)
            }
            None => Outline::of_other(id, &held.document)?,
        };
        let heads = held.document.heads().iter().map(|head| ByteArray::new(head.0)).collect();
        (!id.0[15].is_multiple_of(4)).then_some(Outlined { heads, outline: ByteBuf::from(outline.pack()?) })
    }

    pub(super) fn snapshot(&self, id: DocumentId) -> Response {
        let held = &self.documents[&id];
        Response::Snapshot {
            document: id,
            kind: held.kind,
            visibility: Visibility::DASHBOARD,
            saved: ByteBuf::from(held.document.save()),
            changes: Vec::new(),
            facts: held.facts.clone(),
            outline: self.outline(id, held),
        }
    }

    /// What a device with this cursor misses: a page for each document of a backfill, else one page of what is new.
    pub(super) fn pages(&self, from: Cursor) -> Vec<Response> {
        let mut pages = Vec::new();
        if from == self.cursor() {
            return pages;
        }
        if from.epoch != self.epoch || from.seq == 0 || from.backfill.is_some() {
            let sent = from.backfill.filter(|_| from.epoch == self.epoch).map_or(0, |backfill| backfill.sent);
            let frozen = if sent > 0 { from.seq } else { self.seq };
            for (index, id) in self.documents.keys().enumerate().skip(sent as usize) {
                pages.push(self.snapshot(*id));
                let backfill = Some(Backfill { id: 1, sent: index as u64 + 1 });
                let cursor = Cursor { seq: frozen, backfill, ..self.cursor() };
                pages.push(Response::Cursor { cursor, up_to_date: false });
            }
            let end = Cursor { seq: frozen, ..self.cursor() };
            pages.push(Response::Cursor { cursor: end, up_to_date: end == self.cursor() });
            pages.extend(self.pages(end));
            return pages;
        } else {
            let gone = self.evicted.iter().filter(|(_, seq)| **seq > from.seq).map(|(id, _)| *id);
            pages.push(Response::Evict { documents: gone.collect() });
            for (id, held) in &self.documents {
                let changes: Vec<ByteBuf> = held
                    .changes
                    .iter()
                    .filter(|(seq, _)| *seq > from.seq)
                    .map(|(_, bytes)| ByteBuf::from(bytes.clone()))
                    .collect();
                let facts: Vec<Fact> = held.facts.iter().filter(|fact| fact.seq > from.seq).cloned().collect();
                if held.created > from.seq {
                    pages.push(self.snapshot(*id));
                } else if !changes.is_empty() || !facts.is_empty() {
                    pages.push(Response::Delta { document: *id, visibility: None, changes, facts });
                }
            }
        }
        pages.push(Response::Cursor { cursor: self.cursor(), up_to_date: true });
        pages
    }

    fn group(&mut self, intents: &[PushedIntent]) -> Verdict {
        let mut seen = Vec::new();
        for intent in intents {
            if intent.change.is_empty() {
                let known = self.intents.get(&(intent.id, intent.document));
                return known.map_or(Verdict::MissingDeps(Vec::new()), |seq| Verdict::Duplicate(*seq));
            }
            let change = parse_change(&intent.change).unwrap();
            let hash = change.hash().0;
            // The trap that bricks replicas: the same (actor, seq) for two changes, wherever the first one went.
            let actor = change.actor_id().to_bytes().to_vec();
            let used = *self.used.entry((actor, change.seq())).or_insert(hash);
            assert_eq!(used, hash, "an (actor, seq) was used for two changes");
            match self.verdicts.get(&(intent.document, hash)) {
                Some(verdict @ Verdict::Accepted(_)) => seen.push(verdict.clone()),
                Some(other) => return other.clone(),
                None => {}
            }
        }
        if seen.len() == intents.len() {
            return seen.pop().unwrap();
        }
        if let Some(later) = self.moods.later {
            return Verdict::RetryAfter(later);
        }
        match self.judge(intents) {
            Ok(()) => self.take(intents),
            Err(verdict) => {
                if matches!(verdict, Verdict::Rejected(_) | Verdict::NeedsAccess) {
                    for intent in intents {
                        let hash = parse_change(&intent.change).unwrap().hash().0;
                        self.verdicts.insert((intent.document, hash), verdict.clone());
                    }
                }
                verdict
            }
        }
    }

    fn judge(&self, intents: &[PushedIntent]) -> Result<(), Verdict> {
        let mut pairs = Vec::new();
        let mut created: BTreeMap<DocumentId, Document> = BTreeMap::new();
        for intent in intents {
            let change = parse_change(&intent.change).unwrap();
            let document = match (created.remove(&intent.document), self.documents.get(&intent.document)) {
                (Some(document), _) => document,
                (None, Some(held)) => held.document.clone(),
                (None, None) => Document::new(intent.kind),
            };
            if self.evicted.contains_key(&intent.document) {
                return Err(Verdict::Rejected(Refusal::new(RefusalCode::Forbidden, "document", "you can't see it")));
            }
            if let Some(seq) = self.intents.get(&(intent.id, intent.document)) {
                return Err(Verdict::Duplicate(*seq));
            }
            for dep in change.deps() {
                match self.verdicts.get(&(intent.document, dep.0)) {
                    Some(Verdict::Accepted(_)) | None if document.contains(dep) => {}
                    Some(Verdict::Rejected(_) | Verdict::NeedsAccess) => {
                        return Err(Verdict::BlockedBy(ByteArray::new(dep.0)));
                    }
                    _ => return Err(Verdict::MissingDeps(vec![ByteArray::new(dep.0)])),
                }
            }
            assert_eq!(change.seq(), document.next_seq(change.actor_id()), "the actor's next seq");
            let actions = decode(&document, &change, intent.id, self.member).map_err(Verdict::Rejected)?;
            for action in &actions {
                self.judge_action(intent, action, &mut pairs)?;
            }
            let mut document = document;
            document.apply(vec![change]).unwrap();
            created.insert(intent.document, document);
        }
        if pairs.is_empty() { Ok(()) } else { Err(Verdict::Resolved(pairs)) }
    }

    fn judge_action(
        &self,
        intent: &PushedIntent,
        action: &Action,
        pairs: &mut Vec<(DocumentId, DocumentId)>,
    ) -> Result<(), Verdict> {
        match action {
            Action::AddMessage { message, .. } if self.moods.refuses.contains(&message.text) => {
                Err(Verdict::Rejected(Refusal::new(RefusalCode::Forbidden, "messages", "not while the moon is full")))
            }
            Action::AddPhone { phone } if self.moods.out_of_sight.contains(phone) => Err(Verdict::NeedsAccess),
            Action::AddPhone { phone } => {
                if let Some(id) = self.contact_with(phone).filter(|id| *id != intent.document) {
                    pairs.push((intent.document, id));
                }
                Ok(())
            }
            Action::OpenConversation { contact, channel, .. } => {
                let contact = pairs.iter().find(|(from, _)| from == contact).map_or(*contact, |(_, to)| *to);
                if let Some(id) = self.conversation_with(contact, channel).filter(|id| *id != intent.document) {
                    pairs.push((intent.document, id));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn contact_with(&self, phone: &str) -> Option<DocumentId> {
        let has = |id: &DocumentId, held: &Held| {
            Contact::read(*id, &held.document).is_some_and(|contact| contact.phones.contains(phone))
        };
        self.documents.iter().find(|(id, held)| has(id, held)).map(|(id, _)| *id)
    }

    fn conversation_with(&self, contact: ContactId, channel: &Channel) -> Option<DocumentId> {
        let is = |held: &Held| {
            Conversation::read(&held.document).is_some_and(|on| on.contact == contact && on.channel == *channel)
        };
        self.documents.iter().find(|(_, held)| is(held)).map(|(id, _)| *id)
    }

    fn take(&mut self, intents: &[PushedIntent]) -> Verdict {
        for intent in intents {
            let change = parse_change(&intent.change).unwrap();
            if !self.documents.contains_key(&intent.document) {
                self.create(intent.document, intent.kind);
            }
            self.seq += 1;
            let seq = self.seq;
            let held = self.documents.get_mut(&intent.document).unwrap();
            held.document.apply(vec![change.clone()]).unwrap();
            held.changes.push((seq, intent.change.to_vec()));
            self.verdicts.insert((intent.document, change.hash().0), Verdict::Accepted(seq));
            assert_eq!(self.intents.insert((intent.id, intent.document), seq), None, "an intent was accepted twice");
            let message = Conversation::read(&held.document).and_then(|on| on.messages.get(&intent.id).cloned());
            if let Some(message) = message {
                self.accepted.push((intent.id, message.text));
                self.fact(intent.document, intent.id, Delivery::Accepted);
            }
        }
        Verdict::Accepted(self.seq)
    }

    /// Another copy of the device's store got this intent accepted, with a change of its own.
    pub(super) fn accept_elsewhere(&mut self, document: DocumentId, id: IntentId, by: MemberId, text: &str) {
        let message = NewMessage::new(MessageKind::Outbound, Some(by), text.into(), Timestamp(1_000));
        self.seq += 1;
        let held = self.documents.get_mut(&document).unwrap();
        let actions = [Action::AddMessage { id, message }];
        let change = held.document.author(ActorId::from([0xcc; 16]), id, Timestamp(1_000), &actions).unwrap();
        held.changes.push((self.seq, change.raw_bytes().to_vec()));
        self.intents.insert((id, document), self.seq);
        self.fact(document, id, Delivery::Accepted);
    }

    /// A backup taken before anything after `seq` happened is put in place.
    pub(super) fn restore(&mut self, seq: Seq) {
        self.epoch += 1;
        self.documents.retain(|_, held| held.created <= seq);
        for held in self.documents.values_mut() {
            held.changes.retain(|(at, _)| *at <= seq);
            held.facts.retain(|fact| fact.seq <= seq);
            held.document = Document::new(held.kind);
            let changes: Vec<Vec<u8>> = held.changes.iter().map(|(_, bytes)| bytes.clone()).collect();
            held.document.apply_bytes(&changes).unwrap();
        }
        self.verdicts.retain(|_, verdict| matches!(verdict, Verdict::Accepted(at) if *at <= seq));
        self.intents.retain(|_, at| *at <= seq);
        self.accepted.clear();
        // What a lost life used is used: `used` stays.
        self.seq = seq;
    }
}
