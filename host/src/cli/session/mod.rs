//! `causeway session`.

mod damage;
mod export;
mod exports;
mod header;
mod hold;
pub mod memory;
mod show;
pub mod source;
mod state;
mod status;
pub mod times;
mod why;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum SessionCommand {
    /// Write part of a workspace's history to one file that replays anywhere.
    ///
    /// Reads the journal only, so it works while the service is running. Texts, names and addresses are
    /// replaced by stand-ins of the same length unless --plain is given; what people wrote cannot be
    /// recovered from such a file, and it replays with the same decisions. Every export is recorded in the
    /// register; see `causeway session exports`.
    Export(export::ExportArgs),
    /// List the exports made from a data directory.
    Exports(exports::ExportsArgs),
    /// Keep the journal as it is: nothing is dropped until it is released, or for a given time.
    Hold(hold::HoldArgs),
    /// Allow old entries of the journal to be dropped again.
    Release(hold::ReleaseArgs),
    /// Show what is recorded of a workspace, how far back, and at what cost.
    Status(status::StatusArgs),
    /// List the steps of a session file in words.
    ///
    /// Shows who did what, what the policies said, what was refused and why, and what the service then did.
    /// Nothing is executed. Damaged parts are skipped and named, with exit code 1. For a data directory, the
    /// session is exported from its journal first, with texts and names readable; `--from` and `--to` limit
    /// this to what is shown.
    Show(show::ShowArgs),
    /// Explain from a session file why a post is the way it is, or why it is missing.
    ///
    /// The exit code is 1 if the post does not exist at the end of the session.
    Why(why::WhyArgs),
    /// Show the rows of a workspace at an entry of a session file.
    State(state::StateArgs),
}

pub fn run(command: &SessionCommand) -> Result<ExitCode> {
    match command {
        SessionCommand::Export(args) => export::run(args),
        SessionCommand::Exports(args) => exports::run(args),
        SessionCommand::Hold(args) => hold::hold(args),
        SessionCommand::Release(args) => hold::release(args),
        SessionCommand::Status(args) => status::run(args),
        SessionCommand::Show(args) => show::run(args),
        SessionCommand::Why(args) => why::run(args),
        SessionCommand::State(args) => state::run(args),
    }
}
