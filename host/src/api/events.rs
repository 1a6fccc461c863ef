//! Events on their way to WebSocket clients.

use std::sync::Arc;

use causeway_kernel::boundary::output::Event;
use causeway_views::json;

use crate::app::App;
use crate::hub::Frame;

impl App {
    /// Gives an event to everybody who hears of it, rendered as each of them sees it. Who that is
    /// is decided by the rows as they stand now: a member who was removed gets nothing any more.
    pub fn publish(&self, event: &Event) {
        if self.hub.is_idle() {
            return;
        }
        let rows = self.rows();
        let now_ms = self.engine.now_ms();
        self.metrics.count_event();
        self.hub.publish(|reader| {
            let frame = json::event(&rows, event, reader, now_ms)?;
            Some(unnumbered(frame.event, &frame.data, &frame.broadcast))
        });
    }
}

/// The frame's text up to where its number goes.
fn unnumbered(event: &str, data: &str, broadcast: &str) -> Frame {
    Arc::from(format!(
        "{{\"event\":\"{event}\",\"data\":{data},\"broadcast\":{broadcast}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::numbered;

    #[test]
    fn a_frame_and_its_number_are_json() {
        let frame = unnumbered("posted", "{\"a\":1}", "{\"user_id\":\"\"}");
        let value: serde_json::Value = serde_json::from_str(&numbered(&frame, 7)).unwrap();
        assert_eq!(value["event"], "posted");
        assert_eq!(value["data"]["a"], 1);
        assert_eq!(value["seq"], 7);
    }
}
