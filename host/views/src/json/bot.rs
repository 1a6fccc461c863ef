//! `Bot`.

use causeway_kernel::model::UserClass;
use causeway_kernel::rows::id::UserNo;
use causeway_kernel::rows::tx::Read;
use serde::Serialize;

use super::Views;
use crate::query::bots::Bot;

/// A bot as clients see it.
#[derive(Serialize)]
pub struct BotView<'a> {
    user_id: &'a str,
    create_at: i64,
    update_at: i64,
    delete_at: i64,
    username: &'a str,
    display_name: &'a str,
    description: &'a str,
    owner_id: String,
}

impl<R: Read + ?Sized> Views<'_, R> {
    /// A bot.
    pub fn bot<'a>(&self, bot: &'a Bot) -> BotView<'a> {
        BotView {
            user_id: bot.user.id.as_str(),
            create_at: bot.user.create_at,
            update_at: bot.user.update_at,
            delete_at: bot.user.delete_at,
            username: &bot.user.username,
            display_name: &bot.user.first_name,
            description: &bot.description,
            owner_id: bot
                .owner
                .map(|owner| self.user_id(owner))
                .unwrap_or_default(),
        }
    }

    /// What a user is, if no ordinary person.
    pub(super) fn user_class(&self, no: UserNo) -> Option<UserClass> {
        self.rows.get::<UserClass>(&no)
    }
}
