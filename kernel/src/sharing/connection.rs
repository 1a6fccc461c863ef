//! Connections: which may be sent to, and the effects of pings and restores.

use crate::boundary::behaviour::Behaviour;
use crate::boundary::input::{Incarnation, PingAnswer};
use crate::boundary::output::Effect;
use crate::model::limits::{
    BACKOFF_FIRST_MS, CONNECTIONS_MAX, INVITATION_LIFE_MS, ONLINE_MS, RESEND_INTERVAL_MS,
};
use crate::model::{
    Connection, ConnectionState, Job, LastResend, MetaRow, PeerWorkspace, Pending, Suspended,
};
use crate::objects::remote_names;
use crate::rows::counters::{counters, workspace};
use crate::rows::due;
use crate::rows::id::{ChannelNo, ConnectionNo, FeedSeq, UserNo};
use crate::rows::jobs;
use crate::rows::retry::scattered_pause;
use crate::rows::tx::{Read, Tx};
use crate::sharing::{directory, feed, interruption};

/// Whether a connection counts as online: a ping of ours succeeded recently. Protocol §9.
#[must_use]
pub fn is_online(connection: &Connection, now_ms: i64) -> bool {
    connection.state == ConnectionState::Confirmed
        && connection.last_ping_at != 0
        && connection.last_ping_at > now_ms.saturating_sub(ONLINE_MS)
}

/// Whether the invitation of a pending connection has expired. Protocol §7.5.
#[must_use]
pub fn invitation_is_expired(connection: &Connection, now_ms: i64) -> bool {
    now_ms.saturating_sub(connection.create_at) > INVITATION_LIFE_MS
}

/// Whether a message may be sent to a connection now.
#[must_use]
pub fn may_send(connection: &Connection, now_ms: i64) -> bool {
    is_online(connection, now_ms) && connection.suspended.is_none() && connection.retry_at <= now_ms
}

/// A peer was not reached, or not understood: nothing is sent to it for a pause (W1). The caller stores the row.
pub fn failed(tx: &mut Tx<'_>, no: ConnectionNo, connection: &mut Connection) {
    connection.failures = connection.failures.saturating_add(1);
    let pause_ms = scattered_pause(tx, BACKOFF_FIRST_MS, connection.failures);
    connection.retry_at = tx.now_ms().saturating_add(pause_ms);
    due::send_at(tx, connection.retry_at, no);
}

/// Every connection, including removed ones.
pub fn all(rows: &(impl Read + ?Sized)) -> Vec<(ConnectionNo, Connection)> {
    rows.prefix::<Connection, ()>(&(), CONNECTIONS_MAX)
}

/// Processes the outcome of a ping of ours. A peer that answers can be sent to at once: a pause after
/// failures ends, the next one is short again, and everything pending is examined, whether the connection
/// counted as offline or not (W1).
pub fn ping(tx: &mut Tx<'_>, no: ConnectionNo, answer: Option<PingAnswer>) {
    let Some(answer) = answer else { return };
    let Some(mut connection) = tx.get::<Connection>(&no) else {
        return;
    };
    if connection.state != ConnectionState::Confirmed {
        return;
    }
    if !is_online(&connection, tx.now_ms()) {
        directory::offer(tx, no);
    }
    connection.last_ping_at = tx.now_ms();
    connection.retry_at = connection.retry_at.min(tx.now_ms());
    if connection.failures > 0 && Behaviour::PausesBeginAnew.is_in_force(tx) {
        connection.failures = 0;
    }
    // The answer to a ping sent before the restore would not contain the new incarnation.
    connection.suspended = None;
    if let Some(kind) = answer.kind {
        connection.kind = kind;
    }
    if let Some(incarnation) = answer.incarnation {
        met_incarnation(tx, no, &connection, incarnation);
    }
    tx.put(&no, &connection);
    interruption::contact(tx, no);
    tx.touched.insert(no);
}

/// A peer whose incarnation has changed was restored from an older copy: it may lack what our cursors passed,
/// so everything is sent again. Receivers ignore what they already have.
fn met_incarnation(
    tx: &mut Tx<'_>,
    no: ConnectionNo,
    connection: &Connection,
    incarnation: Incarnation,
) {
    let Some(mut peer) = tx.get::<PeerWorkspace>(&connection.workspace) else {
        return;
    };
    let earlier = peer.incarnation.replace(incarnation);
    if earlier == Some(incarnation) {
        return;
    }
    tx.put(&connection.workspace, &peer);
    if earlier.is_some() {
        resend(tx, no);
    }
}

/// Schedules sending everything to a peer again: now, or as soon as the minimum interval permits. One pending
/// resend is enough for all incarnations until then.
fn resend(tx: &mut Tx<'_>, no: ConnectionNo) {
    let now_ms = tx.now_ms();
    let mut at_ms = now_ms;
    if Behaviour::SpacedResends.is_in_force(tx) {
        if let Some(LastResend(last_ms)) = tx.get::<LastResend>(&no) {
            if last_ms > now_ms {
                return;
            }
            at_ms = at_ms.max(last_ms.saturating_add(RESEND_INTERVAL_MS));
        }
        tx.put(&no, &LastResend(at_ms));
    }
    let job = Job::Resend {
        connection: no,
        position: ChannelNo(0),
    };
    jobs::start_at(tx, at_ms, &job);
    if !Behaviour::OfferedWhenResent.is_in_force(tx) {
        directory::start_over(tx, no);
    }
}

/// This data directory was restored or cloned: a new incarnation begins. Nothing is sent until the peer has
/// seen it in a ping. Reactions that may already have been sent to a toggle peer are not sent again.
pub fn restored(tx: &mut Tx<'_>) {
    let Some(mut workspace) = workspace(tx) else {
        return;
    };
    workspace.incarnation = Incarnation {
        id: tx.new_id(),
        number: workspace.incarnation.number.saturating_add(1),
    };
    tx.put(&MetaRow::WORKSPACE, &MetaRow::Workspace(workspace));
    let unknown_reactions_to = FeedSeq(counters(tx).feed);
    for (no, mut connection) in all(tx) {
        if connection.state != ConnectionState::Confirmed {
            continue;
        }
        connection.suspended = Some(Suspended::Restored);
        connection.last_ping_at = 0;
        connection.unknown_reactions_to = unknown_reactions_to;
        tx.put(&no, &connection);
        tx.effect(Effect::Connection(no));
    }
    due::wake(tx);
}

/// Called when a handshake has succeeded: from now on changed profiles are sent over this connection.
pub fn begin(tx: &mut Tx<'_>, no: ConnectionNo, connection: &mut Connection) {
    connection.state = ConnectionState::Confirmed;
    connection.people_cursor = FeedSeq(counters(tx).feed);
    feed::mark(tx, no, Pending::PEOPLE, ChannelNo(0));
    remote_names::taken(tx, connection);
}

/// The user who represents the operator where a record needs a user: the first account.
pub const OPERATOR: UserNo = UserNo(1);
