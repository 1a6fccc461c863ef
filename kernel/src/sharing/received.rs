//! Channels offered by a peer: their limit, and which of them an admin has let go.

use crate::boundary::behaviour::Behaviour;
use crate::boundary::output::Refusal;
use crate::model::limits::{LINKS_PER_CHANNEL_MAX, RECEIVED_CHANNELS_MAX};
use crate::model::{Connection, Link, LinkEnd, PeerWorkspace};
use crate::rows::id::{ChannelNo, ConnectionNo, WorkspaceNo};
use crate::rows::tx::{Read, Tx};

/// Whether an admin here has ended the sharing of a channel that a peer had offered, over any of its
/// connections.
pub fn is_declined(tx: &Tx<'_>, channel: ChannelNo) -> bool {
    Behaviour::GuardedInvitations.is_in_force(tx)
        && links(tx, channel)
            .iter()
            .any(|(_, link)| link.is_declined())
}

/// Counts one more channel of a peer; returns whether the limit permits it.
pub fn take_place(tx: &mut Tx<'_>, workspace: WorkspaceNo) -> bool {
    if !Behaviour::GuardedInvitations.is_in_force(tx) {
        return true;
    }
    let Some(mut peer) = tx.get::<PeerWorkspace>(&workspace) else {
        return false;
    };
    if peer.channels >= RECEIVED_CHANNELS_MAX {
        return false;
    }
    peer.channels += 1;
    tx.put(&workspace, &peer);
    true
}

/// Called when an admin here ends a link: a channel that came over it no longer counts.
pub fn let_go(tx: &mut Tx<'_>, connection: ConnectionNo, link: &Link) {
    let has_place = !link.invited_by_us && link.end != Some(LinkEnd::Here);
    if !has_place || !Behaviour::GuardedInvitations.is_in_force(tx) {
        return;
    }
    let Some(row) = tx.get::<Connection>(&connection) else {
        return;
    };
    if let Some(mut peer) = tx.get::<PeerWorkspace>(&row.workspace) {
        peer.channels = peer.channels.saturating_sub(1);
        tx.put(&row.workspace, &peer);
    }
}

/// Allows the peer to offer a channel again that an admin here has let go.
///
/// # Errors
/// The peer's limit of channels is reached.
pub fn allow(tx: &mut Tx<'_>, channel: ChannelNo, workspace: WorkspaceNo) -> Result<(), Refusal> {
    if !take_place(tx, workspace) {
        return Err(Refusal::new(
            400,
            "causeway.channel.received_max.app_error",
            format!(
                "A workspace may have {RECEIVED_CHANNELS_MAX} of its channels here. End the sharing of \
                 another one first."
            ),
        ));
    }
    for (key, link) in links(tx, channel) {
        if link.is_declined() {
            tx.put(&key, &Link { end: None, ..link });
        }
    }
    Ok(())
}

fn links(tx: &Tx<'_>, channel: ChannelNo) -> Vec<((ChannelNo, ConnectionNo), Link)> {
    tx.prefix::<Link, _>(&channel, LINKS_PER_CHANNEL_MAX)
}
