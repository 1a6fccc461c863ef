//! What the users and the admin of a server do.

use causeway_kernel::rows::id::Id;

use super::quirks::Generation;
use super::rows::{ChannelRow, PostRow, ReactionRow, UserRow};
use super::{Made, Server};
use crate::dice::Dice;
use crate::plan::Act;
use crate::policies::{DENIED_WORD, REVISED_WORD};

/// Newest posts of a channel among which a user chooses.
const CHOICE: usize = 12;
/// Names that users take.
const NAMES: [&str; 4] = ["zoe", "yan", "bob", "xenia"];
/// What users react with.
const EMOJI: [&str; 3] = ["tada", "+1", "eyes"];

impl Server {
    /// A user or the admin does something, if there is anything to do it with; tells what.
    pub fn act(&mut self, now_ms: i64, act: Act, number: usize, dice: &mut Dice) -> Option<String> {
        match act {
            Act::CreateChannel => Some(self.create_channel(number, dice)),
            Act::Invite => self.invite(now_ms, dice),
            Act::Uninvite | Act::Unshare => self.unshare(dice),
            Act::Rename => self.rename(now_ms, number, dice),
            Act::Reconnect => None,
            _ => self.act_in_channel(now_ms, act, number, dice),
        }
    }

    fn create_channel(&mut self, number: usize, dice: &mut Dice) -> String {
        let name = if dice.chance(100) {
            "room".to_string()
        } else {
            format!("room-{number}")
        };
        let is_taken = self.rows.channels.values().any(|row| row.name == name);
        if is_taken {
            return format!("the admin fails to make {name} again");
        }
        let id = self.new_id();
        let row = ChannelRow {
            name: name.clone(),
            is_home: true,
            share: None,
            members: [self.admin].into(),
            events: std::collections::BTreeMap::new(),
        };
        self.rows.channels.insert(id, row);
        format!("the admin makes {name}")
    }

    fn invite(&mut self, now_ms: i64, dice: &mut Dice) -> Option<String> {
        let rows = self.rows.channels.iter();
        let free: Vec<Id> = rows
            .filter(|(_, row)| row.is_home && row.share.is_none())
            .map(|(id, _)| *id)
            .collect();
        let channel = *dice.pick(&free)?;
        self.offer(now_ms, channel);
        let name = &self.rows.channels.get(&channel)?.name;
        Some(format!("the admin offers {name} to the hub"))
    }

    fn unshare(&mut self, dice: &mut Dice) -> Option<String> {
        let channel = *dice.pick(&self.shared())?;
        self.end_share(channel);
        let name = &self.rows.channels.get(&channel)?.name;
        Some(format!("the admin unshares {name}"))
    }

    /// Ends the sharing here; the peer is not told.
    pub(super) fn end_share(&mut self, channel: Id) {
        if let Some(row) = self.channel_mut(&channel)
            && row.share.take().is_some()
        {
            self.made.push(Made::Ended(channel));
        }
    }

    fn rename(&mut self, now_ms: i64, number: usize, dice: &mut Dice) -> Option<String> {
        let (id, mut row) = dice.pick(&self.locals())?.clone();
        let earlier = row.username.clone();
        let told = if dice.chance(500) {
            let name = *dice.pick(&NAMES)?;
            if self.rows.named(name).is_some() {
                return None;
            }
            row.username = name.to_string();
            format!("{earlier} takes the name {name}")
        } else {
            row.nickname = format!("nick {number}");
            format!("{earlier} takes the nickname nick {number}")
        };
        row.update_at = self.clock_ms(now_ms);
        row.told_version = row.update_at;
        self.put_user(id, row);
        let places = self.rows.synced.keys().filter(|(user, _)| *user == id);
        let places: Vec<Id> = places.map(|(_, channel)| *channel).collect();
        let told_in = match self.generation {
            Generation::Of2021 => places.len(),
            Generation::Of11 => places.len().min(1),
        };
        for channel in places.into_iter().take(told_in) {
            self.news(now_ms, channel);
        }
        Some(told)
    }

