//! Profile pictures on the network. There are no real bytes: their digest identifies them.

use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::SendPicture;
use causeway_kernel::rows::id::{ConnectionNo, Id};
use causeway_kernel::wire::response::OK;

use super::calls::CallOutcome;
use super::files::breaks;
use super::{Event, Waiter, World};
use crate::coverage::Fault;
use crate::oracle::Violation;

/// How many times more often a connection breaks under a picture than under the bytes of a file: there are few.
const BREAKS_TIMES: u32 = 5;
/// How often it breaks at most, in permille: some pictures arrive however bad a network is.
const BREAKS_MAX: u32 = 500;

/// A picture from a node that is no Causeway.
pub(super) fn picture(user: Id, digest: String) -> SendPicture {
    SendPicture {
        connection: ConnectionNo(0),
        attempt: 0,
        user,
        digest,
        size: 600,
    }
}

impl World<'_> {
    /// A picture arrives at a workspace.
    pub(super) fn picture_arrives(
        &mut self,
        (node, connection): (usize, ConnectionNo),
        (call, is_first): (u64, bool),
        picture: SendPicture,
    ) -> Result<(), Violation> {
        let from = self.calls.get(&call).map_or(node, |call| call.from);
        let faults = self.faults_of(&[from, node]);
        let breaks = (BREAKS_TIMES * breaks(&faults)).min(BREAKS_MAX);
        if self.file_network.chance(breaks) {
            self.coverage.fault(Fault::BrokenOff);
            if is_first {
                let at_ms = self.now_ms + 1;
                self.agenda
                    .at(at_ms, Event::Ends(call, CallOutcome::Broken));
            }
            return Ok(());
        }
        let waiter = match is_first {
            true => Waiter::Call(call),
            false => Waiter::Nobody,
        };
        let input = Input::Picture {
            connection,
            user: picture.user,
            digest: picture.digest,
            size: picture.size,
        };
        self.step(node, input, waiter)
    }

    /// A picture arrives at a Mattermost-like server.
    pub(super) fn foreign_picture_arrives(
        &mut self,
        call: u64,
        seat: usize,
        picture: &SendPicture,
    ) {
        let is_taken = self
            .server(seat)
            .take_picture(picture.user, &picture.digest);
        let outcome = match is_taken {
            true => CallOutcome::Answered {
                body: OK.to_vec(),
                incarnation: None,
            },
            false => CallOutcome::Refused(400),
        };
        self.answers(call, outcome);
    }
}
