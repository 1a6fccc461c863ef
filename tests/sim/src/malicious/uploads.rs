//! Files of the peer: announcements, bytes, posts that name files, profile pictures, and what it answers to those
//! that it is sent.
//! They have dice of their own.

use causeway_kernel::rows::id::Id;
use serde_json::{Value, json};

use super::grammar::Production as P;
use super::{Knowledge, Mallory};
use crate::mattermost::files::FILE_BYTES;

/// Uploads of which it sends the bytes at most.
const UPLOADS_MAX: usize = 12;

impl Mallory {
    /// Does something with the dice for files.
    pub(super) fn by_file_dice<T>(&mut self, act: impl FnOnce(&mut Mallory) -> T) -> T {
        std::mem::swap(&mut self.dice, &mut self.file_dice);
        let done = act(self);
        std::mem::swap(&mut self.dice, &mut self.file_dice);
        done
    }

    /// An announcement.
    pub(super) fn upload(&mut self, known: &Knowledge) -> Value {
        let channel = self.channel(known);
        let id = self.fresh();
        let (user, post) = (self.user(known), self.post(known));
        self.by_file_dice(|mallory| mallory.announcement(known, (channel, id, user, post)))
    }

    fn announcement(
        &mut self,
        known: &Knowledge,
        (channel, id, user, post): (String, Id, String, String),
    ) -> Value {
        let file = self.fresh();
        let own = self.dice.pick(&known.own_users).map(Id::to_string);
        let mut session = json!({
            "id": id.as_str(), "type": "attachment", "create_at": 0,
            "user_id": own.unwrap_or(user), "channel_id": channel,
            "filename": "mallory.txt", "file_size": FILE_BYTES, "file_offset": 0,
            "remote_id": "", "req_file_id": file.as_str(),
        });
        let list = [
            (P::ValidUpload, 50),
            (P::ForeignUploader, 10),
            (P::HugeFile, 10),
            (P::BadFileName, 10),
            (P::OthersFile, 15),
            (P::OtherUploadType, 5),
        ];
        match self.one_of(&list) {
            P::ForeignUploader => {
                let local = self.dice.pick(&known.local_users).map(Id::to_string);
                session["user_id"] = json!(local.unwrap_or_default());
            }
            P::HugeFile => {
                let sizes = [i64::MAX, 0, -1, 1 << 40];
                session["file_size"] = json!(self.dice.pick(&sizes));
                session["file_offset"] = json!(-1);
            }
            P::BadFileName => {
                let names = ["../../../etc/passwd", "", "..", "\u{202e}txt.exe", "a/b\\c"];
                session["filename"] = match self.dice.below(6) {
                    0 => json!("n".repeat(100_000)),
                    _ => json!(self.dice.pick(&names)),
                };
            }
            P::OthersFile => {
                let other = self.dice.pick(&known.files).map(Id::to_string);
                session["req_file_id"] = json!(other.unwrap_or(post));
            }
            P::OtherUploadType => session["type"] = json!("import"),
            _ => {
                self.files.insert(0, file);
                self.files.truncate(UPLOADS_MAX);
            }
        }
        self.uploads.insert(0, id);
        self.uploads.truncate(UPLOADS_MAX);
        session
    }

    /// The uploads of which it sends the bytes now, with their digests.
    pub fn bytes(&mut self) -> Vec<(Id, String)> {
        self.by_file_dice(|mallory| {
            let mut uploads = mallory.uploads.clone();
            uploads.retain(|_| mallory.dice.chance(400));
            mallory.uploads.retain(|upload| !uploads.contains(upload));
            if !uploads.is_empty() {
                mallory.uses(P::BytesOfUpload);
            }
            if mallory.dice.chance(30) {
                mallory.uses(P::BytesWithoutUpload);
                uploads.push(mallory.fresh());
            }
            let digest = |_| format!("{:064x}", mallory.dice.number());
            let digests: Vec<String> = (0..uploads.len()).map(digest).collect();
            uploads.into_iter().zip(digests).collect()
        })
    }

