//! Direct and group channels across workspaces. Semantics §11, without W47 and W54: every workspace of the
//! people opens the same channel, whoever opens it first, and an invitation waits for its peer.

use super::{display_name, link, mark_shared, quoted, tell};
use crate::boundary::behaviour::Behaviour;
use crate::boundary::env::Rows;
use crate::boundary::output::Refusal;
use crate::boundary::policy::Direction;
use crate::gate::{self, Objection, Route};
use crate::model::limits::LINKS_PER_CHANNEL_MAX;
use crate::model::{
    Channel, Connection, ConnectionState, Link, LinkEnd, LinkState, PeerKind, PeerWorkspace, Place,
    SharedChannel, User,
};
use crate::objects::direct::Participants;
use crate::rows::counters::connected_workspaces;
use crate::rows::id::{ChannelNo, ConnectionNo, Id, UserNo, WorkspaceNo};
use crate::rows::lookup;
use crate::rows::tx::{Read, Tx};

/// Separates the ids of these channels from other uses of the hash function.
const ID_CONTEXT: &str = "causeway 2026 id of a direct or group channel between workspaces";

/// Error of a post in a channel that is not shared. Client API §6.
const POST_ID: &str = "app.post.create_post.shared_dm_or_gm.app_error";

/// Whether direct and group channels may have people of other workspaces.
pub fn is_on(rows: &(impl Read + ?Sized)) -> bool {
    Behaviour::DirectChannels.is_in_force(rows) && connected_workspaces(rows).direct
}

/// The id of a direct or group channel between workspaces. It follows from the people, so workspaces that
/// open the channel at the same time open the same one.
pub fn shared_id(people: &Participants) -> Id {
    let mut hasher = blake3::Hasher::new_derive_key(ID_CONTEXT);
    for id in people.ids() {
        hasher.update(id.as_bytes());
    }
    let mut out = [0; 16];
    hasher.finalize_xof().fill(&mut out);
    Id::from_uuid_bytes(out)
}

/// The confirmed connection over which a user of another workspace can be messaged; `None` if the user is
/// reached through a third workspace only, which does not pass these channels on.
pub fn connection_to(
    rows: &(impl Read + ?Sized),
    user: &User,
) -> Option<(ConnectionNo, Connection)> {
    let remote = user.remote.as_ref()?;
    let home = lookup::connection(rows, &remote.original_remote_id)?;
    let home = rows.get::<Connection>(&home)?;
    if home.workspace != user.origin {
        return None;
    }
    connection_of(rows, user.origin)
}

fn connection_of(
    rows: &(impl Read + ?Sized),
    workspace: WorkspaceNo,
) -> Option<(ConnectionNo, Connection)> {
    let no = rows.get::<PeerWorkspace>(&workspace)?.connection?;
    let row = rows.get::<Connection>(&no)?;
    (row.state == ConnectionState::Confirmed).then_some((no, row))
}

/// Whether a local user may open a direct channel with another user.
pub fn can_message(rows: &(impl Read + ?Sized), other: UserNo) -> bool {
    rows.user(other).is_some_and(|user| {
        user.origin.is_ours() || (is_on(rows) && connection_to(rows, &user).is_some())
    })
}

/// Whether people of other workspaces are among these.
pub fn any_remote(rows: &(impl Read + ?Sized), people: &Participants) -> bool {
    let is_remote = |no: UserNo| rows.user(no).is_some_and(|user| !user.origin.is_ours());
    people.users().any(is_remote)
}

/// Checks that a local user may open a channel with these people.
///
/// # Errors
/// The feature is off; somebody's workspace is not connected to this one, or does not know group channels.
pub fn check(rows: &(impl Read + ?Sized), people: &Participants) -> Result<(), Refusal> {
    if !any_remote(rows, people) {
        return Ok(());
    }
    let id = match people.place() {
        Place::Group => "api.channel.create_group.remote_restricted.app_error",
        Place::Direct | Place::Team { .. } => {
            "api.channel.create_channel.direct_channel.remote_restricted.app_error"
        }
    };
    if !is_on(rows) {
        return Err(Refusal::new(403, id, OFF));
    }
    for user in people.users().filter_map(|no| rows.user(no)) {
        if user.origin.is_ours() {
            continue;
        }
        let Some((_, connection)) = connection_to(rows, &user) else {
            let text = format!(
                "{} cannot be messaged: this workspace is not connected to theirs.",
                user.username
            );
            return Err(Refusal::new(403, id, text));
        };
        let is_old = connection.kind == PeerKind::Mattermost2021;
        if people.place() == Place::Group && is_old {
            let text = format!(
                "{} cannot be in a group message: their workspace does not know group messages.",
                user.username
            );
            return Err(Refusal::new(403, id, text));
        }
    }
    Ok(())
}

