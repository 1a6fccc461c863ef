//! Whether an administrator here agrees to a channel that a peer offers: a setting of the connection says whether
//! that is asked. What was offered waits in a row until it is answered.

use crate::boundary::output::{Effect, Event, Refusal};
use crate::command::DEFAULT_CHANNEL;
use crate::model::limits::CHANNEL_INVITATIONS_MAX;
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
}

/// Whether an administrator agrees to an offered channel; if nobody has been asked yet, that is done now.
///
/// # Errors
/// It was declined, or too many wait: a sentence for the administrator of the peer.
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
    let earlier = tx.get::<ChannelInvitation>(&key);
    match earlier.as_ref().map(|row| row.state) {
        Some(InvitationState::Accepted) => {
            forget(tx, key);
            Ok(Consent::Given)
        }
        Some(InvitationState::Declined) => Err(format!(
            "cannot create channel `{}`: an administrator of the invited workspace has declined it",
            key.1
        )),
        Some(InvitationState::Waiting | InvitationState::Withdrawn) => {
            // Repeated: only what is new about it is recorded.
            if let Some(row) = earlier {
                let state = InvitationState::Waiting;
                let channel = channel.clone();
                let today = ChannelInvitation {
                    state,
                    channel,
                    ..row.clone()
                };
                if today != row {
                    tx.put(&key, &today);
                }
            }
            Ok(Consent::Awaited)
        }
        None => ask(tx, key, connection, channel).map(|()| Consent::Awaited),
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
    tx.put(&key, &row);
    notify(tx, key, connection, channel);
    Ok(())
}

/// The peer takes an offer back.
pub fn withdraw(tx: &mut Tx<'_>, key: Key) {
    let earlier = tx.get::<ChannelInvitation>(&key);
    if let Some(row) = earlier.filter(|row| row.state != InvitationState::Declined) {
        answer(tx, key, row, InvitationState::Withdrawn);
    }
}

/// Makes room for one more invitation, at the expense of the one that was declined or taken back first.
fn make_room(tx: &mut Tx<'_>, connection: ConnectionNo) -> Option<()> {
    let rows = tx.prefix::<ChannelInvitation, _>(&connection, CHANNEL_INVITATIONS_MAX);
    if rows.len() < CHANNEL_INVITATIONS_MAX as usize {
        return Some(());
    }
    let is_over = |row: &ChannelInvitation| {
        matches!(
            row.state,
            InvitationState::Declined | InvitationState::Withdrawn
        )
    };
    let over = rows.into_iter().filter(|(_, row)| is_over(row));
    let (key, _) = over.min_by_key(|(key, row)| (row.since, *key))?;
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
/// so the channel is created at once; a Mattermost server has to invite again.
///
/// # Errors
/// Nothing waits under that id, or the channel cannot be created.
pub fn accept(tx: &mut Tx<'_>, key: Key, connection: &Connection) -> Result<(), Refusal> {
    let row = offered_now(tx, key)?;
    if connection.kind != PeerKind::Causeway {
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
    answer(tx, key, row, InvitationState::Declined);
    Ok(())
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
