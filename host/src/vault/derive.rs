//! Key derivations: slow and hungry by design, so they run elsewhere and few at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

use super::VaultError;

/// Derivations at the same time. Each takes a core for 0.1 to 0.4 s and 32 MiB.
const DERIVATIONS_MAX: usize = 2;

/// Derivations that may wait; one more is refused, so that a flood of logins is answered at once.
pub const DERIVATIONS_WAITING_MAX: usize = 64;

/// The gate that every key derivation passes.
#[derive(Clone)]
pub struct Derivations {
    permits: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

impl Default for Derivations {
    fn default() -> Derivations {
        Derivations::new()
    }
}

/// Counts one who waits, also when the waiting is given up.
struct Waiting(Arc<AtomicUsize>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Derivations {
    /// A gate that nobody waits at.
    #[must_use]
    pub fn new() -> Derivations {
        Derivations {
            permits: Arc::new(Semaphore::new(DERIVATIONS_MAX)),
            waiting: Arc::default(),
        }
    }

    /// Runs a derivation on the blocking pool when its turn comes.
    ///
    /// # Errors
    /// [`VaultError::Busy`] when too many wait, [`VaultError::Stopped`] when the service stops.
    pub async fn run<T, F>(&self, derive: F) -> Result<T, VaultError>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let waiting = Waiting(Arc::clone(&self.waiting));
        if waiting.0.fetch_add(1, Ordering::Relaxed) >= DERIVATIONS_WAITING_MAX {
            return Err(VaultError::Busy);
        }
        let permits = Arc::clone(&self.permits);
        let permit = permits
            .acquire_owned()
            .await
            .map_err(|_| VaultError::Stopped)?;
        drop(waiting);
        // The permit goes along: who stops waiting for the result does not free the core.
        let work = move || {
            let result = derive();
            drop(permit);
            result
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| VaultError::Stopped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_too_many_is_refused_and_the_queue_empties_again() {
        let gate = Derivations::new();
        let (open, closed) = std::sync::mpsc::channel::<()>();
        let closed = Arc::new(std::sync::Mutex::new(closed));
        let held: Vec<_> = (0..DERIVATIONS_MAX)
            .map(|_| {
                let (gate, closed) = (gate.clone(), Arc::clone(&closed));
                tokio::spawn(async move {
                    gate.run(move || closed.lock().unwrap().recv().is_ok())
                        .await
                        .unwrap()
                })
            })
            .collect();
        while gate.permits.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let waiting: Vec<_> = (0..DERIVATIONS_WAITING_MAX)
            .map(|_| {
                let gate = gate.clone();
                tokio::spawn(async move { gate.run(|| ()).await })
            })
            .collect();
        while gate.waiting.load(Ordering::Relaxed) < DERIVATIONS_WAITING_MAX {
            tokio::task::yield_now().await;
        }
        assert!(matches!(gate.run(|| ()).await, Err(VaultError::Busy)));
        for _ in 0..DERIVATIONS_MAX {
            open.send(()).unwrap();
        }
        for task in held {
            assert!(task.await.unwrap());
        }
        for task in waiting {
            task.await.unwrap().unwrap();
        }
        assert_eq!(gate.waiting.load(Ordering::Relaxed), 0);
    }
}
