//! People who become members of a channel, at the gate. Removals pass without a question.

use std::rc::Rc;

use super::homes::Homes;
use super::{Crossing, Judgement, context, is_asked, plain};
use crate::boundary::env::Rows;
use crate::boundary::policy::{Context, Gate, Home, Question};
use crate::model::{Channel, User};
use crate::rows::id::Id;
use crate::rows::tx::Tx;

/// Somebody who becomes a member of a channel.
#[derive(Debug)]
pub enum MemberCandidate<'a> {
    /// Somebody who is known here.
    Known(Rc<User>),
    /// Somebody whom the connection's peer tells of.
    New {
        /// The person's id.
        id: Id,
        /// The user name, as the peer says it.
        name: &'a str,
    },
}

impl MemberCandidate<'_> {
    /// The person's id.
    #[must_use]
    pub fn id(&self) -> Id {
        match self {
            MemberCandidate::Known(user) => user.id,
            MemberCandidate::New { id, .. } => *id,
        }
    }

    fn user(&self) -> Option<&User> {
        match self {
            MemberCandidate::Known(user) => Some(user),
            MemberCandidate::New { .. } => None,
        }
    }
}

/// Judges people who become members.
pub(super) fn judge(
    tx: &Tx<'_>,
    crossing: Crossing<'_>,
    people: &[MemberCandidate<'_>],
) -> Vec<Judgement> {
    if people.is_empty() {
        return Vec::new();
    }
    let channel = tx.channel(crossing.channel);
    let Some(channel) = channel.filter(|_| is_asked(tx, Gate::Member)) else {
        return people.iter().map(|_| Judgement::Pass(None)).collect();
    };
    let homes = Homes::load(tx, people.iter().filter_map(MemberCandidate::user));
    let now_ms = tx.now_ms();
    let questions: Vec<Question<'_>> = people
        .iter()
        .map(|person| Question::Member(question((crossing, &channel), &homes, person, now_ms)))
        .collect();
    plain(tx.ask(&questions), people.len())
}

fn question<'q>(
    (crossing, channel): (Crossing<'q>, &'q Channel),
    homes: &'q Homes,
    person: &'q MemberCandidate<'_>,
    now_ms: i64,
) -> Context<'q> {
    let user = person.user();
    let known = context(crossing, channel, (user, homes.of(user)), now_ms);
    match person {
        MemberCandidate::Known(_) => known,
        MemberCandidate::New { id, name } => Context {
            author_id: id.as_str(),
            author_name: name,
            author_home: Home::Connected {
                id: crossing.connection.remote_id.as_str(),
                name: &crossing.connection.name,
            },
            ..known
        },
    }
}
