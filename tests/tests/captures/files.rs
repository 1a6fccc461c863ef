//! Files: uploaded at our host and sent as the recorded server sent them, and those of the recorded server, which
//! our host takes and shows.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use causeway_tests::client::Client;
use causeway_tests::form::Form;
use causeway_tests::peer::{Answered, Asked};
use hyper::Method;
use serde_json::Value;

use crate::differences::Difference;
use crate::incoming::keys;
use crate::json::Json;
use crate::player::Player;
use crate::recording::{Answer, Body, Exchange};

/// How long our host may take to send a file.
const SEND_DEADLINE: Duration = Duration::from_secs(60);

/// A file of the recordings.
#[derive(Clone, Debug)]
pub struct File {
    /// The message that announced it.
    announcement: Json,
    bytes: Vec<u8>,
}

/// The bytes of a body, as they were sent.
fn bytes_of(body: &Body) -> Vec<u8> {
    match body {
        Body::Bytes(bytes) => bytes.clone(),
        Body::Json(json) => json.to_string().into_bytes(),
    }
}

/// The ids of a post's files.
pub fn ids_of(post: &Json) -> Vec<String> {
    let ids = post.get("file_ids").list().iter();
    ids.map(|id| id.text().to_string()).collect()
}

/// Whether our deletion of a post does not name the files that the recorded one names.
pub fn is_bare_deletion(ours: &Json, theirs: &Json) -> bool {
    let is_deletion = theirs.get("delete_at").integer() > 0;
    is_deletion && ids_of(ours).is_empty() && !ids_of(theirs).is_empty()
}

impl Player {
    /// Notes a file that the recorded server of our seat announced, or its bytes: our host's user uploads it with
    /// the post to which it belongs.
    pub fn note_file(&mut self, exchange: &Exchange) {
        let announcement = exchange.payload();
        if exchange.topic() == "sharedchannel_upload" {
            let upload = announcement.get("id").text().to_string();
            self.announced.insert(upload, announcement.clone());
            return;
        }
        let upload = exchange.path.rsplit('/').next().unwrap_or_default();
        if let Some(announcement) = self.announced.remove(upload) {
            let id = announcement.get("req_file_id").text().to_string();
            let bytes = bytes_of(&exchange.body);
            let file = File {
                announcement,
                bytes,
            };
            self.files.insert(id, file);
        }
    }

    /// Uploads the files of a post that its author is about to write; their ids here.
    pub async fn upload_files(&mut self, post: &Json) -> Result<Vec<String>> {
        let mut live = Vec::new();
        let session = self.session(post.get("user_id").text()).await?;
        let channel = self.live(post.get("channel_id").text());
        for id in ids_of(post) {
            let Some(file) = self.files.get(&id).cloned() else {
                continue;
            };
            let name = file.announcement.get("filename").text();
            let form = Form::default().field("channel_id", &channel);
            let made = form
                .file(name, &file.bytes)
                .send(&session, "/files")
                .await?;
            let made = made.ok()?["file_infos"][0]["id"].clone();
            let made = made.as_str().context("a file has an id")?.to_string();
            self.map.insert(id.clone(), made.clone());
            live.push(made);
            if post.get("delete_at").integer() == 0 {
                self.files_owed.push(id);
            }
        }
        Ok(live)
    }

