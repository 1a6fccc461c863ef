//! The other end of a connection: a real HTTP server that answers as a test says and records the
//! requests that it received, and a way to send a request byte for byte.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// How long a request may take; far above what any of them needs.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// A request that was received.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Path.
    pub path: String,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

impl Asked {
    /// A header's value; empty if there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }
}

/// How a request is treated.
#[derive(Clone, Debug)]
pub enum Told {
    /// It is answered.
    Answer(Answered),
    /// It is never answered; the connection stays open until the caller closes it.
    Silence,
    /// The connection is closed without an answer.
    Close,
}

/// An answer, sent or received.
#[derive(Clone, Debug, Default)]
pub struct Answered {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

type Decide = dyn Fn(&Asked) -> Told + Send + Sync;

/// A server on a port of its own.
pub struct Peer {
    address: SocketAddr,
    decide: Arc<Decide>,
    asked: Arc<Mutex<Vec<Asked>>>,
    serving: Mutex<Option<JoinHandle<()>>>,
}

impl Peer {
    /// Starts a server that answers as `decide` says.
    pub async fn start(decide: impl Fn(&Asked) -> Told + Send + Sync + 'static) -> Result<Peer> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let peer = Peer {
            address: listener.local_addr()?,
            decide: Arc::new(decide),
            asked: Arc::default(),
            serving: Mutex::default(),
        };
        peer.serve(listener);
        Ok(peer)
    }

    /// Its base address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests received so far, starting with number `from`.
    #[must_use]
    pub fn asked(&self, from: usize) -> Vec<Asked> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.get(from..).unwrap_or_default().to_vec()
    }

    /// Stops listening and closes every connection, like a process that ends.
    pub async fn down(&self) {
        let serving = {
            let mut serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner);
            serving.take()
        };
        if let Some(serving) = serving {
            serving.abort();
            // Ended by the line above.
            let _ = serving.await;
        }
    }

    /// Listens again at the same address.
    pub async fn up(&self) -> Result<()> {
        let listener = TcpListener::bind(self.address).await;
        self.serve(listener.context("listening at the same address again")?);
        Ok(())
    }

    fn serve(&self, listener: TcpListener) {
        let (decide, asked) = (Arc::clone(&self.decide), Arc::clone(&self.asked));
        let task = tokio::spawn(accept(listener, decide, asked));
        let mut serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner);
        *serving = Some(task);
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let serving = self.serving.get_mut();
        if let Some(task) = serving.unwrap_or_else(PoisonError::into_inner) {
            task.abort();
        }
    }
}

async fn accept(listener: TcpListener, decide: Arc<Decide>, asked: Arc<Mutex<Vec<Asked>>>) {
    // Ends its connections when it is dropped.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (decide, asked) = (Arc::clone(&decide), Arc::clone(&asked));
        let handle = service_fn(move |request| answer(request, decide.clone(), asked.clone()));
        connections.spawn(async move {
            // A broken connection is the other side's problem.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), handle)
                .await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// Why a connection is closed instead of answered.
#[derive(Debug, thiserror::Error)]
enum Closed {
    #[error("closed, as told")]
    AsTold,
    #[error(transparent)]
    Broken(#[from] hyper::Error),
    #[error(transparent)]
    Unusable(#[from] hyper::http::Error),
}

async fn answer(
    request: Request<Incoming>,
    decide: Arc<Decide>,
    log: Arc<Mutex<Vec<Asked>>>,
) -> Result<Response<Full<Bytes>>, Closed> {
    let (parts, body) = request.into_parts();
    let headers = parts
        .headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_string(), value)
        })
        .collect();
    let asked = Asked {
        path: parts.uri.path().to_string(),
        headers,
        body: body.collect().await?.to_bytes().to_vec(),
    };
    let told = decide(&asked);
    log.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(asked);
    let answered = match told {
        Told::Answer(answered) => answered,
        Told::Silence => std::future::pending().await,
        Told::Close => return Err(Closed::AsTold),
    };
    let mut response = Response::builder().status(answered.status);
    for (name, value) in &answered.headers {
        response = response.header(name, value);
    }
    Ok(response.body(Full::from(answered.body))?)
}

/// Sends one request unchanged: only `Host` and `Content-Length` are added.
pub async fn send(
    method: &str,
    url: &str,
    headers: &[(String, String)],
    body: Vec<u8>,
) -> Result<Answered> {
    let mut request = Request::builder().method(Method::from_bytes(method.as_bytes())?);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request.uri(url).body(Full::new(Bytes::from(body)))?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = tokio::time::timeout(REQUEST_TIMEOUT, client.request(request)).await;
    let Ok(response) = response else {
        bail!("no answer from {url} within {REQUEST_TIMEOUT:?}");
    };
    let (parts, body) = response
        .with_context(|| format!("{method} {url}"))?
        .into_parts();
    let headers = parts
        .headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_string(), value)
        })
        .collect();
    Ok(Answered {
        status: parts.status.as_u16(),
        headers,
        body: body.collect().await?.to_bytes().to_vec(),
    })
}

/// The value of a sample of a workspace's `/metrics`, 0 if it is missing; `name` includes its labels.
pub async fn metric(site_url: &str, name: &str) -> Result<u64> {
    let page = send("GET", &format!("{site_url}/metrics"), &[], Vec::new()).await?;
    let page = String::from_utf8(page.body)?;
    let value = page
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
        .unwrap_or("0");
    value.parse().with_context(|| format!("{name} is {value}"))
}
