//! What the inbox shows: rows, the opened conversation, alerts, outbox, and where the person is in it.

use std::collections::{BTreeMap, BTreeSet};

use offdesk_core::{
    engine::{
        Clock, Colleague, Connection, ConversationView, LiveList, Me, NetworkState, Offdesk, OutboxItem, Panels,
        RecordView, SyncStatus, SystemClock,
    },
    ids::{ConversationId, IntentId, MemberId, QueueId},
    model::{Queue, Status},
    time::Timestamp,
    triage::{ActiveAlert, Assignee, ContactRow, ConversationRow, Counts, InboxFilter, MessageView, Scope},
};

use super::{dialog::Dialog, editor::Editor};

/// Rows fetched at a time; more as one scrolls.
const WINDOW: usize = 200;
/// Customers found by a search.
const HITS: usize = 40;
/// Conversations found by a message.
const IN_MESSAGES: usize = 15;

/// The tabs over the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tab {
    Open,
    Mine,
    Unassigned,
    Unread,
    NeedsReply,
    Closed,
}

impl Tab {
    pub(crate) const ALL: [Tab; 6] = [Tab::Open, Tab::Mine, Tab::Unassigned, Tab::Unread, Tab::NeedsReply, Tab::Closed];

    pub(crate) fn label(self) -> &'static str {
        match self {
            Tab::Open => "Open",
            Tab::Mine => "Mine",
            Tab::Unassigned => "Unassigned",
            Tab::Unread => "Unread",
            Tab::NeedsReply => "Reply",
            Tab::Closed => "Closed",
        }
    }

    pub(crate) fn count(self, counts: &Counts) -> u64 {
        match self {
            Tab::Open => counts.open,
            Tab::Mine => counts.mine,
            Tab::Unassigned => counts.unassigned,
            Tab::Unread => counts.unread,
            Tab::NeedsReply => counts.needs_reply,
            Tab::Closed => counts.closed,
        }
    }

    fn filter(self) -> InboxFilter {
        let open = InboxFilter { status: Some(Status::Open), ..InboxFilter::default() };
        match self {
            Tab::Open => open,
            Tab::Mine => InboxFilter { scope: Scope::AssignedToMe, ..open },
            Tab::Unassigned => InboxFilter { assignee: Some(Assignee::Nobody), ..open },
            Tab::Unread => InboxFilter { unread: true, ..InboxFilter::default() },
            Tab::NeedsReply => InboxFilter { needs_reply: true, ..open },
            Tab::Closed => InboxFilter { status: Some(Status::Closed), ..InboxFilter::default() },
        }
    }
}

/// What keys go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Focus {
    List,
    Search,
    Contacts,
    Compose { note: bool },
}

/// What the right side shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pane {
    Conversation,
    Details,
    Alerts,
    Outbox,
    Contacts,
    Record,
}

/// A short notice on the last line.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    pub(crate) text: String,
    pub(crate) error: bool,
    pub(crate) until: Timestamp,
}

/// Everything that is drawn.
pub(crate) struct App {
    pub(crate) device: Offdesk,
    pub(crate) me: Option<Me>,
    pub(crate) workspace: String,
    pub(crate) names: BTreeMap<MemberId, String>,
    pub(crate) tab: Tab,
    /// Another filter than the tab's, with what it is called.
    pub(crate) filter: Option<(String, InboxFilter)>,
    /// Conversations that the next verb is for.
    pub(crate) marked: BTreeSet<ConversationId>,
    pub(crate) queues: BTreeMap<QueueId, Queue>,
    pub(crate) focus: Focus,
    pub(crate) pane: Pane,
    pub(crate) dialog: Option<Dialog>,
    pub(crate) inbox: LiveList<ConversationRow>,
    pub(crate) alerts: LiveList<ActiveAlert>,
    pub(crate) outbox: LiveList<OutboxItem>,
    pub(crate) messages: Option<LiveList<MessageView>>,
    pub(crate) search: Editor,
    pub(crate) found: Option<Vec<ConversationRow>>,
    /// What a search found in messages, by conversation.
    pub(crate) excerpts: BTreeMap<ConversationId, String>,
    /// Whether it looked through all of them.
    pub(crate) looked_through: bool,
    pub(crate) contact_search: Editor,
    pub(crate) contacts: Vec<ContactRow>,
    pub(crate) record: Option<RecordView>,
    pub(crate) record_rows: Option<LiveList<ConversationRow>>,
    pub(crate) panels: Option<Panels>,
    pub(crate) colleagues: Option<LiveList<Colleague>>,
    pub(crate) counts: Counts,
    pub(crate) status: SyncStatus,
    pub(crate) selected: Option<ConversationId>,
    pub(crate) view: Option<ConversationView>,
    /// The line selected in the alerts or the outbox.
    pub(crate) line: usize,
    /// Lines scrolled up from the end of the conversation.
    pub(crate) scroll: usize,
    pub(crate) compose: Editor,
    pub(crate) notice: Option<Notice>,
    pub(crate) last_intent: Option<IntentId>,
    /// What the last verb did to many.
    pub(crate) last_many: Vec<IntentId>,
    pub(crate) quit: bool,
    window: usize,
}

