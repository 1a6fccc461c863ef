//! Who is a member of a shared channel: at every node that shares it, each user is a member exactly if the
//! user's home says so. A hub passes on what the homes of others said.

use std::collections::{BTreeMap, BTreeSet};

use causeway_kernel::model::{Channel, ChannelMember, SharedMembership, User};
use causeway_kernel::rows::id::{ChannelNo, Id, UserNo};
use causeway_kernel::rows::memory::Tables;
use causeway_kernel::rows::tx::Read;

use super::convergence::Show;
use super::{CONVERGENCE, NO_ECHO, Oracle, Violation, broken};
use crate::frames::{FrameItems, Item};
use crate::plan::HUB;

/// Rows of a table that are read when inspecting a node.
const ROWS_MAX: u32 = 1_000_000;

/// What the oracle knows about memberships.
#[derive(Default)]
pub struct Members {
    are_shared: bool,
    /// Nodes that were restored, and may have forgotten what they told others.
    restored: BTreeSet<usize>,
}

impl Members {
    /// A node was restored from a backup.
    pub fn restored(&mut self, node: usize) {
        self.restored.insert(node);
    }
}

/// The memberships of a node, by channel and user.
#[derive(Default)]
pub struct Membership {
    members: BTreeSet<(Id, Id)>,
    /// What the homes of users of other workspaces said last.
    stated: BTreeMap<(Id, Id), bool>,
    users: BTreeSet<Id>,
}

impl Membership {
    /// Inspects a node's rows.
    #[must_use]
    pub fn of(rows: &Tables) -> Membership {
        let ids = |(channel, user): (ChannelNo, UserNo)| {
            let channel = rows.get::<Channel>(&channel)?;
            let user = rows.get::<User>(&user)?;
            Some(((channel.id, user.id), user.origin.is_ours()))
        };
        let members = rows.prefix::<ChannelMember, ()>(&(), ROWS_MAX);
        let members = members.into_iter().filter_map(|(key, _)| ids(key));
        let stated = rows.prefix::<SharedMembership, ()>(&(), ROWS_MAX);
        let stated = stated.into_iter().filter_map(|(key, row)| {
            let (key, is_ours) = ids(key)?;
            (!is_ours).then_some((key, row.is_member))
        });
        let users = rows.prefix::<User, ()>(&(), ROWS_MAX);
        Membership {
            members: members.map(|(key, _)| key).collect(),
            stated: stated.collect(),
            users: users.iter().map(|(_, user)| user.id).collect(),
        }
    }

    /// Whether a user is a member of a channel, as far as this node has to say something about it.
    fn says(&self, key: (Id, Id), is_home: bool) -> Option<bool> {
        if is_home {
            Some(self.members.contains(&key))
        } else {
            self.stated.get(&key).copied()
        }
    }
}

impl Oracle {
    /// Whether memberships are shared in this run, and everybody is offered to every peer.
    pub fn settings(&mut self, members: bool, directory: bool) {
        self.members.are_shared = members;
        self.directory.is_offered = directory;
    }

    /// A message is sent: a peer is told nothing about its own users.
    pub(super) fn states_no_members_of(
        &self,
        peer: usize,
        frame: &FrameItems,
    ) -> Result<(), Violation> {
        let is_theirs = |user: &&String| {
            let user = Id::parse(user).and_then(|id| self.ledger.users.get(&id));
            user.is_some_and(|user| user.home == peer)
        };
        match frame.members.iter().find(is_theirs) {
            Some(user) => Err(broken(
                NO_ECHO,
                format!("node {peer} is told about the membership of its own user {user}"),
            )),
            None => Ok(()),
        }
    }

    /// Judges at the end who is a member where.
    ///
    /// # Errors
    /// The first user who is a member at one node only.
    pub(super) fn judge_members(&self, shows: &[Show]) -> Result<(), Violation> {
        if !self.members.are_shared {
            return Ok(());
        }
        for ((node, channel, _), (peer, _)) in &self.lives {
            let memberships = |of: usize| shows.get(of).and_then(Show::membership);
            let (Some(here), Some(there)) = (memberships(*node), memberships(*peer)) else {
                continue;
            };
            if !self.shares(*channel, (*peer, *node), None) {
                continue;
            }
            for (id, user) in &self.ledger.users {
                let is_home = user.home == *node;
                let passes_on = *node == HUB && user.home != *peer;
                let is_forgotten = [*node, user.home]
                    .iter()
                    .any(|of| self.members.restored.contains(of));
                if (!is_home && !passes_on) || user.is_lost || is_forgotten {
                    continue;
                }
                let is_member = there.members.contains(&(*channel, *id));
                let Some(stated) = here.says((*channel, *id), is_home) else {
                    continue;
                };
                let is_unknown = !there.users.contains(id)
                    || self.is_lost_at(*peer, &Item::User(id.to_string()));
                if is_member != stated && (stated || !is_unknown) {
                    return Err(broken(
                        CONVERGENCE,
                        format!(
                            "user {id} of node {} is a member of {channel} at node {peer}: {is_member}; \
                             node {node} says {stated}",
                            user.home
                        ),
                    ));
                }
            }
        }
        Ok(())
    }
}
