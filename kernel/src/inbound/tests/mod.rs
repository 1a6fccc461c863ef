//! A workspace with two peers, and what they may and may not do to it.

mod acknowledgements;
mod gate;
mod guarded_invites;
mod hostile;
mod invites;
mod names;
mod parts;
mod policies;
mod posts;
mod reactions;
mod sharing;
mod users;
mod whole_posts;

use serde_json::{Value, json};

use crate::boundary::behaviour;
use crate::boundary::env::StepContext;
use crate::boundary::input::{Actor, FramePart, Incarnation, Input};
use crate::boundary::output::{Effect, Refusal, Reply};
use crate::command::Command;
use crate::model::{
    Channel, ChannelKind, Config, Connection, ConnectionState, Link, LinkEnd, LinkState, MetaRow,
    PeerKind, PeerWorkspace, Place, Post, Reaction, SharedChannel, Team, User, Workspace, kind,
};
use crate::objects::{channels, members, posts as store, remote_names, users as accounts};
use crate::outbound;
use crate::rows::id::{ChannelNo, ConnectionNo, FeedSeq, Id, PostNo, TeamNo, UserNo, WorkspaceNo};
use crate::rows::lookup;
use crate::rows::testing::MemoryHost;
use crate::rows::tx::{Read, Tx};

/// The peer that most tests speak as.
pub const ACME: ConnectionNo = ConnectionNo(1);
/// The third party.
pub const OTHER: ConnectionNo = ConnectionNo(2);
/// The time at which a world begins, in ms.
pub const START: i64 = 1_800_000_000_000;

/// An id that is made of a few letters.
pub fn id(letters: &str) -> String {
    format!("{letters:x<26}")
}

fn parsed(letters: &str) -> Id {
    Id::parse(&id(letters)).unwrap()
}

/// A workspace under test.
pub struct World {
    /// Its rows and policies.
    pub host: MemoryHost,
    /// Its clock, in ms.
    pub now_ms: i64,
    /// What its last step caused.
    pub effects: Vec<Effect>,
    steps: u64,
}

impl World {
    /// Team `main` with the channels `joint` (shared with both peers), `acme-only`, `other-only` and
    /// `secret` (shared with nobody); the local user `boss`; users `ann` of acme and `olga` of the
    /// other peer; in `joint` a post by each of the three.
    pub fn new() -> World {
        let mut world = World {
            host: MemoryHost::new(),
            now_ms: START,
            effects: Vec::new(),
            steps: 0,
        };
        world.step(found);
        world.sync(ACME, json!({"users": {"a": user("ann", "ann")}}));
        world.sync(OTHER, json!({"users": {"o": user("olga", "olga")}}));
        world.sync(ACME, json!({"posts": [post("pann", "ann", "by ann")]}));
        world.sync(OTHER, json!({"posts": [post("polga", "olga", "by olga")]}));
        world.step(|tx| {
            let channel = lookup::channel(tx, &id("joint")).unwrap();
            let no = lookup::user(tx, &id("boss")).unwrap();
            let post = Post {
                id: parsed("pboss"),
                message: "by boss".to_string(),
                ..blank_post(channel, no)
            };
            store::insert(tx, post);
        });
        world
    }

    /// As [`World::new`], with every behaviour in force from here on.
    pub fn of_today() -> World {
        let mut world = World::new();
        world.step(|tx| behaviour::adopt(tx).unwrap());
        world
    }

    /// Carries out a command of the operator.
    pub fn command(&mut self, command: Command) -> Result<(), Refusal> {
        let reply = self.step(|tx| crate::command::carry_out(tx, Actor::System, None, &command));
        match reply {
            Reply::Refused(refusal) => Err(refusal),
            _ => Ok(()),
        }
    }

