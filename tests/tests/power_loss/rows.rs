//! What a store holds, row by row, to see whether two of them hold the same.

use std::collections::BTreeMap;

use rusqlite::{Connection, types::ValueRef};

/// The rows of each table, as text, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rows(pub(crate) BTreeMap<String, Vec<String>>);

impl Rows {
    /// Reads tables whose name `wanted` takes; virtual ones are read through themselves.
    pub(crate) fn read(connection: &Connection, wanted: impl Fn(&str) -> bool) -> rusqlite::Result<Self> {
        let mut names = connection.prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
        )?;
        let names = names.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
        let mut tables = BTreeMap::new();
        for name in names.into_iter().filter(|name| wanted(name)) {
            let mut statement = connection.prepare(&format!("SELECT * FROM \"{name}\""))?;
            let columns = statement.column_count();
            let mut found = Vec::new();
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let cells = (0..columns).map(|column| row.get_ref(column).map(cell)).collect::<Result<Vec<_>, _>>()?;
                found.push(cells.join(" | "));
            }
            found.sort();
            tables.insert(name, found);
        }
        Ok(Self(tables))
    }

    /// How many rows each table has.
    pub(crate) fn counts(&self) -> BTreeMap<&str, usize> {
        self.0.iter().map(|(name, rows)| (name.as_str(), rows.len())).collect()
    }

    /// Where it differs from another, for people.
    pub(crate) fn difference(&self, other: &Self) -> String {
        let mut found = Vec::new();
        for name in self.0.keys().chain(other.0.keys().filter(|name| !self.0.contains_key(*name))) {
            let (ours, theirs) = (self.0.get(name), other.0.get(name));
            if ours != theirs {
                let count = |rows: Option<&Vec<String>>| rows.map_or("no table".into(), |rows| rows.len().to_string());
                found.push(format!("{name} ({} rows, not {})", count(ours), count(theirs)));
            }
        }
        if found.is_empty() { "nothing".into() } else { found.join(", ") }
    }
}

fn cell(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "-".into(),
        ValueRef::Integer(value) => value.to_string(),
        ValueRef::Real(value) => value.to_string(),
        ValueRef::Text(value) => String::from_utf8_lossy(value).into_owned(),
        ValueRef::Blob(value) => value.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}
