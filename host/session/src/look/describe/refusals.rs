//! What a step refused, denied or held, and why.

use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::input::{Input, SendOutcome};
use causeway_kernel::boundary::output::{Effect, Reply};
use causeway_kernel::boundary::policy::{Denial, Verdict};
use causeway_kernel::model::{Exception, ExceptionState, FeedObject, Held, HeldKind, VerdictRow};

use super::frame::{self, Answer};
use super::in_flight::answer_to;
use super::reasons;
use crate::look::as_json::document;
use crate::look::names::{Names, plain, way};
use crate::look::walk::Seen;

/// The number of verdicts that plainly allow, and the other verdicts.
pub(super) fn verdicts(seen: &Seen<'_>) -> (usize, Vec<String>) {
    let mut allowed = 0;
    let mut out = Vec::new();
    for recorded in &seen.step.verdicts {
        match codec::decode_verdict(&recorded.verdict) {
            Ok(Verdict::Allow) => allowed += 1,
            Ok(Verdict::Deny(denial)) => out.push(denied(&denial)),
            Ok(Verdict::Revise(_)) => out.push("revised the text".into()),
            Ok(Verdict::ReviseProfile(_)) => out.push("revised the profile".into()),
            Ok(Verdict::Silence(positions)) => {
                out.push(format!("silenced mentions: {}", positions.len()));
            }
            Ok(Verdict::Failed(reason)) => out.push(format!("failed: {}", plain(&reason))),
            Err(error) => out.push(format!("a verdict that cannot be decoded: {error}")),
        }
    }
    (allowed, out)
}

fn denied(Denial { policy, code, text }: &Denial) -> String {
    let by = if policy.is_empty() {
        String::new()
    } else {
        format!(" by {}, {}", plain(policy), plain(code))
    };
    format!("denied{by}: {}", plain(text))
}

/// Refusals, and what was already known.
pub(super) fn of(seen: &Seen<'_>) -> (Vec<String>, Vec<String>) {
    let mut refusals = of_reply(seen);
    let mut notes = Vec::new();
    for effect in seen.effects() {
        if let Effect::Refused { reason, items, .. } = effect {
            let words = format!(
                "{items} × {}: {}",
                plain(&reason),
                reasons::sentence(&reason)
            );
            if reasons::is_success(&reason) {
                notes.push(words);
            } else {
                refusals.push(words);
            }
        }
    }
    refusals.extend(of_receipt(seen));
    refusals.extend(of_rows(seen));
    (refusals, notes)
}

fn of_reply(seen: &Seen<'_>) -> Vec<String> {
    match seen.reply() {
        Some(Reply::Refused(refusal)) => vec![format!(
            "refused: {} ({} {})",
            plain(&refusal.message),
            refusal.status,
            plain(&refusal.id)
        )],
        // The answer to all bytes of a file describes the file.
        Some(Reply::Http { status: 200, .. }) if matches!(seen.input, Ok(Input::Upload { .. })) => {
            Vec::new()
        }
        Some(Reply::Http { status, body }) => of_answer("", &Answer::of(status, &body)),
        _ => Vec::new(),
    }
}

fn of_answer(who: &str, answer: &Answer) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(words) = &answer.refusal {
        out.push(format!("{who}refused as a whole: {words}"));
    }
    if !answer.post_errors.is_empty() {
        out.push(format!(
            "{who}refused posts: {}",
            frame::listed(&answer.post_errors)
        ));
    }
    out
}

fn of_receipt(seen: &Seen<'_>) -> Vec<String> {
    let Ok(Input::Receipt(receipt)) = &seen.input else {
        return Vec::new();
    };
    let who = format!("{} ", Names(seen.rows).connection(receipt.connection));
    match &receipt.outcome {
        SendOutcome::Answered(body) => of_answer(&who, &answer_to(seen, receipt, body)),
        SendOutcome::Refused(status) => vec![format!("{who}refused as a whole: HTTP {status}")],
        SendOutcome::Unknown | SendOutcome::NeverLeft => Vec::new(),
    }
}

/// From the rows that the step wrote: which posts the policies denied, and what is waiting.
fn of_rows(seen: &Seen<'_>) -> Vec<String> {
    let names = Names(seen.rows);
    let mut out = Vec::new();
    for change in seen.changes::<VerdictRow>() {
        let (connection, asked, post) = change.key;
        if let Some(row) = change.new.filter(|row| !row.allowed) {
            let way = way(asked);
            let who = names.connection(connection);
            out.push(format!(
                "denied post {post} {way} {who}: {}",
                plain(&row.reason)
            ));
        }
    }
    for change in seen.changes::<Held>() {
        if let Some(row) = change.new {
            let who = names.connection(change.key.0);
            let item = held_item(&row);
            out.push(format!("holds {item} from {who}: {}", plain(&row.reason)));
        }
    }
    for change in seen.changes::<Exception>() {
        if let Some(row) = change.new {
            let who = names.connection(change.key.0);
            out.push(format!(
                "{} to {who} {}",
                object(names, &row.object),
                state(&row)
            ));
        }
    }
    out
}

fn held_item(row: &Held) -> String {
    let item = document(&row.item);
    let text = |key: &str| {
        let text = item.get(key).and_then(|it| it.as_str());
        text.map(plain).unwrap_or_default()
    };
    match row.kind {
        HeldKind::Post => format!("post {}", text("id")),
        HeldKind::Reaction => format!("a reaction to post {}", text("post_id")),
        HeldKind::Acknowledgement => format!("an acknowledgement of post {}", text("post_id")),
        HeldKind::Profile => format!("the profile of user {}", text("id")),
        HeldKind::Membership => format!("a membership of user {}", text("user_id")),
    }
}

fn object(names: Names<'_>, object: &FeedObject) -> String {
    match object {
        FeedObject::Post(no) => format!("post {}", names.post(*no)),
        FeedObject::Reaction(no, user, emoji) => format!(
            "reaction :{}: of {} to post {}",
            plain(emoji),
            names.user(*user),
            names.post(*no)
        ),
        FeedObject::Acknowledgement(no, user) => format!(
            "acknowledgement by {} of post {}",
            names.user(*user),
            names.post(*no)
        ),
        FeedObject::Membership(no) => format!("the membership of {}", names.user(*no)),
        FeedObject::User(no) => format!("the profile of {}", names.user(*no)),
        FeedObject::Status(no) => format!("the status of {}", names.user(*no)),
    }
}

/// The state of an item that the cursor has passed.
pub fn state(row: &Exception) -> String {
    let reason = plain(&row.reason);
    match row.state {
        ExceptionState::Held => format!("is held: {reason}"),
        ExceptionState::Denied => format!("is denied: {reason}"),
        ExceptionState::Refused(times) => {
            format!("was refused {times} ×, will be sent again: {reason}")
        }
        ExceptionState::Dead => format!("is given up: {reason}"),
        ExceptionState::Outdated => format!("will be sent again: {reason}"),
    }
}
