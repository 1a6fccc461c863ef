//! The inputs of a node of the simulator, in order.

use std::sync::{Arc, Mutex};

use causeway_kernel::boundary::env::{Host, StepContext};
use causeway_sim::acts::Act;
use causeway_sim::kernel::{Kernel, Release, StepBytes, native};
use causeway_sim::plan::Plan;
use causeway_sim::watched;
use causeway_sim::world::Watch;
use causeway_tests::simulated::workspace::Given;

type Inputs = Arc<Mutex<Vec<Given>>>;

/// Acts of a story, in addition to those with which it begins.
const ACTS: usize = 60;

/// The inputs of the first node, with time and seed, in a world without faults: the first one
/// creates its workspace.
pub fn of_a_seed(seed: u64) -> Vec<Given> {
    let acts: Vec<(usize, Act)> = Act::ALL
        .iter()
        .copied()
        .filter(|act| !matches!(act, Act::Unshare | Act::Reconnect))
        .cycle()
        .take(ACTS)
        .enumerate()
        .map(|(at, act)| (at / 2 % 2, act))
        .collect();
    let kernels: Mutex<Vec<Inputs>> = Mutex::default();
    let make_kernel = |release: Release| -> Box<dyn Kernel> {
        let inputs = Inputs::default();
        kernels.lock().unwrap().push(Arc::clone(&inputs));
        Box::new(Listener {
            kernel: native(release),
            inputs,
        })
    };
    watched(&Plan::quiet(seed, &acts), &make_kernel, None, Watch::Bare).unwrap();
    let first = Arc::clone(&kernels.lock().unwrap()[0]);
    let inputs = std::mem::take(&mut *first.lock().unwrap());
    assert!(inputs.len() > ACTS, "{} inputs", inputs.len());
    inputs
}

/// Records the inputs of a kernel.
struct Listener {
    kernel: Box<dyn Kernel>,
    inputs: Inputs,
}

impl Kernel for Listener {
    fn step(
        &mut self,
        host: &dyn Host,
        context: StepContext,
        input: &[u8],
    ) -> Result<StepBytes, String> {
        let mut inputs = self.inputs.lock().unwrap();
        inputs.push(Given {
            context,
            input: input.to_vec(),
            verdicts: Vec::new(),
            is_stopped: false,
        });
        self.kernel.step(host, context, input)
    }
}
