//! Pings, which determine whether a connection counts as online. Protocol §9.
//!
//! Every confirmed connection is pinged once per period, all at the same time, so that a slow peer delays
//! nobody; connections with an uncertain confirmation are settled in the same rounds. A peer that does not
//! answer is pinged again within a second, then less and less often, and at once when it calls us. What waits
//! for a peer is sent when it answers, so nothing waits for a round.

use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use causeway_kernel::boundary::input::{Incarnation, Input, PingAnswer};
use causeway_kernel::model::limits::BACKOFF_FIRST_MS;
use causeway_kernel::model::{Connection, ConnectionState, PeerKind, PeerWorkspace};
use causeway_kernel::rows::id::{ConnectionNo, Id};
use causeway_kernel::rows::retry;
use causeway_kernel::rows::tx::Read;
use causeway_kernel::sharing::connection;
use causeway_kernel::wire::frame::{self, Ping, TOPIC_PING};
use causeway_kernel::wire::json::Document;
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior};

use super::client::{Call, Payload, incarnation_of};
use super::reach::{self, Trouble, What};
use super::{Federation, SiteUrl, handshake, live_state, lock};
use crate::http::client::{CallError, Response};
use crate::vault::{Secret, new_id, random};

/// Path of pings.
const PING_PATH: &str = "/api/v4/remotecluster/ping";
/// Names the version of the answering server.
const VERSION_HEADER: &str = "x-version-id";
/// How often to look for connections that no longer count as online although nothing tried to reach them: the
/// machine slept, or its clock was set.
const LOOK: Duration = Duration::from_secs(1);

/// State of a connection's pings in this process.
#[derive(Default)]
pub(super) struct PingState {
    /// Whether a ping is in progress, or will follow after a pause because the last ones failed.
    running: bool,
    /// Ends the pause. If notified during a ping, another one follows, as that one was sent before the news.
    again: Arc<Notify>,
    /// Consecutive failed pings.
    failures: u32,
    /// The incarnation because of which the peer was pinged since its last turn. Once is enough: two
    /// workspaces that cannot record the answer would ping each other forever.
    asked: Option<Incarnation>,
    /// Whether the peer was pinged because it called us, since it last answered or had its turn. Once is
    /// enough here as well.
    heard: bool,
}

/// Why a connection is pinged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Because {
    /// Its turn has come.
    Turn,
    /// It no longer counts as online.
    Offline,
    /// Something changed here: the answer to an earlier ping is not enough.
    Changed,
    /// The peer reported this incarnation: likewise.
    Told(Incarnation),
    /// The peer called us, so it is reachable.
    Heard,
}

