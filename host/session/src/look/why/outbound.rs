//! To whom a post was sent, and the results.

use causeway_kernel::boundary::input::{Input, SendOutcome};
use causeway_kernel::boundary::output::Effect;
use causeway_kernel::model::{Exception, Round, RoundItem};
use causeway_kernel::rows::id::PostNo;
use serde_json::Value;

use crate::look::as_json::document;
use crate::look::describe::frame::Answer;
use crate::look::describe::refusals;
use crate::look::names::Names;
use crate::look::walk::Seen;

pub(super) fn facts(seen: &Seen<'_>, no: PostNo, post: &str) -> Vec<String> {
    let mut out: Vec<String> = answered(seen, no, post).into_iter().collect();
    let names = Names(seen.rows);
    for change in seen.changes::<Exception>() {
        let (connection, _, number, rest) = &change.key;
        if *number != no.0 || !rest.is_empty() {
            continue;
        }
        let who = names.connection(*connection);
        match (&change.old, &change.new) {
            (_, Some(row)) => out.push(format!("to {who} it {}", refusals::state(row))),
            (Some(_), None) => out.push(format!("to {who} it is no longer an exception")),
            (None, None) => {}
        }
    }
    for effect in seen.effects() {
        if let Effect::Send {
            connection,
            attempt,
            frame,
        } = effect
            && let Some(what) = sent(&frame, post)
        {
            let who = names.connection(connection);
            out.push(format!("{what} sent to {who} (attempt {attempt})"));
        }
    }
    out
}

/// The part of the post that a frame carries.
fn sent(frame: &[u8], post: &str) -> Option<&'static str> {
    let frame = document(frame);
    let payload = frame.get("msg")?.get("payload")?;
    let list = |key: &str| {
        payload
            .get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let is_it = |item: &&Value, key: &str| item.get(key).and_then(Value::as_str) == Some(post);
    let deleted = |item: &Value| item.get("delete_at").and_then(Value::as_i64).unwrap_or(0) != 0;
    if let Some(item) = list("posts").find(|it| is_it(it, "id")) {
        return Some(if deleted(item) {
            "its deletion is"
        } else {
            "it is"
        });
    }
    let parts = [
        ("reactions", "reactions to it are"),
        ("acknowledgements", "acknowledgements of it are"),
    ];
    let found = parts
        .iter()
        .find(|(key, _)| list(key).any(|it| is_it(&it, "post_id")));
    found.map(|(_, said)| *said)
}

/// The result of a send that contained the post.
fn answered(seen: &Seen<'_>, no: PostNo, post: &str) -> Option<String> {
    let Ok(Input::Receipt(receipt)) = &seen.input else {
        return None;
    };
    let round = seen.before::<Round>(&receipt.connection)?;
    let mut items = round.items.iter();
    let holds = items.any(|it| matches!(it, RoundItem::Post(held, _) if *held == no));
    if round.attempt != Some(receipt.attempt) || !holds {
        return None;
    }
    let who = Names(seen.rows).connection(receipt.connection);
    let attempt = receipt.attempt;
    Some(match &receipt.outcome {
        SendOutcome::Answered(body) => {
            let answer = Answer::of(200, body);
            match answer.refusal {
                Some(words) => format!("{who} refused attempt {attempt} as a whole: {words}"),
                None if answer.post_errors.iter().any(|id| id == post) => {
                    format!("{who} listed it among the posts that it refused (attempt {attempt})")
                }
                None => format!("{who} took it (attempt {attempt})"),
            }
        }
        SendOutcome::Refused(status) => {
            format!("{who} refused attempt {attempt} as a whole with HTTP {status}")
        }
        SendOutcome::Unknown => format!(
            "attempt {attempt} to {who} was interrupted, it is unknown whether it arrived: it is repeated"
        ),
        SendOutcome::NeverLeft => format!("attempt {attempt} to {who} never left: it is repeated"),
    })
}
