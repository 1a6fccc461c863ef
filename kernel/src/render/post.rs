//! `Post`, `PostList`, `Reaction`.

use super::{Renderer, integer};
use crate::boundary::output::ReactionEvent;
use crate::model::{Post, Reaction};
use crate::query::posts::{self, PostList};
use crate::rows::id::{PostNo, UserNo};
use crate::rows::tx::Read;
use crate::wire::write::JsonWriter;

impl<R: Read + ?Sized> Renderer<'_, R> {
    /// A post. Of a deleted one the text and the properties are not shown.
    pub fn post(&self, w: &mut JsonWriter, post_no: PostNo, post: &Post) {
        let live = post.delete_at == 0;
        let shown = |text: &'_ str| {
            if live {
                text.to_string()
            } else {
                String::new()
            }
        };
        w.begin_object();
        w.text_field("id", post.id.as_str());
        w.integer_field("create_at", post.create_at);
        w.integer_field("update_at", post.update_at);
        w.integer_field("edit_at", post.edit_at);
        w.integer_field("delete_at", post.delete_at);
        w.boolean_field("is_pinned", post.is_pinned);
        w.text_field("user_id", &self.user_id(post.user));
        w.text_field("channel_id", &self.channel_id(post.channel));
        let root = post.root.map(|root| self.post_id(root));
        w.text_field("root_id", &root.unwrap_or_default());
        w.text_field("original_id", "");
        w.text_field("message", &shown(&post.message));
        w.text_field("type", &post.kind);
        let props = live && !post.props.is_empty();
        w.raw_field("props", if props { &post.props } else { "{}" });
        w.text_field("hashtags", &shown(&post.hashtags));
        w.texts_field("file_ids", []);
        w.text_field("pending_post_id", &post.pending_post_id);
        let reacted = live && post.reaction_count > 0;
        if reacted {
            w.boolean_field("has_reactions", true);
        }
        w.text_field_if("remote_id", &self.remote_id(post.origin));
        w.integer_field("reply_count", i64::from(post.reply_count));
        w.integer_field("last_reply_at", post.last_reply_at);
        w.raw_field("participants", "null");
        w.key("metadata");
        w.begin_object();
        if reacted {
            w.key("reactions");
            self.reactions(w, post_no);
        }
        w.end_object();
        w.end_object();
    }

    /// The live reactions of a post.
    pub fn reactions(&self, w: &mut JsonWriter, post: PostNo) {
        w.begin_array();
        for (key, reaction) in posts::reactions(self.rows, post) {
            self.reaction(w, &key, &reaction);
        }
        w.end_array();
    }

    /// A reaction.
    pub fn reaction(
        &self,
        w: &mut JsonWriter,
        key: &(PostNo, UserNo, String),
        reaction: &Reaction,
    ) {
        let (post_no, user, emoji) = key;
        let channel = self
            .rows
            .get::<Post>(post_no)
            .map(|post| self.channel_id(post.channel));
        w.begin_object();
        w.text_field("user_id", &self.user_id(*user));
        w.text_field("post_id", &self.post_id(*post_no));
        w.text_field("emoji_name", emoji);
        w.integer_field("create_at", reaction.create_at);
        w.integer_field("update_at", reaction.update_at);
        w.integer_field("delete_at", reaction.delete_at);
        w.text_field("remote_id", &self.remote_id(reaction.origin));
        w.text_field("channel_id", &channel.unwrap_or_default());
        w.end_object();
    }

    /// A reaction as an event has it: as it was then, although its row may have changed since.
    pub(super) fn reaction_event(
        &self,
        w: &mut JsonWriter,
        channel_id: &str,
        reaction: &ReactionEvent,
    ) {
        let key = (reaction.post, reaction.user, reaction.emoji.clone());
        let origin = self
            .rows
            .get::<Reaction>(&key)
            .map(|row| self.remote_id(row.origin));
        w.begin_object();
        w.text_field("user_id", &self.user_id(reaction.user));
        w.text_field("post_id", reaction.post_id.as_str());
        w.text_field("emoji_name", &reaction.emoji);
        w.integer_field("create_at", reaction.create_at);
        w.integer_field("update_at", reaction.create_at);
        w.integer_field("delete_at", 0);
        w.text_field("remote_id", &origin.unwrap_or_default());
        w.text_field("channel_id", channel_id);
        w.end_object();
    }

    /// A list of posts.
    pub fn post_list(&self, w: &mut JsonWriter, list: &PostList) {
        let id = |post_no: &PostNo| match list.posts.get(post_no) {
            Some(post) => post.id.to_string(),
            None => self.post_id(*post_no),
        };
        w.begin_object();
        w.key("order");
        w.begin_array();
        for post_no in &list.order {
            w.text(&id(post_no));
        }
        w.end_array();
        w.key("posts");
        w.begin_object();
        for (post_no, post) in &list.posts {
            w.key(post.id.as_str());
            self.post(w, *post_no, post);
        }
        w.end_object();
        w.text_field(
            "next_post_id",
            &list.next.as_ref().map(id).unwrap_or_default(),
        );
        w.text_field(
            "prev_post_id",
            &list.previous.as_ref().map(id).unwrap_or_default(),
        );
        if let Some(has_next) = list.has_next {
            w.boolean_field("has_next", has_next);
        }
        w.integer_field("first_inaccessible_post_time", integer(0));
        w.end_object();
    }
}
