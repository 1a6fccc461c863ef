//! Items that a sender must not put into a frame. Each is in a batch with valid ones, which are
//! taken.

use anyhow::Result;
use serde_json::{Value, json};

use crate::stage::{ANN, POST, START, Stage, profile, with};

const NEW: &str = "newnewnewnewnewnewnewnew11";
const STRANGER: &str = "strangerstrangerstranger11";

fn bad_posts(stage: &Stage) -> Vec<(&'static str, Value, &'static str)> {
    let post = || stage.post(NEW);
    let theirs = |change: Value| {
        let edit = json!({ "id": stage.bobs_post, "update_at": i64::from(u32::MAX) * 1000 });
        with(with(post(), edit), change)
    };
    vec![
        (
            "an id that is none",
            with(post(), json!({ "id": "no id" })),
            "bad_id",
        ),
        (
            "in the name of a user of ours",
            with(post(), json!({ "user_id": stage.bob_id })),
            "foreign_user",
        ),
        (
            "by somebody unknown",
            with(post(), json!({ "user_id": STRANGER })),
            "unknown_user",
        ),
        (
            "in another channel than the message's",
            with(post(), json!({ "channel_id": stage.private })),
            "wrong_channel",
        ),
        (
            "under a root that is not here",
            with(post(), json!({ "root_id": STRANGER })),
            "unknown_root",
        ),
        (
            "an edit of a post of ours",
            theirs(json!({ "message": "rewritten", "edit_at": START + 9 })),
            "foreign_post",
        ),
        (
            "an edit of a post of ours in its author's name",
            theirs(json!({ "message": "rewritten", "user_id": stage.bob_id })),
            "foreign_post",
        ),
        (
            "a deletion of a post of ours",
            theirs(json!({ "delete_at": START + 9 })),
            "foreign_post",
        ),
        (
            "a system type that no server stores",
            with(post(), json!({ "type": "system_ephemeral" })),
            "bad_type",
        ),
        (
            "a type that is none",
            with(post(), json!({ "type": "nonsense" })),
            "bad_type",
        ),
        (
            "a text over the limit",
            with(post(), json!({ "message": "x".repeat(16_384) })),
            "too_large",
        ),
        (
            "a time before all times",
            with(post(), json!({ "create_at": -1 })),
            "bad_time",
        ),
        (
            "a text that is a number",
            with(post(), json!({ "message": 7 })),
            "malformed",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn posts_that_a_peer_may_not_bring_are_listed_counted_and_leave_no_trace() -> Result<()> {
    let stage = Stage::new().await?;
    for (number, (what, bad, reason)) in bad_posts(&stage).into_iter().enumerate() {
        let before = stage.shown().await?;
        let counted = stage.counted(reason).await?;
        let good = format!("goodgoodgoodgoodgoodgood{number:02}");
        let envelope = stage
            .sync(json!({ "posts": [bad.clone(), stage.post(&good)] }))
            .await?;
        let errors = &envelope["payload"]["post_errors"];
        assert_eq!(errors, &json!([bad["id"]]), "{what}: {envelope}");
        assert_eq!(stage.counted(reason).await?, counted + 1, "{what}");
        assert_eq!(
            stage.get(&format!("/posts/{good}")).await?.status,
            200,
            "{what}"
        );
        // Except for the good item, everything is unchanged.
        stage
            .taken(json!({ "posts": [with(stage.post(&good), json!({
                "delete_at": START + 5, "update_at": START + 5,
            }))] }))
            .await?;
        let mut after = stage.shown().await?;
        let mut expected = before;
        for shown in [&mut after, &mut expected] {
            // Times of the last activity in the channel.
            for value in shown.values_mut() {
                forget_times(value);
            }
        }
        assert_eq!(after, expected, "{what}");
    }
    stage.host.stop().await;
    Ok(())
}

/// Removes the members for the time of the last activity and the total amount of it.
fn forget_times(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for key in [
                "last_post_at",
                "last_root_post_at",
                "total_msg_count",
                "total_msg_count_root",
                "last_update_at",
            ] {
                members.remove(key);
            }
            members.values_mut().for_each(forget_times);
        }
        Value::Array(list) => list.iter_mut().for_each(forget_times),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn system_posts_of_a_peer_are_its_own_words_and_do_nothing() -> Result<()> {
    let stage = Stage::new().await?;
    let members = format!("/channels/{}/members", stage.shared);
    let before = stage.get(&members).await?.body;
    let item = json!({ "type": "system_remove_from_channel", "message": "bob was removed" });
    stage
        .taken(json!({ "posts": [with(stage.post(NEW), item)] }))
        .await?;
    let shown = stage.get(&format!("/posts/{NEW}")).await?.body;
    assert_eq!(shown["user_id"], ANN);
    assert_eq!(shown["type"], "system_remove_from_channel");
    assert_eq!(stage.get(&members).await?.body, before);
    stage.host.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn users_that_are_not_the_peers_or_have_no_name_are_left_out_and_counted() -> Result<()> {
    let stage = Stage::new().await?;
    let before = stage.shown().await?;
    let bob = with(
        profile(&stage.bob_id, "crook"),
        json!({ "update_at": i64::from(u32::MAX) * 1000 }),
    );
    let cases = [
        ("without a name", NEW, profile(NEW, ""), "bad_name"),
        (
            "with a name that is none",
            NEW,
            profile(NEW, "No Name!"),
            "bad_name",
        ),
        ("a user of ours", &*stage.bob_id, bob, "foreign_user"),
        (
            "an id that is none",
            "no id",
            profile("no id", "eve"),
            "bad_id",
        ),
    ];
    for (what, id, bad, reason) in cases {
        let counted = stage.counted(reason).await?;
        let payload = json!({ "users": { id: bad, ANN: profile(ANN, "ann") } });
        let envelope = stage.sync(payload).await?;
        let stored = &envelope["payload"]["users_syncd"];
        assert_eq!(stored, &json!([ANN]), "{what}: {envelope}");
        assert_eq!(stage.counted(reason).await?, counted + 1, "{what}");
        assert_eq!(stage.shown().await?, before, "{what}");
    }
    stage.host.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn channels_that_are_not_shared_are_closed_to_everything() -> Result<()> {
    let stage = Stage::new().await?;
    let before = stage.shown().await?;
    let reaction = json!({
        "user_id": ANN, "post_id": POST, "emoji_name": "tada", "create_at": START,
        "update_at": START, "delete_at": 0,
    });
    let contents = [
        json!({ "users": { NEW: profile(NEW, "eve") } }),
        json!({ "posts": [stage.post(NEW)] }),
        json!({ "reactions": [reaction] }),
    ];
    let unknown = "channelthatdoesnotexist111".to_string();
    for (channel, reason, phrase) in [
        (&stage.private, "not_shared", "channel is no longer shared"),
        (&unknown, "unknown_channel", "channel not found"),
    ] {
        for content in &contents {
            let counted = stage.counted(reason).await?;
            let payload = with(content.clone(), json!({ "channel_id": channel }));
            let envelope = stage.sync(payload).await?;
            assert_eq!(envelope["status"], "FAIL", "{envelope}");
            let said = envelope["err"].as_str().unwrap_or_default();
            assert!(said.contains(phrase), "{said}");
            assert_eq!(stage.counted(reason).await?, counted + 1);
        }
    }
    let invite = json!({
        "channel_id": stage.private, "team_id": "", "read_only": true, "name": "private",
        "display_name": "Private", "header": "", "purpose": "", "type": "O",
    });
    let envelope = stage.say("sharedchannel_invite", invite).await?;
    assert_eq!(envelope["status"], "FAIL", "{envelope}");
    assert_eq!(stage.counted("invite_refused").await?, 1);
    assert_eq!(stage.shown().await?, before);
    stage.host.stop().await;
    Ok(())
}
