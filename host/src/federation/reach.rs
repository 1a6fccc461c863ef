//! Whether a peer can be reached, judging by the calls of this process: a log line for each change, with the
//! cause in words, and what status and metrics show about a connection.

use std::fmt;

use causeway_kernel::boundary::output::Refusal;
use causeway_kernel::model::{Connection, ConnectionState};
use causeway_kernel::rows::id::ConnectionNo;
use causeway_kernel::sharing::connection;

use causeway_engine::RepeatedLine;

use super::{Federation, SiteUrl, lock};
use crate::http::client::CallError;

/// Why a call to a peer failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Something that the connection needs is missing here.
    Unusable(&'static str),
    /// No byte reached the peer.
    Unreachable(String),
    /// No answer came.
    Unanswered(String),
    /// The peer answered with another status than 200.
    Status(u16),
    /// The answer is not that of a workspace.
    Foreign,
}

impl From<CallError> for Trouble {
    fn from(error: CallError) -> Trouble {
        match error {
            CallError::NeverLeft(why) => Trouble::Unreachable(why),
            CallError::Unknown(why) => Trouble::Unanswered(why),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Unusable(what) => write!(f, "it has no usable {what} here"),
            Trouble::Unreachable(why) => write!(f, "it could not be reached: {why}"),
            Trouble::Unanswered(why) => write!(f, "it did not answer: {why}"),
            Trouble::Status(401) => f.write_str(
                "it refuses our token (401): the connection was removed or created again there",
            ),
            Trouble::Status(403) => {
                f.write_str("the call is forbidden (403), by a proxy in front of it for instance")
            }
            Trouble::Status(404) => {
                f.write_str("there is no workspace at its address (404): perhaps it has moved")
            }
            Trouble::Status(status @ 300..=399) => write!(
                f,
                "its address redirects elsewhere ({status}), which is not followed: it has moved"
            ),
            Trouble::Status(501) => f.write_str("its secure connections are switched off (501)"),
            Trouble::Status(status) => write!(f, "it answered with status {status}"),
            Trouble::Foreign => f.write_str("the server at its address is not a workspace"),
        }
    }
}

