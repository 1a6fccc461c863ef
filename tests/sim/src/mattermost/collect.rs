//! What such a server has to send in a channel: it scans its tables with cursors of time.
//! Semantics §5.4 and §5.5.

use std::collections::{BTreeSet, VecDeque};

use causeway_kernel::rows::id::Id;
use serde_json::{Value, json};

use super::Server;
use super::quirks::{Generation, Quirk};
use super::rows::{Cursor, PostRow, ReactionKey, ReactionRow};
use super::send::{Outgoing, Round, Section};
use crate::frames::{ACKNOWLEDGED, Item};

/// Users in a message.
const USERS_MAX: usize = 25;

/// The results of scanning a channel.
struct Scanned {
    /// Posts in order, roots before their replies; the same post may be in it twice.
    posts: Vec<(Id, PostRow)>,
    created: Cursor,
    updated: Cursor,
    is_full: bool,
}

impl Server {
    /// The messages of one synchronisation of a channel.
    pub(super) fn collect(&mut self, now_ms: i64, channel: Id) -> Option<Round> {
        let share = self.rows.share(&channel)?.clone();
        let scanned = self.scan(channel, &share.created, &share.updated);
        let mut round = Round {
            channel,
            messages: VecDeque::new(),
            created: scanned.created,
            updated: scanned.updated,
            moves: true,
            repeats: scanned.is_full,
        };
        if !self.is_online(now_ms) {
            return None;
        }
        let said = self.reactions_of(&scanned.posts, share.updated.0);
        let users = self.users_due(channel, &scanned.posts, &said);
        let is_acknowledged = |(key, _): &(ReactionKey, _)| key.2 == ACKNOWLEDGED;
        let (acknowledged, reactions) = said.into_iter().partition(is_acknowledged);
        let posts: Vec<(Id, PostRow)> = scanned
            .posts
            .into_iter()
            .filter(|(_, row)| {
                let is_old_edit = row.edit_at > 0
                    && row.edit_at < share.updated.0
                    && row.delete_at == 0
                    && row.priority.is_none();
                !row.is_remote && !is_old_edit
            })
            .collect();
        self.add_users(&mut round, users);
        self.add_members(&mut round, channel, share.members_at);
        self.add_posts(&mut round, posts);
        self.add_acknowledgements(&mut round, acknowledged);
        self.add_reactions(&mut round, reactions);
        Some(round)
    }

    fn scan(&mut self, channel: Id, created: &Cursor, updated: &Cursor) -> Scanned {
        let max = self.generation.posts_max();
        let rows: Vec<(Id, PostRow)> = self
            .rows
            .by_change(&channel)
            .into_iter()
            .filter(|(_, row)| {
                self.generation == Generation::Of2021 || row.kind != "system_header_change"
            })
            .map(|(id, row)| (id, row.clone()))
            .collect();
        let behind = |at_ms: i64, id: &Id, cursor: &Cursor| {
            (at_ms, id.as_str()) > (cursor.0, cursor.1.as_str())
        };
        let mut found: Vec<(Id, PostRow)> = Vec::new();
        let mut cursors = (created.clone(), updated.clone());
        if self.is(Generation::Of11) {
            let new = rows.iter();
            found.extend(
                new.filter(|(id, row)| behind(row.create_at, id, created))
                    .take(max)
                    .cloned(),
            );
            if let Some((id, row)) = found.last() {
                cursors.0 = (row.create_at, id.to_string());
            }
        }
        let room = max - found.len();
        let changed: Vec<(Id, PostRow)> = rows
            .iter()
            .filter(|(id, row)| behind(row.update_at, id, updated))
            .take(room)
            .cloned()
            .collect();
        if let Some((id, row)) = changed.last() {
            cursors.1 = (row.update_at, id.to_string());
        }
        let scanned = found.len() + changed.len();
        let held: BTreeSet<Id> = found.iter().map(|(id, _)| *id).collect();
        found.extend(changed.into_iter().filter(|(id, _)| !held.contains(id)));
        if room == 0 {
            self.show_quirk(Quirk::SendsBatchesTwice);
        }
        if self.is(Generation::Of2021) && scanned == max {
            self.show_quirk(Quirk::TwelveAMessage);
        }
        Scanned {
            posts: self.with_roots(found, updated.0),
            created: cursors.0,
            updated: cursors.1,
            is_full: scanned >= max,
        }
    }

