//! The content filter at acme, loaded and swapped with the service's command line.

use anyhow::Result;
use causeway_tests::command::{component, policy};

use crate::say;
use crate::town::Town;

/// Name of the policy's slot.
const SLOT: &str = "content-filter";

/// Words that may not leave acme, at first and later.
const STRICT: &str = "[outbound]\nfalcon\n";
const LOOSE: &str = "[outbound]\nsalary\n";

/// The policy of acme.
pub struct Filter {
    url: String,
}

impl Filter {
    /// Puts the strict list in force, whatever an earlier run left in the slot.
    pub async fn load(town: &Town) -> Result<Filter> {
        let filter = Filter {
            url: town.acme.workspace.site_url(),
        };
        let loaded = policy(&filter.url, &["list"]).await?.contains(SLOT);
        let verb = if loaded { "swap" } else { "load" };
        filter.put(verb, STRICT).await?;
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
        let path = component(&format!("policies/{SLOT}.wasm"))?;
        let arguments = [verb, SLOT, &path.to_string_lossy(), "--settings", words];
        let said = policy(&self.url, &arguments).await?;
        say(&format!("        {said}"));
        Ok(())
    }
}
