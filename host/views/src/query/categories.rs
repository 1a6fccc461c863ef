//! Categories of the sidebar: personal values of that kind. Each user has three of their own in every team, and any
//! number of others. A channel that is in none of the stored ones is in the one that its kind belongs to. Client API
//! §15.

use std::collections::{BTreeMap, BTreeSet};

use causeway_kernel::model::limits::PERSONAL_VALUES_MAX;
use causeway_kernel::model::{Channel, PersonalKind, PersonalValue, Team};
use causeway_kernel::rows::id::{ChannelNo, TeamNo, UserNo};
use causeway_kernel::rows::tx::Read;
use serde::{Deserialize, Serialize};

use super::channels;

const CATEGORY: u8 = PersonalKind::SidebarCategory.number();

/// What a category is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CategoryKind {
    /// Channels that the user marked.
    Favorites,
    /// Channels of the team that are nowhere else.
    Channels,
    /// Direct and group channels that are nowhere else.
    DirectMessages,
    /// The user's own.
    Custom,
}

impl CategoryKind {
    /// Those that everybody has, in their order before the user changes it.
    pub const DEFAULTS: [CategoryKind; 3] = [
        CategoryKind::Favorites,
        CategoryKind::Channels,
        CategoryKind::DirectMessages,
    ];

    /// The API's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            CategoryKind::Favorites => "favorites",
            CategoryKind::Channels => "channels",
            CategoryKind::DirectMessages => "direct_messages",
            CategoryKind::Custom => "custom",
        }
    }

    fn of_key(key: &str) -> CategoryKind {
        let known = CategoryKind::DEFAULTS.into_iter();
        let mut known = known.filter(|kind| kind.word() == key);
        known.next().unwrap_or(CategoryKind::Custom)
    }

    fn display_name(self) -> &'static str {
        match self {
            CategoryKind::Favorites => "Favorites",
            CategoryKind::Channels => "Channels",
            CategoryKind::DirectMessages => "Direct Messages",
            CategoryKind::Custom => "",
        }
    }

    /// How the channels of a category are sorted before the user chooses.
    fn sorting(self) -> &'static str {
        match self {
            CategoryKind::DirectMessages => "recent",
            _ => "",
        }
    }
}

/// A category. Stored without what follows from its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Category {
    /// Its name in the team: the kind's word for one that everybody has, otherwise an id.
    #[serde(skip)]
    pub key: String,
    /// Display name of one of the user's own.
    pub display_name: String,
    /// How clients sort the channels: empty, `alpha`, `recent` or `manual`.
    pub sorting: String,
    /// Whether its channels are muted.
    pub muted: bool,
    /// Whether its channels are hidden.
    pub collapsed: bool,
    /// Its place among the others.
    pub sort_order: u32,
    /// The channels, in order.
    pub channels: Vec<ChannelNo>,
}

impl Category {
    /// A category before anything was changed of it.
    #[must_use]
    pub fn new(key: &str) -> Category {
        let kind = CategoryKind::of_key(key);
        let mut places = (0..).zip(CategoryKind::DEFAULTS);
        let place = places.find(|(_, default)| *default == kind);
        Category {
            key: key.to_string(),
            display_name: kind.display_name().to_string(),
            sorting: kind.sorting().to_string(),
            muted: false,
            collapsed: false,
            sort_order: place.map_or(0, |(place, _)| sort_order(place)),
            channels: Vec::new(),
        }
    }

    /// What it is for.
    #[must_use]
    pub fn kind(&self) -> CategoryKind {
        CategoryKind::of_key(&self.key)
    }

    /// The value that is stored for it.
    #[must_use]
    pub fn value(&self) -> String {
        // Numbers, texts and lists can always be serialised.
        serde_json::to_string(self).unwrap_or_default()
    }

    fn of_value(key: &str, value: &str) -> Category {
        let read: Option<Category> = serde_json::from_str(value).ok();
        match read {
            Some(read) => Category {
                key: key.to_string(),
                ..read
            },
            // The texts of a masked workspace.
            None => Category::new(key),
        }
    }
}

/// The sort order of a place.
#[must_use]
pub fn sort_order(place: u32) -> u32 {
    place * 10
}

/// The name of a category's personal value.
#[must_use]
pub fn stored_name(team_id: &str, key: &str) -> String {
    format!("{team_id}/{key}")
}

/// Team id and key of a category with such a name.
#[must_use]
pub fn parts_of_name(name: &str) -> (&str, &str) {
    name.split_once('/').unwrap_or((name, ""))
}

