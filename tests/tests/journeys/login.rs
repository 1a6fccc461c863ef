//! Password attempts: how many, from where, and that nobody can lock another user out.

use anyhow::{Context, Result, bail, ensure};
use causeway::config::Settings;
use causeway_tests::client::{Answer, Client, HEARD_WITHIN};
use causeway_tests::hosted::Hosted;
use causeway_tests::scene::PASSWORD;
use hyper::Method;
use serde_json::json;
use tokio::task::JoinSet;

const HEADER: &str = "x-forwarded-for";
/// Far more wrong passwords than are accepted for one account without a delay.
const MANY: usize = 40;

fn behind_a_proxy(settings: &mut Settings) {
    settings.client_address_header = HEADER.to_string();
}

/// A delay, in seconds, that outlasts a few requests.
const A_WHILE_S: u32 = 5;

/// A workspace with the accounts ann and ben, which have passwords.
async fn start(adjust: impl FnOnce(&mut Settings)) -> Result<Hosted> {
    let hosted = Hosted::start("admin", adjust).await?;
    for name in ["ann", "ben"] {
        let body = json!({
            "username": name, "email": format!("{name}@workspace.test"), "password": PASSWORD,
        });
        hosted.side.admin.post("/users", body).await?;
    }
    Ok(hosted)
}

/// A login with these lines of the proxy's header.
async fn login(hosted: &Hosted, from: &[&str], name: &str, password: &str) -> Result<Answer> {
    let body = json!({ "login_id": name, "password": password }).to_string();
    let headers: Vec<_> = from.iter().map(|line| (HEADER, *line)).collect();
    let client = Client::new(hosted.url());
    client
        .call_bytes(Method::POST, "/users/login", body.into(), &headers)
        .await
}

/// Tries wrong passwords, waiting out the delays, until one is refused with a long delay; returns that
/// refusal.
async fn until_refused(
    hosted: &Hosted,
    for_s: u32,
    mut wrong: impl AsyncFnMut() -> Result<Answer>,
) -> Result<Answer> {
    for _ in 0..MANY {
        let answer = wrong().await?;
        if answer.status != 429 {
            ensure!(matches!(answer.status, 400 | 401), "{}", answer.status);
            continue;
        }
        let pause_s = answer.retry_after_s.context("no Retry-After")?;
        if pause_s >= for_s {
            return Ok(answer);
        }
        hosted.clock.pass_ms(i64::from(pause_s) * 1000);
    }
    bail!("{MANY} wrong passwords were taken")
}

/// The same with logins.
async fn until_login_refused(
    hosted: &Hosted,
    for_s: u32,
    from: &[&str],
    name: &str,
) -> Result<Answer> {
    let wrong = async || login(hosted, from, name, "not the password").await;
    until_refused(hosted, for_s, wrong).await
}

#[tokio::test]
async fn strangers_are_slowed_down_and_slow_nobody_else_down() -> Result<()> {
    let hosted = start(behind_a_proxy).await?;
    let home = ["203.0.113.5, 192.0.2.1"];
    assert_eq!(login(&hosted, &home, "ann", PASSWORD).await?.status, 200);

    let stranger = ["198.51.100.7"];
    let refused = until_login_refused(&hosted, A_WHILE_S, &stranger, "ann").await?;
    assert_eq!(
        refused.error_id(),
        "api.user.check_user_login_attempts.too_many.app_error"
    );
    // Even the right password is not checked now; for another account it is.
    assert_eq!(
        login(&hosted, &stranger, "ann", PASSWORD).await?.status,
        429
    );
    assert_eq!(
        login(&hosted, &stranger, "ben", PASSWORD).await?.status,
        200
    );
    // Different names of one account count together, and so do addresses of one network.
    let other_name = login(&hosted, &stranger, "ann@workspace.test", PASSWORD).await?;
    assert_eq!(other_name.status, 429);
    until_login_refused(&hosted, A_WHILE_S, &["2001:db8::1"], "ann").await?;
    let neighbour = login(&hosted, &["[2001:db8::2]:443"], "ann", PASSWORD).await?;
    assert_eq!(neighbour.status, 429);

    // From ann's known address, and on this machine, nobody waits.
    assert_eq!(login(&hosted, &home, "ann", PASSWORD).await?.status, 200);
    assert_eq!(login(&hosted, &[], "ann", PASSWORD).await?.status, 200);

    // The delays grow, but only to minutes.
    until_login_refused(&hosted, 200, &stranger, "ann").await?;
    hosted.clock.pass_ms(300_000);
    assert_eq!(
        login(&hosted, &stranger, "ann", PASSWORD).await?.status,
        200
    );
    hosted.stop().await;
    Ok(())
}

#[tokio::test]
async fn the_proxys_last_word_names_the_client_and_an_unreadable_one_is_a_place_of_its_own()
-> Result<()> {
    let hosted = start(behind_a_proxy).await?;
    until_login_refused(&hosted, A_WHILE_S, &["192.0.2.9, unknown"], "ann").await?;
    for from in [&["_hidden"][..], &["192.0.2.1", "-"], &["192.0.2.1, a:b"]] {
        let answer = login(&hosted, from, "ann", PASSWORD).await?;
        assert_eq!(answer.status, 429, "{from:?}");
    }
    // What a client puts in front of the proxy's entry is ignored.
    let spoofed = [&["unknown", "192.0.2.1:4711"][..], &["-, 192.0.2.1"]];
    for from in spoofed {
        let answer = login(&hosted, from, "ann", PASSWORD).await?;
        assert_eq!(answer.status, 200, "{from:?}");
    }
    until_login_refused(&hosted, A_WHILE_S, &["192.0.2.8"], "ben").await?;
    let pretended = login(&hosted, &["192.0.2.1", "192.0.2.8"], "ben", PASSWORD).await?;
    assert_eq!(pretended.status, 429);
    hosted.stop().await;
    Ok(())
}

