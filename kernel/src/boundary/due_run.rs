//! The sequence of steps that carries out due work, for whoever runs the kernel: which input comes next when
//! the clock has reached the time that the kernel asked for. A step cannot find out what stops it.
//!
//! Usually one step takes everything that is due. If it is stopped, the rows are taken one per step, and a
//! row that stops its step alone is put off, so that other work does not wait for it. Every step is an entry
//! of the journal, so a replay needs none of this.

use crate::boundary::input::{DuePart, Input};

/// Pause after a step that was stopped although it carried nothing out, in ms.
const RETRY_MS: i64 = 10_000;

/// How due work is carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DueRun {
    part: Part,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    /// Everything that fits in a step.
    #[default]
    Many,
    /// One row per step.
    One,
    /// The first row is put off.
    PutOff,
}

impl DueRun {
    /// The next input.
    #[must_use]
    pub fn input(&self) -> Input {
        match self.part {
            Part::Many => Input::Timer,
            Part::One => Input::DuePart(DuePart::Rows(1)),
            Part::PutOff => Input::DuePart(DuePart::PutOff),
        }
    }

    /// Called after its step returned; `is_more_due` is whether more is due now.
    pub fn returned(&mut self, is_more_due: bool) {
        self.part = match self.part {
            Part::One | Part::PutOff if is_more_due => Part::One,
            Part::Many | Part::One | Part::PutOff => Part::Many,
        };
    }

    /// Called after its step was stopped; returns the pause before the next one, in ms.
    pub fn stopped(&mut self) -> i64 {
        let (part, pause_ms) = match self.part {
            Part::Many => (Part::One, 0),
            Part::One => (Part::PutOff, 0),
            Part::PutOff => (Part::Many, RETRY_MS),
        };
        self.part = part;
        pause_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boundary::env::StepContext;
    use crate::model::limits::DUE_PUT_OFF_MS;
    use crate::model::{Due, DueKind};
    use crate::rows::due;
    use crate::rows::table::Table;
    use crate::rows::testing::MemoryHost;
    use crate::rows::tx::{Read, Record, Tx};
    use crate::step::step;

    const START_MS: i64 = 1_000;
    const POISON: DueKind = DueKind::Job(7);

    fn context(now_ms: i64) -> StepContext {
        StepContext {
            now_ms,
            seed: [7; 16],
        }
    }

    /// All due rows, whatever their time.
    fn due(host: &MemoryHost) -> Vec<(i64, DueKind)> {
        let rows = host.prefix::<Due, ()>(&(), 100);
        rows.into_iter()
            .map(|((at_ms, _), row)| (at_ms, row.kind))
            .collect()
    }

    /// Takes due work at a time like a host whose steps a row stops; returns the inputs.
    fn run(host: &mut MemoryHost, now_ms: i64, poison: Option<DueKind>) -> Vec<Input> {
        let (mut run, mut inputs) = (DueRun::default(), Vec::new());
        let is_due = |host: &MemoryHost| due(host).iter().any(|(at_ms, _)| *at_ms <= now_ms);
        while is_due(host) && inputs.len() < 20 {
            let input = run.input();
            inputs.push(input.clone());
            let output = step(host, context(now_ms), &input);
            let mut taken = output.writes.iter().filter(|write| {
                let row = host.tables.value(Table::Due, &write.key);
                let kind = row.and_then(|row| Some(Due::from_bytes(row)?.kind));
                write.table == Table::Due && write.value.is_none() && kind == poison
            });
            let is_stopped = poison.is_some()
                && taken.next().is_some()
                && input != Input::DuePart(DuePart::PutOff);
            if is_stopped {
                assert_eq!(run.stopped(), 0);
            } else {
                host.apply(&output.writes);
                run.returned(is_due(host));
            }
        }
        inputs
    }

    #[test]
    fn what_stops_its_step_is_put_off_and_everything_else_is_carried_out() {
        let mut host = MemoryHost::new();
        let mut tx = Tx::new(&host, context(0));
        for (at_ms, kind) in [
            (10, DueKind::Job(5)),
            (20, POISON),
            (30, DueKind::Job(6)),
            (40, DueKind::Requests),
            (START_MS + 1, DueKind::Job(8)),
        ] {
            due::at(&mut tx, at_ms, kind);
        }
        let (writes, _) = tx.finish();
        host.apply(&writes);
        let one = Input::DuePart(DuePart::Rows(1));
        let expected = [
            Input::Timer,
            one.clone(),
            one.clone(),
            Input::DuePart(DuePart::PutOff),
            one.clone(),
            one,
        ];
        assert_eq!(run(&mut host, START_MS, Some(POISON)), expected);
        let again_ms = START_MS + DUE_PUT_OFF_MS;
        let left = [(START_MS + 1, DueKind::Job(8)), (again_ms, POISON)];
        assert_eq!(due(&host), left);
        // The unknown job disappears as soon as nothing stops it.
        assert_eq!(run(&mut host, again_ms, None), [Input::Timer]);
        assert_eq!(due(&host), []);
    }

    #[test]
    fn a_step_that_is_stopped_whatever_it_does_waits() {
        let mut run = DueRun::default();
        assert_eq!(run.stopped(), 0);
        assert_eq!(run.stopped(), 0);
        assert_eq!(run.stopped(), RETRY_MS);
        assert_eq!(run, DueRun::default());
    }
}
