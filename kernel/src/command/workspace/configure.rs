//! Changing the settings.

use serde::{Deserialize, Serialize};

use crate::authority;
use crate::boundary::output::{Refusal, Reply};
use crate::boundary::texts::{Text, texts};
use crate::command::registry::{Act, By};
use crate::model::limits::{POSTS_PER_SYNC_MAX, SITE_URL_BYTES_MAX};
use crate::model::{Config, MetaRow, Workspace};
use crate::rows::counters;
use crate::rows::tx::Tx;

/// Changes the settings; reserved to the operator and administrators.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configure {
    /// The site URL.
    pub site_url: String,
    /// The settings.
    pub config: Config,
}
texts!(struct Configure { site_url: Text::Words, config });

impl Act for Configure {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let Configure { site_url, config } = self;
        authority::require_admin(tx, by.actor)?;
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
}
