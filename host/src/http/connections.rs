//! The open connections. A connection whose client has not authenticated is a stranger's: strangers are
//! limited in total and per place, and the one that has waited longest is dropped when another one comes. A
//! place that opens connections and stays silent thus shuts out only itself, and nobody who is known.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::visitor::Who;

/// Maximum connections, WebSockets included, unless the system gives fewer descriptors.
pub const CONNECTIONS_MAX: usize = 4096;
/// Maximum connections among them on which nobody has authenticated.
pub const STRANGERS_MAX: usize = 1024;
/// The same from one place.
pub const STRANGERS_OF_PLACE_MAX: usize = 128;
/// Maximum connections from one place, known ones included; a further one is closed.
pub const OF_PLACE_MAX: usize = 1024;
/// Maximum connections of one user or peer that count as known; further ones remain strangers'.
pub const KNOWN_OF_ONE_MAX: usize = 256;

/// Bits of an IPv6 address that belong to the network; its owner has all its addresses.
const NETWORK_MASK: u128 = !0 << 64;

/// Limits on the number of connections.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// See [`CONNECTIONS_MAX`].
    pub all: usize,
    /// See [`STRANGERS_MAX`].
    pub strangers: usize,
    /// See [`STRANGERS_OF_PLACE_MAX`].
    pub strangers_of_place: usize,
    /// See [`OF_PLACE_MAX`].
    pub of_place: usize,
    /// See [`KNOWN_OF_ONE_MAX`].
    pub known_of_one: usize,
}

impl Limits {
    /// The limits if there are descriptors for this many connections.
    #[must_use]
    pub fn within(descriptors: usize) -> Limits {
        let all = CONNECTIONS_MAX.min(descriptors);
        Limits {
            all,
            strangers: STRANGERS_MAX.min(all / 2),
            strangers_of_place: STRANGERS_OF_PLACE_MAX,
            of_place: OF_PLACE_MAX,
            known_of_one: KNOWN_OF_ONE_MAX,
        }
    }
}

/// Where a connection comes from: an IPv4 address or an IPv6 network.
type Network = IpAddr;

/// All connections of a service.
pub struct Connections {
    limits: Limits,
    /// Whether connections come from a reverse proxy, which represents many clients.
    proxied: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: u64,
    held: BTreeMap<u64, Held>,
    evicted: u64,
    refused: u64,
}

struct Held {
    /// `None` for places that many clients share: this machine, the reverse proxy.
    place: Option<Network>,
    who: Option<Who>,
    /// Requests in progress.
    busy: u32,
    /// Told to end, and no longer counted.
    leaving: bool,
    end: Arc<Notify>,
}

/// A connection's slot among the others, held until it is dropped.
pub struct Slot {
    connections: Arc<Connections>,
    number: u64,
    end: Arc<Notify>,
}

/// A request in progress on a connection.
pub struct Busy(Arc<Slot>);

/// Numbers of connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Connections of known clients.
    pub known: usize,
    /// Connections of strangers.
    pub strangers: usize,
    /// Strangers' connections ended to make room for others, ever.
    pub evicted: u64,
    /// Connections closed as soon as they were accepted, ever.
    pub refused: u64,
}

impl Connections {
    /// No connections yet. With `proxied`, places are not distinguished: all connections come from the
    /// reverse proxy, which has limits of its own.
    #[must_use]
    pub fn new(limits: Limits, proxied: bool) -> Arc<Connections> {
        Arc::new(Connections {
            limits,
            proxied,
            state: Mutex::default(),
        })
    }

    /// Opens a slot for a new connection; ends another one for it if there are too many. `None` if that is
    /// not possible.
    pub fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Arc<Slot>> {
        let place = self.place(address);
        let mut state = self.lock();
        if !state.make_room(place, &self.limits) {
            state.refused += 1;
            return None;
        }
        let number = state.next;
        state.next += 1;
        let end = Arc::<Notify>::default();
        let held = Held {
            place,
            who: None,
            busy: 0,
            leaving: false,
            end: Arc::clone(&end),
        };
        state.held.insert(number, held);
        Some(Arc::new(Slot {
            connections: Arc::clone(self),
            number,
            end,
        }))
    }

