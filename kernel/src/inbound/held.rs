//! Items held for a policy. They are stored, so the peer may treat them as accepted; they are asked about
//! again after a while and whenever the policies change. An item that belongs to a held post (a reply, a
//! reaction, an acknowledgement) is held until the post is accepted. A reaction whose emoji exceeds the limit
//! of its post is held too.
//!
//! What somebody wrote or did whose profile is held is held until that is accepted. The peer is not told that it takes
//! the profile itself: it sends it again, so it is not lost if the policies deny it in the end.
//!
//! No step reads all held items: an index tells whether an item is held, and totals are counted.

use std::cmp::Ordering;

use super::authorize::{self, Peer};
use super::item::{self, Item, ItemOutcome, Scope, Wait};
use super::mentions::Mentions;
use super::{Reason, Tally};
use crate::boundary::behaviour::Behaviour;
use crate::boundary::env::Range;
use crate::gate::shorten;
use crate::model::limits::{
    BACKOFF_FIRST_MS, HELD_BYTES_MAX, HELD_BYTES_PER_STEP_MAX, HELD_MAX, HELD_PER_STEP_MAX,
};
use crate::model::{DueKind, Held, HeldItem, HeldKind, HeldSum};
use crate::rows::due;
use crate::rows::id::{ChannelNo, ConnectionNo, Id};
use crate::rows::key;
use crate::rows::lookup;
use crate::rows::retry;
use crate::rows::tx::{Read, Tx};
use crate::sharing::directory::NO_CHANNEL;
use crate::wire::json::Document;
use crate::wire::message::{WireAcknowledgement, WireMembership, WirePost, WireReaction, WireUser};
use crate::wire::write::JsonWriter;

/// Calls a function that is generic over the kind of item, for the kind named by a row.
macro_rules! of_kind {
    ($kind:expr, $function:ident($($argument:expr),*)) => {
        match $kind {
            HeldKind::Post => $function::<WirePost>($($argument),*),
            HeldKind::Reaction => $function::<WireReaction>($($argument),*),
            HeldKind::Acknowledgement => $function::<WireAcknowledgement>($($argument),*),
            HeldKind::Profile => $function::<WireUser>($($argument),*),
            HeldKind::Membership => $function::<WireMembership>($($argument),*),
        }
    };
}

/// What a held item is about; see [`Wait::key`].
type About = (String, String);

/// Identity and version of a held item; see [`Wait`].
type Known = (About, (i64, bool));

fn read<I: Item>(bytes: &[u8]) -> Option<I> {
    let document = Document::parse(bytes).ok()?;
    I::decode(document.root()).ok()
}

fn known<I: Item>(channel: ChannelNo, bytes: &[u8]) -> Option<Known> {
    let item: I = read(bytes)?;
    item.wait().map(|wait| identity(channel, wait))
}

fn identity(channel: ChannelNo, wait: Wait<'_>) -> Known {
    let about = match wait.kind {
        HeldKind::Profile => of_profile(channel, &wait.key.0),
        _ => wait.key,
    };
    (about, wait.version)
}

/// A profile is held for each channel, as it makes its user a member there. No part of a post has such a name.
fn of_profile(channel: ChannelNo, user: &str) -> About {
    (user.to_string(), format!("profile {}", channel.0))
}

/// Why an item is held until another one is accepted.
pub const WAITS_FOR_ITS_POST: &str = "waits for its post";
/// Why an item is held until the profile of its user is accepted.
pub const WAITS_FOR_ITS_PERSON: &str = "waits for the profile of its author";

/// There is no room for another item: the peer must try again later.
#[derive(Debug)]
pub struct Full;

