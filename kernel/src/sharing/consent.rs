//! Whether an administrator here agrees to a channel that a peer offers: a setting of the connection says whether
//! that is asked. What was offered waits in a row until it is answered.

use crate::boundary::output::{Effect, Event, Refusal};
use crate::command::DEFAULT_CHANNEL;
use crate::model::limits::{
    CHANNEL_INVITATIONS_MAX, CHANNEL_INVITATIONS_SAME_MS, CHANNEL_INVITATIONS_TOLD_MAX,
};
use crate::model::{
    ChannelInvitation, Connection, InvitationState, OfferedChannel, PeerKind, Pending,
};
use crate::rows::id::{ConnectionNo, Id};
use crate::rows::lookup;
use crate::rows::tx::{Read, Tx};
use crate::sharing::{self, feed, offered};

/// A connection, and the id of a channel offered over it.
type Key = (ConnectionNo, Id);

/// Whether a channel may be taken.
pub enum Consent {
    /// It may.
    Given,
    /// An administrator has to say so first; the invitation waits.
    Awaited,
    /// An administrator has said no.
    Declined,
}

/// Whether an administrator agrees to an offered channel; if nobody has been asked yet, that is done now.
///
/// # Errors
/// Too many wait: a sentence for the administrator of the peer.
pub fn of(
    tx: &mut Tx<'_>,
    key: Key,
    connection: &Connection,
    channel: &OfferedChannel,
) -> Result<Consent, String> {
    if !connection.asks_first {
        forget(tx, key);
        return Ok(Consent::Given);
    }
    let asked = |tx: &mut Tx<'_>| ask(tx, key, connection, channel).map(|()| Consent::Awaited);
    let Some(row) = tx.get::<ChannelInvitation>(&key) else {
        return asked(tx);
    };
    match row.state {
        InvitationState::Accepted => {
            forget(tx, key);
            if is_what_was_accepted(&row.channel, channel) {
                return Ok(Consent::Given);
            }
            asked(tx)
        }
        InvitationState::Declined => {
            answer(tx, key, row, InvitationState::Refused);
            Ok(Consent::Declined)
        }
        InvitationState::Refused => Ok(Consent::Declined),
        InvitationState::Withdrawn if !is_recent(tx, &row) => {
            forget(tx, key);
            asked(tx)
        }
        InvitationState::Waiting | InvitationState::Withdrawn => {
            repeated(tx, key, row, channel);
            Ok(Consent::Awaited)
        }
    }
}

/// Whether an offer is the one that an administrator has accepted: who may read and write is as it was then.
fn is_what_was_accepted(accepted: &OfferedChannel, offered: &OfferedChannel) -> bool {
    (accepted.kind, accepted.read_only) == (offered.kind, offered.read_only)
}

fn is_recent(tx: &Tx<'_>, row: &ChannelInvitation) -> bool {
    tx.now_ms().saturating_sub(row.since) < CHANNEL_INVITATIONS_SAME_MS
}

/// Whether no administrator here has answered.
fn is_unanswered(state: InvitationState) -> bool {
    matches!(state, InvitationState::Waiting | InvitationState::Withdrawn)
}

/// An offer that waits came again: what is new about it is recorded.
fn repeated(tx: &mut Tx<'_>, key: Key, row: ChannelInvitation, channel: &OfferedChannel) {
    let today = ChannelInvitation {
        state: InvitationState::Waiting,
        since: row.since,
        channel: channel.clone(),
    };
    if today != row {
        tx.put(&key, &today);
    }
}

fn forget(tx: &mut Tx<'_>, key: Key) {
    if tx.has::<ChannelInvitation>(&key) {
        tx.delete::<ChannelInvitation>(&key);
    }
}

fn ask(
    tx: &mut Tx<'_>,
    key: Key,
    connection: &Connection,
    channel: &OfferedChannel,
) -> Result<(), String> {
    make_room(tx, key.0).ok_or(format!(
        "cannot create channel `{}`: {CHANNEL_INVITATIONS_MAX} invitations already wait for an \
         administrator of the invited workspace",
        key.1
    ))?;
    let row = ChannelInvitation {
        state: InvitationState::Waiting,
        since: tx.now_ms(),
        channel: channel.clone(),
    };
    let rows = tx.prefix::<ChannelInvitation, _>(&key.0, CHANNEL_INVITATIONS_MAX);
    let is_news = |row: &ChannelInvitation| is_unanswered(row.state) && is_recent(tx, row);
    let recent = rows.iter().filter(|(_, row)| is_news(row)).count();
    tx.put(&key, &row);
    if recent < CHANNEL_INVITATIONS_TOLD_MAX {
        notify(tx, key, connection, channel);
    }
    Ok(())
}

/// The peer takes an offer back.
pub fn withdraw(tx: &mut Tx<'_>, key: Key) {
    let earlier = tx.get::<ChannelInvitation>(&key);
    let is_declined = |state| matches!(state, InvitationState::Declined | InvitationState::Refused);
    if let Some(row) = earlier.filter(|row| !is_declined(row.state)) {
        answer(tx, key, row, InvitationState::Withdrawn);
    }
}

