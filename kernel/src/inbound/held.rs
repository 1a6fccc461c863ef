//! Items that wait for a policy. They are rows, so the peer may count them as taken; they are asked
//! again after a while and whenever the policies change. What belongs to a waiting post — an
//! answer, a reaction, an acknowledgement — waits behind it.

use std::collections::BTreeMap;

use super::authorize::{self, Peer};
use super::item::{self, Item, Outcome, Scope, Wait};
use super::mentions::Mentions;
use super::{Reason, Tally};
use crate::boundary::env::Range;
use crate::gate::shorten;
use crate::model::limits::{BACKOFF_FIRST_MS, HELD_MAX, HELD_PER_STEP_MAX};
use crate::model::{DueKind, Held, HeldKind};
use crate::rows::due;
use crate::rows::id::{ChannelNo, ConnectionNo};
use crate::rows::key;
use crate::rows::retry;
use crate::rows::tx::{Read, SCAN_BYTES_MAX, Tx};
use crate::wire::json::Document;
use crate::wire::message::{WireAcknowledgement, WirePost, WireReaction};
use crate::wire::write::JsonWriter;

/// Calls a function that is generic over the kind of item, for the kind that a row names.
macro_rules! of_kind {
    ($kind:expr, $function:ident($($argument:expr),*)) => {
        match $kind {
            HeldKind::Post => $function::<WirePost>($($argument),*),
            HeldKind::Reaction => $function::<WireReaction>($($argument),*),
            HeldKind::Acknowledgement => $function::<WireAcknowledgement>($($argument),*),
        }
    };
}

/// What tells waiting items apart, and which of two versions of one is the newer; see [`Wait`].
type Known = ((String, String), (i64, bool));

fn read<I: Item>(bytes: &[u8]) -> Option<I> {
    let document = Document::parse(bytes).ok()?;
    I::decode(document.root()).ok()
}

fn known<I: Item>(bytes: &[u8]) -> Option<Known> {
    let item: I = read(bytes)?;
    item.wait().map(|wait| (wait.key, wait.version))
}

/// Why an item waits behind another one.
pub const WAITS_FOR_ITS_POST: &str = "waits for its post";

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
                let known = of_kind!(held.kind, known(&held.item));
                let (key, version) = known.unwrap_or_default();
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

    /// Lets an item wait. A newer version of the same item takes the place of the older one; one
    /// that comes late or again changes nothing.
    ///
    /// # Errors
    /// When as many wait as may.
    pub fn add(
        &mut self,
        tx: &mut Tx<'_>,
        channel: ChannelNo,
        (wait, json): (Wait<'_>, &str),
        transforms: &[(String, String)],
        reason: String,
    ) -> Result<(), Full> {
        let Wait {
            kind, key, version, ..
        } = wait;
        let row = Held {
            channel,
            kind,
            item: json.as_bytes().to_vec(),
            mention_transforms: encode_transforms(transforms),
            reason,
            attempts: 1,
        };
        if let Some((no, waiting)) = self.items.get_mut(&key) {
            if *waiting < version {
                *waiting = version;
                tx.put(&(self.connection, *no), &row);
            }
            return Ok(());
        }
        if self.items.len() >= HELD_MAX as usize {
            return Err(Full);
        }
        let no = tx.next_row();
        tx.put(&(self.connection, no), &row);
        self.items.insert(key, (no, version));
        let at_ms = tx
            .now_ms()
            .saturating_add(retry::pause(BACKOFF_FIRST_MS, 1));
        if self.items.len() == 1 {
            due::at(tx, at_ms, DueKind::Held(self.connection));
        }
        Ok(())
    }
}

/// Asks again about items of a connection that wait, the oldest first, at most
/// [`HELD_PER_STEP_MAX`]; sees to it that the rest follows.
pub fn step(tx: &mut Tx<'_>, connection: ConnectionNo) {
    let rows = tx.prefix::<Held, _>(&connection, HELD_PER_STEP_MAX);
    if rows.is_empty() {
        return;
    }
    ask(tx, connection, rows);
}

/// The policies are others now: asks at once about what waited for a connection before a row of
/// this number was made, at most [`HELD_PER_STEP_MAX`] items. Returns whether there were any: what
/// waits on gets a later number, so that each is asked about once.
pub fn ask_before(tx: &mut Tx<'_>, connection: ConnectionNo, number: u64) -> bool {
    let range = Range {
        from: key::encode(&connection),
        to: key::encode(&(connection, number)),
        reverse: false,
        rows_max: HELD_PER_STEP_MAX,
        bytes_max: SCAN_BYTES_MAX,
    };
    let rows = tx.rows::<Held>(&range);
    let any = !rows.is_empty();
    if any {
        ask(tx, connection, rows);
    }
    any
}

/// Asks about items that wait, and sees to it that whatever waits on is asked about later.
fn ask(tx: &mut Tx<'_>, connection: ConnectionNo, rows: Vec<((ConnectionNo, u64), Held)>) {
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
    let pause_ms = match attempts {
        0 => 0,
        n => retry::pause(BACKOFF_FIRST_MS, n.saturating_add(1)),
    };
    let at_ms = tx.now_ms().saturating_add(pause_ms);
    due::at(tx, at_ms, DueKind::Held(connection));
}

fn again(tx: &mut Tx<'_>, peer: &Peer, row: &Held) -> Outcome {
    let Ok(shared) = authorize::shared_channel(tx, peer, row.channel) else {
        return Outcome::Refused(Reason::WrongChannel);
    };
    let transforms = decode_transforms(&row.mention_transforms);
    let mentions = Mentions::new(tx, &peer.row.name, &transforms);
    let scope = Scope {
        peer,
        shared: &shared,
        mentions: &mentions,
    };
    of_kind!(row.kind, take_again(tx, scope, &row.item))
}

fn take_again<I: Item>(tx: &mut Tx<'_>, scope: Scope<'_>, bytes: &[u8]) -> Outcome {
    let Some(item) = read::<I>(bytes) else {
        return Outcome::Refused(Reason::Malformed);
    };
    let outcome = item::take(tx, scope, &item, &item::Judgements::new());
    let lacks_its_post =
        matches!(&outcome, Outcome::Refused(reason) if item.lacks_its_post(tx, *reason));
    let waits = |wait: Wait<'_>| Waiting::load(tx, scope.peer.no).has_post(wait.post);
    if lacks_its_post && item.wait().is_some_and(waits) {
        return Outcome::Failed(WAITS_FOR_ITS_POST.to_string());
    }
    outcome
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
