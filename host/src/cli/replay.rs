//! `causeway replay`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};

pub fn run(data: &Path) -> Result<ExitCode> {
    bail!(
        "{} holds no journal: this build keeps the workspace in memory, so there is nothing to replay",
        data.display()
    )
}