    /// Puts changed roots before their replies; a root that the scan finds, too, is
    /// included twice.
    fn with_roots(&mut self, found: Vec<(Id, PostRow)>, since: i64) -> Vec<(Id, PostRow)> {
        let mut out: Vec<(Id, PostRow)> = Vec::new();
        for (id, row) in found {
            let root = row
                .root
                .and_then(|root| Some((root, self.rows.posts.get(&root)?.clone())));
            if let Some((root, root_row)) = root
                && root_row.update_at >= since
                && !out.iter().any(|(id, _)| *id == root)
            {
                out.push((root, root_row));
            }
            if row.root.is_none() && out.iter().any(|(known, _)| *known == id) {
                self.show_quirk(Quirk::RootsTwice);
            }
            out.push((id, row));
        }
        out
    }

    /// A withdrawn acknowledgement has no time any more, so it is never found.
    fn reactions_of(
        &mut self,
        posts: &[(Id, PostRow)],
        since: i64,
    ) -> Vec<(ReactionKey, ReactionRow)> {
        let mut found = Vec::new();
        for (id, _) in posts {
            let rows = self.rows.reactions.iter();
            let mut of_post: Vec<_> = rows
                .filter(|(key, row)| key.0 == *id && row.update_at > since && !row.is_stamped)
                .filter(|(key, row)| key.2 != ACKNOWLEDGED || row.delete_at == 0)
                .map(|(key, row)| (key.clone(), row.clone()))
                .collect();
            of_post.sort_by_key(|(_, row)| row.create_at);
            found.extend(of_post);
        }
        let is_remote = |user: &Id| self.rows.users.get(user).is_some_and(|row| row.is_remote);
        if found.iter().any(|(key, _)| is_remote(&key.1)) {
            self.show_quirk(Quirk::EchoesRemovals);
        }
        found
    }

    /// Users of the channel with a newer profile, and those named in the round.
    fn users_due(
        &self,
        channel: Id,
        posts: &[(Id, PostRow)],
        reactions: &[(ReactionKey, ReactionRow)],
    ) -> Vec<Id> {
        let of_channel = self
            .rows
            .synced
            .keys()
            .filter(|(_, place)| *place == channel);
        let mut named: BTreeSet<Id> = of_channel.map(|(user, _)| *user).collect();
        named.extend(posts.iter().map(|(_, row)| row.user));
        named.extend(reactions.iter().map(|(key, _)| key.1));
        let words = posts.iter().flat_map(|(_, row)| row.message.split(' '));
        let mentions = words.filter_map(|word| word.strip_prefix('@'));
        named.extend(mentions.filter_map(|name| self.rows.named(name)));
        let is_due = |id: &Id| {
            let row = self.rows.users.get(id);
            let synced = self.rows.synced.get(&(*id, channel)).copied();
            row.is_some_and(|row| !row.is_remote && synced.is_none_or(|at| at < row.update_at))
        };
        named.into_iter().filter(is_due).take(USERS_MAX).collect()
    }

    fn add_users(&mut self, round: &mut Round, users: Vec<Id>) {
        if users.is_empty() {
            return;
        }
        let mut map = serde_json::Map::new();
        let mut items = Vec::new();
        for id in users {
            self.rows.synced.entry((id, round.channel)).or_insert(0);
            let wire = self.wire_user(id);
            items.push(Item::User(id.to_string()));
            map.insert(id.to_string(), wire);
        }
        self.add(round, Section::Users, "users", Value::Object(map), items);
    }

