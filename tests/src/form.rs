//! Multipart forms, as clients send them.

use anyhow::Result;
use hyper::Method;

use crate::client::{Answer, Client};

/// A multipart form.
#[derive(Default)]
pub struct Form(
    /// Its parts.
    pub Vec<u8>,
);

const BOUNDARY: &str = "boundary-of-a-form";
/// The type of a form.
pub const FORM: (&str, &str) = (
    "content-type",
    "multipart/form-data; boundary=boundary-of-a-form",
);

impl Form {
    /// Adds a part; `head` are the parameters of its disposition.
    #[must_use]
    pub fn part(mut self, head: &str, bytes: &[u8]) -> Form {
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n");
        self.0.extend_from_slice(head.as_bytes());
        self.0.extend_from_slice(bytes);
        self.0.extend_from_slice(b"\r\n");
        self
    }

    /// Adds a field.
    #[must_use]
    pub fn field(self, name: &str, value: &str) -> Form {
        self.part(&format!("name=\"{name}\""), value.as_bytes())
    }

    /// Adds a file.
    #[must_use]
    pub fn file(self, name: &str, bytes: &[u8]) -> Form {
        let name = name.replace('\\', "\\\\").replace('"', "\\\"");
        self.part(&format!("name=\"files\"; filename=\"{name}\""), bytes)
    }

    /// Sends it.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn send(mut self, client: &Client, path: &str) -> Result<Answer> {
        self.0
            .extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        client.call_bytes(Method::POST, path, self.0, &[FORM]).await
    }
}
