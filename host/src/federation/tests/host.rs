//! One workspace, served on its own port.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::http::{HeaderMap, Request, StatusCode};
use causeway_engine::{Clock, Engine, EngineOptions};
use causeway_kernel::boundary::input::{Actor, Genesis, Input};
use causeway_kernel::boundary::output::{Effect, Object, Reply};
use causeway_kernel::command::{Command, CreateConnection, CreateUser};
use causeway_kernel::model::{Config, Connection, ConnectionState};
use causeway_kernel::rows::id::{ConnectionNo, Id};
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::federation::handshake::{self, HandshakeError, InvitationCode};
use crate::federation::{Federation, FederationSettings};
use crate::files::{FileSettings, Files};
use crate::http::connections::{Connections, Limits};
use crate::http::finish::{self, Finish};
use crate::http::{answers, server};
use crate::metrics::Metrics;
use crate::vault::testing::cheap_vault;
use crate::vault::{Secret, Vault};

pub const PASSWORD: &str = "correct-horse";

/// The machine's clock, shifted by a test.
#[derive(Default)]
pub struct ShiftedClock(AtomicI64);

impl Clock for ShiftedClock {
    fn now_ms(&self) -> i64 {
        let since = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        i64::try_from(since.as_millis()).unwrap() + self.0.load(Ordering::Relaxed)
    }
}

pub struct TestHost {
    pub federation: Federation,
    pub engine: Engine,
    pub vault: Vault,
    pub url: String,
    clock: Arc<ShiftedClock>,
    folder: TempDir,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
    effects: JoinHandle<()>,
}

/// What remains of a process that was stopped.
pub struct Stopped {
    pub folder: TempDir,
    address: String,
    clock: Arc<ShiftedClock>,
}

/// Settings whose timers do not disturb a test, for peers on this machine and of every generation.
pub fn quiet() -> FederationSettings {
    FederationSettings {
        ping_period_ms: 3_600_000,
        allow_unrotated_tokens: true,
        allow_private_targets: true,
        ..FederationSettings::default()
    }
}

/// Settings under which everything uncertain is retried at once.
pub fn eager() -> FederationSettings {
    FederationSettings {
        ping_period_ms: 50,
        ..quiet()
    }
}

impl TestHost {
    pub async fn start(settings: FederationSettings) -> TestHost {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = TestHost::serve(folder, listener, settings, Arc::default()).await;
        let command = Command::CreateUser(CreateUser {
            admin: true,
            ..CreateUser::named("admin", "admin@localhost")
        });
        let input = Input::Command {
            actor: Actor::System,
            key: None,
            command,
        };
        let reply = host.engine.submit(input).await.unwrap();
        assert!(matches!(reply, Reply::Object(Object::User(_))), "{reply:?}");
        host
    }

    /// Ends the process, as far as disk and sockets can tell, and restarts it.
    pub async fn restart(self, settings: FederationSettings) -> TestHost {
        TestHost::start_again(self.stop().await, settings).await
    }

    /// Restarts a stopped process.
    pub async fn start_again(stopped: Stopped, settings: FederationSettings) -> TestHost {
        let listener = TcpListener::bind(stopped.address).await.unwrap();
        TestHost::serve(stopped.folder, listener, settings, stopped.clock).await
    }

    pub async fn stop(self) -> Stopped {
        self.stop.send_replace(true);
        self.server.await.unwrap();
        self.federation.shutdown().await;
        self.engine.shutdown().await;
        self.effects.abort();
        let _ = self.effects.await;
        Stopped {
            address: self.url.trim_start_matches("http://").to_string(),
            folder: self.folder,
            clock: self.clock,
        }
    }

