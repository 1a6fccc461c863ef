//! I18: nothing crosses a connection that the policies in force hold back there. Judged for every step, by what it
//! asked, by what leaves, and by the rows of what came in.
//!
//! A post that the policies let pass in a version may leave again in it after they have changed, so posts are judged by
//! the answers alone; everything else is asked about each time that it leaves.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use causeway_kernel::boundary::output::Effect;
use causeway_kernel::boundary::policy::{Direction, Gate, Question, Verdict};
use causeway_kernel::model::{Connection, Post, Upload, User};
use causeway_kernel::rows::id::{ConnectionNo, Id};
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;
use serde::Deserialize;

use super::step::Step;
use super::{GATES, Violation, broken};
use crate::coverage::AtGate;
use crate::frames::ACKNOWLEDGED;
use crate::node::Carried;
use crate::policies::{Asked, REVISED_WORD};
use causeway_kernel::rows::memory::Tables;

/// Judges a step.
///
/// # Errors
/// If something crosses that the policies hold back.
pub fn check(step: &Step<'_>) -> Result<(), Violation> {
    if step.policies.is_empty() {
        return Ok(());
    }
    let asked = posts_asked(&step.carried.asked);
    for effect in &step.carried.effects {
        let Effect::Send {
            connection, frame, ..
        } = effect
        else {
            continue;
        };
        let row = step.rows.get::<Connection>(connection);
        let Some((row, frame)) = row.zip(read(frame)) else {
            continue;
        };
        let connection = row.remote_id.to_string();
        leaves(step, &frame)?;
        posts_leave(step, &asked, (&connection, &frame))?;
    }
    came(step, &asked)
}

fn violated(step: &Step<'_>, what: &str) -> Result<(), Violation> {
    let node = step.node;
    Err(broken(
        GATES,
        format!("node {node}: {what}, against {}", step.policies),
    ))
}

#[derive(Deserialize)]
struct Outer<'f> {
    #[serde(borrow)]
    msg: Message<'f>,
}

#[derive(Deserialize)]
struct Message<'f> {
    #[serde(borrow)]
    payload: Payload<'f>,
}

/// What policies decide about.
#[derive(Deserialize)]
struct Payload<'f> {
    #[serde(borrow)]
    users: Option<BTreeMap<Cow<'f, str>, Profile<'f>>>,
    #[serde(borrow)]
    posts: Option<Vec<Sent<'f>>>,
    #[serde(borrow)]
    reactions: Option<Vec<Sent<'f>>>,
    #[serde(borrow)]
    acknowledgements: Option<Vec<Sent<'f>>>,
    /// Of an announced file.
    #[serde(borrow, default)]
    filename: Cow<'f, str>,
}

#[derive(Deserialize)]
struct Profile<'f> {
    #[serde(borrow, default)]
    email: Cow<'f, str>,
}

/// A post, a reaction or an acknowledgement.
#[derive(Deserialize)]
struct Sent<'f> {
    #[serde(borrow, default)]
    id: Cow<'f, str>,
    #[serde(borrow, default)]
    message: Cow<'f, str>,
    #[serde(default)]
    delete_at: i64,
    /// `None` = it is no acknowledgement.
    acknowledged_at: Option<i64>,
}

impl Sent<'_> {
    /// Whether it is more than a removal, which passes without a question.
    fn is_live(&self) -> bool {
        self.delete_at == 0 && self.acknowledged_at != Some(0)
    }
}

fn read(frame: &[u8]) -> Option<Payload<'_>> {
    let Outer { msg } = serde_json::from_slice(frame).ok()?;
    Some(msg.payload)
}

/// Judges what leaves by the policies themselves.
fn leaves(step: &Step<'_>, frame: &Payload<'_>) -> Result<(), Violation> {
    let policies = &step.policies;
    let out = Direction::Outbound;
    if policies
        .files
        .is_some_and(|it| it.denies(out, &frame.filename))
    {
        return violated(step, &format!("{:?} is announced", frame.filename));
    }
    let mut profiles = frame.users.iter().flatten();
    if policies.profiles.is_some_and(|it| it.strips(out))
        && let Some((id, _)) = profiles.find(|(_, profile)| !profile.email.is_empty())
    {
        return violated(step, &format!("an address leaves with the profile {id}"));
    }
    let now_ms = step.carried.entry.context.now_ms;
    let mut marks = frame.reactions.iter().chain(&frame.acknowledgements);
    if policies.hours.is_some_and(|it| it.keeps_reactions(now_ms))
        && marks.any(|marks| marks.iter().any(Sent::is_live))
    {
        return violated(step, "a reaction leaves at a quiet hour");
    }
    Ok(())
}

/// The last answers about posts, by direction, connection and post.
type PostsAsked<'a> = BTreeMap<(Direction, String, String), &'a Verdict>;

fn posts_asked(asked: &[Asked]) -> PostsAsked<'_> {
    let posts = asked.iter().filter_map(|asked| {
        let question = asked.question();
        let (context, post) = match &question {
            Question::Post(it) => (it.context, it.id),
            Question::Mention(it) => (it.context, it.post_id),
            _ => return None,
        };
        let connection = context.connection_id.to_string();
        let key = (context.direction, connection, post.to_string());
        Some((key, &asked.verdict))
    });
    posts.collect()
}

