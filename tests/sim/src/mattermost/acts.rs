//! Acts of a server's users and admin.

use causeway_kernel::model::Priority;
use causeway_kernel::rows::id::Id;

use super::quirks::Generation;
use super::rows::{ChannelRow, PostRow, ReactionKey, ReactionRow, UserRow};
use super::{Made, Server};
use crate::acts::Act;
use crate::dice::Dice;
use crate::policies::{DENIED_WORD, REVISED_WORD};

/// Newest posts of a channel among which a user chooses.
const CHOICE: usize = 12;

/// A server whose user or admin is about to act.
pub(crate) struct Turn<'s> {
    pub(crate) server: &'s mut Server,
    pub(crate) now_ms: i64,
    /// The number of the act, for texts and names that are unique to it.
    pub(crate) number: usize,
    pub(crate) dice: &'s mut Dice,
}

/// A user in the channel in which an act is about to happen.
pub(crate) struct Visit {
    pub(crate) channel: Id,
    pub(crate) user: Id,
    /// The user's name.
    pub(crate) name: String,
}

impl Turn<'_> {
    /// The time shown by the server's clock.
    pub(crate) fn clock_ms(&self) -> i64 {
        self.server.clock_ms(self.now_ms)
    }

    /// One of the server's own users.
    pub(crate) fn local_user(&mut self) -> Option<(Id, UserRow)> {
        let users = self.server.rows.users.iter();
        let locals: Vec<_> = users.filter(|(_, row)| !row.is_remote).collect();
        let (id, row) = *self.dice.pick(&locals)?;
        Some((*id, row.clone()))
    }

    /// One of the user's reactions to live posts of the channel that are still in force.
    pub(crate) fn given(
        &mut self,
        visit: &Visit,
        wanted: impl Fn(&str) -> bool,
    ) -> Option<ReactionKey> {
        let rows = &self.server.rows;
        let own: Vec<_> = rows
            .reactions
            .iter()
            .filter(|(key, row)| key.1 == visit.user && row.delete_at == 0 && wanted(&key.2))
            .filter(|(key, _)| {
                let post = rows.posts.get(&key.0);
                post.is_some_and(|post| post.channel == visit.channel && post.delete_at == 0)
            })
            .map(|(key, _)| key.clone())
            .collect();
        self.dice.pick(&own).cloned()
    }

    /// A user chooses a channel, usually a shared one, if there is one.
    fn choose(&mut self) -> Option<Visit> {
        let shared = self.server.shared();
        let all: Vec<Id> = self.server.rows.channels.keys().copied().collect();
        let some = if shared.is_empty() || self.dice.chance(100) {
            &all
        } else {
            &shared
        };
        let channel = *self.dice.pick(some)?;
        let (user, profile) = self.local_user()?;
        let name = profile.username;
        Some(Visit {
            channel,
            user,
            name,
        })
    }

    /// The same, and the user joins the channel if necessary.
    pub(crate) fn visit(&mut self) -> Option<Visit> {
        let visit = self.choose()?;
        self.server
            .join(self.now_ms, visit.channel, visit.user, &visit.name);
        Some(visit)
    }

    /// One of the newest live posts of the channel, except system posts.
    pub(crate) fn pick(
        &mut self,
        visit: &Visit,
        wanted: impl Fn(&PostRow) -> bool,
    ) -> Option<(Id, PostRow)> {
        let posts = self.server.rows.by_change(&visit.channel).into_iter().rev();
        let posts: Vec<_> = posts
            .filter(|(_, row)| row.delete_at == 0 && row.kind.is_empty() && wanted(row))
            .take(CHOICE)
            .collect();
        let (id, row) = *self.dice.pick(&posts)?;
        Some((id, row.clone()))
    }

    /// A text that no other act writes.
    pub(crate) fn text(&mut self) -> String {
        let number = self.number;
        match self.dice.below(30) {
            0 => format!("{DENIED_WORD} {number}"),
            1 => format!("{REVISED_WORD} {number}"),
            2..10 => {
                let users = self.server.rows.users.values();
                let names: Vec<&String> = users.map(|row| &row.username).collect();
                let name = self.dice.pick(&names).map_or("", |name| name.as_str());
                format!("text {number} @{name}")
            }
            _ => format!("text {number}"),
        }
    }

    /// Writes a post. Servers of 2021 have no priorities, and others refuse persistent notifications for
    /// nobody.
    pub(crate) fn write(
        &mut self,
        visit: &Visit,
        root: Option<Id>,
        text: String,
        priority: Option<Priority>,
    ) {
        let place = (visit.channel, visit.user);
        let is_known = self.server.generation == Generation::Of11;
        let notifies = self.server.mentions_somebody(&text);
        let priority = priority
            .filter(|priority| is_known && (notifies || !priority.persistent_notifications));
        self.server
            .write(self.now_ms, place, root, ("", priority), text);
    }

    /// Writes a post with files that have these digests.
    pub(crate) fn write_with_files(
        &mut self,
        visit: &Visit,
        text: String,
        digests: impl Iterator<Item = String>,
    ) {
        let files = self.server.add_files(digests);
        let (place, kind) = ((visit.channel, visit.user), ("", None));
        self.server
            .write_with_files(self.now_ms, place, None, kind, (text, files));
    }

    /// Stores a changed post.
    pub(crate) fn put_post(&mut self, id: Id, row: PostRow) {
        let channel = row.channel;
        self.server.put_post(id, row);
        self.server.news(self.now_ms, channel);
    }

    /// The admin ends the sharing of a channel.
    pub(crate) fn unshare(&mut self) -> Option<String> {
        let channel = *self.dice.pick(&self.server.shared())?;
        self.server.end_share(channel);
        let name = &self.server.rows.channels.get(&channel)?.name;
        Some(format!("the admin unshares {name}"))
    }

    /// A user leaves a channel.
    pub(crate) fn leave(&mut self) -> Option<String> {
        let Visit {
            channel,
            user,
            name,
        } = self.choose()?;
        let at_ms = self.clock_ms();
        let row = self.server.channel_mut(&channel)?;
        if !row.members.remove(&user) {
            return None;
        }
        row.events.insert(user, (at_ms, false));
        let (place, text) = ((channel, user), format!("@{name} left the channel."));
        let kind = "system_leave_channel";
        self.server
            .write(self.now_ms, place, None, (kind, None), text);
        Some(format!("{name} leaves a channel"))
    }
}

