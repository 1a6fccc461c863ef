//! Carries out inputs, each as one step of the running group.

use std::time::Instant;

use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::env::StepContext;
use causeway_kernel::boundary::frame_run::FrameRun;
use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::{Effect, Reply};
use causeway_kernel::inbound::Reason;
use causeway_kernel::rows::id::ConnectionNo;

use super::Writer;
use super::sync::Release;
use crate::SubmitError;
use crate::changes::Changed;
use crate::journal::InputKind;
use crate::runtime::StepEnd;
use crate::step::{self, Stamp};
use crate::store::TablesError;
use crate::writer::queue::{Completion, Job, Source};

/// How a step ended.
struct Ended {
    reply: Result<Reply, SubmitError>,
    effects: Vec<Effect>,
    changed: Vec<Changed>,
    /// Why it was stopped, if it was.
    stopped: Option<String>,
    /// Its cost, in units of fuel.
    cost: u64,
}

impl Writer {
    pub(super) fn carry_out_timer(&mut self) {
        let now_ms = self.now_ms();
        self.state.wakes = self.state.wakes.split_off(&now_ms.saturating_add(1));
        let input = self.state.due.input();
        self.carry_out(Job::new(input, Box::new(|_| {})));
    }

    /// Carries out an input as a step of the running group, and queues the continuation of the frame
    /// that it belongs to.
    pub(super) fn carry_out(&mut self, job: Job) {
        let Job {
            input,
            chain,
            done,
            run,
        } = job;
        let before = chain.map(|chain| std::mem::replace(&mut self.chain, chain));
        let ended = match self.step(&input) {
            Ok(ended) => ended,
            Err(error) => {
                self.cannot_read(&error);
                done(Err(SubmitError::ReadOnly(error.to_string())));
                return;
            }
        };
        // If the step was stopped, the policies did not change.
        if ended.stopped.is_some()
            && let Some(before) = before
        {
            self.chain = before;
        }
        let done = self.go_on(input, run, done, &ended);
        let Ended {
            reply,
            effects,
            changed,
            cost,
            ..
        } = ended;
        let release = Release {
            done,
            reply,
            effects,
            changed,
        };
        self.state.building.add(release, cost);
    }

    /// Queues the next part of a frame after one of its parts was carried out or stopped. Returns the
    /// completion callback if there is none.
    fn go_on(
        &self,
        input: Input,
        run: Option<FrameRun>,
        done: Completion,
        ended: &Ended,
    ) -> Option<Completion> {
        let run = match input {
            Input::Frame {
                connection, body, ..
            } => Some(FrameRun::new(connection, body)),
            _ => run,
        };
        let Some(mut run) = run else {
            return Some(done);
        };
        let connection = run.connection();
        let follows = match (&ended.stopped, &ended.reply) {
            (Some(reason), _) => run.after_stop(reason),
            (None, Ok(reply)) => run.after_reply(reply),
            (None, Err(_)) => None,
        };
        if ended.stopped.is_some() && run.stops() == 1 {
            self.back_off(connection);
        }
        let Some(input) = follows else {
            if run.stops() == 0 {
                self.shared.queue(|queue| queue.went_well(connection));
            }
            return Some(done);
        };
        let job = Job {
            run: Some(run),
            ..Job::new(input, done)
        };
        self.shared.queue(|queue| queue.go_on(connection, job));
        None
    }

    /// The connection of a frame that stopped a step backs off: its queued frames are refused, and so
    /// are new ones for a while.
    fn back_off(&self, connection: ConnectionNo) {
        let now = Instant::now();
        let refused = self.shared.queue(|queue| queue.back_off(connection, now));
        for job in refused {
            (job.done)(Err(SubmitError::Overloaded));
        }
    }

