//! Making a public channel private, and the reverse.

use serde::{Deserialize, Serialize};

use super::actor_user;
use crate::authority;
use crate::boundary::output::{Effect, Event, Object, Refusal, Reply};
use crate::boundary::texts::texts;
use crate::command::notice;
use crate::command::registry::{Act, By};
use crate::command::team::DEFAULT_CHANNEL;
use crate::model::{Channel, ChannelKind, Place};
use crate::objects::channels;
use crate::rows::id::ChannelNo;
use crate::rows::tx::{Read, Tx};

/// Makes a channel of a team public or private. Its members stay as they are. Peers are not told: who may see a
/// channel is each side's own.
///
/// # Errors
/// The actor does not administer the team; the channel is outside teams, archived, or the default channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConvertChannel {
    /// The channel.
    pub channel: ChannelNo,
    /// Who is to see it.
    pub kind: ChannelKind,
}
texts!(struct ConvertChannel { channel, kind });

impl Act for ConvertChannel {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let ConvertChannel { channel: no, kind } = *self;
        let by = actor_user(tx, by.actor)?;
        let channel = tx.get::<Channel>(&no).ok_or_else(Refusal::forbidden)?;
        let team = channel.place.team().ok_or_else(Refusal::forbidden)?;
        if by.is_some_and(|user| !authority::is_team_admin(tx, team, user)) {
            return Err(Refusal::forbidden());
        }
        if channel.delete_at != 0 {
            return Err(Refusal::new(
                400,
                "api.channel.update_channel_privacy.archived.app_error",
                "This channel is archived; restore it before you change it.",
            ));
        }
        if channel.name == DEFAULT_CHANNEL && kind == ChannelKind::Private {
            return Err(Refusal::new(
                400,
                "api.channel.update_channel_privacy.default_channel_error",
                "The default channel of a team cannot be private.",
            ));
        }
        let place = Place::Team { team, kind };
        if place != channel.place {
            channels::change(tx, no, |row| row.place = place);
            tx.effect(Effect::Event(Event::ChannelConverted(no)));
            tx.effect(Effect::Event(Event::ChannelUpdated(no)));
            if let Some(author) = by.or(channel.creator) {
                notice::converted_channel(tx, no, author, kind);
            }
        }
        Ok(Reply::Object(Object::Channel(no)))
    }
}
