//! Objects that are sent apart from posts and profiles: reactions, acknowledgements and memberships.
//! Semantics §3.4.

use super::{integer, text};
use crate::rows::id::Id;
use crate::wire::Generation;
use crate::wire::json::{JsonError, Value};
use crate::wire::write::JsonWriter;

/// A reaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WireReaction {
    /// Who reacted.
    pub user_id: String,
    /// The post.
    pub post_id: String,
    /// The emoji's name.
    pub emoji_name: String,
    /// When it was made, in ms.
    pub create_at: i64,
    /// Last change, in ms.
    pub update_at: i64,
    /// When it was removed, in ms; 0 = live.
    pub delete_at: i64,
}

impl WireReaction {
    /// Parses a reaction.
    pub fn decode(value: Value<'_>) -> Result<WireReaction, JsonError> {
        let scalars = [
            "user_id",
            "post_id",
            "emoji_name",
            "create_at",
            "update_at",
            "delete_at",
        ];
        let (scalars, []) = value.as_object()?.find(scalars, []);
        let [
            user_id,
            post_id,
            emoji_name,
            create_at,
            update_at,
            delete_at,
        ] = scalars;
        Ok(WireReaction {
            user_id: text(user_id)?,
            post_id: text(post_id)?,
            emoji_name: text(emoji_name)?,
            create_at: integer(create_at)?,
            update_at: integer(update_at)?,
            delete_at: integer(delete_at)?,
        })
    }

    /// Writes a reaction in the generation's format.
    pub fn encode(&self, writer: &mut JsonWriter, generation: Generation) {
        writer.begin_object();
        writer.text_field("user_id", &self.user_id);
        writer.text_field("post_id", &self.post_id);
        writer.text_field("emoji_name", &self.emoji_name);
        writer.integer_field("create_at", self.create_at);
        writer.integer_field("update_at", self.update_at);
        writer.integer_field("delete_at", self.delete_at);
        writer.text_field("remote_id", "");
        if generation == Generation::V11 {
            writer.text_field("channel_id", "");
        }
        writer.end_object();
    }
}

/// An acknowledgement of a post, or its withdrawal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WireAcknowledgement {
    /// Who acknowledged.
    pub user_id: String,
    /// The post.
    pub post_id: String,
    /// When, in ms; 0 = withdrawn.
    pub acknowledged_at: i64,
    /// When it was withdrawn, in ms; 0 = live or unknown. Only Causeways send it; without it, it is
    /// impossible to tell which of two changes is the later one.
    pub delete_at: i64,
}

impl WireAcknowledgement {
    /// Parses an acknowledgement.
    pub fn decode(value: Value<'_>) -> Result<WireAcknowledgement, JsonError> {
        let scalars = ["user_id", "post_id", "acknowledged_at", "delete_at"];
        let (scalars, []) = value.as_object()?.find(scalars, []);
        let [user_id, post_id, acknowledged_at, delete_at] = scalars;
        Ok(WireAcknowledgement {
            user_id: text(user_id)?,
            post_id: text(post_id)?,
            acknowledged_at: integer(acknowledged_at)?,
            delete_at: integer(delete_at)?,
        })
    }

    /// Whether it is a withdrawal.
    #[must_use]
    pub fn is_withdrawn(&self) -> bool {
        self.acknowledged_at == 0
    }

    /// Writes an acknowledgement in the format of the 11 line; older servers do not support them.
    pub fn encode(&self, writer: &mut JsonWriter, channel_id: Id) {
        writer.begin_object();
        writer.text_field("user_id", &self.user_id);
        writer.text_field("post_id", &self.post_id);
        writer.integer_field("acknowledged_at", self.acknowledged_at);
        if self.delete_at != 0 {
            writer.integer_field("delete_at", self.delete_at);
        }
        writer.text_field("channel_id", channel_id.as_str());
        writer.end_object();
    }
}

/// A user's joining or leaving of a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WireMembership {
    /// The channel.
    pub channel_id: String,
    /// Who joined or left.
    pub user_id: String,
    /// Whether the user joined.
    pub is_add: bool,
    /// When, in ms.
    pub change_time: i64,
}

impl WireMembership {
    /// Parses a membership change.
    pub fn decode(value: Value<'_>) -> Result<WireMembership, JsonError> {
        let scalars = ["channel_id", "user_id", "is_add", "change_time"];
        let (scalars, []) = value.as_object()?.find(scalars, []);
        let [channel_id, user_id, is_add, change_time] = scalars;
        Ok(WireMembership {
            channel_id: text(channel_id)?,
            user_id: text(user_id)?,
            is_add: is_add.map_or(Ok(false), Value::as_boolean)?,
            change_time: integer(change_time)?,
        })
    }

    /// Writes a membership change in the format of 11.6; servers of 2021 do not support them.
    pub fn encode(&self, writer: &mut JsonWriter) {
        writer.begin_object();
        writer.text_field("channel_id", &self.channel_id);
        writer.text_field("user_id", &self.user_id);
        writer.boolean_field("is_add", self.is_add);
        writer.text_field("remote_id", "");
        writer.integer_field("change_time", self.change_time);
        writer.end_object();
    }
}
