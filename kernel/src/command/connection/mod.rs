//! Connections: invited, accepted, confirmed, abandoned, removed, attached to an earlier workspace. The
//! secrets of the handshake are in the host's vault; its named states are here. Protocol §3, §7.5, §8, §11.

mod abandon;
mod accept;
mod attach;
mod confirm;
mod create;
mod patch;
mod relocate;
mod remove;

pub use abandon::AbandonConnection;
pub use accept::AcceptConnection;
pub use attach::AttachConnection;
pub use confirm::ConfirmConnection;
pub use create::CreateConnection;
pub use patch::PatchConnection;
pub use relocate::RelocateConnection;
pub use remove::RemoveConnection;

use crate::authority;
use crate::boundary::behaviour::Behaviour;
use crate::boundary::input::Actor;
use crate::boundary::output::{Effect, Refusal};
use crate::model::limits::{CONNECTIONS_MAX, DISPLAY_NAME_CHARS_MAX};
use crate::model::naming::{are_look_alikes, is_connection_name};
use crate::model::{Connection, ConnectionState, PeerKind, PeerWorkspace, Team, User, kind};
use crate::rows::id::{ChannelNo, ConnectionNo, FeedSeq, Id, UserNo};
use crate::rows::lookup;
use crate::rows::tx::{Read, Tx};
use crate::sharing::connection;

/// A team named by a peer: an id, or empty.
fn team_named(text: &str) -> String {
    Id::parse(text).map_or_else(String::new, |id| id.to_string())
}

fn not_found() -> Refusal {
    Refusal::new(
        404,
        "api.remote_cluster.get.not_found",
        "There is no such secure connection.",
    )
}

pub(super) fn live(tx: &Tx<'_>, no: ConnectionNo) -> Result<Connection, Refusal> {
    tx.get::<Connection>(&no)
        .filter(|row| row.state != ConnectionState::Removed)
        .ok_or_else(not_found)
}

/// Checked names and team of a new connection.
struct Checked {
    name: String,
    display_name: String,
    default_team_id: String,
}

/// Whether an actor may have channels come into a team: a live one that they may see. Whoever made the connection
/// becomes a member of it with the first channel, so another one would be a way into a closed team.
fn may_receive(tx: &Tx<'_>, actor: Actor, team_id: &str) -> bool {
    let Some(no) = lookup::team(tx, team_id) else {
        return false;
    };
    let is_live = tx.get::<Team>(&no).is_some_and(|team| team.delete_at == 0);
    is_live
        && match actor {
            Actor::User(user) => authority::may_see_team(tx, no, user),
            Actor::System | Actor::Anonymous => true,
        }
}

fn check(
    tx: &Tx<'_>,
    actor: Actor,
    create: &CreateConnection,
    name_error: &str,
    status: u16,
) -> Result<Checked, Refusal> {
    let name = create.name.trim().to_ascii_lowercase();
    let display_name = create.display_name.trim();
    if !is_connection_name(&name) || display_name.chars().count() > DISPLAY_NAME_CHARS_MAX {
        return Err(Refusal::new(
            status,
            name_error,
            "A connection's name has 1 to 64 of the characters a-z, 0-9, `.`, `-` and `_`; its \
             display name at most 64 characters.",
        ));
    }
    if lookup::connection_name(tx, &name).is_some() {
        return Err(Refusal::new(
            500,
            "api.remote_cluster.save_not_unique.app_error",
            "A secure connection of this name exists already.",
        ));
    }
    let others = connection::all(tx);
    if let Some(other) = look_alike(tx, &name, &others) {
        return Err(Refusal::new(
            status,
            name_error,
            format!(
                "Names of users over this connection could not be told from those over `{other}`: \
                 choose a name that is shorter or begins otherwise."
            ),
        ));
    }
    let team_id = create.default_team_id.as_str();
    if !team_id.is_empty() && !may_receive(tx, actor, team_id) {
        return Err(Refusal::invalid_param("default_team_id"));
    }
    if others.len() >= CONNECTIONS_MAX as usize {
        return Err(Refusal::new(
            400,
            "api.remote_cluster.save.app_error",
            format!(
                "A workspace has at most {CONNECTIONS_MAX} connections, removed ones included."
            ),
        ));
    }
    let shown = if display_name.is_empty() {
        name.as_str()
    } else {
        display_name
    };
    Ok(Checked {
        display_name: shown.to_string(),
        name,
        default_team_id: create.default_team_id.clone(),
    })
}

/// The live connection whose name cannot be told apart from this one in shortened user names.
fn look_alike<'c>(
    tx: &Tx<'_>,
    name: &str,
    others: &'c [(ConnectionNo, Connection)],
) -> Option<&'c str> {
    if !Behaviour::OwnNames.is_in_force(tx) {
        return None;
    }
    let mut live = others
        .iter()
        .filter(|(_, other)| other.state != ConnectionState::Removed);
    live.find(|(_, other)| are_look_alikes(&other.name, name))
        .map(|(_, other)| other.name.as_str())
}

/// The owner of a new record: the actor, or for the operator the first account.
fn creator(tx: &Tx<'_>, actor: Actor) -> Result<UserNo, Refusal> {
    match actor {
        Actor::User(user) => Ok(user),
        _ if tx.has::<User>(&connection::OPERATOR) => Ok(connection::OPERATOR),
        _ => Err(Refusal::new(
            400,
            "causeway.connection.no_user.app_error",
            "Make a first account before the first connection: it owns the channels that come in.",
        )),
    }
}

/// The initial data of a handshake.
struct Handshake<'a> {
    remote_id: Id,
    state: ConnectionState,
    kind: PeerKind,
    creator: UserNo,
    site_url: &'a str,
    remote_team_id: String,
}

fn store(tx: &mut Tx<'_>, checked: Checked, handshake: Handshake<'_>) -> ConnectionNo {
    let no = tx.next_connection();
    let workspace = tx.next_workspace();
    tx.put(
        &workspace,
        &PeerWorkspace {
            connection: Some(no),
            incarnation: None,
            channels: 0,
            users: 0,
        },
    );
    tx.bind_id(kind::CONNECTION, handshake.remote_id, no.0);
    tx.bind_name(kind::CONNECTION_NAME, &checked.name, no.0);
    let row = Connection {
        remote_id: handshake.remote_id,
        workspace,
        name: checked.name,
        display_name: checked.display_name,
        site_url: handshake.site_url.to_string(),
        default_team_id: checked.default_team_id,
        creator: handshake.creator,
        create_at: tx.now_ms(),
        delete_at: 0,
        last_ping_at: 0,
        state: handshake.state,
        kind: handshake.kind,
        attempt: 0,
        failures: 0,
        retry_at: 0,
        people_cursor: FeedSeq(0),
        unknown_reactions: 0,
        unknown_reactions_to: FeedSeq(0),
        turn: ChannelNo(0),
        suspended: None,
        remote_team_id: handshake.remote_team_id,
        asks_first: false,
        keeps_removed: false,
    };
    tx.put(&no, &row);
    tx.effect(Effect::Connection(no));
    no
}
