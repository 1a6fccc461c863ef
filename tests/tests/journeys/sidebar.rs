//! What each user keeps alone: categories of the sidebar, muted channels, drafts; told to their other clients.

use anyhow::{Context, Result};
use causeway_tests::client::{Client, HEARD_WITHIN};
use causeway_tests::scene::{Side, id_of, post};
use causeway_tests::warm;
use hyper::Method;
use serde_json::{Value, json};

fn sidebar(side: &Side) -> String {
    format!("/users/me/teams/{}/channels/categories", side.team_id)
}

/// The kinds of the categories in order, each with its channels.
async fn outline(user: &Client, side: &Side) -> Result<Vec<(String, Vec<String>)>> {
    let found = user.get(&sidebar(side)).await?;
    let order = found["order"].as_array().context("no order")?.clone();
    let categories = found["categories"].as_array().context("no categories")?;
    assert_eq!(order.len(), categories.len());
    let mut outline = Vec::new();
    for (id, category) in order.iter().zip(categories) {
        assert_eq!(category["id"], *id);
        let ids = category["channel_ids"].as_array().context("no channels")?;
        let ids = ids.iter().filter_map(Value::as_str).map(str::to_string);
        let kind = category["type"].as_str().context("no type")?.to_string();
        outline.push((kind, ids.collect()));
    }
    Ok(outline)
}

/// The category of a kind, as it is now.
async fn category(user: &Client, side: &Side, kind: &str) -> Result<Value> {
    let found = user.get(&sidebar(side)).await?;
    let mut all = found["categories"].as_array().into_iter().flatten();
    let found = all.find(|it| it["type"] == kind);
    Ok(found.context("no such category")?.clone())
}

