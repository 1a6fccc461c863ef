//! The decisions of the shipped policies (`policies/`) with settings from small sets. The policies themselves exist as
//! components only: their crates export the component's functions by name, so no two of them can be linked natively.
//! The words, names and times of the simulator are chosen so that the models and the policies decide alike; each
//! policy's `questions.jsonl` has these settings with questions of the simulator's kind.

use causeway_kernel::boundary::policy::{
    Addressee, Audience, Context, Denial, DirectQuestion, Direction, FileQuestion, MentionQuestion,
    PostQuestion, ProfileQuestion, ProfileRevision, Question, Revision, Verdict,
};

use super::{DENIED_WORD, REVISED_WORD, revised};
use crate::dice::Dice;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// Ends of the names of files that the gate of files denies.
const DENIED_NAMES: [&[&str]; 2] = [&["1.txt", "4.txt", "8.txt"], &["0.txt", "3.txt"]];

/// When the quiet hours begin and end, in minutes of the day; runs begin at 8:00.
const QUIET: [(i64, i64); 3] = [(480, 481), (481, 482), (482, 490)];

/// `policies/content-filter`, denying [`DENIED_WORD`] and masking [`REVISED_WORD`] in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentFilter;

/// `policies/file-gate` with a rule that denies files by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileGate {
    /// `None` = both.
    way: Option<Direction>,
    /// Ends of denied names.
    names: &'static [&'static str],
}

/// `policies/profile-privacy`, leaving out e-mail addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProfilePrivacy {
    /// `None` = both.
    way: Option<Direction>,
}

/// `policies/dm-gate` with its default settings, for these kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DmGate {
    /// Whether it denies group channels beside direct ones.
    with_groups: bool,
}

/// `policies/mention-gate` with a rule about mentions of people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MentionGate {
    /// `None` = both.
    way: Option<Direction>,
    /// Whether it keeps the whole post back, instead of leaving the mentions' `@` out.
    denies: bool,
}

/// `policies/quiet-hours`, open but for a few minutes of each day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietHours {
    /// In minutes of the day; the end is not included.
    closed: (i64, i64),
    /// Whether reactions and acknowledgements stay too.
    with_reactions: bool,
}

/// A policy with settings. Drawn anew at each change.
pub(super) trait Shipped: Sized {
    /// The name by which stories call it.
    const NAME: &'static str;

    /// Draws its settings.
    fn draw(dice: &mut Dice) -> Self;

    /// Its verdict; `None` = it lets the object pass as it is.
    fn judge(&self, question: &Question<'_>) -> Option<Verdict>;
}

fn way(dice: &mut Dice) -> Option<Direction> {
    [None, Some(Direction::Outbound), Some(Direction::Inbound)][dice.below(3) as usize]
}

fn is_about(way: Option<Direction>, direction: Direction) -> bool {
    way.is_none_or(|way| way == direction)
}

fn deny(code: &str, text: &str) -> Verdict {
    Verdict::Deny(Denial {
        code: code.into(),
        ..Denial::for_reason(text)
    })
}

impl Shipped for ContentFilter {
    const NAME: &'static str = "content-filter";

    fn draw(_: &mut Dice) -> ContentFilter {
        ContentFilter
    }

    fn judge(&self, question: &Question<'_>) -> Option<Verdict> {
        let post = question.post()?;
        if post.message.contains(DENIED_WORD) {
            return Some(deny("banned-word", "a word of the list"));
        }
        let is_masked = post.message.contains(REVISED_WORD);
        is_masked.then(|| Verdict::Revise(Revision::of_message(revised(post.message))))
    }
}

impl FileGate {
    /// Whether it denies a file with this name.
    pub fn denies(&self, direction: Direction, name: &str) -> bool {
        is_about(self.way, direction) && self.names.iter().any(|end| name.ends_with(end))
    }
}

impl Shipped for FileGate {
    const NAME: &'static str = "file-gate";

    fn draw(dice: &mut Dice) -> FileGate {
        let names = DENIED_NAMES[dice.below(DENIED_NAMES.len() as u64) as usize];
        let way = way(dice);
        FileGate { way, names }
    }

