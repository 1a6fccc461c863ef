//! The oracle: what must be true, derived from users' acts and the network traffic, without relying
//! on the kernel.
//!
//! It keeps one record of what was made and by whom ([`ledger`]), follows the life of each link to
//! know who is entitled to what, and judges every durable step accordingly. What a restore of an old
//! backup removed is marked as lost: it is only required that it is never duplicated.

mod accounts;
pub mod bounded;
mod clones;
pub mod convergence;
mod directory;
pub mod error_paths;
pub mod facts;
pub mod files;
pub mod foreign;
pub mod gates;
pub mod inert;
mod intruder;
pub mod ledger;
mod members;
pub mod order;
pub mod pictures;
mod profiles;
mod refusals;
pub mod roles;
pub mod statuses;
pub mod step;
pub mod transfers;
pub mod user_view;
mod violation;
mod wire;

pub use inert::is_refusal;
pub use violation::*;

use std::collections::{BTreeMap, BTreeSet};

use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::Effect;
use causeway_kernel::rows::id::{ConnectionNo, Id};
use causeway_kernel::sharing::notice;

use crate::frames::Item;
use crate::plan::HUB;
use facts::{Cause, Facts, PostView, ReactionView};
use ledger::{Ledger, PostModel, ReactionModel, Thing, Told};

/// A life of a link, from its opening to its end; each has a unique number.
pub type Life = u64;

/// A life of a link, and how often it was rewound for a restored peer.
pub type Rewound = (Life, u32);

/// The same for live links, by node, channel and connection.
pub type Links = BTreeMap<(usize, Id, ConnectionNo), Rewound>;

/// Live links, by node, channel and connection: the peer and the life.
pub type Lives = BTreeMap<(usize, Id, ConnectionNo), (usize, Life)>;

/// System messages about what a channel is called and is for, which is each side's own: no peer is told (semantics §5.5).
const LOCAL_POST_TYPES: [&str; 3] = [
    "system_header_change",
    "system_displayname_change",
    "system_purpose_change",
];

/// The nodes at the other ends of a node's connections, including removed ones.
pub type Peers = BTreeMap<ConnectionNo, usize>;

/// A durable step.
pub struct Durable<'s> {
    /// What it changed.
    pub facts: &'s Facts,
    /// Its time, by the node's clock.
    pub at_ms: i64,
    /// Its input.
    pub input: &'s Input,
    /// Its effects.
    pub effects: &'s [Effect],
}

/// The state of the oracle when a backup was made.
#[derive(Clone)]
pub struct Mark {
    touched: usize,
    lives: Lives,
    links: Links,
}

/// See the module.
#[derive(Default)]
pub struct Oracle {
    /// What was made.
    pub ledger: Ledger,
    /// The live links.
    pub lives: Lives,
    lives_begun: Life,
    links: Links,
    /// Channels that two nodes, the lower one first, have or had in common.
    in_common: BTreeSet<(Id, usize, usize)>,
    /// Removed connections: their peers are invited to nothing.
    removed: BTreeSet<(usize, ConnectionNo)>,
    /// Cursors by node, channel and connection: epoch and sequence.
    cursors: BTreeMap<(usize, Id, ConnectionNo), (u32, u64)>,
    /// The objects that each node's own users touched, in order.
    touched: BTreeMap<usize, Vec<Thing>>,
    /// Versions that crossed an edge.
    crossed: BTreeSet<(usize, usize, Item, i64)>,
    /// Seats without a Causeway.
    foreign: foreign::ForeignSeats,
    /// A malicious peer.
    intruder: intruder::Intruder,
    /// Posts by user and client key.
    keys: BTreeMap<(Id, String), Id>,
    /// A copy that runs next to a node: its number, and that of the node.
    copy: Option<(usize, usize)>,
    sending: bounded::Sending,
    order: order::Order,
    members: members::Members,
    directory: directory::Directory,
    transfers: transfers::Transfers,
    pictures: pictures::Pictures,
    /// Profiles that a node set aside and has not received again since.
    outdated: BTreeSet<(usize, Id)>,
}

