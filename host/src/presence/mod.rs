//! Who is online: the statuses of the users of this workspace. They are kept in memory. What peers need of them
//! enters the kernel together, once a second at most, and clients are told of a limited number of changes in
//! that time; they also poll.

mod give;
mod person;
mod typing;

pub use give::run;
pub use typing::Typists;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use causeway_kernel::boundary::output::Event;
use causeway_kernel::model::{Availability, LocalStatus, Status};
use causeway_kernel::rows::id::UserNo;
use person::Person;

/// The statuses of the users of this workspace.
#[derive(Default)]
pub struct Presence(Mutex<State>);

#[derive(Default)]
struct State {
    people: BTreeMap<UserNo, Person>,
    /// What the kernel has; [`Status::UNKNOWN`] of everybody else.
    given: BTreeMap<UserNo, Status>,
    /// Users whose status has changed since it was last compared with what the kernel has.
    changed: BTreeSet<UserNo>,
    /// Changes, of users of any workspace, that clients are still to be told of.
    untold: BTreeMap<UserNo, Availability>,
    /// The user whom clients were told of last.
    told: Option<UserNo>,
}

impl State {
    /// Changes a person, and notes what follows from it.
    fn change(&mut self, user: UserNo, act: impl FnOnce(&mut Person)) -> Status {
        let person = self.people.entry(user).or_insert(Person::UNKNOWN);
        let before = person.status;
        act(person);
        let after = person.status;
        if after.differs(&before) {
            self.changed.insert(user);
        }
        if after.availability != before.availability {
            self.untold.insert(user, after.availability);
        }
        after
    }
}

impl Presence {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Every critical section leaves the state consistent, so a poisoned lock is still usable.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over what the kernel has when the service starts.
    pub fn load(&self, present: Vec<(UserNo, Status)>, now_ms: i64) {
        let mut state = self.lock();
        for (user, status) in present {
            state.given.insert(user, status);
            let known = Person::known(status, now_ms);
            state.people.entry(user).or_insert(known);
        }
    }

    /// A client of a user opened a socket.
    pub fn connected(&self, user: UserNo, now_ms: i64) {
        self.lock().change(user, |it| it.connected(now_ms));
    }

    /// A socket of a user closed.
    pub fn disconnected(&self, user: UserNo, now_ms: i64) {
        self.lock().change(user, |it| it.disconnected(now_ms));
    }

    /// A user did something.
    pub fn active(&self, user: UserNo, now_ms: i64) {
        self.lock().change(user, |it| it.active(now_ms));
    }

    /// A user's client is no longer in use.
    pub fn inactive(&self, user: UserNo) {
        self.lock().change(user, Person::inactive);
    }

    /// A user chose a status; see [`Person::choose`].
    pub fn choose(
        &self,
        user: UserNo,
        availability: Availability,
        dnd_end_time: i64,
        now_ms: i64,
    ) -> Status {
        let choose = |it: &mut Person| it.choose(availability, dnd_end_time, now_ms);
        self.lock().change(user, choose)
    }

    /// The status of a user of this workspace.
    #[must_use]
    pub fn of(&self, user: UserNo) -> Status {
        let state = self.lock();
        state
            .people
            .get(&user)
            .map_or(Status::UNKNOWN, |it| it.status)
    }

    /// At most this many users who are not offline.
    #[must_use]
    pub fn present(&self, most: usize) -> Vec<(UserNo, Availability)> {
        let state = self.lock();
        let all = state.people.iter();
        all.map(|(user, person)| (*user, person.status.availability))
            .filter(|(_, availability)| *availability != Availability::Offline)
            .take(most)
            .collect()
    }

    /// An event happened: keeps the new status of a peer's user until clients are told of it, and notes whose
    /// status may be shared with peers from now on.
    pub fn observe(&self, event: &Event) {
        let mut state = self.lock();
        match event {
            Event::StatusChanged(user, availability) => {
                state.untold.insert(*user, *availability);
            }
            Event::UserAdded(_, user) if state.people.contains_key(user) => {
                state.changed.insert(*user);
            }
            Event::ChannelUpdated(_) => {
                let all: Vec<UserNo> = state.people.keys().copied().collect();
                state.changed.extend(all);
            }
            _ => {}
        }
    }

    /// Ends what has come to its end.
    pub fn pass(&self, now_ms: i64) {
        let mut state = self.lock();
        let users: Vec<UserNo> = state.people.keys().copied().collect();
        for user in users {
            state.change(user, |it| it.pass(now_ms));
        }
    }

