//! The productions of the grammar, each counted when it is used.

use std::collections::BTreeMap;

/// A production, described by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(
    missing_docs,
    reason = "the names say it, and what they produce stands where they are used"
)]
pub enum Production {
    // Ids.
    OwnId,
    OtherPeersId,
    LocalId,
    UnknownId,
    EmptyId,
    HugeId,
    LookAlikeId,
    // Times.
    PastTime,
    EqualTime,
    FutureTime,
    ZeroTime,
    HighestTime,
    NegativeTime,
    // Lists.
    NoItem,
    OneItem,
    SomeItems,
    TooManyItems,
    // Texts.
    EmptyText,
    LongestText,
    TooLongText,
    ControlText,
    BidiText,
    InvalidUtf8,
    MentionOfEverybody,
    // Names.
    PlainName,
    SuffixedName,
    LookAlikeName,
    IllegalName,
    LongName,
    // Structure.
    MissingField,
    ExtraField,
    WrongType,
    DuplicateKey,
    MixedCaseKey,
    DeepNesting,
    BrokenJson,
    // Topics.
    SyncTopic,
    MembershipTopic,
    GlobalUsersTopic,
    UploadTopic,
    UnknownTopic,
    InviteTopic,
    // Sections.
    Users,
    Posts,
    Reactions,
    Statuses,
    Acknowledgements,
    Memberships,
    Transforms,
    // Posts.
    Deletion,
    ForgedAuthor,
    ForgedOrigin,
    SystemType,
    UnknownType,
    InjectedProps,
    // Channels.
    WrongChannel,
    // Invitations.
    InviteForExisting,
    InviteForNew,
    InviteForDirect,
    InviteForGroup,
    // Traffic.
    SentAgain,
    Flood,
    // Answers.
    HonestAnswer,
    ErrorsNeverSent,
    UsersNeverSent,
    NullAnswer,
    FailAnswer,
    UnsharedAnswer,
    BrokenAnswer,
    StatusAnswer,
    NoAnswer,
    // Pings.
    LyingClock,
    OtherKind,
    OtherIncarnation,
}

impl Production {
    /// Every production.
    pub const ALL: [Production; 72] = {
        use Production::*;
        [
            OwnId,
            OtherPeersId,
            LocalId,
            UnknownId,
            EmptyId,
            HugeId,
            LookAlikeId,
            PastTime,
            EqualTime,
            FutureTime,
            ZeroTime,
            HighestTime,
            NegativeTime,
            NoItem,
            OneItem,
            SomeItems,
            TooManyItems,
            EmptyText,
            LongestText,
            TooLongText,
            ControlText,
            BidiText,
            InvalidUtf8,
            MentionOfEverybody,
            PlainName,
            SuffixedName,
            LookAlikeName,
            IllegalName,
            LongName,
            MissingField,
            ExtraField,
            WrongType,
            DuplicateKey,
            MixedCaseKey,
            DeepNesting,
            BrokenJson,
            SyncTopic,
            MembershipTopic,
            GlobalUsersTopic,
            UploadTopic,
            UnknownTopic,
            InviteTopic,
            Users,
            Posts,
            Reactions,
            Statuses,
            Acknowledgements,
            Memberships,
            Transforms,
            Deletion,
            ForgedAuthor,
            ForgedOrigin,
            SystemType,
            UnknownType,
            InjectedProps,
            WrongChannel,
            InviteForExisting,
            InviteForNew,
            InviteForDirect,
            InviteForGroup,
            SentAgain,
            Flood,
            HonestAnswer,
            ErrorsNeverSent,
            UsersNeverSent,
            NullAnswer,
            FailAnswer,
            UnsharedAnswer,
            BrokenAnswer,
            StatusAnswer,
            NoAnswer,
            LyingClock,
        ]
    };

    /// Productions for answers to pings, which not every kind of peer gives.
    pub const OF_PINGS: [Production; 2] = [Production::OtherKind, Production::OtherIncarnation];
}

/// How often each production was used.
pub type Used = BTreeMap<Production, u64>;
