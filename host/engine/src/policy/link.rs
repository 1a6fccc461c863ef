//! A slot in force, with its instance while a list of questions is answered.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use causeway_kernel::boundary::policy::{Denial, Gate, Gates, Verdict};
use wasmtime::Store;

use super::OnFailure;
use super::bindings::v0_3::causeway::policy::context as wit;
use super::contract::{Instance, POLICY_FUEL, REASON_BYTES_MAX, cut};
use super::exports::GateExports;
use super::guest::Guest;
use super::inquiry::{Inquiry, Ruling};
use super::slot::{Program, Slot};
use super::strikes::Strikes;

use crate::runtime::sandbox::{refill, stop};

/// Calls that a question may take: the configuration of a fresh instance, and the decision.
const CALLS_MAX: u64 = 2;

/// The reason for not asking a slot that failed too often.
const SUSPENDED: &str =
    "it failed too often on what this connection sends or gets, and is suspended for a minute";

/// The code of a denial whose policy gave none, or not a valid one.
const NO_CODE: &str = "denied";

/// Maximum bytes of a denial's code.
const CODE_BYTES_MAX: usize = 64;

/// Maximum connections whose failures are remembered; there are fewer in every workspace that works.
const CONNECTIONS_MAX: usize = 1_000;

/// A slot in force.
pub(super) struct Link {
    slot: Arc<Slot>,
    instance: Option<Instance>,
    /// The connection that the instance was asked about.
    connection_id: String,
    /// By connection: what one peer sends must not close the gate to others.
    strikes: BTreeMap<String, Strikes>,
    /// Lines in the log since the list of questions began.
    lines: u32,
    /// Whether repeated failures are logged and suspend it.
    is_suspendable: bool,
}

impl Link {
    pub(super) fn new(slot: &Arc<Slot>) -> Link {
        Link {
            slot: Arc::clone(slot),
            instance: None,
            connection_id: String::new(),
            strikes: BTreeMap::new(),
            lines: 0,
            is_suspendable: true,
        }
    }

    /// The same, never suspended.
    pub(super) fn unsuspended(self) -> Link {
        Link {
            is_suspendable: false,
            ..self
        }
    }

    /// The gates at which it is asked. A policy that does not run counts as one that answers all,
    /// since it is unknown what it would have held back.
    pub(super) fn gates(&self) -> Gates {
        let program = self.slot.program.as_ref();
        program.map_or(Gates::ALL, |program| program.policy.answers())
    }

    /// Whether it is asked at a gate.
    pub(super) fn answers(&self, gate: Gate) -> bool {
        self.gates().contains(gate)
    }

    /// Ends a list of questions.
    pub(super) fn end_list(&mut self) {
        self.instance = None;
        self.lines = 0;
    }

    /// Puts a question to the policy, limited by the remaining fuel of the step.
    pub(super) fn ask<I: Inquiry>(
        &mut self,
        fuel: &mut u64,
        inquiry: &mut I,
    ) -> Result<Ruling, String> {
        let slot = Arc::clone(&self.slot);
        let (counters, now_ms) = (&slot.counters, inquiry.now_ms());
        counters.questions.add(1);
        let suspended = self.strikes.get(inquiry.connection_id());
        let suspended = suspended.and_then(|strikes| strikes.suspended_until(now_ms));
        let program = match &slot.program {
            Ok(program) if suspended.is_none() => program,
            Ok(_) => {
                counters.unasked.add(1);
                return Err(SUSPENDED.into());
            }
            Err(why) => {
                counters.unasked.add(1);
                return Err(why.clone());
            }
        };
        // The kernel asks about one connection in a list; that no policy sees two does not depend on it.
        if self.connection_id != inquiry.connection_id() {
            self.instance = None;
            self.connection_id = inquiry.connection_id().to_owned();
        }
        let (before, began) = (*fuel, Instant::now());
        let answer = self.call(program, fuel, now_ms, |gates, store| {
            inquiry.ask(gates, store)
        });
        let took_ns = u64::try_from(began.elapsed().as_nanos());
        counters.time_each_ns.add(took_ns.unwrap_or(u64::MAX));
        let used = before.saturating_sub(*fuel);
        counters.fuel.add(used);
        counters.fuel_each.add(used);
        let ruled = answer.and_then(|answer| inquiry.take(answer).map_err(str::to_string));
        match &ruled {
            Ok(ruling) => {
                match ruling {
                    Ruling::Allow => counters.allowed.add(1),
                    Ruling::Revise => counters.revised.add(1),
                    Ruling::Deny(_) => counters.denied.add(1),
                }
                if let Some(strikes) = self.strikes.get_mut(inquiry.connection_id()) {
                    strikes.answered();
                }
            }
            Err(why) => {
                counters.failures.add(1);
                // Other questions left it less than a call's fuel: that says nothing about it.
                let was_short = *fuel == 0 && before < CALLS_MAX * POLICY_FUEL;
                if !was_short {
                    self.strike(inquiry.connection_id(), now_ms, why);
                }
            }
        }
        let until_ms = self
            .strikes
            .values()
            .filter_map(|it| it.suspended_until(now_ms))
            .max();
        slot.counters.show_suspension(until_ms);
        ruled
    }

