//! Files of posts: what a post's message says of them, and which ones a peer is still to get.
//!
//! A Causeway takes a post before its files, each of which joins it once its bytes are there. A Mattermost
//! server links only files that it has when the post arrives, and drops the others for good (W10): a post for
//! it waits until each of its files has arrived, was refused, or did not get through again and again. One of the
//! 11 line gets the post once more with a file that came later. Nobody is told of a file that the policies hold back
//! (see [`withheld_files`]).

use std::collections::BTreeMap;

use super::plan::Planned;
use super::sections::users::is_held;
use super::transfers::Files;
use super::work::Work;
use super::{owed, withheld_files};
use crate::boundary::behaviour::Behaviour;
use crate::gate::Judgement;
use crate::model::limits::{
    FILE_BREAKS_AWAITED, FILES_PER_POST_MAX, LINKS_PER_CHANNEL_MAX, PROPS_BYTES_MAX,
};
use crate::model::{File, FileDebt, FileStanding, Link, PeerKind, Post, SentFile};
use crate::objects::files::described;
use crate::rows::id::{ChannelNo, ConnectionNo, FileNo, PostNo};
use crate::rows::tx::{Read, Tx};
use crate::wire::message::WireFile;

/// Bytes of the id of a file in a post's message.
pub const FILE_ID_BYTES: usize = 30;
/// Bytes of the properties of a post whose message says more of its files than their ids; one with longer
/// properties might not fit into a message, and waits for its files to arrive instead.
pub const PROPS_BESIDE_FILES_BYTES_MAX: usize =
    PROPS_BYTES_MAX - FILES_PER_POST_MAX * WireFile::BYTES_MAX;

/// What a post's message says of its files.
#[derive(Default)]
pub struct Listed {
    /// Their ids, in order.
    pub ids: Vec<String>,
    /// What the peer needs to know of those that arrive later.
    pub files: Vec<WireFile>,
    /// Those that are not named because the policies hold them back, and why.
    pub withheld: Vec<(FileNo, Judgement)>,
}

impl Listed {
    /// Maximum bytes of all this in the message.
    pub fn bytes(&self) -> usize {
        let said: usize = self.files.iter().map(WireFile::bytes).sum();
        self.ids.len() * FILE_ID_BYTES + said
    }
}

/// Whether the peer links only files that arrived before the post.
pub(super) fn takes_files_first(work: &Work, post: &Post) -> bool {
    work.connection().kind != PeerKind::Causeway || post.props.len() > PROPS_BESIDE_FILES_BYTES_MAX
}

/// Lists the files that the messages of posts name: those that have arrived, and for a Causeway also those that
/// follow, unless the policies hold them back.
pub fn list(tx: &mut Tx<'_>, work: &Work, posts: &mut [Planned]) {
    if !Behaviour::SharedFiles.is_in_force(tx) {
        return;
    }
    let mut judged = withheld_files::judge(tx, work, posts.iter().map(|planned| &planned.post));
    for planned in posts {
        planned.listed = listed(tx, work, &planned.post, &mut judged);
    }
}

fn listed(
    tx: &Tx<'_>,
    work: &Work,
    post: &Post,
    judged: &mut BTreeMap<FileNo, Judgement>,
) -> Listed {
    let mut listed = Listed::default();
    let are_first = takes_files_first(work, post);
    for no in &post.files {
        if let Some(judgement) = judged.remove(no) {
            listed.withheld.push((*no, judgement));
            continue;
        }
        let file = tx.get::<File>(no);
        let is_named = || is_sent(tx, work, *no) || !are_first && !is_withheld(tx, work, *no);
        let Some(file) = file.filter(|_| is_named()) else {
            continue;
        };
        listed.ids.push(file.id.into());
        if !are_first {
            listed.files.push(described(tx, &file));
        }
    }
    listed
}

/// Whether the files of a post are sent once the peer has taken the post: it did not take the profile of the
/// author, and would refuse the files of somebody whom it does not know.
pub fn follow(tx: &Tx<'_>, work: &Work, post: &Post) -> bool {
    !post.files.is_empty()
        && !is_held(tx, work, post.user)
        && Behaviour::SharedFiles.is_in_force(tx)
}

