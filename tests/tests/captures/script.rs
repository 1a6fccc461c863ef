//! How the recorded side answers our host: as recorded where that was anything but a plain
//! success, otherwise like a server that accepts everything.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use causeway_kernel::wire::response::OK;
use causeway_tests::peer::{Answered, Asked, Told};

use crate::json::Json;
use crate::members;
use crate::recording::{Set, is_sync};

/// Which request an answer is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct For {
    /// Endpoint.
    pub endpoint: String,
    /// Section of the sync message, or the topic.
    pub section: String,
    /// Channel; empty = any.
    pub channel: String,
}

/// The remaining answers.
pub struct Script {
    set: Set,
    next: VecDeque<(For, Told)>,
    /// Announced files, by upload.
    uploads: BTreeMap<String, Json>,
}

/// A script shared by the server and the player.
pub type SharedScript = Arc<Mutex<Script>>;

impl Script {
    /// Only successes, in the manner of a server of this set.
    pub fn new(set: Set) -> SharedScript {
        Arc::new(Mutex::new(Script {
            set,
            next: VecDeque::new(),
            uploads: BTreeMap::new(),
        }))
    }

    /// Sets how the next request of a kind is answered.
    pub fn push(script: &SharedScript, which: For, told: Told) {
        let mut script = script.lock().unwrap_or_else(PoisonError::into_inner);
        script.next.push_back((which, told));
    }

    /// Drops the answers that were never requested, and returns their number.
    pub fn clear(script: &SharedScript) -> usize {
        let mut script = script.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut script.next).len()
    }

    /// Answers a request.
    pub fn decide(&mut self, asked: &Asked) -> Told {
        let endpoint = asked.path.rsplit('/').next().unwrap_or_default();
        let body = Json::parse(&asked.body).unwrap_or(Json::Null);
        let message = body.get("msg");
        let (topic, payload) = (message.get("topic").text(), message.get("payload"));
        let found = self.next.iter().position(|(which, _)| {
            let channel = payload.get("channel_id").text();
            which.endpoint == endpoint
                && which.section == section_of(topic, payload)
                && (which.channel.is_empty() || which.channel == channel)
        });
        if let Some((_, told)) = found.and_then(|at| self.next.remove(at)) {
            return told;
        }
        if topic == "sharedchannel_upload" {
            let upload = payload.get("id").text().to_string();
            self.uploads.insert(upload, payload.clone());
            let answer = format!("{{\"status\":\"OK\",\"err\":\"\",\"payload\":{payload}}}");
            return self.answer(200, answer.into_bytes());
        }
        if let Some(upload) = self.uploads.get(endpoint)
            && asked.path.contains("/upload/")
        {
            let info = file_info(upload, asked.body.len());
            return self.answer(200, info.to_string().into_bytes());
        }
        match endpoint {
            "ping" => {
                let sent_at = payload.get("sent_at").integer();
                let now = SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .map_or(Duration::ZERO, |since| since)
                    .as_millis();
                self.answer(
                    200,
                    format!("{{\"sent_at\":{sent_at},\"recv_at\":{now}}}").into_bytes(),
                )
            }
            "msg" if is_sync(topic) => self.answer(200, taken(payload)),
            "msg" => self.answer(200, br#"{"status":"OK","err":"","payload":null}"#.to_vec()),
            "image" => self.answer(200, OK.to_vec()),
            _ => self.answer(404, b"{}".to_vec()),
        }
    }

    /// An answer with the headers of the set's servers.
    fn answer(&self, status: u16, body: Vec<u8>) -> Told {
        Told::Answer(Answered {
            status,
            headers: headers(self.set),
            body,
        })
    }
}

/// The relevant headers of the set's servers.
pub fn headers(set: Set) -> Vec<(String, String)> {
    let version = match set {
        Set::V2021 => "5.37.0.dev.4e8af8b2f6a1.true",
        Set::V11 => "11.6.0..2fdc7e2887728b2d.true",
    };
    vec![
        ("content-type".into(), "application/json".into()),
        ("x-version-id".into(), version.into()),
    ]
}

/// The sections of a sync message that our host sends, in the order of their messages.
pub const SECTIONS: [&str; 5] = [
    "users",
    members::SECTION,
    "posts",
    "acknowledgements",
    "reactions",
];

/// The section of a sync message, otherwise the topic. Memberships may come with the profiles of their users.
pub fn section_of(topic: &str, payload: &Json) -> String {
    let found = [members::SECTION]
        .into_iter()
        .chain(SECTIONS)
        .find(|section| payload.get(section).is_filled());
    match found {
        Some(section) if is_sync(topic) => section.to_string(),
        _ => topic.to_string(),
    }
}

/// What a server says of a file that it got.
fn file_info(upload: &Json, bytes: usize) -> Json {
    let of = |key: &str| upload.get(key).clone();
    let size = i64::try_from(bytes).unwrap_or(i64::MAX);
    Json::Object(vec![
        ("id".into(), of("req_file_id")),
        ("user_id".into(), of("user_id")),
        ("channel_id".into(), of("channel_id")),
        ("name".into(), of("filename")),
        ("size".into(), Json::from(size)),
        ("mini_preview".into(), Json::Null),
        ("remote_id".into(), of("remote_id")),
    ])
}

/// The answer of a server that accepted all of a message.
fn taken(payload: &Json) -> Vec<u8> {
    let users = payload.get("users").members();
    let users = users.iter().map(|(id, _)| Json::Text(id.clone()));
    let response = Json::Object(vec![
        ("users_last_update_at".into(), Json::from(0)),
        ("user_errors".into(), Json::List(Vec::new())),
        ("users_syncd".into(), Json::List(users.collect())),
        ("posts_last_update_at".into(), Json::from(0)),
        ("post_errors".into(), Json::List(Vec::new())),
        ("reactions_last_update_at".into(), Json::from(0)),
        ("reaction_errors".into(), Json::List(Vec::new())),
    ]);
    format!("{{\"status\":\"OK\",\"err\":\"\",\"payload\":{response}}}").into_bytes()
}
