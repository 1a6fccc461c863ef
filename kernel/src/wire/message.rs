//! The contents of sync messages: profiles, posts and what belongs to them, and channel invitations.
//! Semantics §3.

mod file;
mod invite;
mod parts;
mod priority;
mod sharing_state;
mod status;

pub use file::{UploadSession, WireFile, is_stored};
pub use invite::ChannelInvite;
pub use parts::{WireAcknowledgement, WireMembership, WireReaction};
pub use sharing_state::SharingState;
pub use status::WireStatus;

use std::collections::BTreeSet;

use super::Generation;
use super::json::{Document, JsonError, Value};
use super::write::JsonWriter;
use crate::model::Priority;
use crate::rows::id::Id;

/// A profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WireUser {
    /// Id.
    pub id: String,
    /// When the account was created, in ms.
    pub create_at: i64,
    /// Last change, in ms.
    pub update_at: i64,
    /// When it was deactivated, in ms; 0 = active.
    pub delete_at: i64,
    /// User name.
    pub username: String,
    /// E-mail address.
    pub email: String,
    /// Nickname.
    pub nickname: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Position.
    pub position: String,
    /// Properties, JSON text; empty = none.
    pub props: String,
    /// Locale.
    pub locale: String,
    /// Time zone, JSON text; empty = default.
    pub timezone: String,
    /// The sender's connection id of the user's home, if the profile is forwarded.
    pub remote_id: String,
    /// Whether it is a program's. Servers of Mattermost say so only when they offer all their users.
    pub is_bot: bool,
    /// What the program does.
    pub bot_description: String,
    /// Whether the user is a guest there.
    pub is_guest: bool,
}

/// The roles of a guest.
pub const GUEST: &str = "system_guest";

/// The time zone of an account without a setting.
pub const DEFAULT_TIMEZONE: &str =
    r#"{"automaticTimezone":"","manualTimezone":"","useAutomaticTimezone":"true"}"#;

/// Bytes around a profile and its key: quotes, colon and comma.
const ENTRY_BYTES: usize = 4;

impl WireUser {
    /// Parses a profile.
    pub fn decode(value: Value<'_>) -> Result<WireUser, JsonError> {
        let scalars = [
            "id",
            "create_at",
            "update_at",
            "delete_at",
            "username",
            "email",
            "nickname",
            "first_name",
            "last_name",
            "position",
            "locale",
            "remote_id",
            "is_bot",
            "bot_description",
            "roles",
        ];
        let (scalars, [props, timezone]) = value.as_object()?.find(scalars, ["props", "timezone"]);
        let [
            id,
            create_at,
            update_at,
            delete_at,
            username,
            email,
            nickname,
            first_name,
            last_name,
            position,
            locale,
            remote_id,
            is_bot,
            bot_description,
            roles,
        ] = scalars;
        Ok(WireUser {
            id: text(id)?,
            create_at: integer(create_at)?,
            update_at: integer(update_at)?,
            delete_at: integer(delete_at)?,
            username: text(username)?,
            email: text(email)?,
            nickname: text(nickname)?,
            first_name: text(first_name)?,
            last_name: text(last_name)?,
            position: text(position)?,
            props: kept_object(props)?,
            locale: text(locale)?,
            timezone: kept_object(timezone)?,
            remote_id: text(remote_id)?,
            is_bot: is_bot.is_some_and(|is_bot| is_bot.as_boolean() == Ok(true)),
            bot_description: text(bot_description).unwrap_or_default(),
            is_guest: text(roles).is_ok_and(|roles| roles == GUEST),
        })
    }

    /// Bytes of the profile in a message, including its key.
    #[must_use]
    pub fn len(&self, generation: Generation) -> usize {
        let mut writer = JsonWriter::portable();
        self.encode(&mut writer, generation, Id::from_uuid_bytes([0; 16]));
        writer.finish().len() + self.id.len() + ENTRY_BYTES
    }

