//! The device: its life, its sync, and what it shows.

use std::{path::PathBuf, sync::Arc, time::Duration};

use offdesk_core::{
    engine::{self, Offdesk},
    ids::{AlertId, ConversationId, IntentId},
    store::DatabaseKey,
    time::Timestamp,
};

use crate::{
    alerts::{Alert, AlertList, Explanation, ScheduledAlert},
    conversation::{
        Colleague, ColleagueList, Contact, ConversationView, Message, MessageList, Panels, PanelsList, Record,
    },
    error::{OffdeskError, wide},
    ids::ContactId,
    inbox::{
        ContactList, ContactRow, Counts, InboxFilter, InboxList, InboxPage, MessageHits, PageKey, SavedFilter,
        SearchHit, limit,
    },
    lists::follow,
    outbox::{OutboxItem, OutboxList},
    runtime::on_runtime,
    set_up::{CannedResponse, EnrolmentCode, Expanded, Me, Member, Workspace},
    status::{Network, Stats, StatusChanges, SyncReport, SyncStatus},
};

/// What a device is opened with.
#[derive(Clone, uniffi::Record)]
pub struct Config {
    /// The path of the database. Its log lies beside it.
    pub database: String,
    /// The database's key: 32 random bytes, kept in the system's keystore.
    pub key: Vec<u8>,
    /// How long a reply waits on the device, to be undone, before it is sent; nothing: 3 seconds.
    #[uniffi(default = None)]
    pub undo_window: Option<Duration>,
    /// Certificates (PEM) that are trusted beside the system's.
    #[uniffi(default = [])]
    pub root_certificates: Vec<Vec<u8>>,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config").field("database", &self.database).finish_non_exhaustive()
    }
}

impl TryFrom<Config> for engine::Config {
    type Error = OffdeskError;
    fn try_from(config: Config) -> Result<Self, OffdeskError> {
        let invalid = || OffdeskError::InvalidKey { bytes: wide(config.key.len()) };
        let key = DatabaseKey::from_slice(&config.key).ok_or_else(invalid)?;
        let mut opened = Self::new(PathBuf::from(config.database), key);
        opened.undo_window = config.undo_window.unwrap_or(opened.undo_window);
        opened.root_certificates = config.root_certificates;
        Ok(opened)
    }
}

/// One device of one member. May be used from any thread.
///
/// What reads and writes locally returns within a few milliseconds, with or without a network, and waits for the disk: call
/// it off the main thread. What a verb did is durable when it returns. Unless it says otherwise, a read or write fails only
/// with `Locked`, `Revoked`, `Paused`, `Closed`, `DiskFull`, `Busy`, `Damaged` or `Storage`; where it takes an id, also with
/// `InvalidId`.
#[derive(Debug, uniffi::Object)]
pub struct Device {
    pub(crate) offdesk: Offdesk,
}

impl Device {
    fn over(offdesk: Offdesk) -> Arc<Self> {
        Arc::new(Self { offdesk })
    }
}

#[uniffi::export]
impl Device {
    /// Opens a device that was enrolled.
    ///
    /// # Errors
    /// `NotEnrolled` if the database holds none, `Revoked`, `WrongKey`, `InvalidKey`, `NewerDatabase`, or of the disk.
    #[uniffi::constructor]
    pub fn open(config: Config) -> Result<Arc<Self>, OffdeskError> {
        let config = config.try_into()?;
        Ok(Self::over(follow(|| Offdesk::open(config))??))
    }

    /// Makes the database a device of the member whose code it is. Nothing is written before the relay has answered.
    ///
    /// # Errors
    /// `EnrolmentRefused` with the relay's words, `Offline`, `InvalidRelay`, `AlreadyEnrolled`, `WrongKey`, `InvalidKey`, or
    /// of the disk.
    #[uniffi::constructor]
    pub async fn enrol(
        config: Config,
        relay: String,
        code: String,
        device_name: String,
    ) -> Result<Arc<Self>, OffdeskError> {
        let config = config.try_into()?;
        on_runtime(async move { Ok(Self::over(Offdesk::enrol(config, &relay, &code, &device_name).await?)) }).await
    }

    /// Enrols anew, as another device of the same member: after `Copied` or `Unauthorized`. What was not delivered is kept
    /// and sent.
    ///
    /// # Errors
    /// As `enrol`; `Forbidden` if the code is another member's.
    pub async fn re_enrol(self: Arc<Self>, code: String, device_name: String) -> Result<(), OffdeskError> {
        on_runtime(async move { Ok(self.offdesk.re_enrol(&code, &device_name).await?) }).await
    }

