//! Traffic from the recorded server to our host: sent as recorded, each answer compared, and the
//! workspace inspected through REST.

use std::collections::BTreeSet;

use anyhow::Result;
use causeway_tests::peer::{self, Answered};

use hyper::Method;

use crate::differences::Difference;
use crate::json::Json;
use crate::mentions;
use crate::player::{Held, Player};
use crate::priorities;
use crate::recording::{Answer, Exchange, Set, is_sync};
use crate::stories::{Cue, Expect};

/// Keys of a sync response that a server of 2021 does not have, or that belong to features that
/// are off here.
const NOT_COMPARED: [&str; 3] = [
    "users_last_update_at",
    "posts_last_update_at",
    "reactions_last_update_at",
];

/// The expected effects of a frame.
#[derive(Debug, Default)]
struct Plan {
    /// Users that are stored.
    users: BTreeSet<String>,
    /// Posts that are refused.
    refused: Vec<String>,
}

impl Player {
    /// Plays one request of the recorded server.
    pub async fn peer_speaks(&mut self, exchange: &Exchange) -> Result<()> {
        if exchange.answer.is_none() {
            // The server of our seat was down then.
            return Ok(());
        }
        let confirms = exchange.endpoint() == "confirm_invite";
        if confirms {
            self.ensure_invitation(exchange).await?;
        }
        let mut expect = None;
        for cue in self.cues(exchange) {
            match cue {
                Cue::Expect(this, difference) => {
                    expect = Some(*this);
                    self.differs(*difference);
                }
                Cue::Skip(difference) => {
                    self.differs(*difference);
                    return Ok(());
                }
                other => self.perform(other, exchange).await?,
            }
        }
        if self.is_direct_and_off(exchange) {
            self.differs(Difference::DirectChannelsOff);
            return Ok(());
        }
        if self.seat == 'F' && is_sync(exchange.topic()) && expect.is_none() {
            self.differs(Difference::FailuresOfATestPeer);
            expect = Some(Expect::Taken);
        }
        if confirms {
            return self.peer_confirms(exchange, expect).await;
        }
        self.prepare(exchange).await?;
        self.before_direct_invite(exchange).await?;
        for id in named_posts(exchange.payload()) {
            let letter = self.world.letters.get(&id);
            if letter.is_some_and(|letter| letter.home == self.seat) {
                self.ensure_letter(&id).await?;
            }
        }
        let token_of = self.live(&format!("token of {}", exchange.remote_id()));
        let is_new = !exchange.token().is_empty() && !self.map.contains_key(exchange.token());
        if !exchange.by_hand() && is_new {
            self.map.insert(exchange.token().to_string(), token_of);
        }
        let answered = self.send(exchange).await?;
        let Some(recorded) = exchange.answer.clone() else {
            return Ok(());
        };
        match exchange.endpoint() {
            "upload" => {
                self.check_bytes(&recorded, &answered);
                self.note_taken_file(exchange, &answered);
            }
            "image" => self.check_picture(&recorded, &answered),
            _ => self.check_answer(exchange, &recorded, &answered, expect),
        }
        if exchange.endpoint() == "image" && answered.status == 200 {
            self.check_shown_picture(exchange).await?;
        }
        if is_sync(exchange.topic()) && answered.status == 200 {
            self.check_workspace(exchange, &recorded, expect).await?;
        }
        if exchange.topic() == "sharedchannel_invite" {
            self.check_invited(exchange, &answered).await?;
        }
        Ok(())
    }

    /// Sends a request with all ids, tokens and URLs mapped.
    pub async fn send(&self, exchange: &Exchange) -> Result<Answered> {
        let kept = |name: &str| {
            [
                "content-type",
                "x-remotecluster-id",
                "x-remotecluster-token",
            ]
            .iter()
            .any(|kept| name.eq_ignore_ascii_case(kept))
        };
        let headers: Vec<(String, String)> = exchange
            .headers
            .iter()
            .filter(|(name, _)| kept(name))
            .map(|(name, value)| (name.clone(), self.live(value)))
            .collect();
        let body = match &exchange.body {
            crate::recording::Body::Json(json) => self.live_json(json).to_string().into_bytes(),
            crate::recording::Body::Bytes(bytes) => bytes.clone(),
        };
        let path: Vec<String> = exchange
            .path
            .split('/')
            .map(|part| self.live(part))
            .collect();
        let url = format!("{}{}", self.host.url(), path.join("/"));
        peer::send(&exchange.method, &url, &headers, body).await
    }

