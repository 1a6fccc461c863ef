//! I10: objects appear in the order in which they were made.
//!
//! - Posts of an author in a channel appear at a peer in the order in which they were written. A
//!   later one may come first only if the earlier one was older than the sharing, was changed
//!   since it was written, or pinned at the hub (then it is sent with its last change), was held,
//!   denied or set aside, existed before a restore, or came while two hosts had one identity; or
//!   if it came later to the hub, which passes both on.
//! - The visible state of a post never goes back to an earlier version, so that an edit never
//!   overtakes the creation, nor an old edit a new one.
//! - A deletion wins over any edit: a post that its origin deleted is never shown again.

use std::collections::{BTreeMap, BTreeSet};

use causeway_kernel::rows::id::Id;

use super::facts::PostView;
use super::ledger::{Ledger, PostModel};
use super::{Lives, ORDER, Violation, broken};
use crate::plan::{HUB, NODES_MAX};

/// See the module.
#[derive(Default)]
pub struct Order {
    /// Posts of an author in a channel, in the order in which they were written.
    written: BTreeMap<(Id, Id), Vec<Id>>,
    /// Posts of others that arrived at a node since it was restored, or since the beginning, each with
    /// the number of earlier arrivals at any node.
    came: BTreeMap<(usize, Id), usize>,
    comings: usize,
    /// Posts that are not checked at a node: see the module.
    excused: BTreeSet<(usize, Id)>,
}

impl Order {
    /// An author wrote a post.
    pub fn write(&mut self, post: &PostView) {
        let of_author = self.written.entry((post.author, post.channel));
        of_author.or_default().push(post.id);
    }

    /// A node was restored: others' posts may arrive there in any order.
    pub fn restored(&mut self, node: usize) {
        self.came.retain(|(of, _), _| *of != node);
        for id in self.written.values().flatten() {
            // The hub passes posts on in the order in which it receives them, which may differ.
            if node == HUB {
                self.excused.extend((0..NODES_MAX).map(|node| (node, *id)));
            }
            self.excused.insert((node, *id));
        }
    }

    /// A node set aside a whole message about a channel. Everything that its sender wanted to send with it
    /// comes later, whether the message named it or not: profiles go before the posts.
    pub fn excuse_channel(&mut self, node: usize, channel: Id) {
        let of_channel = self.written.iter().filter(|((_, of), _)| *of == channel);
        let late: Vec<Id> = of_channel
            .flat_map(|(_, posts)| posts)
            .filter(|post| !self.came.contains_key(&(node, **post)))
            .copied()
            .collect();
        late.into_iter().for_each(|post| self.excuse(post));
    }

    /// A node held or refused a post; because of that, others may receive it late.
    pub fn excuse(&mut self, post: Id) {
        self.excused.extend((0..NODES_MAX).map(|node| (node, post)));
    }

    /// Whether a post came to a node later than another one: the hub passes objects on in the order
    /// in which it received them.
    fn came_later(&self, node: usize, post: Id, other: Id) -> bool {
        let (post, other) = (self.came.get(&(node, post)), self.came.get(&(node, other)));
        post > other && other.is_some()
    }

    /// A post of another node arrives at a node for the first time; returns whether its position is checked.
    ///
    /// # Errors
    /// If an earlier one of its author that had to come first is missing.
    pub fn comes(
        &mut self,
        node: usize,
        post: &PostView,
        is_excused: bool,
        (ledger, lives): (&Ledger, &Lives),
    ) -> Result<(), Violation> {
        self.comings += 1;
        self.came.insert((node, post.id), self.comings);
        if post.is_deleted || is_excused {
            return Ok(());
        }
        let Some(later) = ledger.posts.get(&post.id) else {
            return Ok(());
        };
        let written = self.written.get(&(post.author, post.channel));
        let written = written.map(Vec::as_slice).unwrap_or_default();
        let at = written.iter().rposition(|id| *id == post.id).unwrap_or(0);
        for earlier in written[..at].iter().rev() {
            let is_here = |id: Id| self.came.contains_key(&(node, id));
            let waits = |id: Id| self.excused.contains(&(node, id));
            let model = ledger.posts.get(earlier);
            let Some(model) = model.filter(|model| has_to_come(model, later, node, lives)) else {
                continue;
            };
            // A reply cannot come before its root.
            let has_root = model.view.root.is_none_or(|root| {
                let root = ledger.posts.get(&root);
                root.is_some_and(|root| {
                    let id = root.view.id;
                    is_free(root) && !waits(id) && (root.origin == node || is_here(id))
                })
            });
            let came_late = node != HUB && self.came_later(HUB, *earlier, post.id);
            // When a file joins a post at the hub, the hub sends the post again, like an edited one.
            let is_joined = node != HUB && model.origin != HUB && !model.view.files.is_empty();
            if is_here(*earlier) || waits(*earlier) || !has_root || came_late || is_joined {
                continue;
            }
            return Err(broken(
                ORDER,
                format!(
                    "node {node} shows {post:?} before {:?}, which its author wrote earlier",
                    model.view
                ),
            ));
        }
        Ok(())
    }
}

/// Whether a post has to come to a node before a later one: both go there over the same link, in
/// its current life.
fn has_to_come(post: &PostModel, later: &PostModel, node: usize, lives: &Lives) -> bool {
    let lasts = |life| {
        lives
            .values()
            .any(|(to, alive)| (*to, *alive) == (node, life))
    };
    let mut told = post.told.iter().filter(|((_, to), _)| *to == node);
    let is_told = told.any(|(edge, life)| later.told.get(edge) == Some(life) && lasts(*life));
    let is_as_written = post.versions.len() == 1 && !post.pinned_elsewhere;
    is_told && is_as_written && is_free(post)
}

fn is_free(post: &PostModel) -> bool {
    !post.view.is_deleted && !post.is_denied && !post.is_lost && post.moderated.is_empty()
}

/// Judges a changed copy.
///
/// # Errors
/// If it went back.
pub fn check_versions(node: usize, old: &PostView, new: &PostView) -> Result<(), Violation> {
    let is_back = new.version < old.version;
    let lives_again = old.is_deleted && !new.is_deleted;
    let is_other = new.version == old.version
        && old.message != new.message
        && !new.is_deleted
        && !old.is_deleted;
    if !is_back && !lives_again && !is_other {
        return Ok(());
    }
    Err(broken(
        ORDER,
        format!("node {node} went from {old:?} to {new:?}"),
    ))
}
