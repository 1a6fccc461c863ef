//! Kernels with a defect: tests of the checkers. Each wraps the real kernel and corrupts its inputs
//! or outputs; a checker that catches none of them checks nothing.

mod blind;
mod files;
mod heedless;
mod input;
mod output;
mod pictures;
mod rows;
mod sends;
mod unguarded;

use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::env::{Host, StepContext};
use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::Reply;

use crate::kernel::{HostFlaw, Kernel, NativeKernel, Release, StepBytes, native};
use crate::oracle;
use crate::plan::Plan;
use crate::world::Summary;
use crate::{Failure, run_plan};

/// A defect of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// Some posts of peers are answered as taken but not stored.
    SkipsWrites,
    /// A message with an unknown outcome counts as delivered.
    AdvancesCursorsEarly,
    /// After a start, messages in flight stay in flight for ever.
    ForgetsRounds,
    /// A restored peer is not sent again what it lost.
    ForgetsRestores,
    /// A channel that a peer lost in a restore is not offered to it again.
    OffersOnce,
    /// Deletions of posts are not sent.
    KeepsDeletions,
    /// The last version to arrive wins, whether it is older or not.
    LosesEditOrder,
    /// A repeated post is stored again.
    SkipsDedupe,
    /// A client's key is not remembered.
    ForgetsKeys,
    /// A peer's items are sent back to it.
    Echoes,
    /// A peer's post is stored with a different author.
    ForgesAuthors,
    /// The priority of a peer's post is not stored.
    LosesPriorities,
    /// The bytes of an added file are not counted as needed.
    LosesFileBytes,
    /// A file that did not reach a peer is not sent again.
    ForgetsFailedFiles,
    /// The bytes of a peer's file are answered as taken but not stored.
    SkipsFiles,
    /// A peer's post is stored without its files.
    LosesFilesOfPosts,
    /// A peer's posts without files get the file of another post.
    MixesFilesUp,
    /// A file is sent back to its home.
    EchoesFiles,
    /// A picture that did not reach a peer is not sent again.
    ForgetsFailedPictures,
    /// A peer's picture of its user becomes that of a user of this workspace, too.
    SetsOthersPictures,
    /// A picture is sent back to its home.
    EchoesPictures,
    /// A peer may delete any post.
    DropsAuthority,
    /// A peer's frame sets the status of a user of this workspace.
    SetsOthersStatuses,
    /// A new status is not sent.
    KeepsStatuses,
    /// That an account was deactivated is not sent.
    KeepsDeactivations,
    /// The custom status of a peer's user is not stored.
    LosesCustomStatuses,
    /// A message is sent to a peer that was uninvited.
    SendsAfterUninvite,
    /// A cursor moves back when a message is delivered.
    MovesCursorsBack,
    /// A count rises with every delivery, whether it is new or not.
    CountsDeliveries,
    /// Every ping leaves a row that is never removed.
    PilesUpRows,
    /// A refused command leaves a row.
    RefusalsLeaveTraces,
    /// The posts of a message are sent in reverse order.
    TurnsPostsAround,
    /// While one peer is waited for, the others are sent no posts.
    OnePeerHaltsAll,
    /// Users of peers administer this workspace.
    PromotesPeers,
    /// A user whose joining a peer states joins another channel, too.
    WidensMembers,
    /// What a peer sends grants a permission to everybody.
    GrantsByFrames,
    /// People who are offered are offered to their own home, too.
    OffersGuests,
    /// Leaving is not sent.
    KeepsMembers,
    /// Direct channels with people of other workspaces are opened although that is not allowed.
    OpensDirectChannels,
    /// A message that did not arrive ends the sharing.
    FailuresEndLinks,
    /// The next release does not see posts that the current one has stored.
    CannotReadOldRows,
    /// The result of a step depends on more than its input.
    IsNotDeterministic,
    /// Half of the writes of a stopped step are kept.
    KeepsHalfOfStoppedSteps,
    /// A message that stops the kernel is answered as taken.
    LosesStoppedFrames,
    /// Of two hosts with one identity, the answer of either counts.
    TakesAnyHost,
    /// Of two incarnations of a peer, the one with the higher number is trusted for ever.
    BelievesTheNewest,
    /// What the policies deny passes.
    PassesWhatIsDenied,
}

