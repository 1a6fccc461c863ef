//! Drafts: personal values of that kind. Client API §15.

use std::cmp::Reverse;

use causeway_kernel::authority;
use causeway_kernel::model::limits::PERSONAL_VALUES_MAX;
use causeway_kernel::model::{PersonalKind, PersonalValue};
use causeway_kernel::rows::id::{ChannelNo, TeamNo, UserNo};
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

const DRAFT: u8 = PersonalKind::Draft.number();

/// A message that is not posted yet.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Draft {
    /// Id of the channel.
    #[serde(skip)]
    pub channel_id: String,
    /// Id of the thread's root, empty if it is not a reply.
    #[serde(skip)]
    pub root_id: String,
    /// When it was begun, in ms.
    pub create_at: i64,
    /// When it was last changed, in ms.
    pub update_at: i64,
    /// The text.
    pub message: String,
    /// Type of the post.
    pub kind: String,
    /// Properties, a JSON object.
    #[serde(default)]
    pub props: Option<Box<RawValue>>,
    /// Priority as the client gave it, a JSON object.
    #[serde(default)]
    pub priority: Option<Box<RawValue>>,
    /// Ids of the files.
    #[serde(default)]
    pub file_ids: Vec<String>,
    /// Id of the WebSocket connection that knows it already: that of the client that wrote it.
    #[serde(default)]
    pub connection_id: String,
}

impl Draft {
    /// The value that is stored for it.
    #[must_use]
    pub fn value(&self) -> String {
        // Texts, numbers and JSON can always be serialised.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The draft with the name and value of a personal value.
    #[must_use]
    pub fn of(stored_name: &str, value: &str) -> Draft {
        let (channel_id, root_id) = stored_name.split_once('/').unwrap_or((stored_name, ""));
        let read: Option<Draft> = serde_json::from_str(value).ok();
        Draft {
            channel_id: channel_id.to_string(),
            root_id: root_id.to_string(),
            // The text of a masked workspace is not JSON.
            ..read.unwrap_or_default()
        }
    }
}

/// The name of a draft's personal value.
#[must_use]
pub fn stored_name(channel_id: &str, root_id: &str) -> String {
    format!("{channel_id}/{root_id}")
}

/// A draft.
pub fn by_name(rows: &(impl Read + ?Sized), user: UserNo, stored_name: &str) -> Option<Draft> {
    let row = rows.get::<PersonalValue>(&(user, DRAFT, stored_name.into()))?;
    Some(Draft::of(stored_name, &row.value))
}

/// The drafts of a user in the channels of a team, and in direct and group channels, the last changed first. Those in
/// channels that the user may not read any more are left out.
pub fn of_team(rows: &(impl Read + ?Sized), user: UserNo, team: TeamNo) -> Vec<Draft> {
    let values = rows.prefix::<PersonalValue, _>(&(user, DRAFT), PERSONAL_VALUES_MAX);
    let is_listed = |channel: ChannelNo| {
        let place = rows.channel(channel).map(|channel| channel.place);
        place.is_some_and(|place| place.team().is_none_or(|of| of == team))
            && authority::may_read_channel(rows, channel, user)
    };
    let mut drafts: Vec<Draft> = values
        .iter()
        .map(|((_, _, name), row)| Draft::of(name, &row.value))
        .filter(|draft| lookup::channel(rows, &draft.channel_id).is_some_and(is_listed))
        .collect();
    drafts.sort_by_key(|draft| Reverse(draft.update_at));
    drafts
}
