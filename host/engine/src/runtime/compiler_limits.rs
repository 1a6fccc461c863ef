//! Size limits for compiling a component. A compilation cannot be interrupted, and the time for a function
//! grows faster than its size: so sizes are checked first. A kernel in a session file may come from
//! anybody, and so may a policy.

use wasmparser::{Parser, Payload};

/// Maximum bytes of a function; our kernel's longest has a seventh of that.
pub const FUNCTION_BYTES_MAX: usize = 1 << 20;

/// The limits for a kind of component.
#[derive(Clone, Copy, Debug)]
pub struct CompilerLimits {
    /// Maximum bytes of the component.
    pub component_bytes: usize,
    /// Maximum functions of all its modules.
    pub functions: u32,
}

/// Those for a kernel: ours has a fifth of the bytes and 4 % of the functions.
pub const KERNEL_LIMITS: CompilerLimits = CompilerLimits {
    component_bytes: 8 << 20,
    functions: 20_000,
};

/// Checks the sizes of a component.
///
/// # Errors
/// What is too large; also if it is not WebAssembly.
pub fn check(wasm: &[u8], limits: CompilerLimits) -> Result<(), String> {
    let (bytes, max) = (wasm.len(), limits.component_bytes);
    if bytes > max {
        return Err(too_large("the component", bytes, max));
    }
    let mut functions = 0;
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.map_err(|error| format!("it cannot be parsed: {error}"))?;
        let Payload::CodeSectionEntry(body) = payload else {
            continue;
        };
        functions += 1;
        if functions > limits.functions {
            return Err(format!("it has more than {} functions", limits.functions));
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
        assert_eq!(check(EMBEDDED_KERNEL, KERNEL_LIMITS), Ok(()));
        assert_eq!(
            check(&module(&[2, FUNCTION_BYTES_MAX]), KERNEL_LIMITS),
            Ok(())
        );
        let long = check(&module(&[2, FUNCTION_BYTES_MAX + 1]), KERNEL_LIMITS).unwrap_err();
        assert!(long.contains("a function has"), "{long}");
        let many = check(&module(&[2; 20_001]), KERNEL_LIMITS).unwrap_err();
        assert!(many.contains("functions"), "{many}");
        let large = check(&[0; (8 << 20) + 1], KERNEL_LIMITS).unwrap_err();
        assert!(large.contains("the component"), "{large}");
        assert!(check(b"no component", KERNEL_LIMITS).is_err());
    }
}