impl Defect {
    /// Every defect, and the checkers of which one must report it.
    pub const ALL: [(Defect, &'static [&'static str]); 47] = [
        (
            Defect::SkipsWrites,
            &[oracle::NO_LOSS, oracle::IDEMPOTENCE, oracle::ORDER],
        ),
        (
            Defect::AdvancesCursorsEarly,
            &[oracle::NO_LOSS, oracle::CONVERGENCE, oracle::ORDER],
        ),
        (
            Defect::ForgetsRounds,
            &[oracle::NO_LOSS, oracle::CONVERGENCE],
        ),
        (
            Defect::ForgetsRestores,
            &[oracle::NO_LOSS, oracle::CONVERGENCE],
        ),
        (Defect::OffersOnce, &[oracle::NO_LOSS]),
        (Defect::KeepsDeletions, &[oracle::CONVERGENCE]),
        (
            Defect::LosesEditOrder,
            &[oracle::IDEMPOTENCE, oracle::CONVERGENCE],
        ),
        (
            Defect::SkipsDedupe,
            &[oracle::NO_DUPLICATES, oracle::IDEMPOTENCE],
        ),
        (Defect::ForgetsKeys, &[oracle::NO_DUPLICATES]),
        (Defect::Echoes, &[oracle::NO_ECHO]),
        (Defect::ForgesAuthors, &[oracle::AUTHORSHIP]),
        (Defect::LosesPriorities, &[oracle::CONVERGENCE]),
        (Defect::LosesFileBytes, &[oracle::FILES]),
        (Defect::ForgetsFailedFiles, &[oracle::CONVERGENCE]),
        (Defect::SkipsFiles, &[oracle::CONVERGENCE]),
        (
            Defect::LosesFilesOfPosts,
            &[
                oracle::CONVERGENCE,
                oracle::FILES,
                // A post that comes again gets them.
                oracle::IDEMPOTENCE,
            ],
        ),
        (Defect::MixesFilesUp, &[oracle::AUTHORSHIP]),
        (Defect::EchoesFiles, &[oracle::NO_ECHO]),
        (Defect::ForgetsFailedPictures, &[oracle::CONVERGENCE]),
        (Defect::SetsOthersPictures, &[oracle::AUTHORSHIP]),
        (Defect::EchoesPictures, &[oracle::NO_ECHO]),
        (Defect::DropsAuthority, &[oracle::INERT]),
        (Defect::SetsOthersStatuses, &[oracle::AUTHORSHIP]),
        (Defect::KeepsStatuses, &[oracle::CONVERGENCE]),
        (
            Defect::KeepsDeactivations,
            &[oracle::CONVERGENCE, oracle::NO_LOSS],
        ),
        (Defect::LosesCustomStatuses, &[oracle::AUTHORSHIP]),
        (Defect::SendsAfterUninvite, &[oracle::ENTITLEMENT]),
        (Defect::MovesCursorsBack, &[oracle::CURSORS]),
        (Defect::CountsDeliveries, &[oracle::IDEMPOTENCE]),
        (Defect::PilesUpRows, &[oracle::BOUNDED]),
        (Defect::RefusalsLeaveTraces, &[oracle::INERT]),
        (Defect::TurnsPostsAround, &[oracle::ORDER]),
        (Defect::OnePeerHaltsAll, &[oracle::ISOLATION]),
        (Defect::PromotesPeers, &[oracle::ROLES]),
        (Defect::WidensMembers, &[oracle::ROLES]),
        (Defect::GrantsByFrames, &[oracle::ROLES]),
        (Defect::OffersGuests, &[oracle::NO_ECHO]),
        (Defect::KeepsMembers, &[oracle::CONVERGENCE]),
        (Defect::OpensDirectChannels, &[oracle::ROLES]),
        (Defect::FailuresEndLinks, &[oracle::ERROR_PATHS]),
        (Defect::CannotReadOldRows, &[oracle::UPGRADE]),
        (Defect::IsNotDeterministic, &[oracle::REPLAY]),
        (Defect::KeepsHalfOfStoppedSteps, &[oracle::INERT]),
        (
            Defect::LosesStoppedFrames,
            &[
                oracle::NO_LOSS,
                oracle::CONVERGENCE,
                oracle::IDEMPOTENCE,
                oracle::ORDER,
            ],
        ),
        (
            Defect::TakesAnyHost,
            // Posts that users write at one host are interleaved with those written at the other.
            &[oracle::NO_LOSS, oracle::CONVERGENCE, oracle::ORDER],
        ),
        (
            Defect::BelievesTheNewest,
            &[oracle::NO_LOSS, oracle::CONVERGENCE],
        ),
        (Defect::PassesWhatIsDenied, &[oracle::GATES]),
    ];

    /// The kernel of a release with this defect.
    #[must_use]
    pub fn kernel(self, release: Release) -> Box<dyn Kernel> {
        match self {
            Defect::CannotReadOldRows => match release {
                Release::Today => native(release),
                Release::Next => Box::new(blind::Blind(native(release))),
            },
            Defect::PassesWhatIsDenied => Box::new(unguarded::Unguarded(native(release))),
            Defect::OpensDirectChannels => Box::new(heedless::Heedless(native(release))),
            _ => Box::new(Broken(self)),
        }
    }

    /// Runs a seed with this defect, in the way that the responsible checker needs.
    ///
    /// # Errors
    /// The promise that the kernel broke.
    pub fn run(self, seed: u64) -> Result<Summary, Failure> {
        self.run_plan(&match self {
            Defect::OnePeerHaltsAll => Plan::draw_noisy(seed),
            Defect::TakesAnyHost | Defect::BelievesTheNewest => Plan::draw_cloned(seed),
            _ => Plan::draw(seed, 2),
        })
    }

    /// Runs a plan with this defect.
    ///
    /// # Errors
    /// The promise that the kernel broke.
    pub fn run_plan(self, plan: &Plan) -> Result<Summary, Failure> {
        run_plan(plan, &|release| self.kernel(release))
    }

    /// The defect with this name, and its checkers.
    #[must_use]
    pub fn named(name: &str) -> Option<(Defect, &'static [&'static str])> {
        let mut all = Defect::ALL.into_iter();
        all.find(|(defect, _)| format!("{defect:?}") == name)
    }
}

