//! Size limits for compiling a kernel. A compilation cannot be interrupted, and the time for a function
//! grows faster than its size: so sizes are checked first. A kernel in a session file may come from
//! anybody.

use wasmparser::{Parser, Payload};

/// Maximum bytes of a component; ours has a fifth of that.
pub const COMPONENT_BYTES_MAX: usize = 8 << 20;
/// Maximum bytes of a function; our longest has a seventh of that.
pub const FUNCTION_BYTES_MAX: usize = 1 << 20;
/// Maximum functions of a component; ours has 4 % of that.
pub const FUNCTIONS_MAX: u32 = 20_000;

/// Checks the sizes of a component.
///
/// # Errors
/// What is too large; also if it is not WebAssembly.
pub fn check(wasm: &[u8]) -> Result<(), String> {
    if wasm.len() > COMPONENT_BYTES_MAX {
        return Err(too_large("the component", wasm.len(), COMPONENT_BYTES_MAX));
    }
    let mut functions = 0;
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.map_err(|error| error.to_string())?;
        let Payload::CodeSectionEntry(body) = payload else {
            continue;
        };
        functions += 1;
        if functions > FUNCTIONS_MAX {
            return Err(format!("it has more than {FUNCTIONS_MAX} functions"));
        }
        let bytes = body.range().len();
        if bytes > FUNCTION_BYTES_MAX {
            return Err(too_large("a function", bytes, FUNCTION_BYTES_MAX));
        }
    }
    Ok(())
}

fn too_large(what: &str, bytes: usize, max: usize) -> String {
    format!("{what} has {bytes} bytes; the maximum is {max}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::EMBEDDED_KERNEL;

    /// A module with functions of these lengths in bytes; their content is never examined.
    fn module(lengths: &[usize]) -> Vec<u8> {
        let mut wasm = b"\0asm\x01\0\0\0".to_vec();
        let section = |wasm: &mut Vec<u8>, id: u8, content: &[u8]| {
            wasm.push(id);
            wasm.extend(leb(content.len()));
            wasm.extend(content);
        };
        section(&mut wasm, 1, &[1, 0x60, 0, 0]);
        let types = [leb(lengths.len()), vec![0; lengths.len()]].concat();
        section(&mut wasm, 3, &types);
        let mut code = leb(lengths.len());
        for length in lengths {
            code.extend(leb(*length));
            code.push(0);
            code.extend(vec![1; length - 2]);
            code.push(0x0b);
        }
        section(&mut wasm, 10, &code);
        wasm
    }

    fn leb(mut number: usize) -> Vec<u8> {
        let mut out = Vec::new();
        while number >= 0x80 {
            out.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        out.push(number as u8);
        out
    }

    #[test]
    fn our_kernel_passes_and_what_a_compiler_would_choke_on_does_not() {
        assert_eq!(check(EMBEDDED_KERNEL), Ok(()));
        assert_eq!(check(&module(&[2, FUNCTION_BYTES_MAX])), Ok(()));
        let long = check(&module(&[2, FUNCTION_BYTES_MAX + 1])).unwrap_err();
        assert!(long.contains("a function has"), "{long}");
        let many = check(&module(&vec![2; FUNCTIONS_MAX as usize + 1])).unwrap_err();
        assert!(many.contains("functions"), "{many}");
        let large = check(&vec![0; COMPONENT_BYTES_MAX + 1]).unwrap_err();
        assert!(large.contains("the component"), "{large}");
        assert!(check(b"no component").is_err());
    }
}
