//! What a step changed, in terms of ids instead of a node's own numbers, and who intended it.

use causeway_kernel::boundary::input::{Actor, Input};
use causeway_kernel::command::{
    AcknowledgePost, AddReaction, Command, CreatePost, DeletePost, EditPost, PatchUser,
    RemoveReaction, SetActive, SetBot, SetCustomStatus, SetPicture, WithdrawAcknowledgement,
};
use causeway_kernel::model::{
    Acknowledgement, Channel, File, Held, HeldKind, Link, LinkState, Picture, Post, Priority,
    QuarantineEntry, Reaction, User,
};
use causeway_kernel::rows::id::{ChannelNo, ConnectionNo, FileNo, Id, PostNo, UserNo};
use causeway_kernel::rows::key;
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::{Read, Record};

use super::gates::{FileVerdict, denied_reactions, file_verdicts};
use super::pictures::PictureChange;
use super::refusals::{denied, items_of, kept_back, refused};
use super::transfers::{FileChange, FileView};
use super::user_view::{UserView, bot_before, user_view};
use crate::frames::{self, ACKNOWLEDGED, Item};
use crate::node::Carried;
use causeway_kernel::rows::memory::Tables;

/// A local user's intention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Write a post.
    Create {
        /// Its author.
        author: Id,
        /// Its text.
        message: String,
        /// Its priority.
        priority: Option<Priority>,
        /// The files named for it.
        files: Vec<Id>,
    },
    /// Change this post.
    Edit {
        /// Its id.
        post: Id,
        /// The new text.
        message: Option<String>,
        /// The new state of the pin.
        is_pinned: Option<bool>,
    },
    /// Delete this post.
    Delete(Id),
    /// Add (true) or remove a reaction, or an acknowledgement (see [`ACKNOWLEDGED`]).
    React(Id, Id, String, bool),
    /// Change this profile, but for what the next two change.
    Profile(Id),
    /// Have this custom status; empty = none.
    CustomStatus(Id, String),
    /// Activate this account (true), or deactivate it.
    Account(Id, bool),
    /// An account is a bot's, of which this is said.
    Bot(Id, String),
    /// Anything that does not create or change user content.
    Other,
}

/// A post's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostView {
    /// Id.
    pub id: Id,
    /// Whether it was written here.
    pub is_own: bool,
    /// Author.
    pub author: Id,
    /// Channel.
    pub channel: Id,
    /// Root of its thread.
    pub root: Option<Id>,
    /// Whether the root is deleted here.
    pub is_root_deleted: bool,
    /// Text.
    pub message: String,
    /// Type.
    pub kind: String,
    /// Creation time.
    pub create_at: i64,
    /// The version by its origin's clock.
    pub version: i64,
    /// Deletion time; 0 = not deleted.
    pub delete_at: i64,
    /// Whether it is pinned.
    pub is_pinned: bool,
    /// Its priority.
    pub priority: Option<Priority>,
    /// Its files that readers see, in order.
    pub files: Vec<FileView>,
    /// Whether it is deleted.
    pub is_deleted: bool,
    /// Whether a moderator here deleted it.
    pub is_moderated: bool,
}

impl PostView {
    /// Whether both look the same to readers, whatever their versions.
    #[must_use]
    pub fn looks_like(&self, other: &PostView) -> bool {
        let look = |post: &PostView| (post.is_pinned, post.priority, post.is_deleted);
        self.message == other.message && look(self) == look(other)
    }
}

/// A reaction's row, or an acknowledgement's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReactionView {
    /// Post, user, emoji.
    pub key: (Id, Id, String),
    /// The channel.
    pub channel: Id,
    /// Whether a user of this workspace reacted.
    pub is_own: bool,
    /// Whether it is shown.
    pub is_live: bool,
    /// The version by its origin's clock.
    pub version: i64,
}

/// A link's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkView {
    /// Channel.
    pub channel: Id,
    /// Connection.
    pub connection: ConnectionNo,
    /// Whether it has not ended.
    pub is_live: bool,
    /// Whether this row begins a new life of the link.
    pub begins: bool,
    /// Epoch and cursor.
    pub cursor: (u32, u64),
}

