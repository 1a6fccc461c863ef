//! Numbers and times that a step hands out.

use crate::model::{Channel, Counters};
use crate::rows::id::{
    ChannelNo, ConnectionNo, EmojiNo, FeedSeq, FileNo, PostNo, TeamNo, UserNo, WorkspaceNo,
};
use crate::rows::tx::Tx;

impl Tx<'_> {
    fn count(&mut self, field: impl Fn(&mut Counters) -> &mut u64) -> u64 {
        self.change_counters(|counters| {
            let slot = field(counters);
            *slot += 1;
            *slot
        })
    }

    /// The next user number.
    pub fn next_user(&mut self) -> UserNo {
        UserNo(self.count(|c| &mut c.user))
    }

    /// The next team number.
    pub fn next_team(&mut self) -> TeamNo {
        TeamNo(self.count(|c| &mut c.team))
    }

    /// The next channel number.
    pub fn next_channel(&mut self) -> ChannelNo {
        ChannelNo(self.count(|c| &mut c.channel))
    }

    /// The next post number.
    pub fn next_post(&mut self) -> PostNo {
        PostNo(self.count(|c| &mut c.post))
    }

    /// The next number of a peer workspace.
    pub fn next_workspace(&mut self) -> WorkspaceNo {
        WorkspaceNo(self.count(|c| &mut c.workspace))
    }

    /// The next connection number.
    pub fn next_connection(&mut self) -> ConnectionNo {
        ConnectionNo(self.count(|c| &mut c.connection))
    }

    /// The next sequence number of the feed.
    pub fn next_feed(&mut self) -> FeedSeq {
        FeedSeq(self.count(|c| &mut c.feed))
    }

    /// The next number of a due row, job, held or quarantined item.
    pub fn next_row(&mut self) -> u64 {
        self.count(|c| &mut c.row)
    }

    /// The next file number.
    pub fn next_file(&mut self) -> FileNo {
        FileNo(self.next_row())
    }

    /// The next number of a custom emoji.
    pub fn next_emoji(&mut self) -> EmojiNo {
        EmojiNo(self.next_row())
    }

    /// The `update_at` of this step's changes in a channel: the step's time, or one more than the highest one
    /// given in the channel; one per step and channel.
    pub fn stamp(&mut self, channel_no: ChannelNo, channel: &mut Channel) -> i64 {
        let now_ms = self.now_ms();
        let stamp = *self
            .stamps
            .entry(channel_no)
            .or_insert_with(|| now_ms.max(channel.last_update_at.saturating_add(1)));
        channel.last_update_at = channel.last_update_at.max(stamp);
        stamp
    }
}
