//! Invitations to channels that our host sends, and invitation codes that it accepts.

use anyhow::{Context, Result, bail};
use causeway_tests::peer::{Answered, Asked, Told};
use causeway_tests::scene::{self, wait_for};

use crate::differences::Difference;
use crate::json::Json;
use crate::player::Player;
use crate::recording::Exchange;
use crate::script::{self, For, Script};

impl Player {
    /// Shares a channel as the recorded admin did, and compares the invitation.
    pub async fn host_invites(&mut self, exchange: &Exchange) -> Result<()> {
        let invite = exchange.payload().clone();
        let channel = invite.get("channel_id").text().to_string();
        if self.connection.is_empty() {
            self.connect_earlier(exchange.remote_id()).await?;
        }
        self.make_channel(&channel).await?;
        self.seen = self.peer.asked(0).len();
        let recorded_ok = exchange.answer.as_ref().is_some_and(|answer| {
            answer.status == 200 && answer.body.json().get("status").text() == "OK"
        });
        if recorded_ok {
            self.share(&channel).await?;
        } else {
            self.answer_as_recorded(exchange);
            let connection = self.live(&self.connection);
            let command = format!("/share-channel invite --connectionID {connection}");
            self.command(&self.live(&channel), &command).await?;
        }
        let ours = self
            .wait_for_frame("sharedchannel_invite", &channel)
            .await?;
        let theirs = self.live_json(exchange.body.json());
        self.compare_frames(&ours, &theirs);
        let (ours, theirs) = (payload_of(&ours), payload_of(&theirs));
        for (key, value) in theirs.members() {
            let (one, other) = (ours.get(key).clone(), value.clone());
            self.expect(&format!("the invitation's {key}"), one, other);
        }
        if !recorded_ok && exchange.answer.as_ref().is_some_and(|it| it.status == 200) {
            self.expect_unshared(&channel).await?;
        }
        Ok(())
    }

    /// Waits for a frame of our host on this topic about a channel.
    pub async fn wait_for_frame(&mut self, topic: &str, channel: &str) -> Result<Json> {
        let channel = self.live(channel);
        let mut found = None;
        wait_for("a frame of the host", async || {
            let asked = self.peer.asked(self.seen);
            found = asked.iter().find_map(|asked| {
                let frame = Json::parse(&asked.body)?;
                let message = frame.get("msg");
                let about = message.get("payload").get("channel_id").text() == channel;
                (message.get("topic").text() == topic && about).then(|| frame.clone())
            });
            Ok(found.is_some())
        })
        .await?;
        found.context("no frame")
    }

    /// Compares the keys of the frames themselves.
    pub fn compare_frames(&mut self, ours: &Json, theirs: &Json) {
        let keys = |json: &Json| -> Vec<(String, &'static str)> {
            let members = json.members().iter();
            members
                .map(|(key, value)| (key.clone(), value.kind()))
                .collect()
        };
        self.expect("the frame's keys", keys(ours), keys(theirs));
        let (one, other) = (ours.get("msg"), theirs.get("msg"));
        self.expect("the message's keys", keys(one), keys(other));
        let (one, other) = (payload_of(ours), payload_of(theirs));
        self.expect("the payload's keys", keys(&one), keys(&other));
    }

    /// Checks that our host no longer shares a channel.
    pub async fn expect_unshared(&mut self, channel: &str) -> Result<()> {
        let path = format!("/channels/{}", self.live(channel));
        let result = wait_for("the channel not to be shared any more", async || {
            Ok(self.host.side.admin.get(&path).await?["shared"] == false)
        })
        .await;
        if result.is_err() {
            self.mismatch("the channel is still shared");
        }
        Ok(())
    }

    /// Confirms a recorded invitation with our host as the acceptor.
    pub async fn host_confirms(&mut self, exchange: &Exchange) -> Result<()> {
        let recorded = exchange.remote_id().to_string();
        let Some(answer) = exchange.answer.clone() else {
            bail!("a confirmation without an answer");
        };
        let token = exchange.token();
        let code = self.seal(&recorded, token).await?;
        self.seen = self.peer.asked(0).len();
        let envelope = answer.body.json().to_string().into_bytes();
        let which = For {
            endpoint: "confirm_invite".into(),
            section: "invitation".into(),
            channel: String::new(),
        };
        let answered = Answered {
            status: answer.status,
            headers: script::headers(self.story.set),
            body: envelope,
        };
        Script::push(&self.script, which, Told::Answer(answered));
        self.accepted += 1;
        let name = match self.accepted {
            1 => self.connection_name().to_string(),
            n => format!("{}{n}", self.connection_name()),
        };
        let said = scene::accept(&self.host.side, &name, &code).await?;
        let confirmed = |asked: &&Asked| asked.path.ends_with("confirm_invite");
        let asked = self.peer.asked(self.seen);
        let Some(asked) = asked.iter().find(confirmed) else {
            // Nothing is sent only if the code is already in use (W55).
            let known = self.map.contains_key(&format!("token of {recorded}"));
            self.expect("a used code is refused unasked", known, true);
            self.differs(Difference::UsedCodesAreNotTried);
            Script::clear(&self.script);
            return Ok(());
        };
        let ours = Json::parse(&asked.body).unwrap_or(Json::Null);
        self.compare_frames(&ours, exchange.body.json());
        self.expect("the token", asked.header("x-remotecluster-token"), token);
        let (ours, theirs) = (payload_of(&ours), exchange.payload().clone());
        let version = ours.get("version").integer();
        self.expect("the version", version, theirs.get("version").integer());
        let site_url = ours.get("site_url").text().to_string();
        self.expect(
            "the site URL",
            &*site_url,
            self.host.url().to_string().as_str(),
        );
        if answer.status != 200 {
            if !said.contains("Could not accept") {
                self.mismatch(format!("a refused confirmation is told as {said:?}"));
            }
            return Ok(());
        }
        if !said.contains("accepted and confirmed") {
            self.mismatch(format!("a confirmation is told as {said:?}"));
        }
        let live = ours.get("token").text().to_string();
        self.map
            .insert(theirs.get("token").text().to_string(), live.clone());
        self.map.insert(format!("token of {recorded}"), live);
        self.connection.clone_from(&recorded);
        self.wait_online(&recorded).await
    }
}

fn payload_of(frame: &Json) -> Json {
    frame.get("msg").get("payload").clone()
}
