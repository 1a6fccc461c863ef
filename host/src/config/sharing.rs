//! What is shared with connected workspaces: the settings under the reference's names (semantics §14), and
//! where their values come from.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use causeway_kernel::model::ConnectedWorkspaces;
use causeway_kernel::model::limits::{
    INTERRUPTION_MS_MAX, INTERRUPTION_MS_MIN, MEMBERS_PER_SYNC_MAX, OFFERED_USERS_PER_SYNC_MAX,
    POSTS_PER_SYNC_MAX,
};
use serde_json::{Map, Value};

/// What is shared with connected workspaces, as settings say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sharing {
    /// Whether other workspaces are served and called at all.
    pub connections: bool,
    /// Maximum posts in a message.
    pub posts_per_sync_max: u32,
    channels: bool,
    no_statuses: bool,
    users_on_open: bool,
    users_per_sync_max: u32,
    members_per_sync_max: u32,
    direct: bool,
    plugins: bool,
    all_users: bool,
    members: bool,
    interruption_seconds: u32,
}

impl Default for Sharing {
    fn default() -> Sharing {
        let kernel = ConnectedWorkspaces::default();
        Sharing {
            connections: true,
            posts_per_sync_max: 50,
            channels: kernel.channels,
            no_statuses: !kernel.statuses,
            users_on_open: kernel.users_on_open,
            users_per_sync_max: kernel.users_per_sync_max,
            members_per_sync_max: kernel.members_per_sync_max,
            direct: kernel.direct,
            plugins: kernel.plugins,
            all_users: kernel.all_users,
            members: kernel.members,
            interruption_seconds: seconds(kernel.interruption_ms),
        }
    }
}

impl Sharing {
    /// What the kernel decides by. Without connections no channel is synchronised either, so nothing is begun
    /// that cannot be sent.
    #[must_use]
    pub fn kernel(&self) -> ConnectedWorkspaces {
        ConnectedWorkspaces {
            channels: self.channels && self.connections,
            statuses: !self.no_statuses,
            users_on_open: self.users_on_open,
            users_per_sync_max: self.users_per_sync_max,
            members_per_sync_max: self.members_per_sync_max,
            direct: self.direct,
            plugins: self.plugins,
            all_users: self.all_users,
            members: self.members,
            interruption_ms: i64::from(self.interruption_seconds) * 1_000,
        }
    }

    /// Checks the settings against the pings, which are the contact that an interruption is told by: two of
    /// them fit into the time before it is told, so that a healthy connection is never called interrupted.
    ///
    /// # Errors
    /// Names the setting, and the least value that it may have.
    pub fn check(&self, ping_period_ms: u64) -> Result<(), SettingError> {
        let least_seconds = ping_period_ms.saturating_mul(2).div_ceil(1_000);
        if u64::from(self.interruption_seconds) >= least_seconds {
            return Ok(());
        }
        Err(SettingError(format!(
            "{CAUSEWAY}.InterruptionNoticeSeconds is {}, and must be at least {least_seconds}, two pings \
             (federation.ping_period_ms is {ping_period_ms})",
            self.interruption_seconds
        )))
    }
}

const fn seconds(ms: i64) -> u32 {
    // The limits are far below the type's.
    (ms / 1_000) as u32
}

/// A value that is given to a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// On or off.
    Switch(bool),
    /// A number.
    Number(u32),
}

impl From<Given> for Value {
    fn from(given: Given) -> Value {
        match given {
            Given::Switch(on) => on.into(),
            Given::Number(number) => number.into(),
        }
    }
}

/// What a setting holds.
enum Field {
    Switch(fn(&mut Sharing) -> &mut bool),
    Number(fn(&mut Sharing) -> &mut u32, RangeInclusive<u32>),
}

/// A setting.
pub struct Setting {
    section: &'static str,
    key: &'static str,
    field: Field,
}

/// The reference's section of connections and shared channels.
pub const CONNECTED_WORKSPACES: &str = "ConnectedWorkspacesSettings";
/// The reference's section of features that are switched on one by one.
pub const FEATURE_FLAGS: &str = "FeatureFlags";
/// The section of settings that the reference does not have.
pub const CAUSEWAY: &str = "CausewaySettings";
/// The sections of these settings.
pub const SECTIONS: [&str; 3] = [CONNECTED_WORKSPACES, FEATURE_FLAGS, CAUSEWAY];

