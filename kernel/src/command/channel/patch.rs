//! Changing a channel's names and descriptions.

use serde::{Deserialize, Serialize};

use super::actor_user;
use super::fields::{Fields, name_taken};
use crate::authority;
use crate::boundary::output::{Effect, Event, Object, Refusal, Reply};
use crate::boundary::texts::{Text, texts};
use crate::command::notice::{self, Changed};
use crate::command::registry::{Act, By};
use crate::command::team::DEFAULT_CHANNEL;
use crate::model::Channel;
use crate::objects::channels;
use crate::rows::id::{ChannelNo, UserNo};
use crate::rows::lookup;
use crate::rows::tx::{Read, Tx};

/// Changes a channel's names and descriptions in this workspace: peers keep theirs, as in the reference. In a direct
/// or group channel only the header can be changed.
///
/// # Errors
/// The actor may not change the channel, or it is archived; a field is malformed, too long or cannot be changed here;
/// another channel has the name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatchChannel {
    /// The channel.
    pub channel: ChannelNo,
    /// The changes.
    pub patch: ChannelPatch,
}
texts!(struct PatchChannel { channel, patch });

/// Changes of a channel; fields that are `None` are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelPatch {
    /// URL name.
    pub name: Option<String>,
    /// Display name.
    pub display_name: Option<String>,
    /// Header.
    pub header: Option<String>,
    /// Purpose.
    pub purpose: Option<String>,
}
texts!(
    struct ChannelPatch {
        name: Text::ChannelName,
        display_name: Text::Words,
        header: Text::Words,
        purpose: Text::Words,
    }
);

impl Act for PatchChannel {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let no = self.channel;
        let by = actor_user(tx, by.actor)?;
        let old = tx.get::<Channel>(&no).ok_or_else(Refusal::forbidden)?;
        if by.is_some_and(|user| !authority::may_change_channel(tx, no, &old, user)) {
            return Err(Refusal::forbidden());
        }
        if old.delete_at != 0 {
            return Err(refused(
                "api.channel.update_channel.deleted.app_error",
                "This channel is archived; restore it before you change it.",
            ));
        }
        let new = self.patch.applied_to(&old);
        if new == old {
            return Ok(Reply::Object(Object::Channel(no)));
        }
        check(tx, &old, &new)?;
        if new.name != old.name {
            channels::rename(tx, no, &old, &new.name);
        }
        channels::change(tx, no, |row| {
            row.name.clone_from(&new.name);
            row.display_name.clone_from(&new.display_name);
            row.header.clone_from(&new.header);
            row.purpose.clone_from(&new.purpose);
        });
        tx.effect(Effect::Event(Event::ChannelUpdated(no)));
        if let Some(author) = by.or(old.creator) {
            announce(tx, no, author, &old, &new);
        }
        Ok(Reply::Object(Object::Channel(no)))
    }
}

impl ChannelPatch {
    fn applied_to(&self, old: &Channel) -> Channel {
        let set = |value: &Option<String>, old: &str| value.clone().unwrap_or(old.to_string());
        Channel {
            name: set(&self.name, &old.name).to_ascii_lowercase(),
            display_name: set(&self.display_name, &old.display_name),
            header: set(&self.header, &old.header),
            purpose: set(&self.purpose, &old.purpose),
            ..old.clone()
        }
    }
}

fn check(tx: &Tx<'_>, old: &Channel, new: &Channel) -> Result<(), Refusal> {
    let fields = Fields {
        name: &new.name,
        display_name: &new.display_name,
        header: &new.header,
        purpose: &new.purpose,
    };
    let Some(team) = old.place.team() else {
        let named = |channel: &Channel| {
            let Channel {
                name,
                display_name,
                purpose,
                ..
            } = channel.clone();
            (name, display_name, purpose)
        };
        if named(old) != named(new) {
            return Err(refused(
                "api.channel.patch_update_channel.forbidden.app_error",
                "Only the header of a direct or group channel can be changed.",
            ));
        }
        return fields.check_texts();
    };
    if new.name == old.name {
        return fields.check_texts();
    }
    if old.name == DEFAULT_CHANNEL {
        return Err(refused(
            "api.channel.update_channel.tried.app_error",
            "The URL name of a team's default channel cannot be changed.",
        ));
    }
    fields.check(tx)?;
    if lookup::channel_name(tx, team, &new.name).is_some() {
        return Err(name_taken());
    }
    Ok(())
}

fn announce(tx: &mut Tx<'_>, no: ChannelNo, author: UserNo, old: &Channel, new: &Channel) {
    for (what, before, now) in [
        (Changed::DisplayName, &old.display_name, &new.display_name),
        (Changed::Header, &old.header, &new.header),
        (Changed::Purpose, &old.purpose, &new.purpose),
    ] {
        if before != now {
            notice::changed_channel(tx, no, author, what, (before, now));
        }
    }
}

fn refused(id: &'static str, message: &str) -> Refusal {
    Refusal::new(400, id, message)
}
