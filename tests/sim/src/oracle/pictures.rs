//! Profile pictures. Only a user's home sets the picture (I5), it is not sent back there (I4) nor to anyone with
//! whom nothing is shared (I6), a connection has one in flight (I12), and in the end every peer that holds the
//! user's profile shows the newest one (I1).

use std::collections::{BTreeMap, BTreeSet};

use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::SendPicture;
use causeway_kernel::command::Command;
use causeway_kernel::model::{Connection, Picture, PictureDebt, User};
use causeway_kernel::rows::id::{ConnectionNo, Id};
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::memory::Tables;
use causeway_kernel::rows::tx::Read;

use super::statuses::{is_held, is_owned};
use super::step::{Setter, Step};
use super::{
    AUTHORSHIP, BOUNDED, CONVERGENCE, Durable, ENTITLEMENT, NO_ECHO, Oracle, Violation, broken,
};
use crate::mattermost::Server;

/// Rows of a table that are read when inspecting a node.
const ROWS_MAX: u32 = 1_000_000;

/// A user whose picture was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureChange {
    /// The user.
    pub user: Id,
    /// Digest of the picture.
    pub digest: String,
}

/// See the module.
#[derive(Default)]
pub struct Pictures {
    /// The pictures that a user ever had, oldest first.
    history: BTreeMap<Id, Vec<String>>,
    /// The attempt in flight on a connection.
    out: BTreeMap<(usize, ConnectionNo), u64>,
    /// Users of whom one of two hosts with one identity has sent a picture: the requests name no version, so the
    /// last one decides what is shown until the picture changes.
    sent_by_twins: BTreeSet<Id>,
}

impl Pictures {
    /// A host ends.
    pub(super) fn ends(&mut self, host: usize) {
        self.out.retain(|(of, _), _| *of != host);
    }

    /// Renumbers nodes.
    pub(super) fn renumber(&mut self, name: impl Fn(usize) -> usize) {
        let out = std::mem::take(&mut self.out).into_iter();
        self.out = out.map(|((of, no), it)| ((name(of), no), it)).collect();
    }

    /// Where a picture stands among those that a user ever had.
    fn place(&self, user: Id, digest: &str) -> Option<usize> {
        let history = self.history.get(&user)?;
        history.iter().position(|known| known == digest)
    }
}

/// Judges a step.
///
/// # Errors
/// If it set the picture of somebody else's user.
pub fn check(step: &Step<'_>) -> Result<(), Violation> {
    for (at, _, row) in step.put::<Picture>() {
        step.is_set_by_home(at, &setter(step), ("picture", &row.digest))?;
    }
    Ok(())
}

fn setter(step: &Step<'_>) -> Setter {
    match step.input {
        Input::Command {
            command: Command::SetPicture(_),
            ..
        } => Setter::Workspace,
        Input::Picture { connection, .. } => Setter::Peer(*connection),
        _ => Setter::Nobody,
    }
}

impl Oracle {
    /// Judges what a durable step of a node did with pictures, before what it sends.
    pub(super) fn pictures(&mut self, node: usize, step: &Durable<'_>) {
        match step.input {
            Input::Receipt(receipt) => {
                let key = (node, receipt.connection);
                if self.pictures.out.get(&key) == Some(&receipt.attempt) {
                    self.pictures.out.remove(&key);
                }
            }
            Input::Resume | Input::Restored => self.pictures.ends(node),
            _ => {}
        }
        for change in &step.facts.pictures {
            let history = self.pictures.history.entry(change.user).or_default();
            if !history.contains(&change.digest) {
                history.push(change.digest.clone());
            }
        }
    }

