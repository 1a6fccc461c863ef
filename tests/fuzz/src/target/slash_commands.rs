//! Slash commands, as an administrator of the workspace types them.

use super::Target;
use super::http_bodies::send;

pub const TARGET: Target = Target {
    name: "slash-commands",
    run,
    seeds,
    cases: 200,
};

fn run(line: &[u8]) {
    let line = String::from_utf8_lossy(line);
    let body = serde_json::json!({ "channel_id": "{channel_id}", "command": line });
    send("POST", "/commands/execute", body.to_string().as_bytes());
}

fn seeds() -> Vec<Vec<u8>> {
    let lines = [
        "/secure-connection status",
        "/secure-connection create --name acme --displayname \"Acme Inc\" --password \"a word\"",
        "/secure-connection accept --name acme --displayname acme --password p --invite abcd",
        "/secure-connection remove --connectionID {remote_id}",
        "/share-channel status",
        "/share-channel invite --connectionID {remote_id}",
        "/share-channel invite --connectionID {remote_id} --readonly y",
        "/share-channel uninvite --connectionID {remote_id}",
        "/share-channel unshare",
        "/shrug it happens",
        "/",
        "//",
    ];
    lines.iter().map(|line| line.as_bytes().to_vec()).collect()
}
