//! A workspace that carries out each input with every measured kernel, one right after the
//! other, so that noise on the machine affects all alike. Their outputs have to be equal.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use causeway_engine::runtime::{KernelRunner, KernelSource, StepEnd, StepOutput};
use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::env::StepContext;
use causeway_kernel::boundary::input::{Actor, Input, Receipt, SendOutcome};
use causeway_kernel::boundary::output::{Effect, Object, Reply};
use causeway_kernel::command::Command;
use causeway_kernel::rows::id::{ConnectionNo, UserNo};

use super::store::{Tables, Traffic};

/// The cost of one step.
pub struct Cost {
    /// By kernel, in the order of the sources.
    pub times: Vec<Duration>,
    /// Only kernels that count fuel.
    pub fuel: u64,
    /// The same for every kernel.
    pub traffic: Traffic,
}

/// A frame that a step hands to its host.
pub struct SentFrame {
    /// The attempt that its receipt names.
    pub attempt: u64,
    /// Its bytes.
    pub body: Vec<u8>,
}

/// A kernel and its own tables.
struct Lane {
    kernel: Box<dyn KernelRunner>,
    tables: Tables,
}

impl Lane {
    fn open(source: &dyn KernelSource) -> Result<Lane> {
        Ok(Lane {
            kernel: source.open()?,
            tables: Tables::default(),
        })
    }
}

/// A workspace.
pub struct Site {
    lanes: Vec<Lane>,
    number: u64,
    now_ms: i64,
    steps: u64,
}

/// The only connection of a workspace.
pub const CONNECTION: ConnectionNo = ConnectionNo(1);

/// When the first step runs, in ms.
const START_MS: i64 = 1_800_000_000_000;

/// Time between two steps, in ms.
const STEP_MS: i64 = 5;

impl Site {
    /// An empty workspace.
    pub fn new(number: u64, sources: &[Box<dyn KernelSource>]) -> Result<Site> {
        Ok(Site {
            lanes: sources
                .iter()
                .map(|source| Lane::open(source.as_ref()))
                .collect::<Result<_>>()?,
            number,
            now_ms: START_MS,
            steps: 0,
        })
    }

    /// The time of the last step, in ms.
    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// Bytes of memory that the kernels keep between steps.
    pub fn memory_bytes(&self) -> usize {
        self.lanes
            .iter()
            .map(|lane| lane.kernel.memory_bytes())
            .sum()
    }

    /// Carries out an input with every kernel.
    pub fn run(&mut self, input: &Input) -> Result<(StepOutput, Cost)> {
        self.steps += 1;
        self.now_ms += STEP_MS;
        let seed = (u128::from(self.number) << 64) | u128::from(self.steps);
        let context = StepContext {
            now_ms: self.now_ms,
            seed: seed.to_be_bytes(),
        };
        let bytes = codec::encode_input(input);
        let mut done: Option<(StepOutput, Traffic)> = None;
        let mut times = Vec::with_capacity(self.lanes.len());
        let mut fuel = 0;
        for lane in &mut self.lanes {
            lane.tables.traffic = Traffic::default();
            lane.tables.count(bytes.len());
            let start = Instant::now();
            let end = lane.kernel.step(&mut lane.tables, context, &bytes);
            times.push(start.elapsed());
            fuel += lane.kernel.fuel_used().unwrap_or(0);
            let StepEnd::Done(output) = end else {
                bail!("a step was stopped: {end:?}");
            };
            lane.tables.apply(&output);
            let result = (output, lane.tables.traffic);
            match &done {
                None => done = Some(result),
                Some(first) => ensure!(*first == result, "the kernels differ"),
            }
        }
        let (output, traffic) = done.context("there is a kernel")?;
        let cost = Cost {
            times,
            fuel,
            traffic,
        };
        Ok((output, cost))
    }

    /// Carries out a command and returns the object that it created.
    pub fn act(
        &mut self,
        actor: Actor,
        command: Command,
    ) -> Result<(Object, Option<SentFrame>, Cost)> {
        let input = Input::Command {
            actor,
            key: None,
            command,
        };
        let (output, cost) = self.run(&input)?;
        let frame = frame(&output)?;
        match codec::decode_reply(&output.reply)? {
            Reply::Object(object) => Ok((object, frame, cost)),
            other => bail!("refused: {other:?}"),
        }
    }

    /// Takes a frame; returns the answer.
    pub fn receive(&mut self, frame: SentFrame) -> Result<(Vec<u8>, Cost)> {
        let input = Input::Frame {
            connection: CONNECTION,
            body: frame.body,
            skip: Vec::new(),
        };
        let (output, cost) = self.run(&input)?;
        match codec::decode_reply(&output.reply)? {
            Reply::Http { status: 200, body } => Ok((body, cost)),
            other => bail!("refused: {other:?}"),
        }
    }

    /// Takes the answer to a frame; returns the next frame.
    pub fn answered(&mut self, attempt: u64, body: Vec<u8>) -> Result<(Option<SentFrame>, Cost)> {
        let receipt = Receipt {
            connection: CONNECTION,
            attempt,
            outcome: SendOutcome::Answered(body),
        };
        let (output, cost) = self.run(&Input::Receipt(receipt))?;
        Ok((frame(&output)?, cost))
    }
}

/// The frame among the effects of a step; there is at most one, as there is one connection.
pub fn frame(output: &StepOutput) -> Result<Option<SentFrame>> {
    for effect in &output.effects {
        if let Effect::Send { attempt, frame, .. } = codec::decode_effect(effect)? {
            let body = frame;
            return Ok(Some(SentFrame { attempt, body }));
        }
    }
    Ok(None)
}

/// A user as an actor.
pub fn user(number: u64) -> Actor {
    Actor::User(UserNo(number))
}
