//! WebSocket events. Client API §9.5.

mod personal;

use std::borrow::Cow;
use std::collections::BTreeMap;

use causeway_kernel::authority;
use causeway_kernel::boundary::output::{AcknowledgementEvent, Event, ReactionEvent};
use causeway_kernel::model::{
    Channel, ChannelMember, CustomEmoji, PersonalKind, Place, Post, Team, TeamMember, User,
};
use causeway_kernel::objects::mentions;
use causeway_kernel::objects::posts::is_system;
use causeway_kernel::rows::id::{ChannelNo, Id, PostNo, UserNo};
use causeway_kernel::rows::tx::Read;
use serde::Serialize;

use super::file::FileView;
use super::post::{Metadata, PostView, kind};
use super::user::UserView;
use super::{Null, Viewer, Views, non_empty, text};
use crate::query::{channels, drafts};

/// Maximum bytes of a post's JSON in an event; a larger post is sent without properties and reactions. As a
/// string within JSON it may become twice as long.
pub const EVENT_POST_BYTES_MAX: usize = 512 * 1024;

/// The recipients of an event, in the form clients expect.
#[derive(Clone, Default, Serialize)]
struct Broadcast {
    omit_users: Null,
    user_id: String,
    channel_id: String,
    team_id: String,
    connection_id: &'static str,
    omit_connection_id: &'static str,
}

/// The `data` of an event. Objects are included as strings with their JSON, except for `user`.
#[derive(Default, Serialize)]
struct Data<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledgement: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<String>,
    #[serde(rename = "channelMember", skip_serializing_if = "Option::is_none")]
    channel_member: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel_display_name: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    creator_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delete_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    draft: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    emoji: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<String>,
    #[serde(rename = "otherFile", skip_serializing_if = "Option::is_none")]
    other_file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    post: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preferences: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reaction: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remover_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    roles: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    set_online: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    team: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    team_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    teammate_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    teammate_ids: Option<String>,
    #[serde(rename = "updatedCategories", skip_serializing_if = "Option::is_none")]
    updated_categories: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<UserView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
}

/// Groups of readers for whom an event looks the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Share {
    /// The user whom it is about, if they see more or something else.
    Own,
    /// Administrators, if they see more.
    Admins,
    /// Everybody else.
    Others,
}

/// An event being sent to its readers. The common part is rendered once for each [`Share`]; only a short part
/// is each reader's own.
pub struct EventText<'r, R: Read + ?Sized, T> {
    rows: &'r R,
    event: &'r Event,
    now_ms: i64,
    shared: BTreeMap<Share, Option<CommonText<T>>>,
}

struct CommonText<T> {
    text: T,
    broadcast: Broadcast,
    /// A new post, which may mention its readers.
    posted: Option<(PostNo, Post)>,
}

impl<'r, R: Read + ?Sized, T: Clone> EventText<'r, R, T> {
    /// An event as given by the current rows. `now_ms` is the time of an ephemeral message, which has no row.
    pub fn new(rows: &'r R, event: &'r Event, now_ms: i64) -> EventText<'r, R, T> {
        EventText {
            rows,
            event,
            now_ms,
            shared: BTreeMap::new(),
        }
    }

    /// The id of the WebSocket connection whose client caused the event and is not told of it.
    #[must_use]
    pub fn omitted_connection(&self) -> Option<String> {
        let Event::PersonalSet(user, PersonalKind::Draft, names) = self.event else {
            return None;
        };
        let draft = drafts::by_name(self.rows, *user, names.first()?)?;
        non_empty(draft.connection_id)
    }

    /// The event's JSON for one user, up to and including `broadcast` and without the closing brace: the part
    /// that others also get, as returned by `keep`, and the rest. `None` if the user does not receive it, or
    /// its object no longer exists.
    pub fn of(&mut self, reader: UserNo, keep: impl FnOnce(String) -> T) -> Option<(T, String)> {
        if !authority::hears(self.rows, self.event, reader) {
            return None;
        }
        let views = Views::new(self.rows, Viewer::of(self.rows, reader));
        let share = views.share(self.event, reader);
        let (event, now_ms) = (self.event, self.now_ms);
        let shared = self.shared.entry(share).or_insert_with(|| {
            let mut broadcast = Broadcast::default();
            let (name, data) = views.event(&mut broadcast, event, reader, now_ms)?;
            let open = data.strip_suffix('}')?;
            Some(CommonText {
                text: keep(format!("{{\"event\":\"{name}\",\"data\":{open}")),
                broadcast,
                posted: views.posted_post(event),
            })
        });
        let shared = shared.as_ref()?;
        Some((shared.text.clone(), views.own(event, shared, reader)))
    }
}

