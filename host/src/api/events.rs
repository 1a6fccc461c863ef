//! Events on their way to WebSocket clients.

use causeway_kernel::boundary::output::Event;
use causeway_views::json::EventText;

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
        self.metrics.count_event();
        let mut text = EventText::new(&rows, event, self.engine.now_ms());
        self.hub.publish(|reader| {
            let (shared, own) = text.of(reader, |shared| self.hub.hold(shared))?;
            let own = self.hub.hold(own);
            Some(Frame { shared, own })
        });
    }
}
