//! Search by customer name and phone, as one types (R23). Offline. Who is found by their record only is marked so (R7).

use rusqlite::{ToSql, params_from_iter};

use super::{
    Snapshot,
    search_terms::{Term, parse},
};
use crate::{
    ids::ContactId,
    store::{
        fold::PAD,
        rows::{CONVERSATION, WITH_CONTACT},
    },
    sync::storage::StorageError,
    triage::{ContactRow, ConversationRow, SearchHit},
};

/// The most contacts that are looked at: of one or two letters there are tens of thousands, and nobody reads them.
const CANDIDATES: usize = 300;

/// SQL with its values.
struct Sql {
    text: String,
    values: Vec<Box<dyn ToSql>>,
}

impl Sql {
    fn value(&mut self, value: impl ToSql + 'static) {
        self.values.push(Box::new(value));
    }

    /// Numbers of contacts on the dashboard that meet `indexed` and hold the parts that the index can't find.
    fn candidates(&mut self, indexed: &[String], parts: &[&str]) {
        let from = if indexed.is_empty() { "contact_rows" } else { "contact_search" };
        self.text.push_str(&format!(
            "SELECT s.rowid AS id FROM {from} s CROSS JOIN documents d ON d.id = s.rowid AND d.visibility & 1 = 1"
        ));
        if !parts.is_empty() {
            self.text.push_str(" CROSS JOIN contact_rows p ON p.id = s.rowid");
        }
        self.text.push_str(" WHERE 1");
        if !indexed.is_empty() {
            self.text.push_str(" AND contact_search MATCH ?");
            self.value(indexed.join(" AND "));
        }
        for part in parts {
            self.text.push_str(" AND instr(p.names, ?) > 0");
            self.value((*part).to_owned());
        }
        self.text.push_str(&format!(" LIMIT {CANDIDATES}"));
    }
}

/// The contacts that have all terms: first those where each term begins a word or number, then by latest activity.
fn query(terms: &[Term], limit: usize) -> Sql {
    let parts: Vec<&str> = terms.iter().filter_map(Term::scanned).collect();
    let beginnings: Vec<String> = parts.iter().map(|part| format!("{PAD}{part}")).collect();
    let beginnings: Vec<&str> = beginnings.iter().map(String::as_str).collect();
    let mut sql =
        Sql { text: "SELECT c.body FROM (SELECT id, max(begins) AS begins FROM (".into(), values: Vec::new() };
    sql.text.push_str("SELECT id, 1 AS begins FROM (");
    sql.candidates(&terms.iter().filter_map(Term::indexed_beginning).collect::<Vec<_>>(), &beginnings);
    sql.text.push_str(") UNION ALL SELECT id, 0 FROM (");
    sql.candidates(&terms.iter().filter_map(Term::indexed).collect::<Vec<_>>(), &parts);
    sql.text.push_str(
        ")) GROUP BY id) found CROSS JOIN contact_rows c ON c.id = found.id ORDER BY found.begins DESC,
         (SELECT max(r.last_activity) FROM conversation_rows r WHERE r.contact = c.contact AND r.dashboard = 1) DESC,
         c.display_name, c.contact LIMIT ?",
    );
    sql.value(i64::try_from(limit).unwrap_or(i64::MAX));
    sql
}

impl Snapshot<'_> {
    /// Contacts by what was typed: parts of words of the name in any order, any accents and script, phones in any
    /// format. At most `limit`; none if nothing was typed that could be looked for. Of what hundreds have, such as one or two
    /// letters, some that have it: first those of whom it begins a word or number, then by latest activity.
    pub fn search(&self, typed: &str, limit: usize) -> Result<Vec<SearchHit>, StorageError> {
        let terms = parse(typed);
        if terms.is_empty() {
            return Ok(Vec::new());
        }
        let sql = query(&terms, limit);
        let mut statement = self.connection.prepare_cached(&sql.text)?;
        let mut rows = statement.query(params_from_iter(sql.values))?;
        let mut hits = Vec::new();
        while let Some(row) = rows.next()? {
            let contact: ContactRow = self.unpack_row(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?;
            let conversations = self.conversations_of(contact.contact)?;
            let by_record = conversations.is_empty();
            hits.push(SearchHit { contact, conversations, by_record });
        }
        Ok(hits)
    }

    /// The conversations with a contact on the dashboard, the latest first.
    pub fn conversations_of(&self, contact: ContactId) -> Result<Vec<ConversationRow>, StorageError> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {CONVERSATION} FROM conversation_rows r INDEXED BY conversations_of_contact {WITH_CONTACT}
             WHERE r.contact = ?1 AND r.dashboard = 1
             ORDER BY r.last_activity DESC, r.document"
        ))?;
        let mut rows = statement.query([contact])?;
        let mut list = Vec::new();
        while let Some(row) = rows.next()? {
            list.push(self.conversation_of(row, 0)?);
        }
        Ok(list)
    }
}
