//! What the inbox shows: rows, the opened conversation, alerts, outbox, and where the person is in it.

use std::collections::BTreeMap;

use offdesk_core::{
    engine::{Clock, ConversationView, LiveList, Me, NetworkState, Offdesk, OutboxItem, SyncStatus, SystemClock},
    ids::{ConversationId, IntentId, MemberId},
    model::Status,
    time::Timestamp,
    triage::{ActiveAlert, Assignee, ConversationRow, Counts, InboxFilter, MessageView, Scope},
};

use super::{dialog::Dialog, editor::Editor};

/// Rows fetched at a time; more as one scrolls.
const WINDOW: usize = 200;
/// Customers found by a search.
const HITS: usize = 40;

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
    Compose { note: bool },
}

/// What the right side shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pane {
    Conversation,
    Details,
    Alerts,
    Outbox,
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
    pub(crate) tag: Option<String>,
    pub(crate) focus: Focus,
    pub(crate) pane: Pane,
    pub(crate) dialog: Option<Dialog>,
    pub(crate) inbox: LiveList<ConversationRow>,
    pub(crate) alerts: LiveList<ActiveAlert>,
    pub(crate) outbox: LiveList<OutboxItem>,
    pub(crate) messages: Option<LiveList<MessageView>>,
    pub(crate) search: Editor,
    pub(crate) found: Option<Vec<ConversationRow>>,
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
            tag: None,
            focus: Focus::List,
            pane: Pane::Conversation,
            dialog: None,
            messages: None,
            search: Editor::default(),
            found: None,
            counts: Counts::default(),
            selected: None,
            view: None,
            line: 0,
            scroll: 0,
            compose: Editor::default(),
            notice: None,
            last_intent: None,
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
        self.tab = tab;
        self.window = WINDOW;
        self.observe();
        let first = self.rows().first().map(|row| row.conversation);
        self.select(first);
    }

    /// Follows the rows of the present tab and tag.
    pub(crate) fn observe(&mut self) {
        let filter = InboxFilter { tag: self.tag.clone(), ..self.tab.filter() };
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
        let hits = self.device.search(self.search.text(), HITS).unwrap_or_default();
        self.found = Some(hits.into_iter().flat_map(|hit| hit.conversations).collect());
    }

    pub(crate) fn leave_search(&mut self) {
        self.search = Editor::default();
        self.found = None;
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
        let lives = tokio::select! {
            steps = self.inbox.next() => steps.is_some(),
            steps = self.alerts.next() => steps.is_some(),
            steps = self.outbox.next() => steps.is_some(),
            lives = messages => lives,
        };
        self.quit |= !lives;
    }
}
