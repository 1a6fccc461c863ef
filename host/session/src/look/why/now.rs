//! The state of a post at the end of a session.

use causeway_kernel::model::{
    Connection, Exception, File, FileDebt, Link, LinkState, Post, QuarantineEntry, Round,
    RoundItem, SentOldPost,
};
use causeway_kernel::rows::id::{ConnectionNo, PostNo};
use causeway_kernel::rows::tx::Read;

use super::{inbound, names};
use crate::look::describe::refusals;
use crate::look::names::{Names, count, plain, quoted};
use causeway_engine::MemoryRows;

pub(super) fn standing(rows: &MemoryRows, post: &str, row: Option<&(PostNo, Post)>) -> Vec<String> {
    let mut out = Vec::new();
    if let Some((no, row)) = row {
        out.push(in_short(rows, row));
        for ((channel, connection), link) in rows.records::<Link>() {
            if channel == row.channel {
                let who = Names(rows).connection(connection);
                let stands = at_peer(rows, (*no, row), connection, &link);
                out.push(format!("{who}: {stands}"));
                out.extend(files_owed(rows, row, connection));
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
fn files_owed(rows: &MemoryRows, row: &Post, connection: ConnectionNo) -> Vec<String> {
    let who = Names(rows).connection(connection);
    let mut out = Vec::new();
    for no in &row.files {
        let owed = rows.get::<FileDebt>(&(connection, *no));
        let Some((owed, file)) = owed.zip(rows.get::<File>(no)) else {
            continue;
        };
        let reason = plain(&owed.reason);
        let state = match (owed.retry_at, owed.failures) {
            (0, _) => format!("is no longer offered: {reason}"),
            (_, 0) => "is still to be sent".to_string(),
            (_, times) => {
                let times = count(times as usize, "attempt");
                format!("is sent again, after {times}: {reason}")
            }
        };
        out.push(format!("{who}: the file {} {state}", plain(&file.name)));
    }
    out
}

fn at_peer(
    rows: &MemoryRows,
    (no, row): (PostNo, &Post),
    connection: ConnectionNo,
    link: &Link,
) -> String {
    let peer = rows.get::<Connection>(&connection);
    if peer.is_some_and(|peer| !row.origin.is_ours() && peer.workspace == row.origin) {
        return "it came from there and is not sent back".into();
    }
    if link.state == LinkState::Ended {
        return "the channel is no longer shared with it".into();
    }
    if link.state == LinkState::Awaiting {
        return "an administrator there has to accept the channel first".into();
    }
    let exception = rows.get::<Exception>(&(connection, row.channel, no.0, String::new()));
    if let Some(exception) = exception.filter(|it| it.epoch == link.epoch) {
        return format!("it {}", refusals::state(&exception));
    }
    let holds = |round: &Round| {
        let mut items = round.items.iter();
        items.any(|it| matches!(it, RoundItem::Post(held, _) if *held == no))
    };
    let round = rows.get::<Round>(&connection).filter(holds);
    if let Some(attempt) = round.and_then(|round| round.attempt) {
        return format!("on its way (attempt {attempt})");
    }
    // Only changes of a post from before the link are sent, unless the history is.
    let is_given = rows.get::<SentOldPost>(&(connection, no));
    let is_given = is_given.is_some_and(|it| it.epoch == link.epoch);
    if no <= link.posts_before && !is_given {
        return match link.cursor.history {
            Some(to) if to >= (row.ordered_at, no.0) => "sent with the history".into(),
            Some(_) => "will be sent with the history".into(),
            None => "from before the link, not sent".into(),
        };
    }
    if row.feed_seq.0 == 0 {
        "not among the changes that are sent".into()
    } else if row.feed_seq <= link.cursor.seq {
        "delivered".into()
    } else {
        "still to be sent".into()
    }
}
