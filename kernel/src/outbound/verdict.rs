//! Asking the policies about the posts of a round.

use std::collections::BTreeMap;

use super::work::Work;
use crate::boundary::env::Rows;
use crate::boundary::policy::Direction;
use crate::gate::{self, Candidate, Crossing, Judgement, Judgements};
use crate::model::{Post, User};
use crate::rows::id::Id;
use crate::rows::tx::{Read, Tx};

/// The judgements of posts. Deletions pass unasked: they carry no content.
pub fn judge<'p>(
    tx: &mut Tx<'_>,
    work: &Work,
    posts: impl Iterator<Item = &'p Post>,
) -> Judgements {
    let posts: Vec<&Post> = posts.filter(|post| post.delete_at == 0).collect();
    tx.prefetch::<User>(posts.iter().map(|post| post.user));
    let roots: Vec<_> = posts.iter().filter_map(|post| post.root).collect();
    let root_ids: BTreeMap<_, Id> = roots
        .iter()
        .copied()
        .zip(tx.get_all::<Post>(&roots))
        .filter_map(|(no, post)| Some((no, post?.id)))
        .collect();
    let candidates = posts.into_iter().map(|post| Candidate {
        id: post.id,
        version: post.origin_update_at,
        root_id: post
            .root
            .and_then(|root| root_ids.get(&root))
            .map_or("", Id::as_str),
        author: tx.user(post.user),
        message: post.message.as_str().into(),
        props: &post.props,
        kind: &post.kind,
        create_at: post.create_at,
        is_edit: post.edit_at != 0,
    });
    let candidates = candidates.collect();
    let crossing = Crossing {
        direction: Direction::Outbound,
        connection_no: work.connection_no,
        connection: work.connection(),
        channel: work.round.channel,
    };
    gate::judge(tx, crossing, candidates)
}

/// The judgement of a post.
pub fn of<'j>(judgements: &'j Judgements, post: &Post) -> Option<&'j Judgement> {
    judgements.get(&(post.id, post.origin_update_at))
}
