//! I10: things appear in the order in which they were made.
//!
//! - Posts of an author in a channel appear at a peer in the order in which they were written. A
//!   later one may come first only when the earlier one was older than the sharing, was changed
//!   since it was written (then it travels with its last change), was held, denied or refused, or
//!   was there before a restore.
//! - What shows of a post never goes back to an earlier version of it, so that an edit never
//!   overtakes the creation, nor an old edit a new one.
//! - A deletion wins over any edit: what its origin deleted never shows again.

use std::collections::{BTreeMap, BTreeSet};

use causeway_kernel::id::Id;

use super::facts::PostView;
use super::ledger::{Ledger, PostModel};
use super::{Lives, ORDER, Violation, broken};

/// See the module.
#[derive(Default)]
pub struct Order {
    /// Posts of an author in a channel, as they were written.
    written: BTreeMap<(Id, Id), Vec<Id>>,
    /// Posts of others that came to a node since it was restored, or since the beginning.
    came: BTreeSet<(usize, Id)>,
    /// What is not looked for at a node: see the module.
    excused: BTreeSet<(usize, Id)>,
}

impl Order {
    /// An author wrote a post.
    pub fn write(&mut self, post: &PostView) {
        let of_author = self.written.entry((post.author, post.channel));
        of_author.or_default().push(post.id);
    }

    /// A node was restored: what it held of others comes in whatever order.
    pub fn restored(&mut self, node: usize) {
        self.came.retain(|(of, _)| *of != node);
        let all = self.written.values().flatten();
        self.excused.extend(all.map(|id| (node, *id)));
    }

    /// A node kept a post waiting or refused it.
    pub fn excuse(&mut self, node: usize, post: Id) {
        self.excused.insert((node, post));
    }

    /// Whether a node lost a post in a restore, or keeps it waiting, and it has not come since.
    pub fn is_excused(&self, node: usize, post: Id) -> bool {
        self.excused.contains(&(node, post)) && !self.came.contains(&(node, post))
    }

    /// A post of another comes to a node for the first time.
    ///
    /// # Errors
    /// When an earlier one of its author that had to come before it is not there.
    pub fn comes(
        &mut self,
        node: usize,
        post: &PostView,
        (ledger, lives): (&Ledger, &Lives),
    ) -> Result<(), Violation> {
        self.came.insert((node, post.id));
        if post.is_deleted {
            return Ok(());
        }
        let Some(later) = ledger.posts.get(&post.id) else {
            return Ok(());
        };
        let written = self.written.get(&(post.author, post.channel));
        let written = written.map(Vec::as_slice).unwrap_or_default();
        let at = written.iter().rposition(|id| *id == post.id).unwrap_or(0);
        for earlier in written[..at].iter().rev() {
            let is_here = |id: Id| self.came.contains(&(node, id));
            let waits = |id: Id| self.excused.contains(&(node, id));
            let model = ledger.posts.get(earlier);
            let Some(model) = model.filter(|model| has_to_come(model, later, node, lives)) else {
                continue;
            };
            // An answer cannot come before what it answers.
            let has_root = model.view.root.is_none_or(|root| {
                let root = ledger.posts.get(&root);
                root.is_some_and(|root| {
                    let id = root.view.id;
                    is_free(root) && !waits(id) && (root.origin == node || is_here(id))
                })
            });
            if is_here(*earlier) || waits(*earlier) || !has_root {
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
/// the life of it that still lasts.
fn has_to_come(post: &PostModel, later: &PostModel, node: usize, lives: &Lives) -> bool {
    let lasts = |life| {
        lives
            .values()
            .any(|(to, alive)| (*to, *alive) == (node, life))
    };
    let mut told = post.told.iter().filter(|((_, to), _)| *to == node);
    let is_told = told.any(|(edge, life)| later.told.get(edge) == Some(life) && lasts(*life));
    let is_as_written = post.versions.len() == 1;
    is_told && is_as_written && is_free(post)
}

fn is_free(post: &PostModel) -> bool {
    !post.view.is_deleted && !post.is_denied && !post.is_lost && post.moderated.is_empty()
}

/// Judges a copy that changed.
///
/// # Errors
/// When it went back.
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
