//! Two workspaces and the people in them: the starting point of the demo, the journeys and the benches.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};

use crate::client::Client;

/// Password of every account of a scene; the scenes run on loopback only.
pub const PASSWORD: &str = "Sail-the-causeway-1";

/// How long a change on one side may take to show on the other.
pub const SYNC_DEADLINE: Duration = Duration::from_secs(60);

/// A workspace with its administrator's session and one team.
#[derive(Clone)]
pub struct Side {
    /// Name of the workspace.
    pub name: String,
    /// The administrator.
    pub admin: Client,
    /// Id of the team.
    pub team_id: String,
    /// Id of the team's channel `town-square`.
    pub town_square: String,
}

impl Side {
    /// Creates a workspace's first administrator and a team, or finds them from an earlier run.
    pub async fn prepare(name: &str, site_url: &str, team: &str) -> Result<Side> {
        let anonymous = Client::new(site_url);
        let admin = match anonymous.login("admin", PASSWORD).await {
            Ok(admin) => admin,
            Err(_) => {
                create_user(&anonymous, "admin").await?;
                anonymous.login("admin", PASSWORD).await?
            }
        };
        let team_id = match admin.get(&format!("/teams/name/{team}")).await {
            Ok(found) => id(&found)?,
            Err(_) => {
                let body = json!({ "name": team, "display_name": team, "type": "O" });
                id(&admin.post("/teams", body).await?)?
            }
        };
        let path = format!("/teams/{team_id}/channels/name/town-square");
        let town_square = id(&admin.get(&path).await?)?;
        Ok(Side {
            name: name.to_string(),
            admin,
            team_id,
            town_square,
        })
    }

    /// A user of the team, created if necessary, with a session.
    pub async fn user(&self, username: &str) -> Result<Client> {
        let anonymous = Client::new(self.admin.site_url());
        if let Ok(user) = anonymous.login(username, PASSWORD).await {
            return Ok(user);
        }
        let made = create_user(&self.admin, username).await?;
        let body = json!({ "team_id": self.team_id, "user_id": id(&made)? });
        self.admin
            .post(&format!("/teams/{}/members", self.team_id), body)
            .await?;
        anonymous.login(username, PASSWORD).await
    }

    /// A public channel of the team with these users in it, created if necessary.
    pub async fn channel(&self, name: &str, members: &[&Client]) -> Result<String> {
        let path = format!("/teams/{}/channels/name/{name}", self.team_id);
        let channel_id = match self.admin.get(&path).await {
            Ok(found) => id(&found)?,
            Err(_) => {
                let body = json!({
                    "team_id": self.team_id, "name": name, "display_name": name, "type": "O",
                });
                id(&self.admin.post("/channels", body).await?)?
            }
        };
        self.join(&channel_id, members).await?;
        Ok(channel_id)
    }

    /// Adds users to a channel.
    pub async fn join(&self, channel_id: &str, members: &[&Client]) -> Result<()> {
        for member in members {
            let me = member.get("/users/me").await?;
            let body = json!({ "user_id": id(&me)? });
            self.admin
                .post(&format!("/channels/{channel_id}/members"), body)
                .await?;
        }
        Ok(())
    }

    /// The record of the live connection with this name.
    pub async fn connection(&self, name: &str) -> Result<Option<Value>> {
        let list = self.admin.get("/remotecluster").await?;
        Ok(find(&list, |record| record["name"] == name).cloned())
    }

    /// The id of the live connection with this name.
    pub async fn remote_id(&self, name: &str) -> Result<String> {
        let found = self.connection(name).await?.context("no connection")?;
        let id = found["remote_id"].as_str().context("a connection's id")?;
        Ok(id.to_string())
    }
}

async fn create_user(client: &Client, username: &str) -> Result<Value> {
    let body = json!({
        "username": username, "email": format!("{username}@workspace.test"), "password": PASSWORD,
    });
    client
        .post("/users", body)
        .await
        .with_context(|| format!("making the account {username}"))
}

