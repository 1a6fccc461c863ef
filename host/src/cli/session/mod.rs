//! `causeway session`.

mod export;
mod exports;
mod hold;
mod status;
mod times;

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
}

pub fn run(command: &SessionCommand) -> Result<ExitCode> {
    match command {
        SessionCommand::Export(args) => export::run(args),
        SessionCommand::Exports(args) => exports::run(args),
        SessionCommand::Hold(args) => hold::hold(args),
        SessionCommand::Release(args) => hold::release(args),
        SessionCommand::Status(args) => status::run(args),
    }
}
