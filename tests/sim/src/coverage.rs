//! What the seeds have covered: a promise that is kept in a world where nothing happens proves
//! nothing. Everything that can occur is listed here, and an incomplete list does not
//! compile.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;

use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::policy::{Direction, Gate};
use causeway_kernel::command::Command;
use causeway_kernel::wire::frame;

use crate::acts::Act;
use crate::frames;
use crate::plan::Trouble;
use Made::{By, Here, Never};

/// What generates something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// This act.
    By(Act),
    /// The world: its beginning, its network, its machines.
    Here,
    /// Nothing, for this reason.
    Never(&'static str),
}

/// A kind of counted events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counted {
    /// An act that had an effect.
    Act,
    /// A command that was carried out.
    Command,
    /// An input of a step.
    Input,
    /// The topic of a received frame.
    Topic,
    /// A fault that occurred.
    Fault,
    /// A trouble that occurred.
    Trouble,
    /// What policies were asked at a gate, and what followed.
    Gate,
}

/// What follows when policies are asked about something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtGate {
    /// They denied it.
    Denied,
    /// They failed.
    Failed,
    /// They let pass what they had denied or failed on before.
    Released,
}

/// A fault that occurs at random.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A request was lost.
    Loss,
    /// A request arrived twice.
    Duplicate,
    /// An answer was lost.
    AnswerLost,
    /// An answer was cut off.
    AnswerCut,
    /// A request was refused before it was looked at.
    Unavailable,
    /// A process died.
    Crash,
    /// A request arrived after its sender had given up.
    Late,
    /// A step was stopped.
    Stop,
    /// A policy gave no verdict.
    PolicyTrap,
    /// A connection broke while the bytes of a file were on it.
    BrokenOff,
}

/// Lists the variants of an enum and returns the name of one: exhaustive, or it does not compile.
macro_rules! variants {
    ($list:ident, $name:ident, $enum:ident { $($variant:ident => $made:expr,)* }) => {
        const $list: &[(&str, Made)] = &[$((stringify!($variant), $made)),*];

        fn $name(of: &$enum) -> &'static str {
            match of {
                $($enum::$variant { .. } => stringify!($variant),)*
            }
        }
    };
}

variants!(COMMANDS, command, Command {
    CreateUser => Here,
    PatchUser => By(Act::Profile),
    CreateTeam => Here,
    AddTeamMember => Here,
    CreateChannel => By(Act::CreateChannel),
    OpenDirectChannel => By(Act::Direct),
    OpenGroupChannel => By(Act::Group),
    AddChannelMember => By(Act::Post),
    RemoveChannelMember => By(Act::Leave),
    ArchiveChannel => By(Act::Archive),
    RestoreChannel => By(Act::Archive),
    ViewChannel => Never("it changes one user's own mark and nothing that is shared"),
    CreatePost => By(Act::Post),
    EditPost => By(Act::Edit),
    DeletePost => By(Act::Delete),
    AddReaction => By(Act::React),
    RemoveReaction => By(Act::Unreact),
    CreateConnection => By(Act::Reconnect),
    AcceptConnection => By(Act::Reconnect),
    ConfirmConnection => By(Act::Reconnect),
    AbandonConnection => Never("it ends a handshake, which is the host's business"),
    RemoveConnection => By(Act::Reconnect),
    AttachConnection => By(Act::Reconnect),
    InviteToChannel => By(Act::Invite),
    UninviteFromChannel => By(Act::Uninvite),
    UnshareChannel => By(Act::Unshare),
    Configure => Never("the settings of a run are drawn once and hold from its beginning"),
    ConfigureConnectedWorkspaces => Here,
    PatchConnection => By(Act::Consent),
    AnswerChannelInvitation => By(Act::Consent),
    AcknowledgePost => By(Act::Acknowledge),
    WithdrawAcknowledgement => By(Act::Withdraw),
    RelocateConnection => Never("where a peer is called is the host's business"),
    SetPicture => By(Act::Profile),
    SetCustomStatus => By(Act::CustomStatus),
    SetActive => By(Act::Account),
    SetBot => By(Act::Bot),
    SetRoles => Never("roles say who may do what here, and are not shared"),
    SetTeamRoles => Never("roles say who may do what here, and are not shared"),
    PatchRole => Never("roles say who may do what here, and are not shared"),
    AddFile => By(Act::Attach),
    ConfigureFiles => Never("how large files may be is the operator's choice; those of a run are small"),
    UseComponent => Never("it only asks whether something may be used here, and is not shared"),
    SetPersonal => Never("it changes what one user keeps and nothing that is shared"),
    PatchChannel => By(Act::ChangeChannel),
    ConvertChannel => By(Act::ChangeChannel),
    SetChannelRoles => Never("roles say who may do what here, and are not shared"),
    PatchTeam => Never("a team's names are its own workspace's, and are not shared"),
    ArchiveTeam => Never("channels and their connections stay as they are"),
    RestoreTeam => Never("channels and their connections stay as they are"),
    RemoveTeamMember => By(Act::LeaveTeam),
    MarkUnread => Never("it changes one user's own mark and nothing that is shared"),
    AddEmoji => Never("its picture stays here; what is shared is a name in a reaction"),
    RemoveEmoji => Never("its picture stays here; what is shared is a name in a reaction"),
});

