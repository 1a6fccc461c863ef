//! Posts at the gate, and then their mentions (see [`mentions`]).
//!
//! What came of it for a version that was denied or revised is stored: the same version gets the same answer
//! without another question, until the policies change. A plain permission is not stored: an accepted version
//! is not judged again, and one that is sent out again is asked about again.

use std::borrow::Cow;
use std::rc::Rc;

use super::homes::Homes;
use super::{
    Crossing, Judgement, NO_VERDICT, NOT_ABOUT_THIS, context, is_asked, leaves, mentions, shorten,
};
use crate::boundary::behaviour::Behaviour;
use crate::boundary::env::Rows;
use crate::boundary::policy::{Direction, Gate, PostQuestion, Question, Revision, Verdict};
use crate::model::limits::{MESSAGE_CHARS_MAX, REMOTE_PROPS_BYTES_MAX};
use crate::model::{About, Asked, User, VerdictRow};
use crate::rows::id::{ConnectionNo, Id};
use crate::rows::tx::{Read, Tx};

/// A post to be judged.
#[derive(Debug)]
pub struct PostCandidate<'a> {
    /// Its id.
    pub id: Id,
    /// Its version.
    pub version: i64,
    /// Id of its thread's root, empty for a root.
    pub root_id: &'a str,
    /// The author.
    pub author: Option<Rc<User>>,
    /// Its message, with mentions replaced.
    pub message: Cow<'a, str>,
    /// Its properties, JSON text or empty.
    pub props: &'a str,
    /// Its type.
    pub kind: &'a str,
    /// When it was written, in ms.
    pub create_at: i64,
    /// Whether an earlier version is known.
    pub is_edit: bool,
}

/// The text of a post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wording {
    /// The message.
    pub message: String,
    /// The properties, JSON text or empty.
    pub props: String,
}

/// What the gates decided about a post: the row to store, none for a plain permission; the error is why the policies
/// failed.
pub(super) type Outcome = Result<Option<VerdictRow>, String>;

/// What is asked about posts in this direction.
#[must_use]
pub fn about_posts(rows: &(impl Read + ?Sized), direction: Direction) -> Asked {
    let about = if Behaviour::WholePosts.is_in_force(rows) {
        About::Post
    } else {
        About::Message
    };
    Asked { direction, about }
}

