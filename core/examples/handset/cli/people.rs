//! Contacts.

use clap::{Args, Subcommand, ValueEnum};

/// What is done to contacts.
#[derive(Debug, Subcommand)]
pub(crate) enum People {
    /// Lists contacts by name, or those that are found by what is typed.
    List {
        /// What is typed.
        text: Vec<String>,
        /// At most so many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Opens a contact's record: the card and all conversations with them that one may see.
    Record {
        /// Which contact.
        contact: String,
    },
    /// Creates a contact.
    Add {
        /// The name.
        name: String,
        /// A phone; several times for several.
        #[arg(long)]
        phone: Vec<String>,
        /// The e-mail address.
        #[arg(long)]
        email: Option<String>,
    },
    /// Changes a contact.
    Edit(Edit),
    /// Blocks a contact as spam.
    Block {
        /// Which contact.
        contact: String,
    },
    /// Unblocks a contact.
    Unblock {
        /// Which contact.
        contact: String,
    },
    /// Notes what a contact said about being written to.
    Consent {
        /// Which contact.
        contact: String,
        /// At which phone.
        phone: String,
        /// What they said.
        consent: ConsentArg,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Edit {
    /// Which contact.
    pub(crate) contact: String,
    /// A new name.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// A new e-mail address; empty removes it.
    #[arg(long)]
    pub(crate) email: Option<String>,
    /// A phone to add.
    #[arg(long)]
    pub(crate) add_phone: Vec<String>,
    /// A phone to remove.
    #[arg(long)]
    pub(crate) remove_phone: Vec<String>,
    /// A custom field, as name=value; without a value it is removed.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// A new record owner.
    #[arg(long)]
    pub(crate) owner: Option<String>,
    /// A member to share the record with.
    #[arg(long)]
    pub(crate) share: Vec<String>,
    /// A member to share it with no more.
    #[arg(long)]
    pub(crate) unshare: Vec<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ConsentArg {
    Granted,
    Revoked,
    Unknown,
}
