//! Why an item of a frame was refused. The answer names the item, and the effects count the reasons;
//! the reason for this item is determined by applying the rules to the rows before it. If that does
//! not match a counted reason, every possible reason is listed.

use causeway_kernel::boundary::env::{Range, Rows, Scan};
use causeway_kernel::boundary::output::Effect;
use causeway_kernel::boundary::policy::Direction;
use causeway_kernel::gate;
use causeway_kernel::inbound::Reason;
use causeway_kernel::inbound::authorize::{self, Closed, Peer, Received};
use causeway_kernel::model::{VerdictRow, kind};
use causeway_kernel::rows::id::{ConnectionNo, Id};
use causeway_kernel::rows::key;
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::table::Table;
use causeway_kernel::wire::message::WirePost;

use crate::look::describe::reasons::{is_success, sentence};
use crate::look::names::plain;
use crate::look::walk::Seen;

/// Reasons for which a post is never refused.
const OF_OTHERS: [&str; 9] = [
    "bad_name",
    "name_taken",
    "claimed_origin",
    "too_many_users",
    "bad_emoji",
    "too_many_emoji",
    "unknown_post",
    "feature_off",
    "held",
];

/// An item that names the post.
pub(super) struct Named<'s> {
    /// Who sent it.
    pub connection: ConnectionNo,
    /// The channel that the message names.
    pub channel_id: &'s str,
    /// The post as received, if it can be decoded.
    pub wire: Option<&'s WirePost>,
    /// Whether the step left it out because it had stopped an earlier run of its frame.
    pub is_skipped: bool,
}

/// The reasons of the step's refusals.
fn words(seen: &Seen<'_>) -> Vec<String> {
    let refused = seen
        .effects()
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Refused { reason, .. } if !is_success(&reason) => Some(reason),
            _ => None,
        });
    refused.collect()
}

/// The reasons of the step's refusals, as sentences.
pub(super) fn reasons(seen: &Seen<'_>) -> Vec<String> {
    words(seen).iter().map(|word| sentence(word)).collect()
}

/// Why a post was refused.
pub(super) fn reason(seen: &Seen<'_>, named: &Named<'_>, post: &str) -> String {
    if named.is_skipped {
        return sentence(Reason::Quarantined.word());
    }
    let Some(wire) = named.wire else {
        return sentence(Reason::Malformed.word());
    };
    let words = words(seen);
    let is_counted = |reason: Reason| words.iter().any(|word| word == reason.word());
    match by_the_rules(seen, named, wire, post) {
        Some(reason) if is_counted(reason) => sentence(reason.word()),
        None if is_counted(Reason::Denied) => {
            denial(seen, named.connection, post).unwrap_or_else(|| one_of(&words))
        }
        _ => one_of(&words),
    }
}

/// Why a held post was refused.
pub(super) fn of_waiting(seen: &Seen<'_>, named: &Named<'_>, post: &str) -> String {
    denial(seen, named.connection, post).unwrap_or_else(|| one_of(&words(seen)))
}

/// The policies' denial, if it is stored.
fn denial(seen: &Seen<'_>, connection: ConnectionNo, post: &str) -> Option<String> {
    let asked = gate::about_posts(seen.rows, Direction::Inbound);
    let key = (connection, asked.byte(), Id::parse(post)?);
    let rows = seen.changes::<VerdictRow>();
    let now = rows
        .into_iter()
        .find(|it| it.key == key)
        .and_then(|it| it.new);
    let is_new = now.is_some();
    let row = now.or_else(|| seen.before::<VerdictRow>(&key))?;
    (!row.allowed).then(|| {
        let when = if is_new { "" } else { " before" };
        format!("a policy denied it{when}: {}", plain(&row.reason))
    })
}

fn one_of(words: &[String]) -> String {
    let possible = words.iter().filter(|it| !OF_OTHERS.contains(&it.as_str()));
    let possible: Vec<String> = possible.map(|word| sentence(word)).collect();
    match possible.as_slice() {
        [] => "for a reason that the step does not record".into(),
        [only] => only.clone(),
        several => format!("for one of these reasons: {}", several.join("; or ")),
    }
}

/// Applies the rules to the post, over the rows before it.
fn by_the_rules(seen: &Seen<'_>, named: &Named<'_>, wire: &WirePost, post: &str) -> Option<Reason> {
    let rows = BeforePost::new(seen, post);
    let peer = Peer::load(&rows, named.connection)?;
    let shared = match authorize::channel(&rows, &peer, named.channel_id) {
        Ok(shared) => shared,
        Err(Closed::Unknown) => return Some(Reason::UnknownChannel),
        Err(Closed::NotShared) => return Some(Reason::NotShared),
    };
    let received = Received::new(wire);
    authorize::post(&rows, &peer, &shared, received, &Default::default()).err()
}

/// The rows after a step, except for one post, which is as it was before. So the users and the other
/// posts of its frame are there, as they are when it is the post's turn.
struct BeforePost<'s> {
    seen: &'s Seen<'s>,
    /// Keys of the post's row and of its number.
    keys: Vec<(Table, Vec<u8>)>,
}

impl<'s> BeforePost<'s> {
    fn new(seen: &'s Seen<'s>, post: &str) -> BeforePost<'s> {
        let number = lookup::post(seen.rows, post).map(|no| (Table::Posts, key::encode(&no)));
        let id = Id::parse(post).map(|id| (Table::Ids, key::encode(&(kind::POST, id))));
        let keys = number.into_iter().chain(id).collect();
        BeforePost { seen, keys }
    }
}

impl Rows for BeforePost<'_> {
    fn get_many(&self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        let value = |key: &Vec<u8>| {
            let is_its = self.keys.iter().any(|it| it.0 == table && it.1 == *key);
            let value = if is_its {
                self.seen.before_value(table, key)
            } else {
                self.seen.rows.value(table, key)
            };
            value.map(<[u8]>::to_vec)
        };
        keys.iter().map(value).collect()
    }

    fn scan(&self, table: Table, range: &Range) -> Scan {
        self.seen.rows.scan(table, range)
    }
}
