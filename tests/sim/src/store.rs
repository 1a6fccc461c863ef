//! Where a node's steps are kept besides in its memory: the seam for a journal and tables in files.
//! Without one, any prefix of what is not durable survives the end of a process.

use crate::journal::Entry;
use causeway_kernel::rows::memory::Tables;

/// The files of one node. What a method refuses breaks a promise of the files.
pub trait Store {
    /// Writes a group of steps; they are durable when it returns.
    ///
    /// # Errors
    /// When it cannot.
    fn append(&mut self, group: &[&Entry]) -> Result<(), String>;

    /// The process dies, or the power goes, while these steps are being written, and the files are
    /// opened again. Gives how many of the steps, from the first one on, are in them.
    ///
    /// # Errors
    /// When they cannot be opened, or hold something else than steps that were written.
    fn die(&mut self, group: &[&Entry]) -> Result<usize, String>;

    /// Compares the rows with those that must be there.
    ///
    /// # Errors
    /// When they are others.
    fn compare(&self, rows: &Tables) -> Result<(), String>;

    /// Copies the files, in the place of an earlier copy.
    fn back_up(&mut self);

    /// Puts the copy in the place of the files and opens it.
    ///
    /// # Errors
    /// When it cannot be opened.
    fn restore(&mut self) -> Result<(), String>;
}

/// Makes the files of a node.
pub type MakeStore<'m> = &'m dyn Fn(usize) -> Box<dyn Store>;
