//! A malicious peer that follows a grammar: an authenticated peer that says anything, true
//! or not. Hostile peers, §3: for each kind of message, each id, time, owner, list and text is drawn
//! from allowed and forbidden values, then the structure itself is corrupted.
//!
//! What such a peer does in its own name may take effect; it must not change anything else in the
//! workspace, and what others get must not suffer.

mod answers;
pub mod grammar;
mod items;
mod spoil;
mod uploads;

use causeway_kernel::rows::id::Id;
use serde_json::{Value, json};

use crate::dice::Dice;
use grammar::{Production, Used};

/// Messages of a flood.
const FLOOD: usize = 40;
/// More items than a sender of any generation puts into a message.
const TOO_MANY: u64 = 300;

/// The peer's knowledge of the workspace that it attacks: more than it could really have.
#[derive(Clone, Debug, Default)]
pub struct Knowledge {
    /// Its own users that are known there.
    pub own_users: Vec<Id>,
    /// Users of other peers.
    pub other_users: Vec<Id>,
    /// Users of the workspace.
    pub local_users: Vec<Id>,
    /// Its own posts.
    pub own_posts: Vec<Id>,
    /// Posts of other peers' users.
    pub other_posts: Vec<Id>,
    /// Posts of the workspace.
    pub local_posts: Vec<Id>,
    /// Files of the workspace and of other peers.
    pub files: Vec<Id>,
    /// Channels that are shared with it.
    pub shared: Vec<Id>,
    /// Other channels.
    pub closed: Vec<Id>,
    /// Names of users.
    pub names: Vec<String>,
    /// Names of the workspace's connections.
    pub connections: Vec<String>,
    /// The workspace's time, in ms.
    pub now_ms: i64,
}

/// The peer.
pub struct Mallory {
    /// The id of the connection.
    pub remote_id: Id,
    /// How often each production was used.
    pub used: Used,
    dice: Dice,
    file_dice: Dice,
    picture_dice: Dice,
    /// Uploads that it announced, newest first.
    uploads: Vec<Id>,
    /// Its files.
    files: Vec<Id>,
    /// The file that was announced to it last.
    announced: Option<String>,
    last: Option<Vec<u8>>,
}