impl Oracle {
    /// Judges a durable step of a node. `peers` are the nodes at the other ends of its connections.
    ///
    /// # Errors
    /// The first promise that it broke.
    pub fn judge(
        &mut self,
        node: usize,
        step: &Durable<'_>,
        peers: &Peers,
    ) -> Result<(), Violation> {
        let facts = step.facts;
        self.sending
            .hears(node, step.at_ms, step.input, &self.links);
        let before = self.lives.clone();
        self.follow_links(node, facts, peers)?;
        for post in &facts.kept_back {
            self.order.excuse(*post);
        }
        // A malicious peer's claims about others excuse nothing missing of theirs.
        if !self.is_by_intruder(node, step.input, peers) {
            self.set_aside(node, facts);
        }
        self.intrudes(node, step, peers)?;
        let by_intruder = self.is_by_intruder(node, step.input, peers);
        self.transfers(node, step, by_intruder)?;
        self.pictures(node, step);
        for (old, new) in &facts.users {
            self.user(node, &facts.cause, old.as_ref(), new)?;
        }
        for (old, new) in &facts.posts {
            let told = if is_notice(new) {
                Told::new()
            } else {
                self.entitled(&before, node, new.channel)
            };
            if new.is_own {
                self.own_post(node, &facts.cause, old.as_ref(), new, told)?;
            } else {
                self.foreign_post(node, &facts.cause, old.as_ref(), new, told)?;
            }
        }
        for (old, new) in &facts.reactions {
            let post = self.ledger.posts.get(&new.key.0);
            let told = if post.is_some_and(|post| is_notice(&post.view)) {
                Told::new()
            } else {
                self.entitled(&before, node, new.channel)
            };
            self.reaction(node, &facts.cause, old.as_ref(), new, told)?;
        }
        for verdict in &facts.file_verdicts {
            if let Some(peer) = peers.get(&verdict.connection) {
                self.judged_file((node, *peer), verdict);
            }
        }
        for key in &facts.denied_reactions {
            if let Some(model) = self.ledger.reactions.get_mut(key) {
                model.is_denied = true;
            }
        }
        for post in &facts.denied {
            if let Some(model) = self.ledger.posts.get_mut(post) {
                model.is_denied = true;
            }
        }
        for (post, channel) in &facts.dropped {
            // Items that are still held when the sharing ends are refused, and counted.
            let is_shared = self
                .lives
                .keys()
                .any(|(of, what, _)| (*of, what) == (node, channel));
            if let Some(model) = self.ledger.posts.get_mut(post).filter(|_| !is_shared) {
                model.is_denied = true;
            }
        }
        self.sends(node, step, peers)
    }

    /// An item that a node sets aside because it stops a step is sent again, after what was taken: a post
    /// or a reaction alone, a profile with the next post of its user. So are the posts of a
    /// user whose profile was set aside.
    fn set_aside(&mut self, node: usize, facts: &Facts) {
        let mut late = Vec::new();
        for item in &facts.set_aside {
            match item {
                Item::User(id) => {
                    self.outdated.extend(Id::parse(id).map(|id| (node, id)));
                }
                Item::Post(id) => late.extend(Id::parse(id)),
                Item::Reaction(..) => {}
            }
        }
        late.extend(facts.refused.iter().filter(|id| {
            let post = self.ledger.posts.get(id);
            post.is_some_and(|post| self.outdated.contains(&(node, post.view.author)))
        }));
        for channel in &facts.set_aside_in {
            self.order.excuse_channel(node, *channel);
        }
        for post in late {
            self.order.excuse(post);
        }
    }

