//! Who is granted which document personally, and since when. Who sees what by it, policy says ([`Access::conversation`],
//! [`Access::contact`]).

use std::collections::BTreeSet;

use offdesk_core::{
    ids::{DocumentId, MemberId},
    model::{Contact, Conversation, Kind},
    policy::{Access, Visibility, own_record_of},
    protocol::Seq,
};
use rusqlite::{OptionalExtension, params};

use crate::{
    accept::{DocumentRow, id},
    store::{ReadTx, StoreError, Tx},
};

const BY_ASSIGNMENT: u8 = 1;
const BY_RECORD: u8 = 2;

impl Tx<'_> {
    /// Makes the grants of a conversation those of its assignees, and its contact's with it.
    pub(super) fn grant_conversation(
        &mut self,
        document: DocumentId,
        conversation: &Conversation,
        seq: Seq,
    ) -> Result<(), StoreError> {
        let changed = self.grant(document, BY_ASSIGNMENT, &conversation.assignees(), seq)?;
        if changed {
            let assignees = self.assignees_with(conversation.contact)?;
            self.grant(conversation.contact, BY_ASSIGNMENT, &assignees, seq)?;
        }
        Ok(())
    }

    /// Makes the record grants of a contact those of its owner and of members it is shared with.
    pub(super) fn grant_record(&mut self, contact: &Contact, seq: Seq) -> Result<(), StoreError> {
        self.grant(contact.id, BY_RECORD, &own_record_of(contact).collect(), seq)?;
        Ok(())
    }

    fn assignees_with(&self, contact: DocumentId) -> Result<BTreeSet<MemberId>, StoreError> {
        let mut statement = self.connection().prepare_cached(
            "SELECT DISTINCT member FROM grants JOIN documents ON documents.id = grants.document
             WHERE documents.contact = ?1 AND grants.source = 1 AND grants.active",
        )?;
        let members = statement
            .query_map([contact.as_bytes()], |row| row.get::<_, Vec<u8>>(0))?
            .collect::<Result<Vec<_>, _>>()?;
        members.iter().map(|bytes| id(bytes, MemberId::from_slice, "member id")).collect()
    }

    fn grant(
        &mut self,
        document: DocumentId,
        source: u8,
        members: &BTreeSet<MemberId>,
        seq: Seq,
    ) -> Result<bool, StoreError> {
        let before: BTreeSet<MemberId> = {
            let mut statement = self
                .connection()
                .prepare_cached("SELECT member FROM grants WHERE document = ?1 AND source = ?2 AND active")?;
            let rows = statement
                .query_map(params![document.as_bytes(), source], |row| row.get::<_, Vec<u8>>(0))?
                .collect::<Result<Vec<_>, _>>()?;
            rows.iter().map(|bytes| id(bytes, MemberId::from_slice, "member id")).collect::<Result<_, _>>()?
        };
        for member in members.difference(&before) {
            self.connection()
                .prepare_cached(
                    "INSERT INTO grants (member, document, source, granted_seq, active) VALUES (?1, ?2, ?3, ?4, 1)
                     ON CONFLICT (member, document, source) DO UPDATE SET granted_seq = excluded.granted_seq, active = 1",
                )?
                .execute(params![member.as_bytes(), document.as_bytes(), source, seq])?;
        }
        for member in before.difference(members) {
            self.connection()
                .prepare_cached("UPDATE grants SET active = 0, revoked_seq = ?4 WHERE member = ?1 AND document = ?2 AND source = ?3")?
                .execute(params![member.as_bytes(), document.as_bytes(), source, seq])?;
        }
        Ok(before != *members)
    }
}

/// Since when a path leads to a document, if it is open to the member: to everybody of their access, or to those who are
/// granted it personally, who are looked up only if it depends on that.
fn since(
    open: impl Fn(bool) -> bool,
    everybody: Option<Seq>,
    granted: impl FnOnce() -> Result<Option<Seq>, StoreError>,
) -> Result<Option<Seq>, StoreError> {
    match (open(false), open(true)) {
        (true, _) => Ok(everybody),
        (false, true) => granted(),
        (false, false) => Ok(None),
    }
}

/// Since when a document can be reached, by each path.
struct Paths {
    /// A conversation: on the dashboard. A contact: because a conversation with it is there.
    dashboard: Option<Seq>,
    /// The contact's record, the conversation's for a conversation.
    record: Option<Seq>,
}

impl ReadTx<'_> {
    /// Since which place of the log the member's devices are sent this document, if they are. A conversation that is open
    /// to them by its contact's record only is not sent by itself.
    pub(crate) fn sent_since(
        &self,
        access: &Access,
        document: DocumentId,
        row: &DocumentRow,
    ) -> Result<Option<Seq>, StoreError> {
        let since = match row.kind {
            Kind::Directory | Kind::Settings => Some(row.created_seq),
            Kind::Conversation => self.dashboard_since(access, document, row)?,
            Kind::Contact => {
                let paths = self.paths(access, document, row)?;
                paths.dashboard.into_iter().chain(paths.record).min()
            }
        };
        Ok(since)
    }

    /// How the member sees this document, by every path.
    pub(crate) fn visibility(
        &self,
        access: &Access,
        document: DocumentId,
        row: &DocumentRow,
    ) -> Result<Visibility, StoreError> {
        if matches!(row.kind, Kind::Directory | Kind::Settings) {
            return Ok(access.set_up());
        }
        let paths = self.paths(access, document, row)?;
        let (dashboard, record) = (paths.dashboard.is_some(), paths.record.is_some());
        Ok(if row.kind == Kind::Conversation {
            access.conversation(dashboard, record)
        } else {
            access.contact(record, dashboard)
        })
    }

    fn paths(&self, access: &Access, document: DocumentId, row: &DocumentRow) -> Result<Paths, StoreError> {
        let contact = if row.kind == Kind::Contact { Some(document) } else { row.contact };
        let record = since(
            |own| access.opens_record(own),
            Some(row.created_seq),
            || contact.map_or(Ok(None), |contact| self.granted(access.member, contact, BY_RECORD)),
        )?;
        Ok(Paths { dashboard: self.dashboard_since(access, document, row)?, record })
    }

    fn dashboard_since(
        &self,
        access: &Access,
        document: DocumentId,
        row: &DocumentRow,
    ) -> Result<Option<Seq>, StoreError> {
        let everybody = if row.kind == Kind::Contact { row.public_seq } else { Some(row.created_seq) };
        since(|assigned| access.shows(assigned), everybody, || self.granted(access.member, document, BY_ASSIGNMENT))
    }

    fn granted(&self, member: MemberId, document: DocumentId, source: u8) -> Result<Option<Seq>, StoreError> {
        Ok(self
            .connection()
            .prepare_cached(
                "SELECT granted_seq FROM grants WHERE member = ?1 AND document = ?2 AND source = ?3 AND active",
            )?
            .query_row(params![member.as_bytes(), document.as_bytes(), source], |row| row.get(0))
            .optional()?)
    }
}