impl Mallory {
    /// A peer whose behaviour follows from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Mallory {
        let mut dice = Dice::new(seed, "a malicious peer");
        Mallory {
            remote_id: Id::from_uuid_bytes(dice.bytes()),
            used: Used::new(),
            dice,
            file_dice: Dice::new(seed, "files of a malicious peer"),
            picture_dice: Dice::new(seed, "pictures of a malicious peer"),
            uploads: Vec::new(),
            files: Vec::new(),
            announced: None,
            last: None,
        }
    }

    fn uses(&mut self, production: Production) {
        *self.used.entry(production).or_default() += 1;
    }

    /// Chooses one of several productions.
    fn one_of(&mut self, list: &[(Production, u64)]) -> Production {
        let sum = list.iter().map(|(_, weight)| weight).sum();
        let mut rest = self.dice.below(sum);
        let mut chosen = list[0].0;
        for (production, weight) in list {
            chosen = *production;
            if rest < *weight {
                break;
            }
            rest -= weight;
        }
        self.uses(chosen);
        chosen
    }

    fn fresh(&mut self) -> Id {
        Id::from_uuid_bytes(self.dice.bytes())
    }

    /// Forgets what it said before, so that it is not repeated.
    pub fn forget(&mut self) {
        self.last = None;
        self.files.clear();
    }

    /// The messages that it sends now.
    pub fn messages(&mut self, known: &Knowledge) -> Vec<Vec<u8>> {
        if self.dice.chance(60) {
            self.uses(Production::Flood);
            return (0..FLOOD).map(|_| self.message(known)).collect();
        }
        let count = 1 + self.dice.below(3);
        (0..count).map(|_| self.message(known)).collect()
    }

    fn message(&mut self, known: &Knowledge) -> Vec<u8> {
        if let Some(last) = self.last.clone()
            && self.dice.chance(80)
        {
            self.uses(Production::SentAgain);
            return last;
        }
        use Production as P;
        let topic = self.one_of(&[
            (P::SyncTopic, 70),
            (P::MembershipTopic, 4),
            (P::GlobalUsersTopic, 4),
            (P::UploadTopic, 3),
            (P::UnknownTopic, 3),
            (P::InviteTopic, 10),
            (P::StateTopic, 2),
        ]);
        let (name, payload) = match topic {
            P::MembershipTopic => ("sharedchannel_membership", self.sync(known)),
            P::GlobalUsersTopic => ("sharedchannel_global_user_sync", self.global(known)),
            P::UploadTopic => ("sharedchannel_upload", self.upload(known)),
            P::UnknownTopic => ("sharedchannel_erase", self.sync(known)),
            P::InviteTopic => ("sharedchannel_invite", self.invitation(known)),
            P::StateTopic => (
                "sharedchannel_state",
                json!({"channel_id": self.channel(known), "is_shared": self.dice.chance(300)}),
            ),
            _ => ("sharedchannel_sync", self.sync(known)),
        };
        let id = self.fresh();
        let frame = json!({
            "remote_id": self.remote_id.as_str(),
            "msg": {"id": id.as_str(), "topic": name, "create_at": known.now_ms, "payload": payload},
        });
        let bytes = self.spoil(frame);
        self.last = Some(bytes.clone());
        bytes
    }

    fn channel(&mut self, known: &Knowledge) -> String {
        if self.dice.chance(120) || known.shared.is_empty() {
            self.uses(Production::WrongChannel);
            let closed = self.dice.pick(&known.closed).copied();
            return closed.map_or_else(|| self.fresh().to_string(), |id| id.to_string());
        }
        let shared = self.dice.pick(&known.shared);
        shared.map(Id::to_string).unwrap_or_default()
    }

    fn sync(&mut self, known: &Knowledge) -> Value {
        use Production as P;
        let channel = self.channel(known);
        let id = self.fresh();
        let mut payload = json!({"id": id.as_str(), "channel_id": channel});
        let sections = 1 + self.dice.below(3);
        // Its own users come first, because without them nothing of its own could be accepted.
        if self.dice.chance(400) {
            self.uses(P::Users);
            payload["users"] = self.users(known);
        }
        for _ in 0..sections {
            let section = self.one_of(&[
                (P::Users, 20),
                (P::Posts, 40),
                (P::Reactions, 15),
                (P::Statuses, 3),
                (P::Acknowledgements, 3),
                (P::Memberships, 5),
                (P::Transforms, 5),
            ]);
            match section {
                P::Users => payload["users"] = self.users(known),
                P::Posts => payload["posts"] = self.posts(known, &channel),
                P::Reactions => payload["reactions"] = self.reactions(known),
                P::Statuses => payload["statuses"] = self.statuses(known),
                P::Acknowledgements => {
                    payload["acknowledgements"] = self.acknowledgements(known, &channel);
                }
                P::Memberships => {
                    payload["membership_changes"] = self.memberships(known, &channel);
                }
                _ => payload["mention_transforms"] = self.transforms(known),
            }
        }
        payload
    }

    fn global(&mut self, known: &Knowledge) -> Value {
        let id = self.fresh();
        let users = self.users(known);
        let mut payload = json!({"id": id.as_str(), "channel_id": "", "users": users});
        if self.dice.chance(200) {
            payload["posts"] = self.posts(known, "");
        }
        payload
    }

    fn invitation(&mut self, known: &Knowledge) -> Value {
        use Production as P;
        let kind = self.one_of(&[
            (P::InviteForExisting, 50),
            (P::InviteForNew, 20),
            (P::InviteForDirect, 15),
            (P::InviteForGroup, 10),
        ]);
        let all: Vec<Id> = known.shared.iter().chain(&known.closed).copied().collect();
        let channel = match kind {
            P::InviteForExisting => self.dice.pick(&all).copied(),
            _ => None,
        };
        let channel = channel.unwrap_or_else(|| self.fresh());
        let people = self.people(kind, known);
        let name = format!("mallorys-{}", self.dice.below(6));
        json!({
            "channel_id": channel.as_str(), "team_id": self.fresh().as_str(),
            "read_only": self.dice.chance(300), "name": name,
            "display_name": self.text(), "header": self.text(), "purpose": "",
            "type": match kind {
                P::InviteForDirect => "D",
                P::InviteForGroup => "G",
                _ => "P",
            },
            "creator_id": self.user(known),
            "direct_participant_ids": people.as_ref().map(|(ids, _)| ids),
            "direct_participants": people.as_ref().map(|(_, profiles)| profiles),
        })
    }

    /// Who is in a direct or group channel, often one of its own users and one of the workspace; and profiles,
    /// of whomever.
    fn people(&mut self, kind: Production, known: &Knowledge) -> Option<(Vec<String>, Value)> {
        let number = match kind {
            Production::InviteForDirect => 2,
            Production::InviteForGroup => [3, 3, 4, 8, 9][self.dice.below(5) as usize],
            _ => return None,
        };
        let mut ids: Vec<String> = (0..number).map(|_| self.user(known)).collect();
        if self.dice.chance(700) {
            let sides = [&known.own_users, &known.local_users];
            for (id, side) in ids.iter_mut().zip(sides) {
                if let Some(known) = self.dice.pick(side) {
                    *id = known.to_string();
                }
            }
        }
        let profiles = self.users(known);
        let profiles: Vec<Value> = profiles.as_object()?.values().cloned().collect();
        Some((ids, json!(profiles)))
    }

    /// The number of items in a list.
    fn count(&mut self) -> u64 {
        use Production as P;
        let list = [
            (P::NoItem, 5),
            (P::OneItem, 50),
            (P::SomeItems, 40),
            (P::TooManyItems, 1),
        ];
        match self.one_of(&list) {
            P::NoItem => 0,
            P::OneItem => 1,
            P::SomeItems => 2 + self.dice.below(10),
            _ => TOO_MANY,
        }
    }
}
