//! `causeway config`.

use std::process::ExitCode;

use anyhow::{Context, Result};
use axum::http::Method;
use clap::{Args, Subcommand};
use serde_json::{Map, Value};

use super::remote::{Remote, RemoteArgs, in_session};
use super::terminal;
use crate::config::sharing::{self, SETTINGS, Setting};

#[derive(Debug, Args)]
pub struct ConfigArgs {
    #[command(flatten)]
    pub(super) remote: RemoteArgs,
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Show the settings, each with its value, and those that the environment or the configuration file fixes.
    Show,
    /// Change settings; they take effect at once and are kept.
    ///
    /// A setting that an environment variable or the configuration file sets is refused.
    Set {
        /// Settings as SECTION.KEY=VALUE, e.g. FeatureFlags.EnableSharedChannelsDMs=true.
        #[arg(required = true, value_name = "SECTION.KEY=VALUE")]
        settings: Vec<String>,
    },
    /// Have the service read its configuration file again, as SIGHUP does.
    Reload,
}

pub async fn run(args: ConfigArgs) -> Result<ExitCode> {
    in_session(&args.remote, async |remote| {
        carry_out(remote, args.command).await
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}

async fn carry_out(remote: &Remote, command: ConfigCommand) -> Result<()> {
    match command {
        ConfigCommand::Show => {
            let config = remote.call(Method::GET, "/config", None).await?;
            let fixed = remote
                .call(Method::GET, "/config/environment", None)
                .await?;
            for setting in &SETTINGS {
                if let Some(value) = setting.within(&config) {
                    let note = match setting.within(&fixed) {
                        Some(_) => "  (set by the environment or the configuration file)",
                        None => "",
                    };
                    terminal::line(format_args!("{}={value}{note}", setting.path()));
                }
            }
            Ok(())
        }
        ConfigCommand::Set { settings } => {
            let body = changes(&settings)?;
            remote
                .call(Method::PUT, "/config/patch", Some(&body.into()))
                .await?;
            terminal::line("changed");
            Ok(())
        }
        ConfigCommand::Reload => {
            remote.call(Method::POST, "/config/reload", None).await?;
            terminal::line("the configuration file was read again");
            Ok(())
        }
    }
}

/// The body that makes these changes.
fn changes(settings: &[String]) -> Result<Map<String, Value>> {
    let mut values: Vec<(&'static Setting, Value)> = Vec::new();
    for text in settings {
        let form = || format!("{text:?} is not of the form SECTION.KEY=VALUE");
        let (name, value) = text.split_once('=').with_context(form)?;
        let (section, key) = name.trim().split_once('.').with_context(form)?;
        let setting = sharing::find(section, key)?;
        values.push((setting, setting.read_text(value)?.into()));
    }
    // Of several values for a setting, the last one counts.
    Ok(sharing::nested(&SETTINGS, |setting| {
        let given = values
            .iter()
            .rev()
            .find(|(it, _)| std::ptr::eq(*it, setting));
        given.map(|(_, value)| value.clone())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn settings_become_the_body_of_a_change() {
        let made = |settings: &[&str]| {
            let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
            changes(&settings)
        };
        let direct = "FeatureFlags.EnableSharedChannelsDMs";
        let posts = "ConnectedWorkspacesSettings.MaxPostsPerSync";
        let body = made(&[
            &format!("{direct}=true"),
            &format!("{posts}=1"),
            &format!("{posts}=7"),
        ]);
        let expected = json!({
            "ConnectedWorkspacesSettings": {"MaxPostsPerSync": 7},
            "FeatureFlags": {"EnableSharedChannelsDMs": true},
        });
        assert_eq!(Value::Object(body.unwrap()), expected);
        for wrong in [
            "",
            "x",
            "FeatureFlags=true",
            "FeatureFlags.X=true",
            &format!("{posts}=0"),
        ] {
            assert!(made(&[wrong]).is_err(), "{wrong}");
        }
    }
}
