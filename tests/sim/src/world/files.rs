//! Bytes of files on the network. There are no real bytes: their digest identifies them.

use causeway_kernel::boundary::input::{Input, UploadProgress};
use causeway_kernel::boundary::output::SendFile;
use causeway_kernel::model::Upload;
use causeway_kernel::rows::id::{ConnectionNo, Id};
use causeway_kernel::rows::tx::Read;

use super::calls::CallOutcome;
use super::{Event, Waiter, World};
use crate::coverage::Fault;
use crate::faults::Faults;
use crate::mattermost::files::{FILE_BYTES, Taken};
use crate::oracle::Violation;

/// How often a receiver whose connection breaks can still answer that more bytes are expected, in permille.
const ANSWERED_BREAKS: u32 = 300;

/// The whole of a file, from a node that is no Causeway.
pub(super) fn whole(upload: Id, digest: String) -> SendFile {
    SendFile {
        connection: ConnectionNo(0),
        attempt: 0,
        upload,
        digest,
        offset: 0,
        size: FILE_BYTES,
    }
}

/// How often a connection breaks with bytes on it, in permille: in either direction.
pub(super) fn breaks(faults: &Faults) -> u32 {
    faults.loss + faults.answer_lost
}

impl World<'_> {
    /// Bytes of a file arrive at a workspace: all of them, or those before its connection breaks.
    pub(super) fn bytes_arrive(
        &mut self,
        (node, connection): (usize, ConnectionNo),
        (call, is_first): (u64, bool),
        bytes: &SendFile,
    ) -> Result<(), Violation> {
        self.deliveries.files += 1;
        let upload = bytes.upload;
        let row = self.nodes[node].rows.get::<Upload>(&(connection, upload));
        // As in the host: more bytes than are missing are refused before they are read, and fewer make a file
        // with another digest.
        let refusal = match &row {
            None => Some(404),
            Some(row) if row.offset > bytes.offset => Some(400),
            Some(row) if row.offset < bytes.offset => Some(408),
            Some(_) => None,
        };
        if let Some(status) = refusal {
            if is_first {
                self.answers(call, CallOutcome::Refused(status));
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
                self.agenda
                    .at(at_ms, Event::Ends(call, CallOutcome::Broken));
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
    pub(super) fn foreign_bytes_arrive(&mut self, call: u64, seat: usize, bytes: &SendFile) {
        self.deliveries.files += 1;
        let faults = self.faults_of(&[seat]);
        let breaks = self.file_network.chance(breaks(&faults));
        let dies = self.file_network.chance(faults.crash * 3);
        let is_taken = !(breaks || dies && self.file_network.chance(500));
        let mut outcome = CallOutcome::Broken;
        if is_taken {
            let taken = self.server(seat).take_bytes(bytes.upload, &bytes.digest);
            outcome = match taken {
                Taken::Stored(body) => CallOutcome::Answered {
                    body,
                    incarnation: None,
                },
                Taken::Unknown => CallOutcome::Refused(404),
            };
        } else if breaks && self.file_network.chance(ANSWERED_BREAKS) {
            outcome = CallOutcome::Refused(204);
        }
        if breaks {
            self.coverage.fault(Fault::BrokenOff);
        }
        if dies {
            let most_ms = self.faults.downtime_ms_max;
            let downtime_ms = self.file_network.span_ms(2_000, most_ms);
            self.foreign_dies(seat, downtime_ms);
            outcome = CallOutcome::Broken;
        }
        match outcome {
            CallOutcome::Broken => {
                let at_ms = self.now_ms + 1;
                self.agenda.at(at_ms, Event::Ends(call, outcome));
            }
            outcome => self.answers(call, outcome),
        }
    }
}
