//! The users and objects in the recordings of a set, gathered before anything is played: a frame may
//! refer to objects whose creation was not recorded.

use std::collections::BTreeMap;

use crate::json::Json;
use crate::recording::{self, Exchange, Set};

/// A user of one of the two servers.
#[derive(Clone, Debug)]
pub struct Person {
    pub home: char,
    pub username: String,
    /// As first sent.
    pub profile: Json,
}

/// A shared channel.
#[derive(Clone, Debug)]
pub struct Place {
    pub home: char,
    /// The invitation; an invented one if it was not recorded.
    pub invite: Json,
}

/// A post.
#[derive(Clone, Debug)]
pub struct Letter {
    pub home: char,
    /// As first sent.
    pub item: Json,
}

/// Everything that real servers sent, by recorded id, without hand-made requests.
#[derive(Debug, Default)]
pub struct World {
    pub people: BTreeMap<String, Person>,
    pub places: BTreeMap<String, Place>,
    pub letters: BTreeMap<String, Letter>,
    /// What a server first stated of the members of a channel.
    pub first_members: BTreeMap<(char, String), Vec<Json>>,
}

impl World {
    /// The world of a set.
    pub fn of(set: Set) -> World {
        let mut world = World::default();
        for path in set.files() {
            for exchange in recording::read(&path).iter().filter(|it| !it.by_hand()) {
                world.learn(exchange);
            }
        }
        world
    }

    fn learn(&mut self, exchange: &Exchange) {
        let (home, payload) = (exchange.from, exchange.payload());
        if exchange.topic() == "sharedchannel_invite" {
            let id = payload.get("channel_id").text().to_string();
            let invite = payload.clone();
            let place = self.places.entry(id).or_insert(Place { home, invite });
            if place.invite.get("invented") == &Json::Bool(true) {
                place.home = home;
                place.invite = payload.clone();
            }
        }
        if !recording::is_sync(exchange.topic()) {
            return;
        }
        let channel = exchange.channel();
        if !channel.is_empty() && !self.places.contains_key(channel) {
            let invite = invented(channel);
            let place = Place { home: 'A', invite };
            self.places.insert(channel.to_string(), place);
        }
        for (id, profile) in payload.get("users").members() {
            let own = profile.get("remote_id").text().is_empty();
            if own && !self.people.contains_key(id) {
                let person = Person {
                    home,
                    username: profile.get("username").text().to_string(),
                    profile: profile.clone(),
                };
                self.people.insert(id.clone(), person);
            }
        }
        let changes = payload.get("membership_changes").list();
        if !changes.is_empty() {
            let key = (home, channel.to_string());
            let first = self.first_members.entry(key);
            first.or_insert_with(|| changes.to_vec());
        }
        for item in payload.get("posts").list() {
            let id = item.get("id").text().to_string();
            let item = item.clone();
            self.letters.entry(id).or_insert(Letter { home, item });
        }
    }
}

/// Invents an invitation for a channel whose own was not recorded.
pub fn invented(channel: &str) -> Json {
    let name = format!("place-{}", channel.get(..8).unwrap_or(channel));
    let text = |text: &str| Json::from(text);
    Json::Object(vec![
        ("channel_id".into(), text(channel)),
        ("team_id".into(), text("")),
        ("read_only".into(), Json::Bool(false)),
        ("name".into(), text(&name)),
        ("display_name".into(), text(&name)),
        ("header".into(), text("")),
        ("purpose".into(), text("")),
        ("type".into(), text("O")),
        ("creator_id".into(), text("")),
        ("direct_participant_ids".into(), Json::Null),
        ("direct_participants".into(), Json::Null),
        ("invented".into(), Json::Bool(true)),
    ])
}
