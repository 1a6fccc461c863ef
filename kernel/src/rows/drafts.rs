//! Rows that a step may read and change for every object of a message. They are kept decoded, and changes are
//! stored when the table is read or written and at the end of the step: readers see the current values.

use std::rc::Rc;

use crate::model::{Channel, Counters, MetaRow};
use crate::rows::counters;
use crate::rows::id::ChannelNo;
use crate::rows::key::RowKey;
use crate::rows::overlay::Overlay;
use crate::rows::record::{Read, Record};
use crate::rows::table::Table;

/// Cached rows; changed ones are not stored yet.
#[derive(Default)]
pub(super) struct Drafts {
    counters: Option<Counters>,
    channel: Option<ChannelDraft>,
}

/// The channel that was requested last.
struct ChannelDraft {
    no: ChannelNo,
    row: Rc<Channel>,
    is_changed: bool,
}

impl Drafts {
    /// The counters, for changing.
    pub(super) fn counters(&mut self, rows: &Overlay<'_>) -> &mut Counters {
        self.counters
            .get_or_insert_with(|| counters::counters(rows))
    }

    /// A channel, kept for the next request; `None` if it does not exist.
    pub(super) fn channel(&mut self, no: ChannelNo, rows: &Overlay<'_>) -> Option<Rc<Channel>> {
        if let Some(draft) = self.channel.as_ref().filter(|draft| draft.no == no) {
            return Some(Rc::clone(&draft.row));
        }
        self.settle(Table::Channels, rows);
        let row = Rc::new(rows.get::<Channel>(&no)?);
        self.channel = Some(ChannelDraft {
            no,
            row: Rc::clone(&row),
            is_changed: false,
        });
        Some(row)
    }

    /// A channel to be changed and kept with [`Drafts::keep_channel`]; `None` if it does not exist.
    pub(super) fn take_channel(&mut self, no: ChannelNo, rows: &Overlay<'_>) -> Option<Channel> {
        match self.channel.take_if(|draft| draft.no == no) {
            Some(draft) => Some(Rc::unwrap_or_clone(draft.row)),
            None => {
                self.settle(Table::Channels, rows);
                rows.get::<Channel>(&no)
            }
        }
    }

    /// Keeps a changed channel.
    pub(super) fn keep_channel(&mut self, no: ChannelNo, channel: Channel) {
        self.channel = Some(ChannelDraft {
            no,
            row: Rc::new(channel),
            is_changed: true,
        });
    }

    /// Called before rows of a table are written by other code.
    pub(super) fn give_way(&mut self, table: Table, rows: &Overlay<'_>) {
        self.settle(table, rows);
        if table == Table::Channels {
            self.channel = None;
        }
    }

    /// Stores the drafts of a table.
    pub(super) fn settle(&mut self, table: Table, rows: &Overlay<'_>) {
        match table {
            Table::Meta => {
                if let Some(counters) = self.counters.take() {
                    put(rows, &MetaRow::COUNTERS, &MetaRow::Counters(counters));
                }
            }
            Table::Channels => {
                if let Some(draft) = self.channel.as_mut().filter(|draft| draft.is_changed) {
                    put(rows, &draft.no, &*draft.row);
                    draft.is_changed = false;
                }
            }
            _ => {}
        }
    }

    /// Stores all drafts.
    pub(super) fn settle_all(&mut self, rows: &Overlay<'_>) {
        self.settle(Table::Meta, rows);
        self.settle(Table::Channels, rows);
    }
}

fn put<R: Record>(rows: &Overlay<'_>, key: &R::Key, row: &R) {
    rows.write(R::TABLE, RowKey::of(key), Some(row.to_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boundary::env::{Rows, StepContext};
    use crate::model::ChannelKind;
    use crate::rows::counters::counters;
    use crate::rows::testing::MemoryHost;
    use crate::rows::tx::Tx;
    use crate::rows::{fixture, key};

    const CONTEXT: StepContext = StepContext {
        now_ms: 5,
        seed: [0; 16],
    };

    #[test]
    fn who_looks_finds_the_counters_as_they_stand_and_they_are_written_once() {
        let host = MemoryHost::new();
        let mut tx = Tx::new(&host, CONTEXT);
        tx.next_post();
        assert_eq!(counters(&tx).post, 1);
        tx.next_post();
        let keys = [key::encode(&MetaRow::COUNTERS)];
        let stored = tx.get_many(Table::Meta, &keys).pop().flatten().unwrap();
        let expected = |post| {
            let counters = Counters {
                post,
                ..Counters::default()
            };
            MetaRow::Counters(counters).to_bytes()
        };
        assert_eq!(stored, expected(2));
        tx.next_post();
        let (writes, _) = tx.finish();
        let [write] = writes.as_slice() else {
            panic!("one row, not {writes:?}");
        };
        assert_eq!(write.value, Some(expected(3)));
    }

    #[test]
    fn who_asks_for_a_channel_finds_it_as_it_was_written_last() {
        let mut host = MemoryHost::new();
        fixture::put(&mut host, |tx| {
            fixture::put_channel(tx, 1, 1, "town", ChannelKind::Public);
        });
        let no = ChannelNo(1);
        let mut tx = Tx::new(&host, CONTEXT);
        let mut row = tx.channel(no).map(Rc::unwrap_or_clone).unwrap();
        row.header = "by others".into();
        tx.put(&no, &row);
        assert_eq!(tx.channel(no).unwrap().header, "by others");
        tx.change_channel(no, |_, channel| channel.header = "by a draft".into());
        assert_eq!(tx.channel(no).unwrap().header, "by a draft");
        assert_eq!(tx.get::<Channel>(&no).unwrap().header, "by a draft");
        tx.delete::<Channel>(&no);
        assert_eq!(tx.channel(no), None);
    }

    #[test]
    fn what_is_abandoned_leaves_no_draft() {
        let host = MemoryHost::new();
        let mut tx = Tx::new(&host, CONTEXT);
        tx.next_post();
        tx.abandon();
        assert!(tx.finish().0.is_empty());
    }
}
