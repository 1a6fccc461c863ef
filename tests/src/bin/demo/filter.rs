//! The content filter at acme, loaded and swapped by the service's command line.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use causeway_tests::process::binary;
use causeway_tests::scene::PASSWORD;

use crate::say;
use crate::town::Town;

/// Name of the policy's slot.
const SLOT: &str = "content-filter";

/// Words that may not leave acme at first, and later.
const STRICT: &str = "[outbound]\nfalcon\n";
const LOOSE: &str = "[outbound]\nsalary\n";

/// The policy of acme.
pub struct Filter {
    url: String,
    component: PathBuf,
}

impl Filter {
    /// Puts the strict list in force, whatever an earlier run left there.
    pub async fn load(town: &Town) -> Result<Filter> {
        let binary = binary()?;
        let target = binary
            .ancestors()
            .nth(2)
            .context("the binary stands in target/release")?;
        let filter = Filter {
            url: town.acme.workspace.site_url(),
            component: target.join("components/policies/content-filter.wasm"),
        };
        let loaded = filter.causeway(&["list"]).await?.contains(SLOT);
        filter
            .put(if loaded { "swap" } else { "load" }, STRICT)
            .await?;
        say("acme:   no post with the word \"falcon\" leaves");
        Ok(filter)
    }

    /// Swaps the strict list for the loose one.
    pub async fn swap(&self) -> Result<()> {
        self.put("swap", LOOSE).await?;
        say("acme:   \"falcon\" may leave, \"salary\" may not");
        Ok(())
    }

    async fn put(&self, verb: &str, words: &str) -> Result<()> {
        say(&format!(
            "acme:   causeway policy {verb} {SLOT} {SLOT}.wasm --settings …"
        ));
        let component = self.component.to_string_lossy();
        let said = self
            .causeway(&[verb, SLOT, &component, "--settings", words])
            .await?;
        say(&format!("        {}", said.trim()));
        Ok(())
    }

    /// `causeway policy …`, as the administrator of acme.
    async fn causeway(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(binary()?);
        command
            .args(["policy", "--url", &self.url, "--login", "admin"])
            .args(arguments)
            .env("CAUSEWAY_PASSWORD", PASSWORD)
            .stdin(Stdio::null());
        let output = tokio::task::spawn_blocking(move || command.output())
            .await?
            .context("starting causeway policy")?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
