//! The JSON of the client API, from rows. Keys and their order are those of the reference's 11.6
//! line. Client API §5, §11.
//!
//! Everything that depends on who reads is decided by the [`Viewer`]; whether they may read the
//! object at all is decided by [`authority`](crate::authority) before.

mod channel;
mod event;
mod mention;
mod post;
mod sharing;
mod team;
#[cfg(test)]
mod tests;
mod user;

pub use event::{EventFrame, event};
pub use mention::mentions;

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::authority;
use crate::boundary::output::{Object, Refusal};
use crate::model::{Channel, ChannelMember, Connection, Post, Reaction, Team, TeamMember, User};
use crate::query::sharing::connection_of_workspace;
use crate::rows::id::{ChannelNo, PostNo, TeamNo, UserNo, WorkspaceNo};
use crate::rows::tx::Read;
use crate::wire::write::JsonWriter;

/// Who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewer {
    /// The operator of the service.
    System,
    /// A user with a session.
    User {
        /// Who.
        user: UserNo,
        /// Whether they administer the system.
        admin: bool,
    },
}

impl Viewer {
    /// The viewer that a user is.
    pub fn of(rows: &(impl Read + ?Sized), user: UserNo) -> Viewer {
        Viewer::User {
            user,
            admin: authority::is_system_admin(rows, user),
        }
    }

    /// Whether they administer the system.
    #[must_use]
    pub fn is_admin(self) -> bool {
        matches!(self, Viewer::System | Viewer::User { admin: true, .. })
    }

    fn is(self, user_no: UserNo) -> bool {
        matches!(self, Viewer::User { user, .. } if user == user_no)
    }
}

/// Renders objects for one viewer; remembers the ids it looked up, so use one for a whole answer.
pub struct Renderer<'r, R: Read + ?Sized> {
    rows: &'r R,
    viewer: Viewer,
    ids: RefCell<Ids>,
}

#[derive(Default)]
struct Ids {
    users: BTreeMap<UserNo, String>,
    teams: BTreeMap<TeamNo, String>,
    channels: BTreeMap<ChannelNo, String>,
    posts: BTreeMap<PostNo, String>,
    remotes: BTreeMap<WorkspaceNo, String>,
}

impl<'r, R: Read + ?Sized> Renderer<'r, R> {
    /// A renderer over rows for a viewer.
    pub fn new(rows: &'r R, viewer: Viewer) -> Renderer<'r, R> {
        Renderer {
            rows,
            viewer,
            ids: RefCell::default(),
        }
    }

    /// The JSON text that `write` makes.
    #[must_use]
    pub fn text(&self, write: impl FnOnce(&Self, &mut JsonWriter)) -> String {
        let mut writer = JsonWriter::new();
        write(self, &mut writer);
        // The writer only writes what came in as `str`.
        String::from_utf8(writer.finish()).unwrap_or_default()
    }

    /// The JSON array of several objects.
    #[must_use]
    pub fn list<T>(&self, items: &[T], write: impl Fn(&Self, &mut JsonWriter, &T)) -> String {
        self.text(|renderer, writer| {
            writer.begin_array();
            for item in items {
                write(renderer, writer, item);
            }
            writer.end_array();
        })
    }

    /// What a command made or touched; `None` when it is not there.
    #[must_use]
    pub fn object(&self, object: &Object) -> Option<String> {
        let mut writer = JsonWriter::new();
        let w = &mut writer;
        match object {
            Object::User(no) => self.user(w, *no, &self.rows.get::<User>(no)?),
            Object::Team(no) => self.team(w, &self.rows.get::<Team>(no)?),
            Object::TeamMember(team, user) => {
                self.team_member(
                    w,
                    *team,
                    *user,
                    &self.rows.get::<TeamMember>(&(*team, *user))?,
                );
            }
            Object::Channel(no) => self.channel(w, &self.rows.get::<Channel>(no)?),
            Object::ChannelMember(channel, user) => {
                let member = self.rows.get::<ChannelMember>(&(*channel, *user))?;
                self.channel_member(w, *channel, *user, &member);
            }
            Object::Post(no) => self.post(w, *no, &self.rows.get::<Post>(no)?),
            Object::Reaction(post, user, emoji) => {
                let key = (*post, *user, emoji.clone());
                let reaction = self.rows.get::<Reaction>(&key)?;
                self.reaction(w, &key, &reaction);
            }
            Object::Connection(no) => self.remote_cluster(w, &self.rows.get::<Connection>(no)?),
        }
        String::from_utf8(writer.finish()).ok()
    }

    /// Id of a user; empty when unknown.
    #[must_use]
    pub fn user_id(&self, user: UserNo) -> String {
        self.remember(
            user,
            |ids| &mut ids.users,
            |rows| rows.get::<User>(&user).map(|u| u.id),
        )
    }

    /// Id of a team; empty when unknown.
    #[must_use]
    pub fn team_id(&self, team: TeamNo) -> String {
        self.remember(
            team,
            |ids| &mut ids.teams,
            |rows| rows.get::<Team>(&team).map(|t| t.id),
        )
    }

    /// Id of a channel; empty when unknown.
    #[must_use]
    pub fn channel_id(&self, channel: ChannelNo) -> String {
        let find = |rows: &R| rows.get::<Channel>(&channel).map(|channel| channel.id);
        self.remember(channel, |ids| &mut ids.channels, find)
    }

    /// Id of a post; empty when unknown.
    #[must_use]
    pub fn post_id(&self, post: PostNo) -> String {
        self.remember(
            post,
            |ids| &mut ids.posts,
            |rows| rows.get::<Post>(&post).map(|p| p.id),
        )
    }

    /// `remote_id` of what came from a workspace: that of the connection that stands for it now;
    /// empty for our own.
    #[must_use]
    pub fn remote_id(&self, origin: WorkspaceNo) -> String {
        let find = |rows: &R| connection_of_workspace(rows, origin).map(|(_, c)| c.remote_id);
        self.remember(origin, |ids| &mut ids.remotes, find)
    }

    fn remember<N: Ord + Copy>(
        &self,
        number: N,
        cache: impl Fn(&mut Ids) -> &mut BTreeMap<N, String>,
        find: impl FnOnce(&R) -> Option<crate::rows::id::Id>,
    ) -> String {
        if let Some(id) = cache(&mut self.ids.borrow_mut()).get(&number) {
            return id.clone();
        }
        let id = find(self.rows).map_or_else(String::new, String::from);
        cache(&mut self.ids.borrow_mut()).insert(number, id.clone());
        id
    }
}

/// The error object of a refusal. Client API §2.
#[must_use]
pub fn refusal(refusal: &Refusal, request_id: &str) -> String {
    let mut writer = JsonWriter::new();
    writer.begin_object();
    writer.text_field("id", &refusal.id);
    writer.text_field("message", &refusal.message);
    writer.text_field("detailed_error", "");
    writer.text_field("request_id", request_id);
    writer.integer_field("status_code", i64::from(refusal.status));
    writer.end_object();
    String::from_utf8(writer.finish()).unwrap_or_default()
}

/// A count as JSON has it.
fn integer(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
