//! What a shadow would have changed.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use causeway_kernel::boundary::policy::{Context, Passage, Question, Verdict};

/// Disagreements that are remembered of a shadow: the last ones.
const DISAGREEMENTS_MAX: usize = 8;

/// Maximum bytes of an object's id that is remembered; all ids here have 26.
const ID_BYTES_MAX: usize = 64;

/// How the chain with a shadow compares with the chain, since the service started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShadowCounts {
    /// Questions at gates that the shadow would decide: the sum of the following six.
    pub questions: u64,
    /// Questions that would have been decided as they were.
    pub agreed: u64,
    /// Questions that would have been denied, and were not.
    pub would_deny: u64,
    /// Questions that would have passed as they are, and did not.
    pub would_pass: u64,
    /// Questions that would have passed with another revision, or with one.
    pub would_revise: u64,
    /// Questions at which the shadow failed, or another policy only with it.
    pub failed: u64,
    /// Questions that were not compared: the shadows had too much to do, or no fuel left in the step.
    pub skipped: u64,
}

/// What is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It passes as it is.
    Pass,
    /// It does not pass.
    Deny,
    /// It passes with a revised value.
    Revise,
    /// A policy failed, so it waits.
    Fail,
}

impl Outcome {
    fn of(verdict: &Verdict) -> Outcome {
        match verdict {
            Verdict::Allow => Outcome::Pass,
            Verdict::Deny(_) => Outcome::Deny,
            Verdict::Revise(_) | Verdict::ReviseProfile(_) | Verdict::Silence(_) => Outcome::Revise,
            Verdict::Failed(_) => Outcome::Fail,
        }
    }

    /// As a word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Pass => "pass",
            Outcome::Deny => "deny",
            Outcome::Revise => "revise",
            Outcome::Fail => "fail",
        }
    }
}

/// A question that a shadow would have had decided differently. It names the object and holds no text of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// The gate, by the name of its interface.
    pub gate: &'static str,
    /// Id of the post, file, person or channel; of a post for a reaction or mentions, of a channel for a component, of who opens it
    /// for a conversation.
    pub object_id: String,
    /// Time of the step that asked, in ms.
    pub at_ms: i64,
    /// What was decided.
    pub decided: Outcome,
    /// What would have been.
    pub would: Outcome,
}

/// The counts of a shadow.
#[derive(Debug, Default)]
pub(in crate::policy) struct Tally(Mutex<Tallied>);

#[derive(Debug, Default)]
struct Tallied {
    counts: ShadowCounts,
    last: VecDeque<Disagreement>,
}

impl Tally {
    pub(super) fn skip(&self, questions: u64) {
        let counts = &mut self.tallied().counts;
        counts.questions += questions;
        counts.skipped += questions;
    }

    /// Compares what was decided with what would have been.
    pub(super) fn compare(&self, question: &Question<'_>, decided: &Verdict, would: &Verdict) {
        let outcomes = (Outcome::of(decided), Outcome::of(would));
        let mut tallied = self.tallied();
        let Tallied { counts, last } = &mut *tallied;
        counts.questions += 1;
        if is_same(decided, would) {
            counts.agreed += 1;
            return;
        }
        match outcomes.1 {
            Outcome::Pass => counts.would_pass += 1,
            Outcome::Deny => counts.would_deny += 1,
            Outcome::Revise => counts.would_revise += 1,
            Outcome::Fail => counts.failed += 1,
        }
        let (id, at_ms) = object(question);
        if last.len() == DISAGREEMENTS_MAX {
            last.pop_front();
        }
        last.push_back(Disagreement {
            gate: question.gate().interface(),
            object_id: id.chars().take(ID_BYTES_MAX).collect(),
            at_ms,
            decided: outcomes.0,
            would: outcomes.1,
        });
    }

    pub(super) fn read(&self) -> (ShadowCounts, Vec<Disagreement>) {
        let tallied = self.tallied();
        (tallied.counts, tallied.last.iter().cloned().collect())
    }

