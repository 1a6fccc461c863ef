//! Inspecting session files: steps in words, the history of a post, and the state after an entry.

pub mod recorded;

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use causeway_kernel::boundary::input::{Input, SendOutcome};
use causeway_kernel::command::{Command, DeletePost, EditPost, UninviteFromChannel};
use causeway_kernel::model::{Channel, PeerKind, Post, User};
use causeway_kernel::rows::id::{ChannelNo, PostNo, UserNo};
use causeway_kernel::rows::tx::Read;
use causeway_session::SessionFile;
use causeway_session::look::describe::{Description, describe};
use causeway_session::look::select::Filter;
use causeway_session::look::state::{self, Cell, State};
use causeway_session::look::walk::{Passed, walk};
use causeway_session::look::{Why, as_json, why};
use causeway_session::mask::Mask;

use crate::mask::chapters::whole_story;
use crate::mask::story::{self, CONNECTION, FIRST, Story};
use causeway_engine::runtime::StepEnd;
use recorded::record;

const LOUNGE: ChannelNo = ChannelNo(3);
const AUTHOR: char = 'd';

fn id(letter: char) -> String {
    letter.to_string().repeat(26)
}

/// A post of a frame.
fn item(post: &str, author: &str, text: &str, more: &str) -> String {
    format!(
        r#"{{"id":"{post}","channel_id":"CHANNEL","user_id":"{author}","create_at":10,"update_at":10,"message":"{text}"{more}}}"#
    )
}