    /// Peers to which a change must be sent now: those whose link was alive before the step and after it.
    fn entitled(&self, before: &Lives, node: usize, channel: Id) -> Told {
        let from = (node, channel, ConnectionNo(0));
        let to = (node, channel, ConnectionNo(u64::MAX));
        self.lives
            .range(from..=to)
            .filter(|(key, life)| before.get(key) == Some(life))
            .map(|(_, (peer, life))| ((node, *peer), *life))
            .collect()
    }

    fn follow_links(&mut self, node: usize, facts: &Facts, peers: &Peers) -> Result<(), Violation> {
        for link in &facts.links {
            let is_removed = self.removed.contains(&(node, link.connection));
            let Some(peer) = peers.get(&link.connection).filter(|_| !is_removed) else {
                continue;
            };
            let ends = (self.identity(node), self.identity(*peer));
            let (low, high) = (ends.0.min(ends.1), ends.0.max(ends.1));
            self.in_common.insert((link.channel, low, high));
            let key = (node, link.channel, link.connection);
            if !link.is_live {
                self.lives.remove(&key);
                self.links.remove(&key);
            } else if link.begins || !self.lives.contains_key(&key) {
                self.lives_begun += 1;
                self.lives.insert(key, (*peer, self.lives_begun));
            }
            let (epoch, seq) = link.cursor;
            if let Some((_, life)) = self.lives.get(&key) {
                self.links.insert(key, (*life, epoch));
            }
            if let Some((old_epoch, old_seq)) = self.cursors.insert(key, link.cursor)
                && old_epoch == epoch
                && seq < old_seq
            {
                return Err(broken(
                    CURSORS,
                    format!("node {node} moved a cursor back from {old_seq} to {seq}"),
                ));
            }
        }
        Ok(())
    }

    fn touch(&mut self, node: usize, thing: Thing) {
        self.touched.entry(node).or_default().push(thing);
    }

    fn own_post(
        &mut self,
        node: usize,
        cause: &Cause,
        old: Option<&PostView>,
        new: &PostView,
        told: Told,
    ) -> Result<(), Violation> {
        if !is_wanted(cause, old, new) {
            return Err(broken(
                AUTHORSHIP,
                format!(
                    "node {node} changed a post of its own although no user asked for that: {old:?} became {new:?}"
                ),
            ));
        }
        let same = |old: &PostView| {
            (&old.message, old.is_pinned, old.is_deleted, old.version)
                == (&new.message, new.is_pinned, new.is_deleted, new.version)
        };
        if old.is_some_and(same) {
            return Ok(());
        }
        self.touch(node, Thing::Post(new.id));
        let home = self.identity(node);
        self.transfers.posted(home, new);
        let is_local = LOCAL_POST_TYPES.contains(&new.kind.as_str());
        let told = if is_local { Told::default() } else { told };
        match self.ledger.posts.get_mut(&new.id) {
            Some(model) if old.is_some() => {
                // A restore brings deleted posts back, and so does a copy from before the deletion.
                let mut files = new.files.iter();
                let is_back = model.view.is_deleted
                    && files.all(|file| model.files.get(&file.id) == Some(&file.digest));
                let is_same = new.files == model.view.files || model.is_lost || is_back;
                if !new.is_deleted && !is_same {
                    return Err(broken(
                        AUTHORSHIP,
                        format!("node {node} changed the files of a post: {new:?}"),
                    ));
                }
                model.change(new, told);
            }
            Some(_) => {
                return Err(broken(
                    NO_DUPLICATES,
                    format!("node {node} made the id {} twice", new.id),
                ));
            }
            None => {
                self.order.write(new);
                let model = PostModel::new(self.identity(node), new, told);
                self.ledger.posts.insert(new.id, model);
            }
        }
        Ok(())
    }