    fn strike(&mut self, connection_id: &str, now_ms: i64, why: &str) {
        if !self.is_suspendable {
            return;
        }
        let policy = &self.slot.info.name;
        tracing::warn!(%policy, connection_id, %why, "a policy failed");
        self.slot.counters.strikes.add(1);
        let is_known = self.strikes.contains_key(connection_id);
        if !is_known && self.strikes.len() >= CONNECTIONS_MAX {
            return;
        }
        let strikes = self.strikes.entry(connection_id.to_string()).or_default();
        if let Some(until_ms) = strikes.failed(now_ms) {
            tracing::warn!(%policy, connection_id, until_ms, "a policy failed too often and is suspended");
            self.slot.counters.suspensions.add(1);
        }
    }

    fn call<A>(
        &mut self,
        program: &Program,
        fuel: &mut u64,
        now_ms: i64,
        ask: impl FnOnce(&GateExports, &mut Store<Guest>) -> wasmtime::Result<A>,
    ) -> Result<A, String> {
        let mut instance = match self.instance.take() {
            Some(instance) => instance,
            None => {
                let given = POLICY_FUEL.min(*fuel);
                let guest = self.slot.guest(now_ms, self.lines);
                let settings = &self.slot.info.settings;
                let made = program.policy.instance(settings, given, guest);
                let left = match &made {
                    Ok(Ok(instance)) => instance.store.get_fuel().unwrap_or(0),
                    _ => 0,
                };
                take(fuel, given, left);
                made??
            }
        };
        let Instance { store, exports } = &mut instance;
        let given = POLICY_FUEL.min(*fuel);
        let answer = refill(store, given).and_then(|()| ask(&exports.gates, store));
        take(fuel, given, store.get_fuel().unwrap_or(0));
        self.lines = store.data().lines();
        match answer {
            Ok(answer) => {
                self.instance = Some(instance);
                Ok(answer)
            }
            // The instance cannot be entered again: it is dropped with its store.
            Err(error) => Err(stop(&error, &store.data().cap).1),
        }
    }

    /// The verdict for a failure of this slot; `None` = the question goes on to the next slot.
    pub(super) fn failed(&self, why: &str) -> Option<Verdict> {
        let name = &self.slot.info.name;
        match self.slot.info.on_failure {
            OnFailure::Hold => Some(Verdict::Failed(format!("{name}: {why}"))),
            OnFailure::Allow => None,
        }
    }

    /// A denial of this slot's policy.
    pub(super) fn denial(&self, denial: wit::Denial) -> Denial {
        let wit::Denial { code, text } = denial;
        let slot = &self.slot.info.name;
        let program = self.slot.program.as_ref();
        let described =
            program.map(|it| format!(" ({} {})", it.description.name, it.description.version));
        let policy = format!("{slot}{}", described.unwrap_or_default());
        Denial {
            policy,
            code: valid_code(code),
            text: cut(text, REASON_BYTES_MAX),
        }
    }
}

/// Deducts the fuel that a call used from the step's.
fn take(fuel: &mut u64, given: u64, left: u64) {
    *fuel = fuel.saturating_sub(given.saturating_sub(left));
}

/// A denial's code, or the one that stands for a code that is not valid.
fn valid_code(code: String) -> String {
    let is_valid = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    if (1..=CODE_BYTES_MAX).contains(&code.len()) && code.bytes().all(is_valid) {
        code
    } else {
        NO_CODE.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_consists_of_few_plain_letters() {
        let longest = "a".repeat(CODE_BYTES_MAX);
        for good in ["a", "banned-word-2", &longest] {
            assert_eq!(valid_code(good.into()), good);
        }
        let too_long = format!("{longest}a");
        for other in ["", "Banned", "two words", "straße", "a_b", &too_long] {
            assert_eq!(valid_code(other.into()), NO_CODE, "{other}");
        }
    }
}
