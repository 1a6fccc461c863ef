//! Requests that are not valid frames of the connection they name.

use anyhow::Result;
use serde_json::{Value, json};

use crate::stage::{
    ID, POST, Stage, TOKEN, TOKEN_HEADER, call_bytes, error_id, frame, refused, with,
};

/// Bytes of a body, one more than the accepted maximum.
const TOO_MANY: usize = 300_000 + 512 + 1;
/// Deeper than any message needs.
const DEPTH: usize = 20_000;

struct Case {
    what: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    status: u16,
    id: &'static str,
}

fn cases(stage: &Stage) -> Vec<Case> {
    let id = stage.handmade.remote_id.clone();
    let good = |payload: Value| {
        frame(&id, "sharedchannel_sync", payload)
            .to_string()
            .into_bytes()
    };
    let credentials = |id: &str, token: &str| {
        let mut headers = Vec::new();
        if !id.is_empty() {
            headers.push((ID, id.to_string()));
        }
        if !token.is_empty() {
            headers.push((TOKEN_HEADER, token.to_string()));
        }
        headers
    };
    let ours = || credentials(&id, TOKEN);
    let post =
        json!({ "channel_id": stage.shared, "posts": [stage.post("newnewnewnewnewnewnewnew11")] });
    let deep = format!(
        "{{\"remote_id\":\"{id}\",\"msg\":{{\"id\":\"w4tdjnh8wf8fxyg5n4c8qmaxeh\",\"topic\":\
         \"sharedchannel_sync\",\"create_at\":1,\"payload\":{}{}}}}}",
        "[".repeat(DEPTH),
        "]".repeat(DEPTH)
    );
    let text = |frame: Value| frame.to_string().into_bytes();
    let whole = frame(&id, "sharedchannel_sync", post.clone());
    let invalid_token = "api.context.invalid_token.error";
    let invalid_id = "api.remote_cluster.invalid_id.app_error";
    let unmarshal = "api.unmarshal_error";
    let case = |what, headers, body, status, id| Case {
        what,
        headers,
        body,
        status,
        id,
    };
    let mut message = whole["msg"].clone();
    message["id"] = json!("short");
    let unknown = credentials("nobodynobodynobodynobody11", TOKEN);
    vec![
        case(
            "an unknown peer",
            unknown,
            good(post.clone()),
            401,
            invalid_token,
        ),
        case(
            "a wrong token",
            credentials(&id, "wrongtokenwrongtokenwrong1"),
            good(post.clone()),
            401,
            invalid_token,
        ),
        case(
            "no token",
            credentials(&id, ""),
            good(post.clone()),
            401,
            "api.context.session_expired.app_error",
        ),
        case(
            "no id",
            credentials("", TOKEN),
            good(post.clone()),
            401,
            "api.context.remote_id_missing.app_error",
        ),
        case(
            "a frame over the limit",
            ours(),
            vec![b' '; TOO_MANY],
            413,
            "api.context.request_body_too_large.app_error",
        ),
        case("deep JSON", ours(), deep.into_bytes(), 400, unmarshal),
        case("no JSON", ours(), b"{not json".to_vec(), 400, unmarshal),
        case(
            "a remote_id that is none",
            ours(),
            text(with(whole.clone(), json!({ "remote_id": "short" }))),
            400,
            invalid_id,
        ),
        case(
            "a message id that is none",
            ours(),
            text(with(whole.clone(), json!({ "msg": message }))),
            400,
            invalid_id,
        ),
        case(
            "another connection's frame",
            ours(),
            text(with(
                whole,
                json!({ "remote_id": "nobodynobodynobodynobody11" }),
            )),
            400,
            "api.context.remote_id_invalid.app_error",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_frame_of_its_connection_is_refused_and_counted() -> Result<()> {
    let stage = Stage::new().await?;
    let before = stage.shown().await?;
    for Case {
        what,
        headers,
        body,
        status,
        id,
    } in cases(&stage)
    {
        let counted = refused(&stage.host, id).await?;
        let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (*n, &**v)).collect();
        let answer = call_bytes(stage.host.url(), "msg", &headers, body).await?;
        assert_eq!((answer.status, &*error_id(&answer)), (status, id), "{what}");
        assert_eq!(refused(&stage.host, id).await?, counted + 1, "{what}");
    }
    assert_eq!(stage.shown().await?, before);
    stage.host.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_utf8_is_repaired_as_real_servers_do() -> Result<()> {
    let stage = Stage::new().await?;
    let id = "newnewnewnewnewnewnewnew11";
    let post = with(stage.post(id), json!({ "message": "a W b" }));
    let payload = json!({ "channel_id": stage.shared, "posts": [post] });
    let mut body = frame(&stage.handmade.remote_id, "sharedchannel_sync", payload)
        .to_string()
        .into_bytes();
    let at = body.windows(5).position(|bytes| bytes == b"a W b");
    body[at.expect("the text is in the frame") + 2] = 0xff;
    let headers = [(ID, &*stage.handmade.remote_id), (TOKEN_HEADER, TOKEN)];
    let answer = call_bytes(stage.host.url(), "msg", &headers, body).await?;
    assert_eq!(answer.status, 200);
    let shown = stage.get(&format!("/posts/{id}")).await?;
    assert_eq!(shown.body["message"], "a \u{fffd} b");
    stage.host.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_duplicate_keys_the_last_counts_as_for_real_servers() -> Result<()> {
    let stage = Stage::new().await?;
    let newer = |text: &str| {
        let change = json!({ "message": text, "update_at": 1_790_000_000_500_i64 });
        with(stage.post(POST), change).to_string()
    };
    let (first, last) = (newer("the first"), newer("the last"));
    let payload = format!(
        "{{\"channel_id\":\"{}\",\"posts\":[{first}],\"POSTS\":[{last}]}}",
        stage.shared
    );
    let body = format!(
        "{{\"remote_id\":\"x\",\"remote_id\":\"{}\",\"msg\":{{\"id\":\"w4tdjnh8wf8fxyg5n4c8qmaxeh\",\
         \"topic\":\"ping\",\"topic\":\"sharedchannel_sync\",\"create_at\":1,\"payload\":{payload}}}}}",
        stage.handmade.remote_id
    );
    let headers = [(ID, &*stage.handmade.remote_id), (TOKEN_HEADER, TOKEN)];
    let answer = call_bytes(stage.host.url(), "msg", &headers, body.into_bytes()).await?;
    assert_eq!(
        answer.status,
        200,
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    let shown = stage.get(&format!("/posts/{POST}")).await?;
    assert_eq!(shown.body["message"], "the last");
    stage.host.stop().await;
    Ok(())
}
