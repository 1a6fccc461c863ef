//! Numbered behaviours. Kernel decisions may change from release to release; code whose decision changed
//! checks whether the number of the new behaviour is in force in the workspace, and decides as before if it
//! is not.
//!
//! A number comes into force by a row that the kernel writes when it first runs in the workspace: at its
//! beginning, when another kernel takes over, when the service starts. Rows are never deleted. A kernel that
//! finds an unknown number refuses the workspace: its decisions would differ from those that produced the
//! rows.

use serde::{Deserialize, Serialize};

use crate::boundary::output::Refusal;
use crate::boundary::texts::no_texts;
use crate::objects::{administrators, order};
use crate::rows::tx::{Read, Tx};

macro_rules! behaviours {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// A behaviour of the kernel. A number is never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u32)]
        pub enum Behaviour { $($(#[$doc])* $name = $number,)* }

        impl Behaviour {
            /// Every behaviour that this kernel knows, sorted by number.
            pub const ALL: &'static [Behaviour] = &[$(Behaviour::$name,)*];
        }
    };
}

behaviours! {
    /// The behaviour of the kernel when behaviours were first numbered.
    Founding = 1,
    /// A peer's user gets the sender's suffix if the name ends with the suffix of another connection here.
    OwnSuffixes = 2,
    /// Everything that another Causeway could not accept is sent to it again: reactions whose posts it names
    /// in `reaction_errors`, deletions of posts that it names in `post_errors`, and a channel that it lost in
    /// a restore, with its invitation. To a Mattermost server the profile of a refused post's author is sent
    /// again with the next attempt. A restored workspace also forwards a deletion if it does not hold the
    /// post.
    SentAgain = 3,
    /// When the policies change, held inbound items are asked about at once, and items that were denied are
    /// asked about again when they arrive again.
    AskedAgain = 4,
    /// The policies are asked about whole posts: including the texts of the properties, and also if only the
    /// properties changed. The question contains users' homes and the step's time.
    WholePosts = 5,
    /// Reactions are counted in rows of their own. A peer's emoji over the limit is held, like a post that
    /// waits for a policy, and removed reactions are limited for each peer or user, so they cannot crowd out
    /// anybody else's reactions.
    CountedReactions = 6,
    /// A peer that answers a ping is reachable: earlier failures no longer count, and the pauses between
    /// attempts start from the beginning.
    PausesBeginAnew = 7,
    /// Acknowledgements of a peer's users are carried out; before, they were ignored.
    Acknowledgements = 8,
    /// A peer's post with a date later than the step in which it arrives is ordered by its arrival in its
    /// channel and thread.
    OrderedByArrival = 9,
    /// Texts are parsed as Markdown when looking for mentions: code, link targets and bare addresses contain
    /// no mentions and stay unchanged. A name emphasised with underscores is a mention.
    MentionsInWords = 10,
    /// The posts of a channel are counted in blocks; older posts are counted by a job.
    PostsCounted = 11,
    /// The users mentioned by a post are stored in rows, and a membership records what was seen.
    MentionsKept = 12,
    /// System admins may edit posts of other users of this workspace.
    AdminsEdit = 13,
    /// The part after the colon in a remote user's name is the connection over which its workspace is
    /// reached, whatever the peer calls it; a user who wrongly bears a connection's name is renamed. A
    /// profile that claims to come over another connection of ours is refused. Connection names that look
    /// alike where names are cut are refused.
    OwnNames = 14,
    /// A peer may have a limited number of channels here, and a channel that an admin here has let go does
    /// not come back by an invitation. A channel offered under a taken name gets another name, and no channel
    /// gets a name that clients take for that of a direct or group channel.
    GuardedInvitations = 15,
    /// Texts with a NUL and numbers outside the range of a 64-bit float are refused in commands, and replaced
    /// in what peers send and receive.
    PortableTexts = 16,
    /// The number of a peer's users here is limited. Their addition to a team is not an event, as only the
    /// user would receive it.
    BoundedUsers = 17,
    /// Users are searched by an index of their names, in which the workspace's own users are kept separate.
    SearchedNames = 18,
    /// A frame with more items than a step takes is carried out in several steps, and a connection has its
    /// own share of the quarantine.
    FrameParts = 19,
    /// Held items of a peer are found by an index and limited in bytes.
    IndexedHeld = 20,
    /// However often a peer reports another incarnation, everything is sent to it again at most once a
    /// minute.
    SpacedResends = 21,
    /// The priority of a peer's posts is stored; before, it was ignored.
    Priorities = 22,
    /// What is shared with connected workspaces is a row of settings.
    ConnectedWorkspaces = 23,
    /// Statuses of a peer's users are stored; before, they were ignored.
    Statuses = 24,
    /// Joins and leaves of local users in shared channels are recorded, and shared if that is switched on. A
    /// peer may have more users here.
    SharedMemberships = 25,
    /// All people may be offered to peers, and those offered by peers taken in, without a channel.
    Directory = 26,
    /// Direct and group channels with people of other workspaces are opened, and a peer's invitations to them
    /// are taken, if the workspace allows it; before, they were refused.
    DirectChannels = 27,
    /// Posts have files.
    Files = 28,
    /// The members of shared channels are told when a peer is not reached for a while, and when it is again.
    Interruptions = 29,
    /// Nothing can belong to the messages about an interruption but local reactions: no peer holds them.
    LocalNotices = 30,
    /// A position in what a peer is offered that is set back stays there when a round ends that was in flight
    /// meanwhile.
    SetBack = 31,
    /// A reaction that was taken back and given again is passed on, even if its removal never arrived.
    ReactionsGivenAnew = 32,
    /// What a peer calls a user is recorded whenever it changes, also a hub's name with a colon; so a user of a
    /// third workspace who takes an earlier name again has it here as well.
    NamesAsTold = 33,
    /// Files are sent to peers and taken from them; before, they were refused.
    SharedFiles = 34,
    /// The author of a post that is given up for a peer is told so.
    GivenUpPostsTold = 35,
    /// People have pictures, which are sent to peers and taken from them.
    Pictures = 36,
    /// People are offered again when everything is sent again to a restored peer, and not when that is scheduled: what
    /// it loses in between would be missing.
    OfferedWhenResent = 37,
    /// A withdrawal of an acknowledgement that is not known here is passed on: before a restore, the workspace may
    /// have passed on the acknowledgement.
    WithdrawalsPassedOn = 38,
    /// A membership that a peer did not take is sent again with the profile of its user, even if it was given up.
    MembershipsFollowProfiles = 39,
    /// A user of a peer who is deactivated at home is inactive here.
    Deactivations = 40,
    /// Changed profiles are sent over another channel if a Mattermost server does not know the first one any more.
    ProfilesElsewhere = 41,
    /// What a user's home states about a membership holds whether or not the user is deactivated, as it does at
    /// home: otherwise a user who comes back stays outside.
    InactiveMembers = 42,
    /// The end of a channel's sharing is told to another Causeway and to the members here, and a channel that its
    /// home, a Causeway, no longer shares is archived.
    ToldEndings = 43,
    /// Permissions are granted through roles, which can be changed. Active system admins are recorded, and the last
    /// one cannot be deactivated.
    Roles = 44,
    /// A link of a post to another one that a Mattermost server of the 11 line has too is sent to it in the form that
    /// it shows as a link to its own copy.
    SharedLinks = 45,
    /// A peer that creates a direct or group channel here by its invitation names one of its own users as the one who
    /// opened it; naming another user counts as naming nobody.
    OwnOpeners = 46,
    /// What a peer says of one of its users being a bot or a guest is kept.
    UserClasses = 47,
    /// People who were deactivated since the first connection to another Causeway are offered to it, as they may be
    /// known there as active: because it was restored, is reached over another connection, or took an offer whose
    /// answer was lost.
    DeactivatedOffered = 48,
    /// The policies are asked at every gate at which one of them decides, and at no other; before, about every post.
    Gates = 49,
    /// The policies are asked about the mentions in posts, if one of them decides about these.
    Mentions = 50,
    /// The policies are asked about components of integrations in shared channels: before one is used, and when a post
    /// that shows some is written or arrives.
    Components = 51,
    /// What a peer sent of people about whom the policies could not decide is held here like a post: their profiles,
    /// whether they become members, and what they wrote or did. Another Causeway is told whose profiles wait, and what
    /// these people do is sent to it. A profile that the policies hold back is tried in
    /// another channel when the one in which it waits is no longer shared, and wherever it waits when it changes. The
    /// policies are asked about a direct or group channel that is shared again, and about the picture of a peer's user.
    /// A held post that comes again with more files takes the place of the one that is held.
    Undecided = 52,
    /// Earlier versions of a post's text are kept for its author.
    EarlierVersions = 53,
}

/// A behaviour that is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InForce {
    /// The step's time when it came into force, in ms.
    pub since_ms: i64,
}
no_texts!(InForce);

/// Maximum number of rows read at once; a workspace has one for each release that changed a decision.
const NUMBERS_MAX: u32 = 10_000;

impl Behaviour {
    /// Its number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// Whether this workspace follows it.
    pub fn is_in_force(self, rows: &(impl Read + ?Sized)) -> bool {
        rows.has::<InForce>(&self.number())
    }
}

/// The numbers in force in a workspace and since when, sorted by number.
pub fn in_force(rows: &(impl Read + ?Sized)) -> Vec<(u32, InForce)> {
    rows.prefix::<InForce, ()>(&(), NUMBERS_MAX)
}

/// The numbers in force in a workspace that this kernel does not know, sorted.
pub fn unknown(rows: &(impl Read + ?Sized)) -> Vec<u32> {
    let is_known = |number: &u32| Behaviour::ALL.iter().any(|it| it.number() == *number);
    in_force(rows)
        .into_iter()
        .map(|(number, _)| number)
        .filter(|number| !is_known(number))
        .collect()
}

/// The error id of a kernel's refusal to run a workspace.
pub const UNKNOWN_ID: &str = "causeway.behaviour.unknown.app_error";

/// Brings everything that this kernel knows into force.
///
/// # Errors
/// When the workspace has numbers in force that this kernel does not know; nothing is written.
pub fn adopt(tx: &mut Tx<'_>) -> Result<(), Refusal> {
    let unknown = unknown(tx);
    if !unknown.is_empty() {
        return Err(refusal(&unknown));
    }
    let since_ms = tx.now_ms();
    for behaviour in Behaviour::ALL {
        if !behaviour.is_in_force(tx) {
            tx.put(&behaviour.number(), &InForce { since_ms });
            match behaviour {
                Behaviour::PostsCounted => order::start_counting(tx),
                Behaviour::Roles => administrators::start_finding(tx),
                _ => {}
            }
        }
    }
    Ok(())
}

fn refusal(unknown: &[u32]) -> Refusal {
    let numbers: Vec<String> = unknown.iter().map(u32::to_string).collect();
    let message = format!(
        "Behaviours are in force in this workspace that this kernel does not know: {}. A newer \
         release ran it last. Run that release or a newer one; nothing was changed.",
        numbers.join(", ")
    );
    Refusal::new(409, UNKNOWN_ID, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boundary::input::{Genesis, Input};
    use crate::boundary::output::{Output, Reply};
    use crate::model::Config;
    use crate::rows::key;
    use crate::rows::table::Table;
    use crate::rows::testing::MemoryHost;
    use crate::rows::tx::Record;

    fn workspace() -> MemoryHost {
        let mut host = MemoryHost::new();
        let genesis = Genesis {
            site_url: "http://here.example".into(),
            config: Config::default(),
        };
        host.run(1_000, 7, &Input::Genesis(genesis));
        host
    }

    fn kernel_changed() -> Input {
        Input::KernelChanged { digest: "k".into() }
    }

    fn put(host: &mut MemoryHost, number: u32) {
        let key = key::encode(&number);
        let value = InForce { since_ms: 5 }.to_bytes();
        host.tables.set(Table::Behaviours, &key, Some(value));
    }

    fn writes(output: &Output) -> usize {
        output.writes.len()
    }

    #[test]
    fn numbers_rise_and_begin_with_the_founding_one() {
        let numbers: Vec<u32> = Behaviour::ALL.iter().map(|it| it.number()).collect();
        assert_eq!(numbers.first(), Some(&1));
        assert!(numbers.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn a_workspace_begins_with_every_number_and_they_are_recorded_once() {
        let mut host = workspace();
        let all: Vec<u32> = Behaviour::ALL.iter().map(|it| it.number()).collect();
        let since_ms = 1_000;
        let expected: Vec<(u32, InForce)> =
            all.iter().map(|no| (*no, InForce { since_ms })).collect();
        assert_eq!(in_force(&host), expected);
        for input in [Input::Resume, kernel_changed()] {
            let output = host.run(2_000, 7, &input);
            assert_eq!((output.reply.clone(), writes(&output)), (Reply::Done, 0));
        }
        assert_eq!(in_force(&host), expected);
    }

    #[test]
    fn a_workspace_of_older_data_gets_its_numbers_at_the_next_start() {
        for input in [Input::Resume, kernel_changed()] {
            let mut host = workspace();
            host.tables.clear(Table::Behaviours);
            assert!(!Behaviour::Founding.is_in_force(&host));
            assert_eq!(writes(&host.run(2_000, 7, &Input::Timer)), 0);
            host.run(3_000, 7, &input);
            let since_ms = 3_000;
            let all = Behaviour::ALL.iter().map(|it| it.number());
            let expected: Vec<(u32, InForce)> = all.map(|no| (no, InForce { since_ms })).collect();
            assert_eq!(in_force(&host), expected);
            assert!(Behaviour::Founding.is_in_force(&host));
        }
    }

    #[test]
    fn a_kernel_refuses_a_workspace_with_numbers_that_it_does_not_know() {
        let mut host = workspace();
        put(&mut host, 4_000_000_000);
        put(&mut host, 77);
        assert_eq!(unknown(&host), [77, 4_000_000_000]);
        let rows = host.tables.clone();
        for input in [Input::Resume, kernel_changed()] {
            let output = host.run(9_000, 7, &input);
            let Reply::Refused(refusal) = &output.reply else {
                panic!("refused: {:?}", output.reply);
            };
            assert_eq!(refusal.id, UNKNOWN_ID);
            assert!(refusal.message.contains(" 77, 4000000000."));
            assert!(output.effects.is_empty());
        }
        assert_eq!(host.tables, rows, "nothing was changed");
    }
}