    fn check_answer(
        &mut self,
        exchange: &Exchange,
        recorded: &Answer,
        answered: &Answered,
        expect: Option<Expect>,
    ) {
        let ours = Json::parse(&answered.body).unwrap_or(Json::Null);
        if let Some(Expect::Status(status, id)) = expect {
            let told = (answered.status, ours.get("id").text());
            return self.expect("the answer", told, (status, id));
        }
        let theirs = recorded.body.json();
        let status = if expect.is_some() {
            200
        } else {
            recorded.status
        };
        self.expect("the status", answered.status, status);
        if status != 200 {
            let id = theirs.get("id").text();
            // The name that 2021 uses for the same error.
            let id = id.replace("model.utils.decode_json.app_error", "api.unmarshal_error");
            self.expect("the error", ours.get("id").text(), &*id);
            let keys = [
                "id",
                "message",
                "detailed_error",
                "request_id",
                "status_code",
            ];
            let told: Vec<&str> = ours.members().iter().map(|(key, _)| &**key).collect();
            self.expect("the error's keys", told, keys.to_vec());
            return;
        }
        if exchange.endpoint() == "ping" {
            self.expect("the ping's keys", keys(&ours), keys(theirs));
            let sent_at = exchange.payload().get("sent_at").integer();
            self.expect("sent_at", ours.get("sent_at").integer(), sent_at);
            return;
        }
        let envelope = ["status", "err", "payload"];
        self.expect("the envelope's keys", keys(&ours), envelope.to_vec());
        if exchange.topic() == "sharedchannel_upload" {
            return self.check_announced(exchange, theirs, &ours);
        }
        let status = match expect {
            Some(Expect::Fail(_)) => "FAIL",
            Some(_) => "OK",
            None => theirs.get("status").text(),
        };
        self.expect("the envelope's status", ours.get("status").text(), status);
        if status == "FAIL" {
            let told = ours.get("err").text().to_string();
            let phrase = match expect {
                Some(Expect::Fail(phrase)) => phrase,
                _ => phrase_of(theirs.get("err").text()),
            };
            if !told.contains(phrase) {
                self.mismatch(format!("{told:?} does not say {phrase:?}"));
            }
            return self.expect("the payload", ours.get("payload"), &Json::Null);
        }
        self.check_response(exchange, theirs.get("payload"), ours.get("payload"), expect);
    }

    /// Compares a sync response with the recorded one.
    fn check_response(
        &mut self,
        exchange: &Exchange,
        theirs: &Json,
        ours: &Json,
        expect: Option<Expect>,
    ) {
        let takes = matches!(expect, Some(Expect::Taken | Expect::Refused));
        if (theirs == &Json::Null && !takes) || matches!(expect, Some(Expect::Null)) {
            return self.expect("the payload", ours, &Json::Null);
        }
        let shared: Vec<&str> = ours
            .members()
            .iter()
            .map(|(key, _)| &**key)
            .filter(|key| theirs.find(key).is_some() || theirs == &Json::Null)
            .collect();
        // A test peer's answers have an order of their own.
        if theirs != &Json::Null && self.seat != 'F' {
            self.expect("the response's keys", shared.clone(), keys(theirs));
        }
        for key in shared {
            let (one, other) = (ours.get(key), theirs.get(key));
            let nullable = [one, other].contains(&&Json::Null);
            if !NOT_COMPARED.contains(&key) && !nullable {
                self.expect(key, one.kind(), other.kind());
            }
        }
        let plan = self.plan(exchange, theirs, expect);
        let list = |key: &str| -> Vec<String> {
            let texts = ours.get(key).list().iter();
            texts.map(|text| text.text().to_string()).collect()
        };
        let users: BTreeSet<String> = list("users_syncd").into_iter().collect();
        let mut expected: BTreeSet<String> = plan.users.iter().map(|id| self.live(id)).collect();
        let is_2021 = self.story.set == Set::V2021;
        if is_2021 && expected.is_empty() && self.is_direct_place(exchange.channel()) {
            let named = exchange.payload().get("users").members().iter();
            expected.extend(named.map(|(id, _)| id.clone()));
            if !expected.is_empty() {
                self.differs(Difference::ProfilesInDirectChannels);
            }
        }
        self.expect("users_syncd", users, expected);
        let expected: Vec<String> = plan.refused.iter().map(|id| self.live(id)).collect();
        self.expect("post_errors", list("post_errors"), expected);
        let named = theirs.get("acknowledgement_errors").list().iter();
        let expected: Vec<String> = named.map(|id| self.live(id.text())).collect();
        let told = list("acknowledgement_errors");
        self.expect("acknowledgement_errors", told, expected);
        self.check_status_errors(exchange, theirs, list("status_errors"));
    }

