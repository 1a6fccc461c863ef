//! Profiles at the gate. A profile is asked about each time it is about to cross, with the fields that would cross.

use std::rc::Rc;

use super::homes::Homes;
use super::{Crossing, Judgement, NO_VERDICT, is_asked, of_verdict};
use crate::boundary::policy::{
    Direction, Gate, Home, Passage, Person, ProfileQuestion, ProfileRevision, Question, Verdict,
};
use crate::model::User;
use crate::model::limits::{NAME_CHARS_MAX, POSITION_CHARS_MAX};
use crate::rows::id::Id;
use crate::rows::tx::Tx;
use crate::wire::message::WireUser;

/// A profile to be judged.
#[derive(Debug)]
pub struct ProfileCandidate<'a> {
    /// Id of the person.
    pub id: Id,
    /// The person, if known here; otherwise somebody whom the connection's peer tells of.
    pub user: Option<Rc<User>>,
    /// The profile as it would cross.
    pub profile: &'a WireUser,
}

/// The fields of a profile that policies see and may replace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProfileFields {
    nickname: String,
    first_name: String,
    last_name: String,
    position: String,
    email: String,
}

impl ProfileFields {
    /// Those of a profile.
    #[must_use]
    pub fn of(profile: &WireUser) -> ProfileFields {
        ProfileFields {
            nickname: profile.nickname.clone(),
            first_name: profile.first_name.clone(),
            last_name: profile.last_name.clone(),
            position: profile.position.clone(),
            email: profile.email.clone(),
        }
    }

    /// A profile with these fields in place of its own.
    #[must_use]
    pub fn put_into(self, profile: WireUser) -> WireUser {
        WireUser {
            nickname: self.nickname,
            first_name: self.first_name,
            last_name: self.last_name,
            position: self.position,
            email: self.email,
            ..profile
        }
    }

    /// The fields after a revision, each at most as long as it may be.
    fn revised(self, revision: ProfileRevision) -> ProfileFields {
        let name = |own: String, revised: Option<String>| cut(own, revised, NAME_CHARS_MAX);
        ProfileFields {
            nickname: name(self.nickname, revision.nickname),
            first_name: name(self.first_name, revision.first_name),
            last_name: name(self.last_name, revision.last_name),
            position: cut(self.position, revision.position, POSITION_CHARS_MAX),
            email: if revision.without_email {
                String::new()
            } else {
                self.email
            },
        }
    }
}

fn cut(own: String, revised: Option<String>, chars_max: usize) -> String {
    revised.map_or(own, |text| text.chars().take(chars_max).collect())
}

/// Judges profiles.
pub(super) fn judge(
    tx: &Tx<'_>,
    crossing: Crossing<'_>,
    candidates: &[ProfileCandidate<'_>],
) -> Vec<Judgement> {
    if candidates.is_empty() {
        return Vec::new();
    }
    if !is_asked(tx, Gate::Profile) {
        return candidates.iter().map(|_| Judgement::Pass(None)).collect();
    }
    let homes = Homes::load(tx, candidates.iter().filter_map(|it| it.user.as_deref()));
    let now_ms = tx.now_ms();
    let questions: Vec<Question<'_>> = candidates
        .iter()
        .map(|it| Question::Profile(question(crossing, &homes, it, now_ms)))
        .collect();
    let mut verdicts = tx.ask(&questions).into_iter();
    candidates
        .iter()
        .map(|it| match verdicts.next() {
            Some(Verdict::ReviseProfile(revision)) => {
                Judgement::Revised(ProfileFields::of(it.profile).revised(revision))
            }
            Some(verdict) => of_verdict(verdict),
            None => Judgement::Failed(NO_VERDICT.to_string()),
        })
        .collect()
}

fn question<'q>(
    crossing: Crossing<'q>,
    homes: &'q Homes,
    candidate: &'q ProfileCandidate<'_>,
    now_ms: i64,
) -> ProfileQuestion<'q> {
    let connection = crossing.connection;
    let profile = candidate.profile;
    ProfileQuestion {
        passage: Passage {
            direction: crossing.direction,
            connection_id: connection.remote_id.as_str(),
            connection_name: &connection.name,
            now_ms,
        },
        person: person(crossing, homes, candidate),
        nickname: &profile.nickname,
        first_name: &profile.first_name,
        last_name: &profile.last_name,
        position: &profile.position,
        email: &profile.email,
    }
}

/// Whose a profile is. What a peer calls somebody anew is no name here yet: it is the name that is to be judged.
fn person<'q>(
    crossing: Crossing<'q>,
    homes: &'q Homes,
    candidate: &'q ProfileCandidate<'_>,
) -> Person<'q> {
    let told = &candidate.profile.username;
    let Some(user) = &candidate.user else {
        let connection = crossing.connection;
        return Person {
            id: candidate.id.as_str(),
            name: told,
            home: Home::Connected {
                id: connection.remote_id.as_str(),
                name: &connection.name,
            },
        };
    };
    let known = homes.person(user);
    let held = user.remote.as_ref();
    if crossing.direction == Direction::Inbound && held.is_some_and(|it| it.username != *told) {
        Person {
            name: told,
            ..known
        }
    } else {
        known
    }
}
