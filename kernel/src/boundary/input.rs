//! Inputs of a step: everything that can change a workspace.

use serde::{Deserialize, Serialize};

use crate::boundary::texts::{Json, Text, no_texts, texts};
use crate::command::Command;
use crate::model::{Config, PeerKind};
use crate::rows::id::{ConnectionNo, Id, UserNo};

/// One input. Its bytes are what the journal holds and what the component gets: see
/// [`envelope`](crate::boundary::envelope), where a new kind gets its number. It is serialised for
/// people only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Input {
    /// The first input of a workspace.
    Genesis(Genesis),
    /// An authenticated act of a local user or of the admin's console.
    Command {
        /// Who acts.
        actor: Actor,
        /// The client's own key of this act (`pending_post_id`), for exactly-once.
        key: Option<String>,
        /// What to do.
        command: Command,
    },
    /// The body of a `POST /remotecluster/msg` whose sender is authenticated; not parsed yet.
    Frame {
        /// The authenticated connection.
        connection: ConnectionNo,
        /// The bytes, secret values blanked.
        body: Vec<u8>,
        /// Ranges (first, end exclusive) of items that stopped an earlier run of this frame: they
        /// are not carried out but quarantined and reported. Items are numbered through the
        /// sections users, posts, reactions, acknowledgements, in the order of the document.
        skip: Vec<(u32, u32)>,
    },
    /// What follows of a frame that one step does not carry out: because it has more items than a
    /// step takes, or because an item stopped one. See [`FrameRun`](crate::boundary::frame_run).
    FramePart {
        /// The authenticated connection.
        connection: ConnectionNo,
        /// Which part.
        part: FramePart,
    },
    /// The body of a frame that stops a step even when none of its items is carried out.
    Quarantine {
        /// The authenticated connection.
        connection: ConnectionNo,
        /// The bytes, secret values blanked.
        body: Vec<u8>,
        /// How it stopped.
        reason: String,
    },
    /// How a send fared.
    Receipt(Receipt),
    /// How a ping of ours fared.
    Ping {
        /// The connection that was pinged.
        connection: ConnectionNo,
        /// `Some` when the peer answered as it should.
        answer: Option<PingAnswer>,
    },
    /// Due rows have come due.
    Timer,
    /// What follows of what is due after a step that was to do it was stopped. See
    /// [`DueRun`](crate::boundary::due_run).
    DuePart(DuePart),
    /// The service started, or took over: rounds in flight have an unknown outcome now.
    Resume,
    /// The data directory was restored or cloned: a new incarnation begins.
    Restored,
    /// A policy slot changed; held items are asked again.
    PolicyChanged {
        /// Digest of the chain of policies now loaded, in hexadecimal.
        chain: String,
        /// What an admin should read in the journal, e.g. `load content-filter`.
        what: String,
    },
    /// Another kernel took over from this entry on.
    KernelChanged {
        /// Digest of the new kernel component, in hexadecimal.
        digest: String,
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
    PolicyChanged { chain: Text::Words, what: Text::Words },
    KernelChanged { digest: Text::Own },
});

/// A part of a frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FramePart {
    /// The whole frame, of which nothing is carried out yet: it is kept for the parts that follow.
    Keep(#[serde(with = "serde_bytes")] Vec<u8>),
    /// The next items, at most so many.
    Items(u32),
    /// The next items, at most so many, are not carried out but quarantined and reported.
    SetAside(u32),
}
texts!(enum FramePart {
    Keep(body: Json::Message),
    Items(most),
    SetAside(most),
});

/// A part of what is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DuePart {
    /// The earliest due rows, at most so many.
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

/// What a workspace starts from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Genesis {
    /// Site URL that peers and clients use, without trailing slash.
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
    /// Nobody yet: signing up.
    Anonymous,
    /// A user with a session.
    User(UserNo),
}

/// How a send fared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The connection.
    pub connection: ConnectionNo,
    /// The attempt that the send named.
    pub attempt: u64,
    /// What became of it.
    pub outcome: SendOutcome,
}
texts!(struct Receipt {
    connection,
    attempt,
    outcome,
});

/// What became of a send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SendOutcome {
    /// The peer answered with HTTP 200 and these bytes, secret values blanked.
    Answered(#[serde(with = "serde_bytes")] Vec<u8>),
    /// The peer answered with another status.
    Refused(u16),
    /// The connection broke, or the time ran out, after bytes may have left.
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

/// What an answered ping told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PingAnswer {
    /// Our time when the ping left, in ms.
    pub sent_at_ms: i64,
    /// The peer's clock when it arrived, in ms.
    pub recv_at_ms: i64,
    /// What kind of server answered, if it said so.
    pub kind: Option<PeerKind>,
    /// The peer's incarnation and what it holds of us, if it is a Causeway: see
    /// [`Incarnation`].
    pub incarnation: Option<Incarnation>,
}

/// How a Causeway tells another that it was restored from an older copy.
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
