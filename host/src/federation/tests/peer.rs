//! A peer that responds as scripted, and records its requests.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::federation::client::INCARNATION_HEADER;

/// The peer's reaction to a request.
#[derive(Clone, Debug)]
pub enum Script {
    /// Responds with this status and body.
    Answer(u16, &'static str),
    /// Responds 200 with this body, as this incarnation of a Causeway.
    AnswerAs(&'static str, &'static str),
    /// The same, once the test allows it.
    HeldAs(Arc<Notify>, &'static str, &'static str),
    /// Responds 200 with this many bytes.
    Flood(usize),
    /// Redirects to itself.
    Redirect,
    /// Never responds.
    Silence,
    /// Breaks the connection after reading the request.
    Break,
}

/// A request received.
#[derive(Clone, Debug)]
pub struct Received {
    pub path: String,
    pub headers: HeaderMap,
    pub body: serde_json::Value,
}

pub struct FakePeer {
    pub url: String,
    scripts: Arc<Mutex<Scripts>>,
    server: JoinHandle<()>,
}

#[derive(Default)]
struct Scripts {
    /// Scripts by the end of the path; the last one is repeated.
    next: Vec<(&'static str, VecDeque<Script>)>,
    received: Vec<Received>,
}

impl FakePeer {
    pub async fn start() -> FakePeer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let scripts: Arc<Mutex<Scripts>> = Arc::default();
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&scripts));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        FakePeer {
            url,
            scripts,
            server,
        }
    }

    /// Scripts the reactions to requests of a path, one after another; the last is repeated.
    pub fn script(&self, path: &'static str, answers: impl IntoIterator<Item = Script>) {
        let mut scripts = self.scripts.lock().unwrap();
        scripts.next.retain(|(known, _)| *known != path);
        scripts.next.push((path, answers.into_iter().collect()));
    }

    pub fn received(&self, path: &str) -> Vec<Received> {
        let scripts = self.scripts.lock().unwrap();
        scripts
            .received
            .iter()
            .filter(|got| got.path.ends_with(path))
            .cloned()
            .collect()
    }
}

impl Drop for FakePeer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(State(scripts): State<Arc<Mutex<Scripts>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let path = parts.uri.path().to_string();
    let script = {
        let mut scripts = scripts.lock().unwrap();
        scripts.received.push(Received {
            path: path.clone(),
            headers: parts.headers,
            body: serde_json::from_slice(&body).unwrap_or_default(),
        });
        let next = scripts
            .next
            .iter_mut()
            .find(|(known, _)| path.ends_with(known));
        match next {
            Some((_, scripts)) if scripts.len() > 1 => scripts.pop_front(),
            Some((_, scripts)) => scripts.front().cloned(),
            None => None,
        }
    };
    match script {
        Some(Script::Answer(status, body)) => {
            (StatusCode::from_u16(status).unwrap(), body).into_response()
        }
        Some(Script::AnswerAs(incarnation, body)) => {
            ([(INCARNATION_HEADER, incarnation)], body).into_response()
        }
        Some(Script::HeldAs(released, incarnation, body)) => {
            released.notified().await;
            ([(INCARNATION_HEADER, incarnation)], body).into_response()
        }
        Some(Script::Flood(bytes)) => "x".repeat(bytes).into_response(),
        Some(Script::Redirect) => axum::response::Redirect::temporary(&path).into_response(),
        Some(Script::Silence) => std::future::pending().await,
        Some(Script::Break) => panic!("the connection breaks here, as scripted"),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
