//! WebSocket events. Client API §9.5.

use super::{Renderer, Viewer, mentions};
use crate::authority;
use crate::boundary::output::{Event, ReactionEvent};
use crate::model::{Channel, ChannelKind, Post, User};
use crate::rows::id::{ChannelNo, Id, PostNo, UserNo};
use crate::rows::tx::Read;
use crate::wire::write::JsonWriter;

/// An event as one reader gets it; the host adds `seq` when it numbers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventFrame {
    /// Name.
    pub event: &'static str,
    /// JSON text of `data`.
    pub data: String,
    /// JSON text of `broadcast`.
    pub broadcast: String,
}

impl EventFrame {
    /// The whole frame with its number.
    #[must_use]
    pub fn to_text(&self, seq: i64) -> String {
        let mut w = JsonWriter::new();
        w.begin_object();
        w.text_field("event", self.event);
        w.raw_field("data", &self.data);
        w.raw_field("broadcast", &self.broadcast);
        w.integer_field("seq", seq);
        w.end_object();
        String::from_utf8(w.finish()).unwrap_or_default()
    }
}

#[derive(Default)]
struct Broadcast {
    user: String,
    channel: String,
    team: String,
}

/// The frame of an event for one user, or `None` if they do not hear of it, or what it is about is
/// gone. `now_ms` is the time of an ephemeral message, which has no row.
pub fn event<R: Read + ?Sized>(
    rows: &R,
    event: &Event,
    reader: UserNo,
    now_ms: i64,
) -> Option<EventFrame> {
    if !authority::hears(rows, event, reader) {
        return None;
    }
    let renderer = Renderer::new(rows, Viewer::of(rows, reader));
    let mut w = JsonWriter::new();
    w.begin_object();
    let mut broadcast = Broadcast::default();
    let name = renderer.event_data(&mut w, &mut broadcast, event, reader, now_ms)?;
    w.end_object();
    let broadcast = renderer.text(|_, w| {
        w.begin_object();
        w.raw_field("omit_users", "null");
        w.text_field("user_id", &broadcast.user);
        w.text_field("channel_id", &broadcast.channel);
        w.text_field("team_id", &broadcast.team);
        w.text_field("connection_id", "");
        w.text_field("omit_connection_id", "");
        w.end_object();
    });
    let data = String::from_utf8(w.finish()).ok()?;
    Some(EventFrame {
        event: name,
        data,
        broadcast,
    })
}

