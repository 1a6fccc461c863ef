//! A workspace as seen by a user who is about to act: an act becomes commands about visible
//! objects.

use causeway_kernel::boundary::env::Range;
use causeway_kernel::boundary::input::Actor;
use causeway_kernel::command::{AddChannelMember, Command};
use causeway_kernel::model::{Channel, ChannelMember, ChannelPost, Post, User};
use causeway_kernel::objects::posts::is_system;
use causeway_kernel::rows::id::{ChannelNo, PostNo, UserNo};
use causeway_kernel::rows::key;
use causeway_kernel::rows::tx::{Read, SCAN_BYTES_MAX};

use crate::dice::Dice;
use crate::policies::{DENIED_WORD, REVISED_WORD};
use crate::world::setup::{ADMIN, USERS_EACH};
use causeway_kernel::rows::memory::Tables;

/// Newest posts of a channel among which a user chooses, and limit of the user's reactions to one of them.
pub(super) const CHOICE: u32 = 12;
/// Bytes of a long text.
const LONG_TEXT_BYTES: usize = 16_000;
/// Channels of a workspace at most.
pub(super) const CHANNELS_MAX: u32 = 100;

/// A client's request to its workspace.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) node: usize,
    pub(crate) actor: Actor,
    /// With a key, the client may repeat the request.
    pub(crate) key: Option<String>,
    pub(crate) command: Command,
    /// The request in words.
    pub(crate) told: String,
}

/// See the module.
pub(crate) struct Scene<'w> {
    node: usize,
    /// The visible rows.
    pub(super) rows: &'w Tables,
    /// The user who is about to act.
    pub(super) user: UserNo,
    /// The user's profile.
    pub(super) profile: User,
    /// The number of the act, for texts and names that are unique to it.
    pub(super) number: usize,
    long_texts: bool,
}

/// The channel in which a user acts.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) channel: ChannelNo,
    pub(super) name: String,
}

impl<'w> Scene<'w> {
    /// The scene of one of a node's active users.
    pub(crate) fn new(
        (node, rows): (usize, &'w Tables),
        number: usize,
        long_texts: bool,
        dice: &mut Dice,
    ) -> Option<Scene<'w>> {
        let all = accounts(rows);
        // In place of somebody who is deactivated, the next one acts.
        let first = usize::try_from(dice.below(USERS_EACH as u64)).unwrap_or(0);
        let mut in_turn = all.iter().cycle().skip(first).take(USERS_EACH);
        let (user, profile) = in_turn.find(|(_, row)| row.delete_at == 0)?.clone();
        Some(Scene {
            node,
            rows,
            user,
            profile,
            number,
            long_texts,
        })
    }

    /// The workspace's own accounts, whether active or not.
    pub(super) fn accounts(&self) -> Vec<(UserNo, User)> {
        accounts(self.rows)
    }

    /// The user's name.
    pub(super) fn name(&self) -> &str {
        &self.profile.username
    }

    /// A request by the user.
    pub(super) fn by_user(&self, command: Command, told: String) -> Vec<Request> {
        vec![self.request(self.user, command, told)]
    }

    /// A request by the admin.
    pub(super) fn by_admin(&self, command: Command, told: String) -> Vec<Request> {
        vec![self.request(ADMIN, command, told)]
    }

    /// A request by the user in a channel, which the user joins first if necessary.
    pub(super) fn in_place(&self, place: &Place, command: Command, told: String) -> Vec<Request> {
        self.after_joining(place, self.request(self.user, command, told))
    }

    /// The same for a given request.
    pub(super) fn after_joining(&self, place: &Place, request: Request) -> Vec<Request> {
        let (channel, user) = (place.channel, self.user);
        if self.rows.has::<ChannelMember>(&(channel, user)) {
            return vec![request];
        }
        let join = Command::AddChannelMember(AddChannelMember { channel, user });
        let told = format!("{} joins {}", self.name(), place.name);
        vec![self.request(user, join, told), request]
    }

