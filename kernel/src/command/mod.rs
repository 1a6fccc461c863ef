//! Acts of local users and of the admin: one file for each kind of object.

mod channel;
mod connection;
mod member;
mod notice;
mod post;
mod reaction;
mod request;
mod team;
#[cfg(test)]
mod tests;
mod user;
mod workspace;

pub use request::expire as expire_requests;
pub use team::{DEFAULT_CHANNEL, DEFAULT_CHANNELS};
pub use workspace::begin;

use serde::{Deserialize, Serialize};

use crate::boundary::input::Actor;
use crate::boundary::output::{Object, Refusal, Reply};
use crate::boundary::texts::{Json, Text, texts};
use crate::model::{ChannelKind, Config, PeerKind};
use crate::rows::id::{ChannelNo, ConnectionNo, Id, PostNo, TeamNo, UserNo};
use crate::rows::tx::Tx;
use crate::sharing;

/// Carries out a command. `key` is the client's own key of the act. A refused command leaves
/// nothing behind: neither writes nor effects.
pub fn carry_out(tx: &mut Tx<'_>, actor: Actor, key: Option<&str>, command: &Command) -> Reply {
    match dispatch(tx, actor, key, command) {
        Ok(reply) => reply,
        Err(refusal) => {
            tx.abandon();
            Reply::Refused(refusal)
        }
    }
}

fn dispatch(
    tx: &mut Tx<'_>,
    actor: Actor,
    key: Option<&str>,
    command: &Command,
) -> Result<Reply, Refusal> {
    let object: Object = match command {
        Command::CreateUser(new) => user::create(tx, actor, new)?,
        Command::PatchUser { user, patch } => user::patch(tx, actor, *user, patch)?,
        Command::CreateTeam(new) => team::create(tx, actor, new)?,
        Command::AddTeamMember { team, user } => team::add_member(tx, actor, *team, *user)?,
        Command::CreateChannel(new) => channel::create(tx, actor, new)?,
        Command::AddChannelMember { channel, user } => member::add(tx, actor, *channel, *user)?,
        Command::RemoveChannelMember { channel, user } => {
            member::remove(tx, actor, *channel, *user)?
        }
        Command::ViewChannel { channel } => channel::view(tx, actor, *channel)?,
        Command::CreatePost(new) => post::create(tx, actor, key, new)?,
        Command::EditPost {
            post,
            message,
            props,
            is_pinned,
        } => {
            let edit = post::Edit {
                message: message.as_deref(),
                props: props.as_deref(),
                is_pinned: *is_pinned,
            };
            post::edit(tx, actor, *post, &edit)?
        }
        Command::DeletePost { post } => post::delete(tx, actor, *post)?,
        Command::AddReaction { post, emoji } => reaction::add(tx, actor, *post, emoji)?,
        Command::RemoveReaction { post, user, emoji } => {
            reaction::remove(tx, actor, (*post, *user), emoji)?
        }
        Command::Configure { site_url, config } => {
            return workspace::configure(tx, actor, site_url, config);
        }
        Command::CreateConnection(new) => return connection::create(tx, actor, new),
        Command::AcceptConnection(new) => return connection::accept(tx, actor, new),
        Command::ConfirmConnection {
            connection,
            site_url,
            kind,
            remote_team_id,
        } => {
            let peer = connection::Confirmed {
                site_url,
                kind: *kind,
                remote_team_id,
            };
            return connection::confirm(tx, actor, *connection, &peer);
        }
        Command::AbandonConnection { connection } => {
            return connection::abandon(tx, actor, *connection);
        }
        Command::RemoveConnection { connection } => {
            return connection::remove(tx, actor, *connection);
        }
        Command::AttachConnection {
            connection,
            previous,
        } => {
            return connection::attach(tx, actor, *connection, *previous);
        }
        Command::InviteToChannel {
            channel,
            connection,
            read_only,
        } => {
            return sharing::invite(tx, actor, *channel, *connection, *read_only);
        }
        Command::UninviteFromChannel {
            channel,
            connection,
        } => {
            return sharing::uninvite(tx, actor, *channel, *connection);
        }
        Command::UnshareChannel { channel } => return sharing::unshare(tx, actor, *channel),
        Command::PatchConnection {
            connection,
            display_name,
            default_team_id,
        } => {
            let (name, team) = (display_name.as_deref(), default_team_id.as_deref());
            return connection::patch(tx, actor, *connection, name, team);
        }
    };
    Ok(Reply::Object(object))
}

