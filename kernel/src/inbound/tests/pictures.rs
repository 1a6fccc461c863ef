//! Profile pictures of a peer's users.

use super::*;
use crate::boundary::output::{Event, SendPicture};
use crate::boundary::policy::{Denial, Gate, Question, Verdict};
use crate::model::limits::PROFILE_PICTURE_BYTES_MAX;
use crate::model::{Picture, User};

impl World {
    /// A peer sends a picture; status and JSON of the answer.
    fn picture(&mut self, connection: ConnectionNo, letters: &str, byte: u8) -> (u16, Value) {
        let output = self.run(Input::Picture {
            connection,
            user: parsed_id(letters),
            digest: format!("{byte:064x}"),
            size: 600,
        });
        http(output.reply)
    }

    fn picture_of(&self, letters: &str) -> Option<Picture> {
        self.host.get(&self.user_no(letters)?)
    }
}

#[test]
fn a_peers_user_gets_the_picture_and_everybody_is_told() {
    let mut world = World::with_peers_of_today();
    let ann = world.user_no("ann").unwrap();
    assert_eq!(
        world.picture(ACME, "ann", 1),
        (200, json!({"status": "OK"}))
    );
    assert_eq!(world.events(), [Event::UserUpdated(ann)]);
    let first = world.get::<User>(&ann).last_picture_update;
    assert!(first > START);
    assert_eq!((world.uses(1), world.uses(2)), (1, 0));

    let rows = world.host.tables.clone();
    assert_eq!(world.picture(ACME, "ann", 1).0, 200);
    assert_eq!(world.host.tables, rows, "the same one changes nothing");

    assert_eq!(world.picture(ACME, "ann", 2).0, 200);
    assert!(world.get::<User>(&ann).last_picture_update > first);
    assert_eq!((world.uses(1), world.uses(2)), (0, 1));
    assert!(!world.picture_of("ann").unwrap().is_generated);
}

#[test]
fn a_picture_is_taken_of_whom_the_policies_let_pass() {
    let mut world = World::with_peers_of_today();
    let deny = |name: &'static str, verdict: Verdict| {
        move |question: &Question<'_>| match question {
            Question::Profile(profile) if profile.person.name == name => verdict.clone(),
            _ => Verdict::Allow,
        }
    };
    let denied = Verdict::Deny(Denial::for_reason("no"));
    let failed = Verdict::Failed("trapped".into());
    world.picture(ACME, "ann", 1);
    for (verdict, status, reason) in [(denied, 400, "denied"), (failed, 503, "held")] {
        world.load_policy(&[Gate::Profile], deny("ann:acme", verdict.clone()));
        let before = world.host.tables.clone();
        assert_eq!(world.picture(ACME, "ann", 2).0, status);
        assert_eq!(world.refused(), [(reason.to_string(), 1)]);
        assert_eq!(world.host.tables, before);
        assert_eq!(world.picture(ACME, "ann", 1).0, 200, "it is here");
        world.load_policy(&[Gate::Post], deny("ann:acme", verdict));
        assert_eq!(world.picture(ACME, "ann", 3).0, 200, "nobody decides");
        world.picture(ACME, "ann", 1);
    }
    world.load_policy(&[Gate::Profile], deny("amy:acme", Verdict::Allow));
    assert_eq!(world.picture(ACME, "ann", 2).0, 200);
    assert_eq!(world.uses(2), 1);
}

#[test]
fn pictures_of_anybody_else_are_refused() {
    for (connection, letters, status, id, reason) in [
        (
            ACME,
            "olga",
            401,
            "api.context.remote_id_mismatch.app_error",
            "foreign_user",
        ),
        (
            ACME,
            "boss",
            400,
            "api.context.invalid_url_param.app_error",
            "unknown_user",
        ),
        (
            ACME,
            "nobody",
            400,
            "api.context.invalid_url_param.app_error",
            "unknown_user",
        ),
    ] {
        let mut world = World::with_peers_of_today();
        let rows = world.host.tables.clone();
        let (found, answer) = world.picture(connection, letters, 1);
        assert_eq!(
            (found, answer["id"].as_str()),
            (status, Some(id)),
            "{letters}"
        );
        assert_eq!(world.refused(), [(reason.to_string(), 1)]);
        assert_eq!(world.host.tables, rows, "{letters}");
    }
}

#[test]
fn one_that_is_too_large_and_one_over_a_removed_connection_are_refused() {
    let mut world = World::with_peers_of_today();
    let large = Input::Picture {
        connection: ACME,
        user: parsed_id("ann"),
        digest: "0".repeat(64),
        size: PROFILE_PICTURE_BYTES_MAX + 1,
    };
    let (status, answer) = http(world.run(large).reply);
    let id = "api.user.upload_profile_user.check_image_limits.app_error";
    assert_eq!((status, answer["id"].as_str()), (400, Some(id)));
    world.by(ADMIN, acts::remove_connection(ACME)).unwrap();
    assert_eq!(world.picture(ACME, "ann", 1).0, 400);
    assert_eq!(world.picture_of("ann"), None);
}

#[test]
fn a_hub_passes_a_picture_on_and_never_back() {
    let mut world = World::with_peers_of_today();
    world.ping(ACME);
    world.ping(OTHER);
    let held = json!({"status": "OK", "err": "", "payload": {"users_syncd": [id("ann")]}});
    let held = serde_json::to_vec(&held).unwrap();
    // Olga's peer gets ann's profile with her post.
    world.sync(
        ACME,
        json!({"posts": [super::post("another", "ann", "again")]}),
    );
    let settle = |world: &mut World| {
        for _ in 0..20 {
            for (attempt, _) in std::mem::take(&mut world.out) {
                for connection in [ACME, OTHER] {
                    world.receipt(connection, attempt, SendOutcome::Answered(held.clone()));
                }
            }
        }
        std::mem::take(&mut world.sent_pictures)
    };
    settle(&mut world);
    world.picture(ACME, "ann", 1);
    let sent = settle(&mut world);
    let [
        SendPicture {
            connection,
            user,
            digest,
            ..
        },
    ] = sent.as_slice()
    else {
        panic!("{sent:?}");
    };
    assert_eq!((*connection, *user), (OTHER, parsed_id("ann")));
    assert_eq!(*digest, format!("{:064x}", 1));
}
