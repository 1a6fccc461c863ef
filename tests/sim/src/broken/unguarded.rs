//! A kernel that asks the policies and lets pass what they deny.

use causeway_kernel::boundary::env::{Host, LogLevel, Range, Rows, Scan, StepContext};
use causeway_kernel::boundary::policy::{Question, Verdict};
use causeway_kernel::rows::key::RowKey;
use causeway_kernel::rows::table::Table;

use crate::kernel::{Kernel, StepBytes};

/// See the module.
pub(super) struct Unguarded(pub(super) Box<dyn Kernel>);

impl Kernel for Unguarded {
    fn step(
        &mut self,
        host: &dyn Host,
        context: StepContext,
        input: &[u8],
    ) -> Result<StepBytes, String> {
        self.0.step(&View(host), context, input)
    }
}

struct View<'h>(&'h dyn Host);

impl Rows for View<'_> {
    fn get_many(&self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        self.0.get_many(table, keys)
    }

    fn look(&self, table: Table, key: RowKey, see: &mut dyn FnMut(Option<&[u8]>)) {
        self.0.look(table, key, see);
    }

    fn scan(&self, table: Table, range: &Range) -> Scan {
        self.0.scan(table, range)
    }
}

impl Host for View<'_> {
    fn ask(&self, questions: &[Question<'_>]) -> Vec<Verdict> {
        let mut verdicts = self.0.ask(questions);
        for verdict in &mut verdicts {
            if matches!(verdict, Verdict::Deny(_)) {
                *verdict = Verdict::Allow;
            }
        }
        verdicts
    }

    fn log(&self, level: LogLevel, message: String) {
        self.0.log(level, message);
    }
}
