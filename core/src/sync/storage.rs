//! What the session asks of the disk. Every call happens inside one transaction that the driver opens before it hands an
//! event to the session and commits before it carries out the effects; on any error the driver rolls back.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    ids::{AlertId, ContactId, ConversationId, DeviceId, DocumentId, IntentId, MemberId, WorkspaceId},
    intents::Verb,
    model::{Channel, Kind, Refusal},
    policy::Visibility,
    protocol::{Cursor, EnrolResponse, Fact, Incarnation, RegisterContent, RegisterKey, Response, Seq},
    time::Timestamp,
    triage::{ActiveAlert, ContactRow, ConversationRow, Registers},
};

/// The disk failed or holds something unreadable.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The disk is full. Free space, then try again; nothing was changed.
    #[error("the disk is full: free some space and try again")]
    Full,
    /// Another process holds the database. Try again.
    #[error("the database is busy: try again")]
    Busy,
    /// The database is damaged beyond the read model.
    #[error("the database is damaged: {0}; enrol this device anew")]
    Corrupt(String),
    /// The key does not open the database.
    #[error("the key does not open this database, or the file is no database")]
    WrongKey,
    /// The database was written by a newer version of Offdesk.
    #[error("the database has schema {found}, newer than {known} of this version: update the app")]
    Newer {
        /// The schema version found.
        found: i64,
        /// The newest that this build knows.
        known: i64,
    },
    /// Any other failure of the disk.
    #[error("the database failed: {0}")]
    Io(String),
}

/// Who this device is; written once, at enrolment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The member.
    pub member: MemberId,
    /// The device.
    pub device: DeviceId,
    /// Where the relay is.
    pub relay: String,
    /// The bearer token.
    pub credential: String,
}

/// What the session must know after a restart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SyncState {
    /// How far the device has got.
    pub cursor: Cursor,
    /// Which copy of the store this is.
    pub incarnation: Incarnation,
    /// The number of the last push that was sent.
    pub push_number: u64,
    /// When the relay last answered, by this device's clock: the lease of R9 counts from here.
    pub last_contact: Timestamp,
    /// When digests were last compared.
    pub last_digest: Timestamp,
    /// This store was proven to be a copy: it pushes nothing until it is enrolled anew.
    pub clone: bool,
    /// The device was revoked (R10): it is to be wiped.
    pub revoked: bool,
}

/// What a device knows right after its enrolment.
pub fn born(relay: &str, enrolled: &EnrolResponse, now: Timestamp) -> (Identity, SyncState) {
    let identity = Identity {
        workspace: enrolled.workspace,
        member: enrolled.member,
        device: enrolled.device,
        relay: relay.trim().to_owned(),
        credential: enrolled.credential.clone(),
    };
    let state = SyncState {
        cursor: Cursor { epoch: enrolled.epoch, ..Cursor::default() },
        incarnation: Incarnation { previous: enrolled.incarnation, next: enrolled.incarnation },
        push_number: 0,
        last_contact: now,
        last_digest: now,
        clone: false,
        revoked: false,
    };
    (identity, state)
}

/// A document as stored: a snapshot of what the relay confirmed and the confirmed changes since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDocument {
    /// Its kind.
    pub kind: Kind,
    /// How the member sees it.
    pub visibility: Visibility,
    /// The saved document; empty for one that only this device knows so far (its genesis).
    pub saved: Vec<u8>,
    /// Confirmed changes since, in order.
    pub tail: Vec<Vec<u8>>,
    /// The actor of this device's present lineage in it. A new one is drawn after each rejection or undo.
    pub actor: Option<[u8; 16]>,
    /// Whether the relay knows it.
    pub confirmed: bool,
}

/// How far an intent is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntentState {
    /// Saved on the device. Sent once `send_after` has come.
    Pending,
    /// Part of a push whose verdict has not come yet.
    InFlight {
        /// The push's number.
        push: u64,
    },
    /// Waits for the document that the relay named, to be run again on it.
    WaitsFor {
        /// The document.
        document: DocumentId,
    },
    /// The relay accepted it.
    Accepted {
        /// Where in the log.
        seq: Seq,
    },
    /// It needs its author's attention: nothing more happens by itself.
    NeedsAttention(Attention),
}

/// Why an intent needs its author's attention.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attention {
    /// The relay refused it.
    Rejected(Refusal),
    /// It went to a conversation that exists and that its author may not write.
    NeedsAccess,
    /// Its document left this device before it was delivered.
    AccessLost,
    /// Running it again on what the relay holds makes no sense any more.
    NoLongerApplies {
        /// Why, in words.
        reason: String,
    },
}

/// What a conversation or contact is, apart from its document's id: by this an intent finds its document again after the
/// relay was restored from a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NaturalKey {
    /// The contact's phone, in E.164.
    pub phone: String,
    /// The contact's name, to create it again.
    pub name: String,
    /// The channel, for a conversation.
    pub channel: Option<Channel>,
}

