//! Files between two services: how fast they cross, compared with a plain copy over the same loopback, and how
//! much memory both services take meanwhile.

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use causeway_tests::client::Client;
use causeway_tests::process::Workspace;
use hyper::Method;
use serde_json::{Value, json};

use crate::hosts::{Pair, mebibytes, two_with};
use crate::line::{Line, line};

/// Small files, all different.
const MANY: usize = 200;
const MANY_BYTES: u64 = 1 << 20;
/// Files of a post.
const PER_POST: usize = 10;
/// Bytes of the large file.
const LARGE_BYTES: u64 = 1 << 30;
/// Bytes of a request with a part of it.
const PART_BYTES: u64 = 32 << 20;
/// How long files may take to cross.
const DEADLINE: Duration = Duration::from_secs(300);
/// Lets the large file in.
const SETTINGS: &str = "[FileSettings]\nMaxFileSize = 2147483648\n";
const BYTES: (&str, &str) = ("content-type", "application/octet-stream");

/// Measures, and shows every line as soon as it is known.
pub async fn run(mut show: impl FnMut(&Line)) -> Result<()> {
    let folder = tempfile::Builder::new()
        .prefix("bench-")
        .tempdir_in("target")?;
    let settings = folder.path().join("settings.toml");
    std::fs::write(&settings, SETTINGS)?;
    let settings = settings.to_str().context("a folder with a readable name")?;
    let (acme, globex) = two_with(folder.path(), &[("CAUSEWAY_CONFIG", settings)]).await?;
    let pair = Pair::connect(&acme, &globex).await?;
    let mut measured = async |what: &str, sizes: &[u64]| {
        let total: u64 = sizes.iter().sum();
        let plain = copy(folder.path(), total)?;
        let took = cross(&pair, sizes).await?;
        let rate = total as f64 / 1e6 / took.as_secs_f64();
        let ratio = took.as_secs_f64() / plain.as_secs_f64();
        show(&line(
            format!("{what} to a connected service, MB/s (× a plain copy)"),
            format!("{rate:.0} ({ratio:.1})"),
            "",
        ));
        show(&line(
            format!("peak memory after that, sending / receiving, {what}"),
            format!("{} / {}", peak(&acme)?, peak(&globex)?),
            "does not grow",
        ));
        anyhow::Ok(())
    };
    measured("200 files of 1 MiB", &[MANY_BYTES; MANY]).await?;
    measured("one file of 1 GiB", &[LARGE_BYTES]).await?;
    acme.stop().await?;
    globex.stop().await?;
    Ok(())
}

fn peak(workspace: &Workspace) -> Result<String> {
    Ok(mebibytes(workspace.peak_resident_bytes()?))
}

/// Files of these sizes are uploaded, and then posted: how long it takes from the first post until all of them
/// are at the other side.
async fn cross(pair: &Pair, sizes: &[u64]) -> Result<Duration> {
    let sender = &pair.acme.admin;
    let mut files = Vec::new();
    for (number, size) in sizes.iter().enumerate() {
        files.push(upload(sender, &pair.channel, number as u32, *size).await?);
    }
    let begun = Instant::now();
    let mut posts = Vec::new();
    for files in files.chunks(PER_POST) {
        let body = json!({ "channel_id": pair.channel, "message": "see", "file_ids": files });
        let post = sender.post("/posts", body).await?;
        let id = post["id"].as_str().context("a post has an id")?;
        posts.push((id.to_string(), files.len()));
    }
    for (post, files) in posts {
        arrived(&pair.globex.admin, &post, files, begun).await?;
    }
    Ok(begun.elapsed())
}

async fn arrived(reader: &Client, post: &str, files: usize, begun: Instant) -> Result<()> {
    let path = format!("/posts/{post}");
    loop {
        ensure!(begun.elapsed() < DEADLINE, "the files did not arrive");
        let shown = reader.call(Method::GET, &path, None).await?.body;
        let there = shown["metadata"]["files"].as_array().map_or(0, Vec::len);
        if there == files {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Uploads a file in parts; its id.
async fn upload(client: &Client, channel: &str, number: u32, size: u64) -> Result<Value> {
    let body =
        json!({ "channel_id": channel, "filename": format!("{number}.bin"), "file_size": size });
    let upload = client.post("/uploads", body).await?;
    let id = upload["id"].as_str().context("an upload has an id")?;
    let path = format!("/uploads/{id}");
    let mut sent = 0;
    loop {
        let part = PART_BYTES.min(size - sent);
        let bytes = content(number, sent, part);
        let answer = client
            .call_bytes(Method::POST, &path, bytes, &[BYTES])
            .await?;
        sent += part;
        if sent == size {
            ensure!(answer.status == 200, "{}: {}", answer.status, answer.body);
            return Ok(answer.body["id"].clone());
        }
        ensure!(answer.status == 204, "{}: {}", answer.status, answer.body);
    }
}

/// Part of a file's content, which differs from that of other files.
fn content(number: u32, from: u64, bytes: u64) -> Vec<u8> {
    let words =
        (from / 8..(from + bytes) / 8).map(|at| (at << 20 | u64::from(number)) ^ 0x5bd1_e995);
    words
        .flat_map(|word| word.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes())
        .collect()
}

/// Copies so many bytes from a file over a loopback connection into another file, which is synced.
fn copy(folder: &Path, bytes: u64) -> Result<Duration> {
    let (from, to) = (folder.join("from"), folder.join("to"));
    std::fs::write(&from, content(0, 0, PART_BYTES))?;
    File::options().write(true).open(&from)?.set_len(bytes)?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let begun = Instant::now();
    let sending = std::thread::spawn(move || {
        std::io::copy(&mut File::open(from)?, &mut TcpStream::connect(address)?)
    });
    let (mut socket, _) = listener.accept()?;
    let mut file = File::create(&to)?;
    let copied = std::io::copy(&mut socket, &mut file)?;
    file.sync_all()?;
    ensure!(sending.join().is_ok(), "the copy failed");
    ensure!(copied == bytes, "{copied} of {bytes} bytes were copied");
    let took = begun.elapsed();
    std::fs::remove_file(&to)?;
    Ok(took)
}
