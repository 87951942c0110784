//! What an Administrator sets up (R36 to R39): refused for everybody else, in bad form, and where it doesn't fit together.

use offdesk_core::{
    ids::{AutomationId, CannedId, EngagementId, HoursId, QueueId},
    model::{
        Automation, Canned, Engagement, Hours, Queue, Settings,
        action::{RegisterMap, RegisterValue},
        settings::OutsideHours,
    },
};

use super::{
    registers::{Admins, admins, set, text},
    *,
};

const SALES: QueueId = QueueId([7; 16]);
const OFFICE: HoursId = HoursId([8; 16]);
const THANKS: CannedId = CannedId([9; 16]);
const WELCOME: EngagementId = EngagementId([10; 16]);
const CART: AutomationId = AutomationId([11; 16]);

fn hours() -> Hours {
    Hours {
        name: "Office".into(),
        zone: "America/New_York".into(),
        week: [(offdesk_core::model::settings::hours::Day::Mon, "09:00-12:00 13:00-17:30".parse().unwrap())].into(),
        closed: ["2026-12-25".parse().unwrap()].into(),
    }
}

fn queue(member: MemberId) -> Queue {
    Queue { name: "Sales".into(), members: [member].into(), hours: Some(OFFICE), ..Queue::default() }
}

fn canned() -> Canned {
    Canned { shortcut: "thanks".into(), text: "Thank you, {contact.first_name|friend}! {member.name}".into() }
}

fn engagement() -> Engagement {
    Engagement {
        name: "Pricing".into(),
        enabled: true,
        page: "https://acme.example/pricing*".into(),
        greeting: "Welcome to {workspace.name}".into(),
        queue: Some(SALES),
        outside_hours: OutsideHours::Away,
        away: Some("We are back tomorrow".into()),
        ..Engagement::default()
    }
}

fn automation(member: MemberId) -> Automation {
    Automation {
        name: "Cart".into(),
        enabled: true,
        event: "abandoned_checkout".into(),
        template: "Still there? {data.cart_url}".into(),
        members: [member].into(),
        record_owner: true,
        quiet: Some("21:00-08:00".parse().unwrap()),
        ..Automation::default()
    }
}

impl Admins {
    fn settings(&mut self, actions: &[Action]) -> PushedIntent {
        self.edit(self.settings, Kind::Settings, actions)
    }

    fn accepts(&mut self, actions: &[Action]) {
        let intent = self.settings(actions);
        accepted(self.scene.phone.push(&self.scene.office, vec![intent]));
    }

    fn refuses_all(
        &mut self,
        cases: impl IntoIterator<Item = (RegisterMap, String, Option<RegisterValue>, RefusalCode)>,
    ) {
        for (map, key, value, expected) in cases {
            let intent = self.settings(&[set(map, key, value)]);
            self.scene.refuses(intent, expected);
        }
    }

    fn read(&self) -> Settings {
        Settings::read(&self.scene.office.held(self.settings, Kind::Settings))
    }

    /// All of it, set up.
    fn set_up(&mut self) {
        let mallory = self.scene.mallory;
        self.accepts(&hours().actions(OFFICE));
        self.accepts(&queue(mallory).actions(SALES));
        self.accepts(&canned().actions(THANKS));
        self.accepts(&engagement().actions(WELCOME));
        self.accepts(&automation(mallory).actions(CART));
    }
}

/// R1, R36 to R39: what an Administrator's device writes is what everybody reads.
#[test]
fn an_administrator_sets_up_all_of_it() {
    let mut admins = admins();
    admins.set_up();
    let (read, mallory) = (admins.read(), admins.scene.mallory);
    assert_eq!(read.queues[&SALES], queue(mallory));
    assert_eq!(read.hours[&OFFICE], hours());
    assert_eq!(read.canned[&THANKS], canned());
    assert_eq!(read.engagements[&WELCOME], engagement());
    assert_eq!(read.automations[&CART], automation(mallory));
}

/// R2: a User reads all of it and changes none of it, neither what is there nor by something new.
#[test]
fn a_user_sets_nothing_up() {
    let mut admins = admins();
    admins.set_up();
    let mallory = admins.scene.mallory;
    admins.scene.phone = admins.scene.office.phone(mallory);
    for actions in [
        hours().actions(HoursId([1; 16])),
        queue(mallory).actions(QueueId([1; 16])),
        canned().actions(CannedId([1; 16])),
        engagement().actions(EngagementId([1; 16])),
        automation(mallory).actions(AutomationId([1; 16])),
        vec![set(RegisterMap::Queues, format!("{SALES}.archived"), RegisterValue::Bool(true))],
        vec![set(RegisterMap::Canned, format!("{THANKS}.text"), None)],
        vec![set(RegisterMap::Hours, format!("{OFFICE}.mon"), text("00:00-24:00"))],
        vec![set(RegisterMap::Engagements, format!("{WELCOME}.enabled"), RegisterValue::Bool(false))],
        vec![set(RegisterMap::Automations, format!("{CART}.template"), text("Send money"))],
    ] {
        let intent = admins.settings(&actions);
        admins.scene.refuses(intent, RefusalCode::Forbidden);
    }
}

