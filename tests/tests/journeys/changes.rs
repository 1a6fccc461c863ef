//! Channels and teams are renamed, converted, left and restored, and everybody concerned is told.

use anyhow::{Context, Result};
use causeway_tests::client::{Client, HEARD_WITHIN};
use causeway_tests::scene::{Side, id_of};
use causeway_tests::warm;
use hyper::Method;
use serde_json::{Value, json};

async fn status(client: &Client, method: Method, path: &str, body: Value) -> Result<u16> {
    Ok(client.call(method, path, Some(body)).await?.status)
}

fn in_text(event: &Value, key: &str) -> Value {
    let text = event["data"][key].as_str().unwrap_or_default();
    serde_json::from_str(text).unwrap_or_default()
}

#[tokio::test]
async fn a_channel_is_changed_converted_and_administered() -> Result<()> {
    let data = tempfile::tempdir()?;
    let workspace = warm::start("changes", data.path()).await?;
    let side = Side::prepare("changes", &workspace.site_url(), "crew").await?;
    let (ann, ben) = (side.user("ann").await?, side.user("ben").await?);
    let dock = side.channel("dock", &[&ann]).await?;
    let (ann_id, ben_id) = (id_of(&ann).await?, id_of(&ben).await?);
    let mut events = ann.events().await?;
    let mut outside = ben.events().await?;

    let path = format!("/channels/{dock}");
    let patch = json!({ "header": "Mind the rope", "purpose": "Ships", "display_name": "The Dock", "name": "the-dock" });
    let changed = ann.put(&format!("{path}/patch"), patch).await?;
    for (key, value) in [
        ("header", "Mind the rope"),
        ("purpose", "Ships"),
        ("display_name", "The Dock"),
        ("name", "the-dock"),
    ] {
        assert_eq!(changed[key], value);
    }
    let told = events
        .next("channel_updated", |_| true, HEARD_WITHIN)
        .await?;
    assert_eq!(in_text(&told, "channel")["header"], "Mind the rope");
    let notice = events
        .next(
            "posted",
            |event| in_text(event, "post")["type"] == "system_header_change",
            HEARD_WITHIN,
        )
        .await?;
    assert_eq!(
        in_text(&notice, "post")["props"]["new_header"],
        "Mind the rope"
    );
    let by_name = format!("/teams/{}/channels/name/the-dock", side.team_id);
    assert_eq!(ann.get(&by_name).await?["id"], dock.as_str());
    let whole = {
        let mut whole = changed.clone();
        whole["purpose"] = json!("Boats");
        whole
    };
    assert_eq!(ann.put(&path, whole.clone()).await?["purpose"], "Boats");
    assert_eq!(
        status(&ann, Method::PUT, &path, json!({ "id": ben_id })).await?,
        400
    );
    // Who is not in it changes nothing, and a wrong type is the body's fault.
    let header = json!({ "header": "x" });
    assert_eq!(
        status(&ben, Method::PUT, &format!("{path}/patch"), header).await?,
        403
    );
    let wrong = json!({ "header": 5 });
    assert_eq!(
        status(&ann, Method::PUT, &format!("{path}/patch"), wrong).await?,
        400
    );

    // Private: whoever is outside no longer sees it, and hears that.
    let privacy = format!("{path}/privacy");
    let private = json!({ "privacy": "P" });
    assert_eq!(
        status(&ann, Method::PUT, &privacy, private.clone()).await?,
        403
    );
    let made = side.admin.put(&privacy, private).await?;
    assert_eq!(made["type"], "P");
    let told = outside
        .next("channel_converted", |_| true, HEARD_WITHIN)
        .await?;
    assert_eq!(told["data"]["channel_id"], dock.as_str());
    assert_eq!(ben.call(Method::GET, &path, None).await?.status, 403);
    assert_eq!(ann.get(&path).await?["type"], "P");
    let wrong = json!({ "privacy": "X" });
    assert_eq!(
        status(&side.admin, Method::PUT, &privacy, wrong).await?,
        400
    );
    side.admin.put(&privacy, json!({ "privacy": "O" })).await?;
    assert_eq!(ben.get(&path).await?["type"], "O");

    // Roles in the channel.
    let member = format!("{path}/members/{ann_id}");
    let scheme = json!({ "scheme_admin": true, "scheme_user": true });
    let roles = format!("{member}/schemeRoles");
    assert_eq!(
        status(&ann, Method::PUT, &roles, scheme.clone()).await?,
        403
    );
    side.admin.put(&roles, scheme).await?;
    events
        .next(
            "channel_member_updated",
            |event| in_text(event, "channelMember")["scheme_admin"] == true,
            HEARD_WITHIN,
        )
        .await?;
    let ordinary = json!({ "roles": "channel_user" });
    ann.put(&format!("{member}/roles"), ordinary).await?;
    assert_eq!(ann.get(&member).await?["roles"], "channel_user");
    let unknown = json!({ "roles": "channel_user system_admin" });
    assert_eq!(
        status(
            &side.admin,
            Method::PUT,
            &format!("{member}/roles"),
            unknown
        )
        .await?,
        400
    );

    // One's own settings.
    let props =
        json!({ "channel_id": dock, "user_id": ann_id, "mark_unread": "mention", "nonsense": "x" });
    ann.put(&format!("{member}/notify_props"), props.clone())
        .await?;
    let seen = ann.get(&member).await?["notify_props"].clone();
    assert_eq!(
        (&seen["mark_unread"], &seen["desktop"], &seen["nonsense"]),
        (&json!("mention"), &json!("default"), &Value::Null)
    );
    assert_eq!(
        status(&ben, Method::PUT, &format!("{member}/notify_props"), props).await?,
        403
    );
    Ok(())
}

