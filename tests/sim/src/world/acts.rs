//! What users do: an act of the plan becomes a command about something that its node shows.

use causeway_kernel::boundary::env::Range;
use causeway_kernel::boundary::input::{Actor, Input};
use causeway_kernel::boundary::output::Reply;
use causeway_kernel::command::{
    AddChannelMember, AddReaction, Command, CreateChannel, CreatePost, DeletePost, EditPost,
    InviteToChannel, PatchUser, RemoveChannelMember, RemoveReaction, UninviteFromChannel,
    UnshareChannel, UserPatch,
};
use causeway_kernel::model::{
    Channel, ChannelKind, ChannelMember, ChannelPost, Link, LinkState, Post, Reaction, User,
};
use causeway_kernel::objects::posts::is_system;
use causeway_kernel::rows::id::{ChannelNo, ConnectionNo, PostNo, UserNo};
use causeway_kernel::rows::key;
use causeway_kernel::rows::tx::{Read, SCAN_BYTES_MAX};
use causeway_kernel::sharing::connection;

use super::setup::{ADMIN, TEAM, USERS_EACH};
use super::{Event, Waiter, World};
use crate::dice::Dice;
use crate::oracle::Violation;
use crate::plan::Act;
use crate::policies::{DENIED_WORD, REVISED_WORD};

/// Newest posts of a channel among which a user chooses.
const CHOICE: u32 = 12;
/// Bytes of a long text.
const LONG_TEXT_BYTES: usize = 16_000;
/// Channels of a workspace.
const CHANNELS_MAX: u32 = 100;
/// Names that users take.
const NAMES: [&str; 4] = ["zoe", "yan", "bob", "xenia"];
/// What users react with.
const EMOJI: [&str; 3] = ["tada", "+1", "eyes"];

/// What a client asks of its workspace.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) node: usize,
    actor: Actor,
    key: Option<String>,
    command: Command,
    told: String,
}

