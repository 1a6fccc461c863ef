//! Statuses. Semantics §3.4.

use super::{integer, text};
use crate::wire::json::{JsonError, Value};
use crate::wire::write::JsonWriter;

/// A user's status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WireStatus {
    /// Whose.
    pub user_id: String,
    /// The word for whether the user can be reached.
    pub status: String,
    /// Whether the user chose it.
    pub manual: bool,
    /// When the user was last active, in ms.
    pub last_activity_at: i64,
    /// When `dnd` ends, in seconds since the Unix epoch; 0 = open end.
    pub dnd_end_time: i64,
    /// When it changed, in ms; 0 = unknown. Only Causeways send it; without it, it is impossible to tell which
    /// of two statuses is the later one.
    pub update_at: i64,
}

impl WireStatus {
    /// Parses a status.
    pub fn decode(value: Value<'_>) -> Result<WireStatus, JsonError> {
        let scalars = [
            "user_id",
            "status",
            "last_activity_at",
            "dnd_end_time",
            "update_at",
        ];
        let value = value.as_object()?;
        let (scalars, []) = value.find(scalars, []);
        let [user_id, status, last_activity_at, dnd_end_time, update_at] = scalars;
        Ok(WireStatus {
            user_id: text(user_id)?,
            status: text(status)?,
            manual: value.boolean("manual")?,
            last_activity_at: integer(last_activity_at)?,
            dnd_end_time: integer(dnd_end_time)?,
            update_at: integer(update_at)?,
        })
    }

    /// Writes a status in the format of the 11 line; older servers do not support them.
    pub fn encode(&self, writer: &mut JsonWriter) {
        writer.begin_object();
        writer.text_field("user_id", &self.user_id);
        writer.text_field("status", &self.status);
        writer.boolean_field("manual", self.manual);
        writer.integer_field("last_activity_at", self.last_activity_at);
        writer.integer_field("dnd_end_time", self.dnd_end_time);
        if self.update_at != 0 {
            writer.integer_field("update_at", self.update_at);
        }
        writer.end_object();
    }
}
