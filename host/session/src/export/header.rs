//! The header of an exported file.

use causeway_kernel::boundary::behaviour;
use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::input::Input;
use causeway_kernel::model::MetaRow;
use causeway_kernel::rows::tx::Read;

use super::ExportOptions;
use crate::file::format::{Contracts, EngineSettings, Header, Start};
use causeway_engine::journal::{Digest, Recorded};
use causeway_engine::{CheckedRows, Position};

/// The header of a session that begins with these rows; `digest` is theirs, if all are in the file.
pub fn header(
    position: &Position,
    options: &ExportOptions,
    rows: &CheckedRows,
    digest: Option<Digest>,
    first: &Recorded,
) -> Header {
    Header {
        causeway: env!("CARGO_PKG_VERSION").into(),
        workspace: site_url(rows).unwrap_or_else(|| founding_url(options, first)),
        exported_at_ms: options.now_ms,
        is_masked: options.mask.is_some(),
        selection: options.selection.clone(),
        start: Start {
            seq: position.seq,
            journal: position.digest,
            rows: digest,
            kernel: position.kernel,
            policies: masked(options, &position.policies),
        },
        contracts: Contracts::of_this_build(),
        engine: EngineSettings::of_this_build(),
        behaviours: behaviour::in_force(rows)
            .into_iter()
            .map(|(number, _)| number)
            .collect(),
    }
}

fn site_url(rows: &CheckedRows) -> Option<String> {
    match rows.get::<MetaRow>(&MetaRow::WORKSPACE)? {
        MetaRow::Workspace(workspace) => Some(workspace.site_url),
        MetaRow::Counters(_)
        | MetaRow::ConnectedWorkspaces(_)
        | MetaRow::FileLimits(_)
        | MetaRow::Gates(_) => None,
    }
}

/// The URL with which the workspace was created, if the session contains its beginning.
fn founding_url(options: &ExportOptions, first: &Recorded) -> String {
    match codec::decode_input(&first.payload) {
        Ok(Input::Genesis(genesis)) => masked(options, &genesis.site_url),
        _ => String::new(),
    }
}

fn masked(options: &ExportOptions, text: &str) -> String {
    match &options.mask {
        Some(mask) => mask.text(text),
        None => text.into(),
    }
}