    /// Adds memberships: the cursor is inclusive, and the peer's own users are included, too.
    fn add_members(&mut self, round: &mut Round, channel: Id, since: i64) {
        if !self.with_members {
            return;
        }
        let events = self
            .rows
            .channels
            .get(&channel)
            .map(|row| row.events.clone());
        let events: Vec<_> = events
            .into_iter()
            .flatten()
            .filter(|(_, (at_ms, _))| *at_ms >= since)
            .collect();
        let Some(newest) = events.iter().map(|(_, (at_ms, _))| *at_ms).max() else {
            return;
        };
        if events.iter().any(|(_, (at_ms, _))| *at_ms == since) {
            self.show_quirk(Quirk::RepeatsMemberships);
        }
        let list: Vec<Value> = events
            .iter()
            .map(|(user, (at_ms, is_add))| {
                json!({
                    "channel_id": channel.as_str(), "user_id": user.as_str(), "is_add": is_add,
                    "remote_id": "", "change_time": at_ms,
                })
            })
            .collect();
        let section = Section::Members(newest);
        self.add(
            round,
            section,
            "membership_changes",
            json!(list),
            Vec::new(),
        );
    }

    fn add_posts(&mut self, round: &mut Round, posts: Vec<(Id, PostRow)>) {
        if posts.is_empty() {
            return;
        }
        if posts
            .iter()
            .any(|(_, row)| row.create_at < row.update_at && row.edit_at == 0 && row.delete_at == 0)
        {
            self.show_quirk(Quirk::TouchedPostsAgain);
        }
        self.add_uploads(round, &posts);
        let message = self.posts_message(round.channel, &posts);
        round.messages.push_back(message);
    }

    /// A message of posts.
    pub(super) fn posts_message(&mut self, channel: Id, posts: &[(Id, PostRow)]) -> Outgoing {
        let wire: Vec<Value> = posts
            .iter()
            .map(|(id, row)| self.wire_post(*id, row))
            .collect();
        if self.is(Generation::Of2021) {
            if posts.iter().any(|(_, row)| row.delete_at != 0) {
                self.show_quirk(Quirk::DeletedWithText);
            }
            let cut =
                |(row, wire): (&(Id, PostRow), &Value)| wire["message"] != row.1.message.as_str();
            if posts.iter().zip(&wire).any(cut) {
                self.show_quirk(Quirk::CutsMentions);
            }
        }
        let items = wire
            .iter()
            .map(|post| Item::Post(post["id"].as_str().unwrap_or_default().to_string()))
            .collect();
        let items = self.in_book(items);
        let texts: Vec<&str> = posts.iter().map(|(_, row)| row.message.as_str()).collect();
        let transforms = self.transforms(&texts);
        let mut payload = self.sync(channel, "posts", json!(wire));
        let has_mentions = transforms.as_object().is_some_and(|map| !map.is_empty());
        if self.is(Generation::Of11) && has_mentions {
            payload["mention_transforms"] = transforms;
        }
        Outgoing {
            section: Section::Posts,
            channel,
            payload,
            items,
        }
    }

    fn add_acknowledgements(&mut self, round: &mut Round, said: Vec<(ReactionKey, ReactionRow)>) {
        if !said.is_empty() {
            self.show_quirk(Quirk::SendsAcknowledgements);
            self.add_said(round, "acknowledgements", said);
        }
    }

    fn add_reactions(&mut self, round: &mut Round, said: Vec<(ReactionKey, ReactionRow)>) {
        if !said.is_empty() {
            self.add_said(round, "reactions", said);
        }
    }

    fn add_said(
        &mut self,
        round: &mut Round,
        section: &str,
        said: Vec<(ReactionKey, ReactionRow)>,
    ) {
        let list: Vec<Value> = said
            .iter()
            .map(|(key, row)| self.wire_reaction(key, row))
            .collect();
        let items = said
            .iter()
            .map(|((post, user, emoji), _)| {
                Item::Reaction(post.to_string(), user.to_string(), emoji.clone())
            })
            .collect();
        self.add(round, Section::Other, section, json!(list), items);
    }

    fn in_book(&self, items: Vec<Item>) -> Vec<(Item, u64)> {
        let items = items.into_iter();
        items
            .map(|item| {
                let state = self.debts.state(&item);
                (item, state)
            })
            .collect()
    }

    fn add(
        &mut self,
        round: &mut Round,
        section: Section,
        key: &str,
        value: Value,
        items: Vec<Item>,
    ) {
        let items = self.in_book(items);
        let payload = self.sync(round.channel, key, value);
        round.messages.push_back(Outgoing {
            section,
            channel: round.channel,
            payload,
            items,
        });
    }
}
