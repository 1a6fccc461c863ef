//! The jobs of sharing: work on every link of a connection, or on every entry of a feed.

use super::{directory, feed, link};
use crate::boundary::behaviour::Behaviour;
use crate::model::limits::JOB_ROWS_PER_STEP;
use crate::model::{ConnectionLink, FeedEntry, Job, LinkEnd, Scope};
use crate::outbound::forget_state;
use crate::rows::id::{ChannelNo, ConnectionNo, FeedSeq};
use crate::rows::table::Table;
use crate::rows::tx::{Read, Tx};
use crate::rows::{jobs, key};

/// Tables of data about a connection's peer, deleted with the connection.
const PEER_TABLES: [Table; 18] = [
    Table::Exceptions,
    Table::ExceptionTimes,
    Table::SentUsers,
    Table::SentOldPosts,
    Table::SentReactions,
    Table::Verdicts,
    Table::Interruptions,
    Table::Offers,
    Table::StatusCursors,
    Table::Uploads,
    Table::FileDebts,
    Table::FileTimes,
    Table::SentFiles,
    Table::Transfers,
    Table::PictureDebts,
    Table::PictureTimes,
    Table::SentPictures,
    Table::PictureTransfers,
];

/// Carries out a portion of [`Job::EndLinks`]; returns the continued job, if any.
pub fn end_links(tx: &mut Tx<'_>, connection: ConnectionNo, position: ChannelNo) -> Option<Job> {
    let channels = links_after(tx, connection, position);
    for channel in &channels {
        super::end_link(tx, *channel, connection, LinkEnd::Removed);
        // Of an earlier end, nobody is told any more.
        forget_state(tx, connection, *channel);
    }
    if let Some(last) = channels.last() {
        return Some(Job::EndLinks {
            connection,
            position: *last,
        });
    }
    let prefix = key::encode(&connection);
    for table in PEER_TABLES {
        let found = tx.scan_keys(table, &jobs::range(prefix.clone(), &prefix));
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

/// Carries out a portion of [`Job::DropFeed`]; returns the continued job, if any.
pub fn drop_feed(tx: &mut Tx<'_>, channel: ChannelNo, to: FeedSeq) -> Option<Job> {
    let scope = Scope::channel(channel);
    let found = feed::entries_after(tx, scope, FeedSeq(0), JOB_ROWS_PER_STEP);
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

/// Carries out a portion of [`Job::Resend`]; returns the continued job, if any.
pub fn resend(tx: &mut Tx<'_>, connection: ConnectionNo, position: ChannelNo) -> Option<Job> {
    if position == ChannelNo(0) && Behaviour::OfferedWhenResent.is_in_force(tx) {
        directory::start_over(tx, connection);
    }
    let channels = links_after(tx, connection, position);
    for channel in &channels {
        link::rewind(tx, *channel, connection);
    }
    channels.last().map(|last| Job::Resend {
        connection,
        position: *last,
    })
}

/// Carries out a portion of [`Job::OfferMembers`]; returns the continued job, if any.
pub fn offer_members(
    tx: &mut Tx<'_>,
    connection: ConnectionNo,
    position: ChannelNo,
) -> Option<Job> {
    let channels = links_after(tx, connection, position);
    for channel in &channels {
        link::offer_members(tx, *channel, connection);
    }
    let (connection, position) = match channels.last() {
        Some(last) => (connection, *last),
        None => (jobs::next_connection(tx, connection)?, ChannelNo(0)),
    };
    Some(Job::OfferMembers {
        connection,
        position,
    })
}

/// A portion of the channels with a link of a connection.
pub(crate) fn links_after(
    tx: &Tx<'_>,
    connection: ConnectionNo,
    after: ChannelNo,
) -> Vec<ChannelNo> {
    let from = key::encode(&(connection, ChannelNo(after.0.saturating_add(1))));
    let rows = tx.rows::<ConnectionLink>(&jobs::range(from, &key::encode(&connection)));
    rows.into_iter().map(|((_, channel), _)| channel).collect()
}
