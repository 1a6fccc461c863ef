//! How a post arrived from a peer, and what happened to it.

use causeway_kernel::boundary::input::{FramePart, Input};
use causeway_kernel::boundary::output::Reply;
use causeway_kernel::model::{
    Acknowledgement, Connection, FrameProgress, Held, KeptFrame, Post, QuarantineEntry, Reaction,
};
use causeway_kernel::rows::id::{ConnectionNo, PostNo};
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::{Read, Record};
use causeway_kernel::wire::frame;
use causeway_kernel::wire::json::Document;
use causeway_kernel::wire::message::{SyncMessage, WirePost};

use super::refused::{self, Named};
use super::{is_frame, names};
use crate::look::as_json::document;
use crate::look::describe::frame::Answer;
use crate::look::names::{Names, count, plain};
use crate::look::walk::Seen;
use causeway_engine::MemoryRows;
use causeway_engine::runtime::StepEnd;

/// The facts of a step about a peer's post.
#[derive(Debug, Default)]
pub(super) struct Come {
    /// The facts, as sentences.
    pub said: Vec<String>,
    /// Why it was not stored, if it was not.
    pub refusal: Option<String>,
}

pub(super) fn facts(seen: &Seen<'_>, post: &str) -> Option<Come> {
    let mut come = match &seen.input {
        Ok(Input::Frame {
            connection,
            body,
            skip,
        }) => by_frame(seen, (*connection, body, skip, 0), post),
        Ok(Input::FramePart { connection, part }) => {
            let kept = seen.before::<KeptFrame>(connection);
            let from = seen.before::<FrameProgress>(connection);
            let from = from.map_or(0, |progress| progress.next);
            let all = [(from, u32::MAX)];
            let skip: &[_] = match part {
                FramePart::SetAside(_) => &all,
                FramePart::Keep(_) | FramePart::Items(_) => &[],
            };
            kept.and_then(|kept| by_frame(seen, (*connection, &kept.body, skip, from), post))
        }
        Ok(Input::Quarantine {
            connection,
            body,
            reason,
        }) if names(body, post) => {
            let who = Names(seen.rows).connection(*connection);
            let reason = plain(reason);
            Some(Come {
                said: Vec::new(),
                refusal: Some(format!(
                    "the frame from {who} that names it was set aside as a whole: {reason}"
                )),
            })
        }
        _ => None,
    };
    if let Some(again) = waited(seen, post) {
        come.get_or_insert_default().said.extend(again.said);
        if again.refusal.is_some() {
            come.get_or_insert_default().refusal = again.refusal;
        }
    }
    let mut come = come?;
    come.said.extend(come.refusal.clone());
    for change in seen.changes::<QuarantineEntry>() {
        if let Some(row) = change.new.filter(|row| names(&row.bytes, post)) {
            let reason = plain(&row.reason);
            come.said
                .push(format!("set aside as number {}: {reason}", change.key));
        }
    }
    Some(come)
}

/// A frame: its sender, its bytes, the items left out, and the first item of this step.
type Sent<'s> = (ConnectionNo, &'s [u8], &'s [(u32, u32)], u32);

fn by_frame(seen: &Seen<'_>, sent: Sent<'_>, post: &str) -> Option<Come> {
    let (connection, body, skip, from) = sent;
    let rest = seen.rows.get::<FrameProgress>(&connection);
    let carried_out = from..rest.map_or(u32::MAX, |rest| rest.next);
    let who = Names(seen.rows).connection(connection);
    let remote_id = seen
        .before::<Connection>(&connection)
        .map(|it| it.remote_id);
    let document = Document::parse(body).ok();
    let frame = document
        .as_ref()
        .and_then(|it| frame::check(it, remote_id?).ok());
    let message = frame.and_then(|it| SyncMessage::decode(it.payload).ok());
    let whole = whole_refusal(seen);
    let Some(message) = message else {
        // Its items cannot be distinguished.
        let reason = whole.unwrap_or_else(|| "nothing of it was carried out".into());
        return names(body, post).then(|| Come {
            said: Vec::new(),
            refusal: Some(format!(
                "{who} named it in a frame that cannot be parsed: {reason}"
            )),
        });
    };
    let first = message.users.len();
    let mut come = Come::default();
    let is_it = |item: &Result<WirePost, _>| match item {
        Ok(wire) => wire.id == post,
        Err(causeway_kernel::wire::message::BadItem { id, .. }) => id == post,
    };
    let of = message.posts.len();
    for (at, (_, item)) in message
        .posts
        .iter()
        .enumerate()
        .filter(|(_, (_, it))| is_it(it))
    {
        let number = u32::try_from(first + at).unwrap_or(u32::MAX);
        if !carried_out.contains(&number) {
            continue;
        }
        let named = Named {
            connection,
            channel_id: &message.channel_id,
            wire: item.as_ref().ok(),
            is_skipped: skip
                .iter()
                .any(|(from, end)| (*from..*end).contains(&number)),
        };
        let way = format!(
            "{who} sends it, {} of {} for {}",
            at + 1,
            count(of, "post"),
            Names(seen.rows).channel_of(&message.channel_id)
        );
        let fate = match &whole {
            Some(reason) => Err(format!("refused, {reason}")),
            None => fate(seen, &named, post),
        };
        match fate {
            Ok(taken) => come.said.push(format!("{way}: {taken}")),
            Err(reason) => come.refusal = Some(format!("{way}: {reason}")),
        }
    }
    let of_it = |named: &str| named == post;
    let reactions = message.reactions.iter();
    let reactions = reactions.filter_map(|(_, it)| it.as_ref().ok());
    let reactions = reactions.filter(|it| of_it(&it.post_id)).count();
    if reactions > 0 {
        let taken = taken::<Reaction>(seen, post, |key| key.0);
        let sent = (reactions, "reaction");
        come.said.push(parts(seen, &who, sent, taken));
    }
    let acknowledgements = message.acknowledgements.iter();
    let acknowledgements = acknowledgements.filter_map(|(_, it)| it.as_ref().ok());
    let acknowledgements = acknowledgements.filter(|it| of_it(&it.post_id)).count();
    if acknowledgements > 0 {
        let taken = taken::<Acknowledgement>(seen, post, |key| key.0);
        let sent = (acknowledgements, "acknowledgement");
        come.said.push(parts(seen, &who, sent, taken));
    }
    (come.refusal.is_some() || !come.said.is_empty()).then_some(come)
}

