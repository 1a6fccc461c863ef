//! A peer's answer to one of our messages.

use causeway_kernel::boundary::input::{Input, Receipt, SendOutcome};
use causeway_kernel::boundary::output::Reply;

use super::Target;
use super::workspace::workspace;
use crate::seeds::{Side, captured};

pub const TARGET: Target = Target {
    name: "receipts",
    run,
    seeds,
    cases: 400,
};

fn run(answer: &[u8]) {
    for (_, state, receipt) in &workspace().waiting {
        let input = Input::Receipt(Receipt {
            outcome: SendOutcome::Answered(answer.to_vec()),
            ..*receipt
        });
        assert_eq!(state.try_out(&input), Reply::Done);
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let recorded = workspace().inputs.iter().filter_map(|input| match input {
        Input::Receipt(Receipt {
            outcome: SendOutcome::Answered(answer),
            ..
        }) => Some(answer.clone()),
        _ => None,
    });
    let foreign = captured("/remotecluster/msg", Side::Answer);
    let foreign = foreign
        .into_iter()
        .map(|body| body.to_string().into_bytes());
    recorded.chain(foreign).collect()
}
