//! Changed outgoing messages.

use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::env::{Host, StepContext};
use causeway_kernel::boundary::output::Effect;
use causeway_kernel::model::Connection;
use causeway_kernel::rows::id::{ConnectionNo, Id};
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::Read;
use causeway_kernel::wire::frame;
use serde_json::{Value, json};

use crate::kernel::StepBytes;

/// Sends a message about a channel.
pub(super) fn late(
    host: &dyn Host,
    context: StepContext,
    (connection, channel): (ConnectionNo, Option<Id>),
    output: &mut StepBytes,
) {
    let row = host.get::<Connection>(&connection);
    let (Some(row), Some(channel)) = (row, channel) else {
        return;
    };
    let payload = json!({"id": channel.as_str(), "channel_id": channel.as_str()}).to_string();
    let id = Id::from_uuid_bytes(context.seed);
    output.effects.push(codec::encode_effect(&Effect::Send {
        connection,
        attempt: 0,
        frame: frame::encode(
            row.remote_id,
            id,
            frame::TOPIC_SYNC,
            context.now_ms,
            payload.as_bytes(),
        ),
    }));
}

/// What a step changed is not passed on.
pub(super) fn keep_to_itself(output: &mut StepBytes) {
    let passing = [Table::Feed, Table::Pending, Table::Rounds];
    output
        .writes
        .retain(|write| !passing.contains(&write.table));
    let is_send = |bytes: &Vec<u8>| {
        let effect = codec::decode_effect(bytes);
        matches!(effect, Ok(Effect::Send { .. }))
    };
    output.effects.retain(|bytes| !is_send(bytes));
}

/// Changes a list of items in every outgoing message.
pub(super) fn list(
    output: &mut StepBytes,
    key: &str,
    change: impl Fn(ConnectionNo, &mut Vec<Value>),
) {
    for effect in &mut output.effects {
        let Ok(Effect::Send {
            connection,
            attempt,
            frame,
        }) = codec::decode_effect(effect)
        else {
            continue;
        };
        let Ok(mut json) = serde_json::from_slice::<Value>(&frame) else {
            continue;
        };
        let items = json["msg"]["payload"].get_mut(key);
        if let Some(items) = items.and_then(Value::as_array_mut) {
            change(connection, items);
        }
        *effect = codec::encode_effect(&Effect::Send {
            connection,
            attempt,
            frame: json.to_string().into_bytes(),
        });
    }
}