/// A policy here has refused an offer: the peer no longer makes it, so that nobody has to answer it.
pub fn forget_waiting(tx: &mut Tx<'_>, key: Key) {
    let row = tx.get::<ChannelInvitation>(&key);
    if row.is_some_and(|row| row.state == InvitationState::Waiting) {
        forget(tx, key);
    }
}

/// Makes room for one more invitation, at the expense of one that does not wait: first one that was taken back, then
/// one that was declined, last one that was accepted; the oldest.
fn make_room(tx: &mut Tx<'_>, connection: ConnectionNo) -> Option<()> {
    let rows = tx.prefix::<ChannelInvitation, _>(&connection, CHANNEL_INVITATIONS_MAX);
    if rows.len() < CHANNEL_INVITATIONS_MAX as usize {
        return Some(());
    }
    let over = rows.into_iter().filter_map(|(key, row)| {
        let rank = match row.state {
            InvitationState::Waiting => return None,
            InvitationState::Withdrawn => 0,
            InvitationState::Declined | InvitationState::Refused => 1,
            InvitationState::Accepted => 2,
        };
        Some((rank, row.since, key))
    });
    let (.., key) = over.min()?;
    tx.delete::<ChannelInvitation>(&key);
    Some(())
}

/// Tells whoever made the connection, in the first channel of its team.
fn notify(tx: &mut Tx<'_>, (_, id): Key, connection: &Connection, channel: &OfferedChannel) {
    let town = offered::team_of(tx, connection)
        .and_then(|team| lookup::channel_name(tx, team, DEFAULT_CHANNEL));
    let Some(town) = town else {
        return;
    };
    let (peer, name) = (
        sharing::quoted(&connection.display_name),
        sharing::quoted(&channel.display_name),
    );
    let text = format!(
        "{peer} offers its channel {name}, which waits for your answer: \
         `/share-channel accept --connectionID {} --channelID {id}`, or `decline` in place of `accept`.",
        connection.remote_id
    );
    tx.effect(Effect::Event(Event::Ephemeral(
        town,
        connection.creator,
        text,
    )));
}

/// An administrator accepts what waits, or was declined. Another Causeway offers its channel until it is answered,
/// so the channel is created at once; a Mattermost server, or whoever was refused, has to invite again.
///
/// # Errors
/// Nothing waits under that id, a policy does not allow it or failed, or the channel cannot be created.
pub fn accept(tx: &mut Tx<'_>, key: Key, connection: &Connection) -> Result<(), Refusal> {
    let row = offered_now(tx, key)?;
    // The policies may have changed since it was offered.
    offered::may_be_taken(tx, connection, key.1, &row.channel)?;
    if connection.kind != PeerKind::Causeway || is_given_up(row.state) {
        answer(tx, key, row, InvitationState::Accepted);
        return Ok(());
    }
    tx.delete::<ChannelInvitation>(&key);
    if lookup::channel(tx, key.1.as_str()).is_some() {
        return Err(impossible("There is a channel of this id already."));
    }
    let created = offered::create(tx, (key.0, connection), key.1, &row.channel);
    let no = created.map_err(|why| impossible(&format!("The channel was not created: {why}")))?;
    feed::mark(tx, key.0, Pending::SHARING_STATE, no);
    Ok(())
}

/// An administrator declines what waits, or was accepted but has not come again yet.
///
/// # Errors
/// Nothing waits under that id.
pub fn decline(tx: &mut Tx<'_>, key: Key) -> Result<(), Refusal> {
    let row = offered_now(tx, key)?;
    let state = if is_given_up(row.state) {
        InvitationState::Refused
    } else {
        InvitationState::Declined
    };
    answer(tx, key, row, state);
    Ok(())
}

/// Whether the peer no longer offers the channel by itself: a Causeway that was refused, or a Mattermost server whose
/// channel was accepted after it had asked.
fn is_given_up(state: InvitationState) -> bool {
    matches!(state, InvitationState::Refused | InvitationState::Accepted)
}

fn offered_now(tx: &Tx<'_>, key: Key) -> Result<ChannelInvitation, Refusal> {
    tx.get::<ChannelInvitation>(&key)
        .filter(|row| row.state != InvitationState::Withdrawn)
        .ok_or_else(unknown)
}

fn answer(tx: &mut Tx<'_>, key: Key, row: ChannelInvitation, state: InvitationState) {
    let since = tx.now_ms();
    tx.put(
        &key,
        &ChannelInvitation {
            state,
            since,
            ..row
        },
    );
}

/// Forgets everything that was offered over a connection, which is removed.
pub fn forget_all(tx: &mut Tx<'_>, connection: ConnectionNo) {
    let rows = tx.prefix::<ChannelInvitation, _>(&connection, CHANNEL_INVITATIONS_MAX);
    for (key, _) in rows {
        tx.delete::<ChannelInvitation>(&key);
    }
}

fn unknown() -> Refusal {
    Refusal::new(
        404,
        "causeway.channel_invitation.not_found.app_error",
        "No channel of this id is offered over this connection.",
    )
}

fn impossible(message: &str) -> Refusal {
    Refusal::new(400, "causeway.channel_invitation.accept.app_error", message)
}
