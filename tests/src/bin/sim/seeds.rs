//! Runs many seeds, and shows progress.

use std::io::Write as _;
use std::ops::Range;
use std::time::Instant;

use causeway_engine::runtime::SandboxError;
use causeway_sim::kernel::{Kernel, MakeKernel, Release, native};
use causeway_sim::plan::Plan;
use causeway_sim::runner::{Totals, cores, run_seeds};
use causeway_sim::{Failure, run_plan};
use causeway_tests::simulated::{component, runners};

use crate::arguments::{Arguments, Engine, Foreign};

/// Seeds between two checks of the clock.
const PORTION: u64 = 64;

/// In a mixed run, one seed in so many uses the component, which is slower by about that factor.
const COMPONENT_SEEDS: u64 = 8;

/// Servers other than the workspaces, in the seeds of a night.
const POPULATIONS: [(Foreign, bool); 5] = [
    (Foreign::None, false),
    (Foreign::None, false),
    (Foreign::None, true),
    (Foreign::Both, false),
    (Foreign::Both, true),
];

/// Creates a kernel of a release.
type Maker = dyn Fn(Release) -> Box<dyn Kernel> + Sync;

/// The kernels of both engines.
pub struct Engines {
    /// Only if requested, because compiling it takes time.
    component: Option<Box<Maker>>,
}

impl Engines {
    /// The requested engines.
    ///
    /// # Errors
    /// If the component's runtime cannot be set up.
    pub fn new(arguments: &Arguments) -> Result<Engines, SandboxError> {
        if arguments.hours.is_none() && arguments.engine == Engine::Native {
            return Ok(Engines { component: None });
        }
        let source = component(&arguments.folder.join("kernels"))?;
        Ok(Engines {
            component: Some(Box::new(runners(source))),
        })
    }
}

/// What to run.
pub struct Run<'e> {
    /// The seeds.
    pub range: Range<u64>,
    /// Number of workspaces.
    pub nodes: usize,
    engines: &'e Engines,
    /// Other servers; `None` = each population in turn.
    others: Option<(Foreign, bool)>,
    /// One engine, or both.
    engine: Option<Engine>,
    threads: usize,
}

impl<'e> Run<'e> {
    /// The run requested on the command line.
    pub fn of(arguments: &Arguments, engines: &'e Engines) -> Run<'e> {
        Run {
            range: arguments.range(),
            nodes: usize::try_from(arguments.nodes).unwrap_or(2),
            engines,
            others: match (arguments.foreign, arguments.malicious, arguments.hours) {
                (None, false, Some(_)) => None,
                (foreign, malicious, _) => Some((foreign.unwrap_or(Foreign::None), malicious)),
            },
            engine: arguments.hours.is_none().then_some(arguments.engine),
            threads: match arguments.threads {
                0 => cores(),
                threads => threads,
            },
        }
    }

    /// The plan of a seed.
    pub fn plan(&self, seed: u64) -> Plan {
        let (foreign, malicious) = self.others.unwrap_or_else(|| {
            let turn = seed % POPULATIONS.len() as u64;
            POPULATIONS[turn as usize]
        });
        Plan::draw_all(seed, self.nodes, foreign.generations(), malicious)
    }

    /// The engine for a seed.
    pub fn engine(&self, seed: u64) -> Engine {
        self.engine
            .unwrap_or(if seed.is_multiple_of(COMPONENT_SEEDS) {
                Engine::Component
            } else {
                Engine::Native
            })
    }

    /// Creates the kernels of a seed.
    pub fn kernel(&self, seed: u64) -> MakeKernel<'_> {
        match self.engine(seed) {
            Engine::Native => &native,
            Engine::Component => {
                let component = self.engines.component.as_deref();
                component.expect("it was asked for on the command line")
            }
        }
    }

    /// Runs the seeds, or as many as the time allows if it is limited.
    ///
    /// # Errors
    /// The failure of the lowest seed that fails.
    pub fn seeds(&self, arguments: &Arguments) -> Result<(), Box<Failure>> {
        let started = Instant::now();
        let judge = |seed| run_plan(&self.plan(seed), self.kernel(seed));
        let mut totals = Totals::default();
        let mut next = self.range.start;
        while next < self.range.end
            && arguments
                .hours
                .is_none_or(|hours| started.elapsed() < hours)
        {
            let portion = next..self.range.end.min(next + PORTION);
            next = portion.end;
            let found = run_seeds(portion, self.threads, &judge, &|_| {})?;
            add(&mut totals, &found);
            let seconds = started.elapsed().as_secs();
            print!("\r{} seeds in {seconds} s, up to {next}", totals.seeds);
            // Failing to show progress is no reason to stop.
            let _ = std::io::stdout().flush();
        }
        println!(
            "\n{}",
            self.summary(&totals, started.elapsed().as_secs_f64())
        );
        if arguments.coverage {
            println!("\n{}", totals.coverage);
        }
        Ok(())
    }

    /// Counts only judged runs; the second, unjudged run of each seed is included only in the time.
    fn summary(&self, totals: &Totals, seconds: f64) -> String {
        let engine = match self.engine {
            Some(Engine::Native) => "natively",
            Some(Engine::Component) => "by the component",
            None => "natively and by the component",
        };
        let all = totals.deliveries.all() as f64;
        format!(
            "{} seeds, each twice, {engine}, in {seconds:.1} s on {threads} threads: {} steps, {}; \
             {:.0} judged deliveries a second and thread",
            totals.seeds,
            totals.steps,
            totals.deliveries,
            all / seconds / self.threads as f64,
            threads = self.threads,
        )
    }
}

fn add(totals: &mut Totals, more: &Totals) {
    totals.seeds += more.seeds;
    totals.deliveries += more.deliveries;
    totals.steps += more.steps;
    totals.probes += more.probes;
    totals.versions_crossed += more.versions_crossed;
    totals.coverage += &more.coverage;
}