    /// Channels that are shared.
    pub(super) fn shared(&self) -> Vec<Id> {
        let rows = self.rows.channels.iter();
        rows.filter(|(_, row)| row.share.is_some())
            .map(|(id, _)| *id)
            .collect()
    }

    fn locals(&self) -> Vec<(Id, UserRow)> {
        let users = self.rows.users.iter().filter(|(_, row)| !row.is_remote);
        users.map(|(id, row)| (*id, row.clone())).collect()
    }

    fn act_in_channel(
        &mut self,
        now_ms: i64,
        act: Act,
        number: usize,
        dice: &mut Dice,
    ) -> Option<String> {
        let shared = self.shared();
        let all: Vec<Id> = self.rows.channels.keys().copied().collect();
        let some = if shared.is_empty() || dice.chance(100) {
            &all
        } else {
            &shared
        };
        let channel = *dice.pick(some)?;
        let (user, profile) = dice.pick(&self.locals())?.clone();
        if act == Act::Leave {
            return self.leave(now_ms, channel, user, &profile.username);
        }
        self.join(now_ms, channel, user, &profile.username);
        let name = profile.username;
        match act {
            Act::Post | Act::Reply => {
                let root = if act == Act::Reply {
                    let roots = self.choice(channel, |row| row.root.is_none());
                    Some(dice.pick(&roots)?.0)
                } else {
                    None
                };
                // Sometimes somebody pastes a list, so that batches fill.
                let count = if root.is_none() && dice.chance(40) {
                    20 + dice.below(45)
                } else {
                    1
                };
                let text = self.text(number, dice);
                for at in 0..count {
                    let text = if count == 1 {
                        text.clone()
                    } else {
                        format!("text {number} line {at}")
                    };
                    self.write(now_ms, (channel, user), root, "", text);
                }
                Some(format!("{name} writes {count} times “{text}”"))
            }
            Act::Edit => {
                let own = self.choice(channel, |row| row.user == user);
                let (id, mut row) = dice.pick(&own)?.clone();
                let text = self.text(number, dice);
                let told = format!("{name} changes “{}” to “{text}”", row.message);
                row.message = text;
                row.edit_at = self.clock_ms(now_ms);
                row.update_at = row.edit_at;
                self.put_post(id, row);
                self.news(now_ms, channel);
                Some(told)
            }
            Act::Delete => {
                let own = self.choice(channel, |row| row.user == user);
                let (id, row) = dice.pick(&own)?.clone();
                self.delete(now_ms, id);
                Some(format!("{name} deletes “{}”", row.message))
            }
            Act::Moderate => {
                let theirs = self.choice(channel, |row| row.is_remote);
                let (id, row) = dice.pick(&theirs)?.clone();
                self.delete(now_ms, id);
                Some(format!("the admin deletes “{}”", row.message))
            }
            Act::Pin if self.is(Generation::Of11) && dice.chance(400) => {
                let posts = self.choice(channel, |_| true);
                let (id, row) = dice.pick(&posts)?.clone();
                let at_ms = self.clock_ms(now_ms);
                self.rows.acknowledged.insert((id, user), at_ms);
                self.touch_post(id, at_ms);
                self.news(now_ms, channel);
                Some(format!("{name} acknowledges “{}”", row.message))
            }
            Act::Pin => {
                let own = self.choice(channel, |row| !row.is_remote);
                let (id, mut row) = dice.pick(&own)?.clone();
                row.is_pinned = !row.is_pinned;
                row.update_at = self.clock_ms(now_ms);
                let told = format!("{name} sets the pin of “{}”", row.message);
                self.put_post(id, row);
                self.news(now_ms, channel);
                Some(told)
            }
            Act::React => {
                let posts = self.choice(channel, |_| true);
                let (id, row) = dice.pick(&posts)?.clone();
                let emoji = (*dice.pick(&EMOJI)?).to_string();
                self.react(now_ms, (id, user, emoji.clone()), true)?;
                Some(format!("{name} reacts to “{}” with {emoji}", row.message))
            }
            _ => {
                let own = self.rows.reactions.iter();
                let own: Vec<_> = own
                    .filter(|(key, row)| key.1 == user && row.delete_at == 0)
                    .filter(|(key, _)| {
                        let post = self.rows.posts.get(&key.0);
                        post.is_some_and(|post| post.channel == channel && post.delete_at == 0)
                    })
                    .map(|(key, _)| key.clone())
                    .collect();
                let key = dice.pick(&own)?.clone();
                let told = format!("{name} takes {} back", key.2);
                self.react(now_ms, key, false)?;
                Some(told)
            }
        }
    }

