//! The gates: which policy is asked at which of them, and what a chain says about all of its policies.

use causeway_engine::policy::{OnFailure, PolicyManager};
use causeway_kernel::boundary::policy::{
    Addressee, Audience, ChannelQuestion, ComponentQuestion, DirectQuestion, Direction,
    FileQuestion, Gate, Gates, Home, MentionQuestion, Mentioned, Passage, Person, ProfileQuestion,
    ProfileRevision, Question, ReactionQuestion, Verdict,
};
use causeway_kernel::model::{Action, Component};

use super::{
    FILTER_V0_2, LoadUnsigned as _, TESTING, context, denial, failure, load, patched, policies,
    post, with_texts,
};

const PASSAGE: Passage<'static> = Passage {
    direction: Direction::Inbound,
    connection_id: "cccccccccccccccccccccccccc",
    connection_name: "globex",
    now_ms: 77,
};

const BEA: Person<'static> = Person {
    id: "bbbbbbbbbbbbbbbbbbbbbbbbbb",
    name: "bea",
    home: Home::Here,
};

/// A question at each gate, with words that it must tell a policy.
fn questions() -> Vec<(Question<'static>, &'static [&'static str])> {
    let file = FileQuestion {
        context: context(77),
        id: "iiiiiiiiiiiiiiiiiiiiiiiiii",
        post_id: "eeeeeeeeeeeeeeeeeeeeeeeeee",
        name: "plan.pdf",
        size: 4_711,
        media_type: "application/pdf",
    };
    let reaction = ReactionQuestion {
        context: context(77),
        post_id: "eeeeeeeeeeeeeeeeeeeeeeeeee",
        emoji: Some("tada"),
    };
    let profile = ProfileQuestion {
        passage: PASSAGE,
        person: BEA,
        nickname: "bee",
        first_name: "Beatrix",
        last_name: "Kiddo",
        position: "chief",
        email: "bea@acme.example",
    };
    let channel = ChannelQuestion {
        passage: PASSAGE,
        id: "dddddddddddddddddddddddddd",
        name: "falcon",
        audience: Audience::Open,
        display_name: "The falcon",
        inviter: Some(BEA),
        read_only: true,
    };
    let direct = DirectQuestion {
        passage: PASSAGE,
        people: vec![BEA, Person { name: "cid", ..BEA }],
        opener: BEA,
        is_group: true,
    };
    let component = ComponentQuestion {
        context: context(77),
        component: Component::Button(Action {
            id: "approve".into(),
            label: "Approve it".into(),
        }),
        is_used: true,
    };
    vec![
        (post("words"), &["words", "falcon", "ann"]),
        (
            Question::File(file),
            &["plan.pdf", "4711", "application/pdf", "falcon", "ann"],
        ),
        (Question::Reaction(reaction), &["tada", "falcon", "ann"]),
        (
            Question::Member(context(77)),
            &["Private", "ann", "initech"],
        ),
        (
            Question::Profile(profile),
            &["bee", "Beatrix", "Kiddo", "chief", "bea@acme.example"],
        ),
        (
            Question::Channel(channel),
            &["The falcon", "bea", "Open", "is-read-only: true"],
        ),
        (Question::Direct(direct), &["cid", "bea", "is-group: true"]),
        (
            mentions(Some(&["channel", "zoe:globex", "zed"])),
            &[
                "eeee",
                "falcon",
                "ann",
                "Everybody",
                "zoe:globex",
                "bea",
                "Unknown",
            ],
        ),
        (
            Question::Component(component),
            &["Button", "approve", "Approve it", "Used", "falcon", "ann"],
        ),
    ]
}

/// A question about mentions: the first one of everybody, the second one of bea.
fn mentions(names: Option<&[&'static str]>) -> Question<'static> {
    let whom = |at| match at {
        0 => Addressee::Everybody,
        1 => Addressee::Somebody(BEA),
        _ => Addressee::Unknown,
    };
    let mentions = names.map(|names| {
        let names = names.iter().enumerate();
        let mentions = names.map(|(at, name)| Mentioned {
            name,
            whom: whom(at),
        });
        mentions.collect()
    });
    Question::Mention(MentionQuestion {
        context: context(77),
        post_id: "eeeeeeeeeeeeeeeeeeeeeeeeee",
        mentions,
    })
}

#[test]
fn every_gate_tells_a_policy_what_it_is_about_and_its_denial_counts() {
    let data = tempfile::tempdir().unwrap();
    let mut chain = load(&policies(&data), "one", "context", OnFailure::Hold);
    for (question, parts) in questions() {
        let said = denial(chain.ask(std::slice::from_ref(&question)).remove(0)).text;
        for part in ["globex", "time-ms: 77"].iter().chain(parts) {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
}

#[test]
fn a_gate_is_no_other_gate() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    let all = questions();
    let asked: Vec<Question<'_>> = all.into_iter().map(|(question, _)| question).collect();
    for gate in Gate::ALL {
        let settings = format!("at {} deny no", gate.interface());
        let mut chain = load(&policies, "one", &settings, OnFailure::Hold);
        for (question, verdict) in asked.iter().zip(chain.ask(&asked)) {
            let is_denied = matches!(verdict, Verdict::Deny(_));
            assert_eq!(is_denied, question.gate() == gate, "{gate:?} {question:?}");
        }
    }
}

#[test]
fn an_acknowledgement_has_no_emoji() {
    let data = tempfile::tempdir().unwrap();
    let mut chain = load(&policies(&data), "one", "context", OnFailure::Hold);
    let acknowledged = Question::Reaction(ReactionQuestion {
        context: context(77),
        post_id: "eeeeeeeeeeeeeeeeeeeeeeeeee",
        emoji: None,
    });
    let said = denial(chain.ask(&[acknowledged]).remove(0)).text;
    assert!(said.to_lowercase().contains("acknowledgement"), "{said}");
}

#[test]
fn a_profile_can_be_revised_and_the_next_policy_sees_what_is_left() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    let (profile, _) = questions().swap_remove(4);
    let profile = [profile];
    let mut chain = load(&policies, "one", "strip", OnFailure::Hold);
    let none = || Some(String::new());
    let stripped = Verdict::ReviseProfile(ProfileRevision {
        nickname: none(),
        first_name: none(),
        last_name: none(),
        position: none(),
        without_email: true,
    });
    assert_eq!(chain.ask(&profile), [stripped]);
    let mut chain = load(&policies, "two", "context", OnFailure::Hold);
    let said = denial(chain.ask(&profile).remove(0)).text;
    assert!(said.contains("bea"), "{said}");
    assert!(!said.contains("Kiddo") && !said.contains("acme"), "{said}");
}

#[test]
fn mentions_are_silenced_by_one_policy_after_another_and_the_next_one_sees_those_that_are_left() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    let asked = [mentions(Some(&["all", "bea", "zed"]))];
    load(&policies, "one", "silence 1", OnFailure::Hold);
    let mut chain = load(&policies, "two", "context", OnFailure::Hold);
    let said = denial(chain.ask(&asked).remove(0)).text;
    assert!(said.contains("Everybody") && said.contains("zed"), "{said}");
    assert!(!said.contains("bea"), "{said}");
    let mut chain = load(&policies, "two", "silence 1", OnFailure::Hold);
    assert_eq!(chain.ask(&asked), [Verdict::Silence(vec![1, 2])]);
    // Where nothing is left, nobody is asked; what is not there is a failure.
    load(&policies, "one", "silence 0 1 2", OnFailure::Hold);
    let mut chain = load(&policies, "two", "deny no", OnFailure::Hold);
    assert_eq!(chain.ask(&asked), [Verdict::Silence(vec![0, 1, 2])]);
    let mut chain = load(&policies, "one", "silence 3", OnFailure::Hold);
    let why = failure(chain.ask(&asked).remove(0));
    assert!(why.contains("does not have"), "{why}");
    // If not all mentions can be shown, the post is denied without asking.
    let unseen = denial(chain.ask(&[mentions(None)]).remove(0));
    assert_eq!(unseen.policy, "");
    let filter = policies.load("one", FILTER_V0_2.to_vec(), "x".into(), OnFailure::Hold);
    policies.keep(filter.unwrap().kept).unwrap();
    let other = patched(TESTING, "mention-gate", "mansion-gate");
    let change = policies.load("two", other, "deny no".into(), OnFailure::Hold);
    assert_eq!(
        change.unwrap().chain.ask(&[mentions(None)]),
        [Verdict::Allow]
    );
}

#[test]
fn a_profile_gets_no_address_from_a_policy() {
    let data = tempfile::tempdir().unwrap();
    let mut chain = load(&policies(&data), "one", "fill x@y.example", OnFailure::Hold);
    let (profile, _) = questions().swap_remove(4);
    let why = failure(chain.ask(&[profile]).remove(0));
    assert!(why.contains("only be emptied"), "{why}");
}

#[test]
fn what_a_component_has_no_gate_for_passes_by_it() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    let other = patched(TESTING, "post-gate", "page-gate");
    let change = policies.load("page", other, "deny no".into(), OnFailure::Hold);
    let change = change.unwrap();
    policies.keep(change.kept).unwrap();
    let mut chain = change.chain;
    assert_eq!(chain.ask(&[post("x")]), [Verdict::Allow]);
    assert_eq!(chain.ask(&[with_texts("x", None)]), [Verdict::Allow]);
    let all_but_posts: Gates = Gate::ALL.into_iter().skip(1).collect();
    assert_eq!(chain.gates(), all_but_posts);
    let described = policies.states().remove(0).described;
    let gates = described.unwrap().gates;
    assert!(gates.contains(&"page-gate".to_string()), "{gates:?}");
    assert!(!gates.contains(&"post-gate".to_string()), "{gates:?}");
    // A component's description must match its exports.
    let lies = patched(
        TESTING,
        "causeway:policy/post-gate@",
        "causeway:policy/page-gate@",
    );
    let said = policies.load("lies", lies, String::new(), OnFailure::Hold);
    let said = said.err().unwrap().to_string();
    assert!(said.contains("page-gate"), "{said}");
}

#[test]
fn a_chain_knows_the_gates_of_the_slots_that_are_asked() {
    let data = tempfile::tempdir().unwrap();
    let policies = policies(&data);
    assert_eq!(policies.open().unwrap().gates(), Gates::default());
    let filter = policies.load("posts", FILTER_V0_2.to_vec(), "x".into(), OnFailure::Hold);
    let filter = filter.unwrap();
    let posts: Gates = [Gate::Post].into_iter().collect();
    assert_eq!(filter.chain.gates(), posts);
    policies.keep(filter.kept).unwrap();
    let every: Gates = Gate::ALL.into_iter().collect();
    let with_all = load(&policies, "all", "allow", OnFailure::Hold);
    assert_eq!(with_all.gates(), every);
    let disabled = policies.set_enabled("all", false).unwrap();
    assert_eq!(disabled.chain.gates(), posts);
}
