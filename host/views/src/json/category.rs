//! `SidebarCategory`. Client API §15.

use causeway_kernel::rows::id::{TeamNo, UserNo};
use causeway_kernel::rows::tx::Read;
use serde::Serialize;

use super::{Views, text};
use crate::query::categories::{Category, CategoryKind};

/// A category of the sidebar as clients see it.
#[derive(Serialize)]
pub struct CategoryView {
    id: String,
    user_id: String,
    team_id: String,
    sort_order: u32,
    sorting: String,
    #[serde(rename = "type")]
    kind: &'static str,
    display_name: String,
    muted: bool,
    collapsed: bool,
    channel_ids: Vec<String>,
}

/// The categories of a team in their order.
#[derive(Serialize)]
struct OrderedView {
    categories: Vec<CategoryView>,
    order: Vec<String>,
}

impl<R: Read + ?Sized> Views<'_, R> {
    /// A category.
    #[must_use]
    pub fn category(&self, user: UserNo, team: TeamNo, category: &Category) -> CategoryView {
        let channels = category.channels.iter();
        CategoryView {
            id: self.category_id(user, team, category),
            user_id: self.user_id(user),
            team_id: self.team_id(team),
            sort_order: category.sort_order,
            sorting: category.sorting.clone(),
            kind: category.kind().word(),
            display_name: category.display_name.clone(),
            muted: category.muted,
            collapsed: category.collapsed,
            channel_ids: channels.map(|no| self.channel_id(*no)).collect(),
        }
    }

    /// The id of a category: of one that everybody has it names whose it is.
    #[must_use]
    pub fn category_id(&self, user: UserNo, team: TeamNo, category: &Category) -> String {
        let key = &category.key;
        match category.kind() {
            CategoryKind::Custom => key.clone(),
            _ => format!("{key}_{}_{}", self.user_id(user), self.team_id(team)),
        }
    }

    /// All categories of a user in a team.
    #[must_use]
    pub fn categories(&self, user: UserNo, team: TeamNo, all: &[Category]) -> String {
        let ids = all.iter().map(|it| self.category_id(user, team, it));
        text(&OrderedView {
            order: ids.collect(),
            categories: all.iter().map(|it| self.category(user, team, it)).collect(),
        })
    }
}
