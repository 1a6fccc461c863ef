//! Files of a peer that are not in order, come in parts, or break off.

use anyhow::{Context, Result, ensure};
use causeway::federation::client::FILE_DIGEST_HEADER;
use causeway_tests::handmade::call_bytes;
use causeway_tests::scene::wait_for;
use hyper::Method;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::stage::{ANN, ID, Stage, TOKEN, TOKEN_HEADER, with};

const UPLOAD: &str = "uploaduploaduploaduploadup";
const FILE: &str = "filefilefilefilefilefile11";
const POST: &str = "postwithfilepostwithfile11";
/// Bytes of the first part of a file.
const PART: usize = 5 << 20;

fn session(stage: &Stage, size: usize) -> Value {
    json!({
        "id": UPLOAD, "type": "attachment", "create_at": 0, "user_id": ANN,
        "channel_id": stage.shared, "filename": "plan.bin", "file_size": size, "file_offset": 0,
        "remote_id": "", "req_file_id": FILE,
    })
}

fn bytes(number: usize) -> Vec<u8> {
    (0..number).map(|at| (at % 251) as u8).collect()
}

impl Stage {
    async fn announce(&self, session: Value) -> Result<Value> {
        self.say("sharedchannel_upload", session).await
    }

    /// Sends bytes of the upload; status and id of the answer, of the file or of the error.
    async fn send(&self, upload: &str, bytes: Vec<u8>) -> Result<(u16, String)> {
        self.send_with(upload, bytes, &[]).await
    }

    /// The same, with further headers.
    async fn send_with(
        &self,
        upload: &str,
        bytes: Vec<u8>,
        further: &[(&str, &str)],
    ) -> Result<(u16, String)> {
        let own = [
            (ID, self.handmade.remote_id.as_str()),
            (TOKEN_HEADER, TOKEN),
        ];
        let headers = [&own[..], further].concat();
        let path = format!("upload/{upload}");
        let answer = call_bytes(self.host.url(), &path, &headers, bytes).await?;
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        Ok((
            answer.status,
            body["id"].as_str().unwrap_or_default().into(),
        ))
    }

    /// Begins to send bytes, and breaks off.
    async fn break_off(&self, announced: usize, bytes: &[u8]) -> Result<()> {
        let address = self.host.url().trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).await?;
        let head = format!(
            "POST /api/v4/remotecluster/upload/{UPLOAD} HTTP/1.1\r\nHost: {address}\r\n{ID}: {}\r\n\
             {TOKEN_HEADER}: {TOKEN}\r\nContent-Length: {announced}\r\n\r\n",
            self.handmade.remote_id
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(bytes).await?;
        stream.shutdown().await?;
        Ok(())
    }

    /// The bytes of the file, as a member of the channel reads them once its post has it.
    async fn read(&self) -> Result<Vec<u8>> {
        let post = with(self.post(POST), json!({ "file_ids": [FILE] }));
        self.taken(json!({ "posts": [post] })).await?;
        let post = self.bob.get(&format!("/posts/{POST}")).await?;
        ensure!(post["file_ids"] == json!([FILE]), "{post}");
        let path = format!("/files/{FILE}");
        let file = self
            .bob
            .call_bytes(Method::GET, &path, Vec::new(), &[])
            .await?;
        ensure!(file.status == 200, "{}", file.body);
        Ok(file.bytes.to_vec())
    }
}

#[tokio::test]
async fn a_file_comes_whole_or_in_large_parts() -> Result<()> {
    let stage = Stage::new().await?;
    let whole = bytes(PART + 1_000);
    stage.announce(session(&stage, whole.len())).await?;
    let too_small = "app.upload.upload_data.first_part_too_small.app_error";
    ensure!(stage.send(UPLOAD, whole[..1_000].to_vec()).await? == (400, too_small.into()));
    ensure!(stage.send(UPLOAD, whole[..PART].to_vec()).await? == (204, String::new()));
    let too_many = "api.upload.upload_data.invalid_content_length";
    ensure!(stage.send(UPLOAD, whole[..1_001].to_vec()).await? == (400, too_many.into()));
    let told = stage.announce(session(&stage, whole.len())).await?;
    ensure!(told["payload"]["file_offset"] == PART, "{told}");
    ensure!(stage.send(UPLOAD, whole[PART..].to_vec()).await? == (200, FILE.into()));
    ensure!(stage.read().await? == whole, "other bytes");
    let gone = "app.upload.get.app_error";
    ensure!(stage.send(UPLOAD, whole).await? == (404, gone.into()));
    Ok(())
}

