//! A rehearsal: what other policies would have decided, beside what was decided. The steps are carried out with
//! the recorded verdicts, so one change does not hide or cause the next.

use std::collections::BTreeMap;

use causeway_kernel::boundary::policy::{Direction, Question, Verdict};
use serde::Serialize;

use crate::look::describe::component;
use crate::look::names::{plain, quoted};

/// Examples shown of each kind of change: the earliest ones.
const EXAMPLES_MAX: usize = 3;
/// Maximum kinds of changes that are counted separately at a gate; further ones are counted together.
const CHANGES_MAX: usize = 1_000;

/// The result of a rehearsal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rehearsal {
    /// By gate, under the name of its interface; only gates that were asked about at the time.
    pub gates: BTreeMap<&'static str, GateRehearsal>,
}

/// What was asked at a gate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct GateRehearsal {
    /// Number of questions.
    pub questions: u64,
    /// The answers that would have differed.
    #[serde(serialize_with = "as_list")]
    pub changes: BTreeMap<Change, Changed>,
}

/// A kind of change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Change {
    /// What was decided.
    pub recorded: String,
    /// What would have been.
    pub now: String,
}

/// How often something would have been decided differently.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// Number of questions.
    pub questions: u64,
    /// The first of them.
    pub examples: Vec<Example>,
}

/// A question that would have been decided differently.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Example {
    /// The entry whose step asked.
    pub seq: u64,
    /// The step's time in ms since the Unix epoch.
    pub at_ms: i64,
    /// What it was about, in words.
    pub about: String,
}

impl Rehearsal {
    /// Adds a question with both verdicts.
    pub fn add(
        &mut self,
        (seq, at_ms): (u64, i64),
        question: &Question<'_>,
        (recorded, now): (&Verdict, &Verdict),
    ) {
        let gate = self.gates.entry(question.gate().interface()).or_default();
        gate.questions += 1;
        if is_same(recorded, now) {
            return;
        }
        let change = Change {
            recorded: verdict_name(recorded),
            now: verdict_name(now),
        };
        let about = about(question);
        let example = Example { seq, at_ms, about };
        let changed = Changed {
            questions: 1,
            examples: vec![example],
        };
        gate.change(change, changed);
    }

    /// Adds the results of another part of the session.
    pub fn merge(&mut self, other: Rehearsal) {
        for (name, part) in other.gates {
            let gate = self.gates.entry(name).or_default();
            gate.questions += part.questions;
            for (change, changed) in part.changes {
                gate.change(change, changed);
            }
        }
    }
}

impl GateRehearsal {
    fn change(&mut self, change: Change, more: Changed) {
        let is_counted = self.changes.len() < CHANGES_MAX || self.changes.contains_key(&change);
        let change = if is_counted {
            change
        } else {
            let other = || "another".to_string();
            Change {
                recorded: other(),
                now: other(),
            }
        };
        let changed = self.changes.entry(change).or_default();
        changed.questions += more.questions;
        changed.examples.extend(more.examples);
        // Threads share the steps, so later examples may come first.
        changed.examples.sort_unstable();
        changed.examples.truncate(EXAMPLES_MAX);
    }
}

/// As a list, since the keys are not texts.
fn as_list<S: serde::Serializer>(
    changes: &BTreeMap<Change, Changed>,
    out: S,
) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Line<'a> {
        #[serde(flatten)]
        change: &'a Change,
        #[serde(flatten)]
        changed: &'a Changed,
    }
    out.collect_seq(
        changes
            .iter()
            .map(|(change, changed)| Line { change, changed }),
    )
}

/// Whether two verdicts mean the same for what was asked about, whichever policy gave them.
fn is_same(recorded: &Verdict, now: &Verdict) -> bool {
    match (recorded, now) {
        (Verdict::Deny(recorded), Verdict::Deny(now)) => recorded.text == now.text,
        (Verdict::Failed(_), Verdict::Failed(_)) => true,
        _ => recorded == now,
    }
}

/// A verdict in words.
pub fn verdict_name(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Allow => "allow".into(),
        Verdict::Deny(denial) => format!("deny ({})", plain(&denial.text)),
        Verdict::Revise(_) | Verdict::ReviseProfile(_) => "revise".into(),
        Verdict::Silence(positions) => format!("silence {}", mentions(positions.len())),
        Verdict::Failed(reason) => format!("failed ({})", plain(reason)),
    }
}

/// A number of mentions in words.
fn mentions(count: usize) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} mention{s}")
}

