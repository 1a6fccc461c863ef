//! What is required while two hosts have one identity, and afterwards.
//!
//! Each has links, cursors and messages of its own, and what either says about its own users may take
//! effect. What was done at the host that ends is lost with it, as in a restore; everything else is
//! required of the one that stays. While both run, posts to and from them may arrive in any
//! order.
//! order.

use std::collections::BTreeMap;

use super::{Mark, Oracle};

impl Oracle {
    /// The workspace to which a node belongs, whichever host of it.
    pub(super) fn identity(&self, node: usize) -> usize {
        match self.copy {
            Some((copy, of)) if copy == node => of,
            _ => node,
        }
    }

    /// A host that was created from the backup of a node runs next to it.
    pub fn cloned(&mut self, node: usize, copy: usize, mark: &Mark) {
        self.copy = Some((copy, node));
        let links = mark.lives.iter();
        let links = links.map(|((_, channel, no), life)| ((copy, *channel, *no), *life));
        self.lives.extend(links.collect::<Vec<_>>());
        let links = mark.links.iter();
        let links = links.map(|((_, channel, no), life)| ((copy, *channel, *no), *life));
        self.links.extend(links.collect::<Vec<_>>());
        self.order.restored(node);
        self.members.restored(node);
    }

    /// The copy has ended.
    pub fn copy_ended(&mut self, node: usize, copy: usize) {
        self.ends(copy, 0);
        self.copy = None;
        self.order.restored(node);
        self.members.restored(node);
        self.transfers.restored(node);
    }

    /// The original has ended, and the copy replaces it.
    pub fn copy_takes_over(&mut self, node: usize, copy: usize, mark: &Mark) {
        self.ends(node, mark.touched);
        let name = |of: usize| if of == copy { node } else { of };
        self.lives = renumbered(&mut self.lives, name);
        self.links = renumbered(&mut self.links, name);
        self.cursors = renumbered(&mut self.cursors, name);
        let touched = self.touched.remove(&copy).unwrap_or_default();
        self.touched.entry(node).or_default().extend(touched);
        let outdated = std::mem::take(&mut self.outdated).into_iter();
        self.outdated = outdated.map(|(of, user)| (name(of), user)).collect();
        self.ledger.renumber(name);
        self.transfers.renumber(name);
        self.pictures.renumber(name);
        self.sending.renumber(name);
        self.copy = None;
        self.order.restored(node);
        self.members.restored(node);
        self.transfers.restored(node);
    }

    /// A host ends, and everything is lost that was done there after its first `touched_before` things.
    fn ends(&mut self, host: usize, touched_before: usize) {
        self.loses(host, touched_before);
        self.outdated.retain(|(of, _)| *of != host);
        self.transfers.ends(host);
        self.pictures.ends(host);
        self.sending.ends(host);
    }
}

/// The same map, with renumbered nodes at the beginning of the keys.
fn renumbered<A: Ord, B: Ord, V>(
    all: &mut BTreeMap<(usize, A, B), V>,
    name: impl Fn(usize) -> usize,
) -> BTreeMap<(usize, A, B), V> {
    let all = std::mem::take(all).into_iter();
    all.map(|((of, a, b), value)| ((name(of), a, b), value))
        .collect()
}
