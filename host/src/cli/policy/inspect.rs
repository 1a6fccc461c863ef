//! `causeway policy inspect`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use causeway_engine::policy::{ComponentPolicies, PolicyManager};
use causeway_engine::runtime::Sandbox;
use clap::Args;
use serde_json::json;
use tempfile::TempDir;

use super::read;
use crate::cli::terminal;

#[derive(Debug, Args)]
pub struct InspectArgs {
    /// File of the component.
    component: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Shows a component. The exit code is 1 if it is no policy that runs here.
pub fn run(args: &InspectArgs) -> Result<ExitCode> {
    let component = read(&args.component)?;
    let empty = TempDir::new().context("creating a directory for the policy")?;
    let policies = ComponentPolicies::open(Sandbox::new(None)?, empty.path())?;
    let found = policies.inspect(&component)?;
    let code = match found.described {
        Ok(_) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    };
    if args.json {
        terminal::pretty_json(&json!({
            "digest": found.digest,
            "size_bytes": found.size_bytes,
            "imports": found.imports,
            "exports": found.exports,
            "describes": found.described.as_ref().ok(),
            "error": found.described.as_ref().err(),
            "rules": found.rules.as_ref().ok(),
        }))?;
        return Ok(code);
    }
    terminal::line(format_args!(
        "{} bytes, digest {}",
        found.size_bytes, found.digest
    ));
    match &found.described {
        Ok(described) => {
            let (name, version) = (&described.name, &described.version);
            terminal::line(format_args!(
                "{name} {version}, answers: {}",
                described.gates.join(", ")
            ));
            if !described.settings_schema.is_empty() {
                terminal::line("its settings are JSON; --json shows their schema");
            }
        }
        Err(why) => terminal::line(format_args!("does not run: {why}")),
    }
    for import in &found.imports {
        terminal::line(format_args!("imports {import}"));
    }
    for export in &found.exports {
        terminal::line(format_args!("exports {export}"));
    }
    for rule in found.rules.iter().flatten() {
        terminal::line(format_args!("without settings: {rule}"));
    }
    Ok(code)
}
