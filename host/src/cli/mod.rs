//! The command line.

mod accounts;
mod admin;
mod as_owner;
mod config;
mod connection;
mod data_dir;
mod invitations;
mod policy;
mod post;
mod progress;
mod remote;
mod replay;
mod serve;
mod session;
mod terminal;
mod waiting;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Chat workspaces that share channels, with each other and with Mattermost.
///
/// `causeway serve` runs a workspace: ordinary Mattermost clients log in to it, and its administrators
/// connect it to other workspaces with the slash commands /secure-connection and /share-channel. Everything
/// it does is recorded in its data directory and can be verified with `causeway replay`.
#[derive(Debug, Parser)]
#[command(name = "causeway", version)]
#[command(after_help = "\
Examples:
  causeway serve --data /var/lib/causeway --listen 127.0.0.1:8065 --site-url https://chat.example.org
  causeway replay /var/lib/causeway
  causeway session export /var/lib/causeway --from 2h --output morning.session
  causeway replay morning.session
  echo \"$PASSWORD\" | causeway admin create-user --data /var/lib/causeway \\
      --username ann --email ann@example.org --admin
  causeway policy --login ann load content-filter content-filter.wasm --settings 'falcon'
  causeway connection --login ann create acme --team crew

The first account of a workspace becomes its administrator. Exit codes: 0 success, 1 refused or
failed (for `replay`: a difference was found), 2 usage error.")]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a workspace until SIGINT or SIGTERM.
    Serve(serve::ServeArgs),
    /// Replay a recorded session, or the journal of a data directory, and compare every step.
    ///
    /// Works while the service is running. If no service runs on a data directory, its tables are checked as
    /// well: every page, and every row against the journal. Exits with 0 if every step matches the recording;
    /// otherwise shows the first entry that differs, field by field, and exits with 1.
    Replay(replay::ReplayArgs),
    /// Export recorded sessions and inspect them.
    #[command(subcommand)]
    Session(session::SessionCommand),
    /// Load, swap, order, switch off and list the policies of a running workspace, try them out and sign them.
    ///
    /// A policy is a WebAssembly component that decides what may cross a connection: posts, files, reactions, members,
    /// profiles, channels and conversations. A change happens between two steps and drops nothing. Needs an
    /// administrator's token or login, except `try`, `inspect`, `keygen` and `sign`.
    Policy(policy::PolicyArgs),
    /// Connect a running workspace to others, and share its channels.
    ///
    /// Does what the slash command /secure-connection does, and invites a connection to channels or uninvites it.
    /// Needs the token or login of somebody who manages connections or shares channels, such as an
    /// administrator's.
    Connection(connection::ConnectionArgs),
    /// Show what connected workspaces are still to get of posts.
    ///
    /// Does what the slash command /share-channel delivery does. Needs the token or login of the author, or of an
    /// administrator.
    Post(post::PostArgs),
    /// Show and change settings of a running workspace.
    ///
    /// These are the settings of connected workspaces; see docs/configuration.md. Needs an administrator's
    /// token or login.
    Config(config::ConfigArgs),
    /// Administer accounts.
    Admin(admin::AdminArgs),
}

/// Runs the command line.
#[must_use]
pub fn run() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Serve(args) => serve::run(args),
        Command::Replay(args) => replay::run(&args),
        Command::Session(command) => session::run(&command),
        Command::Policy(args) => on_small_runtime(policy::run(args)),
        Command::Connection(args) => on_small_runtime(connection::run(args)),
        Command::Post(args) => on_small_runtime(post::run(args)),
        Command::Config(args) => on_small_runtime(config::run(args)),
        Command::Admin(args) => on_small_runtime(admin::run(args)),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            terminal::error(format_args!("causeway: {}", in_one_line(&error)));
            ExitCode::FAILURE
        }
    }
}

/// An error and its causes, without repetition: many errors include their cause in their own text.
fn in_one_line(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if said.ends_with(&cause) {
            continue;
        }
        if !said.is_empty() {
            said.push_str(": ");
        }
        said.push_str(&cause);
    }
    said
}

fn on_small_runtime(
    work: impl Future<Output = anyhow::Result<ExitCode>>,
) -> anyhow::Result<ExitCode> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(work)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_of_a_group_stand_before_and_behind_its_verbs() {
        let url = ["--url", "http://chat.example"];
        let login = ["--login", "ann"];
        for line in [
            [&["policy"][..], &url, &login, &["list"]],
            [&["policy", "list"], &url, &login, &[]],
            [&["policy"], &url, &["unload", "x"], &login],
            [&["connection"], &url, &["list", "--all"], &login],
            [&["config", "show"], &url, &login, &[]],
            [&["post"], &url, &["delivery", "x"], &login],
            [
                &["admin"],
                &url,
                &["create-user", "--username", "b", "--email", "c"],
                &login,
            ],
            [
                &["admin", "create-user"],
                &url,
                &login,
                &["--username", "b", "--email", "c"],
            ],
        ] {
            let words = [&["causeway"][..], &line.concat()].concat();
            let remote = match Cli::try_parse_from(&words).unwrap().command {
                Command::Policy(args) => args.remote,
                Command::Connection(args) => args.remote,
                Command::Config(args) => args.remote,
                Command::Post(args) => args.remote,
                Command::Admin(args) => args.remote,
                other => panic!("{other:?}"),
            };
            assert_eq!(remote.url, "http://chat.example", "{words:?}");
            assert_eq!(remote.login.as_deref(), Some("ann"), "{words:?}");
        }
    }

    #[test]
    fn a_cause_is_said_once() {
        let cause = || std::io::Error::other("no such thing");
        let error = anyhow::Error::from(causeway_session::SessionError::Io(cause()));
        assert_eq!(
            in_one_line(&error.context("opening x")),
            "opening x: the session file cannot be read: no such thing"
        );
        let error = anyhow::Error::from(cause()).context("reading y");
        assert_eq!(in_one_line(&error), "reading y: no such thing");
    }
}
