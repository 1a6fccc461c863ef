//! Asking the policies about the posts of a round.

use std::collections::BTreeMap;

use super::work::Work;
use crate::boundary::env::Rows;
use crate::gate::{self, Candidate, Judgement, PostCandidate};
use crate::model::{Post, User};
use crate::rows::id::{Id, PostNo};
use crate::rows::tx::Tx;

/// The judgements of posts; `ids` contains their roots. Deletions pass without a question: they have no
/// content.
pub fn judge<'p>(
    tx: &mut Tx<'_>,
    work: &Work,
    posts: impl Iterator<Item = (PostNo, &'p Post)>,
    ids: &BTreeMap<PostNo, Id>,
) -> BTreeMap<PostNo, Judgement> {
    let (numbers, posts): (Vec<PostNo>, Vec<&Post>) =
        posts.filter(|(_, post)| post.delete_at == 0).unzip();
    tx.prefetch::<User>(posts.iter().map(|post| post.user));
    let candidates: Vec<Candidate<'_>> = posts
        .into_iter()
        .map(|post| PostCandidate {
            id: post.id,
            version: post.origin_update_at,
            root_id: post
                .root
                .and_then(|root| ids.get(&root))
                .map_or("", Id::as_str),
            author: tx.user(post.user),
            message: post.message.as_str().into(),
            props: &post.props,
            kind: &post.kind,
            create_at: post.create_at,
            is_edit: post.edit_at != 0,
        })
        .map(Candidate::Post)
        .collect();
    let judgements = gate::judge(tx, work.crossing(), candidates);
    numbers.into_iter().zip(judgements).collect()
}