/// Everything that a step changed.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Who intended it.
    pub cause: Cause,
    /// Posts, each with its earlier state.
    pub posts: Vec<(Option<PostView>, PostView)>,
    /// Reactions, each with their earlier state.
    pub reactions: Vec<(Option<ReactionView>, ReactionView)>,
    /// Users, each with their earlier state.
    pub users: Vec<(Option<UserView>, UserView)>,
    /// Files of others whose bytes are here.
    pub files: Vec<FileChange>,
    /// Files that are gone although no post had them.
    pub files_gone: Vec<Id>,
    /// Pictures that were written.
    pub pictures: Vec<PictureChange>,
    /// Links.
    pub links: Vec<LinkView>,
    /// Posts (with their channel) that waited for a policy and no longer wait, without being stored.
    pub dropped: Vec<(Id, Id)>,
    /// Posts that a policy held or denied.
    pub kept_back: Vec<Id>,
    /// Items that were set aside because they stopped a step.
    pub set_aside: Vec<Item>,
    /// Channels of messages that were set aside as a whole.
    pub set_aside_in: Vec<Id>,
    /// Posts that the answer names as refused.
    pub refused: Vec<Id>,
    /// Posts that a policy denied.
    pub denied: Vec<Id>,
    /// What the policies answered about files.
    pub file_verdicts: Vec<FileVerdict>,
    /// Reactions and acknowledgements that a policy denied.
    pub denied_reactions: Vec<(Id, Id, String)>,
}

/// The intention of an input's actor, by the rows before the step.
#[must_use]
pub fn cause(rows: &Tables, input: &Input) -> Cause {
    let Input::Command { actor, command, .. } = input else {
        return Cause::Other;
    };
    let user = match actor {
        Actor::User(no) => rows.get::<User>(no).map(|user| user.id),
        Actor::System | Actor::Anonymous => None,
    };
    let post_id = |no: &PostNo| rows.get::<Post>(no).map(|post| post.id);
    let found = match command {
        Command::CreatePost(CreatePost {
            message,
            priority,
            files,
            ..
        }) => user.map(|author| Cause::Create {
            author,
            message: message.clone(),
            priority: *priority,
            files: file_ids(rows, files),
        }),
        Command::EditPost(EditPost {
            post,
            message,
            is_pinned,
            ..
        }) => post_id(post).map(|post| Cause::Edit {
            post,
            message: message.clone(),
            is_pinned: *is_pinned,
        }),
        Command::DeletePost(DeletePost { post }) => post_id(post).map(Cause::Delete),
        Command::AddReaction(AddReaction { post, emoji }) => post_id(post)
            .zip(user)
            .map(|(post, user)| Cause::React(post, user, emoji.clone(), true)),
        Command::RemoveReaction(RemoveReaction { post, emoji, .. }) => post_id(post)
            .zip(user)
            .map(|(post, user)| Cause::React(post, user, emoji.clone(), false)),
        Command::AcknowledgePost(AcknowledgePost { post }) => post_id(post)
            .zip(user)
            .map(|(post, user)| Cause::React(post, user, ACKNOWLEDGED.into(), true)),
        Command::WithdrawAcknowledgement(WithdrawAcknowledgement { post }) => post_id(post)
            .zip(user)
            .map(|(post, user)| Cause::React(post, user, ACKNOWLEDGED.into(), false)),
        Command::PatchUser(PatchUser { user, .. })
        | Command::SetPicture(SetPicture { user, .. }) => {
            rows.get::<User>(user).map(|user| Cause::Profile(user.id))
        }
        Command::SetCustomStatus(SetCustomStatus { status }) => {
            user.map(|user| Cause::CustomStatus(user, status.clone()))
        }
        Command::SetActive(SetActive { user, is_active }) => rows
            .get::<User>(user)
            .map(|user| Cause::Account(user.id, *is_active)),
        Command::SetBot(SetBot {
            user, description, ..
        }) => rows
            .get::<User>(user)
            .map(|user| Cause::Bot(user.id, description.clone())),
        Command::CreateUser(_)
        | Command::CreateTeam(_)
        | Command::AddTeamMember { .. }
        | Command::CreateChannel(_)
        | Command::OpenDirectChannel(_)
        | Command::OpenGroupChannel(_)
        | Command::AddChannelMember { .. }
        | Command::RemoveChannelMember { .. }
        | Command::ViewChannel { .. }
        | Command::CreateConnection(_)
        | Command::AcceptConnection(_)
        | Command::ConfirmConnection { .. }
        | Command::AbandonConnection { .. }
        | Command::RemoveConnection { .. }
        | Command::AttachConnection { .. }
        | Command::InviteToChannel { .. }
        | Command::UninviteFromChannel { .. }
        | Command::UnshareChannel { .. }
        | Command::Configure { .. }
        | Command::ConfigureConnectedWorkspaces { .. }
        | Command::SetPersonal(_)
        | Command::PatchConnection { .. }
        | Command::AnswerChannelInvitation(_)
        | Command::ArchiveChannel(_)
        | Command::RestoreChannel(_)
        | Command::PatchChannel(_)
        | Command::ConvertChannel(_)
        | Command::SetChannelRoles(_)
        | Command::PatchTeam(_)
        | Command::ArchiveTeam(_)
        | Command::RestoreTeam(_)
        | Command::RemoveTeamMember(_)
        | Command::MarkUnread(_)
        | Command::AddEmoji(_)
        | Command::RemoveEmoji(_)
        | Command::SetRoles(_)
        | Command::SetTeamRoles(_)
        | Command::PatchRole(_)
        | Command::AddFile(_)
        | Command::ConfigureFiles(_)
        | Command::UseComponent(_)
        | Command::RelocateConnection(_) => None,
    };
    found.unwrap_or(Cause::Other)
}