const fn switch(
    section: &'static str,
    key: &'static str,
    field: fn(&mut Sharing) -> &mut bool,
) -> Setting {
    Setting {
        section,
        key,
        field: Field::Switch(field),
    }
}

const fn number(
    section: &'static str,
    key: &'static str,
    field: fn(&mut Sharing) -> &mut u32,
    range: RangeInclusive<u32>,
) -> Setting {
    Setting {
        section,
        key,
        field: Field::Number(field, range),
    }
}

/// Every setting, in the order in which they are shown.
pub static SETTINGS: [Setting; 12] = [
    switch(CONNECTED_WORKSPACES, "EnableRemoteClusterService", |it| {
        &mut it.connections
    }),
    switch(CONNECTED_WORKSPACES, "EnableSharedChannels", |it| {
        &mut it.channels
    }),
    switch(
        CONNECTED_WORKSPACES,
        "DisableSharedChannelsStatusSync",
        |it| &mut it.no_statuses,
    ),
    switch(CONNECTED_WORKSPACES, "SyncUsersOnConnectionOpen", |it| {
        &mut it.users_on_open
    }),
    number(
        CONNECTED_WORKSPACES,
        "GlobalUserSyncBatchSize",
        |it| &mut it.users_per_sync_max,
        1..=OFFERED_USERS_PER_SYNC_MAX,
    ),
    number(
        CONNECTED_WORKSPACES,
        "MaxPostsPerSync",
        |it| &mut it.posts_per_sync_max,
        1..=POSTS_PER_SYNC_MAX,
    ),
    number(
        CONNECTED_WORKSPACES,
        "MemberSyncBatchSize",
        |it| &mut it.members_per_sync_max,
        1..=MEMBERS_PER_SYNC_MAX,
    ),
    switch(FEATURE_FLAGS, "EnableSharedChannelsDMs", |it| {
        &mut it.direct
    }),
    switch(FEATURE_FLAGS, "EnableSharedChannelsPlugins", |it| {
        &mut it.plugins
    }),
    switch(FEATURE_FLAGS, "EnableSyncAllUsersForRemoteCluster", |it| {
        &mut it.all_users
    }),
    switch(FEATURE_FLAGS, "EnableSharedChannelsMemberSync", |it| {
        &mut it.members
    }),
    number(
        CAUSEWAY,
        "InterruptionNoticeSeconds",
        |it| &mut it.interruption_seconds,
        seconds(INTERRUPTION_MS_MIN)..=seconds(INTERRUPTION_MS_MAX),
    ),
];

impl Setting {
    /// Its name, `Section.Key`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}.{}", self.section, self.key)
    }

    /// The environment variable that sets it, `MM_SECTION_KEY` as in the reference.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("MM_{}_{}", self.section, self.key).to_ascii_uppercase()
    }

    /// The value that it has in some settings.
    #[must_use]
    pub fn value(&self, sharing: &Sharing) -> Given {
        let mut sharing = sharing.clone();
        match &self.field {
            Field::Switch(field) => Given::Switch(*field(&mut sharing)),
            Field::Number(field, _) => Given::Number(*field(&mut sharing)),
        }
    }

    /// Its value within sections, as [`nested`] makes them.
    #[must_use]
    pub fn within<'v>(&self, sections: &'v Value) -> Option<&'v Value> {
        sections.get(self.section)?.get(self.key)
    }

    fn set(&self, sharing: &mut Sharing, given: Given) {
        match (&self.field, given) {
            (Field::Switch(field), Given::Switch(on)) => *field(sharing) = on,
            (Field::Number(field, _), Given::Number(number)) => *field(sharing) = number,
            // A value was read for this setting, so it is of its kind.
            (Field::Switch(_), Given::Number(_)) | (Field::Number(..), Given::Switch(_)) => {}
        }
    }

    fn read(&self, value: &Value) -> Result<Given, SettingError> {
        let found = match &self.field {
            Field::Switch(_) => value.as_bool().map(Given::Switch),
            Field::Number(_, range) => {
                let number = value.as_u64().and_then(|it| u32::try_from(it).ok());
                let within = number.filter(|it| range.contains(it));
                within.map(Given::Number)
            }
        };
        found.ok_or_else(|| self.unlike(&value.to_string()))
    }

    /// Reads the text of an environment variable or of a command line.
    ///
    /// # Errors
    /// As for a value of a file.
    pub fn read_text(&self, text: &str) -> Result<Given, SettingError> {
        let value = serde_json::from_str(text.trim());
        value.map_or_else(|_| Err(self.unlike(text)), |value| self.read(&value))
    }

    fn unlike(&self, found: &str) -> SettingError {
        let wanted = match &self.field {
            Field::Switch(_) => "true or false".to_string(),
            Field::Number(_, range) => {
                format!("a number from {} to {}", range.start(), range.end())
            }
        };
        let found: String = found.chars().take(FOUND_CHARS_SHOWN).collect();
        SettingError(format!("{} must be {wanted}, but is {found}", self.path()))
    }
}

