//! The gates: policies decide here what crosses a connection in either direction.
//!
//! Verdicts on posts are kept (see [`posts`]); everything else is asked about each time it is about to cross.

mod components;
mod files;
mod homes;
mod leaves;
mod members;
mod mentions;
mod posts;
mod profiles;
mod reactions;
mod sharing;

use std::iter;

use crate::boundary::behaviour::Behaviour;
use crate::boundary::policy::{Context, Direction, Gate, Gates, Home, Verdict};
use crate::model::limits::REASON_CHARS_MAX;
use crate::model::{Channel, Connection, MetaRow, User};
use crate::rows::counters;
use crate::rows::id::{ChannelNo, ConnectionNo, Id, PostNo};
use crate::rows::tx::{Read, Tx};

pub use components::{Standing, may_show, may_use, require_on, standing};
pub use files::FileCandidate;
pub use members::MemberCandidate;
pub use posts::{PostCandidate, Wording, about_posts};
pub use profiles::{ProfileCandidate, ProfileFields};
pub use reactions::ReactionCandidate;
pub use sharing::{Objection, Route, SharingOffer, may_open, may_share};

/// Where something of a channel crosses.
#[derive(Clone, Copy, Debug)]
pub struct Crossing<'a> {
    /// Direction.
    pub direction: Direction,
    /// Number of the connection.
    pub connection_no: ConnectionNo,
    /// The connection.
    pub connection: &'a Connection,
    /// The channel.
    pub channel: ChannelNo,
}

