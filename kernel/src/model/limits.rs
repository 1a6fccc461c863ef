//! Limits of what a workspace takes, each with what happens beyond it.

/// Characters of a message; more is refused (`MaxPostSize` of the reference).
pub const MESSAGE_CHARS_MAX: usize = 16_383;
/// Bytes of a post's properties; more is refused. A post has to fit into a frame to a peer with the
/// longest message that there may be; the reference takes more and then cannot send it.
pub const PROPS_BYTES_MAX: usize = 170_000;
/// Bytes of the properties of a peer's post; more is refused. Any that came in a frame are taken;
/// sent on with a long message, they may be too long for one, which is noted as a dead letter.
pub const REMOTE_PROPS_BYTES_MAX: usize = 300_000;
/// Texts of a post's properties in a question to the policies; a post with more cannot be shown to
/// them whole, and passes only where there are none.
pub const QUESTION_TEXTS_MAX: usize = 1_000;
/// Bytes of those texts and their paths; as above.
pub const QUESTION_TEXTS_BYTES_MAX: usize = 256 * 1024;
/// Bytes of a post's hashtags; more is refused from a peer, and left out in our own posts.
pub const HASHTAGS_BYTES_MAX: usize = 1_000;
/// Bytes of a post's type; more is refused.
pub const POST_TYPE_BYTES_MAX: usize = 26;
/// Bytes of an emoji's name; more is refused.
pub const EMOJI_BYTES_MAX: usize = 64;
/// Different emoji on one post; a local user's next one is refused. The reference's default
/// (`UniqueEmojiReactionLimitPerPost`).
pub const EMOJI_PER_POST_MAX: u32 = 50;
/// Different emoji on one post with those of peers; a peer's next one waits until there is room.
/// The most that a server of the reference can be set to: whatever people chose on two sides at the
/// same time, or at one with a higher limit, both sides show all of it.
pub const REMOTE_EMOJI_PER_POST_MAX: u32 = 500;
/// Removed reactions to a post that are kept of one user of this workspace, or of all users of one
/// peer. Beyond that they add none that was not there before, and a removal of what never was there
/// is not kept.
pub const REMOVED_REACTIONS_MAX: u32 = 1_000;
/// Reactions, removed ones included, that are looked at to count those of a post from before they
/// were counted as they come; further ones are not counted.
pub const REACTIONS_COUNTED_MAX: u32 = 10_000;
/// Users of one workspace who have ever acknowledged a post; one more is refused. Whoever fills this
/// fills it for nobody else.
pub const ACKNOWLEDGEMENTS_PER_POST_MAX: u32 = 5_000;
/// How long after it was made an acknowledgement may be withdrawn, in ms. Client API §6.
pub const ACKNOWLEDGEMENT_WITHDRAWAL_MS: i64 = 5 * 60 * 1000;
/// Bytes of a user name; more is refused, of a remote user shortened by the suffix rule.
pub const USERNAME_BYTES_MAX: usize = 64;
/// Characters of first, last and nickname; more is refused.
pub const NAME_CHARS_MAX: usize = 64;
/// Characters of a position; more is refused.
pub const POSITION_CHARS_MAX: usize = 128;
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
/// Posts in a block of a channel's order; a fuller one becomes two.
pub const POSTS_PER_BLOCK: u32 = 1_000;
/// Channels that one peer may have here by its invitations; one more is refused. One that an admin here
/// lets go does not count.
pub const RECEIVED_CHANNELS_MAX: u32 = 200;
/// Users of one peer here; one more is refused. Only those come who write, react or are mentioned in a
/// channel that is shared.
pub const REMOTE_USERS_MAX: u32 = 10_000;
/// Replies that a step deletes; the rest is a job.
pub const REPLIES_PER_STEP_MAX: u32 = 200;
/// Due rows that a timer step handles.
pub const DUE_PER_STEP_MAX: u32 = 32;
/// How long a due row waits that stopped its step, in ms.
pub const DUE_PUT_OFF_MS: i64 = 10 * 60 * 1000;
/// How long the result of a command with a client's key is remembered, in ms.
pub const REQUEST_MEMORY_MS: i64 = 24 * 60 * 60 * 1000;
/// Inbound posts held for one connection; beyond that the peer is asked to try again.
pub const HELD_MAX: u32 = 1_000;
/// Bytes of the items held for one connection, with the mentions of their messages; as above.
pub const HELD_BYTES_MAX: u64 = 4 << 20;
/// Held items of one connection that are asked again in a step.
pub const HELD_PER_STEP_MAX: u32 = 50;
/// Bytes of the held items that are asked again in a step; a longer one is asked alone.
pub const HELD_BYTES_PER_STEP_MAX: u32 = 512 * 1024;
/// Items of a peer's message that a step carries out; the rest follows in further steps, so that
/// nobody waits for long behind one. Messages of servers of the reference hold at most about a
/// hundred posts or 25 profiles.
pub const FRAME_ITEMS_PER_STEP_MAX: u32 = 200;
/// Profiles among them: each is news for everybody.
pub const PROFILES_PER_STEP_MAX: u32 = 100;
/// Steps of one frame that may be stopped before what is left of the frame is set aside: enough to
/// find a handful of items that stop one.
pub const FRAME_STOPS_MAX: u32 = 32;
/// Quarantined items of one connection; its oldest one goes when one more comes.
pub const QUARANTINE_PER_CONNECTION_MAX: usize = 50;
/// Quarantined items before each connection had a share: the oldest went when one more came.
pub const QUARANTINE_MAX: u32 = 200;
/// Bytes kept of a quarantined item; the rest is cut off.
pub const QUARANTINE_BYTES_MAX: usize = 64 * 1024;
/// Sends of an item that a peer refuses, after which it is a dead letter.
pub const ITEM_ATTEMPTS_MAX: u32 = 5;
/// Profiles in one message.
pub const USERS_PER_SYNC_MAX: usize = 25;
/// Posts in one message to a server of 2021.
pub const POSTS_PER_SYNC_2021: u32 = 12;
/// Life of an invitation, in ms. Protocol §7.5.
pub const INVITATION_LIFE_MS: i64 = 48 * 60 * 60 * 1000;
/// A connection is online when a ping of ours succeeded within this time, in ms. Protocol §9.
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
/// Remembered results that a step drops.
pub const REQUESTS_PER_STEP_MAX: u32 = 500;
/// Bytes of a locale; more is refused.
pub const LOCALE_BYTES_MAX: usize = 5;
/// Bytes of a site URL; more is refused.
pub const SITE_URL_BYTES_MAX: usize = 512;
/// Highest setting of posts in one message.
pub const POSTS_PER_SYNC_MAX: u32 = 200;
/// Connections that a step sends to; the others follow in timer steps.
pub const PUMPS_PER_STEP_MAX: usize = 16;
/// Rounds that a step looks at for one connection before it finds one with something to send; the
/// search goes on in a timer step.
pub const PASSES_PER_PUMP_MAX: u32 = 8;
/// Objects of a round; a history round stops at the first post that reaches this.
pub const OBJECTS_PER_ROUND_MAX: u32 = POSTS_PER_SYNC_MAX;
/// Reactions sent along with a post of a channel's history; more stay behind.
pub const HISTORY_REACTIONS_MAX: u32 = 200;
/// Acknowledgements sent along with a post of a channel's history; more stay behind.
pub const HISTORY_ACKNOWLEDGEMENTS_MAX: u32 = 200;
/// Acknowledgements in one message; the others of the round follow in further ones.
pub const ACKNOWLEDGEMENTS_PER_SYNC_MAX: usize = 200;
/// Reactions in one message; the others of the round follow in further ones.
pub const REACTIONS_PER_SYNC_MAX: usize = 200;
/// Entries of the feed of people that a step looks at.
pub const PEOPLE_PER_STEP_MAX: u32 = 32;
/// Channels of a connection in which a changed profile is looked for.
pub const CHANNELS_PER_USER_MAX: u32 = 100;
/// Names that are looked up for the mentions of a post; further mentions travel as typed.
pub const MENTION_LOOKUPS_MAX: u32 = 100;
/// First pause after a peer refused an item, in ms; doubled with every refusal.
pub const ITEM_RETRY_FIRST_MS: i64 = 10_000;
/// Refusals after which an item is sent alone, so that it cannot harm others.
pub const ITEM_ALONE_AFTER: u32 = 2;
/// Pause before a policy that failed is asked again, in ms.
pub const HELD_RETRY_MS: i64 = 30_000;
/// Characters kept of a reason that a peer or a policy gave; the rest is cut off.
pub const REASON_CHARS_MAX: usize = 200;
/// Replies and reactions that are looked at when what they belong to was delivered after all;
/// further ones wait for their own time.
pub const DEPENDENTS_MAX: u32 = 200;
/// Rows that a step of a job reads or deletes.
pub const JOB_ROWS_PER_STEP: u32 = 200;
/// Shortest time between two times that everything is sent to a peer again because it tells another
/// incarnation, in ms; a further one waits until then.
pub const RESEND_INTERVAL_MS: i64 = 60_000;
/// Bytes of a peer's site URL; more is refused. Protocol §3.
pub const REMOTE_SITE_URL_BYTES_MAX: usize = 512;
/// Latest time that a peer may name, in ms: the end of the year 9999. A clock that is ahead is no
/// reason to refuse what it stamps; a time that makes sums overflow is.
pub const TIME_MAX_MS: i64 = 253_402_300_799_999;
/// Changes of personal values in one command; more are refused. Client API §3.
pub const PERSONAL_CHANGES_MAX: usize = 100;
/// Bytes of a personal value's name; more is refused: a category and a name of 32 each.
pub const PERSONAL_NAME_BYTES_MAX: usize = 65;
/// Bytes of a personal value; more is refused.
pub const PERSONAL_VALUE_BYTES_MAX: usize = 20_000;
/// Personal values of a user, for each kind; more are refused.
pub const PERSONAL_VALUES_MAX: u32 = 4_000;
/// Bytes of all personal values of a user, for each kind; more are refused. With the changes of one
/// command on top they can be read at once.
pub const PERSONAL_BYTES_MAX: usize = 1 << 20;
