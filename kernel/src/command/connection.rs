//! Connections: invited, accepted, confirmed, given up, removed, attached to an earlier workspace.
//! The secrets of the handshake are in the host's vault; here stand its named states.
//! Protocol §3, §7.5, §8, §11.

use super::{AcceptConnection, CreateConnection};
use crate::authority;
use crate::boundary::input::Actor;
use crate::boundary::output::{Effect, Object, Refusal, Reply};
use crate::model::limits::{CONNECTIONS_MAX, DISPLAY_NAME_CHARS_MAX, REMOTE_SITE_URL_BYTES_MAX};
use crate::model::naming::is_connection_name;
use crate::model::{
    Connection, ConnectionLink, ConnectionState, IdRow, Job, PeerKind, PeerWorkspace, Round, Team,
    User, kind,
};
use crate::rows::id::{ChannelNo, ConnectionNo, FeedSeq, Id, UserNo};
use crate::rows::jobs;
use crate::rows::lookup;
use crate::rows::tx::{Read, Tx};
use crate::sharing::connection;

/// Makes a pending connection: the first half of an invitation, alive for 48 hours.
///
/// # Errors
/// The actor does not administer the system; the name is not allowed or taken; the default team
/// is not one; there are as many connections as there may be.
pub fn create(tx: &mut Tx<'_>, actor: Actor, create: &CreateConnection) -> Result<Reply, Refusal> {
    authority::require_admin(tx, actor)?;
    let checked = check(tx, create, "api.remote_cluster.save.app_error", 500)?;
    let remote_id = tx.new_id();
    let state = ConnectionState::Pending;
    let kind = PeerKind::Mattermost2021;
    let creator = creator(tx, actor)?;
    let no = store(
        tx,
        checked,
        Handshake {
            remote_id,
            state,
            kind,
            creator,
            site_url: "",
            remote_team_id: String::new(),
        },
    );
    Ok(Reply::Object(Object::Connection(no)))
}

/// Makes a connection from an opened invitation code, before the inviter is called (§8.1.3).
///
/// # Errors
/// As of [`create`]; the code is one of ours, or was accepted before: there is one record for a
/// `remote_id`, so that a used code cannot harm a connection that works (W55).
pub fn accept(tx: &mut Tx<'_>, actor: Actor, accept: &AcceptConnection) -> Result<Reply, Refusal> {
    authority::require_admin(tx, actor)?;
    let checked = check(
        tx,
        &accept.create,
        "model.cluster.is_valid.name.app_error",
        400,
    )?;
    if lookup::connection(tx, accept.remote_id.as_str()).is_some() {
        return Err(Refusal::new(
            500,
            "api.remote_cluster.accept_invitation_error",
            "This invitation was accepted or made here before; ask for a new one.",
        ));
    }
    if accept.site_url.is_empty() || accept.site_url.len() > REMOTE_SITE_URL_BYTES_MAX {
        return Err(Refusal::new(
            400,
            "model.cluster.is_valid.site_url.app_error",
            "The invitation names no usable site URL.",
        ));
    }
    let handshake = Handshake {
        remote_id: accept.remote_id,
        state: ConnectionState::Confirming,
        kind: accept.kind,
        creator: creator(tx, actor)?,
        site_url: &accept.site_url,
        remote_team_id: team_named(&accept.remote_team_id),
    };
    let no = store(tx, checked, handshake);
    Ok(Reply::Object(Object::Connection(no)))
}

/// What the end of a handshake tells about the peer.
pub struct Confirmed<'a> {
    /// Its site URL.
    pub site_url: &'a str,
    /// What kind of server it is.
    pub kind: PeerKind,
    /// Team that it named, or empty.
    pub remote_team_id: &'a str,
}

/// What a peer names as a team: an id, or nothing.
fn team_named(text: &str) -> String {
    Id::parse(text).map_or_else(String::new, |id| id.to_string())
}