    /// Carries out a step.
    pub fn step<R>(&mut self, act: impl FnOnce(&mut Tx<'_>) -> R) -> R {
        self.steps += 1;
        self.now_ms += 10;
        let context = StepContext {
            now_ms: self.now_ms,
            seed: u128::from(self.steps).to_be_bytes(),
        };
        let mut tx = Tx::new(&self.host, context);
        let result = act(&mut tx);
        let (writes, effects) = tx.finish();
        self.host.apply(&writes);
        self.effects = effects;
        result
    }

    /// Does everything that is due.
    pub fn settle(&mut self) {
        for _ in 0..100 {
            self.now_ms += 10;
            let output = self.host.run(self.now_ms, 1, &Input::Timer);
            let wakes =
                |effect: &Effect| matches!(effect, Effect::Wake { at_ms } if *at_ms <= self.now_ms);
            if !output.effects.iter().any(wakes) {
                return;
            }
        }
        panic!("there is always something due");
    }

    /// Sends a body; the answer's status and JSON.
    pub fn body(&mut self, connection: ConnectionNo, body: &[u8]) -> (u16, Value) {
        self.body_without(connection, body, &[])
    }

    /// Sends a body of which some items are left out.
    pub fn body_without(
        &mut self,
        connection: ConnectionNo,
        body: &[u8],
        skip: &[(u32, u32)],
    ) -> (u16, Value) {
        let mut reply = self.step(|tx| super::frame(tx, connection, body, skip));
        while matches!(reply, Reply::Unfinished { .. }) {
            reply = self.step(|tx| super::part(tx, connection, &FramePart::Items(u32::MAX)));
        }
        let Reply::Http { status, body } = reply else {
            panic!("not an answer: {reply:?}")
        };
        (status, serde_json::from_slice(&body).unwrap())
    }

    /// The body of a message.
    pub fn frame(&self, connection: ConnectionNo, topic: &str, payload: &Value) -> Vec<u8> {
        let remote_id = self.host.get::<Connection>(&connection).unwrap().remote_id;
        let frame = json!({
            "remote_id": remote_id.as_str(),
            "msg": {"id": id("m"), "topic": topic, "create_at": START, "payload": payload},
        });
        serde_json::to_vec(&frame).unwrap()
    }

    /// Sends a message; its answer must be 200.
    pub fn message(&mut self, connection: ConnectionNo, topic: &str, payload: Value) -> Value {
        let body = self.frame(connection, topic, &payload);
        let (status, answer) = self.body(connection, &body);
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// Sends a sync message about `joint`, or the channel that it names; its answer.
    pub fn answer(&mut self, connection: ConnectionNo, mut payload: Value) -> Value {
        if payload.get("channel_id").is_none() {
            payload["channel_id"] = json!(id("joint"));
        }
        payload["id"] = json!(id("s"));
        self.message(connection, "sharedchannel_sync", payload)
    }

    /// As [`World::answer`], of which the response is wanted.
    pub fn sync(&mut self, connection: ConnectionNo, payload: Value) -> Value {
        let answer = self.answer(connection, payload);
        assert_eq!(answer["status"], "OK", "{answer}");
        answer["payload"].clone()
    }

    /// A stored post.
    pub fn post(&self, letters: &str) -> Option<Post> {
        self.host.get::<Post>(&self.post_no(letters)?)
    }

    /// The number of a stored post.
    pub fn post_no(&self, letters: &str) -> Option<PostNo> {
        lookup::post(&self.host, &id(letters))
    }

    /// A stored user.
    pub fn user(&self, letters: &str) -> Option<User> {
        self.host.get::<User>(&self.user_no(letters)?)
    }

    /// The number of a stored user.
    pub fn user_no(&self, letters: &str) -> Option<UserNo> {
        lookup::user(&self.host, &id(letters))
    }

    /// The number of a channel.
    pub fn channel_no(&self, letters: &str) -> Option<ChannelNo> {
        lookup::channel(&self.host, &id(letters))
    }

    /// A stored channel.
    pub fn channel(&self, letters: &str) -> Option<Channel> {
        self.host.get::<Channel>(&self.channel_no(letters)?)
    }

    /// Emoji, user and liveness of a post's reactions.
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

    /// What the last step told the metrics, by reason.
    pub fn refused(&self) -> Vec<(String, u32)> {
        self.effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Refused { reason, items, .. } => Some((reason.clone(), *items)),
                _ => None,
            })
            .collect()
    }
}

