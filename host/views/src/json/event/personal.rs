//! Events about personal values: each goes to its owner alone.

use causeway_kernel::model::{PersonalKind, User};
use causeway_kernel::rows::id::UserNo;
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;

use super::{Broadcast, Data};
use crate::json::{Views, text};
use crate::query::categories::{self, CategoryKind};
use crate::query::drafts::{self, Draft};
use crate::query::preferences::{self, Preference};

impl<R: Read + ?Sized> Views<'_, R> {
    /// Name and data of an event about values that were set.
    pub(super) fn personal_set(
        &self,
        broadcast: &mut Broadcast,
        user: UserNo,
        kind: PersonalKind,
        names: &[String],
    ) -> Option<(&'static str, String)> {
        broadcast.user_id = self.user_id(user);
        match kind {
            PersonalKind::Preference => {
                let by_name = |name: &String| preferences::by_name(self.rows, user, name);
                let set: Vec<Preference> = names.iter().filter_map(by_name).collect();
                Some(("preferences_changed", self.preferences_data(user, &set)))
            }
            PersonalKind::SidebarCategory => self.categories_set(broadcast, user, names),
            PersonalKind::Draft => {
                let draft = drafts::by_name(self.rows, user, names.first()?)?;
                Some(("draft_updated", self.draft_data(user, &draft)))
            }
            PersonalKind::ChannelNotifications => self.notifications_changed(user, names),
            PersonalKind::Account => self.account_changed(user),
        }
    }

    /// Name and data of an event about values that were deleted.
    pub(super) fn personal_deleted(
        &self,
        broadcast: &mut Broadcast,
        user: UserNo,
        kind: PersonalKind,
        names: &[String],
    ) -> Option<(&'static str, String)> {
        broadcast.user_id = self.user_id(user);
        match kind {
            PersonalKind::Preference => {
                let of = |name: &String| Preference::of(name, String::new());
                let deleted: Vec<Preference> = names.iter().map(of).collect();
                Some(("preferences_deleted", self.preferences_data(user, &deleted)))
            }
            PersonalKind::SidebarCategory => {
                let (team_id, key) = categories::parts_of_name(names.first()?);
                broadcast.team_id = team_id.to_string();
                let data = Data {
                    category_id: Some(key),
                    ..Data::default()
                };
                Some(("sidebar_category_deleted", text(&data)))
            }
            PersonalKind::Draft => {
                let draft = Draft::of(names.first()?, "");
                Some(("draft_deleted", self.draft_data(user, &draft)))
            }
            PersonalKind::ChannelNotifications => self.notifications_changed(user, names),
            PersonalKind::Account => self.account_changed(user),
        }
    }

    fn preferences_data(&self, user: UserNo, items: &[Preference]) -> String {
        let views: Vec<_> = items
            .iter()
            .map(|item| self.preference(user, item))
            .collect();
        text(&Data {
            preferences: Some(text(&views)),
            ..Data::default()
        })
    }

    /// Clients are told of all categories of the team: a channel that is in one now has left another.
    fn categories_set(
        &self,
        broadcast: &mut Broadcast,
        user: UserNo,
        names: &[String],
    ) -> Option<(&'static str, String)> {
        let (team_id, _) = categories::parts_of_name(names.first()?);
        let team = lookup::team(self.rows, team_id)?;
        broadcast.team_id = team_id.to_string();
        let all = categories::of_team(self.rows, user, team);
        let views: Vec<_> = all
            .iter()
            .filter(|it| it.kind() != CategoryKind::Custom || !it.display_name.is_empty())
            .map(|it| self.category(user, team, it))
            .collect();
        let data = Data {
            updated_categories: Some(text(&views)),
            ..Data::default()
        };
        Some(("sidebar_category_updated", text(&data)))
    }

    fn draft_data(&self, user: UserNo, draft: &Draft) -> String {
        text(&Data {
            draft: Some(text(&self.draft(user, draft))),
            ..Data::default()
        })
    }

    fn notifications_changed(
        &self,
        user: UserNo,
        names: &[String],
    ) -> Option<(&'static str, String)> {
        let channel = lookup::channel(self.rows, names.first()?)?;
        Some(("channel_member_updated", self.member_data(channel, user)?))
    }

    fn account_changed(&self, user: UserNo) -> Option<(&'static str, String)> {
        let row = self.rows.get::<User>(&user)?;
        let data = Data {
            user: Some(self.user(user, &row)),
            ..Data::default()
        };
        Some(("user_updated", text(&data)))
    }
}
