//! Pings, by which a connection counts as online. Protocol §9.
//!
//! Every confirmed connection is pinged once a period, all at the same time, so that a slow peer
//! delays nobody; connections whose confirmation is uncertain are settled by the same clock.

use std::time::Duration;

use axum::http::HeaderMap;
use causeway_kernel::boundary::input::{Incarnation, Input, PingAnswer};
use causeway_kernel::model::{Connection, ConnectionState, PeerKind, PeerWorkspace};
use causeway_kernel::rows::id::{ConnectionNo, Id};
use causeway_kernel::rows::tx::Read;
use causeway_kernel::sharing::connection;
use causeway_kernel::wire::frame::{self, Ping, TOPIC_PING};
use causeway_kernel::wire::json::Document;
use tokio::time::{Instant, MissedTickBehavior};

use super::client::{Answer, Call, CallError, incarnation_of};
use super::{Federation, SiteUrl, handshake, live_state, lock};
use crate::vault::{Secret, new_id};

/// Path of pings.
const PING_PATH: &str = "/api/v4/remotecluster/ping";
/// Tells which server answers.
const VERSION_HEADER: &str = "x-version-id";

/// What is known of a connection's pings in this process.
#[derive(Default)]
pub(super) struct PingState {
    /// Whether one is on its way.
    running: bool,
    /// Whether the peer is to be asked once more behind it: it was sent before there was news.
    again: bool,
    /// The incarnation because of which the peer was asked since its last turn. Once is enough: two
    /// workspaces that cannot take the answer would ask each other for ever.
    asked: Option<Incarnation>,
}

/// Why a connection is pinged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Because {
    /// Its turn has come.
    Turn,
    /// Something changed here: the answer to a ping sent before that will not do.
    Changed,
    /// The peer told that it is this incarnation: the same.
    Told(Incarnation),
}

/// Rounds of pings until the service stops.
pub(super) async fn run(federation: &Federation) {
    let mut stop = federation.stopping();
    let mut clock = tokio::time::interval(federation.settings().ping_period());
    // A host that slept pings once, not once for each period that it slept through.
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = clock.tick() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        for connection in live_connections(federation) {
            begin(federation, connection, Because::Turn);
        }
    }
}

/// Pings a connection now if that was never done; afterwards its turn comes with the rounds.
pub(super) fn at_once(federation: &Federation, connection: ConnectionNo) {
    let Some((row, state)) = federation.connection(connection) else {
        return;
    };
    let seen = lock(&federation.inner.pings).contains_key(&connection);
    if state == ConnectionState::Confirmed && (row.last_ping_at == 0 || !seen) {
        begin(federation, connection, Because::Changed);
    }
}

/// A Causeway pinged us and named an incarnation of its own. If that is news, it is asked at once:
/// until the workspace knows, a restored peer may lack what was sent to it before.
pub(super) fn met(federation: &Federation, connection: ConnectionNo, told: Incarnation) {
    if is_another(federation, connection, told) {
        begin(federation, connection, Because::Told(told));
    }
}

/// Whether an incarnation is another one than the workspace knows from the peer's last ping.
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

fn live_connections(federation: &Federation) -> Vec<ConnectionNo> {
    let live = |row: &Connection| {
        let state = live_state(row);
        matches!(
            state,
            Some(ConnectionState::Confirmed | ConnectionState::Confirming)
        )
    };
    let rows = connection::all(&federation.snapshot());
    rows.into_iter()
        .filter(|(_, row)| live(row))
        .map(|(no, _)| no)
        .collect()
}

/// Starts the ping of a connection; if one is on its way, news have it followed by another.
fn begin(federation: &Federation, connection: ConnectionNo, because: Because) {
    {
        let mut pings = lock(&federation.inner.pings);
        let state = pings.entry(connection).or_default();
        let asked = match because {
            Because::Turn => None,
            Because::Changed => state.asked,
            Because::Told(told) if state.asked == Some(told) => return,
            Because::Told(told) => Some(told),
        };
        state.asked = asked;
        if state.running {
            state.again |= because != Because::Turn;
            return;
        }
        state.running = true;
    }
    let federation = federation.clone();
    federation.clone().spawn(async move {
        loop {
            turn(&federation, connection).await;
            if !goes_on(&federation, connection) {
                return;
            }
        }
    });
}

