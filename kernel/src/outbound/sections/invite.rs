//! The invitation of a channel. Semantics §3.6.

use super::{Content, Payload, Rest, RoundPlan, writer};
use crate::boundary::behaviour::Behaviour;
use crate::boundary::env::Rows;
use crate::gate::Judgement;
use crate::model::{Channel, PeerKind, Pending, Place, RoundItem, SharedChannel};
use crate::objects::direct::Participants;
use crate::outbound::profiles;
use crate::outbound::work::Work;
use crate::rows::id::UserNo;
use crate::rows::tx::{Read, Tx};
use crate::sharing::{self, feed};
use crate::wire::frame;
use crate::wire::message::{ChannelInvite, WireUser};
use crate::wire::response::{AWAITS_CONSENT, Answer, SyncResponse, UNDECIDED};

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
        let people = Participants::of_channel(tx, work.round.channel, channel.place);
        let participants = match &people {
            Some(people) => profiles_of(tx, work, people)?,
            None => Vec::new(),
        };
        let invite = ChannelInvite {
            creator_id: creator_id(tx, &channel),
            participant_ids: people
                .iter()
                .flat_map(|it| it.ids())
                .map(String::from)
                .collect(),
            participants,
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
            bytes: invite.encode(writer(tx), work.generation(), tx.new_id()),
        })
    }

    fn delivered(_tx: &mut Tx<'_>, _work: &mut Work, _response: &SyncResponse) -> Rest {
        Rest::None
    }

    fn answered(tx: &mut Tx<'_>, work: Work, answer: Answer) {
        let (channel, no) = (work.round.channel, work.connection_no);
        let is_causeway = work.connection().kind == PeerKind::Causeway;
        let is_asked = is_causeway && Behaviour::ToldEndings.is_in_force(tx);
        let is_put_off = is_causeway && Behaviour::Gates.is_in_force(tx);
        work.drop_round(tx);
        match answer {
            Answer::Ok(_) => sharing::invite_accepted(tx, channel, no),
            Answer::Fail(error) if is_asked && error.contains(AWAITS_CONSENT) => {
                sharing::invite_awaits_consent(tx, channel, no);
            }
            Answer::Fail(error) if is_put_off && error.contains(UNDECIDED) => {
                sharing::invite_undecided(tx, channel, no);
            }
            Answer::Fail(error) => sharing::invite_refused(tx, channel, no, &error),
        }
    }
}

/// Who opened a group channel; a direct channel does not say.
fn creator_id(tx: &Tx<'_>, channel: &Channel) -> String {
    let creator = channel.creator.filter(|_| channel.place == Place::Group);
    let creator = creator.and_then(|no| tx.user(no));
    creator.map_or_else(String::new, |user| user.id.into())
}

fn tell_opener(tx: &mut Tx<'_>, work: &Work, user: UserNo, judgement: &Judgement) {
    if let Judgement::Denied(reason) = judgement
        && Behaviour::Undecided.is_in_force(tx)
    {
        let (channel, no) = (work.round.channel, work.connection_no);
        sharing::invite_withheld(tx, channel, no, (user, reason));
    }
}

/// The profiles of the people whose home is not at the peer. If the policies hold one of them back, the invitation
/// waits: a peer that does not know somebody of the channel refuses it.
fn profiles_of(tx: &mut Tx<'_>, work: &mut Work, people: &Participants) -> Option<Vec<WireUser>> {
    let users = people.users().filter_map(|no| Some((no, tx.user(no)?)));
    let others = users.filter(|(_, user)| user.origin != work.peer());
    let others = others.collect();
    let mut going = Vec::new();
    let mut waits = false;
    for (no, profile) in profiles::judged(tx, work, others) {
        match profile {
            Ok(wire) => going.push(wire),
            Err(judgement) => {
                tell_opener(tx, work, no, &judgement);
                profiles::withhold(tx, work, no, judgement);
                waits = true;
            }
        }
    }
    if waits {
        feed::unmark(tx, work.connection_no, Pending::INVITE, work.round.channel);
    }
    (!waits).then_some(going)
}
