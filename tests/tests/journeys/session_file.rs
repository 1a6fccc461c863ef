//! A session file inspected on the command line.

use std::path::Path;
use std::process::Output;

use anyhow::{Context, Result, ensure};
use causeway_tests::command::causeway;
use causeway_tests::scene::{Side, post};
use causeway_tests::warm;
use serde_json::Value;

const NOWHERE: &str = "nowherenowherenowherenowhe";

async fn session(command: &str, file: &Path, more: &[&str]) -> Result<Output> {
    let file = file.to_string_lossy();
    let arguments = [&["session", command, &file], more].concat();
    causeway(&arguments).await
}

async fn said(command: &str, file: &Path, more: &[&str]) -> Result<String> {
    let output = session(command, file, more).await?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command} {more:?}: {error}");
    Ok(String::from_utf8(output.stdout)?)
}

#[tokio::test]
async fn an_exported_session_tells_what_happened_and_why() -> Result<()> {
    let data = tempfile::tempdir()?;
    let workspace = warm::start("told", data.path()).await?;
    let side = Side::prepare("told", &workspace.site_url(), "crew").await?;
    let ann = side.user("ann").await?;
    let id = post(&ann, &side.town_square, "", "ahoy, all of you").await?;
    let refused = post(&ann, &side.town_square, NOWHERE, "to nobody").await;
    ensure!(refused.is_err(), "an answer to nothing was taken");
    workspace.stop().await?;
    let file = data.path().join("told.session");
    let folder = data.path().to_string_lossy().into_owned();
    said(
        "export",
        data.path(),
        &["--plain", "-o", &file.to_string_lossy()],
    )
    .await
    .with_context(|| folder)?;

    let steps = said("show", &file, &["--user", "ann"]).await?;
    let line = "ann writes a post in town-square: “ahoy, all of you”";
    ensure!(steps.contains(line), "{steps}");
    let lines = said("show", &file, &["--json", "--post", &id, "--limit", "1"]).await?;
    let step: Value = serde_json::from_str(&lines)?;
    assert_eq!(step["step"]["kind"], "command");
    assert_eq!(
        step["input"]["Command"]["command"]["CreatePost"]["message"],
        "ahoy, all of you"
    );
    let header = said("show", &file, &["--header"]).await?;
    ensure!(header.contains("READABLE"), "{header}");

    let why = said("why", &file, &[&id]).await?;
    ensure!(
        why.contains("It was stored by entry") && why.contains(line),
        "{why}"
    );
    let unknown = session("why", &file, &[NOWHERE]).await?;
    assert_eq!(unknown.status.code(), Some(1));

    let posts = ["--channel", "town-square", "--posts"];
    let state = said("state", &file, &posts).await?;
    ensure!(state.contains(&id), "{state}");
    let before = (step["step"]["seq"].as_u64().context("no number")? - 1).to_string();
    let state = said("state", &file, &[&posts[..], &["--at", &before]].concat()).await?;
    ensure!(!state.contains(&id), "{state}");

    let whole = std::fs::read(&file)?;
    std::fs::write(&file, &whole[..whole.len() - 20])?;
    let cut = session("show", &file, &[]).await?;
    assert_eq!(cut.status.code(), Some(1));
    let error = String::from_utf8_lossy(&cut.stderr);
    ensure!(error.contains("offset"), "{error}");
    ensure!(String::from_utf8_lossy(&cut.stdout).contains(line));
    Ok(())
}
