//! The system messages that acts leave in a channel, with the texts and properties of the reference's 11.6
//! line.

use crate::boundary::env::Rows;
use crate::model::ChannelKind;
use crate::objects::posts;
use crate::rows::id::{ChannelNo, UserNo};
use crate::rows::tx::Tx;
use crate::wire::write::JsonWriter;

/// A user joined the default channel of a team.
pub(super) fn joined_team(tx: &mut Tx<'_>, channel: ChannelNo, user: UserNo) {
    let name = username(tx, user);
    let props = props(|w| w.text_field("username", &name));
    let text = format!("{name} joined the team.");
    posts::insert_system(tx, channel, user, "system_join_team", text, props);
}

/// A user was added to the default channel of a team by another user.
pub(super) fn added_to_team(tx: &mut Tx<'_>, channel: ChannelNo, user: UserNo, by: UserNo) {
    let text = |name: &str, by: &str| format!("{name} added to the team by {by}.");
    added(tx, channel, (user, by), "system_add_to_team", text);
}

/// A user joined a channel.
pub(super) fn joined_channel(tx: &mut Tx<'_>, channel: ChannelNo, user: UserNo) {
    let name = username(tx, user);
    let props = props(|w| w.text_field("username", &name));
    let text = format!("{name} joined the channel.");
    posts::insert_system(tx, channel, user, "system_join_channel", text, props);
}

/// A user was added to a channel by another user.
pub(super) fn added_to_channel(tx: &mut Tx<'_>, channel: ChannelNo, user: UserNo, by: UserNo) {
    let text = |name: &str, by: &str| format!("{name} added to the channel by {by}.");
    added(tx, channel, (user, by), "system_add_to_channel", text);
}

fn added(
    tx: &mut Tx<'_>,
    channel: ChannelNo,
    (user, by): (UserNo, UserNo),
    kind: &str,
    text: impl Fn(&str, &str) -> String,
) {
    let (name, by_name) = (username(tx, user), username(tx, by));
    let (id, by_id) = (user_id(tx, user), user_id(tx, by));
    let props = props(|w| {
        w.text_field("addedUserId", &id);
        w.text_field("addedUsername", &name);
        w.text_field("userId", &by_id);
        w.text_field("username", &by_name);
    });
    posts::insert_system(tx, channel, by, kind, text(&name, &by_name), props);
}

/// A user left a channel.
pub(super) fn left_channel(tx: &mut Tx<'_>, channel: ChannelNo, user: UserNo) {
    let name = username(tx, user);
    let props = props(|w| {
        // The name is written with `@`, but this must not mention anybody.
        w.boolean_field("disable_group_highlight", true);
        w.text_field("username", &name);
    });
    let text = format!("@{name} left the channel.");
    posts::insert_system(tx, channel, user, "system_leave_channel", text, props);
}

/// A user was removed from a channel; `by` is the author of the message: the user themself if the operator
/// did it.
pub(super) fn removed_from_channel(tx: &mut Tx<'_>, channel: ChannelNo, user: UserNo, by: UserNo) {
    let name = username(tx, user);
    let id = user_id(tx, user);
    let props = props(|w| {
        w.text_field("removedUserId", &id);
        w.text_field("removedUsername", &name);
    });
    let text = format!("@{name} removed from the channel.");
    posts::insert_system(tx, channel, by, "system_remove_from_channel", text, props);
}

/// A channel was archived.
pub(super) fn archived_channel(tx: &mut Tx<'_>, channel: ChannelNo, by: UserNo) {
    about(tx, channel, by, "system_channel_deleted", "archived");
}

/// An archived channel was restored.
pub(super) fn restored_channel(tx: &mut Tx<'_>, channel: ChannelNo, by: UserNo) {
    about(tx, channel, by, "system_channel_restored", "unarchived");
}

/// What was changed of a channel.
#[derive(Clone, Copy)]
pub(super) enum Changed {
    DisplayName,
    Header,
    Purpose,
}

impl Changed {
    /// Type of the message, names of its properties for the new and the old value, and what its text calls it.
    fn names(self) -> [&'static str; 4] {
        match self {
            Changed::DisplayName => [
                "system_displayname_change",
                "new_displayname",
                "old_displayname",
                "display name",
            ],
            Changed::Header => ["system_header_change", "new_header", "old_header", "header"],
            Changed::Purpose => [
                "system_purpose_change",
                "new_purpose",
                "old_purpose",
                "purpose",
            ],
        }
    }
}

/// A name or description of a channel was changed.
pub(super) fn changed_channel(
    tx: &mut Tx<'_>,
    channel: ChannelNo,
    by: UserNo,
    what: Changed,
    (before, now): (&str, &str),
) {
    let [kind, new_key, old_key, words] = what.names();
    let name = username(tx, by);
    let props = props(|w| {
        w.text_field(new_key, now);
        w.text_field(old_key, before);
        w.text_field("username", &name);
    });
    let text = match (before, now) {
        (_, "") => format!("{name} removed the channel {words} (was: {before})."),
        ("", _) => format!("{name} set the channel {words} to: {now}"),
        _ => format!("{name} changed the channel {words} from: {before} to: {now}"),
    };
    posts::insert_system(tx, channel, by, kind, text, props);
}

/// A channel was made public or private.
pub(super) fn converted_channel(
    tx: &mut Tx<'_>,
    channel: ChannelNo,
    by: UserNo,
    kind: ChannelKind,
) {
    let name = username(tx, by);
    let props = props(|w| w.text_field("username", &name));
    let text = match kind {
        ChannelKind::Public => {
            format!("{name} made this channel public: everybody in the team can join it.")
        }
        ChannelKind::Private => {
            format!("{name} made this channel private: others can only be added by its members.")
        }
    };
    posts::insert_system(tx, channel, by, "system_change_chan_privacy", text, props);
}

fn about(tx: &mut Tx<'_>, channel: ChannelNo, by: UserNo, kind: &str, did: &str) {
    let name = username(tx, by);
    let props = props(|w| w.text_field("username", &name));
    let text = format!("{name} {did} the channel.");
    posts::insert_system(tx, channel, by, kind, text, props);
}

fn username(tx: &Tx<'_>, user: UserNo) -> String {
    tx.user(user)
        .map_or_else(String::new, |user| user.username.clone())
}

fn user_id(tx: &Tx<'_>, user: UserNo) -> String {
    tx.user(user)
        .map_or_else(String::new, |user| user.id.to_string())
}

fn props(write: impl FnOnce(&mut JsonWriter)) -> String {
    let mut writer = JsonWriter::new();
    writer.begin_object();
    write(&mut writer);
    writer.end_object();
    String::from_utf8(writer.finish()).unwrap_or_default()
}
