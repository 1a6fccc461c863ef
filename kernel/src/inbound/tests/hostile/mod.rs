//! Attacks that other servers of this protocol have had to repair, under their numbers in `docs/security.md` (*Known
//! attacks, by number*): each for every kind of thing that a peer sends.

mod batches;
mod consent;
mod grammar;
mod origin;
mod ownership;
mod rebuilt;
mod scope;
mod uploads;

use super::*;

/// A kind of thing that a peer sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SentKind {
    /// A profile in a message for a channel.
    Profile,
    /// A profile without a channel.
    Offer,
    /// A profile in an invitation to a direct channel.
    Participant,
    /// A profile picture.
    Picture,
    /// A post.
    Post,
    /// A reaction to a post of the channel.
    Reaction,
    /// An acknowledgement of a post of the channel.
    Acknowledgement,
    /// A status.
    Status,
    /// The joining of the channel.
    Membership,
    /// The announcement of a file.
    File,
    /// An invitation to a channel of a team.
    Invitation,
    /// That a channel is no longer shared.
    State,
}

use SentKind::{
    Acknowledgement, File, Invitation, Membership, Offer, Participant, Picture, Post as Text,
    Profile, Reaction, State, Status,
};

/// The kinds that say whose they are, and change something of a known user of the peer.
const OF_A_USER: [SentKind; 9] = [
    Profile,
    Offer,
    Picture,
    Text,
    Reaction,
    Acknowledgement,
    Status,
    Membership,
    File,
];
/// The kinds that come in messages, each with the channel that its message names.
fn in_messages() -> impl Iterator<Item = (SentKind, &'static str)> {
    let kinds = OF_A_USER.into_iter().filter(|kind| *kind != Picture);
    kinds
        .chain([Participant, Invitation, State])
        .map(|kind| match kind {
            Participant | Invitation => (kind, "lounge"),
            _ => (kind, "joint"),
        })
}

/// The kinds whose message names a channel that must be shared.
const IN_A_CHANNEL: [SentKind; 8] = [
    Profile,
    Text,
    Reaction,
    Acknowledgement,
    Status,
    Membership,
    File,
    State,
];
/// The topics that carry the sections of a sync message; the shape of the message decides, not the topic.
const SYNC_TOPICS: [&str; 3] = [
    "sharedchannel_sync",
    "sharedchannel_membership",
    "sharedchannel_global_user_sync",
];

/// One thing that a peer sends for a channel.
#[derive(Clone, Debug)]
struct Thing {
    kind: SentKind,
    item: Value,
    channel: String,
}

/// A thing about a user, newer than what is stored.
fn thing(kind: SentKind, letters: &str, channel: &str) -> Thing {
    let at = START + 9;
    let target = format!("p{channel}");
    let newer = json!({"update_at": at});
    let placed = json!({"channel_id": id(channel)});
    let item = match kind {
        Profile | Offer | Participant => with(user(letters, letters), newer),
        Picture => json!({"user_id": id(letters)}),
        Text => with(post("new", letters, "hello"), placed),
        Reaction => with(reaction(&target, letters, "tada"), newer),
        Acknowledgement => with(acknowledgement(&target, letters, 9, 0), placed),
        Status => json!({
            "user_id": id(letters), "status": "dnd", "manual": true, "last_activity_at": at,
            "dnd_end_time": 0,
        }),
        Membership => with(membership(letters, true, 9), placed),
        File => json!({
            "id": id("up"), "type": "attachment", "create_at": 0, "user_id": id(letters),
            "channel_id": id(channel), "filename": "plan.pdf", "file_size": 12,
            "file_offset": 0, "remote_id": "", "req_file_id": id("file"),
        }),
        Invitation => invite(channel, "lounge"),
        State => json!({"channel_id": id(channel), "is_shared": false}),
    };
    Thing {
        kind,
        item,
        channel: channel.to_string(),
    }
}

impl Thing {
    fn with(&self, change: Value) -> Thing {
        Thing {
            item: with(self.item.clone(), change),
            ..self.clone()
        }
    }

    /// Topic and payload of a message with only this.
    fn message(&self) -> (&'static str, Value) {
        let item = self.item.clone();
        let place = |channel: &str| json!({"id": id("s"), "channel_id": channel});
        let section = |name: &str| {
            let sent = place(&id(&self.channel));
            (SYNC_TOPICS[0], with(sent, json!({name: [item]})))
        };
        match self.kind {
            Profile => {
                let sent = place(&id(&self.channel));
                (SYNC_TOPICS[0], with(sent, json!({"users": {"u": item}})))
            }
            Offer => (
                SYNC_TOPICS[2],
                with(place(""), json!({"users": {"u": item}})),
            ),
            Participant => {
                let other = if item["id"] == id("boss") {
                    "ann"
                } else {
                    "boss"
                };
                let people = json!({
                    "type": "D", "direct_participant_ids": [item["id"], id(other)],
                    "direct_participants": [item],
                });
                let sent = with(invite(&self.channel, "ignored"), people);
                ("sharedchannel_invite", sent)
            }
            Picture => panic!("not a message"),
            Text => section("posts"),
            Reaction => section("reactions"),
            Acknowledgement => section("acknowledgements"),
            Status => section("statuses"),
            Membership => section("membership_changes"),
            File => ("sharedchannel_upload", item),
            Invitation => ("sharedchannel_invite", item),
            State => ("sharedchannel_state", item),
        }
    }
}

/// Two peers, in a workspace where every feature is on; in each of the channels is a post of boss's, named after it.
fn world() -> World {
    let mut world = World::with_peers_of_today();
    let settings = acts::configure_sharing(|settings| {
        settings.members = true;
        settings.all_users = true;
        settings.direct = true;
    });
    world.output(Actor::System, None, settings);
    for channel in ["joint", "acmeonly", "otheronly", "secret"] {
        world.plant(&format!("p{channel}"), "boss", channel, "by boss");
    }
    world
}

impl World {
    /// A peer sends something; status and JSON of the answer.
    fn send_thing(&mut self, connection: ConnectionNo, thing: &Thing) -> (u16, Value) {
        if thing.kind == Picture {
            let user = Id::parse(thing.item["user_id"].as_str().unwrap()).unwrap();
            let digest = format!("{:064x}", 9);
            let output = self.run(Input::Picture {
                connection,
                user,
                digest,
                size: 600,
            });
            return http(output.reply);
        }
        let (topic, payload) = thing.message();
        let body = self.frame(connection, topic, &payload);
        self.body(connection, &body)
    }

    /// Fails if what a peer sends leaves anything behind, or anybody hears of it.
    fn expect_no_trace(&mut self, connection: ConnectionNo, thing: &Thing) {
        let before = self.host.tables.clone();
        let answer = self.send_thing(connection, thing);
        assert!(self.host.tables == before, "{thing:?}: {answer:?}");
        assert_eq!(self.events(), [], "{thing:?}: {answer:?}");
    }

    /// Fails if what a peer sends changes nothing.
    fn expect_taken(&mut self, connection: ConnectionNo, thing: &Thing) {
        let before = self.host.tables.clone();
        let (status, answer) = self.send_thing(connection, thing);
        assert_eq!(
            (status, &answer["status"]),
            (200, &json!("OK")),
            "{thing:?}"
        );
        assert!(self.host.tables != before, "{thing:?}");
    }
}
