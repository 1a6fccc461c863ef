//! Requests to the API: every route, with any path and body, gets an answer in the API's own shape.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};
use causeway_tests::client::{Answer, Client};
use causeway_tests::hosted::Hosted;
use hyper::Method;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::Target;
use crate::seeds::path;

pub const TARGET: Target = Target {
    name: "http-bodies",
    run,
    seeds,
    cases: 600,
};

/// Methods of routes.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// Statuses above 499 that are expected: 501 (not implemented) and 503 (not now); and 500, with which
/// the reference refuses some requests, unless it reports an unexpected error.
const HONEST: [u16; 3] = [500, 501, 503];
const UNTHOUGHT_OF: &str = "api.context.internal.app_error";

/// An input is a line `METHOD /path`, followed by the body. In both, placeholders in braces, as in
/// routes, are replaced by the ids of objects of that kind in the workspace.
fn run(input: &[u8]) {
    let mut parts = input.splitn(2, |byte| *byte == b'\n');
    let head = String::from_utf8_lossy(parts.next().unwrap_or_default());
    let body = parts.next().unwrap_or_default();
    if let Some((method, path)) = head.split_once(' ') {
        send(method, path, body);
    }
}

/// Sends a request and checks its answer.
pub fn send(method: &str, path: &str, body: &[u8]) {
    let service = service();
    let path = service.fill(path);
    let body = service.fill(&String::from_utf8_lossy(body));
    let Ok(method) = method.parse::<Method>() else {
        return;
    };
    if !is_sendable(&method, &path) {
        return;
    }
    let answer = service.runtime.block_on(async {
        let client = service.client(&path).await?;
        let request = client.call_bytes(method.clone(), &path, body.into_bytes(), &[]);
        request.await
    });
    let answer = answer.unwrap_or_else(|error| panic!("{method} {path}: no answer: {error:#}"));
    check(&answer).unwrap_or_else(|error| panic!("{method} {path}: {error:#}"));
}

/// Whether a client library can send it: the path has to be valid, and `CONNECT` and `HEAD` differ.
fn is_sendable(method: &Method, path: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
    path.starts_with('/')
        && path.bytes().all(is_plain)
        && path.parse::<hyper::Uri>().is_ok()
        && METHODS.contains(&method.as_str())
        && !path.contains("websocket")
}

fn check(answer: &Answer) -> Result<()> {
    let status = answer.status;
    ensure!(
        status < 500 || HONEST.contains(&status) && answer.error_id() != UNTHOUGHT_OF,
        "status {status}: {}",
        answer.body
    );
    if status >= 400 {
        let error = answer.body.as_object().context("an error is an object")?;
        for key in ["id", "message", "detailed_error", "request_id"] {
            ensure!(
                error.get(key).is_some_and(Value::is_string),
                "no {key}: {}",
                answer.body
            );
        }
        ensure!(answer.body["status_code"] == status, "{}", answer.body);
    }
    Ok(())
}

/// A service with an administrator, a channel and a post.
struct Service {
    runtime: Runtime,
    hosted: Hosted,
    names: Vec<(&'static str, String)>,
}

fn service() -> &'static Service {
    static SERVICE: OnceLock<Service> = OnceLock::new();
    SERVICE.get_or_init(|| Service::start().expect("the service starts"))
}

impl Service {
    fn start() -> Result<Service> {
        let runtime = Runtime::new()?;
        let (hosted, names) = runtime.block_on(async {
            let hosted = Hosted::start("admin", |_| ()).await?;
            let names = populate(&hosted).await?;
            anyhow::Ok((hosted, names))
        })?;
        Ok(Service {
            runtime,
            hosted,
            names,
        })
    }

    /// A client that may do everything; requests that end sessions get a client of their own.
    async fn client(&self, path: &str) -> Result<Client> {
        if path.contains("log") || path.contains("password") {
            self.hosted.admin_session().await
        } else {
            Ok(self.hosted.side.admin.clone())
        }
    }

    fn fill(&self, text: &str) -> String {
        let mut text = text.to_string();
        for (name, value) in &self.names {
            text = text.replace(name, value);
        }
        text
    }
}

async fn populate(hosted: &Hosted) -> Result<Vec<(&'static str, String)>> {
    let admin = &hosted.side.admin;
    let id = |value: &Value| value["id"].as_str().unwrap_or_default().to_string();
    let me = admin.get("/users/me").await?;
    let channel = json!({
        "team_id": hosted.side.team_id, "name": "pier", "display_name": "Pier", "type": "O",
    });
    let channel = admin.post("/channels", channel).await?;
    let body = json!({ "channel_id": id(&channel), "message": "a first post" });
    let post = admin.post("/posts", body).await?;
    let body = json!({
        "name": "globex", "display_name": "Globex", "password": "a word",
        "default_team_id": hosted.side.team_id,
    });
    let made = admin.post("/remotecluster", body).await?;
    Ok(vec![
        ("{user_id}", id(&me)),
        ("{other_user_id}", id(&me)),
        ("{team_id}", hosted.side.team_id.clone()),
        ("{channel_id}", id(&channel)),
        ("{post_id}", id(&post)),
        (
            "{remote_id}",
            made["remote_cluster"]["remote_id"]
                .as_str()
                .unwrap_or_default()
                .into(),
        ),
        ("{name}", "pier".into()),
        ("{team}", "crew".into()),
        ("{username}", "admin".into()),
        ("{emoji}", "smile".into()),
        ("{category}", "display".into()),
        ("{number}", "1".into()),
    ])
}

/// Every route with every method, once with a body that has most of the members that a handler may
/// look for.
fn seeds() -> Vec<Vec<u8>> {
    let body = json!({
        "id": "{post_id}", "user_id": "{user_id}", "team_id": "{team_id}",
        "channel_id": "{channel_id}", "post_id": "{post_id}", "root_id": "",
        "remote_id": "{remote_id}", "name": "a-name", "display_name": "A name", "type": "O",
        "username": "somebody", "email": "somebody@workspace.test", "password": "Long-enough-1",
        "current_password": "x", "new_password": "Long-enough-2", "login_id": "admin",
        "message": "hello @admin", "props": {}, "emoji_name": "smile", "term": "a",
        "command": "/share-channel status", "category": "display", "value": "1",
        "nickname": "", "first_name": "", "last_name": "", "position": "", "locale": "en",
        "header": "", "purpose": "", "invite": "abcd", "default_team_id": "{team_id}",
    });
    let list = json!(["{user_id}", "{post_id}", "admin"]);
    let mut seeds = Vec::new();
    for route in routes() {
        for method in METHODS {
            for body in [&body, &list] {
                seeds.push(format!("{method} {route}\n{body}").into_bytes());
            }
        }
    }
    seeds
}

/// The routes under `/api/v4`, from the sources of the service.
fn routes() -> BTreeSet<String> {
    let folder = path("../host/src/api");
    let mut routes = BTreeSet::new();
    collect(&folder, &mut routes);
    assert!(
        routes.len() > 50,
        "the routes are not where they were: {routes:?}"
    );
    routes
}

fn collect(folder: &Path, routes: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("the sources are there") {
        let path = entry.expect("a source file").path();
        if path.is_dir() {
            collect(&path, routes);
            continue;
        }
        let text = fs::read_to_string(&path).expect("sources are text");
        for part in text.split(".route(").skip(1) {
            let literal = part.trim_start().strip_prefix('"');
            routes.extend(literal.and_then(|it| Some(it.split_once('"')?.0.to_string())));
        }
    }
}
