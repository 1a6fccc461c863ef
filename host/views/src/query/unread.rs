//! What a member has not seen. Client API §5, §6.

use std::collections::BTreeMap;
use std::ops::{AddAssign, ControlFlow};

use super::{Walk, channels, notifications, teams};
use causeway_kernel::model::{Channel, ChannelMember, Mention};
use causeway_kernel::rows::id::{ChannelNo, PostNo, TeamNo, UserNo};
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::{Read, Record};

/// Maximum unseen mentions of a user, and of everybody, counted per channel; more count as this many.
pub const MENTIONS_COUNTED_MAX: u64 = 1_000;

/// Unseen mentions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mentioned {
    /// In all posts.
    pub count: u64,
    /// In roots of threads.
    pub root_count: u64,
}

/// What is unseen in one or more channels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unread {
    /// Posts that are not system messages.
    pub msg_count: u64,
    /// Roots among them.
    pub msg_count_root: u64,
    /// Mentions.
    pub mentioned: Mentioned,
}

impl AddAssign for Unread {
    fn add_assign(&mut self, other: Unread) {
        self.msg_count += other.msg_count;
        self.msg_count_root += other.msg_count_root;
        self.mentioned.count += other.mentioned.count;
        self.mentioned.root_count += other.mentioned.root_count;
    }
}

/// The mentions of a member in a channel that they have not seen, including those of everybody.
pub fn mentioned(
    rows: &(impl Read + ?Sized),
    channel: ChannelNo,
    user: UserNo,
    member: &ChannelMember,
) -> Mentioned {
    let mut mentioned = Mentioned::default();
    for who in [user, Mention::EVERYBODY] {
        if who == Mention::EVERYBODY && notifications::ignores_everybody(rows, user, channel) {
            continue;
        }
        let seen = (channel, who, member.seen_at, PostNo(u64::MAX));
        let unseen = Walk::prefix(Table::Mentions, &(channel, who)).after(&seen);
        unseen.each(rows, MENTIONS_COUNTED_MAX, |_, value| {
            if let Some(row) = Mention::from_bytes(value).filter(|row| row.author != user) {
                mentioned.count += 1;
                mentioned.root_count += u64::from(row.is_root);
            }
            ControlFlow::Continue(())
        });
    }
    mentioned
}

/// What a member has not seen in a channel.
pub fn of_channel(
    rows: &(impl Read + ?Sized),
    (channel_no, channel): (ChannelNo, &Channel),
    user: UserNo,
    member: &ChannelMember,
) -> Unread {
    Unread {
        msg_count: channel.msg_count.saturating_sub(member.msg_count),
        msg_count_root: channel.root_msg_count.saturating_sub(member.root_msg_count),
        mentioned: mentioned(rows, channel_no, user, member),
    }
}

