//! The workspace itself: its creation and its settings.

mod configure;
mod connected_workspaces;
mod file_limits;

pub use configure::Configure;
pub use connected_workspaces::ConfigureConnectedWorkspaces;
pub use file_limits::ConfigureFiles;

use crate::boundary::behaviour;
use crate::boundary::input::{Genesis, Incarnation};
use crate::boundary::output::{Refusal, Reply};
use crate::model::{MetaRow, Workspace};
use crate::rows::counters;
use crate::rows::tx::Tx;

/// Creates the workspace. Only the first input may do so; later ones are refused.
pub fn begin(tx: &mut Tx<'_>, genesis: &Genesis) -> Reply {
    if counters::workspace(tx).is_some() {
        return Reply::Refused(Refusal::new(
            400,
            "causeway.workspace.exists.app_error",
            "This workspace has begun already.",
        ));
    }
    if let Err(refusal) = behaviour::adopt(tx) {
        return Reply::Refused(refusal);
    }
    let workspace = Workspace {
        id: tx.new_id(),
        incarnation: Incarnation {
            id: tx.new_id(),
            number: Incarnation::FIRST,
        },
        site_url: genesis.site_url.trim_end_matches('/').to_string(),
        config: genesis.config.clone(),
    };
    tx.put(&MetaRow::WORKSPACE, &MetaRow::Workspace(workspace));
    Reply::Done
}