/// What a step changed, by the rows after it.
#[must_use]
pub fn facts(rows: &Tables, cause: Cause, carried: &Carried) -> Facts {
    let mut facts = Facts {
        cause,
        posts: Vec::new(),
        reactions: Vec::new(),
        users: Vec::new(),
        files: Vec::new(),
        files_gone: Vec::new(),
        pictures: Vec::new(),
        links: Vec::new(),
        dropped: Vec::new(),
        kept_back: kept_back(carried),
        set_aside: Vec::new(),
        set_aside_in: Vec::new(),
        refused: refused(carried),
        denied: denied(carried),
        file_verdicts: file_verdicts(rows, carried),
        denied_reactions: denied_reactions(carried),
    };
    for (write, old) in carried.writes.iter().zip(&carried.old) {
        let Some(new) = &write.value else {
            if write.table == Table::Held {
                let held = old.as_ref().map(|bytes| record::<Held>(bytes));
                facts
                    .dropped
                    .extend(held.and_then(|held| dropped(rows, &held)));
            }
            if write.table == Table::Files {
                let file = old.as_ref().map(|bytes| record::<File>(bytes));
                let unposted = file.filter(|file| file.post.is_none());
                facts.files_gone.extend(unposted.map(|file| file.id));
            }
            continue;
        };
        match write.table {
            Table::Posts => {
                let no: PostNo = decode(&write.key);
                let view = |bytes: &Vec<u8>| post_view(rows, record::<Post>(bytes), no);
                facts.posts.push((old.as_ref().map(view), view(new)));
            }
            Table::Reactions => {
                let key: (PostNo, UserNo, String) = decode(&write.key);
                let view = |bytes: &Vec<u8>| reaction_view(rows, &key, &record::<Reaction>(bytes));
                facts.reactions.push((old.as_ref().map(view), view(new)));
            }
            Table::Acknowledgements => {
                let key: (PostNo, UserNo) = decode(&write.key);
                let view = |bytes: &Vec<u8>| acknowledgement_view(rows, key, &record(bytes));
                facts.reactions.push((old.as_ref().map(view), view(new)));
            }
            Table::Users => {
                let no = decode::<UserNo>(&write.key);
                let before = old.as_ref().map(|bytes| UserView {
                    bot: bot_before(rows, no, carried),
                    ..user_view(rows, no, record::<User>(bytes))
                });
                facts
                    .users
                    .push((before, user_view(rows, no, record::<User>(new))));
            }
            Table::Quarantine => {
                let entry: QuarantineEntry = record(new);
                let whole = frames::read(&entry.bytes).and_then(|frame| Id::parse(&frame.channel));
                facts.set_aside_in.extend(whole);
                facts.set_aside.extend(items_of(&entry.bytes));
            }
            Table::Files => {
                let file = record::<File>(new);
                if file.is_here() && !file.origin.is_ours() {
                    let view = FileView {
                        id: file.id,
                        digest: file.digest,
                    };
                    let was_known = old.is_some();
                    facts.files.push(FileChange { view, was_known });
                }
            }
            Table::Pictures => {
                let user = rows.get::<User>(&decode::<UserNo>(&write.key));
                let user = user.expect("a picture of a user who is not there").id;
                let digest = record::<Picture>(new).digest;
                facts.pictures.push(PictureChange { user, digest });
            }
            Table::Links => {
                let key: (ChannelNo, ConnectionNo) = decode(&write.key);
                let old = old.as_ref().map(|bytes| record::<Link>(bytes));
                facts
                    .links
                    .push(link_view(rows, key, old.as_ref(), &record::<Link>(new)));
            }
            // Rows that are not users' shared content, but indexes of it or a node's own
            // records: their effects are judged by what is sent and by what is shown at the end.
            Table::Meta
            | Table::Ids
            | Table::Names
            | Table::Teams
            | Table::TeamMembers
            | Table::UserTeams
            | Table::Channels
            | Table::ChannelMembers
            | Table::UserChannels
            | Table::ChannelPosts
            | Table::ThreadPosts
            | Table::Feed
            | Table::PeerWorkspaces
            | Table::Connections
            | Table::SharedChannels
            | Table::ConnectionLinks
            | Table::SentUsers
            | Table::Rounds
            | Table::Exceptions
            | Table::SentReactions
            | Table::Verdicts
            | Table::Due
            | Table::Jobs
            | Table::Requests
            | Table::RequestExpiry
            | Table::Held
            | Table::SentOldPosts
            | Table::PinnedPosts
            | Table::Pending
            | Table::ExceptionTimes
            | Table::Behaviours
            | Table::Personal
            | Table::EmojiCounts
            | Table::PostEmoji
            | Table::RemovedReactions
            | Table::AcknowledgementCounts
            | Table::PostBlocks
            | Table::Mentions
            | Table::PostMentions
            | Table::EarlierVersions
            | Table::CustomEmoji
            | Table::KeptFrames
            | Table::FrameProgress
            | Table::QuarantineShares
            | Table::DirectCounts
            | Table::HeldItems
            | Table::HeldSums
            | Table::LastResends
            | Table::SharedMemberships
            | Table::Interruptions
            | Table::Offers
            | Table::FileBytes
            | Table::UnpostedFiles
            | Table::UnpostedCounts
            | Table::ChannelFiles
            | Table::Statuses
            | Table::StatusCursors
            | Table::Uploads
            | Table::UnpostedOfPeers
            | Table::FileDebts
            | Table::FileTimes
            | Table::SentFiles
            | Table::Transfers
            | Table::PictureDebts
            | Table::PictureTimes
            | Table::SentPictures
            | Table::PictureTransfers
            | Table::ChannelInvitations
            | Table::Roles
            | Table::TeamRoles
            | Table::UserClasses
            | Table::OwnBots
            | Table::HiddenComponents
            | Table::SystemAdmins => {}
        }
    }
    facts
}

