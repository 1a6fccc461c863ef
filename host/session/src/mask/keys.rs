//! The shapes of the members of a JSON value, by their keys. A key that is not listed, and everything
//! below it, is masked completely.

use causeway_kernel::boundary::texts::{Json, Text};
use causeway_kernel::inbound::OWN_PROPS;
use causeway_kernel::model::CUSTOM_STATUS;
use causeway_kernel::objects::components;

/// The shape of a JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A part of the protocol: the shapes of its members follow from their keys.
    Message,
    /// Anything: keys, texts and numbers are masked.
    Opaque,
    /// A number or a boolean that is kept.
    Number,
    /// Profiles by id.
    Users,
    /// User ids by the name that mentions them.
    Mentions,
    /// The priority of a post, with its level under the same key.
    Priority,
    /// A text, or a list of them.
    Text(Text),
}

impl From<Json> for Shape {
    fn from(json: Json) -> Shape {
        match json {
            Json::Message => Shape::Message,
            Json::Any => Shape::Opaque,
            Json::Mentions => Shape::Mentions,
        }
    }
}

/// The members of a message. A key that is not listed, and everything below it, is opaque.
const KEYS: &[(&str, Shape)] = {
    use Shape::{Mentions, Message, Number, Opaque, Priority, Users};
    &[
        ("id", Shape::Text(Text::Id)),
        ("remote_id", Shape::Text(Text::Id)),
        ("channel_id", Shape::Text(Text::Id)),
        ("team_id", Shape::Text(Text::Id)),
        ("user_id", Shape::Text(Text::Id)),
        ("post_id", Shape::Text(Text::Id)),
        ("root_id", Shape::Text(Text::Id)),
        ("parent_id", Shape::Text(Text::Id)),
        ("original_id", Shape::Text(Text::Id)),
        ("creator_id", Shape::Text(Text::Id)),
        ("remote_team_id", Shape::Text(Text::Id)),
        ("file_ids", Shape::Text(Text::Id)),
        ("req_file_id", Shape::Text(Text::Id)),
        ("users_syncd", Shape::Text(Text::Id)),
        ("users_undecided", Shape::Text(Text::Id)),
        ("user_errors", Shape::Text(Text::Id)),
        ("post_errors", Shape::Text(Text::Id)),
        ("reaction_errors", Shape::Text(Text::Id)),
        ("acknowledgement_errors", Shape::Text(Text::Id)),
        ("membership_errors", Shape::Text(Text::Id)),
        ("status_errors", Shape::Text(Text::Id)),
        ("active_channel", Shape::Text(Text::Id)),
        ("topic", Shape::Text(Text::Token)),
        ("status", Shape::Text(Text::Token)),
        ("type", Shape::Text(Text::Token)),
        ("emoji_name", Shape::Text(Text::Token)),
        ("locale", Shape::Text(Text::Locale)),
        ("err", Shape::Text(Text::Refusal)),
        ("name", Shape::Text(Text::ChannelName)),
        ("message", Shape::Text(Text::Words)),
        ("hashtags", Shape::Text(Text::Words)),
        ("pending_post_id", Shape::Text(Text::Words)),
        ("username", Shape::Text(Text::Words)),
        ("email", Shape::Text(Text::Words)),
        ("nickname", Shape::Text(Text::Words)),
        ("first_name", Shape::Text(Text::Words)),
        ("last_name", Shape::Text(Text::Words)),
        ("position", Shape::Text(Text::Words)),
        ("bot_description", Shape::Text(Text::Words)),
        ("roles", Shape::Text(Text::Token)),
        ("password", Shape::Text(Text::Words)),
        ("auth_service", Shape::Text(Text::Words)),
        ("display_name", Shape::Text(Text::Words)),
        ("filename", Shape::Text(Text::Words)),
        ("extension", Shape::Text(Text::Words)),
        ("mime_type", Shape::Text(Text::Words)),
        ("header", Shape::Text(Text::Words)),
        ("purpose", Shape::Text(Text::Words)),
        ("props", Opaque),
        ("timezone", Opaque),
        ("metadata", Message),
        ("files", Message),
        ("priority", Priority),
        ("PostId", Shape::Text(Text::Id)),
        ("ChannelId", Shape::Text(Text::Id)),
        ("requested_ack", Number),
        ("persistent_notifications", Number),
        ("participants", Opaque),
        ("direct_participants", Message),
        ("direct_participant_ids", Shape::Text(Text::Id)),
        ("msg", Message),
        ("payload", Message),
        ("posts", Message),
        ("reactions", Message),
        ("acknowledgements", Message),
        ("membership_changes", Message),
        ("statuses", Message),
        ("users", Users),
        ("mention_transforms", Mentions),
        ("file_size", Number),
        ("file_offset", Number),
        ("size", Number),
        ("width", Number),
        ("height", Number),
        ("has_preview_image", Number),
        ("archived", Number),
        ("create_at", Number),
        ("update_at", Number),
        ("edit_at", Number),
        ("delete_at", Number),
        ("acknowledged_at", Number),
        ("is_add", Number),
        ("change_time", Number),
        ("last_activity_at", Number),
        ("dnd_end_time", Number),
        ("manual", Number),
        ("is_pinned", Number),
        ("is_bot", Number),
        ("has_reactions", Number),
        ("reply_count", Number),
        ("last_reply_at", Number),
        ("read_only", Number),
        ("is_shared", Number),
        ("disable_welcome_email", Number),
        ("last_picture_update", Number),
        ("last_password_update", Number),
        ("sent_at", Number),
        ("recv_at", Number),
        ("users_last_update_at", Number),
        ("posts_last_update_at", Number),
        ("reactions_last_update_at", Number),
        ("acknowledgements_last_update_at", Number),
    ]
};

/// The shape of a message's member; keys match regardless of ASCII case, as with peers.
pub(super) fn of_key(key: &str) -> Option<Shape> {
    let known = |(name, _): &&(&str, Shape)| name.eq_ignore_ascii_case(key);
    KEYS.iter().find(known).map(|(_, shape)| *shape)
}

/// Whether a key is kept, and no other key may become it: those of the protocol, those by which the kernel
/// recognizes properties that are not trusted, the one under which it stores the custom status, and those under which
/// it finds the buttons of a post.
pub(super) fn is_known_key(key: &str) -> bool {
    let mut own = OWN_PROPS
        .iter()
        .chain(&[CUSTOM_STATUS])
        .chain(&components::KEYS);
    of_key(key).is_some() || own.any(|own| own.eq_ignore_ascii_case(key))
}
