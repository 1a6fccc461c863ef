//! Traffic that the seat's own server sent: its users' actions are repeated at our host, and the messages
//! that the host then sends are compared: same sections and items in the same order, same keys and types.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use causeway_tests::peer::{Answered, Told};

use crate::differences::Difference;
use crate::directory;
use crate::files;
use crate::json::Json;
use crate::members;
use crate::player::Player;
use crate::profiles;
use crate::recording::{Body, Exchange, Set, is_sync};
use crate::script::{self, For, Script};
use crate::sent::{Sent, times_sent};
use crate::shape;
use crate::stories::{Cue, Feature};

/// How long our host may take to send an expected message.
const SEND_DEADLINE: Duration = Duration::from_secs(60);
/// How long it may take for items that the peer has refused; it pauses up to ten seconds.
const REFUSED_DEADLINE: Duration = Duration::from_secs(120);
/// Bytes that a real server accepts at most.
const FRAME_BYTES_MAX: usize = 300_512;

/// A user, membership, post, acknowledgement or reaction that is sent.
#[derive(Clone, Debug)]
pub struct Item {
    /// Section and id.
    pub key: String,
    pub section: &'static str,
    pub value: Json,
    /// Whether our host has to send it; profiles go only when somebody needs them or they have changed.
    pub is_due: bool,
}

/// How messages of a round failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Failed {
    /// The profiles were refused by the peer.
    users: bool,
    /// The posts were refused by the peer.
    posts: bool,
    /// The posts were lost on the way, or their fate is unknown.
    on_the_way: bool,
}

impl Player {
    /// Makes the host's users repeat the recorded users' actions, as far as the first exchange and those
    /// of the same round show them. Returns how many exchanges that covers.
    pub async fn host_acts(&mut self, rest: &[Exchange]) -> Result<usize> {
        let Some(first) = rest.first() else {
            return Ok(0);
        };
        // Hand-made requests came from no server; only a test peer is hand-made as a whole.
        if first.by_hand() && self.seat != 'F' {
            return Ok(1);
        }
        let mut skipped = false;
        for cue in self.cues(first) {
            match cue {
                Cue::Skip(difference) => {
                    self.differs(*difference);
                    skipped = true;
                }
                Cue::Expect(..) => bail!("a cue for an answer stands at an act of our host"),
                other => self.perform(other, first).await?,
            }
        }
        if skipped {
            return Ok(1);
        }
        if self.is_direct_and_off(first) {
            self.differs(Difference::DirectChannelsOff);
            return Ok(1);
        }
        match first.endpoint() {
            "confirm_invite" => return self.host_confirms(first).await.map(|()| 1),
            "upload" => self.note_file(first),
            "msg" if first.topic() == "sharedchannel_upload" => self.note_file(first),
            "image" => return self.host_sets_picture(first).await.map(|()| 1),
            "msg"
                if first.topic() == "sharedchannel_invite"
                    && self.is_direct_place(first.payload().get("channel_id").text()) =>
            {
                return self.host_opens(first).await.map(|()| 1);
            }
            "msg" if first.topic() == "sharedchannel_invite" => {
                return self.host_invites(first).await.map(|()| 1);
            }
            "msg"
                if self.story.on.contains(&Feature::Statuses)
                    && first.payload().get("statuses").is_filled() =>
            {
                return self.host_sets_statuses(first).await.map(|()| 1);
            }
            "msg" if first.topic() == directory::TOPIC => {
                return self.host_offers(rest).await.map(|()| 1);
            }
            "msg" if is_sync(first.topic()) => return self.host_syncs(rest).await,
            _ => {}
        }
        Ok(1)
    }

    async fn host_syncs(&mut self, rest: &[Exchange]) -> Result<usize> {
        let round = self.round(rest);
        let channel = round[0].channel().to_string();
        self.at = round[0].at();
        for exchange in &round {
            self.prepare(exchange).await?;
        }
        // What is to be sent together is done while the peer is away: our host does not gather it.
        let together = round.iter().any(|it| self.is_full(it));
        let down = together || round.iter().any(|it| it.error.contains("refused"));
        let ended = round
            .iter()
            .any(|it| answer_error(it).contains("channel is no longer shared"));
        if down {
            self.peer.down().await;
        }
        let mut failed = Failed::default();
        for exchange in &round {
            self.script_round(exchange, ended, &mut failed);
        }
        let acted = self.act_all(&round).await;
        if down {
            self.peer.up().await?;
        }
        let theirs = acted?;
        if ended {
            self.differs(Difference::OneRefusalIsEnough);
            self.expect_unshared(&channel).await?;
            self.shared.remove(&(self.connection.clone(), channel));
            self.seen = self.peer.asked(0).len();
        } else {
            if failed != Failed::default() && !theirs.is_empty() {
                self.differs(Difference::FailuresSentAgain);
            }
            self.compare(&round, theirs, failed).await;
            self.check_files_sent().await;
        }
        Script::clear(&self.script);
        self.played.extend(round.iter().map(|it| it.at()));
        Ok(1)
    }