/// Whether the policies let somebody here open a channel with these people: asked for each connection over which
/// some of them are reached.
///
/// # Errors
/// They do not, or they failed.
pub fn may_open(tx: &Tx<'_>, people: &Participants, opener: UserNo) -> Result<(), Objection> {
    for connection in connections(tx, people) {
        may_open_over(tx, connection, people, opener)?;
    }
    Ok(())
}

fn may_open_over(
    tx: &Tx<'_>,
    connection: ConnectionNo,
    people: &Participants,
    opener: UserNo,
) -> Result<(), Objection> {
    let Some(connection) = tx.get::<Connection>(&connection) else {
        return Ok(());
    };
    let route = Route {
        direction: Direction::Outbound,
        connection: &connection,
    };
    gate::may_open(tx, route, people, Some(opener))
}

const OFF: &str = "Messages to people of other workspaces are switched off here. An administrator can allow \
    them with EnableSharedChannelsDMs.";

/// Shares a channel that is new here with the workspaces of its people. The first message is sent too, as a link's
/// cursor begins before the invitation is answered (W54).
pub fn share(tx: &mut Tx<'_>, no: ChannelNo, people: &Participants, creator: UserNo) {
    for connection in offered_to(tx, no, people) {
        share_over(tx, no, connection, creator);
    }
}

/// The connections to the workspaces of a channel's people, but for those to which an admin here has ended it.
fn offered_to(tx: &Tx<'_>, no: ChannelNo, people: &Participants) -> Vec<ConnectionNo> {
    let mut connections = connections(tx, people);
    connections.retain(|connection| !is_ended_here(tx, no, *connection));
    connections
}

fn share_over(tx: &mut Tx<'_>, no: ChannelNo, connection: ConnectionNo, creator: UserNo) {
    if is_live(tx, no, connection) {
        return;
    }
    mark(tx, no, creator, None);
    link::open_whole(tx, no, connection, LinkState::Inviting, creator);
}

/// Records that a direct or group channel is shared, if it was not: by the peer of a connection, or from here.
pub fn mark(tx: &mut Tx<'_>, no: ChannelNo, creator: UserNo, connection: Option<ConnectionNo>) {
    if !tx.has::<SharedChannel>(&no)
        && let Some(mut channel) = tx.get::<Channel>(&no)
    {
        let row = SharedChannel {
            home: channel.origin.is_ours(),
            read_only: false,
            creator: Some(creator),
            create_at: tx.now_ms(),
            connection,
        };
        mark_shared(tx, no, &mut channel, &row);
    }
}

/// With how many workspaces a channel is shared, and with which ones it is not, as the policies do not let it.
#[derive(Debug, Default)]
pub struct Reached {
    workspaces: usize,
    objections: Vec<(ConnectionNo, Objection)>,
}

/// Shares a channel that is here with the workspaces of its people again, as far as it is not. A link that ended is
/// renewed with everything in the channel, which belongs to all its members, if the policies let them talk to each
/// other; one that an admin here has ended is not.
pub fn renew(tx: &mut Tx<'_>, no: ChannelNo, people: &Participants, creator: UserNo) -> Reached {
    let mut reached = Reached::default();
    let are_asked = Behaviour::Undecided.is_in_force(tx);
    for connection in offered_to(tx, no, people) {
        let objection = if are_asked && !is_live(tx, no, connection) {
            may_open_over(tx, connection, people, creator).err()
        } else {
            None
        };
        match objection {
            Some(objection) => reached.objections.push((connection, objection)),
            None => {
                share_over(tx, no, connection, creator);
                reached.workspaces += 1;
            }
        }
    }
    reached
}

