//! What leaves the workspace: every member of every kind of message is listed here, and nothing else is sent.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::files::KINDS;
use super::*;
use crate::boundary::input::Actor;
use crate::boundary::output::Object;
use crate::command::{Command, SetBot, SetCustomStatus, UserPatch};
use crate::model::{Availability, ChannelKind, File, LocalStatus, Priority, PriorityLevel, Status};
use crate::rows::lookup;
use crate::testing::acts::{
    add_file, channel, open_direct, open_group, patch_user, post, set_picture, set_preferences,
    uninvite,
};
use crate::testing::{BOB, OTHER, frames};
use crate::wire::frame;

/// The members of the messages of each topic.
type Fields = BTreeMap<String, BTreeSet<String>>;

/// Adds the paths of all members of a JSON value. Members whose names are data are all called `*`; an object that users
/// have given its shape is one member.
fn add_paths(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    let is_map = matches!(path, "users" | "mention_transforms");
    let is_free = path.ends_with(".props") || path.ends_with(".timezone");
    match value {
        Value::Object(members) if !is_free && !members.is_empty() => {
            for (name, member) in members {
                let name = if is_map { "*" } else { name };
                let path = format!("{path}.{name}");
                add_paths(member, path.trim_start_matches('.'), found);
            }
        }
        Value::Array(list) if !list.is_empty() => {
            list.iter().for_each(|one| add_paths(one, path, found));
        }
        _ => {
            found.insert(path.to_string());
        }
    }
}

impl World {
    /// Delivers everything; the frames.
    fn deliver_all(&mut self) -> Vec<Value> {
        let mut frames = Vec::new();
        for _ in 0..90 {
            let first = self.out.first();
            frames.extend(first.map(|(_, frame)| serde_json::from_slice(frame).unwrap()));
            if !self.deliver_next() {
                self.now_ms += 2_000;
                self.run(Input::Timer);
            }
        }
        assert!(self.out.is_empty());
        frames
    }

    fn post_of_every_kind(&mut self) {
        let Object::File(file) = self.by(ANN, add_file(TOWN, "plan.png", 7)).unwrap() else {
            panic!("not a file")
        };
        self.alter::<File>(&file, |file| file.dimensions = Some(dimensions()));
        let priority = Some(Priority {
            level: PriorityLevel::Urgent,
            requested_ack: true,
            persistent_notifications: true,
        });
        let everything = post_with(TOWN, None, "see @bob #plan", |new| {
            new.props = r#"{"card":"free"}"#.into();
            new.files = vec![file];
            new.priority = priority;
        });
        let Object::Post(root) = self.by(ANN, everything).unwrap() else {
            panic!("not a post")
        };
        let reply = self.reply(BOB, root, "a reply");
        self.by(ANN, react(root, "tada")).unwrap();
        self.by(BOB, acknowledge(root)).unwrap();
        self.by(BOB, edit(reply, "edited")).unwrap();
        self.by(BOB, delete(reply)).unwrap();
        self.by(ANN, take_back(root, ANN, "tada")).unwrap();
        self.by(BOB, withdraw(root)).unwrap();
        self.by(BOB, react(root, "eyes")).unwrap();
    }
}

fn dimensions() -> crate::model::Dimensions {
    crate::model::Dimensions {
        width: 64,
        height: 32,
    }
}

/// Everything that is ever sent to a peer of a kind.
fn sent_to(kind: PeerKind) -> Vec<Value> {
    let mut world = World::connected(kind);
    let settings = configure_sharing(|settings| {
        settings.members = true;
        settings.all_users = true;
        settings.direct = true;
    });
    world.output(Actor::System, None, settings);
    let patch = UserPatch {
        nickname: Some("Annie".into()),
        ..UserPatch::default()
    };
    world.by(ANN, patch_user(ANN, patch)).unwrap();
    world.by(ANN, set_picture(ANN, 9)).unwrap();
    let bot = SetBot {
        user: ANN,
        owner: ADMIN,
        description: "writes".into(),
    };
    world.by(ADMIN, Command::SetBot(bot)).unwrap();
    let status = r#"{"emoji":"palm_tree"}"#.to_string();
    world
        .by(ANN, Command::SetCustomStatus(SetCustomStatus { status }))
        .unwrap();
    let private = set_preferences(&[("theme", Some("private-preference"))]);
    world.output(Actor::User(ANN), None, private);
    let Object::Channel(secret) = world
        .by(ANN, channel("cellar", ChannelKind::Private))
        .unwrap()
    else {
        panic!("not a channel")
    };
    world.by(ANN, post(secret, None, "private-text")).unwrap();
    world.by(ADMIN, invite(TOWN, ACME)).unwrap();
    world.ping(ACME);
    let mut frames = world.deliver_all();
    world.post_of_every_kind();
    frames.extend(world.deliver_all());
    let status = Status {
        availability: Availability::Dnd,
        ..Status::UNKNOWN
    };
    world.run(Input::Statuses(vec![LocalStatus { user: ANN, status }]));
    frames.extend(world.deliver_all());
    // Somebody of a third workspace, and somebody of the peer's own.
    world.connect("other", PeerKind::Causeway);
    let offered = json!({
        "id": frames::id("s"), "channel_id": "", "users": {"v": frames::user("vera", "vera")},
    });
    world.message(OTHER, frame::TOPIC_GLOBAL_USERS, offered);
    let vera = lookup::user(&world.host, &frames::id("vera")).unwrap();
    let town = world.get::<crate::model::Channel>(&TOWN).id;
    let theirs = json!({
        "channel_id": town.as_str(), "users": {"z": frames::user("zed", "zed")},
    });
    world.sync(ACME, theirs);
    let zed = lookup::user(&world.host, &frames::id("zed")).unwrap();
    world.by(ANN, open_direct(zed)).unwrap();
    // Servers of 2021 know no groups of several workspaces.
    let group = world.by(ANN, open_group(&[zed, vera]));
    assert_eq!(group.is_ok(), kind != PeerKind::Mattermost2021);
    world.ping(ACME);
    frames.extend(world.deliver_all());
    let Object::Channel(crew) = world
        .by(ADMIN, channel("crew", ChannelKind::Public))
        .unwrap()
    else {
        panic!("not a channel")
    };
    world.by(ADMIN, invite(crew, ACME)).unwrap();
    frames.extend(world.deliver_all());
    world.by(ADMIN, uninvite(crew, ACME)).unwrap();
    world.ping(ACME);
    frames.extend(world.deliver_all());
    frames
}

