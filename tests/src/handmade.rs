//! A peer whose messages are written by hand: a server that answers like one of the 11 line, the
//! tokens that it and the workspace present to each other, and its requests.

use anyhow::{Context, Result, bail};
use causeway::federation::client::SITE_URL_HEADER;
use causeway::federation::invitation;
use causeway::vault::{Derivations, Secret};
use serde_json::{Value, json};

use crate::peer::{self, Answered, Asked, Peer, Told};
use crate::scene::{self, PASSWORD, Side, wait_for};

/// The token that the peer presents, and the one that it expects.
pub const TOKEN: &str = "peertokenpeertokenpeerto1a";
const OUR_TOKEN: &str = "ourtokenourtokenourtoken2b";
/// Creation time of the peer's users and posts, by its clock.
pub const START: i64 = 1_790_000_000_000;
/// The headers of a peer's credentials.
pub const ID: &str = "x-remotecluster-id";
/// See [`ID`].
pub const TOKEN_HEADER: &str = "x-remotecluster-token";

/// Answers like a server of the 11 line that accepts everything.
pub fn take(asked: &Asked) -> Told {
    let frame: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
    let payload = &frame["msg"]["payload"];
    let users: Vec<&String> = payload["users"]
        .as_object()
        .map(|users| users.keys().collect())
        .unwrap_or_default();
    let body = match asked.path.rsplit('/').next() {
        Some("ping") => json!({ "sent_at": payload["sent_at"], "recv_at": 1 }),
        Some("confirm_invite") => json!({ "status": "OK" }),
        _ => json!({ "status": "OK", "err": "", "payload": {
            "users_syncd": users, "post_errors": [],
        }}),
    };
    let version = ("x-version-id".to_string(), "11.6.0..x.true".to_string());
    Told::Answer(Answered {
        status: 200,
        headers: vec![version],
        body: body.to_string().into_bytes(),
    })
}

/// A frame.
pub fn frame(remote_id: &str, topic: &str, payload: Value) -> Value {
    json!({ "remote_id": remote_id, "msg": {
        "id": "w4tdjnh8wf8fxyg5n4c8qmaxeh", "topic": topic, "create_at": 1, "payload": payload,
    }})
}

/// The confirmation of an invitation, as a server of the 11 line writes it.
pub fn confirmation(remote_id: &str, site_url: &str) -> Value {
    json!({
        "remote_id": remote_id, "remote_team_id": "", "site_url": site_url,
        "token": OUR_TOKEN, "refreshed_token": TOKEN, "version": 3,
    })
}

/// A profile of the peer.
pub fn profile(id: &str, username: &str) -> Value {
    json!({
        "id": id, "create_at": START, "update_at": START, "delete_at": 0, "username": username,
        "email": "someone@acme.example", "roles": "system_user", "locale": "en",
    })
}