/// Connects two workspaces with the slash commands that an administrator would type, and returns the
/// connection's id.
pub async fn connect(inviter: &Side, acceptor: &Side) -> Result<String> {
    let code = invitation(inviter, &acceptor.name).await?;
    let answer = accept(acceptor, &inviter.name, &code).await?;
    let record = inviter
        .connection(&acceptor.name)
        .await?
        .ok_or_else(|| anyhow!("the connection is not listed; the acceptor said: {answer}"))?;
    let remote_id = record["remote_id"].as_str().unwrap_or_default().to_string();
    for side in [inviter, acceptor] {
        wait_for(&format!("{} to be connected", side.name), async || {
            let record = side
                .admin
                .get(&format!("/remotecluster/{remote_id}"))
                .await?;
            Ok(record["last_ping_at"].as_i64().unwrap_or(0) > 0)
        })
        .await
        .with_context(|| format!("the acceptor said: {answer}"))?;
    }
    Ok(remote_id)
}

/// Creates a connection with this name on the inviting side, and returns its invitation code.
pub async fn invitation(inviter: &Side, name: &str) -> Result<String> {
    let command = format!("/secure-connection create --name {name} --password {PASSWORD}");
    let text = inviter
        .admin
        .command(&inviter.town_square, &command)
        .await?;
    let code = code_block(&text).ok_or_else(|| anyhow!("no invitation code in: {text}"))?;
    Ok(code.to_string())
}

/// Accepts an invitation code under this name, and returns the output of the command.
pub async fn accept(acceptor: &Side, name: &str, code: &str) -> Result<String> {
    let command =
        format!("/secure-connection accept --name {name} --password {PASSWORD} --invite {code}");
    acceptor
        .admin
        .command(&acceptor.town_square, &command)
        .await
}

/// Shares a channel over a connection and waits until the other side has accepted it. That the other side has
/// the channel is not enough: it may be there since an earlier sharing, and what is written before it is shared
/// again is not sent.
pub async fn share(from: &Side, to: &Side, channel_id: &str, remote_id: &str) -> Result<()> {
    let command = format!("/share-channel invite --connectionID {remote_id}");
    let answer = from.admin.command(channel_id, &command).await?;
    let links = format!("/remotecluster/{remote_id}/sharedchannelremotes");
    wait_for("the channel to be shared", async || {
        let links = from.admin.get(&links).await?;
        let is_shared =
            |link: &Value| link["channel_id"] == channel_id && link["is_invite_confirmed"] == true;
        let there = to.admin.get(&format!("/channels/{channel_id}")).await?;
        Ok(find(&links, is_shared).is_some() && there["shared"] == true)
    })
    .await
    .with_context(|| format!("the inviting side said: {answer}"))
}

/// Writes a post.
pub async fn post(user: &Client, channel_id: &str, root_id: &str, text: &str) -> Result<String> {
    let body = json!({ "channel_id": channel_id, "root_id": root_id, "message": text });
    id(&user.post("/posts", body).await?)
}

/// Changes the text of a post.
pub async fn edit(user: &Client, post: &str, text: &str) -> Result<()> {
    let path = format!("/posts/{post}/patch");
    user.put(&path, json!({ "message": text })).await?;
    Ok(())
}

/// Reacts to a post.
pub async fn react(user: &Client, post: &str, emoji: &str) -> Result<()> {
    let body = json!({ "user_id": id_of(user).await?, "post_id": post, "emoji_name": emoji });
    user.post("/reactions", body).await?;
    Ok(())
}

/// The id of the user who has a session.
pub async fn id_of(user: &Client) -> Result<String> {
    id(&user.get("/users/me").await?)
}

/// Waits until a reader sees a post.
pub async fn arrives(reader: &Client, post: &str) -> Result<()> {
    wait_for("a post to arrive", async || {
        Ok(reader.get(&format!("/posts/{post}")).await.is_ok())
    })
    .await
}

/// Waits until a reader sees a text in a channel.
pub async fn text_arrives(reader: &Client, channel_id: &str, text: &str) -> Result<()> {
    wait_for(&format!("the post `{text}`"), async || {
        let shown = visible(reader, channel_id).await?;
        Ok(shown.iter().any(|post| post.message == text))
    })
    .await
}

