//! The thread of the shadows: asks each one's chain what the real one was asked.

use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};

use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::policy::{Gate, Gates, Question, Verdict};

use super::super::PolicyChain as _;
use super::super::chain::ComponentChain;
use super::super::slot::Slot;
use super::queue::{Asked, Job, Waiting};
use super::{Shadow, Tally};

/// Where a shadow is compared, and what counts it.
#[derive(Clone)]
pub(super) struct Compared {
    /// The gates of the candidate.
    gates: Gates,
    /// Those of the slot that it would replace.
    replaced: Gates,
    tally: Arc<Tally>,
}

impl Compared {
    /// Whether its chain may decide differently at a gate.
    pub(super) fn at(&self, gate: Gate) -> bool {
        self.gates.contains(gate) || self.replaced.contains(gate)
    }

    /// Counts questions that are not compared.
    pub(super) fn skip(&self, asked: &[Asked]) {
        let mine = asked.iter().filter(|it| self.at(it.gate)).count();
        self.tally.skip(mine as u64);
    }
}

/// A shadow's chain.
pub(super) struct ShadowChain {
    chain: ComponentChain,
    pub compared: Compared,
}

impl ShadowChain {
    /// The slots in force with a shadow among them.
    pub(super) fn of(in_force: &[Arc<Slot>], shadow: &Shadow) -> ShadowChain {
        let name = &shadow.slot.info.name;
        let replaced = in_force.iter().filter(|it| it.info.name == *name).cloned();
        let replaced: Vec<Arc<Slot>> = replaced.collect();
        ShadowChain {
            chain: ComponentChain::new(&shadow.slots(in_force)).unsuspended(),
            compared: Compared {
                gates: shadow.gates(),
                replaced: ComponentChain::new(&replaced).gates(),
                tally: Arc::clone(&shadow.tally),
            },
        }
    }

    fn begin_step(&mut self) {
        self.chain.begin_step();
    }

    /// Asks and compares. What the step's fuel does not suffice for says nothing about the shadow.
    fn ask(&mut self, asked: &[Asked]) {
        let mine = asked.iter().filter(|it| self.compared.at(it.gate));
        let read = |it: &'_ Asked| codec::decode_verdict(&it.verdict).ok();
        let both = mine.filter_map(|it| {
            let question = codec::decode_question(&it.question).ok()?;
            Some((question, read(it)?))
        });
        let (questions, decided): (Vec<Question<'_>>, Vec<Verdict>) = both.unzip();
        let would = self.chain.try_ask(&questions);
        let tally = &self.compared.tally;
        for ((question, decided), would) in questions.iter().zip(&decided).zip(would) {
            match would {
                Some(would) => tally.compare(question, decided, &would),
                None => tally.skip(1),
            }
        }
    }
}

/// Works until nobody hands over questions any more.
pub(super) fn work(
    jobs: &Receiver<Job>,
    mut chains: Vec<ShadowChain>,
    waiting: &Waiting,
    turn: &Mutex<()>,
) {
    let mut step = None;
    for job in jobs {
        waiting.bytes.fetch_sub(job.bytes, Ordering::Relaxed);
        for chain in &mut chains {
            let _one_at_a_time = turn.lock().unwrap_or_else(PoisonError::into_inner);
            if waiting.is_over.load(Ordering::Relaxed) {
                return;
            }
            if step != Some(job.step) {
                chain.begin_step();
            }
            chain.ask(&job.asked);
        }
        step = Some(job.step);
    }
}