/// R36 to R39: each field in its own form only.
#[test]
fn what_has_another_form_is_refused() {
    use RefusalCode::{InvalidSetting, TooLarge, UnknownPath, WrongType};
    use RegisterMap::{Automations, Canned, Engagements, Hours, Queues, Values};
    let mut admins = admins();
    admins.set_up();
    let yes = || RegisterValue::Bool(true);
    let cases = [
        (Queues, format!("{SALES}.colour"), text("red"), UnknownPath),
        (Queues, format!("{}.name", SALES.to_string().to_lowercase()), text("Sales 2"), UnknownPath),
        (Queues, format!("{SALES}.member.{}", "x"), yes(), UnknownPath),
        (Queues, format!("{SALES}.name"), text(" "), WrongType),
        (Queues, format!("{SALES}.name"), text("Sales\u{7}"), WrongType),
        (Queues, format!("{SALES}.hours"), text("always"), WrongType),
        (Queues, format!("{SALES}.reply_within_ms"), RegisterValue::Int(-1), WrongType),
        (Queues, format!("{SALES}.archived"), text("yes"), WrongType),
        (Canned, format!("{THANKS}.shortcut"), text("two words"), WrongType),
        (Canned, format!("{THANKS}.shortcut"), yes(), WrongType),
        (Canned, format!("{THANKS}.text"), text(""), WrongType),
        (Canned, format!("{THANKS}.text"), text("{price}"), InvalidSetting),
        (Canned, format!("{THANKS}.text"), text("{contact.name"), InvalidSetting),
        (Canned, format!("{THANKS}.text"), text(&"x".repeat(4097)), TooLarge),
        (Canned, format!("{THANKS}.colour"), text("red"), UnknownPath),
        (Hours, format!("{OFFICE}.zone"), text("../../etc/passwd"), WrongType),
        (Hours, format!("{OFFICE}.zone"), text("Mars/Olympus"), InvalidSetting),
        (Hours, format!("{OFFICE}.mon"), text("17:00-09:00"), WrongType),
        (Hours, format!("{OFFICE}.mon"), text("9:00-17:00"), WrongType),
        (Hours, format!("{OFFICE}.closed.2026-02-30"), yes(), UnknownPath),
        (Hours, format!("{OFFICE}.someday"), text("09:00-17:00"), UnknownPath),
        (Engagements, format!("{WELCOME}.page"), text("any page"), WrongType),
        (Engagements, format!("{WELCOME}.greeting"), text("Hi {contact.name}"), InvalidSetting),
        (Engagements, format!("{WELCOME}.outside_hours"), text("sleep"), WrongType),
        (Engagements, format!("{WELCOME}.delay_ms"), text("soon"), WrongType),
        (Automations, format!("{CART}.event"), text("Abandoned checkout!"), WrongType),
        (Automations, format!("{CART}.origin"), text("spam"), WrongType),
        (Automations, format!("{CART}.handler"), text("nobody"), WrongType),
        (Automations, format!("{CART}.quiet"), text("at night"), WrongType),
        (Automations, format!("{CART}.template"), text("{member.name}"), InvalidSetting),
        (Automations, format!("{CART}.enabled"), RegisterValue::Int(1), WrongType),
        (Values, "reply_within_ms".into(), text("1h"), WrongType),
    ];
    admins.refuses_all(cases.map(|(map, key, value, expected)| (map, key, Some(value), expected)));
}

