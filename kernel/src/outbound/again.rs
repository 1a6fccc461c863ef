//! Handling of exceptions when the policies change: everything that they held or denied is asked about again.

use super::exception;
use crate::boundary::policy::Direction;
use crate::gate;
use crate::model::{Exception, FeedObject, Job, Post, VerdictRow};
use crate::rows::id::{ChannelNo, ConnectionNo};
use crate::rows::tx::{Read, Tx};
use crate::rows::{jobs, key};

/// Called when the policies have changed: starts a pass over all connections.
pub fn start(tx: &mut Tx<'_>) {
    let job = Job::AskAgain {
        connection: ConnectionNo(0),
        position: (ChannelNo(0), 0, String::new()),
    };
    jobs::start(tx, job);
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

fn forget_verdict(tx: &mut Tx<'_>, connection: ConnectionNo, object: &FeedObject) {
    if let Some(post_no) = object.as_post()
        && let Some(post) = tx.get::<Post>(&post_no)
    {
        let asked = gate::about_posts(tx, Direction::Outbound);
        tx.delete::<VerdictRow>(&(connection, asked.byte(), post.id));
    }
}
