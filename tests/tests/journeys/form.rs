//! Files as clients send them.

use anyhow::{Context, Result};
use causeway_tests::client::{Answer, Client};
use hyper::Method;
use serde_json::Value;

/// A PNG of two red pixels.
pub const PICTURE: &[u8] = &[
    137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, 0, 0, 0, 2, 0, 0, 0, 1, 8, 2, 0,
    0, 0, 123, 64, 232, 221, 0, 0, 0, 13, 73, 68, 65, 84, 120, 156, 99, 248, 207, 192, 0, 68, 0, 8,
    254, 1, 255, 198, 158, 121, 247, 0, 0, 0, 0, 73, 69, 78, 68, 174, 66, 96, 130,
];

/// A multipart form.
#[derive(Default)]
pub struct Form(pub Vec<u8>);

const BOUNDARY: &str = "boundary-of-a-form";
/// The type of a form.
pub const FORM: (&str, &str) = (
    "content-type",
    "multipart/form-data; boundary=boundary-of-a-form",
);

impl Form {
    pub fn part(mut self, head: &str, bytes: &[u8]) -> Form {
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n");
        self.0.extend_from_slice(head.as_bytes());
        self.0.extend_from_slice(bytes);
        self.0.extend_from_slice(b"\r\n");
        self
    }

    /// Adds a field.
    pub fn field(self, name: &str, value: &str) -> Form {
        self.part(&format!("name=\"{name}\""), value.as_bytes())
    }

    /// Adds a file.
    pub fn file(self, name: &str, bytes: &[u8]) -> Form {
        let name = name.replace('\\', "\\\\").replace('"', "\\\"");
        self.part(&format!("name=\"files\"; filename=\"{name}\""), bytes)
    }

    /// Sends it.
    pub async fn send(mut self, client: &Client, path: &str) -> Result<Answer> {
        self.0
            .extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        client.call_bytes(Method::POST, path, self.0, &[FORM]).await
    }
}

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
