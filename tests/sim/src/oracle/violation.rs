//! Broken promises, and the names of the invariants by which they are reported.

use std::fmt;

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The checker, by the name of its invariant.
    pub checker: &'static str,
    /// What was seen.
    pub seen: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.checker, self.seen)
    }
}

/// I1: both sides show the same.
pub const CONVERGENCE: &str = "I1 convergence";
/// I2: nothing is lost.
pub const NO_LOSS: &str = "I2 no loss";
/// I3: nothing is there twice, and nothing that nobody made.
pub const NO_DUPLICATES: &str = "I3 no duplicates";
/// I4: nothing is sent back to its sender, and no version that nobody made crosses an edge.
pub const NO_ECHO: &str = "I4 no echo";
/// I5: author, thread, time and text are the origin's.
pub const AUTHORSHIP: &str = "I5 authorship";
/// I6: nothing is sent to anyone who is not invited.
pub const ENTITLEMENT: &str = "I6 entitlement";
/// I7: what a peer does changes nothing for another one, except delays.
pub const ISOLATION: &str = "I7 isolation";
/// I8: a cursor never moves back.
pub const CURSORS: &str = "I8 cursors";
/// I9: items that were taken once change nothing when they come again.
pub const IDEMPOTENCE: &str = "I9 idempotence";
/// I10: objects appear in the order in which they were made.
pub const ORDER: &str = "I10 order";
/// I11: membership and roles never widen because of a peer, nor does anybody act who is deactivated.
pub const ROLES: &str = "I11 roles";
/// I12: everything that is kept stays within its limits.
pub const BOUNDED: &str = "I12 bounded";
/// I13: refused input changes nothing.
pub const INERT: &str = "I13 inert rejections";
/// I14: a failure destroys nothing.
pub const ERROR_PATHS: &str = "I14 error paths";
/// I15: a replay gives the same results.
pub const REPLAY: &str = "I15 equal replay";
/// I16: changing the kernel or policy at any step changes none of this.
pub const UPGRADE: &str = "I16 upgrade";
/// I17: the bytes of every file stay.
pub const FILES: &str = "I17 files";

/// I18: nothing crosses that the policies in force hold back.
pub const GATES: &str = "I18 gates";

/// The invariants, in order.
pub const ALL: [&str; 18] = [
    CONVERGENCE,
    NO_LOSS,
    NO_DUPLICATES,
    NO_ECHO,
    AUTHORSHIP,
    ENTITLEMENT,
    ISOLATION,
    CURSORS,
    IDEMPOTENCE,
    ORDER,
    ROLES,
    BOUNDED,
    INERT,
    ERROR_PATHS,
    REPLAY,
    UPGRADE,
    FILES,
    GATES,
];
/// A step never stops.
pub const RUNS: &str = "a step runs";

pub(crate) fn broken(checker: &'static str, seen: impl Into<String>) -> Violation {
    Violation {
        checker,
        seen: seen.into(),
    }
}
