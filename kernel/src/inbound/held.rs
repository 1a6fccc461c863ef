//! Items that wait for a policy. They are rows, so the peer may count them as taken; they are asked
//! again after a while and whenever the policies change. What belongs to a waiting post — an
//! answer, a reaction — waits behind it.

use std::collections::BTreeMap;

use super::authorize::{self, Peer};
use super::judge::{Judgements, shorten};
use super::mentions::Mentions;
use super::take::{self, Outcome};
use super::{Reason, Tally};
use crate::boundary::env::Range;
use crate::model::limits::{BACKOFF_FIRST_MS, BACKOFF_MAX_MS, HELD_MAX, HELD_PER_STEP_MAX};
use crate::model::{DueKind, Held};
use crate::rows::due;
use crate::rows::id::{ChannelNo, ConnectionNo};
use crate::rows::key;
use crate::rows::tx::{Read, SCAN_BYTES_MAX, Tx};
use crate::wire::json::Document;
use crate::wire::message::{WirePost, WireReaction};
use crate::wire::write::JsonWriter;

/// An item that waits.
enum Item {
    Post(WirePost),
    Reaction(WireReaction),
}

impl Item {
    fn decode(bytes: &[u8]) -> Option<Item> {
        let document = Document::parse(bytes).ok()?;
        let root = document.root();
        if root.get("emoji_name").is_some() {
            WireReaction::decode(root).ok().map(Item::Reaction)
        } else {
            WirePost::decode(root).ok().map(Item::Post)
        }
    }

    /// What the item is about: (post, user and emoji of a reaction).
    fn key(&self) -> (String, String) {
        match self {
            Item::Post(post) => (post.id.clone(), String::new()),
            Item::Reaction(reaction) => reaction_key(reaction),
        }
    }

    /// Its version: the highest of its times, and of two changes in one millisecond the removal
    /// is the later one, as where they are applied.
    fn version(&self) -> (i64, bool) {
        match self {
            Item::Post(post) => version_of_post(post),
            Item::Reaction(reaction) => version_of_reaction(reaction),
        }
    }

    /// The post without which the item cannot be.
    fn leans_on(&self) -> &str {
        match self {
            Item::Post(post) => &post.root_id,
            Item::Reaction(reaction) => &reaction.post_id,
        }
    }
}

fn reaction_key(reaction: &WireReaction) -> (String, String) {
    (
        reaction.post_id.clone(),
        format!("{} {}", reaction.user_id, reaction.emoji_name),
    )
}

fn version_of_post(post: &WirePost) -> (i64, bool) {
    let latest = post.create_at.max(post.update_at).max(post.edit_at);
    (latest.max(post.delete_at), post.delete_at != 0)
}

fn version_of_reaction(reaction: &WireReaction) -> (i64, bool) {
    let latest = reaction.create_at.max(reaction.update_at);
    (latest.max(reaction.delete_at), reaction.delete_at != 0)
}

/// There is no room for another item: the peer has to try again later.
#[derive(Debug)]
pub struct Full;

/// What waits for one connection. Read once for a frame, and only when something has to wait.
#[derive(Debug)]
pub struct Waiting {
    connection: ConnectionNo,
    /// Number and version of each item.
    items: BTreeMap<(String, String), (u64, (i64, bool))>,
}

impl Waiting {
    /// What waits now.
    #[must_use]
    pub fn load(tx: &Tx<'_>, connection: ConnectionNo) -> Waiting {
        let mut items = BTreeMap::new();
        let mut from = key::encode(&connection);
        let to = key::prefix_end(&from).unwrap_or_default();
        loop {
            let range = Range {
                from,
                to: to.clone(),
                reverse: false,
                rows_max: HELD_MAX,
                bytes_max: SCAN_BYTES_MAX,
            };
            let rows = tx.rows::<Held>(&range);
            let Some(((_, last), _)) = rows.last() else {
                break;
            };
            from = key::encode(&(connection, last + 1));
            for ((_, no), held) in &rows {
                let item = Item::decode(&held.item);
                let (key, version) = item
                    .map(|item| (item.key(), item.version()))
                    .unwrap_or_default();
                items.insert(key, (*no, version));
            }
        }
        Waiting { connection, items }
    }

    /// Whether this post waits.
    #[must_use]
    pub fn has_post(&self, id: &str) -> bool {
        self.items.contains_key(&(id.to_string(), String::new()))
    }

    /// Lets an item wait. A newer version of the same post, or of the same reaction, takes the
    /// place of the older one; one that comes late or again changes nothing.
    fn add(
        &mut self,
        tx: &mut Tx<'_>,
        key: (String, String),
        version: (i64, bool),
        row: &Held,
    ) -> Result<(), Full> {
        if let Some((no, waiting)) = self.items.get_mut(&key) {
            if *waiting < version {
                *waiting = version;
                tx.put(&(self.connection, *no), row);
            }
            return Ok(());
        }
        if self.items.len() >= HELD_MAX as usize {
            return Err(Full);
        }
        let no = tx.next_row();
        tx.put(&(self.connection, no), row);
        self.items.insert(key, (no, version));
        let at_ms = tx.now_ms().saturating_add(BACKOFF_FIRST_MS);
        if self.items.len() == 1 {
            due::at(tx, at_ms, DueKind::Held(self.connection));
        }
        Ok(())
    }