/// The categories of a user in a team, in order, with the channels that the user is a member of. Each channel is in
/// exactly one.
pub fn of_team(rows: &(impl Read + ?Sized), user: UserNo, team: TeamNo) -> Vec<Category> {
    let team_id = rows.get::<Team>(&team).map(|team| team.id.to_string());
    let mut categories = stored(rows, user, &team_id.unwrap_or_default());
    let own = channels::of_user(rows, user, Some(team), false);
    let known: BTreeMap<ChannelNo, &Channel> = own.iter().map(|(no, row)| (*no, row)).collect();
    let mut placed = BTreeSet::new();
    for category in &mut categories {
        category
            .channels
            .retain(|no| known.contains_key(no) && placed.insert(*no));
    }
    for (no, channel) in own.iter().filter(|(no, _)| !placed.contains(no)) {
        let kind = match channel.place.team() {
            Some(_) => CategoryKind::Channels,
            None => CategoryKind::DirectMessages,
        };
        let home = categories.iter_mut().find(|it| it.kind() == kind);
        if let Some(home) = home {
            home.channels.push(*no);
        }
    }
    categories
}

/// The stored categories and those that everybody has, in order.
fn stored(rows: &(impl Read + ?Sized), user: UserNo, team_id: &str) -> Vec<Category> {
    let values = rows.prefix::<PersonalValue, _>(&(user, CATEGORY), PERSONAL_VALUES_MAX);
    let mut found: Vec<Category> = values
        .iter()
        .map(|((_, _, name), row)| (parts_of_name(name), row))
        .filter(|((of, _), _)| *of == team_id)
        .map(|((_, key), row)| Category::of_value(key, &row.value))
        .collect();
    for kind in CategoryKind::DEFAULTS {
        if !found.iter().any(|category| category.kind() == kind) {
            found.push(Category::new(kind.word()));
        }
    }
    found.sort_by(|a, b| (a.sort_order, &a.key).cmp(&(b.sort_order, &b.key)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use causeway_kernel::rows::fixture::{self, put};
    use causeway_kernel::rows::testing::MemoryHost;

    const ANN: UserNo = UserNo(1);
    const TEAM: TeamNo = TeamNo(1);
    const TOWN: ChannelNo = ChannelNo(1);

    fn keep(host: &mut MemoryHost, category: &Category) {
        let team_id = host.get::<Team>(&TEAM).unwrap().id.to_string();
        let name = stored_name(&team_id, &category.key);
        let value = category.value();
        put(host, |tx| {
            tx.put(&(ANN, CATEGORY, name), &PersonalValue { value });
        });
    }

    fn outline(host: &MemoryHost) -> Vec<(String, Vec<ChannelNo>)> {
        let categories = of_team(host, ANN, TEAM).into_iter();
        categories.map(|it| (it.key, it.channels)).collect()
    }

    #[test]
    fn everybody_has_three_and_channels_have_a_home() {
        let host = fixture::host();
        let expected = [("favorites", 0), ("channels", 1), ("direct_messages", 0)];
        let found = outline(&host);
        assert_eq!(found.len(), 3);
        for ((key, channels), (name, at_least)) in found.iter().zip(expected) {
            assert_eq!(key, name);
            assert!(channels.len() >= at_least, "{key}");
        }
        assert!(found[1].1.contains(&TOWN));
    }

    #[test]
    fn a_channel_is_in_one_category_and_unknown_ones_are_in_none() {
        let mut host = fixture::host();
        let mut own = Category::new("ybndrfg8ejkmcpqxot1uwisza3");
        own.sort_order = 5;
        own.channels = vec![ChannelNo(77), TOWN, TOWN];
        keep(&mut host, &own);
        let mut favorites = Category::new("favorites");
        favorites.sort_order = 40;
        favorites.channels = vec![TOWN];
        keep(&mut host, &favorites);
        let found = outline(&host);
        assert_eq!(found[0], (own.key.clone(), vec![TOWN]));
        assert_eq!(found[3], ("favorites".into(), Vec::new()));
        let times = found.iter().flat_map(|(_, channels)| channels);
        assert_eq!(times.filter(|no| **no == TOWN).count(), 1);
    }

    #[test]
    fn what_is_not_understood_is_as_before_it_was_changed() {
        let mut host = fixture::host();
        let team_id = host.get::<Team>(&TEAM).unwrap().id.to_string();
        put(&mut host, |tx| {
            let value = "masked".to_string();
            let name = stored_name(&team_id, "channels");
            tx.put(&(ANN, CATEGORY, name), &PersonalValue { value });
        });
        let found = of_team(&host, ANN, TEAM);
        assert_eq!(found.len(), 3);
        assert!(found[1].channels.contains(&TOWN));
    }
}
