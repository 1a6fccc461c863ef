//! Integrations' components in shared channels: using them, and posts of this workspace that show some.

use std::cell::RefCell;
use std::rc::Rc;

use super::*;
use crate::boundary::behaviour::InForce;
use crate::boundary::input::Input;
use crate::boundary::output::Reply;
use crate::boundary::policy::{
    ComponentQuestion, Denial, Direction, Gate, Home, Question, Verdict,
};
use crate::model::limits::{COMPONENT_POSTS_PER_STEP, HELD_RETRY_MS};
use crate::model::{Action, Component, HiddenComponents, Job, PeerKind};
use crate::rows::table::Table;

const WORDS: &str = "no integrations there";

/// What was asked, in short.
type Asked = Rc<RefCell<Vec<String>>>;

fn short(question: &Question<'_>) -> String {
    let Question::Component(ComponentQuestion {
        context,
        component,
        is_used,
    }) = question
    else {
        panic!("another question: {question:?}");
    };
    assert_eq!(context.author_home, Home::Here);
    let direction = match context.direction {
        Direction::Inbound => "from",
        Direction::Outbound => "to",
    };
    let what = match component {
        Component::SlashCommand(name) | Component::Webhook(name) | Component::PostType(name) => {
            name.clone()
        }
        Component::Button(action) | Component::Menu(action) => action.label.clone(),
    };
    let verb = if *is_used { "uses" } else { "shows" };
    let (who, connection) = (context.author_name, context.connection_name);
    format!("{who} {verb} {what} {direction} {connection}")
}

/// With a channel shared with one connection, and the setting on.
fn world() -> World {
    let mut world = World::shared(PeerKind::Causeway);
    switch(&mut world, true);
    world
}

fn switch(world: &mut World, is_on: bool) {
    let settings = configure_sharing(|settings| settings.plugins = is_on);
    world.output(Actor::System, None, settings);
    world.run_due();
}

fn load(world: &mut World, verdict: Verdict) -> Asked {
    let asked = Asked::default();
    let notes = asked.clone();
    world.load_policy(&[Gate::Component], move |question| {
        notes.borrow_mut().push(short(question));
        verdict.clone()
    });
    asked
}

fn denied() -> Verdict {
    Verdict::Deny(Denial::for_reason(WORDS))
}

fn broken() -> Verdict {
    Verdict::Failed("trapped".into())
}

fn deploy() -> Component {
    Component::SlashCommand("deploy".into())
}

fn use_in(channel: ChannelNo, component: Component) -> Command {
    Command::UseComponent(UseComponent { channel, component })
}

/// Status of the refusal and its words; 0 if it is allowed.
fn used(world: &mut World, channel: ChannelNo, component: Component) -> (u16, String) {
    let output = world.output(Actor::User(ANN), None, use_in(channel, component));
    assert!(output.writes.is_empty(), "it changes nothing");
    match output.reply {
        Reply::Done => (0, String::new()),
        Reply::Refused(refusal) => (refusal.status, refusal.message),
        other => panic!("{other:?}"),
    }
}

