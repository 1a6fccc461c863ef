//! How fast a service starts and how much memory it takes, empty and with history.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use causeway_kernel::boundary::input::{Actor, Input};
use causeway_kernel::command::{Command, CreatePost};
use causeway_kernel::rows::id::{ChannelNo, UserNo};
use causeway_tests::process::{self, Workspace, free_port};
use causeway_tests::scene::Side;

use crate::line::{Line, line};
use crate::offline;
use crate::spread::{ms, percentile};

/// Posts on a page.
const PAGE: usize = 200;
/// Repeated requests for a page, whose times are compared.
const PAGE_REPEATS: usize = 30;

pub async fn run(folder: &Path, history: usize) -> Result<Vec<Line>> {
    let data = folder.join("start");
    let port = free_port()?;
    let cold = Workspace::start("start", &data, port).await?;
    let mut lines = vec![line("start, nothing there yet", ms(cold.started_in), "")];
    Side::prepare("start", &cold.site_url(), "start").await?;
    cold.stop().await?;
    let warm = Workspace::start("start", &data, port).await?;
    lines.push(line(
        "start, a small workspace",
        ms(warm.started_in),
        "300 ms",
    ));
    lines.push(line(
        "resident memory, idle",
        mebibytes(warm.resident_bytes()?),
        "100 MiB",
    ));
    warm.stop().await?;
    fill(&data, port, history).await?;
    let full = Workspace::start("start", &data, port).await?;
    let side = Side::prepare("start", &full.site_url(), "start").await?;
    // Entries after the last checkpoint, which a start has to carry out again after a kill.
    for number in 0..300 {
        let text = format!("late {number}");
        causeway_tests::scene::post(&side.admin, &side.town_square, "", &text).await?;
    }
    side.admin
        .get(&format!(
            "/channels/{}/posts?per_page=200",
            side.town_square
        ))
        .await?;
    lines.push(line("start, a long history", ms(full.started_in), "300 ms"));
    lines.push(line(
        "resident memory, a long history",
        mebibytes(full.resident_bytes()?),
        "100 MiB",
    ));
    let oldest = history / PAGE - 1;
    lines.push(line(
        "a page of posts, the newest / the oldest, p50",
        format!(
            "{} / {}",
            ms(page(&side, 0).await?),
            ms(page(&side, oldest).await?)
        ),
        "",
    ));
    full.kill()?;
    let killed = Workspace::start("start", &data, port).await?;
    lines.push(line(
        "start after kill -9, a long history",
        ms(killed.started_in),
        "300 ms",
    ));
    killed.stop().await?;
    let mut export = std::process::Command::new(process::binary()?);
    export.args(["session", "export"]).arg(&data);
    export.arg("--output").arg(data.with_extension("session"));
    export.stdout(Stdio::null()).stderr(Stdio::null());
    lines.push(line(
        "peak memory of a masked export, a long history",
        mebibytes(process::peak_bytes(&mut export)?),
        "",
    ));
    Ok(lines)
}

/// Measures how long a page of a channel's posts takes.
async fn page(side: &Side, number: usize) -> Result<Duration> {
    let path = format!(
        "/channels/{}/posts?page={number}&per_page={PAGE}&skipFetchThreads=true",
        side.town_square
    );
    let mut times = Vec::new();
    for _ in 0..PAGE_REPEATS {
        let begun = Instant::now();
        let list = side.admin.get(&path).await?;
        times.push(begun.elapsed());
        let shown = list["order"].as_array().map_or(0, Vec::len);
        ensure!(shown == PAGE, "page {number} shows {shown} posts");
    }
    times.sort_unstable();
    Ok(percentile(&times, 50))
}

pub fn mebibytes(bytes: u64) -> String {
    format!("{:.0} MiB", bytes as f64 / f64::from(1 << 20))
}

/// Writes a history without a service.
async fn fill(data: &Path, port: u16, history: usize) -> Result<()> {
    let engine = offline::open(data, format!("http://127.0.0.1:{port}")).await?;
    let post = |number: usize| Input::Command {
        actor: Actor::User(UserNo(1)),
        key: None,
        command: Command::CreatePost(CreatePost {
            channel: ChannelNo(1),
            root: None,
            message: format!("post {number}: the quick brown fox jumps over the lazy dog"),
            props: String::new(),
            kind: String::new(),
            priority: None,
            files: Vec::new(),
        }),
    };
    offline::carry_out(&engine, (0..history).map(post)).await?;
    engine.shutdown().await;
    Ok(())
}
