//! Federation: connections to other workspaces over Mattermost's server-to-server protocol.
//!
//! The workspace's kernel decides what may pass and what it means. This module is what surrounds it: the
//! endpoints that peers call ([`endpoints`], behind [`gate`]), invitations and the [`handshake`], sending to
//! peers ([`sender`]) and the pings ([`pinger`]).

pub mod client;
mod counters;
pub mod endpoints;
mod files;
pub mod gate;
pub mod handshake;
pub mod invitation;
mod pictures;
pub mod pinger;
mod reach;
pub mod sender;
mod settings;
mod site_url;
mod uploads;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use causeway_engine::{Engine, Snapshot};
use causeway_kernel::boundary::input::{Incarnation, Input};
use causeway_kernel::boundary::output::{Reply, SendFile, SendPicture};
use causeway_kernel::model::{Connection, ConnectionState};
use causeway_kernel::rows::counters::workspace;
use causeway_kernel::rows::id::{ConnectionNo, Id};
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

pub use settings::FederationSettings;
pub use site_url::{SITE_URL_BYTES_MAX, SiteUrl};

use crate::files::Files;
use crate::vault::{InForce, LinkSecrets, Secret, Vault, VaultError};
use client::PeerClient;

/// The federation of one workspace. A handle; clones share one state.
#[derive(Clone)]
pub struct Federation {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    vault: Vault,
    settings: FederationSettings,
    /// Whether peers are served and called at all.
    enabled: AtomicBool,
    client: PeerClient,
    files: Arc<Files>,
    /// Places for files that are sent at the same time.
    sending_files: Semaphore,
    /// Places for pictures that are sent at the same time.
    sending_pictures: Semaphore,
    /// Held while a handshake goes through vault and step, so that two never interleave.
    handshakes: tokio::sync::Mutex<()>,
    /// Connections whose confirmation is in progress.
    confirming: Mutex<BTreeSet<Id>>,
    outboxes: Mutex<BTreeMap<ConnectionNo, sender::Outbox>>,
    pings: Mutex<BTreeMap<ConnectionNo, pinger::PingState>>,
    reaches: Mutex<BTreeMap<ConnectionNo, reach::Reach>>,
    frames: Mutex<BTreeMap<ConnectionNo, u32>>,
    counters: counters::FederationCounters,
    tasks: Mutex<JoinSet<()>>,
    stop: watch::Sender<bool>,
}

impl Federation {
    /// The federation of a workspace; nothing is started yet.
    #[must_use]
    pub fn new(
        engine: Engine,
        vault: Vault,
        settings: FederationSettings,
        files: Arc<Files>,
    ) -> Federation {
        Federation {
            inner: Arc::new(Inner {
                client: PeerClient::new(&settings),
                files,
                sending_files: Semaphore::new(files::SENT_AT_ONCE_MAX),
                sending_pictures: Semaphore::new(pictures::SENT_AT_ONCE_MAX),
                engine,
                vault,
                settings,
                enabled: AtomicBool::new(true),
                handshakes: tokio::sync::Mutex::new(()),
                confirming: Mutex::default(),
                outboxes: Mutex::default(),
                pings: Mutex::default(),
                reaches: Mutex::default(),
                frames: Mutex::default(),
                counters: counters::FederationCounters::default(),
                tasks: Mutex::default(),
                stop: watch::Sender::new(false),
            }),
        }
    }

    /// Reconciles the vault with the workspace, then starts to ping; the first round also resumes handshakes
    /// that a crash interrupted.
    ///
    /// # Errors
    /// Those of the vault.
    pub async fn start(&self) -> Result<(), VaultError> {
        let snapshot = self.snapshot();
        let state = move |remote_id: Id| {
            let connection = lookup::connection(&snapshot, remote_id.as_str())?;
            live_state(&snapshot.get::<Connection>(&connection)?)
        };
        let swept = self.inner.vault.sweep_links(state).await?;
        if swept > 0 {
            tracing::info!(swept, "removed secrets of connections that are gone");
        }
        let federation = self.clone();
        self.spawn(async move { pinger::run(&federation).await });
        Ok(())
    }

    /// The endpoints that peers call.
    pub fn router(&self) -> axum::Router {
        endpoints::router(self)
    }

    /// Handles a changed connection record: pings a confirmed connection that was never pinged, forgets a
    /// removed one.
    pub fn connection_changed(&self, connection: ConnectionNo) {
        match self
            .snapshot()
            .get::<Connection>(&connection)
            .as_ref()
            .and_then(live_state)
        {
            Some(_) => pinger::at_once(self, connection),
            None => {
                lock(&self.inner.outboxes).remove(&connection);
                lock(&self.inner.pings).remove(&connection);
                lock(&self.inner.reaches).remove(&connection);
            }
        }
    }