/// An intent with its change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntentRecord {
    /// Its id.
    pub id: IntentId,
    /// The document that it changes.
    pub document: DocumentId,
    /// That document's kind.
    pub kind: Kind,
    /// The group that has one outcome; the id of the group's first intent.
    pub group: IntentId,
    /// Its place among all intents of this device, in the order in which they were made.
    pub position: u64,
    /// What was asked for.
    pub verb: Verb,
    /// The relay's order of the last message that its author had before them (R33).
    pub seen: u64,
    /// When it was made, by this device's clock.
    pub created: Timestamp,
    /// Not to be sent before.
    pub send_after: Timestamp,
    /// Its change, uncompressed; empty while it waits to be run again.
    #[serde(with = "serde_bytes")]
    pub change: Vec<u8>,
    /// The change's hash; zeros while there is none.
    #[serde(with = "serde_bytes")]
    pub hash: [u8; 32],
    /// How far it is.
    pub state: IntentState,
    /// By what to find its document after a restore.
    pub natural_key: Option<NaturalKey>,
    /// It was accepted in an earlier epoch.
    pub reoffered: bool,
}

impl IntentRecord {
    /// Whether it waits to be authored on its document, which may have to be found first.
    pub(super) fn is_to_be_authored(&self) -> bool {
        self.state == IntentState::Pending && self.change.is_empty()
    }
}

/// A personal register as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRegister {
    /// The value.
    pub content: RegisterContent,
    /// How often this device has written it.
    pub version: u64,
    /// The version that the relay has stored; the register is to be pushed while this is lower.
    pub stored_version: u64,
    /// Not to be pushed before (drafts are synced after a pause).
    pub send_after: Timestamp,
}

/// A page that another process received for this device, as it was received but for its registers: a frame of those is about
/// one document, or about none.
#[derive(Clone, Debug, PartialEq)]
pub struct StagedPage {
    /// Its place among the staged ones.
    pub number: u64,
    /// Where the device is before it.
    pub from: Cursor,
    /// Where the device is after it.
    pub to: Cursor,
    /// When it was received, by this device's clock.
    pub received: Timestamp,
    /// Its frames, without the cursor that closed it.
    pub frames: Vec<Response>,
}

/// The disk, inside one transaction. Unless it says otherwise a method fails only with a [`StorageError`] of the disk.
pub trait Storage {
    /// Who this device is; `None` before enrolment.
    fn identity(&self) -> Result<Option<Identity>, StorageError>;
    /// Writes who this device is.
    fn set_identity(&mut self, identity: &Identity) -> Result<(), StorageError>;
    /// The session's durable state; `None` before enrolment.
    fn state(&self) -> Result<Option<SyncState>, StorageError>;
    /// Writes the session's durable state.
    fn set_state(&mut self, state: &SyncState) -> Result<(), StorageError>;

    /// A document.
    fn document(&self, id: DocumentId) -> Result<Option<StoredDocument>, StorageError>;
    /// Kind and visibility of a document, without its bytes.
    fn document_kind(&self, id: DocumentId) -> Result<Option<(Kind, Visibility)>, StorageError>;
    /// Every document of a kind (of all kinds for `None`), in the order of ids.
    fn documents(&self, kind: Option<Kind>) -> Result<Vec<DocumentId>, StorageError>;
    /// Writes a document's snapshot; its tail is emptied, its actor kept.
    fn put_document(
        &mut self,
        id: DocumentId,
        kind: Kind,
        visibility: Visibility,
        saved: &[u8],
        confirmed: bool,
    ) -> Result<(), StorageError>;
    /// Appends confirmed changes to a document's tail.
    fn append_changes(&mut self, id: DocumentId, changes: &[Vec<u8>]) -> Result<(), StorageError>;
    /// Changes how the member sees a document.
    fn set_visibility(&mut self, id: DocumentId, visibility: Visibility) -> Result<(), StorageError>;
    /// Sets or forgets the actor of the present lineage in a document.
    fn set_actor(&mut self, id: DocumentId, actor: Option<[u8; 16]>) -> Result<(), StorageError>;
    /// Removes a document with its facts, rows, search entries, alerts and registers. Its intents stay.
    fn remove_document(&mut self, id: DocumentId) -> Result<(), StorageError>;
    /// Removes every document as [`Storage::remove_document`] does, and what is staged.
    fn remove_all_documents(&mut self) -> Result<(), StorageError>;
    /// The first page that another process has staged.
    fn first_staged(&self) -> Result<Option<StagedPage>, StorageError>;
    /// Removes a staged page, or all of them.
    fn remove_staged(&mut self, number: Option<u64>) -> Result<(), StorageError>;
    /// The facts of a document, in the order of the log.
    fn facts(&self, id: DocumentId) -> Result<Vec<Fact>, StorageError>;
    /// Writes facts; one of the same key is replaced unless it has a higher seq.
    fn put_facts(&mut self, id: DocumentId, facts: &[Fact]) -> Result<(), StorageError>;
    /// (document, hash over its confirmed heads kept by [`Storage::set_digest`], last fact's seq) of every confirmed
    /// document, for the digest.
    fn digests(&self) -> Result<Vec<(DocumentId, u64)>, StorageError>;
    /// Keeps the digest of a document's confirmed state.
    fn set_digest(&mut self, id: DocumentId, digest: u64) -> Result<(), StorageError>;

