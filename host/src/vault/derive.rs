//! Key derivations: slow and memory-hungry by design, so they run on the blocking pool and few at a time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use super::VaultError;
use super::asker::{Asker, Source, Standing};

/// Maximum concurrent derivations. Each takes a core for 0.1 to 0.4 s and 32 MiB.
const DERIVATIONS_MAX: usize = 2;

/// Maximum derivations running or waiting; one more is refused, so that a flood of logins is answered at
/// once.
const DERIVATIONS_QUEUED_MAX: usize = 64;

/// Maximum of those done for strangers, and likewise for this machine. The rest is left to known clients, who
/// wait for a few seconds at most.
const DERIVATIONS_OF_A_STANDING_MAX: usize = 24;

/// The gate that every key derivation passes, from one asker's view.
#[derive(Clone)]
pub struct Derivations {
    gate: Arc<Gate>,
    asker: Asker,
}

struct Gate {
    permits: Arc<Semaphore>,
    queued: Mutex<Queued>,
}

/// Derivations running or waiting.
#[derive(Default)]
struct Queued {
    all: usize,
    strangers: usize,
    machine: usize,
    by_source: BTreeMap<Source, usize>,
}

impl Queued {
    /// The count of a standing that has its own share.
    fn of(&mut self, standing: Standing) -> Option<&mut usize> {
        match standing {
            Standing::Known => None,
            Standing::Machine => Some(&mut self.machine),
            Standing::Stranger => Some(&mut self.strangers),
        }
    }

    fn add(&mut self, asker: &Asker) -> Result<(), VaultError> {
        let count = |source| self.by_source.get(source).copied().unwrap_or_default();
        if asker.sources.iter().any(|(it, max)| count(it) >= *max) {
            return Err(VaultError::TooManyOfOne);
        }
        let share = self.of(asker.standing).map(|count| *count);
        if self.all >= DERIVATIONS_QUEUED_MAX
            || share.is_some_and(|count| count >= DERIVATIONS_OF_A_STANDING_MAX)
        {
            return Err(VaultError::Busy);
        }
        self.all += 1;
        if let Some(count) = self.of(asker.standing) {
            *count += 1;
        }
        for (source, _) in &asker.sources {
            *self.by_source.entry(*source).or_default() += 1;
        }
        Ok(())
    }

    fn remove(&mut self, asker: &Asker) {
        self.all -= 1;
        if let Some(count) = self.of(asker.standing) {
            *count -= 1;
        }
        for (source, _) in &asker.sources {
            if let Some(count) = self.by_source.get_mut(source) {
                *count -= 1;
                if *count == 0 {
                    self.by_source.remove(source);
                }
            }
        }
    }
}

/// A slot in the queue, released on drop.
struct QueueSlot(Derivations);

impl Drop for QueueSlot {
    fn drop(&mut self) {
        self.0.gate.queued().remove(&self.0.asker);
    }
}

impl Gate {
    fn queued(&self) -> std::sync::MutexGuard<'_, Queued> {
        // Counts are changed by single additions, so a poisoned lock is still usable.
        self.queued.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Derivations {
    fn default() -> Derivations {
        Derivations::new()
    }
}

impl Derivations {
    /// A gate with an empty queue, from the service's own view.
    #[must_use]
    pub fn new() -> Derivations {
        Derivations {
            gate: Arc::new(Gate {
                permits: Arc::new(Semaphore::new(DERIVATIONS_MAX)),
                queued: Mutex::default(),
            }),
            asker: Asker::default(),
        }
    }

    /// The same gate for another asker.
    #[must_use]
    pub fn asked_by(&self, asker: Asker) -> Derivations {
        Derivations {
            gate: Arc::clone(&self.gate),
            asker,
        }
    }

    /// Runs a derivation on the blocking pool when its turn comes.
    ///
    /// # Errors
    /// [`VaultError::TooManyOfOne`] if too many of the asker's run or wait, [`VaultError::Busy`] if too many
    /// of all do, [`VaultError::Stopped`] if the service stops.
    pub async fn run<T, F>(&self, derive: F) -> Result<T, VaultError>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        self.gate.queued().add(&self.asker)?;
        let place = QueueSlot(self.clone());
        let permit = Arc::clone(&self.gate.permits)
            .acquire_owned()
            .await
            .map_err(|_| VaultError::Stopped)?;
        // Permit and slot move along: a caller that stops waiting for the result does not free the core.
        let work = move || {
            let result = derive();
            drop((permit, place));
            result
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| VaultError::Stopped)
    }
}

