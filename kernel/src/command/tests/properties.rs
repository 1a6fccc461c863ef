//! Invariants after any sequence of commands by anybody, sensible or not.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::model::{
    Acknowledgement, AcknowledgementCount, EmojiCount, NameRow, PostEmoji, Reaction,
    RemovedReactions, TeamMember, User, kind,
};
use crate::rows::id::{TeamNo, WorkspaceNo};
use crate::rows::lookup::searched_name;
use crate::rows::table::Table;
use crate::rows::tx::Record;

fn actor() -> impl Strategy<Value = Actor> {
    prop_oneof![
        Just(Actor::System),
        Just(Actor::Anonymous),
        (0u64..7).prop_map(|user| Actor::User(UserNo(user))),
    ]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-d]{1,2}", "[ -~]{0,70}", Just("town-square".to_string())]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z #@:]{0,20}", Just(String::new()), "\\PC{0,40}"]
}

fn user() -> impl Strategy<Value = UserNo> {
    (0u64..7).prop_map(UserNo)
}

fn channel_no() -> impl Strategy<Value = ChannelNo> {
    (0u64..6).prop_map(ChannelNo)
}

fn post_no() -> impl Strategy<Value = PostNo> {
    (0u64..30).prop_map(PostNo)
}

fn emoji() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("+1".to_string()),
        Just("tada".to_string()),
        "[ -~]{0,3}"
    ]
}

fn kind() -> impl Strategy<Value = ChannelKind> {
    prop_oneof![Just(ChannelKind::Public), Just(ChannelKind::Private)]
}

