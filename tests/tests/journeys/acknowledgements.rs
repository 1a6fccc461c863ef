//! Somebody requests acknowledgements of a post, and gets them from both workspaces.

use anyhow::{Context, Result, ensure};
use causeway_tests::client::{Client, Events, HEARD_WITHIN};
use causeway_tests::scene::{self, Shown};
use hyper::Method;
use serde_json::{Value, json};

use crate::pair::Pair;

/// A user and one post, by their API ids.
struct Reader<'c> {
    client: &'c Client,
    id: String,
    path: String,
}

impl<'c> Reader<'c> {
    async fn of(client: &'c Client, post: &str) -> Result<Reader<'c>> {
        let me = client.get("/users/me").await?;
        Ok(Reader {
            client,
            id: me["id"].as_str().context("a user has an id")?.to_string(),
            path: format!("/users/me/posts/{post}/ack"),
        })
    }

    async fn acknowledges(&self) -> Result<Value> {
        self.client.post(&self.path, json!({})).await
    }

    async fn withdraws(&self) -> Result<()> {
        self.client.delete(&self.path).await.map(|_| ())
    }
}

/// The acknowledgement in the next event with this name.
async fn hears(events: &mut Events, name: &str) -> Result<Value> {
    let event = events.next(name, |_| true, HEARD_WITHIN).await?;
    let text = event["data"]["acknowledgement"].as_str();
    Ok(serde_json::from_str(
        text.context("a text that holds JSON")?,
    )?)
}

/// Checks that both sides show the post with these readers.
async fn shows(pair: &Pair, post: &str, readers: &[&Reader<'_>]) -> Result<Shown> {
    let mut expected: Vec<&str> = readers.iter().map(|reader| &*reader.id).collect();
    expected.sort_unstable();
    let mut found = None;
    scene::wait_for("the acknowledgements on both sides", async || {
        let shown = pair.converged().await?;
        found = shown.into_iter().find(|it| it.id == post);
        let named = found.iter().flat_map(|it| &it.acknowledgements);
        Ok(named.map(|(user, _)| &**user).eq(expected.iter().copied()))
    })
    .await?;
    found.context("the post shows")
}

#[tokio::test]
async fn who_has_read_a_post_shows_on_both_sides() -> Result<()> {
    let pair = Pair::open(50).await?;
    let post = scene::post(&pair.acme.user, &pair.channel, "", "read this").await?;
    pair.converged().await?;
    let ann = Reader::of(&pair.acme.user, &post).await?;
    let carla = Reader::of(&pair.globex.user, &post).await?;
    let mut events = pair.acme.user.events().await?;

    let made = carla.acknowledges().await?;
    ensure!(made["user_id"] == *carla.id && made["post_id"] == *post);
    ensure!(made["channel_id"] == *pair.channel && made.get("remote_id").is_none());
    let heard = hears(&mut events, "post_acknowledgement_added").await?;
    ensure!(heard["user_id"] == *carla.id && heard["post_id"] == *post);
    ensure!(heard["acknowledged_at"] == made["acknowledged_at"]);
    ensure!(
        heard["remote_id"].is_string(),
        "it came from the other side"
    );
    ann.acknowledges().await?;
    let first = shows(&pair, &post, &[&ann, &carla]).await?;

    // Acknowledging again renews the time, on both sides.
    let again = carla.acknowledges().await?["acknowledged_at"].as_i64();
    scene::wait_for("the new time on both sides", async || {
        let shown = shows(&pair, &post, &[&ann, &carla]).await?;
        let times = shown.acknowledgements.iter();
        let mut times = times.map(|(_, at)| Some(*at));
        Ok(shown != first && times.any(|at| at == again))
    })
    .await?;

    carla.withdraws().await?;
    let heard = hears(&mut events, "post_acknowledgement_removed").await?;
    ensure!(heard["user_id"] == *carla.id);
    shows(&pair, &post, &[&ann]).await?;
    let refused = carla.client.call(Method::DELETE, &carla.path, None).await?;
    ensure!(refused.status == 404 && refused.error_id() == "app.acknowledgement.get.app_error");
    let of_ann = format!("/users/{}/posts/{post}/ack", ann.id);
    let refused = pair
        .acme
        .side
        .admin
        .call(Method::POST, &of_ann, None)
        .await?;
    ensure!(
        refused.status == 403,
        "nobody acknowledges for somebody else"
    );
    Ok(())
}

#[tokio::test]
async fn what_was_said_last_stands_after_the_line_was_cut() -> Result<()> {
    let pair = Pair::open(50).await?;
    let post = scene::post(&pair.acme.user, &pair.channel, "", "read this").await?;
    pair.converged().await?;
    let ann = Reader::of(&pair.acme.user, &post).await?;
    let carla = Reader::of(&pair.globex.user, &post).await?;
    carla.acknowledges().await?;
    shows(&pair, &post, &[&carla]).await?;
    pair.cut();
    carla.withdraws().await?;
    carla.acknowledges().await?;
    carla.withdraws().await?;
    ann.acknowledges().await?;
    ann.withdraws().await?;
    ann.acknowledges().await?;
    pair.mend();
    shows(&pair, &post, &[&ann]).await?;
    Ok(())
}