#[tokio::test]
async fn whoever_ignores_mentions_of_everybody_counts_none() -> Result<()> {
    let data = tempfile::tempdir()?;
    let workspace = warm::start("ignored", data.path()).await?;
    let side = Side::prepare("ignored", &workspace.site_url(), "crew").await?;
    let (ann, ben) = (side.user("ann").await?, side.user("ben").await?);
    let dock = side.channel("dock", &[&ann, &ben]).await?;
    let ann_id = id_of(&ann).await?;
    let count = async || -> Result<Value> {
        let unread = ann
            .get(&format!("/users/me/channels/{dock}/unread"))
            .await?;
        Ok(unread["mention_count"].clone())
    };
    for text in ["@all hands", "@ann too"] {
        let body = json!({ "channel_id": dock, "message": text });
        ben.post("/posts", body).await?;
    }
    assert_eq!(count().await?, 2);
    let member = format!("/channels/{dock}/members/{ann_id}/notify_props");
    ann.put(&member, json!({ "ignore_channel_mentions": "on" }))
        .await?;
    assert_eq!(count().await?, 1);
    ann.put(&member, json!({ "ignore_channel_mentions": "default" }))
        .await?;
    assert_eq!(count().await?, 2);
    // The account's own setting holds where the channel has none.
    let props = json!({ "notify_props": { "channel": "false", "x": "y" }, "timezone": {
        "useAutomaticTimezone": "false", "manualTimezone": "Europe/Rome", "automaticTimezone": "" } });
    let me = ann.put("/users/me/patch", props).await?;
    assert_eq!(
        (&me["notify_props"]["channel"], &me["notify_props"]["x"]),
        (&json!("false"), &Value::Null)
    );
    assert_eq!(me["timezone"]["manualTimezone"], "Europe/Rome");
    assert_eq!(count().await?, 1);
    ann.put(&member, json!({ "ignore_channel_mentions": "off" }))
        .await?;
    assert_eq!(count().await?, 2);
    let zones = ben.get(&format!("/channels/{dock}/timezones")).await?;
    assert_eq!(zones, json!(["Europe/Rome"]));
    Ok(())
}

