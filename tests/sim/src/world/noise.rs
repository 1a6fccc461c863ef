//! Hostile or faulty behaviour of a peer: floods of messages that must be refused,
//! and invalid answers.

use causeway_kernel::boundary::input::Input;
use causeway_kernel::model::{Channel, Connection, Link, LinkState, Post, User};
use causeway_kernel::rows::id::{ChannelNo, ConnectionNo, Id};
use causeway_kernel::rows::tx::Read;
use causeway_kernel::wire::FRAME_BYTES_MAX;
use serde_json::{Value, json};

use super::calls::CallOutcome;
use super::{Waiter, World};
use crate::dice::Dice;
use crate::oracle::Violation;
use crate::plan::HUB;

/// Messages of a flood.
const FLOOD: u64 = 40;
/// Rows from which a flood chooses its subjects.
const CHOICE: u32 = 200;
/// A time later than any other, in ms.
const LATEST_MS: i64 = 9_000_000_000_000;

/// The material of a flood: others' objects that its sender knows of.
struct Loot {
    remote_id: Id,
    /// A channel that is shared with the sender, and one that is not.
    shared: Option<Id>,
    foreign: Option<Id>,
    /// A post of a channel that is not shared with the sender, and a user who is not its own.
    post: Option<Id>,
    user: Option<Id>,
}

impl World<'_> {
    /// A peer sends the hub a burst of invented messages, none of which it may accept.
    pub(super) fn flood(&mut self, from: usize, number: usize) -> Result<(), Violation> {
        let mut dice = Dice::new(self.plan.seed, &format!("flood {number}"));
        self.tell(format!("{} floods the hub.", self.nodes[from].name()));
        let peers = self.nodes[HUB].peers.iter().rev();
        let connection = peers.into_iter().find(|(_, peer)| **peer == from);
        let Some(connection) = connection.map(|(no, _)| *no) else {
            return Ok(());
        };
        for at in 0..FLOOD {
            if !self.nodes[HUB].is_serving {
                break;
            }
            let Some(loot) = self.loot(connection, &mut dice) else {
                break;
            };
            // One of them exceeds the length limit of messages.
            let body = if at == 0 {
                vec![b' '; FRAME_BYTES_MAX + 1]
            } else {
                loot.message(&mut dice)
            };
            self.deliveries.frames += 1;
            let input = Input::Frame {
                connection,
                body,
                skip: Vec::new(),
            };
            self.step(HUB, input, Waiter::Nobody)?;
        }
        Ok(())
    }

    fn loot(&self, connection: ConnectionNo, dice: &mut Dice) -> Option<Loot> {
        let rows = &self.nodes[HUB].rows;
        let row = rows.get::<Connection>(&connection)?;
        let is_shared = |channel: ChannelNo| {
            let link = rows.get::<Link>(&(channel, connection));
            link.is_some_and(|link| link.state != LinkState::Ended)
        };
        let channels: Vec<(ChannelNo, Channel)> = rows.prefix::<Channel, ()>(&(), CHOICE);
        let (shared, foreign): (Vec<_>, Vec<_>) =
            channels.into_iter().partition(|(no, _)| is_shared(*no));
        let mut posts: Vec<(_, Post)> = rows.prefix::<Post, ()>(&(), CHOICE);
        posts.retain(|(_, post)| !is_shared(post.channel));
        let mut users: Vec<(_, User)> = rows.prefix::<User, ()>(&(), CHOICE);
        users.retain(|(_, user)| user.origin != row.workspace);
        Some(Loot {
            remote_id: row.remote_id,
            shared: dice.pick(&shared).map(|(_, row)| row.id),
            foreign: dice.pick(&foreign).map(|(_, row)| row.id),
            post: dice.pick(&posts).map(|(_, row)| row.id),
            user: dice.pick(&users).map(|(_, row)| row.id),
        })
    }

    /// The answer of a broken node to a request, `None` if it is not broken; `Some(None)` means no
    /// answer at all.
    pub(super) fn breakage(
        &mut self,
        node: usize,
        is_of_file: bool,
    ) -> Option<Option<CallOutcome>> {
        let until_ms = self.broken_until_ms.get(&node)?;
        if *until_ms <= self.now_ms {
            return None;
        }
        Some(match self.dice(is_of_file).below(4) {
            0 => Some(CallOutcome::Refused(500)),
            1 => Some(CallOutcome::Refused(503)),
            2 => Some(CallOutcome::Answered {
                body: b"<html>no</html>".to_vec(),
                incarnation: None,
            }),
            _ => None,
        })
    }
}

impl Loot {
    fn message(&self, dice: &mut Dice) -> Vec<u8> {
        let fresh = Id::from_uuid_bytes(dice.bytes());
        let (foreign, shared) = (text(self.foreign), text(self.shared));
        let (post, user) = (text(self.post), text(self.user));
        let edit = |channel: &str, delete_at: i64| {
            json!({"channel_id": channel, "posts": [{
                "id": post, "user_id": user, "channel_id": channel, "message": "flooded",
                "create_at": 1, "update_at": LATEST_MS, "delete_at": delete_at,
            }]})
        };
        let reaction = |channel: &str| {
            json!({"channel_id": channel, "reactions": [{
                "post_id": post, "user_id": user, "emoji_name": "no", "channel_id": channel,
                "create_at": 1, "update_at": LATEST_MS, "delete_at": 0,
            }]})
        };
        let (topic, payload) = match dice.below(10) {
            0 => return (0..dice.below(500)).map(|_| dice.number() as u8).collect(),
            1 => ("sharedchannel_sync", edit(&foreign, 0)),
            2 => ("sharedchannel_sync", edit(&foreign, LATEST_MS)),
            3 => ("sharedchannel_sync", edit(&shared, 0)),
            4 => ("sharedchannel_sync", edit(&shared, LATEST_MS)),
            5 => ("sharedchannel_sync", reaction(&foreign)),
            6 => ("sharedchannel_sync", reaction(&shared)),
            7 => (
                "sharedchannel_sync",
                json!({"channel_id": shared, "users": {user.clone(): {
                    "id": user, "username": "mallory", "update_at": LATEST_MS,
                }}}),
            ),
            8 => ("no_such_topic", json!({"channel_id": shared})),
            _ => ("sharedchannel_invite", json!({"channel_id": foreign})),
        };
        let id = fresh.to_string();
        let message = json!({"id": id, "topic": topic, "create_at": 1, "payload": payload});
        let frame: Value = json!({"remote_id": self.remote_id.to_string(), "msg": message});
        frame.to_string().into_bytes()
    }
}

fn text(id: Option<Id>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}