/// Number of rows of a kind that belong to a post and were changed by the step.
fn taken<R: Record>(seen: &Seen<'_>, post: &str, of: fn(&R::Key) -> PostNo) -> usize {
    let no = lookup::post(seen.rows, post);
    let changes = seen.changes::<R>();
    changes.iter().filter(|it| Some(of(&it.key)) == no).count()
}

/// The parts of the post that were sent, and how many of them were taken.
fn parts(seen: &Seen<'_>, who: &str, (number, what): (usize, &str), taken: usize) -> String {
    let sent = format!("{who} sends {} to it", count(number, what));
    if taken >= number {
        return sent;
    }
    let reasons = refused::reasons(seen);
    let why = match reasons.as_slice() {
        [] => "no reason is given".into(),
        reasons => reasons.join("; or "),
    };
    format!("{sent}, {taken} of them taken: {why}")
}

/// Why the whole frame was refused, if it was.
fn whole_refusal(seen: &Seen<'_>) -> Option<String> {
    if let StepEnd::Stopped { kind, detail } = &seen.step.end {
        return Some(format!("the step was stopped ({kind}: {})", plain(detail)));
    }
    let Some(Reply::Http { status, body }) = seen.reply() else {
        return None;
    };
    let words = Answer::of(status, &body).refusal?;
    let reasons = refused::reasons(seen);
    let reasons = match reasons.as_slice() {
        [] => String::new(),
        reasons => format!("{} – ", reasons.join("; or ")),
    };
    Some(format!("with the whole frame: {reasons}{words}"))
}

/// The result of an item of a frame that was carried out: how it was taken, or why it was refused.
fn fate(seen: &Seen<'_>, named: &Named<'_>, post: &str) -> Result<String, String> {
    let answer = match seen.reply() {
        Some(Reply::Http { status, body }) => Answer::of(status, &body),
        _ => Answer::default(),
    };
    if answer.post_errors.iter().any(|id| id == post) {
        let reason = refused::reason(seen, named, post);
        return Err(format!("refused, {reason}"));
    }
    let no = lookup::post(seen.rows, post);
    let changed = seen
        .changes::<Post>()
        .into_iter()
        .find(|it| Some(it.key) == no);
    if let Some(row) = held_change(seen, post) {
        return Err(format!("held: {}", plain(&row.reason)));
    }
    match changed.map(|it| (it.old, it.new)) {
        Some((None, Some(_))) => Ok("taken, it is new here".into()),
        Some((Some(old), Some(new))) => {
            let is_same = Post {
                origin_update_at: new.origin_update_at,
                ..old
            } == new;
            Ok(if is_same {
                "taken, only its version is noted".into()
            } else {
                "taken, it changed".into()
            })
        }
        _ if no.is_some() => Ok("this version or a newer one is here already".into()),
        _ => match waiting(seen.rows, post) {
            Some(row) => Err(format!("it is already waiting: {}", plain(&row.reason))),
            None => Err("the answer does not name it, but nothing of it was written".into()),
        },
    }
}

/// What a step did with a held post.
fn waited(seen: &Seen<'_>, post: &str) -> Option<Come> {
    let changes = seen.changes::<Held>();
    let gone = changes
        .iter()
        .find(|it| it.new.is_none() && it.old.as_ref().is_some_and(|row| is_post(row, post)))?;
    let who = Names(seen.rows).connection(gone.key.0);
    if let Some(row) = held_change(seen, post) {
        let reason = plain(&row.reason);
        let times = count(row.attempts as usize, "time");
        return (!is_frame(seen)).then(|| Come {
            said: Vec::new(),
            refusal: Some(format!(
                "it is still waiting, asked about {times}: held, {reason}"
            )),
        });
    }
    let no = lookup::post(seen.rows, post);
    if seen.changes::<Post>().iter().any(|it| Some(it.key) == no) {
        return Some(Come {
            said: vec![format!(
                "it had been waiting since it came from {who}: taken now"
            )],
            refusal: None,
        });
    }
    let named = Named {
        connection: gone.key.0,
        channel_id: "",
        wire: None,
        is_skipped: false,
    };
    let reason = refused::of_waiting(seen, &named, post);
    Some(Come {
        said: Vec::new(),
        refusal: Some(format!(
            "it had been waiting since it came from {who}: refused now, {reason}"
        )),
    })
}

fn held_change(seen: &Seen<'_>, post: &str) -> Option<Held> {
    let rows = seen.changes::<Held>().into_iter().filter_map(|it| it.new);
    rows.into_iter().find(|row| is_post(row, post))
}

/// The row of a held post.
pub(super) fn waiting(rows: &MemoryRows, post: &str) -> Option<Held> {
    let mut held = rows.records::<Held>().map(|(_, row)| row);
    held.find(|row| is_post(row, post))
}

fn is_post(row: &Held, post: &str) -> bool {
    let item = document(&row.item);
    item.get("id").and_then(|it| it.as_str()) == Some(post) && item.get("emoji_name").is_none()
}
