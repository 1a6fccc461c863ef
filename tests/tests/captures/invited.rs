//! Channels that a recorded server offers to our host.

use anyhow::Result;
use causeway_tests::peer::Answered;

use crate::differences::Difference;
use crate::json::Json;
use crate::player::Player;
use crate::recording::Exchange;

impl Player {
    /// Checks that an accepted channel is shown as offered, except for a name that is taken here.
    pub async fn check_invited(&mut self, exchange: &Exchange, answered: &Answered) -> Result<()> {
        let invite = exchange.payload();
        let channel = invite.get("channel_id").text();
        let body = Json::parse(&answered.body).unwrap_or(Json::Null);
        if body.get("status").text() != "OK" || self.map.contains_key(channel) {
            return Ok(());
        }
        if self.is_direct_place(channel) {
            return self.check_direct_invited(exchange).await;
        }
        let shown = self
            .host
            .side
            .admin
            .get(&format!("/channels/{channel}"))
            .await?;
        for key in ["name", "display_name", "header", "purpose", "type"] {
            let told = shown[key].as_str().unwrap_or_default();
            let offered = invite.get(key).text();
            if key == "name" && told == format!("{offered}-2") {
                self.differs(Difference::TakenChannelNames);
            } else {
                self.expect(key, told, offered);
            }
        }
        self.expect("shared", shown["shared"].as_bool(), Some(true));
        self.now_shared(channel);
        Ok(())
    }
}
