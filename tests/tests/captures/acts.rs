//! Actions at our host: users act through REST, administrators also through slash commands.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use causeway_tests::scene;
use serde_json::json;

use crate::differences::Difference;
use crate::json::Json;
use crate::mentions;
use crate::player::{Player, text};
use crate::priorities;
use crate::recording::Exchange;
use crate::stories::{Cue, Expect};
use crate::world::{self, Place};

impl Player {
    /// Performs an action that the traffic does not show.
    pub async fn perform(&mut self, cue: &Cue, exchange: &Exchange) -> Result<()> {
        match cue {
            Cue::RemoveConnection => {
                let invites = exchange.endpoint() == "confirm_invite" && exchange.from != self.seat;
                let connection = if invites {
                    exchange.remote_id().to_string()
                } else {
                    self.connection.clone()
                };
                self.remove_connection(&connection).await
            }
            Cue::HoursAhead(hours) => {
                self.host.clock.set_ahead_ms(hours * 60 * 60 * 1000);
                Ok(())
            }
            Cue::Uninvite(channel) => {
                let connection = self.live(&self.connection);
                let command = format!("/share-channel uninvite --connectionID {connection}");
                self.end_sharing(channel, &command).await
            }
            Cue::Unshare(channel) => self.end_sharing(channel, "/share-channel unshare").await,
            Cue::Opens(seq) => {
                let exchanges = self.story.set.file(&exchange.file);
                let later = exchanges.iter().find(|it| it.seq == *seq);
                self.host_opens(later.context("no such exchange")?).await
            }
            Cue::DirectOff => self.allow_direct(false).await,
            Cue::Deactivate(user) => {
                self.differs(Difference::AccountsThatEnd);
                self.deactivate_for_a_while(user).await
            }
            Cue::Attach(previous) => {
                let command = format!(
                    "/secure-connection attach --connectionID {} --previousID {}",
                    self.live(&self.connection),
                    self.live(previous)
                );
                let town_square = self.host.side.town_square.clone();
                let said = self.command(&town_square, &command).await?;
                if !said.contains("attached") {
                    bail!("the connection was not attached: {said}");
                }
                Ok(())
            }
            Cue::OwnChannel(id, name) => {
                let made = self.host.side.channel(name, &[]).await?;
                self.map.insert((*id).to_string(), made);
                Ok(())
            }
            Cue::SharedChannel(id) => {
                let (home, invite) = (self.seat, world::invented(id));
                let place = Place { home, invite };
                self.world.places.insert((*id).to_string(), place);
                self.ensure_shared(id).await
            }
            Cue::OwnPost(id, channel) => {
                let channel = self.live(channel);
                let admin = &self.host.side.admin;
                let post = scene::post(admin, &channel, "", "Ours alone").await?;
                // The host sends it, too, if it is shared.
                self.resent.insert(format!("posts {post}"));
                self.map.insert((*id).to_string(), post);
                Ok(())
            }
            Cue::Expect(..) | Cue::Skip(_) => Ok(()),
        }
    }

    async fn end_sharing(&mut self, channel: &str, command: &str) -> Result<()> {
        let said = self.command(&self.live(channel), command).await?;
        if !said.contains("no longer shared") && !said.contains("uninvited") {
            bail!("{command}: {said}");
        }
        self.shared
            .remove(&(self.connection.clone(), channel.to_string()));
        self.ended.insert(channel.to_string());
        Ok(())
    }