    /// What the recorded answer, or its replacement, says about the items of a frame.
    fn plan(&mut self, exchange: &Exchange, theirs: &Json, expect: Option<Expect>) -> Plan {
        let payload = exchange.payload();
        let posts = payload.get("posts").list();
        let id = |item: &Json| item.get("id").text().to_string();
        let users = payload.get("users").members().iter();
        let all: BTreeSet<String> = users.map(|(id, _)| id.clone()).collect();
        match expect {
            Some(Expect::Taken) => Plan {
                users: all,
                refused: Vec::new(),
            },
            Some(Expect::Refused) => Plan {
                users: BTreeSet::new(),
                refused: posts.iter().map(id).collect(),
            },
            _ => {
                let text = |json: &Json| json.text().to_string();
                let named = theirs.get("post_errors").list().iter().map(text);
                let of = |id: &str| posts.iter().find(|post| post.get("id").text() == id);
                let (deleted, refused): (Vec<String>, Vec<String>) = named.partition(|refused| {
                    of(refused).is_some_and(|post| post.get("delete_at").integer() > 0)
                });
                if !deleted.is_empty() {
                    self.differs(Difference::RepeatedDeletion);
                }
                let (known, refused): (Vec<String>, Vec<String>) =
                    refused.into_iter().partition(|refused| {
                        let is_known = self.held.contains_key(refused);
                        is_known && of(refused).is_some_and(is_of_the_system)
                    });
                if !known.is_empty() {
                    self.differs(Difference::RepeatedSystemPosts);
                }
                Plan {
                    users: theirs.get("users_syncd").list().iter().map(text).collect(),
                    refused,
                }
            }
        }
    }

    /// Checks everything that a frame may have changed.
    async fn check_workspace(
        &mut self,
        exchange: &Exchange,
        recorded: &Answer,
        expect: Option<Expect>,
    ) -> Result<()> {
        let payload = exchange.payload().clone();
        let refused_whole = matches!(expect, Some(Expect::Fail(_) | Expect::Null))
            || (expect.is_none() && recorded.body.json().get("status").text() == "FAIL")
            || (expect.is_none() && exchange.answered() == &Json::Null);
        let plan = self.plan(exchange, exchange.answered(), expect);
        for (id, profile) in payload.get("users").members() {
            let taken = plan.users.contains(id) && !refused_whole;
            let key = (id.clone(), exchange.channel().to_string());
            if taken {
                self.told.insert(key);
            } else {
                self.refused_users.insert(key);
            }
            self.check_user(id, profile, taken).await?;
        }
        for item in payload.get("posts").list() {
            let id = item.get("id").text();
            if !plan.refused.iter().any(|refused| refused == id) && !refused_whole {
                self.hold(item, payload.get("mention_transforms"));
            }
        }
        for item in payload.get("posts").list() {
            self.check_post(item.get("id").text()).await?;
        }
        for item in payload.get("reactions").list() {
            self.check_reaction(item, refused_whole).await?;
        }
        if !refused_whole {
            self.check_statuses(exchange).await?;
            self.check_members(exchange).await?;
            self.check_offered(exchange).await?;
        }
        for item in payload.get("acknowledgements").list() {
            self.note_acknowledgement(item, refused_whole);
        }
        let listed = payload.get("posts").list().iter();
        let acknowledged = payload.get("acknowledgements").list().iter();
        let posts = listed
            .map(|post| post.get("id"))
            .chain(acknowledged.map(|item| item.get("post_id")));
        for id in posts {
            self.check_acknowledgements(id.text()).await?;
        }
        for post in payload.get("posts").list() {
            self.note_list(post);
        }
        Ok(())
    }