/// The members of a profile; the password is an invented one, as every server sends.
const PROFILE: &str = "id create_at update_at delete_at username password auth_service email nickname first_name \
    last_name position roles props locale timezone remote_id is_bot bot_description disable_welcome_email";
/// The members of a post, without those of its metadata.
const POST: &str = "id create_at update_at edit_at delete_at is_pinned user_id channel_id root_id parent_id \
    original_id message type props hashtags file_ids pending_post_id has_reactions remote_id reply_count last_reply_at \
    participants metadata";
const FILE: &str = "id user_id post_id channel_id create_at update_at delete_at name extension size mime_type width \
    height has_preview_image mini_preview remote_id archived";
const PRIORITY: &str = "priority requested_ack persistent_notifications PostId ChannelId";
const REACTION: &str =
    "user_id post_id emoji_name create_at update_at delete_at remote_id channel_id";
const ACKNOWLEDGEMENT: &str = "user_id post_id acknowledged_at delete_at channel_id";
const MEMBERSHIP: &str = "channel_id user_id is_add remote_id change_time";
const STATUS: &str = "user_id status manual last_activity_at dnd_end_time update_at";
const INVITATION: &str = "channel_id team_id read_only name display_name header purpose type creator_id \
    direct_participant_ids direct_participants";
const UPLOAD: &str =
    "id type create_at user_id channel_id filename file_size file_offset remote_id req_file_id";
const STATE: &str = "channel_id is_shared";
const MESSAGE: &str = "id channel_id";

/// Everything that may be sent: the topic, where in the payload, and the members there.
const LISTED: [(&str, &str, &str); 15] = [
    (frame::TOPIC_GLOBAL_USERS, "", MESSAGE),
    (frame::TOPIC_GLOBAL_USERS, "users.*.", PROFILE),
    (frame::TOPIC_INVITE, "", INVITATION),
    (frame::TOPIC_INVITE, "direct_participants.", PROFILE),
    (frame::TOPIC_SHARING_STATE, "", STATE),
    (frame::TOPIC_UPLOAD, "", UPLOAD),
    (frame::TOPIC_SYNC, "", "id channel_id mention_transforms.*"),
    (frame::TOPIC_SYNC, "users.*.", PROFILE),
    (frame::TOPIC_SYNC, "posts.", POST),
    (frame::TOPIC_SYNC, "posts.metadata.files.", FILE),
    (frame::TOPIC_SYNC, "posts.metadata.priority.", PRIORITY),
    (frame::TOPIC_SYNC, "reactions.", REACTION),
    (frame::TOPIC_SYNC, "acknowledgements.", ACKNOWLEDGEMENT),
    (frame::TOPIC_SYNC, "membership_changes.", MEMBERSHIP),
    (frame::TOPIC_SYNC, "statuses.", STATUS),
];

#[test]
fn t19_every_message_has_the_listed_members_and_no_others() {
    let mut listed = Fields::new();
    for (topic, place, members) in LISTED {
        let paths = members.split(' ').map(|member| format!("{place}{member}"));
        listed.entry(topic.to_string()).or_default().extend(paths);
    }
    let mut found = Fields::new();
    let mut envelope = BTreeSet::new();
    for kind in KINDS {
        for frame in sent_to(kind) {
            let message = &frame["msg"];
            let topic = message["topic"].as_str().unwrap().to_string();
            add_paths(&message["payload"], "", found.entry(topic).or_default());
            let mut frame = frame;
            frame["msg"]["payload"] = json!({});
            add_paths(&frame, "", &mut envelope);
        }
    }
    // What is not sent any more is not to stay in the list.
    assert_eq!(found, listed);
    let members = ["create_at", "id", "payload", "topic"].map(|member| format!("msg.{member}"));
    let members: BTreeSet<String> = members.into_iter().chain(["remote_id".into()]).collect();
    assert_eq!(envelope, members);
}

#[test]
fn t19_what_belongs_to_the_account_here_is_in_no_message() {
    for kind in KINDS {
        for frame in sent_to(kind) {
            let text = frame.to_string();
            for own in [
                "private-preference",
                "private-text",
                "cellar",
                "system_admin",
            ] {
                assert!(!text.contains(own), "{own} in {text}");
            }
            let digests = [7, 9].map(|byte| format!("{byte:064x}"));
            let told = digests.iter().find(|digest| text.contains(*digest));
            assert_eq!(told, None, "{text}");
        }
    }
}
