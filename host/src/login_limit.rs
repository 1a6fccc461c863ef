//! Rate limit for password attempts: per account and per address, with growing pauses. Client API §3.1.
//!
//! An attempt is counted before the password is checked, so that concurrent attempts cannot bypass the limit;
//! a successful one is uncounted. Strangers only ever slow down strangers: clients at an address that has
//! logged in to the account before, and clients on this machine, are counted separately, and addresses that
//! many people may share never pause for long.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use causeway_kernel::rows::id::UserNo;

use crate::client_address::ClientAddress;
use crate::vault::{
    Asker, DERIVATIONS_PER_ACCOUNT_MAX, DERIVATIONS_PER_ADDRESS_MAX, Source, Standing,
};

/// When attempts are refused.
#[derive(Clone, Copy, Debug)]
struct Rule {
    /// Wrong passwords allowed without a pause. The next one causes a pause of a second, and each further one
    /// doubles it.
    free: u32,
    /// The longest pause, in ms.
    pause_ms_max: i64,
}

/// Wrong passwords for one account from one address, and of one session.
const ALONE: Rule = Rule {
    free: 5,
    pause_ms_max: 300_000,
};
/// The same for an address that many people may share: this machine, a proxy without client addresses.
const AMONG_OTHERS: Rule = Rule {
    free: 5,
    pause_ms_max: 30_000,
};
/// Wrong passwords of strangers for one account, from any address. The pauses are short; otherwise anyone
/// with many addresses could lock the user out.
const ACCOUNT: Rule = Rule {
    free: 10,
    pause_ms_max: 30_000,
};
/// Wrong passwords of strangers at one address, for any account.
const ADDRESS: Rule = Rule {
    free: 30,
    pause_ms_max: 300_000,
};
/// The same if the proxy's header is unreadable.
const UNREADABLE: Rule = Rule {
    free: 30,
    pause_ms_max: 30_000,
};

/// Wrong passwords are forgotten after this time without another one, in ms (15 minutes).
const FORGET_MS: i64 = 900_000;
/// Maximum accounts and addresses remembered. Beyond it, the half with the oldest attempts is forgotten; it
/// takes thousands of addresses to get there.
const ENTRIES_MAX: usize = 50_000;

impl Rule {
    fn pause_ms(self, failures: u32) -> i64 {
        match failures.checked_sub(self.free) {
            None => 0,
            Some(more) => 1_000_i64
                .checked_shl(more.min(32))
                .map_or(self.pause_ms_max, |pause| pause.min(self.pause_ms_max)),
        }
    }
}

#[derive(Clone, Copy)]
struct Entry {
    failures: u32,
    last_ms: i64,
}

/// Counts wrong passwords.
#[derive(Default)]
pub struct LoginLimiter {
    entries: Mutex<BTreeMap<Source, Entry>>,
}

/// A password attempt: on which account, and from where.
#[derive(Clone, Debug)]
pub struct Attempt {
    counted: Vec<(Source, Rule)>,
    asker: Asker,
}

/// Too many attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// Wrong passwords allowed without a pause.
    pub limit: u32,
    /// Seconds until the next attempt is accepted.
    pub retry_after_s: u32,
}

impl Attempt {
    /// A login. `account` is the user, or the name given if there is no such account; `known` tells whether
    /// the account was used from this address before.
    #[must_use]
    pub fn login(account: Result<UserNo, &str>, client: ClientAddress, known: bool) -> Attempt {
        let account = match account {
            Ok(user) => Source::new("causeway account", &[&user.0.to_be_bytes()]),
            Err(name) => Source::new("causeway unknown account", &[name.as_bytes()]),
        };
        let here = client.source();
        let both = Source::new(
            "causeway account at an address",
            &[account.bytes(), here.bytes()],
        );
        let alone = if client.is_shared() {
            AMONG_OTHERS
        } else {
            ALONE
        };
        let mut counted = vec![(both, alone)];
        let standing = match client {
            _ if known => Standing::Known,
            ClientAddress::Machine => Standing::Machine,
            _ => Standing::Stranger,
        };
        let mut asker = Asker::of(standing);
        if standing == Standing::Known {
            // All known addresses of an account are counted together.
            let source = Source::new("causeway account of who is known", &[account.bytes()]);
            asker = asker.counting(source, DERIVATIONS_PER_ACCOUNT_MAX);
        } else {
            asker = asker.counting(both, DERIVATIONS_PER_ACCOUNT_MAX);
        }
        if standing == Standing::Stranger {
            counted.push((account, ACCOUNT));
            match client {
                ClientAddress::Address(_) => counted.push((here, ADDRESS)),
                ClientAddress::Unreadable => counted.push((here, UNREADABLE)),
                ClientAddress::Machine | ClientAddress::Proxy => {}
            }
            if !client.is_shared() {
                asker = asker.counting(here, DERIVATIONS_PER_ADDRESS_MAX);
            }
        }
        Attempt { counted, asker }
    }

    /// A user's own password, entered again in a session.
    #[must_use]
    pub fn in_session(user: UserNo) -> Attempt {
        let source = Source::new("causeway account in a session", &[&user.0.to_be_bytes()]);
        Attempt {
            counted: vec![(source, ALONE)],
            asker: Asker::user(user),
        }
    }

