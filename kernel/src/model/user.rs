use serde::{Deserialize, Serialize};

use crate::boundary::texts::{Json, Text, no_texts, texts};
use crate::rows::id::{FeedSeq, Id, WorkspaceNo};

/// A user, local or remote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Id, the same in every workspace.
    pub id: Id,
    /// Where the user lives; never changes.
    pub origin: WorkspaceNo,
    /// When the account was made, in ms.
    pub create_at: i64,
    /// Last change here, in ms.
    pub update_at: i64,
    /// When it was deactivated, in ms; 0 = active.
    pub delete_at: i64,
    /// User name here; of a remote user `name:connection`.
    pub username: String,
    /// E-mail address here; of a remote user one that reaches nobody.
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
    /// Of a remote user: what only remote users have.
    pub remote: Option<RemoteUser>,
    /// Where the user stands in the feed of people; 0 = nowhere.
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

/// What is known of a remote user's home.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteUser {
    /// User name at home (`RemoteUsername`).
    pub username: String,
    /// E-mail address at home (`RemoteEmail`); shown to nobody but admins.
    pub email: String,
    /// `remote_id` under which the sender knew the user; set once (`OriginalRemoteId`).
    pub original_remote_id: String,
    /// `update_at` of the version held, by the origin's clock.
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
