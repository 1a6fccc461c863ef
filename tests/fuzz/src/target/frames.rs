//! The body of `POST /remotecluster/msg` from an authenticated peer: any bytes get an answer.

use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::Reply;
use serde_json::Value;

use super::Target;
use super::workspace::{Workspace, workspace};
use crate::seeds::{Side, captured};

pub const TARGET: Target = Target {
    name: "frames",
    run,
    seeds,
    cases: 400,
};

fn run(body: &[u8]) {
    let input = Input::Frame {
        connection: workspace().connection.0,
        body: body.to_vec(),
        skip: Vec::new(),
    };
    let Reply::Http {
        status,
        body: answer,
    } = workspace().end.try_out(&input)
    else {
        panic!("a frame gets an answer");
    };
    assert!((200..500).contains(&status), "status {status}");
    let answer: Value = serde_json::from_slice(&answer).expect("the answer is JSON");
    assert!(answer.is_object(), "{answer}");
}

/// Frames of the recording, and frames of real servers as if they had been sent here.
fn seeds() -> Vec<Vec<u8>> {
    let workspace = workspace();
    let recorded = workspace.inputs.iter().filter_map(|input| match input {
        Input::Frame { body, .. } => Some(body.clone()),
        _ => None,
    });
    let foreign = captured("/remotecluster/msg", Side::Request);
    let foreign = foreign.into_iter().map(|body| addressed(workspace, body));
    recorded.chain(foreign).collect()
}

fn addressed(workspace: &Workspace, mut body: Value) -> Vec<u8> {
    name_channel(&mut body, workspace.channel.id.as_str());
    body["remote_id"] = workspace.connection.1.remote_id.as_str().into();
    body.to_string().into_bytes()
}

fn name_channel(value: &mut Value, id: &str) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if name == "channel_id" {
                    *member = id.into();
                } else {
                    name_channel(member, id);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| name_channel(item, id)),
        _ => {}
    }
}
