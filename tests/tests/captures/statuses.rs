//! Statuses: our host's users become what the recorded users became, and those of the peer are shown as they came.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use causeway_engine::Clock;
use causeway_tests::scene::wait_for;
use serde_json::json;

use crate::differences::Difference;
use crate::incoming::keys;
use crate::json::Json;
use crate::player::{Player, text};
use crate::recording::Exchange;

/// How long our host may take to send a status; it gives itself a second to gather several.
const SEND_DEADLINE: Duration = Duration::from_secs(60);

/// The statuses that clients know. Semantics §3.4.
const STATUSES: [&str; 5] = ["online", "away", "dnd", "ooo", "offline"];

impl Player {
    /// Gives our host's users the statuses of a message, and waits until the last one of each is sent, although
    /// the peer was down meanwhile if it was then.
    pub async fn host_sets_statuses(&mut self, exchange: &Exchange) -> Result<()> {
        self.prepare(exchange).await?;
        let channel = exchange.channel().to_string();
        for status in exchange.payload().get("statuses").list() {
            self.introduce(status.get("user_id").text(), &channel)
                .await?;
        }
        let down = exchange.error.contains("refused");
        if down {
            self.peer.down().await;
        }
        let mut ends = Vec::new();
        for status in exchange.payload().get("statuses").list() {
            ends.push(self.act_status(status).await?);
        }
        if down {
            self.peer.up().await?;
        }
        for (status, end) in exchange.payload().get("statuses").list().iter().zip(ends) {
            self.check_status_sent(exchange, status, end).await;
        }
        Ok(())
    }

    /// Ensures that the peer holds the profile of a user of ours, who writes a post for that.
    async fn introduce(&mut self, user: &str, channel: &str) -> Result<()> {
        let session = self.session(user).await?;
        let live = self.live(user);
        if self.sent_profiles.iter().any(|(held, _)| *held == live) {
            return Ok(());
        }
        self.join(user, channel).await?;
        let body = json!({ "channel_id": self.live(channel), "message": "Here I am" });
        let post = session.post("/posts?set_online=false", body).await?;
        let post = text(&post, "id");
        wait_for("a post with its author", async || {
            let asked = self.peer.asked(0);
            Ok(asked.iter().any(|asked| {
                let frame = Json::parse(&asked.body).unwrap_or(Json::Null);
                let posts = frame.get("msg").get("payload").get("posts").list().to_vec();
                posts.iter().any(|it| it.get("id").text() == post)
            }))
        })
        .await?;
        self.resent.insert(format!("posts {post}"));
        self.sent_profiles.insert((live, self.live(channel)));
        Ok(())
    }

    /// A user chooses a status, or opens and closes a client; returns when `dnd` ends, in seconds.
    async fn act_status(&mut self, status: &Json) -> Result<i64> {
        let user = status.get("user_id").text().to_string();
        let word = status.get("status").text();
        let session = self.session(&user).await?;
        let chosen = status.get("manual") == &Json::Bool(true) || self.chosen.contains(&user);
        if !chosen && word == "online" {
            self.sockets.insert(user, session.events().await?);
            return Ok(0);
        }
        if !chosen && word == "offline" {
            self.sockets.remove(&user);
            let live = self.live(&user);
            wait_for("the socket to be closed", async || {
                // A user stays online for a while; how long is for our host to say.
                self.host.clock.pass_ms(1_000);
                let path = format!("/users/{live}/status");
                Ok(self.host.side.admin.get(&path).await?["status"] == "offline")
            })
            .await?;
            return Ok(0);
        }
        // As much later than the act as it was then.
        let lasts_s = match status.get("dnd_end_time").integer() {
            0 => 0,
            end => end - status.get("last_activity_at").integer() / 1_000,
        };
        let end = match (word, lasts_s) {
            ("dnd", 1..) => self.host.clock.now_ms() / 1_000 + lasts_s,
            _ => 0,
        };
        let live = self.live(&user);
        let body = json!({ "user_id": live, "status": word, "dnd_end_time": end });
        session.put(&format!("/users/{live}/status"), body).await?;
        self.chosen.insert(user);
        Ok(end)
    }

    /// Waits until the last status of a user that our host has sent is this one, and compares the message.
    async fn check_status_sent(&mut self, exchange: &Exchange, theirs: &Json, end: i64) {
        let user = self.live(theirs.get("user_id").text());
        let says = |status: &Json| (status.get("status").clone(), status.get("manual").clone());
        let begun = Instant::now();
        let last = loop {
            let last = self.last_status(&user);
            let is_it = last
                .as_ref()
                .is_some_and(|(_, it)| says(it) == says(theirs));
            if is_it || begun.elapsed() > SEND_DEADLINE {
                break last;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        let Some((message, ours)) = last else {
            return self.mismatch(format!("no status of {user} was sent"));
        };
        self.expect("a status", says(&ours), says(theirs));
        self.expect("a status's keys", keys(&ours), keys(theirs));
        self.expect(
            "the message's keys",
            keys(&message),
            keys(exchange.payload()),
        );
        // The reference goes on naming an end that is no longer of use.
        self.expect("its end", ours.get("dnd_end_time").integer(), end);
    }

    /// The last status of a user that our host has sent, with its message.
    fn last_status(&self, user: &str) -> Option<(Json, Json)> {
        let asked = self.peer.asked(0);
        asked.iter().rev().find_map(|asked| {
            let message = Json::parse(&asked.body)?.get("msg").get("payload").clone();
            let statuses = message.get("statuses").list().to_vec();
            let found = statuses
                .into_iter()
                .find(|it| it.get("user_id").text() == user);
            found.map(|status| (message, status))
        })
    }

    /// Compares the errors about statuses in an answer with the recorded ones.
    pub fn check_status_errors(&mut self, exchange: &Exchange, theirs: &Json, told: Vec<String>) {
        let named = theirs.get("status_errors").list().iter();
        let mut expected: Vec<String> = named.map(|id| self.live(id.text())).collect();
        for status in exchange.payload().get("statuses").list() {
            if !STATUSES.contains(&status.get("status").text()) {
                self.differs(Difference::UnknownStatuses);
                let refused = self.live(status.get("user_id").text());
                if !expected.contains(&refused) {
                    expected.push(refused);
                }
            }
        }
        self.expect("status_errors", told, expected);
    }

    /// Compares the statuses that our host took with what it shows.
    pub async fn check_statuses(&mut self, exchange: &Exchange) -> Result<()> {
        let errors = exchange.answered().get("status_errors").list();
        for status in exchange.payload().get("statuses").list() {
            let is_known = STATUSES.contains(&status.get("status").text());
            if is_known && !errors.contains(status.get("user_id")) {
                self.check_status(status).await?;
            }
        }
        Ok(())
    }

    async fn check_status(&mut self, status: &Json) -> Result<()> {
        let user = self.live(status.get("user_id").text());
        let shown = self
            .host
            .side
            .admin
            .get(&format!("/users/{user}/status"))
            .await;
        let shown = shown.context("a status that was taken")?;
        let told = shown["status"].as_str().unwrap_or_default();
        self.expect("the status of a user", told, status.get("status").text());
        let (told, manual) = (shown["manual"].as_bool(), status.get("manual"));
        let is_manual = manual == &Json::Bool(true);
        self.expect("whether it was chosen", told, Some(is_manual));
        Ok(())
    }
}
