//! Asking the policies about the posts of a round, once for each version: what they denied or
//! revised is kept. A plain permission is not; it is asked for again if the post goes out again.

use std::collections::BTreeMap;

use super::work::Work;
use crate::boundary::env::Rows;
use crate::boundary::policy::{Direction, PostQuestion, Question, Verdict};
use crate::model::limits::{HELD_RETRY_MS, MESSAGE_CHARS_MAX, REASON_CHARS_MAX};
use crate::model::{Channel, ExceptionState, Post, User, VerdictRow};
use crate::rows::id::Id;
use crate::rows::tx::{Read, Tx};

/// What the policies say about a post.
pub enum Judgement {
    /// It may go.
    Allow,
    /// It may go with this text.
    Revise(String),
    /// It stays: exception's state, reason, and when it is asked about again.
    Stay(ExceptionState, String, i64),
}

/// The judgements of posts, by id. Deletions pass unasked: they carry no content.
pub fn judge<'p>(
    tx: &mut Tx<'_>,
    work: &Work,
    posts: impl Iterator<Item = &'p Post>,
) -> BTreeMap<Id, Judgement> {
    let posts: Vec<&Post> = posts.filter(|post| post.delete_at == 0).collect();
    let key = |post: &Post| {
        (
            work.connection_no,
            VerdictRow::direction(Direction::Outbound),
            post.id,
        )
    };
    let direction = VerdictRow::direction(Direction::Outbound);
    let any = !tx
        .prefix::<VerdictRow, _>(&(work.connection_no, direction), 1)
        .is_empty();
    let mut judgements = BTreeMap::new();
    let mut open: Vec<&Post> = Vec::new();
    for post in posts {
        let row = if any {
            tx.get::<VerdictRow>(&key(post))
        } else {
            None
        };
        match row.filter(|row| row.update_at == post.origin_update_at) {
            Some(row) => {
                judgements.insert(post.id, of_row(row));
            }
            None => open.push(post),
        }
    }
    let verdicts = ask(tx, work, &open);
    let again_at = tx.now_ms().saturating_add(HELD_RETRY_MS);
    for (post, verdict) in open.into_iter().zip(verdicts) {
        let update_at = post.origin_update_at;
        let row = match verdict {
            Verdict::Allow => continue,
            Verdict::Deny(reason) => VerdictRow {
                update_at,
                allowed: false,
                revised: None,
                reason: reason.chars().take(REASON_CHARS_MAX).collect(),
            },
            Verdict::Revise(text) => VerdictRow {
                update_at,
                allowed: true,
                revised: Some(text.chars().take(MESSAGE_CHARS_MAX).collect()),
                reason: String::new(),
            },
            Verdict::Failed(reason) => {
                let stay = Judgement::Stay(ExceptionState::Held, reason, again_at);
                judgements.insert(post.id, stay);
                continue;
            }
        };
        tx.put(&key(post), &row);
        judgements.insert(post.id, of_row(row));
    }
    judgements
}

fn of_row(row: VerdictRow) -> Judgement {
    match (row.allowed, row.revised) {
        (false, _) => Judgement::Stay(ExceptionState::Denied, row.reason, 0),
        (true, Some(text)) => Judgement::Revise(text),
        (true, None) => Judgement::Allow,
    }
}

/// A verdict for each post.
fn ask(tx: &Tx<'_>, work: &Work, posts: &[&Post]) -> Vec<Verdict> {
    let Some(channel) = tx.get::<Channel>(&work.round.channel) else {
        return Vec::new();
    };
    tx.prefetch::<User>(posts.iter().map(|post| post.user));
    let authors: Vec<_> = posts.iter().map(|post| tx.user(post.user)).collect();
    let roots: Vec<_> = posts.iter().filter_map(|post| post.root).collect();
    let root_ids: BTreeMap<_, Id> = roots
        .iter()
        .copied()
        .zip(tx.get_all::<Post>(&roots))
        .filter_map(|(no, post)| Some((no, post?.id)))
        .collect();
    let questions = posts.iter().zip(&authors).map(|(post, author)| {
        let root_id = post.root.and_then(|root| root_ids.get(&root));
        Question::Post(PostQuestion {
            direction: Direction::Outbound,
            connection_id: work.connection().remote_id.as_str(),
            connection_name: &work.connection().name,
            channel_id: channel.id.as_str(),
            channel_name: &channel.name,
            post_id: post.id.as_str(),
            root_id: root_id.map_or("", Id::as_str),
            author_id: author.as_ref().map_or("", |user| user.id.as_str()),
            author_name: author.as_ref().map_or("", |user| &user.username),
            message: &post.message,
            post_type: &post.kind,
            create_at: post.create_at,
            is_edit: post.edit_at != 0,
        })
    });
    tx.ask(&questions.collect::<Vec<_>>())
}
