//! The command line.

pub(crate) mod people;
pub(crate) mod triage;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// A phone in a terminal: the whole shared inbox, online or not.
///
/// Without a command it opens the inbox. Conversations are named by the beginning of their id, or by their contact's name
/// or phone; members by the beginning of their id or by name.
#[derive(Debug, Parser)]
#[command(name = "handset", version)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) device: DeviceArgs,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Args)]
pub(crate) struct DeviceArgs {
    /// The device's database.
    #[arg(long, global = true, env = "OFFDESK_DB", default_value = "handset.db")]
    pub(crate) db: PathBuf,
    /// The file that holds the database's key; made with the device. Default: the database's name with `.key`.
    /// The environment's OFFDESK_KEY (64 hex digits) goes before it.
    #[arg(long, global = true)]
    pub(crate) key_file: Option<PathBuf>,
    /// Talk to no relay: what is done is saved and goes out with the next sync.
    #[arg(long, global = true)]
    pub(crate) offline: bool,
    /// Print JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Trust this certificate (PEM) beside the system's.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// How long a reply can be undone before it leaves, in seconds. Default: 3 in the inbox, 0 in commands.
    #[arg(long, global = true, value_name = "SECONDS")]
    pub(crate) undo: Option<f64>,
    /// How long a command may talk to the relay, in seconds.
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 30.0)]
    pub(crate) timeout: f64,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Makes this database a device of the member whose code it is.
    Enrol {
        /// The relay, such as https://relay.example.com.
        relay: String,
        /// The one-time code.
        code: String,
        /// The device's name, as administrators see it.
        #[arg(long, default_value = "handset")]
        name: String,
    },
    /// Enrols a copied or refused device anew; what waits in it is kept.
    ReEnrol {
        /// The one-time code.
        code: String,
        /// The device's name, as administrators see it.
        #[arg(long, default_value = "handset")]
        name: String,
    },
    /// Makes a code for one more device of the same member.
    Code,
    /// Sends what waits and fetches what is new; then says what it took.
    Sync {
        /// Connect directly: without counting bytes on the wire.
        #[arg(long)]
        direct: bool,
    },
    /// Stays connected and prints what changes in the inbox and the alerts.
    Watch {
        /// Ends after so many seconds.
        #[arg(long)]
        seconds: Option<f64>,
        #[command(flatten)]
        filter: FilterArgs,
    },
    /// Lists conversations, the latest first.
    List {
        #[command(flatten)]
        filter: FilterArgs,
        /// At most so many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Finds customers by name, phone or message, as typed so far.
    Search {
        /// What is typed.
        #[arg(required = true)]
        text: Vec<String>,
        /// At most so many customers.
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// Shows a conversation.
    Show {
        /// Which.
        conversation: String,
    },
    /// Sends a message to the customer.
    Reply(Text),
    /// Adds an internal note; @name calls a member.
    Note(Text),
    /// Keeps a draft; an empty text removes it.
    Draft {
        /// Which conversation.
        conversation: String,
        /// The text.
        #[arg(default_value = "")]
        text: Vec<String>,
    },
    /// Assigns a member, oneself by default.
    Assign(Person),
    /// Ends a member's assignment, one's own by default.
    Unassign(Person),
    /// Closes the conversation.
    Close(Named),
    /// Opens it again.
    Reopen(Named),
    /// Adds a tag.
    Tag(Tagged),
    /// Removes a tag.
    Untag(Tagged),
    /// Marks it read.
    Read(Named),
    /// Marks it unread.
    Unread(Named),
    /// Starts a conversation.
    Start {
        /// The customer's phone.
        phone: String,
        /// The first message.
        text: Vec<String>,
        /// The customer's name, if they are new.
        #[arg(long)]
        name: Option<String>,
        /// Which of the workspace's numbers to write from.
        #[arg(long)]
        from: Option<String>,
    },
    #[command(flatten)]
    Triage(triage::Triage),
    /// Lists canned responses, those that are found by what is typed.
    Canned {
        /// What is typed.
        text: Vec<String>,
    },
    /// The member's saved filters.
    #[command(subcommand)]
    Filters(triage::Filters),
    /// Contacts and their records.
    #[command(subcommand)]
    Contacts(people::People),
    /// Shows the information panel beside a conversation.
    Panel(Named),
    /// Lists what one should be told.
    Alerts,
    /// Dismisses an alert.
    Dismiss {
        /// Its id, or the beginning of it.
        alert: String,
    },
    #[command(flatten)]
    Told(crate::told::Told),
    /// Lists what has not arrived: waiting, held or refused.
    Outbox,
    /// Takes back something that has not left yet.
    Undo(Waiting),
    /// Drops something that was refused.
    Discard(Waiting),
    /// Tries something that was refused again.
    Retry(Waiting),
    /// Sends a held reply as it stands.
    SendHeld(Waiting),
    /// Drops a held reply.
    DropHeld(Waiting),
    /// Sends another text in a held reply's place.
    EditHeld {
        /// Its id, or the beginning of it.
        intent: String,
        /// The new text.
        #[arg(required = true)]
        text: Vec<String>,
    },
    /// Lists the workspace's members.
    Members,
    /// Says what the device holds and what this run took.
    Stats,
    /// Deletes the device's database.
    Wipe,
}

#[derive(Debug, Args)]
pub(crate) struct Named {
    /// Which conversation.
    pub(crate) conversation: String,
}

#[derive(Debug, Args)]
pub(crate) struct Text {
    /// Which conversation.
    pub(crate) conversation: String,
    /// The text.
    #[arg(required = true)]
    pub(crate) text: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Person {
    /// Which conversation.
    pub(crate) conversation: String,
    /// Which member.
    pub(crate) member: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Tagged {
    /// Which conversation.
    pub(crate) conversation: String,
    /// The tag.
    pub(crate) tag: String,
}

#[derive(Debug, Args)]
pub(crate) struct Waiting {
    /// Its id, or the beginning of it.
    pub(crate) intent: String,
}

/// Which conversations a list takes.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct FilterArgs {
    /// Only those assigned to oneself.
    #[arg(long)]
    pub(crate) mine: bool,
    /// Only those assigned to nobody.
    #[arg(long, conflicts_with = "mine")]
    pub(crate) unassigned: bool,
    /// Only unread ones.
    #[arg(long)]
    pub(crate) unread: bool,
    /// Only those whose customer waits for a reply.
    #[arg(long)]
    pub(crate) needs_reply: bool,
    /// Only open or closed ones.
    #[arg(long)]
    pub(crate) status: Option<StatusArg>,
    /// Only those with this tag.
    #[arg(long)]
    pub(crate) tag: Option<String>,
    /// Only those of this origin.
    #[arg(long)]
    pub(crate) origin: Option<OriginArg>,
    /// Only those that one was assigned to for this reason.
    #[arg(long)]
    pub(crate) reason: Option<ReasonArg>,
    /// Only those assigned to this member.
    #[arg(long, conflicts_with_all = ["mine", "unassigned"])]
    pub(crate) assignee: Option<String>,
    /// Only those in this queue.
    #[arg(long)]
    pub(crate) queue: Option<String>,
    /// Only those of this priority.
    #[arg(long)]
    pub(crate) priority: Option<triage::PriorityArg>,
    /// Only those that rest now.
    #[arg(long)]
    pub(crate) snoozed: bool,
    /// Only those that don't.
    #[arg(long, conflicts_with = "snoozed")]
    pub(crate) awake: bool,
    /// Only those whose contact is blocked as spam.
    #[arg(long)]
    pub(crate) blocked: bool,
    /// A saved filter, instead of the others.
    #[arg(long, value_name = "NAME")]
    pub(crate) filter: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum StatusArg {
    Open,
    Closed,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum OriginArg {
    Direct,
    Campaign,
    CartRecovery,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ReasonArg {
    Manual,
    Reply,
    Automation,
}
