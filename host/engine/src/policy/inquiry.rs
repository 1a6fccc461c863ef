//! A question on its way through the slots: the loop that all gates share, and the inquiry of the
//! gates at which nothing can be revised.

use causeway_kernel::boundary::policy::{Gate, Verdict};
use wasmtime::Store;

use super::bindings::v0_3::causeway::policy::context::{Crossing, Decision, Denial};
use super::exports::GateExports;
use super::guest::Guest;
use super::link::Link;

/// The reason for failing a question when the step's fuel is used up.
const STEP_FUEL_USED_UP: &str =
    "the policies have used up what they may in one step; this is asked again";

/// A question at a gate.
pub(super) trait Inquiry {
    /// The answer of a policy.
    type Answer;

    /// The gate.
    fn gate(&self) -> Gate;

    /// Time of the step that asks, in ms.
    fn now_ms(&self) -> i64;

    /// `remote_id` of the connection.
    fn connection_id(&self) -> &str;

    /// Whether nothing is left to decide, so that no further slot is asked.
    fn is_settled(&self) -> bool {
        false
    }

    /// Asks a policy; one without this gate lets everything pass.
    fn ask(&self, gates: &GateExports, store: &mut Store<Guest>) -> wasmtime::Result<Self::Answer>;

    /// Applies an answer if it is valid: all of it or nothing.
    ///
    /// # Errors
    /// Why it is not valid, which is a failure of the policy.
    fn take(&mut self, answer: Self::Answer) -> Result<Ruling, &'static str>;

    /// The verdict if no policy denied.
    fn verdict(self) -> Verdict;
}

/// What a valid answer means.
pub(super) enum Ruling {
    /// The question goes on to the next slot.
    Allow,
    /// It goes on with a revised value.
    Revise,
    /// It ends here.
    Deny(Denial),
}

/// Asks the slots in their order: the first denial decides, and the next slot sees the revised value.
/// If the step's fuel does not suffice, the question fails whatever the slots' settings say: other
/// content of the step must not open a gate.
pub(super) fn judge<I: Inquiry>(links: &mut [Link], fuel: &mut u64, mut inquiry: I) -> Verdict {
    let gate = inquiry.gate();
    for link in links.iter_mut().filter(|link| link.answers(gate)) {
        if inquiry.is_settled() {
            break;
        }
        if *fuel == 0 {
            return Verdict::Failed(STEP_FUEL_USED_UP.into());
        }
        let ruled = link.ask(fuel, &mut inquiry);
        if *fuel == 0 {
            return Verdict::Failed(STEP_FUEL_USED_UP.into());
        }
        match ruled {
            Ok(Ruling::Allow | Ruling::Revise) => {}
            Ok(Ruling::Deny(denial)) => return Verdict::Deny(link.denial(denial)),
            Err(why) => {
                if let Some(failed) = link.failed(&why) {
                    return failed;
                }
            }
        }
    }
    inquiry.verdict()
}

/// A question at a gate at which nothing can be revised.
pub(super) struct Plain<F> {
    gate: Gate,
    crossing: Crossing,
    ask: F,
}

impl<F> Plain<F>
where
    F: Fn(&GateExports, &mut Store<Guest>, &Crossing) -> Option<wasmtime::Result<Decision>>,
{
    /// `ask` returns nothing for a policy without this gate.
    pub(super) fn new(gate: Gate, crossing: Crossing, ask: F) -> Plain<F> {
        Plain {
            gate,
            crossing,
            ask,
        }
    }
}

impl<F> Inquiry for Plain<F>
where
    F: Fn(&GateExports, &mut Store<Guest>, &Crossing) -> Option<wasmtime::Result<Decision>>,
{
    type Answer = Decision;

    fn gate(&self) -> Gate {
        self.gate
    }

    fn now_ms(&self) -> i64 {
        self.crossing.time_ms
    }

    fn connection_id(&self) -> &str {
        &self.crossing.connection.id
    }

    fn ask(&self, gates: &GateExports, store: &mut Store<Guest>) -> wasmtime::Result<Decision> {
        (self.ask)(gates, store, &self.crossing).unwrap_or(Ok(Decision::Allow))
    }

    fn take(&mut self, answer: Decision) -> Result<Ruling, &'static str> {
        Ok(match answer {
            Decision::Allow => Ruling::Allow,
            Decision::Deny(denial) => Ruling::Deny(denial),
        })
    }

    fn verdict(self) -> Verdict {
        Verdict::Allow
    }
}
