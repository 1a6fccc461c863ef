//! `causeway policy`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::remote::{Remote, RemoteArgs, in_session, text};

#[derive(Debug, Args)]
pub struct PolicyArgs {
    #[command(flatten)]
    pub(super) remote: RemoteArgs,
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    /// Load a policy; refused if one of that name is loaded already.
    Load(LoadArgs),
    /// Replace the component or the settings of a loaded policy.
    Swap(LoadArgs),
    /// Unload a policy.
    Unload {
        /// Name of the slot.
        name: String,
    },
    /// List the loaded policies in the order in which they are asked.
    List,
}

#[derive(Debug, Args)]
struct LoadArgs {
    /// Name of the slot, e.g. `content-filter`.
    name: String,
    /// File of the component.
    component: PathBuf,
    /// Settings, in the policy's own format.
    #[arg(long, conflicts_with = "settings_file")]
    settings: Option<String>,
    /// File with the settings.
    #[arg(long, value_name = "FILE")]
    settings_file: Option<PathBuf>,
    /// What happens to a post if the policy fails.
    #[arg(long, value_enum, default_value = "hold")]
    on_failure: Failure,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Failure {
    /// It is held and the policy is asked again.
    Hold,
    /// It passes.
    Allow,
}

pub async fn run(args: PolicyArgs) -> Result<ExitCode> {
    in_session(&args.remote, async |remote| {
        carry_out(remote, args.command).await
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}

async fn carry_out(remote: &Remote, command: PolicyCommand) -> Result<()> {
    match command {
        PolicyCommand::Load(args) => {
            if loaded(remote, &args.name).await? {
                bail!(
                    "{} is loaded already; use `causeway policy swap`",
                    args.name
                );
            }
            put(remote, &args, "loaded").await
        }
        PolicyCommand::Swap(args) => {
            if !loaded(remote, &args.name).await? {
                bail!("{} is not loaded; use `causeway policy load`", args.name);
            }
            put(remote, &args, "swapped").await
        }
        PolicyCommand::Unload { name } => {
            remote.call(Method::DELETE, &path(&name)?, None).await?;
            println!("{name} unloaded");
            Ok(())
        }
        PolicyCommand::List => {
            let list = policies(remote).await?;
            for policy in &list {
                println!("{}", line(policy));
            }
            if list.is_empty() {
                println!("no policies; every post passes");
            }
            Ok(())
        }
    }
}

/// The path of a slot; names that would escape it are refused here, other invalid ones by the service.
fn path(name: &str) -> Result<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if name.is_empty() || !name.bytes().all(plain) || name.starts_with('.') {
        bail!("{name:?} cannot be a policy's name");
    }
    Ok(format!("/causeway/policies/{name}"))
}

async fn policies(remote: &Remote) -> Result<Vec<Value>> {
    let list = remote.call(Method::GET, "/causeway/policies", None).await?;
    Ok(list.as_array().cloned().unwrap_or_default())
}

async fn loaded(remote: &Remote, name: &str) -> Result<bool> {
    Ok(policies(remote)
        .await?
        .iter()
        .any(|policy| text(policy, "name") == name))
}

async fn put(remote: &Remote, args: &LoadArgs, done: &str) -> Result<()> {
    let component = read(&args.component)?;
    let settings = match &args.settings_file {
        Some(file) => String::from_utf8(read(file)?).context("the settings are not UTF-8")?,
        None => args.settings.clone().unwrap_or_default(),
    };
    let on_failure = match args.on_failure {
        Failure::Hold => "hold",
        Failure::Allow => "allow",
    };
    let body = json!({
        "component": STANDARD.encode(component),
        "settings": settings,
        "on_failure": on_failure,
    });
    let info = remote
        .call(Method::PUT, &path(&args.name)?, Some(&body))
        .await?;
    println!("{done}: {}", line(&info));
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("reading {}", path.display()))
}

fn line(policy: &Value) -> String {
    let digest = text(policy, "digest");
    let short = digest.get(..16).unwrap_or(digest);
    let (name, on_failure) = (text(policy, "name"), text(policy, "on_failure"));
    let what = match policy.get("describes").filter(|it| !it.is_null()) {
        Some(described) => {
            let gates: Vec<&str> = described
                .get("gates")
                .and_then(Value::as_array)
                .map(|gates| gates.iter().filter_map(Value::as_str).collect())
                .unwrap_or_default();
            let (is, version) = (text(described, "name"), text(described, "version"));
            format!("{is} {version}, answers: {}", gates.join(", "))
        }
        None => format!("does not run: {}", text(policy, "error")),
    };
    format!("{name}  component {short}  on failure: {on_failure}  {what}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_within_their_path() {
        assert_eq!(
            path("content-filter").unwrap(),
            "/causeway/policies/content-filter"
        );
        for name in ["", "..", "a/b", "a?b", "ä", ".hidden"] {
            assert!(path(name).is_err(), "{name}");
        }
    }
}
