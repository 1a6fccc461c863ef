//! Sentences for the kernel's reasons why an item was not carried out.

/// The sentence for a word of [`Reason`](causeway_kernel::inbound::Reason); an unknown word is
/// returned as it is.
#[must_use]
pub fn sentence(word: &str) -> String {
    let known = match word {
        "malformed" => "it is not valid JSON of its kind",
        "bad_id" => "it contains an invalid id",
        "bad_time" => "it contains a time that is negative, missing or beyond the year 9999",
        "bad_name" => "the user name is empty, too long or contains invalid characters",
        "bad_type" => "the type of the post is unknown or never stored",
        "bad_emoji" => "the name of the emoji is invalid",
        "bad_status" => "it is none of the known statuses",
        "too_large" => "a text, a name or the properties exceed their limit",
        "wrong_channel" => "it names another channel than its message, or belongs to another one",
        "unknown_user" => "its author is not known here",
        "foreign_user" => "its author belongs to this workspace or to another peer",
        "not_member" => "the user is not a member of the direct or group channel",
        "claimed_origin" => "the profile claims to come over another connection of ours",
        "foreign_post" => "the post is not theirs: a user of another workspace wrote it",
        "unknown_post" => "the post that it belongs to is not known here, or is deleted",
        "unknown_root" => "the root of its thread is not known here, or is itself a reply",
        "unknown_channel" => "the channel is not known here",
        "not_shared" => "the channel is not shared with its sender, or no longer",
        "invite_refused" => "the invitation to the channel cannot be accepted",
        "not_newer" => "this version or a newer one is here already",
        "name_taken" => "every name that the suffix rule gives is taken",
        "too_many_users" => "the maximum number of users of its sender is reached",
        "too_many_emoji" => "the post has the maximum number of different emoji",
        "too_many_acknowledgements" => "the post has the maximum number of acknowledgements",
        "fixed_members" => "the members of a direct or group channel never change",
        "denied" => "a policy denied it",
        "held" => "a policy failed or its root is held: it is held and asked about again",
        "quarantined" => "it stopped an earlier run of its frame and was set aside",
        "feature_off" => "it belongs to a feature that is switched off here",
        other => return super::plain(other),
    };
    known.into()
}

/// Whether the word means that nothing was refused.
#[must_use]
pub fn is_success(word: &str) -> bool {
    word == "not_newer"
}

#[cfg(test)]
mod tests {
    use super::*;
    use causeway_kernel::inbound::Reason;

    #[test]
    fn every_word_of_the_kernel_has_a_sentence() {
        let all = [
            Reason::Malformed,
            Reason::BadId,
            Reason::BadTime,
            Reason::BadName,
            Reason::BadType,
            Reason::BadEmoji,
            Reason::BadStatus,
            Reason::TooLarge,
            Reason::WrongChannel,
            Reason::UnknownUser,
            Reason::NotMember,
            Reason::ForeignUser,
            Reason::ClaimedOrigin,
            Reason::ForeignPost,
            Reason::UnknownPost,
            Reason::UnknownRoot,
            Reason::UnknownChannel,
            Reason::NotShared,
            Reason::InviteRefused,
            Reason::NotNewer,
            Reason::NameTaken,
            Reason::TooManyUsers,
            Reason::TooManyEmoji,
            Reason::TooManyAcknowledgements,
            Reason::FixedMembers,
            Reason::Denied,
            Reason::Held,
            Reason::Quarantined,
            Reason::FeatureOff,
        ];
        for reason in all {
            assert_ne!(sentence(reason.word()), reason.word());
        }
        assert_eq!(sentence("of_tomorrow"), "of_tomorrow");
    }
}
