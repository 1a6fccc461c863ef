//! The end of a run: everything must be settled, and the journals must replay identically.

use super::World;
use crate::journal;
use crate::oracle::bounded;
use crate::oracle::convergence::Show;
use crate::oracle::files;
use crate::oracle::statuses;
use crate::oracle::{REPLAY, Violation, broken};

impl World<'_> {
    pub(super) fn judge_end(&mut self) -> Result<(), Violation> {
        let mut shows: Vec<Show> = self
            .nodes
            .iter()
            .map(|node| Show::of(node.no, &node.rows))
            .collect::<Result<_, _>>()?;
        shows.extend(self.seats.iter().map(|seat| seat.server.show()));
        self.forgive_unoffered();
        self.oracle.judge_end(&shows)?;
        self.judge_statuses()?;
        self.judge_profiles()?;
        self.judge_pictures()?;
        for node in &self.nodes {
            let inputs = node.journal.iter().map(|entry| entry.input.len());
            bounded::check_end(node.no, &node.rows, inputs.sum())?;
            files::check_end(node.no, &node.rows)?;
        }
        for node in &self.nodes {
            let replayed = journal::replay(self.make_kernel, &node.journal)
                .map_err(|seen| broken(REPLAY, format!("{}: {seen}", node.name())))?;
            if node.unsynced() == 0 && replayed != node.rows {
                return Err(broken(
                    REPLAY,
                    format!("{}: the rows of the replay are others", node.name()),
                ));
            }
        }
        Ok(())
    }

    fn judge_pictures(&self) -> Result<(), Violation> {
        for home in &self.nodes {
            for (connection, no) in &home.peers {
                let seat = no.checked_sub(self.nodes.len());
                if let Some(peer) = self.nodes.get(*no) {
                    self.oracle
                        .pictures_at(&home.rows, *connection, &peer.rows)?;
                } else if let Some(seat) = seat.and_then(|seat| self.seats.get(seat)) {
                    self.oracle
                        .pictures_at_server(&home.rows, *connection, &seat.server)?;
                }
            }
        }
        Ok(())
    }

    fn judge_profiles(&self) -> Result<(), Violation> {
        for node in &self.nodes {
            for (connection, no) in &node.peers {
                if let Some(peer) = self.nodes.get(*no) {
                    let peer = (*no, &peer.rows);
                    self.oracle.profiles_at(&node.rows, *connection, peer)?;
                }
            }
        }
        Ok(())
    }

    fn judge_statuses(&self) -> Result<(), Violation> {
        for home in &self.nodes {
            for (connection, peer) in &home.peers {
                if let Some(peer) = self.nodes.get(*peer) {
                    statuses::check_end(&home.rows, *connection, &peer.rows)?;
                }
            }
        }
        Ok(())
    }
}