/// Runs rounds of pings until the service stops.
pub(super) async fn run(federation: &Federation) {
    let mut stop = federation.stopping();
    let mut rounds = tokio::time::interval(federation.settings().ping_period());
    let mut looks = tokio::time::interval(LOOK);
    // A host that slept pings once, not once per period that it slept through.
    for clock in [&mut rounds, &mut looks] {
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    loop {
        let because = tokio::select! {
            _ = rounds.tick() => Because::Turn,
            _ = looks.tick() => Because::Offline,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let now_ms = federation.inner.engine.now_ms();
        let is_offline = |row: &Connection| {
            row.state == ConnectionState::Confirmed && !connection::is_online(row, now_ms)
        };
        for (connection, row) in live_connections(federation) {
            if because == Because::Turn || is_offline(&row) {
                begin(federation, connection, because);
            }
        }
    }
}

/// Pings every connection now.
pub(super) fn all_at_once(federation: &Federation) {
    for (connection, _) in live_connections(federation) {
        begin(federation, connection, Because::Changed);
    }
}

/// Pings a connection now if it was never pinged; afterwards the rounds do.
pub(super) fn at_once(federation: &Federation, connection: ConnectionNo) {
    let Some((row, state)) = federation.connection(connection) else {
        return;
    };
    let seen = lock(&federation.inner.pings).contains_key(&connection);
    if state == ConnectionState::Confirmed && (row.last_ping_at == 0 || !seen) {
        begin(federation, connection, Because::Changed);
    }
}

/// A Causeway pinged us and named its incarnation. If it is new, the peer is pinged at once: until the
/// workspace knows, a restored peer may lack what was sent to it before.
pub(super) fn met(federation: &Federation, connection: ConnectionNo, told: Incarnation) {
    if is_another(federation, connection, told) {
        begin(federation, connection, Because::Told(told));
    }
}

/// A peer called us. If sends to it are pausing because it seemed unreachable, it is pinged at once.
pub(super) fn heard(federation: &Federation, connection: ConnectionNo) {
    let Some((row, ConnectionState::Confirmed)) = federation.connection(connection) else {
        return;
    };
    if !connection::may_send(&row, federation.inner.engine.now_ms()) {
        begin(federation, connection, Because::Heard);
    }
}

/// Whether an incarnation differs from the one that the workspace knows from the peer's last ping.
pub(super) fn is_another(
    federation: &Federation,
    connection: ConnectionNo,
    told: Incarnation,
) -> bool {
    let Some((row, ConnectionState::Confirmed)) = federation.connection(connection) else {
        return false;
    };
    let peer = federation.snapshot().get::<PeerWorkspace>(&row.workspace);
    peer.is_some_and(|peer| peer.incarnation != Some(told))
}

fn live_connections(federation: &Federation) -> Vec<(ConnectionNo, Connection)> {
    let live = |row: &Connection| {
        let state = live_state(row);
        matches!(
            state,
            Some(ConnectionState::Confirmed | ConnectionState::Confirming)
        )
    };
    let mut rows = connection::all(&federation.snapshot());
    rows.retain(|(_, row)| live(row));
    rows
}

/// Starts a ping of a connection; if one is in progress, news makes another one follow.
fn begin(federation: &Federation, connection: ConnectionNo, because: Because) {
    if !federation.is_enabled() {
        return;
    }
    let again = {
        let mut pings = lock(&federation.inner.pings);
        let state = pings.entry(connection).or_default();
        match because {
            Because::Turn => (state.asked, state.heard) = (None, false),
            Because::Offline | Because::Changed => {}
            Because::Told(told) if state.asked == Some(told) => return,
            Because::Told(told) => state.asked = Some(told),
            Because::Heard if state.heard => return,
            Because::Heard => state.heard = true,
        }
        if state.running {
            if !matches!(because, Because::Turn | Because::Offline) {
                state.again.notify_one();
            }
            return;
        }
        state.running = true;
        Arc::clone(&state.again)
    };
    let federation = federation.clone();
    federation.clone().spawn(async move {
        let mut stop = federation.stopping();
        loop {
            let answered = turn(&federation, connection).await;
            let Some(pause) = pause_before_next(&federation, connection, answered) else {
                return;
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = again.notified() => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    });
}

/// Whether no ping of a connection is in progress, nor will one follow.
#[cfg(test)]
pub(super) fn is_at_rest(federation: &Federation, connection: ConnectionNo) -> bool {
    let pings = lock(&federation.inner.pings);
    pings.get(&connection).is_none_or(|state| !state.running)
}

/// The pause before a connection is pinged again; `None` if it answered and no further ping is needed.
fn pause_before_next(
    federation: &Federation,
    connection: ConnectionNo,
    answered: bool,
) -> Option<Duration> {
    let mut pings = lock(&federation.inner.pings);
    let state = pings.get_mut(&connection)?;
    if answered {
        (state.failures, state.heard) = (0, false);
    } else {
        state.failures = state.failures.saturating_add(1);
    }
    if std::pin::pin!(state.again.notified()).enable() {
        return Some(Duration::ZERO);
    }
    state.running = !answered;
    let longest = federation.settings().ping_period();
    (!answered).then(|| scattered_pause(state.failures).min(longest))
}

/// The pause after this many consecutive failures: the workspace's own, half of it random, so that many that
/// failed together do not return together.
fn scattered_pause(failures: u32) -> Duration {
    let half = u64::try_from(retry::pause(BACKOFF_FIRST_MS, failures) / 2).unwrap_or(0);
    let chance = random::<8>().map_or(0, u64::from_be_bytes);
    Duration::from_millis(half + chance % (half + 1))
}

/// Whether the peer answered and the workspace has recorded it.
async fn turn(federation: &Federation, connection: ConnectionNo) -> bool {
    // Nobody is called; once that has changed, everybody is pinged.
    if !federation.is_enabled() {
        return true;
    }
    if let Some((_, ConnectionState::Confirming)) = federation.connection(connection)
        && let Err(error) = handshake::settle(federation, connection).await
    {
        tracing::warn!(%error, "an uncertain confirmation could not be settled");
    }
    match federation.connection(connection) {
        // If it was settled successfully, the ping that shows the peer as online follows at once.
        Some((row, ConnectionState::Confirmed)) => ping(federation, connection, &row).await,
        Some((_, ConnectionState::Confirming)) => false,
        // There is nobody to ping.
        _ => true,
    }
}

/// A failed ping is not an input: the workspace judges by the time of the last one that succeeded.
async fn ping(federation: &Federation, connection: ConnectionNo, row: &Connection) -> bool {
    let asked = ask(federation, row).await;
    federation.inner.counters.count_ping(asked.is_ok());
    let (answer, trouble) = match asked {
        Ok(answer) => (Some(answer), None),
        Err(trouble) => (None, Some(trouble)),
    };
    reach::note(federation, (connection, row), What::Pings, trouble);
    if answer.is_none() {
        return false;
    }
    let taken = federation.submit(Input::Ping { connection, answer }).await;
    if let Err(error) = &taken {
        tracing::debug!(%error, "the workspace could not record the answer to a ping");
    }
    taken.is_ok()
}

/// Pings a peer; only a well-formed answer counts.
async fn ask(federation: &Federation, row: &Connection) -> Result<PingAnswer, Trouble> {
    let tokens = federation.in_force(row.remote_id, ConnectionState::Confirmed);
    let token = tokens.ok().flatten().and_then(|it| it.remote_token);
    let token = token.ok_or(Trouble::Unusable("token"))?;
    let site_url = SiteUrl::parse(&row.site_url).ok_or(Trouble::Unusable("address"))?;
    let sent_at_ms = federation.inner.engine.now_ms();
    let begun = Instant::now();
    let answer = call(federation, row.remote_id, &site_url, &token).await?;
    let took = begun.elapsed();
    if answer.status != 200 {
        return Err(Trouble::Status(answer.status));
    }
    let document = Document::parse(&answer.body).map_err(|_| Trouble::Foreign)?;
    let pong = Ping::decode(document.root()).map_err(|_| Trouble::Foreign)?;
    note_skew(row, sent_at_ms, pong.recv_at, took);
    let incarnation = incarnation_of(&answer.headers);
    let kind = match incarnation {
        Some(_) => Some(PeerKind::Causeway),
        None => kind_of_server(&answer.headers),
    };
    Ok(PingAnswer {
        sent_at_ms,
        recv_at_ms: pong.recv_at,
        kind,
        incarnation,
    })
}

/// Sends one ping and returns what came back.
pub(super) async fn call(
    federation: &Federation,
    remote_id: Id,
    site_url: &SiteUrl,
    token: &Secret,
) -> Result<Response, CallError> {
    let now_ms = federation.inner.engine.now_ms();
    let payload = Ping {
        sent_at: now_ms,
        recv_at: 0,
    }
    .encode();
    let id = new_id().map_err(|error| CallError::NeverLeft(error.to_string()))?;
    let call = Call {
        site_url,
        path: PING_PATH,
        remote_id,
        token,
        incarnation: federation.incarnation(),
        own_site_url: federation.own_site_url(),
        body: Payload::Frame(frame::encode(remote_id, id, TOPIC_PING, now_ms, &payload)),
        timeout: federation.settings().ping_timeout(),
    };
    federation.inner.client.post(call).await
}

/// A Mattermost reports its version with every response, so an upgrade is noticed. Versions between the
/// generations whose behaviour is known allow no conclusion.
fn kind_of_server(headers: &HeaderMap) -> Option<PeerKind> {
    let text = headers.get(VERSION_HEADER)?.to_str().ok()?;
    match text.split('.').next()?.parse::<u32>().ok()? {
        5 => Some(PeerKind::Mattermost2021),
        10.. => Some(PeerKind::Mattermost11),
        _ => None,
    }
}

/// A larger difference between clocks is logged, as posts are dated by their origin.
const SKEW_TOLERATED: Duration = Duration::from_secs(60);

fn note_skew(row: &Connection, sent_at_ms: i64, recv_at_ms: i64, took: Duration) {
    let skew = recv_at_ms.saturating_sub(sent_at_ms).unsigned_abs();
    if Duration::from_millis(skew) > took + SKEW_TOLERATED {
        tracing::debug!(
            name = row.name,
            skew_ms = skew,
            "the peer's clock differs from ours"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_known_by_the_version_they_say() {
        let kind = |version: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(VERSION_HEADER, version.parse().unwrap());
            kind_of_server(&headers)
        };
        assert_eq!(
            kind("5.37.0.dev.4e8af8b2f6a1.true"),
            Some(PeerKind::Mattermost2021)
        );
        assert_eq!(
            kind("11.6.0..2fdc7e2887728b2d.true"),
            Some(PeerKind::Mattermost11)
        );
        assert_eq!(kind("9.8.1.x"), None);
        assert_eq!(kind("x"), None);
        assert_eq!(kind_of_server(&HeaderMap::new()), None);
    }
}
