//! Creating a channel.

use serde::{Deserialize, Serialize};

use super::fields::{Fields, name_taken};
use super::{NewChannel, insert};
use crate::authority;
use crate::boundary::input::Actor;
use crate::boundary::output::{Object, Refusal, Reply};
use crate::boundary::texts::{Text, texts};
use crate::command::notice;
use crate::command::registry::{Act, By};
use crate::model::limits::CHANNELS_PER_TEAM_MAX;
use crate::model::{ChannelKind, Team};
use crate::objects::{channels as stored, members};
use crate::rows::id::TeamNo;
use crate::rows::lookup;
use crate::rows::tx::{Read, Tx};

/// Creates a channel; its creator becomes its admin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateChannel {
    /// Team.
    pub team: TeamNo,
    /// URL name.
    pub name: String,
    /// Display name.
    pub display_name: String,
    /// Header.
    pub header: String,
    /// Purpose.
    pub purpose: String,
    /// Who may see it.
    pub kind: ChannelKind,
}
texts!(struct CreateChannel {
    team,
    name: Text::ChannelName,
    display_name: Text::Words,
    header: Text::Words,
    purpose: Text::Words,
    kind,
});

impl Act for CreateChannel {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let creator = match by.actor {
            Actor::System => None,
            _ => Some(authority::acting_user(tx, by.actor)?),
        };
        let team = tx
            .get::<Team>(&self.team)
            .filter(|team| team.delete_at == 0);
        let allowed = creator.is_none_or(|creator| {
            authority::is_team_member(tx, self.team, creator)
                || authority::is_system_admin(tx, creator)
        });
        if team.is_none() || !allowed {
            return Err(Refusal::forbidden());
        }
        let name = self.name.to_ascii_lowercase();
        let fields = Fields {
            name: &name,
            display_name: &self.display_name,
            header: &self.header,
            purpose: &self.purpose,
        };
        fields.check(tx)?;
        if lookup::channel_name(tx, self.team, &name).is_some() {
            return Err(name_taken());
        }
        if stored::team_is_full(tx, self.team) {
            return Err(Refusal::new(
                400,
                "api.channel.create_channel.max_channel_limit.app_error",
                format!("A team holds at most {CHANNELS_PER_TEAM_MAX} channels."),
            ));
        }
        let new = NewChannel {
            team: self.team,
            name: &name,
            display_name: if self.display_name.is_empty() {
                &name
            } else {
                &self.display_name
            },
            header: &self.header,
            purpose: &self.purpose,
            kind: self.kind,
            creator,
        };
        let channel_no = insert(tx, &new);
        if let Some(creator) = creator {
            members::join_channel(tx, channel_no, creator, true);
            notice::joined_channel(tx, channel_no, creator);
        }
        Ok(Reply::Object(Object::Channel(channel_no)))
    }
}
