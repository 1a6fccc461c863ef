//! Bytes from hostile peers: nothing panics, nothing takes long, and one bad item does not affect the others
//! in its batch.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::path::PathBuf;
use std::time::Duration;

use causeway_kernel::rows::id::Id;
use causeway_kernel::wire::json::{DEPTH_MAX, Document, JsonErrorKind, KEPT_DEPTH_MAX};
use causeway_kernel::wire::message::{ChannelInvite, SyncMessage, WirePost};
use causeway_kernel::wire::write::JsonWriter;
use causeway_kernel::wire::{frame, response, secrets};
use proptest::prelude::*;
use serde_json::json;

/// Bodies of one recording as written by the sender (without the spaces of the recording).
fn recorded(file: &str) -> Vec<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/captures");
    let text = std::fs::read_to_string(path.join(file)).unwrap();
    let body = |line: &str| -> Option<String> {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let json = line["request"]["body"].get("json")?;
        Some(json.to_string())
    };
    text.lines().filter_map(body).collect()
}

/// Parses bytes in every way in which a peer's bytes are parsed.
fn read_in_every_way(bytes: &[u8]) {
    let mut copy = bytes.to_vec();
    secrets::blank(&mut copy);
    let _ = response::decode(bytes);
    let Ok(document) = Document::parse(bytes) else {
        return;
    };
    let root = document.root();
    let _ = (root.raw(), root.height(), root.key());
    let id = root.text("remote_id").ok().and_then(|id| Id::parse(&id));
    let checked = frame::check(&document, id.unwrap_or(Id::from_uuid_bytes([0; 16])));
    let payload = checked.map(|frame| frame.payload).unwrap_or(root);
    let _ = SyncMessage::decode(payload);
    let _ = ChannelInvite::decode(payload);
    let _ = frame::Invite::decode(payload);
    let _ = frame::Ping::decode(payload);
}

#[test]
fn frames_that_break_off_anywhere_are_refused_without_harm() {
    for body in recorded("mattermost-11.6/22-mention-transforms.jsonl")
        .iter()
        .take(12)
    {
        for end in 0..body.len() {
            let cut = &body.as_bytes()[..end];
            assert!(Document::parse(cut).is_err());
            read_in_every_way(cut);
        }
    }
}

/// CPU time of this thread. Other load on the machine is not included, so a limit on it also holds on a busy
/// machine. Zero if the system does not report it.
fn spent() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().unwrap_or_default().parse();
    Duration::from_nanos(nanoseconds.unwrap_or_default())
}

