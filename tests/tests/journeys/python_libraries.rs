//! Python libraries, as they come from their registry, carry out a day of work: see `tests/client/python/checklist.py`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use causeway_tests::scene::{PASSWORD, Side};
use causeway_tests::warm;

/// The steps that every library carries out.
const STEPS: [&str; 6] = [
    "login",
    "channels",
    "posts and threads",
    "reactions",
    "files",
    "search",
];

fn program() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("client/python")
}

/// A virtual environment with the libraries, kept from run to run.
fn environment() -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python-libraries");
    let status = Command::new("bash")
        .arg(program().join("python.sh"))
        .arg(&folder)
        .stdin(Stdio::null())
        .status()
        .context("starting bash")?;
    ensure!(
        status.success(),
        "the Python libraries cannot be made available; see the lines above"
    );
    Ok(folder)
}

#[tokio::test]
async fn python_libraries_carry_out_a_day_of_work() -> Result<()> {
    let environment = tokio::task::spawn_blocking(environment).await??;
    let data = tempfile::tempdir()?;
    let workspace = warm::start("python", data.path()).await?;
    let side = Side::prepare("python", &workspace.site_url(), "crew").await?;
    side.user("ben").await?;
    for library in ["mattermostdriver", "mattermostautodriver", "matteraio"] {
        let site_url = workspace.site_url();
        let python = environment.join("bin/python");
        let output = tokio::task::spawn_blocking(move || {
            Command::new(python)
                .arg(program().join("checklist.py"))
                .args([library, &site_url, "admin", PASSWORD, "ben", "crew"])
                .stdin(Stdio::null())
                .output()
        })
        .await?
        .context("starting python")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{library} says: {said}");
        let result: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        let steps = result["steps"].as_array().context("no steps")?;
        for step in STEPS {
            ensure!(steps.iter().any(|it| it == step), "{library}: no {step}");
        }
    }
    Ok(())
}
