//! `causeway session why`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use causeway_session::look::why;
use clap::Args;

use super::source::Source;
use super::{damage, times};

#[derive(Debug, Args)]
pub struct WhyArgs {
    /// A session file, or a data directory.
    #[arg(value_name = "FILE or DIR")]
    file: PathBuf,
    /// Id of the post.
    #[arg(value_name = "POST-ID")]
    post: String,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(args: &WhyArgs) -> Result<ExitCode> {
    let source = Source::open(&args.file, None, None)?;
    let file = source.file();
    let (found, broken) = why(file, &args.post);
    let is_whole = damage::tell(&broken);
    if args.json {
        println!("{}", serde_json::to_string_pretty(&found)?);
    } else {
        println!("post {}", found.post.escape_debug());
        println!("{}", found.conclusion);
        for fact in &found.facts {
            println!(
                "{}  {:>6}  {}",
                times::show(fact.time_ms),
                fact.seq,
                fact.what
            );
        }
        if !found.now.is_empty() {
            println!("at the end of the session:");
        }
        for line in &found.now {
            println!("  {line}");
        }
    }
    Ok(if found.is_there && is_whole {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