    /// Sends a frame; its receipt is submitted as an input. See [`sender`].
    pub fn dispatch_send(&self, connection: ConnectionNo, attempt: u64, frame: Vec<u8>) {
        sender::dispatch(self, connection, attempt, frame);
    }

    /// Sends the bytes of a file; its receipt is submitted as an input. See [`files`].
    pub fn dispatch_file(&self, file: SendFile) {
        files::dispatch(self, file);
    }

    /// Sends a profile picture; its receipt is submitted as an input. See [`pictures`].
    pub fn dispatch_picture(&self, picture: SendPicture) {
        pictures::dispatch(self, picture);
    }

    /// Stops all tasks. Requests in flight have an unknown outcome.
    pub async fn shutdown(&self) {
        self.inner.stop.send_replace(true);
        lock(&self.inner.outboxes).clear();
        let mut tasks = std::mem::take(&mut *lock(&self.inner.tasks));
        tasks.shutdown().await;
    }

    /// Appends the counters of the federation.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn encode_metrics(&self, page: &mut crate::metrics::Page<'_>) -> std::fmt::Result {
        self.inner.counters.encode(page)
    }

    fn snapshot(&self) -> Snapshot {
        self.inner.engine.snapshot()
    }

    /// Switches all service to peers on or off. Once it is on again, every peer is pinged at once.
    pub fn set_enabled(&self, enabled: bool) {
        let before = self.inner.enabled.swap(enabled, Ordering::Relaxed);
        if enabled && !before {
            pinger::all_at_once(self);
        }
    }

    fn is_enabled(&self) -> bool {
        self.inner.enabled.load(Ordering::Relaxed)
    }

    fn settings(&self) -> &FederationSettings {
        &self.inner.settings
    }

    fn stopping(&self) -> watch::Receiver<bool> {
        self.inner.stop.subscribe()
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if *self.inner.stop.borrow() {
            return;
        }
        let mut tasks = lock(&self.inner.tasks);
        // Finished tasks are removed here, as nobody awaits them.
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    /// A connection that exists and is not removed.
    fn connection(&self, connection: ConnectionNo) -> Option<(Connection, ConnectionState)> {
        let row = self.snapshot().get::<Connection>(&connection)?;
        let state = live_state(&row)?;
        Some((row, state))
    }

    /// The live connection of a `remote_id`.
    fn connection_of(&self, remote_id: Id) -> Option<(ConnectionNo, Connection, ConnectionState)> {
        let connection = lookup::connection(&self.snapshot(), remote_id.as_str())?;
        let (row, state) = self.connection(connection)?;
        Some((connection, row, state))
    }

    fn link(&self, remote_id: Id) -> Result<Option<LinkSecrets>, VaultError> {
        self.inner.vault.link(remote_id)
    }

    fn in_force(
        &self,
        remote_id: Id,
        state: ConnectionState,
    ) -> Result<Option<InForce>, VaultError> {
        Ok(self.link(remote_id)?.and_then(|link| link.in_force(state)))
    }

    /// What a call to a confirmed peer needs: its record, its address and the token that it expects. `None` if
    /// there is no such connection, or nothing to call it with.
    fn route(&self, connection: ConnectionNo) -> Option<(Connection, SiteUrl, Secret)> {
        // A connection that is not (or no longer) confirmed sends nothing.
        let (row, ConnectionState::Confirmed) = self.connection(connection)? else {
            return None;
        };
        let tokens = match self.in_force(row.remote_id, ConnectionState::Confirmed) {
            Ok(tokens) => tokens,
            Err(error) => {
                tracing::error!(%error, "cannot read a connection's token from the vault");
                return None;
            }
        };
        let token = tokens.and_then(|tokens| tokens.remote_token);
        let route = token.zip(SiteUrl::parse(&row.site_url));
        if route.is_none() {
            let name = &row.name;
            tracing::error!(name, "a connection has no token or no usable site URL");
        }
        route.map(|(token, site_url)| (row, site_url, token))
    }

    fn incarnation(&self) -> Option<Incarnation> {
        workspace(&self.snapshot()).map(|workspace| workspace.incarnation)
    }

    /// Our own site URL, if it is configured so that peers can call it.
    fn own_site_url(&self) -> Option<SiteUrl> {
        SiteUrl::parse(&workspace(&self.snapshot())?.site_url)
    }

    async fn submit(&self, input: Input) -> Result<Reply, causeway_engine::SubmitError> {
        self.inner.engine.submit(input).await
    }
}

/// State of a connection's handshake; `None` once it is removed.
fn live_state(connection: &Connection) -> Option<ConnectionState> {
    let live = connection.delete_at == 0 && connection.state != ConnectionState::Removed;
    live.then_some(connection.state)
}

/// Locks a map that is never left half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