#[tokio::test]
async fn invented_names_lock_nobody_out_behind_a_proxy_that_names_nobody() -> Result<()> {
    let hosted = start(|_| ()).await?;
    for number in 0..60 {
        let (name, password) = (format!("nobody{number}"), "not the password");
        // Half of them through a proxy that names them, though the service does not use the header.
        let from = if number % 2 == 0 {
            &[][..]
        } else {
            &["192.0.2.1"]
        };
        let answer = login(&hosted, from, &name, password).await?;
        assert_eq!(answer.status, 401);
    }
    for from in [&[][..], &["192.0.2.1"], &["192.0.2.2"]] {
        assert_eq!(login(&hosted, from, "ann", PASSWORD).await?.status, 200);
    }
    hosted.stop().await;
    Ok(())
}

#[tokio::test]
async fn endless_names_are_refused_before_anything_is_kept_or_derived() -> Result<()> {
    let hosted = start(|_| ()).await?;
    let remembered = hosted.running().app.logins.remembered();
    for number in 0..60 {
        for (length, status, id) in [
            (129, 400, "api.context.invalid_body_param.app_error"),
            (900_000, 413, "api.context.request_body_too_large.app_error"),
        ] {
            let name = format!("{number}{}", "x".repeat(length));
            let answer = login(&hosted, &[], &name, "not the password").await?;
            assert_eq!((answer.status, answer.error_id()), (status, id));
        }
    }
    assert_eq!(hosted.running().app.logins.remembered(), remembered);
    hosted.stop().await;
    Ok(())
}

#[tokio::test]
async fn one_user_does_not_fill_the_queue_of_those_who_log_in() -> Result<()> {
    let hosted = start(|_| ()).await?;
    let mut of_ann = JoinSet::new();
    for _ in 0..80 {
        let client = Client::new(hosted.url());
        let body = json!({ "login_id": "ann", "password": PASSWORD });
        of_ann.spawn(async move { client.call(Method::POST, "/users/login", Some(body)).await });
    }
    assert_eq!(login(&hosted, &[], "ben", PASSWORD).await?.status, 200);
    let mut taken = 0;
    while let Some(answer) = of_ann.join_next().await {
        let answer = answer??;
        match answer.status {
            200 => taken += 1,
            429 => ensure!(answer.retry_after_s.is_some(), "no Retry-After"),
            other => bail!("status {other}"),
        }
    }
    ensure!(taken > 0, "ann did not get in");
    hosted.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_changed_password_ends_the_other_sessions_and_their_sockets() -> Result<()> {
    let hosted = start(|_| ()).await?;
    let log_in = async || Client::new(hosted.url()).login("ann", PASSWORD).await;
    let (here, there) = (log_in().await?, log_in().await?);
    let (mut line_here, mut line_there) = (here.events().await?, there.events().await?);
    let body = json!({ "current_password": PASSWORD, "new_password": "another password" });
    here.put("/users/me/password", body).await?;

    let ended = there.call(Method::GET, "/users/me", None).await?;
    assert_eq!(ended.error_id(), "api.context.session_expired.app_error");
    let closed = line_there.next("nothing", |_| true, HEARD_WITHIN).await;
    ensure!(closed.is_err_and(|error| error.to_string().contains("closed")));
    // The session that changed it stays valid, and so do other users' sessions.
    here.get("/users/me").await?;
    hosted.side.admin.get("/users/me").await?;
    let me = here.get("/users/me").await?;
    let body = json!({ "team_id": hosted.side.team_id, "user_id": me["id"] });
    let path = format!("/teams/{}/members", hosted.side.team_id);
    hosted.side.admin.post(&path, body).await?;
    line_here
        .next("added_to_team", |_| true, HEARD_WITHIN)
        .await?;

    // An administrator who sets it ends all of them.
    let body = json!({ "new_password": PASSWORD });
    let path = format!("/users/{}/password", me["id"].as_str().unwrap_or_default());
    hosted.side.admin.put(&path, body).await?;
    let ended = here.call(Method::GET, "/users/me", None).await?;
    assert_eq!(ended.status, 401);
    log_in().await?;
    hosted.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_session_is_no_way_to_guess_its_users_password() -> Result<()> {
    let hosted = start(|_| ()).await?;
    let ann = Client::new(hosted.url()).login("ann", PASSWORD).await?;
    let change = async |current: &str| {
        let body = json!({ "current_password": current, "new_password": "another password" });
        let path = "/users/me/password";
        ann.call(Method::PUT, path, Some(body)).await
    };
    let wrong = async || change("not the password").await;
    until_refused(&hosted, A_WHILE_S, wrong).await?;
    assert_eq!(change(PASSWORD).await?.status, 429);
    // Someone who knows the password can log in meanwhile, and change it after the delay.
    Client::new(hosted.url()).login("ann", PASSWORD).await?;
    hosted.clock.pass_ms(600_000);
    assert_eq!(change(PASSWORD).await?.status, 200);
    Client::new(hosted.url())
        .login("ann", "another password")
        .await?;
    hosted.stop().await;
    Ok(())
}