    /// Carries out one step.
    fn step(&mut self, input: &Input) -> Result<Ended, TablesError> {
        if matches!(input, Input::Restored) {
            self.head.epoch += 1;
        }
        let stamp = self.stamp()?;
        let payload = codec::encode_input(input);
        let ran = step::carry_out(
            self.kernel.as_mut(),
            &self.view,
            self.chain.as_mut(),
            stamp.context,
            &payload,
        )?;
        let cost = ran.cost;
        let source = Source::of(input);
        self.shared.queue(|queue| queue.charge(source, cost));
        let is_done = matches!(ran.end, StepEnd::Done(_));
        if let Input::PolicyChanged { chain, .. } = input
            && is_done
        {
            self.head.policies.clone_from(chain);
        }
        let records = &mut self.state.building.records;
        let kind = InputKind::of(input);
        step::record(records, &mut self.head, kind, &stamp, &payload, &ran);
        self.state.fresh_since.get_or_insert_with(Instant::now);
        Ok(match ran.end {
            StepEnd::Done(output) => {
                let reply = codec::decode_reply(&output.reply);
                let reply = reply.map_err(|error| SubmitError::Stopped(error.to_string()));
                let boundary = self.state.in_sync.as_ref().unwrap_or(&self.durable).seq;
                let changed = self.shared.changes.among(&output.writes);
                self.view
                    .fresh
                    .apply(self.head.seq, boundary, output.writes);
                let effects = self.keep_wakes(&output.effects);
                if source == Source::Timer {
                    let now_ms = self.now_ms();
                    let next_ms = self.state.wakes.first();
                    self.state
                        .due
                        .returned(next_ms.is_some_and(|at_ms| *at_ms <= now_ms));
                }
                Ended {
                    reply,
                    effects,
                    changed,
                    stopped: None,
                    cost,
                }
            }
            StepEnd::Stopped { kind, detail } => {
                if let Some(left_out) = self.state.stops.next() {
                    let seq = self.head.seq;
                    tracing::error!(seq, %kind, %detail, left_out, "a step was stopped");
                }
                self.shared.note(|status| status.stopped_steps += 1);
                if source == Source::Timer {
                    let again_ms = self.now_ms().saturating_add(self.state.due.stopped());
                    self.state.wakes.insert(again_ms);
                }
                let reason = format!("{kind}: {detail}");
                Ended {
                    reply: Err(SubmitError::Stopped(reason.clone())),
                    effects: Vec::new(),
                    changed: Vec::new(),
                    stopped: Some(reason),
                    cost,
                }
            }
        })
    }

    /// The time of a step carried out now, in ms: it never goes back, whatever the clock does.
    pub(super) fn now_ms(&self) -> i64 {
        self.head.time_ms.max(self.clock.now_ms())
    }

    /// Time, seed and payload key of the next step.
    fn stamp(&self) -> Result<Stamp, TablesError> {
        let mut random = [0; 48];
        getrandom::fill(&mut random).map_err(|error| TablesError::from_text(&error))?;
        let (mut seed, mut payload_key) = ([0; 16], [0; 32]);
        let (a, b) = random.split_at(16);
        seed.copy_from_slice(a);
        payload_key.copy_from_slice(b);
        Ok(Stamp {
            context: StepContext {
                now_ms: self.now_ms(),
                seed,
            },
            payload_key,
        })
    }

    /// Removes the wakes from the effects, as the engine handles timers. Counts refused items.
    fn keep_wakes(&mut self, effects: &[Vec<u8>]) -> Vec<Effect> {
        let mut others = Vec::with_capacity(effects.len());
        for effect in effects {
            match codec::decode_effect(effect) {
                Ok(Effect::Wake { at_ms }) => {
                    self.state.wakes.insert(at_ms);
                }
                Ok(effect) => {
                    if let Effect::Refused { reason, items, .. } = &effect
                        && Reason::is_trouble(reason)
                    {
                        let items = u64::from(*items);
                        self.shared.note(|status| status.refused_items += items);
                    }
                    others.push(effect);
                }
                Err(error) => tracing::error!(%error, "cannot decode an effect"),
            }
        }
        others
    }
}
