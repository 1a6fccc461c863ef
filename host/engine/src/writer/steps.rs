//! Carries inputs out, each as one step of the running group.

use std::collections::VecDeque;
use std::time::Instant;

use causeway_kernel::boundary::bisect::{Bisect, Ended};
use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::env::StepContext;
use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::Effect;
use causeway_kernel::inbound::Reason;

use super::Writer;
use super::sync::Release;
use crate::SubmitError;
use crate::journal::InputKind;
use crate::runtime::{StepEnd, StopKind};
use crate::step::{self, Stamp};
use crate::store::TablesError;
use crate::writer::queue::{Completion, Job, Source};

/// When a timer whose step was stopped goes off again, in ms: what is due stays due.
const TIMER_RETRY_MS: i64 = 10_000;

impl Writer {
    pub(super) fn carry_out_timer(&mut self) {
        let now_ms = self.now_ms();
        self.state.wakes = self.state.wakes.split_off(&now_ms.saturating_add(1));
        self.carry_out(Job {
            input: Input::Timer,
            chain: None,
            done: Box::new(|_| {}),
        });
    }

    pub(super) fn carry_out(&mut self, job: Job) {
        let Job { input, chain, done } = job;
        let before = chain.map(|chain| std::mem::replace(&mut self.chain, chain));
        let mut done = Some(done);
        match self.steps(&input, &mut done) {
            Ok(None) => self.note_frame(&input, false),
            Ok(Some(_)) => {
                self.note_frame(&input, true);
                // A change whose step was stopped did not happen.
                if let Some(before) = before {
                    self.chain = before;
                }
            }
            Err(error) => {
                self.cannot_read(&error);
                if let Some(done) = done {
                    done(Err(SubmitError::ReadOnly(error.to_string())));
                }
            }
        }
    }

    /// The connection of a frame that stopped a step backs off: its frames that wait are refused, and
    /// so are those that come for a while.
    fn note_frame(&self, input: &Input, is_stopped: bool) {
        let Input::Frame { connection, .. } = input else {
            return;
        };
        let refused = self.shared.queue(|queue| {
            if is_stopped {
                queue.back_off(*connection, Instant::now())
            } else {
                queue.went_well(*connection);
                VecDeque::new()
            }
        });
        for job in refused {
            (job.done)(Err(SubmitError::Overloaded));
        }
    }

    /// Carries an input out, and a frame that stops once more without its culprits. Gives what
    /// stopped it, if it was stopped.
    fn steps(
        &mut self,
        input: &Input,
        done: &mut Option<Completion>,
    ) -> Result<Option<String>, TablesError> {
        let Some(stopped) = self.one_step(input, done)? else {
            return Ok(None);
        };
        let Input::Frame {
            connection, body, ..
        } = input
        else {
            return Ok(Some(stopped));
        };
        let mut trial = |payload: &[u8]| -> Result<_, TablesError> {
            let context = self.stamp()?.context;
            let ran = step::carry_out(
                self.kernel.as_mut(),
                &self.view,
                self.chain.as_mut(),
                context,
                payload,
            )?;
            let source = Source::Frames(*connection);
            self.shared.queue(|queue| queue.charge(source, ran.cost));
            Ok(match ran.end {
                StepEnd::Done(_) => Ended::Returned,
                StepEnd::Stopped {
                    kind: StopKind::Fuel,
                    ..
                } => Ended::OutOfFuel,
                StepEnd::Stopped { .. } => Ended::Stopped,
            })
        };
        let remedy = Bisect::new(*connection, body).remedy(&stopped, &mut trial)?;
        self.one_step(&remedy, done)?;
        Ok(Some(stopped))
    }

    /// Carries one step out and adds it to the group. Gives what stopped it, if it was stopped; a
    /// frame's sender goes on waiting then.
    fn one_step(
        &mut self,
        input: &Input,
        done: &mut Option<Completion>,
    ) -> Result<Option<String>, TablesError> {
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
        let source = Source::of(input);
        self.shared.queue(|queue| queue.charge(source, ran.cost));
        let is_done = matches!(ran.end, StepEnd::Done(_));
        match input {
            Input::PolicyChanged { chain, .. } if is_done => self.head.policies.clone_from(chain),
            Input::Timer if !is_done => {
                let again_ms = self.now_ms().saturating_add(TIMER_RETRY_MS);
                self.state.wakes.insert(again_ms);
            }
            _ => {}
        }
        let records = &mut self.state.building.records;
        let kind = InputKind::of(input);
        step::record(records, &mut self.head, kind, &stamp, &payload, &ran);
        let (reply, effects, stopped) = match ran.end {
            StepEnd::Done(output) => {
                let reply = codec::decode_reply(&output.reply);
                let reply = reply.map_err(|error| SubmitError::Stopped(error.to_string()));
                let boundary = self.state.in_sync.as_ref().unwrap_or(&self.durable).seq;
                self.view
                    .fresh
                    .apply(self.head.seq, boundary, output.writes);
                (reply, output.effects, None)
            }
            StepEnd::Stopped { kind, detail } => {
                if let Some(left_out) = self.state.stops.next() {
                    let seq = self.head.seq;
                    tracing::error!(seq, %kind, %detail, left_out, "a step was stopped");
                }
                self.shared.note(|status| status.stopped_steps += 1);
                let reason = format!("{kind}: {detail}");
                (
                    Err(SubmitError::Stopped(reason.clone())),
                    Vec::new(),
                    Some(reason),
                )
            }
        };
        let waits_on =
            stopped.is_some() && matches!(input, Input::Frame { skip, .. } if skip.is_empty());
        self.state.fresh_since.get_or_insert_with(Instant::now);
        let effects = self.keep_wakes(&effects);
        let release = Release {
            done: if waits_on { None } else { done.take() },
            reply,
            effects,
        };
        self.state.building.add(release, ran.cost);
        Ok(stopped)
    }

    /// Time, seed and payload key of the next step.
    /// The time of a step now, in ms: it never goes back, whatever the clock does.
    pub(super) fn now_ms(&self) -> i64 {
        self.head.time_ms.max(self.clock.now_ms())
    }

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

    /// Takes the wakes out of the effects: the engine keeps the clock. Counts what was refused.
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
                Err(error) => tracing::error!(%error, "an effect is not known here"),
            }
        }
        others
    }
}