    fn judge(&self, question: &Question<'_>) -> Option<Verdict> {
        let Question::File(FileQuestion { context, name, .. }) = question else {
            return None;
        };
        let is_denied = self.denies(context.direction, name);
        is_denied.then(|| deny("file-type", "not of a name that is allowed"))
    }
}

impl ProfilePrivacy {
    /// Whether it leaves out e-mail addresses in this direction.
    pub fn strips(&self, direction: Direction) -> bool {
        is_about(self.way, direction)
    }
}

impl Shipped for ProfilePrivacy {
    const NAME: &'static str = "profile-privacy";

    fn draw(dice: &mut Dice) -> ProfilePrivacy {
        ProfilePrivacy { way: way(dice) }
    }

    fn judge(&self, question: &Question<'_>) -> Option<Verdict> {
        let Question::Profile(ProfileQuestion { passage, email, .. }) = question else {
            return None;
        };
        let is_stripped = self.strips(passage.direction) && !email.is_empty();
        is_stripped.then(|| {
            Verdict::ReviseProfile(ProfileRevision {
                without_email: true,
                ..ProfileRevision::default()
            })
        })
    }
}

impl DmGate {
    /// Whether it denies what is in a channel that these people see.
    fn denies(self, audience: Audience) -> bool {
        match audience {
            Audience::Direct => true,
            Audience::Group => self.with_groups,
            Audience::Open | Audience::Private => false,
        }
    }
}

impl Shipped for DmGate {
    const NAME: &'static str = "dm-gate";

    fn draw(dice: &mut Dice) -> DmGate {
        DmGate {
            with_groups: dice.chance(500),
        }
    }

    fn judge(&self, question: &Question<'_>) -> Option<Verdict> {
        let audience = match question {
            Question::Post(PostQuestion { context, .. }) => context.audience,
            Question::Direct(DirectQuestion { is_group: true, .. }) => Audience::Group,
            Question::Direct(_) => Audience::Direct,
            _ => return None,
        };
        let is_denied = self.denies(audience);
        is_denied.then(|| deny("direct-messages", "such messages are not allowed"))
    }
}

impl Shipped for MentionGate {
    const NAME: &'static str = "mention-gate";

    fn draw(dice: &mut Dice) -> MentionGate {
        MentionGate {
            way: way(dice),
            denies: dice.chance(500),
        }
    }

    fn judge(&self, question: &Question<'_>) -> Option<Verdict> {
        let Question::Mention(MentionQuestion {
            context, mentions, ..
        }) = question
        else {
            return None;
        };
        let mentions = (0..).zip(mentions.iter().flatten());
        let people = mentions.filter(|(_, mention)| mention.whom != Addressee::Everybody);
        let people: Vec<u32> = people.map(|(at, _)| at).collect();
        if people.is_empty() || !is_about(self.way, context.direction) {
            return None;
        }
        Some(if self.denies {
            deny("mentions-somebody", "people may not be notified")
        } else {
            Verdict::Silence(people)
        })
    }
}

impl QuietHours {
    /// Whether nothing may leave at this time, in ms.
    pub fn is_closed(&self, now_ms: i64) -> bool {
        let minute = now_ms.rem_euclid(DAY_MS) / MINUTE_MS;
        (self.closed.0..self.closed.1).contains(&minute)
    }

    /// Whether no reaction or acknowledgement may leave at this time, in ms.
    pub fn keeps_reactions(&self, now_ms: i64) -> bool {
        self.with_reactions && self.is_closed(now_ms)
    }
}

impl Shipped for QuietHours {
    const NAME: &'static str = "quiet-hours";

    fn draw(dice: &mut Dice) -> QuietHours {
        QuietHours {
            closed: QUIET[dice.below(QUIET.len() as u64) as usize],
            with_reactions: dice.chance(800),
        }
    }

    fn judge(&self, question: &Question<'_>) -> Option<Verdict> {
        let (context, is_about): (&Context<'_>, _) = match question {
            Question::Post(PostQuestion { context, .. }) => (context, true),
            Question::Reaction(reaction) => (&reaction.context, self.with_reactions),
            _ => return None,
        };
        let is_denied =
            is_about && context.direction == Direction::Outbound && self.is_closed(context.now_ms);
        is_denied.then(|| deny("quiet-hours", "nothing is sent at this hour"))
    }
}
