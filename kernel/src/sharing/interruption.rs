//! Interruptions: if a peer is not reached for a while, a message tells the members of every channel that is
//! shared with it, and another one that contact is restored. The product documentation promises both; the
//! reference has neither (W51).
//!
//! One due row for each connection waits for the time at which its silence would be long enough, and moves on
//! if there was contact meanwhile. A service that did not run was not in contact either, so its own silence
//! is not counted: the time begins anew when it starts.

use super::jobs::links_after;
use super::notice::{self, State};
use super::{connection, display_name};
use crate::boundary::behaviour::Behaviour;
use crate::boundary::env::Rows;
use crate::model::{Connection, ConnectionState, DueKind, Interruption, Job, Link, LinkState};
use crate::rows::counters::connected_workspaces;
use crate::rows::due;
use crate::rows::id::{ChannelNo, ConnectionNo};
use crate::rows::jobs;
use crate::rows::tx::{Read, Tx};

/// A peer answered a ping: its silence begins anew, and if the members were told of one, they are told that
/// it is over.
pub fn contact(tx: &mut Tx<'_>, no: ConnectionNo) {
    if !Behaviour::Interruptions.is_in_force(tx) {
        return;
    }
    let known = tx.get::<Interruption>(&no);
    if known.as_ref().is_some_and(|it| !it.told) {
        return;
    }
    if known.is_some() {
        tell(tx, no, true);
    }
    watch(tx, no);
}

/// The service started, or the time to wait was changed: what counts as silence begins now.
pub fn begin_anew(tx: &mut Tx<'_>) {
    if !Behaviour::Interruptions.is_in_force(tx) {
        return;
    }
    for (no, row) in connection::all(tx) {
        let known = tx.get::<Interruption>(&no);
        let is_told = known.is_some_and(|it| it.told);
        if row.state == ConnectionState::Confirmed && row.last_ping_at != 0 && !is_told {
            watch(tx, no);
        }
    }
}

/// Watches for silence from now on.
fn watch(tx: &mut Tx<'_>, no: ConnectionNo) {
    let since_ms = tx.now_ms();
    look_after(tx, no, since_ms, since_ms);
}

fn look_after(tx: &mut Tx<'_>, no: ConnectionNo, since_ms: i64, contact_ms: i64) {
    let at_ms = contact_ms.saturating_add(connected_workspaces(tx).interruption_ms);
    let row = Interruption {
        since_ms,
        at_ms,
        told: false,
    };
    tx.put(&no, &row);
    due::at(tx, at_ms, DueKind::Interruption(no));
}

/// The silence of a peer may have lasted long enough.
pub fn look(tx: &mut Tx<'_>, no: ConnectionNo) {
    let Some(row) = tx.get::<Interruption>(&no) else {
        return;
    };
    // Another due row follows if the time was moved.
    if row.told || tx.now_ms() < row.at_ms {
        return;
    }
    let connection = tx.get::<Connection>(&no);
    let live = connection.filter(|it| it.state == ConnectionState::Confirmed);
    let Some(connection) = live else { return };
    let contact_ms = connection.last_ping_at.max(row.since_ms);
    let silent_ms = tx.now_ms().saturating_sub(contact_ms);
    if silent_ms < connected_workspaces(tx).interruption_ms {
        return look_after(tx, no, row.since_ms, contact_ms);
    }
    tx.put(&no, &Interruption { told: true, ..row });
    tell(tx, no, false);
}

fn tell(tx: &mut Tx<'_>, connection: ConnectionNo, over: bool) {
    jobs::start(
        tx,
        Job::TellInterruption {
            connection,
            over,
            position: ChannelNo(0),
        },
    );
}

/// Carries out a portion of [`Job::TellInterruption`]; returns the continued job, if any.
pub fn tell_channels(
    tx: &mut Tx<'_>,
    connection: ConnectionNo,
    over: bool,
    position: ChannelNo,
) -> Option<Job> {
    let channels = links_after(tx, connection, position);
    let last = channels.last().copied()?;
    let name = display_name(tx, connection);
    for channel in channels {
        let link = tx.get::<Link>(&(channel, connection));
        // In an archived channel nobody writes.
        let is_open = tx.channel(channel).is_some_and(|row| row.delete_at == 0);
        if let Some(link) = link.filter(|link| link.state == LinkState::Active && is_open) {
            let (state, text) = message(&name, over);
            notice::post(tx, channel, link.creator, (state, Some(&name)), text);
        }
    }
    Some(Job::TellInterruption {
        connection,
        over,
        position: last,
    })
}

fn message(name: &str, over: bool) -> (State, String) {
    if over {
        let text = format!(
            "Contact with `{name}` is restored. What was written here and there meanwhile is delivered now."
        );
        (State::Restored, text)
    } else {
        let text = format!(
            "`{name}` cannot be reached. What is written here is delivered once contact is restored."
        );
        (State::Interrupted, text)
    }
}
