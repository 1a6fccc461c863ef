//! Steps in words.

mod command;
pub mod component;
mod effects;
pub mod frame;
mod in_flight;
pub mod reasons;
pub mod refusals;

use causeway_kernel::boundary::input::{DuePart, FramePart, Input, Receipt, SendOutcome};
use causeway_kernel::model::{LocalStatus, Round, RoundItem};
use serde::Serialize;

use super::names::{Names, count, plain};
use super::walk::Seen;
use causeway_engine::journal::InputKind;
use causeway_engine::runtime::StepEnd;
use frame::Answer;

/// A step in words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Description {
    /// Number of the entry.
    pub seq: u64,
    /// Its time, in ms.
    pub time_ms: i64,
    /// The kind of input; see [`KINDS`].
    pub kind: &'static str,
    /// Who acted.
    pub who: String,
    /// What happened, in a sentence.
    pub what: String,
    /// Number of verdicts that allowed something.
    pub allowed: usize,
    /// All other verdicts.
    pub verdicts: Vec<String>,
    /// What was refused, denied or held, and why.
    pub refusals: Vec<String>,
    /// What was already known and changed nothing.
    pub notes: Vec<String>,
    /// What the service did afterwards.
    pub effects: Vec<String>,
    /// Why the step was stopped, if it was.
    pub stopped: Option<String>,
    /// What the masked step decided differently from the real one.
    pub deviation: Option<String>,
}

impl Description {
    /// Whether something was refused, denied or held, or the step was stopped.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        let is_bad = |it: &String| it.starts_with("denied") || it.starts_with("failed");
        self.stopped.is_some() || !self.refusals.is_empty() || self.verdicts.iter().any(is_bad)
    }
}

/// The names of the kinds of inputs.
pub const KINDS: [&str; 16] = [
    "genesis",
    "command",
    "frame",
    "part",
    "quarantine",
    "receipt",
    "ping",
    "timer",
    "due-part",
    "resume",
    "restored",
    "policies",
    "kernel",
    "statuses",
    "upload",
    "picture",
];

/// The name of a kind.
#[must_use]
pub fn kind_name(kind: InputKind) -> &'static str {
    match kind {
        InputKind::Genesis => "genesis",
        InputKind::Command => "command",
        InputKind::Frame => "frame",
        InputKind::FramePart => "part",
        InputKind::Quarantine => "quarantine",
        InputKind::Receipt => "receipt",
        InputKind::Ping => "ping",
        InputKind::Timer => "timer",
        InputKind::DuePart => "due-part",
        InputKind::Resume => "resume",
        InputKind::Restored => "restored",
        InputKind::PolicyChanged => "policies",
        InputKind::KernelChanged => "kernel",
        InputKind::Statuses => "statuses",
        InputKind::Upload => "upload",
        InputKind::Picture => "picture",
    }
}

/// A step in words.
#[must_use]
pub fn describe(seen: &Seen<'_>) -> Description {
    let (allowed, verdicts) = refusals::verdicts(seen);
    let (refused, notes) = refusals::of(seen);
    let stopped = match &seen.step.end {
        StepEnd::Stopped { kind, detail } => Some(format!("{kind}: {}", plain(detail))),
        StepEnd::Done(_) => None,
    };
    Description {
        seq: seen.step.seq,
        time_ms: seen.step.time_ms,
        kind: kind_name(seen.step.kind),
        who: who(seen),
        what: sentence(seen),
        allowed,
        verdicts,
        refusals: refused,
        notes,
        effects: effects::in_short(seen),
        stopped,
        deviation: seen.step.deviation.as_deref().map(plain),
    }
}

fn who(seen: &Seen<'_>) -> String {
    let names = Names(seen.rows);
    match &seen.input {
        Ok(Input::Command { actor, .. }) => names.actor(*actor),
        Ok(
            Input::Frame { connection, .. }
            | Input::FramePart { connection, .. }
            | Input::Quarantine { connection, .. }
            | Input::Ping { connection, .. }
            | Input::Receipt(Receipt { connection, .. }),
        ) => names.connection(*connection),
        Ok(_) => "the service".into(),
        Err(_) => "unknown".into(),
    }
}

