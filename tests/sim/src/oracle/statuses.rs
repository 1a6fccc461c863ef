//! I1 and I5 for statuses: only a user's home sets the status, and in the end every peer that holds the user's
//! profile shows the newest one.

use causeway_kernel::authority::is_channel_member;
use causeway_kernel::boundary::input::Input;
use causeway_kernel::model::{
    Connection, Exception, ExceptionState, FeedObject, Link, LinkState, PeerWorkspace, SentUser,
    StatusRow, User,
};
use causeway_kernel::rows::id::{ChannelNo, ConnectionNo, UserNo};
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::memory::Tables;
use causeway_kernel::rows::tx::Read;

use super::step::{Setter, Step};
use super::{CONVERGENCE, Violation, broken};

/// Rows of a table that are read when inspecting a node.
const ROWS_MAX: u32 = 1_000_000;

/// Judges a step.
///
/// # Errors
/// If it set the status of somebody else's user.
pub fn check(step: &Step<'_>) -> Result<(), Violation> {
    for (at, old, row) in step.put::<StatusRow>() {
        // The user joined a channel, and is told of again.
        if old.is_some_and(|old| (old.status, old.update_at) == (row.status, row.update_at)) {
            continue;
        }
        step.is_set_by_home(at, &setter(step), ("status", &row.status))?;
    }
    Ok(())
}

fn setter(step: &Step<'_>) -> Setter {
    match step.input {
        Input::Statuses(_) => Setter::Workspace,
        Input::Frame { connection, .. } | Input::FramePart { connection, .. } => {
            Setter::Peer(*connection)
        }
        _ => Setter::Nobody,
    }
}

/// Judges what a quiet node shows of another one's users.
///
/// # Errors
/// If it shows an older status than their home has told, or should have.
pub fn check_end(home: &Tables, connection: ConnectionNo, peer: &Tables) -> Result<(), Violation> {
    for (user, own) in home.prefix::<StatusRow, ()>(&(), ROWS_MAX) {
        let Some(profile) = home.get::<User>(&user).filter(|user| user.origin.is_ours()) else {
            continue;
        };
        if !is_told(home, connection, user) || is_given_up(home, connection, user) {
            continue;
        }
        let Some(there) = lookup::user(peer, profile.id.as_str()) else {
            continue;
        };
        // A workspace that knows the user over another connection takes nothing over this one.
        if !is_owned(home, connection, peer, there) {
            continue;
        }
        let shown = peer.get::<StatusRow>(&there);
        // A home that was restored may have told more than it has now.
        let is_newest = shown.is_some_and(|shown| {
            shown.update_at > own.update_at
                || (shown.update_at, shown.status) == (own.update_at, own.status)
        });
        if !is_newest {
            return Err(broken(
                CONVERGENCE,
                format!(
                    "the status of {} is {own:?} and is shown as {shown:?}",
                    profile.username
                ),
            ));
        }
    }
    Ok(())
}

/// Whether the peer holds the user's profile in a channel of which the user is a member.
fn is_told(home: &Tables, connection: ConnectionNo, user: UserNo) -> bool {
    held_in(home, connection, user).any(|channel| is_channel_member(home, channel, user))
}

/// Whether the peer holds the user's profile in a channel that is shared with it.
pub(super) fn is_held(home: &Tables, connection: ConnectionNo, user: UserNo) -> bool {
    held_in(home, connection, user).next().is_some()
}

fn held_in(
    home: &Tables,
    connection: ConnectionNo,
    user: UserNo,
) -> impl Iterator<Item = ChannelNo> {
    let sent = home.prefix::<SentUser, _>(&(connection, user), ROWS_MAX);
    sent.into_iter().filter_map(move |((_, _, channel), sent)| {
        let link = home.get::<Link>(&(channel, connection));
        let is_valid =
            link.is_some_and(|link| link.state == LinkState::Active && link.epoch == sent.epoch);
        is_valid.then_some(channel)
    })
}

fn is_given_up(home: &Tables, connection: ConnectionNo, user: UserNo) -> bool {
    let rows = home.prefix::<Exception, _>(&connection, ROWS_MAX);
    rows.into_iter()
        .any(|(_, row)| row.object == FeedObject::Status(user) && row.state == ExceptionState::Dead)
}

/// Whether a user is at home, for the peer, behind the other end of the connection.
pub(super) fn is_owned(
    home: &Tables,
    connection: ConnectionNo,
    peer: &Tables,
    there: UserNo,
) -> bool {
    let remote_id = home.get::<Connection>(&connection).map(|row| row.remote_id);
    let origin = peer.get::<User>(&there).map(|user| user.origin);
    let leads_to = origin
        .and_then(|origin| peer.get::<PeerWorkspace>(&origin))
        .and_then(|row| row.connection)
        .and_then(|no| peer.get::<Connection>(&no));
    leads_to.is_some_and(|row| Some(row.remote_id) == remote_id)
}
