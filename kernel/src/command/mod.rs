//! Acts of local users and of the admin. Each command is a file: its fields, its effect and, once its shape
//! has changed, how older versions are read. They are all listed here.

mod acknowledgement;
mod channel;
mod component;
mod connection;
mod emoji;
mod file;
mod fit;
mod notice;
mod personal;
mod post;
mod reaction;
mod registry;
mod request;
mod role;
mod sharing;
mod team;
#[cfg(test)]
mod tests;
mod user;
mod workspace;

pub use acknowledgement::{AcknowledgePost, WithdrawAcknowledgement};
pub use channel::{
    AddChannelMember, ArchiveChannel, ChannelPatch, ConvertChannel, CreateChannel, MarkUnread,
    OpenDirectChannel, OpenGroupChannel, PatchChannel, RemoveChannelMember, RestoreChannel,
    SetChannelRoles, ViewChannel,
};
pub use component::UseComponent;
pub use connection::{
    AbandonConnection, AcceptConnection, AttachConnection, ConfirmConnection, CreateConnection,
    PatchConnection, RelocateConnection, RemoveConnection,
};
pub use emoji::{AddEmoji, RemoveEmoji};
pub use file::AddFile;
pub use personal::{PersonalChange, SetPersonal};
pub use post::{CreatePost, DeletePost, EditPost};
pub use reaction::{AddReaction, RemoveReaction};
pub use request::expire as expire_requests;
pub use role::PatchRole;
pub use sharing::{AnswerChannelInvitation, InviteToChannel, UninviteFromChannel, UnshareChannel};
pub use team::{
    AddTeamMember, ArchiveTeam, CreateTeam, DEFAULT_CHANNEL, DEFAULT_CHANNELS, PatchTeam,
    RemoveTeamMember, RestoreTeam, SetTeamRoles, TeamPatch,
};
pub use user::{
    CreateUser, PatchUser, SetActive, SetBot, SetCustomStatus, SetPicture, SetRoles, UserPatch,
};
pub use workspace::{Configure, ConfigureConnectedWorkspaces, ConfigureFiles, begin};

use registry::{Act, By, commands};

use crate::boundary::behaviour::Behaviour;
use crate::boundary::input::Actor;
use crate::boundary::output::Reply;
use crate::rows::tx::Tx;

// A number identifies its command in the journal for ever and is never reused.
commands! {
    CreateUser = 0,
    PatchUser = 1,
    CreateTeam = 2,
    AddTeamMember = 3,
    CreateChannel = 4,
    AddChannelMember = 5,
    RemoveChannelMember = 6,
    ViewChannel = 7,
    CreatePost = 8,
    EditPost = 9,
    DeletePost = 10,
    AddReaction = 11,
    RemoveReaction = 12,
    CreateConnection = 13,
    AcceptConnection = 14,
    ConfirmConnection = 15,
    AbandonConnection = 16,
    RemoveConnection = 17,
    AttachConnection = 18,
    InviteToChannel = 19,
    UninviteFromChannel = 20,
    UnshareChannel = 21,
    Configure = 22,
    PatchConnection = 23,
    SetPersonal = 24,
    AcknowledgePost = 25,
    WithdrawAcknowledgement = 26,
    RelocateConnection = 27,
    ConfigureConnectedWorkspaces = 28,
    OpenDirectChannel = 35,
    OpenGroupChannel = 36,
    AddFile = 40,
    ConfigureFiles = 41,
    SetPicture = 42,
    SetCustomStatus = 43,
    SetActive = 44,
    AnswerChannelInvitation = 45,
    ArchiveChannel = 46,
    RestoreChannel = 47,
    SetRoles = 48,
    SetTeamRoles = 49,
    PatchRole = 50,
    SetBot = 51,
    UseComponent = 52,
    PatchChannel = 53,
    ConvertChannel = 54,
    SetChannelRoles = 55,
    PatchTeam = 56,
    ArchiveTeam = 57,
    RestoreTeam = 58,
    RemoveTeamMember = 59,
    AddEmoji = 60,
    RemoveEmoji = 61,
    MarkUnread = 62,
}

/// Carries out a command. `key` is the client's own key of the act. A refused command leaves neither writes
/// nor effects.
pub fn carry_out(tx: &mut Tx<'_>, actor: Actor, key: Option<&str>, command: &Command) -> Reply {
    let fits = if Behaviour::PortableTexts.is_in_force(tx) {
        fit::check(command, key)
    } else {
        Ok(())
    };
    match fits.and_then(|()| command.act(tx, By { actor, key })) {
        Ok(reply) => reply,
        Err(refusal) => {
            tx.abandon();
            Reply::Refused(refusal)
        }
    }
}
