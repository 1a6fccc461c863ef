//! One step of the workspace.

use crate::command;
use crate::env::{Host, StepContext};
use crate::input::Input;
use crate::output::{Output, Reply};
use crate::tx::Tx;

/// Carries out one input.
pub fn step(host: &dyn Host, context: StepContext, input: &Input) -> Output {
    let mut tx = Tx::new(host, context);
    let reply = carry_out(&mut tx, input);
    let (writes, effects) = tx.finish();
    Output {
        reply,
        writes,
        effects,
    }
}

fn carry_out(tx: &mut Tx<'_>, input: &Input) -> Reply {
    match input {
        Input::Genesis(genesis) => command::begin(tx, genesis),
        Input::Command {
            actor,
            key,
            command,
        } => command::carry_out(tx, *actor, key.as_deref(), command),
        _ => Reply::Done,
    }
}
