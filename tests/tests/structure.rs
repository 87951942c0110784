//! The shape of the code, held by tests: which module may use which, how long a file may be, what a module may be called,
//! and that the rules' document names tests that exist.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// What each of core's modules may use, from the bottom up. `protocol` stands above `policy` and `alerts`, whose types its
/// frames carry; `triage` above `protocol`, whose facts it projects.
const MAY_USE: &[(&str, &str)] = &[
    ("failpoint", ""),
    ("time", ""),
    ("tolerant", ""),
    ("phone", ""),
    ("template", ""),
    ("ids", "time"),
    ("model", "time phone ids"),
    ("policy", "time phone template ids model"),
    ("alerts", "time tolerant ids model policy"),
    ("intents", "time phone ids model policy"),
    ("protocol", "time tolerant ids model policy alerts"),
    ("triage", "time phone ids model policy alerts protocol"),
    ("sync", "time phone ids model policy alerts intents protocol triage"),
    ("store", "failpoint time phone ids model policy alerts intents protocol triage sync"),
    ("engine", "failpoint time phone template ids model policy alerts intents protocol triage sync store"),
];

/// The longest source file, in lines.
const MAX_LINES: usize = 800;
/// Beyond this a file is named in the test's output.
const LONG_LINES: usize = 500;
/// Names that say nothing about what a module holds.
const EMPTY_NAMES: &[&str] = &["common", "helper", "helpers", "manager", "misc", "util", "utils"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every Rust file under a folder of the repository, with its path from the root.
fn sources(folder: &str) -> Vec<(String, String)> {
    let (root, mut found, mut folders) = (root(), Vec::new(), vec![root().join(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no source under {folder}: this test looks in the wrong place");
    found
}

/// Whether a file holds tests only, which may use whatever they need.
fn holds_tests(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

/// The code of a file: no comments, and nothing from its test module on, which may use more.
fn code(text: &str) -> String {
    let lines = text.lines().take_while(|line| line.trim() != "#[cfg(test)]");
    lines.map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The first names after each `prefix::`, a group's (`prefix::{a::b, c}`) each on its own.
fn used(code: &str, prefix: &str) -> BTreeSet<String> {
    let marker = format!("{prefix}::");
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices(&marker) {
        let whole_word = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let after = code[at + marker.len()..].trim_start();
        if !whole_word {
            continue;
        }
        let Some(group) = after.strip_prefix('{') else {
            names.insert(first_name(after));
            continue;
        };
        let (mut depth, mut start) = (0, 0);
        for (index, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth > 0 => depth -= 1,
                '}' | ',' if depth == 0 => {
                    names.insert(first_name(&group[start..index]));
                    start = index + 1;
                    if c == '}' {
                        break;
                    }
                }
                _ => {}
            }
        }
    }
    names.remove("");
    names
}

fn first_name(text: &str) -> String {
    text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn names_are_found_in_paths_and_groups() {
    let code = "use crate::{a::{b, c::d}, e};\nlet x = crate::f::g(); mycrate::no; use crate::{\n    h::I,\n};";
    let names: Vec<String> = used(code, "crate").into_iter().collect();
    assert_eq!(names, ["a", "e", "f", "h"]);
    assert_eq!(self::code("//! crate::x\na // crate::y\n#[cfg(test)]\nmod tests {"), "\na ");
}

/// Dependencies between core's modules point downward only.
#[test]
fn layers_point_downward() {
    let may_use: BTreeMap<&str, BTreeSet<&str>> =
        MAY_USE.iter().map(|(name, may)| (*name, may.split(' ').collect())).collect();
    let mut wrong = Vec::new();
    for (path, text) in sources("core/src") {
        let name = path.trim_start_matches("core/src/").split('/').next().unwrap().trim_end_matches(".rs").to_owned();
        if name == "lib" || holds_tests(&path) {
            continue;
        }
        let Some(may) = may_use.get(name.as_str()) else {
            wrong.push(format!("{path}: `{name}` has no place in the order of layers: give it one in {}", file!()));
            continue;
        };
        let uses = used(&code(&text), "crate").into_iter();
        let modules = uses.filter(|used| used.starts_with(char::is_lowercase) && *used != name);
        wrong.extend(
            modules
                .filter(|used| !may.contains(used.as_str()))
                .map(|used| format!("{path} uses crate::{used}, which stands above {name}")),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The relay shares core's rules and protocol; the device's database and driver are for devices, so only the demo, which
/// runs devices in the relay's process, uses them.
#[test]
fn the_relay_uses_no_device() {
    let mut wrong = Vec::new();
    for (path, text) in sources("server/src") {
        if path.starts_with("server/src/demo") || holds_tests(&path) {
            continue;
        }
        let uses = used(&code(&text), "offdesk_core");
        wrong.extend(
            ["store", "engine"]
                .iter()
                .filter(|name| uses.contains(**name))
                .map(|name| format!("{path} uses offdesk_core::{name}")),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The reference says what the rules say, and not what the product does: it shares nothing with it.
#[test]
fn the_reference_shares_nothing_with_the_product() {
    let product = ["offdesk_core", "offdesk_relay", "crate::raw", "crate::world"];
    for (path, text) in sources("tests/src/reference") {
        let code = code(&text);
        let used: Vec<&&str> = product.iter().filter(|name| code.contains(**name)).collect();
        assert!(used.is_empty(), "{path} uses {used:?}: it would repeat the product's mistakes");
    }
}

/// The state machines are simulated with a clock and random numbers of the test's choosing, so nothing below the drivers
/// may have its own.
#[test]
fn logic_reads_no_clock_and_draws_no_lots() {
    let drivers = ["core/src/engine/", "core/src/store/"];
    let mut wrong = Vec::new();
    for (path, text) in sources("core/src") {
        if drivers.iter().any(|driver| path.starts_with(driver)) || holds_tests(&path) {
            continue;
        }
        let code = code(&text);
        let calls = ["Instant::now", "SystemTime::now", "rand::rng()", "thread_rng", "rand::random"];
        wrong.extend(
            calls
                .iter()
                .filter(|call| code.contains(**call))
                .map(|call| format!("{path} calls {call}: take it as an argument")),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_are_short_and_named_for_what_they_hold() {
    let mut wrong = Vec::new();
    for folder in ["core", "ffi", "server", "tests"] {
        for (path, text) in sources(folder) {
            let lines = text.lines().count();
            if lines > MAX_LINES {
                wrong.push(format!("{path} has {lines} lines: split it at {MAX_LINES}"));
            } else if lines > LONG_LINES {
                eprintln!("long: {path} has {lines} lines");
            }
            let parts: Vec<&str> = path.trim_end_matches(".rs").split('/').collect();
            wrong.extend(
                parts
                    .iter()
                    .filter(|part| EMPTY_NAMES.contains(part))
                    .map(|part| format!("{path}: '{part}' doesn't say what is in it")),
            );
            let declared = code(&text);
            let modules = declared.lines().filter_map(|line| {
                line.trim().trim_start_matches("pub ").trim_start_matches("pub(crate) ").strip_prefix("mod ")
            });
            wrong.extend(
                modules
                    .map(first_name)
                    .filter(|name| EMPTY_NAMES.contains(&name.as_str()))
                    .map(|name| format!("{path} declares mod {name}")),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Each rule stands in `docs/rules.md` once, and each test named there as its proof exists.
#[test]
fn the_rules_name_tests_that_exist() {
    let rules = fs::read_to_string(root().join("docs/rules.md")).unwrap();
    let mut wrong = Vec::new();
    let mut seen = BTreeMap::<String, usize>::new();
    for line in rules.lines().filter(|line| line.starts_with("| R")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [rule, _, _, proof] = cells[..] else {
            wrong.push(format!("not four cells: {line}"));
            continue;
        };
        *seen.entry(rule.to_owned()).or_default() += 1;
        let tests: Vec<&str> = proof.split('`').skip(1).step_by(2).collect();
        if tests.is_empty() && !proof.contains("planned") {
            wrong.push(format!("{rule}: neither a test nor `planned`"));
        }
        for test in tests {
            let Some((file, name)) = test.split_once("::") else {
                wrong.push(format!("{rule}: '{test}' is not of the form path/to/file.rs::test"));
                continue;
            };
            let text = fs::read_to_string(root().join(file)).unwrap_or_default();
            if !text.contains(&format!("fn {name}(")) {
                wrong.push(format!("{rule}: there is no test '{name}' in {file}"));
            }
        }
    }
    for number in 1..=42 {
        let times = seen.get(&format!("R{number}")).copied().unwrap_or(0);
        if times != 1 {
            wrong.push(format!("R{number} stands {times} times in docs/rules.md"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The variants of one of core's enums, as they are named on the wire.
fn wire_names(name: &str) -> Vec<String> {
    let head = format!("pub enum {name} {{");
    let texts = sources("core/src");
    let body = texts.iter().find_map(|(_, text)| Some(text.split_once(&head)?.1));
    let body = body.unwrap_or_else(|| panic!("core has no enum {name}"));
    let body = body.split_once("\n}").unwrap().0;
    let variants =
        body.lines().filter_map(|line| line.strip_prefix("    ").filter(|line| line.starts_with(char::is_uppercase)));
    variants.map(|line| snake_case(&first_name(line))).filter(|name| name != "unknown").collect()
}

fn snake_case(name: &str) -> String {
    name.chars().fold(String::new(), |mut snake, c| {
        if c.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
        snake
    })
}

/// The protocol's document names every frame, verdict and refusal that there is.
#[test]
fn the_protocols_document_is_complete() {
    let document = fs::read_to_string(root().join("docs/protocol.md")).unwrap();
    let mut missing = Vec::new();
    for name in ["Request", "Response", "Verdict", "Goodbye", "RefusalCode"] {
        let names = wire_names(name);
        assert!(names.len() > 3, "the variants of {name} are not found");
        let quoted = |name: &String| [' ', '`', '(', '{'].iter().any(|end| document.contains(&format!("`{name}{end}")));
        missing.extend(names.into_iter().filter(|name| !quoted(name)).map(|variant| format!("{name}: `{variant}`")));
    }
    assert!(missing.is_empty(), "docs/protocol.md doesn't mention {}", missing.join(", "));
    for path in [
        offdesk_core::protocol::SYNC_PATH,
        offdesk_core::protocol::ENROL_PATH,
        offdesk_core::protocol::ENROLMENT_CODE_PATH,
    ] {
        assert!(document.contains(path), "docs/protocol.md doesn't mention {path}");
    }
    assert!(document.contains(&format!("Version {}.", offdesk_core::protocol::VERSION)));
}

/// The operators' document names every metric and every key of the configuration.
#[test]
fn the_operators_document_is_complete() {
    let document = fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let metrics = fs::read_to_string(root().join("server/src/metrics.rs")).unwrap();
    let config = fs::read_to_string(root().join("server/src/config/mod.rs")).unwrap();
    let names =
        metrics.lines().filter_map(|line| line.strip_prefix("pub const ")).filter_map(|line| line.split('"').nth(1));
    let (mut table, mut keys) = (String::new(), Vec::new());
    for line in config.lines() {
        if let Some(name) = line.strip_prefix("pub struct ") {
            table =
                if name.starts_with("Config") { String::new() } else { format!("{}.", snake_case(&first_name(name))) };
        } else if let Some(field) = line.strip_prefix("    pub ").filter(|field| !field.starts_with("fn ")) {
            keys.push(format!("{table}{}", first_name(field)));
        }
    }
    keys.retain(|key| !["log", "limits", "tls", "sms"].contains(&key.as_str()));
    assert!(keys.len() > 15, "the configuration's keys are not found");
    let expected: Vec<String> = names.map(str::to_owned).chain(keys).collect();
    let missing: Vec<&String> = expected.iter().filter(|name| !document.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "docs/operations.md doesn't mention {missing:?}");
}
