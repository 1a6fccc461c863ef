//! Jobs: work over more rows than a step may touch. A portion a step; a due row brings the next.

use crate::boundary::behaviour::Behaviour;
use crate::boundary::env::Range;
use crate::boundary::policy::Direction;
use crate::model::limits::{CONNECTIONS_MAX, JOB_ROWS_PER_STEP};
use crate::model::{
    Connection, ConnectionLink, DueKind, Exception, ExceptionState, FeedEntry, FeedObject, Job,
    Post, Scope, VerdictRow,
};
use crate::outbound::exception;
use crate::rows::due;
use crate::rows::id::{ChannelNo, ConnectionNo, FeedSeq};
use crate::rows::key;
use crate::rows::table::Table;
use crate::rows::tx::{Read, SCAN_BYTES_MAX, Tx};
use crate::sharing::{self, link};

/// What is kept about a connection's peer and goes with the connection.
const PEER_TABLES: [Table; 6] = [
    Table::Exceptions,
    Table::ExceptionTimes,
    Table::SentUsers,
    Table::SentOldPosts,
    Table::SentReactions,
    Table::Verdicts,
];

/// Starts a job; its first portion comes in a step of its own.
pub fn start(tx: &mut Tx<'_>, job: Job) {
    let number = tx.next_row();
    again(tx, number, &job);
}

/// The policies are others now: what they held or denied is looked at again.
pub fn ask_policies_again(tx: &mut Tx<'_>) {
    let connection = ConnectionNo(0);
    if Behaviour::AskedAgain.is_in_force(tx) {
        let position = None;
        start(
            tx,
            Job::AskInboundAgain {
                connection,
                position,
            },
        );
    }
    let position = (ChannelNo(0), 0, String::new());
    start(
        tx,
        Job::AskAgain {
            connection,
            position,
        },
    );
}

/// Stores a job and has its next portion done at once.
pub fn again(tx: &mut Tx<'_>, number: u64, job: &Job) {
    tx.put(&number, job);
    due::at(tx, tx.now_ms(), DueKind::Job(number));
}

/// Does a portion of one of this module's jobs; returns the job as it goes on, if it does.
pub fn portion(tx: &mut Tx<'_>, job: Job) -> Option<Job> {
    match job {
        Job::EndLinks {
            connection,
            position,
        } => end_links(tx, connection, position),
        Job::DropFeed { channel, to } => drop_feed(tx, channel, to),
        Job::Resend {
            connection,
            position,
        } => resend(tx, connection, position),
        Job::AskAgain {
            connection,
            position,
        } => ask_again(tx, connection, position),
        other @ (Job::DeleteReplies { .. } | Job::AskInboundAgain { .. }) => Some(other),
    }
}

fn links_after(tx: &Tx<'_>, connection: ConnectionNo, after: ChannelNo) -> Vec<ChannelNo> {
    let from = key::encode(&(connection, ChannelNo(after.0.saturating_add(1))));
    let rows = tx.rows::<ConnectionLink>(&range(from, &key::encode(&connection)));
    rows.into_iter().map(|((_, channel), _)| channel).collect()
}

/// The keys of a prefix from one on, as many as a portion looks at.
pub fn range(from: Vec<u8>, prefix: &[u8]) -> Range {
    Range {
        from,
        to: key::prefix_end(prefix).unwrap_or_default(),
        reverse: false,
        rows_max: JOB_ROWS_PER_STEP,
        bytes_max: SCAN_BYTES_MAX,
    }
}

fn end_links(tx: &mut Tx<'_>, connection: ConnectionNo, position: ChannelNo) -> Option<Job> {
    let channels = links_after(tx, connection, position);
    for channel in &channels {
        sharing::end_link(tx, *channel, connection, false);
    }
    if let Some(last) = channels.last() {
        return Some(Job::EndLinks {
            connection,
            position: *last,
        });
    }
    let prefix = key::encode(&connection);
    for table in PEER_TABLES {
        let found = tx.scan_keys(table, &range(prefix.clone(), &prefix));
        if !found.is_empty() {
            found.into_iter().for_each(|key| tx.delete_key(table, &key));
            return Some(Job::EndLinks {
                connection,
                position,
            });
        }
    }
    None
}

fn drop_feed(tx: &mut Tx<'_>, channel: ChannelNo, to: FeedSeq) -> Option<Job> {
    let scope = Scope::channel(channel);
    let found = crate::sharing::feed::entries_after(tx, scope, FeedSeq(0), JOB_ROWS_PER_STEP);
    let more = found.len() == JOB_ROWS_PER_STEP as usize;
    let old: Vec<FeedSeq> = found
        .into_iter()
        .map(|(seq, _)| seq)
        .filter(|seq| *seq <= to)
        .collect();
    for seq in &old {
        tx.delete::<FeedEntry>(&(scope, *seq));
    }
    (more && !old.is_empty()).then_some(Job::DropFeed { channel, to })
}

fn resend(tx: &mut Tx<'_>, connection: ConnectionNo, position: ChannelNo) -> Option<Job> {
    let channels = links_after(tx, connection, position);
    for channel in &channels {
        link::rewind(tx, *channel, connection);
    }
    channels.last().map(|last| Job::Resend {
        connection,
        position: *last,
    })
}

fn ask_again(
    tx: &mut Tx<'_>,
    connection: ConnectionNo,
    position: (ChannelNo, u64, String),
) -> Option<Job> {
    let (channel, number, mut rest) = position;
    // The first key behind the last one done.
    rest.push('\0');
    let from = key::encode(&(connection, channel, number, rest));
    let rows = tx.rows::<Exception>(&range(from, &key::encode(&connection)));
    let mut last = None;
    for ((_, channel, number, rest), row) in rows {
        if matches!(row.state, ExceptionState::Held | ExceptionState::Denied) {
            forget_verdict(tx, connection, &row.object);
            exception::try_now(tx, connection, channel, row);
        }
        last = Some((channel, number, rest));
    }
    if let Some(position) = last {
        return Some(Job::AskAgain {
            connection,
            position,
        });
    }
    let next = next_connection(tx, connection)?;
    Some(Job::AskAgain {
        connection: next,
        position: (ChannelNo(0), 0, String::new()),
    })
}

fn forget_verdict(tx: &mut Tx<'_>, connection: ConnectionNo, object: &FeedObject) {
    if let FeedObject::Post(post_no) = object
        && let Some(post) = tx.get::<Post>(post_no)
    {
        let direction = VerdictRow::direction(Direction::Outbound);
        tx.delete::<VerdictRow>(&(connection, direction, post.id));
    }
}

/// The live connection behind a number.
pub fn next_connection(tx: &Tx<'_>, after: ConnectionNo) -> Option<ConnectionNo> {
    let rows = tx.rows::<Connection>(&Range {
        from: key::encode(&ConnectionNo(after.0.saturating_add(1))),
        to: Vec::new(),
        reverse: false,
        rows_max: CONNECTIONS_MAX,
        bytes_max: SCAN_BYTES_MAX,
    });
    rows.into_iter()
        .find(|(_, row)| row.delete_at == 0)
        .map(|(no, _)| no)
}