    /// On whose behalf the password is derived.
    #[must_use]
    pub fn asker(&self) -> &Asker {
        &self.asker
    }
}

/// On whose behalf the password of a new account is derived if an unauthenticated client signs up.
#[must_use]
pub fn sign_up(client: ClientAddress) -> Asker {
    match client {
        ClientAddress::Machine => Asker::of(Standing::Machine),
        ClientAddress::Proxy | ClientAddress::Unreadable => Asker::of(Standing::Stranger),
        ClientAddress::Address(_) => {
            Asker::of(Standing::Stranger).counting(client.source(), DERIVATIONS_PER_ADDRESS_MAX)
        }
    }
}

impl LoginLimiter {
    /// Counts an attempt as if the password were wrong; a refused one is not counted.
    ///
    /// # Errors
    /// [`TooMany`] during a pause.
    pub fn begin(&self, attempt: &Attempt, now_ms: i64) -> Result<(), TooMany> {
        let mut entries = self.entries();
        let waits = attempt.counted.iter().filter_map(|(source, rule)| {
            let entry = entries.get(source).filter(|it| it.counts(now_ms))?;
            let left_ms = entry.last_ms + rule.pause_ms(entry.failures) - now_ms;
            (left_ms > 0).then_some((left_ms, rule.free))
        });
        if let Some((left_ms, limit)) = waits.max() {
            let left_s = left_ms.unsigned_abs().div_ceil(1000);
            let retry_after_s = u32::try_from(left_s).unwrap_or(u32::MAX);
            return Err(TooMany {
                limit,
                retry_after_s,
            });
        }
        if entries.len() + attempt.counted.len() > ENTRIES_MAX {
            make_room(&mut entries, now_ms);
        }
        for (source, _) in &attempt.counted {
            let old = entries.get(source).filter(|it| it.counts(now_ms));
            let failures = old.map_or(0, |it| it.failures).saturating_add(1);
            let entry = Entry {
                failures,
                last_ms: now_ms,
            };
            entries.insert(*source, entry);
        }
        Ok(())
    }

    /// The password was not checked after all: uncounts the attempt.
    pub fn unchecked(&self, attempt: &Attempt) {
        let mut entries = self.entries();
        for (source, _) in &attempt.counted {
            take_back(&mut entries, source);
        }
    }

    /// The password was right: forgets the count for this account from this address. In the counts of all
    /// strangers, only this attempt is uncounted; otherwise anyone with an account could keep trying others.
    pub fn succeeded(&self, attempt: &Attempt) {
        let mut entries = self.entries();
        let mut counted = attempt.counted.iter();
        if let Some((source, _)) = counted.next() {
            entries.remove(source);
        }
        for (source, _) in counted {
            take_back(&mut entries, source);
        }
    }

    /// Forgets expired entries.
    pub fn sweep(&self, now_ms: i64) {
        self.entries().retain(|_, entry| entry.counts(now_ms));
    }

    /// Number of accounts and addresses remembered.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.entries().len()
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<Source, Entry>> {
        // Entries are consistent whenever the lock is released.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn counts(&self, now_ms: i64) -> bool {
        now_ms - self.last_ms < FORGET_MS
    }
}

fn take_back(entries: &mut BTreeMap<Source, Entry>, source: &Source) {
    if let Some(entry) = entries.get_mut(source) {
        entry.failures = entry.failures.saturating_sub(1);
        if entry.failures == 0 {
            entries.remove(source);
        }
    }
}

