//! The demo, as `make run` starts it, on a machine without any trusted certificate.

use std::process::{Command, Stdio};

use anyhow::{Result, ensure};
use causeway_tests::process::free_port;

#[tokio::test]
async fn the_demo_ends_with_both_sides_the_same_and_goes_on_when_run_again() -> Result<()> {
    let folder = tempfile::tempdir()?;
    // Kept: they are part of the site URLs by which the two know each other.
    let ports = [free_port()?.to_string(), free_port()?.to_string()];
    for run in 1..=2 {
        let mut demo = Command::new(env!("CARGO_BIN_EXE_demo"));
        demo.arg(folder.path())
            .args(["--acme-port", &ports[0]])
            .args(["--globex-port", &ports[1]])
            .env("DEMO", "once")
            .env("SSL_CERT_FILE", "/nonexistent")
            .env("SSL_CERT_DIR", "/nonexistent")
            .stdin(Stdio::null());
        let output = tokio::task::spawn_blocking(move || demo.output()).await??;
        let said = String::from_utf8_lossy(&output.stdout);
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "run {run}: {error}\n{said}");
        ensure!(said.contains("Both sides show the same."), "{said}");
        // In both columns.
        let opening = format!("Voyage {run}:");
        ensure!(said.matches(&opening).count() == 2, "{said}");
        ensure!(
            said.matches("every digest matches the recording").count() == 2,
            "{said}"
        );
    }
    Ok(())
}
