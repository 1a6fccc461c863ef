//! Every body of the recorded traffic of real servers is read as those servers read it, and what we write for
//! the same objects has the same keys, order, types and values as theirs.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod written;

use std::path::PathBuf;

use causeway_kernel::boundary::output::Refusal;
use causeway_kernel::rows::id::Id;
use causeway_kernel::wire::frame::{self, Invite, Ping};
use causeway_kernel::wire::json::{Document, JsonType, Value};
use causeway_kernel::wire::message::{ChannelInvite, SyncMessage};
use causeway_kernel::wire::response::{self, Answer};
use causeway_kernel::wire::write::JsonWriter;
use causeway_kernel::wire::{Generation, secrets};

const SETS: [(&str, Generation); 2] = [
    ("mattermost-2021", Generation::V2021),
    ("mattermost-11.6", Generation::V11),
];

/// One recorded request and its answer; bodies as text, key order as sent.
struct Exchange {
    at: String,
    generation: Generation,
    endpoint: String,
    header_id: Option<Id>,
    by_hand: bool,
    body: String,
    status: i64,
    answer: String,
}

/// The files are sets of lines; a body that is not JSON is stored as text.
fn exchanges() -> Vec<Exchange> {
    let mut all = Vec::new();
    for (set, generation) in SETS {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/captures");
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder.join(set))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
            .collect();
        files.sort();
        assert!(files.len() > 15, "{set} is incomplete");
        for file in files {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            for line in std::fs::read_to_string(&file).unwrap().lines() {
                all.push(exchange(&name, line, generation));
            }
        }
    }
    all
}

fn exchange(name: &str, line: &str, generation: Generation) -> Exchange {
    let document = Document::parse(line.as_bytes()).unwrap();
    let root = document.root();
    let request = root.get("request").unwrap();
    let header = |wanted: &str| -> Option<String> {
        request
            .list("headers")
            .unwrap()
            .into_iter()
            .find_map(|pair| {
                let mut pair = pair
                    .children()
                    .map(|part| part.as_text().unwrap().into_owned());
                (pair.next()?.eq_ignore_ascii_case(wanted)).then(|| pair.next())?
            })
    };
    let body = |side: Value<'_>| -> String {
        let Some(body) = side.get("body") else {
            return String::new();
        };
        match body.get("json") {
            Some(json) => json.raw().into_owned(),
            None => body.text("text").unwrap_or_default().into_owned(),
        }
    };
    let path = request.text("path").unwrap().into_owned();
    let response = root.get("response").unwrap();
    Exchange {
        at: format!("{name}:{}", root.integer("seq").unwrap()),
        generation,
        endpoint: path.rsplit('/').next().unwrap().to_string(),
        header_id: header("X-Remotecluster-Id").and_then(|id| Id::parse(&id)),
        by_hand: header("User-Agent").is_some_and(|agent| agent.contains("test-client")),
        body: body(request),
        status: response.integer("status").unwrap(),
        answer: body(response),
    }
}

/// The members of an object: key, type and value; texts are decoded, other values unchanged.
type Members = Vec<(String, JsonType, String)>;

fn members(value: Value<'_>) -> Members {
    value
        .children()
        .map(|child| {
            let text = match child.kind() {
                JsonType::String => child.as_text().unwrap().into_owned(),
                _ => child.raw().replace(": ", ":").replace(", ", ","),
            };
            (child.key().into_owned(), child.kind(), text)
        })
        .collect()
}

fn parsed(bytes: &[u8]) -> Members {
    members(Document::parse(bytes).unwrap().root())
}

/// Compares what we wrote with what was recorded: the same keys in the same order with the same types, and
/// the same values except for the `free` keys. Keys in `absent` may be missing in the recording.
fn same(at: &str, ours: &[u8], theirs: Value<'_>, free: &[&str], absent: &[&str]) {
    let theirs = members(theirs);
    let mut ours = parsed(ours);
    ours.retain(|(key, ..)| {
        !absent.contains(&key.as_str()) || theirs.iter().any(|(other, ..)| other == key)
    });
    let shape = |list: &[(String, JsonType, String)]| -> Vec<(String, JsonType)> {
        list.iter()
            .map(|(key, kind, _)| (key.clone(), *kind))
            .collect()
    };
    assert_eq!(shape(&ours), shape(&theirs), "{at}");
    for (ours, theirs) in ours.iter().zip(&theirs) {
        if !free.contains(&ours.0.as_str()) {
            assert_eq!(ours, theirs, "{at}");
        }
    }
}