impl App {
    pub(crate) fn new(device: Offdesk) -> Self {
        let mut app = Self {
            inbox: device.observe_inbox(Tab::Open.filter(), WINDOW),
            alerts: device.observe_alerts(),
            outbox: device.observe_outbox(),
            status: device.status(),
            device,
            me: None,
            workspace: String::new(),
            names: BTreeMap::new(),
            tab: Tab::Open,
            filter: None,
            marked: BTreeSet::new(),
            queues: BTreeMap::new(),
            focus: Focus::List,
            pane: Pane::Conversation,
            dialog: None,
            messages: None,
            search: Editor::default(),
            found: None,
            excerpts: BTreeMap::new(),
            looked_through: true,
            contact_search: Editor::default(),
            contacts: Vec::new(),
            record: None,
            record_rows: None,
            panels: None,
            colleagues: None,
            counts: Counts::default(),
            selected: None,
            view: None,
            line: 0,
            scroll: 0,
            compose: Editor::default(),
            notice: None,
            last_intent: None,
            last_many: Vec::new(),
            quit: false,
            window: WINDOW,
        };
        app.refresh();
        app
    }

    pub(crate) fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    /// Reads again what no list follows. What can't be read now (locked, paused) stays as it was or goes.
    pub(crate) fn refresh(&mut self) {
        self.status = self.device.status();
        self.me = self.device.me().ok().or(self.me.take());
        self.counts = self.device.counts().unwrap_or_default();
        if let Ok(settings) = self.device.settings() {
            self.workspace = settings.name;
            self.queues = settings.queues;
        }
        if let Ok(members) = self.device.members() {
            self.names = members.into_iter().map(|member| (member.id, member.name)).collect();
        }
        if self.found.is_some() {
            self.find();
        }
        let known = self.selected.is_some_and(|id| self.rows().iter().any(|row| row.conversation == id));
        if self.selected.is_none() || (!known && self.view_of_selected().is_none()) {
            let first = self.rows().first().map(|row| row.conversation);
            self.select(first);
        }
        self.view = self.view_of_selected();
        self.panels = match (self.pane, self.selected) {
            (Pane::Details, Some(id)) => self.device.panels(id).ok(),
            _ => None,
        };
        if let Some(record) = &self.record {
            self.record = self.device.record(record.contact.id).ok();
        }
        match self.pane {
            Pane::Alerts | Pane::Outbox => {}
            Pane::Contacts => return self.find_contacts(),
            _ => return,
        }
        let lines = if self.pane == Pane::Alerts { self.alerts.items().len() } else { self.outbox.items().len() };
        self.line = self.line.min(lines.saturating_sub(1));
    }

    fn view_of_selected(&self) -> Option<ConversationView> {
        self.selected.and_then(|id| self.device.conversation(id).ok())
    }

    /// The rows of the list: those of the tab, or what the search found.
    pub(crate) fn rows(&self) -> &[ConversationRow] {
        self.found.as_deref().unwrap_or(self.inbox.items())
    }

    pub(crate) fn index(&self) -> Option<usize> {
        self.rows().iter().position(|row| Some(row.conversation) == self.selected)
    }

    pub(crate) fn select(&mut self, id: Option<ConversationId>) {
        if id == self.selected && self.view.is_some() == id.is_some() {
            return;
        }
        self.selected = id;
        self.scroll = 0;
        self.view = self.view_of_selected();
        self.messages = id.map(|id| self.device.observe_conversation(id));
        self.colleagues = id.map(|id| self.device.observe_colleagues(id));
        if self.status.connection == Connection::Live {
            // Without a stream nobody is told.
            let _ = self.device.look_at(id);
        }
    }