/// Judges posts; each version may be among the candidates only once. Stored verdicts are used first; the
/// remaining candidates are asked about with one question each, all at once, and those that pass with one more
/// about their mentions, if they have any. Returns a judgement for each candidate, in order.
pub fn judge(
    tx: &mut Tx<'_>,
    crossing: Crossing<'_>,
    candidates: &[PostCandidate<'_>],
) -> Vec<Judgement> {
    if candidates.is_empty() {
        return Vec::new();
    }
    if !is_asked(tx, Gate::Post) && !is_asked(tx, Gate::Mention) {
        return candidates.iter().map(|_| Judgement::Pass(None)).collect();
    }
    let about = about_posts(tx, crossing.direction);
    let rows = rows(tx, crossing.connection_no, about, candidates);
    let is_about =
        |row: &VerdictRow, candidate: &PostCandidate<'_>| row.update_at == candidate.version;
    let open: Vec<&PostCandidate<'_>> = candidates
        .iter()
        .zip(&rows)
        .filter(|(candidate, row)| row.as_ref().is_none_or(|row| !is_about(row, candidate)))
        .map(|(candidate, _)| candidate)
        .collect();
    let mut outcomes = outcomes(tx, crossing, about, &open).into_iter();
    let mut judgements = Vec::with_capacity(candidates.len());
    for (candidate, row) in candidates.iter().zip(rows) {
        judgements.push(match row {
            Some(row) if is_about(&row, candidate) => of_row(candidate, row),
            outdated => {
                let none = || Err(NO_VERDICT.to_string());
                let outcome = outcomes.next().unwrap_or_else(none);
                let key = (crossing.connection_no, about.byte(), candidate.id);
                of_outcome(tx, key, candidate, outcome, outdated.is_some())
            }
        });
    }
    judgements
}

/// What the gates decide about posts, or too few outcomes.
fn outcomes(
    tx: &Tx<'_>,
    crossing: Crossing<'_>,
    about: Asked,
    open: &[&PostCandidate<'_>],
) -> Vec<Outcome> {
    let outcomes = if is_asked(tx, Gate::Post) {
        let verdicts = open.iter().zip(ask(tx, crossing, about, open));
        let rows = verdicts.map(|(candidate, verdict)| row(candidate.version, verdict));
        rows.collect()
    } else {
        open.iter().map(|_| Ok(None)).collect()
    };
    if is_asked(tx, Gate::Mention) {
        mentions::judge(tx, crossing, open, outcomes)
    } else {
        outcomes
    }
}

/// Turns an outcome into a judgement. It is stored unless it is a plain permission, in which case the row of
/// an earlier version is deleted.
fn of_outcome(
    tx: &mut Tx<'_>,
    key: (ConnectionNo, u8, Id),
    candidate: &PostCandidate<'_>,
    outcome: Outcome,
    has_row: bool,
) -> Judgement {
    match outcome {
        Ok(Some(row)) => {
            tx.put(&key, &row);
            of_row(candidate, row)
        }
        Ok(None) => {
            if has_row {
                tx.delete::<VerdictRow>(&key);
            }
            Judgement::Pass(None)
        }
        Err(failure) => Judgement::Failed(failure),
    }
}

/// The rows of candidates, in the same order.
fn rows(
    tx: &Tx<'_>,
    connection: ConnectionNo,
    about: Asked,
    candidates: &[PostCandidate<'_>],
) -> Vec<Option<VerdictRow>> {
    // Most connections have no verdict rows.
    let any = tx.prefix::<VerdictRow, _>(&(connection, about.byte()), 1);
    if any.is_empty() {
        return candidates.iter().map(|_| None).collect();
    }
    let key = |candidate: &PostCandidate<'_>| (connection, about.byte(), candidate.id);
    tx.get_all::<VerdictRow>(&candidates.iter().map(key).collect::<Vec<_>>())
}

/// The outcome of a verdict on a post.
pub(super) fn row(update_at: i64, verdict: Verdict) -> Outcome {
    let passes = VerdictRow {
        update_at,
        allowed: true,
        revised: None,
        reason: String::new(),
    };
    match verdict {
        Verdict::Allow => Ok(None),
        Verdict::Deny(denial) => Ok(Some(VerdictRow {
            allowed: false,
            reason: shorten(denial.text),
            ..passes
        })),
        Verdict::Revise(revision) => Ok(Some(VerdictRow {
            revised: Some(cut(revision)),
            ..passes
        })),
        Verdict::Failed(reason) => Err(shorten(reason)),
        Verdict::ReviseProfile(_) | Verdict::Silence(_) => Err(NOT_ABOUT_THIS.to_string()),
    }
}

fn of_row(candidate: &PostCandidate<'_>, row: VerdictRow) -> Judgement {
    if !row.allowed {
        return Judgement::Denied(row.reason);
    }
    let Some(revision) = row.revised else {
        return Judgement::Pass(None);
    };
    match reword(candidate, revision) {
        Some(wording) => Judgement::Pass(Some(wording)),
        None => Judgement::Denied("Its revised properties are too long.".to_string()),
    }
}

/// A post with its revision applied; `None` if its properties would exceed the limit.
pub(super) fn reword(candidate: &PostCandidate<'_>, revision: Revision) -> Option<Wording> {
    let message = revision
        .message
        .unwrap_or_else(|| candidate.message.clone().into_owned());
    let props = if revision.texts.is_empty() {
        candidate.props.to_string()
    } else {
        leaves::replace(candidate.props, &revision.texts)?
    };
    (props.len() <= REMOTE_PROPS_BYTES_MAX).then_some(Wording { message, props })
}

/// Cuts the message to the maximum length.
fn cut(mut revision: Revision) -> Revision {
    let message = revision.message.take();
    revision.message = message.map(|text| text.chars().take(MESSAGE_CHARS_MAX).collect());
    revision
}

/// A verdict for each candidate, or too few.
fn ask(
    tx: &Tx<'_>,
    crossing: Crossing<'_>,
    about: Asked,
    open: &[&PostCandidate<'_>],
) -> Vec<Verdict> {
    if open.is_empty() {
        return Vec::new();
    }
    let Some(channel) = tx.channel(crossing.channel) else {
        return Vec::new();
    };
    let homes = match about.about {
        About::Message => Homes::default(),
        About::Post => Homes::load(tx, open.iter().filter_map(|it| it.author.as_deref())),
    };
    let now_ms = tx.now_ms();
    let questions = open.iter().map(|candidate| {
        let author = candidate.author.as_deref();
        PostQuestion {
            context: context(crossing, &channel, (author, homes.of(author)), now_ms),
            id: candidate.id.as_str(),
            root_id: candidate.root_id,
            message: &candidate.message,
            texts: match about.about {
                About::Message => None,
                About::Post => leaves::collect(candidate.props),
            },
            kind: candidate.kind,
            create_at: candidate.create_at,
            is_edit: candidate.is_edit,
        }
    });
    match about.about {
        About::Post => tx.ask(&questions.map(Question::Post).collect::<Vec<_>>()),
        About::Message => {
            let posts: Vec<PostQuestion<'_>> = questions.collect();
            let messages = posts
                .iter()
                .map(|post| Question::Message(post.message_only()));
            tx.ask(&messages.collect::<Vec<_>>())
        }
    }
}
