//! The priority of a post, in its `metadata`. Semantics §3.3.

use crate::model::{Priority, PriorityLevel};
use crate::wire::json::{JsonError, Value};
use crate::wire::write::JsonWriter;

/// The priority stated in the metadata of a post. Metadata of another shape, or a level that is not known
/// here, state none: the post itself is worth more than its priority. Only urgent posts may have persistent
/// notifications; other posts lose them.
pub(super) fn stated(metadata: Value<'_>) -> Option<Priority> {
    let priority = metadata.get("priority")?;
    read(priority).unwrap_or_default()
}

fn read(priority: Value<'_>) -> Result<Option<Priority>, JsonError> {
    let priority = priority.as_object()?;
    let name = priority.text("priority")?;
    let requested_ack = priority.boolean("requested_ack")?;
    let persistent = priority.boolean("persistent_notifications")?;
    Ok(PriorityLevel::named(&name).map(|level| Priority {
        level,
        requested_ack,
        persistent_notifications: persistent && level == PriorityLevel::Urgent,
    }))
}

/// Writes the priority of a post as servers of the 11 line do; older servers do not support it.
pub(super) fn encode(writer: &mut JsonWriter, priority: Priority, post_id: &str, channel_id: &str) {
    writer.key("priority");
    writer.begin_object();
    writer.text_field("priority", priority.level.name());
    writer.boolean_field("requested_ack", priority.requested_ack);
    writer.boolean_field(
        "persistent_notifications",
        priority.persistent_notifications,
    );
    writer.text_field("PostId", post_id);
    writer.text_field("ChannelId", channel_id);
    writer.end_object();
}