    async fn check_user(&mut self, id: &str, profile: &Json, taken: bool) -> Result<()> {
        let path = format!("/users/{}", self.live(id));
        let answer = self.host.side.admin.call(Method::GET, &path, None).await?;
        if !taken {
            let own = self.map.contains_key(id);
            let known = answer.status == 200;
            let earlier = self.told.iter().any(|(user, _)| user == id);
            if known && !own && !earlier {
                self.mismatch(format!("the refused user {id} is there"));
            }
            if own && answer.body["remote_id"].as_str().unwrap_or_default() != "" {
                self.mismatch(format!("our user {id} has become the peer's"));
            }
            return Ok(());
        }
        let name = answer.body["username"].as_str().unwrap_or_default();
        let home = profile.get("username").text();
        let (before, after) = name.split_once(':').unwrap_or_default();
        let suffixed = before.strip_prefix(home).is_some_and(|rest| {
            rest.is_empty()
                || rest
                    .strip_prefix('-')
                    .is_some_and(|n| n.parse::<u32>().is_ok())
        });
        if !suffixed || !after.starts_with(self.connection_name()) {
            self.mismatch(format!("{home} is called {name} here"));
        }
        self.check_profile(profile, &answer.body)
    }

    /// Notes the state that our host should have of a post from now on: the newest version, and a deletion
    /// permanently.
    pub fn hold(&mut self, item: &Json, transforms: &Json) {
        let id = item.get("id").text().to_string();
        let times = ["create_at", "update_at", "edit_at", "delete_at"];
        let version = times.iter().map(|key| item.get(key).integer()).max();
        let version = version.unwrap_or_default();
        let deleted = item.get("delete_at").integer() > 0;
        let message = item.get("message").text();
        let text = mentions::expected(self, message, transforms);
        let held = Held {
            item: item.clone(),
            text,
            version,
            deleted,
        };
        let gone = |held: &Held| held.deleted;
        match self.held.get(&id).cloned() {
            Some(known) if known.deleted => {}
            Some(known) if !deleted && version < known.version => {
                self.differs(Difference::OlderVersion);
            }
            Some(known) if !deleted && version == known.version => {}
            _ => {
                let root = item.get("root_id").text();
                let is_gone = deleted || self.held.get(root).is_some_and(gone);
                if is_gone {
                    // Deleting a root deletes its thread.
                    for reply in self.held.values_mut() {
                        if reply.item.get("root_id").text() == id && deleted {
                            reply.deleted = true;
                        }
                    }
                }
                self.held.insert(
                    id,
                    Held {
                        deleted: is_gone,
                        ..held
                    },
                );
            }
        }
    }

    /// Compares a post with that shown by our host.
    async fn check_post(&mut self, id: &str) -> Result<()> {
        if id.is_empty() {
            return Ok(());
        }
        let path = format!("/posts/{}", self.live(id));
        let reader = self.reader_of(id).await?;
        let answer = reader.call(Method::GET, &path, None).await?;
        if let Some(own) = self.acted.get(id).cloned() {
            if own.get("delete_at").integer() == 0 {
                let (told, text) = (answer.body["message"].as_str(), own.get("message").text());
                self.expect("the text of our post", told, Some(text));
            }
            return Ok(());
        }
        let Some(held) = self.held.get(id).cloned() else {
            if answer.status == 200 && !self.map.contains_key(id) {
                self.mismatch(format!("the refused post {id} is there"));
            }
            return Ok(());
        };
        if held.deleted {
            self.expect("a deleted post", answer.status, 404);
            return Ok(());
        }
        self.expect("a post's status", answer.status, 200);
        let body = &answer.body;
        let text = |key: &str| body[key].as_str().unwrap_or_default();
        self.expect("a post's text", text("message"), &*held.text);
        for key in ["user_id", "channel_id", "root_id"] {
            let expected = self.live(held.item.get(key).text());
            self.expect(key, text(key), &*expected);
        }
        let priority = body["metadata"].get("priority").cloned();
        self.expect("priority", priority, priorities::of(&held.item));
        let kind = held.item.get("type").text();
        if is_of_the_system(&held.item) && !ABOUT_MEMBERS.contains(&kind) {
            self.differs(Difference::WordsOfTheSystem);
            self.expect("type", text("type"), "");
        } else {
            self.expect("type", text("type"), kind);
        }
        let pinned = held.item.get("is_pinned") == &Json::Bool(true);
        self.expect("is_pinned", body["is_pinned"].as_bool(), Some(pinned));
        self.check_files(&held.item, body, &reader).await?;
        let edited = body["edit_at"].as_i64().unwrap_or_default() > 0;
        if held.item.get("edit_at").integer() > 0 && !edited {
            self.mismatch(format!("the edit of {id} does not show"));
        }
        Ok(())
    }

