//! Prerequisites for playing a frame: everything that it refers to and that no recorded exchange
//! created.

use anyhow::{Context, Result, bail};
use causeway::federation::invitation::{self, CodeKdf};
use causeway::vault::Secret;
use causeway_kernel::wire::frame::Invite;
use causeway_tests::scene::{PASSWORD, wait_for};
use serde_json::json;

use crate::json::Json;
use crate::player::{Player, text};
use crate::recording::{Exchange, Set, is_sync};

/// The peer's token on a connection that was created before the story begins.
const EARLIER_TOKEN: &str = "earliertokenofthepeer1234x";

impl Player {
    /// Ensures that everything a frame refers to exists: users, posts and channels of our
    /// side, and the sharing itself. The peer's users are sent in advance, but not before
    /// hand-made requests.
    pub async fn prepare(&mut self, exchange: &Exchange) -> Result<()> {
        let payload = exchange.payload().clone();
        let mut ids = Vec::new();
        payload.visit(&mut |text| ids.push(text.to_string()));
        if !is_sync(exchange.topic()) {
            return Ok(());
        }
        if self.removed.contains(exchange.remote_id()) {
            return Ok(());
        }
        if self.connection.is_empty() {
            self.connect_earlier(exchange.remote_id()).await?;
        }
        let channel = exchange.channel().to_string();
        if self.world.places.contains_key(&channel) {
            self.ensure_shared(&channel).await?;
        }
        for id in ids {
            self.ensure(&id).await?;
        }
        let open = !self.ended.contains(&channel);
        if !exchange.by_hand() && open && self.world.places.contains_key(&channel) {
            self.ensure_told(&payload, &channel).await?;
        }
        Ok(())
    }

    /// Creates an object of our side that is referred to.
    async fn ensure(&mut self, id: &str) -> Result<()> {
        if self.map.contains_key(id) {
            return Ok(());
        }
        let is_ours = |home: char| home == self.seat;
        let person = self.world.people.get(id);
        if person.is_some_and(|it| is_ours(it.home)) && !self.is_bot_of_ours(id) {
            self.session(id).await?;
        }
        Ok(())
    }

    /// Creates a post of our side that was written before the recording begins.
    pub async fn ensure_letter(&mut self, id: &str) -> Result<()> {
        let Some(letter) = self.world.letters.get(id).cloned() else {
            return Ok(());
        };
        if letter.home != self.seat {
            return self.ensure_told_of_letter(id, &letter.item).await;
        }
        if self.map.contains_key(id) {
            return Ok(());
        }
        let (user, channel) = (letter.item.get("user_id"), letter.item.get("channel_id"));
        let root = letter.item.get("root_id").text().to_string();
        if !root.is_empty() {
            Box::pin(self.ensure_letter(&root)).await?;
        }
        let session = self.session(user.text()).await?;
        self.join(user.text(), channel.text()).await?;
        let mut item = letter.item.clone();
        let changed = |key: &str| letter.item.get(key).integer() > 0;
        if changed("edit_at") || changed("delete_at") {
            item.set("message", Json::from("Written before the recording begins"));
            item.set("delete_at", Json::from(0));
        }
        let body = json!({
            "channel_id": self.live(channel.text()),
            "root_id": self.live(&root),
            "message": item.get("message").text(),
        });
        let post = session.post("/posts", body).await?;
        let live = text(&post, "id");
        // The host sends it, too, which was not recorded.
        self.resent.insert(format!("posts {live}"));
        self.map.insert(id.to_string(), live);
        self.acted.insert(id.to_string(), item);
        Ok(())
    }

    /// Sends our host a post of the peer that was delivered before the recording begins.
    async fn ensure_told_of_letter(&mut self, id: &str, item: &Json) -> Result<()> {
        let channel = item.get("channel_id").text().to_string();
        let is_shared = self
            .shared
            .contains(&(self.connection.clone(), channel.clone()));
        if self.held.contains_key(id) || !is_shared {
            return Ok(());
        }
        let message = Json::Object(vec![
            ("id".into(), Json::from("q9m6ndk6nbyt5kxnqr1pxsa5nr")),
            ("channel_id".into(), Json::from(&*channel)),
            ("posts".into(), Json::List(vec![item.clone()])),
        ]);
        self.ensure_told(&message, &channel).await?;
        let message = self.live_json(&message);
        let answer = self.say("sharedchannel_sync", message).await?;
        let refused = answer.get("payload").get("post_errors").list().len();
        self.expect("a post told of beforehand", refused, 0);
        self.hold(item, &Json::Null);
        Ok(())
    }

