//! The gate of mentions. A policy sees those that no earlier slot has silenced.

use causeway_kernel::boundary::policy::{Addressee, Denial, Gate, MentionQuestion, Verdict};
use wasmtime::Store;

use super::bindings::v0_3::causeway::policy::context::Crossing;
use super::bindings::v0_3::exports::causeway::policy::mention_gate::{
    Addressee as Whom, Mention, Post, Verdict as Answer,
};
use super::context::{author_of, channel_of, crossing_of, person};
use super::exports::GateExports;
use super::guest::Guest;
use super::inquiry::{self, Inquiry, Ruling};
use super::link::Link;

/// The reason for denying a post whose mentions cannot be shown to a policy completely.
const NOT_SHOWN_WHOLE: &str =
    "it mentions more people than a policy can be asked about, or its properties cannot be read";

/// The verdict on the mentions in a post.
pub(super) fn judge(links: &mut [Link], fuel: &mut u64, asked: &MentionQuestion<'_>) -> Verdict {
    if !links.iter().any(|link| link.answers(Gate::Mention)) {
        return Verdict::Allow;
    }
    match Mentions::of(asked) {
        Some(mentions) => inquiry::judge(links, fuel, mentions),
        None => Verdict::Deny(Denial::for_reason(NOT_SHOWN_WHOLE)),
    }
}

/// The mentions of a post on their way through the chain.
struct Mentions {
    crossing: Crossing,
    /// Without its mentions.
    post: Post,
    /// Those that are left, with their positions in the kernel's question.
    left: Vec<(u32, Mention)>,
    /// Positions of the others.
    silenced: Vec<u32>,
}

impl Mentions {
    /// `None` if they are not known completely.
    fn of(asked: &MentionQuestion<'_>) -> Option<Mentions> {
        let mentions = asked.mentions.as_ref()?;
        let shown = mentions.iter().map(|it| Mention {
            name: it.name.to_owned(),
            whom: match &it.whom {
                Addressee::Everybody => Whom::Everybody,
                Addressee::Somebody(who) => Whom::Somebody(person(who)),
                Addressee::Unknown => Whom::Unknown,
            },
        });
        Some(Mentions {
            crossing: crossing_of(&asked.context),
            post: Post {
                id: asked.post_id.to_owned(),
                channel: channel_of(&asked.context),
                author: author_of(&asked.context),
                mentions: Vec::new(),
            },
            left: (0..).zip(shown).collect(),
            silenced: Vec::new(),
        })
    }

    fn silence(&mut self, positions: &[u32]) -> Result<Ruling, &'static str> {
        let is_one = |position: &u32| (*position as usize) < self.left.len();
        if positions.len() > self.left.len() || !positions.iter().all(is_one) {
            return Err("it silenced a mention that the post does not have");
        }
        for (at, mention) in (0..).zip(std::mem::take(&mut self.left)) {
            if positions.contains(&at) {
                self.silenced.push(mention.0);
            } else {
                self.left.push(mention);
            }
        }
        self.silenced.sort_unstable();
        Ok(Ruling::Revise)
    }

    /// The question as a policy gets it.
    fn asked(&self) -> Post {
        let left = self.left.iter();
        Post {
            mentions: left.map(|(_, mention)| mention.clone()).collect(),
            ..self.post.clone()
        }
    }
}

impl Inquiry for Mentions {
    type Answer = Answer;

    fn gate(&self) -> Gate {
        Gate::Mention
    }

    fn now_ms(&self) -> i64 {
        self.crossing.time_ms
    }

    fn connection_id(&self) -> &str {
        &self.crossing.connection.id
    }

    fn is_settled(&self) -> bool {
        self.left.is_empty()
    }

    fn ask(&self, gates: &GateExports, store: &mut Store<Guest>) -> wasmtime::Result<Answer> {
        match &gates.mention_gate {
            Some(gate) => gate.call_decide(store, &self.crossing, &self.asked()),
            None => Ok(Answer::Allow),
        }
    }

    fn take(&mut self, answer: Answer) -> Result<Ruling, &'static str> {
        match answer {
            Answer::Allow => Ok(Ruling::Allow),
            Answer::Deny(denial) => Ok(Ruling::Deny(denial)),
            Answer::Silence(positions) => self.silence(&positions),
        }
    }

    fn verdict(self) -> Verdict {
        if self.silenced.is_empty() {
            Verdict::Allow
        } else {
            Verdict::Silence(self.silenced)
        }
    }
}

#[cfg(test)]
mod tests {
    use causeway_kernel::boundary::policy::{Audience, Context, Direction, Home, Mentioned};

    use super::*;

    fn mentions(names: &[&str]) -> Mentions {
        let mentions = names.iter().map(|name| Mentioned {
            name,
            whom: Addressee::Unknown,
        });
        let asked = MentionQuestion {
            context: Context {
                direction: Direction::Outbound,
                connection_id: "",
                connection_name: "",
                channel_id: "",
                channel_name: "",
                audience: Audience::Open,
                author_id: "",
                author_name: "",
                author_home: Home::Here,
                now_ms: 0,
            },
            post_id: "",
            mentions: Some(mentions.collect()),
        };
        Mentions::of(&asked).unwrap()
    }

    fn names(mentions: &Mentions) -> Vec<String> {
        let shown = mentions.asked().mentions.into_iter();
        shown.map(|it| it.name).collect()
    }

    #[test]
    fn what_is_silenced_adds_up_and_what_is_not_valid_changes_nothing() {
        let mut it = mentions(&["a", "b", "c", "d"]);
        assert!(it.take(Answer::Silence(vec![2, 0, 2])).is_ok());
        assert_eq!(names(&it), ["b", "d"]);
        for wrong in [vec![2], vec![0, u32::MAX], vec![0, 0, 0]] {
            assert!(it.take(Answer::Silence(wrong)).is_err());
        }
        assert_eq!(names(&it), ["b", "d"]);
        assert!(!it.is_settled());
        assert!(it.take(Answer::Silence(vec![1])).is_ok());
        assert_eq!(names(&it), ["b"]);
        assert!(it.take(Answer::Silence(vec![0])).is_ok());
        assert!(it.is_settled());
        assert_eq!(it.verdict(), Verdict::Silence(vec![0, 1, 2, 3]));
    }

    #[test]
    fn nothing_silenced_is_a_permission() {
        let mut it = mentions(&["a"]);
        assert!(it.take(Answer::Silence(vec![])).is_ok());
        assert_eq!(it.verdict(), Verdict::Allow);
    }
}