/// What a user has not seen in the channels of each of their teams.
pub fn of_teams(rows: &(impl Read + ?Sized), user: UserNo) -> Vec<(TeamNo, Unread)> {
    let mut of_teams: BTreeMap<TeamNo, Unread> = BTreeMap::new();
    for (channel_no, channel) in channels::of_user(rows, user, None, false) {
        let member = rows.get::<ChannelMember>(&(channel_no, user));
        if let Some((team, member)) = channel.place.team().zip(member) {
            let unread = of_channel(rows, (channel_no, &channel), user, &member);
            *of_teams.entry(team).or_default() += unread;
        }
    }
    let of_team = |team: TeamNo| of_teams.get(&team).copied().unwrap_or_default();
    let teams = teams::of_user(rows, user).into_iter();
    teams.map(|(team, _)| (team, of_team(team))).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use causeway_kernel::boundary::behaviour;
    use causeway_kernel::boundary::input::{Actor, Input};
    use causeway_kernel::boundary::output::Reply;
    use causeway_kernel::command::{Command, CreatePost, DeletePost, EditPost, ViewChannel};
    use causeway_kernel::model::Post;
    use causeway_kernel::objects::posts;
    use causeway_kernel::rows::fixture::{self, put};
    use causeway_kernel::rows::id::WorkspaceNo;
    use causeway_kernel::rows::testing::MemoryHost;

    const TOWN: ChannelNo = ChannelNo(1);
    const ANN: UserNo = UserNo(1);
    const BOB: UserNo = UserNo(2);
    const PEERS: UserNo = UserNo(3);

    /// Texts and whom they mention.
    const TEXTS: [(&str, &[UserNo]); 8] = [
        ("hello", &[]),
        ("hello @ann", &[ANN]),
        ("@bob, hello", &[BOB]),
        ("_@ann_ and @bob. @ann", &[ANN, BOB]),
        ("`@ann` https://m.example/@bob", &[]),
        ("@all @ann", &[Mention::EVERYBODY]),
        ("now: @HERE", &[Mention::EVERYBODY]),
        ("@zoe", &[]),
    ];

    #[derive(Clone, Debug)]
    enum Act {
        Write(UserNo, usize, bool),
        Edit(usize, usize),
        Delete(usize),
        View(UserNo),
    }

    /// What every user has not seen: the posts that mention them, individually or as one of all.
    #[derive(Default)]
    struct Model {
        posts: Vec<(PostNo, UserNo, usize, bool)>,
        unseen: BTreeMap<UserNo, BTreeSet<(PostNo, UserNo)>>,
    }

    impl Model {
        fn told(&mut self, post: PostNo, author: UserNo, whom: &[UserNo]) {
            for who in whom.iter().filter(|who| **who != author) {
                for user in [ANN, BOB].into_iter().filter(|user| *user != author) {
                    if *who == user || *who == Mention::EVERYBODY {
                        self.unseen.entry(user).or_default().insert((post, *who));
                    }
                }
            }
        }

        fn forget(&mut self, post: PostNo, is_gone: impl Fn(UserNo) -> bool) {
            for unseen in self.unseen.values_mut() {
                unseen.retain(|(of, who)| *of != post || !is_gone(*who));
            }
        }
    }

    struct World {
        host: MemoryHost,
        model: Model,
        now_ms: i64,
    }

    impl World {
        fn new() -> World {
            let mut host = fixture::host();
            put(&mut host, |tx| {
                behaviour::adopt(tx).unwrap();
                let mut peers = fixture::user(3, "zoe");
                peers.origin = WorkspaceNo(1);
                fixture::put_user(tx, 3, &peers);
                fixture::join_team(tx, 1, 3);
                fixture::join_channel(tx, 1, 3, 0);
            });
            World {
                host,
                model: Model::default(),
                now_ms: 1_000,
            }
        }

        fn by(&mut self, user: UserNo, command: Command) -> Reply {
            self.now_ms += 1;
            let input = Input::Command {
                actor: Actor::User(user),
                key: None,
                command,
            };
            self.host.run(self.now_ms, 7, &input).reply
        }

        fn act(&mut self, act: &Act) {
            match act {
                Act::Write(user, text, is_reply) => self.write(*user, *text, *is_reply),
                Act::Edit(post, text) => self.edit(*post, *text),
                Act::Delete(post) => self.delete(*post),
                Act::View(user) => {
                    let channel = TOWN;
                    self.by(*user, Command::ViewChannel(ViewChannel { channel }));
                    self.model.unseen.remove(user);
                }
            }
        }

        fn write(&mut self, user: UserNo, text: usize, is_reply: bool) {
            let roots = self.model.posts.iter().filter(|(.., is_root)| *is_root);
            let root = roots.map(|(no, ..)| *no).next().filter(|_| is_reply);
            let message = TEXTS[text].0.to_string();
            let before = self.host.prefix::<Post, ()>(&(), 9_999).len();
            if user == PEERS {
                self.now_ms += 1;
                let post = Post {
                    id: fixture::id('z', self.now_ms.unsigned_abs()),
                    origin: WorkspaceNo(1),
                    user,
                    message,
                    root,
                    // Dated before everything that is seen.
                    create_at: 1,
                    ..fixture::post(0, 1, None)
                };
                put(&mut self.host, |tx| {
                    posts::insert(tx, post);
                });
            } else {
                let command = CreatePost {
                    channel: TOWN,
                    root,
                    message,
                    props: String::new(),
                    kind: String::new(),
                    priority: None,
                    files: Vec::new(),
                };
                self.by(user, Command::CreatePost(command));
            }
            let found = self.host.prefix::<Post, ()>(&(), 9_999);
            assert_eq!(found.len(), before + 1);
            let no = found.last().unwrap().0;
            self.model.told(no, user, TEXTS[text].1);
            self.model.posts.push((no, user, text, root.is_none()));
            // The author has seen the channel.
            self.model.unseen.remove(&user);
        }

        fn edit(&mut self, post: usize, text: usize) {
            let count = self.model.posts.len().max(1);
            let Some((no, user, old, _)) = self.model.posts.get(post % count).copied() else {
                return;
            };
            if user == PEERS {
                let mut post = self.host.get::<Post>(&no).unwrap();
                post.message = TEXTS[text].0.to_string();
                put(&mut self.host, |tx| posts::update(tx, no, post));
            } else {
                let command = EditPost {
                    post: no,
                    message: Some(TEXTS[text].0.to_string()),
                    props: None,
                    is_pinned: None,
                };
                self.by(user, Command::EditPost(command));
            }
            let (before, now) = (TEXTS[old].1, TEXTS[text].1);
            self.model.forget(no, |who| !now.contains(&who));
            let added = now.iter().filter(|who| !before.contains(who)).copied();
            self.model.told(no, user, &added.collect::<Vec<_>>());
            self.model.posts[post % count].2 = text;
        }

        fn delete(&mut self, post: usize) {
            let count = self.model.posts.len().max(1);
            let Some((no, user, _, is_root)) = self.model.posts.get(post % count).copied() else {
                return;
            };
            if user == PEERS {
                put(&mut self.host, |tx| posts::delete(tx, no, 0));
            } else {
                self.by(user, Command::DeletePost(DeletePost { post: no }));
            }
            let of_thread = |post: &Post| post.root == Some(no);
            let gone = self.host.prefix::<Post, ()>(&(), 9_999).into_iter();
            let gone = gone.filter(|(of, row)| *of == no || is_root && of_thread(row));
            for (no, _) in gone {
                self.model.forget(no, |_| true);
                self.model.posts.retain(|(of, ..)| *of != no);
            }
        }

        fn check(&self) {
            for user in [ANN, BOB] {
                let member = self.host.get::<ChannelMember>(&(TOWN, user)).unwrap();
                let channel = self.host.get::<Channel>(&TOWN).unwrap();
                let unread = of_channel(&self.host, (TOWN, &channel), user, &member);
                let unseen = self.model.unseen.get(&user).cloned().unwrap_or_default();
                assert_eq!(unread.mentioned.count, unseen.len() as u64, "{user:?}");
                let is_root = |no: &PostNo| self.host.get::<Post>(no).unwrap().root.is_none();
                let roots = unseen.iter().filter(|(no, _)| is_root(no)).count();
                assert_eq!(unread.mentioned.root_count, roots as u64, "{user:?}");
                let of_teams = of_teams(&self.host, user);
                assert_eq!(of_teams.len(), 1);
                assert_eq!(of_teams[0].1.mentioned, unread.mentioned);
            }
        }
    }

    fn any_act() -> impl Strategy<Value = Act> {
        let text = 0..TEXTS.len();
        let author = prop::sample::select(vec![ANN, BOB, PEERS]);
        prop_oneof![
            4 => (author, text.clone(), any::<bool>()).prop_map(|(user, text, is_reply)| {
                Act::Write(user, text, is_reply)
            }),
            3 => (0usize..9, text).prop_map(|(post, text)| Act::Edit(post, text)),
            1 => (0usize..9).prop_map(Act::Delete),
            1 => prop::sample::select(vec![ANN, BOB]).prop_map(Act::View),
        ]
    }

    proptest! {
        #[test]
        fn unseen_mentions_are_counted_whatever_becomes_of_the_posts(
            acts in prop::collection::vec(any_act(), 1..40),
        ) {
            let mut world = World::new();
            for act in &acts {
                world.act(act);
                world.check();
            }
        }
    }

    #[test]
    fn who_joins_later_is_not_told_of_what_was_before() {
        let mut world = World::new();
        world.act(&Act::Write(BOB, 5, false));
        put(&mut world.host, |tx| {
            fixture::put_user(tx, 4, &fixture::user(4, "eve"));
            fixture::join_team(tx, 1, 4);
            causeway_kernel::objects::members::join_channel(tx, TOWN, UserNo(4), false);
        });
        let count = |host: &MemoryHost| {
            let member = host.get::<ChannelMember>(&(TOWN, UserNo(4))).unwrap();
            mentioned(host, TOWN, UserNo(4), &member).count
        };
        assert_eq!(count(&world.host), 0);
        world.act(&Act::Write(BOB, 6, false));
        assert_eq!(count(&world.host), 1);
    }
}