/// Calls `act` with every payload that a real server sent to a live connection.
fn real_payloads(mut act: impl FnMut(&Exchange, &str, Value<'_>)) {
    for exchange in exchanges() {
        if exchange.by_hand || !matches!(&*exchange.endpoint, "msg" | "ping" | "confirm_invite") {
            continue;
        }
        let document = Document::parse(exchange.body.as_bytes()).unwrap();
        let frame = frame::check(&document, exchange.header_id.unwrap())
            .unwrap_or_else(|refusal| panic!("{}: {refusal:?}", exchange.at));
        act(&exchange, &frame.topic, frame.payload);
    }
}

fn is_sync(topic: &str) -> bool {
    [
        frame::TOPIC_SYNC,
        frame::TOPIC_MEMBERSHIP,
        frame::TOPIC_GLOBAL_USERS,
    ]
    .contains(&topic)
}

#[test]
fn frames_are_accepted_and_refused_as_the_real_servers_did() {
    const OURS_TO_JUDGE: [&str; 4] = [
        "api.unmarshal_error",
        "api.remote_cluster.invalid_id.app_error",
        "api.remote_cluster.invalid_topic.app_error",
        "api.context.remote_id_invalid.app_error",
    ];
    let mut refused = 0;
    for exchange in exchanges() {
        let is_frame = matches!(&*exchange.endpoint, "msg" | "ping" | "confirm_invite");
        let Some(header_id) = exchange.header_id.filter(|_| is_frame) else {
            continue;
        };
        let document = Document::parse(exchange.body.as_bytes());
        let ours: Option<Refusal> = match &document {
            Err(error) => Some(frame::unreadable(error)),
            Ok(document) => frame::check(document, header_id).err(),
        };
        let theirs = Document::parse(exchange.answer.as_bytes());
        let id = theirs
            .as_ref()
            .map(|theirs| theirs.root().text("id").unwrap_or_default())
            .unwrap_or_default();
        // The name that servers of 2021 use.
        let id = id.replace("model.utils.decode_json.app_error", "api.unmarshal_error");
        match ours {
            // Authentication comes before the frame's checks.
            Some(_) if exchange.status == 401 => {}
            Some(ours) => {
                assert_eq!(
                    (i64::from(ours.status), &ours.id),
                    (exchange.status, &id),
                    "{}",
                    exchange.at
                );
                refused += 1;
            }
            None => assert!(!OURS_TO_JUDGE.contains(&&*id), "{}: {id}", exchange.at),
        }
    }
    assert!(refused >= 10, "only {refused} refusals were compared");
}

#[test]
fn payloads_of_real_servers_are_read_whole() {
    let mut seen = [0usize; 8];
    real_payloads(|exchange, topic, payload| match topic {
        frame::TOPIC_PING => {
            let ping = Ping::decode(payload).unwrap();
            same(&exchange.at, &ping.encode(), payload, &[], &[]);
        }
        frame::TOPIC_INVITATION => {
            let invite = Invite::decode(payload).unwrap();
            same(&exchange.at, &invite.encode(), payload, &[], &[]);
        }
        frame::TOPIC_INVITE => {
            let invite = ChannelInvite::decode(payload).unwrap();
            let password = Id::from_uuid_bytes([7; 16]);
            let written = invite.encode(JsonWriter::portable(), exchange.generation, password);
            if matches!(&*invite.kind, "O" | "P") {
                same(&exchange.at, &written, payload, &[], &[]);
            } else {
                let document = Document::parse(&written).unwrap();
                let again = ChannelInvite::decode(document.root()).unwrap();
                assert_eq!(again, invite, "{}", exchange.at);
                assert!(invite.participant_ids.len() >= 2, "{}", exchange.at);
            }
        }
        topic if is_sync(topic) => {
            let message = SyncMessage::decode(payload).unwrap();
            let bad = message.users.iter().any(|(_, item)| item.is_err())
                || message.posts.iter().any(|(_, item)| item.is_err())
                || message.reactions.iter().any(|(_, item)| item.is_err())
                || message
                    .acknowledgements
                    .iter()
                    .any(|(_, item)| item.is_err())
                || message
                    .membership_changes
                    .iter()
                    .any(|(_, item)| item.is_err());
            assert!(!bad, "{}", exchange.at);
            let files = message
                .posts
                .iter()
                .map(|(_, post)| post.as_ref().unwrap().file_ids.len());
            let counts = [
                message.users.len(),
                message.posts.len(),
                message.reactions.len(),
                message.mention_transforms.len(),
                message.statuses.len(),
                message.acknowledgements.len(),
                message.membership_changes.len(),
                files.sum(),
            ];
            // Nothing in a message is overlooked.
            assert!(counts[..7].iter().sum::<usize>() > 0, "{}", exchange.at);
            seen.iter_mut()
                .zip(counts)
                .for_each(|(seen, count)| *seen += count);
        }
        frame::TOPIC_UPLOAD => {}
        other => panic!("{}: {other}", exchange.at),
    });
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
}

#[test]
fn answers_are_understood_and_written_as_the_real_servers_write_them() {
    let (mut full, mut refused) = (0, 0);
    for exchange in exchanges() {
        let Ok(document) = Document::parse(exchange.answer.as_bytes()) else {
            continue;
        };
        let answer = document.root();
        if exchange.status >= 400 && answer.get("request_id").is_some() {
            let text = |key| answer.text(key).unwrap().into_owned();
            let status = u16::try_from(answer.integer("status_code").unwrap()).unwrap();
            let refusal = Refusal::new(status, &text("id"), text("message"));
            let ours = frame::encode_error(&refusal, &text("request_id"));
            same(&exchange.at, &ours, answer, &["detailed_error"], &[]);
            refused += 1;
        }
        if exchange.endpoint != "msg" || exchange.status != 200 || answer.get("status").is_none() {
            continue;
        }
        match response::decode(exchange.answer.as_bytes()).unwrap() {
            Answer::Ok(Some(response)) => {
                let payload = answer.get("payload").unwrap();
                if payload.get("status_errors").is_some() {
                    let ours = response::encode_ok(Some(&response));
                    let ours = Document::parse(&ours).unwrap();
                    let ours = ours.root().get("payload").unwrap().raw().into_owned();
                    let free = ["status_errors"];
                    let nulls = payload.get("post_errors").is_some_and(Value::is_null);
                    if !nulls && payload.get("status_errors").is_some_and(Value::is_null) {
                        same(&exchange.at, ours.as_bytes(), payload, &free, &[]);
                        full += 1;
                    }
                }
            }
            Answer::Ok(None) => same(
                &exchange.at,
                &response::encode_ok(None),
                answer,
                &[],
                &["payload"],
            ),
            Answer::Fail(error) => {
                let free = ["payload"];
                let theirs = answer
                    .get("payload")
                    .is_some_and(|payload| !payload.is_null());
                if !theirs {
                    same(
                        &exchange.at,
                        &response::encode_fail(&error),
                        answer,
                        &free,
                        &["payload"],
                    );
                }
            }
        }
    }
    assert!(full > 400 && refused > 40, "{full} {refused}");
}

#[test]
fn invitation_objects_are_the_bytes_that_go_writes() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures");
    let text = std::fs::read(folder.join("vectors/invite.json")).unwrap();
    let document = Document::parse(&text).unwrap();
    let vectors = document.root().list("vectors").unwrap();
    assert_eq!(vectors.len(), 6);
    for vector in vectors {
        let plaintext = vector.text("plaintext").unwrap();
        let object = Document::parse(plaintext.as_bytes()).unwrap();
        let invite = Invite::decode(object.root()).unwrap();
        assert_eq!(String::from_utf8(invite.encode()).unwrap(), plaintext);
    }
    for (set, _) in SETS {
        let text = std::fs::read(folder.join("captures").join(set).join("invites.json")).unwrap();
        let document = Document::parse(&text).unwrap();
        for invite in document.root().children() {
            let theirs = invite.get("decrypted").unwrap();
            let ours = Invite::decode(theirs).unwrap().encode();
            same(set, &ours, theirs, &[], &[]);
        }
    }
}

