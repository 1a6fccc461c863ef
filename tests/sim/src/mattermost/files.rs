//! Files of such a server: those of the peer, and its own, which it sends before their posts. Semantics §3.7,
//! §5.6 and §6.4.

use causeway_kernel::rows::id::Id;
use serde_json::{Value, json};

use super::quirks::{Generation, Quirk};
use super::receive::{Answer, id, text};
use super::rows::{FileRow, PostRow};
use super::send::{Fared, Outgoing, Round, Section};
use super::{Made, Server};
use crate::frames::{self, Item};

/// Bytes of every file.
pub const FILE_BYTES: u64 = 7;

/// What became of the bytes of a file.
pub enum Taken {
    /// They are stored: what the sender is told of the file.
    Stored(Vec<u8>),
    /// No such upload was announced, or all its bytes have come already.
    Unknown,
}

/// The files that a post as received names.
fn named(wire: &Value) -> Vec<Id> {
    let ids = wire["file_ids"].as_array().into_iter().flatten();
    ids.filter_map(|id| Id::parse(id.as_str()?)).collect()
}

impl Server {
    /// The peer announces a file.
    pub(super) fn take_upload(&mut self, now_ms: i64, session: &Value) -> Answer {
        let is_shared = id(session, "channel_id").is_some_and(|it| self.rows.share(&it).is_some());
        if !is_shared {
            return Self::fail("createUpload: the channel is not shared with the remote");
        }
        if text(session, "type") != "attachment" {
            return Self::fail("createUpload: invalid upload type");
        }
        let Some((upload, file)) = id(session, "id").zip(id(session, "req_file_id")) else {
            return Self::fail("createUpload: invalid id");
        };
        self.rows.uploads.insert(upload, file);
        let mut stored = session.clone();
        stored["create_at"] = json!(self.clock_ms(now_ms));
        stored["file_offset"] = json!(0);
        (200, Self::answer("OK", "", &stored))
    }

    /// All bytes of an announced file have come.
    pub fn take_bytes(&mut self, upload: Id, digest: &str) -> Taken {
        let Some(file) = self.rows.uploads.remove(&upload) else {
            return Taken::Unknown;
        };
        let row = FileRow {
            digest: digest.to_string(),
        };
        self.rows.files.entry(file).or_insert(row);
        let info = json!({"id": file.as_str(), "mime_type": "text/plain", "size": FILE_BYTES});
        Taken::Stored(info.to_string().into_bytes())
    }

    /// Links a post as received to its files; for a server of 2021 those named now are the only ones that the
    /// post can get as it is.
    pub(super) fn link(&mut self, post: Id, wire: &Value) -> Vec<Id> {
        if self.is(Generation::Of2021) {
            self.made.push(Made::Linked(post, named(wire)));
        }
        self.linked(wire)
    }

    /// The files that a post as received names, as far as they are here.
    fn linked(&mut self, wire: &Value) -> Vec<Id> {
        let named = named(wire);
        let is_here = |id: &Id| self.rows.files.contains_key(id);
        let held: Vec<Id> = named.iter().copied().filter(is_here).collect();
        if held.len() < named.len() {
            self.show_quirk(Quirk::DropsMissingFiles);
        }
        held
    }

    /// A repeated post is not looked at, so that a file that came late does not join it.
    pub(super) fn ignores_files(&mut self, row: &PostRow, wire: &Value) {
        if self.linked(wire) != row.files {
            self.show_quirk(Quirk::IgnoresLateFiles);
        }
    }

    /// Files for a post that is about to be written.
    pub(crate) fn add_files(&mut self, digests: impl Iterator<Item = String>) -> Vec<Id> {
        let add = |digest| {
            let id = Id::from_uuid_bytes(self.file_ids.bytes());
            self.rows.files.insert(id, FileRow { digest });
            id
        };
        digests.map(add).collect()
    }

    /// Adds the announcements of files that have not been sent yet.
    pub(super) fn add_uploads(&mut self, round: &mut Round, posts: &[(Id, PostRow)]) {
        for (post, row) in posts {
            for file in &row.files {
                if self.rows.sent_files.contains(file) {
                    continue;
                }
                let upload = Id::from_uuid_bytes(self.file_ids.bytes());
                let payload = json!({
                    "id": upload.as_str(),
                    "type": "attachment",
                    "create_at": 0,
                    "user_id": row.user.as_str(),
                    "channel_id": row.channel.as_str(),
                    "filename": file_name(*file),
                    "file_size": FILE_BYTES,
                    "file_offset": 0,
                    "remote_id": self.remote_id.as_str(),
                    "req_file_id": file.as_str(),
                });
                round.messages.push_back(Outgoing {
                    section: Section::Upload(*file),
                    channel: round.channel,
                    payload,
                    items: vec![(Item::Post(post.to_string()), 0)],
                });
            }
        }
    }

    /// The result of an announcement: its bytes follow, or the post goes without the file.
    pub(super) fn upload_fared(&mut self, now_ms: i64, message: Outgoing, fared: &Fared) {
        let Section::Upload(file) = message.section else {
            return;
        };
        let answer = match fared {
            Fared::Answered(bytes) => serde_json::from_slice::<Value>(bytes).ok(),
            Fared::Failed => None,
        };
        let session = answer.filter(|answer| answer["status"] == "OK");
        let upload = session.and_then(|answer| id(&answer["payload"], "id"));
        let row = self.rows.files.get(&file);
        match upload.zip(row) {
            Some((upload, row)) => {
                self.out_bytes = Some((upload, row.digest.clone()));
                self.in_flight = Some(message);
            }
            None => self.after_upload(now_ms),
        }
    }

    /// The result of sending the bytes of a file.
    pub fn bytes_fared(&mut self, now_ms: i64, fared: &Fared) {
        let Some(message) = self.in_flight.take() else {
            return;
        };
        if let (Section::Upload(file), Fared::Answered(bytes)) = (message.section, fared)
            && frames::read_file_info(bytes).is_some_and(|told| told == file.as_str())
        {
            self.rows.sent_files.insert(file);
            // If the peer was restored meanwhile, it is unknown whether it still has the file.
            if !message.items.is_empty() {
                self.debts.file_sent(file);
            }
        }
        self.after_upload(now_ms);
    }

    /// The fields of a post about its files.
    pub(super) fn wire_files(&self, post: &mut Value, (id, row): (Id, &PostRow)) {
        let ids: Vec<&str> = row.files.iter().map(Id::as_str).collect();
        let is_told = !ids.is_empty() && !post["metadata"].is_null() && row.delete_at == 0;
        post["file_ids"] = json!(ids);
        if !is_told {
            return;
        }
        let info = |file: &Id| {
            json!({
                "id": file.as_str(), "user_id": row.user.as_str(), "post_id": id.as_str(),
                "channel_id": row.channel.as_str(), "create_at": row.create_at,
                "update_at": row.create_at, "delete_at": 0, "name": file_name(*file),
                "extension": "txt", "size": FILE_BYTES, "mime_type": "text/plain",
                "mini_preview": null, "remote_id": "", "archived": false,
            })
        };
        post["metadata"]["files"] = row.files.iter().map(info).collect();
    }
}

fn file_name(file: Id) -> String {
    format!("{file}.txt")
}
