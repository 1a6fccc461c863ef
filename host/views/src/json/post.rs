//! `Post`, `PostList`, `Reaction`, `PostAcknowledgement`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use causeway_kernel::boundary::output::{AcknowledgementEvent, ReactionEvent};
use causeway_kernel::model::{Acknowledgement, Post, Priority, Reaction};
use causeway_kernel::objects::posts::is_system;
use causeway_kernel::rows::id::{PostNo, UserNo};
use causeway_kernel::rows::tx::Read;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::value::RawValue;

use super::file::FileView;
use super::{Null, Views, components, links, non_empty};
use crate::query::posts::{self, PostList};
use crate::query::versions::Version;

/// A post as clients see it.
#[derive(Serialize)]
pub struct PostView<'a> {
    pub(super) id: &'a str,
    pub(super) create_at: i64,
    pub(super) update_at: i64,
    pub(super) edit_at: i64,
    pub(super) delete_at: i64,
    pub(super) is_pinned: bool,
    pub(super) user_id: String,
    pub(super) channel_id: String,
    pub(super) root_id: String,
    pub(super) original_id: &'a str,
    pub(super) message: Cow<'a, str>,
    #[serde(rename = "type")]
    pub(super) kind: &'a str,
    #[serde(serialize_with = "object_or_empty")]
    pub(super) props: Option<Cow<'a, RawValue>>,
    pub(super) hashtags: &'a str,
    pub(super) file_ids: Vec<String>,
    pub(super) pending_post_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) has_reactions: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remote_id: Option<String>,
    pub(super) reply_count: u32,
    pub(super) last_reply_at: i64,
    pub(super) participants: Null,
    pub(super) metadata: Metadata,
}

/// Data of a post that is not in its row.
#[derive(Default, Serialize)]
pub(super) struct Metadata {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<FileView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reactions: Option<Vec<ReactionView>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    acknowledgements: Vec<AcknowledgementView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<PriorityView>,
}

impl Metadata {
    /// Without the lists that may be long.
    pub(super) fn short(self) -> Metadata {
        Metadata {
            files: self.files,
            priority: self.priority,
            ..Metadata::default()
        }
    }
}

/// The priority of a post as clients see it.
#[derive(Serialize)]
struct PriorityView {
    priority: &'static str,
    requested_ack: bool,
    persistent_notifications: bool,
}

impl From<Priority> for PriorityView {
    fn from(priority: Priority) -> PriorityView {
        PriorityView {
            priority: priority.level.name(),
            requested_ack: priority.requested_ack,
            persistent_notifications: priority.persistent_notifications,
        }
    }
}

/// A reaction as clients see it.
#[derive(Serialize)]
pub struct ReactionView {
    user_id: String,
    post_id: String,
    emoji_name: String,
    create_at: i64,
    update_at: i64,
    delete_at: i64,
    remote_id: String,
    channel_id: String,
}

/// An acknowledgement of a post as clients see it.
#[derive(Serialize)]
pub struct AcknowledgementView {
    user_id: String,
    post_id: String,
    acknowledged_at: i64,
    channel_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_id: Option<String>,
}

/// The words found in each post, which a search leaves to its clients. An object, as typed clients expect: the reference's
/// `null` is none.
#[derive(Serialize)]
struct NoMatches {}

/// A list of posts as clients see it. The posts are rendered one after another while it is written.
#[derive(Serialize)]
struct PostListView<P> {
    order: Vec<String>,
    posts: P,
    next_post_id: String,
    prev_post_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    has_next: Option<bool>,
    first_inaccessible_post_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    matches: Option<NoMatches>,
}

fn object_or_empty<S: Serializer>(
    props: &Option<Cow<'_, RawValue>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match props {
        Some(props) => props.serialize(serializer),
        None => serializer.serialize_map(Some(0))?.end(),
    }
}

