//! The service's binary; see [`causeway::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    causeway::cli::run()
}