/// Items of the first channel arrive at the first workspace.
fn arrive(story: &mut Story, items: &[String]) {
    story.sync(0, &format!(r#""posts":[{}]"#, items.join(",")));
}

fn id_of(story: &Story, post: PostNo) -> String {
    let row = story.nodes[0].rows.get::<Post>(&post).unwrap();
    row.id.to_string()
}

/// Two workspaces, and a user of the second one known to the first.
fn begin() -> Story {
    let mut story = story::begin(PeerKind::Mattermost11);
    let user = id(AUTHOR);
    story.sync(
        0,
        &format!(
            r#""users":{{"{user}":{{"id":"{user}","username":"dora","update_at":5,"email":"dora@globex.example"}}}}"#
        ),
    );
    story
}

struct Files {
    _folder: tempfile::TempDir,
    plain: SessionFile,
    masked: SessionFile,
}

/// The first workspace's steps as a plain and a masked session.
fn files(story: &Story) -> Files {
    let folder = tempfile::tempdir().unwrap();
    let steps = &story.nodes[0].taken;
    let plain = record(&folder.path().join("plain"), steps, None);
    let mask = Mask::new([9; 32]);
    let masked = record(&folder.path().join("masked"), steps, Some(&mask));
    Files {
        _folder: folder,
        plain,
        masked,
    }
}

fn asked(file: &SessionFile, post: &str) -> Why {
    let (found, damage) = why(file, post);
    assert!(damage.is_empty());
    found
}

#[track_caller]
fn says(found: &Why, part: &str) {
    let facts: Vec<&str> = found.facts.iter().map(|it| it.what.as_str()).collect();
    let all = [vec![found.conclusion.as_str()], facts].concat();
    let has = all.iter().any(|line| line.contains(part));
    assert!(has, "`{part}` is not in {all:#?}");
}

fn described(file: &SessionFile, filter: &Filter) -> Vec<Description> {
    let mut out = Vec::new();
    let (_, damage) = walk(file, None, |passed| {
        if let Passed::Step(seen) = passed
            && filter.fits(&seen)
        {
            out.push(describe(&seen));
        }
        ControlFlow::Continue(())
    });
    assert!(damage.is_empty());
    out
}

#[test]
fn a_post_that_came_is_followed_through_edit_reaction_and_deletion() {
    let mut story = begin();
    let (post, dora) = (id('1'), id(AUTHOR));
    arrive(&mut story, &[item(&post, &dora, "good morning", "")]);
    arrive(&mut story, &[item(&post, &dora, "good morning", "")]);
    let edited = r#","edit_at":20"#;
    arrive(&mut story, &[item(&post, &dora, "good evening", edited)]);
    let reaction =
        format!(r#"{{"user_id":"{dora}","post_id":"{post}","emoji_name":"tada","create_at":50}}"#);
    story.sync(0, &format!(r#""reactions":[{reaction}]"#));
    let deleted = r#","edit_at":20,"delete_at":60"#;
    arrive(&mut story, &[item(&post, &dora, "good evening", deleted)]);
    let files = files(&story);
    let found = asked(&files.plain, &post);
    assert!(found.is_there);
    says(
        &found,
        "globex sends it, 1 of 1 post for lounge: taken, it is new here",
    );
    says(
        &found,
        "stored as a post of dora:globex in lounge: “good morning”",
    );
    says(&found, "this version or a newer one is here already");
    says(
        &found,
        "its text changed from “good morning” to “good evening”",
    );
    says(&found, "dora:globex reacted with :tada:");
    says(&found, "deleted");
    assert_eq!(
        found.now,
        [
            "of dora:globex in lounge, deleted, 1 reaction",
            "globex: it came from there and is not sent back"
        ]
    );
    // Ids are kept, so the masked session gives the same facts in other words.
    let masked = asked(&files.masked, &post);
    assert_eq!(masked.facts.len(), found.facts.len());
    says(&masked, "taken, it is new here");
    assert!(masked.facts.iter().all(|it| !it.what.contains("morning")));
}

#[test]
fn each_post_of_a_frame_is_refused_for_its_own_reason() {
    let mut story = begin();
    let own = story.write(0, LOUNGE, "ours").unwrap();
    let own_id = id_of(&story, own);
    let local = story.nodes[0].rows.get::<User>(&UserNo(1)).unwrap();
    let dora = id(AUTHOR);
    let root = |letter| format!(r#","root_id":"{}""#, id(letter));
    arrive(
        &mut story,
        &[
            item(&id('1'), &dora, "fine", ""),
            item(&id('2'), &dora, "an answer", &root('1')),
            item(&id('3'), &dora, "of no root", &root('9')),
            item(&id('4'), &dora, "of no type", r#","type":"other stuff""#),
            item(&id('5'), &id('z'), "of nobody", ""),
            item(&id('6'), local.id.as_str(), "of ours", ""),
            item(&own_id, &dora, "changed", r#","edit_at":30"#),
            format!(r#"{{"id":"{}","message":7}}"#, id('7')),
            item(&id('8'), &dora, "rosebud", ""),
            item(&id('0'), &dora, &"x".repeat(20_000), ""),
        ],
    );
    let files = files(&story);
    for file in [&files.plain, &files.masked] {
        for letter in ['1', '2'] {
            assert!(asked(file, &id(letter)).is_there);
        }
        for (post, reason) in [
            (id('3'), "the root of its thread is not known here"),
            (id('4'), "the type of the post is unknown"),
            (id('5'), "its author is not known here"),
            (id('6'), "its author belongs to this workspace"),
            (id('7'), "it is not valid JSON of its kind"),
            (id('8'), "a policy denied it: "),
            (id('0'), "exceed their limit"),
        ] {
            let found = asked(file, &post);
            assert!(!found.is_there);
            assert!(found.conclusion.contains(reason), "{found:#?}");
            assert!(found.conclusion.contains("of 10 posts"), "{found:#?}");
        }
        let found = asked(file, &own_id);
        assert!(found.is_there);
        says(&found, "refused, the post is not theirs");
    }
    says(&asked(&files.plain, &id('8')), "rosebud is not for globex");
    let never = asked(&files.plain, &id('k'));
    assert_eq!(
        never.conclusion,
        "It is not there: nothing in this session names it."
    );
    assert!(never.facts.is_empty() && never.now.is_empty());
}

#[test]
fn a_held_post_waits_and_is_let_in_when_the_policies_change() {
    let mut story = begin();
    let (post, dora) = (id('t'), id(AUTHOR));
    arrive(&mut story, &[item(&post, &dora, "maybe later", "")]);
    let held = files(&story);
    let found = asked(&held.plain, &post);
    assert!(!found.is_there);
    assert!(
        found.conclusion.contains("for lounge: held: out of fuel"),
        "{found:#?}"
    );
    assert_eq!(
        found.now,
        ["a version of it is waiting, asked about 1 time: out of fuel"]
    );
    story.policies(true);
    story.wait(40_000);
    story.policies(false);
    story.wait(100_000);
    let later = files(&story);
    let found = asked(&later.plain, &post);
    assert!(found.is_there);
    says(
        &found,
        "it is still waiting, asked about 2 times: held, out of fuel",
    );
    says(
        &found,
        "it had been waiting since it came from globex: taken now",
    );
}

#[test]
fn frames_that_are_refused_as_a_whole_say_so() {
    let mut story = begin();
    let dora = id(AUTHOR);
    story.frame(0, format!("{{\"remote_id\": {}", id('1')).as_bytes());
    let body = format!(r#"{{"id":"{}""#, id('2')).into_bytes();
    let reason = "out of memory".to_string();
    story.settle(
        0,
        Input::Quarantine {
            connection: CONNECTION,
            body,
            reason,
        },
    );
    let uninvite = Command::UninviteFromChannel(UninviteFromChannel {
        channel: LOUNGE,
        connection: CONNECTION,
    });
    story.act(0, FIRST, uninvite);
    arrive(&mut story, &[item(&id('3'), &dora, "too late", "")]);
    let files = files(&story);
    let of = |letter| asked(&files.plain, &id(letter));
    says(
        &of('1'),
        "globex named it in a frame that cannot be parsed: with the whole frame: HTTP 400",
    );
    says(&of('2'), "was set aside as a whole: out of memory");
    says(&of('2'), "set aside as number 1");
    says(
        &of('3'),
        "refused, with the whole frame: the channel is not shared with its sender",
    );
}

#[test]
fn a_send_that_failed_is_followed_to_its_repetition() {
    let mut story = begin();
    // The author's profile is sent with the first post.
    story.write(0, LOUNGE, "who we are").unwrap();
    story.outcome = Some(SendOutcome::NeverLeft);
    let post = story.write(0, LOUNGE, "hello, globex").unwrap();
    story.outcome = None;
    story.wait(70_000);
    let secret = story.write(0, LOUNGE, "rosebud").unwrap();
    let edit = Command::EditPost(EditPost {
        post,
        message: Some("hello again".into()),
        props: None,
        is_pinned: Some(true),
    });
    story.act(0, FIRST, edit);
    story.act(0, FIRST, Command::DeletePost(DeletePost { post }));
    let files = files(&story);
    let found = asked(&files.plain, &id_of(&story, post));
    says(&found, "alice writes a post in lounge: “hello, globex”");
    says(&found, "never left: it is repeated");
    says(&found, "globex took it");
    says(&found, "edits “hello again”, pins: post");
    says(&found, "pinned");
    says(&found, "its deletion is sent to globex");
    let sends = found
        .facts
        .iter()
        .filter(|it| it.what.starts_with("it is sent to globex"));
    assert!(sends.count() >= 2);
    assert_eq!(found.now.last().unwrap(), "globex: delivered");
    let found = asked(&files.plain, &id_of(&story, secret));
    says(
        &found,
        "a policy denied it to globex: rosebud is not for globex",
    );
    assert_eq!(
        found.now.last().unwrap(),
        "globex: it is denied: rosebud is not for globex"
    );
}

#[test]
fn every_step_of_the_whole_story_has_words_in_either_session() {
    let story = whole_story(PeerKind::Mattermost11);
    let files = files(&story);
    let (plain, masked) = (
        described(&files.plain, &Filter::default()),
        described(&files.masked, &Filter::default()),
    );
    assert_eq!(plain.len(), story.nodes[0].taken.len());
    for (plain, masked) in plain.iter().zip(&masked) {
        assert!(!plain.what.is_empty() && !plain.what.contains("cannot be decoded"));
        assert_eq!(
            plain.is_refused(),
            masked.is_refused(),
            "{plain:?} {masked:?}"
        );
        assert_eq!(plain.effects.len(), masked.effects.len());
        for line in [&plain.what].into_iter().chain(&plain.refusals) {
            assert!(line.chars().all(|c| !c.is_control()), "{line:?}");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let other = record(&folder.path().join("other"), &story.nodes[1].taken, None);
    let other = described(&other, &Filter::default());
    for part in ["the bytes of the file ", " has arrived from "] {
        let mut both = plain.iter().chain(&other);
        let taken = both.find(|it| it.what.contains(part));
        let taken = taken.unwrap_or_else(|| panic!("no {part}"));
        let denies = |line: &String| line.contains("refused as a whole");
        assert!(!taken.refusals.iter().any(denies), "{taken:?}");
    }
    let said = |part: &str| plain.iter().any(|it| it.what.contains(part));
    for part in [
        "the workspace https://alice.example:8065/ is created",
        "alice creates the channel lounge",
        "alice invites globex to lounge",
        "globex sends 8 posts for lounge",
        "a send to globex (attempt",
        "1 post taken",
        "policy chain changed: load no-rosebud",
        "another kernel took over: ab12",
        "timer",
    ] {
        assert!(said(part), "{part}");
    }
    let refused = |part: &str| {
        plain
            .iter()
            .flat_map(|it| &it.refusals)
            .any(|it| it.contains(part))
    };
    for part in [
        "refused: An account with that username already exists.",
        "unknown_root",
        "globex refused as a whole: HTTP 413",
        "is held: out of fuel",
        "is denied: rosebud is not for globex",
        "holds post ttt",
    ] {
        assert!(refused(part), "{part}");
    }
}

#[test]
fn filters_keep_what_is_about_something() {
    let mut story = begin();
    let (post, dora) = (id('1'), id(AUTHOR));
    arrive(&mut story, &[item(&post, &dora, "hello", "")]);
    arrive(&mut story, &[item(&id('2'), &id('z'), "of nobody", "")]);
    let files = files(&story);
    let seqs = |filter: Filter| {
        let steps = described(&files.plain, &filter);
        steps.iter().map(|it| it.seq).collect::<Vec<u64>>()
    };
    let all = seqs(Filter::default());
    let last = *all.last().unwrap();
    assert_eq!(
        seqs(Filter {
            post: Some(post),
            ..Filter::default()
        }),
        [last - 1]
    );
    let by_channel = |channel: &str| Filter {
        channel: Some(channel.into()),
        ..Filter::default()
    };
    // The second frame changed nothing, but it names the channel.
    assert!(seqs(by_channel("lounge")).contains(&last));
    let row = story.nodes[0].rows.get::<Channel>(&LOUNGE).unwrap();
    assert_eq!(
        seqs(by_channel(row.id.as_str())),
        seqs(by_channel("lounge"))
    );
    assert!(seqs(by_channel("nowhere")).is_empty());
    let by_carol = Filter {
        user: Some("carol".into()),
        ..Filter::default()
    };
    let of_carol = described(&files.plain, &by_carol);
    assert!(
        of_carol
            .iter()
            .any(|it| it.what.contains("adds carol to lounge"))
    );
    assert!(of_carol.len() < all.len());
    let frames = Filter {
        kind: Some("frame".into()),
        connection: Some("globex".into()),
        first_seq: Some(last),
        ..Filter::default()
    };
    assert_eq!(seqs(frames), [last]);
}

#[test]
fn the_state_is_that_behind_the_entry_that_is_asked_for() {
    let mut story = begin();
    let before = story.nodes[0].taken.len() as u64;
    story.write(0, LOUNGE, "one more").unwrap();
    let files = files(&story);
    let posts = |at| {
        let state = State::at(&files.plain, at);
        let channel = state.channel("lounge").unwrap();
        state::posts(&state.rows, channel, 50).rows.len()
    };
    assert_eq!(posts(None), posts(Some(before)) + 1);
    assert_eq!(State::at(&files.plain, Some(before)).seq, before);
    assert_eq!(State::at(&files.plain, Some(0)).rows.all().count(), 0);
    let end = State::at(&files.plain, None);
    let links = state::links(&end.rows);
    let [line] = links.rows.as_slice() else {
        panic!("{links:?}");
    };
    assert_eq!(
        &line[..3],
        &["lounge".into(), "globex".into(), "active".into()] as &[Cell]
    );
    assert_eq!(state::connections(&end.rows, story.now_ms).rows.len(), 1);
    let members = state::members(&end.rows, LOUNGE);
    assert!(members.rows.iter().any(|row| row[0] == "alice".into()));
    let table = state::table_named("channels").unwrap();
    assert_eq!(
        end.raw(table).count(),
        state::channels(&end.rows).rows.len()
    );
    // The session's rows are those of the workspace.
    let shown = end.rows.all().count();
    assert_eq!(shown, story.nodes[0].rows.tables.len());
}

/// Inspects everything, whatever the results.
fn look_at_all(path: &Path) -> Option<usize> {
    let file = SessionFile::open(path).ok()?;
    let mut steps = 0;
    let (_, damage) = walk(&file, None, |passed| {
        if let Passed::Step(seen) = passed {
            steps += 1;
            assert_eq!(describe(&seen).seq, seen.step.seq);
            assert!(!as_json::input(&seen.step.input).is_null());
        }
        ControlFlow::Continue(())
    });
    let _ = why(&file, &id('1'));
    let state = State::at(&file, None);
    let tables = [state::channels(&state.rows), state::links(&state.rows)];
    assert!(tables.iter().all(|it| it.rows.len() < 100));
    assert_eq!(damage.len(), state.damage.len());
    (!damage.is_empty()).then_some(steps)
}

#[test]
fn damaged_and_cut_files_show_what_can_be_read() {
    let mut story = begin();
    for number in 0..300 {
        story.write(0, LOUNGE, &format!("post {number} {}", id('q')));
    }
    let files = files(&story);
    let path = files._folder.path().join("plain");
    let whole = fs::read(&path).unwrap();
    let broken = files._folder.path().join("broken");
    let of_cut = {
        fs::write(&broken, &whole[..whole.len() * 2 / 3]).unwrap();
        look_at_all(&broken).unwrap()
    };
    assert!(of_cut > 0 && of_cut < story.nodes[0].taken.len());
    for place in (0..whole.len()).step_by(whole.len() / 60) {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x5a;
        fs::write(&broken, &bytes).unwrap();
        look_at_all(&broken);
    }
}

#[test]
fn what_is_of_no_known_shape_is_shown_as_such() {
    let story = begin();
    let folder = tempfile::tempdir().unwrap();
    let junk = vec![255; 9];
    let mut steps = Vec::new();
    for (seq, taken) in story.nodes[0].taken.iter().enumerate() {
        let mut step = recorded::step(
            seq as u64 + 1,
            taken,
            &taken.input,
            &taken.output,
            &taken.verdicts,
        );
        step.input = junk.clone();
        if let StepEnd::Done(output) = &mut step.end {
            output.reply = junk.clone();
            output.effects = vec![junk.clone()];
            for write in output.writes.iter_mut().skip(seq % 2).step_by(2) {
                write.value = Some(junk.clone());
            }
        }
        steps.push(step);
    }
    let path = folder.path().join("junk");
    let count = steps.len();
    let file = recorded::write(&path, steps, false);
    let all = described(&file, &Filter::default());
    assert_eq!(all.len(), count);
    assert!(
        all.iter()
            .all(|it| it.what.starts_with("an input that cannot be decoded: "))
    );
    assert_eq!(look_at_all(&path), None);
}