    /// The current numbers.
    pub fn totals(&self) -> Totals {
        let state = self.lock();
        let (known, strangers) = state
            .staying()
            .fold((0, 0), |(known, strangers), (_, held)| match held.who {
                Some(_) => (known + 1, strangers),
                None => (known, strangers + 1),
            });
        Totals {
            known,
            strangers,
            evicted: state.evicted,
            refused: state.refused,
        }
    }

    fn place(&self, address: IpAddr) -> Option<Network> {
        let address = address.to_canonical();
        if self.proxied || address.is_loopback() {
            return None;
        }
        Some(match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) & NETWORK_MASK).into(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every critical section leaves the state consistent, so a poisoned lock is still usable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Connections that were not told to end.
    fn staying(&self) -> impl Iterator<Item = (&u64, &Held)> {
        self.held.iter().filter(|(_, held)| !held.leaving)
    }

    /// Ends a stranger's connection if one more would be too many; false if there is none to end.
    fn make_room(&mut self, place: Option<Network>, limits: &Limits) -> bool {
        let (mut all, mut of_place) = (0, 0);
        let mut strangers: BTreeMap<Option<Network>, usize> = BTreeMap::new();
        for (_, held) in self.staying() {
            all += 1;
            of_place += usize::from(held.place == place);
            if held.who.is_none() {
                *strangers.entry(held.place).or_default() += 1;
            }
        }
        let own = strangers.get(&place).copied().unwrap_or(0);
        if place.is_some() && (of_place >= limits.of_place || own >= limits.strangers_of_place) {
            return self.evict(place);
        }
        if all < limits.all && strangers.values().sum::<usize>() < limits.strangers {
            return true;
        }
        let crowded = strangers.into_iter().max_by_key(|(_, count)| *count);
        crowded.is_some_and(|(place, _)| self.evict(place))
    }

    /// Ends the oldest stranger's connection from a place, preferably one without a request.
    fn evict(&mut self, place: Option<Network>) -> bool {
        let strangers = self
            .held
            .iter_mut()
            .filter(|(_, held)| held.place == place && held.who.is_none() && !held.leaving);
        let Some((_, held)) = strangers.min_by_key(|(number, held)| (held.busy > 0, **number))
        else {
            return false;
        };
        held.leaving = true;
        held.end.notify_one();
        self.evicted += 1;
        true
    }
}

impl Slot {
    /// Records who authenticated on this connection. The first one counts: behind a reverse proxy, requests
    /// of several people share a connection.
    pub fn know(&self, who: Who) {
        let mut state = self.connections.lock();
        let known = state.held.get(&self.number).and_then(|held| held.who);
        if known.is_some() {
            return;
        }
        let same = state.staying().filter(|(_, held)| held.who == Some(who));
        if same.count() >= self.connections.limits.known_of_one {
            return;
        }
        if let Some(held) = state.held.get_mut(&self.number) {
            held.who = Some(who);
        }
    }

    /// Whether nobody has authenticated yet.
    pub fn is_strangers(&self) -> bool {
        let state = self.connections.lock();
        let held = state.held.get(&self.number);
        held.is_none_or(|held| held.who.is_none())
    }

    /// Resolves when the connection has to end to make room for others.
    pub async fn evicted(&self) {
        let leaving = || {
            let state = self.connections.lock();
            state.held.get(&self.number).is_none_or(|held| held.leaving)
        };
        while !leaving() {
            self.end.notified().await;
        }
        // Wakes any other task that waits for it.
        self.end.notify_one();
    }

    /// Records the start of a request.
    pub fn begin(self: &Arc<Self>) -> Busy {
        self.busy(|busy| busy + 1);
        Busy(Arc::clone(self))
    }

    /// Whether a request is in progress.
    pub fn is_busy(&self) -> bool {
        let state = self.connections.lock();
        state
            .held
            .get(&self.number)
            .is_some_and(|held| held.busy > 0)
    }

