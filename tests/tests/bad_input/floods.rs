//! One peer sends as much as it can. Everything has a limit, and local users notice nothing.

use anyhow::{Context, Result};
use causeway_kernel::model::Reaction;
use causeway_kernel::model::limits::{
    REMOTE_EMOJI_PER_POST_MAX, REMOTE_USERS_MAX, REMOVED_REACTIONS_MAX,
};
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;
use causeway_tests::scene;
use hyper::Method;
use serde_json::{Map, Value, json};

use crate::stage::{ANN, POST, START, Stage, text};

/// A profile with the required members only, so that thousands fit into one message.
fn profile(number: u32) -> (String, Value) {
    let id = format!("user{number:022}");
    let profile = json!({ "id": id, "username": format!("p{number}"), "update_at": START });
    (id, profile)
}

#[tokio::test(flavor = "multi_thread")]
async fn invented_users_stop_at_a_limit_and_hide_no_account_of_ours() -> Result<()> {
    const FRAMES: u32 = 25;
    const USERS_PER_FRAME: u32 = 2_500;
    let stage = Stage::new().await?;
    for frame in 0..FRAMES {
        let numbers = frame * USERS_PER_FRAME..(frame + 1) * USERS_PER_FRAME;
        let users: Map<String, Value> = numbers.map(profile).collect();
        let answer = stage.sync(json!({ "users": users })).await?;
        assert_eq!(answer["status"], "OK", "{answer}");
    }
    // Ann came before.
    let refused = FRAMES * USERS_PER_FRAME + 1 - REMOTE_USERS_MAX;
    assert_eq!(
        stage.counted("too_many_users").await?,
        u64::from(refused),
        "users of a peer"
    );
    let (last, _) = profile(FRAMES * USERS_PER_FRAME - 1);
    assert_eq!(stage.get(&format!("/users/{last}")).await?.status, 404);

    let ours = stage.host.user("pnewcomer").await?;
    let ours = text(&ours.get("/users/me").await?, "id");
    let body = json!({ "term": "p", "limit": 10 });
    let found = stage.bob.call(Method::POST, "/users/search", Some(body));
    let found = found.await?.ok()?;
    assert_eq!(found[0]["id"], *ours, "{found}");
    let found = stage.bob.get("/users/autocomplete?name=p&limit=10").await?;
    assert_eq!(found["users"][0]["id"], *ours, "{found}");
    stage.host.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn reactions_by_the_thousand_stop_at_a_limit_and_block_no_local_reaction() -> Result<()> {
    const REMOVED: u32 = 9_500;
    const PER_FRAME: usize = 1_500;
    let stage = Stage::new().await?;
    let reaction = |number: u32, delete_at: i64| {
        json!({
            "user_id": ANN, "post_id": POST, "emoji_name": format!("emoji{number}"),
            "create_at": START, "update_at": START, "delete_at": delete_at,
        })
    };
    let removed: Vec<Value> = (0..REMOVED).map(|number| reaction(number, START)).collect();
    for part in removed.chunks(PER_FRAME) {
        let answer = stage.sync(json!({ "reactions": part })).await?;
        assert_eq!(answer["status"], "OK", "{answer}");
    }
    let rows = stage.host.running().app.rows();
    let post = lookup::post(&rows, POST).context("the post is gone")?;
    let kept = rows.prefix::<Reaction, _>(&post, REMOVED);
    assert_eq!(kept.len(), REMOVED_REACTIONS_MAX as usize);
    // Those that are remembered may be added again, up to the limit of a post.
    for _ in 0..16 {
        let again: Vec<Value> = (0..REMOVED_REACTIONS_MAX)
            .map(|number| {
                let mut again = reaction(number, 0);
                again["update_at"] = json!(START + 1);
                again
            })
            .collect();
        let answer = stage.sync(json!({ "reactions": again })).await?;
        assert_eq!(answer["status"], "OK", "{answer}");
    }
    let path = format!("/posts/{POST}/reactions");
    let shown = stage.get(&path).await?.ok()?;
    let shown = shown.as_array().map_or(0, Vec::len);
    assert_eq!(shown, REMOTE_EMOJI_PER_POST_MAX as usize);

    let reply = scene::post(&stage.bob, &stage.shared, POST, "still here").await?;
    let body = json!({ "user_id": stage.bob_id, "post_id": reply, "emoji_name": "tada" });
    stage.bob.post("/reactions", body).await?;
    stage.host.stop().await;
    Ok(())
}
