//! The configuration file: TOML, or a `config.json` of Mattermost.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::sharing::{self, Layer, SECTIONS, SettingError};
use super::{LogFormat, PolicySettings};
use crate::federation::FederationSettings;
use crate::files::FileSettings;
use crate::integrations::IntegrationSettings;

/// Maximum bytes of a configuration file; a larger one is refused.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The section in which servers before 10.2 had some of the settings.
const EXPERIMENTAL: &str = "ExperimentalSettings";
/// The settings that were there.
const MOVED: [&str; 2] = ["EnableSharedChannels", "EnableRemoteClusterService"];

/// Contents of the configuration file. Every key is optional.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct File {
    /// See [`Settings::data`](super::Settings::data).
    pub data: Option<PathBuf>,
    /// See [`Settings::listen`](super::Settings::listen).
    pub listen: Option<SocketAddr>,
    /// See [`Settings::site_url`](super::Settings::site_url).
    pub site_url: Option<String>,
    /// Whether anybody may sign up.
    pub enable_open_server: bool,
    /// Whether a channel's history is sent to a newly invited connection.
    pub backfill: bool,
    /// Minimum bytes of journal to keep; see [`Settings::retention`](super::Settings::retention).
    pub journal_bytes: Option<u64>,
    /// Days after which journal entries are dropped even if there is room.
    pub journal_days: Option<u32>,
    /// See [`Settings::federation`](super::Settings::federation).
    pub federation: FederationSettings,
    /// See [`Settings::integrations`](super::Settings::integrations).
    pub integrations: IntegrationSettings,
    /// See [`Settings::files`](super::Settings::files).
    #[serde(rename = "FileSettings")]
    pub files: FileSettings,
    /// See [`Settings::policies`](super::Settings::policies).
    #[serde(rename = "PolicySettings")]
    pub policies: PolicySettings,
    /// See [`Settings::allowed_origins`](super::Settings::allowed_origins).
    pub allowed_origins: Vec<String>,
    /// See [`Settings::client_address_header`](super::Settings::client_address_header).
    pub client_address_header: String,
    /// See [`Settings::metrics_public`](super::Settings::metrics_public).
    pub metrics_public: bool,
    /// See [`Settings::client`](super::Settings::client).
    pub client: Option<PathBuf>,
    /// See [`Settings::log_format`](super::Settings::log_format).
    pub log_format: LogFormat,
    /// See [`Settings::log_filter`](super::Settings::log_filter).
    pub log_filter: Option<String>,
    #[serde(rename = "ConnectedWorkspacesSettings")]
    connected_workspaces: Map<String, Value>,
    #[serde(rename = "FeatureFlags")]
    feature_flags: Map<String, Value>,
    #[serde(rename = "CausewaySettings")]
    causeway: Map<String, Value>,
    /// What an administrator should know about the file.
    #[serde(skip)]
    pub notices: Vec<String>,
}

impl File {
    /// Reads a configuration file; one that begins with a brace is a `config.json`.
    ///
    /// # Errors
    /// When it cannot be read, is too large, or holds an unknown key or a wrong value.
    pub fn read(path: &Path) -> Result<File> {
        let context = || format!("reading the configuration file {}", path.display());
        let length = std::fs::metadata(path).with_context(context)?.len();
        if length > FILE_BYTES_MAX {
            bail!("the configuration file is larger than {FILE_BYTES_MAX} bytes");
        }
        let text = std::fs::read_to_string(path).with_context(context)?;
        let file = if text.trim_start().starts_with('{') {
            File::of_json(&text).with_context(context)?
        } else {
            toml::from_str(&text).with_context(context)?
        };
        file.sharing().with_context(context)?;
        Ok(file)
    }

    /// Takes our sections of a `config.json`; the others are named in a notice.
    fn of_json(text: &str) -> Result<File> {
        let mut sections: Map<String, Value> = serde_json::from_str(text)?;
        let mut file = File::default();
        for (name, section) in [
            (
                sharing::CONNECTED_WORKSPACES,
                &mut file.connected_workspaces,
            ),
            (sharing::FEATURE_FLAGS, &mut file.feature_flags),
            (sharing::CAUSEWAY, &mut file.causeway),
        ] {
            match sections.remove(name) {
                None | Some(Value::Null) => {}
                Some(Value::Object(members)) => *section = members,
                Some(_) => bail!("{name} must be an object"),
            }
        }
        if let Some(Value::Object(members)) = sections.get(EXPERIMENTAL) {
            file.convert(members);
        }
        let ignored: Vec<&str> = sections.keys().map(String::as_str).collect();
        if !ignored.is_empty() {
            file.notices.push(format!(
                "of the configuration file, only the sections {} are used; ignored: {}",
                SECTIONS.join(", "),
                ignored.join(", ")
            ));
        }
        Ok(file)
    }

