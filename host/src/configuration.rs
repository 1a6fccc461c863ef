//! Settings that a running service takes over: by a changed file and SIGHUP, by the API and by the command
//! line. What decides is the kernel's row, which a recorded step changes.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, bail};
use axum::http::StatusCode;
use causeway_kernel::boundary::input::{Actor, Input};
use causeway_kernel::boundary::output::Reply;
use causeway_kernel::command::{Command, Configure, ConfigureConnectedWorkspaces, ConfigureFiles};
use causeway_kernel::model::Config as KernelConfig;
use causeway_kernel::rows::counters;

use crate::app::App;
use crate::config::sharing::{Layer, Layers, SETTINGS, Sharing};
use crate::config::{File, Settings, Sources, stored};
use crate::http::ApiError;

/// The settings in force, and where they come from.
pub struct Configuration {
    live: Mutex<Live>,
    /// Held during a change, so that two never interleave.
    changing: tokio::sync::Mutex<()>,
    sources: Sources,
    data: PathBuf,
}

#[derive(Clone)]
struct Live {
    kernel: KernelConfig,
    sharing: Layers,
    /// The file as it was read last.
    file: File,
}

impl Configuration {
    /// The settings of a service that starts.
    #[must_use]
    pub fn new(settings: &Settings) -> Configuration {
        Configuration {
            live: Mutex::new(Live {
                kernel: settings.kernel(),
                sharing: settings.sharing.clone(),
                file: settings.file.clone(),
            }),
            changing: tokio::sync::Mutex::default(),
            sources: settings.sources.clone(),
            data: settings.data.clone(),
        }
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is shared with connected workspaces, by source.
    #[must_use]
    pub fn sharing(&self) -> Layers {
        self.live().sharing.clone()
    }

    fn wanted(&self) -> (KernelConfig, Sharing) {
        let live = self.live();
        let sharing = live.sharing.effective();
        let kernel = KernelConfig {
            posts_per_sync_max: sharing.posts_per_sync_max,
            ..live.kernel.clone()
        };
        (kernel, sharing)
    }
}

/// Reads the configuration file again, and applies what a running service can take over.
///
/// # Errors
/// When the file is unreadable or wrong, or the workspace takes no input; the settings stay as they were.
pub async fn reload(app: &App) -> Result<()> {
    let configuration = &app.configuration;
    let _alone = configuration.changing.lock().await;
    let sources = configuration.sources.clone();
    let settings = tokio::task::spawn_blocking(move || Settings::load(sources)).await??;
    for notice in &settings.file.notices {
        tracing::info!("{notice}");
    }
    let before = {
        let mut live = configuration.live();
        let before = live.clone();
        if live.file.needs_restart(&settings.file) {
            tracing::warn!("some changes in the configuration file take effect at the next start");
        }
        *live = Live {
            kernel: settings.kernel(),
            sharing: settings.sharing,
            file: settings.file,
        };
        before
    };
    let applied = apply(app).await;
    if applied.is_err() {
        *configuration.live() = before;
    }
    applied
}

/// Changes what is shared with connected workspaces, durably.
///
/// # Errors
/// 400 for a setting whose value comes from the environment or the configuration file; 503 if the disk or
/// the workspace takes no changes.
pub async fn change(app: &App, changes: Layer) -> Result<(), ApiError> {
    let configuration = &app.configuration;
    let _alone = configuration.changing.lock().await;
    let layers = configuration.sharing();
    for setting in SETTINGS.iter().filter(|it| changes.has(it)) {
        if let Some(source) = layers.fixed_by(setting) {
            return Err(ApiError::new(
                StatusCode::BAD_REQUEST,
                "api.config.patch_config.fixed.app_error",
                format!("{} is set by {source}: change it there.", setting.path()),
            ));
        }
    }
    let mut wanted = layers;
    wanted.stored.merge(changes);
    let period_ms = app.settings.federation.ping_period_ms;
    wanted.effective().check(period_ms).map_err(|error| {
        let id = "api.config.patch_config.invalid.app_error";
        let why = format!("{error}. Nothing was changed.");
        ApiError::new(StatusCode::BAD_REQUEST, id, why)
    })?;
    let stored = wanted.stored;
    let (data, layer) = (configuration.data.clone(), stored.clone());
    let written = tokio::task::spawn_blocking(move || stored::write(&data, &layer)).await;
    let written = written.context("writing the settings").flatten();
    if let Err(error) = written {
        let error = format!("{error:#}");
        tracing::error!(error, "the changed settings could not be stored");
        return Err(ApiError::unavailable(
            "The settings could not be stored; nothing was changed.",
        ));
    }
    configuration.live().sharing.stored = stored;
    apply(app).await.map_err(|error| {
        let error = format!("{error:#}");
        tracing::error!(
            error,
            "the changed settings are stored and not yet in force"
        );
        ApiError::unavailable("The settings are stored, and take effect at the next start.")
    })
}

/// Brings the settings into force: those that the kernel decides by become steps, if they have changed.
///
/// # Errors
/// When the workspace takes no input or refuses a value.
pub async fn apply(app: &App) -> Result<()> {
    let (config, sharing) = app.configuration.wanted();
    let rows = app.rows();
    let known = counters::workspace(&rows).context("the workspace has no first entry")?;
    let site_url = app.settings.site_url.clone();
    if known.site_url != site_url || known.config != config {
        submit(app, Command::Configure(Configure { site_url, config })).await?;
    }
    let settings = sharing.kernel();
    if counters::connected_workspaces(&rows) != settings {
        let command = ConfigureConnectedWorkspaces { settings };
        submit(app, Command::ConfigureConnectedWorkspaces(command)).await?;
    }
    let limits = app.files.limits();
    if counters::file_limits(&rows) != limits {
        submit(app, Command::ConfigureFiles(ConfigureFiles { limits })).await?;
    }
    app.federation.set_enabled(sharing.connections);
    Ok(())
}

async fn submit(app: &App, command: Command) -> Result<()> {
    let input = Input::Command {
        actor: Actor::System,
        key: None,
        command,
    };
    let reply = app.engine.submit(input).await;
    match reply.context("changing the settings")? {
        Reply::Refused(refusal) => bail!("the settings were refused: {}", refusal.message),
        _ => Ok(()),
    }
}
