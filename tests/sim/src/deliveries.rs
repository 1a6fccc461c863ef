//! Counts of delivered messages.

use std::fmt;
use std::ops::AddAssign;

/// Messages that were handed to their receivers over the simulated network: requests that reached a
/// running workspace and were taken in (a duplicate counts again), and answers that
/// reached a sender that was still waiting. Messages that were lost, refused or late are
/// not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deliveries {
    /// Frames: requests with items or an invitation.
    pub frames: u64,
    /// Answers to frames and to bytes of files, including refusals.
    pub answers: u64,
    /// Pings.
    pub pings: u64,
    /// Answers to pings.
    pub pongs: u64,
    /// Requests with bytes of files.
    pub files: u64,
}

impl Deliveries {
    /// The total.
    #[must_use]
    pub fn all(self) -> u64 {
        self.frames + self.answers + self.pings + self.pongs + self.files
    }
}

impl AddAssign for Deliveries {
    fn add_assign(&mut self, other: Deliveries) {
        self.frames += other.frames;
        self.answers += other.answers;
        self.pings += other.pings;
        self.pongs += other.pongs;
        self.files += other.files;
    }
}

impl fmt::Display for Deliveries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} deliveries ({} frames, {} parts of files, {} answers to them, {} pings, {} answers to those)",
            self.all(),
            self.frames,
            self.files,
            self.answers,
            self.pings,
            self.pongs
        )
    }
}
