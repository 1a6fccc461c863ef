//! How users want to be notified: personal values that overlay the defaults. Client API §5.

use std::collections::BTreeMap;

use causeway_kernel::model::{PersonalKind, PersonalValue};
use causeway_kernel::rows::id::{ChannelNo, UserNo};
use causeway_kernel::rows::tx::Read;

/// Settings by name.
pub type NotifyProps = BTreeMap<String, String>;

/// The name of the personal value with an account's settings.
pub const ACCOUNT: &str = "notify_props";

/// Settings of an account and their defaults.
const OF_ACCOUNT: [(&str, &str); 18] = [
    ("auto_responder_active", "false"),
    ("auto_responder_message", ""),
    ("calls_desktop_sound", "true"),
    ("calls_notification_sound", "Dynamic"),
    ("channel", "true"),
    ("comments", "never"),
    ("desktop", "mention"),
    ("desktop_notification_sound", "Bing"),
    ("desktop_sound", "true"),
    ("desktop_threads", "all"),
    ("email", "true"),
    ("email_threads", "all"),
    ("first_name", "false"),
    ("highlight_keys", ""),
    ("mention_keys", ""),
    ("push", "mention"),
    ("push_status", "online"),
    ("push_threads", "all"),
];

/// Settings of an account that are shown only once they are set.
const SHOWN_IF_SET: [&str; 6] = [
    "auto_responder_active",
    "auto_responder_message",
    "calls_desktop_sound",
    "calls_notification_sound",
    "desktop_notification_sound",
    "highlight_keys",
];

/// Settings of a membership of a channel and their defaults.
const OF_CHANNEL: [(&str, &str); 9] = [
    ("channel_auto_follow_threads", "off"),
    ("desktop", "default"),
    ("desktop_notification_sound", "default"),
    ("desktop_sound", "default"),
    ("desktop_threads", "default"),
    ("email", "default"),
    ("ignore_channel_mentions", "default"),
    ("mark_unread", "all"),
    ("push", "default"),
];

/// Settings of a membership that are shown only once they are set.
const OF_CHANNEL_IF_SET: [&str; 3] = [
    "desktop_notification_sound",
    "desktop_sound",
    "desktop_threads",
];

/// The settings of an account.
pub fn of_account(rows: &(impl Read + ?Sized), user: UserNo) -> NotifyProps {
    let stored = stored(rows, user, PersonalKind::Account, ACCOUNT);
    over(&OF_ACCOUNT, &SHOWN_IF_SET, stored)
}

/// The settings of a user's membership of a channel.
pub fn of_channel(rows: &(impl Read + ?Sized), user: UserNo, channel_id: &str) -> NotifyProps {
    let stored = stored(rows, user, PersonalKind::ChannelNotifications, channel_id);
    over(&OF_CHANNEL, &OF_CHANNEL_IF_SET, stored)
}

/// The defaults of a membership: what everybody but the member sees.
#[must_use]
pub fn channel_defaults() -> NotifyProps {
    over(&OF_CHANNEL, &OF_CHANNEL_IF_SET, NotifyProps::new())
}

/// The value to store for an account after a change; settings that do not exist are left out.
pub fn changed_of_account(
    rows: &(impl Read + ?Sized),
    user: UserNo,
    change: NotifyProps,
) -> String {
    let mut stored = stored(rows, user, PersonalKind::Account, ACCOUNT);
    stored.extend(change);
    value(&OF_ACCOUNT, stored)
}

/// The value to store for a membership after a change; settings that do not exist are left out.
pub fn changed_of_channel(
    rows: &(impl Read + ?Sized),
    user: UserNo,
    channel_id: &str,
    change: NotifyProps,
) -> String {
    let mut stored = stored(rows, user, PersonalKind::ChannelNotifications, channel_id);
    stored.extend(change);
    value(&OF_CHANNEL, stored)
}

/// Whether a user does not want to be told of mentions of everybody in a channel.
pub fn ignores_everybody(rows: &(impl Read + ?Sized), user: UserNo, channel: ChannelNo) -> bool {
    let Some(row) = rows.channel(channel).filter(|it| it.place.team().is_some()) else {
        return false;
    };
    let of_channel = stored(
        rows,
        user,
        PersonalKind::ChannelNotifications,
        row.id.as_str(),
    );
    match of_channel
        .get("ignore_channel_mentions")
        .map(String::as_str)
    {
        Some("on") => true,
        Some("off") => false,
        _ => {
            let of_account = stored(rows, user, PersonalKind::Account, ACCOUNT);
            of_account.get("channel").is_some_and(|it| it == "false")
        }
    }
}

fn stored(
    rows: &(impl Read + ?Sized),
    user: UserNo,
    kind: PersonalKind,
    name: &str,
) -> NotifyProps {
    let row = rows.get::<PersonalValue>(&(user, kind.number(), name.to_string()));
    // The text of a masked workspace is not JSON.
    row.and_then(|row| serde_json::from_str(&row.value).ok())
        .unwrap_or_default()
}

fn over(defaults: &[(&str, &str)], only_if_set: &[&str], stored: NotifyProps) -> NotifyProps {
    let defaults = defaults
        .iter()
        .filter(|(name, _)| !only_if_set.contains(name));
    let owned = |(name, value): &(&str, &str)| (name.to_string(), value.to_string());
    let mut props: NotifyProps = defaults.map(owned).collect();
    props.extend(stored);
    props
}

fn value(known: &[(&str, &str)], mut props: NotifyProps) -> String {
    props.retain(|name, _| known.iter().any(|(known, _)| known == name));
    serde_json::to_string(&props).unwrap_or_default()
}