/// Characters of a wrong value that an error repeats.
const FOUND_CHARS_SHOWN: usize = 40;

/// A setting that does not exist or has a wrong value; the text begins with its name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SettingError(String);

/// The setting with a name, `Section.Key`.
///
/// # Errors
/// If there is none; the error lists those of the section.
pub fn find(section: &str, key: &str) -> Result<&'static Setting, SettingError> {
    let mut all = SETTINGS.iter();
    let found = all.find(|it| it.section == section && it.key == key);
    found.ok_or_else(|| {
        let others = SETTINGS.iter().filter(|it| it.section == section);
        let others: Vec<&str> = others.map(|it| it.key).collect();
        let others = others.join(", ");
        SettingError(format!(
            "{section}.{key} is not a setting; settings of this section are {others}"
        ))
    })
}

/// Values from one source, by the setting's name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layer(BTreeMap<String, Given>);

impl Layer {
    /// Reads the members of a section.
    ///
    /// # Errors
    /// Names the first key that is unknown or has a wrong value.
    pub fn read_section(
        &mut self,
        section: &str,
        members: &Map<String, Value>,
    ) -> Result<(), SettingError> {
        for (key, value) in members {
            let setting = find(section, key)?;
            self.0.insert(setting.path(), setting.read(value)?);
        }
        Ok(())
    }

    /// Reads the variables of our sections; others are not ours.
    ///
    /// # Errors
    /// Names the first variable that is unknown or has a wrong value.
    pub fn of_environment(
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Layer, SettingError> {
        let prefixes = SECTIONS.map(|section| format!("MM_{}_", section.to_ascii_uppercase()));
        let mut layer = Layer::default();
        for (name, text) in variables {
            if !prefixes.iter().any(|prefix| name.starts_with(prefix)) {
                continue;
            }
            let setting = SETTINGS.iter().find(|it| it.variable() == name);
            let setting = setting.ok_or_else(|| {
                SettingError(format!("the environment variable {name} is not a setting"))
            })?;
            layer.0.insert(setting.path(), setting.read_text(&text)?);
        }
        Ok(layer)
    }

    /// Whether a setting has a value here.
    #[must_use]
    pub fn has(&self, setting: &Setting) -> bool {
        self.0.contains_key(&setting.path())
    }

    /// Gives settings the values of another source.
    pub fn merge(&mut self, other: Layer) {
        self.0.extend(other.0);
    }

    /// Whether nothing has a value here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn apply(&self, sharing: &mut Sharing) {
        for setting in &SETTINGS {
            if let Some(given) = self.0.get(&setting.path()) {
                setting.set(sharing, *given);
            }
        }
    }

    /// As a file has it: an object for each section with a value.
    #[must_use]
    pub fn sections(&self) -> Map<String, Value> {
        nested(&SETTINGS, |setting| {
            self.0.get(&setting.path()).map(|given| (*given).into())
        })
    }
}

/// An object for each section, with a value for each setting that has one.
pub fn nested(
    settings: &[Setting],
    value: impl Fn(&Setting) -> Option<Value>,
) -> Map<String, Value> {
    let mut sections = Map::new();
    for setting in settings {
        if let Some(value) = value(setting) {
            let section = sections
                .entry(setting.section)
                .or_insert_with(|| Value::Object(Map::new()));
            if let Some(section) = section.as_object_mut() {
                section.insert(setting.key.to_string(), value);
            }
        }
    }
    sections
}

/// The sources of settings: a later one takes precedence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layers {
    /// What was changed while the service ran.
    pub stored: Layer,
    /// The configuration file.
    pub file: Layer,
    /// The environment.
    pub environment: Layer,
}

impl Layers {
    /// What holds.
    #[must_use]
    pub fn effective(&self) -> Sharing {
        let mut sharing = Sharing::default();
        for layer in [&self.stored, &self.file, &self.environment] {
            layer.apply(&mut sharing);
        }
        sharing
    }