#[test]
fn no_secret_of_a_recording_is_left_in_a_body() {
    let mut hashes = 0;
    for exchange in exchanges() {
        let valid = Document::parse(exchange.body.as_bytes()).is_ok();
        let mut bytes = exchange.body.clone().into_bytes();
        let blanked = secrets::blank(&mut bytes);
        assert_eq!(bytes.len(), exchange.body.len(), "{}", exchange.at);
        assert_eq!(Document::parse(&bytes).is_ok(), valid, "{}", exchange.at);
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.contains("$2a$"), "{}", exchange.at);
        hashes += usize::from(exchange.body.contains("$2a$"));
        let secret = ["\"password\"", "\"token\"", "\"refreshed_token\""];
        assert!(blanked > 0 || !secret.iter().any(|key| exchange.body.contains(key)));
        // Blanked values are not read: profiles and posts are parsed as before.
        if exchange.endpoint == "msg" && valid {
            let posts = |text: &str| {
                let document = Document::parse(text.as_bytes()).unwrap();
                let payload = document
                    .root()
                    .get("msg")
                    .and_then(|msg| msg.get("payload"));
                payload
                    .and_then(|payload| SyncMessage::decode(payload).ok())
                    .map(|message| {
                        let posts = message.posts.into_iter().map(|(_, post)| post.ok());
                        let users = message.users.into_iter().map(|(_, user)| user.ok());
                        (
                            posts.collect::<Vec<_>>(),
                            users.collect::<Vec<_>>(),
                            message.mention_transforms,
                        )
                    })
            };
            assert_eq!(posts(&text), posts(&exchange.body), "{}", exchange.at);
        }
    }
    assert!(hashes > 3, "{hashes}");
}
