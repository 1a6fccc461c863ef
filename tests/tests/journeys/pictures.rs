//! Profile pictures: set, shown, removed, and the same on both sides.

use anyhow::{Context, Result, ensure};
use causeway_tests::client::{Answer, Client, HEARD_WITHIN};
use causeway_tests::hosted::Hosted;
use causeway_tests::scene::wait_for;
use hyper::Method;
use serde_json::Value;

use crate::form::{Form, PICTURE, get, header, refused, text};
use crate::pair::Pair;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const FORBIDDEN: &str = "api.context.permissions.app_error";

/// A form with a picture.
fn picture(bytes: &[u8]) -> Form {
    Form::default().part("name=\"image\"; filename=\"me.png\"", bytes)
}

async fn own_id(client: &Client) -> Result<String> {
    text(&client.get("/users/me").await?["id"])
}

/// A user's profile picture, as somebody sees it.
async fn shown(client: &Client, user: &str) -> Result<Vec<u8>> {
    let answer = image(client, user, "").await?;
    ensure!(answer.status == 200, "{}: {}", answer.status, answer.body);
    ensure!(header(&answer, "content-type") == "image/png");
    ensure!(answer.bytes.starts_with(PNG), "no PNG");
    Ok(answer.bytes.to_vec())
}

async fn image(client: &Client, user: &str, rest: &str) -> Result<Answer> {
    get(client, &format!("/users/{user}/image{rest}"), &[]).await
}

/// Somebody sets a user's profile picture.
async fn set(client: &Client, user: &str, bytes: &[u8]) -> Result<Answer> {
    let path = format!("/users/{user}/image");
    picture(bytes).send(client, &path).await
}

/// A picture that is another one than [`PICTURE`]: the one that is generated for somebody.
async fn another(client: &Client, user: &str) -> Result<Vec<u8>> {
    Ok(image(client, user, "/default").await?.bytes.to_vec())
}

