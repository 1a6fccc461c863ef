//! A malicious peer. Anything that it says in its own name may take effect and enters the
//! ledger as shown at the hub. It must not change anything of anybody else (I5, I6).

use std::collections::BTreeSet;

use causeway_kernel::boundary::input::Input;
use causeway_kernel::rows::id::Id;

use super::facts::PostView;
use super::ledger::{PostModel, ReactionModel, Thing, Told, UserModel};
use super::user_view::UserView;
use super::{AUTHORSHIP, Durable, ENTITLEMENT, Oracle, Peers, Violation, broken};
use crate::plan::HUB;

/// What the oracle knows about such a peer.
#[derive(Default)]
pub struct Intruder {
    seat: Option<usize>,
    /// Channels that it offered.
    channels: BTreeSet<Id>,
}

fn not_theirs(what: &str, seen: &dyn std::fmt::Debug) -> Violation {
    broken(
        AUTHORSHIP,
        format!("a malicious peer changed {what} that is not its own: {seen:?}"),
    )
}

impl Oracle {
    /// A malicious peer takes a seat.
    pub fn intruder_joins(&mut self, seat: usize) {
        self.intruder.seat = Some(seat);
    }

    /// Whether the malicious peer has this seat.
    pub(super) fn is_intruder(&self, seat: usize) -> bool {
        self.intruder.seat == Some(seat)
    }

    /// Whether a step of the hub processes input from the malicious peer.
    pub(super) fn is_by_intruder(&self, node: usize, input: &Input, peers: &Peers) -> bool {
        match input {
            Input::Frame { connection, .. }
            | Input::FramePart { connection, .. }
            | Input::Quarantine { connection, .. }
            | Input::Upload { connection, .. }
            | Input::Picture { connection, .. } => {
                node == HUB
                    && self
                        .intruder
                        .seat
                        .is_some_and(|seat| peers.get(connection) == Some(&seat))
            }
            Input::Genesis(_)
            | Input::Command { .. }
            | Input::Receipt(_)
            | Input::Ping { .. }
            | Input::Timer
            | Input::DuePart(_)
            | Input::Resume
            | Input::Restored
            | Input::PolicyChanged { .. }
            | Input::KernelChanged { .. }
            | Input::Statuses(_) => false,
        }
    }

    /// Judges what a durable step of the hub did for the malicious peer, and records what belongs to
    /// that peer.
    pub(super) fn intrudes(
        &mut self,
        node: usize,
        step: &Durable<'_>,
        peers: &Peers,
    ) -> Result<(), Violation> {
        let Some(seat) = self.intruder.seat.filter(|_| node == HUB) else {
            return Ok(());
        };
        let is_by = self.is_by_intruder(node, step.input, peers);
        if is_by {
            self.links_by(seat, step)?;
        }
        for (_, new) in step.facts.users.iter().filter(|(_, new)| !new.is_own) {
            self.user_by(seat, is_by, peers, new)?;
        }
        // A reply or a reaction touches the row of its post, but changes nothing visible.
        let posts = step.facts.posts.iter();
        let brings_file = matches!(step.input, Input::Upload { .. });
        let is_news = |old: &Option<PostView>, new| brings_file || old.as_ref() != Some(new);
        for (old, new) in posts.filter(|(old, new)| !new.is_own && is_news(old, new)) {
            self.post_by(seat, is_by, old.as_ref(), new)?;
        }
        for (_, new) in step.facts.reactions.iter().filter(|(_, new)| !new.is_own) {
            let user = self.ledger.users.get(&new.key.1);
            let is_theirs = user.is_some_and(|user| user.home == seat);
            if is_by && !is_theirs {
                return Err(not_theirs("a reaction", new));
            }
            if is_theirs {
                let model = self.ledger.reactions.entry(new.key.clone());
                let model = model.or_insert_with(|| ReactionModel::new(seat));
                model.change(new, Told::new());
                self.touch(HUB, Thing::Reaction(new.key.clone()));
            }
        }
        Ok(())
    }

