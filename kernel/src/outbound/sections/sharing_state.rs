//! That a channel's sharing was accepted, or has ended, told to another Causeway.

use super::{Content, Payload, Rest, RoundPlan, writer};
use crate::boundary::env::Rows;
use crate::model::{LinkState, Pending, RoundItem, RoundSource};
use crate::outbound::work::Work;
use crate::rows::tx::Tx;
use crate::sharing::{self, feed};
use crate::wire::frame;
use crate::wire::message::SharingState;
use crate::wire::response::{Answer, NO_LONGER_SHARED, SyncResponse};

/// The section of such messages.
pub struct State;

impl Content for State {
    type Message = SharingState;

    fn collect(
        tx: &mut Tx<'_>,
        work: &mut Work,
        _plan: &mut RoundPlan,
    ) -> Option<(Vec<RoundItem>, SharingState)> {
        let RoundSource::SharingState { is_shared } = work.round.source else {
            return None;
        };
        let state = SharingState {
            channel_id: tx.channel(work.round.channel)?.id.into(),
            is_shared,
        };
        Some((Vec::new(), state))
    }

    fn payload(tx: &mut Tx<'_>, _work: &Work, message: SharingState) -> Option<Payload> {
        Some(Payload {
            topic: frame::TOPIC_SHARING_STATE,
            bytes: message.encode(writer(tx)),
        })
    }

    fn delivered(_tx: &mut Tx<'_>, _work: &mut Work, _response: &SyncResponse) -> Rest {
        Rest::None
    }

    /// That a channel is shared here may be news to the peer, or no longer true. Whatever else it answers, it has been
    /// told; if it did not listen, it learns it from the answer to its next message, or to its next invitation.
    /// If the state has changed meanwhile, that is told next.
    fn answered(tx: &mut Tx<'_>, work: Work, answer: Answer) {
        let (channel, no) = (work.round.channel, work.connection_no);
        let is_shared = work
            .link()
            .is_some_and(|link| link.state != LinkState::Ended);
        if work.round.source == (RoundSource::SharingState { is_shared }) {
            feed::unmark(tx, no, Pending::SHARING_STATE, channel);
        }
        work.drop_round(tx);
        if matches!(answer, Answer::Fail(error) if error.contains(NO_LONGER_SHARED)) {
            sharing::ended_by_peer(tx, channel, no);
        }
    }
}