/// Key of a held item in the index: a digest, as its id and text would be too long for a key.
fn index_key(connection: ConnectionNo, about: &About) -> (ConnectionNo, Id) {
    let mut hasher = blake3::Hasher::new();
    for part in [&about.0, &about.1] {
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    let mut digest = [0; 16];
    hasher.finalize_xof().fill(&mut digest);
    (connection, Id::from_uuid_bytes(digest))
}

/// Whether a post is held.
pub fn has_post(tx: &Tx<'_>, connection: ConnectionNo, id: &str) -> bool {
    let about = (id.to_string(), String::new());
    tx.has::<HeldItem>(&index_key(connection, &about))
}

/// Whether a user's profile is held in a channel.
pub fn has_profile(
    tx: &Tx<'_>,
    (connection, channel): (ConnectionNo, ChannelNo),
    user: &str,
) -> bool {
    tx.has::<HeldItem>(&index_key(connection, &of_profile(channel, user)))
}

/// Whether an item of a channel is held while the policies fail. People who come without a channel are not: their home
/// offers them again.
pub fn holds(tx: &Tx<'_>, channel: ChannelNo, wait: &Wait<'_>) -> bool {
    match wait.kind {
        HeldKind::Post | HeldKind::Reaction | HeldKind::Acknowledgement => true,
        HeldKind::Profile | HeldKind::Membership => {
            channel != NO_CHANNEL && Behaviour::Undecided.is_in_force(tx)
        }
    }
}

/// Whether a repeated item says more than the one that is held: a post that is sent once more because of its files.
fn says_more<I: Item>(repeated: &[u8], held: &[u8]) -> bool {
    let (repeated, held) = (read::<I>(repeated), read::<I>(held));
    repeated
        .zip(held)
        .is_some_and(|(repeated, held)| repeated.says_more(&held))
}

/// Whether an item takes the place of the one that is held.
fn replaces(
    tx: &Tx<'_>,
    connection: ConnectionNo,
    (version, row): ((i64, bool), &Held),
    waiting: HeldItem,
) -> bool {
    match version.cmp(&(waiting.at_ms, waiting.is_removal)) {
        Ordering::Greater => true,
        Ordering::Less => false,
        Ordering::Equal => {
            let held = tx.get::<Held>(&(connection, waiting.number));
            let says_more = |held: Held| of_kind!(row.kind, says_more(&row.item, &held.item));
            Behaviour::Undecided.is_in_force(tx) && held.is_some_and(says_more)
        }
    }
}

/// Why an item is held that is refused for this reason, but only because something is held that it needs.
pub fn awaited<I: Item>(
    tx: &Tx<'_>,
    (connection, channel): (ConnectionNo, ChannelNo),
    item: &I,
    reason: Reason,
) -> Option<&'static str> {
    let wait = item.wait()?;
    let lacks_its_post = item.lacks_its_post(tx, reason);
    if lacks_its_post && has_post(tx, connection, wait.post) {
        return Some(WAITS_FOR_ITS_POST);
    }
    // What lacks its post, too, would be refused when its user is accepted: the peer may send it again.
    let may_come = || {
        wait.post.is_empty()
            || lookup::post(tx, wait.post).is_some()
            || has_post(tx, connection, wait.post)
    };
    let lacks_its_person =
        reason == Reason::UnknownUser && has_profile(tx, (connection, channel), wait.user);
    (lacks_its_person && may_come()).then_some(WAITS_FOR_ITS_PERSON)
}

/// Everything that is held for a connection is asked about at once, in a step of its own.
pub fn wake(tx: &mut Tx<'_>, connection: ConnectionNo) {
    due::cancel(tx, DueKind::Held(connection));
    due::at(tx, tx.now_ms(), DueKind::Held(connection));
}

