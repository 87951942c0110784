//! The whole table as Markdown. See the crate's head for how to run one line.

fn main() {
    offdesk_bench::run(std::path::Path::new(env!("CARGO_TARGET_TMPDIR")), std::env::args().skip(1));
}