impl<R: Read + ?Sized> Renderer<'_, R> {
    fn event_data(
        &self,
        w: &mut JsonWriter,
        broadcast: &mut Broadcast,
        event: &Event,
        reader: UserNo,
        now_ms: i64,
    ) -> Option<&'static str> {
        match event {
            Event::Posted(channel, post) => {
                broadcast.channel = self.channel_id(*channel);
                self.posted(w, *channel, *post, reader)?;
                Some("posted")
            }
            Event::PostEdited(channel, post) => {
                broadcast.channel = self.channel_id(*channel);
                self.post_field(w, *post)?;
                Some("post_edited")
            }
            Event::PostDeleted(channel, post) => {
                broadcast.channel = self.channel_id(*channel);
                self.post_field(w, *post)?;
                Some("post_deleted")
            }
            Event::ReactionAdded(channel, reaction) => {
                self.reaction_data(w, broadcast, *channel, reaction);
                Some("reaction_added")
            }
            Event::ReactionRemoved(channel, reaction) => {
                self.reaction_data(w, broadcast, *channel, reaction);
                Some("reaction_removed")
            }
            Event::Ephemeral(channel, user, text) => {
                broadcast.user = self.user_id(*user);
                broadcast.channel = self.channel_id(*channel);
                self.ephemeral(w, (*channel, *user), text, now_ms);
                Some("ephemeral_message")
            }
            Event::AddedToTeam(team, user) => {
                broadcast.user = self.user_id(*user);
                w.text_field("team_id", &self.team_id(*team));
                w.text_field("user_id", &self.user_id(*user));
                Some("added_to_team")
            }
            Event::NewUser(user) => {
                w.text_field("user_id", &self.user_id(*user));
                Some("new_user")
            }
            Event::UserUpdated(user) => {
                let row = self.rows.get::<User>(user)?;
                w.key("user");
                self.user(w, *user, &row);
                Some("user_updated")
            }
            Event::UserAdded(..)
            | Event::UserRemoved(..)
            | Event::ChannelCreated(_)
            | Event::ChannelUpdated(_)
            | Event::ChannelDeleted(_) => self.channel_event(w, broadcast, event, reader),
        }
    }

    fn channel_event(
        &self,
        w: &mut JsonWriter,
        broadcast: &mut Broadcast,
        event: &Event,
        reader: UserNo,
    ) -> Option<&'static str> {
        match event {
            Event::UserAdded(channel_no, user) => {
                let channel = self.rows.get::<Channel>(channel_no)?;
                broadcast.channel = channel.id.to_string();
                w.text_field("user_id", &self.user_id(*user));
                w.text_field("team_id", &self.team_id(channel.team));
                Some("user_added")
            }
            Event::UserRemoved(channel, user) if *user == reader => {
                broadcast.user = self.user_id(*user);
                w.text_field("channel_id", &self.channel_id(*channel));
                w.text_field("remover_id", "");
                Some("user_removed")
            }
            Event::UserRemoved(channel, user) => {
                broadcast.channel = self.channel_id(*channel);
                w.text_field("user_id", &self.user_id(*user));
                w.text_field("remover_id", "");
                Some("user_removed")
            }
            Event::ChannelCreated(channel_no) => {
                let channel = self.rows.get::<Channel>(channel_no)?;
                broadcast.user = self.user_id(reader);
                w.text_field("channel_id", channel.id.as_str());
                w.text_field("team_id", &self.team_id(channel.team));
                Some("channel_created")
            }
            Event::ChannelUpdated(channel_no) => {
                let channel = self.rows.get::<Channel>(channel_no)?;
                broadcast.channel = channel.id.to_string();
                let text = self.text(|renderer, w| renderer.channel(w, &channel));
                w.text_field("channel", &text);
                Some("channel_updated")
            }
            Event::ChannelDeleted(channel_no) => {
                let channel = self.rows.get::<Channel>(channel_no)?;
                match channel.kind {
                    ChannelKind::Public => broadcast.team = self.team_id(channel.team),
                    ChannelKind::Private => broadcast.channel = channel.id.to_string(),
                }
                w.text_field("channel_id", channel.id.as_str());
                w.integer_field("delete_at", channel.delete_at);
                Some("channel_deleted")
            }
            _ => None,
        }
    }

    fn posted(
        &self,
        w: &mut JsonWriter,
        channel_no: ChannelNo,
        post_no: PostNo,
        reader: UserNo,
    ) -> Option<()> {
        let channel = self.rows.get::<Channel>(&channel_no)?;
        let post = self.rows.get::<Post>(&post_no)?;
        let system = post.kind.starts_with("system_");
        let author = if system {
            "System".to_string()
        } else {
            format!("@{}", self.username(post.user))
        };
        w.text_field("channel_display_name", &channel.display_name);
        w.text_field("channel_name", &channel.name);
        w.text_field("channel_type", channel.kind.letter());
        let mentioned =
            !system && post.user != reader && mentions(&post.message, &self.username(reader));
        if mentioned {
            // A user id is plain ASCII, so its JSON needs no escapes.
            w.text_field("mentions", &format!("[\"{}\"]", self.user_id(reader)));
        }
        w.text_field(
            "post",
            &self.text(|renderer, w| renderer.post(w, post_no, &post)),
        );
        w.text_field("sender_name", &author);
        w.boolean_field("set_online", post.origin.is_ours() && !system);
        w.text_field("team_id", &self.team_id(channel.team));
        Some(())
    }

    fn post_field(&self, w: &mut JsonWriter, post_no: PostNo) -> Option<()> {
        let post = self.rows.get::<Post>(&post_no)?;
        w.text_field(
            "post",
            &self.text(|renderer, w| renderer.post(w, post_no, &post)),
        );
        Some(())
    }

    fn reaction_data(
        &self,
        w: &mut JsonWriter,
        broadcast: &mut Broadcast,
        channel: ChannelNo,
        reaction: &ReactionEvent,
    ) {
        broadcast.channel = self.channel_id(channel);
        let channel_id = broadcast.channel.clone();
        let text = self.text(|renderer, w| renderer.reaction_event(w, &channel_id, reaction));
        w.text_field("reaction", &text);
    }

    /// A text that only one user sees: a post that is stored nowhere.
    fn ephemeral(
        &self,
        w: &mut JsonWriter,
        (channel, user): (ChannelNo, UserNo),
        text: &str,
        now_ms: i64,
    ) {
        // Clients tell posts apart by id; this one needs none that anybody could look up.
        let digest = blake3::hash(format!("{}/{}/{now_ms}/{text}", channel.0, user.0).as_bytes());
        let mut uuid = [0; 16];
        uuid.iter_mut()
            .zip(digest.as_bytes())
            .for_each(|(to, from)| *to = *from);
        let post = self.text(|renderer, w| {
            w.begin_object();
            w.text_field("id", Id::from_uuid_bytes(uuid).as_str());
            w.integer_field("create_at", now_ms);
            w.integer_field("update_at", now_ms);
            w.integer_field("edit_at", 0);
            w.integer_field("delete_at", 0);
            w.boolean_field("is_pinned", false);
            w.text_field("user_id", &renderer.user_id(user));
            w.text_field("channel_id", &renderer.channel_id(channel));
            w.text_field("root_id", "");
            w.text_field("original_id", "");
            w.text_field("message", text);
            w.text_field("type", "system_ephemeral");
            w.raw_field("props", "{}");
            w.text_field("hashtags", "");
            w.texts_field("file_ids", []);
            w.text_field("pending_post_id", "");
            w.integer_field("reply_count", 0);
            w.integer_field("last_reply_at", 0);
            w.raw_field("participants", "null");
            w.raw_field("metadata", "{}");
            w.end_object();
        });
        w.text_field("post", &post);
    }
}
