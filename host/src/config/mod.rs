//! Settings of the service, from flags, environment, file and defaults, in this order of precedence. What is
//! shared with connected workspaces ([`sharing`]) can also be changed while the service runs ([`stored`]).

mod file;
mod policies;
pub mod sharing;
pub mod stored;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use axum::http::HeaderName;
use causeway_engine::Retention;
use causeway_engine::policy::Trust;
use causeway_kernel::model::Config as KernelConfig;
use serde::Deserialize;

pub use file::File;
pub use policies::PolicySettings;
use sharing::{Layer, Layers};

use crate::federation::{FederationSettings, SiteUrl};
use crate::files::FileSettings;
use crate::integrations::IntegrationSettings;

/// Settings of a service.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Data directory.
    pub data: PathBuf,
    /// Address to listen on.
    pub listen: SocketAddr,
    /// Site URL that peers and clients use, without trailing slash; if empty, that of the listening address.
    pub site_url: String,
    /// Whether anybody may sign up.
    pub open_server: bool,
    /// Whether a channel's history is sent to a newly invited connection.
    pub backfill: bool,
    /// What is shared with connected workspaces, by source.
    pub sharing: Layers,
    /// Where the settings come from.
    pub sources: Sources,
    /// The configuration file that was read.
    pub file: File,
    /// How much of the journal is kept.
    pub retention: Retention,
    /// How the service communicates with its peers.
    pub federation: FederationSettings,
    /// Whether there are files, and how large they may be.
    pub files: FileSettings,
    /// How integrations are called.
    pub integrations: IntegrationSettings,
    /// Which signatures of policies are accepted.
    pub policies: Trust,
    /// Further origins whose pages may open the WebSocket.
    pub allowed_origins: Vec<String>,
    /// Header in which a reverse proxy names the client's address; empty if there is none.
    pub client_address_header: String,
    /// Whether `/metrics` is also served to other machines.
    pub metrics_public: bool,
    /// Folder of an unpacked web client.
    pub client: Option<PathBuf>,
    /// How the log is written.
    pub log_format: LogFormat,
    /// Log filter in the syntax of `tracing`, e.g. `info,causeway=debug`.
    pub log_filter: String,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// A day, in ms.
const DAY_MS: i64 = 24 * 3_600_000;

/// Settings from flags and environment, which take precedence over the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// See [`Settings::data`].
    pub data: Option<PathBuf>,
    /// See [`Settings::listen`].
    pub listen: Option<SocketAddr>,
    /// See [`Settings::site_url`].
    pub site_url: Option<String>,
    /// See [`Settings::client_address_header`].
    pub client_address_header: Option<String>,
    /// See [`Settings::client`].
    pub client: Option<PathBuf>,
    /// Forces [`FederationSettings::allow_private_targets`] on, whatever the file says.
    pub allow_private_targets: bool,
    /// See [`Settings::log_format`].
    pub log_format: Option<LogFormat>,
    /// See [`Settings::log_filter`].
    pub log_filter: Option<String>,
}

/// Where settings come from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Path of the configuration file.
    pub file: Option<PathBuf>,
    /// Flags, and environment variables that stand for them.
    pub overrides: Overrides,
    /// What environment variables say of what is shared with connected workspaces.
    pub environment: Layer,
}

impl Sources {
    /// The configuration file, if there is one.
    ///
    /// # Errors
    /// Those of reading it.
    pub fn read_file(&self) -> Result<File> {
        let file = self.file.as_deref().map(File::read).transpose()?;
        Ok(file.unwrap_or_default())
    }
}

impl Settings {
    /// Reads all sources.
    ///
    /// # Errors
    /// When one cannot be read, a required setting is missing, or a value is invalid.
    pub fn load(sources: Sources) -> Result<Settings> {
        let file = sources.read_file()?;
        let mut settings = Settings::build(file, sources.overrides.clone())?;
        settings.sharing.environment = sources.environment.clone();
        settings.sharing.stored = stored::read(&settings.data)?;
        let sharing = settings.sharing.effective();
        sharing.check(settings.federation.ping_period_ms)?;
        settings.sources = sources;
        Ok(settings)
    }

    /// Settings that the kernel's decisions depend on.
    #[must_use]
    pub fn kernel(&self) -> KernelConfig {
        KernelConfig {
            posts_per_sync_max: self.sharing.effective().posts_per_sync_max,
            open_server: self.open_server,
            backfill: self.backfill,
        }
    }

