//! Who is writing: told to the other members of a channel at once, and never stored. Client API §9.3, §9.5.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use causeway_kernel::authority;
use causeway_kernel::rows::id::{ChannelNo, UserNo};
use causeway_views::json::{Viewer, Views};
use serde_json::json;

use crate::app::App;
use crate::hub::EventFrame;

/// Others are told of a user's writing once in this time, in ms; clients repeat it every few seconds.
const INTERVAL_MS: i64 = 1_000;
/// Users whose writing was told lately; more are not told of until some of them have paused.
const TYPISTS_MAX: usize = 10_000;

/// When others were last told of each user's writing, in ms.
#[derive(Default)]
pub struct Typists(Mutex<BTreeMap<UserNo, i64>>);

impl Typists {
    /// Whether others are to be told now.
    fn is_due(&self, user: UserNo, now_ms: i64) -> bool {
        // The map is consistent after every line, so a poisoned lock is still usable.
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = |at: &i64| now_ms - at < INTERVAL_MS;
        if told.len() >= TYPISTS_MAX {
            told.retain(|_, at| is_recent(at));
        }
        if told.get(&user).is_some_and(is_recent) || told.len() >= TYPISTS_MAX {
            return false;
        }
        told.insert(user, now_ms);
        true
    }
}

impl App {
    /// Tells the other members of a channel that a member is writing, in a thread if its root is named.
    pub fn typing(&self, user: UserNo, channel: ChannelNo, root_id: &str) {
        let rows = self.rows();
        if !authority::is_channel_member(&rows, channel, user) {
            return;
        }
        if !self.typists.is_due(user, self.engine.now_ms()) {
            return;
        }
        let views = Views::new(&rows, Viewer::System);
        let user_id = views.user_id(user);
        let data = json!({ "parent_id": root_id, "user_id": user_id });
        let broadcast = json!({
            "omit_users": { (user_id): true },
            "user_id": "",
            "channel_id": views.channel_id(channel),
            "team_id": "",
            "connection_id": "",
            "omit_connection_id": "",
        });
        let event = format!("{{\"event\":\"typing\",\"data\":{data},\"broadcast\":{broadcast}");
        let shared = self.hub.hold(event);
        self.hub.publish(None, |reader| {
            let hears = reader != user && authority::is_channel_member(&rows, channel, reader);
            hears.then(|| EventFrame {
                shared: shared.clone(),
                own: Bytes::new(),
            })
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_is_told_once_in_a_while_of_a_limited_number_of_users() {
        let typists = Typists::default();
        assert!(typists.is_due(UserNo(1), 5_000));
        assert!(!typists.is_due(UserNo(1), 5_999));
        assert!(typists.is_due(UserNo(2), 5_999));
        assert!(typists.is_due(UserNo(1), 6_000));
        for no in 0..TYPISTS_MAX as u64 {
            typists.is_due(UserNo(100 + no), 7_000);
        }
        assert!(!typists.is_due(UserNo(99), 7_000));
        assert!(typists.is_due(UserNo(99), 8_000));
    }
}