    fn tallied(&self) -> MutexGuard<'_, Tallied> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether two verdicts have the same effect, whatever their reasons.
fn is_same(decided: &Verdict, would: &Verdict) -> bool {
    match (decided, would) {
        (Verdict::Deny(_), Verdict::Deny(_)) | (Verdict::Failed(_), Verdict::Failed(_)) => true,
        _ => decided == would,
    }
}

/// The id of what a question is about, and the time of the step that asks.
fn object<'q>(question: &'q Question<'q>) -> (&'q str, i64) {
    let in_channel = |id: &'q str, context: &Context<'q>| (id, context.now_ms);
    let outside = |id: &'q str, passage: &Passage<'q>| (id, passage.now_ms);
    match question {
        // It does not say when it is asked.
        Question::Message(it) => (it.post_id, 0),
        Question::Post(it) => in_channel(it.id, &it.context),
        Question::File(it) => in_channel(it.id, &it.context),
        Question::Reaction(it) => in_channel(it.post_id, &it.context),
        Question::Member(context) => in_channel(context.author_id, context),
        Question::Profile(it) => outside(it.person.id, &it.passage),
        Question::Channel(it) => outside(it.id, &it.passage),
        Question::Direct(it) => outside(it.opener.id, &it.passage),
        Question::Mention(it) => in_channel(it.post_id, &it.context),
        Question::Component(it) => in_channel(it.context.channel_id, &it.context),
    }
}

#[cfg(test)]
mod tests {
    use causeway_kernel::boundary::policy::{
        Denial, Direction, Home, Person, ProfileQuestion, ProfileRevision, Revision,
    };

    use super::*;

    fn profile(now_ms: i64) -> Question<'static> {
        Question::Profile(ProfileQuestion {
            passage: Passage {
                direction: Direction::Outbound,
                connection_id: "c",
                connection_name: "globex",
                now_ms,
            },
            person: Person {
                id: "aaaaaaaaaaaaaaaaaaaaaaaaaa",
                name: "ann",
                home: Home::Here,
            },
            nickname: "secret",
            first_name: "",
            last_name: "",
            position: "",
            email: "",
        })
    }

    fn deny(why: &str) -> Verdict {
        Verdict::Deny(Denial::for_reason(why))
    }

    #[test]
    fn disagreements_are_counted_by_what_would_have_happened() {
        let tally = Tally::default();
        let failed = || Verdict::Failed("why".into());
        let revised = |text: &str| Verdict::Revise(Revision::of_message(text.into()));
        let emptied = Verdict::ReviseProfile(ProfileRevision::default());
        for (decided, would) in [
            (Verdict::Allow, Verdict::Allow),
            (deny("one"), deny("other")),
            (failed(), failed()),
            (revised("x"), revised("x")),
            (Verdict::Allow, deny("no")),
            (revised("x"), deny("no")),
            (deny("no"), Verdict::Allow),
            (revised("x"), revised("y")),
            (Verdict::Allow, emptied),
            (Verdict::Allow, failed()),
        ] {
            tally.compare(&profile(1), &decided, &would);
        }
        tally.skip(5);
        let counts = ShadowCounts {
            questions: 15,
            agreed: 4,
            would_deny: 2,
            would_pass: 1,
            would_revise: 2,
            failed: 1,
            skipped: 5,
        };
        assert_eq!(tally.read().0, counts);
    }

    #[test]
    fn the_last_disagreements_are_remembered_without_text() {
        let tally = Tally::default();
        for now_ms in 0..20 {
            tally.compare(&profile(now_ms), &Verdict::Allow, &deny("secret"));
        }
        let (_, last) = tally.read();
        let times: Vec<i64> = last.iter().map(|it| it.at_ms).collect();
        assert_eq!(times, (12..20).collect::<Vec<_>>());
        let expected = Disagreement {
            gate: "profile-gate",
            object_id: "aaaaaaaaaaaaaaaaaaaaaaaaaa".into(),
            at_ms: 12,
            decided: Outcome::Pass,
            would: Outcome::Deny,
        };
        assert_eq!(last[0], expected);
        assert!(!format!("{last:?}").contains("secret"));
    }
}
