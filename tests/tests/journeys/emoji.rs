//! Custom emoji, and earlier versions of posts.

use anyhow::{Context, Result};
use causeway_tests::form::Form;
use causeway_tests::scene::{Side, edit, id_of, post};
use causeway_tests::warm;
use hyper::Method;
use serde_json::{Value, json};

use crate::form::PICTURE;

/// Width and height of a PNG, from its header.
fn size(png: &[u8]) -> Option<(u32, u32)> {
    let number = |at: usize| Some(u32::from_be_bytes(*png.get(at..)?.first_chunk()?));
    png.starts_with(b"\x89PNG")
        .then_some(())
        .and_then(|()| Some((number(16)?, number(20)?)))
}

fn form(name: &str, bytes: &[u8]) -> Form {
    let description = json!({ "name": name, "creator_id": "anybody" }).to_string();
    Form::default()
        .part("name=\"image\"; filename=\"rope.png\"", bytes)
        .field("emoji", &description)
}

#[tokio::test]
async fn an_emoji_is_made_found_shown_and_removed() -> Result<()> {
    let data = tempfile::tempdir()?;
    let workspace = warm::start("emoji", data.path()).await?;
    let side = Side::prepare("emoji", &workspace.site_url(), "crew").await?;
    let (ann, ben) = (side.user("ann").await?, side.user("ben").await?);
    assert_eq!(ann.get("/emoji").await?, json!([]));
    let mut events = ben.events().await?;
    let wide = PICTURE.to_vec();
    let made = form("rope", &wide).send(&ann, "/emoji").await?;
    assert_eq!(made.status, 201, "{}", made.body);
    let rope = made.body;
    assert_eq!(
        (&rope["name"], &rope["creator_id"]),
        (&json!("rope"), &json!(id_of(&ann).await?))
    );
    let told = events
        .next(
            "emoji_added",
            |_| true,
            causeway_tests::client::HEARD_WITHIN,
        )
        .await?;
    assert!(
        told["data"]["emoji"]
            .as_str()
            .unwrap_or_default()
            .contains("rope")
    );
    let id = rope["id"].as_str().context("no id")?;

    assert_eq!(ben.get("/emoji?page=0&per_page=100").await?, json!([rope]));
    assert_eq!(ben.get(&format!("/emoji/{id}")).await?, rope);
    assert_eq!(ben.get("/emoji/name/rope").await?, rope);
    assert_eq!(ben.get("/emoji/autocomplete?name=ro").await?, json!([rope]));
    assert_eq!(
        ben.post("/emoji/names", json!(["rope", "none"])).await?,
        json!([rope])
    );
    assert_eq!(
        ben.post("/emoji/search", json!({ "term": "op" })).await?,
        json!([rope])
    );
    let only_begin = json!({ "term": "op", "prefix_only": true });
    assert_eq!(ben.post("/emoji/search", only_begin).await?, json!([]));
    let shown = ben
        .call(Method::GET, &format!("/emoji/{id}/image"), None)
        .await?;
    assert_eq!(shown.headers["content-type"], "image/png");
    let (width, height) = size(&shown.bytes).context("no PNG")?;
    assert!(width.max(height) <= 128 && width.min(height) > 0);
    let stranger = causeway_tests::client::Client::new(&workspace.site_url());
    let refused = stranger
        .call(Method::GET, &format!("/emoji/{id}/image"), None)
        .await?;
    assert_eq!(refused.status, 401);

    // What is no picture, too large, or has a bad or taken name makes nothing.
    let svg = br#"<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>"#;
    for (name, bytes, status) in [
        ("rope", wide.clone(), 400),
        ("two words", wide.clone(), 400),
        ("cord", svg.to_vec(), 400),
        ("cord", b"<html>".to_vec(), 400),
        ("cord", vec![0; 600 * 1024], 413),
    ] {
        let refused = form(name, &bytes).send(&ben, "/emoji").await?;
        assert_eq!(refused.status, status, "{name} {}", refused.body);
        assert_eq!(refused.body["status_code"], status);
    }
    let half = Form::default().field("emoji", r#"{"name":"cord"}"#);
    assert_eq!(half.send(&ben, "/emoji").await?.status, 400);
    assert_eq!(ben.get("/emoji").await?, json!([rope]));

    // Its maker and administrators remove it; another may then have the name.
    let path = format!("/emoji/{id}");
    assert_eq!(ben.call(Method::DELETE, &path, None).await?.status, 403);
    ann.delete(&path).await?;
    assert_eq!(ben.call(Method::GET, &path, None).await?.status, 404);
    assert_eq!(
        ben.call(Method::GET, "/emoji/name/rope", None)
            .await?
            .status,
        404
    );
    let again = form("rope", PICTURE).send(&ben, "/emoji").await?;
    assert_eq!(again.status, 201);
    let id = again.body["id"].as_str().context("no id")?.to_string();
    side.admin.delete(&format!("/emoji/{id}")).await?;
    Ok(())
}

#[tokio::test]
async fn authors_look_at_earlier_versions_and_return_to_one() -> Result<()> {
    let data = tempfile::tempdir()?;
    let workspace = warm::start("versions", data.path()).await?;
    let side = Side::prepare("versions", &workspace.site_url(), "crew").await?;
    let (ann, ben) = (side.user("ann").await?, side.user("ben").await?);
    let dock = side.channel("dock", &[&ann, &ben]).await?;
    let id = post(&ann, &dock, "", "first").await?;
    let path = format!("/posts/{id}/edit_history");
    assert_eq!(ann.call(Method::GET, &path, None).await?.status, 404);
    edit(&ann, &id, "second").await?;
    edit(&ann, &id, "third").await?;
    let history = ann.get(&path).await?;
    let texts: Vec<&Value> = history
        .as_array()
        .into_iter()
        .flatten()
        .map(|it| &it["message"])
        .collect();
    assert_eq!(texts, ["second", "first"]);
    let first = &history[1];
    assert_eq!(first["original_id"], id.as_str());
    assert_ne!(first["id"], history[0]["id"]);
    // They are nobody else's, and no posts of the channel.
    for other in [&ben, &side.admin] {
        assert_eq!(other.call(Method::GET, &path, None).await?.status, 403);
    }
    let version = first["id"].as_str().context("no id")?;
    assert_eq!(
        ann.call(Method::GET, &format!("/posts/{version}"), None)
            .await?
            .status,
        404
    );
    let restore = format!("/posts/{id}/restore/{version}");
    assert_eq!(ben.call(Method::POST, &restore, None).await?.status, 403);
    let restored = ann.post(&restore, json!({})).await?;
    assert_eq!(restored["message"], "first");
    let history = ann.get(&path).await?;
    let texts: Vec<&Value> = history
        .as_array()
        .into_iter()
        .flatten()
        .map(|it| &it["message"])
        .collect();
    assert_eq!(texts, ["third", "second", "first"]);
    let unknown = format!("/posts/{id}/restore/{dock}");
    assert_eq!(ann.call(Method::POST, &unknown, None).await?.status, 404);
    ann.delete(&format!("/posts/{id}")).await?;
    assert_eq!(ann.call(Method::GET, &path, None).await?.status, 404);
    Ok(())
}
