//! Files of posts in a shared channel: they arrive with their names and bytes, whatever happens on the way.

use anyhow::{Context, Result, ensure};
use causeway_tests::client::Client;
use causeway_tests::command::connection;
use causeway_tests::scene::wait_for;
use hyper::Method;
use serde_json::{Value, json};

use crate::form::{Form, PICTURE, get, header, path, text};
use crate::pair::Pair;

/// Bytes of a file that takes several portions, all of them different.
fn bytes(number: u32) -> Vec<u8> {
    let words = (0..500_000_u32).map(|at| at.wrapping_mul(2_654_435_761).wrapping_add(number));
    words.flat_map(u32::to_le_bytes).collect()
}

/// A member writes a post with files; the post's id.
pub async fn write(member: &Client, channel: &str, files: &[(&str, &[u8])]) -> Result<String> {
    let mut form = Form::default().field("channel_id", channel);
    for (name, bytes) in files {
        form = form.file(name, bytes);
    }
    let made = form.send(member, "/files").await?.ok()?;
    let infos = made["file_infos"].as_array().context("files")?.clone();
    let ids: Vec<Value> = infos.iter().map(|info| info["id"].clone()).collect();
    let body = json!({ "channel_id": channel, "message": "see", "file_ids": ids });
    text(&member.post("/posts", body).await?["id"])
}

/// The files of a post, once a member sees this many.
pub async fn shown(member: &Client, post: &str, number: usize) -> Result<Vec<Value>> {
    let mut files = Vec::new();
    wait_for("the files of the post", async || {
        let Ok(post) = member.get(&format!("/posts/{post}")).await else {
            return Ok(false);
        };
        let listed = post["metadata"]["files"].as_array();
        files = listed.cloned().unwrap_or_default();
        Ok(files.len() == number)
    })
    .await?;
    Ok(files)
}

/// Fails unless a member gets these bytes of a file.
pub async fn expect_bytes(member: &Client, file: &Value, expected: &[u8]) -> Result<()> {
    let there = get(member, &path(file, "")?, &[]).await?;
    ensure!(there.status == 200, "{}: {}", there.status, there.body);
    ensure!(there.bytes == expected, "other bytes");
    Ok(())
}

#[tokio::test]
async fn files_arrive_on_both_sides_with_their_names_and_bytes() -> Result<()> {
    let pair = Pair::open(50).await?;
    let (ann, carla) = (&pair.acme.user, &pair.globex.user);
    let long = bytes(1);
    let decomposed = "Pru\u{308}fung „neu\".txt";
    let files: [(&str, &[u8]); 3] = [
        ("plan.bin", &long),
        (decomposed, b"text"),
        ("red.png", PICTURE),
    ];
    let post = write(ann, &pair.channel, &files).await?;
    let there = shown(carla, &post, 3).await?;
    let here = shown(ann, &post, 3).await?;
    for ((here, there), (name, bytes)) in here.iter().zip(&there).zip(files) {
        for key in [
            "id",
            "name",
            "size",
            "mime_type",
            "extension",
            "width",
            "height",
        ] {
            ensure!(here.get(key) == there.get(key), "{key}: {here} and {there}");
        }
        ensure!(there["name"] == name, "{there}");
        expect_bytes(carla, there, bytes).await?;
    }
    // In parts, and in small.
    let part = get(carla, &path(&there[0], "")?, &[("range", "bytes=5-9")]).await?;
    ensure!(
        part.status == 206 && part.bytes == long[5..10],
        "{}",
        part.status
    );
    let head = carla
        .call_bytes(Method::HEAD, &path(&there[0], "")?, Vec::new(), &[])
        .await?;
    ensure!(header(&head, "content-length") == long.len().to_string());
    let small = get(carla, &path(&there[2], "/thumbnail")?, &[]).await?;
    ensure!(small.status == 200, "{}", small.status);

    let back = write(carla, &pair.channel, &[("answer.bin", &bytes(2))]).await?;
    let answer = shown(ann, &back, 1).await?;
    expect_bytes(ann, &answer[0], &bytes(2)).await?;

    ann.call(Method::DELETE, &format!("/posts/{post}"), None)
        .await?;
    wait_for("the files to be gone", async || {
        let gone = get(carla, &path(&there[0], "")?, &[]).await?;
        Ok(gone.status == 404)
    })
    .await
}

#[tokio::test]
async fn what_was_posted_during_an_outage_arrives_with_its_files() -> Result<()> {
    let mut pair = Pair::open(50).await?;
    pair.cut();
    let long = bytes(3);
    let post = write(&pair.acme.user, &pair.channel, &[("late.bin", &long)]).await?;
    let back = write(&pair.globex.user, &pair.channel, &[("back.txt", b"back")]).await?;
    pair.acme.workspace.crash()?;
    pair.acme.workspace.start_again().await?;
    pair.mend();
    let there = shown(&pair.globex.user, &post, 1).await?;
    expect_bytes(&pair.globex.user, &there[0], &long).await?;
    let here = shown(&pair.acme.user, &back, 1).await?;
    expect_bytes(&pair.acme.user, &here[0], b"back").await
}

#[tokio::test]
async fn a_file_that_the_other_side_does_not_take_keeps_nothing_back_and_its_author_hears_it()
-> Result<()> {
    let settings = "[FileSettings]\nMaxFileSize = 1000\n";
    let pair = Pair::open_with(50, settings).await?;
    let (ann, carla) = (&pair.acme.user, &pair.globex.user);
    let mut events = ann.events().await?;
    let post = write(
        ann,
        &pair.channel,
        &[("large.bin", &bytes(4)), ("small.txt", b"ok")],
    )
    .await?;
    let there = shown(carla, &post, 1).await?;
    ensure!(there[0]["name"] == "small.txt", "{there:?}");
    let is_it = |event: &Value| event.to_string().contains("large.bin");
    let wait = causeway_tests::client::HEARD_WITHIN;
    let told = events.next("ephemeral_message", is_it, wait).await?;
    let told = told.to_string();
    ensure!(
        told.contains("has not reached") && told.contains("1000"),
        "{told}"
    );
    let owed = pair.acme.side.admin.get("/causeway/files").await?;
    let mut owed = owed.as_array().into_iter().flatten();
    let large = owed.find(|file| file["name"] == "large.bin");
    let large = large.context("the file is listed")?;
    ensure!(
        large["state"] == "refused" && large["post_id"] == post,
        "{large}"
    );
    let listed = connection(&pair.acme.side, &["waiting"], "").await?;
    ensure!(
        listed.contains("refused  file large.bin of post"),
        "{listed}"
    );
    let asked = ann.call(Method::GET, "/causeway/files", None).await?;
    ensure!(asked.status == 403, "{}", asked.body);
    Ok(())
}
