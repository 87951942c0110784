//! The program as an administrator meets it: its commands, what they print, how they fail, and a relay that is administered
//! while it runs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

/// An administrator's desk: a folder with a database in it.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program in an environment without settings of ours.
    fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_offdesk-relay"));
        command.env_clear().current_dir(self.folder.path()).args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.program(arguments).output().unwrap()
    }

    /// Runs a command that must succeed; returns its JSON.
    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Runs a command that must fail with this exit code; returns what it complains of.
    fn complaint(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        told
    }

    /// Sets up Acme with Ana as its Administrator and Ben as an Agent.
    fn acme(&self) {
        self.json(&["admin", "workspace", "create", "--name", "Acme", "--number", "+1 415 555 2671"]);
        self.json(&["admin", "member", "add", "--name", "Ana", "--role", "administrator"]);
        self.json(&["admin", "member", "add", "--name", "Ben", "--role", "agent"]);
    }
}

/// A relay that runs as a process of its own; it ends with its test.
struct Relay {
    child: Child,
    addr: SocketAddr,
}

impl Relay {
    fn start(desk: &Desk, database: &Path) -> Self {
        let mut child = desk
            .program(&["serve", "--listen", "127.0.0.1:0", "--database", database.to_str().unwrap()])
            .env("OFFDESK_LOG__FORMAT", "json")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let addr = loop {
            let line = log.next().expect("the relay says where it listens").unwrap();
            let line: Value = serde_json::from_str(&line).unwrap();
            if let Some(addr) = line["address"].as_str() {
                break addr.parse().unwrap();
            }
        };
        // The rest of the log is read away, so that the relay never waits for a reader.
        std::thread::spawn(move || log.for_each(drop));
        Self { child, addr }
    }