    /// Checks that our host has sent the files of a round as the recorded server did.
    pub async fn check_files_sent(&mut self) {
        for id in std::mem::take(&mut self.files_owed) {
            let (live, file) = (self.live(&id), self.files[&id].clone());
            let begun = Instant::now();
            let sent = loop {
                let sent = self.file_sent(&live);
                if sent.is_some() || begun.elapsed() > SEND_DEADLINE {
                    break sent;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            };
            let Some((ours, asked)) = sent else {
                self.mismatch(format!("the file {id} was not sent"));
                continue;
            };
            let theirs = self.live_json(&file.announcement);
            self.expect("an announcement's keys", keys(&ours), keys(&theirs));
            for (key, value) in theirs.members() {
                // Each side chooses the id of the upload.
                if key != "id" {
                    let what = format!("the announcement's {key}");
                    self.expect(&what, ours.get(key), value);
                }
            }
            self.expect("the bytes of a file", asked.body, file.bytes);
        }
    }

    /// The announcement of a file by our host, and the request that brought all of it.
    fn file_sent(&self, live: &str) -> Option<(Json, Asked)> {
        let asked = self.peer.asked(0);
        let mut announcements = asked.iter().filter_map(|asked| {
            let payload = Json::parse(&asked.body)?.get("msg").get("payload").clone();
            (payload.get("req_file_id").text() == live).then_some(payload)
        });
        let announcement = announcements.next_back()?;
        let path = format!("/upload/{}", announcement.get("id").text());
        let brought = asked.iter().find(|asked| asked.path.ends_with(&path))?;
        Some((announcement, brought.clone()))
    }

    /// Notes the bytes of a file that our host has taken.
    pub fn note_taken_file(&mut self, exchange: &Exchange, answered: &Answered) {
        let body = Json::parse(&answered.body).unwrap_or(Json::Null);
        let id = body.get("id").text();
        if answered.status == 200 && !id.is_empty() {
            self.taken_files
                .insert(id.to_string(), bytes_of(&exchange.body));
        }
    }

    /// Compares the files of a post that our host shows with those that it was sent.
    pub async fn check_files(&mut self, post: &Json, shown: &Value, reader: &Client) -> Result<()> {
        let mut expected = ids_of(post);
        expected.retain(|id| self.taken_files.contains_key(id));
        let listed = shown["metadata"]["files"].as_array();
        let listed = listed
            .into_iter()
            .flatten()
            .filter_map(|it| it["id"].as_str());
        let listed: Vec<&str> = listed.collect();
        let of_it: Vec<&str> = expected.iter().map(String::as_str).collect();
        self.expect("the files of a post", &listed, &of_it);
        let ids = shown["file_ids"].as_array().into_iter().flatten();
        let ids: Vec<&str> = ids.filter_map(Value::as_str).collect();
        self.expect("the ids of its files", &ids, &of_it);
        for id in &expected {
            let path = format!("/files/{id}");
            let answer = reader
                .call_bytes(Method::GET, &path, Vec::new(), &[])
                .await?;
            let same = answer.bytes.as_ref() == self.taken_files[id].as_slice();
            self.expect("a file has the bytes that were sent", same, true);
        }
        Ok(())
    }

    /// The bytes of a file get the recorded answer.
    pub fn check_bytes(&mut self, recorded: &Answer, ours: &Answered) {
        let body = Json::parse(&ours.body).unwrap_or(Json::Null);
        let theirs = recorded.body.json();
        self.expect("the status", ours.status, recorded.status);
        // The id of the file, or of the error.
        self.expect("the id", body.get("id").text(), theirs.get("id").text());
        if recorded.status == 200 {
            for key in ["user_id", "name", "size", "extension", "delete_at"] {
                let mapped = self.live_json(theirs.get(key));
                self.expect(key, body.get(key), &mapped);
            }
        }
    }

    /// A file is taken if the recorded server took it, unless it is not its sender's.
    pub fn check_announced(&mut self, exchange: &Exchange, theirs: &Json, ours: &Json) {
        let told = ours.get("status").text();
        let recorded = theirs.get("status").text();
        if exchange.by_hand() && (told, recorded) == ("FAIL", "OK") {
            return self.differs(Difference::OwnershipOfFiles);
        }
        self.expect("an announced file", told, recorded);
        if told == "OK" {
            let (ours, theirs) = (ours.get("payload"), theirs.get("payload"));
            self.expect("the session's keys", keys(ours), keys(theirs));
            let offset = |session: &Json| session.get("file_offset").integer();
            self.expect("the offset", offset(ours), offset(theirs));
        }
    }
}
