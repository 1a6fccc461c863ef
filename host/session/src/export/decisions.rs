//! Compares the decisions of a masked step with those of the real one.

use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::output::{Effect, Reply};
use causeway_kernel::rows::table::Table;

use causeway_engine::runtime::StepOutput;

/// What the masked step decided differently; `None` = nothing.
pub fn deviation(real: &StepOutput, masked: &StepOutput) -> Option<String> {
    let tables = |output: &StepOutput| -> Vec<(Table, bool)> {
        let mut tables: Vec<_> = output
            .writes
            .iter()
            .map(|write| (write.table, write.value.is_some()))
            .collect();
        tables.sort_unstable();
        tables
    };
    let pairs = [
        ("reply", reply(&real.reply), reply(&masked.reply)),
        ("effects", effects(real), effects(masked)),
    ];
    if tables(real) != tables(masked) {
        return Some("it writes other rows".into());
    }
    let different = pairs.into_iter().find(|(_, real, masked)| real != masked);
    different.map(|(what, real, masked)| format!("{what}: {masked} instead of {real}"))
}

fn reply(bytes: &[u8]) -> String {
    match codec::decode_reply(bytes) {
        Ok(Reply::Refused(refusal)) => format!("refused {} {}", refusal.status, refusal.id),
        Ok(Reply::Http { status, body }) => format!("{status}, {} bytes", body.len()),
        Ok(Reply::Text(_)) => "text".into(),
        Ok(reply) => format!("{reply:?}"),
        Err(_) => "unreadable".into(),
    }
}

fn effects(output: &StepOutput) -> String {
    let names = output
        .effects
        .iter()
        .map(|bytes| match codec::decode_effect(bytes) {
            Ok(Effect::Send {
                connection, frame, ..
            }) => {
                format!("send {} bytes to {}", frame.len(), connection.0)
            }
            Ok(Effect::Event(event)) => {
                let name = format!("{event:?}");
                name.split('(').next().unwrap_or_default().to_string()
            }
            Ok(Effect::Refused { reason, items, .. }) => format!("refused {items} {reason}"),
            Ok(effect) => format!("{effect:?}"),
            Err(_) => "unreadable".into(),
        });
    names.collect::<Vec<_>>().join("; ")
}
