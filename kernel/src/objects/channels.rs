//! Storage of channels. Callers have already checked permissions.

use crate::boundary::output::{Effect, Event};
use crate::model::limits::CHANNELS_PER_TEAM_MAX;
use crate::model::{Channel, NameRow, kind};
use crate::objects::posts;
use crate::rows::id::{ChannelNo, TeamNo};
use crate::rows::lookup;
use crate::rows::tx::{Read, Tx};

/// Whether a team has reached its limit of channels, including archived ones.
pub fn team_is_full(tx: &Tx<'_>, team: TeamNo) -> bool {
    let names = (kind::CHANNEL_NAME, lookup::team_channel_name_key(team, ""));
    tx.prefix::<NameRow, _>(&names, CHANNELS_PER_TEAM_MAX).len() >= CHANNELS_PER_TEAM_MAX as usize
}

/// Stores a new channel under its id and its name, which the caller has checked to be free, and notifies
/// everybody who may see it.
pub fn insert(tx: &mut Tx<'_>, channel: &Channel) -> ChannelNo {
    let no = store(tx, channel);
    tx.effect(Effect::Event(Event::ChannelCreated(no)));
    no
}

/// [`insert`] without an event, for a channel that is announced once it has its members.
pub fn store(tx: &mut Tx<'_>, channel: &Channel) -> ChannelNo {
    let no = tx.next_channel();
    tx.bind_id(kind::CHANNEL, channel.id, no.0);
    tx.bind_name(
        kind::CHANNEL_NAME,
        &lookup::channel_name_key(channel.place, &channel.name),
        no.0,
    );
    tx.put(&no, channel);
    no
}

/// Archives a channel, and notifies everybody who may see it.
pub fn archive(tx: &mut Tx<'_>, no: ChannelNo) {
    let now_ms = tx.now_ms();
    set_archived(tx, no, now_ms);
    tx.effect(Effect::Event(Event::ChannelDeleted(no)));
}

/// Restores an archived channel, and notifies everybody who may see it.
pub fn restore(tx: &mut Tx<'_>, no: ChannelNo) {
    set_archived(tx, no, 0);
    tx.effect(Effect::Event(Event::ChannelRestored(no)));
}

fn set_archived(tx: &mut Tx<'_>, no: ChannelNo, delete_at: i64) {
    change(tx, no, |channel| channel.delete_at = delete_at);
}

/// Binds a channel to another URL name, which the caller has checked to be free; its row is changed by the caller.
pub fn rename(tx: &mut Tx<'_>, no: ChannelNo, old: &Channel, name: &str) {
    tx.unbind_name(
        kind::CHANNEL_NAME,
        &lookup::channel_name_key(old.place, &old.name),
    );
    tx.bind_name(
        kind::CHANNEL_NAME,
        &lookup::channel_name_key(old.place, name),
        no.0,
    );
}

/// Changes a channel's row and stamps it.
pub fn change(tx: &mut Tx<'_>, no: ChannelNo, change: impl FnOnce(&mut Channel)) {
    posts::stamp(tx, no, |channel, stamp| {
        channel.update_at = stamp;
        change(channel);
    });
}
