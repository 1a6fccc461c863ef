//! Where a node's steps are kept in addition to memory: the interface for a journal and tables in files.
//! Without one, any prefix of the steps that are not durable survives the end of a process.

use crate::journal::Entry;
use causeway_kernel::rows::memory::Tables;

/// The files of one node. An error from a method is a broken promise of the files.
pub trait Store {
    /// Writes a group of steps; they are durable when it returns.
    ///
    /// # Errors
    /// If that fails.
    fn append(&mut self, group: &[&Entry]) -> Result<(), String>;

    /// The process dies, or the power fails, while these steps are being written, and the files are
    /// reopened. Returns how many of the steps, starting with the first, are in them.
    ///
    /// # Errors
    /// If they cannot be opened, or hold anything other than written steps.
    fn die(&mut self, group: &[&Entry]) -> Result<usize, String>;

    /// Compares the rows with the expected ones.
    ///
    /// # Errors
    /// If they differ.
    fn compare(&self, rows: &Tables) -> Result<(), String>;

    /// Makes a copy of the files, replacing an earlier copy.
    fn back_up(&mut self);

    /// Replaces the files by the copy and opens it.
    ///
    /// # Errors
    /// If it cannot be opened.
    fn restore(&mut self) -> Result<(), String>;
}

/// Creates the files of a node.
pub type MakeStore<'m> = &'m dyn Fn(usize) -> Box<dyn Store>;
