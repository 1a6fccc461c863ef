//! False claims of a peer: names that are not its own, places, and texts that cannot be stored.

use anyhow::Result;
use causeway_kernel::model::limits::RECEIVED_CHANNELS_MAX;
use hyper::Method;
use serde_json::{Value, json};

use crate::stage::{ANN, ID, POST, Stage, TOKEN, TOKEN_HEADER, call_bytes, frame, profile, with};

const CFO: &str = "cfocfocfocfocfocfocfocfo11";

fn invite(number: u32, name: &str) -> Value {
    json!({
        "channel_id": format!("chan{number:022}"), "team_id": "", "read_only": false, "name": name,
        "display_name": "", "header": "", "purpose": "", "type": "O", "creator_id": "",
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_users_name_says_over_whom_it_is_reached() -> Result<()> {
    let stage = Stage::new().await?;
    stage
        .taken(json!({ "users": { CFO: profile(CFO, "cfo:globex") } }))
        .await?;
    let user = stage.get(&format!("/users/{CFO}")).await?.body;
    assert_eq!(user["username"], "cfo.globex:acme");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_fills_no_team_and_takes_no_name_of_a_direct_channel() -> Result<()> {
    let stage = Stage::new().await?;
    let say = async |invite| stage.say("sharedchannel_invite", invite).await;
    let direct = format!("{ANN}__{}", stage.bob_id);
    for name in [direct, "0123456789".repeat(4)] {
        let refused = say(invite(0, &name)).await?;
        assert_eq!(refused["status"], "FAIL", "{name}");
    }
    for number in 0..RECEIVED_CHANNELS_MAX {
        let taken = say(invite(number, &format!("offered-{number}"))).await?;
        assert_eq!(taken["status"], "OK", "{taken}");
    }
    let refused = say(invite(9_999, "one-more")).await?;
    assert_eq!(refused["status"], "FAIL");
    assert_eq!(stage.counted("invite_refused").await?, 3);
    stage.host.side.channel("ours", &[]).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_that_cannot_be_stored_everywhere_are_replaced_or_refused() -> Result<()> {
    let stage = Stage::new().await?;
    let edit = json!({
        "update_at": i64::from(u32::MAX) * 1000, "message": "a\0b", "props": { "n": "HUGE" },
    });
    let sync = json!({ "channel_id": stage.shared, "posts": [with(stage.post(POST), edit)] });
    let body = frame(&stage.handmade.remote_id, "sharedchannel_sync", sync).to_string();
    let headers = [
        (ID, stage.handmade.remote_id.as_str()),
        (TOKEN_HEADER, TOKEN),
    ];
    let body = body.replace("\"HUGE\"", "1e999").into_bytes();
    let answer = call_bytes(stage.host.url(), "msg", &headers, body).await?;
    assert_eq!(answer.status, 200);
    // A client with 64-bit floats can read it.
    let post = stage.get(&format!("/posts/{POST}")).await?.body;
    assert_eq!(
        (&post["message"], &post["props"]["n"]),
        (&json!("a\u{fffd}b"), &json!("1e999"))
    );

    let (channel, nul) = (&stage.shared, "a\0b");
    for (method, path, body) in [
        (
            Method::POST,
            "/posts",
            json!({ "channel_id": channel, "message": nul }),
        ),
        (
            Method::POST,
            "/posts",
            json!({ "channel_id": channel, "message": "", "props": { "a": nul } }),
        ),
        (Method::PUT, "/users/me/patch", json!({ "nickname": nul })),
        (
            Method::POST,
            "/channels",
            json!({
                "team_id": stage.host.side.team_id, "name": "n", "display_name": "N", "type": "O",
                "header": nul,
            }),
        ),
    ] {
        let answer = stage.bob.call(method, path, Some(body)).await?;
        assert_eq!(answer.status, 400, "{path}: {}", answer.body);
        assert_eq!(
            answer.body["id"], "api.context.invalid_body_param.app_error",
            "{path}"
        );
    }
    Ok(())
}
