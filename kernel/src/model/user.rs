use serde::{Deserialize, Serialize};

use crate::boundary::texts::{Json, Text, no_texts, texts};
use crate::rows::id::{FeedSeq, Id, WorkspaceNo};

/// The property of a profile that holds the custom status, as JSON text. Semantics §3.2.
pub const CUSTOM_STATUS: &str = "customStatus";

/// A user, local or remote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Id, the same in every workspace.
    pub id: Id,
    /// The user's home workspace; never changes.
    pub origin: WorkspaceNo,
    /// When the account was created, in ms.
    pub create_at: i64,
    /// Last change here, in ms.
    pub update_at: i64,
    /// When it was deactivated, in ms; 0 = active.
    pub delete_at: i64,
    /// User name here; `name:connection` for a remote user.
    pub username: String,
    /// E-mail address here; for a remote user an address that reaches nobody.
    pub email: String,
    /// Nickname.
    pub nickname: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Position.
    pub position: String,
    /// System roles, separated by spaces.
    pub roles: String,
    /// Locale, e.g. `en`.
    pub locale: String,
    /// Time zone, JSON text as received; empty = default.
    pub timezone: String,
    /// Properties, JSON text of an object; empty = none.
    pub props: String,
    /// Last change of the picture, in ms.
    pub last_picture_update: i64,
    /// Data that only remote users have.
    pub remote: Option<RemoteUser>,
    /// The user's position in the feed of people; 0 = none.
    pub feed_seq: FeedSeq,
}
texts!(struct User {
    id,
    origin,
    create_at,
    update_at,
    delete_at,
    username: Text::Words,
    email: Text::Address,
    nickname: Text::Words,
    first_name: Text::Words,
    last_name: Text::Words,
    position: Text::Words,
    roles: Text::Own,
    locale: Text::Locale,
    timezone: Json::Any,
    props: Json::Any,
    last_picture_update,
    remote,
    feed_seq,
});

/// Data about a remote user at home.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteUser {
    /// User name at home (`RemoteUsername`).
    pub username: String,
    /// E-mail address at home (`RemoteEmail`); shown only to admins.
    pub email: String,
    /// `remote_id` under which the sender knew the user; set once (`OriginalRemoteId`).
    pub original_remote_id: String,
    /// `update_at` of the stored version, by the origin's clock.
    pub origin_update_at: i64,
}
texts!(struct RemoteUser {
    username: Text::Words,
    email: Text::Words,
    original_remote_id: Text::Id,
    origin_update_at,
});

/// An id's number. Key: (kind, id).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdRow(pub u64);

/// A unique name's owner. Key: (kind, text).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameRow(pub u64);

no_texts!(IdRow, NameRow);
