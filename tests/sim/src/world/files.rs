//! Bytes of files on the network. There are no real bytes: their digest identifies them.

use causeway_kernel::boundary::input::{Input, UploadProgress};
use causeway_kernel::model::Upload;
use causeway_kernel::rows::id::{ConnectionNo, Id};
use causeway_kernel::rows::tx::Read;

use super::calls::Outcome;
use super::{Event, Waiter, World};
use crate::coverage::Fault;
use crate::faults::Faults;
use crate::mattermost::files::Taken;
use crate::oracle::Violation;

/// How often a receiver whose connection breaks can still answer that more bytes are expected, in permille.
const ANSWERED_BREAKS: u32 = 300;

/// A request with the bytes of a file, from an offset to its end.
#[derive(Clone, Debug)]
pub(super) struct Bytes {
    /// The attempt of a Causeway.
    pub(super) attempt: u64,
    /// The upload, as the receiver knows it.
    pub(super) upload: Id,
    /// Digest of the whole file.
    pub(super) digest: String,
    /// Bytes before those of the request.
    pub(super) offset: u64,
    /// Bytes of the whole file.
    pub(super) size: u64,
}

/// How often a connection breaks with bytes on it, in permille: in either direction.
fn breaks(faults: &Faults) -> u32 {
    faults.loss + faults.answer_lost
}

impl World<'_> {
    /// Bytes of a file arrive at a workspace: all of them, or those before its connection breaks.
    pub(super) fn bytes_arrive(
        &mut self,
        (node, connection): (usize, ConnectionNo),
        (call, is_first): (u64, bool),
        bytes: &Bytes,
    ) -> Result<(), Violation> {
        self.deliveries.files += 1;
        let upload = bytes.upload;
        let row = self.nodes[node].rows.get::<Upload>(&(connection, upload));
        let follows = |row: &Upload| (row.offset, row.size) == (bytes.offset, bytes.size);
        // As in the protocol (§5.6): the host looks at the upload before it reads the body.
        let refusal = match &row {
            None => Some(404),
            Some(row) if !follows(row) => Some(400),
            Some(_) => None,
        };
        if let Some(status) = refusal {
            if is_first {
                self.answers(call, Outcome::Refused(status));
            }
            return Ok(());
        }
        let from = self.calls.get(&call).map_or(node, |call| call.from);
        let faults = self.faults_of(&[from, node]);
        let waiter = |is_answered| match is_answered {
            true => Waiter::Call(call),
            false => Waiter::Nobody,
        };
        let (progress, waiter) = if self.file_network.chance(breaks(&faults)) {
            self.coverage.fault(Fault::BrokenOff);
            let come = self.file_network.below(bytes.size - bytes.offset);
            let is_answered = self.file_network.chance(ANSWERED_BREAKS);
            if is_first && !is_answered {
                let at_ms = self.now_ms + 1;
                self.agenda.at(at_ms, Event::Ends(call, Outcome::Broken));
            }
            let offset = bytes.offset + come;
            let progress = UploadProgress::Part { offset };
            (progress, waiter(is_first && is_answered))
        } else {
            let digest = bytes.digest.clone();
            let dimensions = None;
            let progress = UploadProgress::Whole { digest, dimensions };
            (progress, waiter(is_first))
        };
        let input = Input::Upload {
            connection,
            upload,
            progress,
        };
        self.step(node, input, waiter)
    }

    /// Bytes of a file arrive at a Mattermost-like server, which may die before or after it has taken them.
    pub(super) fn foreign_bytes_arrive(&mut self, call: u64, seat: usize, bytes: &Bytes) {
        self.deliveries.files += 1;
        let faults = self.faults_of(&[seat]);
        let breaks = self.file_network.chance(breaks(&faults));
        let dies = self.file_network.chance(faults.crash * 3);
        let is_taken = !(breaks || dies && self.file_network.chance(500));
        let mut outcome = Outcome::Broken;
        if is_taken {
            let taken = self.server(seat).take_bytes(bytes.upload, &bytes.digest);
            outcome = match taken {
                Taken::Stored(body) => Outcome::Answered {
                    body,
                    incarnation: None,
                },
                Taken::Unknown => Outcome::Refused(404),
            };
        } else if breaks && self.file_network.chance(ANSWERED_BREAKS) {
            outcome = Outcome::Refused(204);
        }
        if breaks {
            self.coverage.fault(Fault::BrokenOff);
        }
        if dies {
            let most_ms = self.faults.downtime_ms_max;
            let downtime_ms = self.file_network.span_ms(2_000, most_ms);
            self.foreign_dies(seat, downtime_ms);
            outcome = Outcome::Broken;
        }
        match outcome {
            Outcome::Broken => {
                let at_ms = self.now_ms + 1;
                self.agenda.at(at_ms, Event::Ends(call, outcome));
            }
            outcome => self.answers(call, outcome),
        }
    }
}
