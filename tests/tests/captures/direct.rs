//! Direct and group channels: opened at our host as the recorded users opened them, and taken from the peer.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use causeway_tests::client::Client;
use causeway_tests::scene::wait_for;
use serde_json::{Value, json};

use crate::differences::Difference;
use crate::json::Json;
use crate::outgoing::Item;
use crate::player::{Player, text};
use crate::recording::Exchange;
use crate::script::{For, Script};
use crate::shape;

/// Who is in the channel of an invitation; nobody is named for other channels.
fn people(invite: &Json) -> Vec<String> {
    let ids = invite.get("direct_participant_ids").list().iter();
    ids.map(|id| id.text().to_string()).collect()
}

impl Player {
    /// Allows messages between the two workspaces, and shares memberships, as the recorded servers did; or ends that.
    pub async fn allow_direct(&mut self, allowed: bool) -> Result<()> {
        let flags = json!({ "FeatureFlags": {
            "EnableSharedChannelsDMs": allowed, "EnableSharedChannelsMemberSync": allowed,
        }});
        self.host.side.admin.put("/config/patch", flags).await?;
        self.direct = allowed;
        Ok(())
    }

    /// Whether a channel is a direct or group channel.
    pub fn is_direct_place(&self, channel: &str) -> bool {
        let place = self.world.places.get(channel);
        place.is_some_and(|it| matches!(it.invite.get("type").text(), "D" | "G"))
    }

    /// Whether a message is about a direct or group channel while these are off.
    pub fn is_direct_and_off(&self, exchange: &Exchange) -> bool {
        !self.direct && self.is_direct_place(exchange.channel())
    }

    /// Whether a user is one of our side.
    pub fn is_ours(&self, user: &str) -> bool {
        let person = self.world.people.get(user);
        person.is_some_and(|person| person.home == self.seat)
    }

    /// Somebody of our host who sees a channel: its administrator, or one of the people in a direct or group channel.
    pub async fn reader(&mut self, channel: &str) -> Result<Client> {
        if !self.is_direct_place(channel) {
            return Ok(self.host.side.admin.clone());
        }
        let people = people(&self.world.places[channel].invite);
        let own = people.into_iter().find(|id| self.is_ours(id));
        self.session(&own.context("nobody of ours is in the channel")?)
            .await
    }

    /// Somebody of our host who sees a post.
    pub async fn reader_of(&mut self, post: &str) -> Result<Client> {
        let channel = self.channel_of(post).unwrap_or_default();
        self.reader(&channel).await
    }

    /// Ensures that our host knows the people of a channel: its own have accounts, and those of the peer were met in
    /// a channel of a team.
    async fn meet(&mut self, people: &[String]) -> Result<()> {
        let mut places = self.world.places.iter();
        let place = places.find(|(id, _)| !self.is_direct_place(id));
        let channel = place.context("a channel of a team")?.0.clone();
        self.ensure_shared(&channel).await?;
        for user in people {
            if self.is_ours(user) {
                self.session(user).await?;
                continue;
            }
            let post = Json::Object(vec![("user_id".into(), Json::from(&**user))]);
            let message = Json::Object(vec![("posts".into(), Json::List(vec![post]))]);
            self.ensure_told(&message, &channel).await?;
        }
        Ok(())
    }

    /// Ensures that an invitation of the peer to a direct or group channel can be taken. Only servers of the 11 line
    /// send the profiles of their people along.
    pub async fn before_direct_invite(&mut self, exchange: &Exchange) -> Result<()> {
        let mut people = people(exchange.payload());
        if exchange.payload().find("direct_participants").is_some() {
            people.retain(|id| self.is_ours(id));
        }
        if people.is_empty() {
            return Ok(());
        }
        if self.connection.is_empty() {
            self.connect_earlier(exchange.remote_id()).await?;
        }
        self.meet(&people).await
    }

    /// A user of our host opens a direct or group channel as the recorded user did; the invitation is compared.
    pub async fn host_opens(&mut self, exchange: &Exchange) -> Result<()> {
        let invite = exchange.payload().clone();
        let channel = invite.get("channel_id").text().to_string();
        if self.map.contains_key(&channel) {
            return Ok(());
        }
        if self.connection.is_empty() {
            self.connect_earlier(exchange.remote_id()).await?;
        }
        let people = people(&invite);
        self.meet(&people).await?;
        let answer = exchange
            .answer
            .as_ref()
            .context("an invitation without an answer")?;
        let refusal = answer.body.json().get("err").text().to_string();
        if !refusal.is_empty() {
            let told = self.recorded_answer(exchange);
            let which = For {
                endpoint: "msg".into(),
                section: "sharedchannel_invite".into(),
                channel: String::new(),
            };
            Script::push(&self.script, which, told.context("a refusal")?);
        }
        // They say of themselves what they said then, before the invitation brings it.
        for user in invite.get("direct_participants").list() {
            self.act_profile(user.get("id").text(), user).await?;
        }
        let opener = people.iter().find(|id| self.is_ours(id));
        let opener = opener.context("none of ours opens the channel")?.clone();
        let session = self.session(&opener).await?;
        let live: Vec<String> = people.iter().map(|id| self.live(id)).collect();
        self.seen = self.peer.asked(0).len();
        let kind = match invite.get("type").text() {
            "D" => "direct",
            _ => "group",
        };
        let path = format!("/channels/{kind}");
        let made = session.post(&path, json!(live)).await?;
        self.map.insert(channel.clone(), text(&made, "id"));
        let ours = self
            .wait_for_frame("sharedchannel_invite", &channel)
            .await?;
        let theirs = self.live_json(exchange.body.json());
        self.compare_frames(&ours, &theirs);
        let payload = |frame: &Json| frame.get("msg").get("payload").clone();
        let participants = self.compare_direct_invites(&payload(&ours), &payload(&theirs));
        self.wait_for_link(&channel, &refusal).await?;
        if refusal.is_empty() {
            self.now_shared(&channel);
            let place = self.live(&channel);
            let held = participants.into_iter().map(|user| (user, place.clone()));
            self.sent_profiles.extend(held);
        }
        Ok(())
    }

