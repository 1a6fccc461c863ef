//! A manager without policies.

use causeway_kernel::boundary::policy::{Gates, Question, Verdict};

use super::{
    Candidate, Inspection, KeptChange, Place, PolicyChain, PolicyChange, PolicyError,
    PolicyManager, PolicyState, ShadowState,
};

/// A manager without policies: everything passes, nothing can be loaded.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPolicies;

/// The chain of [`NoPolicies`].
struct EmptyChain;

impl PolicyChain for EmptyChain {
    fn ask(&mut self, questions: &[Question<'_>]) -> Vec<Verdict> {
        questions.iter().map(|_| Verdict::Allow).collect()
    }

    fn digest(&self) -> String {
        String::new()
    }

    fn gates(&self) -> Gates {
        Gates::default()
    }
}

fn no_policies<T>() -> Result<T, PolicyError> {
    Err(PolicyError::Component("this build has no policies".into()))
}

impl PolicyManager for NoPolicies {
    fn open(&self) -> Result<Box<dyn PolicyChain>, PolicyError> {
        Ok(Box::new(EmptyChain))
    }

    fn prepare(&self, _candidate: &Candidate, _place: Place) -> Result<PolicyChange, PolicyError> {
        no_policies()
    }

    fn promote(&self, name: &str) -> Result<PolicyChange, PolicyError> {
        Err(PolicyError::NoShadow(name.into()))
    }

    fn unload(&self, name: &str) -> Result<PolicyChange, PolicyError> {
        Err(PolicyError::NotFound(name.into()))
    }

    fn unload_shadow(&self, name: &str) -> Result<PolicyChange, PolicyError> {
        Err(PolicyError::NoShadow(name.into()))
    }

    fn set_enabled(&self, name: &str, _is_enabled: bool) -> Result<PolicyChange, PolicyError> {
        Err(PolicyError::NotFound(name.into()))
    }

    fn reorder(&self, _names: &[String]) -> Result<PolicyChange, PolicyError> {
        no_policies()
    }

    fn rollback(&self, name: &str) -> Result<PolicyChange, PolicyError> {
        Err(PolicyError::NotFound(name.into()))
    }

    fn keep(&self, _change: KeptChange) -> Result<(), PolicyError> {
        Ok(())
    }

    fn states(&self) -> Vec<PolicyState> {
        Vec::new()
    }

    fn shadows(&self) -> Vec<ShadowState> {
        Vec::new()
    }

    fn inspect(&self, _component: &[u8]) -> Result<Inspection, PolicyError> {
        no_policies()
    }
}