    /// The pictures that it sends now, with their digests: of its own users, and of anybody else.
    pub fn pictures(&mut self, known: &Knowledge) -> Vec<(Id, String)> {
        let dice = &mut self.picture_dice;
        let lists = [&known.own_users, &known.local_users, &known.other_users];
        let users: Vec<Option<Id>> = lists
            .into_iter()
            .map(|list| dice.pick(list).copied().filter(|_| dice.chance(300)))
            .collect();
        let digests: Vec<String> = users
            .iter()
            .map(|_| format!("{:064x}", dice.number()))
            .collect();
        let productions = [P::OwnPicture, P::LocalPicture, P::OthersPicture];
        let mut sent = Vec::new();
        for ((user, digest), production) in users.into_iter().zip(digests).zip(productions) {
            if let Some(user) = user {
                self.uses(production);
                sent.push((user, digest));
            }
        }
        sent
    }

    /// Files of a post: its own, those of others, and some that do not exist.
    pub(super) fn files_of_post(&mut self, known: &Knowledge, post: &mut Value) {
        self.by_file_dice(|mallory| {
            if !mallory.dice.chance(250) {
                return;
            }
            mallory.uses(P::FilesOfPost);
            let mut ids = Vec::new();
            for _ in 0..=mallory.dice.below(3) {
                let own = mallory.files.clone();
                let id = match mallory.dice.below(4) {
                    0 => mallory.dice.pick(&known.files).copied(),
                    1 => None,
                    _ => mallory.dice.pick(&own).copied(),
                };
                ids.push(id.unwrap_or_else(|| mallory.fresh()));
            }
            let user = mallory.user(known);
            let info = |id: &Id| {
                json!({
                    "id": id.as_str(), "user_id": user, "name": "../mallory.txt", "size": FILE_BYTES,
                    "create_at": -1, "mime_type": "text/html", "width": 1_000_000, "height": -1,
                })
            };
            post["file_ids"] = ids.iter().map(|id| json!(id.as_str())).collect();
            if mallory.dice.chance(700) {
                post["metadata"]["files"] = ids.iter().map(info).collect();
            }
        });
    }

    /// The answer to an announcement: the session, or one that was never announced.
    pub(super) fn session(&mut self, frame: &[u8]) -> Option<Value> {
        let json: Value = serde_json::from_slice(frame).ok()?;
        let mut session = json["msg"]["payload"].clone();
        self.announced = session["req_file_id"].as_str().map(str::to_string);
        self.by_file_dice(|mallory| {
            if !mallory.dice.chance(250) {
                return;
            }
            mallory.uses(P::LyingSession);
            match mallory.dice.below(3) {
                0 => session["id"] = json!(mallory.fresh().as_str()),
                1 => session["file_offset"] = json!(i64::MIN),
                _ => session["file_offset"] = json!(i64::MAX),
            }
        });
        Some(json!({"status": "OK", "err": "", "payload": session}))
    }

    /// The answer to the bytes of a file: status and body; `None` for no answer.
    pub fn file_answer(&mut self) -> Option<(u16, Vec<u8>)> {
        let file = self.announced.clone().unwrap_or_default();
        self.by_file_dice(|mallory| {
            let list = [(P::HonestFileAnswer, 60), (P::BadFileAnswer, 40)];
            let info = |id: &str| {
                json!({"id": id, "mime_type": "x/y"})
                    .to_string()
                    .into_bytes()
            };
            match mallory.one_of(&list) {
                P::HonestFileAnswer => Some((200, info(&file))),
                _ => match mallory.dice.below(6) {
                    0 => None,
                    1 => Some((200, info(mallory.fresh().as_str()))),
                    2 => Some((200, b"{\"id\":".to_vec())),
                    3 => Some((204, Vec::new())),
                    4 => Some((404, Vec::new())),
                    _ => Some((500, Vec::new())),
                },
            }
        })
    }
}
