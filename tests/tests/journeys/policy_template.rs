//! A policy made from the template alone, outside Causeway's folders and as `docs/writing-a-policy.md` says: it
//! passes its tests, becomes a component, loads and decides.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use causeway_tests::command::{causeway, policy};
use causeway_tests::scene::{arrives, post, visible, wait_for};

use crate::pair::Pair;

const NAME: &str = "my-policy";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// `cp -rL`
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, copied) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &copied)?;
        } else {
            fs::copy(&path, &copied)?;
        }
    }
    Ok(())
}

/// The compiler that builds the shipped policies.
fn compiler() -> Result<String> {
    let script = root().join("host/engine/toolchain.sh");
    let found = Command::new("bash").arg(script).output()?;
    ensure!(
        found.status.success(),
        "no compiler for WebAssembly: {}",
        String::from_utf8_lossy(&found.stderr)
    );
    Ok(String::from_utf8(found.stdout)?.trim().to_string())
}

/// Copies the template into a folder, gives it a name, and returns the folder of the new policy.
fn made_in(folder: &Path) -> Result<PathBuf> {
    let (policies, own) = (root().join("policies"), folder.join(NAME));
    copy(&policies.join("template"), &own)?;
    copy(&policies.join("questions"), &folder.join("questions"))?;
    let manifest = fs::read_to_string(own.join("Cargo.toml"))?;
    let renamed = manifest.replacen("causeway-policy-template", NAME, 1);
    ensure!(renamed != manifest, "the template's name is not known");
    fs::write(own.join("Cargo.toml"), renamed)?;
    // The versions that Causeway is built with, which are there already.
    fs::copy(root().join("Cargo.lock"), own.join("Cargo.lock"))?;
    // What a run compiles of other crates is there for the next one.
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("policy-template");
    fs::create_dir_all(&kept)?;
    symlink(kept, own.join("target"))?;
    Ok(own)
}

/// Runs cargo in the folder of the policy, as its author would.
fn cargo(folder: &Path, compiler: &str, arguments: &[&str]) -> Result<()> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let ran = Command::new(cargo)
        .args(arguments)
        .current_dir(folder)
        .env("RUSTC", compiler)
        .env_remove("CARGO_TARGET_DIR")
        .output()?;
    ensure!(
        ran.status.success(),
        "cargo {arguments:?}: {}",
        String::from_utf8_lossy(&ran.stderr)
    );
    Ok(())
}

/// Tests the policy and builds its component; returns its path.
fn build(folder: &Path) -> Result<PathBuf> {
    let (policy, compiler) = (made_in(folder)?, compiler()?);
    cargo(&policy, &compiler, &["test", "--release"])?;
    let component = ["run", "--release", "--example", "component"];
    cargo(&policy, &compiler, &component)?;
    // Not the one of another run in the folder that they share.
    let own = folder.join("built.wasm");
    fs::copy(
        policy.join("target").join(NAME).with_extension("wasm"),
        &own,
    )?;
    Ok(own)
}

#[tokio::test]
async fn a_policy_made_from_the_template_alone_loads_and_decides() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let place = folder.path().to_path_buf();
    let component = tokio::task::spawn_blocking(move || build(&place)).await??;
    let component = component.to_string_lossy();

    let inspected = causeway(&["policy", "inspect", &component]).await?;
    let said = String::from_utf8(inspected.stdout)?;
    ensure!(inspected.status.success(), "{said}");
    ensure!(said.contains("answers: post-gate"), "{said}");

    let pair = Pair::open(50).await?;
    let url = pair.acme.workspace.site_url();
    let load = ["load", NAME, &component, "--settings", "falcon"];
    policy(&url, &load).await?;
    let (ann, carla) = (&pair.acme.user, &pair.globex.user);
    let denied = post(ann, &pair.channel, "", "a Falcon").await?;
    let allowed = post(ann, &pair.channel, "", "a heron").await?;
    arrives(carla, &allowed).await?;
    wait_for("the denial to be listed", async || {
        let list = pair.acme.side.admin.get("/causeway/exceptions").await?;
        let rows = list.as_array().context("a list")?;
        Ok(rows
            .iter()
            .any(|row| row["post_id"] == denied.as_str() && row["state"] == "denied"))
    })
    .await?;
    let shown = visible(carla, &pair.channel).await?;
    assert_eq!(shown.len(), 1);
    Ok(())
}
