//! The directory and the settings: administrators only (R1), on the current value, in one spelling.

use super::*;
use offdesk_core::model::action::{RegisterMap, RegisterValue};

pub(super) struct Admins {
    pub(super) scene: Scene,
    /// Adam, the only Administrator.
    pub(super) adam: MemberId,
    pub(super) directory: DocumentId,
    pub(super) settings: DocumentId,
}

pub(super) fn admins() -> Admins {
    let mut scene = scene();
    let adam = scene.office.member("Adam", ADMIN);
    let workspace = scene.office.workspace;
    let (directory, settings) = scene.office.store.read_blocking(move |tx| registers_of(tx, workspace)).unwrap();
    scene.phone = scene.office.phone(adam);
    Admins { scene, adam, directory, settings }
}

pub(super) fn set(map: RegisterMap, key: impl Into<String>, value: impl Into<Option<RegisterValue>>) -> Action {
    Action::SetRegister { map, key: key.into(), value: value.into() }
}

pub(super) fn text(text: &str) -> RegisterValue {
    RegisterValue::Text(text.into())
}

impl Admins {
    pub(super) fn edit(&mut self, document: DocumentId, kind: Kind, actions: &[Action]) -> PushedIntent {
        let scene = &mut self.scene;
        scene.phone.actors.clear();
        scene.phone.pull(&scene.office, document, kind);
        let id = IntentId::generate(scene.office.now, &mut scene.office.rng);
        scene.phone.raw(&mut scene.office, document, kind, id, actions)
    }

    fn members(&mut self, action: Action) -> PushedIntent {
        self.edit(self.directory, Kind::Directory, &[action])
    }
}

/// R1, R2: a User changes none of it, and makes none of their own.
#[test]
fn a_user_administers_nothing() {
    let mut admins = admins();
    let mallory = admins.scene.mallory;
    admins.scene.phone = admins.scene.office.phone(mallory);
    let role = admins.scene.office.directory().1.members[&admins.adam].role.unwrap();
    let promote = admins.members(set(RegisterMap::Members, format!("{mallory}.role"), text(&role.to_string())));
    admins.scene.refuses(promote, RefusalCode::Forbidden);
    let rename = admins.edit(admins.settings, Kind::Settings, &[set(RegisterMap::Values, "name", text("Mine"))]);
    admins.scene.refuses(rename.clone(), RefusalCode::Forbidden);
    let document = DocumentId::generate(admins.scene.office.now, &mut admins.scene.office.rng);
    admins.scene.refuses(PushedIntent { document, ..rename }, RefusalCode::WrongDocument);
}

/// A concurrent offline edit must not give back what was taken.
#[test]
fn an_edit_of_what_changed_meanwhile_is_stale() {
    let mut admins = admins();
    let mallory = admins.scene.mallory;
    let role = format!("{mallory}.role");
    let back = admins.scene.office.directory().1.members[&admins.adam].role.unwrap();
    let late = admins.members(set(RegisterMap::Members, &*role, text(&back.to_string())));
    let other = admins.members(set(RegisterMap::Members, format!("{mallory}.name"), text("Mal")));
    let now = admins.members(set(RegisterMap::Members, &*role, None));
    accepted(admins.scene.phone.push(&admins.scene.office, vec![now]));
    admins.scene.refuses(late, RefusalCode::Stale);
    // Of another key it is welcome.
    accepted(admins.scene.phone.push(&admins.scene.office, vec![other]));
    assert_eq!(admins.scene.office.directory().1.members[&mallory].role, None);
}