#[tokio::test]
async fn a_team_is_changed_left_archived_and_restored() -> Result<()> {
    let data = tempfile::tempdir()?;
    let workspace = warm::start("team-changes", data.path()).await?;
    let side = Side::prepare("team-changes", &workspace.site_url(), "crew").await?;
    let (ann, ben) = (side.user("ann").await?, side.user("ben").await?);
    let dock = side.channel("dock", &[&ann, &ben]).await?;
    let ann_id = id_of(&ann).await?;
    let mut events = ben.events().await?;
    let path = format!("/teams/{}", side.team_id);

    let patch = json!({ "display_name": "The Crew", "description": "All hands" });
    let refused = status(&ann, Method::PUT, &format!("{path}/patch"), patch.clone()).await?;
    assert_eq!(refused, 403);
    let changed = side.admin.put(&format!("{path}/patch"), patch).await?;
    assert_eq!(changed["display_name"], "The Crew");
    let told = events.next("update_team", |_| true, HEARD_WITHIN).await?;
    assert_eq!(in_text(&told, "team")["description"], "All hands");
    let found = ann
        .post("/teams/search", json!({ "term": "the cr" }))
        .await?;
    assert_eq!(found[0]["id"], side.team_id.as_str());

    // Leaving a team is leaving its channels.
    let membership = format!("{path}/members/{ann_id}");
    assert_eq!(
        ben.call(Method::DELETE, &membership, None).await?.status,
        403
    );
    ann.delete(&membership).await?;
    let told = events.next("leave_team", |_| true, HEARD_WITHIN).await?;
    assert_eq!(told["data"]["user_id"], ann_id.as_str());
    events
        .next(
            "user_removed",
            |event| event["data"]["user_id"] == ann_id.as_str(),
            HEARD_WITHIN,
        )
        .await?;
    assert_eq!(ann.get("/users/me/teams").await?, json!([]));
    let posted = json!({ "channel_id": dock, "message": "still here?" });
    assert_eq!(status(&ann, Method::POST, "/posts", posted).await?, 403);
    assert_eq!(ben.call(Method::GET, &membership, None).await?.status, 404);
    let batch = json!([{ "team_id": side.team_id, "user_id": ann_id }]);
    let added = side
        .admin
        .call(Method::POST, &format!("{path}/members/batch"), Some(batch))
        .await?;
    assert_eq!(
        (added.status, added.body.as_array().map(Vec::len)),
        (201, Some(1))
    );
    // Who is not in a channel is found for it, who is in it is not.
    let query = format!("in_team={}&not_in_channel={dock}", side.team_id);
    let outside = side.admin.get(&format!("/users?{query}")).await?;
    let ids: Vec<&Value> = outside
        .as_array()
        .into_iter()
        .flatten()
        .map(|it| &it["id"])
        .collect();
    assert!(ids.contains(&&json!(ann_id)) && !ids.contains(&&json!(id_of(&ben).await?)));

    side.admin.delete(&path).await?;
    events.next("delete_team", |_| true, HEARD_WITHIN).await?;
    assert_eq!(ben.get("/users/me/teams").await?, json!([]));
    let restored = side
        .admin
        .post(&format!("{path}/restore"), json!({}))
        .await?;
    assert_eq!(restored["delete_at"], 0);
    events.next("restore_team", |_| true, HEARD_WITHIN).await?;
    let teams = ben.get("/users/me/teams").await?;
    assert_eq!(teams.as_array().map(Vec::len), Some(1));
    Ok(())
}

#[tokio::test]
async fn sessions_are_listed_without_tokens_and_ended_one_by_one() -> Result<()> {
    let data = tempfile::tempdir()?;
    let workspace = warm::start("sessions", data.path()).await?;
    let side = Side::prepare("sessions", &workspace.site_url(), "crew").await?;
    let (ann, ben) = (side.user("ann").await?, side.user("ben").await?);
    let ann_id = id_of(&ann).await?;
    let before = ann.get("/users/me/sessions").await?;
    let before = before.as_array().context("no list")?.len();
    let name = ann.get("/users/me").await?["username"].clone();
    let second = Client::new(&workspace.site_url())
        .login(
            name.as_str().unwrap_or_default(),
            causeway_tests::scene::PASSWORD,
        )
        .await?;
    let all = ann.get("/users/me/sessions").await?;
    let all = all.as_array().context("no list")?;
    assert_eq!(all.len(), before + 1);
    assert!(all.iter().all(|session| session["token"] == ""));
    let newest = json!({ "session_id": all[0]["id"] });
    let revoke = format!("/users/{ann_id}/sessions/revoke");
    assert_eq!(
        status(&ben, Method::POST, &revoke, newest.clone()).await?,
        403
    );
    ann.post(&revoke, newest.clone()).await?;
    assert_eq!(
        second.call(Method::GET, "/users/me", None).await?.status,
        401
    );
    assert_eq!(status(&ann, Method::POST, &revoke, newest).await?, 400);
    ann.post(&format!("{revoke}/all"), json!({})).await?;
    assert_eq!(ann.call(Method::GET, "/users/me", None).await?.status, 401);
    Ok(())
}

