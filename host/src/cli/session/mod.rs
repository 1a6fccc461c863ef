//! `causeway session`.

mod damage;
mod export;
mod exports;
mod header;
mod hold;
pub mod memory;
mod show;
mod source;
mod state;
mod status;
mod times;
mod why;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum SessionCommand {
    /// Write a part of a workspace's life to one file that replays anywhere.
    ///
    /// Reads the journal only, so it works beside the running service. Texts, names and addresses
    /// are replaced by stand-ins of the same length unless --plain is given; what people wrote
    /// cannot be found out from such a file, and it replays with the same decisions. Every export
    /// is noted in the register; see `causeway session exports`.
    Export(export::ExportArgs),
    /// List the exports that were made of a data directory.
    Exports(exports::ExportsArgs),
    /// Keep the journal as it is: nothing is dropped until it is released, or for so long.
    Hold(hold::HoldArgs),
    /// Let old entries of the journal go again.
    Release(hold::ReleaseArgs),
    /// Show what is recorded of a workspace, how far back, and what it costs.
    Status(status::StatusArgs),
    /// List the steps of a session file in words.
    ///
    /// Who did what, what the policies said, what was refused and why, and what the service did
    /// then. Nothing is carried out. What is damaged is left out and named, with exit code 1.
    /// Of a data directory, the session is taken out of its journal first, with texts and names
    /// readable; `--from` and `--to` spare what is not shown.
    Show(show::ShowArgs),
    /// Tell from a session file why a post is what it is, or why it is not there.
    ///
    /// The exit code is 1 when the post is not there at the end of the session.
    Why(why::WhyArgs),
    /// Show what stood in a workspace at an entry of a session file.
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
