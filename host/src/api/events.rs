//! Delivery of events to WebSocket clients.

use bytes::Bytes;
use causeway_kernel::boundary::output::Event;
use causeway_kernel::rows::id::UserNo;
use causeway_views::json::{EventText, Viewer, Views};
use serde_json::{Value, json};

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

    /// Delivers to a user's clients what the kernel has no part in, as its effects on others are none.
    /// `place` are the ids of the channel and the team that it is about, if any.
    pub fn tell_user(&self, user: UserNo, name: &str, data: &Value, place: (&str, &str)) {
        if self.hub.is_idle() {
            return;
        }
        let user_id = Views::new(&self.rows(), Viewer::System).user_id(user);
        let (channel_id, team_id) = place;
        let broadcast = json!({
            "omit_users": null,
            "user_id": user_id,
            "channel_id": channel_id,
            "team_id": team_id,
            "connection_id": "",
            "omit_connection_id": "",
        });
        let event = format!("{{\"event\":\"{name}\",\"data\":{data},\"broadcast\":{broadcast}");
        let shared = self.hub.hold(event);
        self.hub.publish(None, |reader| {
            (reader == user).then(|| EventFrame {
                shared: shared.clone(),
                own: Bytes::new(),
            })
        });
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
