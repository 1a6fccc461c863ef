//! Rows that a step may change again for every object of a message. They are kept decoded, and
//! stored when their table is looked at or written and in the end of the step: whoever reads finds
//! them as they stand.

use crate::model::{Channel, Counters, MetaRow};
use crate::rows::id::ChannelNo;
use crate::rows::table::Table;
use crate::rows::tx::{Read, Tx};

/// Changed rows that are not stored yet.
#[derive(Default)]
pub(crate) struct Drafts {
    counters: Option<Counters>,
    channel: Option<(ChannelNo, Channel)>,
}

impl Tx<'_> {
    /// Changes the counters.
    pub(crate) fn change_counters<T>(&mut self, change: impl FnOnce(&mut Counters) -> T) -> T {
        let draft = self.drafts.get_mut().counters.take();
        let mut counters = draft.unwrap_or_else(|| crate::rows::counters::counters(self));
        let result = change(&mut counters);
        self.drafts.get_mut().counters = Some(counters);
        result
    }

    /// Changes a channel; `None` when there is none. While it is being changed its row stands as
    /// it was before: `change` must look at no channel but the one that it is given.
    pub(crate) fn change_channel<T>(
        &mut self,
        no: ChannelNo,
        change: impl FnOnce(&mut Self, &mut Channel) -> T,
    ) -> Option<T> {
        let of_it = |draft: &mut (ChannelNo, Channel)| draft.0 == no;
        let draft = self.drafts.get_mut().channel.take_if(of_it);
        let mut channel = match draft {
            Some((_, channel)) => channel,
            None => self.get::<Channel>(&no)?,
        };
        let result = change(self, &mut channel);
        self.drafts.get_mut().channel = Some((no, channel));
        Some(result)
    }

    /// Stores the drafts of a table.
    pub(crate) fn settle(&self, table: Table) {
        match table {
            Table::Meta => self.settle_counters(),
            Table::Channels => self.settle_channel(),
            _ => {}
        }
    }

    /// Stores all drafts.
    pub(crate) fn settle_all(&self) {
        self.settle_counters();
        self.settle_channel();
    }

    fn settle_counters(&self) {
        if let Some(counters) = self.drafts.borrow_mut().counters.take() {
            self.store(&MetaRow::COUNTERS, &MetaRow::Counters(counters));
        }
    }

    fn settle_channel(&self) {
        if let Some((no, channel)) = self.drafts.borrow_mut().channel.take() {
            self.store(&no, &channel);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boundary::env::{Rows, StepContext};
    use crate::rows::counters::counters;
    use crate::rows::key;
    use crate::rows::testing::MemoryHost;
    use crate::rows::tx::Record;

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
    fn what_is_abandoned_leaves_no_draft() {
        let host = MemoryHost::new();
        let mut tx = Tx::new(&host, CONTEXT);
        tx.next_post();
        tx.abandon();
        assert!(tx.finish().0.is_empty());
    }
}
