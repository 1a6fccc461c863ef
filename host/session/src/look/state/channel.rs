//! One channel: its members and its posts.

use causeway_kernel::model::{ChannelMember, ChannelPost, Post};
use causeway_kernel::rows::id::{ChannelNo, PostNo};
use causeway_kernel::rows::tx::Read;

use super::table::{Cell, TextTable};
use crate::look::names::{Names, quoted};
use causeway_engine::MemoryRows;

/// The members of a channel.
#[must_use]
pub fn members(rows: &MemoryRows, channel: ChannelNo) -> TextTable {
    let members = rows.records::<ChannelMember>();
    let members = members.filter(|((no, _), _)| *no == channel);
    let line = |((_, user), row): ((ChannelNo, _), ChannelMember)| {
        vec![
            Names(rows).user(user).into(),
            if row.is_admin { "admin" } else { "member" }.into(),
            Cell::Time(row.create_at),
            Cell::Time(row.last_viewed_at),
        ]
    };
    TextTable {
        name: "members",
        columns: &["name", "role", "joined", "looked at it"],
        rows: members.map(line).collect(),
    }
}

/// The newest posts of a channel, at most `limit`, oldest first.
#[must_use]
pub fn posts(rows: &MemoryRows, channel: ChannelNo, limit: usize) -> TextTable {
    let keys = rows.records::<ChannelPost>().map(|(key, _)| key);
    let all: Vec<PostNo> = keys
        .filter(|(no, _, _)| *no == channel)
        .map(|(_, _, post)| post)
        .collect();
    let newest = all.iter().skip(all.len().saturating_sub(limit));
    TextTable {
        name: "posts",
        columns: &["id", "author", "written", "state", "root", "text"],
        rows: newest
            .filter_map(|no| Some(line(rows, &rows.get::<Post>(no)?)))
            .collect(),
    }
}

fn line(rows: &MemoryRows, row: &Post) -> Vec<Cell> {
    let names = Names(rows);
    let state = match (row.delete_at, row.edit_at, row.is_pinned) {
        (0, 0, false) => "-",
        (0, 0, true) => "pinned",
        (0, _, false) => "edited",
        (0, _, true) => "edited, pinned",
        _ => "deleted",
    };
    vec![
        row.id.to_string().into(),
        names.user(row.user).into(),
        Cell::Time(row.create_at),
        state.into(),
        row.root.map_or("-".into(), |root| names.post(root)).into(),
        quoted(&row.message).into(),
    ]
}
