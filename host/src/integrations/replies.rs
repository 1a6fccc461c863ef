//! Addresses at which an integration may answer a command later. They are kept in memory only: a restart ends them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use causeway_kernel::rows::id::{ChannelNo, Id, PostNo, UserNo};

/// How long an address is valid, in ms (30 minutes, as in the reference).
const LIFE_MS: i64 = 30 * 60 * 1000;
/// Answers at one address, as in the reference.
const USES_MAX: u8 = 5;
/// Maximum addresses; beyond it the oldest one ends.
const REPLIES_MAX: usize = 10_000;
/// Maximum addresses of one user; beyond it the oldest one of theirs ends.
const REPLIES_PER_USER_MAX: usize = 100;

/// Where an answer goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Who called the command.
    pub user: UserNo,
    /// Where.
    pub channel: ChannelNo,
    /// In which thread, if in one.
    pub root: Option<PostNo>,
    /// The command's trigger.
    pub trigger: String,
}

struct Open {
    reply: Reply,
    until_ms: i64,
    uses: u8,
}

impl Open {
    fn is_valid(&self, now_ms: i64) -> bool {
        self.until_ms > now_ms && self.uses < USES_MAX
    }
}

/// All addresses that are still valid.
#[derive(Default)]
pub struct Replies(Mutex<Opens>);

/// Those that have ended leave the queues when they become the first of them.
#[derive(Default)]
struct Opens {
    by_id: BTreeMap<Id, Open>,
    /// Their ids, the oldest first.
    order: VecDeque<Id>,
    /// The ids of each user, the oldest first.
    of_user: BTreeMap<UserNo, VecDeque<Id>>,
}

impl Opens {
    fn end(&mut self, id: Id) {
        let Some(open) = self.by_id.remove(&id) else {
            return;
        };
        let user = open.reply.user;
        if let Some(queue) = self.of_user.get_mut(&user) {
            queue.retain(|of_user| *of_user != id);
            if queue.is_empty() {
                self.of_user.remove(&user);
            }
        }
    }

    /// Ends what is over, and the oldest ones until there is room for one more of a user.
    fn make_room(&mut self, user: UserNo, now_ms: i64) {
        while let Some(oldest) = self.order.front().copied() {
            let is_over = self
                .by_id
                .get(&oldest)
                .is_none_or(|it| it.until_ms <= now_ms);
            if !is_over && self.order.len() < REPLIES_MAX {
                break;
            }
            self.end(oldest);
            self.order.pop_front();
        }
        let own = self
            .of_user
            .get(&user)
            .filter(|own| own.len() >= REPLIES_PER_USER_MAX);
        if let Some(oldest) = own.and_then(|own| own.front()).copied() {
            self.end(oldest);
        }
    }
}

impl Replies {
    fn lock(&self) -> MutexGuard<'_, Opens> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens an address.
    pub fn open(&self, id: Id, reply: Reply, now_ms: i64) {
        let mut opens = self.lock();
        let user = reply.user;
        opens.make_room(user, now_ms);
        let open = Open {
            reply,
            until_ms: now_ms.saturating_add(LIFE_MS),
            uses: 0,
        };
        opens.by_id.insert(id, open);
        opens.order.push_back(id);
        opens.of_user.entry(user).or_default().push_back(id);
    }

    /// Ends an address.
    pub fn close(&self, id: Id) {
        self.lock().end(id);
    }

    /// Whether an answer can be sent to an address.
    #[must_use]
    pub fn is_open(&self, id: Id, now_ms: i64) -> bool {
        let opens = self.lock();
        opens
            .by_id
            .get(&id)
            .is_some_and(|open| open.is_valid(now_ms))
    }

    /// Where an answer goes; `None` if the address is unknown, too old or used up.
    #[must_use]
    pub fn take(&self, id: Id, now_ms: i64) -> Option<Reply> {
        let mut opens = self.lock();
        let open = opens
            .by_id
            .get_mut(&id)
            .filter(|open| open.is_valid(now_ms))?;
        open.uses += 1;
        Some(open.reply.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::new_id;

    const REPLY: Reply = Reply {
        user: UserNo(1),
        channel: ChannelNo(2),
        root: None,
        trigger: String::new(),
    };

    #[test]
    fn an_address_serves_five_answers_within_half_an_hour() {
        let replies = Replies::default();
        let (id, late) = (new_id().unwrap(), new_id().unwrap());
        replies.open(id, REPLY, 0);
        replies.open(late, REPLY, 0);
        for _ in 0..USES_MAX {
            assert_eq!(replies.take(id, LIFE_MS - 1), Some(REPLY));
        }
        assert_eq!(replies.take(id, 1), None);
        assert_eq!(replies.take(late, LIFE_MS), None);
        assert_eq!(replies.take(new_id().unwrap(), 0), None);
    }

    fn of(user: usize) -> Reply {
        let user = UserNo(user as u64);
        Reply { user, ..REPLY }
    }

    #[test]
    fn old_addresses_make_room() {
        let replies = Replies::default();
        let ids: Vec<Id> = (0..=REPLIES_MAX).map(|_| new_id().unwrap()).collect();
        for (at, id) in ids.iter().enumerate() {
            replies.open(*id, of(at / REPLIES_PER_USER_MAX), 0);
        }
        assert!(!replies.is_open(ids[0], 1));
        assert!(replies.is_open(ids[1], 1));
        replies.open(new_id().unwrap(), REPLY, LIFE_MS);
        let opens = replies.0.lock().unwrap();
        let users = opens.of_user.len();
        assert_eq!((opens.by_id.len(), opens.order.len(), users), (1, 1, 1));
    }

    #[test]
    fn one_user_does_not_end_the_addresses_of_others() {
        let replies = Replies::default();
        let (other, first) = (new_id().unwrap(), new_id().unwrap());
        replies.open(other, of(2), 0);
        replies.open(first, of(1), 0);
        for _ in 1..REPLIES_PER_USER_MAX {
            replies.open(new_id().unwrap(), of(1), 0);
        }
        assert!(replies.is_open(first, 1));
        replies.open(new_id().unwrap(), of(1), 0);
        assert!(!replies.is_open(first, 1));
        assert!(replies.is_open(other, 1));
        replies.close(other);
        assert!(!replies.is_open(other, 1));
    }
}
