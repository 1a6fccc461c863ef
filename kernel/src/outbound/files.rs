//! Files of posts: what a post's message says of them, and which ones a peer is still to get.
//!
//! A Causeway takes a post before its files, each of which joins it once its bytes are there. A Mattermost
//! server links only files that it has when the post arrives, and drops the others for good (W10): a post for
//! it waits until each of its files has arrived, was refused, or did not get through again and again. One of the
//! 11 line gets the post once more with a file that came later.

use super::owed;
use super::sections::users::is_held;
use super::transfers::Files;
use super::work::Work;
use crate::boundary::behaviour::Behaviour;
use crate::model::limits::{
    FILE_BREAKS_AWAITED, FILES_PER_POST_MAX, LINKS_PER_CHANNEL_MAX, PROPS_BYTES_MAX,
};
use crate::model::{File, FileDebt, Link, PeerKind, Post, SentFile};
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
}

impl Listed {
    /// Maximum bytes of all this in the message.
    pub fn bytes(&self) -> usize {
        let said: usize = self.files.iter().map(WireFile::bytes).sum();
        self.ids.len() * FILE_ID_BYTES + said
    }
}

/// Whether the peer links only files that arrived before the post.
fn takes_files_first(work: &Work, post: &Post) -> bool {
    work.connection().kind != PeerKind::Causeway || post.props.len() > PROPS_BESIDE_FILES_BYTES_MAX
}

/// Lists the files that the message of a post names: those that have arrived, and for a Causeway also those
/// that follow.
pub fn listed(tx: &Tx<'_>, work: &Work, post: &Post) -> Listed {
    let mut listed = Listed::default();
    if !Behaviour::SharedFiles.is_in_force(tx) {
        return listed;
    }
    let are_first = takes_files_first(work, post);
    for no in &post.files {
        let file = tx.get::<File>(no);
        let Some(file) = file.filter(|_| !are_first || is_sent(tx, work, *no)) else {
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
pub fn owe(tx: &mut Tx<'_>, work: &Work, post: &Post) -> bool {
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

/// Whether a post waits for a file. A connection that breaks says nothing of the file, unless it breaks again
/// and again.
pub(super) fn is_awaited(debt: &FileDebt) -> bool {
    debt.in_vain == 0 && debt.failures < FILE_BREAKS_AWAITED
}

/// Schedules the files of a post that the peer has taken without them.
pub fn owe_late(tx: &mut Tx<'_>, work: &Work, no: PostNo) {
    let Some(post) = tx.get::<Post>(&no) else {
        return;
    };
    for file in missing(tx, work, &post) {
        let key = (work.connection_no, file);
        let row = debt(tx, key, work.round.epoch);
        let late = FileDebt {
            is_late: true,
            ..row
        };
        owed::put::<Files>(tx, key, &late);
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

fn is_sent(tx: &Tx<'_>, work: &Work, no: FileNo) -> bool {
    let sent = tx.get::<SentFile>(&(work.connection_no, no));
    sent.is_some_and(|sent| sent.epoch == work.round.epoch)
}

/// The debt of a file; a new one is due at once. What was given up in an earlier sharing is offered anew.
fn debt(tx: &mut Tx<'_>, key: (ConnectionNo, FileNo), epoch: u32) -> FileDebt {
    let known = tx.get::<FileDebt>(&key);
    if let Some(known) = known.filter(|row| row.epoch == epoch) {
        return known;
    }
    let row = FileDebt {
        epoch,
        upload: tx.new_id(),
        failures: 0,
        in_vain: 0,
        is_late: false,
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
