//! Takes one post or reaction: authorises, asks, applies. Used for what a frame brings and for what
//! was held back.

use std::collections::BTreeSet;

use super::authorize::{self, Authorized, Peer, PostAct, PostChange, Received, Shared};
use super::judge::{self, Candidate, Judgement, Judgements};
use super::mentions::Mentions;
use super::{Reason, posts, reactions};
use crate::boundary::env::Rows;
use crate::model::Post;
use crate::rows::id::Id;
use crate::rows::tx::{Read, Tx};
use crate::wire::message::{WirePost, WireReaction};

/// What became of an item.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is carried out.
    Taken,
    /// It was carried out before, or something newer was: nothing changes.
    Known,
    /// It is refused for good.
    Refused(Reason),
    /// The policies failed, for this reason: it has to be asked again.
    Failed(String),
}

/// A post of a frame, with what is known of it before the frame's first post is applied.
pub struct Planned<'a> {
    /// The post.
    pub wire: &'a WirePost,
    /// May it?
    pub change: Result<Authorized<PostChange<'a>>, Reason>,
    /// Whether an earlier post of the frame may change the answer.
    pub stale: bool,
}

/// Authorises a post before the posts `ahead` of it are applied.
pub fn plan<'a>(
    tx: &Tx<'_>,
    peer: &Peer,
    shared: &Authorized<Shared>,
    wire: &'a WirePost,
    ahead: &BTreeSet<Id>,
) -> Planned<'a> {
    let is_ahead = |id: &str| Id::parse(id).is_some_and(|id| ahead.contains(&id));
    Planned {
        wire,
        change: authorize::post(tx, peer, shared, Received::new(wire), ahead),
        stale: is_ahead(&wire.id) || is_ahead(&wire.root_id),
    }
}

/// What the policies have to be asked about a post; `None` when it brings no new text.
pub fn candidate<'a>(
    tx: &Tx<'_>,
    mentions: &Mentions,
    change: &PostChange<'a>,
    seen: bool,
) -> Option<Candidate<'a>> {
    let wire = change.wire;
    let message = mentions.apply(&wire.message);
    let (id, author) = match &change.act {
        PostAct::Create { id, author, .. } => (*id, *author),
        PostAct::Update(no) => {
            let held = tx.get::<Post>(no)?;
            if held.message == message {
                return None;
            }
            (held.id, held.user)
        }
        PostAct::Bury { .. } | PostAct::Delete(_) | PostAct::Nothing(_) => return None,
    };
    Some(Candidate {
        id,
        version: change.version,
        wire,
        message,
        author: tx.user(author),
        is_edit: seen || matches!(change.act, PostAct::Update(_)),
    })
}

/// Applies a planned post, if it may and the policies let it.
pub fn post(
    tx: &mut Tx<'_>,
    peer: &Peer,
    shared: &Authorized<Shared>,
    mentions: &Mentions,
    planned: Planned<'_>,
    judgements: &Judgements,
) -> Outcome {
    let wire = planned.wire;
    let change = if planned.stale {
        authorize::post(tx, peer, shared, Received::new(wire), &BTreeSet::new())
    } else {
        planned.change
    };
    let change = match change {
        Ok(change) => change,
        Err(reason) => return Outcome::Refused(reason),
    };
    if let PostAct::Nothing(_) = change.get().act {
        return Outcome::Known;
    }
    let text = match text_of(tx, peer, shared, mentions, change.get(), judgements) {
        Ok(text) => text,
        Err(outcome) => return outcome,
    };
    posts::apply(tx, peer, shared, change, text);
    Outcome::Taken
}

/// The text that a post may have here.
fn text_of(
    tx: &mut Tx<'_>,
    peer: &Peer,
    shared: &Authorized<Shared>,
    mentions: &Mentions,
    change: &PostChange<'_>,
    judgements: &Judgements,
) -> Result<String, Outcome> {
    let judged = match &change.act {
        PostAct::Create { id, .. } => judgements.get(&(*id, change.version)).cloned(),
        _ => None,
    };
    let judgement = match judged {
        Some(judgement) => judgement,
        None => match candidate(tx, mentions, change, false) {
            Some(candidate) => judgement(tx, peer, shared, judgements, candidate),
            None => return Ok(mentions.apply(&change.wire.message)),
        },
    };
    match judgement {
        Judgement::Pass(text) => Ok(text),
        Judgement::Denied => Err(Outcome::Refused(Reason::Denied)),
        Judgement::Failed(reason) => Err(Outcome::Failed(reason)),
    }
}

fn judgement(
    tx: &mut Tx<'_>,
    peer: &Peer,
    shared: &Authorized<Shared>,
    judgements: &Judgements,
    candidate: Candidate<'_>,
) -> Judgement {
    let key = (candidate.id, candidate.version);
    match judgements.get(&key) {
        Some(judgement) => judgement.clone(),
        None => judge::judge(tx, peer, shared.get(), vec![candidate])
            .remove(&key)
            .unwrap_or_else(|| Judgement::Failed("no verdict".to_string())),
    }
}

/// Applies a reaction, if it may.
pub fn reaction(
    tx: &mut Tx<'_>,
    peer: &Peer,
    shared: &Authorized<Shared>,
    wire: WireReaction,
) -> Outcome {
    let change = match authorize::reaction(tx, peer, shared, Received::new(wire)) {
        Ok(change) if !change.get().newer => return Outcome::Known,
        Ok(change) => change,
        Err(reason) => return Outcome::Refused(reason),
    };
    match reactions::apply(tx, peer, change) {
        Ok(()) => Outcome::Taken,
        Err(reason) => Outcome::Refused(reason),
    }
}
