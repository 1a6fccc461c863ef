//! Effects, summarized.

use std::collections::BTreeMap;

use causeway_kernel::boundary::output::{Effect, Event};
use causeway_kernel::model::PersonalKind;

use super::frame;
use crate::look::names::{Names, count, plain};
use crate::look::walk::Seen;

/// What the service did once the step was durable.
pub(super) fn in_short(seen: &Seen<'_>) -> Vec<String> {
    let names = Names(seen.rows);
    let mut events: BTreeMap<&'static str, usize> = BTreeMap::new();
    let mut out = Vec::new();
    for effect in seen.effects() {
        match effect {
            Effect::Event(event) => *events.entry(event_name(&event)).or_default() += 1,
            Effect::Send {
                connection,
                attempt,
                frame: body,
            } => out.push(format!(
                "sends {} to {}: {} ({}, attempt {attempt})",
                frame::topic(&body),
                names.connection(connection),
                frame::content(names, &body),
                count(body.len(), "byte")
            )),
            Effect::SendFile(file) => {
                let bytes = count(usize::try_from(file.size).unwrap_or(usize::MAX), "byte");
                out.push(format!(
                    "sends the bytes of a file to {}: {} of {bytes}, from byte {} on (attempt {})",
                    names.connection(file.connection),
                    plain(file.digest.get(..16).unwrap_or(&file.digest)),
                    file.offset,
                    file.attempt,
                ));
            }
            Effect::SendPicture(picture) => out.push(format!(
                "sends the picture of {} to {}: {} (attempt {})",
                names.user_of(picture.user.as_str()),
                names.connection(picture.connection),
                plain(picture.digest.get(..16).unwrap_or(&picture.digest)),
                picture.attempt,
            )),
            Effect::Wake { at_ms } => {
                let pause_ms = at_ms.saturating_sub(seen.step.time_ms).max(0);
                out.push(format!("wakes in {pause_ms} ms"));
            }
            Effect::Connection(no) => {
                out.push(format!("rechecks the connection {}", names.connection(no)));
            }
            // Shown with the refusals.
            Effect::Refused { .. } => {}
        }
    }
    if !events.is_empty() {
        let told = events
            .iter()
            .map(|(name, number)| format!("{number} {name}"));
        let told: Vec<String> = told.collect();
        out.insert(0, format!("notifies clients: {}", told.join(", ")));
    }
    out
}

fn event_name(event: &Event) -> &'static str {
    match event {
        Event::Posted(..) => "posted",
        Event::PostEdited(..) => "post_edited",
        Event::PostDeleted(..) => "post_deleted",
        Event::ReactionAdded(..) => "reaction_added",
        Event::ReactionRemoved(..) => "reaction_removed",
        Event::UserAdded(..) => "user_added",
        Event::UserRemoved(..) => "user_removed",
        Event::ChannelCreated(..) => "channel_created",
        Event::ChannelUpdated(..) => "channel_updated",
        Event::ChannelDeleted(..) => "channel_deleted",
        Event::AddedToTeam(..) => "added_to_team",
        Event::NewUser(..) => "new_user",
        Event::UserUpdated(..) => "user_updated",
        Event::Ephemeral(..) => "ephemeral_message",
        Event::PersonalSet(_, kind, _) => personal_set(*kind),
        Event::PersonalDeleted(_, kind, _) => personal_deleted(*kind),
        Event::AcknowledgementAdded(..) => "post_acknowledgement_added",
        Event::AcknowledgementRemoved(..) => "post_acknowledgement_removed",
        Event::StatusChanged(..) => "status_change",
        Event::DirectAdded(..) => "direct_added",
        Event::GroupAdded(..) => "group_added",
        Event::ChannelRestored(..) => "channel_restored",
        Event::UserRoleUpdated(..) => "user_role_updated",
        Event::TeamMemberRoleUpdated(..) => "memberrole_updated",
        Event::RoleUpdated(..) => "role_updated",
        Event::ChannelConverted(..) => "channel_converted",
        Event::ChannelMemberUpdated(..) => "channel_member_updated",
        Event::TeamUpdated(..) => "update_team",
        Event::TeamDeleted(..) => "delete_team",
        Event::TeamRestored(..) => "restore_team",
        Event::LeftTeam(..) => "leave_team",
        Event::EmojiAdded(..) => "emoji_added",
    }
}

fn personal_set(kind: PersonalKind) -> &'static str {
    match kind {
        PersonalKind::Preference => "preferences_changed",
        PersonalKind::SidebarCategory => "sidebar_category_updated",
        PersonalKind::Draft => "draft_updated",
        PersonalKind::ChannelNotifications => "channel_member_updated",
        PersonalKind::Account => "user_updated",
    }
}

fn personal_deleted(kind: PersonalKind) -> &'static str {
    match kind {
        PersonalKind::Preference => "preferences_deleted",
        PersonalKind::SidebarCategory => "sidebar_category_deleted",
        PersonalKind::Draft => "draft_deleted",
        PersonalKind::ChannelNotifications => "channel_member_updated",
        PersonalKind::Account => "user_updated",
    }
}
