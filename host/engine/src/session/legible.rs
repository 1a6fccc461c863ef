//! Rows, replies and effects in a form that people and tools can read and compare field by field.

use std::fmt::Debug;

use crate::runtime::StepEnd;
use causeway_kernel::boundary::behaviour::InForce;
use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::input::{Input, Receipt, SendOutcome};
use causeway_kernel::boundary::output::{Effect, Reply, Write};
use causeway_kernel::model::{
    Channel, ChannelMember, ChannelPost, Connection, ConnectionLink, Due, Exception, ExceptionTime,
    FeedEntry, Held, IdRow, Job, Link, MetaRow, NameRow, PeerWorkspace, Pending, PinnedPost, Post,
    QuarantineEntry, Reaction, Request, RequestExpiry, Round, SentOldPost, SentReaction, SentUser,
    SharedChannel, Team, TeamMember, ThreadPost, User, UserChannel, UserTeam, VerdictRow,
};
use causeway_kernel::rows::key;
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::Record;
use serde_json::{Map, Value, json};

/// A row's key in words, and its value; `Null` when it is of no known shape.
#[must_use]
pub fn row(table: Table, key: &[u8], value: &[u8]) -> (String, Value) {
    match table {
        Table::Meta => of::<MetaRow>(key, value),
        Table::Ids => of::<IdRow>(key, value),
        Table::Names => of::<NameRow>(key, value),
        Table::Users => of::<User>(key, value),
        Table::Teams => of::<Team>(key, value),
        Table::TeamMembers => of::<TeamMember>(key, value),
        Table::UserTeams => of::<UserTeam>(key, value),
        Table::Channels => of::<Channel>(key, value),
        Table::ChannelMembers => of::<ChannelMember>(key, value),
        Table::UserChannels => of::<UserChannel>(key, value),
        Table::Posts => of::<Post>(key, value),
        Table::ChannelPosts => of::<ChannelPost>(key, value),
        Table::ThreadPosts => of::<ThreadPost>(key, value),
        Table::Reactions => of::<Reaction>(key, value),
        Table::Feed => of::<FeedEntry>(key, value),
        Table::PeerWorkspaces => of::<PeerWorkspace>(key, value),
        Table::Connections => of::<Connection>(key, value),
        Table::SharedChannels => of::<SharedChannel>(key, value),
        Table::Links => of::<Link>(key, value),
        Table::ConnectionLinks => of::<ConnectionLink>(key, value),
        Table::SentUsers => of::<SentUser>(key, value),
        Table::Rounds => of::<Round>(key, value),
        Table::Exceptions => of::<Exception>(key, value),
        Table::SentReactions => of::<SentReaction>(key, value),
        Table::Verdicts => of::<VerdictRow>(key, value),
        Table::Due => of::<Due>(key, value),
        Table::Jobs => of::<Job>(key, value),
        Table::Requests => of::<Request>(key, value),
        Table::RequestExpiry => of::<RequestExpiry>(key, value),
        Table::Held => of::<Held>(key, value),
        Table::Quarantine => of::<QuarantineEntry>(key, value),
        Table::SentOldPosts => of::<SentOldPost>(key, value),
        Table::PinnedPosts => of::<PinnedPost>(key, value),
        Table::Pending => of::<Pending>(key, value),
        Table::ExceptionTimes => of::<ExceptionTime>(key, value),
        Table::Behaviours => of::<InForce>(key, value),
    }
}

fn of<R>(key: &[u8], value: &[u8]) -> (String, Value)
where
    R: Record,
    R::Key: Debug,
{
    let key = match key::decode::<R::Key>(key) {
        Some(key) => plain(&format!("{key:?}")),
        None => format!("{key:?}"),
    };
    let value = R::from_bytes(value).and_then(|row| serde_json::to_value(row).ok());
    (key, value.unwrap_or_default())
}

/// `(ChannelNo(3), PostNo(9))` as `3, 9`.
fn plain(key: &str) -> String {
    let is_kept = |c: &char| !"()".contains(*c);
    let parts = key.split(", ").map(|part| {
        let part: String = part.chars().filter(is_kept).collect();
        match part.find(|c: char| c.is_ascii_digit()) {
            Some(at) if part.get(..at).is_some_and(is_name) => {
                part.get(at..).unwrap_or_default().into()
            }
            _ => part,
        }
    });
    parts.collect::<Vec<String>>().join(", ")
}

fn is_name(text: &str) -> bool {
    text.ends_with("No") || text.ends_with("Seq")
}

/// What came of a step.
#[must_use]
pub fn end(end: &StepEnd) -> Value {
    match end {
        StepEnd::Done(output) => json!({
            "reply": reply(&output.reply),
            "writes": writes(&output.writes),
            "effects": output.effects.iter().map(|it| effect(it)).collect::<Vec<_>>(),
        }),
        StepEnd::Stopped { kind, detail } => json!({
            "stopped": kind.to_string(),
            "detail": detail,
        }),
    }
}

/// An input; why it is of no known shape if it is of none.
#[must_use]
pub fn input(bytes: &[u8]) -> Value {
    match codec::decode_input(bytes) {
        Ok(Input::Frame {
            connection,
            body,
            skip,
        }) => json!({"Frame": {
            "connection": connection,
            "body": document(&body),
            "skip": skip,
        }}),
        Ok(Input::Quarantine {
            connection,
            body,
            reason,
        }) => json!({"Quarantine": {
            "connection": connection,
            "body": document(&body),
            "reason": reason,
        }}),
        Ok(Input::Receipt(Receipt {
            connection,
            attempt,
            outcome: SendOutcome::Answered(body),
        })) => json!({"Receipt": {
            "connection": connection,
            "attempt": attempt,
            "outcome": {"Answered": document(&body)},
        }}),
        Ok(input) => serde_json::to_value(input).unwrap_or_default(),
        Err(error) => json!({"unknown": error.to_string()}),
    }
}

/// Rows by table and key; a deleted one is `"deleted"`.
fn writes(writes: &[Write]) -> Value {
    let mut tables = Map::new();
    for Write { table, key, value } in writes {
        let (key, value) = match value {
            Some(value) => row(*table, key, value),
            None => (row(*table, key, &[]).0, json!("deleted")),
        };
        let rows = tables.entry(table.name()).or_insert_with(|| json!({}));
        if let Some(rows) = rows.as_object_mut() {
            rows.insert(key, value);
        }
    }
    Value::Object(tables)
}

/// A reply.
#[must_use]
pub fn reply(bytes: &[u8]) -> Value {
    match codec::decode_reply(bytes) {
        Ok(Reply::Http { status, body }) => json!({"Http": {
            "status": status,
            "body": document(&body),
        }}),
        Ok(reply) => serde_json::to_value(reply).unwrap_or_default(),
        Err(error) => json!(error.to_string()),
    }
}

/// An effect.
#[must_use]
pub fn effect(bytes: &[u8]) -> Value {
    match codec::decode_effect(bytes) {
        Ok(Effect::Send {
            connection,
            attempt,
            frame,
        }) => json!({"Send": {
            "connection": connection,
            "attempt": attempt,
            "frame": document(&frame),
        }}),
        Ok(effect) => serde_json::to_value(effect).unwrap_or_default(),
        Err(error) => json!(error.to_string()),
    }
}

/// Bytes as the JSON that they should be, else as text.
#[must_use]
pub fn document(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| json!(String::from_utf8_lossy(bytes)))
}
