//! Numbered behaviours. What a kernel decides may change from release to release; a decision that
//! changed asks whether the number of its new behaviour is in force in the workspace, and decides
//! as before where it is not.
//!
//! A number comes into force by a row that the kernel writes when it first runs in the workspace:
//! at its beginning, when another kernel takes over, when the service starts. Rows are never
//! deleted. A kernel that finds a number which it does not know refuses the workspace: it would
//! decide otherwise than the rows were made by.

use serde::{Deserialize, Serialize};

use crate::boundary::output::Refusal;
use crate::boundary::texts::no_texts;
use crate::objects::order;
use crate::rows::tx::{Read, Tx};

macro_rules! behaviours {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// A behaviour of the kernel. A number is never used again, nor for anything else.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u32)]
        pub enum Behaviour { $($(#[$doc])* $name = $number,)* }

        impl Behaviour {
            /// Every behaviour that this kernel knows, by rising number.
            pub const ALL: &'static [Behaviour] = &[$(Behaviour::$name,)*];
        }
    };
}

behaviours! {
    /// What the kernel did when behaviours were first numbered.
    Founding = 1,
    /// A peer's user whose name ends like one of another connection here gets the sender's suffix.
    OwnSuffixes = 2,
    /// Whatever a Causeway could not take is sent to it again: reactions whose posts it names in
    /// `reaction_errors`, deletions of posts that it names in `post_errors`, and a channel that it
    /// lost in a restore, with its invitation. To a Mattermost server the profile of who wrote a
    /// refused post goes again with the next try. A deletion goes on from a restored workspace
    /// also when that does not hold the post.
    SentAgain = 3,
    /// When the policies change, inbound items that wait for them are asked about at once, and what
    /// was denied is asked about again when it comes again.
    AskedAgain = 4,
    /// The policies are asked about whole posts: the texts of the properties too, and also when only
    /// the properties changed. Who lives where and the step's time belong to the question.
    WholePosts = 5,
    /// Reactions are counted in rows of their own. A peer's emoji that is one too many waits, as a
    /// post for a policy does, and removed reactions are limited for each peer or user, so that they
    /// end the reactions of nobody else.
    CountedReactions = 6,
    /// A peer that answers a ping is there: what failed before counts no longer, and the pauses
    /// between tries begin anew.
    PausesBeginAnew = 7,
    /// Acknowledgements of a peer's users are carried out; before, they were passed over.
    Acknowledgements = 8,
    /// A peer's post that is dated later than the step in which it comes stands in the order of its
    /// channel and thread where it came.
    OrderedByArrival = 9,
    /// Texts are read as Markdown where mentions are looked for: code, targets of links and bare
    /// addresses mention nobody, and stay as they are. A name in emphasis by underscores is one.
    MentionsInWords = 10,
    /// The posts of a channel are counted in blocks, those from before in a job.
    PostsCounted = 11,
    /// Whom a post mentions is kept in rows, and a membership says what was seen.
    MentionsKept = 12,
    /// Who administers the system edits what others of this workspace wrote.
    AdminsEdit = 13,
    /// Behind the colon in a remote user's name stands the connection over which its workspace is
    /// reached, whatever the peer calls it; who bears a connection's name wrongly gives way. A profile that
    /// claims to come over another connection of ours is refused. Names of connections that look
    /// alike where they are cut are refused.
    OwnNames = 14,
    /// A peer may have so many channels here, and no more; what an admin here has let go does not come back by
    /// an invitation. A channel that is offered under a name that is taken gets another, and none
    /// gets a name that clients take for that of a direct or group channel.
    GuardedInvitations = 15,
    /// Texts with a NUL and numbers that are beyond a 64-bit float are refused in commands, and replaced in
    /// what peers send and are sent.
    PortableTexts = 16,
    /// So many users of a peer may be here, and no more. That one was added to a team is no news, as only the
    /// user would hear it.
    BoundedUsers = 17,
    /// Users are searched by an index of their names, in which the workspace's own stand apart.
    SearchedNames = 18,
    /// A frame with more items than a step takes is carried out by several, and a connection has a
    /// share of the quarantine of its own.
    FrameParts = 19,
    /// What waits of a peer is found by an index and limited in bytes.
    IndexedHeld = 20,
    /// However often a peer tells another incarnation, everything is sent to it again once a minute at
    /// most.
    SpacedResends = 21,
}

/// A behaviour that is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InForce {
    /// The step's time when it came into force, in ms.
    pub since_ms: i64,
}
no_texts!(InForce);

/// Numbers that are read at once; a workspace has one for each release that changed a decision.
const NUMBERS_MAX: u32 = 10_000;

impl Behaviour {
    /// Its number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// Whether decisions follow it in this workspace.
    pub fn is_in_force(self, rows: &(impl Read + ?Sized)) -> bool {
        rows.has::<InForce>(&self.number())
    }
}

/// The numbers in force in a workspace, by rising number, and since when.
pub fn in_force(rows: &(impl Read + ?Sized)) -> Vec<(u32, InForce)> {
    rows.prefix::<InForce, ()>(&(), NUMBERS_MAX)
}

/// The numbers in force in a workspace that this kernel does not know, by rising number.
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
            if *behaviour == Behaviour::PostsCounted {
                order::start_counting(tx);
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
