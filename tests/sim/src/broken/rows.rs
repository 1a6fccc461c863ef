//! Changed rows among a step's writes.

use causeway_kernel::boundary::env::Host;
use causeway_kernel::boundary::input::Receipt;
use causeway_kernel::boundary::output::Write;
use causeway_kernel::model::{Link, Permission, Post, Role, RolePermissions, Round, RoundSource};
use causeway_kernel::rows::id::{ChannelNo, ConnectionNo, UserNo};
use causeway_kernel::rows::key;
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::{Read, Record};
use causeway_kernel::sharing::connection;
use serde_json::Value;

use crate::kernel::StepBytes;

/// Whether another connection is waiting for its next send.
pub(super) fn is_another_paused(host: &dyn Host, now_ms: i64, connection: ConnectionNo) -> bool {
    let all = connection::all(host);
    let mut others = all.iter().filter(|(no, _)| *no != connection);
    others.any(|(_, row)| row.retry_at > now_ms)
}

/// Moves the cursor past a round in flight, and ends the round.
pub(super) fn pass_round(host: &dyn Host, receipt: &Receipt, output: &mut StepBytes) {
    let round = host.get::<Round>(&receipt.connection);
    let Some(RoundSource::Feed { to }) = round.map(|round| round.source) else {
        return;
    };
    change::<Link>(output, |link| link.cursor.seq = link.cursor.seq.max(to));
    let rounds = output.writes.iter_mut();
    for write in rounds.filter(|write| write.table == Table::Rounds) {
        write.value = None;
    }
}

pub(super) fn first_eight(seed: [u8; 16]) -> [u8; 8] {
    let mut out = [0; 8];
    out.copy_from_slice(&seed[..8]);
    out
}

/// Changes the rows of a record among a step's writes.
pub(super) fn change<R: Record>(output: &mut StepBytes, change: impl Fn(&mut R)) {
    for write in output
        .writes
        .iter_mut()
        .filter(|write| write.table == R::TABLE)
    {
        if let Some(mut row) = write.value.as_deref().and_then(R::from_bytes) {
            change(&mut row);
            write.value = Some(row.to_bytes());
        }
    }
}

/// Whoever joins a channel joins the first channel, too.
pub(super) fn widen_members(output: &mut StepBytes) {
    let joins = |write: &&Write| write.table == Table::ChannelMembers && write.value.is_some();
    let mut others = Vec::new();
    for write in output.writes.iter().filter(joins) {
        let Some((_, user)) = key::decode::<(ChannelNo, UserNo)>(&write.key) else {
            continue;
        };
        others.push(Write {
            key: key::encode(&(ChannelNo(1), user)),
            ..write.clone()
        });
    }
    let is_there = |other: &Write| output.writes.iter().any(|write| write.key == other.key);
    others.retain(|other| !is_there(other));
    output.writes.extend(others);
}

/// Everybody may share channels, if the step changed anything.
pub(super) fn grant(output: &mut StepBytes) {
    if output.writes.is_empty() {
        return;
    }
    let row = RolePermissions {
        update_at: 1,
        permissions: vec![Permission::ManageSharedChannels],
    };
    output.writes.push(Write {
        table: Table::Roles,
        key: key::encode(&Role::SystemUser.number()),
        value: Some(row.to_bytes()),
    });
}

/// Deletes every object that a frame marks as deleted.
pub(super) fn delete_named(host: &dyn Host, body: &[u8], output: &mut StepBytes) {
    let Ok(json) = serde_json::from_slice::<Value>(body) else {
        return;
    };
    let posts = json["msg"]["payload"]["posts"].as_array();
    for post in posts
        .into_iter()
        .flatten()
        .filter(|post| post["delete_at"] != 0)
    {
        let id = post["id"].as_str().unwrap_or_default();
        let Some(no) = lookup::post(host, id) else {
            continue;
        };
        let key = key::encode(&no);
        let written = output
            .writes
            .iter()
            .any(|write| (write.table, &write.key) == (Table::Posts, &key));
        if let Some(mut row) = host
            .get::<Post>(&no)
            .filter(|row| !written && row.delete_at == 0)
        {
            row.delete_at = 1;
            output.writes.push(Write {
                table: Table::Posts,
                key,
                value: Some(row.to_bytes()),
            });
        }
    }
}
