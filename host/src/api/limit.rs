//! How often a password may be tried: by account and by address. Client API §3.1.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Wrong passwords for one account within [`WINDOW`]; further tries are refused unchecked.
const FAILURES_PER_ACCOUNT: u32 = 10;
/// Wrong passwords from one address within [`WINDOW`]; further tries are refused unchecked.
const FAILURES_PER_ADDRESS: u32 = 60;
/// After this time without a failure everything is forgotten.
const WINDOW: Duration = Duration::from_secs(300);
/// Accounts and addresses remembered; beyond that the oldest ones are forgotten.
const ENTRIES_MAX: usize = 20_000;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Account(String),
    Address(IpAddr),
}

struct Entry {
    failures: u32,
    last: Instant,
}

/// Counts wrong passwords.
#[derive(Default)]
pub struct LoginLimiter {
    entries: Mutex<BTreeMap<Key, Entry>>,
}

impl LoginLimiter {
    /// Whether a password for this account (in lower case) may be tried from this address.
    pub fn allows(&self, account: &str, address: Option<IpAddr>) -> bool {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let failures = |key: &Key| {
            entries
                .get(key)
                .filter(|entry| entry.last.elapsed() < WINDOW)
                .map_or(0, |e| e.failures)
        };
        failures(&Key::Account(account.to_string())) < FAILURES_PER_ACCOUNT
            && address.is_none_or(|address| failures(&Key::Address(address)) < FAILURES_PER_ADDRESS)
    }

    /// A password was wrong.
    pub fn failed(&self, account: &str, address: Option<IpAddr>) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= ENTRIES_MAX {
            make_room(&mut entries);
        }
        let keys = [
            Some(Key::Account(account.to_string())),
            address.map(Key::Address),
        ];
        for key in keys.into_iter().flatten() {
            let now = Instant::now();
            let entry = entries.entry(key).or_insert(Entry {
                failures: 0,
                last: now,
            });
            if entry.last.elapsed() >= WINDOW {
                entry.failures = 0;
            }
            entry.failures = entry.failures.saturating_add(1);
            entry.last = now;
        }
    }

    /// A password was right: the account's failures are forgotten, the address's are not.
    pub fn succeeded(&self, account: &str) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.remove(&Key::Account(account.to_string()));
    }
}

fn make_room(entries: &mut BTreeMap<Key, Entry>) {
    entries.retain(|_, entry| entry.last.elapsed() < WINDOW);
    if entries.len() < ENTRIES_MAX {
        return;
    }
    let mut times: Vec<Instant> = entries.values().map(|entry| entry.last).collect();
    times.sort_unstable();
    if let Some(middle) = times.get(times.len() / 2).copied() {
        entries.retain(|_, entry| entry.last > middle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_closed_after_too_many_failures_and_opened_by_a_success() {
        let limiter = LoginLimiter::default();
        for _ in 0..FAILURES_PER_ACCOUNT {
            assert!(limiter.allows("anna", None));
            limiter.failed("anna", None);
        }
        assert!(!limiter.allows("anna", None));
        assert!(limiter.allows("bert", None));
        limiter.succeeded("anna");
        assert!(limiter.allows("anna", None));
    }

    #[test]
    fn an_address_is_closed_whatever_accounts_it_tries() {
        let limiter = LoginLimiter::default();
        let address = Some(IpAddr::from([192, 0, 2, 1]));
        for n in 0..FAILURES_PER_ADDRESS {
            limiter.failed(&format!("user{n}"), address);
        }
        assert!(!limiter.allows("somebody", address));
        assert!(limiter.allows("somebody", Some(IpAddr::from([192, 0, 2, 2]))));
    }

    #[test]
    fn memory_is_bounded() {
        let limiter = LoginLimiter::default();
        for n in 0..ENTRIES_MAX + 100 {
            limiter.failed(&format!("user{n}"), None);
        }
        assert!(limiter.entries.lock().unwrap().len() <= ENTRIES_MAX);
    }
}