/// The JSON of a profile.
pub fn user(letters: &str, name: &str) -> Value {
    json!({
        "id": id(letters), "create_at": START - 1000, "update_at": START, "delete_at": 0,
        "username": name, "password": "********", "auth_service": "", "email": "real@x.example",
        "nickname": "", "first_name": "", "last_name": "", "position": "", "roles": "system_user",
        "props": {}, "locale": "en", "timezone": {}, "remote_id": "",
    })
}

/// The JSON of a post in `joint`.
pub fn post(letters: &str, author: &str, message: &str) -> Value {
    json!({
        "id": id(letters), "create_at": START, "update_at": START, "edit_at": 0, "delete_at": 0,
        "is_pinned": false, "user_id": id(author), "channel_id": id("joint"), "root_id": "",
        "original_id": "", "message": message, "type": "", "props": {}, "hashtags": "",
        "file_ids": [], "pending_post_id": "", "metadata": {},
    })
}

/// The JSON of an invitation.
pub fn invite(letters: &str, name: &str) -> Value {
    json!({
        "channel_id": id(letters), "team_id": id("theirs"), "read_only": false, "name": name,
        "display_name": "Their Lounge", "header": "H", "purpose": "P", "type": "O",
        "creator_id": "", "direct_participant_ids": null, "direct_participants": null,
    })
}

/// Sends an invitation; its answer.
pub fn send(world: &mut World, connection: ConnectionNo, invite: Value) -> Value {
    world.message(connection, "sharedchannel_invite", invite)
}

/// The link of a channel to a connection.
pub fn link(world: &World, letters: &str, connection: ConnectionNo) -> Option<Link> {
    world.host.get(&(world.channel_no(letters)?, connection))
}

/// The answer to an invitation that is accepted.
pub fn accepted() -> Value {
    json!({"status": "OK", "err": "", "payload": null})
}

/// An object with some members changed.
pub fn with(mut object: Value, changes: Value) -> Value {
    for (key, value) in changes.as_object().unwrap() {
        object[key] = value.clone();
    }
    object
}

/// The JSON of a reaction.
pub fn reaction(post: &str, author: &str, emoji: &str) -> Value {
    json!({
        "user_id": id(author), "post_id": id(post), "emoji_name": emoji, "create_at": START,
        "update_at": START, "delete_at": 0, "remote_id": "", "channel_id": "",
    })
}

/// The JSON of an acknowledgement that stands, or is withdrawn with its time (0 = not told).
pub fn acknowledgement(post: &str, author: &str, acknowledged_at: i64, delete_at: i64) -> Value {
    let time = |at: i64| if at == 0 { 0 } else { START + at };
    json!({
        "user_id": id(author), "post_id": id(post), "acknowledged_at": time(acknowledged_at),
        "delete_at": time(delete_at), "channel_id": id("joint"),
    })
}

/// A post of ours to fill in.
pub fn blank_post(channel: ChannelNo, user: UserNo) -> Post {
    Post {
        id: parsed("blank"),
        origin: WorkspaceNo::OURS,
        user,
        channel,
        root: None,
        create_at: 0,
        update_at: 0,
        edit_at: 0,
        delete_at: 0,
        origin_update_at: 0,
        is_pinned: false,
        message: String::new(),
        kind: String::new(),
        props: String::new(),
        hashtags: String::new(),
        reply_count: 0,
        last_reply_at: 0,
        reaction_count: 0,
        pending_post_id: String::new(),
        feed_seq: FeedSeq(0),
        moderated: false,
        ordered_at: 0,
    }
}

fn found(tx: &mut Tx<'_>) {
    let incarnation = Incarnation {
        id: parsed("incarnation"),
        number: 1,
    };
    let workspace = Workspace {
        id: parsed("workspace"),
        incarnation,
        site_url: "https://here.example".to_string(),
        config: Config::default(),
    };
    tx.put(&MetaRow::WORKSPACE, &MetaRow::Workspace(workspace));
    let boss = local_user(tx);
    let team = tx.next_team();
    let row = Team {
        id: parsed("team"),
        create_at: START,
        update_at: START,
        delete_at: 0,
        display_name: "Main".to_string(),
        name: "main".to_string(),
        description: String::new(),
        is_open: true,
    };
    tx.bind_id(kind::TEAM, row.id, team.0);
    tx.put(&team, &row);
    members::join_team(tx, team, boss, true);
    connect(tx, "acme", boss);
    connect(tx, "other", boss);
    let joint = local_channel(tx, team, "joint", boss);
    let acme_only = local_channel(tx, team, "acme-only", boss);
    let other_only = local_channel(tx, team, "other-only", boss);
    local_channel(tx, team, "secret", boss);
    for (channel, connection) in [
        (joint, ACME),
        (joint, OTHER),
        (acme_only, ACME),
        (other_only, OTHER),
    ] {
        share(tx, channel, connection, boss);
    }
}

