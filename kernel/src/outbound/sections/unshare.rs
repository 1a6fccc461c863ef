//! The end of a channel's sharing, told to another Causeway.

use super::{Content, Payload, Rest, RoundPlan, writer};
use crate::boundary::env::Rows;
use crate::model::{Pending, RoundItem};
use crate::outbound::work::Work;
use crate::rows::tx::Tx;
use crate::sharing::feed;
use crate::wire::frame;
use crate::wire::message::ChannelUnshare;
use crate::wire::response::{Answer, SyncResponse};

/// The section of ends.
pub struct Unshare;

impl Content for Unshare {
    type Message = ChannelUnshare;

    fn collect(
        tx: &mut Tx<'_>,
        work: &mut Work,
        _plan: &mut RoundPlan,
    ) -> Option<(Vec<RoundItem>, ChannelUnshare)> {
        let channel_id = tx.channel(work.round.channel)?.id.into();
        Some((Vec::new(), ChannelUnshare { channel_id }))
    }

    fn payload(tx: &mut Tx<'_>, _work: &Work, message: ChannelUnshare) -> Option<Payload> {
        Some(Payload {
            topic: frame::TOPIC_UNSHARE,
            bytes: message.encode(writer(tx)),
        })
    }

    fn delivered(_tx: &mut Tx<'_>, _work: &mut Work, _response: &SyncResponse) -> Rest {
        Rest::None
    }

    /// Whatever the peer answers, it has been told; if it did not listen, its next message is refused.
    fn answered(tx: &mut Tx<'_>, work: Work, _answer: Answer) {
        feed::unmark(tx, work.connection_no, Pending::UNSHARE, work.round.channel);
        work.drop_round(tx);
    }
}
