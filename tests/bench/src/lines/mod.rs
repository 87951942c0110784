//! What is measured, a file for each group of lines.

mod border;
mod cold;
mod live;
mod local;
mod memory;
mod month;
mod reading;
mod reconnect;
mod sockets;
mod throughput;
mod upload;

use tokio::runtime::Runtime;

pub use upload::{CONVERSATIONS as UPLOAD_CONVERSATIONS, MESSAGES as UPLOAD_MESSAGES};

use crate::{Context, table::Row};

/// Every line: its name, and what it is.
pub const ALL: &[(&str, &str)] = &[
    ("reconnect-1000", "unchanged reconnect, 1,000 conversations"),
    ("reconnect-10000", "unchanged reconnect, 10,000 conversations"),
    ("changed", "100 of 1,000 conversations changed"),
    ("cold-1000", "cold start, 1,000 conversations"),
    ("cold-10000", "cold start, 10,000 conversations"),
    ("upload", "1,000 messages in 200 conversations, written offline"),
    ("live", "from device to device"),
    ("local", "a reply, durable on the device"),
    ("border", "a call across the border, from Rust and from Kotlin"),
    ("memory", "peak memory of a cold start, as a plot too"),
    ("open", "opening a store with 10,000 conversations"),
    ("reading", "lists, counts and search with 100,000 conversations"),
    ("accepting", "accepted messages a second"),
    ("sockets", "10,000 live devices"),
    ("month", "size and speed of a relay after a month"),
];

/// Measures one line.
pub fn run(context: &Context, name: &str) -> Vec<Row> {
    let runtime = Runtime::new().unwrap();
    let rows = runtime.block_on(async {
        match name {
            "reconnect-1000" => reconnect::unchanged(context, 1_000).await,
            "reconnect-10000" => reconnect::unchanged(context, 10_000).await,
            "changed" => reconnect::changed(context).await,
            "cold-1000" => cold::start(context, 1_000).await,
            "cold-10000" => cold::start(context, 10_000).await,
            "upload" => upload::offline(context).await,
            "live" => live::device_to_device(context).await,
            "local" => local::reply(context).await,
            "border" => border::calls(context).await,
            "memory" => memory::cold(context).await,
            "open" => reading::open(context).await,
            "reading" => reading::lists(context).await,
            "accepting" => throughput::accepting(context).await,
            "sockets" => sockets::live(context).await,
            "month" => month::after(context).await,
            other => panic!("no such line: {other}"),
        }
    });
    // What a line left running ends with it.
    runtime.shutdown_background();
    rows
}

/// A number with commas, as in the table's line names.
pub fn thousands(number: usize) -> String {
    if number < 1_000 { number.to_string() } else { format!("{},{:03}", number / 1_000, number % 1_000) }
}
