//! The arguments of `admin`.

pub(super) mod set_up;

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand, builder::PossibleValuesParser, builder::TypedValueParser};
use offdesk_core::model::{ContactAccess, DashboardAccess, MessageAccess, RoleKind};

use self::set_up::{AutomationCommand, CannedCommand, EngagementCommand, HoursCommand, QueueCommand};
use crate::config::parse_time;

#[derive(Args, Debug)]
pub(in crate::cli) struct AdminArgs {
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Who acts, for the audit trail. Without it, the name of the system's user.
    #[arg(long = "as", global = true, value_name = "NAME")]
    pub(super) by: Option<String>,
    #[command(subcommand)]
    pub(super) command: AdminCommand,
}

/// Which workspace; it can be left out while there is only one.
const WORKSPACE: &str = "The workspace's name, the beginning of it, or its id; needed only if there are several";

#[derive(Debug, Subcommand)]
pub(super) enum AdminCommand {
    /// Companies.
    Workspace {
        #[command(subcommand)]
        command: WorkspaceCommand,
    },
    /// The people of a workspace.
    Member {
        #[arg(long, global = true, value_name = "NAME", help = WORKSPACE)]
        workspace: Option<String>,
        #[command(subcommand)]
        command: MemberCommand,
    },
    /// What members may see and do.
    Role {
        #[arg(long, global = true, value_name = "NAME", help = WORKSPACE)]
        workspace: Option<String>,
        #[command(subcommand)]
        command: RoleCommand,
    },
    /// Numbers, country, thresholds.
    Settings {
        #[arg(long, global = true, value_name = "NAME", help = WORKSPACE)]
        workspace: Option<String>,
        #[command(subcommand)]
        command: SettingsCommand,
    },
    /// Where conversations wait.
    Queue {
        #[arg(long, global = true, value_name = "NAME", help = WORKSPACE)]
        workspace: Option<String>,
        #[command(subcommand)]
        command: QueueCommand,
    },
    /// Texts to insert, by a shortcut.
    Canned {
        #[arg(long, global = true, value_name = "NAME", help = WORKSPACE)]
        workspace: Option<String>,
        #[command(subcommand)]
        command: CannedCommand,
    },
    /// When somebody is there.
    Hours {
        #[arg(long, global = true, value_name = "NAME", help = WORKSPACE)]
        workspace: Option<String>,
        #[command(subcommand)]
        command: HoursCommand,
    },
    /// When and where the web chat greets.
    Engagement {
        #[arg(long, global = true, value_name = "NAME", help = WORKSPACE)]
        workspace: Option<String>,
        #[command(subcommand)]
        command: EngagementCommand,
    },
    /// What is sent by itself.
    Automation {
        #[arg(long, global = true, value_name = "NAME", help = WORKSPACE)]
        workspace: Option<String>,
        #[command(subcommand)]
        command: AutomationCommand,
    },
    /// One-time codes that enrol a device.
    Code {
        #[arg(long, global = true, value_name = "NAME", help = WORKSPACE)]
        workspace: Option<String>,
        #[command(subcommand)]
        command: CodeCommand,
    },
    /// Enrolled phones and laptops.
    Device {
        #[arg(long, global = true, value_name = "NAME", help = WORKSPACE)]
        workspace: Option<String>,
        #[command(subcommand)]
        command: DeviceCommand,
    },
    /// Changes that were refused.
    Quarantine {
        #[arg(long, global = true, value_name = "NAME", help = WORKSPACE)]
        workspace: Option<String>,
        #[command(subcommand)]
        command: QuarantineCommand,
    },
    /// Who did what.
    Audit {
        #[arg(long, global = true, value_name = "NAME", help = "Only what concerns this workspace")]
        workspace: Option<String>,
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Write a whole workspace as lines of JSON: its set-up, contacts, conversations, what members marked.
    Export {
        #[arg(long, value_name = "NAME", help = WORKSPACE)]
        workspace: Option<String>,
        /// The file to write. It must not exist.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Read a workspace, or more of one, from lines of JSON. Records that are here already are passed over; nothing that is
    /// imported is ever sent to contacts.
    Import {
        /// Into which workspace, if the file doesn't begin with one.
        #[arg(long, value_name = "NAME")]
        workspace: Option<String>,
        /// The file.
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
    },
    /// Copy the database into a new file while the relay runs, and check the copy.
    Backup {
        /// The file to write. It must not exist.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Make a database of a backup. Stop the relay first and keep its database: it has what came after the backup.
    ///
    /// The restored relay starts a new epoch: devices sync anew and offer their own work again. Nothing is sent to
    /// contacts until `admin resume-dispatch`.
    Restore {
        /// The backup.
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
        /// The database to make. It must not exist.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// After a restore: show what to check, and with --confirmed let messages leave again.
    ResumeDispatch {
        /// You have checked devices and revocations.
        #[arg(long)]
        confirmed: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum WorkspaceCommand {
    /// Create a workspace with the roles Administrator, Agent and Field rep.
    Create {
        /// Its name.
        #[arg(long)]
        name: String,
        /// The country of phone numbers without a country code, as two letters.
        #[arg(long, default_value = "US", value_name = "COUNTRY")]
        region: String,
        /// A number that it sends and receives SMS with; the first is the default sender.
        #[arg(long = "number", value_name = "PHONE")]
        numbers: Vec<String>,
    },
    /// List workspaces.
    List,
}

#[derive(Debug, Subcommand)]
pub(super) enum MemberCommand {
    /// Add a member.
    Add {
        /// Their name.
        #[arg(long)]
        name: String,
        /// Their role's name or id; without one they have no access to Conversations.
        #[arg(long)]
        role: Option<String>,
    },
    /// List members.
    List,
    /// Give a member another name.
    Rename {
        /// The member's name or id.
        member: String,
        /// The new name.
        name: String,
    },
    /// Give a member another role.
    SetRole {
        /// The member's name or id.
        member: String,
        /// The role's name or id, or `none`.
        role: String,
    },
    /// Override what reaches a member's dashboard.
    SetDashboard {
        /// The member's name or id.
        member: String,
        /// The access, or `role` for what their role says.
        #[arg(value_parser = PossibleValuesParser::new(["all", "assigned", "none", "role"]))]
        access: String,
    },
    /// End a member's access at once; their devices wipe themselves at their next contact.
    Deactivate {
        /// The member's name or id.
        member: String,
    },
    /// Let a deactivated member in again; they enrol their devices anew.
    Activate {
        /// The member's name or id.
        member: String,
    },
}

/// A parser of the names that an access level has in documents.
macro_rules! levels {
    ($type:ty: $($name:literal),*) => {
        // Only listed names reach `from_name`; one that it didn't know would be an error of clap's.
        PossibleValuesParser::new([$($name),*]).try_map(|name| <$type>::from_name(&name).ok_or("unknown"))
    };
}

#[derive(Args, Debug)]
pub(super) struct Levels {
    /// What it may administer.
    #[arg(long, value_parser = levels!(RoleKind: "administrator", "user"))]
    pub(super) kind: Option<RoleKind>,
    /// Which conversations reach its members' dashboards.
    #[arg(long, value_parser = levels!(DashboardAccess: "all", "assigned", "none"))]
    pub(super) dashboard: Option<DashboardAccess>,
    /// Which contacts' records its members may open.
    #[arg(long, value_parser = levels!(ContactAccess: "all", "own", "none"))]
    pub(super) contacts: Option<ContactAccess>,
    /// What its members may do with messages; `write` is needed to reply.
    #[arg(long, value_parser = levels!(MessageAccess: "none", "read", "write"))]
    pub(super) messages: Option<MessageAccess>,
}

#[derive(Debug, Subcommand)]
pub(super) enum RoleCommand {
    /// Add a role. What is left out is: a user, assigned conversations, own contacts, write.
    Add {
        /// Its name.
        #[arg(long)]
        name: String,
        #[command(flatten)]
        levels: Levels,
    },
    /// List roles.
    List,
    /// Change a role, and with it what all its members may do.
    Set {
        /// The role's name or id.
        role: String,
        /// A new name.
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        levels: Levels,
    },
    /// Remove a role that no member has.
    Remove {
        /// The role's name or id.
        role: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum SettingsCommand {
    /// Show the settings.
    Show,
    /// Change settings.
    Set(SettingsArgs),
}

#[derive(Args, Debug)]
pub(super) struct SettingsArgs {
    /// The workspace's name.
    #[arg(long)]
    pub(super) name: Option<String>,
    /// The country of phone numbers without a country code, as two letters.
    #[arg(long, value_name = "COUNTRY")]
    pub(super) region: Option<String>,
    /// How old a reply may be, on its author's device, before something newer holds it, such as 2m.
    #[arg(long, value_parser = parse_time, value_name = "TIME")]
    pub(super) stale_after: Option<Duration>,
    /// How long only the author may decide about a held reply, such as 30m.
    #[arg(long, value_parser = parse_time, value_name = "TIME")]
    pub(super) held_author_only: Option<Duration>,
    /// How long a device may be without contact before it locks its data, such as 720h.
    #[arg(long, value_parser = parse_time, value_name = "TIME")]
    pub(super) lease: Option<Duration>,
    /// How long a customer may wait for a reply before the assigned are reminded, such as 1h; 0s is for ever.
    #[arg(long, value_parser = parse_time, value_name = "TIME")]
    pub(super) reply_within: Option<Duration>,
    /// A number to add.
    #[arg(long = "add-number", value_name = "PHONE")]
    pub(super) add_numbers: Vec<String>,
    /// A number to remove.
    #[arg(long = "remove-number", value_name = "PHONE")]
    pub(super) remove_numbers: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum CodeCommand {
    /// Make a code for one device of a member.
    Create {
        /// The member's name or id.
        #[arg(long)]
        member: String,
        /// How long it can be used, such as 24h.
        #[arg(long, value_parser = parse_time, value_name = "TIME")]
        lifetime: Option<Duration>,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum DeviceCommand {
    /// List devices.
    List {
        /// Only this member's.
        #[arg(long)]
        member: Option<String>,
    },
    /// End a device's access at once; it wipes itself at its next contact.
    Revoke {
        /// The device's name or id.
        device: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum QuarantineCommand {
    /// List refused changes, the newest first.
    List {
        /// How many at most.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Show one with its bytes.
    Show {
        /// Its number.
        id: i64,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// List acts, the newest first.
    List {
        /// How many at most.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
}