    /// Asks for a code that enrols one more device of the same member.
    ///
    /// # Errors
    /// `Offline`, `Unauthorized`, `EnrolmentRefused` with the relay's words.
    pub async fn new_enrolment_code(self: Arc<Self>) -> Result<EnrolmentCode, OffdeskError> {
        on_runtime(async move {
            let code = self.offdesk.new_enrolment_code().await?;
            Ok(EnrolmentCode { code: code.code, expires: code.expires })
        })
        .await
    }

    /// Keeps the device in sync from now on, while there is a network.
    ///
    /// # Errors
    /// `Storage` if no thread can be started.
    pub fn start(&self) -> Result<(), OffdeskError> {
        follow(|| self.offdesk.start())
    }

    /// Says what the host knows of the network. With one, what waits is sent at once.
    ///
    /// # Errors
    /// `Storage` if no thread can be started.
    pub fn set_network(&self, network: Network) -> Result<(), OffdeskError> {
        follow(|| self.offdesk.set_network(network.into()))
    }

    /// Stops everything and lets go of every lock on the database within a second: for a host that is about to suspend the
    /// process. Until `resume`, calls fail with `Paused`.
    ///
    /// # Errors
    /// `Storage` if no thread can be started.
    pub async fn pause(self: Arc<Self>) -> Result<(), OffdeskError> {
        on_runtime(async move {
            self.offdesk.pause().await;
            Ok(())
        })
        .await
    }

    /// Goes on after `pause`.
    ///
    /// # Errors
    /// `Storage` if no thread can be started.
    pub async fn resume(self: Arc<Self>) -> Result<(), OffdeskError> {
        on_runtime(async move {
            self.offdesk.resume().await;
            Ok(())
        })
        .await
    }

    /// One bounded catch-up: sends what waits, fetches what is new, and ends. For background work; the device need not be
    /// started. What came before the deadline is kept.
    ///
    /// # Errors
    /// `Deadline`, `Offline`, `Unauthorized`, `Relay`, `Protocol`, `Revoked`, `Paused`, `Closed`, or of the disk.
    pub async fn sync_once(self: Arc<Self>, deadline: Duration) -> Result<SyncReport, OffdeskError> {
        on_runtime(async move { Ok(self.offdesk.sync_once(deadline).await?.into()) }).await
    }

    /// Writes everything into the one file and closes it. Live lists end; every later call fails with `Closed`.
    ///
    /// # Errors
    /// `Storage` if no thread can be started.
    pub async fn close(self: Arc<Self>) -> Result<(), OffdeskError> {
        on_runtime(async move {
            self.offdesk.clone().close().await;
            Ok(())
        })
        .await
    }

    /// Deletes the device's data, and closes it. The relay still knows the device until an administrator revokes it.
    ///
    /// # Errors
    /// `Storage` if a file can't be deleted.
    pub async fn wipe(self: Arc<Self>) -> Result<(), OffdeskError> {
        on_runtime(async move { Ok(self.offdesk.clone().wipe().await?) }).await
    }

    /// How sync stands, from what the relay said and what waits.
    pub fn status(&self) -> SyncStatus {
        self.offdesk.status().into()
    }

    /// The status as it changes.
    pub fn observe_status(&self) -> Arc<StatusChanges> {
        StatusChanges::over(self.offdesk.observe_status())
    }

    /// What the device holds, and what went over the network since it was opened.
    ///
    /// # Errors
    /// As any read.
    pub fn stats(&self) -> Result<Stats, OffdeskError> {
        Ok(self.offdesk.stats()?.into())
    }

    /// What support needs to know of the device, as JSON to be sent along with a report: versions, counts, states and times,
    /// nothing that anybody wrote and nobody's name, phone or address.
    pub fn diagnostics(&self) -> String {
        self.offdesk.diagnostics().to_json()
    }

    /// Who uses this device, and what they may do.
    ///
    /// # Errors
    /// As any read.
    pub fn me(&self) -> Result<Me, OffdeskError> {
        Ok(self.offdesk.me()?.into())
    }

    /// The workspace's members, deactivated ones included, by name.
    ///
    /// # Errors
    /// As any read.
    pub fn members(&self) -> Result<Vec<Member>, OffdeskError> {
        Ok(self.offdesk.members()?.into_iter().map(Into::into).collect())
    }

    /// The workspace's name, numbers and queues.
    ///
    /// # Errors
    /// As any read.
    pub fn workspace(&self) -> Result<Workspace, OffdeskError> {
        Ok(self.offdesk.settings()?.into())
    }

    /// A page of the conversations on the dashboard that the filter takes, the latest first: 50, or `limit`, of those behind
    /// `after`.
    ///
    /// # Errors
    /// As any read.
    #[uniffi::method(default(limit = None, after = None))]
    pub fn inbox(
        &self,
        filter: InboxFilter,
        limit: Option<u32>,
        after: Option<PageKey>,
    ) -> Result<InboxPage, OffdeskError> {
        let after = after.map(TryInto::try_into).transpose()?;
        Ok(self.offdesk.inbox(&filter.into(), self::limit(limit), after)?.into())
    }

