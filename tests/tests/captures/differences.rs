//! Where our host deliberately does otherwise than the recorded servers, each with its reason.
//! Wherever one of these is met, what our host does instead is checked.

/// A deliberate difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// Files are not taken and not sent yet: announcing one fails, its bytes get 501.
    FilesOff,
    /// Pictures are neither stored nor sent yet: 501, never 200, which a sender takes for the
    /// profile (W6).
    PicturesOff,
    /// Presence is not synchronised yet: taken without effect, without errors, counted.
    StatusesOff,
    /// Memberships are not synchronised yet: as presence.
    MembershipsOff,
    /// Direct and group channels are not there yet; nothing goes into them or comes out.
    DirectChannelsOff,
    /// The deletion of what is deleted is a success, so that it is not tried again (W18).
    RepeatedDeletion,
    /// The deletion of a root says that of its replies; those are not sent one by one (W18).
    ThreadsGoWithTheirRoots,
    /// Edits and deletions of posts that are not the sender's are refused in `post_errors` (W28).
    OwnershipOfPosts,
    /// An older version of a post is a success that changes nothing (W26).
    OlderVersion,
    /// A reaction is there or not as `delete_at` says; a duplicate changes nothing (W15).
    ReactionsByDeleteAt,
    /// Reactions and acknowledgements of our own users that a peer sends back are ignored (W16).
    EchoesIgnored,
    /// Reactions and acknowledgements of the peer's users are never sent back to it (W16).
    EchoesNotSent,
    /// An acknowledgement that the peer has is not told again with the time at which a list of all
    /// of them was stored anew (W29).
    AcknowledgementsOnce,
    /// The list of acknowledgements in a post's metadata replaces nothing; so a withdrawal, of which
    /// only a shorter list tells, is not noticed (W29).
    ListsOfAcknowledgements,
    /// A user without a name is refused: it could not be mentioned or told apart.
    EmptyNames,
    /// A post without an id is refused: it could not be told from its repetition.
    PostsWithoutId,
    /// A taken name gets the suffix of the rule at the first attempt as at the second (W34).
    SuffixesForNewUsers,
    /// Mentions are replaced as whole words, so that no other name is damaged (W35).
    MentionsAsWholeWords,
    /// Every mention of a batch is told of, authors included (W35).
    EveryMentionMapped,
    /// What a peer holds is not sent again when somebody answers or reacts (W17, W53).
    UnchangedPostsOnce,
    /// Profiles travel when a message needs them, and to channel members only (W20, W31).
    ProfilesWhenNeeded,
    /// A message that failed or was refused as a whole is sent again until it is taken (W1, W2).
    FailuresSentAgain,
    /// The first "no longer shared" ends the sharing; nothing else is sent into it.
    OneRefusalIsEnough,
    /// Redirects are not followed: they would carry the tokens elsewhere.
    RedirectsNotFollowed,
    /// A code is accepted once; a second attempt is refused before anything is sent (W55).
    UsedCodesAreNotTried,
    /// A confirmed connection cannot be confirmed again, of whatever generation it is.
    ConfirmedOnce,
    /// The connection of a used code keeps working (W55).
    UsedCodesDoNoHarm,
    /// A server of 2021 may not change users of ours either (W28).
    OwnershipOfUsers,
    /// Channels that are not shared are closed to servers of 2021, too.
    ClosedChannels,
    /// Where a channel goes is not for the peer to say: an unknown team in an invitation is
    /// ignored.
    TeamsOfInvitations,
    /// An invitation for what is shared already changes nothing and harms nothing.
    InvitationsDoNoHarm,
    /// A new connection attached to the old workspace keeps its users and channels (W32,
    /// W43).
    AttachedConnections,
    /// A channel that is offered under a name that is taken gets a number behind it (W45).
    TakenChannelNames,
    /// Clients are told no system types of what a peer's users write, but those about members: nobody
    /// there speaks as the system here.
    WordsOfTheSystem,
    /// Channels cannot be archived, deleted or renamed here yet.
    ChannelsStayAsTheyAre,
    /// Not a difference of ours: the recorded peer failed as a test told it to, ours takes all.
    FailuresOfATestPeer,
    /// Not a difference of ours: the player makes members before a channel is shared.
    MembersBeforehand,
}
