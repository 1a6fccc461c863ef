//! `causeway admin`.

use std::convert::Infallible;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};
use axum::http::Method;
use causeway_kernel::command::CreateUser;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::remote::{RemoteArgs, in_session, read_password};
use super::{accounts, as_owner};
use crate::config::{Overrides, Settings, Sources};
use crate::service;

#[derive(Debug, Args)]
pub struct AdminArgs {
    #[command(flatten)]
    pub(super) remote: RemoteArgs,
    #[command(subcommand)]
    command: AdminCommand,
}

#[derive(Debug, Subcommand)]
enum AdminCommand {
    /// Create an account.
    ///
    /// With --data it works on the data directory of a workspace that is not running, and can create
    /// administrators. Without it, it asks the running workspace at --url with an administrator's session;
    /// such accounts are ordinary ones. The new account's password is read from CAUSEWAY_NEW_PASSWORD or from
    /// standard input. Prints the account's id.
    CreateUser(CreateUserArgs),
    #[command(flatten)]
    Account(accounts::AccountCommand),
}

#[derive(Debug, Args)]
struct CreateUserArgs {
    /// Data directory of a workspace that is not running.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Configuration file of that workspace.
    #[arg(long, value_name = "FILE", requires = "data")]
    config: Option<PathBuf>,
    /// User name.
    #[arg(long)]
    username: String,
    /// E-mail address.
    #[arg(long)]
    email: String,
    /// Make the account a system administrator; needs --data.
    #[arg(long, requires = "data")]
    admin: bool,
}

pub async fn run(args: AdminArgs) -> Result<ExitCode> {
    let remote = args.remote;
    let args = match args.command {
        AdminCommand::CreateUser(args) => args,
        AdminCommand::Account(command) => {
            accounts::run(&remote, command).await?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    let id = match &args.data {
        Some(data) => create_here(&args, data.clone()).await?,
        None => create_there(&remote, &args).await?,
    };
    println!("{id}");
    Ok(ExitCode::SUCCESS)
}

/// Creates the account as the owner of the data directory, so that everything written on the way belongs to
/// the service.
fn create_as_owner(args: &CreateUserArgs, data: &Path) -> Result<Infallible> {
    let config = args.config.as_ref().map(std::path::absolute).transpose()?;
    let mut words: Vec<&OsStr> = ["admin", "create-user", "--data", as_owner::DATA_DIR]
        .map(OsStr::new)
        .to_vec();
    words.extend(["--username", &args.username, "--email", &args.email].map(OsStr::new));
    if let Some(config) = &config {
        words.extend([OsStr::new("--config"), config.as_os_str()]);
    }
    if args.admin {
        words.push(OsStr::new("--admin"));
    }
    as_owner::run(data, &words)
}

async fn create_here(args: &CreateUserArgs, data: PathBuf) -> Result<String> {
    if as_owner::is_needed(&data)? {
        match create_as_owner(args, &data)? {}
    }
    let overrides = Overrides {
        data: Some(data),
        ..Overrides::default()
    };
    let settings = Settings::load(Sources {
        file: args.config.clone(),
        overrides,
        ..Sources::default()
    })?;
    let command = CreateUser {
        admin: args.admin,
        ..CreateUser::named(
            args.username.trim().to_ascii_lowercase(),
            args.email.trim().to_ascii_lowercase(),
        )
    };
    let password = read_password("CAUSEWAY_NEW_PASSWORD", "password of the new account")?;
    service::create_user(settings, command, &password).await
}

async fn create_there(remote: &RemoteArgs, args: &CreateUserArgs) -> Result<String> {
    let made = in_session(remote, async |remote| {
        let password = read_password("CAUSEWAY_NEW_PASSWORD", "password of the new account")?;
        let body = json!({
            "username": args.username, "email": args.email, "password": password.expose(),
        });
        remote.call(Method::POST, "/users", Some(&body)).await
    })
    .await?;
    match made.get("id").and_then(Value::as_str) {
        Some(id) => Ok(id.to_string()),
        None => bail!("the workspace did not return the id of the new account"),
    }
}
