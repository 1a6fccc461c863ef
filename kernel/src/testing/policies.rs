//! Policies of a test's workspace.

use super::World;
use crate::boundary::input::Input;
use crate::boundary::policy::{Gate, Gates, Question, Verdict};

impl World {
    /// From now on this policy decides, at these gates.
    pub fn load_policy(
        &mut self,
        gates: &[Gate],
        policy: impl Fn(&Question<'_>) -> Verdict + 'static,
    ) {
        self.host.policy = Some(Box::new(policy));
        self.policies_changed(gates.iter().copied().collect());
    }

    /// From now on everything passes.
    pub fn unload_policy(&mut self) {
        self.host.policy = None;
        self.policies_changed(Gates::default());
    }

    fn policies_changed(&mut self, gates: Gates) {
        self.run(Input::PolicyChanged {
            chain: String::new(),
            what: String::new(),
            gates: Some(gates),
        });
        self.run_due();
    }
}