    /// Where a setting has a value that a change while the service runs could not replace.
    #[must_use]
    pub fn fixed_by(&self, setting: &Setting) -> Option<FixedBy> {
        if self.environment.has(setting) {
            return Some(FixedBy::Environment);
        }
        self.file.has(setting).then_some(FixedBy::File)
    }
}

/// A source that takes precedence over changes while the service runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FixedBy {
    /// An environment variable.
    Environment,
    /// The configuration file.
    File,
}

impl fmt::Display for FixedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FixedBy::Environment => "an environment variable",
            FixedBy::File => "the configuration file",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn layer(section: &str, members: Value) -> Result<Layer, SettingError> {
        let mut layer = Layer::default();
        layer.read_section(section, members.as_object().unwrap())?;
        Ok(layer)
    }

    #[test]
    fn the_environment_stands_above_the_file_and_that_above_what_was_changed() {
        let section = |number: u32| {
            layer(CONNECTED_WORKSPACES, json!({ "MaxPostsPerSync": number })).unwrap()
        };
        let variable = ("MM_CONNECTEDWORKSPACESSETTINGS_MAXPOSTSPERSYNC", "3");
        let environment =
            Layer::of_environment([(variable.0.to_string(), variable.1.to_string())]).unwrap();
        let mut layers = Layers {
            stored: section(1),
            ..Layers::default()
        };
        let setting = find(CONNECTED_WORKSPACES, "MaxPostsPerSync").unwrap();
        assert_eq!(setting.variable(), variable.0);
        assert_eq!(layers.effective().posts_per_sync_max, 1);
        assert_eq!(layers.fixed_by(setting), None);
        layers.file = section(2);
        assert_eq!(layers.effective().posts_per_sync_max, 2);
        assert_eq!(layers.fixed_by(setting), Some(FixedBy::File));
        layers.environment = environment;
        assert_eq!(layers.effective().posts_per_sync_max, 3);
        assert_eq!(layers.fixed_by(setting), Some(FixedBy::Environment));
    }

    #[test]
    fn each_setting_changes_one_field_and_is_shown_as_it_was_given() {
        for setting in &SETTINGS {
            let before = Sharing::default();
            let given = match setting.value(&before) {
                Given::Switch(on) => Given::Switch(!on),
                Given::Number(number) => Given::Number(number + 1),
            };
            let mut after = before.clone();
            setting.set(&mut after, given);
            assert_eq!(setting.value(&after), given, "{}", setting.path());
            let changed = SETTINGS
                .iter()
                .filter(|it| it.value(&after) != it.value(&before));
            assert_eq!(changed.count(), 1, "{}", setting.path());
            assert!(after.kernel() != before.kernel() || after != before);
        }
        // Without connections nothing is synchronised.
        let off = Sharing {
            connections: false,
            ..Sharing::default()
        };
        assert!(!off.kernel().channels);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_section() {
        for (section, members, named) in [
            (
                CONNECTED_WORKSPACES,
                json!({"MaxPostsPerSync": 0}),
                "ConnectedWorkspacesSettings.MaxPostsPerSync must be a number from 1 to 200, but is 0",
            ),
            (
                CONNECTED_WORKSPACES,
                json!({"EnableSharedChannels": "yes"}),
                "ConnectedWorkspacesSettings.EnableSharedChannels must be true or false, but is \"yes\"",
            ),
            (
                FEATURE_FLAGS,
                json!({"EnableSharedChannelsDM": true}),
                "FeatureFlags.EnableSharedChannelsDM is not a setting; settings of this section are \
                 EnableSharedChannelsDMs, EnableSharedChannelsPlugins, \
                 EnableSyncAllUsersForRemoteCluster, EnableSharedChannelsMemberSync",
            ),
        ] {
            assert_eq!(layer(section, members).unwrap_err().to_string(), named);
        }
        for (name, text, is_taken) in [
            ("MM_FEATUREFLAGS_ENABLESHAREDCHANNELSDMS", "true", true),
            ("MM_FEATUREFLAGS_ENABLESHAREDCHANNELSDMS", "perhaps", false),
            ("MM_FEATUREFLAGS_ENABLESHAREDCHANNELSDM", "true", false),
            ("MM_SQLSETTINGS_DATASOURCE", "postgres://", true),
        ] {
            let variables = [(name.to_string(), text.to_string())];
            assert_eq!(Layer::of_environment(variables).is_ok(), is_taken, "{name}");
        }
    }
}
