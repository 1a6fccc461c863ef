//! Limits of a workspace, and what happens beyond each.

/// Characters of a message; more is refused (`MaxPostSize` of the reference).
pub const MESSAGE_CHARS_MAX: usize = 16_383;
/// Bytes of a post's properties; more is refused. A post with the longest possible message must fit into a
/// frame to a peer; the reference accepts more and then cannot send it.
pub const PROPS_BYTES_MAX: usize = 170_000;
/// Bytes of the properties of a peer's post; more is refused. Properties that arrived in a frame are
/// accepted; with a long message they may be too long for a frame when forwarded, which is recorded as a dead
/// letter.
pub const REMOTE_PROPS_BYTES_MAX: usize = 300_000;
/// Texts of a post's properties in a question to the policies; a post with more cannot be shown to them as a
/// whole, and passes only if there are no policies.
pub const QUESTION_TEXTS_MAX: usize = 1_000;
/// Bytes of those texts and their paths; as above.
pub const QUESTION_TEXTS_BYTES_MAX: usize = 256 * 1024;
/// Mentions in a question to the policies; as above.
pub const QUESTION_MENTIONS_MAX: usize = 100;
/// Bytes of a post's hashtags; more is refused from a peer, and left out in our own posts.
pub const HASHTAGS_BYTES_MAX: usize = 1_000;
/// Bytes of a post's type; more is refused.
pub const POST_TYPE_BYTES_MAX: usize = 26;
/// Bytes of an emoji's name; more is refused.
pub const EMOJI_BYTES_MAX: usize = 64;
/// Different emoji on one post; a local user's next one is refused. The reference's default
/// (`UniqueEmojiReactionLimitPerPost`).
pub const EMOJI_PER_POST_MAX: u32 = 50;
/// Different emoji on one post including those of peers; a peer's next one is held until there is room. This
/// is the highest setting of the reference: if people on both sides choose emoji at the same time, or one
/// side has a higher limit, both sides still show all of them.
pub const REMOTE_EMOJI_PER_POST_MAX: u32 = 500;
/// Removed reactions to a post that are kept for one user of this workspace, or for all users of one peer.
/// Beyond that they cannot add reactions that were not there before, and the removal of an unknown reaction
/// is not recorded.
pub const REMOVED_REACTIONS_MAX: u32 = 1_000;
/// Reactions, including removed ones, that are read to count those of a post from before reactions were
/// counted on arrival; further ones are not counted.
pub const REACTIONS_COUNTED_MAX: u32 = 10_000;
/// Users of one workspace who have ever acknowledged a post; one more is refused. Workspaces have separate
/// limits, so none can exhaust another's.
pub const ACKNOWLEDGEMENTS_PER_POST_MAX: u32 = 5_000;
/// Time within which an acknowledgement may be withdrawn after it was made, in ms. Client API §6.
pub const ACKNOWLEDGEMENT_WITHDRAWAL_MS: i64 = 5 * 60 * 1000;
/// Users mentioned in a post with persistent notifications; a Mattermost server gets a post that mentions more
/// without them, as it would refuse it. The reference's default (`PersistentNotificationMaxRecipients`).
pub const PERSISTENT_RECIPIENTS_MAX: usize = 5;
/// Bytes of a user name; more is refused, or shortened by the suffix rule for a remote user.
pub const USERNAME_BYTES_MAX: usize = 64;
/// Characters of first, last and nickname; more is refused.
pub const NAME_CHARS_MAX: usize = 64;
/// Characters of a position; more is refused.
pub const POSITION_CHARS_MAX: usize = 128;
/// Maximum characters of what is said of a bot, as in the reference.
pub const BOT_DESCRIPTION_CHARS_MAX: usize = 1024;
/// Bytes of an e-mail address; more is refused.
pub const EMAIL_BYTES_MAX: usize = 128;
/// Bytes of a user's properties or time zone; more is refused.
pub const USER_PROPS_BYTES_MAX: usize = 8_000;
/// Bytes of a team's or channel's URL name and characters of its display name.
pub const CHANNEL_NAME_MAX: usize = 64;
/// Characters of a header; more is refused.
pub const HEADER_CHARS_MAX: usize = 1024;
/// Characters of a purpose; more is refused.
pub const PURPOSE_CHARS_MAX: usize = 250;
/// Channels of a team; one more is refused.
pub const CHANNELS_PER_TEAM_MAX: u32 = 2_000;
/// People in a group channel, at least and at most. Client API §5.
pub const GROUP_MEMBERS: std::ops::RangeInclusive<usize> = 3..=8;
/// Direct and group channels of a local user that were opened here, and as many that were opened in other
/// workspaces; one more is refused.
pub const DIRECT_CHANNELS_PER_USER_MAX: u32 = 2_000;
/// Posts in a block of a channel's order; a fuller one is split.
pub const POSTS_PER_BLOCK: u32 = 1_000;
/// Channels that one peer may have here by its invitations; one more is refused. Channels that an admin here
/// has let go do not count.
pub const RECEIVED_CHANNELS_MAX: u32 = 200;
/// Channels offered over one connection that wait for an administrator's answer, or have it. If that many wait, one
/// more is refused; otherwise it takes the place of an answered one.
pub const CHANNEL_INVITATIONS_MAX: u32 = 100;
/// Administrators are told of so many channels offered over one connection an hour; of the others the list tells.
pub const CHANNEL_INVITATIONS_TOLD_MAX: usize = 10;
/// How long a channel that was offered and taken back counts as the same if it is offered again, in ms; also the hour
/// of [`CHANNEL_INVITATIONS_TOLD_MAX`].
pub const CHANNEL_INVITATIONS_SAME_MS: i64 = 3_600_000;
/// Shortest time after which a channel is offered again to a peer whose administrator has not answered yet, in ms.
pub const CONSENT_RETRY_MIN_MS: i64 = 60_000;
/// Longest such time, in ms.
pub const CONSENT_RETRY_MAX_MS: i64 = 3_600_000;
/// Users of one peer here; one more is refused.
pub const REMOTE_USERS_MAX: u32 = 60_000;
/// The same limit before memberships were shared: only users who wrote, reacted or were mentioned were sent.
pub const WRITING_USERS_MAX: u32 = 10_000;
/// Replies that a step deletes; the rest is a job.
pub const REPLIES_PER_STEP_MAX: u32 = 200;
/// Due rows that a timer step handles.
pub const DUE_PER_STEP_MAX: u32 = 32;
/// Delay of a due row that stopped its step, in ms.
pub const DUE_PUT_OFF_MS: i64 = 10 * 60 * 1000;
/// How long the result of a command with a client's key is remembered, in ms.
pub const REQUEST_MEMORY_MS: i64 = 24 * 60 * 60 * 1000;
/// Inbound items held for one connection; beyond that the peer is asked to try again.
pub const HELD_MAX: u32 = 1_000;
/// Bytes of the items held for one connection, including the mentions of their messages; as above.
pub const HELD_BYTES_MAX: u64 = 4 << 20;
/// Held items of one connection that are asked about again in a step.
pub const HELD_PER_STEP_MAX: u32 = 50;
/// Bytes of the held items that are asked about again in a step; a longer item is asked about alone.
pub const HELD_BYTES_PER_STEP_MAX: u32 = 512 * 1024;
/// Items of a peer's message that a step carries out; the rest follows in further steps, to limit the latency
/// for others. Messages of servers of the reference contain at most about a hundred posts or 25 profiles.
pub const FRAME_ITEMS_PER_STEP_MAX: u32 = 200;
/// Profiles among them: each causes an event for everybody.
pub const PROFILES_PER_STEP_MAX: u32 = 100;
/// Stopped steps of one frame after which the rest of the frame is set aside: enough to find a handful of
/// items that stop a step.
pub const FRAME_STOPS_MAX: u32 = 32;
/// Quarantined items of one connection; one more displaces the oldest.
pub const QUARANTINE_PER_CONNECTION_MAX: usize = 50;
/// Quarantined items before each connection had a share: one more displaced the oldest.
pub const QUARANTINE_MAX: u32 = 200;
/// Bytes kept of a quarantined item; the rest is cut off.
pub const QUARANTINE_BYTES_MAX: usize = 64 * 1024;
/// Attempts to send an item that a peer refuses; after that it is a dead letter.
pub const ITEM_ATTEMPTS_MAX: u32 = 5;
/// Profiles in one message.
pub const USERS_PER_SYNC_MAX: usize = 25;
/// Profiles about which the policies are asked for one message; the others follow in a later step.
pub const PROFILES_JUDGED_MAX: usize = 4 * USERS_PER_SYNC_MAX;
/// Posts in one message to a server of 2021.
pub const POSTS_PER_SYNC_2021: u32 = 12;
/// Validity of an invitation, in ms. Protocol §7.5.
pub const INVITATION_LIFE_MS: i64 = 48 * 60 * 60 * 1000;
/// A connection is online if a ping of ours succeeded within this time, in ms. Protocol §9.
pub const ONLINE_MS: i64 = 5 * 60 * 1000;
/// First pause after a failed send, in ms; doubled with every failure.
pub const BACKOFF_FIRST_MS: i64 = 1_000;
/// Longest pause between two sends, in ms.
pub const BACKOFF_MAX_MS: i64 = 60_000;
/// Live connections; one more is refused.
pub const CONNECTIONS_MAX: u32 = 1_000;
/// Links of a channel; one more is refused.
pub const LINKS_PER_CHANNEL_MAX: u32 = 1_000;
/// Characters of a team's, channel's or connection's display name; more is refused.
pub const DISPLAY_NAME_CHARS_MAX: usize = 64;
/// Characters of a team's description; more is refused.
pub const TEAM_DESCRIPTION_CHARS_MAX: usize = 255;
/// Bytes of a client's key of a command; more is refused. Clients send `<user id>:<ms>`.
pub const REQUEST_KEY_BYTES_MAX: usize = 128;
/// Remembered results expire in groups of this span, in ms.
pub const REQUEST_EXPIRY_STEP_MS: i64 = 60_000;
/// Expired results that a step drops.
pub const REQUESTS_PER_STEP_MAX: u32 = 500;
/// Bytes of a locale; more is refused.
pub const LOCALE_BYTES_MAX: usize = 5;
/// Bytes of a site URL; more is refused.
pub const SITE_URL_BYTES_MAX: usize = 512;
/// Maximum setting of posts in one message.
pub const POSTS_PER_SYNC_MAX: u32 = 200;
/// Maximum setting of people in one message that offers them.
pub const OFFERED_USERS_PER_SYNC_MAX: u32 = 200;
/// Maximum setting of membership changes in one message.
pub const MEMBERS_PER_SYNC_MAX: u32 = 200;
/// Shortest setting of the time after which members are told of an interruption, in ms.
pub const INTERRUPTION_MS_MIN: i64 = 1_000;
/// Longest such setting, in ms.
pub const INTERRUPTION_MS_MAX: i64 = 7 * 24 * 3_600_000;
/// Connections that a step sends to; the others follow in timer steps.
pub const PUMPS_PER_STEP_MAX: usize = 16;
/// Rounds that a step examines for one connection before it finds one with something to send; the search
/// continues in a timer step.
pub const PASSES_PER_PUMP_MAX: u32 = 8;
/// Objects of a round; a history round stops at the first post that reaches this.
pub const OBJECTS_PER_ROUND_MAX: u32 = POSTS_PER_SYNC_MAX;
/// Reactions sent along with a post of a channel's history; further ones are not sent.
pub const HISTORY_REACTIONS_MAX: u32 = 200;
/// Acknowledgements sent along with a post of a channel's history; further ones are not sent.
pub const HISTORY_ACKNOWLEDGEMENTS_MAX: u32 = 200;
/// Acknowledgements in one message; the others of the round follow in further messages.
pub const ACKNOWLEDGEMENTS_PER_SYNC_MAX: usize = 200;
/// Reactions in one message; the others of the round follow in further messages.
pub const REACTIONS_PER_SYNC_MAX: usize = 200;
/// Users that a step looks through for those to offer to a peer.
pub const OFFERED_LOOKED_AT_MAX: u32 = 200;
/// Pause before the memberships of a channel are offered again to a peer that ignores them, in ms.
pub const MEMBERS_REFUSED_MS: i64 = 10 * 60_000;
/// Pause before people are offered again to a peer that takes none at the moment, in ms.
pub const OFFER_REFUSED_MS: i64 = 60_000;
/// First pause before people are offered again to a peer that did not take all of a message, in ms; doubled
/// each time.
pub const OFFER_INCOMPLETE_MS: i64 = 60_000;
/// How often that pause is doubled.
pub const OFFER_DOUBLED_MAX: u32 = 7;
/// New statuses of local users in one input; more are ignored. The host gives at most one such input a second,
/// and the others in the next one.
pub const STATUSES_PER_STEP_MAX: usize = 1_000;
/// Statuses in one message, and entries of the feed of statuses that a step reads.
pub const STATUSES_PER_SYNC_MAX: u32 = 200;
/// Entries of the feed of people that a step reads.
pub const PEOPLE_PER_STEP_MAX: u32 = 32;
/// Channels of a connection that are searched for a changed profile's user.
pub const CHANNELS_PER_USER_MAX: u32 = 100;
/// Names looked up for the mentions of a post; further mentions are sent as typed.
pub const MENTION_LOOKUPS_MAX: u32 = 100;
/// First pause after a peer refused an item, in ms; doubled with every refusal.
pub const ITEM_RETRY_FIRST_MS: i64 = 10_000;
/// Refusals after which an item is sent alone, so that it cannot harm others.
pub const ITEM_ALONE_AFTER: u32 = 2;
/// Pause before a policy that failed is asked again, in ms.
pub const HELD_RETRY_MS: i64 = 30_000;
/// Posts of a link that are given up and whose authors are told so; a peer that refuses more is not a matter of
/// posts.
pub const DEAD_LETTERS_TOLD_MAX: u64 = 20;
/// Characters of a post by which its author recognises it.
pub const BEGINNING_CHARS_MAX: usize = 60;
/// Characters kept of a reason that a peer or a policy gave; the rest is cut off.
pub const REASON_CHARS_MAX: usize = 200;
/// Replies and reactions that are tried again when the object they belong to was delivered after all; further
/// ones wait for their own time.
pub const DEPENDENTS_MAX: u32 = 200;
/// Rows that a step of a job reads or deletes.
pub const JOB_ROWS_PER_STEP: u32 = 200;
/// Minimum time between two complete resends to a peer that reports another incarnation, in ms; a further one
/// is delayed until then.
pub const RESEND_INTERVAL_MS: i64 = 60_000;
/// Bytes of a peer's site URL; more is refused. Protocol §3.
pub const REMOTE_SITE_URL_BYTES_MAX: usize = 512;
/// Latest time that a peer may name, in ms: the end of the year 9999. A clock that is ahead is no reason to
/// refuse its times; a time that makes sums overflow is.
pub const TIME_MAX_MS: i64 = 253_402_300_799_999;
/// Changes of personal values in one command; more are refused. Client API §3.
pub const PERSONAL_CHANGES_MAX: usize = 100;
/// Bytes of a personal value's name; more is refused: a category and a name of 32 each.
pub const PERSONAL_NAME_BYTES_MAX: usize = 65;
/// Bytes of a personal value; more is refused.
pub const PERSONAL_VALUE_BYTES_MAX: usize = 20_000;
/// Personal values of a user, for each kind; more are refused.
pub const PERSONAL_VALUES_MAX: u32 = 4_000;
/// Bytes of all personal values of a user, for each kind; more are refused. Together with the changes of one
/// command they can be read at once.
pub const PERSONAL_BYTES_MAX: usize = 1 << 20;
/// Bytes of a draft: a message of full length in any script. More is refused.
pub const DRAFT_BYTES_MAX: usize = 80_000;
/// Changes of drafts in one command; more are refused.
pub const DRAFT_CHANGES_MAX: usize = 20;
/// Files of a post; more are refused. Client API §4.
pub const FILES_PER_POST_MAX: usize = 10;
/// Characters of a file's name; more is refused.
pub const FILE_NAME_CHARS_MAX: usize = 255;
/// Files of a user that no post has taken yet; one more is refused.
pub const UNPOSTED_FILES_MAX: u32 = 1_000;
/// How long a file waits for a post that takes it, in ms; then it is dropped.
pub const UNPOSTED_FILE_LIFE_MS: i64 = 24 * 60 * 60 * 1000;
/// Such files are dropped in groups of this span, in ms.
pub const UNPOSTED_FILE_STEP_MS: i64 = 60_000;
/// Such files that a step drops.
pub const UNPOSTED_FILES_PER_STEP_MAX: u32 = 200;
/// Files of one peer that no post has taken yet; one more is refused.
pub const UNPOSTED_FILES_OF_PEER_MAX: u32 = 5_000;
/// Files that a peer has announced and whose bytes have not all arrived; one more displaces the oldest. A peer
/// sends one after another.
pub const UPLOADS_OF_PEER_MAX: u32 = 8;
/// Attempts to send a file that a peer refuses; then it is given up.
pub const FILE_ATTEMPTS_MAX: u32 = 5;
/// Attempts to send a file in which the connection breaks, after which its post goes without it to a peer that
/// gets files first.
pub const FILE_BREAKS_AWAITED: u32 = 3;
/// First pause after a peer did not take a file whose bytes it had, or refused it, in ms; doubled each time.
pub const FILE_RETRY_FIRST_MS: i64 = 30_000;
/// Longest pause after a peer did not take a file, in ms: each attempt may cost all its bytes.
pub const FILE_RETRY_MAX_MS: i64 = 10 * 60 * 1000;
/// Bytes of a custom status as JSON text; more is refused: 100 characters, an emoji and when it ends.
pub const CUSTOM_STATUS_BYTES_MAX: usize = 1_000;
/// Bytes of a profile picture as it is stored; more is refused. The pixels alone are 64 KiB.
pub const PROFILE_PICTURE_BYTES_MAX: u64 = 128 * 1024;
/// How often a post that waits for its files to reach a peer is looked at again even if none has, in ms.
pub const FILES_LOOKED_AT_MS: i64 = 60_000;
/// Bytes of the name of an integration's component in a question to the policies; the rest is cut off.
pub const COMPONENT_NAME_BYTES_MAX: usize = 256;
/// Questions about the components of a post: for each of them, one for each connection of the channel. A post with more
/// is shown without any of them.
pub const COMPONENT_QUESTIONS_MAX: usize = 1_000;
/// Posts of a channel that a step looks through for those that show components.
pub const COMPONENT_POSTS_PER_STEP: u32 = 50;
/// Posts with components about which the policies are asked in such a step.
pub const COMPONENT_POSTS_ASKED_MAX: usize = 10;
/// Earlier versions of a post's text that are kept; the oldest is dropped for one more.
pub const EARLIER_VERSIONS_MAX: u32 = 10;
/// Custom emoji of a workspace; one more is refused.
pub const CUSTOM_EMOJI_MAX: u32 = 2_000;
/// Bytes of the picture of a custom emoji, as the host stores it; more is refused.
pub const EMOJI_PICTURE_BYTES_MAX: u64 = 512 * 1024;
/// Posts that follow one from which on a channel is marked as unread, and are counted; more count as this many.
pub const UNREAD_COUNTED_MAX: u32 = 200;
