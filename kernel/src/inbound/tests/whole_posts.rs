//! Policies are asked about all of a post's text that people will see.

use std::cell::RefCell;
use std::rc::Rc;

use super::*;
use crate::boundary::codec;
use crate::boundary::policy::{
    Audience, Denial, Direction, Home, PostQuestion, Question, Revision, TextLeaf, Verdict,
};
use crate::model::limits::QUESTION_TEXTS_MAX;
use crate::model::{About, Asked, VerdictRow};

/// The questions: the message, with the paths and texts of the properties.
type Notes = Rc<RefCell<Vec<(String, Option<Vec<TextLeaf>>)>>>;

/// A workspace that asks a policy about whole posts, and the questions that it asked.
fn world(judge: impl Fn(&PostQuestion<'_>) -> Verdict + 'static) -> (World, Notes) {
    let mut world = World::with_peers_of_today();
    let notes = Notes::default();
    let asked = notes.clone();
    world.host.policy = Some(Box::new(move |question| {
        let Question::Post(post) = question else {
            panic!("{question:?}");
        };
        let note = (post.message.to_string(), post.texts.clone());
        asked.borrow_mut().push(note);
        judge(post)
    }));
    (world, notes)
}

fn leaf(path: &str, text: &str) -> TextLeaf {
    TextLeaf {
        path: path.into(),
        text: text.into(),
    }
}

fn version(name: &str, at: i64, props: &Value) -> Value {
    let changed = json!({"update_at": START + at, "props": props});
    with(post(name, "ann", "look"), changed)
}

#[test]
fn a_question_says_who_where_when_and_every_text() {
    let (mut world, notes) = world(|post| {
        let context = &post.context;
        let home = matches!(context.author_home, Home::Connected { name: "acme", .. });
        assert!(home, "{context:?}");
        assert_eq!(context.audience, Audience::Open);
        assert_eq!(context.direction, Direction::Inbound);
        assert!(context.now_ms >= START);
        Verdict::Allow
    });
    let props = json!({"attachments": [{"text": "hidden", "color": ""}], "n": 1});
    world.sync(ACME, json!({"posts": [version("one", 1, &props)]}));
    let texts = vec![leaf("/attachments/0/text", "hidden")];
    assert_eq!(*notes.borrow(), [("look".to_string(), Some(texts))]);
}

#[test]
fn a_change_of_the_properties_alone_is_asked_about_and_one_of_neither_is_not() {
    let (mut world, notes) = world(|post| {
        let texts = post.texts.as_deref().unwrap_or_default();
        if texts.iter().any(|leaf| leaf.text.contains("secret")) {
            Verdict::Deny(Denial::for_reason("a word"))
        } else {
            Verdict::Allow
        }
    });
    let plain = json!({"card": "fine"});
    world.sync(ACME, json!({"posts": [version("one", 1, &plain)]}));
    world.sync(ACME, json!({"posts": [version("one", 2, &plain)]}));
    assert_eq!(notes.borrow().len(), 1);
    let secret = version("one", 3, &json!({"card": "a secret"}));
    let response = world.sync(ACME, json!({"posts": [secret]}));
    assert_eq!(response["post_errors"], json!([id("one")]));
    assert_eq!(notes.borrow().len(), 2);
    assert_eq!(world.post("one").unwrap().props, plain.to_string());
}

#[test]
fn a_revision_reaches_message_and_properties() {
    let (mut world, _) = world(|post| {
        let texts = post.texts.iter().flatten();
        Verdict::Revise(Revision {
            message: None,
            texts: texts.map(|it| leaf(&it.path, "***")).collect(),
        })
    });
    let props = json!({"attachments": [{"text": "rude"}], "n": 1});
    world.sync(ACME, json!({"posts": [version("one", 1, &props)]}));
    let post = world.post("one").unwrap();
    assert_eq!(post.message, "look");
    let revised = json!({"attachments": [{"text": "***"}], "n": 1});
    assert_eq!(post.props, revised.to_string());
    // The verdict on this version is stored.
    let row = world.get::<VerdictRow>(&(ACME, 2, parsed_id("one")));
    let texts = row.revised.unwrap().texts;
    assert_eq!(texts, [leaf("/attachments/0/text", "***")]);
}

#[test]
fn more_text_than_a_question_holds_is_not_shown_in_part() {
    let (mut world, notes) = world(|post| match post.texts {
        Some(_) => Verdict::Allow,
        None => Verdict::Deny(Denial::for_reason("not shown whole")),
    });
    let props = json!({"list": vec!["x"; QUESTION_TEXTS_MAX + 1]});
    let response = world.sync(ACME, json!({"posts": [version("one", 1, &props)]}));
    assert_eq!(response["post_errors"], json!([id("one")]));
    assert_eq!(*notes.borrow(), [("look".to_string(), None)]);
}

#[test]
fn a_verdict_on_the_message_alone_is_no_answer_about_the_whole_post() {
    let (mut world, notes) = world(|_| Verdict::Allow);
    let version_1 = (START + 1, true, Some("kind"), "");
    let bytes = [vec![1], postcard::to_allocvec(&version_1).unwrap()].concat();
    let row = VerdictRow::from_bytes(&bytes).unwrap();
    assert_eq!(row.revised, Some(Revision::of_message("kind".into())));
    let about = Asked {
        direction: Direction::Inbound,
        about: About::Message,
    };
    let key = (ACME, about.byte(), parsed_id("one"));
    world.step(|tx| tx.put(&key, &row));
    world.sync(ACME, json!({"posts": [version("one", 1, &json!({}))]}));
    assert_eq!(notes.borrow().len(), 1);
    assert_eq!(world.post("one").unwrap().message, "look");
}

#[test]
fn a_revision_of_the_message_alone_has_the_bytes_that_it_always_had() {
    let verdict = Verdict::Revise(Revision::of_message("kind".into()));
    let bytes = codec::encode_verdict(&verdict);
    assert_eq!(bytes, [1, 2, 4, b'k', b'i', b'n', b'd']);
    assert_eq!(codec::decode_verdict(&bytes), Ok(verdict));
    let whole = Verdict::Revise(Revision {
        message: None,
        texts: vec![leaf("/a", "b")],
    });
    assert_eq!(
        codec::decode_verdict(&codec::encode_verdict(&whole)),
        Ok(whole)
    );
}
