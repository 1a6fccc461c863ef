//! Mentions at the gate: asked about the wording with which a post would cross, after the gate of posts.
//!
//! Inbound, only the message notifies anybody here. A Mattermost server also notifies of mentions in attachments, so
//! outbound every text of the properties counts: a gate that knew their keys would depend on what the properties of
//! every release mean.

use std::rc::Rc;

use super::homes::Homes;
use super::posts::{Outcome, PostCandidate, Wording, reword, row};
use super::{Crossing, NO_VERDICT, NOT_ABOUT_THIS, context, leaves};
use crate::boundary::env::Rows;
use crate::boundary::policy::{
    Addressee, Denial, Direction, MentionQuestion, Mentioned, Question, Revision, TextLeaf, Verdict,
};
use crate::mention::{self, addresses};
use crate::model::limits::{MENTION_LOOKUPS_MAX, QUESTION_MENTIONS_MAX};
use crate::model::{Channel, User, reasons};
use crate::objects::posts::is_system;
use crate::rows::tx::Tx;

/// Why a verdict counts as a failure.
const NOT_MENTIONED: &str = "it silenced a mention that the post does not have";

/// A mention of the side to which a post crosses.
struct Found {
    /// The text that it stands in; `None` = the message, else the number of a text of the properties.
    text: Option<usize>,
    /// Where it starts there, after the `@`.
    start: usize,
    name: String,
    whom: Whom,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Whom {
    Everybody,
    Somebody(Rc<User>),
    Unknown,
}

/// The mentions in a wording.
struct Mentions {
    found: Vec<Found>,
    /// The texts of the properties, as far as they were looked at.
    texts: Vec<TextLeaf>,
}

/// A post that mentions somebody, and the wording that passed the gate of posts.
struct Asked {
    wording: Wording,
    /// `None` = they exceed what a question holds.
    mentions: Option<Mentions>,
}

/// Judges the mentions in posts that passed the gate of posts, all with one list of questions. Returns the outcome
/// of both gates for each, in order.
pub(super) fn judge(
    tx: &Tx<'_>,
    crossing: Crossing<'_>,
    posts: &[&PostCandidate<'_>],
    outcomes: Vec<Outcome>,
) -> Vec<Outcome> {
    let Some(channel) = tx.channel(crossing.channel) else {
        return outcomes;
    };
    let reader = Reader {
        tx,
        crossing,
        channel: &channel,
    };
    let asked: Vec<Option<Asked>> = posts
        .iter()
        .zip(&outcomes)
        .map(|(post, outcome)| reader.asked(post, outcome))
        .collect();
    let mut verdicts = reader.ask(posts, &asked).into_iter();
    let judged = posts.iter().zip(outcomes).zip(asked);
    judged
        .map(|((post, outcome), asked)| match asked {
            None => outcome,
            Some(asked) => {
                let none = || Verdict::Failed(NO_VERDICT.to_string());
                let verdict = verdicts.next().unwrap_or_else(none);
                reader.outcome(post, asked, verdict, outcome)
            }
        })
        .collect()
}

/// Reads the mentions of posts that cross.
struct Reader<'a, 't> {
    tx: &'a Tx<'t>,
    crossing: Crossing<'a>,
    channel: &'a Channel,
}

impl Reader<'_, '_> {
    /// What a post is asked about; `None` if it does not pass anyway or mentions nobody. Messages of the system notify
    /// nobody.
    fn asked(&self, post: &PostCandidate<'_>, outcome: &Outcome) -> Option<Asked> {
        let row = outcome.as_ref().ok()?.as_ref();
        if row.is_some_and(|row| !row.allowed) || is_system(post.kind) {
            return None;
        }
        let is_unrevised = row.is_none_or(|row| row.revised.is_none());
        if is_unrevised && !self.may_mention(&post.message, post.props) {
            return None;
        }
        let revision = row.and_then(|row| row.revised.clone());
        let wording = reword(post, revision.unwrap_or_default())?;
        let mentions = self.mentions(&wording);
        let mentions_nobody = |mentions: &Mentions| mentions.found.is_empty();
        if mentions.as_ref().is_some_and(mentions_nobody) {
            return None;
        }
        Some(Asked { wording, mentions })
    }

    /// Whether a text can contain a mention. Most contain none, and nothing of them is copied.
    fn may_mention(&self, message: &str, props: &str) -> bool {
        message.contains('@') || self.reads(props)
    }

    /// Whether properties have to be read. JSON may write an `@` as an escape.
    fn reads(&self, props: &str) -> bool {
        self.crossing.direction == Direction::Outbound
            && (props.contains('@') || props.contains("\\u0040"))
    }

    /// The mentions of the side to which a wording crosses; `None` if they exceed what a question holds.
    fn mentions(&self, wording: &Wording) -> Option<Mentions> {
        let texts = if self.reads(&wording.props) {
            leaves::collect(&wording.props)?
        } else {
            Vec::new()
        };
        let mut lookups_left = MENTION_LOOKUPS_MAX;
        let place = (self.crossing.channel, self.channel.place);
        let message = (None, wording.message.as_str());
        let leaves = texts.iter().enumerate();
        let leaves = leaves.map(|(number, leaf)| (Some(number), leaf.text.as_str()));
        let mut found = Vec::new();
        for (text, words) in std::iter::once(message).chain(leaves) {
            for address in addresses(self.tx, place, words, &mut lookups_left)? {
                let Some(whom) = self.whom(address.whom) else {
                    continue;
                };
                if found.len() == QUESTION_MENTIONS_MAX {
                    return None;
                }
                found.push(Found {
                    text,
                    start: address.start,
                    name: address.name,
                    whom,
                });
            }
        }
        Some(Mentions { found, texts })
    }

    /// Whom a mention addresses on the other side; `None` = nobody there.
    fn whom(&self, addressee: mention::Addressee) -> Option<Whom> {
        let inbound = self.crossing.direction == Direction::Inbound;
        match addressee {
            mention::Addressee::Everybody => Some(Whom::Everybody),
            mention::Addressee::User(user) => {
                let user = self.tx.user(user)?;
                let is_there = if inbound {
                    user.origin.is_ours()
                } else {
                    user.origin == self.crossing.connection.workspace
                };
                is_there.then_some(Whom::Somebody(user))
            }
            mention::Addressee::Nobody => (!inbound).then_some(Whom::Unknown),
        }
    }

    /// A verdict for each that is asked about, or too few.
    fn ask(&self, posts: &[&PostCandidate<'_>], asked: &[Option<Asked>]) -> Vec<Verdict> {
        let asked = || {
            let all = posts.iter().zip(asked);
            all.filter_map(|(post, asked)| Some((post, asked.as_ref()?)))
        };
        let authors = asked().filter_map(|(post, _)| post.author.as_deref());
        let found = asked().filter_map(|(_, asked)| asked.mentions.as_ref());
        let somebody = found
            .flat_map(|mentions| &mentions.found)
            .filter_map(|it| match &it.whom {
                Whom::Somebody(user) => Some(&**user),
                Whom::Everybody | Whom::Unknown => None,
            });
        let homes = Homes::load(self.tx, authors.chain(somebody));
        let now_ms = self.tx.now_ms();
        let questions = asked().map(|(post, asked)| {
            let author = post.author.as_deref();
            let author = (author, homes.of(author));
            Question::Mention(MentionQuestion {
                context: context(self.crossing, self.channel, author, now_ms),
                post_id: post.id.as_str(),
                mentions: asked.mentions.as_ref().map(|it| it.shown(&homes)),
            })
        });
        self.tx.ask(&questions.collect::<Vec<_>>())
    }

    /// What both gates decided about a post: `earlier` is the outcome of the gate of posts.
    fn outcome(
        &self,
        post: &PostCandidate<'_>,
        asked: Asked,
        verdict: Verdict,
        earlier: Outcome,
    ) -> Outcome {
        match verdict {
            Verdict::Allow => earlier,
            Verdict::Silence(positions) => self.silenced(post, asked, &positions, earlier),
            Verdict::Deny(_) | Verdict::Failed(_) => row(post.version, verdict),
            Verdict::Revise(_) | Verdict::ReviseProfile(_) => Err(NOT_ABOUT_THIS.to_string()),
        }
    }

    /// A post with some of its mentions silenced. If others would be mentioned than those that are left, it is denied:
    /// a text without a sign can mean something else as a whole.
    fn silenced(
        &self,
        post: &PostCandidate<'_>,
        Asked { wording, mentions }: Asked,
        positions: &[u32],
        earlier: Outcome,
    ) -> Outcome {
        let mentions = mentions.ok_or(NOT_MENTIONED)?;
        let count = u32::try_from(mentions.found.len()).unwrap_or(u32::MAX);
        if positions.iter().any(|position| *position >= count) {
            return Err(NOT_MENTIONED.to_string());
        }
        if positions.is_empty() {
            return earlier;
        }
        let numbered = || (0..count).zip(&mentions.found);
        let (silent, rest): (Vec<_>, Vec<_>) =
            numbered().partition(|(position, _)| positions.contains(position));
        let silent: Vec<&Found> = silent.into_iter().map(|(_, found)| found).collect();
        let revision = earlier?.and_then(|row| row.revised).unwrap_or_default();
        let revision = silence(revision, &wording, &mentions.texts, &silent);
        let reworded = reword(post, revision.clone());
        let left = reworded.and_then(|wording| self.mentions(&wording));
        let same = |left: Mentions| {
            let rest = rest.iter().map(|(_, it)| (&it.name, &it.whom));
            let left = left.found.iter().map(|it| (&it.name, &it.whom));
            rest.eq(left)
        };
        let verdict = if left.is_some_and(same) {
            Verdict::Revise(revision)
        } else {
            Verdict::Deny(Denial::for_reason(reasons::NOT_SILENCED))
        };
        row(post.version, verdict)
    }
}

impl Mentions {
    fn shown<'q>(&'q self, homes: &'q Homes) -> Vec<Mentioned<'q>> {
        let found = self.found.iter();
        let shown = found.map(|it| Mentioned {
            name: &it.name,
            whom: match &it.whom {
                Whom::Everybody => Addressee::Everybody,
                Whom::Somebody(user) => Addressee::Somebody(homes.person(user)),
                Whom::Unknown => Addressee::Unknown,
            },
        });
        shown.collect()
    }
}

/// A revision that also silences these mentions of a wording.
fn silence(
    mut revision: Revision,
    wording: &Wording,
    texts: &[TextLeaf],
    silent: &[&Found],
) -> Revision {
    let without = |text: Option<usize>, words: &str| {
        let there = silent.iter().filter(|it| it.text == text);
        let starts: Vec<usize> = there.map(|it| it.start).collect();
        (!starts.is_empty()).then(|| mention::silence(words, starts.into_iter()))
    };
    if let Some(message) = without(None, &wording.message) {
        revision.message = Some(message);
    }
    for (number, TextLeaf { path, text }) in texts.iter().enumerate() {
        if let Some(text) = without(Some(number), text) {
            revision.texts.retain(|it| it.path != *path);
            let path = path.clone();
            revision.texts.push(TextLeaf { path, text });
        }
    }
    revision
}
