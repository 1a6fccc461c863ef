//! Creating a team.

use serde::{Deserialize, Serialize};

use super::{DEFAULT_CHANNELS, join};
use crate::authority;
use crate::boundary::input::Actor;
use crate::boundary::output::{Object, Refusal, Reply};
use crate::boundary::texts::{Text, texts};
use crate::command::channel;
use crate::command::channel::NewChannel;
use crate::command::registry::{Act, By};
use crate::model::limits::{DISPLAY_NAME_CHARS_MAX, TEAM_DESCRIPTION_CHARS_MAX};
use crate::model::{ChannelKind, Team, kind, naming};
use crate::rows::lookup;
use crate::rows::tx::Tx;

/// Creates a team with its default channels; its creator becomes its admin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateTeam {
    /// URL name.
    pub name: String,
    /// Display name.
    pub display_name: String,
    /// Description.
    pub description: String,
    /// Whether anybody in the workspace may join.
    pub is_open: bool,
}
texts!(struct CreateTeam {
    name: Text::TeamName,
    display_name: Text::Words,
    description: Text::Words,
    is_open,
});

impl Act for CreateTeam {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let creator = match by.actor {
            Actor::System => None,
            _ => Some(authority::acting_user(tx, by.actor)?),
        };
        let name = self.name.to_ascii_lowercase();
        check(&name, self)?;
        if lookup::team_name(tx, &name).is_some() {
            return Err(Refusal::new(
                400,
                "app.team.save.existing.app_error",
                "A team with that name already exists.",
            ));
        }
        let team_no = tx.next_team();
        let now_ms = tx.now_ms();
        let team = Team {
            id: tx.new_id(),
            create_at: now_ms,
            update_at: now_ms,
            delete_at: 0,
            display_name: self.display_name.clone(),
            name,
            description: self.description.clone(),
            is_open: self.is_open,
        };
        tx.bind_id(kind::TEAM, team.id, team_no.0);
        tx.bind_name(kind::TEAM_NAME, &team.name, team_no.0);
        tx.put(&team_no, &team);
        for (name, display_name) in DEFAULT_CHANNELS {
            let new = NewChannel {
                team: team_no,
                name,
                display_name,
                header: "",
                purpose: "",
                kind: ChannelKind::Public,
                creator: None,
            };
            channel::insert(tx, &new);
        }
        if let Some(creator) = creator {
            join(tx, team_no, creator, None, true);
        }
        Ok(Reply::Object(Object::Team(team_no)))
    }
}

fn check(name: &str, new: &CreateTeam) -> Result<(), Refusal> {
    if naming::is_reserved_team_name(name) {
        return Err(Refusal::new(
            400,
            "model.team.is_valid.reserved.app_error",
            "This name is used by the web address of another page. Choose another one.",
        ));
    }
    if !naming::is_team_name(name) {
        return Err(invalid("url"));
    }
    check_texts(&new.display_name, &new.description)
}

/// Checks the lengths of a team's display name and description.
///
/// # Errors
/// 400 if one is too long, or the display name is empty.
pub(super) fn check_texts(display_name: &str, description: &str) -> Result<(), Refusal> {
    if !(1..=DISPLAY_NAME_CHARS_MAX).contains(&display_name.chars().count()) {
        Err(invalid("name"))
    } else if description.chars().count() > TEAM_DESCRIPTION_CHARS_MAX {
        Err(invalid("description"))
    } else {
        Ok(())
    }
}

fn invalid(field: &str) -> Refusal {
    Refusal::new(
        400,
        &format!("model.team.is_valid.{field}.app_error"),
        format!("Invalid {}.", field.replace('_', " ")),
    )
}