    /// Sends our host the peer's users whom a message names and whom it may not know yet.
    pub async fn ensure_told(&mut self, payload: &Json, channel: &str) -> Result<()> {
        let mut named = Vec::new();
        for item in payload.get("posts").list() {
            named.push(item.get("user_id").text().to_string());
        }
        let reactions = payload.get("reactions").list().iter();
        for item in reactions.chain(payload.get("acknowledgements").list()) {
            named.push(item.get("user_id").text().to_string());
        }
        for item in payload.get("statuses").list() {
            named.push(item.get("user_id").text().to_string());
        }
        for (_, id) in payload.get("mention_transforms").members() {
            named.push(id.text().to_string());
        }
        for user in named {
            let Some(person) = self.world.people.get(&user).cloned() else {
                continue;
            };
            let key = (user.clone(), channel.to_string());
            let is_told = self.told.contains(&key) || self.refused_users.contains(&key);
            if person.home == self.seat || is_told {
                continue;
            }
            let message = Json::Object(vec![
                ("id".into(), Json::from("q9m6ndk6nbyt5kxnqr1pxsa5nr")),
                ("channel_id".into(), Json::from(&*self.live(channel))),
                (
                    "users".into(),
                    Json::Object(vec![(user.clone(), person.profile)]),
                ),
            ]);
            let answer = self.say("sharedchannel_sync", message).await?;
            let stored = answer.get("payload").get("users_syncd").list().len();
            self.expect("a user told of beforehand", stored, 1);
            self.told.insert((user, channel.to_string()));
        }
        Ok(())
    }

    /// Sends a message created by the test in the peer's name.
    pub async fn say(&self, topic: &str, payload: Json) -> Result<Json> {
        let connection = self.live(&self.connection);
        let token = self.live(&format!("token of {}", self.connection));
        let frame = Json::Object(vec![
            ("remote_id".into(), Json::from(&*connection)),
            (
                "msg".into(),
                Json::Object(vec![
                    ("id".into(), Json::from("w4tdjnh8wf8fxyg5n4c8qmaxeh")),
                    ("topic".into(), Json::from(topic)),
                    ("create_at".into(), Json::from(1)),
                    ("payload".into(), payload),
                ]),
            ),
        ]);
        let answer = self.request("msg", &connection, &token, &frame).await?;
        Json::parse(&answer.body).with_context(|| format!("{topic} was answered {}", answer.status))
    }

    /// Ensures that a channel is shared between our host and the peer.
    pub async fn ensure_shared(&mut self, channel: &str) -> Result<()> {
        let key = (self.connection.clone(), channel.to_string());
        if self.shared.contains(&key) || self.ended.contains(channel) {
            return Ok(());
        }
        let place = &self.world.places[channel];
        if place.home == self.seat {
            self.make_channel(channel).await?;
            self.share(channel).await?;
        } else {
            let invite = place.invite.clone();
            let answer = self.say("sharedchannel_invite", invite).await?;
            self.expect(
                "an invitation beforehand",
                answer.get("status").text(),
                "OK",
            );
            self.now_shared(channel);
        }
        Ok(())
    }

    /// Creates a channel of our side, with its members; where these are not told, with the users who will write
    /// there.
    pub async fn make_channel(&mut self, channel: &str) -> Result<()> {
        if self.map.contains_key(channel) {
            return Ok(());
        }
        let invite = self.world.places[channel].invite.clone();
        let body = json!({
            "team_id": self.host.side.team_id,
            "name": invite.get("name").text(),
            "display_name": invite.get("display_name").text(),
            "header": invite.get("header").text(),
            "purpose": invite.get("purpose").text(),
            "type": invite.get("type").text(),
        });
        let made = self.host.side.admin.post("/channels", body).await?;
        self.map.insert(channel.to_string(), text(&made, "id"));
        if self.shares_members() {
            return self.gather(channel).await;
        }
        let letters = self.world.letters.values();
        let writers: Vec<String> = letters
            .filter(|letter| letter.home == self.seat)
            .filter(|letter| letter.item.get("channel_id").text() == channel)
            .map(|letter| letter.item.get("user_id").text().to_string())
            .collect();
        for user in writers {
            if self.world.people.contains_key(&user) {
                self.join(&user, channel).await?;
            }
        }
        Ok(())
    }