/// Something to be judged.
#[derive(Debug)]
pub enum Candidate<'a> {
    /// A post.
    Post(PostCandidate<'a>),
    /// A reaction or an acknowledgement.
    Reaction(ReactionCandidate<'a>),
    /// Somebody who becomes a member.
    Member(MemberCandidate<'a>),
    /// A file of a post.
    File(FileCandidate<'a>),
    /// A profile.
    Profile(ProfileCandidate<'a>),
}

/// The decision about a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It may pass: with this wording, or unchanged.
    Pass(Option<Wording>),
    /// It is a profile and may pass with these fields.
    Revised(ProfileFields),
    /// It may not, for this reason.
    Denied(String),
    /// The policies failed, for this reason: it may not yet.
    Failed(String),
}

/// The reason for holding something back on which a policy gave a verdict of another kind.
pub const NOT_ABOUT_THIS: &str = "the verdict is about something else";

/// The reason for holding something back on which there is no verdict.
const NO_VERDICT: &str = "there is no verdict";

/// What is judged once: a second candidate with the same key gets the same judgement.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A version of a post.
    Post(Id, i64),
    /// Somebody's reaction, or acknowledgement, of a post.
    Reaction(PostNo, Id, Option<String>),
    /// Somebody who becomes a member.
    Member(Id),
    /// A file.
    File(Id),
    /// Somebody's profile with this user name and these fields: a peer can send several that differ, even under one
    /// version.
    Profile(Id, String, ProfileFields),
}

impl Candidate<'_> {
    /// What identifies it.
    #[must_use]
    pub fn key(&self) -> Key {
        match self {
            Candidate::Post(post) => Key::Post(post.id, post.version),
            Candidate::Reaction(it) => {
                let emoji = it.emoji.as_deref().map(str::to_string);
                Key::Reaction(it.post, it.author.id, emoji)
            }
            Candidate::Member(it) => Key::Member(it.id()),
            Candidate::File(file) => Key::File(file.id),
            Candidate::Profile(it) => {
                let profile = it.profile;
                Key::Profile(it.id, profile.username.clone(), ProfileFields::of(profile))
            }
        }
    }
}

/// Judges candidates of one kind; each [`Key`] may be among them only once. They are asked about all at once.
/// Returns a judgement for each, in order.
pub fn judge(
    tx: &mut Tx<'_>,
    crossing: Crossing<'_>,
    candidates: Vec<Candidate<'_>>,
) -> Vec<Judgement> {
    let (mut posts, mut reactions, mut members) = (Vec::new(), Vec::new(), Vec::new());
    let mut files = Vec::new();
    let mut profiles = Vec::new();
    for candidate in candidates {
        match candidate {
            Candidate::Post(post) => posts.push(post),
            Candidate::Reaction(reaction) => reactions.push(reaction),
            Candidate::Member(member) => members.push(member),
            Candidate::File(file) => files.push(file),
            Candidate::Profile(profile) => profiles.push(profile),
        }
    }
    let mut judgements = posts::judge(tx, crossing, &posts);
    judgements.extend(reactions::judge(tx, crossing, &reactions));
    judgements.extend(members::judge(tx, crossing, &members));
    judgements.extend(files::judge(tx, crossing, &files));
    judgements.extend(profiles::judge(tx, crossing, &profiles));
    judgements
}

/// Judges one candidate.
pub fn judge_one(tx: &mut Tx<'_>, crossing: Crossing<'_>, candidate: Candidate<'_>) -> Judgement {
    judge(tx, crossing, vec![candidate])
        .pop()
        .unwrap_or_else(|| Judgement::Failed(NO_VERDICT.to_string()))
}

/// Whether a policy decides at a gate: what is not asked about passes.
#[must_use]
pub fn is_asked(rows: &(impl Read + ?Sized), gate: Gate) -> bool {
    let known_since = match gate {
        Gate::Mention => Behaviour::Mentions,
        Gate::Component => Behaviour::Components,
        _ => Behaviour::Gates,
    };
    if !known_since.is_in_force(rows) {
        return gate == Gate::Post;
    }
    counters::gates(rows).contains(gate)
}

/// Records at which gates the policies decide from now on; unknown in journals of earlier releases.
pub fn note(tx: &mut Tx<'_>, gates: Option<Gates>) {
    if let Some(gates) = gates
        && Behaviour::Gates.is_in_force(tx)
    {
        tx.put(&MetaRow::GATES, &MetaRow::Gates(gates));
    }
}

/// What a question about something in a channel begins with.
fn context<'q>(
    crossing: Crossing<'q>,
    channel: &'q Channel,
    (person, home): (Option<&'q User>, Home<'q>),
    now_ms: i64,
) -> Context<'q> {
    Context {
        direction: crossing.direction,
        connection_id: crossing.connection.remote_id.as_str(),
        connection_name: &crossing.connection.name,
        channel_id: channel.id.as_str(),
        channel_name: &channel.name,
        audience: channel.place.into(),
        author_id: person.map_or("", |person| person.id.as_str()),
        author_name: person.map_or("", |person| &person.username),
        author_home: home,
        now_ms,
    }
}

/// The judgements that follow from the verdicts on questions, of which `asked` were asked.
fn plain(verdicts: Vec<Verdict>, asked: usize) -> Vec<Judgement> {
    let missing = asked.saturating_sub(verdicts.len());
    let none = || Judgement::Failed(NO_VERDICT.to_string());
    let judgements = verdicts.into_iter().map(of_verdict);
    judgements
        .chain(iter::repeat_with(none).take(missing))
        .take(asked)
        .collect()
}

/// The judgement that follows from a verdict that can replace nothing.
fn of_verdict(verdict: Verdict) -> Judgement {
    match verdict {
        Verdict::Allow => Judgement::Pass(None),
        Verdict::Deny(denial) => Judgement::Denied(shorten(denial.text)),
        Verdict::Failed(reason) => Judgement::Failed(shorten(reason)),
        Verdict::Revise(_) | Verdict::ReviseProfile(_) | Verdict::Silence(_) => {
            Judgement::Failed(NOT_ABOUT_THIS.to_string())
        }
    }
}

/// A peer's or a policy's words, cut to the limit for rows and notices.
#[must_use]
pub fn shorten(words: String) -> String {
    match words.char_indices().nth(REASON_CHARS_MAX) {
        Some((end, _)) => words.get(..end).unwrap_or_default().to_string(),
        None => words,
    }
}
