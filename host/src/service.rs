//! Assembles the service: engine, vault, federation and API.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use causeway_engine::policy::{ComponentPolicies, POLICIES_AT_ONCE, POLICY_MEMORY_MAX, Trust};
use causeway_engine::runtime::{
    ComponentOptions, ComponentSource, EMBEDDED_KERNEL, KernelSource, Sandbox, cache_dir,
};
use causeway_engine::{Clock, Engine, EngineOptions, SteadyClock, SubmitError, SystemClock};
use causeway_files::Swept;
use causeway_kernel::boundary::input::{Actor, Genesis, Input};
use causeway_kernel::boundary::output::{Effect, Object, Reply};
use causeway_kernel::command::{Command, CreateUser};
use causeway_kernel::model::User;
use causeway_kernel::rows::counters;
use causeway_kernel::rows::id::UserNo;
use causeway_kernel::rows::tx::Read;
use causeway_search::Search;
use causeway_views::query::users;
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use crate::api;
use crate::app::{App, SharedApp};
use crate::config::Settings;
use crate::configuration::{self, Configuration};
use crate::federation::Federation;
use crate::files::{self, Files};
use crate::http::connections::{Connections, Limits};
use crate::http::{answers, descriptors, server};
use crate::hub::Hub;
use crate::integrations::Integrations;
use crate::login_limit::LoginLimiter;
use crate::metrics::Metrics;
use crate::presence::{self, Presence, Typists};
use crate::vault::{Asker, Secret, VAULT_FILE, Vault, VaultError};
use crate::web_client::WebClient;

/// How often to drop lines whose client did not come back, expired sessions and old failed logins.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// How often to remove the bytes of files that are no longer needed.
const FILES_SWEEP_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// Pause between two attempts to prepare a workspace whose disk is full.
const PREPARE_PAUSE: Duration = Duration::from_secs(1);

/// A running service.
pub struct Running {
    /// The address it listens on.
    pub addr: SocketAddr,
    /// State of its handlers.
    pub app: SharedApp,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
    effects: JoinHandle<()>,
    sweeping: JoinHandle<()>,
    presence: JoinHandle<()>,
}

/// Starts a service; it serves requests when this returns.
///
/// # Errors
/// When the address is in use, or the data directory cannot be opened.
pub async fn start(settings: Settings) -> Result<Running> {
    start_with_clock(settings, Arc::new(SteadyClock::new(SystemClock))).await
}

/// Starts a service with a clock of the caller's.
///
/// # Errors
/// As [`start`].
pub async fn start_with_clock(mut settings: Settings, clock: Arc<dyn Clock>) -> Result<Running> {
    let listener = TcpListener::bind(settings.listen)
        .await
        .with_context(|| format!("listening on {}", settings.listen))?;
    let addr = listener.local_addr()?;
    if settings.site_url.is_empty() {
        settings.site_url = format!("http://{addr}");
    }
    let (engine, effects) = open_engine(&settings, clock).await?;
    let installed_at_ms = causeway_engine::installed_at_ms(&settings.data)
        .context("reading the data directory's identity")?;
    let vault = open_vault(&settings, &engine)?;
    let search = Search::start(&settings.data, engine.clone()).context("starting the indexer")?;
    let files = Files::open(&settings.data, settings.files.clone());
    let files = Arc::new(files.context("opening the folder of files")?);
    let federation = Federation::new(
        engine.clone(),
        vault.clone(),
        settings.federation.clone(),
        Arc::clone(&files),
    );
    let client = settings.client.as_deref();
    let web_client = client.map(WebClient::open).transpose()?;
    let integrations = Integrations::new(&settings.integrations);
    // A configured proxy is trusted to name its clients; all connections come from its address.
    let proxied = !settings.client_address_header.is_empty();
    let connections = Connections::new(Limits::within(descriptors::for_clients()), proxied);
    let app = Arc::new(App {
        engine,
        vault,
        federation,
        files,
        search,
        searching: Arc::new(Semaphore::new(api::SEARCHES_AT_ONCE)),
        integrations,
        hub: Hub::default(),
        presence: Presence::default(),
        typists: Typists::default(),
        metrics: Arc::new(Metrics::default()),
        answers: answers::answers(),
        connections,
        web_client,
        logins: LoginLimiter::default(),
        exporting: tokio::sync::Mutex::default(),
        installed_at_ms,
        is_prepared: AtomicBool::new(false),
        configuration: Configuration::new(&settings),
        settings,
    });
    let effects = tokio::spawn(dispatch(Arc::clone(&app), effects));
    match prepare(&app).await {
        Ok(()) => app.is_prepared.store(true, Ordering::Relaxed),
        Err(error) if passes(&error) => {
            let error = format!("{error:#}");
            tracing::warn!(
                error,
                "the workspace starts read-only and recovers once the disk has room"
            );
        }
        Err(error) => return Err(error),
    }
    let (stop, stopping) = watch::channel(false);
    let connections = Arc::clone(&app.connections);
    let serving = server::serve(listener, api::router(&app), connections, stopping);
    let serving = tokio::spawn(serving);
    let sweeping = tokio::spawn({
        let app = Arc::clone(&app);
        async move {
            if !app.is_prepared.load(Ordering::Relaxed) {
                prepare_later(&app).await;
            }
            tokio::join!(sweep(Arc::clone(&app)), sweep_files(app));
        }
    });
    let presence = tokio::spawn(presence::run(Arc::clone(&app)));
    tracing::info!(%addr, site_url = app.settings.site_url, "the workspace is open");
    Ok(Running {
        addr,
        app,
        stop,
        serving,
        effects,
        sweeping,
        presence,
    })
}