    /// The first rows of an inbox, as they change: 50, or `limit`.
    ///
    /// # Errors
    /// `InvalidId` in the filter, or `Storage` if no thread can be started.
    #[uniffi::method(default(limit = None))]
    pub fn observe_inbox(&self, filter: InboxFilter, limit: Option<u32>) -> Result<Arc<InboxList>, OffdeskError> {
        follow(|| InboxList::over(self.offdesk.observe_inbox(filter.into(), self::limit(limit))))
    }

    /// Counts beside the list.
    ///
    /// # Errors
    /// As any read.
    pub fn counts(&self) -> Result<Counts, OffdeskError> {
        Ok(self.offdesk.counts()?.into())
    }

    /// Customers by name and phone, as typed so far (R23); works offline.
    ///
    /// # Errors
    /// As any read.
    #[uniffi::method(default(limit = None))]
    pub fn search(&self, typed: String, limit: Option<u32>) -> Result<Vec<SearchHit>, OffdeskError> {
        Ok(self.offdesk.search(&typed, self::limit(limit))?.into_iter().map(Into::into).collect())
    }

    /// Conversations by what was said in them, as typed so far (R23); works offline.
    ///
    /// # Errors
    /// As any read.
    #[uniffi::method(default(limit = None))]
    pub fn search_messages(&self, typed: String, limit: Option<u32>) -> Result<MessageHits, OffdeskError> {
        Ok(self.offdesk.search_messages(&typed, self::limit(limit))?.into())
    }

    /// The member's saved filters, by name.
    ///
    /// # Errors
    /// As any read.
    pub fn saved_filters(&self) -> Result<Vec<SavedFilter>, OffdeskError> {
        Ok(self.offdesk.saved_filters()?.into_iter().map(Into::into).collect())
    }

    /// One conversation with everything that is shown of it (R24).
    ///
    /// # Errors
    /// `NotFound`, or as any read.
    pub fn conversation(&self, id: ConversationId) -> Result<ConversationView, OffdeskError> {
        Ok(self.offdesk.conversation(id)?.into())
    }

    /// The messages of one conversation, as they change.
    ///
    /// # Errors
    /// `InvalidId`, or `Storage` if no thread can be started.
    pub fn observe_messages(&self, conversation: ConversationId) -> Result<Arc<MessageList>, OffdeskError> {
        follow(|| MessageList::over(self.offdesk.observe_conversation(conversation)))
    }

    /// One message.
    ///
    /// # Errors
    /// `NotFound`, or as any read.
    pub fn message(&self, conversation: ConversationId, message: IntentId) -> Result<Message, OffdeskError> {
        Ok(self.offdesk.message(conversation, message)?.into())
    }

    /// The panel beside a conversation (R24).
    ///
    /// # Errors
    /// `NotFound`, or as any read.
    pub fn panels(&self, conversation: ConversationId) -> Result<Panels, OffdeskError> {
        Ok(self.offdesk.panels(conversation)?.into())
    }

    /// The panel beside a conversation, as it changes.
    ///
    /// # Errors
    /// `InvalidId`, or `Storage` if no thread can be started.
    pub fn observe_panels(&self, conversation: ConversationId) -> Result<Arc<PanelsList>, OffdeskError> {
        follow(|| PanelsList::over(self.offdesk.observe_panels(conversation)))
    }

    /// This member's draft in a conversation (R27).
    ///
    /// # Errors
    /// `NotFound`, or as any read.
    pub fn draft(&self, conversation: ConversationId) -> Result<Option<String>, OffdeskError> {
        Ok(self.offdesk.draft(conversation)?)
    }

    /// The colleagues who are in a conversation right now (R27).
    ///
    /// # Errors
    /// As any read.
    pub fn colleagues(&self, conversation: ConversationId) -> Result<Vec<Colleague>, OffdeskError> {
        Ok(self.offdesk.colleagues(conversation)?.into_iter().map(Into::into).collect())
    }

    /// The colleagues who are in a conversation, as they come, write and go.
    ///
    /// # Errors
    /// `InvalidId`, or `Storage` if no thread can be started.
    pub fn observe_colleagues(&self, conversation: ConversationId) -> Result<Arc<ColleagueList>, OffdeskError> {
        follow(|| ColleagueList::over(self.offdesk.observe_colleagues(conversation)))
    }

    /// Contacts by name, or those that `typed` finds: the first 50, or `limit`.
    ///
    /// # Errors
    /// As any read.
    #[uniffi::method(default(typed = "", limit = None))]
    pub fn contacts(&self, typed: String, limit: Option<u32>) -> Result<Vec<ContactRow>, OffdeskError> {
        Ok(self.offdesk.contacts(&typed, self::limit(limit), None)?.into_iter().map(Into::into).collect())
    }

