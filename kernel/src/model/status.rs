use serde::{Deserialize, Serialize};

use crate::boundary::texts::no_texts;
use crate::rows::id::{FeedSeq, UserNo};

/// Whether a user can be reached now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Availability {
    /// A client is connected and in use.
    Online,
    /// A client is connected, but not in use.
    Away,
    /// The user does not want to be disturbed.
    Dnd,
    /// Out of office.
    Ooo,
    /// No client is connected.
    Offline,
}

impl Availability {
    /// The word for it in the protocol and the client API. Semantics §3.4.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Availability::Online => "online",
            Availability::Away => "away",
            Availability::Dnd => "dnd",
            Availability::Ooo => "ooo",
            Availability::Offline => "offline",
        }
    }

    /// What a word stands for, if it is one of the five.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Availability> {
        Some(match word {
            "online" => Availability::Online,
            "away" => Availability::Away,
            "dnd" => Availability::Dnd,
            "ooo" => Availability::Ooo,
            "offline" => Availability::Offline,
            _ => return None,
        })
    }
}

/// A user's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Whether the user can be reached.
    pub availability: Availability,
    /// Whether the user chose it; activity does not change it then.
    pub manual: bool,
    /// When the user was last active, in ms; 0 = unknown.
    pub last_activity_at: i64,
    /// When [`Availability::Dnd`] ends, in seconds since the Unix epoch, as in the reference; 0 = open end.
    pub dnd_end_time: i64,
}

impl Status {
    /// The status of a user of whom none is known.
    pub const UNKNOWN: Status = Status {
        availability: Availability::Offline,
        manual: false,
        last_activity_at: 0,
        dnd_end_time: 0,
    };

    /// Whether another status differs in more than the time of the last activity.
    #[must_use]
    pub fn differs(&self, other: &Status) -> bool {
        let without_time = |status: &Status| Status {
            last_activity_at: 0,
            ..*status
        };
        without_time(self) != without_time(other)
    }
}

/// The new status of a user of this workspace, as given by the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalStatus {
    /// The user.
    pub user: UserNo,
    /// The status.
    pub status: Status,
}

/// The last status of a user that is shared between workspaces: of a member of a shared channel here, or of
/// a peer's user. No row = [`Status::UNKNOWN`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusRow {
    /// The status.
    pub status: Status,
    /// Its version: when it changed, in ms, by the clock of the user's home if that is a Causeway; rises with
    /// every change.
    pub update_at: i64,
    /// Its entry in the feed; 0 = none.
    pub feed_seq: FeedSeq,
}

/// Position in the feed of statuses up to which everything has been sent to the peer of a connection. No row =
/// nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusCursor(pub FeedSeq);

no_texts!(Availability, Status, LocalStatus, StatusRow, StatusCursor);
