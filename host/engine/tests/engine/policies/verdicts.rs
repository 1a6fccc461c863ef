//! Verdicts on posts: denials, revisions, and what a policy is told.

use causeway_engine::policy::{OnFailure, PolicyError, PolicyManager};
use causeway_kernel::boundary::policy::{Question, Revision, Verdict};

use super::{
    FILTER, LoadUnsigned as _, TESTING, denial, denied, failure, leaf, load, message, patched,
    policies, post, verdict_of, with_texts,
};

#[test]
fn the_content_filter_denies_what_its_list_names() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    let loaded = policies.load("filter", FILTER.to_vec(), "salary".into(), OnFailure::Hold);
    let mut chain = loaded.unwrap().chain;
    let mut verdicts = chain.ask(&[post("good morning"), post("your Salary!")]);
    let denial = denial(verdicts.remove(1));
    assert!(denial.text.contains("salary"), "{denial:?}");
    assert!(denial.policy.starts_with("filter (content-filter "));
    assert_eq!(verdicts, [Verdict::Allow]);
    let refused = policies.load("filter", FILTER.to_vec(), "ok\nc++".into(), OnFailure::Hold);
    let refused = refused.err().unwrap();
    assert!(matches!(&refused, PolicyError::Settings(text) if text.contains("line 2")));
}

#[test]
fn a_denial_ends_the_chain_and_a_revised_text_goes_on() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    load(&policies, "first", "append 1", OnFailure::Hold);
    let mut chain = load(&policies, "second", "append 2", OnFailure::Hold);
    assert_eq!(chain.ask(&[post("x")]), [message("x12")]);
    let mut chain = load(&policies, "first", "deny no", OnFailure::Hold);
    assert_eq!(denied(chain.ask(&[post("x")])), ["no"]);
    let second = policies.states()[1].counts;
    assert_eq!((second.questions, second.revised), (1, 1), "not asked");
}

#[test]
fn a_denial_names_slot_policy_version_and_code_and_its_text_is_cut() {
    let denial = denial(verdict_of("long 5000", OnFailure::Hold, "x"));
    assert!(denial.policy.starts_with("testing (testing 0."));
    assert_eq!(denial.code, "testing");
    assert_eq!(denial.text, "x".repeat(1_000));
}

#[test]
fn every_text_of_a_post_is_judged_and_can_be_revised() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    let filter = policies.load("filter", FILTER.to_vec(), "salary".into(), OnFailure::Hold);
    let texts = || Some(vec![leaf("/a", "x"), leaf("/b/0", "the salary")]);
    let said = denied(filter.unwrap().chain.ask(&[with_texts("x", texts())]));
    assert!(said[0].contains("salary"), "{said:?}");

    load(&policies, "one", "append 1", OnFailure::Hold);
    let mut chain = load(&policies, "two", "append 2", OnFailure::Hold);
    let revised = Verdict::Revise(Revision {
        message: Some("x12".into()),
        texts: vec![leaf("/a", "x12"), leaf("/b/0", "the salary12")],
    });
    assert_eq!(chain.ask(&[with_texts("x", texts())]), [revised]);
    // If not all texts can be shown, the post is denied without asking.
    let unseen = denial(chain.ask(&[with_texts("x", None)]).remove(0));
    assert_eq!(unseen.policy, "");
}

#[test]
fn a_revision_of_what_the_post_does_not_have_is_a_failure() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    let mut chain = load(&policies, "one", "rewrite /a", OnFailure::Hold);
    let texts = || Some(vec![leaf("/a", "x"), leaf("/a", "y"), leaf("/b", "z")]);
    let both = Verdict::Revise(Revision {
        message: None,
        texts: vec![leaf("/a", "rewritten")],
    });
    assert_eq!(chain.ask(&[with_texts("x", texts())]), [both]);
    let mut chain = load(&policies, "one", "rewrite /c", OnFailure::Hold);
    let why = failure(chain.ask(&[with_texts("x", texts())]).remove(0));
    assert!(why.contains("does not have"), "{why}");
}

#[test]
fn a_policy_is_told_who_where_and_when() {
    let said = denial(verdict_of("context", OnFailure::Hold, "x")).text;
    for part in [
        "Outbound",
        "globex",
        "Private",
        "ann",
        "initech",
        "time-ms: 77",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_question_of_an_earlier_kernel_is_answered_where_no_policy_judges_posts() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    let post = post("x");
    let message = [Question::Message(post.post().unwrap())];
    assert_eq!(policies.open().unwrap().ask(&message), [Verdict::Allow]);
    let mut chain = load(&policies, "one", "allow", OnFailure::Hold);
    assert!(matches!(chain.ask(&message)[..], [Verdict::Failed(_)]));
    let mut chain = load(&policies, "one", "allow", OnFailure::Allow);
    assert_eq!(chain.ask(&message), [Verdict::Allow]);
    let other = patched(TESTING, "post-gate", "page-gate");
    let change = policies.load("one", other, "deny no".into(), OnFailure::Hold);
    assert_eq!(change.unwrap().chain.ask(&message), [Verdict::Allow]);
}