/// Schedules the files of a post whose message goes to the peer now; whether the post has to wait for some of
/// them.
pub fn owe(tx: &mut Tx<'_>, work: &Work, planned: &Planned) -> bool {
    let post = &planned.post;
    withheld_files::record(tx, work, &planned.listed.withheld);
    if !Behaviour::SharedFiles.is_in_force(tx) || follow(tx, work, post) {
        return false;
    }
    let are_first = takes_files_first(work, post);
    let mut waits = false;
    for no in missing(tx, work, post) {
        let debt = debt(tx, (work.connection_no, no), work.round.epoch);
        waits |= are_first && is_awaited(&debt);
    }
    waits
}

/// Whether a post waits for a file. A connection that breaks, and a policy that fails, say nothing of the file,
/// unless that happens again and again.
pub(super) fn is_awaited(debt: &FileDebt) -> bool {
    let is_denied = debt.standing == FileStanding::Denied;
    !is_denied && debt.in_vain == 0 && debt.failures < FILE_BREAKS_AWAITED
}

/// Schedules the files of a post that the peer has taken without them.
pub fn owe_late(tx: &mut Tx<'_>, work: &Work, no: PostNo) {
    let Some(post) = tx.get::<Post>(&no) else {
        return;
    };
    for file in missing(tx, work, &post) {
        let key = (work.connection_no, file);
        let mut row = debt(tx, key, work.round.epoch);
        if row.standing == FileStanding::Expected {
            row.standing = FileStanding::Late;
        }
        owed::put::<Files>(tx, key, &row);
    }
}

/// Files of a post that are here and not at the peer.
fn missing(tx: &Tx<'_>, work: &Work, post: &Post) -> Vec<FileNo> {
    let is_missing = |no: &FileNo| {
        let is_here = tx.get::<File>(no).is_some_and(|file| file.is_here());
        is_here && !is_sent(tx, work, *no)
    };
    post.files.iter().copied().filter(is_missing).collect()
}

pub(super) fn is_sent(tx: &Tx<'_>, work: &Work, no: FileNo) -> bool {
    let sent = tx.get::<SentFile>(&(work.connection_no, no));
    sent.is_some_and(|sent| sent.epoch == work.round.epoch)
}

fn is_withheld(tx: &Tx<'_>, work: &Work, no: FileNo) -> bool {
    let debt = known_debt(tx, (work.connection_no, no), work.round.epoch);
    debt.is_some_and(|debt| debt.standing.is_withheld())
}

/// The debt of a file in an epoch of its link, if there is one.
pub(super) fn known_debt(tx: &Tx<'_>, key: (ConnectionNo, FileNo), epoch: u32) -> Option<FileDebt> {
    tx.get::<FileDebt>(&key).filter(|row| row.epoch == epoch)
}

/// The debt of a file; a new one is due at once. What was given up in an earlier sharing is offered anew.
pub(super) fn debt(tx: &mut Tx<'_>, key: (ConnectionNo, FileNo), epoch: u32) -> FileDebt {
    if let Some(known) = known_debt(tx, key, epoch) {
        return known;
    }
    let row = FileDebt {
        epoch,
        upload: tx.new_id(),
        failures: 0,
        in_vain: 0,
        standing: FileStanding::Expected,
        refusals: 0,
        retry_at: tx.now_ms(),
        reason: String::new(),
    };
    owed::put::<Files>(tx, key, &row);
    row
}

/// A file is removed: nobody gets it any more.
pub fn forget(tx: &mut Tx<'_>, no: FileNo, channel: ChannelNo) {
    if !Behaviour::SharedFiles.is_in_force(tx) {
        return;
    }
    // Also those of links that have ended.
    for ((_, connection), _) in tx.prefix::<Link, _>(&channel, LINKS_PER_CHANNEL_MAX) {
        let key = (connection, no);
        if tx.has::<FileDebt>(&key) {
            owed::settle::<Files>(tx, key);
        }
        if tx.has::<SentFile>(&key) {
            tx.delete::<SentFile>(&key);
        }
    }
}
