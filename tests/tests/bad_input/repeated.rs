//! Items that are repeated, late, or dated by a wrong clock.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use causeway_tests::scene::{self, wait_for};
use serde_json::{Value, json};

use crate::stage::{ANN, POST, START, Stage, with};

const NEW: &str = "newnewnewnewnewnewnewnew11";
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

fn reaction(stage: &Stage) -> Value {
    json!({
        "user_id": ANN, "post_id": stage.bobs_post, "emoji_name": "tada", "create_at": START,
        "update_at": START, "delete_at": 0,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_batch_ten_times_is_there_once() -> Result<()> {
    let stage = Stage::new().await?;
    let reply = with(stage.post(NEW), json!({ "root_id": POST }));
    let batch = json!({ "posts": [stage.post(POST), reply], "reactions": [reaction(&stage)] });
    stage.taken(batch.clone()).await?;
    let before = stage.shown().await?;
    let counted = stage.counted("not_newer").await?;
    for _ in 0..9 {
        stage.taken(batch.clone()).await?;
    }
    assert_eq!(stage.shown().await?, before);
    assert_eq!(stage.counted("not_newer").await?, counted + 27);
    let list = stage
        .get(&format!("/posts/{}/reactions", stage.bobs_post))
        .await?;
    assert_eq!(list.body.as_array().map(Vec::len), Some(1));
    stage.host.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_edit_after_a_newer_one_and_a_second_deletion_change_nothing() -> Result<()> {
    let stage = Stage::new().await?;
    let edit = |text: &str, at: i64| {
        let change = json!({ "message": text, "update_at": at, "edit_at": at });
        json!({ "posts": [with(stage.post(POST), change)] })
    };
    stage.taken(edit("the newer one", START + 200)).await?;
    let before = stage.shown().await?;
    let counted = stage.counted("not_newer").await?;
    stage.taken(edit("the older one", START + 100)).await?;
    assert_eq!(stage.counted("not_newer").await?, counted + 1);
    assert_eq!(stage.shown().await?, before);
    let change = json!({ "delete_at": START + 300, "update_at": START + 300 });
    let deletion = json!({ "posts": [with(stage.post(POST), change)] });
    stage.taken(deletion.clone()).await?;
    let before = stage.shown().await?;
    stage.taken(deletion).await?;
    stage.taken(edit("after its end", START + 400)).await?;
    assert_eq!(stage.counted("not_newer").await?, counted + 3);
    assert_eq!(stage.shown().await?, before);
    assert_eq!(stage.get(&format!("/posts/{POST}")).await?.status, 404);
    stage.host.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_a_day_ahead_neither_stops_its_posts_nor_ours() -> Result<()> {
    let stage = Stage::new().await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let tomorrow = i64::try_from(now)? + DAY_MS;
    let change = json!({ "create_at": tomorrow, "update_at": tomorrow });
    stage
        .taken(json!({ "posts": [with(stage.post(NEW), change)] }))
        .await?;
    let shown = stage.get(&format!("/posts/{NEW}")).await?.body;
    assert_eq!(shown["create_at"], tomorrow);
    // A time beyond all clocks is refused: sums with it would overflow.
    let never = json!({ "id": "nevernevernevernevernever1", "create_at": i64::MAX });
    let envelope = stage
        .sync(json!({ "posts": [with(stage.post(NEW), never)] }))
        .await?;
    let errors = &envelope["payload"]["post_errors"];
    assert_eq!(errors, &json!(["nevernevernevernevernever1"]));
    assert_eq!(stage.counted("bad_time").await?, 1);
    // Real servers do not send such posts until their clocks have caught up (W3).
    let ours = scene::post(&stage.bob, &stage.shared, "", "Written today").await?;
    wait_for("our post to be sent", async || {
        let asked = stage.handmade.peer.asked(0);
        Ok(asked
            .iter()
            .any(|it| String::from_utf8_lossy(&it.body).contains(&ours)))
    })
    .await?;
    stage.host.stop().await;
    Ok(())
}
