//! Channels that peers have offered, once nothing speaks against them: they are created here and shared. A peer's
//! number of channels is limited, so that it cannot fill the workspace.

use crate::authority;
use crate::boundary::behaviour::Behaviour;
use crate::boundary::policy::Direction;
use crate::gate::{self, Objection, Route, SharingOffer};
use crate::model::limits::RECEIVED_CHANNELS_MAX;
use crate::model::naming;
use crate::model::{
    Channel, Connection, LinkState, OfferedChannel, Place, SharedChannel, Team, User,
};
use crate::objects::{channels, members, posts};
use crate::rows::id::{ChannelNo, ConnectionNo, Id, TeamNo, UserNo, WorkspaceNo};
use crate::rows::lookup;
use crate::rows::tx::{Read, Tx};
use crate::sharing::{self, link, received};

/// The connection over which a channel is offered.
type Over<'a> = (ConnectionNo, &'a Connection);

/// The record of a channel that a peer shares with us.
pub fn shared_row(tx: &Tx<'_>, (no, row): Over<'_>, read_only: bool) -> SharedChannel {
    SharedChannel {
        home: false,
        read_only,
        creator: Some(row.creator),
        create_at: tx.now_ms(),
        connection: Some(no),
    }
}

/// Whether the policies let a channel be taken from the peer of a connection.
///
/// # Errors
/// They do not, or they failed.
pub fn may_be_taken(
    tx: &Tx<'_>,
    connection: &Connection,
    id: Id,
    offered: &OfferedChannel,
) -> Result<(), Objection> {
    let route = Route {
        direction: Direction::Inbound,
        connection,
    };
    let offer = SharingOffer {
        id,
        name: &offered.name,
        display_name: &offered.display_name,
        audience: offered.kind.into(),
        read_only: offered.read_only,
        inviter: None,
    };
    gate::may_share(tx, route, &offer)
}

/// Creates a channel that is not known here yet, and shares it with the peer.
///
/// # Errors
/// Why not, in a sentence for the administrator of the peer.
pub fn create(
    tx: &mut Tx<'_>,
    over: Over<'_>,
    id: Id,
    offered: &OfferedChannel,
) -> Result<ChannelNo, String> {
    let (connection, row) = over;
    let team = team_of(tx, row).ok_or(format!(
        "cannot create channel `{id}`: there is no team that could hold it"
    ))?;
    let name = free_name(tx, team, &offered.name).ok_or(format!(
        "cannot create channel `{id}`: CreateChannel: A channel with that name already exists on the \
         same team., Channelexists id={id}"
    ))?;
    if !received::take_place(tx, row.workspace) {
        return Err(format!(
            "cannot create channel `{id}`: the invited workspace takes at most \
             {RECEIVED_CHANNELS_MAX} channels of another one"
        ));
    }
    if channels::team_is_full(tx, team) {
        return Err(format!(
            "cannot create channel `{id}`: CreateChannel: You've reached the limit of the number \
             of allowed channels."
        ));
    }
    let creator = local_creator(tx, row);
    let channel = Channel {
        name,
        ..build(tx, row, id, (team, creator), offered)
    };
    let no = channels::insert(tx, &channel);
    let may_join = |creator: &UserNo| {
        !Behaviour::Roles.is_in_force(tx) || authority::may_see_team(tx, team, *creator)
    };
    if let Some(creator) = creator.filter(may_join) {
        join(tx, no, team, creator);
    }
    let Some(mut channel) = tx.get::<Channel>(&no) else {
        return Ok(no);
    };
    let shared = shared_row(tx, over, offered.read_only);
    sharing::mark_shared(tx, no, &mut channel, &shared);
    // Done last, so that the message about the first member is older than the link.
    link::open(tx, no, connection, LinkState::Active, false, row.creator);
    Ok(no)
}

/// The name of the channel here: if it is taken, another one like it.
fn free_name(tx: &Tx<'_>, team: TeamNo, name: &str) -> Option<String> {
    let is_taken = |name: &str| lookup::channel_name(tx, team, name).is_some();
    if Behaviour::GuardedInvitations.is_in_force(tx) {
        naming::free_channel_name(name, is_taken)
    } else {
        Some(name.to_string()).filter(|name| !is_taken(name))
    }
}

fn build(
    tx: &Tx<'_>,
    connection: &Connection,
    id: Id,
    (team, creator): (TeamNo, Option<UserNo>),
    offered: &OfferedChannel,
) -> Channel {
    let now_ms = tx.now_ms();
    let kind = offered.kind;
    Channel {
        id,
        origin: connection.workspace,
        place: Place::Team { team, kind },
        create_at: now_ms,
        update_at: now_ms,
        delete_at: 0,
        display_name: offered.display_name.clone(),
        name: offered.name.clone(),
        header: offered.header.clone(),
        purpose: offered.purpose.clone(),
        creator,
        last_post_at: 0,
        last_root_post_at: 0,
        last_update_at: now_ms,
        msg_count: 0,
        root_msg_count: 0,
        read_only: offered.read_only,
        shared: false,
    }
}

/// The connection's creator becomes the first member and the admin of the local channel. Managing connections gets
/// nobody into a team that they may not join.
fn join(tx: &mut Tx<'_>, no: ChannelNo, team: TeamNo, creator: UserNo) {
    members::join_team(tx, team, creator, false);
    members::join_channel(tx, no, creator, true);
    let name = tx
        .get::<User>(&creator)
        .map_or_else(String::new, |user| user.username);
    let props = format!("{{\"username\":\"{name}\"}}");
    let text = format!("{name} joined the channel.");
    posts::insert_system(tx, no, creator, "system_join_channel", text, props);
}

fn local_creator(tx: &Tx<'_>, connection: &Connection) -> Option<UserNo> {
    let no = connection.creator;
    let user = tx.get::<User>(&no)?;
    (user.origin == WorkspaceNo::OURS && user.delete_at == 0).then_some(no)
}

/// The team of the connection, or the first one of the workspace. The team in the invitation is ignored: the
/// peer does not decide where a channel goes.
pub fn team_of(tx: &Tx<'_>, connection: &Connection) -> Option<TeamNo> {
    let live = |no: &TeamNo| tx.get::<Team>(no).is_some_and(|team| team.delete_at == 0);
    let chosen = lookup::team(tx, &connection.default_team_id).filter(live);
    chosen.or_else(|| {
        let teams = tx.prefix::<Team, ()>(&(), TEAMS_LOOKED_AT_MAX);
        teams
            .into_iter()
            .find(|(_, team)| team.delete_at == 0)
            .map(|(no, _)| no)
    })
}

/// Maximum number of teams searched for the first one that is not archived, for a connection without a team.
const TEAMS_LOOKED_AT_MAX: u32 = 100;