impl Server {
    /// A user or the admin acts, if there is an object for the act; returns a description.
    pub fn act(&mut self, now_ms: i64, act: Act, number: usize, dice: &mut Dice) -> Option<String> {
        (act.spec().at_mattermost)(&mut Turn {
            server: self,
            now_ms,
            number,
            dice,
        })
    }

    /// Creates a channel, unless its name is taken.
    pub(crate) fn create_channel(&mut self, name: &str) -> bool {
        let is_taken = self.rows.channels.values().any(|row| row.name == name);
        if is_taken {
            return false;
        }
        let id = self.new_id();
        let row = ChannelRow {
            name: name.to_string(),
            is_home: true,
            share: None,
            members: [self.admin].into(),
            events: std::collections::BTreeMap::new(),
        };
        self.rows.channels.insert(id, row);
        true
    }

    /// Ends the sharing here; the peer is not told.
    pub(super) fn end_share(&mut self, channel: Id) {
        if let Some(row) = self.channel_mut(&channel)
            && row.share.take().is_some()
        {
            self.made.push(Made::Ended(channel));
        }
    }

    /// A user changes their profile.
    pub(crate) fn change_profile(&mut self, now_ms: i64, id: Id, mut row: UserRow) {
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
    }

    /// The shared channels.
    pub(super) fn shared(&self) -> Vec<Id> {
        let rows = self.rows.channels.iter();
        rows.filter(|(_, row)| row.share.is_some())
            .map(|(id, _)| *id)
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
            let kind = "system_join_channel";
            self.write(now_ms, (channel, user), None, (kind, None), text);
        }
    }

    /// Deletes a post and its replies.
    pub(crate) fn delete(&mut self, now_ms: i64, id: Id) {
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

    /// Adds a reaction, or removes it; `None` if that changes nothing.
    pub(crate) fn react(
        &mut self,
        now_ms: i64,
        key: (Id, Id, String),
        is_live: bool,
    ) -> Option<()> {
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

    /// The admin writes a last post into each shared channel: a change that lets stuck items move.
    pub fn last_words(&mut self, now_ms: i64) {
        for channel in self.shared() {
            let text = format!("the last word of {now_ms}");
            self.write(now_ms, (channel, self.admin), None, ("", None), text);
        }
    }
}