async fn open_engine(
    settings: &Settings,
    clock: Arc<dyn Clock>,
) -> Result<(Engine, UnboundedReceiver<Effect>)> {
    let (data_dir, retention) = (settings.data.clone(), settings.retention);
    let trust = settings.policies.clone();
    let genesis = Genesis {
        site_url: settings.site_url.clone(),
        config: settings.kernel(),
    };
    let opened = tokio::task::spawn_blocking(move || {
        let (kernel, policies) = open_components(&data_dir, trust)?;
        anyhow::Ok(Engine::open(EngineOptions {
            data_dir,
            genesis,
            kernel: Arc::new(kernel),
            policies: Arc::new(policies),
            clock,
            retention,
            followed: causeway_search::FOLLOWED,
            ..EngineOptions::default()
        })?)
    });
    let context = || format!("opening the data directory {}", settings.data.display());
    opened.await?.with_context(context)
}

/// Opens the vault of a workspace; creates it only for a workspace without accounts.
fn open_vault(settings: &Settings, engine: &Engine) -> Result<Vault> {
    let path = settings.data.join(VAULT_FILE);
    if counters::counters(&engine.snapshot()).user > 0 && !path.exists() {
        bail!(
            "{} is missing: it holds the passwords of all accounts and the tokens of all secure \
             connections. Restore it from a backup. If there is none, create an empty file of that \
             name; then every account needs a new password and every secure connection must be \
             removed and created again. Start with a new administrator: causeway admin \
             create-user --data {} --admin …",
            path.display(),
            settings.data.display()
        );
    }
    Vault::open(&settings.data).context("opening the vault")
}

/// The kernel of this build and the policies of a data directory.
fn open_components(data_dir: &Path, trust: Trust) -> Result<(ComponentSource, ComponentPolicies)> {
    let cache = cache_dir(data_dir);
    let sandbox = Sandbox::new(Some(&cache))?;
    let kernel = ComponentSource::embedded(sandbox, ComponentOptions::default());
    let sandbox = Sandbox::pooled(POLICIES_AT_ONCE, POLICY_MEMORY_MAX, Some(&cache))?;
    let policies = ComponentPolicies::open_trusting(sandbox, data_dir, trust)?;
    Ok((kernel, policies))
}

/// Compiles the kernel of this build for a data directory unless it is cached there; returns whether it was
/// compiled and is cached from now on.
///
/// # Errors
/// When the kernel cannot be compiled.
pub fn compile_kernel(data_dir: &Path) -> Result<bool> {
    let sandbox = Sandbox::new(Some(&cache_dir(data_dir)))?;
    if sandbox.is_compiled(EMBEDDED_KERNEL) {
        return Ok(false);
    }
    tracing::info!("compiling the kernel for this machine, once");
    ComponentSource::embedded(sandbox.clone(), ComponentOptions::default()).open()?;
    Ok(sandbox.is_compiled(EMBEDDED_KERNEL))
}

/// Creates an account in the data directory of a workspace that is not running, and returns its id.
///
/// # Errors
/// When the workspace is running, or the account is refused.
pub async fn create_user(
    mut settings: Settings,
    command: CreateUser,
    password: &Secret,
) -> Result<String> {
    if let Err(error) = api::users::check_password(password) {
        bail!("{}", error.message);
    }
    if settings.site_url.is_empty() {
        settings.site_url = format!("http://{}", settings.listen);
    }
    let (engine, _effects) = open_engine(&settings, Arc::new(SteadyClock::new(SystemClock)))
        .await
        .context("while the workspace is running, use --url instead of --data")?;
    let vault = open_vault(&settings, &engine)?;
    let prepared = vault
        .prepare_password(&Asker::default(), &command.username, password)
        .await?;
    let command = Command::CreateUser(command);
    let input = Input::Command {
        actor: Actor::System,
        key: None,
        command,
    };
    let made = match engine.submit(input).await? {
        Reply::Object(Object::User(user)) => {
            vault.adopt_password(prepared, user).await?;
            let row = engine.snapshot().get::<User>(&user);
            row.map(|row| row.id.to_string())
                .context("the account is missing")
        }
        Reply::Refused(refusal) => {
            vault.discard_password(prepared).await?;
            Err(anyhow!("{}", refusal.message))
        }
        _ => Err(anyhow!("the workspace returned no account")),
    };
    engine.shutdown().await;
    made
}