    /// At most this many changes that clients are told of now; nobody waits for ever while others change.
    #[must_use]
    pub fn take_untold(&self, most: usize) -> Vec<(UserNo, Availability)> {
        let mut state = self.lock();
        let after = state
            .told
            .map_or(UserNo(0), |told| UserNo(told.0.saturating_add(1)));
        let later = state.untold.range(after..);
        let earlier = state.untold.range(..after);
        let taken: Vec<_> = later
            .chain(earlier)
            .take(most)
            .map(|(user, availability)| (*user, *availability))
            .collect();
        for (user, _) in &taken {
            state.untold.remove(user);
            state.told = Some(*user);
        }
        taken
    }

    /// Examines at most this many users whose status has changed; the statuses that differ from what the kernel
    /// has.
    #[must_use]
    pub fn take_changed(&self, most: usize) -> Vec<LocalStatus> {
        let mut state = self.lock();
        let mut taken = Vec::new();
        for _ in 0..most {
            let Some(user) = state.changed.pop_first() else {
                break;
            };
            let person = state.people.get(&user);
            let status = person.map_or(Status::UNKNOWN, |it| it.status);
            let given = state.given.get(&user).copied();
            if status.differs(&given.unwrap_or(Status::UNKNOWN)) {
                taken.push(LocalStatus { user, status });
            }
        }
        taken
    }

    /// The kernel has these statuses.
    pub fn given(&self, changes: &[LocalStatus]) {
        let given = changes.iter().map(|change| (change.user, change.status));
        self.lock().given.extend(given);
    }

    /// The kernel did not take these statuses: they are given again.
    pub fn not_given(&self, changes: &[LocalStatus]) {
        let users = changes.iter().map(|change| change.user);
        self.lock().changed.extend(users);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: UserNo = UserNo(2);
    const BOB: UserNo = UserNo(3);

    fn changed(presence: &Presence) -> Vec<(UserNo, Availability)> {
        let taken = presence.take_changed(10);
        presence.given(&taken);
        let pair = |it: &LocalStatus| (it.user, it.status.availability);
        taken.iter().map(pair).collect()
    }

    #[test]
    fn the_kernel_is_given_the_newest_status_of_each_once() {
        let presence = Presence::default();
        presence.connected(ANN, 0);
        presence.inactive(ANN);
        presence.connected(BOB, 0);
        assert_eq!(
            changed(&presence),
            [(ANN, Availability::Away), (BOB, Availability::Online)]
        );
        presence.active(BOB, 5);
        assert_eq!(changed(&presence), [], "only the time has changed");
        presence.active(ANN, 5);
        presence.inactive(ANN);
        assert_eq!(changed(&presence), [], "it is as the kernel has it");
    }

    #[test]
    fn users_whose_status_is_not_shared_are_examined_once() {
        let presence = Presence::default();
        presence.connected(ANN, 0);
        assert_eq!(presence.take_changed(10).len(), 1);
        assert_eq!(changed(&presence), []);
        // When they join a channel, they are examined again.
        presence.observe(&Event::UserAdded(
            causeway_kernel::rows::id::ChannelNo(1),
            ANN,
        ));
        assert_eq!(changed(&presence), [(ANN, Availability::Online)]);
    }

    #[test]
    fn what_the_kernel_did_not_take_is_given_again() {
        let presence = Presence::default();
        presence.connected(ANN, 0);
        let taken = presence.take_changed(10);
        presence.not_given(&taken);
        assert_eq!(changed(&presence), [(ANN, Availability::Online)]);
    }

    #[test]
    fn thousands_are_given_in_portions() {
        let presence = Presence::default();
        for user in 1..=5_000 {
            presence.connected(UserNo(user), 0);
        }
        let portions = std::iter::from_fn(|| {
            let taken = presence.take_changed(1_000);
            (!taken.is_empty()).then_some(taken.len())
        });
        assert_eq!(portions.collect::<Vec<_>>(), [1_000; 5]);
    }

    #[test]
    fn clients_are_told_a_few_at_a_time_and_of_everybody_in_turn() {
        let presence = Presence::default();
        for user in 1..=5 {
            presence.connected(UserNo(user), 0);
        }
        let mut told = Vec::new();
        for _ in 0..3 {
            // The first keeps changing.
            presence.inactive(UserNo(1));
            presence.active(UserNo(1), 0);
            told.extend(presence.take_untold(2).into_iter().map(|(user, _)| user.0));
        }
        assert_eq!(told, [1, 2, 3, 4, 5, 1]);
    }

    #[test]
    fn what_the_kernel_had_is_taken_over() {
        let presence = Presence::default();
        let online = Status {
            availability: Availability::Online,
            ..Status::UNKNOWN
        };
        presence.load(vec![(ANN, online)], 0);
        assert_eq!(changed(&presence), []);
        presence.pass(person::RETURN_MS);
        assert_eq!(changed(&presence), [(ANN, Availability::Offline)]);
    }
}