/// Whether no ping of a connection is on its way, nor will one follow.
#[cfg(test)]
pub(super) fn is_at_rest(federation: &Federation, connection: ConnectionNo) -> bool {
    let pings = lock(&federation.inner.pings);
    pings.get(&connection).is_none_or(|state| !state.running)
}

/// Whether a connection is to be pinged once more; if not, its ping has ended.
fn goes_on(federation: &Federation, connection: ConnectionNo) -> bool {
    let mut pings = lock(&federation.inner.pings);
    let Some(state) = pings.get_mut(&connection) else {
        return false;
    };
    state.running = state.again;
    std::mem::take(&mut state.again)
}

async fn turn(federation: &Federation, connection: ConnectionNo) {
    match federation.connection(connection) {
        Some((_, ConnectionState::Confirming)) => {
            if let Err(error) = handshake::settle(federation, connection).await {
                tracing::warn!(%error, "an uncertain confirmation could not be settled");
            }
            // If it was settled well, the ping that shows the peer as online follows at once.
            if let Some((row, ConnectionState::Confirmed)) = federation.connection(connection) {
                ping(federation, connection, &row).await;
            }
        }
        Some((row, ConnectionState::Confirmed)) => ping(federation, connection, &row).await,
        _ => {}
    }
}

/// A failed ping is no input: the workspace judges by the time of the last one that succeeded.
async fn ping(federation: &Federation, connection: ConnectionNo, row: &Connection) {
    let answer = ask(federation, row).await;
    federation.inner.counters.count_ping(answer.is_some());
    let Some(answer) = answer else { return };
    let input = Input::Ping {
        connection,
        answer: Some(answer),
    };
    if let Err(error) = federation.submit(input).await {
        tracing::debug!(%error, "the workspace could not take the answer to a ping");
    }
}

/// Pings a peer. `None` when it did not answer as it should.
async fn ask(federation: &Federation, row: &Connection) -> Option<PingAnswer> {
    let tokens = federation
        .in_force(row.remote_id, ConnectionState::Confirmed)
        .ok()??;
    let site_url = SiteUrl::parse(&row.site_url)?;
    let sent_at_ms = federation.inner.engine.now_ms();
    let begun = Instant::now();
    let answer = call(federation, row.remote_id, &site_url, &tokens.remote_token?).await;
    let took = begun.elapsed();
    let answer = match answer {
        Ok(answer) if answer.status == 200 => answer,
        Ok(answer) => {
            tracing::debug!(
                name = row.name,
                status = answer.status,
                "a ping was refused"
            );
            return None;
        }
        Err(error) => {
            tracing::debug!(name = row.name, %error, "a ping was not answered");
            return None;
        }
    };
    let document = Document::parse(&answer.body).ok()?;
    let pong = Ping::decode(document.root()).ok()?;
    note_skew(row, sent_at_ms, pong.recv_at, took);
    let incarnation = incarnation_of(&answer.headers);
    let kind = match incarnation {
        Some(_) => Some(PeerKind::Causeway),
        None => kind_of_server(&answer.headers),
    };
    Some(PingAnswer {
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
) -> Result<Answer, CallError> {
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
        body: frame::encode(remote_id, id, TOPIC_PING, now_ms, &payload),
        timeout: federation.settings().ping_timeout(),
    };
    federation.inner.client.post(call).await
}

/// A Mattermost says its version with every answer, so one that was upgraded is noticed. Between
/// the generations whose behaviour is known nothing is concluded.
fn kind_of_server(headers: &HeaderMap) -> Option<PeerKind> {
    let text = headers.get(VERSION_HEADER)?.to_str().ok()?;
    match text.split('.').next()?.parse::<u32>().ok()? {
        5 => Some(PeerKind::Mattermost2021),
        10.. => Some(PeerKind::Mattermost11),
        _ => None,
    }
}

/// Clocks that differ by more than this are worth a line, as posts are dated by their origin.
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
