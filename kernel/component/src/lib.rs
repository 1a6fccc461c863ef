//! The kernel's component-model interface: conversions between the world `kernel` and [`causeway_kernel`],
//! nothing else. No decision is made here.
#![deny(unsafe_code)]

#[cfg(target_arch = "wasm32")]
mod allocator;
mod host;
mod panic;

#[allow(
    unsafe_code,
    missing_docs,
    reason = "generated: calls across the component's boundary are raw pointers"
)]
mod bindings {
    wit_bindgen::generate!({
        world: "kernel",
        path: "../../wit/kernel",
    });

    use super::Component;

    export!(Component);
}

use bindings::causeway::kernel::types;
use bindings::{Context, Failure, Guest};
use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::env::StepContext;
use causeway_kernel::boundary::output::{Output, Write};

// Links the functions that compiled code calls by name.
#[cfg(target_arch = "wasm32")]
use causeway_kernel_compare as _;

struct Component;

impl Guest for Component {
    fn input_versions() -> Vec<u8> {
        codec::INPUT_VERSIONS.to_vec()
    }

    fn step(context: Context, input: Vec<u8>) -> Result<types::Output, Failure> {
        panic::install_hook();
        let input = codec::decode_input(&input)
            .map_err(|error| Failure::UnknownInput(error.to_string()))?;
        let output = causeway_kernel::step::step(&host::Imports, step_context(&context), &input);
        Ok(encode(output))
    }
}

fn step_context(context: &Context) -> StepContext {
    let (high, low) = context.seed;
    StepContext {
        now_ms: context.now_ms,
        seed: ((u128::from(high) << 64) | u128::from(low)).to_be_bytes(),
    }
}

fn encode(output: Output) -> types::Output {
    types::Output {
        reply: codec::encode_reply(&output.reply),
        writes: output.writes.into_iter().map(write).collect(),
        effects: output.effects.iter().map(codec::encode_effect).collect(),
    }
}

fn write(write: Write) -> types::Write {
    types::Write {
        table: write.table.code(),
        key: write.key,
        value: write.value,
    }
}
