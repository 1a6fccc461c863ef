//! Inputs of a step: everything that can change a workspace.

use serde::{Deserialize, Serialize};

use crate::boundary::policy::Gates;
use crate::boundary::texts::{Json, Text, no_texts, texts};
use crate::command::Command;
use crate::model::{Config, Dimensions, LocalStatus, PeerKind};
use crate::rows::id::{ConnectionNo, Id, UserNo};

/// One input. Its encoding is stored in the journal and passed to the component: see
/// [`envelope`](crate::boundary::envelope), where a new kind gets its number. `Serialize` is only for
/// display.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Input {
    /// The first input of a workspace.
    Genesis(Genesis),
    /// An authenticated act of a local user or of the admin's console.
    Command {
        /// Who acts.
        actor: Actor,
        /// The client's own key of this act (`pending_post_id`), for exactly-once delivery.
        key: Option<String>,
        /// What to do.
        command: Command,
    },
    /// The body of a `POST /remotecluster/msg` from an authenticated sender; not parsed yet.
    Frame {
        /// The authenticated connection.
        connection: ConnectionNo,
        /// The bytes, with secret values blanked.
        body: Vec<u8>,
        /// Ranges (first, end exclusive) of items that stopped an earlier run of this frame: they are not
        /// carried out but quarantined and reported. Items are numbered through the sections users, posts,
        /// reactions, acknowledgements, statuses, in document order.
        skip: Vec<(u32, u32)>,
    },
    /// The continuation of a frame that one step does not carry out, because it has more items than a step
    /// takes or because an item stopped one. See [`FrameRun`](crate::boundary::frame_run).
    FramePart {
        /// The authenticated connection.
        connection: ConnectionNo,
        /// Which part.
        part: FramePart,
    },
    /// The body of a frame that stops a step even if none of its items is carried out.
    Quarantine {
        /// The authenticated connection.
        connection: ConnectionNo,
        /// The bytes, with secret values blanked.
        body: Vec<u8>,
        /// How it stopped.
        reason: String,
    },
    /// The outcome of a send.
    Receipt(Receipt),
    /// The outcome of a ping of ours.
    Ping {
        /// The connection that was pinged.
        connection: ConnectionNo,
        /// `Some` if the peer answered correctly.
        answer: Option<PingAnswer>,
    },
    /// Due rows have reached their time.
    Timer,
    /// Due work after the step that should have carried it out was stopped. See
    /// [`DueRun`](crate::boundary::due_run).
    DuePart(DuePart),
    /// The service started, or took over: the outcome of rounds in flight is now unknown.
    Resume,
    /// The data directory was restored or cloned: a new incarnation begins.
    Restored,
    /// A policy slot changed; held items are asked about again.
    PolicyChanged {
        /// Digest of the chain of policies now loaded, in hexadecimal.
        chain: String,
        /// The description shown to admins in the journal, e.g. `load content-filter`.
        what: String,
        /// The gates at which they decide; `None` in journals of earlier releases, which had one gate.
        gates: Option<Gates>,
    },
    /// Another kernel took over from this entry on.
    KernelChanged {
        /// Digest of the new kernel component, in hexadecimal.
        digest: String,
    },
    /// New statuses of users of this workspace who are members of shared channels. The host gives at most one
    /// such input a second, with the newest status of each user.
    Statuses(Vec<LocalStatus>),
    /// Bytes of a peer's file have arrived, and the host keeps them.
    Upload {
        /// The authenticated connection.
        connection: ConnectionNo,
        /// The upload that the peer announced.
        upload: Id,
        /// How much has arrived.
        progress: UploadProgress,
    },
    /// A peer sent a profile picture, which the host has cropped, scaled and stored.
    Picture {
        /// The authenticated connection.
        connection: ConnectionNo,
        /// Whose picture.
        user: Id,
        /// Digest of the stored bytes, in hexadecimal digits.
        digest: String,
        /// Their number.
        size: u64,
    },
}
texts!(enum Input {
    Genesis(genesis),
    Command { actor, key: Text::Words, command },
    Frame { connection, body: Json::Message, skip },
    FramePart { connection, part },
    Quarantine { connection, body: Json::Message, reason: Text::Refusal },
    Receipt(receipt),
    Ping { connection, answer },
    Timer,
    DuePart(part),
    Resume,
    Restored,
    PolicyChanged { chain: Text::Words, what: Text::Words, gates },
    KernelChanged { digest: Text::Own },
    Statuses(changes),
    Upload { connection, upload, progress },
    Picture { connection, user, digest: Text::Words, size },
});