variants!(INPUTS, input, Input {
    Genesis => Here,
    Command => Here,
    Frame => Here,
    FramePart => Here,
    Quarantine => Here,
    Receipt => Here,
    Ping => Here,
    Timer => Here,
    DuePart => Here,
    Resume => Here,
    Restored => Here,
    PolicyChanged => Here,
    KernelChanged => Here,
    Statuses => By(Act::Appear),
    Upload => By(Act::Attach),
    Picture => By(Act::Profile),
});

variants!(FAULTS, fault, Fault {
    Loss => Here,
    Duplicate => Here,
    AnswerLost => Here,
    AnswerCut => Here,
    Unavailable => Here,
    Crash => Here,
    Late => Here,
    Stop => Here,
    PolicyTrap => Here,
    BrokenOff => Here,
});

variants!(TROUBLES, trouble, Trouble {
    Partition => Here,
    Backup => Here,
    Restore => Here,
    Clone => Here,
    ClockJump => Here,
    Drift => Here,
    CoarseClock => Here,
    SlowLink => Here,
    CutOff => Here,
    DiskFull => Here,
    PolicySwap => Here,
    Upgrade => Here,
    Flood => Here,
    Breaks => Here,
});

/// Lists the gates of what goes with posts, by direction, each with what comes there; a function that returns the name
/// of one.
macro_rules! gates {
    ($($gate:ident $way:ident => $denied:expr, $failed:expr;)*) => {
        const GATES: &[(&str, Made)] = &[$(
            (concat!(stringify!($gate), " ", stringify!($way)), Here),
            (concat!(stringify!($gate), " ", stringify!($way), " denied"), $denied),
            (concat!(stringify!($gate), " ", stringify!($way), " failed"), $failed),
            (concat!(stringify!($gate), " ", stringify!($way), " released"), released($denied, $failed)),
        )*];

        fn gate(gate: Gate, way: Direction, what: Option<AtGate>) -> Option<&'static str> {
            match (gate, way, what) {
                $(
                    (Gate::$gate, Direction::$way, None) =>
                        Some(concat!(stringify!($gate), " ", stringify!($way))),
                    (Gate::$gate, Direction::$way, Some(AtGate::Denied)) =>
                        Some(concat!(stringify!($gate), " ", stringify!($way), " denied")),
                    (Gate::$gate, Direction::$way, Some(AtGate::Failed)) =>
                        Some(concat!(stringify!($gate), " ", stringify!($way), " failed")),
                    (Gate::$gate, Direction::$way, Some(AtGate::Released)) =>
                        Some(concat!(stringify!($gate), " ", stringify!($way), " released")),
                )*
                _ => None,
            }
        }
    };
}

/// What is neither denied nor failed on cannot be released.
const fn released(denied: Made, failed: Made) -> Made {
    match (denied, failed) {
        (Never(why), Never(_)) => Never(why),
        _ => Here,
    }
}

/// Why nobody is denied.
const NO_SUCH_POLICY: &str = "no shipped policy decides about it";

gates! {
    File Outbound => Here, Here;
    File Inbound => Here, Here;
    Reaction Outbound => Here, Here;
    Reaction Inbound => Never("the quiet hours are about what leaves"), Here;
    Mention Outbound => Here, Here;
    Mention Inbound => Here, Here;
    Member Outbound => Never(NO_SUCH_POLICY), Here;
    Member Inbound => Never(NO_SUCH_POLICY), Never("its peer gives up after a few attempts");
}

/// A topic that no release knows.
const ANOTHER: &str = "another topic";
/// Bytes that cannot be parsed as a frame.
const UNREADABLE: &str = "unreadable";
/// Why workspaces like this one send no frames on a topic.
const NOT_OURS: &str = "Causeway takes it in and does not send it";
const OF_THE_HOST: &str = "it is the host's business";

const TOPICS: &[(&str, Made)] = &[
    (frame::TOPIC_SYNC, Here),
    (frame::TOPIC_INVITE, By(Act::Invite)),
    (frame::TOPIC_SHARING_STATE, By(Act::Uninvite)),
    (frame::TOPIC_MEMBERSHIP, Never(NOT_OURS)),
    (frame::TOPIC_GLOBAL_USERS, Here),
    (frame::TOPIC_UPLOAD, By(Act::Attach)),
    (frame::TOPIC_PING, Never(OF_THE_HOST)),
    (frame::TOPIC_INVITATION, Never(OF_THE_HOST)),
    (ANOTHER, Here),
    (UNREADABLE, Here),
];

/// Everything that can occur besides acts, by kind.
const ALL: [(Counted, &[(&str, Made)]); 6] = [
    (Counted::Command, COMMANDS),
    (Counted::Input, INPUTS),
    (Counted::Topic, TOPICS),
    (Counted::Fault, FAULTS),
    (Counted::Trouble, TROUBLES),
    (Counted::Gate, GATES),
];

