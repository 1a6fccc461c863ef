//! Files of posts at the gate, on their way to a peer.
//!
//! The policies are asked before a post's message is the first to name a file, and whenever the file is announced:
//! they may have changed in between. A file that they hold back stays a debt, which says why, and its post goes
//! without it. Once they let it pass it is sent, and its post goes once more, naming it.

use std::collections::BTreeMap;

use super::exception;
use super::files::{self, is_awaited, is_sent, known_debt, takes_files_first};
use super::owed;
use super::transfers::Files;
use super::work::Work;
use crate::boundary::env::Rows;
use crate::boundary::policy::{Direction, Gate};
use crate::gate::{self, Candidate, Crossing, FileCandidate, Judgement};
use crate::model::limits::HELD_RETRY_MS;
use crate::model::{Connection, Exception, ExceptionState, File, FileDebt, FileStanding, Post};
use crate::rows::id::{ConnectionNo, FileNo};
use crate::rows::tx::{Read, Tx};
use crate::rows::{due, jobs, key};

/// Whether a file may be announced now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// It may.
    Free,
    /// The policies hold it back: its debt says until when.
    Barred,
    /// Its post is not at the peer: the policies are asked anew when the post goes.
    Void,
}

/// Judges the files that the messages of these posts are the first to name, or that follow them. Returns those
/// that the policies hold back.
pub fn judge<'p>(
    tx: &mut Tx<'_>,
    work: &Work,
    posts: impl Iterator<Item = &'p Post>,
) -> BTreeMap<FileNo, Judgement> {
    if !gate::is_asked(tx, Gate::File) {
        return BTreeMap::new();
    }
    let (mut numbers, mut candidates) = (Vec::new(), Vec::new());
    for post in posts {
        for no in &post.files {
            if let Some(file) = undecided(tx, work, post, *no) {
                numbers.push(*no);
                candidates.push(candidate(tx, &file, post));
            }
        }
    }
    let judgements = gate::judge(tx, work.crossing(), candidates);
    let judged = numbers.into_iter().zip(judgements);
    judged
        .filter(|(_, judgement)| !matches!(judgement, Judgement::Pass(_)))
        .collect()
}

/// A file of which the peer has not been told yet; what was decided about one that it is owed is in its debt.
fn undecided(tx: &Tx<'_>, work: &Work, post: &Post, no: FileNo) -> Option<File> {
    let file = tx.get::<File>(&no)?;
    let is_due = file.is_here() || !takes_files_first(work, post);
    let key = (work.connection_no, no);
    let is_open = || !is_sent(tx, work, no) && known_debt(tx, key, work.round.epoch).is_none();
    (is_due && is_open()).then_some(file)
}

fn candidate(tx: &Tx<'_>, file: &File, post: &Post) -> Candidate<'static> {
    Candidate::File(FileCandidate {
        id: file.id,
        post_id: Some(post.id),
        uploader: tx.user(file.user),
        name: file.name.clone().into(),
        size: file.size,
    })
}

/// Records the files of a post that the policies hold back while its message goes to the peer. One whose bytes are
/// not here is judged again when they arrive.
pub fn record(tx: &mut Tx<'_>, work: &Work, judged: &[(FileNo, Judgement)]) {
    for (no, judgement) in judged {
        if tx.get::<File>(no).is_some_and(|file| file.is_here()) {
            let key = (work.connection_no, *no);
            let debt = files::debt(tx, key, work.round.epoch);
            let row = withheld(tx, debt, judgement);
            owed::put::<Files>(tx, key, &row);
        }
    }
}

/// The debt of a file after a judgement that is no permission. That the policies failed counts as an attempt: a post
/// that waits for its files does not wait for ever.
fn withheld(tx: &Tx<'_>, debt: FileDebt, judgement: &Judgement) -> FileDebt {
    match judgement {
        Judgement::Pass(_) | Judgement::Revised(_) => debt,
        Judgement::Denied(reason) => FileDebt {
            standing: FileStanding::Denied,
            retry_at: 0,
            reason: reason.clone(),
            ..debt
        },
        Judgement::Failed(reason) => FileDebt {
            standing: FileStanding::Held,
            failures: debt.failures.saturating_add(1),
            retry_at: tx.now_ms().saturating_add(HELD_RETRY_MS),
            reason: reason.clone(),
            ..debt
        },
    }
}

/// Asks about a file that is about to be announced to a peer, and records what follows.
pub fn ask(
    tx: &mut Tx<'_>,
    key: (ConnectionNo, FileNo),
    connection: &Connection,
    (file, debt): (&File, FileDebt),
) -> Passage {
    let post = file.post.and_then(|no| Some((no, tx.get::<Post>(&no)?)));
    let Some((post_no, post)) = post else {
        return Passage::Void;
    };
    let was_withheld = debt.standing.is_withheld();
    let place = (file.channel, key.0);
    if was_withheld && is_refused(exception::of_post(tx, place, post_no), debt.epoch) {
        return Passage::Void;
    }
    let crossing = Crossing {
        direction: Direction::Outbound,
        connection_no: key.0,
        connection,
        channel: file.channel,
    };
    let file = candidate(tx, file, &post);
    let judgement = gate::judge_one(tx, crossing, file);
    if let Judgement::Pass(_) = judgement {
        if was_withheld {
            release(tx, key, debt);
        }
        return Passage::Free;
    }
    let was_awaited = is_awaited(&debt);
    let row = withheld(tx, debt, &judgement);
    owed::put::<Files>(tx, key, &row);
    if was_awaited && !is_awaited(&row) {
        exception::release(tx, (key.0, place.0), post_no, false);
        // This step's rounds may be over.
        due::send_at(tx, tx.now_ms(), key.0);
    }
    Passage::Barred
}

/// The policies let a file pass that they had held back.
fn release(tx: &mut Tx<'_>, key: (ConnectionNo, FileNo), debt: FileDebt) {
    let row = FileDebt {
        standing: FileStanding::Released,
        reason: String::new(),
        ..debt
    };
    owed::put::<Files>(tx, key, &row);
}

/// Whether a peer of a link's epoch has refused a post.
fn is_refused(row: Option<Exception>, epoch: u32) -> bool {
    row.filter(|row| row.epoch == epoch)
        .is_some_and(|row| matches!(row.state, ExceptionState::Refused(_) | ExceptionState::Dead))
}

/// Called when the policies have changed: asks again about the files that they hold back, for a connection and a
/// portion of its files after one. Returns the last file of the portion.
pub fn ask_again(tx: &mut Tx<'_>, connection: ConnectionNo, after: FileNo) -> Option<FileNo> {
    let from = key::encode(&(connection, FileNo(after.0.saturating_add(1))));
    let rows = tx.rows::<FileDebt>(&jobs::range(from, &key::encode(&connection)));
    let last = rows.last().map(|((_, no), _)| *no);
    for (key, debt) in rows {
        if debt.standing.is_withheld() {
            let retry_at = tx.now_ms();
            owed::put::<Files>(tx, key, &FileDebt { retry_at, ..debt });
            tx.touched.insert(connection);
        }
    }
    last
}