/// R10: whoever is deactivated by an Administrator's device loses devices and codes as by the command line, and an activation
/// brings none of them back.
#[test]
fn a_deactivation_by_document_ends_devices_and_codes() {
    let mut admins = admins();
    let mallory = admins.scene.mallory;
    let (now, mut rng, of) =
        (admins.scene.office.now, admins.scene.office.rng(), (admins.scene.office.workspace, mallory));
    let lifetime = std::time::Duration::from_secs(600);
    admins.scene.office.write(move |tx| {
        let other = crate::auth::code::create(tx, now, &mut rng, of, lifetime, "the test").unwrap();
        crate::auth::code::enrol(tx, now, &mut rng, &other.code, "Mallory's phone").unwrap();
        crate::auth::code::create(tx, now, &mut rng, of, lifetime, "the test").unwrap();
        Ok(())
    });
    let living = "SELECT count(*) FROM devices WHERE name = 'Mallory''s phone' AND revoked IS NULL";
    let codes = "SELECT count(*) FROM enrolment_codes WHERE used IS NULL";
    assert_eq!((admins.scene.office.count(living), admins.scene.office.count(codes)), (1, 1));
    for active in [false, true] {
        let active =
            admins.members(set(RegisterMap::Members, format!("{mallory}.active"), RegisterValue::Bool(active)));
        accepted(admins.scene.phone.push(&admins.scene.office, vec![active]));
        assert_eq!((admins.scene.office.count(living), admins.scene.office.count(codes)), (0, 0));
    }
    let others = "SELECT count(*) FROM devices WHERE revoked IS NULL";
    assert!(admins.scene.office.count(others) > 0, "nobody else's");
}

/// Trap: another spelling of a member's id is another register of the same member, on which nobody has a stale view.
#[test]
fn another_spelling_of_a_member_is_no_register() {
    let mut admins = admins();
    let id = admins.scene.mallory.to_string();
    let keys = [
        format!("{}.active", id.to_lowercase()),
        format!("{id}.shoe_size"),
        id.clone(),
        format!("{id}."),
        format!("{id}.role.kind"),
        "active".into(),
        ".active".into(),
    ];
    for key in keys {
        let intent = admins.members(set(RegisterMap::Members, key, RegisterValue::Bool(true)));
        admins.scene.refuses(intent, RefusalCode::UnknownPath);
    }
    for (field, value) in [
        ("active", text("yes")),
        ("active", RegisterValue::Int(1)),
        ("role", text("Administrator")),
        ("dashboard", text("everything")),
        ("name", RegisterValue::Bool(true)),
    ] {
        let intent = admins.members(set(RegisterMap::Members, format!("{id}.{field}"), value));
        admins.scene.refuses(intent, RefusalCode::WrongType);
    }
    let role = RoleId([3; 16]);
    let intent = admins.members(set(RegisterMap::Roles, format!("{role}.kind"), text("god")));
    admins.scene.refuses(intent, RefusalCode::WrongType);
}

/// One Administrator remains, whichever way one tries.
#[test]
fn the_last_administrator_stays() {
    let mut admins = admins();
    let adam = admins.adam;
    let role = admins.scene.office.directory().1.members[&adam].role.unwrap();
    for action in [
        set(RegisterMap::Members, format!("{adam}.active"), RegisterValue::Bool(false)),
        set(RegisterMap::Members, format!("{adam}.active"), None),
        set(RegisterMap::Members, format!("{adam}.role"), None),
        set(RegisterMap::Roles, format!("{role}.kind"), text("user")),
        set(RegisterMap::Roles, format!("{role}.kind"), None),
    ] {
        let intent = admins.members(action);
        admins.scene.refuses(intent, RefusalCode::LastAdministrator);
    }
}

/// A number may be another company's: an SMS would go out in its name.
#[test]
fn numbers_and_absurd_settings_are_refused() {
    let mut admins = admins();
    let settings = admins.settings;
    let cases = [
        ("numbers", text("+14155550100 +14155550200"), RefusalCode::Forbidden),
        ("lease_ms", RegisterValue::Int(-1), RefusalCode::WrongType),
        ("lease_ms", RegisterValue::Int(i64::MAX), RefusalCode::WrongType),
        ("stale_after_ms", text("never"), RefusalCode::WrongType),
        ("region", text("Moon"), RefusalCode::WrongType),
        ("colour", text("red"), RefusalCode::UnknownPath),
    ];
    for (key, value, expected) in cases {
        let intent = admins.edit(settings, Kind::Settings, &[set(RegisterMap::Values, key, value)]);
        admins.scene.refuses(intent, expected);
    }
    let fine = admins.edit(settings, Kind::Settings, &[set(RegisterMap::Values, "region", text("DE"))]);
    accepted(admins.scene.phone.push(&admins.scene.office, vec![fine]));
}