/// A part of a frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FramePart {
    /// The whole frame, nothing carried out yet: it is kept for the following parts.
    Keep(#[serde(with = "serde_bytes")] Vec<u8>),
    /// The next items, up to this number.
    Items(u32),
    /// The next items, up to this number, are not carried out but quarantined and reported.
    SetAside(u32),
}
texts!(enum FramePart {
    Keep(body: Json::Message),
    Items(most),
    SetAside(most),
});

/// How much of a peer's file has arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UploadProgress {
    /// A part: the upload continues after these bytes.
    Part {
        /// Bytes.
        offset: u64,
    },
    /// All of it.
    Whole {
        /// Digest of the bytes, in hexadecimal digits.
        digest: String,
        /// Dimensions of a picture that can be previewed.
        dimensions: Option<Dimensions>,
    },
}
texts!(enum UploadProgress {
    Part { offset },
    Whole { digest: Text::Words, dimensions },
});

/// A part of the due work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DuePart {
    /// The earliest due rows, up to this number.
    Rows(u32),
    /// The earliest due row is not carried out but put off.
    PutOff,
}
texts!(
    enum DuePart {
        Rows(most),
        PutOff,
    }
);

/// The initial state of a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Genesis {
    /// Site URL used by peers and clients, without trailing slash.
    pub site_url: String,
    /// Settings.
    pub config: Config,
}
texts!(struct Genesis {
    site_url: Text::Words,
    config,
});

/// Who acts in a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Actor {
    /// The operator of the service (command line, start-up).
    System,
    /// Not signed in: signing up.
    Anonymous,
    /// A user with a session.
    User(UserNo),
}

/// The outcome of a send, with its attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The connection.
    pub connection: ConnectionNo,
    /// The attempt named by the send.
    pub attempt: u64,
    /// The outcome.
    pub outcome: SendOutcome,
}
texts!(struct Receipt {
    connection,
    attempt,
    outcome,
});

/// The outcome of a send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SendOutcome {
    /// The peer answered with HTTP 200 and these bytes, with secret values blanked.
    Answered(#[serde(with = "serde_bytes")] Vec<u8>),
    /// The peer answered with another status.
    Refused(u16),
    /// The connection broke, or timed out, after bytes may have been sent.
    Unknown,
    /// No byte reached the peer.
    NeverLeft,
}
texts!(enum SendOutcome {
    Answered(body: Json::Message),
    Refused(status),
    Unknown,
    NeverLeft,
});

/// The content of a ping answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PingAnswer {
    /// Our time when the ping was sent, in ms.
    pub sent_at_ms: i64,
    /// The peer's clock when it arrived, in ms.
    pub recv_at_ms: i64,
    /// What kind of server answered, if it said so.
    pub kind: Option<PeerKind>,
    /// The peer's incarnation and what it holds of us, if it is a Causeway: see [`Incarnation`].
    pub incarnation: Option<Incarnation>,
}

/// How a Causeway notifies another that it was restored from an older copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incarnation {
    /// Changes with every restore or clone of a data directory.
    pub id: Id,
    /// Rises with every incarnation.
    pub number: u32,
}

impl Incarnation {
    /// The number of a workspace that was never restored.
    pub const FIRST: u32 = 1;
}

no_texts!(Actor, PingAnswer, Incarnation);