/// A kernel with a defect.
struct Broken(Defect);

impl Kernel for Broken {
    fn host_flaw(&self) -> Option<HostFlaw> {
        match self.0 {
            Defect::KeepsHalfOfStoppedSteps => Some(HostFlaw::KeepsHalfTheWrites),
            Defect::LosesStoppedFrames => Some(HostFlaw::LosesTheFrame),
            Defect::TakesAnyHost => Some(HostFlaw::TakesAnyHost),
            _ => None,
        }
    }

    fn step(
        &mut self,
        host: &dyn Host,
        context: StepContext,
        input: &[u8],
    ) -> Result<StepBytes, String> {
        let input = codec::decode_input(input).map_err(|error| error.to_string())?;
        if self.0 == Defect::ForgetsRounds && input == Input::Resume {
            return Ok(StepBytes {
                reply: codec::encode_reply(&Reply::Done),
                writes: Vec::new(),
                effects: Vec::new(),
            });
        }
        let spoilt = input::spoil(self.0, host, context, input);
        let mut output = NativeKernel.step(host, context, &codec::encode_input(&spoilt))?;
        output::spoil(self.0, host, context, &spoilt, &mut output);
        files::spoil(self.0, host, context, &spoilt, &mut output);
        pictures::spoil(self.0, host, &spoilt, &mut output);
        // The order of writes is part of the contract.
        output
            .writes
            .sort_by(|a, b| (a.table, &a.key).cmp(&(b.table, &b.key)));
        Ok(output)
    }
}