    async fn check_reaction(&mut self, item: &Json, refused: bool) -> Result<()> {
        let part = |key: &str| item.get(key).text().to_string();
        let key = (part("post_id"), part("user_id"), part("emoji_name"));
        let ours = self.sessions.contains_key(&key.1);
        let known = self.held.contains_key(&key.0) || self.acted.contains_key(&key.0);
        let removed = item.get("delete_at").integer() > 0;
        if ours {
            self.differs(Difference::EchoesIgnored);
        } else if known && !refused {
            if self.reactions.contains(&key) != removed {
                self.differs(Difference::ReactionsByDeleteAt);
            }
            if removed {
                self.reactions.remove(&key);
            } else {
                self.reactions.insert(key.clone());
            }
        }
        let path = format!("/posts/{}/reactions", self.live(&key.0));
        let reader = self.reader_of(&key.0).await?;
        let list = reader.call(Method::GET, &path, None).await?;
        let user = self.live(&key.1);
        let there = list.body.as_array().is_some_and(|list| {
            list.iter()
                .any(|it| it["user_id"] == *user && it["emoji_name"] == *key.2)
        });
        let expected = self.reactions.contains(&key);
        self.expect(&format!("the reaction {key:?}"), there, expected);
        Ok(())
    }

    /// At the end of a recording, checks every post that our host should have.
    pub async fn check_all(&mut self) -> Result<()> {
        let ids: Vec<String> = self.held.keys().cloned().collect();
        for id in ids {
            self.check_post(&id).await?;
        }
        let mut by_post: Vec<(String, BTreeSet<(String, String)>)> = Vec::new();
        for (post, user, emoji) in &self.reactions {
            let entry = (self.live(user), emoji.clone());
            match by_post.last_mut().filter(|(last, _)| last == post) {
                Some((_, set)) => {
                    set.insert(entry);
                }
                None => by_post.push((post.clone(), BTreeSet::from([entry]))),
            }
        }
        for (post, expected) in by_post {
            let gone = self.held.get(&post).is_some_and(|held| held.deleted);
            let own_gone = |own: &Json| own.get("delete_at").integer() > 0;
            if gone || self.acted.get(&post).is_some_and(own_gone) {
                continue;
            }
            let path = format!("/posts/{}/reactions", self.live(&post));
            let list = self.reader_of(&post).await?.get(&path).await?;
            let part = |it: &serde_json::Value, key: &str| crate::player::text(it, key);
            let shown = list.as_array().into_iter().flatten();
            let shown: BTreeSet<(String, String)> = shown
                .map(|it| (part(it, "user_id"), part(it, "emoji_name")))
                .collect();
            self.expect(&format!("the reactions to {post}"), shown, expected);
        }
        Ok(())
    }
}

pub fn keys(json: &Json) -> Vec<&str> {
    json.members().iter().map(|(key, _)| &**key).collect()
}

/// Whether a post has a type of the system.
fn is_of_the_system(post: &Json) -> bool {
    post.get("type").text().starts_with("system_")
}

fn named_posts(payload: &Json) -> Vec<String> {
    let mut named = Vec::new();
    for item in payload.get("posts").list() {
        for key in ["root_id", "id"] {
            named.push(item.get(key).text().to_string());
        }
    }
    for section in ["reactions", "acknowledgements"] {
        for item in payload.get(section).list() {
            named.push(item.get("post_id").text().to_string());
        }
    }
    named
}

/// System types that clients see unchanged.
const ABOUT_MEMBERS: [&str; 4] = [
    "system_join_channel",
    "system_leave_channel",
    "system_add_to_channel",
    "system_remove_from_channel",
];

/// The compared phrase of a recorded refusal; servers word the rest differently.
fn phrase_of(error: &str) -> &'static str {
    const PHRASES: [&str; 10] = [
        "channel is no longer shared",
        "channel not found",
        "channel already exists",
        "channel with that name already",
        "invalid sync message",
        "invalid channel invite",
        "should not contain posts",
        "Name must be 1 or more",
        "Invalid type",
        "cannot create",
    ];
    let found = PHRASES.into_iter().find(|phrase| error.contains(phrase));
    found.unwrap_or("")
}