    /// Performs the author's action that a sent post implies; returns whether there was one.
    pub async fn act_post(&mut self, item: &Json) -> Result<bool> {
        let id = item.get("id").text().to_string();
        let kind = item.get("type").text().to_string();
        if self.held.contains_key(&id) {
            // A change that a hub or a moderator made to a post of the peer.
            return Ok(false);
        }
        let Some(known) = self.acted.get(&id).cloned() else {
            let done = if kind.is_empty() {
                self.write(&id, item).await.map(|()| true)
            } else {
                self.act_system(&id, &kind, item).await
            };
            return done.with_context(|| format!("acting the post {id}"));
        };
        let is_live = item.get("delete_at").integer() == 0;
        if is_live && item.get("file_ids") != known.get("file_ids") {
            self.differs(Difference::FilesStayAsTheyAre);
            let files = known.get("file_ids").clone();
            self.kept_files.entry(id.clone()).or_insert(files);
        }
        let (user, live) = (item.get("user_id").text().to_string(), self.live(&id));
        let session = self.session(&user).await?;
        let mut acted = true;
        if item.get("delete_at").integer() > 0 {
            let gone = |item: &Json| item.get("delete_at").integer() > 0;
            let root = self.acted.get(item.get("root_id").text());
            if gone(&known) {
                acted = false;
            } else if root.is_some_and(gone) {
                self.differs(Difference::ThreadsGoWithTheirRoots);
                acted = false;
            } else {
                session.delete(&format!("/posts/{live}")).await?;
            }
        } else if item.get("message") != known.get("message") {
            let typed = mentions::typed(self.story.set, item.get("message").text());
            let body = json!({ "message": typed });
            session.put(&format!("/posts/{live}/patch"), body).await?;
        } else if item.get("is_pinned") != known.get("is_pinned") {
            session
                .post(&format!("/posts/{live}/pin"), json!({}))
                .await?;
        } else {
            self.differs(Difference::UnchangedPostsOnce);
            acted = false;
        }
        self.acted.insert(id, item.clone());
        Ok(acted)
    }

    /// Writes a post.
    async fn write(&mut self, id: &str, item: &Json) -> Result<()> {
        let (user, channel) = (item.get("user_id").text(), item.get("channel_id").text());
        let root = item.get("root_id").text();
        self.ensure_letter(root).await?;
        let session = self.session(user).await?;
        self.join(user, channel).await?;
        let gone = item.get("delete_at").integer() > 0;
        let edited = item.get("edit_at").integer() > 0;
        let files = self.upload_files(item).await?;
        let message = item.get("message").text();
        let typed = mentions::typed(self.story.set, message);
        let body = json!({
            "channel_id": self.live(channel),
            "root_id": self.live(root),
            "message": if gone || edited { "An earlier text" } else { &*typed },
            "file_ids": files,
            "metadata": { "priority": priorities::of(item) },
        });
        let post = session.post("/posts", body).await?;
        let live = text(&post, "id");
        self.map.insert(id.to_string(), live.clone());
        if edited && !gone {
            let body = json!({ "message": typed });
            session.put(&format!("/posts/{live}/patch"), body).await?;
        }
        if item.get("is_pinned") == &Json::Bool(true) {
            session
                .post(&format!("/posts/{live}/pin"), json!({}))
                .await?;
        }
        if gone {
            session.delete(&format!("/posts/{live}")).await?;
        }
        self.acted.insert(id.to_string(), item.clone());
        Ok(())
    }

    /// Performs the action that a system post reports; returns whether that creates a system post here, too.
    async fn act_system(&mut self, id: &str, kind: &str, item: &Json) -> Result<bool> {
        if self.shares_members() {
            return self.find_report(id, kind, item).await;
        }
        let channel = item.get("channel_id").text().to_string();
        let user = item.get("user_id").text().to_string();
        match kind {
            "system_leave_channel" => {
                let session = self.session(&user).await?;
                self.join(&user, &channel).await?;
                let path = format!(
                    "/channels/{}/members/{}",
                    self.live(&channel),
                    self.live(&user)
                );
                session.delete(&path).await?;
            }
            // Users who join are members already, so that others can be named.
            "system_join_channel" | "system_add_to_channel" => {
                self.acted.insert(id.to_string(), item.clone());
                self.differs(Difference::MembersBeforehand);
                return Ok(false);
            }
            _ => {
                self.acted.insert(id.to_string(), item.clone());
                self.differs(Difference::ChannelsStayAsTheyAre);
                return Ok(false);
            }
        }
        let path = format!("/channels/{}/posts", self.live(&channel));
        let list = self.host.side.admin.get(&path).await?;
        let posts = list["order"].as_array().into_iter().flatten();
        let made = posts
            .map(|id| &list["posts"][id.as_str().unwrap_or_default()])
            .find(|post| post["type"] == kind);
        let made = made.with_context(|| format!("no post of type {kind}"))?;
        self.map.insert(id.to_string(), text(made, "id"));
        self.acted.insert(id.to_string(), item.clone());
        Ok(true)
    }

