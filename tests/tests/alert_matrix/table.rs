//! Whom the relay tells.

use std::collections::BTreeSet;

use offdesk_core::{
    ids::{DocumentId, IntentId, MemberId, QueueId, RoleId, WorkspaceId},
    model::{
        Action, AssignmentKey, Channel, ContactAccess, DashboardAccess, Member, MessageAccess, MessageKind, NewMessage,
        Queue, Role, RoleKind, Settings, conversation::AssignmentReason,
    },
    protocol::FactBody,
    time::Timestamp,
};
use offdesk_relay::{
    accept::{self, Inbound},
    store::{Ending, Solo, StoreError, Tx},
};
use offdesk_tests::reference::{
    self, Dashboard, Messages, Records,
    alerts::{By, Happening, Other, Queue as In, Scene},
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const OURS: &str = "+14155550100";
const MIA: MemberId = MemberId([1; 16]);
const COLE: MemberId = MemberId([2; 16]);
const NORA: MemberId = MemberId([3; 16]);
/// By their place in [`In`]: none, everybody's, Mia's, Cole's, an archived one of Cole's.
const QUEUES: [QueueId; 4] = [QueueId([1; 16]), QueueId([2; 16]), QueueId([3; 16]), QueueId([4; 16])];

/// Mia in one state.
fn mias() -> Vec<reference::Member> {
    let mut states = Vec::new();
    for kind in [None, Some(reference::Kind::User), Some(reference::Kind::Administrator)] {
        for dashboard in [Dashboard::All, Dashboard::Assigned, Dashboard::None] {
            states.push(reference::Member { kind, dashboard, records: Records::All, messages: Messages::Write });
        }
    }
    states
}

fn scenes() -> Vec<Scene> {
    let mut scenes = Vec::new();
    for assigned in [false, true] {
        for other in [Other::Nobody, Other::Colleague, Other::Inert] {
            for queue in [In::None, In::Everybodys, In::Theirs, In::Others, In::Archived] {
                for blocked in [false, true] {
                    scenes.push(Scene { assigned, other, queue, blocked });
                }
            }
        }
    }
    scenes
}

fn directory(mia: &reference::Member) -> Vec<Action> {
    let dashboard = match mia.dashboard {
        Dashboard::All => DashboardAccess::All,
        Dashboard::Assigned => DashboardAccess::Assigned,
        Dashboard::None => DashboardAccess::None,
    };
    let kind = if mia.kind == Some(reference::Kind::Administrator) { RoleKind::Administrator } else { RoleKind::User };
    let members = [
        (MIA, kind, dashboard, mia.kind.is_some()),
        (COLE, RoleKind::Administrator, DashboardAccess::All, true),
        (NORA, RoleKind::User, DashboardAccess::None, true),
    ];
    let mut actions = Vec::new();
    for (id, kind, dashboard, has_role) in members {
        let (contacts, messages) = (ContactAccess::All, MessageAccess::Write);
        let role = Role { id: RoleId(id.0), name: "role".into(), kind, dashboard, contacts, messages };
        actions.extend(role.actions());
        let role = has_role.then_some(role.id);
        let member = Member { id, name: "member".into(), role, dashboard_override: None, active: true };
        actions.extend(member.actions());
    }
    actions
}

struct Stage<'a, 'b> {
    tx: &'a mut Tx<'b>,
    rng: ChaCha8Rng,
    workspace: WorkspaceId,
    told: u32,
}

impl Stage<'_, '_> {
    fn author(&mut self, document: DocumentId, actions: &[Action]) -> Result<(), StoreError> {
        accept::author(self.tx, NOW, &mut self.rng, self.workspace, document, actions).map(drop)
    }

    fn inbound(&mut self, phone: &str) -> Result<DocumentId, StoreError> {
        self.told += 1;
        let (channel, provider_id) = (Channel::Sms(OURS.into()), format!("SM{:08}", self.told));
        let inbound =
            Inbound { workspace: self.workspace, channel, phone: phone.into(), text: "Hello".into(), provider_id };
        Ok(accept::inbound(self.tx, NOW, &mut self.rng, &inbound)?.document)
    }

    fn assign(&mut self, document: DocumentId, member: MemberId, by: Option<MemberId>) -> Result<(), StoreError> {
        // An assignment bears the id of the intent that makes it: the one that the change is about to draw.
        let key = AssignmentKey { member, intent: IntentId::generate(NOW, &mut self.rng.clone()) };
        let reason = if by.is_some() { AssignmentReason::Manual } else { AssignmentReason::Automation };
        self.author(document, &[Action::Assign { key, by, reason, at: NOW }])
    }

    /// Who has been told of anything in a document, with each alert.
    fn alerts(&mut self, document: DocumentId) -> Result<BTreeSet<(MemberId, [u8; 16])>, StoreError> {
        let mut statement = self
            .tx
            .connection()
            .prepare("SELECT member, body FROM facts WHERE document = ?1 AND member IS NOT NULL")?;
        let rows =
            statement.query_map([document.as_bytes()], |row| Ok((MemberId(row.get(0)?), row.get::<_, Vec<u8>>(1)?)))?;
        let mut alerts = BTreeSet::new();
        for row in rows {
            let (member, body) = row?;
            if let FactBody::Alert(alert) = rmp_serde::from_slice(&body).unwrap() {
                assert!(alerts.insert((member, alert.id.0)), "one alert per member and cause (R15)");
            }
        }
        Ok(alerts)
    }

    /// A conversation of its own in which everything is as the scene says; then it happens. Whether Mia was told.
    fn play(&mut self, number: usize, scene: Scene, happening: Happening) -> Result<bool, StoreError> {
        let phone = format!("+1415777{number:04}");
        let document = self.inbound(&phone)?;
        if scene.assigned {
            self.assign(document, MIA, None)?;
        }
        match scene.other {
            Other::Nobody => {}
            Other::Colleague => self.assign(document, COLE, None)?,
            Other::Inert => self.assign(document, NORA, None)?,
        }
        let queue = match scene.queue {
            In::None => None,
            In::Everybodys => Some(QUEUES[0]),
            In::Theirs => Some(QUEUES[1]),
            In::Others => Some(QUEUES[2]),
            In::Archived => Some(QUEUES[3]),
        };
        if queue.is_some() {
            self.author(document, &[Action::SetQueue { queue }])?;
        }
        if scene.blocked {
            let sql = "SELECT contact FROM documents WHERE id = ?1";
            let contact =
                self.tx.connection().query_row(sql, [document.as_bytes()], |row| row.get(0).map(DocumentId))?;
            self.author(contact, &[Action::SetBlocked { blocked: true }])?;
        }
        let before = self.alerts(document)?;
        let whose = |by| match by {
            By::Themselves => Some(MIA),
            By::Colleague => Some(COLE),
            By::Automation => None,
        };
        match happening {
            Happening::ContactWrote => drop(self.inbound(&phone)?),
            Happening::Assigned(by) => self.assign(document, MIA, whose(by))?,
            Happening::Mentioned(by) => {
                let message = NewMessage {
                    mentions: BTreeSet::from([MIA]),
                    ..NewMessage::new(MessageKind::Note, whose(by), "Look".into(), NOW)
                };
                let id = IntentId::generate(NOW, &mut self.rng);
                self.author(document, &[Action::AddMessage { id, message }])?;
            }
        }
        let after = self.alerts(document)?;
        assert!(before.is_subset(&after), "what was told stays told");
        let told = after.difference(&before).filter(|(member, _)| *member == MIA).count();
        assert!(told <= 1, "told once");
        Ok(told == 1)
    }
}

fn company(tx: &mut Tx<'_>, mia: &reference::Member) -> Result<WorkspaceId, StoreError> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let settings = Settings { name: "Acme".into(), numbers: vec![OURS.into()], ..Settings::default() };
    let workspace = accept::create_workspace(tx, NOW, &mut rng, &settings)?;
    let sql = "SELECT directory, settings FROM workspaces WHERE id = ?1";
    let (people, values) = tx
        .connection()
        .query_row(sql, [workspace.as_bytes()], |row| Ok((DocumentId(row.get(0)?), DocumentId(row.get(1)?))))?;
    accept::author(tx, NOW, &mut rng, workspace, people, &directory(mia))?;
    for (at, (id, members)) in QUEUES.into_iter().zip([vec![], vec![MIA], vec![COLE], vec![COLE]]).enumerate() {
        let members = members.into_iter().collect();
        let queue = Queue { name: format!("queue {at}"), archived: at == 3, members, ..Queue::default() };
        accept::author(tx, NOW, &mut rng, workspace, values, &queue.actions(id))?;
    }
    Ok(workspace)
}

/// R6 to R8, R11 to R15, R26: exactly those are told whom the rules name, each once.
#[test]
fn the_relay_tells_whom_the_rules_name() {
    let (mut compared, mut told, mut wrong) = (0, 0, Vec::new());
    for mia in mias() {
        let mut solo = Solo::in_memory().unwrap();
        let played = solo.write(Ending::Commit, |tx| {
            let workspace = company(tx, &mia)?;
            let mut stage = Stage { tx, rng: ChaCha8Rng::seed_from_u64(2), workspace, told: 0 };
            let mut found = Vec::new();
            let cells = scenes().into_iter().flat_map(|scene| Happening::ALL.map(|happening| (scene, happening)));
            for (number, (scene, happening)) in cells.enumerate() {
                found.push((scene, happening, stage.play(number, scene, happening)?));
            }
            Ok::<_, StoreError>(found)
        });
        for (scene, happening, found) in played.unwrap().0 {
            compared += 1;
            told += usize::from(found);
            let expected = happening.tells(&mia, scene);
            if found != expected {
                wrong.push(format!("{happening:?} told Mia: {found}, the rules say {expected}: {scene:?} {mia:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {compared} wrong, such as {}", wrong.len(), wrong[0]);
    println!("alert matrix: 9 members x 60 conversations x 6 happenings = {compared}, {told} of them told");
    assert_eq!(compared, 9 * 60 * 6);
}
