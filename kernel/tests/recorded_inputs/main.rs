//! Every input format that was ever journaled remains readable for ever. A file in `inputs/` for each
//! envelope contains one recorded example of every kind of input and every command, as `name hex` lines. When
//! a command gets a new version, its line is kept and another is added.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod accounts;
mod changes;
mod examples;

use causeway_kernel::boundary::codec::{self, DecodeError};
use causeway_kernel::boundary::envelope::KINDS;
use causeway_kernel::boundary::input::{Actor, Input};
use causeway_kernel::boundary::output::Reply;
use causeway_kernel::boundary::texts::{HasTexts, Json, Text, TextVisitor};
use causeway_kernel::command::{Command, DeletePost};
use causeway_kernel::rows::testing::MemoryHost;
use examples::{POST, commands, examples, inputs};

/// Recorded in envelope 1, in which all kinds have version 1.
const FIRST: &str = include_str!("../inputs/1.hex");
/// Recorded in envelope 2.
const SECOND: &str = include_str!("../inputs/2.hex");
/// Recorded in envelope 2, in versions that have newer ones now.
const OLDER: &str = include_str!("../inputs/older.hex");

fn recorded(file: &str) -> Vec<(&str, Vec<u8>)> {
    let lines = file.lines().map(|line| line.split_once(' ').unwrap());
    lines.map(|(name, hex)| (name, bytes(hex))).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Everything that was recorded, with the example that it has to be.
fn all_recorded() -> Vec<(&'static str, Vec<u8>, Input)> {
    let mut all = Vec::new();
    for file in [FIRST, SECOND] {
        for ((name, bytes), (own, input)) in recorded(file).into_iter().zip(examples()) {
            assert_eq!(name, own);
            all.push((name, bytes, input));
        }
    }
    for (name, bytes) in recorded(OLDER) {
        let read = codec::decode_input(&bytes).unwrap();
        let mut examples = examples().into_iter();
        let example = examples.find(|(own, input)| *own == name && *input == read);
        all.push((name, bytes, example.unwrap().1));
    }
    all
}

fn input_of(file: &str, wanted: &str) -> Vec<u8> {
    let mut lines = recorded(file).into_iter();
    lines.find(|(name, _)| *name == wanted).unwrap().1
}

#[test]
fn what_was_recorded_is_read() {
    let names: Vec<&str> = recorded(SECOND).iter().map(|(name, _)| *name).collect();
    for kind in KINDS.iter().chain(Command::KINDS) {
        let is_there = names.contains(&kind.name) || kind.name == "Command";
        assert!(is_there, "no example of the {kind}");
    }
    // The kinds that existed with the first envelope.
    assert_eq!(recorded(FIRST).len(), 34);
    for (name, bytes, input) in all_recorded() {
        assert_eq!(codec::decode_input(&bytes), Ok(input), "{name}");
    }
}

#[test]
fn what_is_written_today_is_among_what_was_recorded() {
    let written: String = examples()
        .iter()
        .map(|(name, input)| format!("{name} {}\n", hex(&codec::encode_input(input))))
        .collect();
    assert_eq!(SECOND, written, "a changed shape needs a new version");
}

#[test]
fn for_an_older_kernel_an_input_is_written_as_that_one_reads_it() {
    for (name, bytes, input) in all_recorded() {
        let written = codec::encode_input_like(&input, &bytes);
        assert_eq!(written, Ok(bytes), "{name}");
    }
    let mut later = input_of(SECOND, "DeletePost");
    let place = later.len() - "f0a204".len() / 2 - 1;
    later[place] = 9;
    let delete = Input::Command {
        actor: Actor::System,
        key: None,
        command: Command::DeletePost(DeletePost { post: POST }),
    };
    let said = codec::encode_input_like(&delete, &later)
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("command DeletePost was recorded in version 9"),
        "{said}"
    );
}

