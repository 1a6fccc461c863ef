//! Invitation codes: the text that an admin pastes, and the opened contents of a code.

use causeway::federation::invitation;
use serde_json::Value;

use super::Target;
use crate::seeds::path;

pub const TARGET: Target = Target {
    name: "invitations",
    run,
    seeds,
    cases: 2_000,
};

fn run(bytes: &[u8]) {
    // The sealed contents are JSON; the text of a code never is.
    if let Ok(invitation) = invitation::read(bytes) {
        assert!(!invitation.token.expose().is_empty());
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(sealed) = invitation::sealed_bytes(text)
    {
        assert!(sealed.len() < text.len());
    }
}

/// Codes of the test vectors, and their contents.
fn seeds() -> Vec<Vec<u8>> {
    let text = std::fs::read_to_string(path("fixtures/vectors/invite.json"));
    let vectors: Value = serde_json::from_str(&text.expect("the vectors are there")).expect("JSON");
    let vectors = vectors["vectors"].as_array().cloned().unwrap_or_default();
    let of = |vector: &Value| {
        let code = vector["invite"].as_str().expect("a vector has a code");
        let json = vector["plaintext"]
            .as_str()
            .expect("a vector has an object");
        [code.as_bytes().to_vec(), json.as_bytes().to_vec()]
    };
    vectors.iter().flat_map(of).collect()
}