#[test]
fn deep_nesting_is_refused_quickly() {
    let start = spent();
    for depth in [DEPTH_MAX + 1, 1_000, 100_000] {
        for text in [
            "[".repeat(depth),
            "[".repeat(depth) + &"]".repeat(depth),
            r#"{"a":"#.repeat(depth) + "0" + &"}".repeat(depth),
            r#"[{"a":"#.repeat(depth),
        ] {
            let error = Document::parse(text.as_bytes()).unwrap_err();
            assert_eq!(error.kind, JsonErrorKind::Depth);
            read_in_every_way(text.as_bytes());
        }
    }
    let limit = "[".repeat(DEPTH_MAX) + &"]".repeat(DEPTH_MAX);
    let document = Document::parse(limit.as_bytes()).unwrap();
    assert_eq!(document.root().height(), DEPTH_MAX);
    let took = spent() - start;
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[test]
fn kept_text_leaves_room_for_the_frames_in_which_it_is_sent() {
    let post = |depth: usize| {
        let inner = "[".repeat(depth - 1) + &"]".repeat(depth - 1);
        let text = format!(r#"{{"id":"p","props":{{"a":{inner}}}}}"#);
        WirePost::decode(Document::parse(text.as_bytes()).unwrap().root())
    };
    let kept = post(KEPT_DEPTH_MAX).unwrap();
    assert!(post(KEPT_DEPTH_MAX + 1).is_err());
    let id = Id::from_uuid_bytes([1; 16]);
    let section = causeway_kernel::wire::message::SyncSection::Posts(&[kept], &[]);
    let generation = causeway_kernel::wire::Generation::V11;
    let payload = causeway_kernel::wire::message::encode_sync(
        JsonWriter::new(),
        generation,
        id,
        id,
        &section,
    );
    let frame = frame::encode(id, id, frame::TOPIC_SYNC, 1, &payload);
    assert!(Document::parse(&frame).is_ok());
}

#[test]
fn bodies_that_fill_the_limit_with_one_thing_take_no_long_time() {
    const BYTES: usize = 300_000;
    let fill = |head: &str, part: &str, tail: &str| {
        let count = (BYTES - head.len() - tail.len()) / (part.len() + 1);
        format!("{head}{}{tail}", vec![part; count].join(","))
    };
    let distinct = |head: &str, tail: &str| {
        let parts: Vec<String> = (0..BYTES / 12).map(|n| format!(r#""{n:06}":0"#)).collect();
        format!("{head}{}{tail}", parts.join(","))
    };
    let bodies = [
        fill("{", r#""id":"""#, "}"),
        fill("{", r#""\u0069d":1"#, "}"),
        fill(r#"{"posts":["#, "{}", "]}"),
        fill(r#"{"posts":["#, "0", "]}"),
        fill(r#"{"posts":[{"#, r#""a":0"#, "}]}"),
        fill(r#"{"posts":[{"props":{"a":["#, "[]", "]}}]}"),
        fill(r#"{"users":{"#, r#""u":{}"#, "}}"),
        fill(r#"{"mention_transforms":{"#, r#""a":"b""#, "}}"),
        distinct(r#"{"users":{"#, "}}"),
        distinct(r#"{"posts":[{"props":{"#, "}}]}"),
        fill(r#"{"channel_id":""#, r"\ud800\n", r#""}"#),
        "\"".repeat(BYTES),
        "\\".repeat(BYTES),
        r#"{"password":"#.repeat(BYTES / 12),
        "\u{fffd}".repeat(BYTES / 3),
        "0".repeat(BYTES),
    ];
    for body in bodies {
        let start = spent();
        read_in_every_way(body.as_bytes());
        let took = spent() - start;
        let head: String = body.chars().take(40).collect();
        assert!(took < Duration::from_secs(1), "{took:?} for {head}");
    }
}

/// Wrong values for an item or its members.
fn wrong() -> impl Strategy<Value = serde_json::Value> {
    prop_oneof![
        Just(json!(null)),
        Just(json!(true)),
        Just(json!(1.5)),
        Just(json!(u64::MAX)),
        Just(json!("text")),
        Just(json!([])),
        Just(json!([{"id": 1}])),
        Just(json!({"id": {}})),
    ]
}

/// Any small JSON value.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|value| json!(value)),
        any::<i64>().prop_map(|value| json!(value)),
        any::<i32>().prop_map(|value| json!(f64::from(value) / 8.0)),
        any::<String>().prop_map(|value| json!(value)),
    ];
    leaf.prop_recursive(6, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(|list| json!(list)),
            proptest::collection::btree_map(key(), inner, 0..6).prop_map(|map| json!(map)),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => any::<String>(),
        1 => Just("password".to_string()),
        1 => Just("Auth_Data".to_string()),
        1 => Just("refreshed_token".to_string()),
        1 => Just("TOKEN".to_string()),
    ]
}

/// Whether our parser's value equals that of the reference library.
fn agrees(ours: causeway_kernel::wire::json::Value<'_>, theirs: &serde_json::Value) -> bool {
    match theirs {
        serde_json::Value::Null => ours.is_null(),
        serde_json::Value::Bool(value) => ours.as_boolean() == Ok(*value),
        serde_json::Value::Number(value) => match value.as_i64() {
            Some(value) => ours.as_integer() == Ok(value),
            None => ours.as_integer().is_err() && ours.raw().parse::<f64>().is_ok(),
        },
        serde_json::Value::String(value) => ours.as_text().as_deref() == Ok(value),
        serde_json::Value::Array(list) => {
            ours.children().count() == list.len()
                && ours
                    .children()
                    .zip(list)
                    .all(|(ours, theirs)| agrees(ours, theirs))
        }
        serde_json::Value::Object(map) => {
            ours.children().count() == map.len()
                && ours.children().all(|child| {
                    map.get(&*child.key())
                        .is_some_and(|theirs| agrees(child, theirs))
                })
        }
    }
}

/// The value with every string under a secret key replaced by `*`, with its members in any order.
fn blanked(value: &serde_json::Value) -> serde_json::Value {
    const SECRET: [&str; 4] = ["password", "auth_data", "refreshed_token", "token"];
    match value {
        serde_json::Value::Array(list) => list.iter().map(blanked).collect(),
        serde_json::Value::Object(map) => {
            let member = |(key, value): (&String, &serde_json::Value)| {
                let text = value
                    .as_str()
                    .filter(|_| SECRET.iter().any(|secret| key.eq_ignore_ascii_case(secret)));
                let value = match text {
                    // As long as its encoded form, which may contain escapes.
                    Some(text) => json!("*".repeat(json!(text).to_string().len() - 2)),
                    None => blanked(value),
                };
                (key.clone(), value)
            };
            json!(map.iter().map(member).collect::<serde_json::Map<_, _>>())
        }
        other => other.clone(),
    }
}

/// Writes every character of the keys as an escape.
fn escape_keys(text: &str) -> String {
    let mut out = text.to_string();
    for key in ["password", "Auth_Data", "refreshed_token", "TOKEN"] {
        let spelled: String = key.bytes().map(|byte| format!("\\u{byte:04X}")).collect();
        out = out.replace(&format!("\"{key}\":"), &format!("\"{spelled}\" :\n"));
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_json_is_read_as_the_reference_library_reads_it(value in any_json()) {
        let text = value.to_string();
        let document = Document::parse(text.as_bytes()).unwrap();
        prop_assert!(agrees(document.root(), &value), "{text}");
        let raw = document.root().raw();
        prop_assert_eq!(&raw, &text);
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        prop_assert!(agrees(Document::parse(pretty.as_bytes()).unwrap().root(), &value));
    }

    #[test]
    fn damaged_json_is_valid_to_us_exactly_when_it_is_to_the_reference_library(
        value in any_json(),
        at in any::<proptest::sample::Index>(),
        with in r#"[\[\]{}",:0-9a-z\\\-\. ]{0,2}"#,
    ) {
        let mut text = value.to_string();
        let starts: Vec<usize> = text.char_indices().map(|(start, _)| start).collect();
        let at = starts[at.index(starts.len())];
        let end = at + text[at..].chars().next().map_or(0, char::len_utf8);
        text.replace_range(at..end, &with);
        let mut stream = serde_json::Deserializer::from_str(&text)
            .into_iter::<&serde_json::value::RawValue>();
        let theirs = stream.next().is_some_and(|first| first.is_ok());
        let ours = Document::parse(text.as_bytes());
        // The library requires white space after a number, literal or string that ends the text.
        let scalar = ours.as_ref().is_ok_and(|document| document.root().height() == 0);
        prop_assert!(theirs == ours.is_ok() || scalar, "{text}");
    }

    #[test]
    fn any_bytes_in_a_frame_are_read_without_harm(
        pick in any::<proptest::sample::Index>(),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let bodies = recorded("mattermost-2021/07-profile-images.jsonl");
        let mut bytes = bodies[pick.index(bodies.len())].clone().into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let valid = Document::parse(&bytes).is_ok();
        read_in_every_way(&bytes);
        let mut copy = bytes.clone();
        secrets::blank(&mut copy);
        prop_assert_eq!(copy.len(), bytes.len());
        // Blanking also removes a control character inside a secret, which may repair broken JSON.
        prop_assert!(Document::parse(&copy).is_ok() || !valid);
    }

    #[test]
    fn written_text_is_read_back_by_both(text in any::<String>()) {
        let mut writer = JsonWriter::new();
        writer.text(&text);
        let json = writer.finish();
        prop_assert_eq!(&serde_json::from_slice::<String>(&json).unwrap(), &text);
        let document = Document::parse(&json).unwrap();
        prop_assert_eq!(document.root().as_text().unwrap(), &*text);
        prop_assert!(!json.iter().any(|byte| b"<>&".contains(byte)));
    }

    #[test]
    fn every_secret_of_any_json_is_blanked_and_nothing_else(value in any_json()) {
        for text in [value.to_string(), escape_keys(&value.to_string())] {
            let mut bytes = text.clone().into_bytes();
            secrets::blank(&mut bytes);
            let ours: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            prop_assert_eq!(&ours, &blanked(&value), "{}", text);
        }
    }

    #[test]
    fn one_bad_item_never_harms_the_others(
        section in prop_oneof![Just("posts"), Just("users"), Just("reactions")],
        bad in any::<proptest::sample::Index>(),
        member in proptest::option::of(any::<proptest::sample::Index>()),
        wrong in wrong(),
    ) {
        let mut message: serde_json::Value = many();
        let text = message.to_string();
        let before = Document::parse(text.as_bytes()).unwrap();
        let before = SyncMessage::decode(before.root()).unwrap();
        let key = match section {
            "users" => message["users"].as_object().unwrap().keys().nth(bad.index(4)).unwrap().clone(),
            _ => String::new(),
        };
        let item = match section {
            "users" => &mut message["users"][&key],
            _ => &mut message[section][bad.index(4)],
        };
        match member {
            None => *item = wrong,
            Some(member) => {
                let names: Vec<String> = item.as_object().unwrap().keys().cloned().collect();
                item[&names[member.index(names.len())]] = wrong;
            }
        }
        let text = message.to_string();
        let after = Document::parse(text.as_bytes()).unwrap();
        let after = SyncMessage::decode(after.root()).unwrap();
        let skip = |name: &str| if name == section { bad.index(4) } else { usize::MAX };
        fn others<V, T: Clone, E>(items: &[(V, Result<T, E>)], skip: usize) -> Vec<Option<T>> {
            let items = items.iter().enumerate().filter(|(at, _)| *at != skip);
            items.map(|(_, (_, item))| item.as_ref().ok().cloned()).collect()
        }
        prop_assert_eq!(others(&before.users, skip("users")), others(&after.users, skip("users")));
        prop_assert_eq!(others(&before.posts, skip("posts")), others(&after.posts, skip("posts")));
        let (old, new) = (&before.reactions, &after.reactions);
        prop_assert_eq!(others(old, skip("reactions")), others(new, skip("reactions")));
        prop_assert_eq!(after.users.len() + after.posts.len() + after.reactions.len(), 12);
    }
}

/// A message of four items in each section.
fn many() -> serde_json::Value {
    let id = |kind: &str, n: usize| format!("{kind}{n:025}");
    let post = |n: usize| {
        json!({"id": id("p", n), "create_at": 1, "update_at": 1, "edit_at": 0, "delete_at": 0,
            "is_pinned": false, "user_id": id("u", n), "channel_id": id("c", 0), "root_id": "",
            "message": "text", "type": "", "props": {"a": [1]}, "hashtags": "", "file_ids": []})
    };
    let user = |n: usize| {
        let user = json!({"id": id("u", n), "create_at": 1, "update_at": 1, "delete_at": 0,
            "username": "name", "email": "a@b", "props": {}, "timezone": {"a": "b"}});
        (id("u", n), user)
    };
    let reaction = |n: usize| {
        json!({"user_id": id("u", n), "post_id": id("p", n), "emoji_name": "smile",
            "create_at": 1, "update_at": 1, "delete_at": 0})
    };
    json!({
        "id": id("m", 0),
        "channel_id": id("c", 0),
        "users": (0..4).map(user).collect::<serde_json::Map<_, _>>(),
        "posts": (0..4).map(post).collect::<Vec<_>>(),
        "reactions": (0..4).map(reaction).collect::<Vec<_>>(),
    })
}