    /// Judges a picture that leaves a node.
    pub(super) fn sends_picture(
        &mut self,
        node: usize,
        peer: usize,
        picture: &SendPicture,
    ) -> Result<(), Violation> {
        let SendPicture {
            connection,
            attempt,
            user,
            digest,
            ..
        } = picture;
        let home = self.ledger.users.get(user).map(|model| model.home);
        if home == Some(self.identity(peer)) {
            return Err(broken(
                NO_ECHO,
                format!("node {node} sends the picture of {user} back to node {peer}"),
            ));
        }
        let mut links = self.links.keys();
        if !links.any(|(of, _, over)| (*of, *over) == (node, *connection)) {
            return Err(broken(
                ENTITLEMENT,
                format!("node {node} sends a picture to node {peer}, with which it shares nothing"),
            ));
        }
        if self.pictures.place(*user, digest).is_none() {
            return Err(broken(
                AUTHORSHIP,
                format!("node {node} sends a picture that {user} never had"),
            ));
        }
        let is_twin = |(copy, of)| [copy, of].contains(&node);
        if self.copy.is_some_and(is_twin) {
            self.pictures.sent_by_twins.insert(*user);
        }
        match self.pictures.out.insert((node, *connection), *attempt) {
            None => Ok(()),
            Some(out) => Err(broken(
                BOUNDED,
                format!(
                    "node {node} sends a picture as attempt {attempt} while attempt {out} is out"
                ),
            )),
        }
    }

    /// Judges what a quiet node shows of another one's users.
    ///
    /// # Errors
    /// If it shows an older picture than the other one sent, or should have.
    pub fn pictures_at(
        &self,
        home: &Tables,
        connection: ConnectionNo,
        peer: &Tables,
    ) -> Result<(), Violation> {
        for (user, own) in due(home, connection) {
            let Some(there) = lookup::user(peer, user.id.as_str()) else {
                continue;
            };
            // A workspace that knows the user over another connection takes nothing over this one.
            if is_owned(home, connection, peer, there) {
                let shown = peer.get::<Picture>(&there).map(|row| row.digest);
                self.shows(&user, &own, shown.as_deref())?;
            }
        }
        Ok(())
    }

    /// The same of a Mattermost-like server.
    ///
    /// # Errors
    /// The same.
    pub fn pictures_at_server(
        &self,
        home: &Tables,
        connection: ConnectionNo,
        server: &Server,
    ) -> Result<(), Violation> {
        if server.was_restored {
            // Nothing tells the sender that it lost some.
            return Ok(());
        }
        for (user, own) in due(home, connection) {
            if server.rows.users.contains_key(&user.id) {
                let shown = server.rows.pictures.get(&user.id);
                self.shows(&user, &own, shown.map(String::as_str))?;
            }
        }
        Ok(())
    }

    /// A home that was restored may have sent a newer one than it has now.
    fn shows(&self, user: &User, own: &Picture, shown: Option<&str>) -> Result<(), Violation> {
        let place = |digest: &str| self.pictures.place(user.id, digest);
        let oldest = match self.pictures.sent_by_twins.contains(&user.id) {
            true => Some(0),
            false => place(&own.digest),
        };
        if shown.is_some_and(|shown| place(shown) >= oldest) {
            return Ok(());
        }
        Err(broken(
            CONVERGENCE,
            format!(
                "the picture of {} is {} and is shown as {shown:?}",
                user.username, own.digest
            ),
        ))
    }
}

/// Users whose picture the peer of a connection must have, unless it does not know them.
fn due(home: &Tables, connection: ConnectionNo) -> Vec<(User, Picture)> {
    let peer = home.get::<Connection>(&connection).map(|row| row.workspace);
    let rows = home.prefix::<Picture, ()>(&(), ROWS_MAX).into_iter();
    let due = rows.filter_map(|(no, picture)| {
        let user = home.get::<User>(&no)?;
        let debt = home.get::<PictureDebt>(&(connection, no));
        let is_given_up = debt.is_some_and(|debt| debt.retry_at == 0);
        let is_due = Some(user.origin) != peer && is_held(home, connection, no) && !is_given_up;
        is_due.then_some((user, picture))
    });
    due.collect()
}
