//! The invitation of a channel. Semantics §3.6.

use std::rc::Rc;

use super::users::wire_user;
use super::{Content, Payload, Rest, RoundPlan, writer};
use crate::boundary::behaviour::Behaviour;
use crate::boundary::env::Rows;
use crate::model::{Channel, PeerKind, Place, RoundItem, SentUser, SharedChannel, User};
use crate::objects::direct::Participants;
use crate::outbound::pictures;
use crate::outbound::work::Work;
use crate::rows::id::{ChannelNo, ConnectionNo, UserNo, WorkspaceNo};
use crate::rows::tx::{Read, Tx};
use crate::sharing;
use crate::wire::frame;
use crate::wire::message::{ChannelInvite, WireUser};
use crate::wire::response::{AWAITS_CONSENT, Answer, SyncResponse};

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
        let invite = ChannelInvite {
            creator_id: creator_id(tx, &channel),
            participant_ids: people
                .iter()
                .flat_map(|it| it.ids())
                .map(String::from)
                .collect(),
            participants: people.map_or_else(Vec::new, |people| profiles(tx, work, &people)),
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
        let (epoch, peer) = (work.round.epoch, work.peer());
        let is_causeway = work.connection().kind == PeerKind::Causeway;
        let is_asked = is_causeway && Behaviour::ToldEndings.is_in_force(tx);
        work.drop_round(tx);
        match answer {
            Answer::Ok(_) => {
                sharing::invite_accepted(tx, channel, no);
                if is_causeway && Behaviour::InvitedProfiles.is_in_force(tx) {
                    hold(tx, (no, channel), epoch, peer);
                }
            }
            Answer::Fail(error) if is_asked && error.contains(AWAITS_CONSENT) => {
                sharing::invite_awaits_consent(tx, channel, no);
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

/// The people whose home is not at a peer.
fn others<'a>(
    tx: &'a Tx<'_>,
    people: &'a Participants,
    peer: WorkspaceNo,
) -> impl Iterator<Item = (UserNo, Rc<User>)> + 'a {
    let users = people.users().filter_map(|no| Some((no, tx.user(no)?)));
    users.filter(move |(_, user)| user.origin != peer)
}

fn profiles(tx: &Tx<'_>, work: &Work, people: &Participants) -> Vec<WireUser> {
    others(tx, people, work.peer())
        .map(|(_, user)| wire_user(tx, Rc::unwrap_or_clone(user)))
        .collect()
}

/// The peer has taken an invitation, so it holds the profiles of the people in it. In which version is not known: it
/// keeps what it held before. So each is sent again with what they write, and when it changes.
fn hold(tx: &mut Tx<'_>, (no, channel): (ConnectionNo, ChannelNo), epoch: u32, peer: WorkspaceNo) {
    let place = tx.channel(channel).map(|row| row.place);
    let people = place.and_then(|place| Participants::of_channel(tx, channel, place));
    let Some(people) = people else { return };
    let users: Vec<UserNo> = others(tx, &people, peer).map(|(no, _)| no).collect();
    for user in users {
        let key = (no, user, channel);
        let held = tx.get::<SentUser>(&key);
        if held.is_none_or(|held| held.epoch != epoch) {
            let update_at = SentUser::UNKNOWN;
            tx.put(&key, &SentUser { update_at, epoch });
            pictures::offer(tx, (no, user), (channel, epoch));
        }
    }
}