    /// Shares a channel of our side as its admin does, and waits until the peer has accepted.
    pub async fn share(&mut self, channel: &str) -> Result<()> {
        let read_only = self.world.places[channel].invite.get("read_only") == &Json::Bool(true);
        let switch = if read_only { " --readonly Y" } else { "" };
        let connection = self.live(&self.connection);
        let command = format!("/share-channel invite --connectionID {connection}{switch}");
        let said = self.command(&self.live(channel), &command).await?;
        if !said.contains("has been sent") {
            bail!("the channel was not shared: {said}");
        }
        wait_for("the invitation to be answered", async || {
            let path = format!("/remotecluster/{connection}/sharedchannelremotes");
            let links = self.host.side.admin.get(&path).await?;
            let links = links.as_array().cloned().unwrap_or_default();
            Ok(links.iter().any(|link| {
                link["channel_id"] == self.live(channel) && link["is_invite_confirmed"] == true
            }))
        })
        .await?;
        self.now_shared(channel);
        Ok(())
    }

    /// Creates the connection of a story that begins after its connection was made.
    pub async fn connect_earlier(&mut self, recorded: &str) -> Result<()> {
        self.connection = recorded.to_string();
        self.accepted += 1;
        let code = causeway_tests::scene::invitation(&self.host.side, self.connection_name());
        let (remote_id, token) = self.open(&code.await?).await?;
        self.map.insert(recorded.into(), remote_id.clone());
        let ours = Json::from(EARLIER_TOKEN);
        let payload = Json::Object(vec![
            ("remote_id".into(), Json::from(&*remote_id)),
            ("remote_team_id".into(), Json::from("")),
            ("site_url".into(), Json::Text(self.peer.url())),
            ("token".into(), ours.clone()),
            ("refreshed_token".into(), ours),
            ("version".into(), Json::from(3)),
        ]);
        let frame = Json::Object(vec![
            ("remote_id".into(), Json::from(&*remote_id)),
            (
                "msg".into(),
                Json::Object(vec![
                    ("id".into(), Json::from("w4tdjnh8wf8fxyg5n4c8qmaxeh")),
                    ("topic".into(), Json::from("invitation")),
                    ("create_at".into(), Json::from(1)),
                    ("payload".into(), payload),
                ]),
            ),
        ]);
        let answer = self
            .request("confirm_invite", &remote_id, &token, &frame)
            .await?;
        self.expect("the earlier confirmation", answer.status, 200);
        let key = format!("token of {recorded}");
        self.map.insert(key, EARLIER_TOKEN.into());
        self.wait_online(recorded).await
    }

    /// Opens an invitation code: the connection's id and the token.
    pub async fn open(&self, code: &str) -> Result<(String, String)> {
        let derivations = self.host.running().app.vault.derivations();
        let opened = invitation::open(derivations, code, &Secret::new(PASSWORD)).await?;
        let token = opened.token.expose().to_string();
        Ok((opened.remote_id.into(), token))
    }

    /// Creates a code for a connection like the recorded server.
    pub async fn seal(&self, remote_id: &str, token: &str) -> Result<String> {
        let (version, kdf) = match self.story.set {
            Set::V2021 => (0, CodeKdf::Scrypt),
            Set::V11 => (3, CodeKdf::Pbkdf2),
        };
        let invite = Invite {
            remote_id: remote_id.to_string(),
            remote_team_id: self.story.set.team_of_invitations(),
            site_url: self.peer.url(),
            token: token.to_string(),
            refreshed_token: String::new(),
            version,
        };
        let derivations = self.host.running().app.vault.derivations();
        let code = invitation::seal(derivations, &invite, &Secret::new(PASSWORD), kdf).await?;
        Ok(code.expose().to_string())
    }
}
