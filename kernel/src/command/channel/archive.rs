//! Archiving a channel, and restoring it.

use serde::{Deserialize, Serialize};

use super::actor_user;
use crate::authority;
use crate::boundary::output::{Object, Refusal, Reply};
use crate::boundary::texts::texts;
use crate::command::notice;
use crate::command::registry::{Act, By};
use crate::command::team::DEFAULT_CHANNEL;
use crate::model::Channel;
use crate::objects::channels;
use crate::rows::id::{ChannelNo, UserNo};
use crate::rows::tx::{Read, Tx};

/// Archives a channel: it stays readable, and nothing new can be written in it here. Peers are not told, as in the
/// reference (semantics §8.4).
///
/// # Errors
/// The actor administers neither the channel nor its team; the channel is outside teams, the default channel, or
/// archived already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveChannel {
    /// The channel.
    pub channel: ChannelNo,
}
texts!(struct ArchiveChannel { channel });

/// Restores an archived channel.
///
/// # Errors
/// The actor does not administer its team; the channel is not archived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreChannel {
    /// The channel.
    pub channel: ChannelNo,
}
texts!(struct RestoreChannel { channel });

impl Act for ArchiveChannel {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let no = self.channel;
        let by = actor_user(tx, by.actor)?;
        let channel = tx.get::<Channel>(&no).ok_or_else(Refusal::forbidden)?;
        if channel.place.team().is_none() {
            return Err(refused(
                "api.channel.delete_channel.type.invalid",
                "A direct or group channel cannot be archived.",
            ));
        }
        if by.is_some_and(|user| !authority::is_channel_admin(tx, no, user)) {
            return Err(Refusal::forbidden());
        }
        if channel.name == DEFAULT_CHANNEL {
            return Err(refused(
                "api.channel.delete_channel.cannot.app_error",
                "The default channel of a team cannot be archived.",
            ));
        }
        if channel.delete_at != 0 {
            return Err(refused(
                "api.channel.delete_channel.deleted.app_error",
                "The channel is archived already.",
            ));
        }
        let author = author(&channel, by);
        if let Some(author) = author {
            notice::archived_channel(tx, no, author);
        }
        channels::archive(tx, no);
        Ok(Reply::Object(Object::Channel(no)))
    }
}

impl Act for RestoreChannel {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let no = self.channel;
        let by = actor_user(tx, by.actor)?;
        let channel = tx.get::<Channel>(&no).ok_or_else(Refusal::forbidden)?;
        let team = channel.place.team().ok_or_else(Refusal::forbidden)?;
        if by.is_some_and(|user| !authority::is_team_admin(tx, team, user)) {
            return Err(Refusal::forbidden());
        }
        if channel.delete_at == 0 {
            return Err(refused(
                "api.channel.restore_channel.restored.app_error",
                "The channel is not archived.",
            ));
        }
        channels::restore(tx, no);
        if let Some(author) = author(&channel, by) {
            notice::restored_channel(tx, no, author);
        }
        Ok(Reply::Object(Object::Channel(no)))
    }
}

/// The author of the message about it: whoever does it, or for the operator whoever created the channel.
fn author(channel: &Channel, by: Option<UserNo>) -> Option<UserNo> {
    by.or(channel.creator)
}

fn refused(id: &'static str, message: &str) -> Refusal {
    Refusal::new(400, id, message)
}
