//! `causeway session show`.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use causeway_session::look::as_json;
use causeway_session::look::describe::{Description, KINDS, describe};
use causeway_session::look::select::Filter;
use causeway_session::look::walk::{Passed, Seen, walk};
use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::json;

use super::memory::Memory;
use super::source::Source;
use super::{damage, header, times};
use crate::cli::terminal;

#[derive(Debug, Args)]
pub struct ShowArgs {
    /// A session file, or a data directory.
    #[arg(value_name = "FILE or DIR")]
    file: PathBuf,
    #[command(flatten)]
    memory: Memory,
    /// Show the header of the file instead of its steps.
    #[arg(long)]
    header: bool,
    /// Print a line of JSON per step, with the whole input and everything it returned.
    #[arg(long)]
    json: bool,
    /// Not before this time: RFC 3339, ms since 1970, or a span before now such as 2h.
    #[arg(long, value_name = "TIME", value_parser = times::parse)]
    from: Option<i64>,
    /// Before this time.
    #[arg(long, value_name = "TIME", value_parser = times::parse)]
    to: Option<i64>,
    /// Only these entries: a number, or two with `..` between them, the last one included.
    #[arg(long, value_name = "A..B", value_parser = range)]
    seq: Option<(u64, u64)>,
    /// Only steps about this connection.
    #[arg(long, value_name = "ID or NAME")]
    connection: Option<String>,
    /// Only steps about this channel.
    #[arg(long, value_name = "ID or NAME")]
    channel: Option<String>,
    /// Only steps by or about this user.
    #[arg(long, value_name = "ID or NAME")]
    user: Option<String>,
    /// Only steps about this post.
    #[arg(long, value_name = "ID")]
    post: Option<String>,
    /// Only inputs of this kind.
    #[arg(long, value_parser = PossibleValuesParser::new(KINDS))]
    kind: Option<String>,
    /// Only steps that refused, denied or held something, or were stopped.
    #[arg(long)]
    refused: bool,
    /// Only masked steps that decided differently from the real ones.
    #[arg(long)]
    deviations: bool,
    /// At most this many steps.
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

/// A range of entries, including the last one.
fn range(text: &str) -> Result<(u64, u64), String> {
    let number = |text: &str, open: u64| match text {
        "" => Ok(open),
        text => text
            .parse()
            .map_err(|_| format!("`{text}` is not an entry number")),
    };
    match text.split_once("..") {
        Some((first, last)) => Ok((number(first, 0)?, number(last, u64::MAX)?)),
        None => number(text, 0).map(|only| (only, only)),
    }
}

pub fn run(args: &ShowArgs) -> Result<ExitCode> {
    let source = Source::open(&args.file, args.memory, (args.from, args.to))?;
    let file = source.file();
    if args.header {
        let is_whole = header::show(file);
        return Ok(if is_whole {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        });
    }
    let filter = filter(args);
    let mut left = args.limit.unwrap_or(u64::MAX);
    let last = args.seq.map(|(_, last)| last);
    let (_, broken) = walk(file, last, |passed| {
        let Passed::Step(seen) = passed else {
            return ControlFlow::Continue(());
        };
        if left == 0 {
            return ControlFlow::Break(());
        }
        if filter.fits(&seen) {
            let description = describe(&seen);
            if !args.refused || description.is_refused() {
                left -= 1;
                print(args, &seen, &description);
            }
        }
        ControlFlow::Continue(())
    });
    Ok(damage::code(&broken))
}

fn filter(args: &ShowArgs) -> Filter {
    Filter {
        from_ms: args.from,
        to_ms: args.to,
        first_seq: args.seq.map(|(first, _)| first),
        kind: args.kind.clone(),
        connection: args.connection.clone(),
        channel: args.channel.clone(),
        user: args.user.clone(),
        post: args.post.clone(),
        only_deviations: args.deviations,
    }
}

fn print(args: &ShowArgs, seen: &Seen<'_>, description: &Description) {
    if args.json {
        let step = seen.step;
        let line = json!({
            "step": description,
            "time": times::show(step.time_ms),
            "epoch": step.epoch,
            "kernel": step.kernel.to_string(),
            "input": as_json::input(&step.input),
            "output": as_json::end(&step.end),
        });
        terminal::json(&line);
        return;
    }
    terminal::line(format_args!(
        "{}  {:>6}  {}",
        times::show(description.time_ms),
        description.seq,
        description.what
    ));
    let more = |mark: &str, lines: &[String]| {
        for line in lines {
            terminal::line(format_args!("{:34}{mark}{line}", ""));
        }
    };
    if description.allowed > 0 && !args.refused {
        more("policies: ", &[format!("{} let pass", description.allowed)]);
    }
    more("policy ", &description.verdicts);
    more("! ", &description.refusals);
    more("= ", &description.notes);
    if let Some(stopped) = &description.stopped {
        more("STOPPED by ", std::slice::from_ref(stopped));
    }
    if let Some(deviation) = &description.deviation {
        more("DEVIATES: ", std::slice::from_ref(deviation));
    }
    more("→ ", &description.effects);
}