#[tokio::test]
async fn writing_is_told_to_the_other_members() -> Result<()> {
    let data = tempfile::tempdir()?;
    let workspace = warm::start("typing", data.path()).await?;
    let side = Side::prepare("typing", &workspace.site_url(), "crew").await?;
    let (ann, ben) = (side.user("ann").await?, side.user("ben").await?);
    let dock = side.channel("dock", &[&ann, &ben]).await?;
    let (mut of_ann, mut of_ben) = (ann.events().await?, ben.events().await?);
    let body = json!({ "channel_id": dock, "parent_id": "" });
    ann.post("/users/me/typing", body.clone()).await?;
    let heard = of_ben.next("typing", |_| true, HEARD_WITHIN).await?;
    assert_eq!(heard["data"]["user_id"], id_of(&ann).await?.as_str());
    assert_eq!(heard["broadcast"]["channel_id"], dock.as_str());
    // The writer hears of the post that follows, and not of the writing.
    let post = json!({ "channel_id": dock, "message": "done" });
    ann.post("/posts", post).await?;
    let heard = of_ann.until("posted", |_| true, HEARD_WITHIN).await?;
    assert!(heard.iter().all(|event| event["event"] != "typing"));
    Ok(())
}

#[tokio::test]
async fn a_channel_is_marked_as_unread_from_a_post_on() -> Result<()> {
    let data = tempfile::tempdir()?;
    let workspace = warm::start("unread-marks", data.path()).await?;
    let side = Side::prepare("unread-marks", &workspace.site_url(), "crew").await?;
    let (ann, ben) = (side.user("ann").await?, side.user("ben").await?);
    let dock = side.channel("dock", &[&ann, &ben]).await?;
    let mut posts = Vec::new();
    for text in ["first", "@ann second", "third"] {
        posts.push(causeway_tests::scene::post(&ben, &dock, "", text).await?);
    }
    let view = json!({ "channel_id": dock });
    let mut events = ann.events().await?;
    ann.post("/channels/members/me/view", view.clone()).await?;
    let told = events
        .next("multiple_channels_viewed", |_| true, HEARD_WITHIN)
        .await?;
    assert!(told["data"]["channel_times"][&dock].is_number());
    let unread = format!("/users/me/channels/{dock}/unread");
    assert_eq!(ann.get(&unread).await?["msg_count"], 0);

    let mark = format!("/users/me/posts/{}/set_unread", posts[1]);
    let body = json!({ "collapsed_threads_supported": true });
    let marked = ann.post(&mark, body.clone()).await?;
    assert_eq!(
        (&marked["channel_id"], &marked["mention_count"]),
        (&json!(dock), &json!(1))
    );
    let told = events.next("post_unread", |_| true, HEARD_WITHIN).await?;
    assert_eq!(told["broadcast"]["channel_id"], dock.as_str());
    assert_eq!(told["data"]["post_id"], posts[1].as_str());
    let counts = ann.get(&unread).await?;
    assert_eq!(
        (&counts["msg_count"], &counts["mention_count"]),
        (&json!(2), &json!(1))
    );
    let around = format!("/users/me/channels/{dock}/posts/unread?limit_before=0&limit_after=1");
    assert_eq!(ann.get(&around).await?["order"], json!([posts[1]]));
    let of_ann = mark.replace("/me/", &format!("/{}/", id_of(&ann).await?));
    assert_eq!(status(&ben, Method::POST, &of_ann, body).await?, 403);
    ann.post("/channels/members/me/view", view).await?;
    assert_eq!(ann.get(&unread).await?["msg_count"], 0);
    Ok(())
}