/// R36 to R39: nothing names what isn't there, is left in halves or takes another's shortcut.
#[test]
fn what_does_not_fit_together_is_refused() {
    use RegisterMap::{Automations, Canned, Engagements, Hours, Queues};
    let mut admins = admins();
    admins.set_up();
    let (stranger, yes) = (MemberId([1; 16]), || Some(RegisterValue::Bool(true)));
    let cases = [
        (Queues, format!("{SALES}.member.{stranger}"), yes()),
        (Queues, format!("{SALES}.hours"), Some(text(&HoursId([1; 16]).to_string()))),
        (Queues, format!("{SALES}.name"), None),
        (Queues, format!("{}.archived", QueueId([1; 16])), yes()),
        (Queues, format!("{}.name", QueueId([1; 16])), Some(text("sales"))),
        (Canned, format!("{}.shortcut", CannedId([1; 16])), Some(text("bye"))),
        (Canned, format!("{THANKS}.text"), None),
        (Hours, format!("{OFFICE}.zone"), None),
        (Engagements, format!("{WELCOME}.queue"), Some(text(&QueueId([1; 16]).to_string()))),
        (Engagements, format!("{WELCOME}.away"), None),
        (Automations, format!("{CART}.member.{stranger}"), yes()),
        (Automations, format!("{CART}.event"), None),
    ];
    admins.refuses_all(cases.map(|(map, key, value)| (map, key, value, RefusalCode::InvalidSetting)));
    let same = offdesk_core::model::Canned { shortcut: "THANKS".into(), text: "Cheers".into() };
    let again = admins.settings(&same.actions(CannedId([1; 16])));
    admins.scene.refuses(again, RefusalCode::InvalidSetting);
    let removed = |actions: Vec<Action>| -> Vec<Action> {
        actions
            .into_iter()
            .map(|action| match action {
                Action::SetRegister { map, key, .. } => Action::SetRegister { map, key, value: None },
                other => other,
            })
            .collect()
    };
    let gone = admins.settings(&removed(hours().actions(OFFICE)));
    admins.scene.refuses(gone, RefusalCode::InvalidSetting);
    let mallory = admins.scene.mallory;
    let gone = admins.settings(&removed(queue(mallory).actions(SALES)));
    admins.scene.refuses(gone, RefusalCode::InvalidSetting);
    admins.accepts(&removed(canned().actions(THANKS)));
    assert!(admins.read().canned.is_empty());
}

/// R1: nobody is given a role that isn't there, and none is taken from under its members.
#[test]
fn roles_are_there_for_those_who_have_them() {
    let mut admins = admins();
    let (adam, mallory) = (admins.adam, admins.scene.mallory);
    let directory = admins.scene.office.directory().1;
    let role = directory.members[&adam].role.unwrap();
    let other = directory.members[&mallory].role.unwrap();
    let gone = |role: offdesk_core::ids::RoleId| -> Vec<Action> {
        ["name", "kind", "dashboard", "contacts", "messages"]
            .map(|field| set(RegisterMap::Roles, format!("{role}.{field}"), None))
            .into()
    };
    let unknown = text(&offdesk_core::ids::RoleId([1; 16]).to_string());
    let cases = [vec![set(RegisterMap::Members, format!("{mallory}.role"), unknown)], gone(other)];
    for actions in cases {
        let intent = admins.edit(admins.directory, Kind::Directory, &actions);
        admins.scene.refuses(intent, RefusalCode::InvalidSetting);
    }
    let promoted = set(RegisterMap::Members, format!("{mallory}.role"), text(&role.to_string()));
    let both: Vec<Action> = std::iter::once(promoted).chain(gone(other)).collect();
    let intent = admins.edit(admins.directory, Kind::Directory, &both);
    accepted(admins.scene.phone.push(&admins.scene.office, vec![intent]));
    assert!(!admins.scene.office.directory().1.roles.contains_key(&other));
}

/// R36: a member who leaves stays on their queues, to be replaced, and takes nobody's right to edit them; they are put on no
/// other. A queue that is archived keeps its conversations, and no other comes to it.
#[test]
fn who_left_and_what_is_archived_is_not_chosen_again() {
    let mut admins = admins();
    admins.set_up();
    let mallory = admins.scene.mallory;
    let document = admins.scene.document;
    let mut ana = admins.scene.office.phone(admins.scene.ana);
    ana.pull(&admins.scene.office, document, Kind::Conversation);
    accepted(ana.run(&mut admins.scene.office, document, &Verb::MoveToQueue { queue: Some(SALES) }));
    let out = admins.edit(
        admins.directory,
        Kind::Directory,
        &[set(RegisterMap::Members, format!("{mallory}.active"), RegisterValue::Bool(false))],
    );
    accepted(admins.scene.phone.push(&admins.scene.office, vec![out]));
    admins.accepts(&[set(RegisterMap::Queues, format!("{SALES}.name"), text("Sales east"))]);
    let other = Queue { name: "Other".into(), members: [mallory].into(), ..Queue::default() };
    let other = admins.settings(&other.actions(QueueId([1; 16])));
    admins.scene.refuses(other, RefusalCode::InvalidSetting);

    admins.accepts(&[set(RegisterMap::Queues, format!("{SALES}.archived"), RegisterValue::Bool(true))]);
    assert_eq!(admins.scene.office.conversation(document).sorting.queue, Some(SALES));
    let second = admins.scene.office.sms("+14155552672", "Hi");
    ana.pull(&admins.scene.office, second, Kind::Conversation);
    let moved = ana.intent(&mut admins.scene.office, second, &Verb::MoveToQueue { queue: Some(SALES) });
    assert!(matches!(
        ana.push(&admins.scene.office, vec![moved]),
        Verdict::Rejected(refusal) if refusal.code == RefusalCode::UnknownQueue
    ));
}
