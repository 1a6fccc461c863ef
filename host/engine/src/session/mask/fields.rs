//! What is not masked as a plain text. Every list here is of exceptions; what no list names is
//! masked whole.

use causeway_kernel::inbound::OWN_PROPS;

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Somebody's words or name: masked.
    Plain,
    /// Of the kernel's or the host's own making: stays.
    Keep,
    /// Stays if it is an id.
    Id,
    /// An emoji's name or a type: stays if it has that form.
    Word,
    /// Stays if it is a locale.
    Locale,
    /// A user's e-mail address here.
    Address,
    /// A team's URL name.
    TeamName,
    /// A channel's URL name.
    ChannelName,
    /// A peer's words of refusal.
    Refusal,
}

/// What a JSON value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A part of the protocol: what its members are follows from their keys.
    Message,
    /// Anything: keys, texts and numbers are masked.
    Opaque,
    /// A number or a truth value that stays.
    Number,
    /// Profiles by their ids.
    Users,
    /// Ids of users by what mentions them.
    Mentions,
    /// A text, or a list of them.
    Text(Kind),
}

/// What a field of a record, an input or a command is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// A text; bytes are taken for a message.
    Text(Kind),
    /// JSON, as text or as bytes.
    Json(Shape),
}

/// What a field is, by the type or the variant that it stands in. `Id` says of itself what it is.
pub(super) fn of_field(container: &str, field: &str) -> Field {
    match (container, field) {
        ("User" | "Post" | "CreatePost" | "EditPost", "props") | ("User", "timezone") => {
            Field::Json(Shape::Opaque)
        }
        ("Held", "mention_transforms") => Field::Json(Shape::Mentions),
        ("User" | "CreateUser" | "UserPatch", "locale") => Field::Text(Kind::Locale),
        ("User", "roles")
        | ("KernelChanged", "digest")
        // The rest of a reaction's name: number of the user and emoji.
        | ("AskAgain", "position") => Field::Text(Kind::Keep),
        ("Post" | "CreatePost", "kind")
        | ("AddReaction" | "RemoveReaction", "emoji")
        | ("FeedObject" | "RoundItem", "Reaction") => Field::Text(Kind::Word),
        ("RemoteUser", "original_remote_id")
        | ("Connection" | "CreateConnection" | "PatchConnection", "default_team_id")
        | ("Connection" | "AcceptConnection" | "ConfirmConnection", "remote_team_id") => {
            Field::Text(Kind::Id)
        }
        ("User" | "CreateUser", "email") => Field::Text(Kind::Address),
        ("Team" | "CreateTeam", "name") => Field::Text(Kind::TeamName),
        ("Channel" | "CreateChannel", "name") => Field::Text(Kind::ChannelName),
        _ => Field::Text(Kind::Plain),
    }
}

/// What the members of a message are. A key that is not here, and all under it, is opaque.
const KEYS: &[(&str, Shape)] = {
    use Shape::{Mentions, Message, Number, Opaque, Text, Users};
    &[
        ("id", Text(Kind::Id)),
        ("remote_id", Text(Kind::Id)),
        ("channel_id", Text(Kind::Id)),
        ("team_id", Text(Kind::Id)),
        ("user_id", Text(Kind::Id)),
        ("post_id", Text(Kind::Id)),
        ("root_id", Text(Kind::Id)),
        ("parent_id", Text(Kind::Id)),
        ("original_id", Text(Kind::Id)),
        ("creator_id", Text(Kind::Id)),
        ("remote_team_id", Text(Kind::Id)),
        ("file_ids", Text(Kind::Id)),
        ("users_syncd", Text(Kind::Id)),
        ("user_errors", Text(Kind::Id)),
        ("post_errors", Text(Kind::Id)),
        ("reaction_errors", Text(Kind::Id)),
        ("topic", Text(Kind::Word)),
        ("status", Text(Kind::Word)),
        ("type", Text(Kind::Word)),
        ("emoji_name", Text(Kind::Word)),
        ("locale", Text(Kind::Locale)),
        ("err", Text(Kind::Refusal)),
        ("name", Text(Kind::ChannelName)),
        ("message", Text(Kind::Plain)),
        ("hashtags", Text(Kind::Plain)),
        ("pending_post_id", Text(Kind::Plain)),
        ("username", Text(Kind::Plain)),
        ("email", Text(Kind::Plain)),
        ("nickname", Text(Kind::Plain)),
        ("first_name", Text(Kind::Plain)),
        ("last_name", Text(Kind::Plain)),
        ("position", Text(Kind::Plain)),
        ("roles", Text(Kind::Plain)),
        ("password", Text(Kind::Plain)),
        ("auth_service", Text(Kind::Plain)),
        ("display_name", Text(Kind::Plain)),
        ("header", Text(Kind::Plain)),
        ("purpose", Text(Kind::Plain)),
        ("props", Opaque),
        ("timezone", Opaque),
        ("metadata", Opaque),
        ("participants", Opaque),
        ("direct_participants", Opaque),
        ("direct_participant_ids", Text(Kind::Id)),
        ("statuses", Opaque),
        ("acknowledgements", Opaque),
        ("membership_changes", Opaque),
        ("status_errors", Opaque),
        ("acknowledgement_errors", Opaque),
        ("msg", Message),
        ("payload", Message),
        ("posts", Message),
        ("reactions", Message),
        ("users", Users),
        ("mention_transforms", Mentions),
        ("create_at", Number),
        ("update_at", Number),
        ("edit_at", Number),
        ("delete_at", Number),
        ("is_pinned", Number),
        ("has_reactions", Number),
        ("reply_count", Number),
        ("last_reply_at", Number),
        ("read_only", Number),
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

/// What a message's member of a key is; keys match without ASCII case, as peers' do.
pub(super) fn of_key(key: &str) -> Option<Shape> {
    let known = |(name, _): &&(&str, Shape)| name.eq_ignore_ascii_case(key);
    KEYS.iter().find(known).map(|(_, shape)| *shape)
}

/// Whether a key stays and no other key becomes it: the protocol's, and those by which the kernel
/// tells properties that are not believed.
pub(super) fn is_known_key(key: &str) -> bool {
    of_key(key).is_some() || OWN_PROPS.iter().any(|own| own.eq_ignore_ascii_case(key))
}