    /// Writes a profile in the generation's format; `password` is an apparently random value, as real servers
    /// send.
    pub fn encode(&self, writer: &mut JsonWriter, generation: Generation, password: Id) {
        writer.begin_object();
        writer.text_field("id", &self.id);
        writer.integer_field("create_at", self.create_at);
        writer.integer_field("update_at", self.update_at);
        writer.integer_field("delete_at", self.delete_at);
        writer.text_field("username", &self.username);
        writer.text_field("password", password.as_str());
        writer.text_field("auth_service", "");
        writer.text_field("email", &self.email);
        writer.text_field("nickname", &self.nickname);
        writer.text_field("first_name", &self.first_name);
        writer.text_field("last_name", &self.last_name);
        writer.text_field("position", &self.position);
        let roles = if self.is_guest { GUEST } else { "system_user" };
        writer.text_field("roles", roles);
        if !self.props.is_empty() && self.props != "{}" {
            writer.foreign_field("props", &self.props);
        }
        writer.text_field("locale", &self.locale);
        let timezone = if self.timezone.is_empty() {
            DEFAULT_TIMEZONE
        } else {
            &self.timezone
        };
        writer.foreign_field("timezone", timezone);
        if generation == Generation::V11 {
            writer.text_field("remote_id", &self.remote_id);
            if self.is_bot {
                writer.boolean_field("is_bot", true);
                writer.text_field("bot_description", &self.bot_description);
            }
        }
        writer.boolean_field("disable_welcome_email", false);
        writer.end_object();
    }
}

/// A post.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WirePost {
    /// Id.
    pub id: String,
    /// When it was written, in ms.
    pub create_at: i64,
    /// Last change, in ms.
    pub update_at: i64,
    /// Last change of the text, in ms; 0 = never.
    pub edit_at: i64,
    /// When it was deleted, in ms; 0 = live.
    pub delete_at: i64,
    /// Whether it is pinned.
    pub is_pinned: bool,
    /// Author.
    pub user_id: String,
    /// Channel.
    pub channel_id: String,
    /// Root of the thread; empty for a root.
    pub root_id: String,
    /// Text.
    pub message: String,
    /// Type.
    pub kind: String,
    /// Properties, JSON text of an object; empty = none.
    pub props: String,
    /// Hashtags.
    pub hashtags: String,
    /// Whether it has reactions.
    pub has_reactions: bool,
    /// Connection id of the author's home, if the post is forwarded.
    pub remote_id: String,
    /// Ids of its files, in order.
    pub file_ids: Vec<String>,
    /// What is said of them, if anything.
    pub files: Vec<WireFile>,
    /// Its priority, if one is stated.
    pub priority: Option<Priority>,
}

impl WirePost {
    /// Parses a post.
    pub fn decode(value: Value<'_>) -> Result<WirePost, JsonError> {
        let value = value.as_object()?;
        let scalars = [
            "id",
            "create_at",
            "update_at",
            "edit_at",
            "delete_at",
            "is_pinned",
            "user_id",
            "channel_id",
            "root_id",
            "message",
            "type",
            "hashtags",
            "has_reactions",
            "remote_id",
        ];
        let (scalars, [props, file_ids, metadata]) =
            value.find(scalars, ["props", "file_ids", "metadata"]);
        let [
            id,
            create_at,
            update_at,
            edit_at,
            delete_at,
            is_pinned,
            user_id,
            channel_id,
            root_id,
            message,
            kind,
            hashtags,
            has_reactions,
            remote_id,
        ] = scalars;
        Ok(WirePost {
            id: text(id)?,
            create_at: integer(create_at)?,
            update_at: integer(update_at)?,
            edit_at: integer(edit_at)?,
            delete_at: integer(delete_at)?,
            is_pinned: is_pinned.map_or(Ok(false), Value::as_boolean)?,
            user_id: text(user_id)?,
            channel_id: text(channel_id)?,
            root_id: text(root_id)?,
            message: text(message)?,
            kind: text(kind)?,
            props: kept_object(props)?,
            hashtags: text(hashtags)?,
            has_reactions: has_reactions.map_or(Ok(false), Value::as_boolean)?,
            remote_id: text(remote_id)?,
            file_ids: file_ids.map_or(Ok(Vec::new()), file::ids)?,
            files: metadata.map(file::listed).unwrap_or_default(),
            priority: metadata.and_then(priority::stated),
        })
    }

