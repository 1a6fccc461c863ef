//! What a file is that is to be a policy, by its first bytes: the compiler's own words for these mistakes tell
//! nobody what to do.

use super::PolicyError;

/// How every WebAssembly file begins.
const MAGIC: &[u8] = b"\0asm";

/// The layer of a core module; a component has another one.
const CORE_MODULE: &[u8] = &[0, 0];

/// Refuses what cannot be a component.
///
/// # Errors
/// What the file is instead, and how to get a component.
pub(super) fn check(file: &[u8]) -> Result<(), PolicyError> {
    let refused = |why: &str| Err(PolicyError::Component(why.into()));
    let Some(rest) = file.strip_prefix(MAGIC) else {
        return refused(
            "the file is not WebAssembly in its binary form; give the component that the policy's build wrote",
        );
    };
    // Two bytes of the version come before the layer.
    if rest.get(2..4) == Some(CORE_MODULE) {
        return refused(
            "the file is a core module and not a component; make a component of it with \
             `wasm-tools component new`, see docs/writing-a-policy.md",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_passes_and_what_else_it_may_be_is_named() {
        let said = |file: &[u8]| check(file).unwrap_err().to_string();
        assert!(check(b"\0asm\x0d\0\x01\0").is_ok());
        assert!(said(b"\0asm\x01\0\0\0").contains("core module"));
        for other in [&b""[..], b"\0as", b"(component)", b"#!/bin/sh"] {
            assert!(said(other).contains("not WebAssembly"), "{other:?}");
        }
        // A truncated one is for the compiler to refuse.
        assert!(check(b"\0asm\x0d\0").is_ok());
    }
}
