//! The documents match the service.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use causeway::config::sharing::{SETTINGS, Setting};
use causeway::config::{File, Overrides, Settings};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn document(path: &str) -> Result<String> {
    fs::read_to_string(root().join(path)).with_context(|| format!("reading {path}"))
}

#[test]
fn the_configuration_file_of_the_documents_holds_every_key_at_its_default() -> Result<()> {
    let text = document("docs/configuration.md")?;
    let (_, block) = text.split_once("```toml\n").context("no TOML block")?;
    let (block, _) = block.split_once("```").context("an open block")?;
    let file = tempfile::NamedTempFile::new()?;
    fs::write(file.path(), block)?;
    let mut documented = Settings::build(File::read(file.path())?, Overrides::default())?;
    let data = Some(documented.data.clone());
    let overrides = Overrides {
        data,
        ..Overrides::default()
    };
    let default = Settings::build(File::default(), overrides)?;
    // Every setting of what is shared is there, at its default.
    let sharing = std::mem::take(&mut documented.sharing);
    assert_eq!(sharing.effective(), default.sharing.effective());
    let missing = SETTINGS.iter().filter(|it| !sharing.file.has(it));
    assert_eq!(missing.map(Setting::path).collect::<Vec<_>>(), [""; 0]);
    documented.file = File::default();
    assert_eq!(format!("{documented:?}"), format!("{default:?}"));

    // No setting is missing either: every field has its key.
    let fields = format!("{default:#?}");
    let fields = fields.lines().filter_map(|line| line.split_once(": "));
    for (field, _) in fields {
        let key = match field.trim() {
            // Groups of settings, and fields that are not settings of the file.
            "retention"
            | "federation"
            | "segment_bytes"
            | "sharing"
            | "stored"
            | "environment"
            | "sources"
            | "overrides"
            | "file"
            | "files"
            | "integrations"
            | "connected_workspaces"
            | "feature_flags"
            | "causeway"
            | "policies"
            | "notices" => continue,
            "journal_age_ms" => "journal_days",
            "max_file_size" => "MaxFileSize",
            "enable_file_attachments" => "EnableFileAttachments",
            "is_required" | "require_signature" => "RequireSignature",
            "keys" | "trusted_keys" => "TrustedKeys",
            "open_server" => "enable_open_server",
            other => other,
        };
        assert!(block.contains(&format!("{key} = ")), "{key} is not there");
    }
    Ok(())
}

/// The source files of the project.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            sources(&path, found)?;
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
    Ok(())
}

/// The text of all source files of the project.
fn project() -> Result<String> {
    let mut files = Vec::new();
    for folder in ["kernel", "host", "tests"] {
        sources(&root().join(folder), &mut files)?;
    }
    let mut text = String::new();
    for file in files {
        text.push_str(&fs::read_to_string(file)?);
    }
    Ok(text)
}

/// The number of tests that the last column of a row names; all of them must be in the text.
fn named_tests(row: &str, text: &str) -> usize {
    let column = row.trim_end_matches(" |").rsplit("| ").next();
    let names = column.unwrap_or_default().split('`').skip(1).step_by(2);
    let mut named = 0;
    for name in names {
        let is_there = text.contains(&format!("fn {name}("));
        assert!(is_there, "{name} is not there");
        named += 1;
    }
    named
}

#[test]
fn every_test_that_shows_a_difference_from_the_reference_exists() -> Result<()> {
    let project = project()?;
    let text = document("docs/reference-differences.md")?;
    let rows = text.lines().filter(|line| line.starts_with("| W"));
    let shown: usize = rows.map(|row| named_tests(row, &project)).sum();
    assert!(shown > 50, "{shown} tests are named");
    Ok(())
}

#[test]
fn every_known_attack_has_tests_that_exist() -> Result<()> {
    let project = project()?;
    let text = document("docs/security.md")?;
    for number in 1..=27 {
        let begin = format!("| T{number:02} | ");
        let mut rows = text.lines().filter(|line| line.starts_with(&begin));
        let row = rows.next().with_context(|| format!("no row {begin}"))?;
        assert!(named_tests(row, &project) > 0, "{row}");
    }
    Ok(())
}

#[test]
fn every_file_that_a_document_leads_to_exists() -> Result<()> {
    for path in [
        "README.md",
        "docs/architecture.md",
        "docs/configuration.md",
        "docs/admin-api.md",
        "docs/replay.md",
        "docs/search.md",
        "docs/security.md",
        "docs/limits.md",
        "docs/reference-differences.md",
        "docs/writing-a-policy.md",
    ] {
        let text = document(path)?;
        let folder = root().join(path);
        let folder = folder.parent().context("a file stands in a folder")?;
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let target = link.split('#').next().unwrap_or_default();
            let is_local = !target.is_empty() && !target.contains("://");
            assert!(
                !is_local || folder.join(target).exists(),
                "{path}: {target} is not there"
            );
        }
    }
    Ok(())
}
