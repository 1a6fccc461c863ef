//! Policies that decide which channels are shared with whom, and who talks to whom.

mod channel;
mod direct;

use std::cell::RefCell;
use std::rc::Rc;

use super::*;
use crate::boundary::policy::{Denial, Gate, Gates, Verdict};
use crate::command::Command;

/// The questions that were asked, as JSON.
type Asked = Rc<RefCell<Vec<Value>>>;

/// Policies at these gates, with one verdict on everything; what they are asked.
fn rule(world: &mut World, gates: &[Gate], verdict: Verdict) -> Asked {
    rule_by(world, gates, move |_| verdict.clone())
}

/// Policies at these gates, with a verdict on every question.
fn rule_by(
    world: &mut World,
    gates: &[Gate],
    verdict: impl Fn(&Value) -> Verdict + 'static,
) -> Asked {
    let asked = Asked::default();
    let notes = asked.clone();
    world.host.policy = Some(Box::new(move |question| {
        let question = serde_json::to_value(question).unwrap();
        let verdict = verdict(&question);
        notes.borrow_mut().push(question);
        verdict
    }));
    world.run(Input::PolicyChanged {
        chain: String::new(),
        what: String::new(),
        gates: Some(gates.iter().copied().collect::<Gates>()),
    });
    world.run_due();
    asked
}

/// The reason of [`denied`].
const WORDS: &str = "nothing of ours leaves";

fn denied() -> Verdict {
    Verdict::Deny(Denial::for_reason(WORDS))
}

fn broken() -> Verdict {
    Verdict::Failed("trapped".to_string())
}

/// Takes what was asked since the last call.
fn take(asked: &Asked) -> Vec<Value> {
    asked.borrow_mut().drain(..).collect()
}

/// What a question of the last step begins with.
fn passage(world: &World, direction: &str, connection: ConnectionNo) -> Value {
    let row = world.get::<Connection>(&connection);
    json!({
        "direction": direction, "connection_id": row.remote_id.as_str(),
        "connection_name": row.name, "now_ms": world.now_ms,
    })
}

/// Somebody whose home is here, or behind a connection.
fn person(world: &World, letters: &str, home: Option<ConnectionNo>) -> Value {
    let name = world.user(letters).unwrap().username;
    let home = home.map_or(json!("Here"), |connection| {
        let row = world.get::<Connection>(&connection);
        json!({"Connected": {"id": row.remote_id.as_str(), "name": row.name}})
    });
    json!({"id": id(letters), "name": name, "home": home})
}

/// Fails unless a command of the administrator is refused, with these policies, as the policies' verdict requires.
fn expect_refused(world: &mut World, gate: Gate, command: impl Fn() -> Command) {
    rule(world, &[gate], denied());
    let refusal = world.by(ADMIN, command()).unwrap_err();
    assert_eq!(
        (refusal.status, refusal.id.as_str()),
        (403, "causeway.policy.denied.app_error")
    );
    assert!(refusal.message.contains(WORDS), "{}", refusal.message);
    rule(world, &[gate], broken());
    let refusal = world.by(ADMIN, command()).unwrap_err();
    assert_eq!(
        (refusal.status, refusal.id.as_str()),
        (503, "causeway.policy.failed.app_error")
    );
    assert!(refusal.message.contains("Try again"), "{}", refusal.message);
}

/// Fails unless an invitation leaves nothing behind and is answered as the policies' verdict requires; `what` is what
/// cannot be done.
fn expect_not_taken(world: &mut World, gate: Gate, invite: &Value, what: &str) {
    for (verdict, error, reason) in [
        (
            denied(),
            "a policy of the invited workspace does not allow it",
            "denied",
        ),
        (
            broken(),
            "the invited workspace could not decide about it; if this server does not repeat the invitation \
             by itself, invite again later",
            "held",
        ),
    ] {
        rule(world, &[gate], verdict);
        let before = world.host.tables.clone();
        let answer = world.invited(ACME, invite.clone());
        assert_eq!(answer, failed(&format!("{what}: {error}")));
        assert_eq!(world.host.tables, before);
        assert_eq!(world.refused(), [(reason.to_string(), 1)]);
        assert_eq!(world.effects.len(), 1, "nobody is told");
    }
}
