//! The status of one user: what changes it, and when it ends by itself.

use causeway_kernel::model::{Availability, Status};

/// How long a user without a socket still counts as connected, in ms: a client that reloads or changes its
/// network is back before.
pub const OFFLINE_AFTER_MS: i64 = 3_000;
/// How long a user counts as connected after an act without a socket, in ms.
pub const ACTIVE_MS: i64 = 5 * 60_000;
/// How long a user counts as connected after the service has started, in ms, if they were before.
pub const RETURN_MS: i64 = 30_000;

/// A user of this workspace.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    /// The status.
    pub status: Status,
    /// Number of open sockets.
    sockets: u32,
    /// When a user without a socket no longer counts as connected, in ms.
    connected_until: i64,
}

impl Person {
    /// A user of whom nothing is known.
    pub const UNKNOWN: Person = Person {
        status: Status::UNKNOWN,
        sockets: 0,
        connected_until: 0,
    };

    /// A user who had a status when the service last ran.
    #[must_use]
    pub fn known(status: Status, now_ms: i64) -> Person {
        Person {
            status,
            sockets: 0,
            connected_until: now_ms.saturating_add(RETURN_MS),
        }
    }

    /// A client opened a socket.
    pub fn connected(&mut self, now_ms: i64) {
        self.sockets = self.sockets.saturating_add(1);
        self.active(now_ms);
    }

    /// A socket closed.
    pub fn disconnected(&mut self, now_ms: i64) {
        self.sockets = self.sockets.saturating_sub(1);
        self.connected_until = now_ms.saturating_add(OFFLINE_AFTER_MS);
    }

    /// The user did something. What the user chose stays.
    pub fn active(&mut self, now_ms: i64) {
        self.status.last_activity_at = now_ms;
        if self.sockets == 0 {
            self.connected_until = now_ms.saturating_add(ACTIVE_MS);
        }
        if !self.status.manual {
            self.status.availability = Availability::Online;
        }
    }

    /// The client is no longer in use.
    pub fn inactive(&mut self) {
        if !self.status.manual && self.status.availability == Availability::Online {
            self.status.availability = Availability::Away;
        }
    }

    /// The user chose a status. Being online is no choice: activity decides from then on, as in the reference.
    /// `dnd_end_time` is in seconds since the Unix epoch; 0 = open end.
    pub fn choose(&mut self, availability: Availability, dnd_end_time: i64, now_ms: i64) {
        self.status = Status {
            availability,
            manual: availability != Availability::Online,
            last_activity_at: now_ms,
            dnd_end_time: match availability {
                Availability::Dnd => dnd_end_time,
                _ => 0,
            },
        };
        if self.sockets == 0 {
            self.connected_until = now_ms.saturating_add(ACTIVE_MS);
        }
    }

    /// Ends what has come to its end.
    pub fn pass(&mut self, now_ms: i64) {
        let status = &mut self.status;
        let end_ms = status.dnd_end_time.saturating_mul(1_000);
        if status.dnd_end_time != 0 && end_ms <= now_ms {
            status.manual = false;
            status.dnd_end_time = 0;
            status.availability = Availability::Online;
        }
        if self.sockets == 0 && self.connected_until <= now_ms && !status.manual {
            status.availability = Availability::Offline;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a person shows after some acts, at 1 s.
    fn after(acts: &[&dyn Fn(&mut Person)]) -> (Availability, bool) {
        let mut person = Person::UNKNOWN;
        acts.iter().for_each(|act| act(&mut person));
        person.pass(1_000);
        (person.status.availability, person.status.manual)
    }

    #[test]
    fn sockets_and_activity_decide_until_the_user_chooses() {
        let connect: &dyn Fn(&mut Person) = &|it| it.connected(0);
        let leave: &dyn Fn(&mut Person) = &|it| it.inactive();
        let act: &dyn Fn(&mut Person) = &|it| it.active(0);
        let rest: &dyn Fn(&mut Person) = &|it| it.choose(Availability::Dnd, 0, 0);
        let back: &dyn Fn(&mut Person) = &|it| it.choose(Availability::Online, 0, 0);
        assert_eq!(after(&[]), (Availability::Offline, false));
        assert_eq!(after(&[connect]), (Availability::Online, false));
        assert_eq!(after(&[connect, leave]), (Availability::Away, false));
        assert_eq!(after(&[connect, leave, act]), (Availability::Online, false));
        assert_eq!(after(&[act]), (Availability::Online, false));
        assert_eq!(
            after(&[connect, rest, act, leave]),
            (Availability::Dnd, true)
        );
        assert_eq!(after(&[connect, rest, back]), (Availability::Online, false));
        assert_eq!(
            after(&[connect, rest, back, leave]),
            (Availability::Away, false)
        );
    }

    #[test]
    fn whoever_leaves_is_offline_a_little_later_unless_they_chose_otherwise() {
        let mut person = Person::UNKNOWN;
        person.connected(0);
        person.connected(0);
        person.disconnected(10);
        person.pass(10 + OFFLINE_AFTER_MS);
        assert_eq!(
            person.status.availability,
            Availability::Online,
            "one is left"
        );
        person.disconnected(20);
        person.pass(19 + OFFLINE_AFTER_MS);
        assert_eq!(person.status.availability, Availability::Online);
        person.pass(20 + OFFLINE_AFTER_MS);
        assert_eq!(person.status.availability, Availability::Offline);
        person.choose(Availability::Away, 0, 0);
        person.pass(i64::MAX);
        assert_eq!(person.status.availability, Availability::Away);
    }

    #[test]
    fn who_is_back_after_a_restart_was_never_away() {
        let online = Status {
            availability: Availability::Online,
            ..Status::UNKNOWN
        };
        let mut person = Person::known(online, 0);
        person.pass(RETURN_MS - 1);
        assert_eq!(person.status.availability, Availability::Online);
        let mut other = person;
        person.connected(RETURN_MS - 1);
        person.pass(i64::MAX);
        assert_eq!(person.status.availability, Availability::Online);
        other.pass(RETURN_MS);
        assert_eq!(other.status.availability, Availability::Offline);
    }

    #[test]
    fn not_to_be_disturbed_ends_at_its_time() {
        let mut person = Person::UNKNOWN;
        person.connected(0);
        person.choose(Availability::Dnd, 60, 0);
        person.pass(59_999);
        assert_eq!(person.status.availability, Availability::Dnd);
        person.pass(60_000);
        assert_eq!(
            (person.status.availability, person.status.manual),
            (Availability::Online, false)
        );
        assert_eq!(person.status.dnd_end_time, 0);
        person.choose(Availability::Dnd, i64::MAX, 0);
        person.choose(Availability::Away, 60, 0);
        assert_eq!(
            person.status.dnd_end_time, 0,
            "only for not to be disturbed"
        );
    }
}
