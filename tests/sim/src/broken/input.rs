//! Corrupted inputs.

use causeway_kernel::boundary::env::{Host, StepContext};
use causeway_kernel::boundary::input::{Incarnation, Input, PingAnswer, Receipt, SendOutcome};
use causeway_kernel::model::{Connection, PeerWorkspace};
use causeway_kernel::rows::id::Id;
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;
use causeway_kernel::wire::response::{self, Answer, UNKNOWN_CHANNEL};
use serde_json::{Value, json};

use super::Defect;

pub(super) fn spoil(defect: Defect, host: &dyn Host, context: StepContext, input: Input) -> Input {
    match (defect, input) {
        (Defect::ForgetsRestores, Input::Ping { connection, answer }) => Input::Ping {
            connection,
            answer: answer.map(|answer| PingAnswer {
                incarnation: None,
                ..answer
            }),
        },
        (Defect::BelievesTheNewest, Input::Ping { connection, answer }) => {
            let known = host
                .get::<Connection>(&connection)
                .and_then(|row| host.get::<PeerWorkspace>(&row.workspace)?.incarnation);
            let newest = |told: Incarnation| known.filter(|known| known.number > told.number);
            let answer = answer.map(|answer| PingAnswer {
                incarnation: answer.incarnation.map(|told| newest(told).unwrap_or(told)),
                ..answer
            });
            Input::Ping { connection, answer }
        }
        (Defect::OffersOnce, Input::Receipt(receipt)) => Input::Receipt(Receipt {
            outcome: match receipt.outcome {
                SendOutcome::Answered(bytes) => SendOutcome::Answered(without_signal(bytes)),
                other => other,
            },
            ..receipt
        }),
        (Defect::ForgetsKeys, Input::Command { actor, command, .. }) => Input::Command {
            actor,
            key: None,
            command,
        },
        (Defect::LosesEditOrder, frame @ Input::Frame { .. }) => on_posts(frame, |post| {
            post["update_at"] = json!(context.now_ms);
        }),
        (Defect::SkipsDedupe, frame @ Input::Frame { .. }) => {
            let mut made = 0_u8;
            on_posts(frame, |post| {
                let id = post["id"].as_str().unwrap_or_default();
                if lookup::post(host, id).is_some() && post["delete_at"] == 0 {
                    let mut bytes = context.seed;
                    bytes[0] ^= made;
                    made = made.wrapping_add(1);
                    post["id"] = json!(Id::from_uuid_bytes(bytes).as_str());
                }
            })
        }
        (_, input) => input,
    }
}

/// An answer without the signal that the channel is unknown, but still an error.
fn without_signal(answer: Vec<u8>) -> Vec<u8> {
    match response::decode(&answer) {
        Ok(Answer::Fail(error)) => {
            response::encode_fail(&error.replace(UNKNOWN_CHANNEL, "not found"))
        }
        _ => answer,
    }
}

/// Changes every post of a frame.
fn on_posts(frame: Input, mut change: impl FnMut(&mut Value)) -> Input {
    let Input::Frame {
        connection,
        body,
        skip,
    } = frame
    else {
        return frame;
    };
    let body = match serde_json::from_slice::<Value>(&body) {
        Ok(mut json) => {
            let posts = json["msg"]["payload"].get_mut("posts");
            let posts = posts.and_then(Value::as_array_mut);
            posts.into_iter().flatten().for_each(&mut change);
            json.to_string().into_bytes()
        }
        Err(_) => body,
    };
    Input::Frame {
        connection,
        body,
        skip,
    }
}