fn with_button(label: &str) -> String {
    format!(r#"{{"attachments":[{{"actions":[{{"id":"run","name":"{label}"}}]}}]}}"#)
}

fn show(world: &mut World, label: &str) -> PostNo {
    let props = with_button(label);
    let post = post_with(TOWN, None, "a build", |new| new.props = props);
    match world.by(ANN, post).unwrap() {
        Object::Post(no) => no,
        other => panic!("{other:?}"),
    }
}

fn hidden(world: &World, post: PostNo) -> Option<String> {
    let row = world.host.get::<HiddenComponents>(&post);
    row.map(|row| row.reason)
}

fn take(asked: &Asked) -> Vec<String> {
    asked.borrow_mut().drain(..).collect()
}

#[test]
fn with_the_setting_on_a_policy_decides_who_uses_what() {
    let mut world = world();
    let asked = load(&mut world, denied());
    let (status, words) = used(&mut world, TOWN, deploy());
    assert_eq!(
        (status, take(&asked)),
        (403, vec!["ann uses deploy to acme".into()])
    );
    assert!(words.contains(WORDS), "{words}");
    load(&mut world, broken());
    let (status, words) = used(&mut world, TOWN, deploy());
    assert!(status == 503 && words.contains("Try again"), "{words}");
    let asked = load(&mut world, Verdict::Allow);
    let button = Component::Button(Action {
        id: "run".into(),
        label: "x".repeat(1_000),
    });
    assert_eq!(used(&mut world, TOWN, button).0, 0);
    assert!(take(&asked)[0].len() < 300, "a name is cut");
    let elsewhere = world.create_channel(ANN, "elsewhere", ChannelKind::Public);
    load(&mut world, denied());
    assert_eq!(used(&mut world, elsewhere, deploy()).0, 0);
}

#[test]
fn the_setting_is_the_outermost_rule_and_nobody_uses_what_is_not_theirs_to_read() {
    let mut world = world();
    let asked = load(&mut world, Verdict::Allow);
    switch(&mut world, false);
    let (status, words) = used(&mut world, TOWN, deploy());
    assert!(
        status == 403 && words.contains("EnableSharedChannelsPlugins"),
        "{words}"
    );
    let post = show(&mut world, "Run");
    assert_eq!((take(&asked).len(), hidden(&world, post)), (0, None));
    switch(&mut world, true);
    assert_eq!(
        take(&asked),
        ["ann shows Run to acme"],
        "it is asked about once it counts"
    );
    let secret = world.create_channel(BOB, "secret", ChannelKind::Private);
    let refused = world.output(Actor::User(EVE), None, use_in(secret, deploy()));
    assert!(matches!(refused.reply, Reply::Refused(refusal) if refusal.status == 403));
}

#[test]
fn every_connection_of_a_channel_is_asked_about_and_the_first_denial_decides() {
    let mut world = world();
    let other = world.connect("globex", PeerKind::Causeway);
    world.share(TOWN, other);
    let asked = Asked::default();
    let notes = asked.clone();
    world.load_policy(&[Gate::Component], move |question| {
        let question = short(question);
        let is_denied = question.ends_with("globex");
        notes.borrow_mut().push(question);
        if is_denied { denied() } else { Verdict::Allow }
    });
    assert_eq!(used(&mut world, TOWN, deploy()).0, 403);
    let each = ["ann uses deploy to acme", "ann uses deploy to globex"];
    assert_eq!(take(&asked), each);
    let post = show(&mut world, "Run");
    assert_eq!(hidden(&world, post).as_deref(), Some(WORDS));
    world.by(ADMIN, uninvite(TOWN, other)).unwrap();
    world.run_due();
    assert_eq!(hidden(&world, post), None, "nobody objects any more");
    assert_eq!(used(&mut world, TOWN, deploy()).0, 0);
    world.share(TOWN, other);
    world.run_due();
    assert!(hidden(&world, post).is_some());
}

#[test]
fn what_a_post_shows_is_decided_whenever_its_properties_change() {
    let mut world = world();
    let asked = load(&mut world, denied());
    let post = show(&mut world, "Run");
    assert_eq!(take(&asked), ["ann shows Run to acme"]);
    assert_eq!(hidden(&world, post).as_deref(), Some(WORDS));
    world.by(ANN, pin(post, true)).unwrap();
    world.by(ANN, edit(post, "another text")).unwrap();
    assert!(take(&asked).is_empty());
    let rewrite = |props: String| edit_with(post, |edit| edit.props = Some(props));
    world.by(ANN, rewrite("{}".into())).unwrap();
    assert_eq!(hidden(&world, post), None);
    world.by(ANN, rewrite(with_button("Stop"))).unwrap();
    assert_eq!(take(&asked), ["ann shows Stop to acme"]);
    assert!(hidden(&world, post).is_some());
    world.by(ANN, delete(post)).unwrap();
    assert_eq!(world.host.tables.count(Table::HiddenComponents), 0);
    let poll = post_with(TOWN, None, "a poll", |new| new.kind = "custom_poll".into());
    let Object::Post(poll) = world.by(ANN, poll).unwrap() else {
        panic!("no post");
    };
    assert_eq!(take(&asked), ["ann shows custom_poll to acme"]);
    assert!(hidden(&world, poll).is_some());
    world.write(ANN, TOWN, "no components");
    assert!(take(&asked).is_empty());
}

#[test]
fn a_post_on_which_a_policy_failed_is_asked_about_again() {
    let mut world = world();
    load(&mut world, broken());
    let post = show(&mut world, "Run");
    let later = show(&mut world, "Stop");
    assert_eq!(hidden(&world, post).as_deref(), Some("trapped"));
    let rewrite = edit_with(later, |edit| edit.props = Some(with_button("Stop it")));
    world.by(ANN, rewrite).unwrap();
    world.now_ms += HELD_RETRY_MS;
    world.run_due();
    assert!(hidden(&world, post).is_some() && hidden(&world, later).is_some());
    assert_eq!(world.host.tables.count(Table::Jobs), 2, "one for each post");
    world.host.policy = None;
    world.now_ms += HELD_RETRY_MS;
    world.run(Input::Timer);
    let shown = [post, later].map(|no| Event::PostEdited(TOWN, no));
    assert_eq!(world.events(), shown);
    assert_eq!((hidden(&world, post), hidden(&world, later)), (None, None));
    assert!(world.host.prefix::<Job, ()>(&(), 9).is_empty());
}

#[test]
fn when_the_policies_change_all_posts_of_shared_channels_are_asked_about() {
    let mut world = world();
    let elsewhere = world.create_channel(ANN, "elsewhere", ChannelKind::Public);
    let props = with_button("Run");
    let unshared = post_with(elsewhere, None, "a build", |new| new.props = props);
    world.by(ANN, unshared).unwrap();
    let posts: Vec<PostNo> = (0..COMPONENT_POSTS_PER_STEP + 3)
        .map(|n| show(&mut world, &n.to_string()))
        .collect();
    let are_hidden = |world: &World| {
        let hidden = posts.iter().filter(|no| hidden(world, **no).is_some());
        (
            hidden.count(),
            world.host.tables.count(Table::HiddenComponents),
        )
    };
    assert_eq!(are_hidden(&world), (0, 0));
    let asked = load(&mut world, denied());
    assert_eq!(are_hidden(&world), (posts.len(), posts.len()));
    assert_eq!(take(&asked).len(), posts.len());
    load(&mut world, Verdict::Allow);
    assert_eq!(are_hidden(&world), (0, 0));
    load(&mut world, denied());
    world.unload_policy();
    assert_eq!(are_hidden(&world), (0, 0));
}

#[test]
fn without_a_policy_at_the_gate_or_before_it_was_known_nothing_changes() {
    let mut world = world();
    world.load_policy(&[Gate::File], |question| panic!("{question:?}"));
    let post = show(&mut world, "Run");
    assert_eq!(hidden(&world, post), None);
    assert_eq!(used(&mut world, TOWN, deploy()).0, 0);
    world.step(|tx| tx.delete::<InForce>(&51));
    let asked = load(&mut world, denied());
    let later = show(&mut world, "Run");
    assert_eq!(used(&mut world, TOWN, deploy()).0, 0);
    assert_eq!((take(&asked).len(), hidden(&world, later)), (0, None));
    assert!(world.get::<Channel>(&TOWN).shared && world.host.has::<Post>(&later));
}
