//! The workspace as a whole: channels, users, and counts of rows.

use std::collections::BTreeMap;

use causeway_kernel::model::{Channel, ChannelKind, ChannelMember, ChannelPost, Place, User};
use causeway_kernel::rows::id::ChannelNo;
use causeway_kernel::rows::table::Table;

use super::table::{Cell, TextTable};
use crate::look::names::plain;
use causeway_engine::MemoryRows;

/// Every channel.
#[must_use]
pub fn channels(rows: &MemoryRows) -> TextTable {
    let members = per_channel(rows.records::<ChannelMember>().map(|((no, _), _)| no));
    let posts = per_channel(rows.records::<ChannelPost>().map(|((no, _, _), _)| no));
    let line = |(no, row): (ChannelNo, Channel)| {
        let kind = match row.place {
            Place::Team { kind, .. } => match kind {
                ChannelKind::Public => "public",
                ChannelKind::Private => "private",
            },
            Place::Direct => "direct",
            Place::Group => "group",
        };
        let of = |counts: &BTreeMap<ChannelNo, usize>| counts.get(&no).copied().unwrap_or(0);
        vec![
            row.id.to_string().into(),
            plain(&row.name).into(),
            if row.delete_at == 0 { kind } else { "archived" }.into(),
            if row.shared { "shared" } else { "-" }.into(),
            of(&posts).into(),
            of(&members).into(),
            Cell::Time(row.last_post_at),
        ]
    };
    TextTable {
        name: "channels",
        columns: &[
            "id",
            "name",
            "kind",
            "shared",
            "posts",
            "members",
            "last post",
        ],
        rows: rows.records::<Channel>().map(line).collect(),
    }
}

fn per_channel(channels: impl Iterator<Item = ChannelNo>) -> BTreeMap<ChannelNo, usize> {
    let mut counts = BTreeMap::new();
    for channel in channels {
        *counts.entry(channel).or_default() += 1;
    }
    counts
}

/// Every user.
#[must_use]
pub fn users(rows: &MemoryRows) -> TextTable {
    let line = |(_, row): (_, User)| {
        vec![
            row.id.to_string().into(),
            plain(&row.username).into(),
            if row.origin.is_ours() {
                "here"
            } else {
                "a peer"
            }
            .into(),
            if row.delete_at == 0 {
                "active"
            } else {
                "deactivated"
            }
            .into(),
            plain(&row.roles).into(),
            Cell::Time(row.update_at),
        ]
    };
    TextTable {
        name: "users",
        columns: &["id", "name", "lives", "state", "roles", "changed"],
        rows: rows.records::<User>().map(line).collect(),
    }
}

/// Numbers of rows in the tables of interest, and in total.
#[must_use]
pub fn counts(rows: &MemoryRows) -> TextTable {
    let of_interest = [
        (Table::Posts, "posts"),
        (Table::Users, "users"),
        (Table::Verdicts, "verdicts of policies"),
        (Table::Exceptions, "exceptions"),
        (Table::Held, "items held"),
        (Table::Quarantine, "items in quarantine"),
        (Table::Rounds, "rounds in flight"),
        (Table::Due, "due rows"),
        (Table::Jobs, "jobs"),
    ];
    let line = |(table, name): (Table, &str)| vec![name.into(), rows.count(table).into()];
    let mut lines: Vec<Vec<Cell>> = of_interest.into_iter().map(line).collect();
    lines.push(vec!["all rows".into(), rows.all().count().into()]);
    TextTable {
        name: "counts",
        columns: &["what", "number"],
        rows: lines,
    }
}
