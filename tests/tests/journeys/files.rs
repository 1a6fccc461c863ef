//! People add files to posts, read them in parts and in small, and nobody else does.

use anyhow::{Result, ensure};
use causeway_tests::client::{Client, HEARD_WITHIN};
use causeway_tests::hosted::Hosted;
use hyper::Method;
use serde_json::{Value, json};

use crate::form::{FORM, Form, PICTURE, get, header, path, refused, text};

const BYTES: (&str, &str) = ("content-type", "application/octet-stream");

/// A workspace with two members of a channel, and somebody who is not in it.
struct Stage {
    host: Hosted,
    ann: Client,
    bob: Client,
    eve: Client,
    channel: String,
}

impl Stage {
    async fn open(file_bytes_max: u64) -> Result<Stage> {
        let host = Hosted::start("boss", |settings| {
            settings.files.max_file_size = file_bytes_max;
        })
        .await?;
        let [ann, bob, eve] = [
            host.user("ann").await?,
            host.user("bob").await?,
            host.user("eve").await?,
        ];
        let body = json!({
            "team_id": host.side.team_id, "name": "den", "display_name": "Den", "type": "P",
        });
        let channel = text(&ann.post("/channels", body).await?["id"])?;
        let bob_id = bob.get("/users/me").await?["id"].clone();
        let path = format!("/channels/{channel}/members");
        ann.post(&path, json!({ "user_id": bob_id })).await?;
        Ok(Stage {
            host,
            ann,
            bob,
            eve,
            channel,
        })
    }

    /// Ann adds a file.
    async fn add(&self, name: &str, bytes: &[u8]) -> Result<Value> {
        let form = Form::default()
            .field("channel_id", &self.channel)
            .file(name, bytes);
        let answer = form.send(&self.ann, "/files").await?;
        Ok(answer.ok()?["file_infos"][0].clone())
    }

    /// Ann writes a post with files.
    async fn write(&self, files: &[&Value]) -> Result<Value> {
        let files: Vec<&Value> = files.iter().map(|file| &file["id"]).collect();
        let body = json!({ "channel_id": self.channel, "message": "see", "file_ids": files });
        self.ann.post("/posts", body).await
    }
}