fn make_room(entries: &mut BTreeMap<Source, Entry>, now_ms: i64) {
    entries.retain(|_, entry| entry.counts(now_ms));
    if entries.len() < ENTRIES_MAX / 2 {
        return;
    }
    tracing::warn!("too many failed logins to remember; forgetting the older half");
    let mut times: Vec<i64> = entries.values().map(|entry| entry.last_ms).collect();
    let middle = times.len() / 2;
    let (_, middle, _) = times.select_nth_unstable(middle);
    let middle = *middle;
    entries.retain(|_, entry| entry.last_ms > middle);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    const NOW: i64 = 1_800_000_000_000;
    const ANN: Result<UserNo, &str> = Ok(UserNo(1));

    fn at(number: u32) -> ClientAddress {
        ClientAddress::Address(IpAddr::from(number.to_be_bytes()))
    }

    fn stranger(client: ClientAddress) -> Attempt {
        Attempt::login(ANN, client, false)
    }

    /// Tries wrong passwords without a pause until one is refused; returns how many were accepted.
    fn until_refused(limiter: &LoginLimiter, attempt: &Attempt) -> (u32, TooMany) {
        for taken in 0.. {
            if let Err(refused) = limiter.begin(attempt, NOW) {
                return (taken, refused);
            }
        }
        unreachable!()
    }

    #[test]
    fn the_pause_grows_with_every_wrong_password_and_is_forgotten() {
        let limiter = LoginLimiter::default();
        let attempt = stranger(at(1));
        let (taken, first) = until_refused(&limiter, &attempt);
        assert_eq!((taken, first.retry_after_s), (ALONE.free, 1));
        let (mut now, mut pauses) = (NOW, vec![first.retry_after_s]);
        for _ in 0..12 {
            now += i64::from(*pauses.last().unwrap()) * 1000;
            limiter.begin(&attempt, now).unwrap();
            let refused = limiter.begin(&attempt, now).unwrap_err();
            pauses.push(refused.retry_after_s);
        }
        assert!(pauses.is_sorted());
        assert_eq!(pauses[..4], [1, 2, 4, 8]);
        assert_eq!(pauses.last(), Some(&300));
        limiter.sweep(now + FORGET_MS);
        assert_eq!(limiter.remembered(), 0);
        limiter.begin(&attempt, now + FORGET_MS).unwrap();
    }

    #[test]
    fn a_refused_try_does_not_prolong_the_pause() {
        let limiter = LoginLimiter::default();
        let attempt = stranger(at(1));
        let (_, refused) = until_refused(&limiter, &attempt);
        for _ in 0..1000 {
            assert_eq!(limiter.begin(&attempt, NOW), Err(refused));
        }
        limiter.begin(&attempt, NOW + 1000).unwrap();
    }

    #[test]
    fn strangers_do_not_slow_down_who_is_known_or_at_this_machine() {
        let limiter = LoginLimiter::default();
        for number in 0..100 {
            // Whether it is accepted does not matter.
            let _ = limiter.begin(&stranger(at(number)), NOW);
        }
        assert!(limiter.begin(&stranger(at(999)), NOW).is_err());
        limiter
            .begin(&Attempt::login(ANN, at(1), true), NOW)
            .unwrap();
        limiter
            .begin(&stranger(ClientAddress::Machine), NOW)
            .unwrap();
        limiter.begin(&Attempt::in_session(UserNo(1)), NOW).unwrap();
        limiter
            .begin(&Attempt::login(Ok(UserNo(2)), at(999), false), NOW)
            .unwrap();
    }

    #[test]
    fn who_has_many_addresses_is_slowed_down_and_keeps_nobody_out_for_long() {
        let limiter = LoginLimiter::default();
        let taken = (0..100)
            .filter(|number| limiter.begin(&stranger(at(*number)), NOW).is_ok())
            .count();
        assert_eq!(taken, ACCOUNT.free as usize);
        let mut now = NOW;
        for number in 100..200 {
            now += 60_000;
            limiter.begin(&stranger(at(number)), now).unwrap();
        }
        let refused = limiter.begin(&stranger(at(200)), now).unwrap_err();
        assert_eq!(refused.retry_after_s, 30);
    }

    #[test]
    fn an_address_is_slowed_down_whatever_accounts_it_tries() {
        let limiter = LoginLimiter::default();
        let try_as = |number: u32, client| {
            let name = format!("user{number}");
            limiter.begin(&Attempt::login(Err(&name), client, false), NOW)
        };
        for number in 0..ADDRESS.free {
            try_as(number, at(1)).unwrap();
        }
        assert!(try_as(1000, at(1)).is_err());
        try_as(1000, at(2)).unwrap();
        for number in 0..1000 {
            // Through a proxy without client addresses, and on this machine, there is no such limit.
            try_as(number, ClientAddress::Proxy).unwrap();
            try_as(number, ClientAddress::Machine).unwrap();
        }
    }

    #[test]
    fn a_right_password_clears_the_account_here_and_no_other_count() {
        let limiter = LoginLimiter::default();
        let own = Attempt::login(Ok(UserNo(2)), at(1), true);
        for number in 0..ADDRESS.free {
            let name = format!("user{number}");
            let other = Attempt::login(Err(&name), at(1), false);
            limiter.begin(&other, NOW).unwrap();
            limiter.begin(&own, NOW).unwrap();
            limiter.succeeded(&own);
        }
        assert!(limiter.begin(&stranger(at(1)), NOW).is_err());
        let first = Attempt::login(ANN, at(2), false);
        for _ in 0..10 {
            limiter.begin(&first, NOW).unwrap();
            limiter.succeeded(&first);
        }
        limiter.begin(&first, NOW).unwrap();
        limiter.unchecked(&first);
        assert_eq!(until_refused(&limiter, &first).0, ALONE.free);
    }

    #[test]
    fn memory_is_bounded_whatever_is_tried() {
        let limiter = LoginLimiter::default();
        let numbers = ENTRIES_MAX as u32 / 2;
        let now = |number: u32| NOW + i64::from(number);
        let try_as = |number: u32| {
            let name = format!("user{number}");
            let attempt = Attempt::login(Err(&name), at(number), false);
            limiter.begin(&attempt, now(number))
        };
        let mut most = 0;
        for number in 0..numbers {
            try_as(number).unwrap();
            most = most.max(limiter.remembered());
        }
        assert!((ENTRIES_MAX - 3..=ENTRIES_MAX).contains(&most), "{most}");
        // The latest attempts are still remembered.
        let more = (0..ALONE.free).take_while(|_| try_as(numbers - 1).is_ok());
        assert_eq!(more.count(), ALONE.free as usize - 1);
    }
}