fn local_user(tx: &mut Tx<'_>) -> UserNo {
    let boss = User {
        id: parsed("boss"),
        origin: WorkspaceNo::OURS,
        create_at: START,
        update_at: START,
        delete_at: 0,
        username: "boss".to_string(),
        email: "boss@here.example".to_string(),
        nickname: String::new(),
        first_name: String::new(),
        last_name: String::new(),
        position: String::new(),
        roles: "system_admin system_user".to_string(),
        locale: "en".to_string(),
        timezone: String::new(),
        props: String::new(),
        last_picture_update: 0,
        remote: None,
        feed_seq: FeedSeq(0),
    };
    accounts::insert(tx, &boss)
}

/// Adds a confirmed connection to a workspace of its own.
pub fn connect(tx: &mut Tx<'_>, name: &str, creator: UserNo) -> ConnectionNo {
    let workspace = tx.next_workspace();
    connect_to(tx, name, creator, workspace)
}

/// Adds a confirmed connection to a workspace.
pub fn connect_to(
    tx: &mut Tx<'_>,
    name: &str,
    creator: UserNo,
    workspace: WorkspaceNo,
) -> ConnectionNo {
    let no = tx.next_connection();
    tx.put(
        &workspace,
        &PeerWorkspace {
            connection: Some(no),
            incarnation: None,
            channels: 0,
            users: 0,
        },
    );
    let connection = Connection {
        remote_id: tx.new_id(),
        workspace,
        name: name.to_string(),
        display_name: name.to_uppercase(),
        site_url: format!("https://{name}.example"),
        default_team_id: String::new(),
        creator,
        create_at: START,
        delete_at: 0,
        last_ping_at: 0,
        state: ConnectionState::Confirmed,
        kind: PeerKind::Mattermost11,
        attempt: 0,
        failures: 0,
        retry_at: 0,
        people_cursor: FeedSeq(0),
        unknown_reactions: 0,
        unknown_reactions_to: FeedSeq(0),
        turn: ChannelNo(0),
        suspended: None,
        remote_team_id: String::new(),
    };
    tx.bind_id(kind::CONNECTION, connection.remote_id, no.0);
    if lookup::connection_name(tx, name).is_none() {
        tx.bind_name(kind::CONNECTION_NAME, name, no.0);
    }
    tx.put(&no, &connection);
    no
}

fn local_channel(tx: &mut Tx<'_>, team: TeamNo, name: &str, creator: UserNo) -> ChannelNo {
    let channel = Channel {
        id: parsed(&name.replace('-', "")),
        origin: WorkspaceNo::OURS,
        place: Place::Team {
            team,
            kind: ChannelKind::Public,
        },
        create_at: START,
        update_at: START,
        delete_at: 0,
        display_name: name.to_string(),
        name: name.to_string(),
        header: String::new(),
        purpose: String::new(),
        creator: Some(creator),
        last_post_at: 0,
        last_root_post_at: 0,
        last_update_at: START,
        msg_count: 0,
        root_msg_count: 0,
        read_only: false,
        shared: false,
    };
    let no = channels::insert(tx, &channel);
    members::join_channel(tx, no, creator, true);
    no
}

fn share(tx: &mut Tx<'_>, no: ChannelNo, connection: ConnectionNo, creator: UserNo) {
    let mut channel = tx.get::<Channel>(&no).unwrap();
    let row = SharedChannel {
        home: true,
        read_only: false,
        creator: Some(creator),
        create_at: START,
        connection: None,
    };
    crate::sharing::mark_shared(tx, no, &mut channel, &row);
    crate::sharing::link::open(tx, no, connection, LinkState::Active, true, creator);
}
