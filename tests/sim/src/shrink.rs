//! Shrinks a run that broke a promise to the smallest story that still breaks it: items of its plan are
//! left out, faults switched off and seats dropped as long as the same checker fails.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::Failure;
use crate::faults::Faults;
use crate::plan::Plan;
use crate::world::Summary;

/// Runs for shrinking a failure, at most.
pub const RUNS_MAX: usize = 1_500;

/// Judges a plan.
pub type Judge<'j> = &'j dyn Fn(&Plan) -> Result<Summary, Failure>;

/// A shrunk failure.
pub struct Shrunk {
    /// The failure of the smallest plan that was found.
    pub failure: Failure,
    /// Number of items of the original plan.
    pub items_before: usize,
    /// Number of runs.
    pub runs: usize,
}

impl fmt::Display for Shrunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "of {} items {} are left after {} runs",
            self.items_before,
            self.failure.plan.items.len(),
            self.runs
        )?;
        write!(f, "{}", self.failure)
    }
}

impl Shrunk {
    /// Writes the plan to a directory, as text below a comment with the broken promise; returns the path.
    ///
    /// # Errors
    /// The error of the disk.
    pub fn write(&self, directory: &Path) -> std::io::Result<PathBuf> {
        std::fs::create_dir_all(directory)?;
        let plan = &self.failure.plan;
        let path = directory.join(file_name(plan));
        let told = self.failure.violation.to_string().replace('\n', " ");
        std::fs::write(&path, format!("# breaks {told}\n{}", plan.to_text()))?;
        Ok(path)
    }
}

/// The file of a plan; each population has a file of its own.
fn file_name(plan: &Plan) -> String {
    let mut name = format!("seed-{}-nodes-{}", plan.seed, plan.nodes);
    for generation in &plan.foreign {
        name.push('-');
        name.push_str(generation.name());
    }
    for (is_there, word) in [
        (plan.malicious, "-malicious"),
        (plan.noisy.is_some(), "-noise"),
    ] {
        if is_there {
            name.push_str(word);
        }
    }
    name + ".plan"
}

/// Shrinks a failure, writes its plan to a directory, and returns a full report.
#[must_use]
pub fn explain(failure: Failure, judge: Judge<'_>, directory: &Path) -> String {
    let shrunk = shrink(failure, judge, RUNS_MAX);
    match shrunk.write(directory) {
        Ok(path) => {
            let path = path.display();
            format!("{shrunk}the plan: {path} (again: sim --plan {path})")
        }
        Err(error) => format!("{shrunk}the plan could not be written: {error}"),
    }
}

/// Shrinks a failure within this many runs.
#[must_use]
pub fn shrink(failure: Failure, judge: Judge<'_>, runs_max: usize) -> Shrunk {
    let items_before = failure.plan.items.len();
    let mut search = Search {
        judge,
        failure,
        runs: 0,
        runs_max,
    };
    while search.pass() && search.runs < runs_max {}
    Shrunk {
        failure: search.failure,
        items_before,
        runs: search.runs,
    }
}

struct Search<'j> {
    judge: Judge<'j>,
    /// The smallest failure so far.
    failure: Failure,
    runs: usize,
    runs_max: usize,
}

impl Search<'_> {
    /// Tries every reduction once; returns whether any succeeded.
    fn pass(&mut self) -> bool {
        let items = self.drop_items();
        let seats = self.drop_seats();
        let settings = self.calm_settings();
        let faults = self.calm_faults();
        items | seats | settings | faults
    }

    /// Keeps a smaller plan if it breaks the same promise; returns whether it does.
    fn keeps(&mut self, plan: Plan) -> bool {
        if plan == *self.failure.plan || self.runs >= self.runs_max {
            return false;
        }
        self.runs += 1;
        match (self.judge)(&plan) {
            Err(failure) if failure.violation.checker == self.failure.violation.checker => {
                self.failure = failure;
                true
            }
            _ => false,
        }
    }

    /// The smallest plan so far, changed.
    fn with(&self, change: impl FnOnce(&mut Plan)) -> Plan {
        let mut plan = (*self.failure.plan).clone();
        change(&mut plan);
        plan
    }

    /// Leaves items out: halves, then quarters, down to single items.
    fn drop_items(&mut self) -> bool {
        let mut any = false;
        let mut size = self.failure.plan.items.len().div_ceil(2);
        while size > 0 {
            // From the end, because late items depend on early ones.
            let mut end = self.failure.plan.items.len();
            while end > 0 {
                let start = end.saturating_sub(size);
                let less = self.with(|plan| drop(plan.items.drain(start..end)));
                any |= self.keeps(less);
                end = start;
            }
            size /= 2;
        }
        any
    }

    /// Drops the last seat and all items that name it.
    fn drop_seats(&mut self) -> bool {
        let mut any = false;
        while self.failure.plan.noisy.is_none() && self.failure.plan.seats() > 2 {
            let last = self.failure.plan.seats() - 1;
            let less = self.with(|plan| {
                if plan.malicious {
                    plan.malicious = false;
                } else if plan.foreign.pop().is_none() {
                    plan.nodes -= 1;
                }
                let items = &mut plan.items;
                items.retain(|item| !item.planned.nodes().contains(&last));
            });
            if !self.keeps(less) {
                break;
            }
            any = true;
        }
        any
    }

    fn calm_settings(&mut self) -> bool {
        let quiet = Plan::quiet(self.failure.plan.seed, &[]);
        let last_ms = self.failure.plan.items.iter().map(|item| item.at_ms).max();
        let heal_at_ms = last_ms.unwrap_or(0) + 10_000;
        let changes: [&dyn Fn(&mut Plan); 5] = [
            &|plan| plan.backfill = quiet.backfill,
            &|plan| plan.direct = quiet.direct,
            &|plan| plan.long_texts = quiet.long_texts,
            &|plan| plan.posts_per_sync_max = quiet.posts_per_sync_max,
            &|plan| plan.heal_at_ms = plan.heal_at_ms.min(heal_at_ms),
        ];
        let mut any = false;
        for change in changes {
            let less = self.with(change);
            any |= self.keeps(less);
        }
        any
    }

    /// Switches off all faults, or as many as possible, one by one.
    fn calm_faults(&mut self) -> bool {
        let all_off = self.with(|plan| plan.faults = Faults::none());
        if self.keeps(all_off) {
            return true;
        }
        let mut any = false;
        for (name, rate) in Faults::none().rates() {
            let less = self.failure.plan.faults.with_rate(&name, rate);
            let less = less.map(|faults| self.with(|plan| plan.faults = faults));
            any |= less.is_some_and(|less| self.keeps(less));
        }
        any
    }
}
