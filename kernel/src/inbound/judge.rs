//! Asks the policies about posts that a peer brings.
//!
//! A version that was taken is never asked again, because its re-delivery changes nothing. For a
//! version that was denied or revised, the verdict is a row: the same version gets the same answer
//! without another question.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::authorize::{Peer, Shared};
use crate::boundary::policy::{Direction, PostQuestion, Question, Verdict};
use crate::model::limits::{MESSAGE_CHARS_MAX, REASON_CHARS_MAX};
use crate::model::{User, VerdictRow};
use crate::rows::id::Id;
use crate::rows::tx::{Read, Tx};
use crate::wire::message::WirePost;

/// A post that needs a verdict.
#[derive(Debug)]
pub struct Candidate<'a> {
    /// Its id.
    pub id: Id,
    /// Its version.
    pub version: i64,
    /// The post as it came.
    pub wire: &'a WirePost,
    /// Its text, mentions replaced.
    pub message: String,
    /// The author.
    pub author: Option<Rc<User>>,
    /// Whether an earlier version is known.
    pub is_edit: bool,
}

/// What became of a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It may pass with this text.
    Pass(String),
    /// It may not.
    Denied,
    /// The policies failed, for this reason.
    Failed(String),
}

/// Judgements by post and version.
pub type Judgements = BTreeMap<(Id, i64), Judgement>;

/// Judges posts: by the rows there are, and for the rest by one question each, all asked at once.
pub fn judge(
    tx: &mut Tx<'_>,
    peer: &Peer,
    shared: &Shared,
    mut candidates: Vec<Candidate<'_>>,
) -> Judgements {
    // A real server sends a root before and after its reply.
    let mut seen = BTreeSet::new();
    candidates.retain(|candidate| seen.insert((candidate.id, candidate.version)));
    let byte = VerdictRow::direction(Direction::Inbound);
    let keys: Vec<_> = candidates
        .iter()
        .map(|candidate| (peer.no, byte, candidate.id))
        .collect();
    // Most connections have no rows of verdicts.
    let rows = if tx.prefix::<VerdictRow, _>(&(peer.no, byte), 1).is_empty() {
        keys.iter().map(|_| None).collect()
    } else {
        tx.get_all::<VerdictRow>(&keys)
    };
    let mut judgements = Judgements::new();
    let mut asked = Vec::new();
    for (candidate, row) in candidates.into_iter().zip(rows) {
        let key = (candidate.id, candidate.version);
        match row {
            Some(row) if row.update_at == candidate.version => {
                let judgement = if row.allowed {
                    Judgement::Pass(row.revised.unwrap_or(candidate.message))
                } else {
                    Judgement::Denied
                };
                judgements.insert(key, judgement);
            }
            row => asked.push((candidate, row.is_some())),
        }
    }
    let questions: Vec<Question<'_>> = asked
        .iter()
        .map(|(candidate, _)| question(peer, shared, candidate))
        .collect();
    let verdicts = tx.ask(&questions);
    for ((candidate, has_row), verdict) in asked.into_iter().zip(verdicts) {
        let key = (candidate.id, candidate.version);
        let judgement = record(tx, peer, candidate, has_row, verdict);
        judgements.insert(key, judgement);
    }
    judgements
}

fn question<'q>(peer: &'q Peer, shared: &'q Shared, candidate: &'q Candidate<'_>) -> Question<'q> {
    let wire = candidate.wire;
    let author = candidate.author.as_deref();
    Question::Post(PostQuestion {
        direction: Direction::Inbound,
        connection_id: peer.row.remote_id.as_str(),
        connection_name: &peer.row.name,
        channel_id: shared.id.as_str(),
        channel_name: &shared.name,
        post_id: candidate.id.as_str(),
        root_id: &wire.root_id,
        author_id: &wire.user_id,
        author_name: author.map_or("", |author| &author.username),
        message: &candidate.message,
        post_type: &wire.kind,
        create_at: wire.create_at,
        is_edit: candidate.is_edit,
    })
}

fn record(
    tx: &mut Tx<'_>,
    peer: &Peer,
    candidate: Candidate<'_>,
    has_row: bool,
    verdict: Verdict,
) -> Judgement {
    let key = (
        peer.no,
        VerdictRow::direction(Direction::Inbound),
        candidate.id,
    );
    let row = VerdictRow {
        update_at: candidate.version,
        allowed: true,
        revised: None,
        reason: String::new(),
    };
    match verdict {
        Verdict::Allow => {
            if has_row {
                tx.delete::<VerdictRow>(&key);
            }
            Judgement::Pass(candidate.message)
        }
        Verdict::Deny(reason) => {
            tx.put(
                &key,
                &VerdictRow {
                    allowed: false,
                    reason: shorten(reason),
                    ..row
                },
            );
            Judgement::Denied
        }
        Verdict::Revise(text) => {
            let text: String = text.chars().take(MESSAGE_CHARS_MAX).collect();
            tx.put(
                &key,
                &VerdictRow {
                    revised: Some(text.clone()),
                    ..row
                },
            );
            Judgement::Pass(text)
        }
        Verdict::Failed(reason) => Judgement::Failed(shorten(reason)),
    }
}

/// A peer's or a policy's words, cut to what a row or a notice holds of them.
#[must_use]
pub fn shorten(words: String) -> String {
    match words.char_indices().nth(REASON_CHARS_MAX) {
        Some((end, _)) => words.get(..end).unwrap_or_default().to_string(),
        None => words,
    }
}
