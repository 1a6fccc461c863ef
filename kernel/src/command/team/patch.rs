//! Changing a team, archiving it and restoring it.

use serde::{Deserialize, Serialize};

use super::create::check_texts;
use super::missing;
use crate::authority;
use crate::boundary::input::Actor;
use crate::boundary::output::{Effect, Event, Object, Refusal, Reply};
use crate::boundary::texts::{Text, texts};
use crate::command::registry::{Act, By};
use crate::model::Team;
use crate::rows::id::TeamNo;
use crate::rows::tx::{Read, Tx};

/// Changes a team.
///
/// # Errors
/// The actor does not administer the team (`manage_team`); it is archived; a text is too long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatchTeam {
    /// The team.
    pub team: TeamNo,
    /// The changes.
    pub patch: TeamPatch,
}
texts!(struct PatchTeam { team, patch });

/// Changes of a team; fields that are `None` are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamPatch {
    /// Display name.
    pub display_name: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// Whether anybody in the workspace may join.
    pub is_open: Option<bool>,
}
texts!(
    struct TeamPatch {
        display_name: Text::Words,
        description: Text::Words,
        is_open,
    }
);

/// Archives a team: nobody finds or joins it any more. Its channels and their connections stay as they are.
///
/// # Errors
/// The actor does not administer the team; it is archived already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveTeam {
    /// The team.
    pub team: TeamNo,
}
texts!(struct ArchiveTeam { team });

/// Restores an archived team.
///
/// # Errors
/// The actor does not administer the system, or the team is not archived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreTeam {
    /// The team.
    pub team: TeamNo,
}
texts!(struct RestoreTeam { team });

impl Act for PatchTeam {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let no = self.team;
        let old = managed(tx, no, by.actor)?;
        if old.delete_at != 0 {
            return Err(missing());
        }
        let patch = self.patch.clone();
        let new = Team {
            display_name: patch.display_name.unwrap_or(old.display_name.clone()),
            description: patch.description.unwrap_or(old.description.clone()),
            is_open: patch.is_open.unwrap_or(old.is_open),
            ..old.clone()
        };
        check_texts(&new.display_name, &new.description)?;
        if new != old {
            store(tx, no, new, Event::TeamUpdated(no));
        }
        Ok(Reply::Object(Object::Team(no)))
    }
}

impl Act for ArchiveTeam {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let no = self.team;
        let team = managed(tx, no, by.actor)?;
        if team.delete_at != 0 {
            return Err(Refusal::new(
                400,
                "api.team.delete_team.deleted.app_error",
                "The team is archived already.",
            ));
        }
        let delete_at = tx.now_ms();
        let archived = Team { delete_at, ..team };
        store(tx, no, archived, Event::TeamDeleted(no));
        Ok(Reply::Object(Object::Team(no)))
    }
}

impl Act for RestoreTeam {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let no = self.team;
        authority::require_admin(tx, by.actor)?;
        let team = tx.get::<Team>(&no).ok_or_else(missing)?;
        if team.delete_at == 0 {
            return Err(Refusal::new(
                400,
                "api.team.restore_team.restored.app_error",
                "The team is not archived.",
            ));
        }
        let restored = Team {
            delete_at: 0,
            ..team
        };
        store(tx, no, restored, Event::TeamRestored(no));
        Ok(Reply::Object(Object::Team(no)))
    }
}

/// The team, if the actor may change it.
fn managed(tx: &Tx<'_>, no: TeamNo, actor: Actor) -> Result<Team, Refusal> {
    let team = tx.get::<Team>(&no).ok_or_else(missing)?;
    if actor != Actor::System {
        let user = authority::acting_user(tx, actor)?;
        if !authority::is_team_admin(tx, no, user) {
            return Err(Refusal::forbidden());
        }
    }
    Ok(team)
}

/// Stores a changed team and notifies its members. Every version has a time of its own.
fn store(tx: &mut Tx<'_>, no: TeamNo, mut team: Team, event: Event) {
    team.update_at = tx.now_ms().max(team.update_at.saturating_add(1));
    tx.put(&no, &team);
    tx.effect(Effect::Event(event));
}
