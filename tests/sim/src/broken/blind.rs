//! A next release that cannot read what the current one has stored.

use causeway_kernel::boundary::env::{Host, LogLevel, Range, Rows, Scan, StepContext};
use causeway_kernel::boundary::policy::{Question, Verdict};
use causeway_kernel::rows::key::RowKey;
use causeway_kernel::rows::table::Table;

use crate::kernel::{Kernel, StepBytes};
use crate::next;

/// See the module.
pub(super) struct Blind(pub(super) Box<dyn Kernel>);

impl Kernel for Blind {
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

fn is_seen(table: Table, row: &[u8]) -> bool {
    table != Table::Posts || next::is_of_next(row)
}

impl Rows for View<'_> {
    fn get_many(&self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        let found = self.0.get_many(table, keys).into_iter();
        found
            .map(|row| row.filter(|row| is_seen(table, row)))
            .collect()
    }

    fn look(&self, table: Table, key: RowKey, see: &mut dyn FnMut(Option<&[u8]>)) {
        self.0.look(table, key, &mut |row| {
            see(row.filter(|row| is_seen(table, row)))
        });
    }

    fn scan(&self, table: Table, range: &Range) -> Scan {
        let mut scan = self.0.scan(table, range);
        scan.rows.retain(|(_, row)| is_seen(table, row));
        scan
    }
}

impl Host for View<'_> {
    fn ask(&self, questions: &[Question<'_>]) -> Vec<Verdict> {
        self.0.ask(questions)
    }

    fn log(&self, level: LogLevel, message: String) {
        self.0.log(level, message);
    }
}
