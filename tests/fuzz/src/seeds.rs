//! Sources of seeds: the project's recordings, captures of real servers, test vectors.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A file in `tests/`.
pub fn path(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(relative)
}

/// The names of the recorded sessions in `tests/`.
pub const SESSIONS: [&str; 2] = [
    "recordings/town-acme.session",
    "recordings/town-globex.session",
];

/// Messages between real servers: bodies of requests to `path_part` (`Side::Request`), or of the
/// answers to them.
pub fn captured(path_part: &str, side: Side) -> Vec<Value> {
    let mut bodies = Vec::new();
    for generation in ["mattermost-2021", "mattermost-11.6"] {
        let mut files: Vec<PathBuf> = fs::read_dir(path("fixtures/captures").join(generation))
            .expect("the captures are there")
            .map(|entry| entry.expect("a file of captures").path())
            .filter(|path| path.extension().is_some_and(|it| it == "jsonl"))
            .collect();
        files.sort();
        for file in files {
            let text = fs::read_to_string(file).expect("captures are text");
            for line in text.lines() {
                let line: Value = serde_json::from_str(line).expect("a capture's line is JSON");
                let path = line["request"]["path"].as_str().unwrap_or_default();
                let body = &line[side.field()]["body"]["json"];
                if path.contains(path_part) && !body.is_null() {
                    bodies.push(body.clone());
                }
            }
        }
    }
    bodies
}

/// Which half of an exchange.
#[derive(Clone, Copy)]
pub enum Side {
    /// The request.
    Request,
    /// The answer.
    Answer,
}

impl Side {
    fn field(self) -> &'static str {
        match self {
            Side::Request => "request",
            Side::Answer => "response",
        }
    }
}
