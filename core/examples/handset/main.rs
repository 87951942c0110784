//! A phone in a terminal, on the public API only: the inbox for people, commands for scripts.
//!
//! - [`app`]: the inbox. [`cli`]: the command line; [`run`], [`triage`], [`people`], [`watch`]: the commands; [`output`], [`words`]: what they print.
//! - [`device`]: key and database; [`names`]: from what is typed to what is meant.
//! - [`forward`], [`measure`]: what a sync takes, on the wire and of the machine.

mod app;
mod cli;
mod device;
mod forward;
mod measure;
mod names;
mod output;
mod people;
mod run;
mod told;
mod triage;
mod watch;
mod words;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // Exit code 2 for a command line that can't be understood is clap's own.
    let mut cli = cli::Cli::parse();
    let out = output::Output { json: cli.device.json };
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            out.fail(&device::Failure::from(error));
            return ExitCode::FAILURE;
        }
    };
    let done = match cli.command.take() {
        Some(command) => runtime.block_on(run::run(cli, command)),
        None => runtime.block_on(app::run(&cli.device)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            out.fail(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}