    /// Lets a post wait.
    pub fn add_post(
        &mut self,
        tx: &mut Tx<'_>,
        channel: ChannelNo,
        (post, json): (&WirePost, &str),
        transforms: &[(String, String)],
        reason: String,
    ) -> Result<(), Full> {
        let row = Held {
            channel,
            item: json.as_bytes().to_vec(),
            mention_transforms: encode_transforms(transforms),
            reason,
            attempts: 1,
        };
        let key = (post.id.clone(), String::new());
        self.add(tx, key, version_of_post(post), &row)
    }

    /// Lets a reaction wait behind its post.
    pub fn add_reaction(
        &mut self,
        tx: &mut Tx<'_>,
        channel: ChannelNo,
        (reaction, json): (&WireReaction, &str),
    ) -> Result<(), Full> {
        let row = Held {
            channel,
            item: json.as_bytes().to_vec(),
            mention_transforms: Vec::new(),
            reason: "waits for its post".to_string(),
            attempts: 1,
        };
        let key = reaction_key(reaction);
        self.add(tx, key, version_of_reaction(reaction), &row)
    }
}

/// Asks again about items of a connection that wait, the oldest first, at most
/// [`HELD_PER_STEP_MAX`]; sees to it that the rest follows.
pub fn step(tx: &mut Tx<'_>, connection: ConnectionNo) {
    let rows = tx.prefix::<Held, _>(&connection, HELD_PER_STEP_MAX);
    if rows.is_empty() {
        return;
    }
    // However often this was asked for, it goes on once.
    due::cancel(tx, DueKind::Held(connection));
    let Some(peer) = Peer::load(tx, connection) else {
        for (key, _) in rows {
            tx.delete::<Held>(&key);
        }
        follow_up(tx, connection, 0);
        return;
    };
    let mut tally = Tally::default();
    let mut attempts_max = 0;
    for (key, row) in rows {
        // What waits on goes to the back, so that one item can never starve the others; what
        // leans on it comes after it, and follows it there.
        tx.delete::<Held>(&key);
        match again(tx, &peer, &row) {
            Outcome::Taken | Outcome::Known => {}
            Outcome::Refused(reason) => tally.count(reason),
            Outcome::Failed(reason) => {
                let attempts = row.attempts.saturating_add(1);
                attempts_max = attempts_max.max(attempts);
                let no = tx.next_row();
                tx.put(
                    &(connection, no),
                    &Held {
                        attempts,
                        reason: shorten(reason),
                        ..row
                    },
                );
            }
        }
    }
    tally.report(tx, connection);
    follow_up(tx, connection, attempts_max);
}

fn follow_up(tx: &mut Tx<'_>, connection: ConnectionNo, attempts: u32) {
    if tx.prefix::<Held, _>(&connection, 1).is_empty() {
        return;
    }
    let pause = match attempts {
        0 => 0,
        n => (BACKOFF_FIRST_MS << n.min(16)).min(BACKOFF_MAX_MS),
    };
    let at_ms = tx.now_ms().saturating_add(pause);
    due::at(tx, at_ms, DueKind::Held(connection));
}

fn again(tx: &mut Tx<'_>, peer: &Peer, row: &Held) -> Outcome {
    let Some(item) = Item::decode(&row.item) else {
        return Outcome::Refused(Reason::Malformed);
    };
    let Ok(shared) = authorize::shared_channel(tx, peer, row.channel) else {
        return Outcome::Refused(Reason::WrongChannel);
    };
    let leans_on = item.leans_on().to_string();
    let outcome = match item {
        Item::Reaction(reaction) => take::reaction(tx, peer, &shared, reaction),
        Item::Post(post) => {
            let transforms = decode_transforms(&row.mention_transforms);
            let mentions = Mentions::new(tx, &peer.row.name, &transforms);
            let planned = take::plan(tx, peer, &shared, &post, &Default::default());
            take::post(tx, peer, &shared, &mentions, planned, &Judgements::new())
        }
    };
    match outcome {
        Outcome::Refused(Reason::UnknownRoot | Reason::UnknownPost)
            if Waiting::load(tx, peer.no).has_post(&leans_on) =>
        {
            Outcome::Failed("waits for its post".to_string())
        }
        outcome => outcome,
    }
}

fn encode_transforms(transforms: &[(String, String)]) -> Vec<u8> {
    if transforms.is_empty() {
        return Vec::new();
    }
    let mut writer = JsonWriter::new();
    writer.begin_object();
    for (mention, user) in transforms {
        writer.key(mention);
        writer.text(user);
    }
    writer.end_object();
    writer.finish()
}

fn decode_transforms(json: &[u8]) -> Vec<(String, String)> {
    let Ok(document) = Document::parse(json) else {
        return Vec::new();
    };
    let text = |value: crate::wire::json::Value<'_>| {
        Some((value.key().into_owned(), value.as_text().ok()?.into_owned()))
    };
    document.root().children().filter_map(text).collect()
}