    /// Merges flags, environment and file.
    ///
    /// # Errors
    /// When a required setting is missing, or a value is invalid.
    pub fn build(file: File, overrides: Overrides) -> Result<Settings> {
        let as_read = file.clone();
        let sharing = Layers {
            file: file.sharing()?,
            ..Layers::default()
        };
        let data = overrides.data.or(file.data);
        let data = data.context("no data directory: set --data or the key `data`")?;
        let listen = overrides.listen.or(file.listen);
        let listen = listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8065)));
        let site_url = overrides.site_url.or(file.site_url);
        let site_url = site_url
            .as_deref()
            .map(checked_site_url)
            .transpose()?
            .unwrap_or_default();
        let client_address_header = overrides
            .client_address_header
            .unwrap_or(file.client_address_header);
        if !client_address_header.is_empty() {
            HeaderName::try_from(&client_address_header).with_context(|| {
                format!(
                    "client_address_header is {client_address_header:?}, not a valid header name"
                )
            })?;
        }
        Ok(Settings {
            data,
            listen,
            site_url,
            open_server: file.enable_open_server,
            backfill: file.backfill,
            sharing,
            sources: Sources::default(),
            file: as_read,
            retention: Retention {
                journal_bytes: file
                    .journal_bytes
                    .unwrap_or(Retention::default().journal_bytes),
                journal_age_ms: file.journal_days.map(|days| i64::from(days) * DAY_MS),
                ..Retention::default()
            },
            federation: FederationSettings {
                allow_private_targets: overrides.allow_private_targets
                    || file.federation.allow_private_targets,
                ..file.federation
            },
            files: file.files,
            integrations: file.integrations,
            policies: file.policies.trust()?,
            allowed_origins: file.allowed_origins,
            client_address_header,
            metrics_public: file.metrics_public,
            client: overrides.client.or(file.client),
            log_format: overrides.log_format.unwrap_or(file.log_format),
            log_filter: overrides
                .log_filter
                .or(file.log_filter)
                .unwrap_or_else(|| "info".to_string()),
        })
    }

    /// The origin of the site URL: scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> &str {
        let after_scheme = self.site_url.find("://").map_or(0, |at| at + 3);
        let rest = self.site_url.get(after_scheme..).unwrap_or_default();
        let end = rest
            .find('/')
            .map_or(self.site_url.len(), |at| after_scheme + at);
        self.site_url.get(..end).unwrap_or(&self.site_url)
    }
}

/// A site URL as it is stored. Protocol §4.1.
fn checked_site_url(text: &str) -> Result<String> {
    let Some(site_url) = SiteUrl::parse(text.trim()) else {
        bail!("the site URL must look like https://chat.example.org, but is {text:?}");
    };
    Ok(site_url.as_str().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overrides() -> Overrides {
        Overrides {
            data: Some("d".into()),
            ..Overrides::default()
        }
    }

    #[test]
    fn flags_stand_above_the_file_and_the_file_above_defaults() {
        let file: File =
            toml::from_str("listen = '127.0.0.1:1'\nsite_url = 'https://a.example/'").unwrap();
        let settings = Settings::build(file.clone(), overrides()).unwrap();
        assert_eq!(settings.site_url, "https://a.example");
        assert_eq!(settings.listen.port(), 1);
        let listen = Some("127.0.0.1:2".parse().unwrap());
        let settings = Settings::build(
            file,
            Overrides {
                listen,
                ..overrides()
            },
        )
        .unwrap();
        assert_eq!(settings.listen.port(), 2);
        assert_eq!(settings.kernel(), KernelConfig::default());
    }

    #[test]
    fn unknown_keys_and_impossible_values_are_named() {
        let error = toml::from_str::<File>("lisen = 'x'").unwrap_err();
        assert!(error.to_string().contains("lisen"));
        for text in [
            "[FeatureFlags]\nEnableSharedChannels = true",
            "site_url = 'ftp://x'",
            "site_url = 'https://u@x'",
            "client_address_header = 'x forwarded for'",
        ] {
            let file: File = toml::from_str(text).unwrap();
            assert!(Settings::build(file, overrides()).is_err(), "{text}");
        }
        assert!(Settings::build(File::default(), Overrides::default()).is_err());
    }

    #[test]
    fn an_interruption_is_not_told_before_two_pings_could_have_been_answered() {
        let data = tempfile::tempdir().unwrap();
        let file = data.path().join("causeway.toml");
        let load = |text: &str| {
            std::fs::write(&file, text).unwrap();
            Settings::load(Sources {
                file: Some(file.clone()),
                overrides: Overrides {
                    data: Some(data.path().into()),
                    ..Overrides::default()
                },
                environment: Layer::default(),
            })
        };
        let told_after =
            |seconds: u32| format!("[CausewaySettings]\nInterruptionNoticeSeconds = {seconds}\n");
        assert!(load(&told_after(120)).is_ok());
        let error = load(&told_after(119)).unwrap_err().to_string();
        assert!(error.contains("InterruptionNoticeSeconds is 119, and must be at least 120"));
        let often = format!("{}[federation]\nping_period_ms = 500\n", told_after(1));
        assert!(load(&often).is_ok());
    }

    #[test]
    fn the_origin_of_a_site_url_has_no_path() {
        for (site_url, origin) in [
            ("https://a.example/chat", "https://a.example"),
            ("http://127.0.0.1:8065", "http://127.0.0.1:8065"),
        ] {
            let over = Overrides {
                site_url: Some(site_url.into()),
                ..overrides()
            };
            assert_eq!(
                Settings::build(File::default(), over).unwrap().origin(),
                origin
            );
        }
    }
}