/// The handshake has ended well.
///
/// # Errors
/// The actor is not the service itself or an administrator; the connection is not there or
/// confirmed already; the invitation has expired (§5.5).
pub fn confirm(
    tx: &mut Tx<'_>,
    actor: Actor,
    no: ConnectionNo,
    peer: &Confirmed<'_>,
) -> Result<Reply, Refusal> {
    let site_url = peer.site_url;
    authority::require_admin(tx, actor)?;
    let mut row = live(tx, no)?;
    if row.state == ConnectionState::Confirmed {
        return Err(not_confirmable(
            "The connection has already been confirmed.",
        ));
    }
    if row.state == ConnectionState::Pending && connection::invitation_is_expired(&row, tx.now_ms())
    {
        return Err(Refusal::new(
            400,
            "api.context.invitation_expired.error",
            "The invitation has expired; make a new one.",
        ));
    }
    if site_url.is_empty() || site_url.len() > REMOTE_SITE_URL_BYTES_MAX {
        return Err(not_confirmable(
            "The confirmation names no usable site URL.",
        ));
    }
    row.site_url = site_url.to_string();
    row.kind = peer.kind;
    row.remote_team_id = team_named(peer.remote_team_id);
    connection::begin(tx, no, &mut row);
    tx.put(&no, &row);
    tx.effect(Effect::Connection(no));
    Ok(Reply::Object(Object::Connection(no)))
}

fn not_confirmable(message: &str) -> Refusal {
    Refusal::new(500, "api.command_remote.confirm_invitation.error", message)
}

/// The handshake has failed for good: the record goes without a trace, so that the same code may
/// be tried again.
///
/// # Errors
/// The actor is not the service itself or an administrator; the connection is not one that was
/// accepted here and is still unconfirmed.
pub fn abandon(tx: &mut Tx<'_>, actor: Actor, no: ConnectionNo) -> Result<Reply, Refusal> {
    authority::require_admin(tx, actor)?;
    let row = live(tx, no)?;
    if row.state != ConnectionState::Confirming {
        return Err(not_found());
    }
    tx.unbind_name(kind::CONNECTION_NAME, &row.name);
    tx.delete::<IdRow>(&(kind::CONNECTION, row.remote_id));
    tx.delete::<PeerWorkspace>(&row.workspace);
    tx.delete::<Connection>(&no);
    tx.effect(Effect::Connection(no));
    Ok(Reply::Done)
}

/// Removes a connection; channels, posts and users stay, and their origin with them. The peer is
/// not told: no generation knows a message for it.
///
/// # Errors
/// The actor does not administer the system; the connection is not there.
pub fn remove(tx: &mut Tx<'_>, actor: Actor, no: ConnectionNo) -> Result<Reply, Refusal> {
    authority::require_admin(tx, actor)?;
    let mut row = live(tx, no)?;
    row.state = ConnectionState::Removed;
    row.delete_at = tx.now_ms();
    tx.unbind_name(kind::CONNECTION_NAME, &row.name);
    tx.put(&no, &row);
    tx.delete::<Round>(&no);
    if let Some(mut peer) = tx.get::<PeerWorkspace>(&row.workspace) {
        peer.connection = None;
        tx.put(&row.workspace, &peer);
    }
    jobs::start(
        tx,
        Job::EndLinks {
            connection: no,
            position: ChannelNo(0),
        },
    );
    tx.effect(Effect::Connection(no));
    Ok(Reply::Object(Object::Connection(no)))
}