fn write() -> impl Strategy<Value = Command> {
    let props = prop_oneof![Just(String::new()), Just(r#"{"a":1}"#.to_string()), text()];
    let kinds = prop_oneof![Just(String::new()), Just("me".to_string()), text()];
    let root = proptest::option::of(post_no());
    (channel_no(), root, text(), props, kinds).prop_map(|(channel, root, message, props, kind)| {
        post_with(channel, root, &message, |new| {
            new.props = props;
            new.kind = kind;
        })
    })
}

fn make() -> impl Strategy<Value = Command> {
    let team = (name(), text(), any::<bool>())
        .prop_map(|(name, display_name, is_open)| super::team(&name, &display_name, is_open));
    let made = (name(), kind(), 0u64..4)
        .prop_map(|(name, kind, team)| channel_with(&name, kind, |new| new.team = TeamNo(team)));
    let patch = (user(), name(), text()).prop_map(|(user, name, nickname)| {
        let patch = UserPatch {
            username: Some(name),
            nickname: Some(nickname),
            ..UserPatch::default()
        };
        patch_user(user, patch)
    });
    prop_oneof![team, made, patch, name().prop_map(|name| account(&name))]
}

fn act() -> impl Strategy<Value = Command> {
    let change = (
        post_no(),
        proptest::option::of(text()),
        proptest::option::of(any::<bool>()),
    );
    prop_oneof![
        6 => write(),
        2 => make(),
        1 => (user(), 0u64..4).prop_map(|(user, team)| join_team(TeamNo(team), user)),
        1 => (channel_no(), user()).prop_map(|(channel, user)| add_member(channel, user)),
        1 => (channel_no(), user()).prop_map(|(channel, user)| remove_member(channel, user)),
        1 => channel_no().prop_map(view),
        2 => change.prop_map(|(post, message, is_pinned)| edit_with(post, |edit| {
            edit.message = message;
            edit.is_pinned = is_pinned;
        })),
        1 => post_no().prop_map(delete),
        3 => (post_no(), emoji()).prop_map(|(post, emoji)| react(post, &emoji)),
        2 => post_no().prop_map(acknowledge),
        1 => post_no().prop_map(withdraw),
        2 => (post_no(), user(), emoji()).prop_map(|(post, user, emoji)| take_back(post, user, &emoji)),
    ]
}

fn rows<R: Record>(world: &World) -> Vec<(R::Key, R)> {
    let of_table = world.host.tables.of(R::TABLE);
    of_table
        .map(|(key, value)| {
            (
                crate::rows::key::decode(key).unwrap(),
                R::from_bytes(value).unwrap(),
            )
        })
        .collect()
}

/// Checks the counts of a post's reactions.
fn check_counts(world: &World, number: PostNo, reactions: &[((PostNo, UserNo, String), Reaction)]) {
    let mut emoji: BTreeMap<(PostNo, String), u32> = BTreeMap::new();
    let mut removed: BTreeMap<UserNo, u32> = BTreeMap::new();
    for ((_, user, name), row) in reactions.iter().filter(|((post, ..), _)| *post == number) {
        match row.delete_at {
            0 => *emoji.entry((number, name.clone())).or_default() += 1,
            _ => *removed.entry(*user).or_default() += 1,
        }
    }
    let different = world.host.get::<PostEmoji>(&number).map_or(0, |it| it.0);
    assert_eq!(different as usize, emoji.len());
    let counted = world.host.prefix::<EmojiCount, _>(&number, 1_000);
    let counted: BTreeMap<_, _> = counted.into_iter().map(|(key, it)| (key, it.0)).collect();
    assert_eq!(counted, emoji);
    let kept = world.host.prefix::<RemovedReactions, _>(&number, 1_000);
    let kept: BTreeMap<_, _> = kept
        .into_iter()
        .map(|((.., user), it)| (user, it.0))
        .collect();
    assert_eq!(kept, removed);
}

/// Checks that every count equals what it counts, and that every index is complete.
fn check(world: &World) {
    let posts: BTreeMap<PostNo, Post> = rows::<Post>(world).into_iter().collect();
    let reactions = rows::<Reaction>(world);
    let mut acknowledged: BTreeMap<(PostNo, WorkspaceNo), u32> = BTreeMap::new();
    for ((post, _), row) in rows::<Acknowledgement>(world) {
        *acknowledged.entry((post, row.origin)).or_default() += 1;
    }
    let counts = rows::<AcknowledgementCount>(world);
    let counted: BTreeMap<(PostNo, WorkspaceNo), u32> = counts
        .into_iter()
        .map(|(key, count)| (key, count.0))
        .collect();
    assert_eq!(counted, acknowledged);
    for (number, post) in &posts {
        let replies = posts.values().filter(|other| other.root == Some(*number));
        let live = replies.filter(|reply| reply.delete_at == 0).count();
        if post.delete_at == 0 {
            assert_eq!(post.reply_count as usize, live, "replies of {number:?}");
            let root = post.root.map(|root| &posts[&root]);
            assert!(root.is_none_or(|root| root.delete_at == 0 && root.root.is_none()));
        } else {
            assert_eq!(live, 0, "a deleted root has live replies");
            assert!(post.message.is_empty() && !post.is_pinned);
        }
        let on_post = reactions.iter().filter(|((post, _, _), _)| post == number);
        let live = on_post
            .filter(|(_, reaction)| reaction.delete_at == 0)
            .count();
        assert_eq!(
            post.reaction_count as usize, live,
            "reactions of {number:?}"
        );
        check_counts(world, *number, &reactions);
        assert!(post.update_at >= post.create_at && post.origin_update_at <= post.update_at);
    }
    for (number, channel) in rows::<Channel>(world) {
        let own = || posts.values().filter(|post| post.channel == number);
        let written = own().filter(|post| !post.kind.starts_with("system_"));
        assert_eq!(channel.msg_count as usize, written.count());
        assert!(own().all(|post| post.update_at <= channel.last_update_at));
        let newest = own().map(|post| post.create_at).max().unwrap_or(0);
        assert_eq!(channel.last_post_at, newest);
    }
    let count = |table| world.host.tables.count(table);
    assert_eq!(count(Table::ChannelPosts), posts.len());
    let pinned = posts.values().filter(|post| post.is_pinned).count();
    assert_eq!(count(Table::PinnedPosts), pinned);
    assert_eq!(count(Table::ChannelMembers), count(Table::UserChannels));
    assert_eq!(rows::<TeamMember>(world).len(), count(Table::UserTeams));
    let names = count(Table::Users) * 2 + count(Table::Teams) + count(Table::Channels);
    let (searched, unique): (Vec<_>, Vec<_>) = rows::<NameRow>(world)
        .into_iter()
        .map(|(key, _)| key)
        .partition(|(kind, _)| *kind == kind::LOCAL_NAME);
    assert_eq!(unique.len(), names, "a name is taken by nobody, or twice");
    let mut found_by = BTreeSet::new();
    for (no, user) in rows::<User>(world) {
        let names = [
            user.username,
            user.nickname,
            user.first_name,
            user.last_name,
        ];
        let names = names.iter().filter(|name| !name.is_empty());
        found_by.extend(names.map(|name| (kind::LOCAL_NAME, searched_name(name, no))));
    }
    assert!(
        searched.into_iter().eq(found_by),
        "users are not found by their names"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn acts_keep_the_rows_in_order(acts in proptest::collection::vec((actor(), act()), 1..120)) {
        let mut world = World::new();
        for (actor, command) in acts {
            let output = world.output(actor, None, command);
            if let Reply::Refused(refusal) = &output.reply {
                prop_assert!(output.writes.is_empty() && output.effects.is_empty());
                prop_assert!((400..=404).contains(&refusal.status));
                prop_assert!(!refusal.id.is_empty() && !refusal.message.is_empty());
            }
        }
        check(&world);
    }

    #[test]
    fn the_same_acts_give_the_same_rows(acts in proptest::collection::vec((actor(), act()), 1..40)) {
        let run = || {
            let mut world = World::new();
            for (actor, command) in acts.clone() {
                world.output(actor, None, command);
            }
            world.host.tables
        };
        prop_assert_eq!(run(), run());
    }
}
