//! `causeway policy`.

mod inspect;
mod keys;
mod rehearse;
mod show;

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

/// The path of all slots.
const POLICIES: &str = "/causeway/policies";

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
    /// Make a key for signing policies, and print its public key for PolicySettings.TrustedKeys.
    Keygen(keys::KeygenArgs),
    /// Sign a policy, for workspaces that take signed ones only.
    ///
    /// States that this component is this name and version of a policy, built for this contract. The signature goes into a
    /// file beside the component, which `load` and `swap` send along.
    Sign(keys::SignArgs),
    #[command(flatten)]
    Slots(SlotCommand),
}

/// What changes or shows the slots of a running workspace.
#[derive(Debug, Subcommand)]
enum SlotCommand {
    /// Load a policy; refused if one of that name is loaded already.
    Load(PutArgs),
    /// Replace the component or the settings of a loaded policy.
    Swap(PutArgs),
    /// Put a shadow in force, in the place of the policy with its name or as the last one.
    Promote {
        /// Name of the shadow.
        name: String,
    },
    /// Unload a policy, or a shadow.
    Unload {
        /// Name of the slot.
        name: String,
        /// Unload the shadow of that name; the policy stays.
        #[arg(long)]
        shadow: bool,
    },
    /// List the loaded policies in the order in which they are asked, and the shadows.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
        /// List the shadows only.
        #[arg(long)]
        shadows: bool,
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

/// A policy to be loaded.
#[derive(Debug, Args)]
struct PutArgs {
    #[command(flatten)]
    candidate: Candidate,
    /// Ask it beside the loaded policies, without effect, and count what it would change: see `list`. The slot of its
    /// name may be loaded or not; an earlier shadow of that name is replaced.
    #[arg(long)]
    shadow: bool,
    /// Its signature file; if it is not given, the component's path with `.sig` appended, if that is there.
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
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
        PolicyCommand::Keygen(args) => return keys::generate(&args),
        PolicyCommand::Sign(args) => return keys::sign(&args),
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
            let name = &args.candidate.name;
            if !args.shadow && loaded(remote, name).await? {
                bail!("{name} is loaded already; use `causeway policy swap`");
            }
            put(remote, &args, "loaded").await
        }
        SlotCommand::Swap(args) => {
            let name = &args.candidate.name;
            if !loaded(remote, name).await? {
                bail!("{name} is not loaded; use `causeway policy load`");
            }
            put(remote, &args, "swapped").await
        }
        SlotCommand::Unload { name, shadow } => {
            let suffix = if shadow { "/shadow" } else { "" };
            let path = format!("{}{suffix}", path(&name)?);
            remote.call(Method::DELETE, &path, None).await?;
            println!("{name} unloaded");
            Ok(())
        }
        SlotCommand::Promote { name } => change(remote, &name, "promote").await,
        SlotCommand::Enable { name } => change(remote, &name, "enable").await,
        SlotCommand::Disable { name } => change(remote, &name, "disable").await,
        SlotCommand::Rollback { name } => change(remote, &name, "rollback").await,
        SlotCommand::Order { names } => {
            let body = json!({ "order": names });
            let list = remote.call(Method::PUT, POLICIES, Some(&body)).await?;
            show::policies(list.as_array().map_or(&[], Vec::as_slice));
            Ok(())
        }
        SlotCommand::List { json, shadows } => list(remote, json, shadows).await,
    }
}

async fn list(remote: &Remote, json: bool, only_shadows: bool) -> Result<()> {
    let shadows = array(remote, "/causeway/policy_shadows").await?;
    let policies = array(remote, POLICIES).await?;
    match (json, only_shadows) {
        (true, true) => return Ok(terminal::pretty_json(&shadows)?),
        (true, false) => return Ok(terminal::pretty_json(&policies)?),
        (false, true) => {}
        (false, false) => show::policies(&policies),
    }
    show::shadows(&shadows, only_shadows);
    Ok(())
}

/// Carries out a change of a slot that needs its name only.
async fn change(remote: &Remote, name: &str, verb: &str) -> Result<()> {
    let path = format!("{}/{verb}", path(name)?);
    let state = remote.call(Method::POST, &path, None).await?;
    terminal::line(show::line(&state));
    Ok(())
}

/// The path of a slot; names that would escape it are refused here, other invalid ones by the service.
fn path(name: &str) -> Result<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if name.is_empty() || !name.bytes().all(plain) || name.starts_with('.') {
        bail!("{name:?} cannot be a policy's name");
    }
    Ok(format!("{POLICIES}/{name}"))
}

async fn array(remote: &Remote, path: &str) -> Result<Vec<Value>> {
    let list = remote.call(Method::GET, path, None).await?;
    Ok(list.as_array().cloned().unwrap_or_default())
}

async fn loaded(remote: &Remote, name: &str) -> Result<bool> {
    Ok(array(remote, POLICIES)
        .await?
        .iter()
        .any(|policy| text(policy, "name") == name))
}

async fn put(remote: &Remote, args: &PutArgs, done: &str) -> Result<()> {
    let policy = args.candidate.read()?;
    let mut body = json!({
        "component": STANDARD.encode(policy.component),
        "settings": policy.settings,
        "on_failure": policy.on_failure,
    });
    let signature = keys::signature(&args.candidate.component, args.signature.as_deref())?;
    if let (Some(signature), Some(members)) = (signature, body.as_object_mut()) {
        members.insert("signature".into(), signature.into());
    }
    let path = path(&policy.name)?;
    if args.shadow {
        let path = format!("{path}/shadow");
        remote.call(Method::PUT, &path, Some(&body)).await?;
        terminal::line(format_args!(
            "{} is asked as a shadow; `causeway policy list` shows what it would change",
            policy.name
        ));
        return Ok(());
    }
    let info = remote.call(Method::PUT, &path, Some(&body)).await?;
    terminal::line(format_args!("{done}: {}", show::line(&info)));
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("reading {}", path.display()))
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