/// A command. Objects are named by number: the host looks ids up, the kernel checks everything
/// else again, permissions included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Makes a local user; the first one becomes the system's administrator.
    CreateUser(CreateUser),
    /// Changes a local user's profile.
    PatchUser {
        /// The user.
        user: UserNo,
        /// The changes.
        patch: UserPatch,
    },
    /// Makes a team with the channels `town-square` and `off-topic`.
    CreateTeam(CreateTeam),
    /// Adds a user to a team.
    AddTeamMember {
        /// The team.
        team: TeamNo,
        /// The user.
        user: UserNo,
    },
    /// Makes a channel.
    CreateChannel(CreateChannel),
    /// Adds a user to a channel.
    AddChannelMember {
        /// The channel.
        channel: ChannelNo,
        /// The user.
        user: UserNo,
    },
    /// Removes a user from a channel.
    RemoveChannelMember {
        /// The channel.
        channel: ChannelNo,
        /// The user.
        user: UserNo,
    },
    /// Notes that the actor has seen a channel.
    ViewChannel {
        /// The channel.
        channel: ChannelNo,
    },
    /// Writes a post.
    CreatePost(CreatePost),
    /// Changes a post; what is `None` stays.
    EditPost {
        /// The post.
        post: PostNo,
        /// New text.
        message: Option<String>,
        /// New properties, JSON text of an object.
        props: Option<String>,
        /// Whether it is pinned.
        is_pinned: Option<bool>,
    },
    /// Deletes a post, a root with its replies.
    DeletePost {
        /// The post.
        post: PostNo,
    },
    /// Adds a reaction of the actor.
    AddReaction {
        /// The post.
        post: PostNo,
        /// Emoji name.
        emoji: String,
    },
    /// Removes a reaction of the actor.
    RemoveReaction {
        /// The post.
        post: PostNo,
        /// Whose.
        user: UserNo,
        /// Emoji name.
        emoji: String,
    },
    /// Makes a pending connection: the first half of an invitation.
    CreateConnection(CreateConnection),
    /// Makes a connection from an invitation code, before the inviter is called.
    AcceptConnection(AcceptConnection),
    /// The handshake has ended well: both sides hold each other's tokens.
    ConfirmConnection {
        /// The connection.
        connection: ConnectionNo,
        /// The peer's site URL.
        site_url: String,
        /// What the handshake told about the peer.
        kind: PeerKind,
        /// Team that the peer named, or empty.
        remote_team_id: String,
    },
    /// The handshake has failed for good: the record goes.
    AbandonConnection {
        /// The connection.
        connection: ConnectionNo,
    },
    /// Removes a connection; channels, posts and users stay.
    RemoveConnection {
        /// The connection.
        connection: ConnectionNo,
    },
    /// Declares that a connection leads to the workspace that an earlier, removed one led to.
    AttachConnection {
        /// The connection.
        connection: ConnectionNo,
        /// The removed one.
        previous: ConnectionNo,
    },
    /// Shares a channel, if it is not shared yet, and invites a connection to it.
    InviteToChannel {
        /// The channel.
        channel: ChannelNo,
        /// The connection.
        connection: ConnectionNo,
        /// Whether the peer's ordinary members may only read.
        read_only: bool,
    },
    /// Ends the sharing of a channel with a connection.
    UninviteFromChannel {
        /// The channel.
        channel: ChannelNo,
        /// The connection.
        connection: ConnectionNo,
    },
    /// Ends the sharing of a channel.
    UnshareChannel {
        /// The channel.
        channel: ChannelNo,
    },
    /// Changes the settings.
    Configure {
        /// The site URL.
        site_url: String,
        /// The settings.
        config: Config,
    },
    /// Changes how a connection is shown, and where channels received over it go; what is `None`
    /// stays.
    PatchConnection {
        /// The connection.
        connection: ConnectionNo,
        /// New name shown; empty = the name.
        display_name: Option<String>,
        /// New team for channels received by invitation; empty = the first team.
        default_team_id: Option<String>,
    },
}
texts!(enum Command {
    CreateUser(create),
    PatchUser { user, patch },
    CreateTeam(create),
    AddTeamMember { team, user },
    CreateChannel(create),
    AddChannelMember { channel, user },
    RemoveChannelMember { channel, user },
    ViewChannel { channel },
    CreatePost(create),
    EditPost { post, message: Text::Words, props: Json::Any, is_pinned },
    DeletePost { post },
    AddReaction { post, emoji: Text::Token },
    RemoveReaction { post, user, emoji: Text::Token },
    CreateConnection(create),
    AcceptConnection(accept),
    ConfirmConnection { connection, site_url: Text::Words, kind, remote_team_id: Text::Id },
    AbandonConnection { connection },
    RemoveConnection { connection },
    AttachConnection { connection, previous },
    InviteToChannel { channel, connection, read_only },
    UninviteFromChannel { channel, connection },
    UnshareChannel { channel },
    Configure { site_url: Text::Words, config },
    PatchConnection { connection, display_name: Text::Words, default_team_id: Text::Id },
});

