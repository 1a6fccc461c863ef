//! What we write for the objects of real servers' messages.

use causeway_kernel::rows::id::Id;
use causeway_kernel::wire::Generation;
use causeway_kernel::wire::frame;
use causeway_kernel::wire::json::{Document, Value};
use causeway_kernel::wire::message::{
    SyncMessage, SyncSection, UploadSession, WireAcknowledgement, WireMembership, WirePost,
    WireReaction, WireUser, encode_global_users, encode_sync,
};
use causeway_kernel::wire::response;
use causeway_kernel::wire::write::JsonWriter;

use super::{Members, is_sync, members, real_payloads, same};

#[test]
fn posts_are_written_as_the_real_servers_write_them() {
    // Unsupported: previews, and the counts that servers leave at 0. Priorities and files are compared below.
    let free = ["metadata", "reply_count", "last_reply_at", "participants"];
    let mut compared = 0;
    real_payloads(|exchange, topic, payload| {
        if !is_sync(topic) {
            return;
        }
        for (value, post) in SyncMessage::decode(payload).unwrap().posts {
            let mut writer = JsonWriter::new();
            let post: WirePost = post.unwrap();
            post.encode(&mut writer, exchange.generation);
            // System posts of 11.6 have no `remote_id`.
            same(&exchange.at, &writer.finish(), value, &free, &["remote_id"]);
            compared += 1;
        }
    });
    assert!(compared > 2000, "{compared}");
}

#[test]
fn profiles_are_written_as_the_real_servers_write_them() {
    let mut compared = 0;
    real_payloads(|exchange, topic, payload| {
        if topic != frame::TOPIC_SYNC {
            return;
        }
        for (value, user) in SyncMessage::decode(payload).unwrap().users {
            // We never send unfiltered records of 2021 (they contain hashes), bots or logins.
            if ["notify_props", "is_bot", "last_login"]
                .iter()
                .any(|key| value.get(key).is_some())
            {
                continue;
            }
            let mut writer = JsonWriter::new();
            let user: WireUser = user.unwrap();
            let password = Id::from_uuid_bytes([7; 16]);
            user.encode(&mut writer, exchange.generation, password);
            same(&exchange.at, &writer.finish(), value, &["password"], &[]);
            compared += 1;
        }
    });
    assert!(compared > 150, "{compared}");
}

#[test]
fn priorities_are_written_as_the_real_servers_write_them() {
    let mut compared = 0;
    real_payloads(|exchange, topic, payload| {
        if !is_sync(topic) {
            return;
        }
        for (value, post) in SyncMessage::decode(payload).unwrap().posts {
            let stated = |post: Value<'_>| -> Option<Members> {
                Some(members(post.get("metadata")?.get("priority")?))
            };
            let post: WirePost = post.unwrap();
            let mut writer = JsonWriter::new();
            post.encode(&mut writer, exchange.generation);
            let ours = writer.finish();
            let ours = stated(Document::parse(&ours).unwrap().root());
            assert_eq!(ours, stated(value), "{}", exchange.at);
            compared += usize::from(ours.is_some());
        }
    });
    assert!(compared > 8, "{compared}");
}

#[test]
fn acknowledgements_are_written_as_the_real_servers_write_them() {
    let mut compared = 0;
    real_payloads(|exchange, topic, payload| {
        if !is_sync(topic) {
            return;
        }
        let channel = Id::parse(&payload.text("channel_id").unwrap());
        for (value, acknowledgement) in SyncMessage::decode(payload).unwrap().acknowledgements {
            let mut writer = JsonWriter::new();
            let acknowledgement: WireAcknowledgement = acknowledgement.unwrap();
            acknowledgement.encode(&mut writer, channel.unwrap());
            same(&exchange.at, &writer.finish(), value, &[], &[]);
            compared += 1;
        }
    });
    assert!(compared > 15, "{compared}");
}

#[test]
fn memberships_are_written_as_the_real_servers_write_them() {
    let mut compared = 0;
    real_payloads(|exchange, topic, payload| {
        if !is_sync(topic) {
            return;
        }
        for (value, change) in SyncMessage::decode(payload).unwrap().membership_changes {
            let mut writer = JsonWriter::new();
            let change: WireMembership = change.unwrap();
            change.encode(&mut writer);
            same(&exchange.at, &writer.finish(), value, &[], &[]);
            compared += 1;
        }
    });
    assert!(compared > 50, "{compared}");
}

#[test]
fn people_without_a_channel_are_offered_as_the_real_servers_offer_them() {
    let mut compared = 0;
    real_payloads(|exchange, topic, payload| {
        if topic != frame::TOPIC_GLOBAL_USERS {
            return;
        }
        let message = SyncMessage::decode(payload).unwrap();
        assert!(message.channel_id.is_empty() && message.users.len() <= 25);
        let users = message.users.into_iter();
        let users: Vec<_> = users
            .map(|(_, user)| (user.unwrap(), Id::from_uuid_bytes([7; 16])))
            .collect();
        let id = Id::parse(&payload.text("id").unwrap()).unwrap();
        let writer = JsonWriter::portable();
        let ours = encode_global_users(writer, exchange.generation, id, &users);
        // What is written of a user is compared below, and less than the real servers disclose.
        same(&exchange.at, &ours, payload, &["users"], &[]);
        compared += 1;
    });
    assert!(compared > 3, "{compared}");
}

