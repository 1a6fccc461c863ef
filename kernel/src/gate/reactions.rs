//! Reactions and acknowledgements at the gate. Removals pass without a question.

use std::borrow::Cow;
use std::rc::Rc;

use super::homes::Homes;
use super::{Crossing, Judgement, context, is_asked, plain};
use crate::boundary::env::Rows;
use crate::boundary::policy::{Gate, Question, ReactionQuestion};
use crate::model::User;
use crate::rows::id::{Id, PostNo};
use crate::rows::tx::Tx;

/// A reaction or an acknowledgement to be judged.
#[derive(Debug)]
pub struct ReactionCandidate<'a> {
    /// Number of its post.
    pub post: PostNo,
    /// Id of its post.
    pub post_id: Id,
    /// Whose it is.
    pub author: Rc<User>,
    /// Name of the emoji; `None` for an acknowledgement.
    pub emoji: Option<Cow<'a, str>>,
}

/// Judges reactions and acknowledgements.
pub(super) fn judge(
    tx: &Tx<'_>,
    crossing: Crossing<'_>,
    candidates: &[ReactionCandidate<'_>],
) -> Vec<Judgement> {
    if candidates.is_empty() {
        return Vec::new();
    }
    let channel = tx.channel(crossing.channel);
    let Some(channel) = channel.filter(|_| is_asked(tx, Gate::Reaction)) else {
        return candidates.iter().map(|_| Judgement::Pass(None)).collect();
    };
    let homes = Homes::load(tx, candidates.iter().map(|it| &*it.author));
    let now_ms = tx.now_ms();
    let questions: Vec<Question<'_>> = candidates
        .iter()
        .map(|it| {
            let author = Some(&*it.author);
            Question::Reaction(ReactionQuestion {
                context: context(crossing, &channel, (author, homes.of(author)), now_ms),
                post_id: it.post_id.as_str(),
                emoji: it.emoji.as_deref(),
            })
        })
        .collect();
    plain(tx.ask(&questions), candidates.len())
}