impl Trouble {
    /// Whether it is the same kind of trouble, though perhaps with other details.
    fn is_like(&self, other: &Trouble) -> bool {
        match (self, other) {
            (Trouble::Status(one), Trouble::Status(another)) => one == another,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

/// State of one kind of call to a peer.
#[derive(Default)]
struct Calls {
    /// Consecutive failures.
    failures: u32,
    trouble: Option<Trouble>,
}

/// Reachability of a peer.
#[derive(Default)]
pub(super) struct Reach {
    pings: Calls,
    messages: Calls,
    /// The address that the peer last reported as its own.
    reported: Option<SiteUrl>,
}

/// The kinds of calls; one may fail while the other succeeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Pings,
    Messages,
}

impl What {
    fn name(self) -> &'static str {
        match self {
            What::Pings => "pings",
            What::Messages => "messages",
        }
    }
}

impl Reach {
    fn calls(&mut self, what: What) -> &mut Calls {
        match what {
            What::Pings => &mut self.pings,
            What::Messages => &mut self.messages,
        }
    }
}

/// Records the outcome of a call.
pub(super) fn note(
    federation: &Federation,
    (no, row): (ConnectionNo, &Connection),
    what: What,
    trouble: Option<Trouble>,
) {
    let mut reaches = lock(&federation.inner.reaches);
    let calls = reaches.entry(no).or_default().calls(what);
    let (connection, calls_of) = (row.name.as_str(), what.name());
    match (&calls.trouble, &trouble) {
        (None, None) => {}
        (Some(before), Some(now)) if before.is_like(now) => {}
        (_, Some(cause)) => {
            tracing::warn!(connection, calls = calls_of, %cause, "the peer is unreachable");
        }
        (Some(_), None) => {
            let failures = calls.failures;
            tracing::info!(
                connection,
                calls = calls_of,
                failures,
                "the peer is reachable again"
            );
        }
    }
    calls.failures = match trouble {
        Some(_) => calls.failures.saturating_add(1),
        None => 0,
    };
    calls.trouble = trouble;
}

/// A peer may report another address with every ping.
static MOVED: RepeatedLine = RepeatedLine::new();

/// A peer reports its own address with a ping. Nothing is called there until an administrator
/// confirms the move: otherwise whoever stole the peer's token could redirect everything to itself.
pub(super) fn reported(federation: &Federation, no: ConnectionNo, told: SiteUrl) {
    let Some((row, ConnectionState::Confirmed)) = federation.connection(no) else {
        return;
    };
    let mut reaches = lock(&federation.inner.reaches);
    let reach = reaches.entry(no).or_default();
    if reach.reported.as_ref() == Some(&told) {
        return;
    }
    if moved(&row, &told)
        && let Some(left_out) = MOVED.next()
    {
        tracing::warn!(
            connection = row.name,
            site_url = told.as_str(),
            left_out,
            "the peer reports that it has moved; it is still called at its old address. Once you \
             know that this is true, confirm it with /secure-connection move"
        );
    }
    reach.reported = Some(told);
}

/// Whether a reported address is another one than the peer is called at.
fn moved(row: &Connection, reported: &SiteUrl) -> bool {
    SiteUrl::parse(&row.site_url).is_some_and(|known| known != *reported)
}

impl Federation {
    /// The address to which a peer reports that it has moved, until an administrator confirms it.
    #[must_use]
    pub fn reported_site_url(&self, no: ConnectionNo, row: &Connection) -> Option<String> {
        let reaches = lock(&self.inner.reaches);
        let reported = reaches.get(&no)?.reported.as_ref()?;
        let is_live = row.state == ConnectionState::Confirmed && row.delete_at == 0;
        (is_live && moved(row, reported)).then(|| reported.as_str().to_string())
    }

    /// Checks a peer's address given by an administrator; returns it as it is stored.
    ///
    /// # Errors
    /// If it is not a valid address, or one that must not be called.
    pub fn checked_address(&self, url: &str) -> Result<String, Refusal> {
        let refused =
            |message: String| Refusal::new(400, "api.remote_cluster.update.app_error", message);
        let site_url = SiteUrl::parse(url).ok_or_else(|| {
            refused("A site URL must look like https://chat.example.org.".to_string())
        })?;
        let judged = self.inner.client.check(&site_url);
        judged.map_err(|reason| refused(format!("{reason}.")))?;
        Ok(site_url.as_str().to_string())
    }

    /// Whether a peer counts as online: it answered a ping recently, and the last one as well. Protocol §9.
    #[must_use]
    pub fn is_online(&self, no: ConnectionNo, row: &Connection) -> bool {
        let reaches = lock(&self.inner.reaches);
        let is_away = reaches
            .get(&no)
            .is_some_and(|it| it.pings.trouble.is_some());
        let is_online = connection::is_online(row, self.inner.engine.now_ms());
        is_online && row.delete_at == 0 && !is_away
    }

    /// Why the last ping of a peer, or the last message to it, failed, in words.
    #[must_use]
    pub fn trouble(&self, no: ConnectionNo) -> Option<String> {
        let reaches = lock(&self.inner.reaches);
        let Reach {
            pings, messages, ..
        } = reaches.get(&no)?;
        let trouble = pings.trouble.as_ref().or(messages.trouble.as_ref())?;
        Some(trouble.to_string())
    }

    /// Consecutive failed calls to a peer: pings or messages, whichever are more.
    #[must_use]
    pub fn failures(&self, no: ConnectionNo, row: &Connection) -> u32 {
        let reaches = lock(&self.inner.reaches);
        let of_calls = reaches
            .get(&no)
            .map_or(0, |reach| reach.pings.failures.max(reach.messages.failures));
        of_calls.max(row.failures)
    }
}