impl World<'_> {
    /// A user or an admin does something, if there is anything to do it with.
    pub(super) fn act(&mut self, node: usize, act: Act, number: usize) -> Result<(), Violation> {
        if act == Act::Reconnect {
            return self.reconnect(node);
        }
        let node = self.host(node);
        let mut dice = Dice::new(self.plan.seed, &format!("act {number}"));
        let Some(requests) = self.requests(node, act, number, &mut dice) else {
            return Ok(());
        };
        self.coverage.act(act);
        for request in requests {
            self.submit(request)?;
        }
        Ok(())
    }

    /// A client sends its request; one whose workspace does not run tries again if it has a key.
    pub(super) fn submit(&mut self, request: Request) -> Result<(), Violation> {
        if !self.nodes[request.node].is_serving || self.is_full(request.node) {
            self.client_is_cut(request.node, request);
            return Ok(());
        }
        let input = Input::Command {
            actor: request.actor,
            key: request.key.clone(),
            command: request.command.clone(),
        };
        let node = request.node;
        self.step(node, input, Waiter::Client(Box::new(request)))?;
        Ok(())
    }

    /// A client did not get its answer. With a key it may send the same again.
    pub(super) fn client_is_cut(&mut self, node: usize, request: Request) {
        if request.key.is_some() && !self.is_healed {
            let at_ms = self.now_ms + self.machines.between(1_000, 40_000);
            self.agenda.at(at_ms, Event::Again(Box::new(request)));
        } else {
            let name = self.nodes[node].name();
            self.tell(format!("At {name} nobody hears whether {}.", request.told));
        }
    }

    /// A client got its answer.
    pub(super) fn served(&mut self, node: usize, request: &Request, reply: &Reply) {
        if !self.is_told() {
            return;
        }
        let name = self.nodes[node].name();
        match reply {
            Reply::Refused(refusal) => self.tell(format!(
                "At {name} {} – refused: {}.",
                request.told, refusal.id
            )),
            _ => self.tell(format!("At {name} {}.", request.told)),
        }
    }

    fn requests(
        &self,
        node: usize,
        act: Act,
        number: usize,
        dice: &mut Dice,
    ) -> Option<Vec<Request>> {
        let rows = &self.nodes[node].rows;
        let user = UserNo(1 + dice.below(USERS_EACH as u64));
        let profile = rows.get::<User>(&user)?;
        let request = |actor, command, told| Request {
            node,
            actor,
            key: None,
            command,
            told,
        };
        let by_admin = |command, told| Some(vec![request(Actor::User(ADMIN), command, told)]);
        let name = &profile.username;
        match act {
            Act::CreateChannel => {
                return by_admin(
                    create_channel(number, dice),
                    "the admin makes a channel".to_string(),
                );
            }
            Act::Invite => {
                let channels = self.channels(node, |channel| {
                    channel.origin.is_ours() && channel.name.starts_with("room")
                });
                let (channel, row) = dice.pick(&channels)?.clone();
                let connection = *dice.pick(&self.live_connections(node))?;
                let read_only = dice.chance(50);
                let command = Command::InviteToChannel(InviteToChannel {
                    channel,
                    connection,
                    read_only,
                });
                return by_admin(
                    command,
                    format!("the admin offers {} to the peer", row.name),
                );
            }
            Act::Uninvite => {
                let links = rows.prefix::<Link, ()>(&(), CHANNELS_MAX);
                let live: Vec<_> = links
                    .into_iter()
                    .filter(|(_, link)| link.state != LinkState::Ended)
                    .collect();
                let ((channel, connection), _) = *dice.pick(&live)?;
                let command = Command::UninviteFromChannel(UninviteFromChannel {
                    channel,
                    connection,
                });
                return by_admin(
                    command,
                    format!(
                        "the admin ends the sharing of {} with the peer",
                        self.channel_name(node, channel)
                    ),
                );
            }
            Act::Unshare => {
                let (channel, row) = dice
                    .pick(&self.channels(node, |channel| channel.shared))?
                    .clone();
                return by_admin(
                    Command::UnshareChannel(UnshareChannel { channel }),
                    format!("the admin unshares {}", row.name),
                );
            }
            Act::Rename => {
                let (patch, told) = rename(number, name, dice);
                return Some(vec![request(
                    Actor::User(user),
                    Command::PatchUser(PatchUser { user, patch }),
                    told,
                )]);
            }
            Act::Leave => {
                let channels = self.channels(node, |channel| channel.shared);
                let (channel, row) = dice.pick(&channels)?.clone();
                let told = format!("{name} leaves {}", row.name);
                let command = Command::RemoveChannelMember(RemoveChannelMember { channel, user });
                return Some(vec![request(Actor::User(user), command, told)]);
            }
            _ => {}
        }
        let any = self.channels(node, |channel| channel.name.starts_with("room"));
        let mut shared = any.clone();
        shared.retain(|(_, channel)| channel.shared);
        let list = if shared.is_empty() || dice.chance(100) {
            &any
        } else {
            &shared
        };
        let (channel, row) = dice.pick(list)?.clone();
        let where_to = &row.name;
        let posts = self.posts(node, channel);
        let live = |post: &&(PostNo, Post)| post.1.delete_at == 0 && !is_system(&post.1.kind);
        let (actor, command, key, told) = match act {
            Act::Post | Act::Reply => {
                let roots: Vec<_> = posts
                    .iter()
                    .filter(live)
                    .filter(|(_, post)| post.root.is_none())
                    .collect();
                let root = if act == Act::Reply {
                    Some(dice.pick(&roots)?.0)
                } else {
                    None
                };
                let message = self.text(node, number, dice);
                let told = match root {
                    Some(root) => format!(
                        "{name} answers “{}” with “{message}”",
                        self.text_of(node, root)
                    ),
                    None => format!("{name} writes “{message}” in {where_to}"),
                };
                let post = CreatePost {
                    channel,
                    root,
                    message,
                    props: String::new(),
                    kind: String::new(),
                };
                (
                    user,
                    Command::CreatePost(post),
                    Some(format!("{}:{number}", profile.id)),
                    told,
                )
            }
            Act::Edit => {
                let own: Vec<_> = posts
                    .iter()
                    .filter(live)
                    .filter(|(_, post)| post.user == user)
                    .collect();
                let (post, old) = dice.pick(&own)?;
                let message = self.text(node, number, dice);
                let told = format!("{name} changes “{}” to “{message}”", old.message);
                let command = Command::EditPost(EditPost {
                    post: *post,
                    message: Some(message),
                    props: None,
                    is_pinned: None,
                });
                (user, command, None, told)
            }
            Act::Delete => {
                let own: Vec<_> = posts
                    .iter()
                    .filter(live)
                    .filter(|(_, post)| post.user == user)
                    .collect();
                let (post, old) = dice.pick(&own)?;
                (
                    user,
                    Command::DeletePost(DeletePost { post: *post }),
                    None,
                    format!("{name} deletes “{}”", old.message),
                )
            }
            Act::Moderate => {
                let others: Vec<_> = posts
                    .iter()
                    .filter(live)
                    .filter(|(_, post)| post.user != ADMIN)
                    .collect();
                let (post, old) = dice.pick(&others)?;
                (
                    ADMIN,
                    Command::DeletePost(DeletePost { post: *post }),
                    None,
                    format!("the admin deletes “{}”", old.message),
                )
            }
            Act::Pin => {
                let live: Vec<_> = posts.iter().filter(live).collect();
                let (post, old) = dice.pick(&live)?;
                let pin = !old.is_pinned;
                let command = Command::EditPost(EditPost {
                    post: *post,
                    message: None,
                    props: None,
                    is_pinned: Some(pin),
                });
                (
                    user,
                    command,
                    None,
                    format!("{name} sets the pin of “{}” to {pin}", old.message),
                )
            }
            Act::React => {
                let live: Vec<_> = posts.iter().filter(live).collect();
                let (post, old) = dice.pick(&live)?;
                let emoji = (*dice.pick(&EMOJI)?).to_string();
                let told = format!("{name} reacts to “{}” with {emoji}", old.message);
                (
                    user,
                    Command::AddReaction(AddReaction { post: *post, emoji }),
                    None,
                    told,
                )
            }
            _ => {
                let (post, emoji) = dice.pick(&self.reactions(node, user, &posts))?.clone();
                let told = format!(
                    "{name} takes back {emoji} from “{}”",
                    self.text_of(node, post)
                );
                (
                    user,
                    Command::RemoveReaction(RemoveReaction { post, user, emoji }),
                    None,
                    told,
                )
            }
        };
        let actor = Actor::User(actor);
        let mut requests = Vec::new();
        if !rows.has::<ChannelMember>(&(channel, user)) {
            let join = Command::AddChannelMember(AddChannelMember { channel, user });
            requests.push(request(
                Actor::User(user),
                join,
                format!("{name} joins {where_to}"),
            ));
        }
        requests.push(Request {
            key,
            ..request(actor, command, told)
        });
        Some(requests)
    }

    /// A text that no other act writes.
    fn text(&self, node: usize, number: usize, dice: &mut Dice) -> String {
        let text = match dice.below(30) {
            0 => format!("{DENIED_WORD} {number}"),
            1 => format!("{REVISED_WORD} {number}"),
            2..6 => {
                let users = self.nodes[node].rows.prefix::<User, ()>(&(), CHANNELS_MAX);
                let name = dice.pick(&users).map(|(_, user)| user.username.clone());
                format!("text {number} @{}", name.unwrap_or_default())
            }
            _ => format!("text {number}"),
        };
        if self.plan.long_texts && dice.chance(500) {
            // Twenty of these are more than a message to a peer may hold.
            return format!("{text} {}", "x".repeat(LONG_TEXT_BYTES));
        }
        text
    }

    fn live_connections(&self, node: usize) -> Vec<ConnectionNo> {
        let all = connection::all(&self.nodes[node].rows);
        let live = all.into_iter().filter(|(_, row)| row.delete_at == 0);
        live.map(|(no, _)| no).collect()
    }

    fn channels(
        &self,
        node: usize,
        wanted: impl Fn(&Channel) -> bool,
    ) -> Vec<(ChannelNo, Channel)> {
        let rows = self.nodes[node]
            .rows
            .prefix::<Channel, ()>(&(), CHANNELS_MAX);
        rows.into_iter().filter(|(_, row)| wanted(row)).collect()
    }

    fn channel_name(&self, node: usize, no: ChannelNo) -> String {
        let row = self.nodes[node].rows.get::<Channel>(&no);
        row.map(|row| row.name).unwrap_or_default()
    }

    fn text_of(&self, node: usize, no: PostNo) -> String {
        let row = self.nodes[node].rows.get::<Post>(&no);
        row.map(|row| row.message).unwrap_or_default()
    }

    /// The newest posts of a channel.
    fn posts(&self, node: usize, channel: ChannelNo) -> Vec<(PostNo, Post)> {
        let rows = &self.nodes[node].rows;
        let from = key::encode(&channel);
        let newest = rows.rows::<ChannelPost>(&Range {
            to: key::prefix_end(&from).unwrap_or_default(),
            from,
            reverse: true,
            rows_max: CHOICE,
            bytes_max: SCAN_BYTES_MAX,
        });
        let numbers = newest.into_iter().map(|((_, _, no), _)| no);
        numbers
            .filter_map(|no| Some((no, rows.get::<Post>(&no)?)))
            .collect()
    }

    fn reactions(
        &self,
        node: usize,
        user: UserNo,
        posts: &[(PostNo, Post)],
    ) -> Vec<(PostNo, String)> {
        let rows = &self.nodes[node].rows;
        let mut found = Vec::new();
        for (no, _) in posts.iter().filter(|(_, post)| post.delete_at == 0) {
            for ((post, _, emoji), row) in rows.prefix::<Reaction, _>(&(*no, user), CHOICE) {
                if row.delete_at == 0 {
                    found.push((post, emoji));
                }
            }
        }
        found
    }
}

fn create_channel(number: usize, dice: &mut Dice) -> Command {
    // Sometimes both sides choose the same name.
    let name = if dice.chance(100) {
        "room".to_string()
    } else {
        format!("room-{number}")
    };
    Command::CreateChannel(CreateChannel {
        team: TEAM,
        display_name: name.clone(),
        name,
        header: String::new(),
        purpose: String::new(),
        kind: ChannelKind::Public,
    })
}

fn rename(number: usize, name: &str, dice: &mut Dice) -> (UserPatch, String) {
    let mut patch = UserPatch::default();
    if dice.chance(500) {
        let new = (*dice.pick(&NAMES).unwrap_or(&"zoe")).to_string();
        let told = format!("{name} takes the name {new}");
        patch.username = Some(new);
        return (patch, told);
    }
    let new = format!("nick {number}");
    let told = format!("{name} takes the nickname {new}");
    patch.nickname = Some(new);
    (patch, told)
}
