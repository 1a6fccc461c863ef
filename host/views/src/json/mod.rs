//! The objects of the client API as JSON. Keys and their order are those of the reference's 11.6 line. Client
//! API §5, §11.
//!
//! The [`Viewer`] decides everything that depends on the reader; [`authority`] decides beforehand whether
//! they may read the object at all.

mod bot;
mod bounded;
mod category;
mod channel;
mod components;
mod delivery;
mod draft;
mod emoji;
mod event;
mod file;
mod links;
mod post;
mod preference;
mod role;
mod sharing;
mod status;
mod team;
#[cfg(test)]
mod tests;
mod user;

pub use bounded::{ANSWER_BYTES_MAX, BoundedList, BoundedText, Entries, TooLong, bounded, list};
pub use delivery::{exception_state, file_state, picture_state};
pub use event::{EVENT_POST_BYTES_MAX, EventText};
pub use role::permissions;
pub use sharing::{ChannelInvitationView, RemoteClusterView};
pub use status::StatusView;

use std::cell::RefCell;
use std::collections::BTreeMap;

use causeway_kernel::authority;
use causeway_kernel::boundary::output::{AcknowledgementEvent, Object, Refusal};
use causeway_kernel::model::{
    Acknowledgement, Channel, ChannelMember, Connection, CustomEmoji, File, Place, Post, Reaction,
    Team, TeamMember, User,
};
use causeway_kernel::rows::id::{ChannelNo, Id, PostNo, TeamNo, UserNo, WorkspaceNo};
use causeway_kernel::rows::tx::Read;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::query::sharing::connection_of_workspace;

/// The reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewer {
    /// The operator of the service.
    System,
    /// A user with a session.
    User {
        /// The user.
        user: UserNo,
        /// Whether they administer the system.
        admin: bool,
    },
}