/// The connections to the workspaces of people, each once.
fn connections(tx: &Tx<'_>, people: &Participants) -> Vec<ConnectionNo> {
    let users = people.users().filter_map(|no| tx.user(no));
    let remote = users.filter(|user| !user.origin.is_ours());
    let mut found: Vec<ConnectionNo> = remote
        .filter_map(|user| Some(connection_to(tx, &user)?.0))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Whether a channel is shared with a connection, or offered to it.
pub fn is_live(tx: &Tx<'_>, no: ChannelNo, connection: ConnectionNo) -> bool {
    let link = tx.get::<Link>(&(no, connection));
    link.is_some_and(|link| link.state != LinkState::Ended)
}

/// Whether an admin here has ended the sharing of a channel with a connection's workspace, over this or an
/// earlier connection.
pub fn is_ended_here(tx: &Tx<'_>, no: ChannelNo, connection: ConnectionNo) -> bool {
    ended_here(tx, no, connection).next().is_some()
}

fn ended_here(
    tx: &Tx<'_>,
    no: ChannelNo,
    connection: ConnectionNo,
) -> impl Iterator<Item = ((ChannelNo, ConnectionNo), Link)> {
    let workspace_of = |no: ConnectionNo| tx.get::<Connection>(&no).map(|row| row.workspace);
    let workspace = workspace_of(connection);
    let mut links = tx.prefix::<Link, _>(&no, LINKS_PER_CHANNEL_MAX);
    links.retain(|((_, other), link)| {
        link.end == Some(LinkEnd::Here) && workspace_of(*other) == workspace
    });
    links.into_iter()
}

/// Shares a channel again that an admin here had ended.
///
/// # Errors
/// Nobody in the channel is reached over the connection; it is shared already; a policy does not allow it, or
/// failed.
pub fn share_again(
    tx: &mut Tx<'_>,
    no: ChannelNo,
    people: &Participants,
    connection: ConnectionNo,
    creator: UserNo,
) -> Result<(), Refusal> {
    if !connections(tx, people).contains(&connection) || is_live(tx, no, connection) {
        return Err(Refusal::new(
            400,
            "api.command_share.channel_invite_not_home.error",
            "A direct or group channel is shared with the workspaces of its members, and with no others.",
        ));
    }
    may_open_over(tx, connection, people, creator)?;
    let ended: Vec<_> = ended_here(tx, no, connection).collect();
    for (key, link) in ended {
        tx.put(&key, &Link { end: None, ..link });
    }
    if Behaviour::Undecided.is_in_force(tx) {
        share_over(tx, no, connection, creator);
    }
    renew(tx, no, people, creator);
    Ok(())
}

/// Called before somebody here writes in a channel: one with people of other workspaces has to reach them. A
/// link that a peer refused or lost is renewed.
///
/// # Errors
/// The feature is off, or the channel would reach nobody but its author, because it is not shared or because the
/// policies do not let it be.
pub fn before_post(
    tx: &mut Tx<'_>,
    no: ChannelNo,
    place: Place,
    author: UserNo,
) -> Result<(), Refusal> {
    let Some(people) = Participants::of_channel(tx, no, place) else {
        return Ok(());
    };
    if !any_remote(tx, &people) {
        return Ok(());
    }
    if !is_on(tx) {
        return Err(Refusal::new(400, POST_ID, OFF));
    }
    let reached = renew(tx, no, &people, author);
    let is_local = |no: UserNo| tx.user(no).is_some_and(|user| user.origin.is_ours());
    let others_here = people.users().filter(|no| *no != author && is_local(*no));
    if reached.workspaces == 0 && others_here.count() == 0 {
        if let Some((_, objection)) = reached.objections.into_iter().next() {
            return Err(objection.into());
        }
        return Err(Refusal::new(
            400,
            POST_ID,
            "This channel is not shared with the workspaces of the others any more, so nobody would read this. \
             Ask an administrator whether they are still connected.",
        ));
    }
    for (connection, objection) in reached.objections {
        let peer = quoted(&display_name(tx, connection));
        let text = format!(
            "What you write here does not reach {peer}: {}",
            Refusal::from(objection).message
        );
        tell(tx, no, author, text);
    }
    Ok(())
}
