//! The invitation of a channel. Semantics §3.6.

use super::{Content, Payload, Rest, RoundPlan, writer};
use crate::model::{Channel, RoundItem, SharedChannel};
use crate::outbound::work::Work;
use crate::rows::tx::{Read, Tx};
use crate::sharing;
use crate::wire::frame;
use crate::wire::message::ChannelInvite;
use crate::wire::response::{Answer, SyncResponse};

/// The section of invitations.
pub struct Invitation;

impl Content for Invitation {
    type Message = ChannelInvite;

    fn collect(
        tx: &mut Tx<'_>,
        work: &mut Work,
        _plan: &mut RoundPlan,
    ) -> Option<(Vec<RoundItem>, ChannelInvite)> {
        let channel = tx.get::<Channel>(&work.round.channel)?;
        let shared = tx.get::<SharedChannel>(&work.round.channel)?;
        let invite = ChannelInvite {
            channel_id: channel.id.into(),
            team_id: work.connection().remote_team_id.clone(),
            read_only: shared.read_only,
            name: channel.name,
            display_name: channel.display_name,
            header: channel.header,
            purpose: channel.purpose,
            kind: channel.place.letter().to_string(),
        };
        Some((Vec::new(), invite))
    }

    fn payload(tx: &mut Tx<'_>, work: &Work, invite: ChannelInvite) -> Option<Payload> {
        Some(Payload {
            topic: frame::TOPIC_INVITE,
            bytes: invite.encode(writer(tx), work.generation()),
        })
    }

    fn delivered(_tx: &mut Tx<'_>, _work: &mut Work, _response: &SyncResponse) -> Rest {
        Rest::None
    }

    fn answered(tx: &mut Tx<'_>, work: Work, answer: Answer) {
        let (channel, no) = (work.round.channel, work.connection_no);
        work.drop_round(tx);
        match answer {
            Answer::Ok(_) => sharing::invite_accepted(tx, channel, no),
            Answer::Fail(error) => sharing::invite_refused(tx, channel, no, &error),
        }
    }
}
