//! Invitation codes that cannot be accepted, and confirmations that come too late or twice.

use anyhow::Result;
use causeway_tests::client::Answer;
use causeway_tests::hosted::Hosted;
use causeway_tests::peer::Peer;
use causeway_tests::scene::{self, PASSWORD};
use hyper::Method;
use serde_json::json;

use crate::stage::{self, Stage, TOKEN, call, confirmation, error_id, frame, refused, seal};

const ELSEWHERE: &str = "elsewhereelsewhereelsewher";
const HOURS: i64 = 60 * 60 * 1000;

async fn accept(host: &Hosted, name: &str, code: &str, password: &str) -> Result<Answer> {
    let body = json!({
        "name": name, "display_name": name, "default_team_id": host.side.team_id,
        "invite": code, "password": password,
    });
    let path = "/remotecluster/accept_invite";
    host.side.admin.call(Method::POST, path, Some(body)).await
}

async fn refused_codes(host: &Hosted, id: &str) -> Result<u64> {
    let name = format!("causeway_federation_codes_refused_total{{id=\"{id}\"}}");
    host.metric(&name).await
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_that_cannot_be_accepted_leave_nothing_and_are_counted() -> Result<()> {
    let (host, remote_id, _) = Stage::invited().await?;
    let own = scene::invitation(&host.side, "another").await?;
    // Nobody listens on the port of a peer that is gone.
    let gone = Peer::start(|_| unreachable!("nobody is asked")).await?;
    gone.down().await;
    let foreign = seal(&host, ELSEWHERE, &gone.url()).await?;
    let mut damaged = foreign.clone();
    damaged.replace_range(
        60..61,
        if damaged.get(60..61) == Some("A") {
            "B"
        } else {
            "A"
        },
    );
    let before = host.side.admin.get("/remotecluster").await?;
    let sealed = "api.remote_cluster.invite_decrypt_error";
    let cases = [
        (&*foreign, "not-the-password", 400, sealed),
        (&*damaged, PASSWORD, 400, sealed),
        (
            "no code at all!",
            PASSWORD,
            400,
            "api.remote_cluster.base64_decode_error",
        ),
        (
            &*foreign,
            PASSWORD,
            500,
            "api.remote_cluster.accept_invitation_error",
        ),
        (
            &*own,
            PASSWORD,
            500,
            "api.remote_cluster.accept_invitation_error",
        ),
    ];
    for (code, password, status, id) in cases {
        let counted = refused_codes(&host, id).await?;
        let answer = accept(&host, "acme-again", code, password).await?;
        assert_eq!((answer.status, answer.error_id()), (status, id), "{code}");
        assert_eq!(refused_codes(&host, id).await?, counted + 1, "{code}");
        let after = host.side.admin.get("/remotecluster").await?;
        assert_eq!(after, before, "{code}");
    }
    let record = host
        .side
        .admin
        .get(&format!("/remotecluster/{remote_id}"))
        .await?;
    assert_eq!(
        record["delete_at"], 0,
        "the pending invitation is untouched"
    );
    host.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_accepted_once_and_its_repetition_asks_nobody() -> Result<()> {
    let stage = Stage::new().await?;
    let code = seal(&stage.host, ELSEWHERE, &stage.handmade.peer.url()).await?;
    let first = accept(&stage.host, "elsewhere", &code, PASSWORD).await?;
    assert_eq!(first.status, 201, "{first:?}");
    let confirmations = || {
        let asked = stage.handmade.peer.asked(0);
        let confirms = asked
            .iter()
            .filter(|it| it.path.ends_with("confirm_invite"));
        confirms.count()
    };
    assert_eq!(confirmations(), 1);
    let path = format!("/remotecluster/{ELSEWHERE}");
    let before = stage.host.side.admin.get(&path).await?;
    let id = "api.remote_cluster.accept_invitation_error";
    for name in ["elsewhere", "elsewhere-too"] {
        let again = accept(&stage.host, name, &code, PASSWORD).await?;
        assert_eq!((again.status, again.error_id()), (500, id));
    }
    assert_eq!(refused_codes(&stage.host, id).await?, 2);
    assert_eq!(confirmations(), 1);
    let after = stage.host.side.admin.get(&path).await?;
    for key in ["name", "site_url", "delete_at", "create_at"] {
        assert_eq!(after[key], before[key], "{key}");
    }
    stage.host.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_invitation_is_not_confirmed() -> Result<()> {
    let (host, remote_id, token) = Stage::invited().await?;
    host.clock.set_ahead_ms(49 * HOURS);
    let body = frame(
        &remote_id,
        "invitation",
        confirmation(&remote_id, "http://127.0.0.1:9"),
    );
    let answer = call(&host, "confirm_invite", &remote_id, &token, &body).await?;
    let id = "api.context.invitation_expired.error";
    assert_eq!((answer.status, &*error_id(&answer)), (400, id));
    assert_eq!(refused(&host, id).await?, 1);
    let record = host
        .side
        .admin
        .get(&format!("/remotecluster/{remote_id}"))
        .await?;
    assert!(stage::text(&record, "site_url").starts_with("pending_"));
    host.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_invitation_opens_nothing_and_a_confirmed_connection_stays_as_it_is() -> Result<()> {
    let stage = Stage::new().await?;
    let before = stage.shown().await?;
    let id = &stage.handmade.remote_id;
    let body = frame(id, "invitation", confirmation(id, "http://127.0.0.1:9"));
    // The invitation's token became invalid with the confirmation; here any other token represents it.
    let dead = call(
        &stage.host,
        "confirm_invite",
        id,
        "deadtokendeadtokendeadto1x",
        &body,
    )
    .await?;
    let invalid = "api.context.invalid_token.error";
    assert_eq!((dead.status, &*error_id(&dead)), (401, invalid));
    let live = call(&stage.host, "confirm_invite", id, TOKEN, &body).await?;
    let again = "api.command_remote.confirm_invitation.error";
    assert_eq!((live.status, &*error_id(&live)), (500, again));
    assert_eq!(refused(&stage.host, invalid).await?, 1);
    assert_eq!(refused(&stage.host, again).await?, 1);
    assert_eq!(stage.shown().await?, before);
    stage.host.stop().await;
    Ok(())
}
