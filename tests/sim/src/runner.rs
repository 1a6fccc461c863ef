//! Runs many seeds on many cores. The results do not depend on the number of cores: totals are sums, and of
//! several failures that of the lowest seed is returned.

use std::ops::Range;
use std::sync::Mutex;

use crate::Failure;
use crate::coverage::Coverage;
use crate::deliveries::Deliveries;
use crate::world::Summary;

/// Sums over seeds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Number of completed seeds.
    pub seeds: u64,
    /// Delivered messages in the judged runs.
    pub deliveries: Deliveries,
    /// Executed steps in the judged runs.
    pub steps: u64,
    /// Deliveries and forgeries that were tried without lasting effect.
    pub probes: u64,
    /// Versions that crossed an edge, each counted once however often it was sent.
    pub versions_crossed: u64,
    /// What occurred in the judged runs.
    pub coverage: Coverage,
}

impl Totals {
    fn add(&mut self, summary: &Summary) {
        self.seeds += 1;
        self.deliveries += summary.trace.deliveries;
        self.steps += summary.trace.steps;
        self.probes += summary.probes;
        self.versions_crossed += summary.versions_crossed as u64;
        self.coverage += &summary.coverage;
    }
}

/// The progress of all threads together.
struct Progress {
    next: u64,
    totals: Totals,
    failure: Option<(u64, Failure)>,
}

/// Runs seeds with `judge` on this many threads; `report` is called after every completed seed.
///
/// # Errors
/// The failure of the lowest seed that fails.
pub fn run_seeds(
    seeds: Range<u64>,
    threads: usize,
    judge: &(dyn Fn(u64) -> Result<Summary, Failure> + Sync),
    report: &(dyn Fn(&Totals) + Sync),
) -> Result<Totals, Failure> {
    let progress = Mutex::new(Progress {
        next: seeds.start,
        totals: Totals::default(),
        failure: None,
    });
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                while let Some(seed) = take(&progress, seeds.end) {
                    let end = judge(seed);
                    let mut progress = progress.lock().expect("no thread panics with it");
                    match end {
                        Ok(summary) => {
                            progress.totals.add(&summary);
                            report(&progress.totals);
                        }
                        Err(failure) if progress.failure.as_ref().is_none_or(|f| seed < f.0) => {
                            progress.failure = Some((seed, failure));
                        }
                        Err(_) => {}
                    }
                }
            });
        }
    });
    let progress = progress.into_inner().expect("no thread panics with it");
    match progress.failure {
        Some((_, failure)) => Err(failure),
        None => Ok(progress.totals),
    }
}

/// Takes the next seed. Those below a failing one have all been taken before it.
fn take(progress: &Mutex<Progress>, end: u64) -> Option<u64> {
    let mut progress = progress.lock().expect("no thread panics with it");
    if progress.failure.is_some() || progress.next >= end {
        return None;
    }
    progress.next += 1;
    Some(progress.next - 1)
}

/// Number of cores of the machine.
#[must_use]
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::native;
    use crate::plan::Plan;
    use crate::run_twice;

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let judge = |seed| run_twice(&Plan::draw(seed, 2), &native);
        let run = |threads| run_seeds(0..8, threads, &judge, &|_| {});
        assert_eq!(run(1).unwrap(), run(3).unwrap());
    }

    #[test]
    fn the_lowest_seed_that_fails_is_told() {
        let judge = |seed| {
            let summary = run_twice(&Plan::draw(seed, 2), &native)?;
            if seed < 5 {
                return Ok(summary);
            }
            let violation = crate::oracle::broken(crate::oracle::RUNS, "a wall");
            Err(Failure {
                plan: Box::new(Plan::draw(seed, 2)),
                violation,
                story: summary.story,
                journals: Vec::new(),
            })
        };
        let failure = run_seeds(0..40, 4, &judge, &|_| {}).unwrap_err();
        assert_eq!(failure.plan.seed, 5);
    }
}