    fn busy(&self, change: impl FnOnce(u32) -> u32) {
        let mut state = self.connections.lock();
        if let Some(held) = state.held.get_mut(&self.number) {
            held.busy = change(held.busy);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.connections.lock().held.remove(&self.number);
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy(|busy| busy.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use causeway_kernel::rows::id::UserNo;

    use super::*;

    const LIMITS: Limits = Limits {
        all: 8,
        strangers: 5,
        strangers_of_place: 3,
        of_place: 4,
        known_of_one: 2,
    };

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn open(connections: &Arc<Connections>, text: &str) -> Arc<Slot> {
        connections.admit(address(text)).unwrap()
    }

    fn is_leaving(slot: &Slot) -> bool {
        let state = slot.connections.lock();
        state.held[&slot.number].leaving
    }

    fn leaving(slots: &[Arc<Slot>]) -> Vec<bool> {
        slots.iter().map(|slot| is_leaving(slot)).collect()
    }

    fn user(number: u64) -> Who {
        Who::User(UserNo(number))
    }

    #[test]
    fn a_place_that_opens_too_many_shuts_out_itself() {
        let connections = Connections::new(LIMITS, false);
        let other = open(&connections, "192.0.2.2");
        let slots: Vec<_> = (0..5).map(|_| open(&connections, "192.0.2.1")).collect();
        assert_eq!(leaving(&slots), [true, true, false, false, false]);
        assert!(!is_leaving(&other));
        assert_eq!(connections.totals().strangers, 4);
        assert_eq!(connections.totals().evicted, 2);
    }

    #[test]
    fn strangers_give_way_in_the_place_with_most_of_them() {
        let connections = Connections::new(LIMITS, false);
        let machine: Vec<_> = (0..3).map(|_| open(&connections, "127.0.0.1")).collect();
        let _others = [
            open(&connections, "192.0.2.1"),
            open(&connections, "192.0.2.2"),
        ];
        let busy = machine[0].begin();
        let _new = open(&connections, "192.0.2.3");
        assert_eq!(leaving(&machine), [false, true, false], "the idle one goes");
        drop(busy);
        let _newer = open(&connections, "192.0.2.4");
        assert_eq!(connections.totals().strangers, 5);
    }

    #[test]
    fn who_is_known_stays() {
        let connections = Connections::new(LIMITS, false);
        let known: Vec<_> = (0..8)
            .map(|n| {
                let slot = open(&connections, "127.0.0.1");
                slot.know(user(n / 2));
                slot
            })
            .collect();
        assert!(connections.admit(address("192.0.2.1")).is_none());
        assert_eq!(leaving(&known), [false; 8]);
        let totals = connections.totals();
        assert_eq!((totals.known, totals.strangers, totals.refused), (8, 0, 1));
        drop(known);
        assert_eq!(connections.totals().known, 0);
    }

    #[test]
    fn one_user_is_known_on_some_connections_only() {
        let connections = Connections::new(LIMITS, false);
        let slots: Vec<_> = (0..3).map(|_| open(&connections, "127.0.0.1")).collect();
        for slot in &slots {
            slot.know(user(1));
            slot.know(user(1));
        }
        let strangers: Vec<bool> = slots.iter().map(|slot| slot.is_strangers()).collect();
        assert_eq!(strangers, [false, false, true]);
    }

    #[test]
    fn a_place_has_a_limit_for_who_is_known_too() {
        let connections = Connections::new(LIMITS, false);
        let _known: Vec<_> = (0..4)
            .map(|n| {
                let slot = open(&connections, "192.0.2.1");
                slot.know(user(n));
                slot
            })
            .collect();
        assert!(connections.admit(address("192.0.2.1")).is_none());
        assert!(connections.admit(address("192.0.2.2")).is_some());
    }

    #[test]
    fn an_ipv6_network_is_one_place_and_a_proxy_none() {
        let connections = Connections::new(LIMITS, false);
        let place = |text| connections.place(address(text));
        assert_eq!(place("2001:db8::1"), place("2001:db8::ffff:1"));
        assert_ne!(place("2001:db8::1"), place("2001:db8:0:1::1"));
        assert_eq!(place("::ffff:192.0.2.1"), place("192.0.2.1"));
        assert_eq!((place("::1"), place("127.0.0.9")), (None, None));
        let proxied = Connections::new(LIMITS, true);
        assert_eq!(proxied.place(address("192.0.2.1")), None);
    }

    #[tokio::test]
    async fn who_has_to_go_is_told() {
        let connections = Connections::new(LIMITS, false);
        let slots: Vec<_> = (0..4).map(|_| open(&connections, "192.0.2.1")).collect();
        slots[0].evicted().await;
        slots[0].evicted().await;
    }
}