    /// Writes a new intent and returns its position.
    fn insert_intent(&mut self, intent: &IntentRecord) -> Result<u64, StorageError>;
    /// Writes a changed intent (same id and document; `document` may differ from the stored one: it then moves).
    fn update_intent(&mut self, intent: &IntentRecord) -> Result<(), StorageError>;
    /// Removes an intent.
    fn remove_intent(&mut self, id: IntentId) -> Result<(), StorageError>;
    /// An intent.
    fn intent(&self, id: IntentId) -> Result<Option<IntentRecord>, StorageError>;
    /// The intents of a document that are pending, in flight or waiting, in order.
    fn open_intents_of(&self, document: DocumentId) -> Result<Vec<IntentRecord>, StorageError>;
    /// Every intent of a document, whatever became of it, in order.
    fn intents_of(&self, document: DocumentId) -> Result<Vec<IntentRecord>, StorageError>;
    /// All intents that are pending, in flight or waiting, in order.
    fn open_intents(&self) -> Result<Vec<IntentRecord>, StorageError>;
    /// All intents that need attention, in order.
    fn attention(&self) -> Result<Vec<IntentRecord>, StorageError>;
    /// Accepted intents made since then, in order.
    fn accepted_since(&self, since: Timestamp) -> Result<Vec<IntentRecord>, StorageError>;
    /// Forgets accepted intents made before then.
    fn forget_accepted_before(&mut self, before: Timestamp) -> Result<(), StorageError>;

    /// A register.
    fn register(&self, key: RegisterKey) -> Result<Option<StoredRegister>, StorageError>;
    /// Writes a register.
    fn put_register(&mut self, key: RegisterKey, register: &StoredRegister) -> Result<(), StorageError>;
    /// Registers that the relay has not stored in their present version.
    fn dirty_registers(&self) -> Result<Vec<(RegisterKey, StoredRegister)>, StorageError>;
    /// Drafts that hold text, in the order of their conversations' ids, whether or not those are on this device.
    fn drafts(&self) -> Result<Vec<(DocumentId, StoredRegister)>, StorageError>;
    /// What the member chose (follow-ups, mutes, quiet hours, saved filters, canned responses), whether or not the
    /// conversation that it is about is on this device.
    fn chosen(&self) -> Result<Vec<(RegisterKey, StoredRegister)>, StorageError>;
    /// The registers that bear on one conversation, for its projection.
    fn registers_of(&self, document: DocumentId) -> Result<Registers, StorageError>;

    /// Writes a conversation's row, its alerts and its search entry.
    fn put_conversation(&mut self, row: &ConversationRow, alerts: &[ActiveAlert]) -> Result<(), StorageError>;
    /// Writes a contact's row and its search entry.
    fn put_contact(&mut self, row: &ContactRow) -> Result<(), StorageError>;
    /// The row of the conversation in a document, its contact's name left out.
    fn row(&self, document: DocumentId) -> Result<Option<ConversationRow>, StorageError>;
    /// The rows on the dashboard in which something comes due up to `until`: at a time that is known, or because their
    /// contact waits since `waiting` or longer (R16).
    fn reminding(&self, until: Timestamp, waiting: Option<Timestamp>) -> Result<Vec<ConversationRow>, StorageError>;
    /// The document of a conversation.
    fn document_of(&self, conversation: ConversationId) -> Result<Option<DocumentId>, StorageError>;
    /// The contact with this phone (E.164).
    fn contact_by_phone(&self, phone: &str) -> Result<Option<ContactId>, StorageError>;
    /// The conversation with this contact over this channel.
    fn conversation_with(&self, contact: ContactId, channel: &Channel) -> Result<Option<DocumentId>, StorageError>;
    /// A contact's row.
    fn contact_row(&self, contact: ContactId) -> Result<Option<ContactRow>, StorageError>;
    /// Documents of which the member was ever alerted: they are projected anew when the directory changes, since an alert
    /// that was moot may stand again (R13).
    fn documents_with_alerts(&self) -> Result<BTreeSet<DocumentId>, StorageError>;
    /// The document of an alert.
    fn document_of_alert(&self, alert: AlertId) -> Result<Option<DocumentId>, StorageError>;
}