    /// Performs the action that a sent reaction implies; returns whether there was one.
    pub async fn act_reaction(&mut self, item: &Json) -> Result<bool> {
        let part = |key: &str| item.get(key).text().to_string();
        let key = (part("post_id"), part("user_id"), part("emoji_name"));
        let person = self.world.people.get(&key.1);
        if person.is_none_or(|person| person.home != self.seat) {
            self.differs(Difference::EchoesNotSent);
            return Ok(false);
        }
        self.ensure_letter(&key.0).await?;
        let session = self.session(&key.1).await?;
        if let Some(channel) = self.channel_of(&key.0) {
            self.join(&key.1, &channel).await?;
        }
        let removed = item.get("delete_at").integer() > 0;
        let there = self.reactions.contains(&key);
        if removed != there {
            // Sent before, or never present: an addition that was removed within the same window.
            if !removed {
                self.differs(Difference::UnchangedPostsOnce);
                return Ok(false);
            }
            if self.told_reactions.contains(&key) {
                return Ok(false);
            }
        }
        let (user, post) = (self.live(&key.1), self.live(&key.0));
        if !there {
            let body = json!({ "user_id": user, "post_id": post, "emoji_name": key.2 });
            session.post("/reactions", body).await?;
            self.reactions.insert(key.clone());
        }
        if removed {
            let path = format!("/users/{user}/posts/{post}/reactions/{}", key.2);
            session.delete(&path).await?;
            self.reactions.remove(&key);
        }
        self.told_reactions.insert(key);
        Ok(true)
    }

    /// The channel of a post, as recorded.
    pub fn channel_of(&self, post: &str) -> Option<String> {
        let item = match (self.acted.get(post), self.held.get(post)) {
            (Some(item), _) => item,
            (None, Some(held)) => &held.item,
            (None, None) => return None,
        };
        Some(item.get("channel_id").text().to_string())
    }

    /// Creates the invitation that a recorded confirmation answers, unless it exists.
    pub async fn ensure_invitation(&mut self, exchange: &Exchange) -> Result<()> {
        let recorded = exchange.remote_id().to_string();
        if self.map.contains_key(&recorded) {
            return Ok(());
        }
        self.accepted += 1;
        let name = match self.accepted {
            1 => self.connection_name().to_string(),
            n => format!("{}{n}", self.connection_name()),
        };
        let code = scene::invitation(&self.host.side, &name).await?;
        let (remote_id, token) = self.open(&code).await?;
        self.map.insert(recorded, remote_id);
        self.map.insert(exchange.token().to_string(), token);
        Ok(())
    }

    /// Checks that every ping of a connection presents this token: an inviter has none before it is
    /// confirmed, and tokens are not rotated later. Pings of other connections present their own.
    fn check_presented(&mut self, connection: &str, token: &str) {
        let (asked, remote_id) = (self.peer.asked(0), self.live(connection));
        let presented: BTreeSet<&str> = asked
            .iter()
            .filter(|it| it.path.ends_with("ping"))
            .filter(|it| it.header("x-remotecluster-id") == remote_id)
            .map(|it| it.header("x-remotecluster-token"))
            .collect();
        let expected = BTreeSet::from([token]);
        self.expect("the tokens that our host presents", presented, expected);
    }

    /// The recorded server confirms an invitation of our host.
    pub async fn peer_confirms(
        &mut self,
        exchange: &Exchange,
        expect: Option<Expect>,
    ) -> Result<()> {
        let Some(recorded) = exchange.answer.clone() else {
            return Ok(());
        };
        let answered = self.send(exchange).await?;
        let body = Json::parse(&answered.body).unwrap_or(Json::Null);
        let told = (answered.status, body.get("id").text());
        if let Some(Expect::Status(status, id)) = expect {
            self.expect("the confirmation", told, (status, id));
            return Ok(());
        }
        let theirs = recorded.body.json();
        let expected = (recorded.status, theirs.get("id").text());
        self.expect("the confirmation", told, expected);
        if recorded.status != 200 {
            return Ok(());
        }
        self.expect("its answer", &body, theirs);
        let payload = exchange.payload();
        let token = match payload.get("refreshed_token").text() {
            "" => self.live(exchange.token()),
            refreshed => refreshed.to_string(),
        };
        let id = exchange.remote_id().to_string();
        self.map.insert(format!("token of {id}"), token);
        self.connection.clone_from(&id);
        self.wait_online(&id).await?;
        self.check_presented(&id, payload.get("token").text());
        Ok(())
    }
}