#[tokio::test]
async fn a_file_belongs_to_its_uploader_then_to_the_post_and_goes_with_it() -> Result<()> {
    let stage = Stage::open(1 << 20).await?;
    let mut events = stage.bob.events().await?;
    let bytes: Vec<u8> = (0..300_000_u32)
        .flat_map(u32::to_le_bytes)
        .take(700_000)
        .collect();
    let form = Form::default()
        .file("notes.bin", &bytes)
        .file("a.txt", b"hello");
    let form = form.field("client_ids", "one").field("client_ids", "two");
    let made = form
        .field("channel_id", &stage.channel)
        .send(&stage.ann, "/files")
        .await?;
    ensure!(made.status == 201, "{}", made.body);
    ensure!(
        made.body["client_ids"] == json!(["one", "two"]),
        "{}",
        made.body
    );
    let [notes, hello] = [0, 1].map(|at| made.body["file_infos"][at].clone());
    ensure!(
        notes["size"] == 700_000 && notes["name"] == "notes.bin",
        "{notes}"
    );
    ensure!(
        hello["extension"] == "txt" && hello["mime_type"] == "text/plain",
        "{hello}"
    );
    ensure!(notes.get("post_id").is_none(), "{notes}");

    let there = get(&stage.ann, &path(&notes, "")?, &[]).await?;
    ensure!(there.status == 200 && there.bytes == bytes, "other bytes");
    for stranger in [&stage.bob, &stage.eve] {
        let hidden = get(stranger, &path(&notes, "")?, &[]).await?;
        refused(&hidden, 403, "api.context.permissions.app_error")?;
    }

    let post = stage.write(&[&hello, &notes]).await?;
    ensure!(
        post["file_ids"] == json!([hello["id"], notes["id"]]),
        "{post}"
    );
    ensure!(post["metadata"]["files"][1]["id"] == notes["id"], "{post}");
    let heard = events.next("posted", |_| true, HEARD_WITHIN).await?;
    ensure!(heard["data"]["otherFile"] == "true", "{heard}");
    ensure!(heard["data"].get("image").is_none(), "{heard}");
    let post_path = format!("/posts/{}", text(&post["id"])?);
    let infos = stage.bob.get(&format!("{post_path}/files/info")).await?;
    ensure!(
        infos[0]["post_id"] == post["id"] && infos[1]["id"] == notes["id"],
        "{infos}"
    );
    let again = stage.write(&[&notes]).await?;
    ensure!(
        again["file_ids"] == json!([]),
        "a file is in two posts: {again}"
    );

    let there = get(&stage.bob, &path(&notes, "")?, &[]).await?;
    ensure!(there.status == 200 && there.bytes == bytes, "other bytes");
    let hidden = get(&stage.eve, &path(&notes, "")?, &[]).await?;
    refused(&hidden, 403, "api.context.permissions.app_error")?;

    let app = &stage.host.running().app;
    ensure!(
        causeway::files::sweep(app).await?.files == 0,
        "what is needed was swept"
    );
    stage.ann.delete(&post_path).await?;
    let gone = get(&stage.bob, &path(&notes, "")?, &[]).await?;
    refused(&gone, 404, "app.file_info.get.app_error")?;
    ensure!(
        causeway::files::sweep(app).await?.files == 2,
        "the bytes stay"
    );
    stage.host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_part_of_a_file_can_be_read_and_its_headers_alone() -> Result<()> {
    let stage = Stage::open(1 << 20).await?;
    let file = stage.add("clip.mp4", b"0123456789").await?;
    let path = path(&file, "")?;
    let whole = get(&stage.ann, &path, &[]).await?;
    ensure!(
        header(&whole, "content-length") == "10",
        "{:?}",
        whole.headers
    );
    ensure!(
        header(&whole, "accept-ranges") == "bytes",
        "{:?}",
        whole.headers
    );
    let part = get(&stage.ann, &path, &[("range", "bytes=2-4")]).await?;
    ensure!(part.status == 206 && part.bytes == "234", "{part:?}");
    ensure!(
        header(&part, "content-range") == "bytes 2-4/10",
        "{:?}",
        part.headers
    );
    let end = get(&stage.ann, &path, &[("range", "bytes=-3")]).await?;
    ensure!(end.status == 206 && end.bytes == "789", "{end:?}");
    let beyond = get(&stage.ann, &path, &[("range", "bytes=10-")]).await?;
    ensure!(beyond.status == 416, "{beyond:?}");
    ensure!(
        header(&beyond, "content-range") == "bytes */10",
        "{:?}",
        beyond.headers
    );
    let head = stage
        .ann
        .call_bytes(Method::HEAD, &path, Vec::new(), &[])
        .await?;
    ensure!(head.status == 200 && head.bytes.is_empty(), "{head:?}");
    ensure!(
        header(&head, "content-length") == "10",
        "{:?}",
        head.headers
    );
    let since = [("if-modified-since", header(&whole, "last-modified"))];
    ensure!(
        get(&stage.ann, &path, &since).await?.status == 304,
        "it was modified"
    );
    stage.host.stop().await;
    Ok(())
}

#[tokio::test]
async fn names_survive_and_nothing_is_shown_as_a_page() -> Result<()> {
    let stage = Stage::open(1 << 20).await?;
    for (sent, kept) in [
        ("caf\u{e9}.txt", "caf\u{e9}.txt"),
        ("cafe\u{301}.txt", "cafe\u{301}.txt"),
        ("a \"b\"; c=d, e'f.txt", "a \"b\"; c=d, e'f.txt"),
        ("../../etc/passwd", "passwd"),
        ("\u{65e5}\u{672c} 100%.zip", "\u{65e5}\u{672c} 100%.zip"),
    ] {
        let file = stage.add(sent, b"x").await?;
        ensure!(file["name"] == kept, "{sent:?} became {}", file["name"]);
        let read = get(&stage.ann, &path(&file, "")?, &[]).await?;
        ensure!(read.status == 200, "{read:?}");
    }
    let as_browsers_do = Form::default()
        .field("channel_id", &stage.channel)
        .part("name=\"files\"; filename=\"a %22b%22.txt\"", b"x");
    let made = as_browsers_do.send(&stage.ann, "/files").await?;
    ensure!(
        made.body["file_infos"][0]["name"] == "a \"b\".txt",
        "{}",
        made.body
    );
    for name in ["page.html", "picture.svg", "code.js", "feed.xml", "unknown"] {
        let file = stage
            .add(name, b"<svg onload='alert(1)'><script>alert(1)</script>")
            .await?;
        let read = get(&stage.ann, &path(&file, "")?, &[]).await?;
        let disposition = header(&read, "content-disposition");
        ensure!(
            disposition.starts_with("attachment;"),
            "{name}: {disposition}"
        );
        ensure!(
            header(&read, "content-security-policy").contains("sandbox"),
            "{name}"
        );
        ensure!(
            header(&read, "x-content-type-options") == "nosniff",
            "{name}"
        );
        let small = get(&stage.ann, &path(&file, "/thumbnail")?, &[]).await?;
        refused(
            &small,
            400,
            "api.file.get_file_thumbnail.no_thumbnail.app_error",
        )?;
    }
    stage.host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_picture_has_dimensions_a_preview_and_a_thumbnail() -> Result<()> {
    let stage = Stage::open(1 << 20).await?;
    let mut events = stage.bob.events().await?;
    let file = stage.add("red.png", PICTURE).await?;
    ensure!(file["width"] == 2 && file["height"] == 1, "{file}");
    ensure!(
        file["has_preview_image"] == true && file["mime_type"] == "image/png",
        "{file}"
    );
    for kind in ["/preview", "/thumbnail"] {
        for _ in 0..2 {
            let small = get(&stage.ann, &path(&file, kind)?, &[]).await?;
            ensure!(small.status == 200, "{kind}: {}", small.body);
            ensure!(
                header(&small, "content-type") == "image/jpeg",
                "{:?}",
                small.headers
            );
        }
        let hidden = get(&stage.eve, &path(&file, kind)?, &[]).await?;
        refused(&hidden, 403, "api.context.permissions.app_error")?;
    }
    let read = get(&stage.ann, &path(&file, "")?, &[]).await?;
    ensure!(
        header(&read, "content-disposition").starts_with("inline;"),
        "{:?}",
        read.headers
    );
    let download = get(&stage.ann, &path(&file, "?download=1")?, &[]).await?;
    let disposition = header(&download, "content-disposition");
    ensure!(disposition.starts_with("attachment;"), "{disposition}");
    let link = get(&stage.ann, &path(&file, "/link")?, &[]).await?;
    refused(&link, 501, "api.file.get_public_link.disabled.app_error")?;
    stage.write(&[&file]).await?;
    let heard = events.next("posted", |_| true, HEARD_WITHIN).await?;
    ensure!(heard["data"]["image"] == "true", "{heard}");

    let none = stage.add("claims.png", b"no picture at all").await?;
    ensure!(none.get("width").is_none(), "{none}");
    let small = get(&stage.ann, &path(&none, "/preview")?, &[]).await?;
    refused(
        &small,
        400,
        "api.file.get_file_preview.no_preview.app_error",
    )?;
    stage.host.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_is_too_large_malformed_or_not_allowed_is_refused() -> Result<()> {
    let stage = Stage::open(1_000).await?;
    let (ann, channel) = (&stage.ann, &stage.channel);
    let config = ann.get("/config/client?format=old").await?;
    ensure!(
        config["MaxFileSize"] == "1000" && config["EnableFileAttachments"] == "true",
        "{config}"
    );
    let large = vec![0; 1_001];
    let too_large = "api.file.upload_file.too_large_detailed.app_error";
    let unreadable = "api.file.upload_file.read_request.app_error";
    let invalid = "api.context.invalid_body_param.app_error";
    let form = || Form::default().field("channel_id", channel);
    refused(
        &form().file("a.bin", &large).send(ann, "/files").await?,
        413,
        too_large,
    )?;
    let raw = format!("/files?channel_id={channel}&filename=a.bin");
    let sent = ann.call_bytes(Method::POST, &raw, large, &[BYTES]).await?;
    refused(&sent, 413, too_large)?;
    let fits = ann
        .call_bytes(Method::POST, &raw, vec![0; 1_000], &[BYTES])
        .await?;
    ensure!(
        fits.status == 201 && fits.body["file_infos"][0]["size"] == 1_000,
        "{}",
        fits.body
    );
    let empty = ann
        .call_bytes(Method::POST, &raw, Vec::new(), &[BYTES])
        .await?;
    refused(&empty, 400, unreadable)?;

    let cut = form().file("a.bin", b"cut off here").0;
    let cut = ann.call_bytes(Method::POST, "/files", cut, &[FORM]).await?;
    refused(&cut, 400, unreadable)?;
    let head = "x".repeat(2 << 20);
    let endless = form().part(&head, b"").send(ann, "/files").await?;
    refused(&endless, 400, unreadable)?;
    refused(
        &form().field("unknown", "x").send(ann, "/files").await?,
        400,
        invalid,
    )?;
    refused(
        &Form::default()
            .file("a.bin", b"x")
            .send(ann, "/files")
            .await?,
        400,
        invalid,
    )?;
    let one = form()
        .field("client_ids", "one")
        .file("a", b"x")
        .file("b", b"x");
    refused(&one.send(ann, "/files").await?, 400, invalid)?;
    let elsewhere = format!("/files?channel_id={}", stage.host.side.town_square);
    let disagree = form().file("a", b"x").send(ann, &elsewhere).await?;
    refused(&disagree, 400, invalid)?;
    let agree = Form::default().file("a", b"x").send(ann, &raw).await?;
    ensure!(agree.body["file_infos"][0]["name"] == "a", "{}", agree.body);
    let foreign = form()
        .file("a.bin", b"x")
        .send(&stage.eve, "/files")
        .await?;
    refused(&foreign, 403, "api.context.permissions.app_error")?;
    let many: Vec<String> = (0..11).map(|at| format!("{at:026}")).collect();
    let body = json!({ "channel_id": channel, "message": "", "file_ids": many });
    // Unknown files are left out, however many there are.
    ensure!(ann.post("/posts", body).await?["file_ids"] == json!([]));
    stage.host.stop().await;
    Ok(())
}

#[tokio::test]
async fn an_upload_goes_on_where_it_was_interrupted() -> Result<()> {
    let stage = Stage::open(1_000).await?;
    let ann = &stage.ann;
    let begin = |size: u64| json!({ "channel_id": stage.channel, "filename": "long.txt", "file_size": size });
    let refusal = ann
        .call(Method::POST, "/uploads", Some(begin(1_001)))
        .await?;
    refused(
        &refusal,
        413,
        "api.upload.create.upload_too_large.app_error",
    )?;
    let foreign = stage
        .eve
        .call(Method::POST, "/uploads", Some(begin(10)))
        .await?;
    refused(&foreign, 403, "api.context.permissions.app_error")?;
    let upload = ann.post("/uploads", begin(10)).await?;
    ensure!(
        upload["file_offset"] == 0 && upload["type"] == "attachment",
        "{upload}"
    );
    let path = format!("/uploads/{}", text(&upload["id"])?);
    let send = async |client: &Client, bytes: &[u8]| {
        client
            .call_bytes(Method::POST, &path, bytes.to_vec(), &[BYTES])
            .await
    };
    ensure!(send(ann, b"0123").await?.status == 204);
    ensure!(ann.get(&path).await?["file_offset"] == 4);
    ensure!(ann.get("/users/me/uploads").await?[0]["id"] == upload["id"]);
    for foreign in [
        send(&stage.bob, b"4").await?,
        stage.bob.call(Method::GET, &path, None).await?,
    ] {
        refused(&foreign, 404, "app.upload.get.app_error")?;
    }
    refused(
        &send(ann, b"4567890").await?,
        400,
        "api.upload.upload_data.invalid_content_length",
    )?;
    let whole = send(ann, b"456789").await?;
    ensure!(
        whole.status == 200 && whole.body["name"] == "long.txt",
        "{}",
        whole.body
    );
    let read = get(ann, &format!("/files/{}", text(&whole.body["id"])?), &[]).await?;
    ensure!(read.bytes == "0123456789", "{:?}", read.bytes);
    refused(&send(ann, b"").await?, 404, "app.upload.get.app_error")?;
    stage.host.stop().await;
    Ok(())
}

#[tokio::test]
async fn files_can_be_switched_off() -> Result<()> {
    let host = Hosted::start("boss", |settings| {
        settings.files.enable_file_attachments = false
    })
    .await?;
    let admin = &host.side.admin;
    let form = Form::default()
        .field("channel_id", &host.side.town_square)
        .file("a", b"x");
    refused(
        &form.send(admin, "/files").await?,
        403,
        "api.file.attachments.disabled.app_error",
    )?;
    let config = admin.get("/config/client?format=old").await?;
    ensure!(config["EnableFileAttachments"] == "false", "{config}");
    host.stop().await;
    Ok(())
}