    /// Writes a post in the generation's format.
    pub fn encode(&self, writer: &mut JsonWriter, generation: Generation) {
        writer.begin_object();
        writer.text_field("id", &self.id);
        writer.integer_field("create_at", self.create_at);
        writer.integer_field("update_at", self.update_at);
        writer.integer_field("edit_at", self.edit_at);
        writer.integer_field("delete_at", self.delete_at);
        writer.boolean_field("is_pinned", self.is_pinned);
        writer.text_field("user_id", &self.user_id);
        writer.text_field("channel_id", &self.channel_id);
        writer.text_field("root_id", &self.root_id);
        if generation == Generation::V2021 {
            writer.text_field("parent_id", &self.root_id);
        }
        writer.text_field("original_id", "");
        writer.text_field("message", &self.message);
        writer.text_field("type", &self.kind);
        writer.foreign_field(
            "props",
            if self.props.is_empty() {
                "{}"
            } else {
                &self.props
            },
        );
        writer.text_field("hashtags", &self.hashtags);
        if generation == Generation::V11 || !self.file_ids.is_empty() {
            writer.texts_field("file_ids", self.file_ids.iter().map(String::as_str));
        }
        writer.text_field("pending_post_id", "");
        if self.has_reactions {
            writer.boolean_field("has_reactions", true);
        }
        if generation == Generation::V11 {
            writer.text_field("remote_id", &self.remote_id);
        }
        writer.integer_field("reply_count", 0);
        writer.integer_field("last_reply_at", 0);
        writer.raw_field("participants", "null");
        if generation == Generation::V11 {
            writer.key("metadata");
            writer.begin_object();
            if !self.files.is_empty() {
                file::encode_list(writer, &self.files, (&self.id, &self.channel_id));
            }
            if let Some(stated) = self.priority {
                priority::encode(writer, stated, &self.id, &self.channel_id);
            }
            writer.end_object();
        }
        writer.end_object();
    }
}

/// An item that cannot be parsed: its id, if it has one, for use in the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadItem {
    /// `id` of a post or user, as sent.
    pub id: String,
    /// What is wrong with it.
    pub error: JsonError,
}

