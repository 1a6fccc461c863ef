//! Masked sessions make the same decisions as the originals.

mod captures;
pub mod chapters;
mod components;
mod consent;
mod newcomers;
pub mod node;
mod people;
pub mod story;

use causeway_kernel::boundary::codec::encode_input;
use causeway_kernel::boundary::input::Input;
use causeway_kernel::command::Command;
use causeway_kernel::model::{
    Channel, Connection, Exception, FeedEntry, PeerKind, Post, QuarantineEntry, User, VerdictRow,
};
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::testing::MemoryHost;
use causeway_kernel::rows::tx::Record;
use causeway_session::mask::Mask;

use chapters::whole_story;
use node::{masked_tables, replay_masked};
use story::WORDS;

fn mask() -> Mask {
    Mask::new([9; 32])
}

#[test]
fn a_masked_session_decides_as_the_original_wherever_it_begins() {
    for kind in [
        PeerKind::Mattermost2021,
        PeerKind::Mattermost11,
        PeerKind::Causeway,
    ] {
        let story = whole_story(kind);
        let mask = mask();
        for node in &story.nodes {
            for first in (0..node.taken.len()).step_by(3) {
                replay_masked(&mask, &node.taken, first);
            }
        }
    }
}

#[test]
fn a_masked_session_holds_no_word_of_its_original() {
    let story = whole_story(PeerKind::Mattermost11);
    let mask = mask();
    let mut tables = std::collections::BTreeSet::new();
    for node in &story.nodes {
        for step in &node.taken {
            // All rows ever written, also those that no longer exist at the end.
            for write in &step.output.writes {
                tables.insert(write.table);
                let Some(value) = &write.value else { continue };
                let (key, value) = mask.row(write.table, &write.key, value).unwrap();
                assert_no_words(&[key, value].concat());
            }
            let input = mask.input(&step.input);
            let bytes = encode_input(&input);
            assert_eq!(bytes.len(), encode_input(&step.input).len());
            assert_no_words(&bytes);
        }
    }
    let missing: Vec<Table> = Table::ALL
        .iter()
        .copied()
        .filter(|table| !tables.contains(table))
        .collect();
    assert_eq!(missing, [], "the story writes no rows of these tables");
}

#[test]
fn ids_and_numbers_stay_and_every_command_is_among_the_inputs() {
    let story = whole_story(PeerKind::Mattermost2021);
    let mask = mask();
    let mut commands = std::collections::BTreeSet::new();
    for node in &story.nodes {
        for step in &node.taken {
            let input = mask.input(&step.input);
            assert_eq!(
                outline(&format!("{input:?}")),
                outline(&format!("{:?}", step.input))
            );
            if let Input::Command { command, .. } = &input {
                commands.insert(command.kind().name);
            }
        }
        let masked = masked_tables(&mask, &node.rows);
        same_numbers::<User>(&node.rows, &masked);
        same_numbers::<Post>(&node.rows, &masked);
        same_numbers::<Channel>(&node.rows, &masked);
        same_numbers::<Connection>(&node.rows, &masked);
        same_numbers::<QuarantineEntry>(&node.rows, &masked);
        same_numbers::<VerdictRow>(&node.rows, &masked);
        same_numbers::<FeedEntry>(&node.rows, &masked);
        same_numbers::<Exception>(&node.rows, &masked);
    }
    // A new command has to be added to the story.
    let all = Command::KINDS.iter().map(|kind| kind.name).collect();
    assert_eq!(commands, all);
}

fn same_numbers<R: Record + std::fmt::Debug>(plain: &MemoryHost, masked: &MemoryHost) {
    let all = |rows: &MemoryHost| {
        let of_table = rows.tables.of(R::TABLE);
        let outlines =
            of_table.map(|(_, value)| outline(&format!("{:?}", R::from_bytes(value).unwrap())));
        outlines.collect::<Vec<_>>()
    };
    assert_eq!(all(plain), all(masked));
}

/// The debug form of a value, without the content of its texts and byte lists.
fn outline(shown: &str) -> String {
    let mut out = String::new();
    let mut parts = shown.split('"');
    while let Some(part) = parts.next() {
        let lists = part.split('[').map(|list| match list.split_once(']') {
            Some((inside, behind))
                if inside.bytes().all(|byte| b"0123456789, ".contains(&byte)) =>
            {
                behind
            }
            _ => list,
        });
        out.extend(lists);
        // A text, which may contain quotes.
        while parts.next().is_some_and(|text| text.ends_with('\\')) {}
    }
    out
}

fn assert_no_words(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    for word in WORDS {
        assert!(
            !text.contains(&word.to_ascii_lowercase()),
            "{word} is in {text}"
        );
    }
}
