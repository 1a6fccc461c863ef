//! Why something was not carried out, in fixed texts of the product: they contain no user-written words, so a
//! masked session shows them unchanged.

use crate::wire::response::{AWAITS_CONSENT, NO_LONGER_SHARED, UNDECIDED, UNKNOWN_CHANNEL};

/// A peer's answer names the post as refused.
pub const NAMED_POST: &str = "The peer named the post in `post_errors`.";
/// The same for a reply to a post that the peer itself wrote, so the peer knew that post.
pub const NAMED_REPLY_TO_ITS_OWN: &str = "The peer named the post in `post_errors`. It answers a \
    post of the peer's own, which the peer has lost if it was restored from an older backup.";
/// A peer's answer names the post of the reaction as refused.
pub const NAMED_POST_OF_REACTION: &str =
    "The peer named the post of the reaction in `reaction_errors`.";
/// A peer's answer names the post of the acknowledgement as refused.
pub const NAMED_POST_OF_ACKNOWLEDGEMENT: &str =
    "The peer named the post of the acknowledgement in `acknowledgement_errors`.";
/// A peer's answer names the user whose membership it could not change.
pub const NAMED_MEMBER: &str = "The peer named the user in `membership_errors`.";
/// A peer's answer names the user of the status as refused.
pub const NAMED_USER_OF_STATUS: &str = "The peer named the user of the status in `status_errors`.";
/// The peer does not know the user who reacted, acknowledged or joined.
pub const PROFILE_NOT_TAKEN: &str = "The peer did not take the profile of the user.";
/// What the object belongs to was not delivered.
pub const NO_POST: &str = "The post that it belongs to is not there.";
/// A post alone is over the limit of a message.
pub const POST_TOO_LONG: &str = "The post is longer than a message to a peer may be.";
/// A reply must be delivered after its root.
pub const ROOT_NOT_DELIVERED: &str = "Waits until the root of its thread is delivered.";
/// A Mattermost server links only files that arrived before their post.
pub const FILES_FIRST: &str = "Waits until its files have arrived at the peer.";
/// A file arrived while its post was on its way without it.
pub const FILE_CAME_LATE: &str = "Goes once more, with a file that has arrived meanwhile.";
/// A file's bytes did not arrive.
pub const FILE_NOT_ARRIVED: &str = "The file did not arrive at the peer.";
/// A policy of this workspace denies a file that a peer announces.
pub const FILE_DENIED: &str = "the file is not accepted here";
/// An item of a frame is in quarantine.
pub const ITEM_STOPPED: &str = "the item stopped the step that should have carried it out";
/// A frame is in quarantine.
pub const FRAME_STOPPED: &str = "the message could not be processed and was set aside";

/// A policy here does not allow what an invitation offers; the peer does not learn more.
pub const INVITATION_DENIED: &str = "a policy of the invited workspace does not allow it";

/// A policy silenced mentions in a text that would then mention others.
pub const NOT_SILENCED: &str =
    "Its mentions cannot be silenced one by one: without them, its text would mention others.";

/// All of these, and the fixed parts of answers of peers, both Causeway's and Mattermost's.
pub const FIXED: &[&str] = &[
    NAMED_POST,
    NAMED_REPLY_TO_ITS_OWN,
    NAMED_POST_OF_REACTION,
    NAMED_POST_OF_ACKNOWLEDGEMENT,
    NAMED_MEMBER,
    NAMED_USER_OF_STATUS,
    PROFILE_NOT_TAKEN,
    NO_POST,
    POST_TOO_LONG,
    ROOT_NOT_DELIVERED,
    FILES_FIRST,
    FILE_CAME_LATE,
    FILE_NOT_ARRIVED,
    FILE_DENIED,
    ITEM_STOPPED,
    FRAME_STOPPED,
    INVITATION_DENIED,
    NO_LONGER_SHARED,
    UNKNOWN_CHANNEL,
    AWAITS_CONSENT,
    UNDECIDED,
    NOT_SILENCED,
    "cannot process sync message;",
    "processing sync message: resource \"Channel\" not found, id:",
    "global user sync message should not contain posts, reactions or statuses",
    "invalid sync message:",
    "invalid channel invite:",
    "channel id is invalid",
    "cannot create new shared channel",
    "channel already exists",
    "cannot share channel again",
    "an administrator of the invited workspace has ended its sharing, and has to allow it first",
    "cannot create channel",
    "there is no team that could hold it",
    "the invited workspace takes at most",
    "channels of another one",
    "A channel with that name already exists on the same team.",
    "You've reached the limit of the number of allowed channels.",
    "cannot create direct channel",
    "cannot create group channel",
    "createDirectChannelWithUser: Cannot create a direct channel with a remote user",
    "createGroupChannel: Cannot create a group channel with remote users",
    "channel exists with wrong id",
    "wrong number of participants",
    "no participant is an active user of this workspace",
    "no participant is a user of the inviting workspace",
    "a participant is not known here",
    "the profile of a participant was refused",
    "a participant does not exist",
    "a participant is in too many direct and group channels",
    "createUpload: Unable to upload file. File attachments are disabled.",
    "fuel used up",
    "memory cap",
];
