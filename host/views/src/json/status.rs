//! `Status`.

use causeway_kernel::model::Status;
use serde::Serialize;

/// A status as clients see it. Client API §5.
#[derive(Serialize)]
pub struct StatusView<'a> {
    user_id: &'a str,
    status: &'static str,
    manual: bool,
    last_activity_at: i64,
    dnd_end_time: i64,
}

impl StatusView<'_> {
    /// The status of the user with an id.
    #[must_use]
    pub fn new<'a>(user_id: &'a str, status: &Status) -> StatusView<'a> {
        StatusView {
            user_id,
            status: status.availability.word(),
            manual: status.manual,
            last_activity_at: status.last_activity_at,
            dnd_end_time: status.dnd_end_time,
        }
    }
}