    /// Posts JSON; returns the status and the answer's JSON.
    fn post(&self, path: &str, credential: Option<&str>, body: &Value) -> (u16, Value) {
        let body = body.to_string();
        let bearer = credential.map(|credential| format!("authorization: Bearer {credential}\r\n"));
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: relay\r\nconnection: close\r\ncontent-type: application/json\r\n{}content-length: {}\r\n\r\n",
            bearer.unwrap_or_default(),
            body.len()
        );
        let mut stream = TcpStream::connect(self.addr).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap())
    }

    fn enrol(&self, code: &Value) -> (u16, Value) {
        self.post("/v1/enrol", None, &json!({ "code": code["code"], "device_name": "Ben's phone" }))
    }

    /// Asks it to end as a service manager does; returns its exit code.
    fn terminate(mut self) -> Option<i32> {
        assert!(Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// R10, R40: members are added, enrolled and let go while the relay runs; it takes notice of each.
#[test]
fn a_relay_is_administered_while_it_runs() {
    let desk = Desk::new();
    desk.acme();
    let relay = Relay::start(&desk, &desk.file("offdesk.db"));
    let code = desk.json(&["admin", "code", "create", "--member", "ben", "--lifetime", "10m"]);
    let (status, device) = relay.enrol(&code);
    assert_eq!(status, 201, "{device}");
    let devices = desk.json(&["admin", "device", "list", "--member", "Ben"]);
    assert_eq!((&devices[0]["name"], &devices[0]["id"]), (&json!("Ben's phone"), &device["device"]));

    let credential = device["credential"].as_str().unwrap();
    assert_eq!(relay.post("/v1/enrolment-codes", Some(credential), &json!({})).0, 201);
    assert_eq!(desk.json(&["admin", "member", "deactivate", "ben", "--as", "Olga"])["devices_revoked"], 1);
    let (status, problem) = relay.post("/v1/enrolment-codes", Some(credential), &json!({}));
    assert_eq!((status, &problem["type"]), (401, &json!("device_revoked")));
    let trail = desk.json(&["admin", "audit", "list", "--limit", "1"]);
    assert_eq!(trail[0]["who"], "command line (Olga)");
    assert_eq!(relay.terminate(), Some(0));
}

/// A backup of the running relay becomes a relay of a new epoch that sends nothing until somebody has looked.
#[test]
fn a_backup_becomes_a_relay_again() {
    let desk = Desk::new();
    desk.acme();
    let relay = Relay::start(&desk, &desk.file("offdesk.db"));
    let (_, device) = relay.enrol(&desk.json(&["admin", "code", "create", "--member", "ben"]));
    let code = desk.json(&["admin", "code", "create", "--member", "ben"]);
    desk.json(&["admin", "backup", "--to", "backup.db"]);
    let told = desk.complaint(1, &["admin", "backup", "--to", "backup.db"]);
    assert!(told.contains("backup.db exists and is not overwritten"), "{told}");
    assert_eq!(relay.terminate(), Some(0));

    let restored = desk.json(&["admin", "restore", "--from", "backup.db", "--to", "restored.db"]);
    let relay = Relay::start(&desk, &desk.file("restored.db"));
    assert_eq!(relay.enrol(&code).0, 403, "codes of before the restore are void");
    let (status, code) = relay.post("/v1/enrolment-codes", device["credential"].as_str(), &json!({}));
    assert_eq!(status, 201, "devices of before the restore are welcome");
    assert_eq!(relay.enrol(&code).1["epoch"], restored["epoch"]);

    let resume = ["admin", "resume-dispatch", "--database", "restored.db"];
    assert_eq!(desk.json(&resume)["recovering"], true);
    let list = String::from_utf8(desk.run(&resume).stdout).unwrap();
    assert!(list.contains("Ben's phone") && list.contains("--confirmed"), "{list}");
    desk.json(&[&resume[..], &["--confirmed"]].concat());
    assert!(desk.complaint(1, &resume).contains("doesn't wait"));
    assert_eq!(relay.terminate(), Some(0));
}

#[test]
fn a_mistake_is_told_with_what_to_do() {
    let desk = Desk::new();
    let told = desk.complaint(1, &["admin", "workspace", "list"]);
    assert!(told.contains("there is no database offdesk.db") && !desk.file("offdesk.db").exists(), "{told}");
    desk.acme();
    for (code, arguments, said) in [
        (1, vec!["admin", "code", "create", "--member", "Cho"], "there is no member 'Cho'; known are"),
        (1, vec!["admin", "member", "deactivate", "ana"], "make somebody else one first"),
        (1, vec!["admin", "member", "list", "--workspace", "Beta"], "there is no workspace 'Beta'; known are 'Acme'"),
        (1, vec!["serve", "--config", "none.toml"], "the configuration file none.toml is not there"),
        (2, vec!["admin", "role", "set", "agent", "--dashboard", "some"], "possible values: all, assigned, none"),
        (2, vec!["admin", "settings", "set", "--lease", "long"], "write it such as 20s, 10m or 24h"),
        (2, vec!["config"], "--check"),
    ] {
        let told = desk.complaint(code, &arguments);
        assert!(told.contains(said), "{arguments:?}: {told}");
    }
}

#[test]
fn the_configuration_is_checked_before_it_is_used() {
    let desk = Desk::new();
    let printed = desk.run(&["config", "--print-default"]).stdout;
    std::fs::write(desk.file("offdesk.toml"), &printed).unwrap();
    assert!(desk.run(&["--config", "offdesk.toml", "config", "--check"]).status.success());
    std::fs::write(desk.file("wrong.toml"), "hartbeat = '20s'").unwrap();
    for arguments in [["--config", "wrong.toml", "config", "--check"].as_slice(), &["--config", "wrong.toml", "serve"]]
    {
        let told = desk.complaint(1, arguments);
        assert!(
            told.contains("unknown key 'hartbeat' in ") && told.contains("wrong.toml; the keys here are"),
            "{told}"
        );
        assert!(told.contains("heartbeat"), "{told}");
    }
}

/// What a person reads is aligned and complete; `--json` has the same.
#[test]
fn a_list_reads_well() {
    let desk = Desk::new();
    desk.acme();
    let text = String::from_utf8(desk.run(&["admin", "member", "list"]).stdout).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    let column = lines[0].find("DASHBOARD").unwrap();
    assert!(lines[1].starts_with("Ana") && lines[1][column..].starts_with("all"), "{text}");
    let json = desk.json(&["admin", "member", "list"]);
    let ben = &json[1];
    assert_eq!((&ben["name"], &ben["role_name"], &ben["active"]), (&json!("Ben"), &json!("Agent"), &json!(true)));
}

/// R1, R36 to R39: all of the set-up is made, listed and changed at the command line, and what can't be is told.
#[test]
fn a_workspace_is_set_up() {
    let desk = Desk::new();
    desk.acme();
    let admin = |arguments: &[&str]| desk.json(&[&["admin"], arguments].concat());
    admin(&[
        "hours",
        "add",
        "--name",
        "Office",
        "--zone",
        "America/New_York",
        "--open",
        "mon-fri=09:00-12:00,13:00-17:30",
    ]);
    let changed = admin(&["hours", "set", "office", "--shut", "fri", "--closed", "2026-12-25"]);
    assert_eq!((&changed["week"]["thu"], &changed["week"]["fri"]), (&json!("09:00-12:00 13:00-17:30"), &Value::Null));
    assert_eq!(changed["closed"], json!(["2026-12-25"]));

    admin(&["queue", "add", "--name", "Sales", "--member", "ben", "--hours", "office", "--reply-within", "1h"]);
    let queue = admin(&["queue", "set", "sales", "--name", "Sales east", "--add-member", "ana"]);
    assert_eq!((&queue["name"], queue["members"].as_array().unwrap().len()), (&json!("Sales east"), 2));
    assert_eq!(queue["reply_within_ms"], 3_600_000);
    assert_eq!(admin(&["queue", "archive", "sales"])["archived"], true);
    assert_eq!(admin(&["queue", "restore", "sales"])["archived"], false);
    let list = String::from_utf8(desk.run(&["admin", "queue", "list"]).stdout).unwrap();
    assert!(list.contains("Sales east") && list.contains("Office") && list.contains("1h"), "{list}");

    admin(&[
        "canned",
        "add",
        "--shortcut",
        "thanks",
        "--text",
        "Thank you, {contact.first_name|friend}! {member.name}",
    ]);
    let preview = admin(&["canned", "preview", "thanks", "--contact", "Mara Lindgren", "--member", "ben"]);
    assert_eq!(preview["text"], "Thank you, Mara! Ben");
    let preview = admin(&["canned", "preview", "--text", "{contact.nickname}, {contact.name}", "--contact", ""]);
    assert_eq!((&preview["unknown"], &preview["missing"]), (&json!(["contact.nickname"]), &json!(["contact.name"])));

    admin(&["engagement", "add", "--name", "Pricing", "--page", "*/pricing", "--greeting", "Hi", "--queue", "sales"]);
    assert_eq!(admin(&["engagement", "enable", "pricing"])["enabled"], true);
    let cart = ["automation", "add", "--name", "Cart", "--event", "abandoned_checkout", "--template", "{data.url}"];
    let fields = ["--record-owner", "true", "--origin", "cart_recovery", "--quiet", "21:00-08:00", "--delay", "1h"];
    let automation = admin(&[&cart[..], &fields[..]].concat());
    assert_eq!((&automation["origin"], &automation["quiet"]), (&json!("cart_recovery"), &json!("21:00-08:00")));
    assert_eq!(admin(&["automation", "list"]).as_array().unwrap().len(), 1);
    let secret = admin(&["automation", "secret"]);
    assert_eq!(admin(&["automation", "secret"]), secret);
    assert_ne!(admin(&["automation", "secret", "--new"])["secret"], secret["secret"]);
    let run = ["automation", "run", "cart", "--phone", "(415) 555-2699", "--id", "1"];
    assert!(admin(&run)["done"][0]["left_alone"].as_str().unwrap().contains("data.url"));
    let run =
        ["automation", "run", "cart", "--phone", "(415) 555-2699", "--id", "2", "--data", "url=https://a.example"];
    assert!(admin(&run)["done"][0]["message"].is_string());
    assert_eq!(admin(&run)["duplicate"], true);

    for (code, arguments, said) in [
        (1, vec!["queue", "add", "--name", "Sales east"], "there is a queue 'Sales east'"),
        (1, vec!["queue", "set", "sales", "--add-member", "cho"], "there is no member 'cho'"),
        (1, vec!["hours", "remove", "office"], "the queue 'Sales east' has these hours"),
        (1, vec!["hours", "set", "office", "--zone", "Mars/Olympus"], "there is no such time zone"),
        (1, vec!["canned", "set", "thanks", "--text", "{price}"], "there is no variable price"),
        (1, vec!["canned", "add", "--shortcut", "two words", "--text", "x"], "this can't be its value"),
        (1, vec!["engagement", "set", "pricing", "--outside-hours", "away"], "this is needed: away"),
        (1, vec!["role", "remove", "agent"], "Ben have the role 'Agent'"),
        (2, vec!["hours", "add", "--name", "x", "--zone", "UTC", "--open", "mon-fri"], "such as mon-fri=09:00-17:30"),
        (2, vec!["automation", "set", "cart", "--handler", "nobody"], "possible values: human, ai"),
    ] {
        let told = desk.complaint(code, &[&["admin"], &arguments[..]].concat());
        assert!(told.contains(said), "{arguments:?}: {told}");
    }
    admin(&["automation", "remove", "cart"]);
    admin(&["engagement", "remove", "pricing"]);
    admin(&["canned", "remove", "thanks"]);
    admin(&["queue", "set", "sales", "--hours", "none"]);
    admin(&["hours", "remove", "office"]);
    let trail = admin(&["audit", "list"]);
    assert!(trail[0]["act"].as_str().unwrap().starts_with("removed hours 'Office'"), "{trail}");
}

/// A workspace goes out as lines of JSON and comes into another database; what is there is passed over.
#[test]
fn a_workspace_is_exported_and_imported() {
    let desk = Desk::new();
    desk.acme();
    desk.json(&["admin", "canned", "add", "--shortcut", "hi", "--text", "Hi {contact.name}"]);
    let written = desk.json(&["admin", "export", "--to", "acme.jsonl"]);
    assert_eq!((&written["written"]["member"], &written["written"]["canned"]), (&json!(2), &json!(1)));
    let told = desk.complaint(1, &["admin", "export", "--to", "acme.jsonl"]);
    assert!(told.contains("exists"), "{told}");

    let import = ["admin", "import", "--from", "acme.jsonl", "--database", "other.db"];
    assert_eq!(desk.json(&import)["added"], written["written"]);
    let again = desk.json(&import);
    assert_eq!((&again["added"], &again["known"]), (&json!({}), &json!(7)));
    desk.json(&["admin", "export", "--to", "again.jsonl", "--database", "other.db"]);
    let read = |name: &str| std::fs::read_to_string(desk.file(name)).unwrap();
    assert_eq!(read("again.jsonl"), read("acme.jsonl"));
    let members = desk.json(&["admin", "member", "list", "--database", "other.db"]);
    assert_eq!((&members[0]["name"], &members[0]["role_name"]), (&json!("Ana"), &json!("Administrator")));

    std::fs::write(desk.file("wrong.jsonl"), read("acme.jsonl") + "{\"record\":\"message\"}\n").unwrap();
    let told = desk.complaint(1, &["admin", "import", "--from", "wrong.jsonl", "--database", "other.db"]);
    assert!(told.contains("line 8: missing field"), "{told}");
}