#[tokio::test]
async fn an_upload_that_broke_off_continues_where_it_was() -> Result<()> {
    let stage = Stage::new().await?;
    let whole = bytes(2 << 20);
    stage.announce(session(&stage, whole.len())).await?;
    stage.break_off(whole.len(), &whole[..1 << 20]).await?;
    let mut offset = 0;
    wait_for("the bytes that came", async || {
        let told = stage.announce(session(&stage, whole.len())).await?;
        offset = told["payload"]["file_offset"]
            .as_u64()
            .context("an offset")?;
        Ok(offset > 0)
    })
    .await?;
    let offset = usize::try_from(offset)?;
    ensure!(offset <= 1 << 20, "{offset}");
    ensure!(stage.send(UPLOAD, whole[offset..].to_vec()).await? == (200, FILE.into()));
    ensure!(stage.read().await? == whole, "other bytes");
    Ok(())
}

#[tokio::test]
async fn what_was_not_announced_in_order_is_not_taken() -> Result<()> {
    let stage = Stage::new().await?;
    let stranger = "strangerstrangerstranger11";
    let cases = [
        (json!({ "user_id": stage.bob_id }), "foreign_user"),
        (json!({ "user_id": stranger }), "unknown_user"),
        (json!({ "channel_id": stage.private }), "not_shared"),
        (json!({ "file_size": 0 }), "bad_file"),
        (json!({ "file_size": 100_u64 << 30 }), "bad_file"),
        (json!({ "filename": ".." }), "bad_file"),
        (json!({ "type": "import" }), "bad_file"),
        (json!({ "req_file_id": "" }), "bad_id"),
    ];
    for (change, reason) in cases {
        let before = stage.host.refused_items(reason).await?;
        let told = stage
            .announce(with(session(&stage, 10), change.clone()))
            .await?;
        ensure!(told["status"] == "FAIL", "{change}: {told}");
        ensure!(
            stage.host.refused_items(reason).await? == before + 1,
            "{change}"
        );
    }
    let gone = "app.upload.get.app_error";
    ensure!(stage.send(UPLOAD, bytes(10)).await? == (404, gone.into()));
    let invalid = "api.context.invalid_url_param.app_error";
    ensure!(stage.send("short", bytes(10)).await? == (400, invalid.into()));
    // A path in a name is no path here.
    let named = with(session(&stage, 10), json!({ "filename": "../../x.txt" }));
    ensure!(stage.announce(named).await?["status"] == "OK");
    ensure!(stage.send(UPLOAD, bytes(10)).await? == (200, FILE.into()));
    ensure!(stage.read().await? == bytes(10));
    let info = stage.bob.get(&format!("/files/{FILE}/info")).await?;
    ensure!(info["name"] == "x.txt", "{info}");
    Ok(())
}

#[tokio::test]
async fn bytes_with_another_digest_than_the_peer_says_are_asked_for_again() -> Result<()> {
    let stage = Stage::new().await?;
    let whole = bytes(1_000);
    let digest = blake3::hash(&whole).to_hex().to_string();
    let told = [(FILE_DIGEST_HEADER, digest.as_str())];
    stage.announce(session(&stage, whole.len())).await?;
    let mut damaged = whole.clone();
    damaged[500] ^= 1;
    let asked_again = "app.upload.upload_data.read.app_error";
    ensure!(stage.send_with(UPLOAD, damaged, &told).await? == (408, asked_again.into()));
    let session = stage.announce(session(&stage, whole.len())).await?;
    ensure!(session["payload"]["file_offset"] == 0, "{session}");
    let sent = stage.send_with(UPLOAD, whole.clone(), &told).await?;
    ensure!(sent == (200, FILE.into()), "{sent:?}");
    ensure!(stage.read().await? == whole, "other bytes");
    Ok(())
}