    /// A peer may offer channels of its own, and resume those that it had offered; it needs an invitation
    /// to anyone else's channel.
    fn links_by(&mut self, seat: usize, step: &Durable<'_>) -> Result<(), Violation> {
        for link in step.facts.links.iter().filter(|link| link.begins) {
            let lives = self.lives.keys();
            let is_known = lives.filter(|(_, what, _)| *what == link.channel).count() > 1
                || self
                    .ledger
                    .posts
                    .values()
                    .any(|model| model.view.channel == link.channel && model.origin != seat);
            if is_known && !self.intruder.channels.contains(&link.channel) {
                return Err(broken(
                    ENTITLEMENT,
                    format!("a malicious peer invited itself to {}", link.channel),
                ));
            }
            self.intruder.channels.insert(link.channel);
        }
        Ok(())
    }

    fn user_by(
        &mut self,
        seat: usize,
        is_by: bool,
        peers: &Peers,
        new: &UserView,
    ) -> Result<(), Violation> {
        let home = self.ledger.users.get(&new.id).map(|user| user.home);
        if home.is_some_and(|home| home != seat) {
            return match is_by {
                true => Err(not_theirs("a profile", new)),
                false => Ok(()),
            };
        }
        if home.is_none() && !is_by {
            return Ok(());
        }
        let suffix = new.username.rsplit_once(':').map(|(_, suffix)| suffix);
        if let Some(name) = suffix.filter(|name| self.is_name_of_another(seat, peers, name)) {
            return Err(broken(
                AUTHORSHIP,
                format!("a user of a malicious peer passes for one of {name}: {new:?}"),
            ));
        }
        // The name at home is the part before the suffix.
        let home = new.username.split(':').next().unwrap_or_default();
        let home = home.trim_end_matches(|letter: char| letter.is_ascii_digit());
        let view = UserView {
            username: home.trim_end_matches('-').to_string(),
            ..new.clone()
        };
        match self.ledger.users.get_mut(&new.id) {
            Some(model) => model.change(&view),
            None => {
                let model = UserModel::new(seat, &view);
                self.ledger.users.insert(new.id, model);
            }
        }
        self.touch(HUB, Thing::User(new.id));
        Ok(())
    }

    fn is_name_of_another(&self, seat: usize, peers: &Peers, name: &str) -> bool {
        let nodes = crate::node::NAMES.iter().enumerate();
        let named = nodes.filter(|(node, _)| *node != HUB && *node != seat);
        let mut of_peers = named.filter(|(node, _)| peers.values().any(|peer| peer == node));
        of_peers.any(|(_, of)| *of == name)
    }

    fn post_by(
        &mut self,
        seat: usize,
        is_by: bool,
        old: Option<&PostView>,
        new: &PostView,
    ) -> Result<(), Violation> {
        let author = self.ledger.users.get(&new.author);
        let is_theirs = author.is_some_and(|user| user.home == seat);
        // Deleting a thread deletes others' replies.
        if !is_theirs {
            let goes = new.is_deleted && new.is_root_deleted;
            return match is_by && !goes {
                true => Err(not_theirs("a post", new)),
                false => Ok(()),
            };
        }
        let mut lives = self.lives.iter();
        let is_shared = lives.any(|((of, channel, _), (peer, _))| {
            (*of, *channel, *peer) == (HUB, new.channel, seat)
        });
        if is_by && !is_shared {
            return Err(broken(
                ENTITLEMENT,
                format!("a malicious peer wrote into a channel that is closed to it: {new:?}"),
            ));
        }
        self.touch(HUB, Thing::Post(new.id));
        if !self.transfers.claimed(seat, new) {
            return Err(not_theirs("a file", new));
        }
        match self.ledger.posts.get_mut(&new.id) {
            Some(model) if old.is_none() || new.version > model.view.version || is_by => {
                let is_moderated = new.is_moderated;
                if !is_moderated {
                    model.change(new, Told::new());
                }
            }
            Some(_) => {}
            None => {
                // It may send its own objects in any order; once the hub shows them, they are passed
                // on in that order like anybody's.
                self.order.write(new);
                let model = PostModel::new(seat, new, Told::new());
                self.ledger.posts.insert(new.id, model);
            }
        }
        Ok(())
    }
}