/// Sends bytes to an endpoint for peers.
///
/// # Errors
/// If no answer comes.
pub async fn call_bytes(
    site_url: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Result<Answered> {
    let url = format!("{site_url}/api/v4/remotecluster/{path}");
    let headers: Vec<(String, String)> = headers
        .iter()
        .map(|(name, value)| ((*name).to_string(), (*value).to_string()))
        .collect();
    peer::send("POST", &url, &headers, body).await
}

/// Creates a connection at a workspace; returns its id and the token in the invitation code.
///
/// # Errors
/// If the workspace creates none.
pub async fn invite(side: &Side, name: &str) -> Result<(String, String)> {
    let code = scene::invitation(side, name).await?;
    let opened = invitation::open(&Derivations::new(), &code, &Secret::new(PASSWORD)).await?;
    let token = opened.token.expose().to_string();
    Ok((opened.remote_id.to_string(), token))
}

/// A peer with a confirmed connection to a workspace.
pub struct Handmade {
    /// Its server.
    pub peer: Peer,
    /// The id of the connection.
    pub remote_id: String,
    site_url: String,
}

impl Handmade {
    /// Accepts the invitation of a workspace, as a server that answers as `decide` says.
    ///
    /// # Errors
    /// If the workspace refuses it or never pings.
    pub async fn accept(
        side: &Side,
        (remote_id, token): (String, String),
        decide: impl Fn(&Asked) -> Told + Send + Sync + 'static,
    ) -> Result<Handmade> {
        let handmade = Handmade {
            peer: Peer::start(decide).await?,
            site_url: side.admin.site_url().to_string(),
            remote_id,
        };
        let remote_id = &handmade.remote_id;
        let confirmation = confirmation(remote_id, &handmade.peer.url());
        let frame = frame(remote_id, "invitation", confirmation);
        let headers = [(ID, remote_id.as_str()), (TOKEN_HEADER, token.as_str())];
        let body = frame.to_string().into_bytes();
        let answer = call_bytes(&handmade.site_url, "confirm_invite", &headers, body).await?;
        if answer.status != 200 {
            bail!("the confirmation was answered {}", answer.status);
        }
        let path = format!("/remotecluster/{remote_id}");
        wait_for("the workspace to have pinged", async || {
            let record = side.admin.get(&path).await?;
            Ok(record["last_ping_at"].as_i64().unwrap_or_default() > 0)
        })
        .await?;
        Ok(handmade)
    }

    /// Makes the workspace share a channel with it.
    ///
    /// # Errors
    /// If the workspace does not.
    pub async fn share(&self, side: &Side, channel: &str) -> Result<()> {
        let remote_id = &self.remote_id;
        let command = format!("/share-channel invite --connectionID {remote_id}");
        side.admin.command(channel, &command).await?;
        let path = format!("/remotecluster/{remote_id}/sharedchannelremotes");
        wait_for("the channel to be shared", async || {
            let links = side.admin.get(&path).await?;
            let mut links = links.as_array().into_iter().flatten();
            Ok(links.any(|it| it["channel_id"] == channel && it["is_invite_confirmed"] == true))
        })
        .await
    }

    /// Sends a request with its credentials.
    ///
    /// # Errors
    /// If no answer comes.
    pub async fn call(&self, path: &str, body: &Value) -> Result<Answered> {
        let headers = [(ID, self.remote_id.as_str()), (TOKEN_HEADER, TOKEN)];
        call_bytes(
            &self.site_url,
            path,
            &headers,
            body.to_string().into_bytes(),
        )
        .await
    }

    /// Pings as a Causeway that reports this base address as its own.
    ///
    /// # Errors
    /// When the ping is not answered as one.
    pub async fn ping_from(&self, own_site_url: impl AsRef<str>) -> Result<()> {
        let payload = json!({ "sent_at": START, "recv_at": 0 });
        let body = frame(&self.remote_id, "ping", payload).to_string();
        let own = SITE_URL_HEADER;
        let headers = [
            (ID, self.remote_id.as_str()),
            (TOKEN_HEADER, TOKEN),
            (own.as_str(), own_site_url.as_ref()),
        ];
        let answer = call_bytes(&self.site_url, "ping", &headers, body.into_bytes()).await?;
        if answer.status != 200 {
            bail!("the ping was answered {}", answer.status);
        }
        Ok(())
    }

    /// Sends a message on a topic and returns the envelope of the answer.
    ///
    /// # Errors
    /// If it is rejected as a request.
    pub async fn say(&self, topic: &str, payload: Value) -> Result<Value> {
        let answer = self
            .call("msg", &frame(&self.remote_id, topic, payload))
            .await?;
        if answer.status != 200 {
            bail!("{topic} was answered {}", answer.status);
        }
        serde_json::from_slice(&answer.body).context("an envelope")
    }

    /// Sends a sync message about a channel, unless it names a different one.
    ///
    /// # Errors
    /// As [`Handmade::say`].
    pub async fn sync(&self, channel: &str, mut payload: Value) -> Result<Value> {
        if payload["channel_id"].is_null() {
            payload["channel_id"] = json!(channel);
        }
        payload["id"] = json!("q9m6ndk6nbyt5kxnqr1pxsa5nr");
        self.say("sharedchannel_sync", payload).await
    }
}
