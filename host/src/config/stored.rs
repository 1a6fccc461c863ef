//! Settings that were changed while the service ran: a `config.json` in the data directory.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

use super::sharing::Layer;

/// Its name in the data directory.
const NAME: &str = "config.json";
/// Maximum bytes that are read.
const BYTES_MAX: u64 = 1 << 16;

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join(NAME)
}

/// What was changed so far; nothing if there is no such file.
///
/// # Errors
/// When the file cannot be read or holds something else.
pub fn read(data_dir: &Path) -> Result<Layer> {
    let path = path(data_dir);
    let context = || format!("reading {}", path.display());
    match fs::metadata(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Layer::default()),
        Err(error) => return Err(error).with_context(context),
        Ok(found) if found.len() > BYTES_MAX => bail!("{} is too large", path.display()),
        Ok(_) => {}
    }
    let text = fs::read(&path).with_context(context)?;
    let sections: Map<String, Value> = serde_json::from_slice(&text).with_context(context)?;
    let mut layer = Layer::default();
    for (section, members) in &sections {
        let members = members.as_object();
        let members = members.with_context(|| format!("{section} is not an object"));
        let members = members.with_context(context)?;
        layer.read_section(section, members).with_context(context)?;
    }
    Ok(layer)
}

/// Stores what was changed so far, durably.
///
/// # Errors
/// When the disk refuses; the earlier file is still there.
pub fn write(data_dir: &Path, layer: &Layer) -> Result<()> {
    let path = path(data_dir);
    let context = || format!("writing {}", path.display());
    let text = serde_json::to_vec_pretty(&layer.sections()).with_context(context)?;
    let half = path.with_extension("json.half");
    let written = (|| {
        let mut file = fs::File::create(&half)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&half, &path)?;
        fs::File::open(data_dir)?.sync_all()
    })();
    written.with_context(context)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path()).unwrap().is_empty());
        let mut layer = Layer::default();
        let members = json!({"EnableSharedChannelsDMs": true});
        layer
            .read_section("FeatureFlags", members.as_object().unwrap())
            .unwrap();
        write(folder.path(), &layer).unwrap();
        assert_eq!(read(folder.path()).unwrap(), layer);
        for garbage in [
            "",
            "{",
            "[]",
            r#"{"X": 1}"#,
            r#"{"FeatureFlags": {"Y": true}}"#,
        ] {
            fs::write(path(folder.path()), garbage).unwrap();
            assert!(read(folder.path()).is_err(), "{garbage}");
        }
    }
}
