//! The search index of users: user name, nickname, first and last name in lower case. The workspace's own
//! users are kept separate from those of peers, so that they are found however many users a peer invents.

use std::collections::BTreeSet;

use crate::boundary::behaviour::Behaviour;
use crate::model::{User, kind};
use crate::rows::id::UserNo;
use crate::rows::lookup::searched_name;
use crate::rows::tx::Tx;

/// Stores a user's search names.
pub fn put(tx: &mut Tx<'_>, no: UserNo, user: &User) {
    for name in names(no, user) {
        tx.bind_name(kind_of(user), &name, no.0);
    }
}

/// Replaces a user's search names after a change.
pub fn change(tx: &mut Tx<'_>, no: UserNo, old: Option<&User>, new: &User) {
    if !Behaviour::SearchedNames.is_in_force(tx) {
        return;
    }
    let (before, now) = (old.map(|old| names(no, old)), names(no, new));
    let before = before.unwrap_or_default();
    for name in before.difference(&now) {
        tx.unbind_name(kind_of(new), name);
    }
    for name in now.difference(&before) {
        tx.bind_name(kind_of(new), name, no.0);
    }
}

fn kind_of(user: &User) -> u8 {
    if user.origin.is_ours() {
        kind::LOCAL_NAME
    } else {
        kind::REMOTE_NAME
    }
}

fn names(no: UserNo, user: &User) -> BTreeSet<String> {
    let names = [
        &user.username,
        &user.nickname,
        &user.first_name,
        &user.last_name,
    ];
    let names = names.into_iter().filter(|name| !name.is_empty());
    names.map(|name| searched_name(name, no)).collect()
}
