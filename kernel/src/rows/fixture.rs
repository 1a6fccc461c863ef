//! Rows for tests of reads, stored without commands. Not used by the service.

#![allow(missing_docs, clippy::unwrap_used)]

use crate::boundary::env::StepContext;
use crate::model::{
    Channel, ChannelKind, ChannelMember, ChannelPost, PinnedPost, Place, Post, Reaction, Team,
    TeamMember, ThreadPost, User, UserChannel, UserTeam, kind,
};
use crate::objects::user_index;
use crate::rows::id::{ChannelNo, FeedSeq, Id, PostNo, TeamNo, UserNo, WorkspaceNo};
use crate::rows::lookup;
use crate::rows::testing::MemoryHost;
use crate::rows::tx::Tx;

/// An id that begins with a letter and contains a number.
pub fn id(letter: char, number: u64) -> Id {
    Id::parse(&format!("{letter}{number:025}")).unwrap()
}

/// Stores rows in a host.
pub fn put(host: &mut MemoryHost, part: impl FnOnce(&mut Tx<'_>)) {
    let mut tx = Tx::new(
        host,
        StepContext {
            now_ms: 1_000,
            seed: [0; 16],
        },
    );
    part(&mut tx);
    let (writes, _) = tx.finish();
    host.apply(&writes);
}

pub fn user(number: u64, username: &str) -> User {
    User {
        id: id('u', number),
        origin: WorkspaceNo::OURS,
        create_at: 1,
        update_at: 2,
        delete_at: 0,
        username: username.into(),
        email: format!("{username}@example.org"),
        nickname: String::new(),
        first_name: String::new(),
        last_name: String::new(),
        position: String::new(),
        roles: "system_user".into(),
        locale: "en".into(),
        timezone: String::new(),
        props: String::new(),
        last_picture_update: 0,
        remote: None,
        feed_seq: FeedSeq(0),
    }
}

pub fn put_user(tx: &mut Tx<'_>, number: u64, user: &User) {
    tx.put(&UserNo(number), user);
    tx.bind_id(kind::USER, user.id, number);
    tx.bind_name(kind::USERNAME, &user.username, number);
    tx.bind_name(kind::EMAIL, &user.email, number);
    user_index::put(tx, UserNo(number), user);
}

pub fn put_team(tx: &mut Tx<'_>, number: u64, name: &str, is_open: bool) {
    let team = Team {
        id: id('t', number),
        create_at: 1,
        update_at: 2,
        delete_at: 0,
        display_name: format!("The {name}"),
        name: name.into(),
        description: String::new(),
        is_open,
    };
    tx.put(&TeamNo(number), &team);
    tx.bind_id(kind::TEAM, team.id, number);
    tx.bind_name(kind::TEAM_NAME, name, number);
}

pub fn join_team(tx: &mut Tx<'_>, team: u64, user: u64) {
    let member = TeamMember {
        create_at: 1,
        delete_at: 0,
        is_admin: false,
    };
    tx.put(&(TeamNo(team), UserNo(user)), &member);
    tx.put(&(UserNo(user), TeamNo(team)), &UserTeam);
}

pub fn put_channel(tx: &mut Tx<'_>, number: u64, team: u64, name: &str, kind: ChannelKind) {
    let channel = Channel {
        id: id('c', number),
        origin: WorkspaceNo::OURS,
        place: Place::Team {
            team: TeamNo(team),
            kind,
        },
        create_at: 1,
        update_at: 2,
        delete_at: 0,
        display_name: format!("The {name}"),
        name: name.into(),
        header: String::new(),
        purpose: String::new(),
        creator: None,
        last_post_at: 0,
        last_root_post_at: 0,
        last_update_at: 0,
        msg_count: 0,
        root_msg_count: 0,
        read_only: false,
        shared: false,
    };
    tx.put(&ChannelNo(number), &channel);
    tx.bind_id(kind::CHANNEL, channel.id, number);
    let key = lookup::team_channel_name_key(TeamNo(team), name);
    tx.bind_name(kind::CHANNEL_NAME, &key, number);
}

pub fn join_channel(tx: &mut Tx<'_>, channel: u64, user: u64, last_viewed_at: i64) {
    let member = ChannelMember {
        create_at: 1,
        update_at: 2,
        is_admin: false,
        last_viewed_at,
        msg_count: 0,
        root_msg_count: 0,
        seen_at: 0,
    };
    tx.put(&(ChannelNo(channel), UserNo(user)), &member);
    tx.put(&(UserNo(user), ChannelNo(channel)), &UserChannel);
}

pub fn post(number: u64, create_at: i64, root: Option<u64>) -> Post {
    Post {
        id: id('p', number),
        origin: WorkspaceNo::OURS,
        user: UserNo(1),
        channel: ChannelNo(1),
        root: root.map(PostNo),
        create_at,
        update_at: create_at,
        edit_at: 0,
        delete_at: 0,
        origin_update_at: create_at,
        is_pinned: false,
        message: format!("message {number}"),
        kind: String::new(),
        props: String::new(),
        hashtags: String::new(),
        reply_count: 0,
        last_reply_at: 0,
        reaction_count: 0,
        pending_post_id: String::new(),
        feed_seq: FeedSeq(0),
        moderated: false,
        ordered_at: create_at,
        priority: None,
        files: Vec::new(),
    }
}

pub fn put_post(tx: &mut Tx<'_>, number: u64, post: &Post) {
    tx.put(&PostNo(number), post);
    tx.bind_id(kind::POST, post.id, number);
    tx.put(
        &(post.channel, post.ordered_at, PostNo(number)),
        &ChannelPost {
            is_live: Some(post.delete_at == 0),
        },
    );
    if let Some(root) = post.root {
        tx.put(&(root, post.ordered_at, PostNo(number)), &ThreadPost);
    }
    if post.is_pinned {
        tx.put(&(post.channel, PostNo(number)), &PinnedPost);
    }
    let mut channel = crate::rows::tx::Read::get::<Channel>(tx, &post.channel).unwrap();
    channel.last_update_at = channel.last_update_at.max(post.update_at);
    tx.put(&post.channel, &channel);
}

pub fn put_reaction(tx: &mut Tx<'_>, post: u64, user: u64, emoji: &str, delete_at: i64) {
    let reaction = Reaction {
        origin: WorkspaceNo::OURS,
        create_at: 5,
        update_at: 5,
        delete_at,
        feed_seq: FeedSeq(0),
    };
    tx.put(&(PostNo(post), UserNo(user), emoji.to_string()), &reaction);
}

/// Users 1 `ann`, 2 `bob`; team 1 with both; channels 1 `town` (public, both), 2 `den` (private,
/// ann alone).
pub fn host() -> MemoryHost {
    let mut host = MemoryHost::new();
    put(&mut host, |tx| {
        put_user(tx, 1, &user(1, "ann"));
        put_user(tx, 2, &user(2, "bob"));
        put_team(tx, 1, "crew", true);
        join_team(tx, 1, 1);
        join_team(tx, 1, 2);
        put_channel(tx, 1, 1, "town", ChannelKind::Public);
        put_channel(tx, 2, 1, "den", ChannelKind::Private);
        join_channel(tx, 1, 1, 0);
        join_channel(tx, 1, 2, 0);
        join_channel(tx, 2, 1, 0);
    });
    host
}
