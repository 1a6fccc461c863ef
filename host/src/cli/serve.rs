//! `causeway serve`.

use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::app::App;
use crate::config::sharing::Layer;
use crate::config::{LogFormat, Overrides, Settings, Sources};
use crate::{configuration, service};

#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Data directory; created if it does not exist.
    #[arg(long, env = "CAUSEWAY_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// Address to listen on [default: 127.0.0.1:8065].
    #[arg(long, env = "CAUSEWAY_LISTEN", value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// URL at which clients and other workspaces reach this one [default: http://ADDR].
    #[arg(long, env = "CAUSEWAY_SITE_URL", value_name = "URL")]
    site_url: Option<String>,
    /// Header in which the reverse proxy names the client's address, e.g. x-forwarded-for; failed logins are
    /// counted by address.
    #[arg(long, env = "CAUSEWAY_CLIENT_ADDRESS_HEADER", value_name = "NAME")]
    client_address_header: Option<String>,
    /// Folder of an unpacked web client of Mattermost, to be used in browsers at the site URL.
    #[arg(long, env = "CAUSEWAY_CLIENT", value_name = "DIR")]
    client: Option<PathBuf>,
    /// Configuration file: TOML, or a `config.json` of Mattermost. Flags and environment take precedence; SIGHUP
    /// reads it again. See docs/configuration.md.
    #[arg(long, env = "CAUSEWAY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Allow other workspaces to have loopback and private addresses, as within one organisation.
    #[arg(long, env = "CAUSEWAY_ALLOW_PRIVATE_TARGETS")]
    allow_private_targets: bool,
    /// Format of the log, which is written to standard error.
    #[arg(long, env = "CAUSEWAY_LOG_FORMAT", value_enum)]
    log_format: Option<LogFormat>,
    /// Log filter, e.g. `info` or `info,causeway=debug` [default: info].
    #[arg(long, env = "CAUSEWAY_LOG", value_name = "FILTER")]
    log: Option<String>,
}

pub fn run(args: ServeArgs) -> Result<ExitCode> {
    let overrides = Overrides {
        data: args.data,
        listen: args.listen,
        site_url: args.site_url,
        client_address_header: args.client_address_header,
        client: args.client,
        allow_private_targets: args.allow_private_targets,
        log_format: args.log_format,
        log_filter: args.log,
    };
    let settings = Settings::load(Sources {
        file: args.config,
        overrides,
        environment: Layer::of_environment(environment())?,
    })?;
    start_log(&settings)?;
    for notice in &settings.file.notices {
        tracing::info!("{notice}");
    }
    if service::compile_kernel(&settings.data)? {
        // A compiler takes a hundred mebibytes and more, which no allocator returns completely.
        return start_anew("after compiling the kernel");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(settings))
}

/// The environment variables that are text.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        Some((name, value.into_string().ok()?))
    })
}

fn start_log(settings: &Settings) -> Result<()> {
    let filter = EnvFilter::try_new(&settings.log_filter).context("parsing the log filter")?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match settings.log_format {
        LogFormat::Text => log.with_ansi(false).init(),
        LogFormat::Json => log.json().init(),
    }
    Ok(())
}

/// Restarts this process with the same arguments, which reliably releases its memory and the data directory.
fn start_anew(why: &'static str) -> Result<ExitCode> {
    let error = Command::new(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .exec();
    Err(error).with_context(|| format!("restarting {why}"))
}

async fn serve(settings: Settings) -> Result<ExitCode> {
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    // From the beginning, as without a handler it would end the process.
    let hangup = signal(SignalKind::hangup())?;
    let running = tokio::select! {
        started = service::start(settings) => started?,
        // Nothing has been acknowledged to anybody yet.
        _ = interrupt.recv() => return Ok(ExitCode::SUCCESS),
        _ = terminate.recv() => return Ok(ExitCode::SUCCESS),
    };
    let app = Arc::clone(&running.app);
    let name = tokio::select! {
        _ = interrupt.recv() => "SIGINT",
        _ = terminate.recv() => "SIGTERM",
        () = reload_on(hangup, &app) => "SIGHUP",
        () = running.app.engine.closed() => {
            if running.app.engine.status().tables_are_damaged {
                running.shutdown().await;
                // The restart rebuilds the tables.
                return start_anew("because the tables are damaged");
            }
            bail!("the engine has stopped; restart the service, which recovers everything durable")
        }
    };
    tracing::info!(signal = name, "shutting down");
    tokio::select! {
        () = running.shutdown() => {}
        // Second signal: what is durable stays so, everything else resumes at the next start.
        _ = interrupt.recv() => tracing::warn!("shutting down immediately"),
        _ = terminate.recv() => tracing::warn!("shutting down immediately"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads the configuration file again at every hangup signal; a file that is wrong changes nothing.
async fn reload_on(mut hangup: Signal, app: &App) {
    while hangup.recv().await.is_some() {
        match configuration::reload(app).await {
            Ok(()) => tracing::info!("the configuration file was read again"),
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!(error, "the settings stay as they were");
            }
        }
    }
}