impl Viewer {
    /// A user as the viewer.
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

/// Renders views of rows for one viewer; caches the ids it looked up, so use one for a whole response.
pub struct Views<'r, R: Read + ?Sized> {
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

impl<'r, R: Read + ?Sized> Views<'r, R> {
    /// Views of rows for a viewer.
    pub fn new(rows: &'r R, viewer: Viewer) -> Views<'r, R> {
        Views {
            rows,
            viewer,
            ids: RefCell::default(),
        }
    }

    /// The JSON of an object that a command created or changed; `None` if it does not exist.
    #[must_use]
    pub fn object(&self, object: &Object) -> Option<String> {
        let rows = self.rows;
        Some(match object {
            Object::User(no) => text(&self.user(*no, &rows.get::<User>(no)?)),
            Object::Team(no) => text(&self.team(&rows.get::<Team>(no)?)),
            Object::TeamMember(team, user) => {
                let member = rows.get::<TeamMember>(&(*team, *user))?;
                text(&self.team_member(*team, *user, &member))
            }
            Object::Channel(no) => text(&self.channel(&rows.get::<Channel>(no)?)),
            Object::ChannelMember(channel, user) => {
                let member = rows.get::<ChannelMember>(&(*channel, *user))?;
                text(&self.channel_member(*channel, *user, &member))
            }
            Object::Post(no) => text(&self.post(*no, &rows.get::<Post>(no)?)),
            Object::Reaction(post, user, emoji) => {
                let key = (*post, *user, emoji.clone());
                text(&self.reaction(&key, &rows.get::<Reaction>(&key)?))
            }
            Object::Acknowledgement(post, user) => {
                let row = rows.get::<Acknowledgement>(&(*post, *user))?;
                text(&self.acknowledgement(&AcknowledgementEvent {
                    post: *post,
                    user: *user,
                    acknowledged_at: row.acknowledged_at,
                }))
            }
            Object::File(no) => text(&self.file(&rows.get::<File>(no)?)),
            Object::Role(role) => text(&self.role(*role)),
            Object::Emoji(no) => text(&self.emoji(&rows.get::<CustomEmoji>(no)?)),
            Object::Connection(no) => text(&self.remote_cluster(*no, &rows.get::<Connection>(no)?)),
        })
    }

    /// Id of a user; empty if unknown.
    #[must_use]
    pub fn user_id(&self, user: UserNo) -> String {
        let find = |rows: &R| rows.get::<User>(&user).map(|user| user.id);
        self.remember(user, |ids| &mut ids.users, find)
    }

    /// Id of a team; empty if unknown.
    #[must_use]
    pub fn team_id(&self, team: TeamNo) -> String {
        let find = |rows: &R| rows.get::<Team>(&team).map(|team| team.id);
        self.remember(team, |ids| &mut ids.teams, find)
    }

    /// Id of the team that a channel is in; empty outside teams.
    fn place_team_id(&self, place: Place) -> String {
        place
            .team()
            .map_or_else(String::new, |team| self.team_id(team))
    }

    /// Id of the team of a channel; empty outside teams.
    #[must_use]
    pub fn team_id_of_channel(&self, channel: ChannelNo) -> String {
        let place = self.rows.channel(channel).map(|channel| channel.place);
        place.map_or_else(String::new, |place| self.place_team_id(place))
    }

    /// Id of a channel; empty if unknown.
    #[must_use]
    pub fn channel_id(&self, channel: ChannelNo) -> String {
        let find = |rows: &R| rows.get::<Channel>(&channel).map(|channel| channel.id);
        self.remember(channel, |ids| &mut ids.channels, find)
    }

    /// Id of a post; empty if unknown.
    #[must_use]
    pub fn post_id(&self, post: PostNo) -> String {
        let find = |rows: &R| rows.get::<Post>(&post).map(|post| post.id);
        self.remember(post, |ids| &mut ids.posts, find)
    }

    /// `remote_id` of objects that came from a workspace: that of the connection that now represents it;
    /// empty for our own.
    #[must_use]
    pub fn remote_id(&self, origin: WorkspaceNo) -> String {
        let find = |rows: &R| connection_of_workspace(rows, origin).map(|(_, row)| row.remote_id);
        self.remember(origin, |ids| &mut ids.remotes, find)
    }

    fn remember<N: Ord + Copy>(
        &self,
        number: N,
        cache: impl Fn(&mut Ids) -> &mut BTreeMap<N, String>,
        find: impl FnOnce(&R) -> Option<Id>,
    ) -> String {
        if let Some(id) = cache(&mut self.ids.borrow_mut()).get(&number) {
            return id.clone();
        }
        let id = find(self.rows).map_or_else(String::new, String::from);
        cache(&mut self.ids.borrow_mut()).insert(number, id.clone());
        id
    }
}

/// The JSON text of a view of one object, whose size is bounded by the limits of its row.
#[must_use]
pub fn text(view: &(impl Serialize + ?Sized)) -> String {
    // Views are plain data with strings as keys; these can always be serialised.
    serde_json::to_string(view).unwrap_or_default()
}

/// The error object of a refusal. Client API §2.
#[must_use]
pub fn refusal(refusal: &Refusal, request_id: &str) -> String {
    #[derive(Serialize)]
    struct View<'a> {
        id: &'a str,
        message: &'a str,
        detailed_error: &'a str,
        request_id: &'a str,
        status_code: u16,
    }
    text(&View {
        id: &refusal.id,
        message: &refusal.message,
        detailed_error: "",
        request_id,
        status_code: refusal.status,
    })
}

/// JSON stored as text, unchanged; `None` for a text that is not JSON.
fn stored(json: &str) -> Option<&RawValue> {
    serde_json::from_str(json).ok()
}

/// An object without members.
fn empty_object() -> &'static RawValue {
    static EMPTY: std::sync::OnceLock<Box<RawValue>> = std::sync::OnceLock::new();
    EMPTY.get_or_init(|| RawValue::from_string("{}".into()).unwrap_or_default())
}

/// A key that is always `null`.
type Null = ();

/// A text that is omitted if empty.
fn non_empty(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
