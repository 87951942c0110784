//! Blows to honest changes.

use automerge::{ObjType, ScalarValue};

use super::*;

impl World {
    /// One to three blows to the change. What Automerge won't encode is pushed as it was.
    pub(super) fn mutate(&mut self, intent: PushedIntent) -> PushedIntent {
        let mut change = parse_change(&intent.change).unwrap().decode();
        let mut pushed_as = intent.clone();
        for _ in 0..self.dice.random_range(1..=3) {
            self.blow(&mut change, &mut pushed_as);
        }
        let hook = std::panic::AssertUnwindSafe(move || Change::from(change));
        let Ok(mut change) = std::panic::catch_unwind(hook) else { return intent };
        let deflated = self.chance(3);
        let bytes = if deflated { change.bytes().to_vec() } else { change.raw_bytes().to_vec() };
        PushedIntent { change: ByteBuf::from(bytes), ..pushed_as }
    }

    fn blow(&mut self, change: &mut ExpandedChange, intent: &mut PushedIntent) {
        let count = change.operations.len();
        let at = if count == 0 { 0 } else { self.dice.random_range(0..count) };
        let other = if count == 0 { 0 } else { self.dice.random_range(0..count) };
        match self.dice.random_range(0..22) {
            0 => change.start_op = self.dice.random_range(1..200).try_into().unwrap(),
            1 => change.seq = self.dice.random_range(0..5),
            2 => change.actor_id = Self::pick(&mut self.dice, &self.actors),
            3 => drop(change.deps.pop()),
            4 => {
                let all: Vec<DocumentId> = self.documents.iter().copied().chain([self.theirs]).collect();
                let document = Self::pick(&mut self.dice, &all);
                let changes = self.office.held(document, Kind::Conversation).changes();
                change.deps.push(Self::pick(&mut self.dice, &changes).hash());
            }
            5 => intent.id = Self::pick(&mut self.dice, &self.ids),
            6 => {
                intent.id = Self::pick(&mut self.dice, &self.ids);
                change.message = Some(intent.id.to_string());
            }
            7 => {
                let all: Vec<DocumentId> = self.documents.iter().copied().chain([self.theirs]).collect();
                intent.document = Self::pick(&mut self.dice, &all);
            }
            8 => change.time = self.dice.random::<i64>(),
            9 => change.extra_bytes = vec![1],
            10 => intent.kind = Self::pick(&mut self.dice, &Kind::ALL),
            11 => intent.seen = Some(Seen { order: self.dice.random_range(0..99), age_ms: u64::MAX }),
            12 => intent.reoffered = true,
            _ if count == 0 => {}
            13 => drop(change.operations.remove(at)),
            14 => change.operations.push(change.operations[at].clone()),
            15 => change.operations.swap(at, other),
            16 => change.operations[at].obj = self.object(),
            17 => change.operations[at].key = Key::Map(self.key(intent.id).into()),
            18 => {
                let many = self.dice.random_range(0..3);
                let pred = (0..many).map(|_| Self::pick(&mut self.dice, &self.operations)).collect::<Vec<_>>();
                change.operations[at].pred = pred.into();
            }
            19 => change.operations[at].action = self.action(),
            20 => change.operations[at].insert = true,
            _ => {
                let operation = op(self.object(), &self.key(intent.id), self.action(), Vec::new());
                change.operations.push(operation);
            }
        }
    }

    fn object(&mut self) -> ObjectId {
        match self.dice.random_range(0..4) {
            0 => ObjectId::Root,
            1 => ObjectId::Id(Self::pick(&mut self.dice, &self.operations)),
            _ => genesis_map(self.dice.random_range(0..15)),
        }
    }

    fn key(&mut self, own: IntentId) -> String {
        let id = Self::pick(&mut self.dice, &self.ids);
        let member = Self::pick(&mut self.dice, &self.writers.iter().copied().collect::<Vec<_>>());
        let keys = [
            own.to_string(),
            own.to_string().to_lowercase(),
            id.to_string(),
            format!("{member}/{own}"),
            format!("{member}/{id}"),
            format!("{}/{own}", member.to_string().to_lowercase()),
            format!("{id}/{own}"),
            "text".into(),
            "by".into(),
            "kind".into(),
            "conversation".into(),
            "messages".into(),
            "direct".into(),
            "until".into(),
            "mentions".into(),
            "later".into(),
            "priority".into(),
            "queue".into(),
            "campaign.name".into(),
            String::new(),
            "a\0b".into(),
            "tag 1".into(),
        ];
        Self::pick(&mut self.dice, &keys)
    }

    fn action(&mut self) -> OpType {
        let id = Self::pick(&mut self.dice, &self.ids).to_string();
        let member = Self::pick(&mut self.dice, &self.writers.iter().copied().collect::<Vec<_>>()).to_string();
        let put = |text: &str| OpType::Put(ScalarValue::Str(text.into()));
        let actions = [
            OpType::Delete,
            OpType::Make(ObjType::Map),
            OpType::Make(ObjType::List),
            OpType::Increment(1),
            put(&id),
            put(&member),
            put("out"),
            put("in"),
            put("note"),
            put("reply"),
            put("urgent"),
            put(""),
            OpType::Put(ScalarValue::Boolean(true)),
            OpType::Put(ScalarValue::Null),
            OpType::Put(ScalarValue::counter(1)),
            OpType::Put(ScalarValue::Timestamp(i64::MIN)),
            OpType::Put(ScalarValue::Timestamp(1)),
        ];
        Self::pick(&mut self.dice, &actions)
    }
}
