//! Profile pictures, in both directions.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use causeway_tests::peer::{Answered, Asked};
use hyper::Method;

use crate::differences::Difference;
use crate::json::Json;
use crate::player::Player;
use crate::recording::{Answer, Body, Exchange};

/// How long our host may take to send a picture.
const SEND_DEADLINE: Duration = Duration::from_secs(60);
/// The first bytes of a PNG.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

impl Player {
    /// The peer sent a picture: our host answers as the recorded server did.
    pub fn check_picture(&mut self, recorded: &Answer, ours: &Answered) {
        let body = Json::parse(&ours.body).unwrap_or(Json::Null);
        let theirs = recorded.body.json();
        self.expect("the status", ours.status, recorded.status);
        for key in ["id", "status"] {
            self.expect(key, body.get(key).text(), theirs.get(key).text());
        }
    }

    /// The peer's user has a picture at our host, which is another one than people without a picture have.
    pub async fn check_shown_picture(&mut self, exchange: &Exchange) -> Result<()> {
        let path = format!("/users/{}/image", self.live(owner(exchange)?));
        let admin = self.host.side.admin.clone();
        let read = async |path: &str| {
            let answer = admin.call_bytes(Method::GET, path, Vec::new(), &[]).await?;
            anyhow::Ok(answer.bytes)
        };
        let shown = read(&path).await?;
        let generated = read(&format!("{path}/default")).await?;
        self.expect("the picture is a PNG", shown.starts_with(PNG), true);
        self.expect("it is the user's own", shown == generated, false);
        Ok(())
    }

    /// Gives a user of our host the recorded picture, and waits until it is sent, if the peer holds the profile and
    /// does not hold the picture.
    pub async fn host_sets_picture(&mut self, exchange: &Exchange) -> Result<()> {
        let owner = owner(exchange)?.to_string();
        if !self.world.people.contains_key(&owner) || self.removed.contains(exchange.remote_id()) {
            return Ok(());
        }
        if self.is_bot_of_ours(&owner) {
            self.differs(Difference::NoBots);
            return Ok(());
        }
        let session = self.session(&owner).await?;
        let Body::Bytes(form) = &exchange.body else {
            anyhow::bail!("a picture without bytes");
        };
        let live = self.live(&owner);
        let (seen, picture) = (self.pictures_sent(&live).len(), content(form));
        let kind = exchange.header("content-type").to_string();
        let path = format!("/users/{live}/image");
        let headers = [("content-type", kind.as_str())];
        let set = session.call_bytes(Method::POST, &path, form.clone(), &headers);
        self.expect("a picture is set", set.await?.status, 200);
        let is_another = self.pictures.insert(owner, picture.clone()) != Some(picture);
        if !self.sent_profiles.iter().any(|(user, _)| *user == live) {
            self.differs(Difference::ProfilesWhenNeeded);
            return Ok(());
        }
        if !is_another {
            self.differs(Difference::PicturesOnce);
            return Ok(());
        }
        let begun = Instant::now();
        while self.pictures_sent(&live).len() == seen && begun.elapsed() < SEND_DEADLINE {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let sent = self.pictures_sent(&live);
        let Some(last) = sent.get(seen..).and_then(<[Asked]>::last) else {
            self.mismatch(format!("the picture of {live} was not sent"));
            return Ok(());
        };
        let body = String::from_utf8_lossy(&last.body).into_owned();
        let part = "form-data; name=\"image\"; filename=\"profile.png\"";
        self.expect("the part of the form", body.contains(part), true);
        let is_png = content(&last.body).starts_with(PNG);
        self.expect("a picture is sent as PNG", is_png, true);
        Ok(())
    }

    /// The requests with a picture of a user.
    fn pictures_sent(&self, user: &str) -> Vec<Asked> {
        let path = format!("/{user}/image");
        let mut asked = self.peer.asked(0);
        asked.retain(|one| one.path.ends_with(&path));
        asked
    }
}

/// Whose picture a request brings, as recorded.
fn owner(exchange: &Exchange) -> Result<&str> {
    let parts = exchange.path.rsplit('/').nth(1);
    parts.context("the path of a picture names its user")
}

/// The bytes of a form's only part.
fn content(form: &[u8]) -> Vec<u8> {
    let find = |what: &[u8]| form.windows(what.len()).position(|it| it == what);
    let begins = find(b"\r\n\r\n").map_or(0, |at| at + 4);
    let rest = &form[begins..];
    let ends = rest.windows(4).rposition(|it| it == b"\r\n--");
    // The last boundary ends with two dashes, too.
    let rest = &rest[..ends.unwrap_or(rest.len())];
    rest.to_vec()
}
