//! Workspaces that start with compiled components, like a service that was started before. Most tests
//! need not wait for the compiler.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use causeway_engine::runtime::cache_dir;
use tokio::sync::OnceCell;

use crate::process::{Workspace, binary, free_port};

/// Starts a workspace on a new data directory.
pub async fn start(name: &str, data: &Path) -> Result<Workspace> {
    start_with(name, data, free_port()?, &[]).await
}

/// Starts a workspace on a new data directory with additional environment variables.
pub async fn start_with(
    name: &str,
    data: &Path,
    port: u16,
    environment: &[(&str, &str)],
) -> Result<Workspace> {
    static COMPILED: OnceCell<PathBuf> = OnceCell::const_new();
    let compiled = COMPILED.get_or_try_init(compile).await?;
    copy(compiled, &cache_dir(data))?;
    Workspace::start_with(name, data, port, environment).await
}

/// The folder with the components that this build's service compiles at its first start; earlier runs
/// may have left it.
async fn compile() -> Result<PathBuf> {
    let binary = binary()?;
    let target = binary.ancestors().nth(2);
    let target = target.context("the binary stands in target/release")?;
    let compiled = target.join("tmp/compiled");
    let data = tempfile::tempdir()?;
    if compiled.is_dir() {
        copy(&compiled, &cache_dir(data.path()))?;
    }
    let workspace = Workspace::start("compiling", data.path(), free_port()?).await?;
    workspace.stop().await?;
    copy(&cache_dir(data.path()), &compiled)?;
    Ok(compiled)
}

/// Copies the files of a folder, but keeps existing ones. Each appears atomically.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let path = to.join(entry.file_name());
        if !path.exists() {
            let half = to.join(format!(".{}", std::process::id()));
            fs::copy(entry.path(), &half)?;
            fs::rename(&half, &path)?;
        }
    }
    Ok(())
}
