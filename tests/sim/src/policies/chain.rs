//! What a node has loaded: shipped policies in the order of their slots, and whether they fail.

use std::fmt;

use causeway_kernel::boundary::policy::{Direction, Question, Verdict};

use super::shipped::{
    ContentFilter, DmGate, FileGate, MentionGate, ProfilePrivacy, QuietHours, Shipped,
};
use crate::dice::Dice;

/// How a chain fails. Without an answer nothing passes, as in a slot of the engine's chain that holds on failure
/// (`host/engine/src/policy/chain.rs`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Failing {
    /// Not at all.
    #[default]
    Never,
    /// On some questions of some steps: it traps, or uses up its fuel.
    Sometimes,
    /// Whenever it is asked.
    Always,
}

/// A chain of policies; an empty one lets everything pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    filter: Option<ContentFilter>,
    /// The gate of files.
    pub files: Option<FileGate>,
    /// The policy of profiles.
    pub profiles: Option<ProfilePrivacy>,
    direct: Option<DmGate>,
    mentions: Option<MentionGate>,
    /// The quiet hours.
    pub hours: Option<QuietHours>,
    failing: Failing,
}

/// A policy in one of so many chains, in permille, with settings of its own in each.
fn some<P: Shipped>(dice: &mut Dice, permille: u32) -> Option<P> {
    let is_loaded = dice.chance(permille);
    let policy = P::draw(dice);
    is_loaded.then_some(policy)
}

impl Chain {
    /// The chain that is loaded instead of this one. One that fails is followed by one that works.
    #[must_use]
    pub fn draw_next(self, dice: &mut Dice) -> Chain {
        let next = Chain {
            filter: some(dice, 700),
            files: some(dice, 500),
            profiles: some(dice, 500),
            direct: some(dice, 150),
            hours: some(dice, 350),
            mentions: some(dice, 500),
            failing: [
                Failing::Never,
                Failing::Never,
                Failing::Sometimes,
                Failing::Always,
            ][dice.below(4) as usize],
        };
        match self.failing {
            Failing::Never => next,
            Failing::Sometimes | Failing::Always => next.working(),
        }
    }

    /// The same policies, which do not fail.
    #[must_use]
    pub fn working(self) -> Chain {
        Chain {
            failing: Failing::Never,
            ..self
        }
    }

    /// Whether nothing is loaded that decides or fails.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Chain::default()
    }

    /// The verdict in a step with this seed.
    #[must_use]
    pub fn judge(self, seed: [u8; 16], question: &Question<'_>) -> Verdict {
        if let Some(why) = self.failure(seed, question) {
            return Verdict::Failed(format!("filter: {why}"));
        }
        // A denial ends a chain, and posts and profiles are each revised by one policy alone.
        let verdicts = [
            judged(&self.direct, question),
            judged(&self.hours, question),
            judged(&self.filter, question),
            judged(&self.files, question),
            judged(&self.profiles, question),
            judged(&self.mentions, question),
        ];
        let first = verdicts.into_iter().flatten().next();
        first.unwrap_or(Verdict::Allow)
    }

    /// How the chain fails on a question, if it does.
    fn failure(self, seed: [u8; 16], question: &Question<'_>) -> Option<&'static str> {
        let name = name_of(question)?;
        match self.failing {
            Failing::Never => None,
            Failing::Sometimes => fails(seed, name),
            Failing::Always => Some("it trapped"),
        }
    }
}

fn judged<P: Shipped>(policy: &Option<P>, question: &Question<'_>) -> Option<Verdict> {
    policy.as_ref().and_then(|policy| policy.judge(question))
}

/// What a policy may fail on, by a name; `None` for what may then be lost, or comes as the oracle does not expect it.
fn name_of<'q>(question: &Question<'q>) -> Option<&'q str> {
    match question {
        Question::Message(it) => Some(it.post_id),
        Question::Post(it) => Some(it.id),
        Question::File(it) => Some(it.id),
        Question::Reaction(it) => Some(it.post_id),
        // Of members who come, a peer gives up after a few attempts what they wrote meanwhile.
        Question::Member(it) => (it.direction == Direction::Outbound).then_some(it.author_id),
        // So it is with profiles that come. Those that leave take what their people wrote along, in another order.
        Question::Profile(_) => None,
        // A command that cannot be decided is refused, and a Mattermost server invites once.
        Question::Channel(_) | Question::Direct(_) => None,
        // Not by the post, or it would have failed at the gate of posts already.
        Question::Mention(it) => Some(it.context.author_id),
        // No policy here decides at this gate.
        Question::Component(_) => None,
    }
}

/// How a policy that fails sometimes does so on what has this name in a step, if it does.
fn fails(seed: [u8; 16], name: &str) -> Option<&'static str> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed);
    hasher.update(name.as_bytes());
    match hasher.finalize().as_bytes()[0] % 6 {
        0 => Some("it trapped"),
        1 => Some("its fuel was used up"),
        _ => None,
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn told<P: Shipped + fmt::Debug>(policy: &Option<P>) -> Option<String> {
            policy.as_ref().map(|it| format!("{} {it:?}", P::NAME))
        }
        let loaded = [
            told(&self.direct),
            told(&self.hours),
            told(&self.filter),
            told(&self.files),
            told(&self.profiles),
            told(&self.mentions),
        ];
        let loaded: Vec<String> = loaded.into_iter().flatten().collect();
        let loaded = match loaded.as_slice() {
            [] => "none".to_string(),
            some => some.join(", "),
        };
        match self.failing {
            Failing::Never => f.write_str(&loaded),
            Failing::Sometimes => write!(f, "{loaded}; sometimes failing"),
            Failing::Always => write!(f, "{loaded}; always failing"),
        }
    }
}
