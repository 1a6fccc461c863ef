//! The policies of an engine: what is in force, and changes of it, each between two steps.

use std::sync::Arc;

use causeway_kernel::boundary::input::Input;
use tokio::sync::oneshot;

use super::Engine;
use crate::SubmitError;
use crate::policy::{
    Candidate, Inspection, Place, PolicyChange, PolicyError, PolicyManager, PolicyState,
    ShadowState,
};

impl Engine {
    /// Puts a policy into a slot, or replaces the one there. It is compiled before that, off the writer
    /// thread.
    ///
    /// # Errors
    /// If the component, its signature or its settings are refused, or the engine cannot accept the change now.
    pub async fn put_policy(&self, candidate: Candidate) -> Result<PolicyState, PolicyError> {
        let name = candidate.name.clone();
        self.change_policies(move |policies| policies.prepare(&candidate, Place::InForce))
            .await?;
        self.policy(&name)
    }

    /// Has a policy asked beside the others, without effect, instead of an earlier shadow with its name.
    ///
    /// # Errors
    /// Those of [`Engine::put_policy`].
    pub async fn put_shadow(&self, candidate: Candidate) -> Result<ShadowState, PolicyError> {
        let name = candidate.name.clone();
        self.change_policies(move |policies| policies.prepare(&candidate, Place::Shadow))
            .await?;
        let mut shadows = self.shadows().into_iter();
        let found = shadows.find(|state| state.policy.info.name == name);
        found.ok_or(PolicyError::NoShadow(name))
    }

    /// Puts a shadow in force.
    ///
    /// # Errors
    /// If no shadow has that name, it is refused now, or the engine cannot accept the change now.
    pub async fn promote_shadow(&self, name: &str) -> Result<PolicyState, PolicyError> {
        let wanted = name.to_string();
        self.change_policies(move |policies| policies.promote(&wanted))
            .await?;
        self.policy(name)
    }

    /// Removes a shadow.
    ///
    /// # Errors
    /// If no shadow has that name, or the engine cannot accept the change now.
    pub async fn unload_shadow(&self, name: &str) -> Result<(), PolicyError> {
        let name = name.to_string();
        self.change_policies(move |policies| policies.unload_shadow(&name))
            .await
    }

    /// Unloads a policy.
    ///
    /// # Errors
    /// If no policy has that name, or the engine cannot accept the change now.
    pub async fn unload_policy(&self, name: &str) -> Result<(), PolicyError> {
        let name = name.to_string();
        self.change_policies(move |policies| policies.unload(&name))
            .await
    }

    /// Has a policy asked, or keeps it without asking it.
    ///
    /// # Errors
    /// If no policy has that name, it is to be asked and does not run in this release, or the engine
    /// cannot accept the change now.
    pub async fn set_policy_enabled(
        &self,
        name: &str,
        is_enabled: bool,
    ) -> Result<PolicyState, PolicyError> {
        let wanted = name.to_string();
        self.change_policies(move |policies| policies.set_enabled(&wanted, is_enabled))
            .await?;
        self.policy(name)
    }

    /// Changes the order in which the policies are asked.
    ///
    /// # Errors
    /// If the names are not those of all policies, or the engine cannot accept the change now.
    pub async fn reorder_policies(&self, names: Vec<String>) -> Result<(), PolicyError> {
        self.change_policies(move |policies| policies.reorder(&names))
            .await
    }

    /// Gives a policy the component and the settings that it had before its last change.
    ///
    /// # Errors
    /// If no policy has that name, there is no previous version or it does not run in this release, or
    /// the engine cannot accept the change now.
    pub async fn rollback_policy(&self, name: &str) -> Result<PolicyState, PolicyError> {
        let wanted = name.to_string();
        self.change_policies(move |policies| policies.rollback(&wanted))
            .await?;
        self.policy(name)
    }

    /// Looks at a component without loading it.
    ///
    /// # Errors
    /// If it is not a component, or too large.
    pub async fn inspect_policy(&self, component: Vec<u8>) -> Result<Inspection, PolicyError> {
        let policies = Arc::clone(&self.inner.policies);
        blocking(move || policies.inspect(&component)).await
    }

    /// The policies, in the order in which they are asked.
    #[must_use]
    pub fn policies(&self) -> Vec<PolicyState> {
        self.inner.policies.states()
    }

    /// The shadows.
    #[must_use]
    pub fn shadows(&self) -> Vec<ShadowState> {
        self.inner.policies.shadows()
    }

    fn policy(&self, name: &str) -> Result<PolicyState, PolicyError> {
        let mut policies = self.policies().into_iter();
        let found = policies.find(|state| state.info.name == name);
        found.ok_or_else(|| PolicyError::NotFound(name.to_string()))
    }

    async fn change_policies(
        &self,
        prepare: impl FnOnce(&dyn PolicyManager) -> Result<PolicyChange, PolicyError> + Send + 'static,
    ) -> Result<(), PolicyError> {
        // On its own: whoever waits for it may go away, and what is in force must be what is kept.
        let engine = self.clone();
        let changed = tokio::spawn(async move { engine.change_policies_to(prepare).await });
        changed
            .await
            .unwrap_or_else(|error| Err(PolicyError::Disk(error.to_string())))
    }

    async fn change_policies_to(
        &self,
        prepare: impl FnOnce(&dyn PolicyManager) -> Result<PolicyChange, PolicyError> + Send + 'static,
    ) -> Result<(), PolicyError> {
        let _one_at_a_time = self.inner.changing.lock().await;
        let policies = Arc::clone(&self.inner.policies);
        let change = blocking(move || prepare(policies.as_ref())).await?;
        let input = Input::PolicyChanged {
            chain: change.chain.digest(),
            what: change.what,
            gates: Some(change.chain.gates()),
        };
        let (sender, receiver) = oneshot::channel();
        let chain = change.is_of_chain.then_some(change.chain);
        self.queue(input, chain, sender);
        receiver.await.unwrap_or(Err(SubmitError::ShuttingDown))?;
        let policies = Arc::clone(&self.inner.policies);
        blocking(move || policies.keep(change.kept)).await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PolicyError> + Send + 'static,
) -> Result<T, PolicyError> {
    let ran = tokio::task::spawn_blocking(work).await;
    ran.unwrap_or_else(|error| Err(PolicyError::Disk(error.to_string())))
}