/// See [`Command::CreateUser`]. The password stays in the host's vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateUser {
    /// User name.
    pub username: String,
    /// E-mail address.
    pub email: String,
    /// Nickname.
    pub nickname: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Position.
    pub position: String,
    /// Locale; empty = `en`.
    pub locale: String,
    /// Whether the account administers the system (honoured for the system actor only).
    pub admin: bool,
}
texts!(struct CreateUser {
    username: Text::Words,
    email: Text::Address,
    nickname: Text::Words,
    first_name: Text::Words,
    last_name: Text::Words,
    position: Text::Words,
    locale: Text::Locale,
    admin,
});

/// Changes of a profile; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserPatch {
    /// User name.
    pub username: Option<String>,
    /// Nickname.
    pub nickname: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Position.
    pub position: Option<String>,
    /// Locale.
    pub locale: Option<String>,
}
texts!(
    struct UserPatch {
        username: Text::Words,
        nickname: Text::Words,
        first_name: Text::Words,
        last_name: Text::Words,
        position: Text::Words,
        locale: Text::Locale,
    }
);

/// See [`Command::CreateTeam`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateTeam {
    /// URL name.
    pub name: String,
    /// Name shown.
    pub display_name: String,
    /// Description.
    pub description: String,
    /// Whether anybody of the workspace may join.
    pub is_open: bool,
}
texts!(struct CreateTeam {
    name: Text::TeamName,
    display_name: Text::Words,
    description: Text::Words,
    is_open,
});

/// See [`Command::CreateChannel`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateChannel {
    /// Team.
    pub team: TeamNo,
    /// URL name.
    pub name: String,
    /// Name shown.
    pub display_name: String,
    /// Header.
    pub header: String,
    /// Purpose.
    pub purpose: String,
    /// Who may see it.
    pub kind: ChannelKind,
}
texts!(struct CreateChannel {
    team,
    name: Text::ChannelName,
    display_name: Text::Words,
    header: Text::Words,
    purpose: Text::Words,
    kind,
});

/// See [`Command::CreatePost`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatePost {
    /// Channel.
    pub channel: ChannelNo,
    /// Root of the thread, if it is a reply.
    pub root: Option<PostNo>,
    /// The text.
    pub message: String,
    /// Properties, JSON text of an object; empty = none.
    pub props: String,
    /// Type; ordinary users may only write the empty one, `me` and `custom_…`.
    pub kind: String,
}
texts!(struct CreatePost {
    channel,
    root,
    message: Text::Words,
    props: Json::Any,
    kind: Text::Token,
});

/// See [`Command::CreateConnection`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateConnection {
    /// Local name: `^[a-z0-9.\-_]{1,64}$` after lower-casing.
    pub name: String,
    /// Name shown; empty = the name.
    pub display_name: String,
    /// Team for channels received by invitation; empty = the first team.
    pub default_team_id: String,
}
texts!(
    struct CreateConnection {
        name: Text::Words,
        display_name: Text::Words,
        default_team_id: Text::Id,
    }
);

/// See [`Command::AcceptConnection`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptConnection {
    /// Names and team.
    pub create: CreateConnection,
    /// `remote_id` of the invitation.
    pub remote_id: Id,
    /// The inviter's site URL.
    pub site_url: String,
    /// What the code told about the inviter.
    pub kind: PeerKind,
    /// Team that the code names, or empty.
    pub remote_team_id: String,
}
texts!(struct AcceptConnection {
    create,
    remote_id,
    site_url: Text::Words,
    kind,
    remote_team_id: Text::Id,
});
