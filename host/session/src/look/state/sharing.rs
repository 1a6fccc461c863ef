//! Connections, and the links of channels to them.

use causeway_kernel::model::{
    Connection, ConnectionState, Exception, ExceptionState, Link, LinkEnd, LinkState, PeerKind,
};
use causeway_kernel::rows::id::{ChannelNo, ConnectionNo};
use causeway_kernel::sharing::connection::is_online;

use super::table::{Cell, TextTable};
use crate::look::names::{Names, plain};
use causeway_engine::MemoryRows;

/// Every connection, as it was at a time in ms.
#[must_use]
pub fn connections(rows: &MemoryRows, now_ms: i64) -> TextTable {
    let line = |(_, row): (_, Connection)| {
        vec![
            plain(&row.name).into(),
            row.remote_id.to_string().into(),
            state(&row).into(),
            if is_online(&row, now_ms) {
                "online"
            } else {
                "-"
            }
            .into(),
            kind(row.kind).into(),
            Cell::Time(row.last_ping_at),
            u64::from(row.failures).into(),
            plain(&row.site_url).into(),
        ]
    };
    TextTable {
        name: "connections",
        columns: &[
            "name",
            "remote id",
            "state",
            "online",
            "kind",
            "last ping",
            "failures",
            "site URL",
        ],
        rows: rows.records::<Connection>().map(line).collect(),
    }
}

fn state(row: &Connection) -> &'static str {
    match row.state {
        ConnectionState::Confirmed if row.suspended.is_some() => "suspended",
        ConnectionState::Pending => "pending",
        ConnectionState::Confirming => "confirming",
        ConnectionState::Confirmed => "confirmed",
        ConnectionState::Removed => "removed",
    }
}

fn kind(kind: PeerKind) -> &'static str {
    match kind {
        PeerKind::Mattermost2021 => "Mattermost 2021",
        PeerKind::Mattermost11 => "Mattermost 11",
        PeerKind::Causeway => "Causeway",
    }
}

fn link_state(link: &Link) -> String {
    let word = match (link.state, &link.end) {
        (LinkState::Inviting, _) => "inviting",
        (LinkState::Awaiting, _) => "awaits an administrator of the peer",
        (LinkState::Active, _) => "active",
        (LinkState::Ended, Some(LinkEnd::Here)) => "ended here",
        (LinkState::Ended, Some(LinkEnd::Peer)) => "ended by the peer",
        (LinkState::Ended, Some(LinkEnd::Refused(words))) => {
            return format!("refused: {}", plain(words));
        }
        (LinkState::Ended, Some(LinkEnd::Removed)) => "ended with the connection",
        (LinkState::Ended, None) => "ended",
    };
    word.into()
}

/// Every link of a channel to a connection.
#[must_use]
pub fn links(rows: &MemoryRows) -> TextTable {
    let line = |((channel, connection), row): ((ChannelNo, ConnectionNo), Link)| {
        let names = Names(rows);
        vec![
            names.channel(channel).into(),
            names.connection(connection).into(),
            link_state(&row).into(),
            row.cursor.seq.0.into(),
            match row.cursor.history {
                Some(_) => "sent",
                None => "not sent",
            }
            .into(),
            waiting(rows, (channel, connection), row.epoch).into(),
            row.dead_letters.into(),
            Cell::Time(row.last_sync_at),
        ]
    };
    TextTable {
        name: "links",
        columns: &[
            "channel",
            "connection",
            "state",
            "cursor",
            "history",
            "exceptions",
            "dead letters",
            "last sync",
        ],
        rows: rows.records::<Link>().map(line).collect(),
    }
}

/// Number of exceptions of a link that are not given up.
fn waiting(rows: &MemoryRows, link: (ChannelNo, ConnectionNo), epoch: u32) -> usize {
    let of_link = rows.records::<Exception>().filter(|(key, row)| {
        (key.1, key.0) == link && row.epoch == epoch && row.state != ExceptionState::Dead
    });
    of_link.count()
}
