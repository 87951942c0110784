//! Search by customer name and phone, as one types (R23). Offline; only what the member sees on the dashboard.

use rusqlite::{ToSql, params_from_iter};

use super::{
    Snapshot,
    search_terms::{Term, parse},
};
use crate::{
    ids::ContactId,
    store::rows::{CONVERSATION, WITH_CONTACT},
    sync::storage::StorageError,
    triage::{ContactRow, ConversationRow, SearchHit},
};

/// SQL with its values.
struct Sql {
    text: String,
    values: Vec<Box<dyn ToSql>>,
}

impl Sql {
    /// That one of these texts is in its column.
    fn any(&mut self, texts: Vec<(&'static str, String)>) {
        self.text.push('(');
        for (place, (column, text)) in texts.into_iter().enumerate() {
            if place > 0 {
                self.text.push_str(" OR ");
            }
            self.text.push_str(&format!("instr({column}, ?) > 0"));
            self.values.push(Box::new(text));
        }
        self.text.push(')');
    }
}

/// The contacts that have all terms: first those where each term begins a word or number, then by latest activity.
fn query(terms: &[Term], limit: usize) -> Sql {
    let mut sql = Sql {
        text: "SELECT c.body FROM contact_rows c JOIN documents d ON d.id = c.id AND d.visibility & 1 = 1 WHERE 1"
            .into(),
        values: Vec::new(),
    };
    let indexed: Vec<String> = terms.iter().filter_map(Term::indexed).collect();
    if !indexed.is_empty() {
        sql.text.push_str(" AND c.id IN (SELECT rowid FROM contact_search WHERE contact_search MATCH ?)");
        sql.values.push(Box::new(indexed.join(" AND ")));
    }
    for scanned in terms.iter().filter_map(Term::scanned) {
        sql.text.push_str(" AND instr(c.names, ?) > 0");
        sql.values.push(Box::new(scanned.to_owned()));
    }
    sql.text.push_str(" ORDER BY ");
    for (place, term) in terms.iter().enumerate() {
        if place > 0 {
            sql.text.push_str(" AND ");
        }
        sql.any(term.beginning());
    }
    sql.text.push_str(
        " DESC, (SELECT max(r.last_activity) FROM conversation_rows r WHERE r.contact = c.contact AND r.dashboard = 1) DESC,
         c.display_name, c.contact LIMIT ?",
    );
    sql.values.push(Box::new(i64::try_from(limit).unwrap_or(i64::MAX)));
    sql
}

impl Snapshot<'_> {
    /// Contacts by what was typed: parts of words of the name in any order, any accents and script, phones in any
    /// format. At most `limit`; none if nothing was typed that could be looked for.
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
            hits.push(SearchHit { contact, conversations });
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
