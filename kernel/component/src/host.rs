//! What a step may ask of its host, through the component's imports.

use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::env::{Host, LogLevel, Range, Rows, Scan};
use causeway_kernel::boundary::policy::{Question, Verdict};
use causeway_kernel::rows::table::Table;

use crate::bindings::causeway::kernel::{log, policies, store};

/// The component's imports.
pub struct Imports;

impl Rows for Imports {
    fn get_many(&self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        store::get_many(table.code(), keys)
    }

    fn scan(&self, table: Table, range: &Range) -> Scan {
        let page = store::scan(
            table.code(),
            &range.from,
            &range.to,
            range.reverse,
            range.rows_max,
            range.bytes_max,
        );
        Scan {
            rows: page
                .rows
                .into_iter()
                .map(|row| (row.key, row.value))
                .collect(),
            more: page.more,
        }
    }
}

impl Host for Imports {
    fn ask(&self, questions: &[Question<'_>]) -> Vec<Verdict> {
        let questions: Vec<Vec<u8>> = questions.iter().map(codec::encode_question).collect();
        policies::ask(&questions)
            .iter()
            .map(|bytes| {
                codec::decode_verdict(bytes)
                    .unwrap_or_else(|error| Verdict::Failed(error.to_string()))
            })
            .collect()
    }

    fn log(&self, level: LogLevel, message: String) {
        let level = match level {
            LogLevel::Debug => log::Level::Debug,
            LogLevel::Info => log::Level::Info,
            LogLevel::Warn => log::Level::Warn,
        };
        log::write(level, &message);
    }
}