/// Declares that a connection leads to the workspace that an earlier, removed one led to, so that
/// its users and posts are owned again (W32). Only an admin can know that.
///
/// # Errors
/// The actor does not administer the system; the connection is not there, has shared a channel
/// already, or is the earlier one; the earlier one is not removed, or another took its place.
pub fn attach(
    tx: &mut Tx<'_>,
    actor: Actor,
    no: ConnectionNo,
    previous: ConnectionNo,
) -> Result<Reply, Refusal> {
    authority::require_admin(tx, actor)?;
    let mut row = live(tx, no)?;
    let earlier = tx.get::<Connection>(&previous).ok_or_else(not_found)?;
    if earlier.state != ConnectionState::Removed {
        return Err(not_attachable(
            "The earlier connection has not been removed.",
        ));
    }
    // Objects come over shared channels only, so this one has brought none yet.
    if !tx.prefix::<ConnectionLink, _>(&no, 1).is_empty() {
        return Err(not_attachable(
            "A channel was shared over this connection already, so its objects belong to another \
             workspace. Remove it, connect anew, and attach before sharing.",
        ));
    }
    let mut peer = tx
        .get::<PeerWorkspace>(&earlier.workspace)
        .ok_or_else(not_found)?;
    if peer.connection.is_some() || row.workspace == earlier.workspace {
        return Err(not_attachable(
            "A connection leads to that workspace already.",
        ));
    }
    if let Some(own) = tx.get::<PeerWorkspace>(&row.workspace) {
        // What the new connection told of itself is newer than what the earlier one had told.
        peer.incarnation = own.incarnation.or(peer.incarnation);
    }
    tx.delete::<PeerWorkspace>(&row.workspace);
    row.workspace = earlier.workspace;
    peer.connection = Some(no);
    tx.put(&row.workspace, &peer);
    tx.put(&no, &row);
    tx.effect(Effect::Connection(no));
    Ok(Reply::Object(Object::Connection(no)))
}

/// Changes the name shown and the team for channels received by invitation (§11).
///
/// # Errors
/// The actor does not administer the system; the connection is unknown or removed; the display
/// name is too long; the team is not one.
pub fn patch(
    tx: &mut Tx<'_>,
    actor: Actor,
    no: ConnectionNo,
    display_name: Option<&str>,
    default_team_id: Option<&str>,
) -> Result<Reply, Refusal> {
    authority::require_admin(tx, actor)?;
    let mut row = live(tx, no)?;
    let refused = |message: &str| Refusal::new(500, "api.remote_cluster.update.app_error", message);
    if let Some(display_name) = display_name.map(str::trim) {
        if display_name.chars().count() > DISPLAY_NAME_CHARS_MAX {
            return Err(refused("A display name has at most 64 characters."));
        }
        row.display_name = if display_name.is_empty() {
            row.name.clone()
        } else {
            display_name.to_string()
        };
    }
    if let Some(team_id) = default_team_id {
        let team = lookup::team(tx, team_id).and_then(|team| tx.get::<Team>(&team));
        if !team_id.is_empty() && team.is_none_or(|team| team.delete_at != 0) {
            return Err(refused("There is no team of this id."));
        }
        row.default_team_id = team_id.to_string();
    }
    tx.put(&no, &row);
    Ok(Reply::Object(Object::Connection(no)))
}

fn not_attachable(message: &str) -> Refusal {
    Refusal::new(400, "causeway.connection.attach.app_error", message)
}

fn not_found() -> Refusal {
    Refusal::new(
        404,
        "api.remote_cluster.get.not_found",
        "There is no such secure connection.",
    )
}

fn live(tx: &Tx<'_>, no: ConnectionNo) -> Result<Connection, Refusal> {
    tx.get::<Connection>(&no)
        .filter(|row| row.state != ConnectionState::Removed)
        .ok_or_else(not_found)
}

/// Names and team of a new connection, checked.
struct Checked {
    name: String,
    display_name: String,
    default_team_id: String,
}

fn check(
    tx: &Tx<'_>,
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
    if !create.default_team_id.is_empty() {
        let team = lookup::team(tx, &create.default_team_id);
        let team = team.and_then(|no| tx.get::<Team>(&no));
        if team.is_none_or(|team| team.delete_at != 0) {
            return Err(Refusal::invalid_param("default_team_id"));
        }
    }
    if connection::all(tx).len() >= CONNECTIONS_MAX as usize {
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

/// Who a new record belongs to: the actor; for the operator the first account.
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

/// What a handshake begins with.
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
    };
    tx.put(&no, &row);
    tx.effect(Effect::Connection(no));
    no
}
