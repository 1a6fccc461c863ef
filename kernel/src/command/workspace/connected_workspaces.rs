//! Changing what is shared with connected workspaces.

use serde::{Deserialize, Serialize};

use crate::authority;
use crate::boundary::output::{Refusal, Reply};
use crate::boundary::texts::texts;
use crate::command::registry::{Act, By};
use crate::model::limits::{
    INTERRUPTION_MS_MAX, INTERRUPTION_MS_MIN, MEMBERS_PER_SYNC_MAX, OFFERED_USERS_PER_SYNC_MAX,
};
use crate::model::{ConnectedWorkspaces, MetaRow};
use crate::objects::{hidden_components, memberships};
use crate::outbound::again;
use crate::rows::counters;
use crate::rows::tx::Tx;
use crate::sharing::{connection, directory, feed, interruption};

/// Changes what is shared with connected workspaces; reserved to the operator and administrators.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigureConnectedWorkspaces {
    /// The settings.
    pub settings: ConnectedWorkspaces,
}
texts!(struct ConfigureConnectedWorkspaces { settings });

impl Act for ConfigureConnectedWorkspaces {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        authority::require_admin(tx, by.actor)?;
        let new = &self.settings;
        let limits = [
            (
                (1..=OFFERED_USERS_PER_SYNC_MAX).contains(&new.users_per_sync_max),
                "GlobalUserSyncBatchSize",
            ),
            (
                (1..=MEMBERS_PER_SYNC_MAX).contains(&new.members_per_sync_max),
                "MemberSyncBatchSize",
            ),
            (
                (INTERRUPTION_MS_MIN..=INTERRUPTION_MS_MAX).contains(&new.interruption_ms),
                "interruption_ms",
            ),
        ];
        if let Some((_, name)) = limits.into_iter().find(|(is_within, _)| !is_within) {
            return Err(Refusal::invalid_param(name));
        }
        let old = counters::connected_workspaces(tx);
        if *new != old {
            let row = MetaRow::ConnectedWorkspaces(new.clone());
            tx.put(&MetaRow::CONNECTED_WORKSPACES, &row);
            if new.all_users && !old.all_users {
                directory::changed(tx);
            }
            if old.all_users && !new.all_users {
                again::forget_withheld(tx);
            }
            if new.members && !old.members {
                memberships::offer(tx);
            }
            if new.plugins && !old.plugins {
                hidden_components::start(tx);
            }
            if new.statuses && !old.statuses {
                feed::statuses_switched_on(tx);
            }
        }
        if new.interruption_ms != old.interruption_ms {
            interruption::begin_anew(tx);
        }
        if new.channels && !old.channels {
            tx.touched
                .extend(connection::all(tx).into_iter().map(|(no, _)| no));
        }
        Ok(Reply::Done)
    }
}
