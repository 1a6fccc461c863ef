//! Checks of a single step, as soon as it is executed: by its input, the rows
//! before and after, and its output.

use std::fmt::Debug;

use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::Write;
use causeway_kernel::model::{Connection, User};
use causeway_kernel::rows::id::{ConnectionNo, UserNo};
use causeway_kernel::rows::key;
use causeway_kernel::rows::memory::Tables;
use causeway_kernel::rows::table::Lifetime;
use causeway_kernel::rows::tx::{Read, Record};

use super::{
    AUTHORSHIP, Violation, accounts, bounded, broken, error_paths, gates, inert, pictures, roles,
    statuses,
};
use crate::node::Carried;
use crate::policies::Chain;
use crate::story;

/// An executed step.
pub struct Step<'s> {
    /// The node.
    pub node: usize,
    /// Its input.
    pub input: &'s Input,
    /// Its result.
    pub carried: &'s Carried,
    /// The rows after it.
    pub rows: &'s Tables,
    /// The policies in force.
    pub policies: Chain,
}

/// Who sets something by an input.
pub enum Setter {
    /// The workspace itself, or one of its users.
    Workspace,
    /// The peer of a connection.
    Peer(ConnectionNo),
    /// Nobody: the input says nothing of this kind.
    Nobody,
}

impl Step<'_> {
    /// Judges it.
    ///
    /// # Errors
    /// The first promise that it broke.
    pub fn judge(&self) -> Result<(), Violation> {
        inert::check(self)?;
        roles::check(self)?;
        accounts::check(self)?;
        statuses::check(self)?;
        pictures::check(self)?;
        error_paths::check(self)?;
        gates::check(self)?;
        bounded::check(self)
    }

    /// Judges that what it set of the user with a key was set by the user's home (I5).
    ///
    /// # Errors
    /// If it was not.
    pub fn is_set_by_home(
        &self,
        user: &[u8],
        setter: &Setter,
        (what, value): (&str, &dyn Debug),
    ) -> Result<(), Violation> {
        let user = key::decode::<UserNo>(user).and_then(|user| self.rows.get::<User>(&user));
        match user.filter(|user| !self.is_home(user, setter)) {
            None => Ok(()),
            Some(user) => Err(broken(
                AUTHORSHIP,
                format!(
                    "node {} sets the {what} of {} to {value:?}, because of {}",
                    self.node,
                    user.username,
                    story::input(self.input)
                ),
            )),
        }
    }

    fn is_home(&self, user: &User, setter: &Setter) -> bool {
        match setter {
            Setter::Workspace => user.origin.is_ours(),
            Setter::Peer(connection) => {
                let connection = self.rows.get::<Connection>(connection);
                connection.is_some_and(|row| !user.origin.is_ours() && row.workspace == user.origin)
            }
            Setter::Nobody => false,
        }
    }

    /// Rows that it wrote, each with its earlier bytes.
    pub fn changes(&self) -> impl Iterator<Item = (&Write, Option<&Vec<u8>>)> {
        let old = self.carried.old.iter().map(Option::as_ref);
        self.carried.writes.iter().zip(old)
    }

    /// Rows of a record that it put: the key's bytes, the earlier row, and the new one.
    pub fn put<R: Record>(&self) -> impl Iterator<Item = (&[u8], Option<R>, R)> {
        let of_table = |(write, _): &(&Write, _)| write.table == R::TABLE;
        self.changes()
            .filter(of_table)
            .filter_map(|(write, old): (&Write, Option<&Vec<u8>>)| {
                let new = R::from_bytes(write.value.as_ref()?)?;
                let old = old.and_then(|bytes| R::from_bytes(bytes));
                Some((write.key.as_slice(), old, new))
            })
    }

    /// Rows that it deleted from tables whose rows are kept.
    pub fn takes_away_kept(&self) -> impl Iterator<Item = &Write> {
        let gone = |(write, old): &(&Write, Option<&Vec<u8>>)| {
            let is_kept = write.table.lifetime() == Lifetime::Kept;
            write.value.is_none() && old.is_some() && is_kept
        };
        self.changes().filter(gone).map(|(write, _)| write)
    }
}