/// A sync message. A bad item does not affect the others.
#[derive(Debug, Default)]
pub struct SyncMessage<'d> {
    /// Channel; empty in a global message.
    pub channel_id: String,
    /// Profiles, in the order of the document.
    pub users: Vec<(Value<'d>, Result<WireUser, BadItem>)>,
    /// Posts, in order.
    pub posts: Vec<(Value<'d>, Result<WirePost, BadItem>)>,
    /// Reactions, in order.
    pub reactions: Vec<(Value<'d>, Result<WireReaction, BadItem>)>,
    /// Mention text (without `@`) and the id of the user it refers to.
    pub mention_transforms: Vec<(String, String)>,
    /// Statuses, in order.
    pub statuses: Vec<(Value<'d>, Result<WireStatus, BadItem>)>,
    /// Acknowledgements, in order.
    pub acknowledgements: Vec<(Value<'d>, Result<WireAcknowledgement, BadItem>)>,
    /// Membership changes, in order.
    pub membership_changes: Vec<(Value<'d>, Result<WireMembership, BadItem>)>,
}

impl<'d> SyncMessage<'d> {
    /// Parses a message. An error means that the message as a whole has another shape: it is not an object,
    /// or a section is neither an array (users, mentions: object) nor `null`.
    pub fn decode(value: Value<'d>) -> Result<SyncMessage<'d>, JsonError> {
        let value = value.as_object()?;
        let mut mention_transforms = Vec::new();
        for child in members(value, "mention_transforms")? {
            // A mention whose value is not a text stays as typed; that is no reason to refuse posts.
            if let Ok(user) = child.as_text() {
                mention_transforms.push((child.key().into_owned(), user.into_owned()));
            }
        }
        Ok(SyncMessage {
            channel_id: value.text("channel_id")?.into_owned(),
            users: items(members(value, "users")?, WireUser::decode),
            posts: items(value.list("posts")?, WirePost::decode),
            reactions: items(value.list("reactions")?, WireReaction::decode),
            mention_transforms,
            statuses: items(value.list("statuses")?, WireStatus::decode),
            acknowledgements: items(value.list("acknowledgements")?, WireAcknowledgement::decode),
            membership_changes: items(value.list("membership_changes")?, WireMembership::decode),
        })
    }
}

type Items<'d, T> = Vec<(Value<'d>, Result<T, BadItem>)>;

fn items<'d, T>(
    values: Vec<Value<'d>>,
    decode: impl Fn(Value<'d>) -> Result<T, JsonError>,
) -> Items<'d, T> {
    let bad = |value: Value<'d>, error| BadItem {
        id: value
            .text("id")
            .map(|id| id.into_owned())
            .unwrap_or_default(),
        error,
    };
    values
        .into_iter()
        .map(|value| (value, decode(value).map_err(|error| bad(value, error))))
        .collect()
}

/// A member as text; empty if absent.
fn text(member: Option<Value<'_>>) -> Result<String, JsonError> {
    member.map_or(Ok(String::new()), |text| Ok(text.as_text()?.into_owned()))
}

/// A member as an integer; 0 if absent.
fn integer(member: Option<Value<'_>>) -> Result<i64, JsonError> {
    member.map_or(Ok(0), Value::as_integer)
}

/// Members of an object in order; of duplicate keys, only the last.
fn members<'d>(value: Value<'d>, key: &str) -> Result<Vec<Value<'d>>, JsonError> {
    let Some(object) = value.get(key).filter(|found| !found.is_null()) else {
        return Ok(Vec::new());
    };
    let mut members: Vec<Value<'d>> = object.as_object()?.children().collect();
    let mut seen = BTreeSet::new();
    members.reverse();
    members.retain(|member| seen.insert(member.key()));
    members.reverse();
    Ok(members)
}

/// An object kept as text, byte for byte; empty if absent, `null` or `{}`.
fn kept_object(member: Option<Value<'_>>) -> Result<String, JsonError> {
    match member {
        Some(found) if !found.is_null() => {
            let text = found.as_kept_object()?;
            Ok(if text == "{}" {
                String::new()
            } else {
                text.into_owned()
            })
        }
        _ => Ok(String::new()),
    }
}

/// One section of an outgoing sync message.
pub enum SyncSection<'a> {
    /// Profiles, each with an apparently random password.
    Users(&'a [(WireUser, Id)]),
    /// Posts and the mentions in them.
    Posts(&'a [WirePost], &'a [(String, String)]),
    /// Reactions.
    Reactions(&'a [WireReaction]),
    /// Acknowledgements.
    Acknowledgements(&'a [WireAcknowledgement]),
    /// Membership changes.
    Memberships(&'a [WireMembership]),
    /// Statuses.
    Statuses(&'a [WireStatus]),
}

/// Writes a sync message with one section, as real servers do.
#[must_use]
pub fn encode_sync(
    mut writer: JsonWriter,
    generation: Generation,
    id: Id,
    channel_id: Id,
    section: &SyncSection<'_>,
) -> Vec<u8> {
    writer.begin_object();
    writer.text_field("id", id.as_str());
    writer.text_field("channel_id", channel_id.as_str());
    match section {
        SyncSection::Users(users) => encode_users(&mut writer, generation, users),
        SyncSection::Posts(posts, mentions) => {
            writer.key("posts");
            writer.begin_array();
            posts
                .iter()
                .for_each(|post| post.encode(&mut writer, generation));
            writer.end_array();
            if !mentions.is_empty() {
                writer.key("mention_transforms");
                writer.begin_object();
                mentions.iter().for_each(|(text, user)| {
                    writer.key(text);
                    writer.text(user);
                });
                writer.end_object();
            }
        }
        SyncSection::Reactions(reactions) => {
            writer.key("reactions");
            writer.begin_array();
            reactions
                .iter()
                .for_each(|reaction| reaction.encode(&mut writer, generation));
            writer.end_array();
        }
        SyncSection::Acknowledgements(acknowledgements) => {
            writer.key("acknowledgements");
            writer.begin_array();
            acknowledgements
                .iter()
                .for_each(|one| one.encode(&mut writer, channel_id));
            writer.end_array();
        }
        SyncSection::Memberships(changes) => {
            writer.key("membership_changes");
            writer.begin_array();
            changes.iter().for_each(|one| one.encode(&mut writer));
            writer.end_array();
        }
        SyncSection::Statuses(statuses) => {
            writer.key("statuses");
            writer.begin_array();
            statuses.iter().for_each(|one| one.encode(&mut writer));
            writer.end_array();
        }
    }
    writer.end_object();
    writer.finish()
}

/// Writes a message that offers profiles without a channel.
#[must_use]
pub fn encode_global_users(
    mut writer: JsonWriter,
    generation: Generation,
    id: Id,
    users: &[(WireUser, Id)],
) -> Vec<u8> {
    writer.begin_object();
    writer.text_field("id", id.as_str());
    writer.text_field("channel_id", "");
    encode_users(&mut writer, generation, users);
    writer.end_object();
    writer.finish()
}

fn encode_users(writer: &mut JsonWriter, generation: Generation, users: &[(WireUser, Id)]) {
    writer.key("users");
    writer.begin_object();
    for (user, password) in users {
        writer.key(&user.id);
        user.encode(writer, generation, *password);
    }
    writer.end_object();
}

/// Parses one post from JSON text, e.g. a held one.
pub fn decode_post(bytes: &[u8]) -> Result<WirePost, JsonError> {
    WirePost::decode(Document::parse(bytes)?.root())
}

#[cfg(test)]
mod tests;