impl<R: Read + ?Sized> Views<'_, R> {
    /// A post. The text and the properties of a deleted one are not shown.
    pub fn post<'a>(&self, post_no: PostNo, post: &'a Post) -> PostView<'a> {
        let live = post.delete_at == 0;
        let shown = |text: &'a str| if live { text } else { "" };
        let has_reactions = live && post.reaction_count > 0;
        let files = self.files(post);
        PostView {
            id: post.id.as_str(),
            create_at: post.create_at,
            update_at: post.update_at,
            edit_at: post.edit_at,
            delete_at: post.delete_at,
            is_pinned: post.is_pinned,
            user_id: self.user_id(post.user),
            channel_id: self.channel_id(post.channel),
            root_id: post.root.map(|root| self.post_id(root)).unwrap_or_default(),
            original_id: "",
            message: links::shown(self.rows, post, shown(&post.message)),
            kind: if components::hides_type(self.rows, post_no, post) {
                ""
            } else {
                kind(post)
            },
            props: components::shown(self.rows, (post_no, post), shown(&post.props)),
            hashtags: shown(&post.hashtags),
            file_ids: files.iter().map(|file| file.id.clone()).collect(),
            pending_post_id: &post.pending_post_id,
            has_reactions: has_reactions.then_some(true),
            remote_id: non_empty(self.remote_id(post.origin)),
            reply_count: post.reply_count,
            last_reply_at: post.last_reply_at,
            participants: (),
            metadata: Metadata {
                files,
                reactions: has_reactions.then(|| self.reactions(post_no)),
                acknowledgements: if live {
                    self.acknowledgements(post_no, post)
                } else {
                    Vec::new()
                },
                priority: post.priority.map(PriorityView::from),
            },
        }
    }

    /// An earlier version of a post: a post of its own that clients do not list. Client API §7.5.
    pub fn version<'a>(&self, post: &'a Post, version: &'a Version) -> PostView<'a> {
        PostView {
            id: version.id.as_str(),
            create_at: post.create_at,
            update_at: version.replaced_at,
            edit_at: version.written_at,
            delete_at: version.replaced_at,
            is_pinned: false,
            user_id: self.user_id(post.user),
            channel_id: self.channel_id(post.channel),
            root_id: post.root.map(|root| self.post_id(root)).unwrap_or_default(),
            original_id: post.id.as_str(),
            message: Cow::Borrowed(&version.message),
            kind: kind(post),
            props: None,
            hashtags: "",
            file_ids: Vec::new(),
            pending_post_id: "",
            has_reactions: None,
            remote_id: non_empty(self.remote_id(post.origin)),
            reply_count: 0,
            last_reply_at: 0,
            participants: (),
            metadata: Metadata::default(),
        }
    }

    /// The live reactions of a post.
    pub fn reactions(&self, post: PostNo) -> Vec<ReactionView> {
        let found = posts::reactions(self.rows, post);
        found
            .iter()
            .map(|(key, reaction)| self.reaction(key, reaction))
            .collect()
    }

    /// A reaction.
    pub fn reaction(&self, key: &(PostNo, UserNo, String), reaction: &Reaction) -> ReactionView {
        let (post_no, user, emoji) = key;
        let post = self.rows.get::<Post>(post_no);
        ReactionView {
            user_id: self.user_id(*user),
            post_id: self.post_id(*post_no),
            emoji_name: emoji.clone(),
            create_at: reaction.create_at,
            update_at: reaction.update_at,
            delete_at: reaction.delete_at,
            remote_id: self.remote_id(reaction.origin),
            channel_id: post.map_or_else(String::new, |post| self.channel_id(post.channel)),
        }
    }

    /// A reaction as in an event: as it was then, although its row may have changed since.
    pub(super) fn reaction_event(
        &self,
        channel_id: &str,
        reaction: &ReactionEvent,
    ) -> ReactionView {
        let key = (reaction.post, reaction.user, reaction.emoji.clone());
        let row = self.rows.get::<Reaction>(&key);
        ReactionView {
            user_id: self.user_id(reaction.user),
            post_id: reaction.post_id.to_string(),
            emoji_name: reaction.emoji.clone(),
            create_at: reaction.create_at,
            update_at: reaction.create_at,
            delete_at: 0,
            remote_id: row.map_or_else(String::new, |row| self.remote_id(row.origin)),
            channel_id: channel_id.to_string(),
        }
    }

    /// The acknowledgements of a post that have not been withdrawn.
    fn acknowledgements(&self, post_no: PostNo, post: &Post) -> Vec<AcknowledgementView> {
        let found = posts::acknowledgements(self.rows, post_no);
        let view = |((_, user), row): &((PostNo, UserNo), Acknowledgement)| AcknowledgementView {
            user_id: self.user_id(*user),
            post_id: post.id.to_string(),
            acknowledged_at: row.acknowledged_at,
            channel_id: self.channel_id(post.channel),
            remote_id: non_empty(self.remote_id(row.origin)),
        };
        found.iter().map(view).collect()
    }

    /// An acknowledgement, or its withdrawal, as in an event.
    pub(super) fn acknowledgement(&self, event: &AcknowledgementEvent) -> AcknowledgementView {
        let post = self.rows.get::<Post>(&event.post);
        let row = self.rows.get::<Acknowledgement>(&(event.post, event.user));
        AcknowledgementView {
            user_id: self.user_id(event.user),
            post_id: self.post_id(event.post),
            acknowledged_at: event.acknowledged_at,
            channel_id: post.map_or_else(String::new, |post| self.channel_id(post.channel)),
            remote_id: row.and_then(|row| non_empty(self.remote_id(row.origin))),
        }
    }

    /// A list of posts.
    pub fn post_list<'a>(&'a self, list: &'a PostList) -> impl Serialize + 'a {
        self.listed(list, None)
    }

    /// A list of posts that a search found.
    pub fn found_posts<'a>(&'a self, list: &'a PostList) -> impl Serialize + 'a {
        self.listed(list, Some(NoMatches {}))
    }

    fn listed<'a>(
        &'a self,
        list: &'a PostList,
        matches: Option<NoMatches>,
    ) -> PostListView<ListedPosts<'a, R>> {
        let id = |post_no: &PostNo| match list.posts.get(post_no) {
            Some(post) => post.id.to_string(),
            None => self.post_id(*post_no),
        };
        let by_id: BTreeMap<&str, (PostNo, &Post)> = list
            .posts
            .iter()
            .map(|(post_no, post)| (post.id.as_str(), (*post_no, post)))
            .collect();
        PostListView {
            order: list.order.iter().map(id).collect(),
            next_post_id: list.next.as_ref().map(id).unwrap_or_default(),
            prev_post_id: list.previous.as_ref().map(id).unwrap_or_default(),
            has_next: list.has_next,
            first_inaccessible_post_time: 0,
            matches,
            posts: ListedPosts { views: self, by_id },
        }
    }
}

/// The posts of a list by id.
struct ListedPosts<'a, R: Read + ?Sized> {
    views: &'a Views<'a, R>,
    by_id: BTreeMap<&'a str, (PostNo, &'a Post)>,
}

impl<R: Read + ?Sized> Serialize for ListedPosts<'_, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let posts = self.by_id.iter();
        serializer
            .collect_map(posts.map(|(id, (post_no, post))| (id, self.views.post(*post_no, post))))
    }
}

/// Types of messages about members, whose text clients build from the names in them.
const ABOUT_MEMBERS: [&str; 4] = [
    "system_join_channel",
    "system_leave_channel",
    "system_add_to_channel",
    "system_remove_from_channel",
];

/// A post's type as reported to clients. They show the text of a system type as the system's own, so only
/// ours keep it: what a peer's user writes is shown as that user's.
pub(super) fn kind(post: &Post) -> &str {
    let kind = post.kind.as_str();
    if post.origin.is_ours() || !is_system(kind) || ABOUT_MEMBERS.contains(&kind) {
        kind
    } else {
        ""
    }
}
