//! Masks the recorded traffic of real servers.

use std::collections::BTreeSet;
use std::path::PathBuf;

use causeway_kernel::boundary::input::Input;
use causeway_kernel::rows::id::{ConnectionNo, Id};
use causeway_kernel::wire::frame;
use causeway_kernel::wire::json::{Document, Value};
use causeway_kernel::wire::message::SyncMessage;
use causeway_kernel::wire::secrets;
use causeway_session::mask::Mask;

/// Every body of a recorded request or answer, as the host would pass it on.
fn bodies() -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/captures");
    let mut bodies = Vec::new();
    for set in ["mattermost-2021", "mattermost-11.6"] {
        for entry in std::fs::read_dir(folder.join(set)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|end| end != "jsonl") {
                continue;
            }
            for line in std::fs::read_to_string(path).unwrap().lines() {
                let document = Document::parse(line.as_bytes()).unwrap();
                for side in ["request", "response"] {
                    let body = document.root().get(side).and_then(|side| side.get("body"));
                    let json = body.and_then(|body| body.get("json"));
                    bodies.extend(json.map(|json| json.raw().as_bytes().to_vec()));
                }
            }
        }
    }
    for body in &mut bodies {
        secrets::blank(body);
    }
    bodies
}

fn masked(mask: &Mask, body: &[u8]) -> Vec<u8> {
    let input = Input::Frame {
        connection: ConnectionNo(1),
        body: body.to_vec(),
        skip: Vec::new(),
    };
    match mask.input(&input) {
        Input::Frame { body, .. } => body,
        other => panic!("{other:?}"),
    }
}

/// Words of texts, long enough to exclude chance; and separately, words that are kept.
#[derive(Default)]
struct Words {
    texts: BTreeSet<String>,
    kept: BTreeSet<String>,
}

impl Words {
    fn gather(&mut self, value: Value<'_>) {
        for child in value.children() {
            let key = child.key();
            let stays =
                ["type", "topic", "status", "emoji_name", "err", "priority"].contains(&&*key);
            self.kept.extend(split(&key));
            if let Ok(text) = child.as_text() {
                let words = if stays {
                    &mut self.kept
                } else {
                    &mut self.texts
                };
                words.extend(split(&text));
            }
            self.gather(child);
        }
    }
}

fn split(text: &str) -> impl Iterator<Item = String> {
    let parts = text.split(|character: char| !character.is_ascii_alphanumeric());
    // Ids have 26 characters.
    let long = parts.filter(|part| (5..26).contains(&part.len()));
    long.map(str::to_string)
}

#[test]
fn recorded_frames_of_real_servers_stay_what_they_are() {
    let mask = Mask::new([5; 32]);
    let (mut frames, mut items, mut texts) = (0, 0, 0);
    for body in bodies() {
        let is = masked(&mask, &body);
        assert_eq!(is.len(), body.len());
        let (before, after) = (
            Document::parse(&body).unwrap(),
            Document::parse(&is).unwrap(),
        );
        let (mut was, mut left) = (Words::default(), Words::default());
        was.gather(before.root());
        left.gather(after.root());
        let known = ["channel", "system", "https", "square", "topic"].map(str::to_string);
        let may_stay =
            |word: &&String| was.kept.contains(*word) || known.contains(&word.to_ascii_lowercase());
        let found: Vec<_> = was
            .texts
            .intersection(&left.texts)
            .filter(|word| !may_stay(word))
            .collect();
        assert!(
            found.is_empty(),
            "{found:?} are in {}",
            String::from_utf8_lossy(&is)
        );
        texts += was.texts.len();
        let remote = before
            .root()
            .text("remote_id")
            .unwrap_or_default()
            .into_owned();
        let Some(remote) = Id::parse(&remote) else {
            continue;
        };
        let (Ok(before), Ok(after)) = (frame::check(&before, remote), frame::check(&after, remote))
        else {
            continue;
        };
        frames += 1;
        assert_eq!(before.topic, after.topic);
        let (was, is) = (
            SyncMessage::decode(before.payload),
            SyncMessage::decode(after.payload),
        );
        let (Ok(was), Ok(is)) = (was, is) else {
            continue;
        };
        assert_eq!(was.channel_id, is.channel_id);
        for ((_, was), (_, is)) in was.posts.iter().zip(&is.posts) {
            let (was, is) = (was.as_ref().unwrap(), is.as_ref().unwrap());
            assert_eq!(
                (&was.id, &was.user_id, was.update_at, &was.kind),
                (&is.id, &is.user_id, is.update_at, &is.kind)
            );
            assert_eq!(mask.text(&was.message), is.message);
            assert_eq!(was.props.len(), is.props.len());
            assert_eq!(was.priority, is.priority);
            items += 1;
        }
        for ((_, was), (_, is)) in was.users.iter().zip(&is.users) {
            let (was, is) = (was.as_ref().unwrap(), is.as_ref().unwrap());
            assert_eq!(
                (&was.id, was.update_at, &was.locale),
                (&is.id, is.update_at, &is.locale)
            );
            assert_eq!(mask.text(&was.username), is.username);
            items += 1;
        }
        for ((_, was), (_, is)) in was.reactions.iter().zip(&is.reactions) {
            assert_eq!(was, is);
            items += 1;
        }
    }
    assert!(
        frames > 200 && items > 300 && texts > 2_000,
        "{frames} {items} {texts}"
    );
}
