//! The workspace itself: its beginning and its settings.

use crate::authority;
use crate::boundary::behaviour;
use crate::boundary::input::{Actor, Genesis, Incarnation};
use crate::boundary::output::{Refusal, Reply};
use crate::model::limits::{POSTS_PER_SYNC_MAX, SITE_URL_BYTES_MAX};
use crate::model::{Config, MetaRow, Workspace};
use crate::rows::counters;
use crate::rows::tx::Tx;

/// Begins a workspace. Only the first input does; again it is a refusal.
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

/// Changes the settings; only the operator and administrators do.
pub(super) fn configure(
    tx: &mut Tx<'_>,
    actor: Actor,
    site_url: &str,
    config: &Config,
) -> Result<Reply, Refusal> {
    authority::require_admin(tx, actor)?;
    let workspace = counters::workspace(tx).ok_or_else(Refusal::forbidden)?;
    let site_url = site_url.trim_end_matches('/');
    let web = site_url.starts_with("http://") || site_url.starts_with("https://");
    if !site_url.is_empty() && (!web || site_url.len() > SITE_URL_BYTES_MAX) {
        return Err(Refusal::invalid_param("site_url"));
    }
    if !(1..=POSTS_PER_SYNC_MAX).contains(&config.posts_per_sync_max) {
        return Err(Refusal::invalid_param("posts_per_sync_max"));
    }
    let new = Workspace {
        site_url: site_url.to_string(),
        config: config.clone(),
        ..workspace.clone()
    };
    if new != workspace {
        tx.put(&MetaRow::WORKSPACE, &MetaRow::Workspace(new));
    }
    Ok(Reply::Done)
}