fn topic(body: &[u8]) -> &'static str {
    let Some(frame) = frames::read(body) else {
        return UNREADABLE;
    };
    let known = TOPICS.iter().find(|(name, _)| *name == frame.topic);
    known.map_or(ANOTHER, |(name, _)| name)
}

/// How often everything occurred, in one run or in many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    counts: BTreeMap<(Counted, &'static str), u64>,
    /// Runs in which two faults or troubles coincided.
    pairs: BTreeMap<(&'static str, &'static str), u64>,
}

impl Coverage {
    /// Counts an act that had an effect.
    pub fn act(&mut self, of: Act) {
        self.count(Counted::Act, of.name());
    }

    /// Counts a step.
    pub fn step(&mut self, of: &Input) {
        self.count(Counted::Input, input(of));
        match of {
            Input::Command { command: of, .. } => self.count(Counted::Command, command(of)),
            Input::Frame { body, .. } => self.count(Counted::Topic, topic(body)),
            Input::Genesis(_)
            | Input::FramePart { .. }
            | Input::Quarantine { .. }
            | Input::Receipt(_)
            | Input::Ping { .. }
            | Input::Timer
            | Input::DuePart(_)
            | Input::Resume
            | Input::Restored
            | Input::PolicyChanged { .. }
            | Input::KernelChanged { .. }
            | Input::Statuses(_)
            | Input::Upload { .. }
            | Input::Picture { .. } => {}
        }
    }

    /// Counts a fault.
    pub fn fault(&mut self, of: Fault) {
        self.count(Counted::Fault, fault(&of));
    }

    /// Counts a question at a gate, and what followed.
    pub fn gate(&mut self, (at, way, what): (Gate, Direction, Option<AtGate>)) {
        let names = [Some(None), what.map(Some)].into_iter().flatten();
        for name in names.filter_map(|what| gate(at, way, what)) {
            self.count(Counted::Gate, name);
        }
    }

    /// Counts a trouble.
    pub fn trouble(&mut self, of: Trouble) {
        self.count(Counted::Trouble, trouble(&of));
    }

    fn count(&mut self, kind: Counted, name: &'static str) {
        *self.counts.entry((kind, name)).or_default() += 1;
    }

    /// Ends a run: everything that occurred in it coincided.
    #[must_use]
    pub fn of_run(mut self) -> Coverage {
        let counted = self.counts.keys();
        let hits = counted.filter(|(kind, _)| matches!(kind, Counted::Fault | Counted::Trouble));
        let hits: Vec<&'static str> = hits.map(|(_, name)| *name).collect();
        for (at, one) in hits.iter().enumerate() {
            for other in &hits[at + 1..] {
                *self.pairs.entry((one, other)).or_default() += 1;
            }
        }
        self
    }

    /// How often something occurred.
    #[must_use]
    pub fn of(&self, kind: Counted, name: &'static str) -> u64 {
        self.counts.get(&(kind, name)).copied().unwrap_or(0)
    }

    /// Runs in which two faults or troubles coincided, for every pair that ever did.
    pub fn pairs(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        self.pairs
            .iter()
            .map(|((one, other), runs)| (*one, *other, *runs))
    }

    /// What should have occurred but did not, and what occurred although nothing generates it.
    #[must_use]
    pub fn gaps(&self) -> Vec<String> {
        let gap = |kind: Counted, name: &'static str, made: Made| match (self.of(kind, name), made)
        {
            (0, By(act)) => Some(format!("{kind:?} {name} never came, not even by {act:?}")),
            (0, Here) => Some(format!("{kind:?} {name} never came")),
            (1.., Never(why)) => Some(format!("{kind:?} {name} came, but: {why}")),
            _ => None,
        };
        rows()
            .filter_map(|(kind, name, made)| gap(kind, name, made))
            .collect()
    }
}

/// Everything that can occur, one row each.
fn rows() -> impl Iterator<Item = (Counted, &'static str, Made)> {
    let acts = Act::ALL.iter().map(|act| (Counted::Act, act.name(), Here));
    let others = ALL.into_iter();
    acts.chain(
        others.flat_map(|(kind, list)| list.iter().map(move |(name, made)| (kind, *name, *made))),
    )
}

impl AddAssign<&Coverage> for Coverage {
    fn add_assign(&mut self, other: &Coverage) {
        for (what, count) in &other.counts {
            *self.counts.entry(*what).or_default() += count;
        }
        for (pair, runs) in &other.pairs {
            *self.pairs.entry(*pair).or_default() += runs;
        }
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, name, made) in rows() {
            let count = match made {
                Never(why) => format!("never: {why}"),
                By(_) | Here => self.of(kind, name).to_string(),
            };
            let kind = format!("{kind:?}");
            writeln!(f, "{kind:<8} {name:<30} {count:>10}")?;
        }
        writeln!(f, "\nruns in which two of them met")?;
        for (one, other, runs) in self.pairs() {
            writeln!(f, "{one:<12} {other:<12} {runs:>8}")?;
        }
        Ok(())
    }
}
