//! The recording through the API: its status, its hold, and exports.

use anyhow::{Result, ensure};
use causeway_tests::command::causeway;
use causeway_tests::process::free_port;
use causeway_tests::scene::{Side, post};
use causeway_tests::warm;
use hyper::Method;
use serde_json::json;

/// A word that must not be in a masked session.
const SECRET: &str = "bathymetry";

#[tokio::test]
async fn an_administrator_takes_a_session_home_by_the_api() -> Result<()> {
    let data = tempfile::tempdir()?;
    let workspace = warm::start_with("acme", data.path(), free_port()?, &[]).await?;
    let side = Side::prepare("acme", &workspace.site_url(), "crew").await?;
    let ann = side.user("ann").await?;
    for number in 0..20 {
        let text = format!("{SECRET} {number}");
        post(&ann, &side.town_square, "", &text).await?;
    }

    for (method, path) in [
        (Method::GET, "/causeway/journal"),
        (Method::DELETE, "/causeway/journal/hold"),
        (Method::GET, "/causeway/exports"),
        (Method::POST, "/causeway/exports"),
    ] {
        let refused = ann.call(method, path, Some(json!({}))).await?;
        assert_eq!(refused.status, 403, "{path}");
    }

    let journal = side.admin.get("/causeway/journal").await?;
    ensure!(journal["last_seq"].as_u64() > Some(20), "{journal}");
    assert_eq!(journal["replayable_from"], 1);
    assert!(journal["hold"].is_null(), "{journal}");
    let hold = json!({ "reason": "ticket 17" });
    side.admin.put("/causeway/journal/hold", hold).await?;
    let journal = side.admin.get("/causeway/journal").await?;
    assert_eq!(journal["hold"]["reason"], "ticket 17");
    side.admin.delete("/causeway/journal/hold").await?;
    let long = json!({ "reason": "x".repeat(1_001) });
    let refused = side
        .admin
        .call(Method::PUT, "/causeway/journal/hold", Some(long));
    assert_eq!(refused.await?.status, 400);

    for (is_plain, body) in [
        (
            false,
            json!({ "reason": "ticket 17", "channel_id": side.town_square }),
        ),
        (true, json!({ "is_plain": true })),
    ] {
        let exported = side
            .admin
            .call(Method::POST, "/causeway/exports", Some(body));
        let exported = exported.await?;
        assert_eq!(exported.status, 200, "{}", exported.body);
        let file = data.path().join("taken.session");
        std::fs::write(&file, &exported.bytes)?;
        let path = file.to_string_lossy().into_owned();
        let replayed = causeway(&["replay", &path, "--engine", "native"]).await?;
        ensure!(replayed.status.success(), "{replayed:?}");
        let shown = causeway(&["session", "show", &path, "--json"]).await?;
        let shown = String::from_utf8(shown.stdout)?;
        assert_eq!(shown.contains(SECRET), is_plain);
    }

    let absent = json!({ "channel_id": "b1qmwj1ndpfkdmgxgkm1o5mtwo" });
    let refused = side
        .admin
        .call(Method::POST, "/causeway/exports", Some(absent));
    let refused = refused.await?;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.error_id(), "api.causeway.export.empty.app_error");

    let register = side.admin.get("/causeway/exports").await?;
    let seen: Vec<_> = register.as_array().into_iter().flatten().collect();
    assert_eq!(seen.len(), 2, "{register}");
    assert_eq!(seen[0]["who"], "admin");
    assert_eq!(seen[0]["reason"], "ticket 17");
    assert_eq!(
        (&seen[0]["is_masked"], &seen[1]["is_masked"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(seen[0]["selection"]["channel"], json!(side.town_square));
    workspace.stop().await?;
    Ok(())
}
