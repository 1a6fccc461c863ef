//! Where our host deliberately differs from the recorded servers, each with its reason.
//! Wherever one of these applies, the behaviour of our host is checked instead.

/// A deliberate difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// A file is announced in the name of a user of the peer's only, and with an id: it could not be found
    /// again otherwise (W28).
    OwnershipOfFiles,
    /// The files of a post cannot be changed by an edit here yet (W10).
    FilesStayAsTheyAre,
    /// The deletion of a post does not name its files (W41).
    DeletedWithoutFiles,
    /// A picture that the peer holds is not sent again for another channel.
    PicturesOnce,
    /// The profile picture of a user whose profile the peer refused is not sent (W6).
    PicturesAfterProfiles,
    /// Statuses follow from what clients do at which moment, which is not played: our host sends none.
    StatusesNotPlayed,
    /// A status that clients do not know is refused in `status_errors`; the reference stores any word.
    UnknownStatuses,
    /// A server of 2021 sends a changed profile with its user's notification settings and the times of the last
    /// changes of password and picture; our host keeps them to itself (W38).
    SettingsStayAtHome,
    /// Whether an account is active goes along with its profile; the reference sends a status only (W36).
    AccountsThatEnd,
    /// The people of a direct or group channel are named in its invitation, and never change: their memberships
    /// are not stated again and again (W19).
    FixedMembers,
    /// A group is named after its people in the order of their accounts, the reference's in that of the alphabet
    /// (W47).
    NamesOfGroups,
    /// A profile is taken in a direct channel, too; a server of 2021 ignores it there (W47).
    ProfilesInDirectChannels,
    /// A membership is stated once; the reference states the newest one again with every later message (W19).
    MembershipsOnce,
    /// Who left before a channel was shared is not spoken of; the reference tells the whole past of a channel.
    MembersOfEarlierTimes,
    /// Memberships come after a message with the profiles of their users; the reference's bring these again.
    ProfilesOnce,
    /// When an administrator removes a user of the peer here, the peer is not told: only a user's home decides for
    /// others. The reference tells it, and its peer does not heed that.
    ModerationStaysHere,
    /// The latest statement about a membership holds; the reference carries out an older one that arrives later (W30).
    LatestMembership,
    /// There is no account in whose name the system writes (W22): a person plays the reference's, and what that says
    /// about a peer's people who join and leave is not said again here.
    NoBots,
    /// People are offered with the profile that goes with a post; the reference discloses their roles, their
    /// notification settings, and when they changed password and picture (W38).
    OfferedAsInChannels,
    /// People are offered in the order of their accounts; the reference's order, by the time of their last change,
    /// loses some of those who share a millisecond (W4).
    OfferedInOrderOfAccounts,
    /// Who is new or has changed is offered at once; the reference's peer learns it when they next connect.
    OfferedAtOnce,
    /// Direct and group channels are not shared, as their flag is off; nothing goes into them or comes out.
    DirectChannelsOff,
    /// Deleting a deleted object is a success, so that the deletion is not retried (W18).
    RepeatedDeletion,
    /// A system post that comes again is accepted and changes nothing; the reference refuses it, and its peer sends it
    /// four more times.
    RepeatedSystemPosts,
    /// The deletion of a root implies that of its replies; those are not sent one by one (W18).
    ThreadsGoWithTheirRoots,
    /// Edits and deletions of posts that are not the sender's are refused in `post_errors` (W28).
    OwnershipOfPosts,
    /// An older version of a post is accepted and changes nothing (W26).
    OlderVersion,
    /// Whether a reaction exists is determined by `delete_at`; a duplicate changes nothing (W15).
    ReactionsByDeleteAt,
    /// Reactions and acknowledgements of our own users that a peer sends back are ignored (W16).
    EchoesIgnored,
    /// Reactions, acknowledgements and memberships of the peer's users are never sent back to it (W16, W19).
    EchoesNotSent,
    /// An acknowledgement that the peer already has is not sent again with the time at which a list of all
    /// acknowledgements was stored again (W29).
    AcknowledgementsOnce,
    /// The list of acknowledgements in a post's metadata replaces nothing; so a withdrawal, which shows
    /// only as a shorter list, is not noticed (W29).
    ListsOfAcknowledgements,
    /// A user without a name is refused: it could not be mentioned or told apart.
    EmptyNames,
    /// A post without an id is refused: its repetition could not be recognised.
    PostsWithoutId,
    /// A taken name gets its suffix at the first attempt, as at the second (W34).
    SuffixesForNewUsers,
    /// Mentions are replaced as whole words, so that no other name is damaged (W35).
    MentionsAsWholeWords,
    /// Every mention of a batch is mapped, including those of authors (W35).
    EveryMentionMapped,
    /// A post that a peer already has is not sent again when somebody replies or reacts (W17, W53).
    UnchangedPostsOnce,
    /// Profiles are sent when a message needs them, and to channel members only (W20, W31).
    ProfilesWhenNeeded,
    /// A message that failed or was refused as a whole is sent again until it is accepted (W1, W2).
    FailuresSentAgain,
    /// The first "no longer shared" ends the sharing; nothing else is sent into it.
    OneRefusalIsEnough,
    /// Redirects are not followed: they would send the tokens elsewhere.
    RedirectsNotFollowed,
    /// A code is accepted once; a second attempt is refused before anything is sent (W55).
    UsedCodesAreNotTried,
    /// A confirmed connection cannot be confirmed again, whatever its generation.
    ConfirmedOnce,
    /// The connection of a used code keeps working (W55).
    UsedCodesDoNoHarm,
    /// A server of 2021 may not change our users either (W28).
    OwnershipOfUsers,
    /// Channels that are not shared are closed to servers of 2021, too.
    ClosedChannels,
    /// A peer does not decide in which team a channel is created: an unknown team in an invitation is
    /// ignored.
    TeamsOfInvitations,
    /// An invitation for a channel that is already shared changes nothing and harms nothing.
    InvitationsDoNoHarm,
    /// A new connection attached to the old workspace keeps its users and channels (W32,
    /// W43).
    AttachedConnections,
    /// A channel that is offered under a taken name gets a numeric suffix (W45).
    TakenChannelNames,
    /// Clients do not see the system types of posts by a peer's users, except those about members: nobody
    /// there speaks as the system here.
    WordsOfTheSystem,
    /// Channels cannot be archived, deleted or renamed here yet.
    ChannelsStayAsTheyAre,
    /// Not a difference of ours: the recorded peer failed on a test's instruction; ours accepts everything.
    FailuresOfATestPeer,
    /// Not a difference of ours: the player adds members before a channel is shared.
    MembersBeforehand,
}
