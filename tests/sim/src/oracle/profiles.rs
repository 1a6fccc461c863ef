//! Profiles. Only their user, or an administrator of the home, changes them, and each version says the same
//! everywhere (I5), the custom status and whether the account is active included. In the end every peer that was
//! sent a profile shows the newest one, whether or not the user ever wrote anything (I1).

use causeway_kernel::model::{Connection, User};
use causeway_kernel::rows::id::ConnectionNo;
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::memory::Tables;
use causeway_kernel::rows::tx::Read;

use super::facts::Cause;
use super::ledger::{Thing, UserModel};
use super::statuses::{is_held, is_owned};
use super::user_view::{UserView, user_view};
use super::{AUTHORSHIP, CONVERGENCE, NO_DUPLICATES, Oracle, Violation, broken};

/// Rows of a table that are read when inspecting a node.
const ROWS_MAX: u32 = 1_000_000;

impl Oracle {
    /// Judges what a durable step of a node did with a profile.
    pub(super) fn user(
        &mut self,
        node: usize,
        cause: &Cause,
        old: Option<&UserView>,
        new: &UserView,
    ) -> Result<(), Violation> {
        let home = self.identity(node);
        let known = self.ledger.users.get_mut(&new.id);
        if new.is_own {
            if !old.is_none_or(|old| is_wanted(cause, old, new)) {
                return Err(broken(
                    AUTHORSHIP,
                    format!("node {node} changed a profile although nobody asked: {new:?}"),
                ));
            }
            match known {
                Some(model) => model.change(new),
                None => {
                    let model = UserModel::new(home, new);
                    self.ledger.users.insert(new.id, model);
                }
            }
            self.touch(node, Thing::User(new.id));
            return Ok(());
        }
        // A picture changes nothing that the profile says.
        if old != Some(new) {
            self.outdated.remove(&(node, new.id));
        }
        match known {
            Some(model) if model.was(new) => Ok(()),
            Some(_) => Err(broken(
                AUTHORSHIP,
                format!("node {node} holds a profile that its user never had: {new:?}"),
            )),
            None => Err(broken(
                NO_DUPLICATES,
                format!("node {node} holds a user whom nobody made: {new:?}"),
            )),
        }
    }

    /// Judges what a quiet node, `peer`, shows of the users that another one, `sender`, has sent it.
    ///
    /// # Errors
    /// If it shows an older profile than the other one has.
    pub fn profiles_at(
        &self,
        sender: &Tables,
        connection: ConnectionNo,
        (no, peer): (usize, &Tables),
    ) -> Result<(), Violation> {
        let home = sender.get::<Connection>(&connection);
        let home = home.map(|row| row.workspace);
        for (user, row) in sender.prefix::<User, ()>(&(), ROWS_MAX) {
            if Some(row.origin) == home || !is_held(sender, connection, user) {
                continue;
            }
            let Some(there) = lookup::user(peer, row.id.as_str()) else {
                continue;
            };
            // A changed profile that was set aside comes with the next post of its user. A workspace that knows the
            // user over another connection takes nothing over this one.
            let waits = self.outdated.contains(&(no, row.id));
            if waits || !is_owned(sender, connection, peer, there) {
                continue;
            }
            let own = user_view(sender, user, row);
            let shown = peer.get::<User>(&there);
            let shown = shown.map(|row| user_view(peer, there, row));
            // A home that was restored may have sent a newer one than it has now.
            if shown.as_ref().is_none_or(|it| it.version < own.version) {
                return Err(broken(
                    CONVERGENCE,
                    format!("node {no} shows the profile {shown:?}; it was to be sent {own:?}"),
                ));
            }
        }
        Ok(())
    }

    /// Whether a copy of a profile at a node is the newest one.
    pub(super) fn is_newest_profile(&self, node: usize, copy: &UserView, user: &UserModel) -> bool {
        let mut copy = copy.clone();
        if self.is_foreign(node) {
            // Such a server ignores it if an account that it knows is deactivated, reactivated or a bot's.
            copy.delete_at = user.view.delete_at;
            copy.bot.clone_from(&user.view.bot);
        }
        copy.version == user.view.version && user.was(&copy)
    }
}

/// Whether a change of a workspace's own profile is what its cause requested.
fn is_wanted(cause: &Cause, old: &UserView, new: &UserView) -> bool {
    if old == new {
        return true;
    }
    // What the cause does not name stays.
    let rest = UserView {
        version: new.version,
        ..old.clone()
    };
    let expected = match cause {
        Cause::Profile(user) if *user == new.id => UserView {
            username: new.username.clone(),
            nickname: new.nickname.clone(),
            ..rest
        },
        Cause::CustomStatus(user, status) if *user == new.id => UserView {
            custom_status: status.clone(),
            ..rest
        },
        Cause::Account(user, is_active)
            if *user == new.id && *is_active == (new.delete_at == 0) =>
        {
            UserView {
                delete_at: new.delete_at,
                ..rest
            }
        }
        Cause::Bot(user, description) if *user == new.id => UserView {
            bot: Some(description.clone()),
            ..rest
        },
        _ => return false,
    };
    *new == expected
}
