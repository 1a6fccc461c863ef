//! Delivery of events to WebSocket clients.

use causeway_kernel::boundary::output::Event;
use causeway_views::json::EventText;

use crate::app::App;
use crate::hub::EventFrame;

impl App {
    /// Delivers an event of a step. Changes of statuses are kept back for a moment, as there may be many.
    pub fn tell(&self, event: &Event) {
        self.presence.observe(event);
        if !matches!(event, Event::StatusChanged(..)) {
            self.publish(event);
        }
    }

    /// Delivers an event to everyone who receives it, rendered as each of them sees it. The current rows
    /// determine who that is: a member who was removed no longer gets anything.
    pub fn publish(&self, event: &Event) {
        if self.hub.is_idle() {
            return;
        }
        let rows = self.rows();
        self.metrics.count_event();
        let mut text = EventText::new(&rows, event, self.engine.now_ms());
        let omitted = text.omitted_connection();
        self.hub.publish(omitted.as_deref(), |reader| {
            let (shared, own) = text.of(reader, |shared| self.hub.hold(shared))?;
            let own = self.hub.hold(own);
            Some(EventFrame { shared, own })
        });
    }
}
