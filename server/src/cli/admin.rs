//! `offdesk-relay admin`: the acts of [`crate::admin`], from the command line.

mod args;
mod automations;
mod canned;
mod company;
mod copies;
mod engagements;
mod hours;
mod queues;
mod transfer;
mod watch;

use offdesk_core::{ids::WorkspaceId, time::Timestamp};
use rand::rngs::StdRng;

pub(super) use args::AdminArgs;

use self::args::{
    AdminCommand, CodeCommand, DeviceCommand, MemberCommand, QuarantineCommand, RoleCommand, SettingsCommand,
    WorkspaceCommand,
};
use super::{CliError, output::Output};
use crate::{
    admin::{Actor, AdminError, workspace},
    clock::{Clock, SystemClock},
    config::Config,
    random::Random,
    store::{ReadTx, Store, Tx},
};

/// Does one act and prints what came of it.
pub(super) fn run(args: AdminArgs, config: &Config) -> Result<(), CliError> {
    let AdminArgs { json, by, command } = args;
    let who =
        format!("command line ({})", by.or_else(|| std::env::var("USER").ok()).unwrap_or_else(|| "unknown".into()));
    let output = match command {
        // A backup reads the file by itself; a restore makes one.
        AdminCommand::Backup { to } => copies::backup(config, &to)?,
        AdminCommand::Restore { from, to } => copies::restore(&from, &to, Random::system()?.generator(), &who)?,
        command => {
            let creates = matches!(
                command,
                AdminCommand::Workspace { command: WorkspaceCommand::Create { .. } } | AdminCommand::Import { .. }
            );
            if !creates && !config.database.is_file() {
                return Err(CliError::NoDatabase(config.database.clone()));
            }
            let store = Store::open(&config.database).map_err(AdminError::from)?;
            let office = Office { store, rng: Random::system()?.generator(), who, now: SystemClock.now() };
            office.act(command, config)?
        }
    };
    output.print(json)
}

/// The open database and who acts on it.
struct Office {
    store: Store,
    rng: StdRng,
    who: String,
    now: Timestamp,
}

impl Office {
    fn act(self, command: AdminCommand, config: &Config) -> Result<Output, AdminError> {
        match command {
            AdminCommand::Workspace { command: WorkspaceCommand::Create { name, region, numbers } } => {
                company::create_workspace(self, name, region, numbers)
            }
            AdminCommand::Workspace { command: WorkspaceCommand::List } => company::list_workspaces(&self),
            AdminCommand::Member { workspace, command } => company::member(self, workspace, command),
            AdminCommand::Role { workspace, command } => company::role(self, workspace, command),
            AdminCommand::Settings { workspace, command } => company::settings(self, workspace, command),
            AdminCommand::Queue { workspace, command } => queues::queue(self, workspace, command),
            AdminCommand::Canned { workspace, command } => canned::canned(self, workspace, command),
            AdminCommand::Hours { workspace, command } => hours::hours(self, workspace, command),
            AdminCommand::Engagement { workspace, command } => engagements::engagement(self, workspace, command),
            AdminCommand::Automation { workspace, command } => automations::automation(self, workspace, command),
            AdminCommand::Code { workspace, command: CodeCommand::Create { member, lifetime } } => {
                let lifetime = lifetime.unwrap_or(config.enrolment_code_lifetime);
                watch::create_code(self, workspace, member, lifetime)
            }
            AdminCommand::Device { workspace, command } => watch::device(self, workspace, command),
            AdminCommand::Quarantine { workspace, command } => watch::quarantine(&self, workspace, command),
            AdminCommand::Audit { workspace, command } => watch::audit(&self, workspace, &command),
            AdminCommand::Export { workspace, to } => transfer::export(&self, workspace.as_deref(), &to),
            AdminCommand::Import { workspace, from } => transfer::import(self, workspace, &from),
            AdminCommand::ResumeDispatch { confirmed } => copies::resume_dispatch(self, confirmed),
            // Done before the store was opened.
            AdminCommand::Backup { .. } | AdminCommand::Restore { .. } => {
                Err(AdminError::NothingToDo("this needs no open database".into()))
            }
        }
    }

    /// Runs an act in a workspace, in the writer.
    fn write<T: Send + 'static>(
        mut self,
        typed: Option<String>,
        act: impl FnOnce(&mut Tx<'_>, &mut Actor<'_>, WorkspaceId) -> Result<T, AdminError> + Send + 'static,
    ) -> Result<T, AdminError> {
        self.store.write_blocking(move |tx| {
            let workspace = workspace::find(&tx.reading(), typed.as_deref())?;
            let mut actor = Actor { now: self.now, rng: &mut self.rng, who: &self.who };
            act(tx, &mut actor, workspace)
        })
    }

    /// Reads in a workspace.
    fn read<T>(
        &self,
        typed: Option<&str>,
        read: impl FnOnce(&ReadTx<'_>, WorkspaceId) -> Result<T, AdminError>,
    ) -> Result<T, AdminError> {
        self.store.read_blocking(|tx| read(tx, workspace::find(tx, typed)?))
    }
}