#[cfg(test)]
mod tests {
    use super::super::asker::{DERIVATIONS_PER_ACCOUNT_MAX, DERIVATIONS_PER_ADDRESS_MAX};
    use super::*;
    use causeway_kernel::rows::id::UserNo;
    use std::sync::mpsc;
    use tokio::task::JoinHandle;

    /// A gate whose cores are all taken until `open` is dropped.
    struct Held {
        gate: Derivations,
        running: Vec<JoinHandle<Result<(), VaultError>>>,
        open: Vec<mpsc::Sender<()>>,
    }

    async fn held() -> Held {
        let gate = Derivations::new();
        let (mut running, mut open) = (Vec::new(), Vec::new());
        for _ in 0..DERIVATIONS_MAX {
            let (sender, closed) = mpsc::channel::<()>();
            open.push(sender);
            let gate = gate.clone();
            running.push(tokio::spawn(async move {
                gate.run(move || closed.recv().unwrap_or_default()).await
            }));
        }
        while gate.gate.permits.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        Held {
            gate,
            running,
            open,
        }
    }

    impl Held {
        /// Adds a waiting one, and returns whether it was admitted.
        async fn wait_as(&mut self, asker: &Asker) -> Result<(), VaultError> {
            let before = self.gate.gate.queued().all;
            let gate = self.gate.asked_by(asker.clone());
            let task = tokio::spawn(async move { gate.run(|| ()).await });
            while self.gate.gate.queued().all == before && !task.is_finished() {
                tokio::task::yield_now().await;
            }
            if task.is_finished() {
                return task.await.unwrap();
            }
            self.running.push(task);
            Ok(())
        }

        async fn end(self) {
            drop(self.open);
            for task in self.running {
                task.await.unwrap().unwrap();
            }
            let queued = self.gate.gate.queued();
            assert_eq!((queued.all, queued.strangers, queued.machine), (0, 0, 0));
            assert!(queued.by_source.is_empty());
        }
    }

    fn stranger(number: usize) -> Asker {
        let source = Source::new("test", &[&number.to_be_bytes()]);
        Asker::of(Standing::Stranger).counting(source, DERIVATIONS_PER_ADDRESS_MAX)
    }

    #[tokio::test]
    async fn one_too_many_is_refused_and_the_queue_empties_again() {
        let mut held = held().await;
        let own = Asker::default();
        for _ in DERIVATIONS_MAX..DERIVATIONS_QUEUED_MAX {
            held.wait_as(&own).await.unwrap();
        }
        assert!(matches!(held.wait_as(&own).await, Err(VaultError::Busy)));
        held.end().await;
    }

    #[tokio::test]
    async fn a_user_fills_no_more_than_a_share() {
        let mut held = held().await;
        let (ann, ben) = (Asker::user(UserNo(1)), Asker::user(UserNo(2)));
        for _ in 0..DERIVATIONS_PER_ACCOUNT_MAX {
            held.wait_as(&ann).await.unwrap();
        }
        let refused = held.wait_as(&ann).await;
        assert!(matches!(refused, Err(VaultError::TooManyOfOne)));
        held.wait_as(&ben).await.unwrap();
        held.end().await;
    }

    #[tokio::test]
    async fn strangers_leave_room_for_who_is_known() {
        let mut held = held().await;
        for _ in 0..DERIVATIONS_PER_ADDRESS_MAX {
            held.wait_as(&stranger(0)).await.unwrap();
        }
        let refused = held.wait_as(&stranger(0)).await;
        assert!(matches!(refused, Err(VaultError::TooManyOfOne)));
        for number in DERIVATIONS_PER_ADDRESS_MAX..DERIVATIONS_OF_A_STANDING_MAX {
            held.wait_as(&stranger(number)).await.unwrap();
        }
        let refused = held.wait_as(&stranger(usize::MAX)).await;
        assert!(matches!(refused, Err(VaultError::Busy)));
        for _ in 0..DERIVATIONS_OF_A_STANDING_MAX {
            let machine = Asker::of(Standing::Machine);
            held.wait_as(&machine).await.unwrap();
        }
        held.wait_as(&Asker::user(UserNo(1))).await.unwrap();
        held.end().await;
    }
}
