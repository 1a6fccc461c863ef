//! What a policy saw of one connection reaches no other connection, nor a later list of questions: a policy
//! that hides words wherever it can write, and looks for them in all of its memory, finds none.

use std::thread;

use causeway_engine::policy::{ComponentPolicies, OnFailure, PolicyChain};
use causeway_kernel::boundary::policy::{Context, PostQuestion, Question, Verdict};
use tempfile::TempDir;

use super::{TESTING, context, denial, load, policies, post};
use crate::support::policies_sandbox;

/// Lists of questions in a row, so that memory is certain to be used again.
const LISTS: usize = 40;

const GLOBEX: &str = "gggggggggggggggggggggggggg";
const INITECH: &str = "iiiiiiiiiiiiiiiiiiiiiiiiii";

/// A question about a post that crosses a connection.
fn crossing<'q>(connection_id: &'q str, message: &'q str) -> Question<'q> {
    Question::Post(PostQuestion {
        context: Context {
            connection_id,
            ..context(77)
        },
        id: "eeeeeeeeeeeeeeeeeeeeeeeeee",
        root_id: "",
        message,
        texts: Some(Vec::new()),
        kind: "",
        create_at: 1,
        is_edit: false,
    })
}

fn smuggler(policies: &ComponentPolicies) -> Box<dyn PolicyChain> {
    load(policies, "smuggler", "smuggle", OnFailure::Hold)
}

/// What the policy found when it was asked this in a step of its own.
#[track_caller]
fn found(chain: &mut dyn PolicyChain, questions: &[Question<'_>]) -> Vec<String> {
    chain.begin_step();
    let verdicts = chain.ask(questions).into_iter();
    verdicts.map(|verdict| denial(verdict).text).collect()
}

/// Asks what makes the policy trap or use up its fuel after it has hidden its word.
#[track_caller]
fn fails(chain: &mut dyn PolicyChain, question: Question<'_>) {
    chain.begin_step();
    let verdict = chain.ask(&[question]).remove(0);
    assert!(matches!(verdict, Verdict::Failed(_)), "{verdict:?}");
}

#[test]
fn within_a_list_it_finds_what_it_hid_so_it_would_find_more() {
    let data = tempfile::tempdir().unwrap();
    let mut chain = smuggler(&policies(&data));
    let asked = [post("carry-1 swell"), post("carry-2"), post("carry-3")];
    let all = found(chain.as_mut(), &asked);
    assert_eq!(all, ["", "carry-1", "carry-1,carry-2"]);
}

#[test]
fn nothing_is_left_from_list_to_list_whichever_connections_they_are_about() {
    let data = tempfile::tempdir().unwrap();
    let mut chain = smuggler(&policies(&data));
    for list in 0..LISTS {
        let connection = [GLOBEX, INITECH][list % 2];
        let words = [format!("carry-{list}1 swell"), format!("carry-{list}2")];
        let asked = [
            crossing(connection, &words[0]),
            crossing(connection, &words[1]),
        ];
        let seen = found(chain.as_mut(), &asked);
        assert_eq!(
            seen,
            [String::new(), format!("carry-{list}1")],
            "list {list}"
        );
    }
}

#[test]
fn a_list_about_several_connections_shows_a_policy_only_one_of_them() {
    let data = tempfile::tempdir().unwrap();
    let mut chain = smuggler(&policies(&data));
    let asked = [
        crossing(GLOBEX, "carry-1"),
        crossing(GLOBEX, "carry-2"),
        crossing(INITECH, "carry-3"),
        crossing(GLOBEX, "carry-4"),
    ];
    assert_eq!(found(chain.as_mut(), &asked), ["", "carry-1", "", ""]);
}

#[test]
fn nothing_is_left_by_an_instance_that_traps_or_is_stopped() {
    let data = tempfile::tempdir().unwrap();
    let mut chain = smuggler(&policies(&data));
    for round in 0..3 {
        let words = [
            format!("carry-{round}1 trap swell"),
            format!("carry-{round}2 spin"),
        ];
        for word in &words {
            fails(chain.as_mut(), crossing(GLOBEX, word));
            let after = [crossing(GLOBEX, "hello"), crossing(INITECH, "hello")];
            assert_eq!(found(chain.as_mut(), &after), ["", ""], "{word}");
        }
    }
    // Nor within the list in which it traps.
    chain.begin_step();
    let asked = [
        crossing(GLOBEX, "carry-8 trap"),
        crossing(GLOBEX, "carry-9"),
    ];
    let after = denial(chain.ask(&asked).remove(1)).text;
    assert_eq!(after, "");
}

/// Workspaces of policies that share one sandbox, and with it whatever memory it uses again.
fn sharing(folders: &[TempDir]) -> Vec<ComponentPolicies> {
    let sandbox = policies_sandbox();
    let open = |data: &TempDir| ComponentPolicies::open(sandbox.clone(), data.path()).unwrap();
    folders.iter().map(open).collect()
}

#[test]
fn nothing_is_left_for_other_slots_swapped_components_and_rehearsals() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let both = sharing(&folders);
    let mut one = smuggler(&both[0]);
    let mut other = load(&both[1], "other", "smuggle", OnFailure::Hold);
    for round in 0..LISTS {
        let word = format!("carry-{round} swell");
        let left = found(one.as_mut(), &[crossing(GLOBEX, &word)]);
        let seen = found(other.as_mut(), &[crossing(INITECH, "hello")]);
        assert_eq!((left, seen), (vec![String::new()], vec![String::new()]));
    }
    found(one.as_mut(), &[crossing(GLOBEX, "carry-77 swell")]);
    let mut swapped = smuggler(&both[0]);
    assert_eq!(found(swapped.as_mut(), &[post("hello")]), [""]);
    let rehearsed = both[0].rehearsal("smuggler", TESTING, "smuggle", OnFailure::Hold);
    let mut rehearsed = rehearsed.unwrap().open();
    assert_eq!(found(rehearsed.as_mut(), &[post("hello")]), [""]);
}

#[test]
fn nothing_is_left_between_chains_that_are_asked_at_the_same_time() {
    let folders: Vec<TempDir> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    let all = sharing(&folders);
    thread::scope(|scope| {
        for (number, policies) in all.iter().enumerate() {
            scope.spawn(move || {
                let mut chain = smuggler(policies);
                for list in 0..LISTS {
                    let word = format!("carry-{number}{list} swell");
                    assert_eq!(found(chain.as_mut(), &[post(&word)]), [""]);
                }
            });
        }
    });
}