#[tokio::test]
async fn a_sidebar_is_arranged_by_its_owner_alone() -> Result<()> {
    let data = tempfile::tempdir()?;
    let workspace = warm::start("sidebar", data.path()).await?;
    let side = Side::prepare("sidebar", &workspace.site_url(), "crew").await?;
    let (ann, ben) = (side.user("ann").await?, side.user("ben").await?);
    let dock = side.channel("dock", &[&ann, &ben]).await?;
    let quay = side.channel("quay", &[&ann]).await?;
    let ann_id = id_of(&ann).await?;
    let direct = ann
        .post("/channels/direct", json!([ann_id, id_of(&ben).await?]))
        .await?["id"]
        .as_str()
        .context("no channel")?
        .to_string();
    let mut events = ann.events().await?;

    let kinds = |found: &[(String, Vec<String>)]| -> Vec<String> {
        found.iter().map(|(kind, _)| kind.clone()).collect()
    };
    let found = outline(&ann, &side).await?;
    assert_eq!(kinds(&found), ["favorites", "channels", "direct_messages"]);
    assert!(found[0].1.is_empty() && found[2].1 == [direct.clone()]);
    assert!(found[1].1.contains(&dock) && found[1].1.contains(&quay));

    // A favourite leaves where it was; what one is not a member of is left out.
    let mut favorites = category(&ann, &side, "favorites").await?;
    favorites["channel_ids"] = json!([direct, dock, ann_id]);
    let updated = ann.put(&sidebar(&side), json!([favorites])).await?;
    assert_eq!(updated[0]["channel_ids"], json!([direct, dock]));
    let told = events
        .next("sidebar_category_updated", |_| true, HEARD_WITHIN)
        .await?;
    assert_eq!(told["broadcast"]["team_id"], side.team_id.as_str());
    let found = outline(&ann, &side).await?;
    assert_eq!(found[0].1, [direct.clone(), dock.clone()]);
    assert!(!found[1].1.contains(&dock) && found[2].1.is_empty());
    // Nobody else's sidebar has changed, and nobody else reaches this one.
    let of_ben = outline(&ben, &side).await?;
    assert!(of_ben[0].1.is_empty() && of_ben[1].1.contains(&dock));
    let of_ann = sidebar(&side).replace("/me/", &format!("/{ann_id}/"));
    assert_eq!(ben.call(Method::GET, &of_ann, None).await?.status, 403);

    // A category of one's own stands behind the favourites, until the order is changed.
    let new = json!({ "display_name": "Harbour", "channel_ids": [quay, dock] });
    let made = ann.post(&sidebar(&side), new).await?;
    assert_eq!(
        (&made["type"], &made["channel_ids"]),
        (&json!("custom"), &json!([quay, dock]))
    );
    let found = outline(&ann, &side).await?;
    assert_eq!(
        kinds(&found),
        ["favorites", "custom", "channels", "direct_messages"]
    );
    assert_eq!(found[0].1, std::slice::from_ref(&direct));
    let order_path = format!("{}/order", sidebar(&side));
    let mut order = ann.get(&order_path).await?;
    order.as_array_mut().context("no order")?.reverse();
    assert_eq!(ann.put(&order_path, order.clone()).await?, order);
    let found = outline(&ann, &side).await?;
    assert_eq!(
        kinds(&found),
        ["direct_messages", "channels", "custom", "favorites"]
    );
    order.as_array_mut().context("no order")?.pop();
    let refused = ann.call(Method::PUT, &order_path, Some(order)).await?;
    assert_eq!(refused.status, 400);

    // Muting a category mutes its channels for its owner; they are told of every membership.
    let own = format!("{}/{}", sidebar(&side), made["id"].as_str().unwrap_or(""));
    let mut muted = made.clone();
    muted["muted"] = json!(true);
    muted["display_name"] = json!("Port");
    let shown = ann.put(&own, muted).await?;
    assert_eq!(
        (&shown["muted"], &shown["display_name"]),
        (&json!(true), &json!("Port"))
    );
    events
        .next(
            "channel_member_updated",
            |event| {
                let member = event["data"]["channelMember"].as_str().unwrap_or_default();
                member.contains(&quay) && member.contains(r#""mark_unread":"mention""#)
            },
            HEARD_WITHIN,
        )
        .await?;
    let member = format!("/channels/{dock}/members/{ann_id}");
    let seen = |member: &Value| member["notify_props"]["mark_unread"].clone();
    assert_eq!(seen(&ann.get(&member).await?), "mention");
    assert_eq!(seen(&ben.get(&member).await?), "all");

    // Without it, its channels are where they belong. Those that everybody has stay.
    ann.delete(&own).await?;
    let found = outline(&ann, &side).await?;
    assert_eq!(kinds(&found), ["direct_messages", "channels", "favorites"]);
    assert!(found[1].1.contains(&dock) && found[1].1.contains(&quay));
    let favorites = category(&ann, &side, "favorites").await?;
    let path = format!(
        "{}/{}",
        sidebar(&side),
        favorites["id"].as_str().unwrap_or("")
    );
    assert_eq!(ann.call(Method::DELETE, &path, None).await?.status, 400);
    assert_eq!(ann.call(Method::GET, &own, None).await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn bad_categories_are_refused_and_change_nothing() -> Result<()> {
    let data = tempfile::tempdir()?;
    let workspace = warm::start("bad-sidebar", data.path()).await?;
    let side = Side::prepare("bad-sidebar", &workspace.site_url(), "crew").await?;
    let ann = side.user("ann").await?;
    let before = outline(&ann, &side).await?;
    let favorites = category(&ann, &side, "favorites").await?;
    let with = |key: &str, value: Value| {
        let mut changed = favorites.clone();
        changed[key] = value;
        json!([changed])
    };
    for (method, body, status) in [
        (Method::POST, json!({ "display_name": "" }), 400),
        (Method::POST, json!({ "display_name": "x".repeat(65) }), 400),
        (Method::POST, json!({ "display_name": 5 }), 400),
        (Method::PUT, with("sorting", json!("random")), 400),
        (Method::PUT, with("id", json!("nothing")), 404),
        (Method::PUT, with("channel_ids", json!("all")), 400),
        (Method::PUT, json!({}), 400),
    ] {
        let told = body.to_string();
        let answer = ann.call(method, &sidebar(&side), Some(body)).await?;
        assert_eq!(answer.status, status, "{told}");
        assert_eq!(answer.body["status_code"], status, "{told}");
    }
    assert_eq!(outline(&ann, &side).await?, before);
    for n in before.len()..50 {
        let new = json!({ "display_name": format!("c{n}") });
        ann.post(&sidebar(&side), new).await?;
    }
    let new = json!({ "display_name": "one more" });
    let refused = ann.call(Method::POST, &sidebar(&side), Some(new)).await?;
    assert_eq!(
        (refused.status, refused.error_id()),
        (400, "causeway.categories.too_many.app_error")
    );
    Ok(())
}

#[tokio::test]
async fn drafts_are_kept_for_their_author_until_they_are_posted() -> Result<()> {
    let data = tempfile::tempdir()?;
    let workspace = warm::start("drafts", data.path()).await?;
    let side = Side::prepare("drafts", &workspace.site_url(), "crew").await?;
    let (ann, ben) = (side.user("ann").await?, side.user("ben").await?);
    let dock = side.channel("dock", &[&ann, &ben]).await?;
    let root = post(&ben, &dock, "", "who brings the rope?").await?;
    let list = format!("/users/me/teams/{}/drafts", side.team_id);
    assert_eq!(ann.get(&list).await?, Value::Null);
    let mut events = ann.events().await?;
    let mut other = ben.events().await?;

    let draft = |root: &str, message: &str| {
        json!({
            "channel_id": dock, "root_id": root, "message": message, "file_ids": [],
            "create_at": 0, "update_at": 0, "delete_at": 0, "user_id": "",
        })
    };
    let made = ann
        .call(Method::POST, "/drafts", Some(draft("", "Ahoy, ")))
        .await?;
    assert_eq!(made.status, 201);
    let first = made.ok()?;
    assert_eq!(
        (&first["message"], &first["metadata"], &first["props"]),
        (&json!("Ahoy, "), &json!({}), &json!({}))
    );
    let changed = ann.post("/drafts", draft("", "Ahoy, crew")).await?;
    assert_eq!(changed["create_at"], first["create_at"]);
    ann.post("/drafts", draft(&root, "I do")).await?;
    let told = events
        .next(
            "draft_updated",
            |event| {
                let draft = event["data"]["draft"].as_str().unwrap_or_default();
                draft.contains("I do")
            },
            HEARD_WITHIN,
        )
        .await?;
    assert_eq!(told["broadcast"]["channel_id"], "");

    let listed = ann.get(&list).await?;
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
    assert_eq!(listed[0]["root_id"], root.as_str());
    assert_eq!(listed[1]["message"], "Ahoy, crew");
    assert_eq!(ben.get(&list).await?, Value::Null);

    // Clients delete what they have posted, by the channel, or by the channel where a thread is expected.
    let of_channel = format!("/users/me/channels/{dock}/drafts");
    ann.delete(&format!("{of_channel}/{dock}")).await?;
    events.next("draft_deleted", |_| true, HEARD_WITHIN).await?;
    ann.delete(&of_channel).await?;
    ann.delete(&format!("{of_channel}/{root}")).await?;
    assert_eq!(ann.get(&list).await?, Value::Null);

    // Nobody else has heard of any of it: the next thing that they hear of is a post.
    post(&ann, &dock, "", "Ahoy, crew").await?;
    let heard = other.until("posted", |_| true, HEARD_WITHIN).await?;
    let of_drafts = |event: &Value| event["event"].as_str().unwrap_or("").starts_with("draft");
    assert!(!heard.iter().any(of_drafts));

    // A channel that one may not read takes no draft, nor does one keep it there.
    let private =
        json!({ "team_id": side.team_id, "name": "hold", "display_name": "hold", "type": "P" });
    let hold = side.admin.post("/channels", private).await?;
    let elsewhere = json!({ "channel_id": hold["id"], "message": "x" });
    let refused = ann.call(Method::POST, "/drafts", Some(elsewhere)).await?;
    assert_eq!(refused.status, 403);
    let long = draft("", &"x".repeat(16_384));
    let refused = ann.call(Method::POST, "/drafts", Some(long)).await?;
    assert_eq!(
        (refused.status, refused.error_id()),
        (400, "model.draft.is_valid.message_length.app_error")
    );
    let widest = draft("", &"𝄞".repeat(16_383));
    ann.post("/drafts", widest).await?;
    Ok(())
}

#[tokio::test]
async fn the_client_that_writes_a_draft_is_not_told_of_it() -> Result<()> {
    let data = tempfile::tempdir()?;
    let workspace = warm::start("draft-echo", data.path()).await?;
    let side = Side::prepare("draft-echo", &workspace.site_url(), "crew").await?;
    let ann = side.user("ann").await?;
    let dock = side.channel("dock", &[&ann]).await?;
    let mut own = causeway_tests::websocket::Ws::open(&ann, "").await?;
    let challenge = causeway_tests::websocket::Ws::challenge(ann.token().context("no session")?);
    own.send(tokio_tungstenite::tungstenite::Message::text(challenge))
        .await?;
    let hello = own.json().await?;
    let connection = hello["data"]["connection_id"].as_str().context("no id")?;
    let mut other = ann.events().await?;
    let draft = json!({ "channel_id": dock, "message": "x" });
    let headers = [("connection-id", connection)];
    let answer = ann
        .call_bytes(
            Method::POST,
            "/drafts",
            draft.to_string().into_bytes(),
            &headers,
        )
        .await?;
    assert_eq!(answer.status, 201);
    other.next("draft_updated", |_| true, HEARD_WITHIN).await?;
    post(&ann, &dock, "", "done").await?;
    loop {
        let event = own.json().await?;
        assert_ne!(event["event"], "draft_updated");
        if event["event"] == "posted" {
            return Ok(());
        }
    }
}