    fn foreign_post(
        &mut self,
        node: usize,
        cause: &Cause,
        old: Option<&PostView>,
        new: &PostView,
        told: Told,
    ) -> Result<(), Violation> {
        let mut comes = false;
        let origin = self.ledger.posts.get(&new.id).map(|model| model.origin);
        let origin = origin.unwrap_or(node);
        let is_hub = self.identity(node) == HUB;
        let Some(model) = self.ledger.posts.get_mut(&new.id) else {
            return Err(broken(
                NO_DUPLICATES,
                format!(
                    "node {node} holds the post {} that nobody wrote: {new:?}",
                    new.id
                ),
            ));
        };
        if let Some(difference) = model.forgery(new) {
            return Err(broken(
                AUTHORSHIP,
                format!("node {node} holds a post of another {difference}: {new:?}"),
            ));
        }
        if let Some(old) = old {
            order::check_versions(node, old, new)?;
        } else {
            comes = true;
        }
        if matches!(cause, Cause::Edit { .. }) {
            model.pinned_elsewhere = true;
            if is_hub {
                self.order.excuse(new.id);
            }
        }
        let is_news = old.is_none_or(|old| old.version < new.version);
        // Only the hub passes objects on; the other nodes get theirs from it. What its own moderator
        // deleted is not passed on.
        let passes = is_news && model.is_newest(new) && is_hub;
        if passes {
            model.pass_on(old.is_none_or(|old| !old.looks_like(new)), told);
        }
        let moderated = new.is_moderated && !old.is_some_and(|old| old.is_moderated);
        if moderated {
            model.moderated.insert(node);
        }
        let is_lost = model.is_lost;
        if passes {
            self.touch(node, Thing::PassedPost(new.id));
        }
        if moderated {
            self.touch(node, Thing::Post(new.id));
        }
        if comes {
            let known = (&self.ledger, &self.lives);
            // There is no order to or from two hosts with one identity, nor for what the hub passes on if it
            // is such a host.
            let is_among = |of: usize| {
                let copy = self.copy;
                copy.is_some_and(|(copy, home)| home == HUB || [copy, home].contains(&of))
            };
            // What comes late from a host that has ended is in no order either.
            let is_excused = is_lost || is_among(node) || is_among(origin);
            self.order.comes(node, new, is_excused, known)?;
        }
        Ok(())
    }

    fn reaction(
        &mut self,
        node: usize,
        cause: &Cause,
        old: Option<&ReactionView>,
        new: &ReactionView,
        told: Told,
    ) -> Result<(), Violation> {
        let home = self.identity(node);
        let known = self.ledger.reactions.get_mut(&new.key);
        if !new.is_own {
            return match known {
                Some(model) if !new.is_live || model.was_live => {
                    let is_news = old.is_none_or(|old| old.version < new.version);
                    if is_news && home == HUB && model.versions.last() == Some(&new.version) {
                        model.told.extend(told);
                        self.touch(node, Thing::PassedReaction(new.key.clone()));
                    }
                    Ok(())
                }
                Some(_) | None => Err(broken(
                    NO_DUPLICATES,
                    format!("node {node} holds a reaction that nobody gave: {new:?}"),
                )),
            };
        }
        if old == Some(new) {
            return Ok(());
        }
        let (post, user, emoji) = &new.key;
        if *cause != Cause::React(*post, *user, emoji.clone(), new.is_live) {
            return Err(broken(
                AUTHORSHIP,
                format!("node {node} changed a reaction although no user asked: {new:?}"),
            ));
        }
        let model = self
            .ledger
            .reactions
            .entry(new.key.clone())
            .or_insert_with(|| ReactionModel::new(home));
        model.change(new, told);
        self.touch(node, Thing::Reaction(new.key.clone()));
        Ok(())
    }

    /// Judges the answer to a post that was written with a client's key.
    ///
    /// # Errors
    /// If the same key has created two posts.
    pub fn keyed(&mut self, user: Id, key: &str, post: Id) -> Result<(), Violation> {
        let first = *self.keys.entry((user, key.to_string())).or_insert(post);
        if first == post {
            return Ok(());
        }
        Err(broken(
            NO_DUPLICATES,
            format!("the key {key} made the posts {first} and {post}"),
        ))
    }

