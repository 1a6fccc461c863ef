//! The service's binary; see [`causeway::cli`].

use std::process::ExitCode;

/// Gives back what a burst of work took: compiling the kernel, deriving a key, a large answer. The
/// system's allocator keeps most of it for the threads that did the work.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    causeway::cli::run()
}