/// Judges the posts that leave by the answers about them in this step.
fn posts_leave(
    step: &Step<'_>,
    asked: &PostsAsked<'_>,
    (connection, frame): (&str, &Payload<'_>),
) -> Result<(), Violation> {
    for post in frame.posts.iter().flatten().filter(|post| post.is_live()) {
        let key = (
            Direction::Outbound,
            connection.to_string(),
            post.id.to_string(),
        );
        let is_wrong = match asked.get(&key) {
            Some(Verdict::Deny(_) | Verdict::Failed(_)) => true,
            Some(Verdict::Revise(_)) => post.message.contains(REVISED_WORD),
            Some(Verdict::Silence(_)) => post.message.contains('@'),
            Some(Verdict::Allow | Verdict::ReviseProfile(_)) | None => false,
        };
        if is_wrong {
            return violated(step, &format!("the post {} leaves as it is", post.id));
        }
    }
    Ok(())
}

/// Judges the rows of what came in.
fn came(step: &Step<'_>, asked: &PostsAsked<'_>) -> Result<(), Violation> {
    let policies = &step.policies;
    let way = Direction::Inbound;
    for (_, old, new) in step.put::<Upload>() {
        if old.is_none() && policies.files.is_some_and(|it| it.denies(way, &new.name)) {
            return violated(step, &format!("bytes of {:?} are expected", new.name));
        }
    }
    for (_, old, new) in step.put::<User>().filter(|(.., new)| !new.origin.is_ours()) {
        let said = new.remote.as_ref().map_or("", |remote| &remote.email);
        let known = old.as_ref().and_then(|old| old.remote.as_ref());
        let is_kept = known.is_some_and(|known| known.email == said);
        if !said.is_empty() && !is_kept && policies.profiles.is_some_and(|it| it.strips(way)) {
            return violated(step, &format!("the address of {} is stored", new.username));
        }
    }
    let denied = asked
        .iter()
        .filter(|(_, verdict)| matches!(verdict, Verdict::Deny(_)));
    let denied: Vec<&str> = denied
        .filter(|((of, ..), _)| *of == way)
        .map(|((.., post), _)| post.as_str())
        .collect();
    for (_, old, new) in step.put::<Post>() {
        let is_other = old.is_none_or(|old| old.message != new.message);
        if is_other && new.delete_at == 0 && denied.contains(&new.id.as_str()) {
            return violated(step, &format!("the post {} is stored", new.id));
        }
    }
    Ok(())
}

/// The answer about a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileVerdict {
    /// The file.
    pub file: Id,
    /// Its direction.
    pub direction: Direction,
    /// The connection.
    pub connection: ConnectionNo,
    /// Whether it was denied.
    pub is_denied: bool,
    /// Whether it has to wait, because it was denied or they failed.
    pub is_withheld: bool,
}

/// What was answered about files.
pub(super) fn file_verdicts(rows: &Tables, carried: &Carried) -> Vec<FileVerdict> {
    let asked = carried.asked.iter().filter_map(|asked| {
        let Question::File(file) = asked.question() else {
            return None;
        };
        Some(FileVerdict {
            file: Id::parse(file.id)?,
            direction: file.context.direction,
            connection: lookup::connection(rows, file.context.connection_id)?,
            is_denied: matches!(asked.verdict, Verdict::Deny(_)),
            is_withheld: matches!(asked.verdict, Verdict::Deny(_) | Verdict::Failed(_)),
        })
    });
    asked.collect()
}

/// The reactions and acknowledgements that were denied.
pub(super) fn denied_reactions(carried: &Carried) -> Vec<(Id, Id, String)> {
    let denied = carried.asked.iter();
    let denied = denied.filter(|asked| matches!(asked.verdict, Verdict::Deny(_)));
    let keys = denied.filter_map(|asked| {
        let Question::Reaction(reaction) = asked.question() else {
            return None;
        };
        Some((
            Id::parse(reaction.post_id)?,
            Id::parse(reaction.context.author_id)?,
            reaction.emoji.unwrap_or(ACKNOWLEDGED).to_string(),
        ))
    });
    keys.collect()
}

/// What the policies did not let pass last, at a node: gate, direction, connection and object.
#[derive(Clone, Debug, Default)]
pub struct Withheld(BTreeSet<(Gate, Direction, String, String)>);

impl Withheld {
    /// What an answer about a file, a reaction, a mention or a member means beside that it was asked for; `None` if nothing.
    pub fn note(&mut self, asked: &Asked) -> Option<(Gate, Direction, Option<AtGate>)> {
        let question = asked.question();
        let (context, name) = match &question {
            Question::File(it) => (it.context, it.id.to_string()),
            Question::Reaction(it) => {
                let emoji = it.emoji.unwrap_or(ACKNOWLEDGED);
                let name = format!("{} {} {emoji}", it.post_id, it.context.author_id);
                (it.context, name)
            }
            Question::Mention(it) => (it.context, it.post_id.to_string()),
            Question::Member(context) => (
                *context,
                format!("{} {}", context.channel_id, context.author_id),
            ),
            _ => return None,
        };
        let (gate, direction) = (question.gate(), context.direction);
        let key = (gate, direction, context.connection_id.to_string(), name);
        let what = match &asked.verdict {
            Verdict::Deny(_) => Some(AtGate::Denied),
            Verdict::Failed(_) => Some(AtGate::Failed),
            Verdict::Allow
            | Verdict::Revise(_)
            | Verdict::ReviseProfile(_)
            | Verdict::Silence(_) => self.0.remove(&key).then_some(AtGate::Released),
        };
        if matches!(what, Some(AtGate::Denied | AtGate::Failed)) {
            self.0.insert(key);
        }
        Some((gate, direction, what))
    }
}
