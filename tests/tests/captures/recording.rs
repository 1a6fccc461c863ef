//! The recordings: requests between two real servers, with their answers. See the README of each
//! set in `fixtures/captures`.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::json::Json;

/// A set of recordings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// Servers of July 2021.
    V2021,
    /// Servers of version 11.6.
    V11,
}

impl Set {
    /// Its folder.
    pub fn folder(self) -> PathBuf {
        let name = match self {
            Set::V2021 => "mattermost-2021",
            Set::V11 => "mattermost-11.6",
        };
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fixtures/captures")
            .join(name)
    }

    /// The team that the set's invitation codes name; only those of 2021 do.
    pub fn team_of_invitations(self) -> String {
        let text = std::fs::read(self.folder().join("invites.json"));
        let list = Json::parse(&text.expect("the fixtures are there"));
        let list = list.expect("the codes are JSON");
        let first = list.list().first().expect("there is a code");
        let team = first.get("decrypted").get("remote_team_id");
        team.text().to_string()
    }

    /// The recording whose file name begins with this number.
    pub fn file(self, number: &str) -> Vec<Exchange> {
        let found = self.files().into_iter().find(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(number)
        });
        read(&found.unwrap_or_else(|| panic!("no recording {number}")))
    }

    /// Every recording, by number.
    pub fn files(self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.folder()).expect("the fixtures are there");
        let mut files: Vec<PathBuf> = entries
            .map(|entry| entry.expect("a folder can be listed").path())
            .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
            .collect();
        files.sort();
        assert!(files.len() > 15, "{self:?} is incomplete");
        files
    }
}

/// The body of a request or an answer.
#[derive(Clone, Debug)]
pub enum Body {
    /// JSON; key order as sent.
    Json(Json),
    /// Anything else; no body is empty bytes.
    Bytes(Vec<u8>),
}

impl Body {
    fn of(recorded: &Json) -> Body {
        if let Some(json) = recorded.find("json") {
            return Body::Json(json.clone());
        }
        let encoded = match recorded.find("raw_base64") {
            Some(form) => form.text(),
            None => recorded.get("base64").text(),
        };
        if encoded.is_empty() {
            return Body::Bytes(recorded.get("text").text().as_bytes().to_vec());
        }
        Body::Bytes(
            STANDARD
                .decode(encoded)
                .expect("a recorded body is base 64"),
        )
    }

    /// The JSON; null if the body is not JSON.
    pub fn json(&self) -> &Json {
        match self {
            Body::Json(json) => json,
            Body::Bytes(_) => &Json::Null,
        }
    }
}

/// A real server's answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Body,
}

/// A request and its result.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// First two digits of the file.
    pub file: String,
    pub seq: i64,
    pub from: char,
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Body,
    /// `None` if no answer came.
    pub answer: Option<Answer>,
    /// Why no answer came.
    pub error: String,
}

impl Exchange {
    /// File and number, for messages.
    pub fn at(&self) -> String {
        format!("{}/{}", self.file, self.seq)
    }

    /// Whether it was hand-made, with the credentials of a real server.
    pub fn by_hand(&self) -> bool {
        self.header("user-agent").contains("test-client")
    }

    /// A header of the request; empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        let found = self
            .headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }

    /// The connection that the header names.
    pub fn remote_id(&self) -> &str {
        self.header("x-remotecluster-id")
    }

    /// The token.
    pub fn token(&self) -> &str {
        self.header("x-remotecluster-token")
    }

    /// The last part of the path.
    pub fn endpoint(&self) -> &str {
        if self.path.contains("/upload/") {
            return "upload";
        }
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// The topic of the frame; empty if there is none.
    pub fn topic(&self) -> &str {
        self.body.json().get("msg").get("topic").text()
    }

    /// The payload of the frame.
    pub fn payload(&self) -> &Json {
        self.body.json().get("msg").get("payload")
    }

    /// The channel of a sync message; empty for any other message.
    pub fn channel(&self) -> &str {
        if is_sync(self.topic()) {
            self.payload().get("channel_id").text()
        } else {
            ""
        }
    }

    /// The payload of the answer's envelope.
    pub fn answered(&self) -> &Json {
        match &self.answer {
            Some(answer) => answer.body.json().get("payload"),
            None => &Json::Null,
        }
    }
}

/// Whether a topic is one of the three that carry sync messages.
pub fn is_sync(topic: &str) -> bool {
    matches!(
        topic,
        "sharedchannel_sync" | "sharedchannel_membership" | "sharedchannel_global_user_sync"
    )
}

/// Reads a file of the recordings.
pub fn read(path: &Path) -> Vec<Exchange> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let number: String = name.chars().take(2).collect();
    let text = std::fs::read_to_string(path).expect("a recording can be read");
    text.lines().map(|line| exchange(&number, line)).collect()
}

fn exchange(file: &str, line: &str) -> Exchange {
    let line = Json::parse(line.as_bytes()).expect("a recording is JSON lines");
    let (request, response) = (line.get("request"), line.get("response"));
    let side = |key| line.get(key).text().chars().next().unwrap_or('?');
    let status = u16::try_from(response.get("status").integer()).unwrap_or_default();
    Exchange {
        file: file.to_string(),
        seq: line.get("seq").integer(),
        from: side("from"),
        method: request.get("method").text().to_string(),
        path: request.get("path").text().to_string(),
        headers: headers(request),
        body: Body::of(request.get("body")),
        answer: (status > 0).then(|| Answer {
            status,
            headers: headers(response),
            body: Body::of(response.get("body")),
        }),
        error: line.get("error").text().to_string(),
    }
}

fn headers(side: &Json) -> Vec<(String, String)> {
    let pair = |pair: &Json| match pair.list() {
        [name, value] => Some((name.text().to_string(), value.text().to_string())),
        _ => None,
    };
    side.get("headers").list().iter().filter_map(pair).collect()
}