    /// The first contacts by name, as they change: 50, or `limit`.
    ///
    /// # Errors
    /// `Storage` if no thread can be started.
    #[uniffi::method(default(limit = None))]
    pub fn observe_contacts(&self, limit: Option<u32>) -> Result<Arc<ContactList>, OffdeskError> {
        follow(|| ContactList::over(self.offdesk.observe_contacts(self::limit(limit))))
    }

    /// A customer's card.
    ///
    /// # Errors
    /// `NotFound`, or as any read.
    pub fn contact(&self, id: ContactId) -> Result<Contact, OffdeskError> {
        Ok(self.offdesk.contact(id)?.into())
    }

    /// Opens a contact's record (R7): asks the relay for the conversations with them that are not on the dashboard.
    ///
    /// # Errors
    /// `NotFound`, or as any write.
    pub fn open_record(&self, contact: ContactId) -> Result<(), OffdeskError> {
        Ok(self.offdesk.open_record(contact)?)
    }

    /// A contact's record as far as it is here.
    ///
    /// # Errors
    /// `NotFound`, or as any read.
    pub fn record(&self, contact: ContactId) -> Result<Record, OffdeskError> {
        Ok(self.offdesk.record(contact)?.into())
    }

    /// The conversations of a contact's record, as they change.
    ///
    /// # Errors
    /// `InvalidId`, or `Storage` if no thread can be started.
    pub fn observe_record(&self, contact: ContactId) -> Result<Arc<InboxList>, OffdeskError> {
        follow(|| InboxList::over(self.offdesk.observe_record(contact)))
    }

    /// Canned responses whose shortcut or text holds what was typed (R37).
    ///
    /// # Errors
    /// As any read.
    #[uniffi::method(default(typed = ""))]
    pub fn canned_responses(&self, typed: String) -> Result<Vec<CannedResponse>, OffdeskError> {
        Ok(self.offdesk.canned(&typed)?.into_iter().map(Into::into).collect())
    }

    /// What a text with variables becomes in this conversation.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden` for a text that is no template, or as any read.
    pub fn preview_canned(&self, conversation: ConversationId, text: String) -> Result<Expanded, OffdeskError> {
        Ok(self.offdesk.preview_canned(conversation, &text)?.into())
    }

    /// What has not arrived: saved, on its way, held, or in need of attention; the latest first.
    ///
    /// # Errors
    /// As any read.
    pub fn outbox(&self) -> Result<Vec<OutboxItem>, OffdeskError> {
        Ok(self.offdesk.outbox()?.into_iter().map(Into::into).collect())
    }

    /// The outbox, as it changes.
    ///
    /// # Errors
    /// `Storage` if no thread can be started.
    pub fn observe_outbox(&self) -> Result<Arc<OutboxList>, OffdeskError> {
        follow(|| OutboxList::over(self.offdesk.observe_outbox()))
    }

    /// The alerts that stand and the reminders that are due, the latest first, each with whether it is to be shown.
    ///
    /// # Errors
    /// As any read.
    pub fn alerts(&self) -> Result<Vec<Alert>, OffdeskError> {
        Ok(self.offdesk.alerts()?.into_iter().map(Into::into).collect())
    }

    /// The alerts that show, as they change: an insert is to be shown, a removal to be taken back.
    ///
    /// # Errors
    /// `Storage` if no thread can be started.
    pub fn observe_alerts(&self) -> Result<Arc<AlertList>, OffdeskError> {
        follow(|| AlertList::over(self.offdesk.observe_alerts()))
    }

    /// How many alerts show: what the badge says.
    ///
    /// # Errors
    /// As any read.
    pub fn badge(&self) -> Result<u32, OffdeskError> {
        Ok(crate::error::narrow(self.offdesk.badge()?))
    }

    /// Everything that will show until `until` though nothing happens, the next first: for the system's own scheduler, in
    /// place of what was given to it before.
    ///
    /// # Errors
    /// As any read.
    pub fn next_alerts(&self, until: Timestamp) -> Result<Vec<ScheduledAlert>, OffdeskError> {
        Ok(self.offdesk.next_alerts(until)?.into_iter().map(Into::into).collect())
    }

    /// Why an alert was raised, whether it stands and shows (R16).
    ///
    /// # Errors
    /// `NotFound`, or as any read.
    pub fn explain(&self, alert: AlertId) -> Result<Explanation, OffdeskError> {
        Ok(self.offdesk.explain(alert)?.into())
    }

    /// Why this member was not told of a message (R16).
    ///
    /// # Errors
    /// `NotFound`, or as any read.
    pub fn why_not(&self, conversation: ConversationId, message: IntentId) -> Result<Explanation, OffdeskError> {
        Ok(self.offdesk.why_not(conversation, message)?.into())
    }
}
