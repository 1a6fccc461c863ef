//! `causeway session why`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use causeway_session::look::why;
use clap::Args;

use super::memory::Memory;
use super::source::Source;
use super::{damage, times};
use crate::cli::terminal;

#[derive(Debug, Args)]
pub struct WhyArgs {
    /// A session file, or a data directory.
    #[arg(value_name = "FILE or DIR")]
    file: PathBuf,
    #[command(flatten)]
    memory: Memory,
    /// Id of the post.
    #[arg(value_name = "POST-ID")]
    post: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(args: &WhyArgs) -> Result<ExitCode> {
    let source = Source::open(&args.file, args.memory, (None, None))?;
    let file = source.file();
    let (found, broken) = why(file, &args.post);
    let is_whole = damage::tell(&broken);
    if args.json {
        terminal::pretty_json(&found)?;
    } else {
        terminal::line(format_args!("post {}", found.post));
        terminal::line(format_args!("{}", found.conclusion));
        for fact in &found.facts {
            terminal::line(format_args!(
                "{}  {:>6}  {}",
                times::show(fact.time_ms),
                fact.seq,
                fact.what
            ));
        }
        if found.more > 0 {
            terminal::line(format_args!("and {} more facts", found.more));
        }
        if !found.now.is_empty() {
            terminal::line("at the end of the session:");
        }
        for line in &found.now {
            terminal::line(format_args!("  {line}"));
        }
    }
    Ok(if found.is_there && is_whole {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
