//! Peculiarities of real servers, each with its source. A run counts how
//! often each shows, so that a test can tell if one never does.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A generation of servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Generation {
    /// The servers of July 2021.
    Of2021,
    /// The 11 line, as of April 2026.
    Of11,
}

impl Generation {
    /// Posts that a scan takes at most.
    #[must_use]
    pub fn posts_max(self) -> usize {
        match self {
            Generation::Of2021 => 12,
            Generation::Of11 => 50,
        }
    }

    /// The name of such a server.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Generation::Of2021 => "contoso",
            Generation::Of11 => "umbrella",
        }
    }
}

/// A quirk. The comments give the set of recordings, the file or the heading in its README, and
/// the section of the semantics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quirk {
    /// Full batches of 12, one after the other. 2021, "What the traffic shows": order in one round.
    TwelveAMessage,
    /// The history of a channel is sent in full. 2021, 03; semantics §8.3.
    SendsHistory,
    /// Changes by the peer to anybody's post or profile are carried out. 2021, 13.
    ChecksNoOwnership,
    /// Posts into channels that are not shared are accepted. 2021, 11 and 13.
    TakesUnshared,
    /// Deleted posts are sent with their text. 2021, 04.
    DeletedWithText,
    /// Mentions of the peer's users are cut back to their names at home. 2021, 04 and 08.
    CutsMentions,
    /// A pin alone counts as no change at the receiver. 2021, 04; semantics §6.4.
    IgnoresPins,
    /// More than 25 new posts in one window: the rest is sent again. 11.6, "What the traffic
    /// shows"; semantics §5.5 a.
    SendsBatchesTwice,
    /// A repeated reaction is removed. 11.6, 05 and 13; semantics §6.5.
    TogglesReactions,
    /// A removal is echoed to its sender. 11.6, 05; semantics §6.5.
    EchoesRemovals,
    /// Every re-delivery is an edit with a time of its own. 11.6, 13; semantics §6.4.
    EditsOnRedelivery,
    /// Acknowledgements are sent in later rounds, the peer's own are sent back. 11.6, 21; semantics §6.6.
    SendsAcknowledgements,
    /// A withdrawn acknowledgement is not renewed. 11.6; semantics §6.6.
    KeepsWithdrawals,
    /// Memberships have messages of their own, with the newest ones repeated. 11.6, 17; semantics §9.
    RepeatsMemberships,
    /// The first ping after the handshake carries a dead token. 11.6, 01; protocol §8.1.
    FirstPingRefused,
    /// After "no longer shared" the sharing ends, with a post for each refused message. 11.6, 11.
    EndsSharing,
    /// A new user with a taken name is never stored. Both, 13; semantics §6.3.
    RefusesTakenNames,
    /// A reply causes its root to be sent before it and again after it. Both, 04; semantics §5.5 a.
    RootsTwice,
    /// A touch sends the whole post again. Both, 04 and 05; semantics §5.5 d.
    TouchedPostsAgain,
    /// The replies of a deleted root fail and are sent four times more. Both, 04.
    RetriesRefusedPosts,
    /// A failed send is forgotten until the next change of its channel. Both, 14; semantics §5.8.
    StuckUntilNews,
    /// With a full batch waiting it tries again without pause. Both, 10; semantics §5.8.
    RetriesWithoutPause,
    /// Back after more than five minutes, everything is sent. Both, 15; semantics §5.9.
    ForcedSync,
    /// `OK` with a `null` payload answers an invitation. Both, 03.
    NullPayload,
    /// `FAIL` with `null` counts as a delivery. Both, 27; semantics §2.
    FailIsDelivery,
    /// Changes that the clock puts behind the cursor are never sent. Both, 13; semantics §17 W3.
    LosesBehindCursor,
    /// Files that are not here when their post comes are dropped from it. Both; semantics §6.4.
    DropsMissingFiles,
    /// A file that came after its post does not join it when the post comes again. 2021; semantics §6.4.
    IgnoresLateFiles,
    /// A server restored from a backup is older and announces nothing. Both: no message of theirs has a
    /// field for it.
    ComesBackOlder,
}

impl Quirk {
    /// The quirks of a generation.
    #[must_use]
    pub fn of(generation: Generation) -> Vec<Quirk> {
        use Quirk::*;
        let both = [
            RefusesTakenNames,
            RootsTwice,
            TouchedPostsAgain,
            RetriesRefusedPosts,
            StuckUntilNews,
            RetriesWithoutPause,
            ForcedSync,
            NullPayload,
            FailIsDelivery,
            LosesBehindCursor,
            ComesBackOlder,
            DropsMissingFiles,
        ];
        let own: &[Quirk] = match generation {
            Generation::Of2021 => &[
                TwelveAMessage,
                SendsHistory,
                ChecksNoOwnership,
                TakesUnshared,
                DeletedWithText,
                CutsMentions,
                IgnoresPins,
                IgnoresLateFiles,
            ],
            Generation::Of11 => &[
                SendsBatchesTwice,
                TogglesReactions,
                EchoesRemovals,
                EditsOnRedelivery,
                SendsAcknowledgements,
                KeepsWithdrawals,
                RepeatsMemberships,
                FirstPingRefused,
                EndsSharing,
            ],
        };
        both.into_iter().chain(own.iter().copied()).collect()
    }
}

/// How often each quirk showed.
pub type Shown = BTreeMap<(Generation, Quirk), u64>;
