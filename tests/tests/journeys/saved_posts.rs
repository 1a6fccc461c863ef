//! Saved posts: listed for their owner alone, and only as long as the owner may read them.

use anyhow::Result;
use causeway_tests::client::Client;
use causeway_tests::scene::{Side, id_of, post};
use causeway_tests::warm;
use hyper::Method;
use serde_json::{Value, json};

const FLAGGED: &str = "/users/me/posts/flagged";

/// The ids of a list of saved posts, in its order.
async fn listed(reader: &Client, query: &str) -> Result<Value> {
    let list = reader.get(&format!("{FLAGGED}?{query}")).await?;
    let order = list["order"].clone();
    for id in order.as_array().into_iter().flatten() {
        assert_eq!(list["posts"][id.as_str().unwrap_or_default()]["id"], *id);
    }
    Ok(order)
}

fn saved(user: &str, posts: &[&str]) -> Value {
    posts
        .iter()
        .map(|post| json!({ "user_id": user, "category": "flagged_post", "name": post, "value": "true" }))
        .collect()
}

#[tokio::test]
async fn saved_posts_are_listed_while_their_owner_may_read_them() -> Result<()> {
    let data = tempfile::tempdir()?;
    let workspace = warm::start("saved", data.path()).await?;
    let side = Side::prepare("saved", &workspace.site_url(), "crew").await?;
    let (ann, ben) = (side.user("ann").await?, side.user("ben").await?);
    let private =
        json!({ "team_id": side.team_id, "name": "dock", "display_name": "dock", "type": "P" });
    let dock = side.admin.post("/channels", private).await?["id"].clone();
    let dock = dock.as_str().unwrap_or_default().to_string();
    side.join(&dock, &[&ann, &ben]).await?;
    let quay = side.channel("quay", &[&ann, &ben]).await?;
    let (ann_id, ben_id) = (id_of(&ann).await?, id_of(&ben).await?);
    let direct = ann
        .post("/channels/direct", json!([ann_id, ben_id]))
        .await?;
    let direct = direct["id"].as_str().unwrap_or_default().to_string();
    assert_eq!(listed(&ann, "").await?, json!([]));

    let first = post(&ben, &dock, "", "mind the rope").await?;
    post(&ben, &dock, "", "not saved").await?;
    let second = post(&ben, &quay, "", "the tide turns").await?;
    let third = post(&ben, &direct, "", "between us").await?;
    // Saved in another order than written; one name is no post.
    let set = saved(&ann_id, &[&second, &third, &first, &dock]);
    ann.put("/users/me/preferences", set).await?;

    assert_eq!(listed(&ann, "").await?, json!([third, second, first]));
    let of_dock = format!("channel_id={dock}");
    assert_eq!(listed(&ann, &of_dock).await?, json!([first]));
    assert_eq!(listed(&ann, "page=1&per_page=2").await?, json!([first]));
    assert_eq!(listed(&ann, "page=2&per_page=2").await?, json!([]));
    let of_team = format!("team_id={}", side.team_id);
    assert_eq!(listed(&ann, &of_team).await?, json!([third, second, first]));
    // An unknown team has no channels; direct ones are listed with every team.
    let unknown = format!("team_id={ann_id}");
    assert_eq!(listed(&ann, &unknown).await?, json!([third]));
    let unknown = format!("channel_id={ann_id}");
    assert_eq!(listed(&ann, &unknown).await?, json!([]));
    let malformed = ann
        .call(Method::GET, &format!("{FLAGGED}?channel_id=x"), None)
        .await?;
    assert_eq!(malformed.status, 400);

    // They are nobody else's business.
    assert_eq!(listed(&ben, "").await?, json!([]));
    let of_ann = format!("/users/{ann_id}/posts/flagged");
    let peeked = ben.call(Method::GET, &of_ann, None).await?;
    assert_eq!(peeked.status, 403);

    // What is deleted, no longer readable or no longer saved is not listed.
    ben.delete(&format!("/posts/{third}")).await?;
    assert_eq!(listed(&ann, "").await?, json!([second, first]));
    side.admin
        .delete(&format!("/channels/{dock}/members/{ann_id}"))
        .await?;
    assert_eq!(listed(&ann, "").await?, json!([second]));
    let unsaved = saved(&ann_id, &[&second]);
    ann.post("/users/me/preferences/delete", unsaved).await?;
    assert_eq!(listed(&ann, "").await?, json!([]));
    Ok(())
}