/// The post in a held row, if it is not stored.
fn dropped(rows: &Tables, held: &Held) -> Option<(Id, Id)> {
    if held.kind != HeldKind::Post {
        return None;
    }
    let item: serde_json::Value = serde_json::from_slice(&held.item).ok()?;
    let id = Id::parse(item["id"].as_str()?)?;
    let is_there = lookup::post(rows, id.as_str()).is_some();
    (!is_there).then(|| (id, channel_id(rows, held.channel)))
}

pub(super) fn decode<K: causeway_kernel::rows::key::KeyPart>(bytes: &[u8]) -> K {
    key::decode(bytes).expect("the kernel wrote a key that is none of its table")
}

pub(super) fn record<R: Record>(bytes: &[u8]) -> R {
    R::from_bytes(bytes).expect("the kernel wrote a row that is none of its table")
}

fn file_ids(rows: &Tables, files: &[FileNo]) -> Vec<Id> {
    let known = files.iter().filter_map(|no| rows.get::<File>(no));
    known.map(|file| file.id).collect()
}

fn user_id(rows: &Tables, no: UserNo) -> Id {
    rows.get::<User>(&no)
        .expect("a user that is named exists")
        .id
}

fn channel_id(rows: &Tables, no: ChannelNo) -> Id {
    rows.get::<Channel>(&no)
        .expect("a channel that is named exists")
        .id
}

