//! File descriptors: enough for clients, the journal, the tables and the connections to peers.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::connections::CONNECTIONS_MAX;

/// Descriptors reserved from client connections: for journal, tables, vault, exports, connections to peers.
/// If the system gives few, half of them are reserved.
const RESERVED: u64 = 2_048;

/// Asks the system for as many descriptors as the service uses; returns how many of them client connections
/// may take.
#[must_use]
pub fn for_clients() -> usize {
    let limits = getrlimit(Resource::Nofile);
    let wanted = CONNECTIONS_MAX as u64 + RESERVED;
    let possible = limits.maximum.map_or(wanted, |most| most.min(wanted));
    let mut given = limits.current.unwrap_or(wanted);
    if given < possible {
        let raised = Rlimit {
            current: Some(possible),
            maximum: limits.maximum,
        };
        match setrlimit(Resource::Nofile, raised) {
            Ok(()) => given = possible,
            Err(error) => tracing::warn!(%error, "raising the file descriptor limit failed"),
        }
    }
    let clients = given - RESERVED.min(given / 2);
    if clients < CONNECTIONS_MAX as u64 {
        tracing::warn!(
            descriptors = given,
            clients,
            "the system allows few file descriptors, so fewer clients are served at once"
        );
    }
    usize::try_from(clients).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_leave_descriptors_for_everything_else() {
        let clients = for_clients() as u64;
        let given = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        assert!(clients > 0 && clients <= given / 2 || clients + RESERVED <= given);
    }
}