#[test]
fn reactions_are_written_as_the_real_servers_write_them() {
    let mut compared = 0;
    real_payloads(|exchange, topic, payload| {
        if !is_sync(topic) {
            return;
        }
        for (value, reaction) in SyncMessage::decode(payload).unwrap().reactions {
            let mut writer = JsonWriter::new();
            let reaction: WireReaction = reaction.unwrap();
            reaction.encode(&mut writer, exchange.generation);
            same(&exchange.at, &writer.finish(), value, &["remote_id"], &[]);
            compared += 1;
        }
    });
    assert!(compared > 30, "{compared}");
}

#[test]
fn messages_and_frames_are_written_as_the_real_servers_write_them() {
    let mut compared = 0;
    real_payloads(|exchange, topic, payload| {
        if topic != frame::TOPIC_SYNC {
            return;
        }
        let message = SyncMessage::decode(payload).unwrap();
        let posts: Vec<WirePost> = message
            .posts
            .into_iter()
            .map(|(_, post)| post.unwrap())
            .collect();
        let users = message.users.into_iter();
        let users: Vec<_> = users
            .map(|(_, user)| (user.unwrap(), Id::from_uuid_bytes([7; 16])))
            .collect();
        let reactions = message.reactions.into_iter();
        let reactions: Vec<_> = reactions.map(|(_, item)| item.unwrap()).collect();
        let statuses = message.statuses.into_iter();
        let statuses: Vec<_> = statuses.map(|(_, item)| item.unwrap()).collect();
        let section = match (posts.is_empty(), users.is_empty(), reactions.is_empty()) {
            (true, true, true) if !statuses.is_empty() => SyncSection::Statuses(&statuses),
            (false, true, true) => SyncSection::Posts(&posts, &message.mention_transforms),
            (true, false, true) if message.membership_changes.is_empty() => {
                SyncSection::Users(&users)
            }
            (true, true, false) => SyncSection::Reactions(&reactions),
            _ => return,
        };
        let id = Id::parse(&payload.text("id").unwrap()).unwrap();
        let channel = Id::parse(&message.channel_id).unwrap();
        let ours = encode_sync(
            JsonWriter::portable(),
            exchange.generation,
            id,
            channel,
            &section,
        );
        same(
            &exchange.at,
            &ours,
            payload,
            &["posts", "users", "reactions", "statuses"],
            &[],
        );
        let theirs = Document::parse(exchange.body.as_bytes()).unwrap();
        let remote_id = exchange.header_id.unwrap();
        let create_at = theirs
            .root()
            .get("msg")
            .unwrap()
            .integer("create_at")
            .unwrap();
        let ours = frame::encode(remote_id, id, topic, create_at, &ours);
        same(&exchange.at, &ours, theirs.root(), &["msg"], &[]);
        let ours = Document::parse(&ours).unwrap();
        let ours = ours.root().get("msg").unwrap().raw().into_owned();
        let theirs = theirs.root().get("msg").unwrap();
        same(
            &exchange.at,
            ours.as_bytes(),
            theirs,
            &["id", "payload"],
            &[],
        );
        compared += 1;
    });
    assert!(compared > 400, "{compared}");
}

#[test]
fn files_are_announced_as_the_real_servers_announce_them() {
    let mut compared = 0;
    real_payloads(|exchange, topic, payload| {
        if topic != frame::TOPIC_UPLOAD {
            return;
        }
        let session = UploadSession::decode(payload).unwrap();
        let written = session.encode(JsonWriter::new());
        same(&exchange.at, &written, payload, &[], &[]);
        let answered = response::decode_session(exchange.answer.as_bytes()).unwrap();
        let Ok(stored) = answered else { return };
        assert_eq!(
            (stored.id, stored.req_file_id),
            (session.id, session.req_file_id)
        );
        compared += 1;
    });
    assert!(compared > 10, "{compared}");
}

#[test]
fn what_is_said_of_files_is_written_as_the_real_servers_write_it() {
    let mut compared = 0;
    real_payloads(|exchange, topic, payload| {
        if !is_sync(topic) || exchange.generation != Generation::V11 {
            return;
        }
        for (value, post) in SyncMessage::decode(payload).unwrap().posts {
            let post = post.unwrap();
            let listed = value.get("metadata").and_then(|it| it.get("files"));
            let theirs = listed.map_or_else(Vec::new, |list| list.children().collect());
            assert_eq!(post.files.len(), theirs.len(), "{}", exchange.at);
            for (file, theirs) in post.files.iter().zip(theirs) {
                if file.dimensions != (0, 0) {
                    continue;
                }
                let mut writer = JsonWriter::new();
                file.encode(&mut writer, (&post.id, &post.channel_id));
                // The media type follows from the name here.
                let free = ["update_at", "mime_type", "remote_id"];
                same(&exchange.at, &writer.finish(), theirs, &free, &[]);
                compared += 1;
            }
        }
    });
    assert!(compared > 5, "{compared}");
}
