//! Files as clients send and read them.

use anyhow::{Context, Result, ensure};
use causeway_tests::client::{Answer, Client};
pub use causeway_tests::form::{FORM, Form};
use hyper::Method;
use serde_json::Value;

/// A PNG of two red pixels.
pub const PICTURE: &[u8] = &[
    137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, 0, 0, 0, 2, 0, 0, 0, 1, 8, 2, 0,
    0, 0, 123, 64, 232, 221, 0, 0, 0, 13, 73, 68, 65, 84, 120, 156, 99, 248, 207, 192, 0, 68, 0, 8,
    254, 1, 255, 198, 158, 121, 247, 0, 0, 0, 0, 73, 69, 78, 68, 174, 66, 96, 130,
];

/// A value that is a text.
pub fn text(value: &Value) -> Result<String> {
    Ok(value.as_str().context("a text")?.to_string())
}

/// The path of a file.
pub fn path(file: &Value, rest: &str) -> Result<String> {
    Ok(format!("/files/{}{rest}", text(&file["id"])?))
}

/// Reads a path, with headers.
pub async fn get(client: &Client, path: &str, headers: &[(&str, &str)]) -> Result<Answer> {
    client
        .call_bytes(Method::GET, path, Vec::new(), headers)
        .await
}

/// A header of an answer, empty if there is none.
pub fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    let value = answer.headers.get(name).and_then(|it| it.to_str().ok());
    value.unwrap_or_default()
}

/// Fails unless a request was refused in this way.
pub fn refused(answer: &Answer, status: u16, id: &str) -> Result<()> {
    ensure!(
        (answer.status, answer.error_id()) == (status, id),
        "{}: {}",
        answer.status,
        answer.body
    );
    Ok(())
}