#[tokio::test]
async fn a_picture_is_shown_to_everybody_until_it_is_replaced_or_removed() -> Result<()> {
    let host = Hosted::start("boss", |_| {}).await?;
    let (ann, bob) = (host.user("ann").await?, host.user("bob").await?);
    let (ann_id, bob_id) = (own_id(&ann).await?, own_id(&bob).await?);
    let generated = shown(&bob, &ann_id).await?;
    ensure!(generated == another(&bob, &ann_id).await?);
    ensure!(generated != shown(&bob, &bob_id).await?, "the same for all");
    let profile = bob.get(&format!("/users/{ann_id}")).await?;
    ensure!(profile.get("last_picture_update").is_none(), "{profile}");

    let mut events = bob.events().await?;
    ensure!(set(&ann, &ann_id, PICTURE).await?.ok()?["status"] == "OK");
    let is_hers = |event: &Value| event["data"]["user"]["id"] == ann_id.as_str();
    let told = events.next("user_updated", is_hers, HEARD_WITHIN).await?;
    let first = told["data"]["user"]["last_picture_update"].as_i64();
    let first = first.with_context(|| format!("when it was set: {told}"))?;
    let red = shown(&bob, &ann_id).await?;
    ensure!(red != generated);

    let answer = image(&bob, &ann_id, &format!("?_={first}")).await?;
    let tag = header(&answer, "etag").to_string();
    let again = [("if-none-match", tag.as_str())];
    let answer = get(&bob, &format!("/users/{ann_id}/image"), &again).await?;
    ensure!(answer.status == 304 && answer.bytes.is_empty());

    // An administrator may, too.
    set(&host.side.admin, &ann_id, &another(&bob, &bob_id).await?)
        .await?
        .ok()?;
    let replaced = shown(&bob, &ann_id).await?;
    ensure!(replaced != red && replaced != generated);
    let answer = get(&bob, &format!("/users/{ann_id}/image"), &again).await?;
    ensure!(answer.status == 200, "{}", answer.status);

    let path = format!("/users/{ann_id}/image");
    ensure!(ann.delete(&path).await?["status"] == "OK");
    ensure!(shown(&bob, &ann_id).await? == generated);
    let profile = bob.get(&format!("/users/{ann_id}")).await?;
    ensure!(
        profile["last_picture_update"].as_i64() > Some(first),
        "{profile}"
    );
    let rename = serde_json::json!({ "username": "zoe" });
    ann.call(Method::PUT, &format!("/users/{ann_id}/patch"), Some(rename))
        .await?
        .ok()?;
    ensure!(shown(&bob, &ann_id).await? != generated, "her new letter");
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_is_no_picture_or_not_ones_own_is_refused_and_changes_nothing() -> Result<()> {
    let host = Hosted::start("boss", |settings| settings.files.max_file_size = 2_000).await?;
    let (ann, bob) = (host.user("ann").await?, host.user("bob").await?);
    let ann_id = own_id(&ann).await?;
    set(&ann, &ann_id, PICTURE).await?.ok()?;
    let before = shown(&bob, &ann_id).await?;
    let path = format!("/users/{ann_id}/image");
    refused(&set(&bob, &ann_id, PICTURE).await?, 403, FORBIDDEN)?;
    let removed = bob.call(Method::DELETE, &path, None).await?;
    refused(&removed, 403, FORBIDDEN)?;
    let id = |name: &str| format!("api.user.upload_profile_user.{name}.app_error");
    refused(
        &set(&ann, &ann_id, b"no picture at all").await?,
        400,
        &id("check_image_limits"),
    )?;
    refused(
        &set(&ann, &ann_id, &[7; 2_001]).await?,
        413,
        &id("too_large"),
    )?;
    let other = Form::default().field("picture", "text");
    refused(&other.send(&ann, &path).await?, 400, &id("no_file"))?;
    let json = ann
        .call(Method::POST, &path, Some(serde_json::json!({})))
        .await?;
    refused(&json, 500, &id("parse"))?;
    let nobody = image(&bob, "short", "").await?;
    refused(&nobody, 400, "api.context.invalid_url_param.app_error")?;
    ensure!(shown(&bob, &ann_id).await? == before);
    host.stop().await;
    Ok(())
}

/// Waits until both sides show the same picture of a person, and another one than before.
async fn agreed(pair: &Pair, user: &str, before: &[u8]) -> Result<Vec<u8>> {
    let (mut here, mut there) = (Vec::new(), Vec::new());
    wait_for("the same picture on both sides", async || {
        let answer = image(&pair.globex.user, user, "").await?;
        here = shown(&pair.acme.user, user).await?;
        there = answer.bytes.to_vec();
        Ok(here == there && here != before)
    })
    .await?;
    Ok(here)
}

/// The list of pictures that are owed, as somebody may see it.
async fn image_list(client: &Client) -> Result<Answer> {
    get(client, "/causeway/pictures", &[]).await
}

#[tokio::test]
async fn a_picture_of_a_person_is_the_same_in_the_other_workspace() -> Result<()> {
    let mut pair = Pair::open(50).await?;
    let ann_id = own_id(&pair.acme.user).await?;
    let carla_id = own_id(&pair.globex.user).await?;
    set(&pair.acme.user, &ann_id, PICTURE).await?.ok()?;
    let body = serde_json::json!({ "channel_id": pair.channel, "message": "look at me" });
    pair.acme.user.post("/posts", body.clone()).await?;
    let first = agreed(&pair, &ann_id, &[]).await?;

    // Her account is at home elsewhere: nobody changes the picture here.
    let admin = &pair.globex.side.admin;
    refused(&set(admin, &ann_id, PICTURE).await?, 403, FORBIDDEN)?;

    pair.globex.user.post("/posts", body).await?;
    pair.cut();
    let second = another(&pair.globex.user, &carla_id).await?;
    set(&pair.acme.user, &ann_id, &second).await?.ok()?;
    set(&pair.globex.user, &carla_id, PICTURE).await?.ok()?;
    pair.acme.workspace.crash()?;
    pair.acme.workspace.start_again().await?;
    // An administrator sees that the picture is still to go.
    let owed = pair.acme.side.admin.get("/causeway/pictures").await?;
    ensure!(owed[0]["user_id"] == ann_id.as_str(), "{owed}");
    ensure!(owed[0]["state"] != "dead", "{owed}");
    let refused_to = image_list(&pair.acme.user).await?;
    ensure!(refused_to.status == 403, "{refused_to:?}");
    pair.mend();
    let second = agreed(&pair, &ann_id, &first).await?;
    agreed(&pair, &carla_id, &[]).await?;
    wait_for("nothing owed", async || {
        let owed = pair.acme.side.admin.get("/causeway/pictures").await?;
        Ok(owed == serde_json::json!([]))
    })
    .await?;

    let path = format!("/users/{ann_id}/image");
    pair.acme.user.delete(&path).await?;
    agreed(&pair, &ann_id, &second).await?;
    Ok(())
}