#[test]
fn what_an_older_version_has_no_place_for_is_not_written_in_it() {
    let (_, older) = recorded(OLDER).remove(0);
    let posts = commands().into_iter();
    let mut posts = posts.filter_map(|command| match command {
        Command::CreatePost(post) => Some(post),
        _ => None,
    });
    let post = posts.find(|post| post.priority.is_some()).unwrap();
    let input = Input::Command {
        actor: Actor::System,
        key: None,
        command: Command::CreatePost(post),
    };
    let said = codec::encode_input_like(&input, &older).unwrap_err();
    let said = said.to_string();
    assert!(
        said.contains("command CreatePost was recorded in version 1"),
        "{said}"
    );
}

#[test]
fn kinds_and_versions_to_come_are_refused_by_name() {
    let refused = |bytes: &[u8]| codec::decode_input(bytes).unwrap_err().to_string();
    assert_eq!(refused(&[3, 6, 1]), "version 3 is not known");
    assert_eq!(refused(&[2, 77, 1]), "input number 77 is not known");
    assert_eq!(
        refused(&[2, 6, 2]),
        "input Timer has version 2; versions up to 1 are read here"
    );
    assert_eq!(
        refused(&[2, 6, 0]),
        "input Timer has version 0; versions up to 1 are read here"
    );
    let mut delete = input_of(SECOND, "DeletePost");
    let place = delete.len() - "f0a204".len() / 2 - 2;
    assert_eq!(delete[place..place + 2], [10, 1]);
    delete[place + 1] = 2;
    assert_eq!(
        refused(&delete),
        "command DeletePost has version 2; versions up to 1 are read here"
    );
    delete[place] = 250;
    assert_eq!(refused(&delete), "command number 250 is not known");
}

#[test]
fn nothing_that_is_cut_short_or_goes_on_is_read() {
    for (name, mut bytes, _) in all_recorded() {
        for end in 0..bytes.len() {
            assert!(
                codec::decode_input(&bytes[..end]).is_err(),
                "{name} to {end}"
            );
        }
        bytes.push(0);
        assert_eq!(
            codec::decode_input(&bytes),
            Err(DecodeError::Shape),
            "{name}"
        );
    }
}

/// Adds something unportable to one of the texts that it visits.
struct Spoil {
    /// Texts to skip before that one.
    left: usize,
    done: bool,
    json: &'static str,
}

impl Spoil {
    fn is_here(&mut self) -> bool {
        let here = self.left == 0 && !self.done;
        self.done |= here;
        self.left = self.left.saturating_sub(1);
        here
    }
}

impl TextVisitor for Spoil {
    fn text(&mut self, _: Text, text: &mut String) {
        if self.is_here() {
            text.push('\0');
        }
    }

    fn json(&mut self, _: Json, bytes: &mut Vec<u8>) {
        if self.is_here() {
            *bytes = self.json.into();
        }
    }
}

#[test]
fn no_command_takes_a_text_that_cannot_be_stored_everywhere() {
    let mut host = MemoryHost::new();
    let (_, genesis) = inputs().remove(0);
    host.run(1_000, 1, &genesis);
    let rows = host.tables.clone();
    let mut spoiled = 0;
    for command in commands() {
        for json in [r#"{"a":"\u0000"}"#, r#"{"a":[1e999]}"#, "{\"a\":\"\0\"}"] {
            for left in 0.. {
                let mut command = command.clone();
                let done = false;
                let mut spoil = Spoil { left, done, json };
                command.texts(&mut spoil);
                if !spoil.done {
                    break;
                }
                let what = format!("{command:?}");
                let input = Input::Command {
                    actor: Actor::System,
                    key: None,
                    command,
                };
                let output = host.run(2_000, 1, &input);
                let Reply::Refused(refusal) = output.reply else {
                    panic!("taken: {what}");
                };
                assert_eq!(refusal.status, 400, "{what}");
                assert!(refusal.message.contains("NUL"), "{what}: {refusal:?}");
                assert_eq!(host.tables, rows);
                spoiled += 1;
            }
        }
    }
    assert!(spoiled > 100, "{spoiled}");
}
