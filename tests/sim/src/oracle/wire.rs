//! Judges the messages that leave a node: nothing is sent back to its sender (I4), nothing is sent to
//! anyone who is not invited (I6), and no version crosses an edge that its origin never made (I4).

use causeway_kernel::boundary::output::Effect;
use causeway_kernel::rows::id::Id;

use super::bounded::Sent;
use super::{Durable, ENTITLEMENT, NO_ECHO, Oracle, Peers, Violation, bounded, broken};
use crate::frames::{self, Item};

impl Oracle {
    pub(super) fn sends(
        &mut self,
        node: usize,
        step: &Durable<'_>,
        peers: &Peers,
    ) -> Result<(), Violation> {
        for effect in step.effects {
            if let Effect::SendFile(file) = effect {
                let peer = peers.get(&file.connection).copied();
                let Some(peer) = peer else {
                    return Err(broken(ENTITLEMENT, "bytes leave for nobody"));
                };
                self.sends_bytes(node, peer, file)?;
                continue;
            }
            if let Effect::SendPicture(picture) = effect {
                let peer = peers.get(&picture.connection).copied();
                let Some(peer) = peer else {
                    return Err(broken(ENTITLEMENT, "a picture leaves for nobody"));
                };
                self.sends_picture(node, peer, picture)?;
                continue;
            }
            let Effect::Send {
                connection,
                attempt,
                frame,
            } = effect
            else {
                continue;
            };
            let Some(peer) = peers.get(connection).copied() else {
                return Err(broken(ENTITLEMENT, "a message leaves for nobody"));
            };
            let bytes = frame;
            let Some(frame) = frames::read(bytes) else {
                return Err(broken(NO_ECHO, "a message leaves that is no JSON"));
            };
            bounded::check_items(node, &frame)?;
            if frame.is_of_directory() {
                self.offers_own_people(node, peer, &frame)?;
                continue;
            }
            let channel = Id::parse(&frame.channel);
            let link = channel.map(|channel| (node, channel, *connection));
            // The end is told when the link has ended.
            if frame.is_sharing_state() {
                self.concerns(node, peer, channel)?;
                continue;
            }
            let Some(link) = link.and_then(|link| self.links.get(&link)) else {
                return Err(broken(
                    ENTITLEMENT,
                    format!(
                        "node {node} sends node {peer} what is of a channel that is not shared with it: {}",
                        String::from_utf8_lossy(bytes)
                    ),
                ));
            };
            if frame.is_announcement() {
                self.announces((node, *connection), peer, *attempt, bytes)?;
                continue;
            }
            let (attempt, link) = (*attempt, *link);
            self.fits(peer, &frame)?;
            self.states_no_members_of(peer, &frame)?;
            for (item, version) in frame.items {
                self.crosses(node, peer, &item, version)?;
                self.tells_toggle(node, peer, &item, version)?;
                self.crossed.insert((node, peer, item, version));
            }
            let sent = Sent { attempt, link };
            self.sending.sends((node, *connection), step.at_ms, sent)?;
        }
        Ok(())
    }

    /// The state of a channel is told to those who have or had it.
    fn concerns(&self, node: usize, peer: usize, channel: Option<Id>) -> Result<(), Violation> {
        let (node, peer) = (self.identity(node), self.identity(peer));
        let key = channel.map(|id| (id, node.min(peer), node.max(peer)));
        if key.is_some_and(|key| self.in_common.contains(&key)) {
            return Ok(());
        }
        Err(broken(
            ENTITLEMENT,
            format!(
                "node {node} tells node {peer} the state of a channel that is none of its business"
            ),
        ))
    }

    fn crosses(
        &self,
        node: usize,
        peer: usize,
        item: &Item,
        version: i64,
    ) -> Result<(), Violation> {
        let found = match item {
            Item::User(id) => {
                let user = Id::parse(id).and_then(|id| self.ledger.users.get(&id));
                user.map(|model| (model.home, model.versions.contains_key(&version)))
            }
            Item::Post(id) => {
                let post = Id::parse(id).and_then(|id| self.ledger.posts.get(&id));
                post.map(|model| (model.origin, model.versions.contains(&version)))
            }
            Item::Reaction(post, user, emoji) => {
                let ids = Id::parse(post).zip(Id::parse(user));
                let key = ids.map(|(post, user)| (post, user, emoji.clone()));
                let reaction = key.and_then(|key| self.ledger.reactions.get(&key));
                let is_withdrawal = self.is_withdrawal(peer, emoji, version);
                reaction.map(|model| {
                    let is_version = model.versions.contains(&version);
                    (model.origin, is_version || is_withdrawal)
                })
            }
        };
        let Some((origin, is_version)) = found else {
            return Err(broken(
                NO_ECHO,
                format!("node {node} sends {item:?}, which nobody made"),
            ));
        };
        if origin == peer {
            return Err(broken(
                NO_ECHO,
                format!("node {node} sends {item:?} back to node {peer}, where it came from"),
            ));
        }
        if !is_version {
            return Err(broken(
                NO_ECHO,
                format!("node {node} sends version {version} of {item:?}, which nobody made"),
            ));
        }
        Ok(())
    }

    /// Versions that crossed an edge, each counted once however often it was sent.
    #[must_use]
    pub fn versions_crossed(&self) -> usize {
        self.crossed.len()
    }
}
