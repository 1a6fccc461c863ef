//! Files that cross between workspaces: what a peer announced, and what a peer is still to get.

use serde::{Deserialize, Serialize};

use crate::boundary::texts::{Text, no_texts, texts};
use crate::rows::id::{ChannelNo, FileNo, Id, UserNo};

/// How large files may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileLimits {
    /// Maximum bytes of a file that a peer uploads; 0 = there are no files.
    pub bytes_max: u64,
}

impl Default for FileLimits {
    fn default() -> FileLimits {
        FileLimits {
            bytes_max: 100 << 20,
        }
    }
}

/// A file that a peer announced and whose bytes are not here yet (an upload session). Protocol §6.5.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// Id that the file has in every workspace.
    pub file: Id,
    /// Its author, a user of the peer.
    pub user: UserNo,
    /// The channel for which it is uploaded.
    pub channel: ChannelNo,
    /// Its name, without a path.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Bytes that have arrived.
    pub offset: u64,
    /// When it was announced, in ms.
    pub create_at: i64,
}
texts!(struct Upload {
    file,
    user,
    channel,
    name: Text::Words,
    size,
    offset,
    create_at,
});

/// Files of a peer that no post has taken yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnpostedOfPeer {
    /// Files.
    pub files: u32,
}

/// A file that a peer is still to get.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDebt {
    /// Id under which it is announced to the peer.
    pub upload: Id,
    /// Attempts that failed, for whatever reason.
    pub failures: u32,
    /// Those of them in which the bytes may have crossed in vain, and the refusals: the next pause grows with them.
    pub in_vain: u32,
    /// Those of them that the peer refused.
    pub refusals: u32,
    /// When it is tried again, in ms; 0 = never in this epoch of the link, or not before the policies change.
    pub retry_at: i64,
    /// The link's epoch.
    pub epoch: u32,
    /// How it stands to its post and to the policies.
    pub standing: FileStanding,
    /// Why the last attempt failed, or why the policies hold it back.
    pub reason: String,
}

/// How a file that a peer is still to get stands to its post and to the policies. The first two are encoded as the
/// `false` and `true` of earlier releases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileStanding {
    /// Its post names it, or waits for it.
    Expected,
    /// The peer has taken the post without it.
    Late,
    /// A policy denied it: its post goes without it, and nothing happens until the policies change.
    Denied,
    /// The policies failed on it, and are asked again; its post may go without it.
    Held,
    /// The policies let it pass after they had held it back: its post may have gone without naming it.
    Released,
}

impl FileStanding {
    /// Whether the policies hold the file back.
    #[must_use]
    pub fn is_withheld(self) -> bool {
        matches!(self, FileStanding::Denied | FileStanding::Held)
    }
}
texts!(struct FileDebt {
    upload,
    failures,
    in_vain,
    refusals,
    retry_at,
    epoch,
    standing,
    reason: Text::Refusal,
});

impl FileDebt {
    /// Reads a row of an older version. Version 1 did not have `in_vain`, `epoch` and `standing`: its file is
    /// offered as if in another sharing, so one that was given up has another chance.
    pub(crate) fn of_older_version(version: u8, bytes: &[u8]) -> Option<FileDebt> {
        if version != 1 {
            return None;
        }
        let (upload, failures, refusals, retry_at, reason) = postcard::from_bytes(bytes).ok()?;
        Some(FileDebt {
            upload,
            failures,
            in_vain: refusals,
            refusals,
            retry_at,
            epoch: 0,
            standing: FileStanding::Expected,
            reason,
        })
    }
}

/// When a file is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileTime;

/// A file that a peer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentFile {
    /// The link's epoch; a file of an earlier one is sent again.
    pub epoch: u32,
}

/// The file in flight on a connection. It does not wait for the round in flight, nor the round for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// The attempt in flight.
    pub attempt: u64,
    /// The file.
    pub file: FileNo,
    /// What is in flight.
    pub stage: TransferStage,
}

/// A part of sending a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransferStage {
    /// Its announcement.
    Announced,
    /// Its bytes.
    Bytes,
}

no_texts!(
    FileLimits,
    UnpostedOfPeer,
    FileTime,
    FileStanding,
    SentFile,
    Transfer,
    TransferStage
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::tx::Record;

    #[test]
    fn what_was_owed_before_sharings_were_told_apart_is_still_owed() {
        let upload = Id::from_uuid_bytes([7; 16]);
        let mut row = vec![1];
        row.extend(postcard::to_allocvec(&(upload, 6_u32, 2_u32, 90_i64, "no room")).unwrap());
        let debt = FileDebt::from_bytes(&row).unwrap();
        assert_eq!((debt.upload, debt.retry_at, debt.epoch), (upload, 90, 0));
        assert_eq!((debt.failures, debt.in_vain, debt.refusals), (6, 2, 2));
        assert_eq!(debt.reason, "no room");
        assert_eq!(FileDebt::from_bytes(&debt.to_bytes()), Some(debt));
    }

    #[test]
    fn what_was_recorded_before_policies_decided_about_files_reads_and_writes_as_it_did() {
        let upload = Id::from_uuid_bytes([7; 16]);
        for (is_late, standing) in [(false, FileStanding::Expected), (true, FileStanding::Late)] {
            let fields = (
                upload, 6_u32, 2_u32, 1_u32, 90_i64, 4_u32, is_late, "no room",
            );
            let row = [vec![2], postcard::to_allocvec(&fields).unwrap()].concat();
            let debt = FileDebt::from_bytes(&row).unwrap();
            assert_eq!((debt.standing, debt.retry_at), (standing, 90));
            assert_eq!(debt.to_bytes(), row);
        }
    }
}