/// A post as shown.
#[must_use]
pub fn post_view(rows: &Tables, post: Post, _no: PostNo) -> PostView {
    let root = post.root.map(|root| {
        rows.get::<Post>(&root)
            .expect("the root of a thread exists")
    });
    let files = post.files.iter().filter_map(|no| rows.get::<File>(no));
    let files = files.filter(|file| file.is_here() && post.delete_at == 0);
    let files = files.map(|file| FileView {
        id: file.id,
        digest: file.digest,
    });
    let files = files.collect();
    PostView {
        id: post.id,
        is_own: post.origin.is_ours(),
        author: user_id(rows, post.user),
        channel: channel_id(rows, post.channel),
        is_root_deleted: root.as_ref().is_some_and(|root| root.delete_at != 0),
        root: root.map(|root| root.id),
        message: post.message,
        kind: post.kind,
        create_at: post.create_at,
        version: post.origin_update_at,
        delete_at: post.delete_at,
        is_pinned: post.is_pinned,
        priority: post.priority,
        files,
        is_deleted: post.delete_at != 0,
        is_moderated: post.moderated,
    }
}

/// A reaction as shown.
#[must_use]
pub fn reaction_view(
    rows: &Tables,
    (post, user, emoji): &(PostNo, UserNo, String),
    reaction: &Reaction,
) -> ReactionView {
    let state = (reaction.delete_at == 0, reaction.update_at);
    said_view(rows, (*post, *user), emoji, state)
}

/// An acknowledgement as shown.
#[must_use]
pub fn acknowledgement_view(
    rows: &Tables,
    key: (PostNo, UserNo),
    row: &Acknowledgement,
) -> ReactionView {
    let state = (row.acknowledged_at != 0, row.update_at);
    said_view(rows, key, ACKNOWLEDGED, state)
}

fn said_view(
    rows: &Tables,
    (post, user): (PostNo, UserNo),
    emoji: &str,
    (is_live, version): (bool, i64),
) -> ReactionView {
    let post = rows
        .get::<Post>(&post)
        .expect("the post of a reaction exists");
    let user = rows
        .get::<User>(&user)
        .expect("the user of a reaction exists");
    ReactionView {
        key: (post.id, user.id, emoji.to_string()),
        channel: channel_id(rows, post.channel),
        is_own: user.origin.is_ours(),
        is_live,
        version,
    }
}

fn link_view(
    rows: &Tables,
    (channel, connection): (ChannelNo, ConnectionNo),
    old: Option<&Link>,
    new: &Link,
) -> LinkView {
    // While an administrator of the peer has not agreed, nothing is due there.
    let is_live = |link: &Link| !matches!(link.state, LinkState::Ended | LinkState::Awaiting);
    LinkView {
        channel: channel_id(rows, channel),
        connection,
        is_live: is_live(new),
        begins: is_live(new) && !old.is_some_and(is_live),
        cursor: (new.epoch, new.cursor.seq.0),
    }
}
