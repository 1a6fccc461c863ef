//! Reads frames like an observer on the network: with a JSON library, not with the kernel's own
//! parser.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

/// An item of a frame; frames give each a version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    /// A profile: user.
    User(String),
    /// A post.
    Post(String),
    /// A reaction: post, user, emoji. Or an acknowledgement, see [`ACKNOWLEDGED`].
    Reaction(String, String, String),
}

/// What an acknowledgement has in place of an emoji; emoji names are never empty. Users add and
/// remove both, and the same rules hold for both.
pub const ACKNOWLEDGED: &str = "";

/// A frame to a peer.
#[derive(Clone, Debug)]
pub struct FrameItems {
    /// Its topic.
    pub topic: String,
    /// The channel.
    pub channel: String,
    /// Its items with their versions.
    pub items: Vec<(Item, i64)>,
    /// Users whose membership it states.
    pub members: Vec<String>,
}

/// The topic of announcements of files.
const UPLOAD: &str = "sharedchannel_upload";

/// Whether the bytes of a frame announce a file, without parsing them.
#[must_use]
pub fn announces(bytes: &[u8]) -> bool {
    let topic = format!("\"topic\":\"{UPLOAD}\"");
    let mut windows = bytes.windows(topic.len());
    windows.any(|window| window == topic.as_bytes())
}

impl FrameItems {
    /// Whether it offers people instead of belonging to a channel.
    #[must_use]
    pub fn is_of_directory(&self) -> bool {
        self.topic == "sharedchannel_global_user_sync" && self.channel.is_empty()
    }

    /// Whether it announces a file instead of containing items.
    #[must_use]
    pub fn is_announcement(&self) -> bool {
        self.topic == UPLOAD
    }

    /// Whether it says that a channel is shared, or no longer, instead of containing items.
    #[must_use]
    pub fn is_sharing_state(&self) -> bool {
        self.topic == "sharedchannel_state"
    }

    /// Whether it offers a channel instead of containing items.
    #[must_use]
    pub fn is_invitation(&self) -> bool {
        self.topic == "sharedchannel_invite"
    }
}

#[derive(Deserialize)]
struct Outer<'f> {
    #[serde(borrow)]
    msg: Message<'f>,
}

#[derive(Deserialize)]
struct Message<'f> {
    #[serde(borrow)]
    topic: Cow<'f, str>,
    #[serde(borrow)]
    payload: Payload<'f>,
}

#[derive(Deserialize)]
struct Payload<'f> {
    #[serde(borrow, default)]
    channel_id: Cow<'f, str>,
    #[serde(borrow)]
    users: Option<BTreeMap<Cow<'f, str>, Thing<'f>>>,
    #[serde(borrow)]
    posts: Option<Vec<Thing<'f>>>,
    #[serde(borrow)]
    reactions: Option<Vec<Reaction<'f>>>,
    #[serde(borrow)]
    acknowledgements: Option<Vec<Acknowledgement<'f>>>,
    #[serde(borrow)]
    membership_changes: Option<Vec<Membership<'f>>>,
}

#[derive(Deserialize)]
struct Thing<'f> {
    #[serde(borrow)]
    id: Cow<'f, str>,
    update_at: i64,
}

#[derive(Deserialize)]
struct Reaction<'f> {
    #[serde(borrow)]
    post_id: Cow<'f, str>,
    #[serde(borrow)]
    user_id: Cow<'f, str>,
    #[serde(borrow)]
    emoji_name: Cow<'f, str>,
    update_at: i64,
}

#[derive(Deserialize)]
struct Acknowledgement<'f> {
    #[serde(borrow)]
    post_id: Cow<'f, str>,
    #[serde(borrow)]
    user_id: Cow<'f, str>,
    #[serde(default)]
    acknowledged_at: i64,
    #[serde(default)]
    delete_at: i64,
}

#[derive(Deserialize)]
struct Membership<'f> {
    #[serde(borrow)]
    user_id: Cow<'f, str>,
}

/// Parses a frame; `None` if the bytes are not one.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<FrameItems> {
    let Outer { msg } = serde_json::from_slice(bytes).ok()?;
    let payload = msg.payload;
    let users = payload.users.into_iter().flatten();
    let users = users.map(|(_, user)| (Item::User(user.id.into()), user.update_at));
    let posts = payload.posts.into_iter().flatten();
    let posts = posts.map(|post| (Item::Post(post.id.into()), post.update_at));
    let reactions = payload.reactions.into_iter().flatten().map(|reaction| {
        let user = reaction.user_id.into();
        let item = Item::Reaction(reaction.post_id.into(), user, reaction.emoji_name.into());
        (item, reaction.update_at)
    });
    let acknowledgements = payload.acknowledgements.into_iter().flatten();
    let acknowledgements = acknowledgements.map(|one| {
        let item = Item::Reaction(one.post_id.into(), one.user_id.into(), ACKNOWLEDGED.into());
        (item, one.acknowledged_at.max(one.delete_at))
    });
    let said = reactions.chain(acknowledgements);
    let members = payload.membership_changes.into_iter().flatten();
    Some(FrameItems {
        topic: msg.topic.into(),
        channel: payload.channel_id.into(),
        items: users.chain(posts).chain(said).collect(),
        members: members.map(|one| one.user_id.into()).collect(),
    })
}

/// An answer to a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether the application accepted the message.
    pub is_ok: bool,
    /// Ids of posts that were refused.
    pub post_errors: Vec<String>,
    /// Ids of users that were stored.
    pub users_syncd: Vec<String>,
}

#[derive(Deserialize)]
struct RawAnswer<'a> {
    #[serde(borrow)]
    status: Cow<'a, str>,
    payload: Option<Lists>,
}

#[derive(Default, Deserialize)]
struct Lists {
    post_errors: Option<Vec<String>>,
    users_syncd: Option<Vec<String>>,
}

/// Parses an answer.
#[must_use]
pub fn read_answer(bytes: &[u8]) -> Option<Answer> {
    let RawAnswer { status, payload } = serde_json::from_slice(bytes).ok()?;
    let lists = payload.unwrap_or_default();
    Some(Answer {
        is_ok: status == "OK",
        post_errors: lists.post_errors.unwrap_or_default(),
        users_syncd: lists.users_syncd.unwrap_or_default(),
    })
}

/// The id of the file that a frame announces.
#[must_use]
pub fn read_announcement(bytes: &[u8]) -> Option<String> {
    let json: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    let file = &json["msg"]["payload"]["req_file_id"];
    file.as_str().map(str::to_string)
}

/// The id in what a receiver says of a file whose bytes it holds.
#[must_use]
pub fn read_file_info(bytes: &[u8]) -> Option<String> {
    let json: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    let is_file = json.get("mime_type").is_some();
    json["id"].as_str().filter(|_| is_file).map(str::to_string)
}
