//! Restoring a server from a backup of its database. Nothing in it lets the server, or
//! anybody else, notice: it comes back older, and its cursors with it.

use std::collections::{BTreeMap, BTreeSet};

use causeway_kernel::rows::id::Id;

use super::quirks::Quirk;
use super::rows::{Rows, UserRow};
use super::{Made, Server, show};
use crate::frames::Item;

impl Server {
    /// Makes a backup of the database.
    pub fn back_up(&mut self) {
        self.backup = Some(self.rows.clone());
    }

    /// Whether there is a backup.
    #[must_use]
    pub fn has_backup(&self) -> bool {
        self.backup.is_some()
    }

    /// Replaces the database by the last backup. The process must not run.
    pub fn restore(&mut self) {
        let Some(backup) = self.backup.clone() else {
            return;
        };
        self.show_quirk(Quirk::ComesBackOlder);
        self.was_restored = true;
        let before = std::mem::replace(&mut self.rows, backup);
        let after = &self.rows;
        let lost = [
            lost_users(&before, after),
            lost_posts(&before, after),
            lost_reactions(&before, after),
        ];
        self.made.extend(lost.into_iter().flatten().map(Made::Lost));
        let files = before.files.keys();
        let gone = files.filter(|id| !after.files.contains_key(id));
        self.made.extend(gone.copied().map(Made::LostFile));
        let (shared, shares) = (confirmed(&before), confirmed(after));
        let ended = shared.difference(&shares).copied().map(Made::Ended);
        let began = shares.difference(&shared).copied().map(Made::Began);
        self.made.extend(ended.chain(began));
    }
}

/// The shared channels.
fn confirmed(rows: &Rows) -> BTreeSet<Id> {
    let channels = rows.channels.keys().copied();
    let is_shared = |id: &Id| rows.share(id).is_some_and(|share| share.is_confirmed);
    channels.filter(is_shared).collect()
}

fn all<K: Ord + Clone, V>(one: &BTreeMap<K, V>, other: &BTreeMap<K, V>) -> BTreeSet<K> {
    one.keys().chain(other.keys()).cloned().collect()
}

fn lost_users(before: &Rows, after: &Rows) -> Vec<Item> {
    let told = |row: &UserRow| {
        let said = (row.nickname.clone(), row.custom_status.clone());
        (row.username.clone(), said, row.told_version)
    };
    let shown = |rows: &Rows, id: &Id| rows.users.get(id).map(told);
    let mut ids = all(&before.users, &after.users);
    ids.retain(|id| shown(before, id) != shown(after, id));
    ids.iter().map(|id| Item::User(id.to_string())).collect()
}

fn lost_posts(before: &Rows, after: &Rows) -> Vec<Item> {
    let shown = |rows: &Rows, id: &Id| {
        let view = show::post(rows, *id, rows.posts.get(id)?);
        Some((view.message, view.is_pinned, view.files, view.is_deleted))
    };
    let mut ids = all(&before.posts, &after.posts);
    ids.retain(|id| shown(before, id) != shown(after, id));
    ids.iter().map(|id| Item::Post(id.to_string())).collect()
}

/// The next delivery of a reaction depends on its stamp, so that counts as a difference, too.
fn lost_reactions(before: &Rows, after: &Rows) -> Vec<Item> {
    let shown = |rows: &Rows, key: &(Id, Id, String)| {
        let row = rows.reactions.get(key);
        row.map(|row| (row.delete_at == 0, row.is_stamped))
    };
    let mut keys = all(&before.reactions, &after.reactions);
    keys.retain(|key| shown(before, key) != shown(after, key));
    let item = |(post, user, emoji): (Id, Id, String)| {
        Item::Reaction(post.to_string(), user.to_string(), emoji)
    };
    keys.into_iter().map(item).collect()
}
