//! Why an item of a peer was not carried out.

use std::collections::BTreeMap;

use crate::boundary::output::Effect;
use crate::rows::id::ConnectionNo;
use crate::rows::tx::Tx;

/// Why an item was refused, ignored or held. The words are stable: they are metric labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The item is not JSON of its kind.
    Malformed,
    /// A required id is invalid.
    BadId,
    /// A time is negative, zero where it must not be, or after the year 9999.
    BadTime,
    /// A user name is empty, too long, or contains invalid characters.
    BadName,
    /// The post's type is unknown, or one that is never stored.
    BadType,
    /// The emoji's name is invalid.
    BadEmoji,
    /// The status is none of the known ones.
    BadStatus,
    /// A text, a list of properties or a name is over its limit.
    TooLarge,
    /// The item names another channel than the message, or belongs to another one here.
    WrongChannel,
    /// The author or reacting user is not known here.
    UnknownUser,
    /// The user belongs to this workspace or to another peer.
    ForeignUser,
    /// The user is not a member of the direct or group channel.
    NotMember,
    /// The profile claims to come over another connection of ours.
    ClaimedOrigin,
    /// The post was written by a user of this workspace or of another peer.
    ForeignPost,
    /// The post reacted to is not known here, or is deleted.
    UnknownPost,
    /// The root of the thread is not known here, or is itself a reply.
    UnknownRoot,
    /// The message names a channel that does not exist here.
    UnknownChannel,
    /// The message names a channel that is not shared with its sender.
    NotShared,
    /// A channel invitation cannot be accepted.
    InviteRefused,
    /// This version of the item, or a newer one, is already stored: a success that changes nothing.
    NotNewer,
    /// Every name that the suffix rule produces is taken.
    NameTaken,
    /// The limit of the peer's users here is reached.
    TooManyUsers,
    /// The limit of different emoji on the post is reached.
    TooManyEmoji,
    /// The limit of acknowledgements of the post is reached.
    TooManyAcknowledgements,
    /// The file's announcement is not in order: its name, its size or its type.
    BadFile,
    /// The id of the file belongs to one of this workspace, of another peer or of another channel.
    ForeignFile,
    /// The limit of the peer's files that no post has taken is reached.
    TooManyFiles,
    /// The members of a direct or group channel never change.
    FixedMembers,
    /// A policy denied it.
    Denied,
    /// A policy failed: the item is held, and asked about again; an invitation is to come again.
    Held,
    /// It stopped an earlier run of the frame and was set aside.
    Quarantined,
    /// It belongs to a feature that is switched off here.
    FeatureOff,
}

/// Reasons that occur in normal operation.
const ROUTINE: [Reason; 4] = [
    Reason::NotNewer,
    Reason::Denied,
    Reason::Held,
    Reason::FeatureOff,
];

impl Reason {
    /// Whether a word belongs to a reason that indicates a problem.
    #[must_use]
    pub fn is_trouble(word: &str) -> bool {
        ROUTINE.iter().all(|reason| reason.word() != word)
    }

    /// The reason in one word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Reason::Malformed => "malformed",
            Reason::BadId => "bad_id",
            Reason::BadTime => "bad_time",
            Reason::BadName => "bad_name",
            Reason::BadType => "bad_type",
            Reason::BadEmoji => "bad_emoji",
            Reason::BadStatus => "bad_status",
            Reason::TooLarge => "too_large",
            Reason::WrongChannel => "wrong_channel",
            Reason::UnknownUser => "unknown_user",
            Reason::ForeignUser => "foreign_user",
            Reason::NotMember => "not_member",
            Reason::ClaimedOrigin => "claimed_origin",
            Reason::ForeignPost => "foreign_post",
            Reason::UnknownPost => "unknown_post",
            Reason::UnknownRoot => "unknown_root",
            Reason::UnknownChannel => "unknown_channel",
            Reason::NotShared => "not_shared",
            Reason::InviteRefused => "invite_refused",
            Reason::NotNewer => "not_newer",
            Reason::NameTaken => "name_taken",
            Reason::TooManyUsers => "too_many_users",
            Reason::TooManyEmoji => "too_many_emoji",
            Reason::TooManyAcknowledgements => "too_many_acknowledgements",
            Reason::BadFile => "bad_file",
            Reason::ForeignFile => "foreign_file",
            Reason::TooManyFiles => "too_many_files",
            Reason::FixedMembers => "fixed_members",
            Reason::Denied => "denied",
            Reason::Held => "held",
            Reason::Quarantined => "quarantined",
            Reason::FeatureOff => "feature_off",
        }
    }
}

/// Refusals of one frame, counted by reason.
#[derive(Debug, Default)]
pub struct Tally(BTreeMap<Reason, u32>);

impl Tally {
    /// Counts one item.
    pub fn count(&mut self, reason: Reason) {
        self.add(reason, 1);
    }

    /// The tally of one refused message.
    #[must_use]
    pub fn of(reason: Reason) -> Tally {
        let mut tally = Tally::default();
        tally.count(reason);
        tally
    }

    /// Counts several items.
    pub fn add(&mut self, reason: Reason, items: u32) {
        if items > 0 {
            let slot = self.0.entry(reason).or_default();
            *slot = slot.saturating_add(items);
        }
    }

    /// Reports the counts to the metrics.
    pub fn report(self, tx: &mut Tx<'_>, connection: ConnectionNo) {
        for (reason, items) in self.0 {
            let reason = reason.word().to_string();
            tx.effect(Effect::Refused {
                connection,
                reason,
                items,
            });
        }
    }
}