/// What a question is about, in words.
fn about(question: &Question<'_>) -> String {
    let to = |direction: Direction, connection: &str| match direction {
        Direction::Inbound => format!("from {}", plain(connection)),
        Direction::Outbound => format!("to {}", plain(connection)),
    };
    let by = |context: &causeway_kernel::boundary::policy::Context<'_>| {
        let who = plain(context.author_name);
        let (channel, way) = (
            plain(context.channel_name),
            to(context.direction, context.connection_name),
        );
        format!("{who}, {channel}, {way}")
    };
    match question {
        Question::Message(post) => {
            let way = to(post.direction, post.connection_name);
            let (who, channel) = (plain(post.author_name), plain(post.channel_name));
            format!("{who}, {channel}, {way}: {}", quoted(post.message))
        }
        Question::Post(post) => format!("{}: {}", by(&post.context), quoted(post.message)),
        Question::File(file) => format!("{}: file {}", by(&file.context), quoted(file.name)),
        Question::Reaction(it) => match it.emoji {
            Some(emoji) => format!("{}: :{}:", by(&it.context), plain(emoji)),
            None => format!("{}: an acknowledgement", by(&it.context)),
        },
        Question::Member(context) => format!("{}: joins", by(context)),
        Question::Profile(it) => {
            let way = to(it.passage.direction, it.passage.connection_name);
            format!("the profile of {}, {way}", plain(it.person.name))
        }
        Question::Channel(it) => {
            let way = to(it.passage.direction, it.passage.connection_name);
            format!("the channel {}, {way}", plain(it.name))
        }
        Question::Direct(it) => {
            let way = to(it.passage.direction, it.passage.connection_name);
            let who = plain(it.opener.name);
            format!("a conversation that {who} opens, {way}")
        }
        Question::Mention(it) => {
            let Some(list) = &it.mentions else {
                return format!("{}: more mentions than a question holds", by(&it.context));
            };
            let names: Vec<String> = list.iter().take(3).map(|it| plain(it.name)).collect();
            let count = mentions(list.len());
            format!("{}: {count}: {}", by(&it.context), names.join(", "))
        }
        Question::Component(it) => {
            let verb = if it.is_used { "uses" } else { "shows" };
            let what = component::named(&it.component);
            format!("{}: {verb} {what}", by(&it.context))
        }
    }
}

#[cfg(test)]
mod tests {
    use causeway_kernel::boundary::policy::{Audience, Context, Denial, Home, ReactionQuestion};

    use super::*;

    fn reaction(emoji: &str) -> Question<'_> {
        Question::Reaction(ReactionQuestion {
            context: Context {
                direction: Direction::Inbound,
                connection_id: "c",
                connection_name: "globex",
                channel_id: "t",
                channel_name: "town",
                audience: Audience::Open,
                author_id: "a",
                author_name: "ann:globex",
                author_home: Home::Elsewhere,
                now_ms: 7,
            },
            post_id: "p",
            emoji: Some(emoji),
        })
    }

    #[test]
    fn parts_of_a_session_add_up_whatever_their_order_and_the_earliest_examples_are_kept() {
        let deny = Verdict::Deny(Denial::for_reason("no\u{1b}[2J"));
        let part = |seqs: &[u64]| {
            let mut part = Rehearsal::default();
            for seq in seqs {
                let now = if seq % 2 == 0 { &deny } else { &Verdict::Allow };
                part.add((*seq, 5), &reaction("tada"), (&Verdict::Allow, now));
            }
            part
        };
        let whole = part(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        let mut parts = part(&[7, 8, 9, 10]);
        parts.merge(part(&[4, 5, 6]));
        parts.merge(part(&[1, 2, 3]));
        assert_eq!(parts, whole);
        let gate = &whole.gates["reaction-gate"];
        assert_eq!(gate.questions, 10);
        let (change, changed) = gate.changes.first_key_value().unwrap();
        assert_eq!((change.recorded.as_str(), changed.questions), ("allow", 5));
        assert!(!change.now.contains('\u{1b}'));
        let seqs: Vec<u64> = changed.examples.iter().map(|it| it.seq).collect();
        assert_eq!(seqs, [2, 4, 6]);
        assert_eq!(
            changed.examples[0].about,
            "ann:globex, town, from globex: :tada:"
        );
        let json = serde_json::to_value(&whole).unwrap();
        assert_eq!(json["gates"]["reaction-gate"]["changes"][0]["questions"], 5);
    }
}