    /// A request of one of the users.
    pub(super) fn request(&self, user: UserNo, command: Command, told: String) -> Request {
        Request {
            node: self.node,
            actor: Actor::User(user),
            key: None,
            command,
            told,
        }
    }

    /// A channel to act in: usually a shared one, if there is one.
    pub(super) fn place(&self, dice: &mut Dice) -> Option<Place> {
        let mut any = self
            .channels(|channel| channel.name.starts_with("room") || channel.place.team().is_none());
        any.retain(|(no, channel)| {
            channel.place.team().is_some() || self.rows.has::<ChannelMember>(&(*no, self.user))
        });
        let mut shared = any.clone();
        shared.retain(|(_, channel)| channel.shared);
        let list = if shared.is_empty() || dice.chance(100) {
            &any
        } else {
            &shared
        };
        let (channel, row) = dice.pick(list)?.clone();
        let name = row.name;
        Some(Place { channel, name })
    }

    /// Somebody who is known here, with the name.
    pub(super) fn anybody(&self, dice: &mut Dice) -> Option<(UserNo, String)> {
        let users = self.rows.prefix::<User, ()>(&(), CHANNELS_MAX);
        let (no, row) = dice.pick(&users)?;
        Some((*no, row.username.clone()))
    }

    /// A text that no other act writes.
    pub(super) fn text(&self, dice: &mut Dice) -> String {
        let number = self.number;
        let text = match dice.below(30) {
            0 => format!("{DENIED_WORD} {number}"),
            1 => format!("{REVISED_WORD} {number}"),
            2..10 => {
                let users = self.rows.prefix::<User, ()>(&(), CHANNELS_MAX);
                let name = dice.pick(&users).map(|(_, user)| user.username.clone());
                format!("text {number} @{}", name.unwrap_or_default())
            }
            _ => format!("text {number}"),
        };
        if self.long_texts && dice.chance(500) {
            // Twenty of these are more than a message to a peer can hold.
            return format!("{text} {}", "x".repeat(LONG_TEXT_BYTES));
        }
        text
    }

    pub(super) fn channels(&self, wanted: impl Fn(&Channel) -> bool) -> Vec<(ChannelNo, Channel)> {
        let rows = self.rows.prefix::<Channel, ()>(&(), CHANNELS_MAX);
        rows.into_iter().filter(|(_, row)| wanted(row)).collect()
    }

    pub(super) fn text_of(&self, no: PostNo) -> String {
        let row = self.rows.get::<Post>(&no);
        row.map(|row| row.message).unwrap_or_default()
    }

    /// The newest posts of a channel that are live, not system posts, and wanted.
    pub(super) fn posts(
        &self,
        place: &Place,
        wanted: impl Fn(&Post) -> bool,
    ) -> Vec<(PostNo, Post)> {
        let mut posts = self.newest(place);
        posts.retain(|(_, post)| post.delete_at == 0 && !is_system(&post.kind) && wanted(post));
        posts
    }

    /// The newest posts of a channel.
    pub(super) fn newest(&self, place: &Place) -> Vec<(PostNo, Post)> {
        let from = key::encode(&place.channel);
        let newest = self.rows.rows::<ChannelPost>(&Range {
            to: key::prefix_end(&from).unwrap_or_default(),
            from,
            reverse: true,
            rows_max: CHOICE,
            bytes_max: SCAN_BYTES_MAX,
        });
        let numbers = newest.into_iter().map(|((_, _, no), _)| no);
        numbers
            .filter_map(|no| Some((no, self.rows.get::<Post>(&no)?)))
            .collect()
    }
}

fn accounts(rows: &Tables) -> Vec<(UserNo, User)> {
    let all = (1..=USERS_EACH as u64).map(UserNo);
    all.filter_map(|no| Some((no, rows.get::<User>(&no)?)))
        .collect()
}