    async fn serve(
        folder: TempDir,
        listener: TcpListener,
        settings: FederationSettings,
        clock: Arc<ShiftedClock>,
    ) -> TestHost {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let options = EngineOptions {
            data_dir: PathBuf::from(folder.path()),
            genesis: Genesis {
                site_url: url.clone(),
                config: Config::default(),
            },
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            ..EngineOptions::default()
        };
        let (engine, mut received) = Engine::open(options).unwrap();
        let vault = cheap_vault(folder.path());
        let files = Files::open(folder.path(), FileSettings::default()).unwrap();
        let federation = Federation::new(engine.clone(), vault.clone(), settings, Arc::new(files));
        federation.start().await.unwrap();
        let dispatcher = federation.clone();
        let effects = tokio::spawn(async move {
            while let Some(effect) = received.recv().await {
                match effect {
                    Effect::Send {
                        connection,
                        attempt,
                        frame,
                    } => {
                        dispatcher.dispatch_send(connection, attempt, frame);
                    }
                    Effect::SendFile(file) => dispatcher.dispatch_file(file),
                    Effect::SendPicture(picture) => dispatcher.dispatch_picture(picture),
                    Effect::Connection(connection) => dispatcher.connection_changed(connection),
                    _ => {}
                }
            }
        });
        let state = Finish {
            metrics: Arc::new(Metrics::default()),
            answers: answers::answers(),
        };
        let layer = axum::middleware::from_fn_with_state(state, finish::finish);
        let router = federation
            .router()
            .fallback(finish::unknown_route)
            .layer(layer);
        let (stop, stopping) = watch::channel(false);
        let connections = Connections::new(Limits::within(usize::MAX), false);
        let server = tokio::spawn(server::serve(listener, router, connections, stopping));
        TestHost {
            federation,
            engine,
            vault,
            url,
            clock,
            folder,
            stop,
            server,
            effects,
        }
    }

    pub fn shift_clock(&self, ms: i64) {
        self.clock.0.fetch_add(ms, Ordering::Relaxed);
    }

    pub async fn invite(&self, name: &str) -> InvitationCode {
        let password = Secret::new(PASSWORD);
        handshake::create(&self.federation, Actor::System, named(name), &password)
            .await
            .unwrap()
    }

    pub async fn accept(&self, name: &str, code: &Secret) -> Result<ConnectionNo, HandshakeError> {
        let password = Secret::new(PASSWORD);
        let create = named(name);
        handshake::accept(
            &self.federation,
            Actor::System,
            create,
            code.expose(),
            &password,
        )
        .await
    }

    pub fn row(&self, connection: ConnectionNo) -> Option<Connection> {
        self.engine.snapshot().get::<Connection>(&connection)
    }

    pub fn state(&self, connection: ConnectionNo) -> Option<ConnectionState> {
        self.row(connection).map(|row| row.state)
    }

    pub fn connection_of(&self, remote_id: Id) -> Option<ConnectionNo> {
        lookup::connection(&self.engine.snapshot(), remote_id.as_str())
    }

    /// Name of the vault's state of a connection.
    pub fn secrets(&self, remote_id: Id) -> Option<&'static str> {
        self.vault.link(remote_id).unwrap().map(|link| link.name())
    }

    pub fn is_online(&self, connection: ConnectionNo) -> bool {
        self.row(connection).is_some_and(|row| row.last_ping_at > 0)
    }
}

pub fn named(name: &str) -> CreateConnection {
    CreateConnection {
        name: name.into(),
        display_name: String::new(),
        default_team_id: String::new(),
    }
}

/// Two connected workspaces; the first one invited the second.
pub async fn connected(settings: FederationSettings) -> (TestHost, TestHost, Id) {
    let a = TestHost::start(settings.clone()).await;
    let b = TestHost::start(settings).await;
    let invitation = a.invite("site-b").await;
    b.accept("site-a", &invitation.code).await.unwrap();
    let remote_id = a.row(invitation.connection).unwrap().remote_id;
    (a, b, remote_id)
}

/// How long anything may take to happen; far more than it needs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `condition` holds.
pub async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !condition() {
        assert!(
            tokio::time::Instant::now() < deadline,
            "never happened: {what}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A response to a hand-made request.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    /// Whether the body contains these words.
    pub fn says(&self, words: &str) -> bool {
        String::from_utf8_lossy(&self.body).contains(words)
    }

    /// Status and error id.
    pub fn refusal(&self) -> (u16, String) {
        let value: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        assert!(
            !value["request_id"].as_str().unwrap_or_default().is_empty(),
            "{value}"
        );
        assert_eq!(value["status_code"], self.status.as_u16());
        (
            self.status.as_u16(),
            value["id"].as_str().unwrap_or_default().to_string(),
        )
    }
}

/// Sends a hand-made request to a path of the protocol.
pub async fn request(
    method: &str,
    url: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Vec<u8>>,
) -> Answer {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("{url}/api/v4/remotecluster/{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body: Vec<u8> = body.into();
    let request = request.body(Full::new(bytes::Bytes::from(body))).unwrap();
    let client: Client<HttpConnector, _> = Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body,
    }
}
