//! Local users, their team and channels, what they write, and rows looked up by the letters of
//! their ids.

use super::frames::{id, parsed_id};
use super::{START, World, acts};
use crate::boundary::input::Actor;
use crate::boundary::output::Object;
use crate::model::{Channel, ChannelKind, ChannelPost, FileBytes, Post, Reaction, User, kind};
use crate::objects::posts;
use crate::rows::fixture;
use crate::rows::id::{ChannelNo, PostNo, TeamNo, UserNo};
use crate::rows::lookup;
use crate::rows::tx::Read;

/// The first account.
pub const ADMIN: UserNo = UserNo(1);
pub const ANN: UserNo = UserNo(2);
pub const BOB: UserNo = UserNo(3);
/// In no team.
pub const EVE: UserNo = UserNo(4);
/// `crew`, the first team; anybody may join it.
pub const TEAM: TeamNo = TeamNo(1);
/// Its default channel.
pub const TOWN: ChannelNo = ChannelNo(1);

impl World {
    /// With an administrator, ann, bob and eve; the first three are in `crew`.
    pub fn new() -> World {
        let mut world = World::empty();
        for name in ["admin", "ann", "bob", "eve"] {
            world.act(Actor::System, acts::account(name)).unwrap();
        }
        world.create_crew();
        for user in [ANN, BOB] {
            world.by(user, acts::join_team(TEAM, user)).unwrap();
        }
        world
    }

    /// The first account founds the team.
    pub fn create_crew(&mut self) {
        self.by(ADMIN, acts::team("crew", "The Crew", true))
            .unwrap();
    }

    pub fn create_channel(&mut self, user: UserNo, name: &str, kind: ChannelKind) -> ChannelNo {
        match self.by(user, acts::channel(name, kind)).unwrap() {
            Object::Channel(channel) => channel,
            other => panic!("{other:?}"),
        }
    }

    pub fn write(&mut self, user: UserNo, channel: ChannelNo, message: &str) -> PostNo {
        self.write_in(user, channel, None, message)
    }

    pub fn reply(&mut self, user: UserNo, root: PostNo, message: &str) -> PostNo {
        let channel = self.get::<Post>(&root).channel;
        self.write_in(user, channel, Some(root), message)
    }

    fn write_in(
        &mut self,
        user: UserNo,
        channel: ChannelNo,
        root: Option<PostNo>,
        message: &str,
    ) -> PostNo {
        match self.by(user, acts::post(channel, root, message)).unwrap() {
            Object::Post(post) => post,
            other => panic!("{other:?}"),
        }
    }

    /// How many files and pictures have the bytes whose digest ends with this byte.
    pub fn uses(&self, byte: u8) -> u64 {
        let row = self.host.get::<FileBytes>(&format!("{byte:064x}"));
        row.map_or(0, |row| row.files)
    }

    /// The system messages of a channel, oldest first: type, text and properties.
    pub fn notices(&self, channel: ChannelNo) -> Vec<(String, String, String)> {
        let listed = self.host.prefix::<ChannelPost, _>(&channel, 200);
        listed
            .into_iter()
            .map(|((_, _, number), _)| self.get::<Post>(&number))
            .filter(|post| post.kind.starts_with("system_"))
            .map(|post| (post.kind, post.message, post.props))
            .collect()
    }

    /// An account whose id is made of its name.
    pub fn account_with_id(&mut self, name: &str) -> UserNo {
        let Object::User(no) = self.act(Actor::System, acts::account(name)).unwrap() else {
            panic!("not an account")
        };
        self.alter::<User>(&no, |user| user.id = parsed_id(name));
        self.step(|tx| tx.bind_id(kind::USER, parsed_id(name), no.0));
        no
    }

    /// A public channel of the administrator whose id is made of its name, without hyphens.
    pub fn channel_with_id(&mut self, name: &str) -> ChannelNo {
        let no = self.create_channel(ADMIN, name, ChannelKind::Public);
        let id = parsed_id(&name.replace('-', ""));
        self.alter::<Channel>(&no, |channel| channel.id = id);
        self.step(|tx| tx.bind_id(kind::CHANNEL, id, no.0));
        no
    }

    /// Stores a post of an author in a channel, bypassing every rule.
    pub fn plant(&mut self, letters: &str, author: &str, channel: &str, message: &str) {
        let post = Post {
            id: parsed_id(letters),
            origin: self.user(author).unwrap().origin,
            user: self.user_no(author).unwrap(),
            channel: self.channel_no(channel).unwrap(),
            message: message.to_string(),
            ..fixture::post(0, START, None)
        };
        self.step(|tx| posts::insert(tx, post));
    }

    pub fn user_no(&self, letters: &str) -> Option<UserNo> {
        lookup::user(&self.host, &id(letters))
    }

    pub fn user(&self, letters: &str) -> Option<User> {
        self.host.get::<User>(&self.user_no(letters)?)
    }

    pub fn channel_no(&self, letters: &str) -> Option<ChannelNo> {
        lookup::channel(&self.host, &id(letters))
    }

    pub fn channel(&self, letters: &str) -> Option<Channel> {
        self.host.get::<Channel>(&self.channel_no(letters)?)
    }

    pub fn post_no(&self, letters: &str) -> Option<PostNo> {
        lookup::post(&self.host, &id(letters))
    }

    pub fn post(&self, letters: &str) -> Option<Post> {
        self.host.get::<Post>(&self.post_no(letters)?)
    }

    /// The reactions to a post: emoji, and whether it is live.
    pub fn reactions(&self, letters: &str) -> Vec<(String, bool)> {
        let Some(no) = self.post_no(letters) else {
            return Vec::new();
        };
        self.host
            .prefix::<Reaction, _>(&no, 100)
            .into_iter()
            .map(|((_, _, emoji), row)| (emoji, row.delete_at == 0))
            .collect()
    }
}