    /// A node removed a connection.
    pub fn removed(&mut self, node: usize, connection: ConnectionNo) {
        self.removed.insert((node, connection));
        let is_other = |of: usize, no: ConnectionNo| (of, no) != (node, connection);
        self.lives.retain(|(of, _, no), _| is_other(*of, *no));
        self.links.retain(|(of, _, no), _| is_other(*of, *no));
    }

    /// A node's clock jumped beyond the time for which it remembers clients' keys.
    pub fn keys_expired(&mut self, node: usize) {
        let users = &self.ledger.users;
        self.keys
            .retain(|(user, _), _| users.get(user).is_some_and(|user| user.home != node));
    }

    /// The current state of a node, for a backup of it.
    #[must_use]
    pub fn mark(&self, node: usize) -> Mark {
        Mark {
            touched: self.touched.get(&node).map_or(0, Vec::len),
            lives: of_node(&self.lives, node),
            links: of_node(&self.links, node),
        }
    }

    /// A node was restored from a backup.
    pub fn restored(&mut self, node: usize, mark: &Mark) {
        self.loses(node, mark.touched);
        self.lives.extend(mark.lives.clone());
        self.links.extend(mark.links.clone());
        self.order.restored(node);
        self.members.restored(node);
        self.transfers.restored(node);
    }

    /// Everything done at a node after its first `touched_before` things is lost, and so are all its links.
    fn loses(&mut self, node: usize, touched_before: usize) {
        let touched = self.touched.entry(node).or_default();
        for thing in touched.drain(touched_before..) {
            self.ledger.lose(node, &thing);
        }
        self.lives.retain(|(of, ..), _| *of != node);
        self.links.retain(|(of, ..), _| *of != node);
        self.cursors.retain(|(of, ..), _| *of != node);
        let ledger = &self.ledger;
        self.keys
            .retain(|_, post| ledger.posts.get(post).is_some_and(|model| !model.is_lost));
    }
}

fn of_node<T: Copy>(
    all: &BTreeMap<(usize, Id, ConnectionNo), T>,
    node: usize,
) -> BTreeMap<(usize, Id, ConnectionNo), T> {
    let of_node = all.iter().filter(|((of, _, _), _)| *of == node);
    of_node.map(|(key, value)| (*key, *value)).collect()
}

/// Whether a post tells members of an interruption or of the end of a sharing: it is for nobody else.
fn is_notice(post: &PostView) -> bool {
    post.is_own && post.kind == notice::POST_TYPE
}

/// Whether a change of a user's own post is what its cause requested.
fn is_wanted(cause: &Cause, old: Option<&PostView>, new: &PostView) -> bool {
    let Some(old) = old else {
        let told = matches!(cause, Cause::Create { author, message, priority, files }
            if *author == new.author && *message == new.message && *priority == new.priority
                && new.files.iter().all(|file| files.contains(&file.id)) && new.kind.is_empty());
        return told || new.kind.starts_with("system_");
    };
    if (old.author, old.channel, old.root, &old.kind, old.create_at)
        != (new.author, new.channel, new.root, &new.kind, new.create_at)
    {
        return false;
    }
    if new.is_deleted {
        let asked =
            matches!(cause, Cause::Delete(post) if *post == new.id || Some(*post) == new.root);
        return old.is_deleted || asked || new.is_root_deleted;
    }
    let (text, pin) = match cause {
        Cause::Edit {
            post,
            message,
            is_pinned,
        } if *post == new.id => (message.as_ref(), *is_pinned),
        Cause::Create { .. }
        | Cause::Edit { .. }
        | Cause::Delete(_)
        | Cause::React(..)
        | Cause::Profile(_)
        | Cause::CustomStatus(..)
        | Cause::Account(..)
        | Cause::Bot(..)
        | Cause::Other => (None, None),
    };
    !old.is_deleted
        && new.message == *text.unwrap_or(&old.message)
        && new.is_pinned == pin.unwrap_or(old.is_pinned)
        && new.priority == old.priority
}
