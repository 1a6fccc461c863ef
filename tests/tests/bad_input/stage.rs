//! A workspace with one peer, whose messages a test writes by hand.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use causeway::federation::FederationSettings;
use causeway::federation::invitation::{self, CodeKdf};
use causeway::vault::Secret;
use causeway_kernel::wire::frame::Invite;
use causeway_tests::client::{Answer, Client};
use causeway_tests::handmade::{self, Handmade};
pub use causeway_tests::handmade::{
    ID, START, TOKEN, TOKEN_HEADER, call_bytes, confirmation, frame, profile, take,
};
use causeway_tests::hosted::Hosted;
use causeway_tests::peer::{Answered, Asked, Told};
use causeway_tests::scene::{self, PASSWORD};
use hyper::Method;
use serde_json::{Value, json};

/// A user of the peer.
pub const ANN: &str = "annannannannannannannann11";
/// A post of the peer, by Ann.
pub const POST: &str = "postpostpostpostpostpost11";
/// A workspace, its peer, and what they share.
pub struct Stage {
    pub host: Hosted,
    pub handmade: Handmade,
    /// A channel that is shared with the peer.
    pub shared: String,
    /// A channel that is not shared.
    pub private: String,
    /// A user of the workspace, member of both channels.
    pub bob: Client,
    pub bob_id: String,
    /// A post of that user in the shared channel.
    pub bobs_post: String,
}

impl Stage {
    /// A workspace whose administrator has created an invitation, and the token in it.
    pub async fn invited() -> Result<(Hosted, String, String)> {
        let host = Hosted::start("boss", |settings| {
            settings.federation = FederationSettings {
                // A ping would change records that are compared.
                ping_period_ms: 3_600_000,
                ..settings.federation.clone()
            };
        })
        .await?;
        let (remote_id, token) = handmade::invite(&host.side, "acme").await?;
        Ok((host, remote_id, token))
    }

    /// A workspace that shares a channel with a peer that has one user and one post.
    pub async fn new() -> Result<Stage> {
        Stage::with_peer(take).await
    }

    /// As [`Stage::new`], with a peer that answers as `decide` says.
    pub async fn with_peer(
        decide: impl Fn(&Asked) -> Told + Send + Sync + 'static,
    ) -> Result<Stage> {
        let (host, remote_id, token) = Stage::invited().await?;
        let handmade = Handmade::accept(&host.side, (remote_id, token), decide).await?;
        let bob = host.user("bob").await?;
        let bob_id = text(&bob.get("/users/me").await?, "id");
        let shared = host.side.channel("shared", &[&bob]).await?;
        let private = host.side.channel("private", &[&bob]).await?;
        handmade.share(&host.side, &shared).await?;
        let bobs_post = scene::post(&bob, &shared, "", "Written by Bob").await?;
        let stage = Stage {
            host,
            handmade,
            shared,
            private,
            bob,
            bob_id,
            bobs_post,
        };
        let ann = json!({ "users": { ANN: profile(ANN, "ann") } });
        stage.taken(ann).await?;
        stage.taken(json!({ "posts": [stage.post(POST)] })).await?;
        Ok(stage)
    }

    /// A post of Ann in the shared channel.
    pub fn post(&self, id: &str) -> Value {
        json!({
            "id": id, "create_at": START, "update_at": START, "edit_at": 0, "delete_at": 0,
            "is_pinned": false, "user_id": ANN, "channel_id": self.shared, "root_id": "",
            "original_id": "", "message": "Written by Ann", "type": "", "props": {},
            "hashtags": "", "pending_post_id": "", "metadata": {},
        })
    }

    /// Sends a request to the endpoints for peers, with the peer's credentials.
    pub async fn call(&self, path: &str, body: &Value) -> Result<Answered> {
        self.handmade.call(path, body).await
    }

    /// Sends a message on a topic and returns the envelope of the answer.
    pub async fn say(&self, topic: &str, payload: Value) -> Result<Value> {
        self.handmade.say(topic, payload).await
    }

    /// Sends a sync message about the shared channel.
    pub async fn sync(&self, payload: Value) -> Result<Value> {
        self.handmade.sync(&self.shared, payload).await
    }

    /// As [`Stage::sync`]; an error if any part of it is refused.
    pub async fn taken(&self, payload: Value) -> Result<Value> {
        let envelope = self.sync(payload).await?;
        let errors = envelope["payload"]["post_errors"].as_array();
        if envelope["status"] != "OK" || errors.is_none_or(|errors| !errors.is_empty()) {
            bail!("not taken: {envelope}");
        }
        Ok(envelope)
    }

    /// `GET` as the administrator.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        self.host.side.admin.call(Method::GET, path, None).await
    }

    /// Everything that bad input must not change.
    pub async fn shown(&self) -> Result<BTreeMap<String, Value>> {
        let team = &self.host.side.team_id;
        let mut shown = BTreeMap::new();
        for path in [
            format!("/channels/{}/posts", self.shared),
            format!("/channels/{}/posts", self.private),
            format!("/channels/{}/members", self.shared),
            format!("/channels/{}", self.shared),
            format!("/teams/{team}/channels?per_page=200"),
            format!("/posts/{}/reactions", self.bobs_post),
            format!("/posts/{POST}/reactions"),
            "/users?per_page=200".to_string(),
            "/remotecluster?include_deleted=true".to_string(),
        ] {
            let body = self.get(&path).await?.body;
            shown.insert(path, body);
        }
        Ok(shown)
    }

    /// Number of items that were refused for this reason.
    pub async fn counted(&self, reason: &str) -> Result<u64> {
        self.host.refused_items(reason).await
    }
}

/// Number of requests of peers that were refused with an error id.
pub async fn refused(host: &Hosted, id: &str) -> Result<u64> {
    let name = format!("causeway_federation_requests_refused_total{{id=\"{id}\"}}");
    host.metric(&name).await
}

/// Sends a JSON body to an endpoint for peers.
pub async fn call(
    host: &Hosted,
    path: &str,
    remote_id: &str,
    token: &str,
    body: &Value,
) -> Result<Answered> {
    let body = body.to_string().into_bytes();
    call_bytes(
        host.url(),
        path,
        &[(ID, remote_id), (TOKEN_HEADER, token)],
        body,
    )
    .await
}

/// Creates a code like a server of the 11 line.
pub async fn seal(host: &Hosted, remote_id: &str, site_url: &str) -> Result<String> {
    let invite = Invite {
        remote_id: remote_id.to_string(),
        remote_team_id: String::new(),
        site_url: site_url.to_string(),
        token: TOKEN.to_string(),
        refreshed_token: String::new(),
        version: 3,
    };
    let derivations = host.running().app.vault.derivations();
    let password = Secret::new(PASSWORD);
    let code = invitation::seal(derivations, &invite, &password, CodeKdf::Pbkdf2).await?;
    Ok(code.expose().to_string())
}

/// A post with some of its members changed.
pub fn with(mut item: Value, change: Value) -> Value {
    for (key, value) in change.as_object().into_iter().flatten() {
        item[key] = value.clone();
    }
    item
}

/// The id in an error object.
pub fn error_id(answer: &Answered) -> String {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    text(&body, "id")
}

/// A text member.
pub fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_string()
}
