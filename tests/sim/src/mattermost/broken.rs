//! Kernels with a defect that shows only with a Mattermost-like server.

use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::env::{Host, StepContext};
use causeway_kernel::boundary::input::{Input, Receipt, SendOutcome};
use causeway_kernel::command::{Command, ConfirmConnection};
use causeway_kernel::model::{PeerKind, Round, Section};
use causeway_kernel::rows::tx::Read;

use super::quirks::Generation;
use crate::kernel::{Kernel, NativeKernel, StepBytes};
use crate::oracle;

/// A defect of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// Reactions are sent again even if it is unknown whether a toggle has received them.
    TellsTogglesAgain,
    /// It ignores that reactions are a toggle at servers of the 11 line.
    TakesNewForOld,
    /// It ignores the limit of 12 posts of servers of 2021.
    TakesOldForNew,
    /// `OK` without a payload counts as a failure, even where no payload is due.
    WaitsForPayload,
}

impl Defect {
    /// Every defect, the server that reveals it, and the checkers of which one must report it.
    pub const ALL: [(Defect, Generation, &'static [&'static str]); 4] = [
        (
            Defect::TellsTogglesAgain,
            Generation::Of11,
            &[oracle::NO_DUPLICATES],
        ),
        (
            Defect::TakesNewForOld,
            Generation::Of11,
            &[oracle::NO_DUPLICATES, oracle::CONVERGENCE, oracle::NO_LOSS],
        ),
        (
            Defect::TakesOldForNew,
            Generation::Of2021,
            &[oracle::BOUNDED, oracle::NO_LOSS],
        ),
        (
            Defect::WaitsForPayload,
            Generation::Of11,
            &[oracle::NO_LOSS],
        ),
    ];
}

/// A kernel with a defect.
pub struct Broken(pub Defect);

impl Kernel for Broken {
    fn step(
        &mut self,
        host: &dyn Host,
        context: StepContext,
        input: &[u8],
    ) -> Result<StepBytes, String> {
        let input = codec::decode_input(input).map_err(|error| error.to_string())?;
        let spoilt = spoil(self.0, host, input);
        NativeKernel.step(host, context, &codec::encode_input(&spoilt))
    }
}

fn spoil(defect: Defect, host: &dyn Host, mut input: Input) -> Input {
    match &mut input {
        Input::Receipt(receipt) => spoil_receipt(defect, host, receipt),
        Input::Command {
            command: Command::ConfirmConnection(ConfirmConnection { kind, .. }),
            ..
        } => {
            *kind = match (defect, *kind) {
                (Defect::TakesNewForOld, PeerKind::Mattermost11) => PeerKind::Mattermost2021,
                (Defect::TakesOldForNew, PeerKind::Mattermost2021) => PeerKind::Mattermost11,
                (_, kind) => kind,
            };
        }
        _ => {}
    }
    input
}

fn spoil_receipt(defect: Defect, host: &dyn Host, receipt: &mut Receipt) {
    let section = host
        .get::<Round>(&receipt.connection)
        .map(|round| round.section);
    match (defect, &receipt.outcome) {
        (Defect::TellsTogglesAgain, SendOutcome::Unknown) => {
            receipt.outcome = SendOutcome::NeverLeft;
        }
        (Defect::WaitsForPayload, SendOutcome::Answered(body))
            if section == Some(Section::Invite) && is_null(body) =>
        {
            receipt.outcome = SendOutcome::Refused(503);
        }
        _ => {}
    }
}

fn is_null(body: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(body).is_ok_and(|json| json["payload"].is_null())
}
