//! The table: rows as they are measured, and Markdown of them.

use std::fmt::Write;

/// One figure beside what it is to be compared with.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Which line of the target table.
    pub line: String,
    /// What of it.
    pub what: String,
    /// Ours.
    pub ours: String,
    /// The target.
    pub target: String,
    /// The physical limit, measured in the same run.
    pub limit: String,
    /// The peer, measured in the same run.
    pub peer: String,
}

impl Row {
    /// A figure of ours.
    pub fn new(line: impl Into<String>, what: impl Into<String>, ours: impl Into<String>) -> Self {
        Self { line: line.into(), what: what.into(), ours: ours.into(), ..Self::default() }
    }

    /// With its target.
    #[must_use]
    pub fn target(mut self, target: impl Into<String>) -> Self {
        self.target = target.into();
        self
    }

    /// With its physical limit.
    #[must_use]
    pub fn limit(mut self, limit: impl Into<String>) -> Self {
        self.limit = limit.into();
        self
    }

    /// With the peer's figure.
    #[must_use]
    pub fn peer(mut self, peer: impl Into<String>) -> Self {
        self.peer = peer.into();
        self
    }
}

/// The rows so far; each is printed as it comes.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Row>,
}

impl Table {
    /// Takes rows in.
    pub fn add(&mut self, rows: Vec<Row>) {
        for row in &rows {
            eprintln!("    {}: {} | {} | limit {} | peer {}", row.line, row.what, row.ours, row.limit, row.peer);
        }
        self.rows.extend(rows);
    }

    /// All of it.
    pub fn markdown(&self) -> String {
        let mut text =
            String::from("| line | what | ours | target | physical limit | samod |\n|---|---|---|---|---|---|\n");
        let mut last = "";
        for row in &self.rows {
            let line = if row.line == last { "" } else { &row.line };
            let _ = writeln!(
                text,
                "| {line} | {} | {} | {} | {} | {} |",
                row.what, row.ours, row.target, row.limit, row.peer
            );
            last = &row.line;
        }
        text
    }
}
