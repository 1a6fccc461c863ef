//! The service's command line, as an administrator uses it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};

use crate::process::binary;
use crate::scene::{PASSWORD, Side};

/// A component of this build, e.g. `policies/content-filter.wasm`.
pub fn component(name: &str) -> Result<PathBuf> {
    let binary = binary()?;
    let target = binary.ancestors().nth(2);
    let target = target.context("the binary stands in target/release")?;
    Ok(target.join("components").join(name))
}

/// Runs `causeway` to its end. Every password that it asks for is the one of a scene's accounts.
pub async fn causeway(arguments: &[&str]) -> Result<Output> {
    answering(arguments, "").await
}

/// The same with lines on standard input.
async fn answering(arguments: &[&str], input: &str) -> Result<Output> {
    let mut command = Command::new(binary()?);
    command
        .args(arguments)
        .env("CAUSEWAY_PASSWORD", PASSWORD)
        .env("CAUSEWAY_NEW_PASSWORD", PASSWORD)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let input = input.to_string();
    let run = move || {
        let mut child = command.spawn()?;
        // The command may end before it has read everything.
        if let Some(mut stdin) = child.stdin.take() {
            let _ = stdin.write_all(input.as_bytes());
        }
        child.wait_with_output()
    };
    tokio::task::spawn_blocking(run)
        .await?
        .context("starting causeway")
}

/// `causeway connection …` on a running workspace with its administrator's session; returns its output. If it
/// is refused, the error is its output.
pub async fn connection(side: &Side, arguments: &[&str], input: &str) -> Result<String> {
    in_session(side, "connection", arguments, input).await
}

/// Runs `causeway config` as an administrator and returns what it prints; if it is refused, the error is its
/// output.
pub async fn config(side: &Side, arguments: &[&str]) -> Result<String> {
    in_session(side, "config", arguments, "").await
}

/// Runs `causeway admin` on a running workspace as its administrator and returns what it prints; if it is refused,
/// the error is its output.
pub async fn admin(side: &Side, arguments: &[&str]) -> Result<String> {
    in_session(side, "admin", arguments, "").await
}

/// Runs `causeway post` as an administrator and returns what it prints; if it is refused, the error is its output.
pub async fn post(side: &Side, arguments: &[&str]) -> Result<String> {
    in_session(side, "post", arguments, "").await
}

async fn in_session(side: &Side, verb: &str, arguments: &[&str], input: &str) -> Result<String> {
    let token = side.admin.token().context("no session")?;
    let mut all = vec![verb, "--url", side.admin.site_url(), "--token", token];
    all.extend(arguments);
    said(answering(&all, input).await?)
}

/// Creates an account and returns its id; `arguments` say where.
pub async fn create_user(username: &str, arguments: &[&str]) -> Result<String> {
    let email = format!("{username}@workspace.test");
    let mut all = vec!["admin", "create-user", "--username", username];
    all.extend(["--email", &email]);
    all.extend(arguments);
    said(causeway(&all).await?)
}

/// `causeway policy …` on a running workspace, as its administrator; returns its output. If it is
/// refused, the error is its output.
pub async fn policy(site_url: &str, arguments: &[&str]) -> Result<String> {
    let mut all = vec!["policy", "--url", site_url, "--login", "admin"];
    all.extend(arguments);
    said(causeway(&all).await?)
}

/// `causeway replay` of a data directory; the error is the difference that it found.
pub async fn replay(data: &Path) -> Result<String> {
    said(causeway(&["replay", &data.to_string_lossy()]).await?)
}

fn said(output: Output) -> Result<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_string();
    if !output.status.success() {
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        bail!("{out}{err}");
    }
    Ok(text(&output.stdout))
}