    /// The exchanges that belong together: sections of one channel in ascending order, and what follows a full
    /// message of memberships. While the peer is down, everything up to its return.
    fn round<'r>(&self, rest: &'r [Exchange]) -> Vec<&'r Exchange> {
        let syncs = |it: &&Exchange| it.from == self.seat && is_sync(it.topic());
        let first = &rest[0];
        let mut round = Vec::new();
        if first.error.contains("refused") {
            round.extend(
                rest.iter()
                    .filter(syncs)
                    .filter(|it| it.channel() == first.channel()),
            );
            return round;
        }
        let rank = |it: &Exchange| {
            let section = script::section_of(it.topic(), it.payload());
            script::SECTIONS.iter().position(|known| *known == section)
        };
        let mut last = None;
        for exchange in rest {
            if exchange.from != self.seat || matches!(exchange.endpoint(), "ping" | "image") {
                if exchange.from != self.seat && exchange.endpoint() != "ping" {
                    break;
                }
                continue;
            }
            let next = rank(exchange);
            let is_continued = round.iter().any(|it| self.is_full(it)) && next == rank(first);
            let rises = last.is_none() || next > last || is_continued;
            if !is_sync(exchange.topic()) || exchange.channel() != first.channel() || !rises {
                break;
            }
            last = next;
            round.push(exchange);
        }
        round
    }

    /// Makes the peer answer as recorded.
    fn script_round(&mut self, exchange: &Exchange, ended: bool, failed: &mut Failed) {
        let section = script::section_of(exchange.topic(), exchange.payload());
        if !script::SECTIONS.contains(&&*section) {
            return;
        }
        let Some(told) = self.recorded_answer(exchange) else {
            return;
        };
        let channel = self.live(exchange.channel());
        let sections = if ended {
            vec!["users", "posts"]
        } else {
            vec![&*section]
        };
        for section in sections {
            let which = For {
                endpoint: "msg".into(),
                section: section.into(),
                channel: channel.clone(),
            };
            Script::push(&self.script, which, told.clone());
        }
        let is_object = matches!(exchange.answered(), Json::Object(_));
        let is_ok = exchange.answer.as_ref().is_some_and(|answer| {
            answer.status == 200 && answer.body.json().get("status").text() == "OK"
        });
        let refused = exchange.answer.as_ref().is_some_and(|it| it.status == 200);
        let late = exchange.error.contains("gone");
        if is_ok && is_object && !late {
            return;
        }
        failed.users |= refused && !late && section == "users";
        failed.posts |= refused && !late && section == "posts";
        failed.on_the_way |= (!refused || late) && section == "posts";
    }

    /// The recorded answer, if it was anything but a plain success.
    pub fn recorded_answer(&self, exchange: &Exchange) -> Option<Told> {
        if exchange.error.contains("refused") {
            return None;
        }
        let Some(answer) = &exchange.answer else {
            return Some(Told::Close);
        };
        let envelope = answer.body.json();
        let payload = envelope.get("payload");
        let refused = ["post_errors", "user_errors"]
            .iter()
            .any(|key| payload.get(key).is_filled());
        let plain = answer.status == 200
            && envelope.get("status").text() == "OK"
            && payload != &Json::Null
            && !refused;
        let late = exchange.error.contains("gone");
        if plain && !late {
            return None;
        }
        // The caller had given up before this answer came, so for it there was no answer.
        if late {
            return Some(Told::Silence);
        }
        let body = match &answer.body {
            Body::Json(json) => self.live_json(json).to_string().into_bytes(),
            Body::Bytes(bytes) => bytes.clone(),
        };
        let mut headers = script::headers(self.story.set);
        let location = answer.headers.iter().find(|(name, _)| name == "Location");
        if location.is_some() {
            headers.push(("location".into(), format!("{}/elsewhere", self.peer.url())));
        }
        Some(Told::Answer(Answered {
            status: answer.status,
            headers,
            body,
        }))
    }

    /// Performs the actions that the exchanges of a round imply; returns the items that they sent and we have
    /// to send.
    async fn act_all(&mut self, round: &[&Exchange]) -> Result<Vec<Item>> {
        let mut theirs = self.act_memberships(round).await?;
        for exchange in round {
            let payload = exchange.payload();
            let mut found: Vec<(&'static str, String, Json)> = Vec::new();
            let mut changed = BTreeSet::new();
            for (id, profile) in payload.get("users").members() {
                if self.is_bot_of_ours(id) {
                    self.differs(Difference::NoBots);
                    continue;
                }
                if self.act_profile(id, profile).await? {
                    changed.insert(id.clone());
                }
                found.push(("users", id.clone(), profile.clone()));
            }
            for item in payload.get("posts").list() {
                if self.act_post(item).await? {
                    let (id, mut item) = (item.get("id").text().to_string(), item.clone());
                    if let Some(files) = self.kept_files.get(&id) {
                        item.set("file_ids", files.clone());
                    }
                    found.push(("posts", id, item));
                }
            }
            for item in payload.get("acknowledgements").list() {
                if self.act_acknowledgement(item).await? {
                    let part = |key: &str| self.live(item.get(key).text());
                    let id = format!("{} {}", part("post_id"), part("user_id"));
                    found.push(("acknowledgements", id, item.clone()));
                }
            }
            for item in payload.get("reactions").list() {
                if self.act_reaction(item).await? {
                    let part = |key: &str| self.live(item.get(key).text());
                    let id = format!(
                        "{} {} {}",
                        part("post_id"),
                        part("user_id"),
                        part("emoji_name")
                    );
                    found.push(("reactions", id, item.clone()));
                }
            }
            if payload.get("statuses").is_filled() {
                self.differs(Difference::StatusesNotPlayed);
            }
            for (section, id, value) in found {
                let key = format!("{section} {}", self.live(&id));
                let value = self.live_json(&value);
                let is_due = section != "users" || changed.contains(&id);
                match theirs.iter_mut().find(|item| item.key == key) {
                    Some(item) => {
                        item.value = value;
                        item.is_due |= is_due;
                    }
                    None => theirs.push(Item {
                        key,
                        section,
                        value,
                        is_due,
                    }),
                }
            }
        }
        Ok(theirs)
    }

    /// What our host has sent since the last call.
    fn sent(&self) -> (usize, Vec<Sent>) {
        let asked = self.peer.asked(self.seen);
        let count = asked.len();
        let sent = asked.iter().filter_map(Sent::of).collect();
        (count, sent)
    }

    /// Waits until our host has sent everything, then compares.
    async fn compare(&mut self, round: &[&Exchange], theirs: Vec<Item>, failed: Failed) {
        if failed.users || failed.posts {
            // Refused by the peer, not lost on the way: our host retries later.
            let times = if failed.users { 1 } else { 2 };
            let posts = theirs.iter().filter(|it| it.section == "posts");
            let first = posts.take(1).map(|item| (item.clone(), times));
            self.owed.extend(first);
        }
        if failed.users {
            let keys = theirs.into_iter().map(|item| item.key);
            return self.resent.extend(keys);
        }
        let begun = Instant::now();
        let wanted: Vec<&Item> = theirs.iter().filter(|it| it.is_due).collect();
        let (count, sent) = loop {
            let (count, sent) = self.sent();
            let all = wanted.iter().all(|item| times_sent(&sent, item) > 0);
            let again = wanted.iter().any(|item| times_sent(&sent, item) > 1);
            let complete = all && (again || !failed.on_the_way || wanted.is_empty());
            if complete || begun.elapsed() > SEND_DEADLINE {
                break (count, sent);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        self.seen += count;
        if failed.on_the_way && !wanted.is_empty() {
            let again = wanted.iter().any(|item| times_sent(&sent, item) > 1);
            self.expect("what was lost was sent again", again, true);
        }
        self.compare_items(&theirs, &sent);
        self.compare_messages(round, &sent);
    }

    /// Checks that items refused by the peer are sent again.
    pub async fn check_owed(&mut self) {
        let begun = Instant::now();
        for (item, times) in std::mem::take(&mut self.owed) {
            loop {
                let asked = self.peer.asked(0);
                let sent: Vec<Sent> = asked.iter().filter_map(Sent::of).collect();
                if times_sent(&sent, &item) >= times {
                    break;
                }
                if begun.elapsed() > REFUSED_DEADLINE {
                    self.mismatch(format!("{} was not sent again", item.key));
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    fn compare_items(&mut self, theirs: &[Item], sent: &[Sent]) {
        let mut last: BTreeMap<&str, &Item> = BTreeMap::new();
        let mut order: Vec<&str> = Vec::new();
        for item in sent.iter().flat_map(|sent| &sent.items) {
            if last.insert(&item.key, item).is_none() {
                order.push(&item.key);
            }
        }
        for item in theirs {
            let Some(ours) = last.get(&*item.key) else {
                if !item.is_due {
                    self.differs(Difference::ProfilesWhenNeeded);
                } else {
                    self.mismatch(format!("{} was not sent: {}", item.key, item.value));
                }
                continue;
            };
            let mut item = item.clone();
            if item.section == "users" && item.value.remove(&profiles::KEPT_AT_HOME) {
                self.differs(Difference::SettingsStayAtHome);
            }
            if files::is_bare_deletion(&ours.value, &item.value) {
                self.differs(Difference::DeletedWithoutFiles);
                item.value.remove(&["file_ids"]);
            }
            for difference in shape::compare(ours, &item) {
                self.mismatch(format!("{}: {difference}", item.key));
            }
        }
        let is_post = |key: &&str| key.starts_with("posts");
        let expected: Vec<&str> = theirs.iter().map(|it| &*it.key).filter(is_post).collect();
        let ours: Vec<&str> = order
            .into_iter()
            .filter(|key| expected.contains(key))
            .collect();
        self.expect("the order of posts", ours, expected);
        self.check_extras(theirs, sent);
    }

    /// Checks what our host sends in addition: profiles that the peer needs, system posts, and items sent
    /// again because of a failure; nothing else is allowed.
    fn check_extras(&mut self, theirs: &[Item], sent: &[Sent]) {
        let keys: BTreeSet<&str> = theirs.iter().map(|item| &*item.key).collect();
        for sent in sent {
            let channel = sent.message.get("channel_id").text().to_string();
            for item in &sent.items {
                if item.section == "users" {
                    let id = item.value.get("id").text().to_string();
                    self.sent_profiles.insert((id, channel.clone()));
                    continue;
                }
                let author = item.value.get("user_id").text().to_string();
                let needed = (author.clone(), channel.clone());
                if !self.sent_profiles.contains(&needed) {
                    self.mismatch(format!("{} came before its user", item.key));
                }
                if item.section == members::SECTION {
                    self.check_statement(item, keys.contains(&*item.key));
                    continue;
                }
                let kind = item.value.get("type").text();
                let known = keys.contains(&*item.key) || self.resent.contains(&item.key);
                if !known && kind.is_empty() {
                    self.mismatch(format!("{} was sent for nothing: {}", item.key, item.value));
                }
                if !kind.is_empty() {
                    self.compare_system_post(item);
                }
                self.resent.insert(item.key.clone());
            }
        }
    }

    /// Checks that a system post has the shape of the recorded ones of its type.
    fn compare_system_post(&mut self, item: &Item) {
        let kind = item.value.get("type");
        let letters = self.world.letters.values();
        let like = letters.map(|it| &it.item).find(|it| it.get("type") == kind);
        let Some(like) = like.cloned() else { return };
        for difference in shape::keys(item, &like) {
            self.mismatch(format!("a post of type {}: {difference}", kind.text()));
        }
    }

    /// Compares the messages that contain the items.
    fn compare_messages(&mut self, round: &[&Exchange], sent: &[Sent]) {
        let posts_max = if self.story.set == Set::V2021 { 12 } else { 50 };
        let mut transforms: BTreeMap<String, String> = BTreeMap::new();
        for sent in sent {
            let posts = sent.items.iter().filter(|it| it.section == "posts").count();
            if posts > posts_max || sent.bytes > FRAME_BYTES_MAX {
                self.mismatch(format!("{posts} posts, {} bytes in a frame", sent.bytes));
            }
            for (mention, id) in sent.message.get("mention_transforms").members() {
                transforms.insert(mention.clone(), id.text().to_string());
            }
        }
        self.compare_batches(round, sent);
        for exchange in round {
            let section = script::section_of(exchange.topic(), exchange.payload());
            let ours = sent
                .iter()
                .find(|it| it.items.first().is_some_and(|it| it.section == section));
            if let Some(ours) = ours {
                let theirs = exchange.payload().members().iter();
                let mut theirs: Vec<&str> = theirs
                    .map(|(key, _)| &**key)
                    .filter(|key| *key != "mention_transforms")
                    .collect();
                if section == members::SECTION && theirs.contains(&"users") {
                    self.differs(Difference::ProfilesOnce);
                    theirs.retain(|key| *key != "users");
                }
                let told = ours.message.members().iter();
                let told: Vec<&str> = told
                    .map(|(key, _)| &**key)
                    .filter(|key| *key != "mention_transforms")
                    .collect();
                self.expect("the message's keys", told, theirs);
            }
            self.compare_transforms(exchange, &transforms);
        }
    }
}

fn answer_error(exchange: &Exchange) -> &str {
    match &exchange.answer {
        Some(answer) => answer.body.json().get("err").text(),
        None => "",
    }
}