    pub(crate) fn select_by(&mut self, step: isize) {
        let last = self.rows().len().saturating_sub(1);
        let at = self.index().unwrap_or(0).saturating_add_signed(step).min(last);
        let id = self.rows().get(at).map(|row| row.conversation);
        self.select(id);
        if at + 20 > self.window && self.found.is_none() {
            self.window += WINDOW;
            self.observe();
        }
    }

    pub(crate) fn show_tab(&mut self, tab: Tab) {
        (self.tab, self.filter) = (tab, None);
        self.marked.clear();
        self.window = WINDOW;
        self.observe();
        let first = self.rows().first().map(|row| row.conversation);
        self.select(first);
    }

    /// What the list takes: what a dialog or a saved filter says, else the tab.
    pub(crate) fn shown_filter(&self) -> InboxFilter {
        self.filter.as_ref().map_or(self.tab.filter(), |(_, filter)| filter.clone())
    }

    /// Follows the rows of what is shown.
    pub(crate) fn observe(&mut self) {
        let filter = self.shown_filter();
        self.inbox = self.device.observe_inbox(filter, self.window);
    }

    /// Whether the tab makes sense for this member: only those who see all have the toggle (R4, R5).
    pub(crate) fn offers(&self, tab: Tab) -> bool {
        let toggle = self.me.as_ref().is_none_or(Me::has_toggle);
        toggle || !matches!(tab, Tab::Mine | Tab::Unassigned)
    }

    pub(crate) fn find(&mut self) {
        if self.search.is_empty() {
            self.found = None;
            return;
        }
        let typed = self.search.text();
        let hits = self.device.search(typed, HITS).unwrap_or_default();
        let mut found: Vec<ConversationRow> = hits.into_iter().flat_map(|hit| hit.conversations).collect();
        self.excerpts.clear();
        let messages = self.device.search_messages(typed, IN_MESSAGES).unwrap_or_default();
        self.looked_through = messages.complete;
        for hit in messages.hits {
            let id = hit.conversation.conversation;
            if let Ok(message) = self.device.message(id, hit.message) {
                self.excerpts.insert(id, message.text);
            }
            if found.iter().all(|row| row.conversation != id) {
                found.push(hit.conversation);
            }
        }
        self.found = Some(found);
    }

    pub(crate) fn leave_search(&mut self) {
        self.search = Editor::default();
        self.found = None;
        self.excerpts.clear();
        self.focus = Focus::List;
        if self.index().is_none() {
            let first = self.rows().first().map(|row| row.conversation);
            self.select(first);
        }
    }

    pub(crate) fn say(&mut self, text: impl Into<String>) {
        let until = self.now().after(std::time::Duration::from_secs(4));
        self.notice = Some(Notice { text: text.into(), error: false, until });
    }

    /// Shows the outcome of something that was done.
    pub(crate) fn done<T>(&mut self, outcome: Result<T, offdesk_core::engine::Error>, said: &str) -> Option<T> {
        match outcome {
            Ok(value) => {
                self.say(said);
                self.refresh();
                Some(value)
            }
            Err(error) => {
                let until = self.now().after(std::time::Duration::from_secs(8));
                self.notice = Some(Notice { text: error.to_string(), error: true, until });
                None
            }
        }
    }

    pub(crate) fn name(&self, member: MemberId) -> &str {
        self.names.get(&member).map_or("somebody", String::as_str)
    }

    pub(crate) fn airplane(&self) -> bool {
        self.status.network == NetworkState::Offline
    }

    /// Waits for whatever changes next; then everything that is not followed is read again.
    pub(crate) async fn changed(&mut self) {
        let messages = async {
            match self.messages.as_mut() {
                Some(messages) => messages.next().await.is_some(),
                None => std::future::pending().await,
            }
        };
        let colleagues = async {
            match self.colleagues.as_mut() {
                Some(colleagues) => colleagues.next().await.is_some(),
                None => std::future::pending().await,
            }
        };
        let record = async {
            match self.record_rows.as_mut() {
                Some(rows) => rows.next().await.is_some(),
                None => std::future::pending().await,
            }
        };
        let lives = tokio::select! {
            steps = self.inbox.next() => steps.is_some(),
            steps = self.alerts.next() => steps.is_some(),
            steps = self.outbox.next() => steps.is_some(),
            lives = messages => lives,
            lives = colleagues => lives,
            lives = record => lives,
        };
        self.quit |= !lives;
    }
}