fn sentence(seen: &Seen<'_>) -> String {
    let names = Names(seen.rows);
    match &seen.input {
        Err(error) => format!("an input that cannot be decoded: {error}"),
        Ok(Input::Genesis(genesis)) => {
            format!("the workspace {} is created", plain(&genesis.site_url))
        }
        Ok(Input::Command { actor, command, .. }) => command::sentence(seen, *actor, command),
        Ok(Input::Frame {
            connection,
            body,
            skip,
        }) => {
            let left_out: u64 = skip
                .iter()
                .map(|(first, end)| u64::from(end.saturating_sub(*first)))
                .sum();
            let left_out = match left_out {
                0 => String::new(),
                number => format!("; {number} of the items are set aside"),
            };
            let content = frame::content(names, body);
            format!(
                "{} sends {content}{left_out}",
                names.connection(*connection)
            )
        }
        Ok(Input::FramePart { connection, part }) => {
            let who = names.connection(*connection);
            match part {
                FramePart::Keep(body) => format!(
                    "{} from {who}: kept, to be carried out in parts",
                    frame::content(names, body)
                ),
                FramePart::Items(most) => {
                    format!(
                        "a frame from {who} continues with at most {}",
                        count(*most as usize, "item")
                    )
                }
                FramePart::SetAside(1) => {
                    format!("the next item of a frame from {who} is set aside")
                }
                FramePart::SetAside(_) => {
                    format!("the rest of a frame from {who} is set aside")
                }
            }
        }
        Ok(Input::Quarantine {
            connection,
            body,
            reason,
        }) => format!(
            "a frame from {} ({}) is set aside as a whole: {}",
            names.connection(*connection),
            count(body.len(), "byte"),
            plain(reason)
        ),
        Ok(Input::Receipt(receipt)) => receipt_sentence(seen, receipt),
        Ok(Input::Ping { connection, answer }) => format!(
            "a ping to {} is {}",
            names.connection(*connection),
            if answer.is_some() {
                "answered"
            } else {
                "not answered"
            }
        ),
        Ok(Input::Timer) => "timer".into(),
        Ok(Input::DuePart(DuePart::Rows(most))) => format!("timer, the first {most} due"),
        Ok(Input::DuePart(DuePart::PutOff)) => "timer, the first due is put off".into(),
        Ok(Input::Resume) => "the service starts".into(),
        Ok(Input::Restored) => "the data directory was restored or cloned".into(),
        Ok(Input::PolicyChanged { what, .. }) => format!("policy chain changed: {}", plain(what)),
        Ok(Input::KernelChanged { digest }) => format!(
            "another kernel took over: {}",
            plain(digest.get(..16).unwrap_or(digest))
        ),
        Ok(Input::Statuses(changes)) => statuses_sentence(names, changes),
        Ok(Input::Upload {
            connection,
            upload,
            progress,
        }) => in_flight::upload_sentence(seen, (*connection, *upload), progress),
        Ok(Input::Picture {
            connection, user, ..
        }) => format!(
            "a picture of {} has arrived from {}",
            names.user_of(user.as_str()),
            names.connection(*connection)
        ),
    }
}

fn statuses_sentence(names: Names<'_>, changes: &[LocalStatus]) -> String {
    let said = changes.iter().map(|change| {
        let word = change.status.availability.word();
        format!("{} is {word}", names.user(change.user))
    });
    format!("new statuses: {}", frame::listed(&said.collect::<Vec<_>>()))
}

fn receipt_sentence(seen: &Seen<'_>, receipt: &Receipt) -> String {
    if let Some(said) = in_flight::receipt_sentence(seen, receipt) {
        return said;
    }
    let names = Names(seen.rows);
    let who = names.connection(receipt.connection);
    let attempt = receipt.attempt;
    let round = seen.before::<Round>(&receipt.connection);
    let round = round.filter(|round| round.attempt == Some(attempt));
    let held = round.as_ref().map_or(&[][..], |it| &it.items);
    let late = if round.is_none() {
        "; it is no longer expected"
    } else {
        ""
    };
    let send = format!("a send to {who} (attempt {attempt})");
    match &receipt.outcome {
        SendOutcome::Answered(body) => {
            let answer = Answer::of(200, body);
            let come = match answer.refusal {
                Some(_) => "refused".into(),
                None => taken(held, answer.post_errors.len()),
            };
            format!("{send} is answered: {come}{late}")
        }
        SendOutcome::Refused(status) => format!("{send} is refused with HTTP {status}{late}"),
        SendOutcome::Unknown => {
            format!("{send} was interrupted: it is unknown whether it arrived{late}")
        }
        SendOutcome::NeverLeft => format!("{send} never left{late}"),
    }
}

fn taken(items: &[RoundItem], errors: usize) -> String {
    let number = |of: fn(&RoundItem) -> bool| items.iter().filter(|it| of(it)).count();
    let posts = number(|it| matches!(it, RoundItem::Post(..)));
    let mut parts = Vec::new();
    if posts > 0 {
        parts.push(format!(
            "{} taken",
            count(posts.saturating_sub(errors), "post")
        ));
    }
    if errors > 0 {
        parts.push(format!("{errors} refused"));
    }
    let users = number(|it| matches!(it, RoundItem::User(..)));
    if users > 0 {
        parts.push(count(users, "user"));
    }
    let reactions = number(|it| matches!(it, RoundItem::Reaction(..)));
    if reactions > 0 {
        parts.push(count(reactions, "reaction"));
    }
    let acknowledgements = number(|it| matches!(it, RoundItem::Acknowledgement(..)));
    if acknowledgements > 0 {
        parts.push(count(acknowledgements, "acknowledgement"));
    }
    let memberships = number(|it| matches!(it, RoundItem::Membership(..)));
    if memberships > 0 {
        parts.push(count(memberships, "membership"));
    }
    let statuses = number(|it| matches!(it, RoundItem::Status(..)));
    if statuses > 0 {
        parts.push(format!("statuses of {}", count(statuses, "user")));
    }
    if parts.is_empty() {
        "OK".into()
    } else {
        parts.join(", ")
    }
}
