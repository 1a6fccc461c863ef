use serde::{Deserialize, Serialize};

use super::ChannelKind;
use crate::boundary::texts::{Text, no_texts, texts};

/// What a peer says of a channel that it offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedChannel {
    /// Public or private.
    pub kind: ChannelKind,
    /// Whether ordinary members here may only read.
    pub read_only: bool,
    /// URL name.
    pub name: String,
    /// Display name.
    pub display_name: String,
    /// Header.
    pub header: String,
    /// Purpose.
    pub purpose: String,
}
texts!(struct OfferedChannel {
    kind,
    read_only,
    name: Text::Words,
    display_name: Text::Words,
    header: Text::Words,
    purpose: Text::Words,
});

/// What an administrator here has said to the offer of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InvitationState {
    /// Nothing yet.
    Waiting,
    /// Yes, but the peer, a Mattermost server, has forgotten the invitation and has to invite again.
    Accepted,
    /// No, which the peer learns when it asks again. The row is kept, so that nobody here is asked again.
    Declined,
    /// Nothing, and the peer has taken the offer back. The row is kept for a while, so that offering a channel again
    /// and again does not tell the administrator each time.
    Withdrawn,
    /// No, and the peer knows: it no longer asks by itself.
    Refused,
}
no_texts!(InvitationState);

/// A channel that a peer offers over a connection on which an administrator here decides about such offers
/// ([`Connection::asks_first`](super::Connection::asks_first)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelInvitation {
    /// What was said to it.
    pub state: InvitationState,
    /// Since when, in ms: when it came first, or was answered.
    pub since: i64,
    /// The channel.
    pub channel: OfferedChannel,
}
texts!(struct ChannelInvitation {
    state,
    since,
    channel,
});