impl<R: Read + ?Sized> Views<'_, R> {
    /// The group to which a reader of an event belongs.
    fn share(&self, event: &Event, reader: UserNo) -> Share {
        match event {
            Event::UserUpdated(user) | Event::UserRemoved(_, user) | Event::LeftTeam(_, user)
                if *user == reader =>
            {
                Share::Own
            }
            Event::UserUpdated(_) if self.viewer.is_admin() => Share::Admins,
            _ => Share::Others,
        }
    }

    /// The post that an event announces.
    fn posted_post(&self, event: &Event) -> Option<(PostNo, Post)> {
        match event {
            Event::Posted(_, post) => Some((*post, self.rows.get::<Post>(post)?)),
            _ => None,
        }
    }

    /// The end of an event's JSON that is only for this reader.
    fn own<T>(&self, event: &Event, shared: &CommonText<T>, reader: UserNo) -> String {
        let mut own = String::new();
        if let Some((post_no, post)) = &shared.posted
            && mentions::tells(self.rows, *post_no, post, reader)
        {
            own.push_str(",\"mentions\":");
            own.push_str(&text(&text(&[self.user_id(reader)])));
        }
        let mut broadcast = shared.broadcast.clone();
        if matches!(event, Event::ChannelCreated(_)) {
            broadcast.user_id = self.user_id(reader);
        }
        own.push_str("},\"broadcast\":");
        own.push_str(&text(&broadcast));
        own
    }

    /// Name and data of an event.
    fn event(
        &self,
        broadcast: &mut Broadcast,
        event: &Event,
        reader: UserNo,
        now_ms: i64,
    ) -> Option<(&'static str, String)> {
        Some(match event {
            Event::Posted(channel, post) => {
                broadcast.channel_id = self.channel_id(*channel);
                ("posted", self.posted(*channel, *post)?)
            }
            Event::PostEdited(channel, post) => {
                broadcast.channel_id = self.channel_id(*channel);
                ("post_edited", self.post_data(*post)?)
            }
            Event::PostDeleted(channel, post) => {
                broadcast.channel_id = self.channel_id(*channel);
                ("post_deleted", self.post_data(*post)?)
            }
            Event::ReactionAdded(channel, reaction) => {
                broadcast.channel_id = self.channel_id(*channel);
                let data = self.reaction_data(&broadcast.channel_id, reaction);
                ("reaction_added", data)
            }
            Event::ReactionRemoved(channel, reaction) => {
                broadcast.channel_id = self.channel_id(*channel);
                let data = self.reaction_data(&broadcast.channel_id, reaction);
                ("reaction_removed", data)
            }
            Event::AcknowledgementAdded(channel, acknowledgement) => {
                broadcast.channel_id = self.channel_id(*channel);
                let data = self.acknowledgement_data(acknowledgement);
                ("post_acknowledgement_added", data)
            }
            Event::AcknowledgementRemoved(channel, acknowledgement) => {
                broadcast.channel_id = self.channel_id(*channel);
                let data = self.acknowledgement_data(acknowledgement);
                ("post_acknowledgement_removed", data)
            }
            Event::Ephemeral(channel, user, message) => {
                broadcast.user_id = self.user_id(*user);
                broadcast.channel_id = self.channel_id(*channel);
                let post = Some(self.ephemeral((*channel, *user), message, now_ms));
                let data = Data {
                    post,
                    ..Data::default()
                };
                ("ephemeral_message", text(&data))
            }
            Event::AddedToTeam(team, user) => {
                broadcast.user_id = self.user_id(*user);
                let data = Data {
                    team_id: Some(self.team_id(*team)),
                    user_id: Some(self.user_id(*user)),
                    ..Data::default()
                };
                ("added_to_team", text(&data))
            }
            Event::PersonalSet(user, kind, names) => {
                self.personal_set(broadcast, *user, *kind, names)?
            }
            Event::PersonalDeleted(user, kind, names) => {
                self.personal_deleted(broadcast, *user, *kind, names)?
            }
            Event::EmojiAdded(no) => {
                let row = self.rows.get::<CustomEmoji>(no)?;
                let data = Data {
                    emoji: Some(text(&self.emoji(&row))),
                    ..Data::default()
                };
                ("emoji_added", text(&data))
            }
            Event::ChannelConverted(channel) => {
                let row = self.rows.get::<Channel>(channel)?;
                broadcast.team_id = self.place_team_id(row.place);
                let data = Data {
                    channel_id: Some(row.id.to_string()),
                    ..Data::default()
                };
                ("channel_converted", text(&data))
            }
            Event::ChannelMemberUpdated(channel, user) => {
                broadcast.user_id = self.user_id(*user);
                ("channel_member_updated", self.member_data(*channel, *user)?)
            }
            Event::TeamUpdated(team) | Event::TeamDeleted(team) | Event::TeamRestored(team) => {
                broadcast.team_id = self.team_id(*team);
                let data = Data {
                    team: Some(text(&self.team(&self.rows.get::<Team>(team)?))),
                    ..Data::default()
                };
                let name = match event {
                    Event::TeamDeleted(_) => "delete_team",
                    Event::TeamRestored(_) => "restore_team",
                    _ => "update_team",
                };
                (name, text(&data))
            }
            Event::LeftTeam(team, user) => {
                let team_id = self.team_id(*team);
                if *user == reader {
                    broadcast.user_id = self.user_id(*user);
                } else {
                    broadcast.team_id.clone_from(&team_id);
                }
                let data = Data {
                    team_id: Some(team_id),
                    ..self.user_named(*user)
                };
                ("leave_team", text(&data))
            }
            Event::StatusChanged(user, availability) => {
                let data = Data {
                    status: Some(availability.word()),
                    ..self.user_named(*user)
                };
                ("status_change", text(&data))
            }
            Event::NewUser(user) => ("new_user", text(&self.user_named(*user))),
            Event::UserUpdated(user) => {
                let row = self.rows.get::<User>(user)?;
                let data = Data {
                    user: Some(self.user(*user, &row)),
                    ..Data::default()
                };
                ("user_updated", text(&data))
            }
            Event::UserRoleUpdated(user) => {
                broadcast.user_id = self.user_id(*user);
                let data = Data {
                    roles: Some(self.rows.get::<User>(user)?.roles),
                    ..self.user_named(*user)
                };
                ("user_role_updated", text(&data))
            }
            Event::TeamMemberRoleUpdated(team, user) => {
                broadcast.user_id = self.user_id(*user);
                let member = self.rows.get::<TeamMember>(&(*team, *user))?;
                let data = Data {
                    member: Some(text(&self.team_member(*team, *user, &member))),
                    ..Data::default()
                };
                ("memberrole_updated", text(&data))
            }
            Event::RoleUpdated(role) => {
                let data = Data {
                    role: Some(text(&self.role(*role))),
                    ..Data::default()
                };
                ("role_updated", text(&data))
            }
            Event::UserAdded(channel, user) => {
                let row = self.rows.get::<Channel>(channel)?;
                broadcast.channel_id = row.id.to_string();
                let data = Data {
                    team_id: Some(self.place_team_id(row.place)),
                    ..self.user_named(*user)
                };
                ("user_added", text(&data))
            }
            Event::UserRemoved(channel, user) => {
                let data = self.user_removed(broadcast, *channel, *user, reader);
                ("user_removed", data)
            }
            Event::ChannelCreated(channel) => {
                let row = self.rows.get::<Channel>(channel)?;
                let data = Data {
                    channel_id: Some(row.id.to_string()),
                    team_id: Some(self.place_team_id(row.place)),
                    ..Data::default()
                };
                ("channel_created", text(&data))
            }
            Event::ChannelUpdated(channel) => {
                let row = self.rows.get::<Channel>(channel)?;
                broadcast.channel_id = row.id.to_string();
                let data = Data {
                    channel: Some(text(&self.channel(&row))),
                    ..Data::default()
                };
                ("channel_updated", text(&data))
            }
            Event::DirectAdded(channel, creator, teammate) => {
                broadcast.channel_id = self.channel_id(*channel);
                let data = Data {
                    creator_id: Some(self.user_id(*creator)),
                    teammate_id: Some(self.user_id(*teammate)),
                    ..Data::default()
                };
                ("direct_added", text(&data))
            }
            Event::GroupAdded(channel) => {
                broadcast.channel_id = self.channel_id(*channel);
                let members = channels::all_members(self.rows, *channel);
                let ids: Vec<String> = members.into_iter().map(|no| self.user_id(no)).collect();
                let data = Data {
                    teammate_ids: Some(text(&ids)),
                    ..Data::default()
                };
                ("group_added", text(&data))
            }
            Event::ChannelDeleted(channel) | Event::ChannelRestored(channel) => {
                let row = self.rows.get::<Channel>(channel)?;
                match row.place.public_in() {
                    Some(team) => broadcast.team_id = self.team_id(team),
                    None => broadcast.channel_id = row.id.to_string(),
                }
                let is_restored = matches!(event, Event::ChannelRestored(_));
                let data = Data {
                    channel_id: Some(row.id.to_string()),
                    delete_at: (!is_restored).then_some(row.delete_at),
                    ..Data::default()
                };
                let name = if is_restored {
                    "channel_restored"
                } else {
                    "channel_deleted"
                };
                (name, text(&data))
            }
        })
    }

    fn user_named<'a>(&self, user: UserNo) -> Data<'a> {
        Data {
            user_id: Some(self.user_id(user)),
            ..Data::default()
        }
    }

    /// The removed user is told which channel it was; its members are told who was removed.
    fn user_removed(
        &self,
        broadcast: &mut Broadcast,
        channel: ChannelNo,
        user: UserNo,
        reader: UserNo,
    ) -> String {
        let remover_id = Some("");
        if user == reader {
            broadcast.user_id = self.user_id(user);
            return text(&Data {
                channel_id: Some(self.channel_id(channel)),
                remover_id,
                ..Data::default()
            });
        }
        broadcast.channel_id = self.channel_id(channel);
        text(&Data {
            remover_id,
            ..self.user_named(user)
        })
    }

    fn posted(&self, channel_no: ChannelNo, post_no: PostNo) -> Option<String> {
        let channel = self.rows.get::<Channel>(&channel_no)?;
        let post = self.rows.get::<Post>(&post_no)?;
        let system = is_system(kind(&post));
        let sender_name = if system && post.origin.is_ours() {
            "System".to_string()
        } else {
            format!("@{}", self.username(post.user))
        };
        let display_name = match channel.place {
            Place::Direct => Cow::Owned(format!("@{}", self.username(post.user))),
            Place::Group | Place::Team { .. } => Cow::Borrowed(channel.display_name.as_str()),
        };
        let files = self.files(&post);
        let mark = |is_set: bool| is_set.then_some("true");
        let data = Data {
            channel_display_name: Some(display_name),
            image: mark(files.iter().any(FileView::is_image)),
            other_file: mark(!files.is_empty()),
            channel_name: Some(&channel.name),
            channel_type: Some(channel.place.letter()),
            post: Some(self.post_text(post_no, &post)),
            sender_name: Some(sender_name),
            set_online: Some(post.origin.is_ours() && !system),
            team_id: Some(self.place_team_id(channel.place)),
            ..Data::default()
        };
        Some(text(&data))
    }

    /// A member of a channel, in an event.
    fn member_data(&self, channel: ChannelNo, user: UserNo) -> Option<String> {
        let member = self.rows.get::<ChannelMember>(&(channel, user))?;
        let data = Data {
            channel_member: Some(text(&self.channel_member(channel, user, &member))),
            ..Data::default()
        };
        Some(text(&data))
    }

    fn post_data(&self, post_no: PostNo) -> Option<String> {
        let post = self.rows.get::<Post>(&post_no)?;
        let data = Data {
            post: Some(self.post_text(post_no, &post)),
            ..Data::default()
        };
        Some(text(&data))
    }

    /// A post's JSON, reduced so that it fits into an event whatever it contains.
    fn post_text(&self, post_no: PostNo, post: &Post) -> String {
        let whole = text(&self.post(post_no, post));
        if whole.len() <= EVENT_POST_BYTES_MAX {
            return whole;
        }
        let whole = self.post(post_no, post);
        text(&PostView {
            props: None,
            metadata: whole.metadata.short(),
            ..whole
        })
    }

    fn reaction_data(&self, channel_id: &str, reaction: &ReactionEvent) -> String {
        let data = Data {
            reaction: Some(text(&self.reaction_event(channel_id, reaction))),
            ..Data::default()
        };
        text(&data)
    }

    fn acknowledgement_data(&self, acknowledgement: &AcknowledgementEvent) -> String {
        let data = Data {
            acknowledgement: Some(text(&self.acknowledgement(acknowledgement))),
            ..Data::default()
        };
        text(&data)
    }

    /// A text that only one user sees: a post that is not stored.
    fn ephemeral(
        &self,
        (channel, user): (ChannelNo, UserNo),
        message: &str,
        now_ms: i64,
    ) -> String {
        // Clients distinguish posts by id; this id does not need to be found by anybody.
        let name = format!("{}/{}/{now_ms}/{message}", channel.0, user.0);
        let digest = blake3::hash(name.as_bytes());
        let uuid = digest.as_bytes().first_chunk().copied().unwrap_or_default();
        text(&PostView {
            id: Id::from_uuid_bytes(uuid).as_str(),
            create_at: now_ms,
            update_at: now_ms,
            edit_at: 0,
            delete_at: 0,
            is_pinned: false,
            user_id: self.user_id(user),
            channel_id: self.channel_id(channel),
            root_id: String::new(),
            original_id: "",
            message: message.into(),
            kind: "system_ephemeral",
            props: None,
            hashtags: "",
            file_ids: Vec::new(),
            pending_post_id: "",
            has_reactions: None,
            remote_id: None,
            reply_count: 0,
            last_reply_at: 0,
            participants: (),
            metadata: Metadata::default(),
        })
    }
}
