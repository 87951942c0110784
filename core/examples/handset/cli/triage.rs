//! What conversations are sorted by, filtered by, and answered with.

use clap::{Args, Subcommand, ValueEnum};

use super::{FilterArgs, Named};

/// Sorting and answering a conversation, beyond what every day needs most.
#[derive(Debug, Subcommand)]
pub(crate) enum Triage {
    /// Lets a conversation rest until a time: 30m, 3h, 2d, tomorrow, 17:30, "2026-11-22 09:00".
    Snooze {
        /// Which conversation.
        conversation: String,
        /// Until when.
        until: String,
    },
    /// Ends its rest.
    Wake(Named),
    /// Says how urgent it is.
    Priority {
        /// Which conversation.
        conversation: String,
        /// How urgent.
        priority: PriorityArg,
    },
    /// Moves it to a queue.
    Queue {
        /// Which conversation.
        conversation: String,
        /// The queue's name, or none.
        queue: String,
    },
    /// Sends a message to the customer at a later time.
    Later {
        /// Which conversation.
        conversation: String,
        /// When: as for snooze.
        at: String,
        /// The text.
        #[arg(required = true)]
        text: Vec<String>,
    },
    /// Puts a canned response at the end of the draft, its variables filled in.
    Insert {
        /// Which conversation.
        conversation: String,
        /// Its shortcut.
        shortcut: String,
    },
    /// Does something to every conversation that a filter takes.
    Each {
        #[command(flatten)]
        filter: FilterArgs,
        #[command(flatten)]
        what: EachArgs,
        /// At most so many, the latest ones.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
}

/// What is done to many.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct EachArgs {
    /// Close them.
    #[arg(long)]
    pub(crate) close: bool,
    /// Add a tag.
    #[arg(long, value_name = "TAG")]
    pub(crate) add_tag: Option<String>,
    /// Assign a member.
    #[arg(long, value_name = "MEMBER")]
    pub(crate) assign: Option<String>,
    /// Say how urgent they are.
    #[arg(long, value_name = "PRIORITY")]
    pub(crate) set_priority: Option<PriorityArg>,
    /// Let them rest.
    #[arg(long, value_name = "UNTIL")]
    pub(crate) snooze: Option<String>,
    /// Mark them read.
    #[arg(long)]
    pub(crate) read: bool,
}

/// The member's saved filters.
#[derive(Debug, Subcommand)]
pub(crate) enum Filters {
    /// Lists them.
    List,
    /// Saves one.
    Save {
        /// Its name.
        name: String,
        #[command(flatten)]
        filter: FilterArgs,
    },
    /// Gives one another name.
    Rename {
        /// Which, by name.
        filter: String,
        /// The new name.
        name: String,
    },
    /// Deletes one.
    Delete {
        /// Which, by name.
        filter: String,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum PriorityArg {
    Low,
    Normal,
    High,
    Urgent,
}