/// Waits until `ready` returns true; errors of `ready` mean "not yet".
pub async fn wait_for(what: &str, mut ready: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    let begun = Instant::now();
    let mut last_error = None;
    while begun.elapsed() < SYNC_DEADLINE {
        match ready().await {
            Ok(true) => return Ok(()),
            Ok(false) => last_error = None,
            Err(error) => last_error = Some(error),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    match last_error {
        Some(error) => Err(error.context(format!("waiting for {what}"))),
        None => bail!("waited {SYNC_DEADLINE:?} for {what}"),
    }
}

/// What a side shows of a channel: its live ordinary posts in the order of creation, each with author,
/// text, whether it was edited or is a reply, its reactions, acknowledgements and priority. The author is
/// given as named at home, so that both sides can be compared.
pub async fn visible(client: &Client, channel_id: &str) -> Result<Vec<Shown>> {
    let mut shown = Vec::new();
    for page in 0.. {
        let path = format!("/channels/{channel_id}/posts?page={page}&per_page=200");
        let list = client.get(&path).await?;
        let order = list["order"].as_array().cloned().unwrap_or_default();
        if order.is_empty() {
            break;
        }
        for post_id in order {
            let post = &list["posts"][post_id.as_str().unwrap_or_default()];
            if post["type"] == "" && post["delete_at"] == 0 {
                shown.push(Shown::of(post));
            }
        }
    }
    shown.sort_by(|a, b| (a.create_at, &a.id).cmp(&(b.create_at, &b.id)));
    Ok(shown)
}

/// A post as a side shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Id.
    pub id: String,
    /// Creation time in ms.
    pub create_at: i64,
    /// Id of the author.
    pub user_id: String,
    /// Text.
    pub message: String,
    /// Whether it was edited.
    pub edited: bool,
    /// Id of the thread's root, or empty.
    pub root_id: String,
    /// (user id, emoji), sorted.
    pub reactions: Vec<(String, String)>,
    /// (user id, time in ms), sorted.
    pub acknowledgements: Vec<(String, i64)>,
    /// Its priority, or null.
    pub priority: Value,
}

impl Shown {
    fn of(post: &Value) -> Shown {
        let text = |key: &str| post[key].as_str().unwrap_or_default().to_string();
        let mut reactions: Vec<(String, String)> = post["metadata"]["reactions"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|reaction| {
                let part = |key: &str| reaction[key].as_str().unwrap_or_default().to_string();
                (part("user_id"), part("emoji_name"))
            })
            .collect();
        reactions.sort();
        let acknowledged = post["metadata"]["acknowledgements"].as_array();
        let acknowledged = acknowledged.into_iter().flatten().map(|one| {
            let user = one["user_id"].as_str().unwrap_or_default().to_string();
            (user, one["acknowledged_at"].as_i64().unwrap_or_default())
        });
        let mut acknowledgements: Vec<(String, i64)> = acknowledged.collect();
        acknowledgements.sort();
        Shown {
            id: text("id"),
            create_at: post["create_at"].as_i64().unwrap_or_default(),
            user_id: text("user_id"),
            message: text("message"),
            edited: post["edit_at"].as_i64().unwrap_or_default() > 0,
            root_id: text("root_id"),
            reactions,
            acknowledgements,
            priority: post["metadata"]["priority"].clone(),
        }
    }
}

/// Waits until both sides show the same posts of a channel, and returns them.
pub async fn converged(a: &Client, b: &Client, channel_id: &str) -> Result<Vec<Shown>> {
    let mut last = (Vec::new(), Vec::new());
    let result = wait_for("both sides to show the same", async || {
        last = (visible(a, channel_id).await?, visible(b, channel_id).await?);
        Ok(!last.0.is_empty() && last.0 == last.1)
    })
    .await;
    result.with_context(|| {
        let only = |here: &[Shown], there: &[Shown]| {
            here.iter()
                .filter(|post| !there.contains(post))
                .take(3)
                .cloned()
                .collect::<Vec<_>>()
        };
        format!(
            "{} against {} posts; only here: {:?}; only there: {:?}",
            last.0.len(),
            last.1.len(),
            only(&last.0, &last.1),
            only(&last.1, &last.0)
        )
    })?;
    Ok(last.0)
}

fn id(object: &Value) -> Result<String> {
    let found = object["id"]
        .as_str()
        .ok_or_else(|| anyhow!("no id in {object}"))?;
    Ok(found.to_string())
}

fn find(list: &Value, matches: impl Fn(&Value) -> bool) -> Option<&Value> {
    list.as_array()?.iter().find(|item| matches(item))
}

/// The contents of the first code block in a text.
fn code_block(text: &str) -> Option<&str> {
    let (_, after) = text.split_once("```")?;
    let (inside, _) = after.split_once("```")?;
    Some(inside.trim())
}