/// Holds an item. A newer version of the same item replaces the older one, and so does the same version if it says
/// more; anything else changes nothing.
///
/// # Errors
/// If the limit of held items is reached.
pub fn add(
    tx: &mut Tx<'_>,
    (connection, channel): (ConnectionNo, ChannelNo),
    (wait, json): (Wait<'_>, &str),
    transforms: &[(String, String)],
    reason: String,
) -> Result<(), Full> {
    let row = Held {
        channel,
        kind: wait.kind,
        item: json.as_bytes().to_vec(),
        mention_transforms: encode_transforms(transforms),
        reason,
        attempts: 1,
    };
    let known = identity(channel, wait);
    let waiting = tx.get::<HeldItem>(&index_key(connection, &known.0));
    if let Some(waiting) = waiting {
        if !replaces(tx, connection, (known.1, &row), waiting) {
            return Ok(());
        }
        take(tx, connection, waiting.number);
    }
    let sum = tx.get::<HeldSum>(&connection).unwrap_or_default();
    if sum.items >= HELD_MAX || sum.bytes.saturating_add(bytes(&row)) > HELD_BYTES_MAX {
        return Err(Full);
    }
    // A replacement keeps the position of the older version.
    let number = waiting.map_or_else(|| tx.next_row(), |waiting| waiting.number);
    put(tx, (connection, number), Some(known), &row);
    let at_ms = tx
        .now_ms()
        .saturating_add(retry::pause(BACKOFF_FIRST_MS, 1));
    if sum.items == 0 && waiting.is_none() {
        due::at(tx, at_ms, DueKind::Held(connection));
    }
    Ok(())
}

fn bytes(row: &Held) -> u64 {
    (row.item.len() as u64).saturating_add(row.mention_transforms.len() as u64)
}

/// Stores a row and its index entry. An unreadable row has no entry and is not counted; it is deleted when
/// its turn comes.
fn put(tx: &mut Tx<'_>, key: (ConnectionNo, u64), known: Option<Known>, row: &Held) {
    tx.put(&key, row);
    let (connection, number) = key;
    let Some((about, (at_ms, is_removal))) = known else {
        return;
    };
    let item = HeldItem {
        number,
        at_ms,
        is_removal,
    };
    tx.put(&index_key(connection, &about), &item);
    let sum = tx.get::<HeldSum>(&connection).unwrap_or_default();
    let sum = HeldSum {
        items: sum.items.saturating_add(1),
        bytes: sum.bytes.saturating_add(bytes(row)),
    };
    tx.put(&connection, &sum);
}

/// Removes a row and its index entry; rows from before the index have none.
fn take(tx: &mut Tx<'_>, connection: ConnectionNo, number: u64) -> Option<(Held, Option<Known>)> {
    let row = tx.get::<Held>(&(connection, number))?;
    tx.delete::<Held>(&(connection, number));
    let known = of_kind!(row.kind, known(row.channel, &row.item));
    let Some((about, _)) = &known else {
        return Some((row, known));
    };
    let key = index_key(connection, about);
    let is_indexed = tx
        .get::<HeldItem>(&key)
        .is_some_and(|item| item.number == number);
    if is_indexed {
        tx.delete::<HeldItem>(&key);
        let sum = tx.get::<HeldSum>(&connection).unwrap_or_default();
        let sum = HeldSum {
            items: sum.items.saturating_sub(1),
            bytes: sum.bytes.saturating_sub(bytes(&row)),
        };
        match sum.items {
            0 => tx.delete::<HeldSum>(&connection),
            _ => tx.put(&connection, &sum),
        }
    }
    Some((row, known))
}

/// Asks again about held items of a connection, the oldest first, at most [`HELD_PER_STEP_MAX`]; schedules
/// the rest.
pub fn step(tx: &mut Tx<'_>, connection: ConnectionNo) {
    let numbers = portion(tx, connection, u64::MAX);
    if !numbers.is_empty() {
        ask(tx, connection, &numbers);
    }
}

/// Numbers of the items that a step asks about: the oldest before a number.
fn portion(tx: &Tx<'_>, connection: ConnectionNo, before: u64) -> Vec<u64> {
    let range = Range {
        from: key::encode(&connection),
        to: key::encode(&(connection, before)),
        reverse: false,
        rows_max: HELD_PER_STEP_MAX,
        bytes_max: HELD_BYTES_PER_STEP_MAX,
    };
    let rows = tx.rows::<Held>(&range).into_iter();
    rows.map(|((_, number), _)| number).collect()
}

/// Called when the policies have changed: asks at once about items held for a connection with a number below
/// this one, at most [`HELD_PER_STEP_MAX`]. Returns whether there were any: items still held get a higher
/// number, so each is asked about once.
pub fn ask_before(tx: &mut Tx<'_>, connection: ConnectionNo, number: u64) -> bool {
    let numbers = portion(tx, connection, number);
    let any = !numbers.is_empty();
    if any {
        ask(tx, connection, &numbers);
    }
    any
}

/// Asks about held items, and schedules those that remain held.
fn ask(tx: &mut Tx<'_>, connection: ConnectionNo, numbers: &[u64]) {
    // However often this was requested, it is scheduled once.
    due::cancel(tx, DueKind::Held(connection));
    let peer = Peer::load(tx, connection);
    let mut tally = Tally::default();
    let mut attempts_max = 0;
    for number in numbers {
        // Items still held move to the end, so that one item can never starve the others; items that depend
        // on one come after it, and follow it there.
        let Some((row, known)) = take(tx, connection, *number) else {
            continue;
        };
        let Some(peer) = &peer else { continue };
        match again(tx, peer, &row) {
            ItemOutcome::Taken | ItemOutcome::Known => {}
            ItemOutcome::Refused(reason) => tally.count(reason),
            ItemOutcome::Failed(reason) => {
                let attempts = row.attempts.saturating_add(1);
                attempts_max = attempts_max.max(attempts);
                let key = (connection, tx.next_row());
                let row = Held {
                    attempts,
                    reason: shorten(reason),
                    ..row
                };
                put(tx, key, known, &row);
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

fn again(tx: &mut Tx<'_>, peer: &Peer, row: &Held) -> ItemOutcome {
    let Ok(shared) = authorize::shared_channel(tx, peer, row.channel) else {
        return ItemOutcome::Refused(Reason::WrongChannel);
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

fn take_again<I: Item>(tx: &mut Tx<'_>, scope: Scope<'_>, bytes: &[u8]) -> ItemOutcome {
    let Some(item) = read::<I>(bytes) else {
        return ItemOutcome::Refused(Reason::Malformed);
    };
    let outcome = item::take(tx, scope, &item, &item::Judgements::new());
    if let ItemOutcome::Refused(reason) = outcome
        && let Some(what) = awaited(tx, scope.place(), &item, reason)
    {
        return ItemOutcome::Failed(what.to_string());
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