    /// Takes over settings from where older servers had them, unless they are set in their present place.
    fn convert(&mut self, experimental: &Map<String, Value>) {
        for key in MOVED {
            let Some(value) = experimental.get(key) else {
                continue;
            };
            if !self.connected_workspaces.contains_key(key) {
                self.connected_workspaces.insert(key.into(), value.clone());
                let section = sharing::CONNECTED_WORKSPACES;
                self.notices.push(format!(
                    "{EXPERIMENTAL}.{key} is used as {section}.{key}, its name since 10.2"
                ));
            }
        }
    }

    /// What the file says of what is shared with connected workspaces.
    ///
    /// # Errors
    /// Names the first key that is unknown or has a wrong value.
    pub fn sharing(&self) -> Result<Layer, SettingError> {
        let mut layer = Layer::default();
        layer.read_section(sharing::CONNECTED_WORKSPACES, &self.connected_workspaces)?;
        layer.read_section(sharing::FEATURE_FLAGS, &self.feature_flags)?;
        layer.read_section(sharing::CAUSEWAY, &self.causeway)?;
        Ok(layer)
    }

    /// Whether a change to another file needs more than a running service can take over.
    #[must_use]
    pub fn needs_restart(&self, other: &File) -> bool {
        let fixed = |file: &File| File {
            enable_open_server: false,
            backfill: false,
            connected_workspaces: Map::new(),
            feature_flags: Map::new(),
            causeway: Map::new(),
            notices: Vec::new(),
            ..file.clone()
        };
        fixed(self) != fixed(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<File> {
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), text)?;
        File::read(file.path())
    }

    fn layer(section: &str, key: &str, value: Value) -> Layer {
        let mut layer = Layer::default();
        let members = [(key.to_string(), value)].into_iter().collect();
        layer.read_section(section, &members).unwrap();
        layer
    }

    #[test]
    fn our_sections_of_a_config_json_are_read_and_the_others_named() {
        let file = read(
            r#"{"ServiceSettings": {"SiteURL": "https://a.example"}, "SqlSettings": {},
                "FeatureFlags": {"EnableSharedChannelsDMs": true}}"#,
        )
        .unwrap();
        let expected = layer("FeatureFlags", "EnableSharedChannelsDMs", true.into());
        assert_eq!(file.sharing().unwrap(), expected);
        assert_eq!(file.site_url, None);
        let [notice] = &file.notices[..] else {
            panic!("{:?}", file.notices);
        };
        assert!(
            notice.ends_with("ignored: ServiceSettings, SqlSettings"),
            "{notice}"
        );
    }

    #[test]
    fn settings_are_found_where_older_servers_had_them() {
        let old = r#""ExperimentalSettings": {"EnableSharedChannels": false, "Other": 1}"#;
        let file = read(&format!("{{{old}}}")).unwrap();
        let section = "ConnectedWorkspacesSettings";
        let off = layer(section, "EnableSharedChannels", false.into());
        assert_eq!(file.sharing().unwrap(), off);
        assert!(
            file.notices[0].starts_with("ExperimentalSettings.EnableSharedChannels is used as")
        );
        // What stands in its present place counts.
        let new = r#""ConnectedWorkspacesSettings": {"EnableSharedChannels": true}"#;
        let file = read(&format!("{{{old}, {new}}}")).unwrap();
        let on = layer(section, "EnableSharedChannels", true.into());
        assert_eq!(file.sharing().unwrap(), on);
    }

    #[test]
    fn both_forms_refuse_what_is_wrong_in_our_sections() {
        for text in [
            "[FeatureFlags]\nEnableSharedChannelsDM = true",
            "[ConnectedWorkspacesSettings]\nMaxPostsPerSync = 0",
            "[ConnectedWorkspacesSettings]\nMaxPostsPerSync = 'ten'",
            r#"{"FeatureFlags": {"EnableSharedChannelsDM": true}}"#,
            r#"{"ConnectedWorkspacesSettings": {"MaxPostsPerSync": 201}}"#,
            r#"{"ConnectedWorkspacesSettings": [1]}"#,
            r#"{"ConnectedWorkspacesSettings": {}"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        let error = read("[FeatureFlags]\nEnableSharedChannelsDM = true").unwrap_err();
        let error = format!("{error:#}");
        assert!(
            error.contains("FeatureFlags.EnableSharedChannelsDM is not a setting"),
            "{error}"
        );
        assert!(read("[FeatureFlags]\nEnableSharedChannelsDMs = true").is_ok());
    }

    #[test]
    fn only_changes_that_a_running_service_cannot_take_over_need_a_restart() {
        let file = |text: &str| read(text).unwrap();
        let before = file("listen = '127.0.0.1:1'");
        let shared = "listen = '127.0.0.1:1'\nbackfill = true\n[FeatureFlags]\n\
                      EnableSharedChannelsDMs = true";
        assert!(!before.needs_restart(&file(shared)));
        assert!(before.needs_restart(&file("listen = '127.0.0.1:2'")));
    }
}
