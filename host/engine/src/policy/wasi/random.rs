//! Numbers that look random and follow from the time of the step. They are no secret.

use wasmtime::component::Linker;
use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed, random};

use super::super::guest::Guest;
use super::{Own, Wasi};

pub(super) fn provide(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    random::add_to_linker::<Guest, Own>(linker, Guest::wasi)?;
    insecure::add_to_linker::<Guest, Own>(linker, Guest::wasi)?;
    insecure_seed::add_to_linker::<Guest, Own>(linker, Guest::wasi)
}

/// What the numbers are derived for.
const PURPOSE: &str = "causeway 2026-11-30 random numbers of a policy";

/// Maximum bytes of one call: what `getentropy` gives at a time.
const BYTES_MAX: u64 = 256;

/// An endless sequence of numbers.
pub(super) struct Numbers(blake3::OutputReader);

impl Numbers {
    /// The sequence of every instance that is asked in a step at this time.
    pub(super) fn of_step(now_ms: i64) -> Numbers {
        let mut hasher = blake3::Hasher::new_derive_key(PURPOSE);
        hasher.update(&now_ms.to_be_bytes());
        Numbers(hasher.finalize_xof())
    }

    fn bytes(&mut self, wanted: u64) -> wasmtime::Result<Vec<u8>> {
        let len = usize::try_from(wanted.min(BYTES_MAX))?;
        if wanted > BYTES_MAX {
            return Err(wasmtime::Error::msg(format!(
                "it asked for {wanted} random bytes at once; the maximum is {BYTES_MAX}"
            )));
        }
        let mut bytes = vec![0; len];
        self.0.fill(&mut bytes);
        Ok(bytes)
    }

    fn number(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

impl random::Host for Wasi {
    fn get_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.count()?;
        self.numbers.bytes(len)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        self.count()?;
        Ok(self.numbers.number())
    }
}

impl insecure::Host for Wasi {
    fn get_insecure_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.count()?;
        self.numbers.bytes(len)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        self.count()?;
        Ok(self.numbers.number())
    }
}

impl insecure_seed::Host for Wasi {
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        self.count()?;
        Ok((self.numbers.number(), self.numbers.number()))
    }
}