    /// Compares two invitations; the ids of the users whose profiles ours has.
    fn compare_direct_invites(&mut self, ours: &Json, theirs: &Json) -> Vec<String> {
        let sorted = |invite: &Json| {
            let mut ids = people(invite);
            ids.sort();
            ids
        };
        let together = sorted(ours);
        self.expect("the people", &together, &sorted(theirs));
        for (key, value) in theirs.members() {
            let (one, other) = (ours.get(key), value);
            match &**key {
                "direct_participant_ids" | "direct_participants" => {}
                "name" if theirs.get("type").text() == "D" => {
                    self.expect("the name", one.text(), &*together.join("__"));
                }
                // Made of the ids, which are others here.
                "name" => self.expect("the name's length", one.text().len(), other.text().len()),
                "display_name" if one != other => {
                    self.differs(Difference::NamesOfGroups);
                    let names = |text: &str| -> BTreeSet<String> {
                        text.split(", ").map(str::to_string).collect()
                    };
                    self.expect("the names", names(one.text()), names(other.text()));
                }
                // A peer puts its channels into a team of its own.
                "team_id" => self.expect("the team", one.kind(), other.kind()),
                _ => self.expect(&format!("the invitation's {key}"), one, other),
            }
        }
        let item = |user: &Json| Item {
            key: format!("users {}", user.get("id").text()),
            section: "users",
            value: user.clone(),
            is_due: true,
        };
        let listed = ours.get("direct_participants").list();
        for user in theirs.get("direct_participants").list() {
            let Some(own) = listed.iter().find(|own| own.get("id") == user.get("id")) else {
                self.mismatch(format!("{user} is not in the invitation"));
                continue;
            };
            for difference in shape::compare(&item(own), &item(user)) {
                self.mismatch(format!("a participant: {difference}"));
            }
        }
        let ids = listed.iter().map(|user| user.get("id").text().to_string());
        ids.collect()
    }

    /// Waits until the peer has taken or refused an invitation of ours.
    async fn wait_for_link(&self, channel: &str, refusal: &str) -> Result<()> {
        let (connection, channel) = (self.live(&self.connection), self.live(channel));
        let path =
            format!("/remotecluster/{connection}/sharedchannelremotes?include_unconfirmed=true");
        wait_for("the invitation to be answered", async || {
            let links = self.host.side.admin.get(&path).await?;
            let mut links = links.as_array().into_iter().flatten();
            let Some(link) = links.find(|link| link["channel_id"] == *channel) else {
                bail!("the channel is not offered");
            };
            Ok(if refusal.is_empty() {
                link["is_invite_confirmed"] == true
            } else {
                link["refusal"] == *refusal
            })
        })
        .await
    }

    /// The people of our side who are in a channel that the peer offered see it.
    pub async fn check_direct_invited(&mut self, exchange: &Exchange) -> Result<()> {
        let invite = exchange.payload();
        let channel = invite.get("channel_id").text().to_string();
        let reader = self.reader(&channel).await?;
        let shown = reader.get(&format!("/channels/{channel}")).await?;
        let told = (text(&shown, "type"), shown["shared"].as_bool());
        self.expect(
            "a channel",
            told,
            (invite.get("type").text().into(), Some(true)),
        );
        let members = reader.get(&format!("/channels/{channel}/members")).await?;
        let members = members.as_array().into_iter().flatten();
        let mut members: Vec<String> = members.map(|it| text(it, "user_id")).collect();
        members.sort();
        let mut expected: Vec<String> = people(invite).iter().map(|id| self.live(id)).collect();
        expected.sort();
        self.expect("its members", members, expected);
        let path = format!("/channels/{channel}");
        let hidden = self.host.side.admin.get(&path).await;
        let hidden = hidden.unwrap_or(Value::Null);
        self.expect("what its administrator sees", hidden, Value::Null);
        self.now_shared(&channel);
        Ok(())
    }
}
