//! Which recordings are played in sequence, and actions that the traffic does not show.

use crate::differences::Difference::{self, *};
use crate::recording::Set;

/// Consecutive recordings of the same two servers.
pub struct Story {
    pub name: &'static str,
    pub set: Set,
    /// Numbers of the files, in the order in which they were recorded.
    pub files: &'static [&'static str],
    /// Features that are on; they are off otherwise.
    pub on: &'static [Feature],
    /// Actions that the traffic does not show: the seat to which they apply, the file, and the number of the
    /// exchange before which they happened.
    pub cues: &'static [(char, &'static str, i64, Cue)],
    /// The deliberate differences that occur, by seat.
    pub differences: &'static [(char, &'static [Difference])],
}

/// A feature that is on in some stories only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Our host sends the statuses of its users.
    Statuses,
    /// Direct and group channels with the peer's people, and memberships.
    DirectChannels,
    /// Memberships of shared channels.
    Memberships,
    /// People are offered without a channel.
    Directory,
}

/// An action that the traffic does not show.
#[derive(Clone, Copy, Debug)]
pub enum Cue {
    /// The admin removes the connection of the exchange, or the current one.
    RemoveConnection,
    /// Our clock is ahead by this many hours.
    HoursAhead(i64),
    /// The admin uninvites the connection from a channel.
    Uninvite(&'static str),
    /// The admin unshares a channel.
    Unshare(&'static str),
    /// The channel that our users open in the later exchange with this number is opened now.
    Opens(i64),
    /// Direct and group channels with the peer's people are switched off.
    DirectOff,
    /// The admin deactivates a user and activates them again.
    Deactivate(&'static str),
    /// The admin attaches the connection to the workspace of an earlier one.
    Attach(&'static str),
    /// There is one of our channels with this recorded id and name.
    OwnChannel(&'static str, &'static str),
    /// There is one of our channels with this recorded id, shared with the peer.
    SharedChannel(&'static str),
    /// There is a post of our admin with this recorded id in a channel.
    OwnPost(&'static str, &'static str),
    /// Our answer differs.
    Expect(Expect, Difference),
    /// It does not happen at our host.
    Skip(Difference),
}

/// An answer that is not the recorded one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// This status with this error id.
    Status(u16, &'static str),
    /// `FAIL` with a message that contains this.
    Fail(&'static str),
    /// `OK` without a payload.
    Null,
    /// Every item is accepted.
    Taken,
    /// Every item is refused.
    Refused,
}

const ALREADY_CONFIRMED: Expect =
    Expect::Status(500, "api.command_remote.confirm_invitation.error");

pub static REFUSED_2021: Story = Story {
    name: "refused confirmations of 2021",
    set: Set::V2021,
    files: &["02"],
    on: &[],
    cues: &[
        ('A', "02", 1, Cue::RemoveConnection),
        ('A', "02", 2, Cue::HoursAhead(49)),
    ],
    differences: &[],
};

pub static WHOLE_2021: Story = Story {
    name: "the servers of 2021",
    set: Set::V2021,
    files: &[
        "01", "03", "04", "05", "06", "07", "08", "10", "11", "12", "16", "14", "15", "13",
    ],
    on: &[],
    cues: &[
        ('A', "13", 14, Cue::SharedChannel(BY_HAND_2021)),
        (
            'A',
            "13",
            46,
            Cue::OwnPost("cr1rbsdwxpgfuyzbqws9ty7rae", BY_HAND_2021),
        ),
        (
            'A',
            "13",
            47,
            Cue::OwnChannel("pj7ctcphapfeby6o4iibpscq3y", "unshared"),
        ),
        ('A', "11", 3, Cue::RemoveConnection),
        ('A', "11", 2, Cue::Unshare("ryeh1gqnuff1tdmz6txzm5a8hy")),
        (
            'A',
            "11",
            2,
            Cue::Expect(Expect::Fail("channel is no longer shared"), ClosedChannels),
        ),
        ('B', "11", 1, Cue::Uninvite("imru5t3pabd7ubsctp9ramzfme")),
        (
            'B',
            "11",
            1,
            Cue::Expect(Expect::Fail("channel is no longer shared"), ClosedChannels),
        ),
        ('B', "12", 1, Cue::RemoveConnection),
        ('A', "12", 3, Cue::Attach("z7ob5coet7df9eajeqtaouabgr")),
        ('B', "12", 4, Cue::Attach("z7ob5coet7df9eajeqtaouabgr")),
        ('B', "12", 5, Cue::Expect(Expect::Null, AttachedConnections)),
        (
            'A',
            "13",
            16,
            Cue::Expect(Expect::Taken, SuffixesForNewUsers),
        ),
        (
            'A',
            "13",
            17,
            Cue::Expect(Expect::Refused, OwnershipOfUsers),
        ),
        ('A', "13", 28, Cue::Expect(Expect::Null, TeamsOfInvitations)),
        ('A', "13", 42, Cue::Expect(ALREADY_CONFIRMED, ConfirmedOnce)),
        (
            'A',
            "13",
            46,
            Cue::Expect(Expect::Refused, OwnershipOfPosts),
        ),
        (
            'A',
            "13",
            47,
            Cue::Expect(Expect::Fail("channel is no longer shared"), ClosedChannels),
        ),
        ('A', "16", 9, Cue::Expect(Expect::Null, InvitationsDoNoHarm)),
    ],
    differences: &[
        (
            'A',
            &[
                PicturesOnce,
                DeletedWithoutFiles,
                SettingsStayAtHome,
                ThreadsGoWithTheirRoots,
                OwnershipOfPosts,
                OlderVersion,
                SuffixesForNewUsers,
                UnchangedPostsOnce,
                ProfilesWhenNeeded,
                ConfirmedOnce,
                OwnershipOfUsers,
                ClosedChannels,
                TeamsOfInvitations,
                InvitationsDoNoHarm,
                ChannelsStayAsTheyAre,
                MembersBeforehand,
            ],
        ),
        (
            'B',
            &[
                PicturesOnce,
                RepeatedDeletion,
                UnchangedPostsOnce,
                ProfilesWhenNeeded,
                FailuresSentAgain,
                ClosedChannels,
                AttachedConnections,
                MembersBeforehand,
                WordsOfTheSystem,
            ],
        ),
    ],
};

/// A channel of A in which only hand-made requests write.
const BY_HAND_2021: &str = "hkcuoshmdffmuq9cq13wq4ocfh";

pub static REFUSED_11: Story = Story {
    name: "refused confirmations of 11.6",
    set: Set::V11,
    files: &["02"],
    on: &[],
    cues: &[
        ('A', "02", 1, Cue::RemoveConnection),
        ('A', "02", 2, Cue::HoursAhead(49)),
        ('A', "02", 3, Cue::HoursAhead(0)),
    ],
    differences: &[('B', &[UsedCodesAreNotTried])],
};

pub static WHOLE_11: Story = Story {
    name: "the servers of 11.6",
    set: Set::V11,
    files: &[
        "01", "03", "04", "05", "06", "07", "08", "10", "14", "11", "13", "16", "12", "15",
    ],
    on: &[],
    cues: &[
        ('A', "07", 9, Cue::Deactivate("qr3cpfsj1fn69na94r7ox98ymo")),
        ('B', "03", 15, Cue::OwnChannel("a channel of B's", "corner")),
        ('B', "03", 15, Cue::Expect(Expect::Null, TakenChannelNames)),
        ('A', "13", 77, Cue::Expect(Expect::Null, TakenChannelNames)),
        ('B', "11", 2, Cue::Uninvite("pfuf9zxxp38r5qo6ciqazkszae")),
        ('A', "11", 13, Cue::Unshare("4rdzxef7c7fbtmr1uc8o8jk9qe")),
        (
            'A',
            "11",
            31,
            Cue::Expect(Expect::Taken, ChannelsStayAsTheyAre),
        ),
        (
            'A',
            "11",
            32,
            Cue::Expect(Expect::Taken, ChannelsStayAsTheyAre),
        ),
        (
            'A',
            "13",
            19,
            Cue::Expect(Expect::Taken, SuffixesForNewUsers),
        ),
        ('A', "13", 23, Cue::Expect(Expect::Refused, EmptyNames)),
        ('A', "13", 32, Cue::OwnChannel(UNSHARED, "unshared")),
        (
            'A',
            "13",
            32,
            Cue::OwnPost("k1h7z1xiktye8c1pak6z83pneo", UNSHARED),
        ),
        ('A', "13", 41, Cue::Expect(Expect::Refused, PostsWithoutId)),
        (
            'A',
            "13",
            44,
            Cue::Expect(Expect::Refused, OwnershipOfPosts),
        ),
        (
            'A',
            "13",
            45,
            Cue::Expect(Expect::Refused, OwnershipOfPosts),
        ),
        (
            'A',
            "13",
            46,
            Cue::OwnPost("fg6iqnkopi8b3p39hqrt7ayfke", "3c88dxpsiprdbxbxj4br365cxr"),
        ),
        ('A', "13", 59, Cue::Skip(OwnershipOfPosts)),
        ('A', "13", 110, Cue::Skip(OwnershipOfPosts)),
        ('A', "13", 112, Cue::Skip(OwnershipOfPosts)),
        ('A', "13", 113, Cue::Skip(OwnershipOfPosts)),
        ('A', "13", 114, Cue::Skip(OwnershipOfPosts)),
        ('A', "13", 115, Cue::Skip(OwnershipOfPosts)),
        (
            'A',
            "16",
            7,
            Cue::OwnChannel("p9tyi4hgwpn6i8akeo44imooee", "only-mine"),
        ),
        ('A', "12", 1, Cue::RemoveConnection),
    ],
    differences: &[
        (
            'A',
            &[
                PicturesOnce,
                FilesStayAsTheyAre,
                DeletedWithoutFiles,
                AccountsThatEnd,
                OwnershipOfFiles,
                StatusesNotPlayed,
                UnknownStatuses,
                RepeatedDeletion,
                ThreadsGoWithTheirRoots,
                OwnershipOfPosts,
                OlderVersion,
                ReactionsByDeleteAt,
                EchoesIgnored,
                EchoesNotSent,
                EmptyNames,
                PostsWithoutId,
                SuffixesForNewUsers,
                MentionsAsWholeWords,
                UnchangedPostsOnce,
                ProfilesWhenNeeded,
                OneRefusalIsEnough,
                ChannelsStayAsTheyAre,
                MembersBeforehand,
                TakenChannelNames,
            ],
        ),
        (
            'B',
            &[
                PicturesOnce,
                StatusesNotPlayed,
                RepeatedDeletion,
                ReactionsByDeleteAt,
                EchoesIgnored,
                EchoesNotSent,
                UnchangedPostsOnce,
                ProfilesWhenNeeded,
                FailuresSentAgain,
                OneRefusalIsEnough,
                TakenChannelNames,
                WordsOfTheSystem,
            ],
        ),
    ],
};

/// A channel of A that is not shared, in which hand-made requests write.
const UNSHARED: &str = "hxpzmm1bs3rxxmi1oqmim5az1r";

pub static MENTIONS_11: Story = Story {
    name: "mentions and batches of 11.6",
    set: Set::V11,
    files: &["22", "24", "26"],
    on: &[],
    cues: &[
        (
            'B',
            "26",
            7,
            Cue::Expect(Expect::Fail("channel already exists"), UsedCodesDoNoHarm),
        ),
        ('B', "26", 8, Cue::Expect(Expect::Null, UsedCodesDoNoHarm)),
        ('A', "26", 6, Cue::HoursAhead(49)),
    ],
    differences: &[
        (
            'A',
            &[
                StatusesNotPlayed,
                DirectChannelsOff,
                EveryMentionMapped,
                UnchangedPostsOnce,
                ProfilesWhenNeeded,
            ],
        ),
        (
            'B',
            &[
                DirectChannelsOff,
                MentionsAsWholeWords,
                ProfilesWhenNeeded,
                UsedCodesAreNotTried,
                UsedCodesDoNoHarm,
            ],
        ),
    ],
};

pub static LINKS_11: Story = Story {
    name: "links and a read-only channel of 11.6",
    set: Set::V11,
    files: &["23", "25"],
    on: &[],
    cues: &[],
    differences: &[
        (
            'A',
            &[StatusesNotPlayed, UnchangedPostsOnce, ProfilesWhenNeeded],
        ),
        (
            'B',
            &[StatusesNotPlayed, MembersBeforehand, ProfilesWhenNeeded],
        ),
    ],
};

pub static DIRECT_2021: Story = Story {
    name: "direct messages of 2021",
    set: Set::V2021,
    files: &["09"],
    on: &[Feature::DirectChannels],
    cues: &[],
    differences: &[
        ('A', &[ProfilesInDirectChannels]),
        ('B', &[ProfilesInDirectChannels]),
    ],
};

pub static DIRECT_11: Story = Story {
    name: "direct and group messages of 11.6",
    set: Set::V11,
    files: &["19"],
    on: &[Feature::DirectChannels],
    cues: &[
        // Both open the channel before either has heard of the other's.
        ('A', "19", 77, Cue::Opens(78)),
        ('A', "19", 83, Cue::DirectOff),
        ('B', "19", 83, Cue::DirectOff),
    ],
    differences: &[
        (
            'A',
            &[
                PicturesOnce,
                StatusesNotPlayed,
                FixedMembers,
                DirectChannelsOff,
                EchoesNotSent,
                UnchangedPostsOnce,
                ProfilesWhenNeeded,
            ],
        ),
        (
            'B',
            &[
                StatusesNotPlayed,
                FixedMembers,
                NamesOfGroups,
                DirectChannelsOff,
                EchoesIgnored,
                UnchangedPostsOnce,
                ProfilesWhenNeeded,
            ],
        ),
    ],
};

pub static PEOPLE_11: Story = Story {
    name: "people and members of 11.6",
    set: Set::V11,
    files: &["18", "17"],
    on: &[Feature::Memberships, Feature::Directory],
    cues: &[],
    differences: &[
        (
            'A',
            &[
                PicturesOnce,
                StatusesNotPlayed,
                MembershipsOnce,
                MembersOfEarlierTimes,
                ProfilesOnce,
                ModerationStaysHere,
                LatestMembership,
                NoBots,
                OfferedAsInChannels,
                OfferedInOrderOfAccounts,
                OfferedAtOnce,
                EchoesNotSent,
                UnchangedPostsOnce,
                ProfilesWhenNeeded,
            ],
        ),
        (
            'B',
            &[
                StatusesNotPlayed,
                RepeatedSystemPosts,
                MembershipsOnce,
                ProfilesOnce,
                ModerationStaysHere,
                NoBots,
                OfferedAsInChannels,
                EchoesNotSent,
                ProfilesWhenNeeded,
            ],
        ),
    ],
};

pub static STATUSES_11: Story = Story {
    name: "statuses of 11.6",
    set: Set::V11,
    files: &["20"],
    on: &[Feature::Statuses],
    cues: &[],
    differences: &[('A', &[ProfilesWhenNeeded])],
};

pub static ACKNOWLEDGEMENTS_11: Story = Story {
    name: "acknowledgements of 11.6",
    set: Set::V11,
    files: &["21"],
    on: &[],
    cues: &[],
    differences: &[
        (
            'A',
            &[
                EchoesIgnored,
                AcknowledgementsOnce,
                UnchangedPostsOnce,
                ProfilesWhenNeeded,
            ],
        ),
        (
            'B',
            &[
                EchoesNotSent,
                AcknowledgementsOnce,
                ListsOfAcknowledgements,
                UnchangedPostsOnce,
                ProfilesWhenNeeded,
            ],
        ),
    ],
};

pub static FAILING_PEER_11: Story = Story {
    name: "a peer of 11.6 that fails",
    set: Set::V11,
    files: &["27"],
    on: &[],
    cues: &[
        ('A', "27", 52, Cue::Skip(RedirectsNotFollowed)),
        ('A', "27", 46, Cue::Skip(PicturesAfterProfiles)),
        ('F', "27", 52, Cue::Skip(RedirectsNotFollowed)),
    ],
    differences: &[
        (
            'A',
            &[
                PicturesOnce,
                PicturesAfterProfiles,
                StatusesNotPlayed,
                UnchangedPostsOnce,
                ProfilesWhenNeeded,
                FailuresSentAgain,
                OneRefusalIsEnough,
                RedirectsNotFollowed,
            ],
        ),
        ('F', &[RedirectsNotFollowed, FailuresOfATestPeer]),
    ],
};
