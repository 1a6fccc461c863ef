//! Browsers: a web client in a folder is served, and without one the workspace says what it is.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use causeway_tests::hosted::Hosted;
use causeway_tests::socket::{Head, Socket};

/// A file whose name says what is in it.
const SCRIPT: &str = "main.0123456789abcdef0123.js";

/// Writes what a web client consists of.
fn unpack(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder.join("i18n"))?;
    let page = format!("<!doctype html><script src=\"/static/{SCRIPT}\"></script>");
    fs::write(folder.join("root.html"), page)?;
    fs::write(folder.join(SCRIPT), "console.log(1)")?;
    fs::write(folder.join("i18n/de.json"), "{}")?;
    Ok(())
}

/// Asks for a path exactly as it is written; the head and the body of the answer.
async fn get(host: &Hosted, path: &str, fields: &str) -> Result<(Head, String)> {
    let mut socket = Socket::connect(host.url()).await?;
    let fields = format!("connection: close\r\n{fields}");
    socket.ask(&format!("GET {path}"), &fields).await?;
    let head = socket.head().await?;
    let body = String::from_utf8(socket.rest().await?)?;
    Ok((head, body))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unpacked_web_client_is_served_and_nothing_beside_it() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let client = folder.path().join("client");
    unpack(&client)?;
    fs::write(folder.path().join("secret"), "beside it")?;
    let host = Hosted::start("ann", |settings| settings.client = Some(client)).await?;
    // Every path that the client routes itself is its page.
    for path in [
        "/",
        "/login",
        "/crew/channels/town-square?x=1",
        "/admin_console/users",
    ] {
        let (head, page) = get(&host, path, "").await?;
        ensure!(
            head.status() == 200 && page.contains(SCRIPT),
            "{path}: {page}"
        );
        ensure!(head.header("content-type") == "text/html", "{path}");
        ensure!(head.header("cache-control") == "no-cache", "{path}");
        ensure!(head.header("x-frame-options") == "sameorigin", "{path}");
        let may = head.header("content-security-policy");
        ensure!(may.contains("script-src 'self'"), "{path}: {may}");
    }
    let (head, script) = get(&host, &format!("/static/{SCRIPT}"), "").await?;
    ensure!(script == "console.log(1)", "{script}");
    ensure!(head.header("content-type") == "text/javascript");
    ensure!(head.header("cache-control").contains("immutable"));
    ensure!(head.header("x-content-type-options") == "nosniff");
    // A name that may get another content is asked for again.
    let (head, _) = get(&host, "/static/i18n/de.json", "").await?;
    ensure!(head.header("cache-control") == "no-cache");
    ensure!(!head.header("last-modified").is_empty());
    let since = "if-modified-since: Thu, 01 Jan 2099 00:00:00 GMT\r\n";
    let (head, body) = get(&host, "/static/i18n/de.json", since).await?;
    ensure!(head.status() == 304 && body.is_empty(), "{body}");
    // What is not there is refused in the form of the API, and so is what lies beside the folder.
    for path in [
        "/static/missing.js",
        "/static/../secret",
        "/static/%2e%2e/secret",
        "/static/..%2fsecret",
        "/static/",
        "/api/v4/nothing",
        "/plugins/any",
        "/hooks/none",
    ] {
        let (head, body) = get(&host, path, "").await?;
        ensure!(head.status() == 404, "{path}: {} {body}", head.status());
        ensure!(head.header("content-type") == "application/json", "{path}");
        ensure!(body.contains("status_code"), "{path}: {body}");
    }
    host.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_web_client_one_page_says_what_this_is() -> Result<()> {
    let host = Hosted::start("ann", |_| {}).await?;
    let (head, page) = get(&host, "/", "").await?;
    ensure!(head.status() == 200, "{page}");
    ensure!(head.header("content-type") == "text/html; charset=utf-8");
    ensure!(
        page.contains(host.url()) && page.contains("--client DIR"),
        "{page}"
    );
    for path in ["/login", "/static/main.js"] {
        let (head, _) = get(&host, path, "").await?;
        ensure!(head.status() == 404, "{path}");
    }
    host.stop().await;
    Ok(())
}
