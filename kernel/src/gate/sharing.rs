//! Channels about to be shared, and direct and group channels about to be opened, at the gate.
//!
//! Asked when somebody here, a peer's invitation or an administrator's consent begins to share something with a
//! connection; also each time that a peer repeats an invitation that waits for an administrator here, as nothing is
//! shared yet and the policies may have changed. What follows from a sharing by itself is not asked about: an
//! invitation of ours that is repeated after a restore, a refusal or a pause, a peer's invitation to what is shared
//! with it, an answer that the channel is still shared, the invitation that the next post of a direct channel sends.
//! People already share the channel or have been told that they will, so a denial would only cut them off without a
//! word; what they write passes the other gates.

use super::homes::Homes;
use super::{Judgement, NO_VERDICT, is_asked, plain};
use crate::boundary::env::Rows;
use crate::boundary::output::Refusal;
use crate::boundary::policy::{
    Audience, ChannelQuestion, DirectQuestion, Direction, Gate, Home, Passage, Person, Question,
};
use crate::model::{Connection, Place};
use crate::objects::direct::Participants;
use crate::rows::id::{Id, UserNo};
use crate::rows::tx::Tx;

/// Why something that somebody does now may not be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Objection {
    /// A policy does not allow it, for this reason.
    Denied(String),
    /// The policies failed, for this reason.
    Failed(String),
}

impl From<Objection> for Refusal {
    fn from(objection: Objection) -> Refusal {
        match objection {
            Objection::Denied(reason) => Refusal::new(
                403,
                "causeway.policy.denied.app_error",
                format!("A policy does not allow this: {reason}"),
            ),
            Objection::Failed(reason) => Refusal::new(
                503,
                "causeway.policy.failed.app_error",
                format!("A policy could not decide whether this is allowed: {reason}. Try again."),
            ),
        }
    }
}

impl Judgement {
    /// What it means for something that happens now or not at all.
    pub(super) fn permission(self) -> Result<(), Objection> {
        match self {
            Judgement::Pass(_) | Judgement::Revised(_) => Ok(()),
            Judgement::Denied(reason) => Err(Objection::Denied(reason)),
            Judgement::Failed(reason) => Err(Objection::Failed(reason)),
        }
    }
}

/// Over which connection something is about to be shared.
#[derive(Clone, Copy, Debug)]
pub struct Route<'a> {
    /// Which side offers it.
    pub direction: Direction,
    /// The connection.
    pub connection: &'a Connection,
}

impl<'a> Route<'a> {
    fn passage(self, tx: &Tx<'_>) -> Passage<'a> {
        Passage {
            direction: self.direction,
            connection_id: self.connection.remote_id.as_str(),
            connection_name: &self.connection.name,
            now_ms: tx.now_ms(),
        }
    }
}

/// A channel of a team that is about to be shared.
#[derive(Clone, Copy, Debug)]
pub struct SharingOffer<'a> {
    /// Its id.
    pub id: Id,
    /// Its URL name.
    pub name: &'a str,
    /// Its display name.
    pub display_name: &'a str,
    /// Who may see it.
    pub audience: Audience,
    /// Whether the other side may only read.
    pub read_only: bool,
    /// Who invites; `None` = the peer.
    pub inviter: Option<UserNo>,
}

/// Whether the policies let a channel be shared.
///
/// # Errors
/// They do not, or they failed.
pub fn may_share(tx: &Tx<'_>, route: Route<'_>, offer: &SharingOffer<'_>) -> Result<(), Objection> {
    if !is_asked(tx, Gate::Channel) {
        return Ok(());
    }
    let inviter = offer.inviter.and_then(|no| tx.user(no));
    let homes = Homes::load(tx, inviter.as_deref().into_iter());
    let question = ChannelQuestion {
        passage: route.passage(tx),
        id: offer.id.as_str(),
        name: offer.name,
        audience: offer.audience,
        display_name: offer.display_name,
        inviter: inviter.as_deref().map(|user| homes.person(user)),
        read_only: offer.read_only,
    };
    ask(tx, Question::Channel(question))
}

/// Whether the policies let people talk to each other in a direct or group channel. Who opens it may be unknown: a
/// peer need not say.
///
/// # Errors
/// They do not, or they failed.
pub fn may_open(
    tx: &Tx<'_>,
    route: Route<'_>,
    people: &Participants,
    opener: Option<UserNo>,
) -> Result<(), Objection> {
    if !is_asked(tx, Gate::Direct) {
        return Ok(());
    }
    let users: Vec<_> = people.users().filter_map(|no| tx.user(no)).collect();
    let opener = opener.and_then(|no| tx.user(no));
    let homes = Homes::load(tx, users.iter().chain(&opener).map(|user| &**user));
    let question = DirectQuestion {
        passage: route.passage(tx),
        people: users.iter().map(|user| homes.person(user)).collect(),
        opener: opener.as_deref().map_or(UNKNOWN, |user| homes.person(user)),
        is_group: people.place() == Place::Group,
    };
    ask(tx, Question::Direct(question))
}

/// Somebody whom nobody has named.
const UNKNOWN: Person<'static> = Person {
    id: "",
    name: "",
    home: Home::Elsewhere,
};

fn ask(tx: &Tx<'_>, question: Question<'_>) -> Result<(), Objection> {
    let judgement = plain(tx.ask(&[question]), 1).pop();
    judgement.map_or_else(
        || Err(Objection::Failed(NO_VERDICT.to_string())),
        Judgement::permission,
    )
}