    /// Live posts of a channel, newest first, system posts left out.
    fn choice(&self, channel: Id, wanted: impl Fn(&PostRow) -> bool) -> Vec<(Id, PostRow)> {
        let posts = self.rows.by_change(&channel).into_iter().rev();
        posts
            .filter(|(_, row)| row.delete_at == 0 && row.kind.is_empty() && wanted(row))
            .take(CHOICE)
            .map(|(id, row)| (id, row.clone()))
            .collect()
    }

    fn join(&mut self, now_ms: i64, channel: Id, user: Id, name: &str) {
        let at_ms = self.clock_ms(now_ms);
        let Some(row) = self.channel_mut(&channel) else {
            return;
        };
        if row.members.insert(user) {
            row.events.insert(user, (at_ms, true));
            let text = format!("{name} joined the channel.");
            self.write(now_ms, (channel, user), None, "system_join_channel", text);
        }
    }

    fn leave(&mut self, now_ms: i64, channel: Id, user: Id, name: &str) -> Option<String> {
        let at_ms = self.clock_ms(now_ms);
        let row = self.channel_mut(&channel)?;
        if !row.members.remove(&user) {
            return None;
        }
        row.events.insert(user, (at_ms, false));
        let text = format!("@{name} left the channel.");
        self.write(now_ms, (channel, user), None, "system_leave_channel", text);
        Some(format!("{name} leaves a channel"))
    }

    /// Deletes a post and its replies.
    pub(super) fn delete(&mut self, now_ms: i64, id: Id) {
        let at_ms = self.clock_ms(now_ms);
        let thread = self.rows.posts.iter();
        let thread: Vec<(Id, PostRow)> = thread
            .filter(|(no, row)| (**no == id || row.root == Some(id)) && row.delete_at == 0)
            .map(|(no, row)| (*no, row.clone()))
            .collect();
        for (no, mut row) in thread {
            row.delete_at = at_ms;
            row.update_at = at_ms;
            if no == id && row.is_remote {
                self.made.push(Made::Moderated(no));
            }
            let channel = row.channel;
            self.put_post(no, row);
            self.news(now_ms, channel);
        }
    }

    fn react(&mut self, now_ms: i64, key: (Id, Id, String), is_live: bool) -> Option<()> {
        let at_ms = self.clock_ms(now_ms);
        let held = self.rows.reactions.get(&key);
        if held.is_some_and(|held| (held.delete_at == 0) == is_live) {
            return None;
        }
        let create_at = match held {
            Some(held) if !is_live => held.create_at,
            _ => at_ms,
        };
        let row = ReactionRow {
            create_at,
            update_at: at_ms,
            delete_at: if is_live { 0 } else { at_ms },
            is_stamped: false,
        };
        self.put_reaction(&key, row);
        self.touch_post(key.0, at_ms);
        let channel = self.rows.posts.get(&key.0)?.channel;
        self.news(now_ms, channel);
        Some(())
    }

    fn text(&self, number: usize, dice: &mut Dice) -> String {
        match dice.below(30) {
            0 => format!("{DENIED_WORD} {number}"),
            1 => format!("{REVISED_WORD} {number}"),
            2..6 => {
                let names: Vec<&String> =
                    self.rows.users.values().map(|row| &row.username).collect();
                let name = dice.pick(&names).map_or("", |name| name.as_str());
                format!("text {number} @{name}")
            }
            _ => format!("text {number}"),
        }
    }

    /// The admin writes a last word into each shared channel: news, for what was stuck.
    pub fn last_words(&mut self, now_ms: i64) {
        for channel in self.shared() {
            let text = format!("the last word of {now_ms}");
            self.write(now_ms, (channel, self.admin), None, "", text);
        }
    }
}
