//! What a line of the file need not say.

use serde_json::{Value, json};

/// The usual crossing: from this workspace to the connection `globex`, at time 0.
#[must_use]
pub fn crossing() -> Value {
    json!({
        "direction": "outbound",
        "connection": { "id": "cccccccccccccccccccccccccc", "name": "globex" },
        "time-ms": 0,
    })
}

/// The usual question at a gate: the person `ann`, at home here, and the open channel `town-square`; everything
/// else is empty, zero or false.
#[must_use]
pub fn question(gate: &str) -> Option<Value> {
    let ann = || json!({ "id": "aaaaaaaaaaaaaaaaaaaaaaaaaa", "name": "ann", "home": "here" });
    let channel =
        || json!({ "id": "dddddddddddddddddddddddddd", "name": "town-square", "kind": "open" });
    Some(match gate {
        "post-gate" => json!({
            "id": "pppppppppppppppppppppppppp",
            "channel": channel(),
            "author": ann(),
            "root-id": "",
            "message": "",
            "texts": [],
            "post-type": "",
            "create-at-ms": 0,
            "is-edit": false,
        }),
        "file-gate" => json!({
            "id": "ffffffffffffffffffffffffff",
            "channel": channel(),
            "post-id": "pppppppppppppppppppppppppp",
            "uploader": ann(),
            "name": "",
            "size-bytes": 0,
            "media-type": "",
        }),
        "reaction-gate" => json!({
            "channel": channel(),
            "post-id": "pppppppppppppppppppppppppp",
            "author": ann(),
            "mark": { "emoji": "thumbsup" },
        }),
        "member-gate" => json!({ "channel": channel(), "person": ann() }),
        "profile-gate" => json!({
            "person": ann(),
            "nickname": "",
            "first-name": "",
            "last-name": "",
            "position": "",
            "email": "",
        }),
        "channel-gate" => json!({
            "channel": channel(),
            "display-name": "Town Square",
            "inviter": ann(),
            "is-read-only": false,
        }),
        "direct-gate" => json!({ "people": [ann()], "opener": ann(), "is-group": false }),
        "mention-gate" => json!({
            "id": "pppppppppppppppppppppppppp",
            "channel": channel(),
            "author": ann(),
            "mentions": [{ "name": "channel", "whom": "everybody" }],
        }),
        "component-gate" => json!({
            "channel": channel(),
            "component": { "slash-command": "deploy" },
            "act": "used",
            "person": ann(),
        }),
        _ => return None,
    })
}

/// The usual value with what a line says instead; of objects that are said, the other fields stay usual.
pub(crate) fn merge(usual: Value, said: Value) -> Result<Value, String> {
    match (usual, said) {
        (Value::Object(mut usual), Value::Object(said)) if !is_variant(&usual) => {
            for (name, value) in said {
                let field = usual
                    .get_mut(&name)
                    .ok_or_else(|| format!("the question has no {name:?}"))?;
                *field = merge(field.take(), value)?;
            }
            Ok(Value::Object(usual))
        }
        (_, said) => Ok(said),
    }
}

/// Whether an object is a case of a variant with its content: these have no fields to be kept.
fn is_variant(object: &serde_json::Map<String, Value>) -> bool {
    ["emoji", "slash-command"]
        .iter()
        .any(|case| object.contains_key(*case))
}
