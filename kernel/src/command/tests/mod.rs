//! Tests of the commands, through whole steps.

mod accounts;
mod acknowledgements;
mod channels;
mod personal;
mod posts;
mod properties;
mod reactions;

use super::*;
use crate::boundary::input::{Genesis, Input};
use crate::boundary::output::{Effect, Event, Output};
use crate::boundary::output::{Object, Refusal};
use crate::model::{Channel, ChannelPost, Post};
use crate::model::{ChannelKind, Config};
use crate::rows::id::{ChannelNo, PostNo, TeamNo, UserNo};
use crate::rows::testing::MemoryHost;
use crate::rows::tx::Read;

/// A workspace with a clock that moves by a second before each act.
pub(super) struct World {
    pub(super) host: MemoryHost,
    pub(super) now_ms: i64,
}

pub(super) const START_MS: i64 = 1_700_000_000_000;
pub(super) const ADMIN: UserNo = UserNo(1);
pub(super) const ANN: UserNo = UserNo(2);
pub(super) const BOB: UserNo = UserNo(3);
/// In no team.
pub(super) const EVE: UserNo = UserNo(4);
pub(super) const TEAM: TeamNo = TeamNo(1);
pub(super) const TOWN: ChannelNo = ChannelNo(1);

impl World {
    /// After genesis, without users; nobody may sign up.
    pub(super) fn empty() -> World {
        let mut world = World {
            host: MemoryHost::new(),
            now_ms: START_MS,
        };
        let config = Config::default();
        let genesis = Genesis {
            site_url: "http://here.example/".into(),
            config,
        };
        world.run(&Input::Genesis(genesis));
        world
    }

    /// With an administrator, ann, bob and eve; the first three are in the open team `crew`.
    pub(super) fn new() -> World {
        let mut world = World::empty();
        for name in ["admin", "ann", "bob", "eve"] {
            world.act(Actor::System, account(name)).unwrap();
        }
        let team = CreateTeam {
            name: "crew".into(),
            display_name: "The Crew".into(),
            description: String::new(),
            is_open: true,
        };
        world
            .act(Actor::User(ADMIN), Command::CreateTeam(team))
            .unwrap();
        for user in [ANN, BOB] {
            let join = Command::AddTeamMember(AddTeamMember { team: TEAM, user });
            world.act(Actor::User(user), join).unwrap();
        }
        world
    }

    pub(super) fn run(&mut self, input: &Input) -> Output {
        self.now_ms += 1_000;
        self.host.run(self.now_ms, 7, input)
    }

    pub(super) fn output(&mut self, actor: Actor, key: Option<&str>, command: Command) -> Output {
        self.run(&Input::Command {
            actor,
            key: key.map(String::from),
            command,
        })
    }

    pub(super) fn act(&mut self, actor: Actor, command: Command) -> Result<Object, Refusal> {
        result(self.output(actor, None, command))
    }

    pub(super) fn by(&mut self, user: UserNo, command: Command) -> Result<Object, Refusal> {
        self.act(Actor::User(user), command)
    }

    /// The id of the refusal; fails if there is none.
    pub(super) fn refusal(&mut self, user: UserNo, command: Command) -> (u16, String) {
        let refusal = self.by(user, command).unwrap_err();
        (refusal.status, refusal.id)
    }

    pub(super) fn channel(&mut self, user: UserNo, name: &str, kind: ChannelKind) -> ChannelNo {
        match self.by(user, channel(name, kind)).unwrap() {
            Object::Channel(channel) => channel,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn write(&mut self, user: UserNo, channel: ChannelNo, message: &str) -> PostNo {
        self.reply(user, channel, None, message)
    }

    pub(super) fn reply(
        &mut self,
        user: UserNo,
        channel: ChannelNo,
        root: Option<PostNo>,
        message: &str,
    ) -> PostNo {
        match self.by(user, post(channel, root, message)).unwrap() {
            Object::Post(post) => post,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn post(&self, post: PostNo) -> Post {
        self.host.get::<Post>(&post).unwrap()
    }

    pub(super) fn row(&self, channel: ChannelNo) -> Channel {
        self.host.get::<Channel>(&channel).unwrap()
    }

    /// The system messages of a channel, oldest first: type, text and properties.
    pub(super) fn notices(&self, channel: ChannelNo) -> Vec<(String, String, String)> {
        let listed = self.host.prefix::<ChannelPost, _>(&channel, 200);
        listed
            .into_iter()
            .map(|((_, _, number), _)| self.post(number))
            .filter(|post| post.kind.starts_with("system_"))
            .map(|post| (post.kind, post.message, post.props))
            .collect()
    }

    /// Changes a row behind the kernel's back.
    pub(super) fn alter<R: crate::rows::tx::Record>(
        &mut self,
        key: &R::Key,
        change: impl FnOnce(&mut R),
    ) {
        let context = crate::boundary::env::StepContext {
            now_ms: self.now_ms,
            seed: [0; 16],
        };
        let mut tx = Tx::new(&self.host, context);
        let mut row = tx.get::<R>(key).unwrap();
        change(&mut row);
        tx.put(key, &row);
        let (writes, _) = tx.finish();
        self.host.apply(&writes);
    }
}

pub(super) fn result(output: Output) -> Result<Object, Refusal> {
    match output.reply {
        Reply::Object(object) => Ok(object),
        Reply::Refused(refusal) => {
            assert!(output.writes.is_empty(), "a refused command wrote");
            assert!(output.effects.is_empty(), "a refused command had effects");
            Err(refusal)
        }
        other => panic!("{other:?}"),
    }
}

pub(super) fn events(output: &Output) -> Vec<Event> {
    let effects = output.effects.iter();
    effects
        .filter_map(|effect| match effect {
            Effect::Event(event) => Some(event.clone()),
            _ => None,
        })
        .collect()
}

pub(super) fn account(name: &str) -> Command {
    Command::CreateUser(CreateUser::named(name, format!("{name}@here.example")))
}

pub(super) fn channel(name: &str, kind: ChannelKind) -> Command {
    Command::CreateChannel(CreateChannel {
        team: TEAM,
        name: name.into(),
        display_name: String::new(),
        header: String::new(),
        purpose: String::new(),
        kind,
    })
}

pub(super) fn post(channel: ChannelNo, root: Option<PostNo>, message: &str) -> Command {
    Command::CreatePost(CreatePost {
        channel,
        root,
        message: message.into(),
        props: String::new(),
        kind: String::new(),
    })
}

pub(super) fn edit(post: PostNo, message: &str) -> Command {
    Command::EditPost(EditPost {
        post,
        message: Some(message.into()),
        props: None,
        is_pinned: None,
    })
}

pub(super) fn pin(post: PostNo, is_pinned: bool) -> Command {
    Command::EditPost(EditPost {
        post,
        message: None,
        props: None,
        is_pinned: Some(is_pinned),
    })
}
