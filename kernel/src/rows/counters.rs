//! The single rows: the workspace itself, its counters and settings.

use crate::boundary::policy::Gates;
use crate::model::{ConnectedWorkspaces, Counters, FileLimits, MetaRow, Workspace};
use crate::rows::record::Read;

/// The current counters.
pub fn counters(rows: &(impl Read + ?Sized)) -> Counters {
    match rows.get::<MetaRow>(&MetaRow::COUNTERS) {
        Some(MetaRow::Counters(counters)) => counters,
        _ => Counters::default(),
    }
}

/// The workspace; `None` before genesis.
pub fn workspace(rows: &(impl Read + ?Sized)) -> Option<Workspace> {
    match rows.get::<MetaRow>(&MetaRow::WORKSPACE) {
        Some(MetaRow::Workspace(workspace)) => Some(workspace),
        _ => None,
    }
}

/// What is shared with connected workspaces.
pub fn connected_workspaces(rows: &(impl Read + ?Sized)) -> ConnectedWorkspaces {
    match rows.get::<MetaRow>(&MetaRow::CONNECTED_WORKSPACES) {
        Some(MetaRow::ConnectedWorkspaces(settings)) => settings,
        _ => ConnectedWorkspaces::default(),
    }
}

/// The gates at which policies decide; all, as long as that is not known.
pub fn gates(rows: &(impl Read + ?Sized)) -> Gates {
    match rows.get::<MetaRow>(&MetaRow::GATES) {
        Some(MetaRow::Gates(gates)) => gates,
        _ => Gates::ALL,
    }
}

/// How large files may be.
pub fn file_limits(rows: &(impl Read + ?Sized)) -> FileLimits {
    match rows.get::<MetaRow>(&MetaRow::FILE_LIMITS) {
        Some(MetaRow::FileLimits(limits)) => limits,
        _ => FileLimits::default(),
    }
}