/// Startup work before the first request: reconciles accounts with secrets, submits changed settings as an
/// input, and resumes due rows.
async fn prepare(app: &SharedApp) -> Result<()> {
    let rows = app.rows();
    app.vault
        .sweep_passwords(move |username| {
            let (user, row) = users::by_username(&rows, username)?;
            row.origin.is_ours().then_some(user)
        })
        .await
        .context("sweeping the vault")?;
    sweep_sessions(app).await?;
    configuration::apply(app).await?;
    app.engine
        .submit(Input::Resume)
        .await
        .context("resuming pending work")?;
    app.federation
        .start()
        .await
        .context("starting the federation")?;
    Ok(())
}

/// Whether startup failed for a reason that disappears once the disk has room again.
fn passes(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref::<SubmitError>(),
        Some(SubmitError::ReadOnly(_))
    ) || matches!(error.downcast_ref(), Some(VaultError::Store(_)))
}

/// Repeats the startup work of a workspace that is already served until the disk accepts writes.
async fn prepare_later(app: &SharedApp) {
    loop {
        tokio::time::sleep(PREPARE_PAUSE).await;
        match prepare(app).await {
            Ok(()) => {
                app.is_prepared.store(true, Ordering::Relaxed);
                return tracing::info!("the workspace is writable again");
            }
            Err(error) if passes(&error) => {}
            Err(error) => {
                let error = format!("{error:#}");
                return tracing::error!(
                    error,
                    "the workspace cannot be prepared: restart the service"
                );
            }
        }
    }
}

async fn sweep_sessions(app: &SharedApp) -> Result<()> {
    let engine = app.engine.clone();
    // The rows of the moment: a user may have been created and have logged in while the sweep waited for its turn.
    let is_live = move |user: UserNo| {
        let user = engine.snapshot().get::<User>(&user);
        user.is_some_and(|row| row.delete_at == 0)
    };
    app.vault
        .sweep_sessions(app.engine.now_ms(), is_live)
        .await
        .context("sweeping sessions")?;
    Ok(())
}

/// Carries out effects in order until the engine stops.
async fn dispatch(app: SharedApp, mut effects: UnboundedReceiver<Effect>) {
    while let Some(effect) = effects.recv().await {
        match effect {
            Effect::Event(event) => app.tell(&event),
            Effect::Send {
                connection,
                attempt,
                frame,
            } => {
                app.federation.dispatch_send(connection, attempt, frame);
            }
            Effect::SendFile(file) => app.federation.dispatch_file(file),
            Effect::SendPicture(picture) => app.federation.dispatch_picture(picture),
            Effect::Connection(connection) => app.federation.connection_changed(connection),
            Effect::Refused { reason, items, .. } => {
                app.metrics.count_refused_items(&reason, items.into());
            }
            // The engine schedules wake-ups itself.
            Effect::Wake { .. } => {}
        }
    }
}

async fn sweep_files(app: SharedApp) {
    let mut clock = tokio::time::interval(FILES_SWEEP_INTERVAL);
    loop {
        clock.tick().await;
        match files::sweep(&app).await {
            Ok(Swept { files: 0, .. }) => {}
            Ok(Swept { files, bytes }) => {
                tracing::info!(files, bytes, "removed files that are no longer needed");
            }
            Err(error) => tracing::warn!(%error, "sweeping the folder of files failed"),
        }
    }
}

async fn sweep(app: SharedApp) {
    let mut clock = tokio::time::interval(SWEEP_INTERVAL);
    loop {
        clock.tick().await;
        app.hub.sweep();
        app.logins.sweep(app.engine.now_ms());
        if let Err(error) = sweep_sessions(&app).await {
            tracing::warn!(%error, "the periodic sweep failed");
        }
    }
}

impl Running {
    /// The site URL.
    #[must_use]
    pub fn site_url(&self) -> &str {
        &self.app.settings.site_url
    }

    /// Stops the service: no new requests are accepted, those in flight finish, sends are stopped, and
    /// everything is on disk.
    pub async fn shutdown(self) {
        self.stop.send_replace(true);
        self.app.hub.close_all();
        if let Err(error) = self.serving.await {
            tracing::warn!(%error, "the accept loop ended early");
        }
        self.sweeping.abort();
        self.presence.abort();
        self.app.federation.shutdown().await;
        self.app.engine.shutdown().await;
        let app = Arc::clone(&self.app);
        // After the last step, so that the index is complete at the next start.
        if let Err(error) = tokio::task::spawn_blocking(move || app.search.stop()).await {
            tracing::warn!(%error, "the indexer ended early");
        }
        self.effects.abort();
        tracing::info!("the workspace is closed");
    }
}
