//! Handling of exceptions, and of files that peers are still to get, when the policies change: everything that they
//! held or denied is asked about again.

use super::{exception, withheld_files};
use crate::boundary::policy::Direction;
use crate::gate;
use crate::model::limits::JOB_ROWS_PER_STEP;
use crate::model::{Exception, FeedObject, Job, Post, VerdictRow};
use crate::rows::id::{ChannelNo, ConnectionNo, FileNo};
use crate::rows::tx::{Read, Tx};
use crate::rows::{jobs, key};
use crate::sharing::directory::{self, NO_CHANNEL};
use crate::sharing::feed;

/// Called when the policies have changed: starts a pass over all connections.
pub fn start(tx: &mut Tx<'_>) {
    let job = Job::AskAgain {
        connection: ConnectionNo(0),
        position: (ChannelNo(0), 0, String::new()),
    };
    jobs::start(tx, job);
}

/// Called when the policies for files have changed: starts a pass over all connections.
pub fn start_files(tx: &mut Tx<'_>) {
    let job = Job::AskFilesAgain {
        connection: ConnectionNo(0),
        position: FileNo(0),
    };
    jobs::start(tx, job);
}

/// Carries out a portion of [`Job::AskFilesAgain`]; returns the continued job, if any.
pub fn ask_files_again(tx: &mut Tx<'_>, connection: ConnectionNo, position: FileNo) -> Option<Job> {
    let (connection, position) = match withheld_files::ask_again(tx, connection, position) {
        Some(last) => (connection, last),
        None => (jobs::next_connection(tx, connection)?, FileNo(0)),
    };
    Some(Job::AskFilesAgain {
        connection,
        position,
    })
}

/// Carries out a portion of [`Job::AskAgain`]; returns the continued job, if any.
pub fn ask_again(
    tx: &mut Tx<'_>,
    connection: ConnectionNo,
    position: (ChannelNo, u64, String),
) -> Option<Job> {
    let (channel, number, mut rest) = position;
    // The first key after the last one processed.
    rest.push('\0');
    let from = key::encode(&(connection, channel, number, rest));
    let rows = tx.rows::<Exception>(&jobs::range(from, &key::encode(&connection)));
    let mut last = None;
    for ((_, channel, number, rest), row) in rows {
        if channel == NO_CHANNEL {
            // They come first. The others follow after them.
            jobs::start(tx, Job::OfferWithheld { connection });
            last = Some((NO_CHANNEL, u64::MAX, String::new()));
            break;
        }
        if row.state.is_of_policies() {
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
    let next = jobs::next_connection(tx, connection)?;
    Some(Job::AskAgain {
        connection: next,
        position: (ChannelNo(0), 0, String::new()),
    })
}

/// Called when people are not offered to peers any more: if they are again, nobody stays held back.
pub fn forget_withheld(tx: &mut Tx<'_>) {
    for peer in feed::peers(tx).iter() {
        let connection = peer.connection;
        if exception::any(tx, connection, NO_CHANNEL) {
            jobs::start(tx, Job::OfferWithheld { connection });
        }
    }
}

/// Carries out a portion of [`Job::OfferWithheld`]; returns the continued job, if any. Everybody is gone through once,
/// after the last portion.
pub fn offer_withheld(tx: &mut Tx<'_>, connection: ConnectionNo) -> Option<Job> {
    let rows = tx.prefix::<Exception, _>(&(connection, NO_CHANNEL), JOB_ROWS_PER_STEP);
    if rows.is_empty() {
        directory::offer_again(tx, connection);
        return None;
    }
    for (_, row) in rows {
        exception::forget(tx, connection, NO_CHANNEL, &row);
    }
    Some(Job::OfferWithheld { connection })
}

fn forget_verdict(tx: &mut Tx<'_>, connection: ConnectionNo, object: &FeedObject) {
    if let Some(post_no) = object.as_post()
        && let Some(post) = tx.get::<Post>(&post_no)
    {
        let asked = gate::about_posts(tx, Direction::Outbound);
        tx.delete::<VerdictRow>(&(connection, asked.byte(), post.id));
    }
}
