//! Profiles: changed at our host as the recorded users changed theirs, and checked when they are received.

use anyhow::{Context, Result, bail};
use causeway_tests::scene::wait_for;
use serde_json::{Map, Value, json};

use crate::json::Json;
use crate::player::Player;

/// What users write of themselves besides their name and their custom status.
pub const WRITTEN: [&str; 5] = ["nickname", "first_name", "last_name", "position", "locale"];

/// What the reference says of users beyond that where it does not filter their profiles.
pub const KEPT_AT_HOME: [&str; 3] = [
    "notify_props",
    "last_password_update",
    "last_picture_update",
];

/// The custom status in a recorded profile, as the text that it is; empty if there is none.
pub fn custom_status(profile: &Json) -> &str {
    profile.get("props").get("customStatus").text()
}

impl Player {
    /// Makes a user of our host say of themselves what the recorded profile says; returns whether that changed
    /// a profile that the peer holds, so that it has to be sent again.
    pub async fn act_profile(&mut self, id: &str, profile: &Json) -> Result<bool> {
        let Some(person) = self.world.people.get(id).cloned() else {
            return Ok(false);
        };
        if person.home != self.seat {
            return Ok(false);
        }
        let session = self.session(id).await?;
        let live = self.live(id);
        let shown = session.get("/users/me").await?;
        let mut changes = Map::new();
        for key in WRITTEN {
            let said = profile.get(key).text();
            if shown[key] != *said {
                changes.insert(key.to_string(), Value::from(said));
            }
        }
        // Two users of the recordings may have one name; then they have others here.
        let name = profile.get("username").text().to_string();
        let before = self.names.insert(id.to_string(), name.clone());
        if before.unwrap_or(person.username) != name {
            changes.insert("username".to_string(), Value::from(name));
        }
        let is_written = !changes.is_empty();
        if is_written {
            let path = format!("/users/{live}/patch");
            session.put(&path, Value::Object(changes)).await?;
        }
        let (said, path) = (
            custom_status(profile),
            format!("/users/{live}/status/custom"),
        );
        let has = shown["props"]["customStatus"].as_str().unwrap_or_default();
        if said.is_empty() && !has.is_empty() {
            session.delete(&path).await?;
        } else if said != has {
            session.put(&path, serde_json::from_str(said)?).await?;
        }
        let is_held = self.sent_profiles.iter().any(|(user, _)| *user == live);
        Ok(is_held && (is_written || said != has))
    }

    /// The admin deactivates a user whose profile the peer holds, and activates them again: the peer is told of both.
    pub async fn deactivate_for_a_while(&mut self, user: &str) -> Result<()> {
        let live = self.live(user);
        let path = format!("/users/{live}/active");
        let admin = self.host.side.admin.clone();
        for active in [false, true] {
            let seen = self.peer.asked(0).len();
            admin.put(&path, json!({ "active": active })).await?;
            let told = wait_for("the profile with the end of the account", async || {
                let asked = self.peer.asked(seen);
                Ok(asked.iter().any(|asked| {
                    let frame = Json::parse(&asked.body).unwrap_or(Json::Null);
                    let users = frame.get("msg").get("payload").get("users").clone();
                    let ended = users.get(&live).find("delete_at").map(Json::integer);
                    ended.is_some_and(|at| (at == 0) == active)
                }))
            });
            told.await?;
        }
        // The end of an account ends its sessions.
        let session = self.host.session_of(&live).await?;
        self.sessions.insert(user.to_string(), session);
        Ok(())
    }

    /// Compares what a user of the peer says of themselves with what our host shows.
    pub fn check_profile(&mut self, profile: &Json, shown: &Value) -> Result<()> {
        for key in WRITTEN {
            let ours = shown[key].as_str().unwrap_or_default();
            self.expect(&format!("a user's {key}"), ours, profile.get(key).text());
        }
        let status = |text: &str| -> Result<Value> {
            if text.is_empty() {
                return Ok(Value::Null);
            }
            let parsed = serde_json::from_str(text);
            parsed.with_context(|| format!("the custom status {text}"))
        };
        let ours = status(shown["props"]["customStatus"].as_str().unwrap_or_default())?;
        let theirs = status(custom_status(profile))?;
        if theirs.get("text").is_none() && theirs != Value::Null {
            bail!("a recorded custom status without a text");
        }
        self.expect("a user's custom status", ours, theirs);
        Ok(())
    }
}
