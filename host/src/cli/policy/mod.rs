//! `causeway policy`.

mod inspect;
mod rehearse;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use causeway_engine::policy::OnFailure;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::remote::{Remote, RemoteArgs, in_session, text};
use super::terminal;

#[derive(Debug, Args)]
pub struct PolicyArgs {
    #[command(flatten)]
    pub(super) remote: RemoteArgs,
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    /// Show what a policy would have decided about what was asked before, without loading it.
    ///
    /// Replays a recording and asks the policy beside it. Nothing is sent anywhere, and a running service is not
    /// touched.
    Try(rehearse::TryArgs),
    /// Show what a component is, without loading it.
    Inspect(inspect::InspectArgs),
    #[command(flatten)]
    Slots(SlotCommand),
}

/// What changes or shows the slots of a running workspace.
#[derive(Debug, Subcommand)]
enum SlotCommand {
    /// Load a policy; refused if one of that name is loaded already.
    Load(Candidate),
    /// Replace the component or the settings of a loaded policy.
    Swap(Candidate),
    /// Unload a policy.
    Unload {
        /// Name of the slot.
        name: String,
    },
    /// List the loaded policies in the order in which they are asked.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Have a policy asked again.
    Enable {
        /// Name of the slot.
        name: String,
    },
    /// Keep a policy with its settings, but do not ask it.
    Disable {
        /// Name of the slot.
        name: String,
    },
    /// Give a policy the component and the settings that it had before its last change.
    Rollback {
        /// Name of the slot.
        name: String,
    },
    /// Change the order in which the policies are asked; the first denial decides.
    Order {
        /// The names of all slots.
        #[arg(required = true)]
        names: Vec<String>,
    },
}

/// A policy to be loaded or tried.
#[derive(Debug, Args)]
struct Candidate {
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
    /// What happens to what it is asked about if the policy fails.
    #[arg(long, value_enum, default_value = "hold")]
    on_failure: Failure,
}

/// A candidate as it was read.
struct Read {
    name: String,
    component: Vec<u8>,
    settings: String,
    on_failure: OnFailure,
}

impl Candidate {
    fn read(&self) -> Result<Read> {
        let settings = match &self.settings_file {
            Some(file) => String::from_utf8(read(file)?).context("the settings are not UTF-8")?,
            None => self.settings.clone().unwrap_or_default(),
        };
        Ok(Read {
            name: self.name.clone(),
            component: read(&self.component)?,
            settings,
            on_failure: self.on_failure.into(),
        })
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Failure {
    /// It is held and the policy is asked again.
    Hold,
    /// It passes.
    Allow,
}

impl From<Failure> for OnFailure {
    fn from(failure: Failure) -> OnFailure {
        match failure {
            Failure::Hold => OnFailure::Hold,
            Failure::Allow => OnFailure::Allow,
        }
    }
}

pub async fn run(args: PolicyArgs) -> Result<ExitCode> {
    let command = match args.command {
        PolicyCommand::Try(args) => return rehearse::run(&args),
        PolicyCommand::Inspect(args) => return inspect::run(&args),
        PolicyCommand::Slots(command) => command,
    };
    in_session(&args.remote, async |remote| {
        carry_out(remote, command).await
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}

async fn carry_out(remote: &Remote, command: SlotCommand) -> Result<()> {
    match command {
        SlotCommand::Load(args) => {
            if loaded(remote, &args.name).await? {
                bail!(
                    "{} is loaded already; use `causeway policy swap`",
                    args.name
                );
            }
            put(remote, &args, "loaded").await
        }
        SlotCommand::Swap(args) => {
            if !loaded(remote, &args.name).await? {
                bail!("{} is not loaded; use `causeway policy load`", args.name);
            }
            put(remote, &args, "swapped").await
        }
        SlotCommand::Unload { name } => {
            remote.call(Method::DELETE, &path(&name)?, None).await?;
            println!("{name} unloaded");
            Ok(())
        }
        SlotCommand::Enable { name } => change(remote, &name, "enable").await,
        SlotCommand::Disable { name } => change(remote, &name, "disable").await,
        SlotCommand::Rollback { name } => change(remote, &name, "rollback").await,
        SlotCommand::Order { names } => {
            let body = json!({ "order": names });
            let list = remote
                .call(Method::PUT, "/causeway/policies", Some(&body))
                .await?;
            show(list.as_array().map_or(&[], Vec::as_slice));
            Ok(())
        }
        SlotCommand::List { json: true } => Ok(terminal::pretty_json(&policies(remote).await?)?),
        SlotCommand::List { json: false } => {
            show(&policies(remote).await?);
            Ok(())
        }
    }
}

fn show(list: &[Value]) {
    for policy in list {
        terminal::line(line(policy));
        let rules = policy.get("rules").and_then(Value::as_array);
        for rule in rules.into_iter().flatten().filter_map(Value::as_str) {
            terminal::line(format_args!("    {rule}"));
        }
    }
    if list.is_empty() {
        println!("no policies; everything passes");
    }
}

/// Carries out a change of a slot that needs its name only.
async fn change(remote: &Remote, name: &str, verb: &str) -> Result<()> {
    let path = format!("{}/{verb}", path(name)?);
    let state = remote.call(Method::POST, &path, None).await?;
    terminal::line(line(&state));
    Ok(())
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

async fn put(remote: &Remote, args: &Candidate, done: &str) -> Result<()> {
    let policy = args.read()?;
    let body = json!({
        "component": STANDARD.encode(policy.component),
        "settings": policy.settings,
        "on_failure": policy.on_failure,
    });
    let info = remote
        .call(Method::PUT, &path(&args.name)?, Some(&body))
        .await?;
    terminal::line(format_args!("{done}: {}", line(&info)));
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
    let number = |key: &str| policy.pointer(key).and_then(Value::as_u64).unwrap_or(0);
    let standing = if policy.get("is_enabled") == Some(&Value::Bool(false)) {
        "  disabled"
    } else if policy
        .get("suspended_until")
        .is_some_and(|it| !it.is_null())
    {
        "  SUSPENDED after repeated failures"
    } else {
        ""
    };
    format!(
        "{name}{standing}  component {short}  on failure: {on_failure}  {what}  questions: {}, denied: {}, \
         revised: {}, failed: {}",
        number("/counts/questions"),
        number("/counts/denied"),
        number("/counts/revised"),
        number("/counts/failures"),
    )
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
