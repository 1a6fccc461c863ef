//! `causeway session state`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, anyhow, bail};
use causeway_session::look::state::{self, State, TextTable};
use clap::Args;
use serde_json::{Map, json};

use super::memory::Memory;
use super::source::Source;
use super::{damage, times};
use crate::cli::terminal;

/// Posts shown by default.
const POSTS_SHOWN: usize = 50;

#[derive(Debug, Args)]
pub struct StateArgs {
    /// A session file, or a data directory.
    #[arg(value_name = "FILE or DIR")]
    file: PathBuf,
    #[command(flatten)]
    memory: Memory,
    /// State after this entry [default: at the end].
    #[arg(long, value_name = "N")]
    at: Option<u64>,
    /// Show the members of the channel with this id or name.
    #[arg(long, value_name = "ID or NAME")]
    channel: Option<String>,
    /// Show the newest posts of that channel instead.
    #[arg(long, requires = "channel")]
    posts: bool,
    /// Show at most this many posts.
    #[arg(long, value_name = "N", default_value_t = POSTS_SHOWN)]
    limit: usize,
    /// Show the users.
    #[arg(long)]
    users: bool,
    /// Show every row of a table, one per line.
    #[arg(long, value_name = "TABLE", conflicts_with_all = ["channel", "users"])]
    rows: Option<String>,
    /// Print JSON; rows as lines of JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(args: &StateArgs) -> Result<ExitCode> {
    let source = Source::open(&args.file, args.memory, (None, None))?;
    let file = source.file();
    let start = file.header().start.seq;
    if let Some(at) = args.at.filter(|at| *at < start) {
        bail!("the session begins after entry {start}; nothing is known of entry {at}");
    }
    let state = State::at(file, args.at);
    match &args.rows {
        Some(table) => raw(args, &state, table)?,
        None => tables(args, &state)?,
    }
    Ok(damage::code(&state.damage))
}

fn raw(args: &StateArgs, state: &State, name: &str) -> Result<()> {
    let table = state::table_named(name).ok_or_else(|| {
        let all = causeway_kernel::rows::table::Table::ALL;
        let names: Vec<&str> = all.iter().map(|table| table.name()).collect();
        anyhow!("there is no table `{name}`; there are {}", names.join(", "))
    })?;
    for (key, value) in state.raw(table) {
        if args.json {
            terminal::json(&json!({"key": key, "value": value}));
        } else {
            terminal::line(format_args!("{key}  {value}"));
        }
    }
    Ok(())
}

fn tables(args: &StateArgs, state: &State) -> Result<()> {
    let tables = chosen(args, state)?;
    if args.json {
        let named = tables.iter().map(|it| (it.name.to_string(), it.to_json()));
        let named: Map<_, _> = named.collect();
        let all = json!({
            "at": state.seq,
            "time_ms": state.time_ms,
            "is_partial": state.is_partial,
            "tables": named,
        });
        terminal::pretty_json(&all)?;
        return Ok(());
    }
    match state.time_ms {
        Some(ms) => terminal::line(format_args!(
            "after entry {}, {}",
            state.seq,
            times::show(ms)
        )),
        None => terminal::line(format_args!(
            "at the start of the session, after entry {}",
            state.seq
        )),
    }
    if state.is_partial {
        terminal::line(
            "This is part of a session: only rows that its steps read or wrote are known.",
        );
    }
    for table in &tables {
        terminal::lines(format_args!("\n{} ({})", table.name, table.rows.len()));
        for line in table.to_lines(times::show) {
            terminal::line(format_args!("  {line}"));
        }
    }
    Ok(())
}

fn chosen(args: &StateArgs, state: &State) -> Result<Vec<TextTable>> {
    let rows = &state.rows;
    let mut tables = Vec::new();
    if let Some(name) = &args.channel {
        let Some(channel) = state.channel(name) else {
            bail!("there is no channel `{name}` after entry {}", state.seq);
        };
        tables.push(if args.posts {
            state::posts(rows, channel, args.limit)
        } else {
            state::members(rows, channel)
        });
    }
    if args.users {
        tables.push(state::users(rows));
    }
    if tables.is_empty() {
        tables = vec![
            state::channels(rows),
            state::connections(rows, state.time_ms.unwrap_or_default()),
            state::links(rows),
            state::counts(rows),
        ];
    }
    Ok(tables)
}
