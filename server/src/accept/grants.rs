//! Who is granted which document personally, and since when; and from that, who sees what.

use std::collections::BTreeSet;

use offdesk_core::{
    ids::{DocumentId, MemberId},
    model::{Contact, ContactAccess, Conversation, DashboardAccess, Kind, MessageAccess},
    policy::{Access, Visibility},
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
        let members = contact.owner.into_iter().chain(contact.shared_with.iter().copied()).collect();
        self.grant(contact.id, BY_RECORD, &members, seq)?;
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

impl ReadTx<'_> {
    /// Since which place of the log the member's devices are sent this document, if they are: by its kind, the member's
    /// access and their grants. A conversation that is open to them by its contact's record only is not sent by itself.
    pub(crate) fn sent_since(
        &self,
        access: &Access,
        document: DocumentId,
        row: &DocumentRow,
    ) -> Result<Option<Seq>, StoreError> {
        let granted = |source: u8| -> Result<Option<Seq>, StoreError> {
            Ok(self
                .connection()
                .prepare_cached(
                    "SELECT granted_seq FROM grants WHERE member = ?1 AND document = ?2 AND source = ?3 AND active",
                )?
                .query_row(params![access.member.as_bytes(), document.as_bytes(), source], |row| row.get(0))
                .optional()?)
        };
        let mut since: Option<Seq> = None;
        let mut add = |seq: Option<Seq>| since = since.into_iter().chain(seq).min();
        match row.kind {
            Kind::Directory | Kind::Settings => add(Some(row.created_seq)),
            Kind::Conversation => match access.dashboard {
                DashboardAccess::All => add(Some(row.created_seq)),
                DashboardAccess::Assigned => add(granted(BY_ASSIGNMENT)?),
                DashboardAccess::None => {}
            },
            Kind::Contact => {
                match access.dashboard {
                    DashboardAccess::All => add(row.public_seq),
                    DashboardAccess::Assigned => add(granted(BY_ASSIGNMENT)?),
                    DashboardAccess::None => {}
                }
                match access.contacts {
                    ContactAccess::All => add(Some(row.created_seq)),
                    ContactAccess::Own => add(granted(BY_RECORD)?),
                    ContactAccess::None => {}
                }
            }
        }
        Ok(since)
    }

    /// How the member sees this document, by every path.
    pub(crate) fn visibility(
        &self,
        access: &Access,
        document: DocumentId,
        row: &DocumentRow,
    ) -> Result<Visibility, StoreError> {
        let sent =
            if self.sent_since(access, document, row)?.is_some() { Visibility::DASHBOARD } else { Visibility::NONE };
        if row.kind != Kind::Conversation || access.messages < MessageAccess::Read {
            return Ok(sent);
        }
        let record = match (access.contacts, row.contact) {
            (ContactAccess::All, _) => true,
            (ContactAccess::Own, Some(contact)) => self
                .connection()
                .prepare_cached("SELECT 1 FROM grants WHERE member = ?1 AND document = ?2 AND source = 2 AND active")?
                .exists(params![access.member.as_bytes(), contact.as_bytes()])?,
            _ => false,
        };
        Ok(if record { sent.with(Visibility::RECORD) } else { sent })
    }
}
