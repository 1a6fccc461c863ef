//! A kernel that does not heed the setting for direct channels.

use causeway_kernel::boundary::env::{Host, LogLevel, Range, Rows, Scan, StepContext};
use causeway_kernel::boundary::policy::{Question, Verdict};
use causeway_kernel::model::{ConnectedWorkspaces, MetaRow};
use causeway_kernel::rows::key::{self, RowKey};
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::Record;

use crate::kernel::{Kernel, StepBytes};

/// See the module.
pub(super) struct Heedless(pub(super) Box<dyn Kernel>);

impl Kernel for Heedless {
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

/// The settings as this kernel sees them, whether the workspace has changed any or not.
fn seen(table: Table, key: &[u8], row: Option<Vec<u8>>) -> Option<Vec<u8>> {
    if table != Table::Meta || key != key::encode(&MetaRow::CONNECTED_WORKSPACES) {
        return row;
    }
    let stored = match MetaRow::from_bytes(&row.unwrap_or_default()) {
        Some(MetaRow::ConnectedWorkspaces(settings)) => settings,
        _ => ConnectedWorkspaces::default(),
    };
    let settings = ConnectedWorkspaces {
        direct: true,
        ..stored
    };
    Some(MetaRow::ConnectedWorkspaces(settings).to_bytes())
}

impl Rows for View<'_> {
    fn get_many(&self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        let found = self.0.get_many(table, keys).into_iter();
        let pairs = keys.iter().zip(found);
        pairs.map(|(key, row)| seen(table, key, row)).collect()
    }

    fn look(&self, table: Table, key: RowKey, see: &mut dyn FnMut(Option<&[u8]>)) {
        let bytes = key.as_bytes().to_vec();
        self.0.look(table, key, &mut |row| {
            see(seen(table, &bytes, row.map(<[u8]>::to_vec)).as_deref());
        });
    }

    fn scan(&self, table: Table, range: &Range) -> Scan {
        self.0.scan(table, range)
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
