//! The state of a post at the end of a session.

use causeway_kernel::model::{
    Connection, File, FileDebt, FileStanding, HiddenComponents, Link, LinkState, Post,
    QuarantineEntry,
};
use causeway_kernel::outbound::delivery::{self, Peer, Standing};
use causeway_kernel::rows::id::{ConnectionNo, FileNo, PostNo};
use causeway_kernel::rows::tx::Read;
use causeway_kernel::sharing::connection;

use super::{inbound, names};
use crate::look::describe::refusals;
use crate::look::names::{Names, count, plain, quoted};
use causeway_engine::MemoryRows;

pub(super) fn standing(
    rows: &MemoryRows,
    post: &str,
    row: Option<&(PostNo, Post)>,
    now_ms: i64,
) -> Vec<String> {
    let mut out = Vec::new();
    if let Some((no, row)) = row {
        out.push(in_short(rows, row));
        if let Some(hidden) = rows.get::<HiddenComponents>(no) {
            let reason = plain(&hidden.reason);
            let state = match hidden.again {
                None => "a policy denied them",
                Some(_) => "a policy failed and is asked again",
            };
            out.push(format!(
                "shown here without its buttons, menus and custom type: {state}: {reason}"
            ));
        }
        for ((channel, connection), link) in rows.records::<Link>() {
            if channel == row.channel {
                let who = Names(rows).connection(connection);
                out.extend(at_peer(rows, &who, (*no, row), (connection, link), now_ms));
            }
        }
    }
    if let Some(held) = inbound::waiting(rows, post) {
        let times = count(held.attempts as usize, "time");
        out.push(format!(
            "a version of it is waiting, asked about {times}: {}",
            plain(&held.reason)
        ));
    }
    for (number, entry) in rows.records::<QuarantineEntry>() {
        if names(&entry.bytes, post) {
            out.push(format!(
                "in quarantine as number {number}: {}",
                plain(&entry.reason)
            ));
        }
    }
    out
}

/// How a post stands at the peer of a link.
fn at_peer(
    rows: &MemoryRows,
    who: &str,
    post: (PostNo, &Post),
    (no, link): (ConnectionNo, Link),
    now_ms: i64,
) -> Vec<String> {
    let is_ended = link.state == LinkState::Ended;
    let Some(connection) = rows.get::<Connection>(&no) else {
        return Vec::new();
    };
    let is_online = connection::is_online(&connection, now_ms);
    let peer = Peer {
        no,
        connection,
        link,
        is_online,
    };
    let stands = delivery::at_peer(rows, &peer, post, now_ms);
    if is_ended && stands.standing != Standing::Origin {
        return vec![format!("{who}: the channel is no longer shared with it")];
    }
    let mut out = vec![format!("{who}: {}", in_words(&stands.standing))];
    out.extend(files_owed(rows, who, &stands.files));
    out
}

fn in_short(rows: &MemoryRows, row: &Post) -> String {
    let names = Names(rows);
    let mut out = format!(
        "of {} in {}",
        names.user(row.user),
        names.channel(row.channel)
    );
    if row.delete_at != 0 {
        out.push_str(if row.moderated {
            ", deleted by a moderator here"
        } else {
            ", deleted"
        });
    } else {
        out.push_str(&format!(": {}", quoted(&row.message)));
    }
    if row.is_pinned {
        out.push_str(", pinned");
    }
    if row.reply_count > 0 {
        out.push_str(&format!(", replies: {}", row.reply_count));
    }
    if row.reaction_count > 0 {
        out.push_str(&format!(
            ", {}",
            count(row.reaction_count as usize, "reaction")
        ));
    }
    out
}

/// The files of a post that a peer is still to get.
fn files_owed(rows: &MemoryRows, who: &str, owed: &[(FileNo, FileDebt)]) -> Vec<String> {
    let mut out = Vec::new();
    for (no, owed) in owed {
        let Some(file) = rows.get::<File>(no) else {
            continue;
        };
        let reason = plain(&owed.reason);
        let state = match (owed.standing, owed.retry_at, owed.failures) {
            (FileStanding::Denied, ..) => format!("was denied by a policy: {reason}"),
            (FileStanding::Held, ..) => format!("is held, as the policies failed: {reason}"),
            (_, 0, _) => format!("is no longer offered: {reason}"),
            (_, _, 0) => "is still to be sent".to_string(),
            (_, _, times) => {
                let times = count(times as usize, "attempt");
                format!("is sent again, after {times}: {reason}")
            }
        };
        out.push(format!("{who}: the file {} {state}", plain(&file.name)));
    }
    out
}

fn in_words(standing: &Standing) -> String {
    match standing {
        Standing::Delivered => "delivered".into(),
        Standing::Origin => "it came from there and is not sent back".into(),
        Standing::NotSent(why) => format!("not sent: {}", why.reason()),
        Standing::Sending => "on its way".into(),
        Standing::Waiting(wait) => format!("still to be sent: {}", wait.reason()),
        Standing::Excepted(row) => format!("it {}", refusals::state(row)),
    }
}
