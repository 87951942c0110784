//! What a command prints: text for people, or JSON.

use std::io::Write;

use offdesk_core::time::Timestamp;
use serde::Serialize;

use super::CliError;

/// A result in both forms.
#[derive(Debug)]
pub(super) struct Output {
    text: String,
    json: serde_json::Value,
}

impl Output {
    /// A result whose text is given.
    pub(super) fn new(text: impl Into<String>, json: &impl Serialize) -> Self {
        // What we print are plain records: names, numbers, lists.
        Self { text: text.into(), json: serde_json::to_value(json).unwrap_or_default() }
    }

    /// Prints it.
    pub(super) fn print(&self, json: bool) -> Result<(), CliError> {
        if json { print(&format!("{:#}\n", self.json)) } else { print(&format!("{}\n", self.text.trim_end())) }
    }
}

/// Writes to standard output.
pub(super) fn print(text: &str) -> Result<(), CliError> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    Ok(stdout.flush()?)
}

/// Writes an error to standard error.
pub(super) fn complain(error: &CliError) {
    // If even that fails there is nobody to tell.
    let _ = writeln!(std::io::stderr().lock(), "offdesk-relay: {error}");
}

/// Columns, each as wide as its widest cell.
pub(super) fn table<const N: usize>(head: [&str; N], rows: Vec<[String; N]>) -> String {
    if rows.is_empty() {
        return "none".into();
    }
    let width = |column: usize| {
        rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0).max(head[column].chars().count())
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |cells: [&str; N]| {
        let cells: Vec<_> = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    std::iter::once(line(head))
        .chain(rows.iter().map(|row| line(std::array::from_fn(|column| row[column].as_str()))))
        .collect::<Vec<_>>()
        .join("\n")
}

/// An instant as people read it, in UTC.
pub(super) fn time(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.millis())
        .map_or_else(|_| format!("{} ms", at.millis()), |at| at.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_their_heads() {
        let rows = vec![["Ana".into(), "Administrator".into()], ["Renée Dùbois".into(), "Agent".into()]];
        assert_eq!(
            table(["NAME", "ROLE"], rows),
            "NAME          ROLE\nAna           Administrator\nRenée Dùbois  Agent"
        );
    }

    #[test]
    fn an_instant_is_read_in_utc() {
        assert_eq!(time(Timestamp(1_700_000_000_000)), "2023-11-14 22:13:20Z");
    }
}
