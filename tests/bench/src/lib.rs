//! What Offdesk costs: every line of the target table, ours beside the physical limit, the peer and the target, measured
//! in one run on one machine.
//!
//! ```text
//! cargo bench -p offdesk-bench --features peer                                 the whole table, as Markdown
//! cargo bench -p offdesk-bench --features peer --bench table -- --write        and into docs/performance.md
//! cargo bench -p offdesk-bench --bench table -- cold live                      these lines alone, without the peer
//! cargo bench -p offdesk-bench --bench table -- --list                         their names
//! ```
//!
//! To see where the time of one line goes: build with `cargo bench -p offdesk-bench --no-run`, then
//! `perf record -F 999 -g --call-graph dwarf,16384 target/release/deps/table-<hash> --bench cold-1000` and `perf report`.
//! `OFFDESK_BENCH_DATA` names the folder of generated databases, which is otherwise in the target folder; delete it after a
//! change of what the acceptor writes.
//!
//! # Layout
//! - [`workload`], [`words`]: what people say, from a seed. [`office`]: a relay's database with it, made by the acceptor.
//! - [`stage`]: a relay on such a database and devices of its members. [`handset`]: a device's database with 100,000
//!   conversations. [`clients`]: devices without a store, for load. [`child`]: processes of their own.
//! - [`measure`]: wall, CPU, memory. [`limits`]: the physical limits. [`peer`]: samod, behind the feature `peer`.
//! - [`lines`]: what is measured, a file for each group of lines. [`table`]: the Markdown,
//!   [`mod@plot`]: the chart.
//!
//! Device and relay run in one process but where memory is measured, so CPU time is that of both sides together.
#![forbid(unsafe_code)]
// What can't be set up can't be measured; the table goes to stdout.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

pub mod child;
pub mod clients;
pub mod handset;
pub mod limits;
pub mod lines;
pub mod measure;
pub mod office;
pub mod peer;
pub mod plot;
pub mod stage;
pub mod table;
pub mod words;
pub mod workload;

use std::path::{Path, PathBuf};

use table::Table;

/// What every line gets.
#[derive(Debug)]
pub struct Context {
    /// Where generated databases are kept, and stages stand.
    pub cache: PathBuf,
    /// Where plots go.
    pub docs: PathBuf,
}

/// Runs the lines that `args` name, all of them if none is named, and prints the table.
pub fn run(folder: &Path, args: impl Iterator<Item = String>) {
    // Cargo passes `--bench`.
    let mut wanted: Vec<String> = args.filter(|arg| arg != "--bench").collect();
    if child::ran(&wanted) {
        return;
    }
    if wanted.iter().any(|arg| arg == "--list") {
        lines::ALL.iter().for_each(|(name, what)| println!("{name:<14} {what}"));
        return;
    }
    let write = wanted.iter().any(|arg| arg == "--write");
    wanted.retain(|arg| arg != "--write");
    let unknown: Vec<&String> =
        wanted.iter().filter(|name| !lines::ALL.iter().any(|(known, _)| known == name)).collect();
    assert!(unknown.is_empty(), "no such line: {unknown:?}; --list names them");
    if wanted.is_empty() {
        wanted = lines::ALL.iter().map(|(name, _)| (*name).to_owned()).collect();
    }
    let cache = std::env::var_os("OFFDESK_BENCH_DATA").map_or_else(|| folder.join("bench-data"), PathBuf::from);
    std::fs::create_dir_all(&cache).unwrap();
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let context = Context { cache, docs };
    let mut table = Table::default();
    // Our own HTTP clients need one before any device is made; they speak no TLS.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let machine = measure::machine();
    println!("{machine}");
    for name in wanted {
        eprintln!("{name} (load {})", measure::load());
        table.add(lines::run(&context, &name));
    }
    let text = format!("{machine}; load at the end {}.\n\n{}", measure::load(), table.markdown());
    println!("\n{text}");
    if write {
        put_into(&context.docs.join("performance.md"), &text);
    }
}

/// Puts the table between its marks, in place of the former one.
fn put_into(document: &Path, text: &str) {
    let former = std::fs::read_to_string(document).unwrap();
    let (before, rest) = former.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    std::fs::write(document, format!("{before}{BEGIN}\n{text}{END}{after}")).unwrap();
}

const BEGIN: &str = "<!-- the table: written by `-- --write` -->";
const END: &str = "<!-- end of the table -->";
