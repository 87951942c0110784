import Foundation

/// Which conversations a list shows.
public struct InboxQuery: Hashable, Sendable {
    /// The filters above the list.
    public enum Filter: String, CaseIterable, Hashable, Sendable {
        case open, unread, needsReply, snoozed, closed
    }

    /// Only those assigned to this member.
    public var mine: Bool
    public var filter: Filter
    public var limit: Int

    public init(mine: Bool = false, filter: Filter = .open, limit: Int = 50) {
        (self.mine, self.filter, self.limit) = (mine, filter, limit)
    }
}

/// One conversation in a list.
public struct InboxRow: Identifiable, Hashable, Sendable {
    public var id: String
    public var title: String
    public var preview: String
    public var at: Date
    public var unread = false
    public var needsReply = false
    public var closed = false
    public var snoozedUntil: Date?
    public var assignees: [String] = []
    public var tags: [String] = []
    public var draft = false
    /// What this device has yet to deliver in it.
    public var pending = 0
    public var held = 0

    public init(id: String, title: String, preview: String, at: Date) {
        (self.id, self.title, self.preview, self.at) = (id, title, preview, at)
    }
}

/// A message or note in a conversation.
public struct Bubble: Identifiable, Hashable, Sendable {
    public enum Side: Hashable, Sendable {
        case theirs, ours, note
    }

    /// How far one of ours got.
    public enum Step: Hashable, Sendable {
        case none, saved, accepted, scheduled(Date), held, handedOver, sent, delivered, dropped, unknown, failed(String)
    }

    public var id: String
    public var side: Side
    public var text: String
    public var at: Date
    public var author: String?
    public var step: Step

    public init(id: String, side: Side, text: String, at: Date, author: String? = nil, step: Step = .none) {
        (self.id, self.side, self.text, self.at, self.author, self.step) = (id, side, text, at, author, step)
    }
}

/// What is shown beside a conversation.
public struct Panel: Hashable, Sendable {
    public struct Fact: Hashable, Sendable, Identifiable {
        public var name: String
        public var value: String
        public var id: String { name }

        public init(_ name: String, _ value: String) {
            (self.name, self.value) = (name, value)
        }
    }

    public var name: String
    public var customer: [Fact]
    public var conversation: [Fact]
    public var others: [InboxRow]

    public init(name: String, customer: [Fact] = [], conversation: [Fact] = [], others: [InboxRow] = []) {
        (self.name, self.customer, self.conversation, self.others) = (name, customer, conversation, others)
    }
}

/// An alert that shows.
public struct AlertItem: Identifiable, Hashable, Sendable {
    public var id: String
    public var conversation: String
    public var title: String
    public var text: String
    public var at: Date
    /// Whether it comes with a sound.
    public var sounds: Bool

    public init(id: String, conversation: String, title: String, text: String, at: Date, sounds: Bool = true) {
        (self.id, self.conversation, self.title, self.text) = (id, conversation, title, text)
        (self.at, self.sounds) = (at, sounds)
    }
}

/// The answer to "why was I alerted".
public struct AlertExplanation: Hashable, Sendable {
    public var rule: String
    public var sentences: [String]
    public var facts: [Panel.Fact]

    public init(rule: String, sentences: [String], facts: [Panel.Fact] = []) {
        (self.rule, self.sentences, self.facts) = (rule, sentences, facts)
    }
}

/// Something that has not arrived.
public struct OutboxEntry: Identifiable, Hashable, Sendable {
    public enum State: Hashable, Sendable {
        case saved, sending, waiting, scheduled(Date)
        /// A newer message came before it was accepted: its author decides.
        case held(by: String?)
        /// The relay refused it: its author runs it again or drops it.
        case needsAttention(String)
    }

    public var id: String
    public var conversation: String?
    public var title: String
    public var what: String
    public var text: String?
    public var state: State

    public init(
        id: String, conversation: String?, title: String, what: String, text: String? = nil, state: State = .saved
    ) {
        (self.id, self.conversation, self.title, self.what) = (id, conversation, title, what)
        (self.text, self.state) = (text, state)
    }
}

/// How sync stands.
public struct SyncState: Hashable, Sendable {
    public enum Connection: Hashable, Sendable {
        case offline, connecting, catchingUp(done: Int, total: Int), live, stuck, refused
    }

    public var connection: Connection
    public var pending = 0
    public var attention = 0
    public var held = 0
    public var locked = false
    public var revoked = false
    public var lastError: String?

    public init(_ connection: Connection = .offline) {
        self.connection = connection
    }
}

/// A member of the workspace.
public struct Person: Identifiable, Hashable, Sendable {
    public var id: String
    public var name: String
    /// Whether they see all conversations and may ask for their own alone.
    public var hasToggle: Bool

    public init(id: String, name: String, hasToggle: Bool = true) {
        (self.id, self.name, self.hasToggle) = (id, name, hasToggle)
    }
}

/// A customer that a search found.
public struct CustomerHit: Identifiable, Hashable, Sendable {
    public var id: String
    public var name: String
    public var phones: [String]
    public var conversations: [InboxRow]

    public init(id: String, name: String, phones: [String], conversations: [InboxRow]) {
        (self.id, self.name, self.phones, self.conversations) = (id, name, phones, conversations)
    }
}

/// What a swipe does to a conversation.
public enum Triage: Hashable, Sendable {
    case close, reopen, snooze(until: Date), wake, assign(member: String), markUnread
}

/// What its author does about a held or scheduled reply.
public enum HeldDecision: Hashable, Sendable {
    case send, drop, edit(String)
}

/// Something that can be taken back until it leaves; of what leaves nothing there is none.
public struct Undoable: Hashable, Sendable {
    public var intent: String?

    public init(_ intent: String?) {
        self.intent = intent
    }
}
