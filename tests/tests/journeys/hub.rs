//! Three workspaces around one home: what happens in one spoke reaches the other one through the hub, once, and a
//! spoke that was removed gets nothing more.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use causeway_tests::client::{Client, Events, HEARD_WITHIN};
use causeway_tests::command::{causeway, connection};
use causeway_tests::scene::{self, arrives, edit, id_of, post, react, visible, wait_for};
use hyper::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::form::text;
use crate::membership::members;
use crate::pair::End;
use crate::shared_files::{expect_bytes, shown, write};

const MEMBER_SYNC: &str = "[FeatureFlags]\nEnableSharedChannelsMemberSync = true\n";

/// How often each thing happened or was sent, by a text that names it.
type Counts = BTreeMap<String, usize>;

/// Acme, the home of a channel, and two workspaces that have it from there and do not know each other.
struct Hub {
    acme: End,
    globex: End,
    initech: End,
    channel: String,
    /// Ids of acme's connections.
    to_globex: String,
    to_initech: String,
    _data: TempDir,
}

impl Hub {
    async fn open() -> Result<Hub> {
        let data = tempfile::tempdir()?;
        let acme = End::open(&data, "acme", "ann", MEMBER_SYNC).await?;
        let globex = End::open(&data, "globex", "carla", MEMBER_SYNC).await?;
        let initech = End::open(&data, "initech", "ingo", MEMBER_SYNC).await?;
        let channel = acme.side.channel("harbour", &[&acme.user]).await?;
        let mut connections = Vec::new();
        for spoke in [&globex, &initech] {
            let id = scene::connect(&acme.side, &spoke.side).await?;
            scene::share(&acme.side, &spoke.side, &channel, &id).await?;
            spoke.side.join(&channel, &[&spoke.user]).await?;
            connections.push(id);
        }
        let hub = Hub {
            to_initech: connections.pop().context("initech's")?,
            to_globex: connections.pop().context("globex's")?,
            acme,
            globex,
            initech,
            channel,
            _data: data,
        };
        hub.same_members(6).await?;
        Ok(hub)
    }

    fn ends(&self) -> [&End; 3] {
        [&self.acme, &self.globex, &self.initech]
    }

    /// What all three show once they agree.
    async fn converged(&self) -> Result<Vec<scene::Shown>> {
        let (ann, ingo) = (&self.acme.user, &self.initech.user);
        scene::converged(ann, &self.globex.user, &self.channel).await?;
        scene::converged(ann, ingo, &self.channel).await
    }

    /// Waits until all three show the same members, this many.
    async fn same_members(&self, number: usize) -> Result<()> {
        let mut found = Vec::new();
        let agreed = wait_for("the same members in all three", async || {
            found.clear();
            for end in self.ends() {
                found.push(members(&end.side, &self.channel).await?);
            }
            Ok(found.iter().all(|it| *it == found[0] && it.len() == number))
        });
        agreed.await.with_context(|| format!("{found:?}"))
    }

    /// What acme has sent over a connection since an entry of its journal: the payloads, as recorded.
    async fn sent(&self, remote_id: &str, since: u64) -> Result<Vec<Value>> {
        let data = self.acme.workspace.data.to_string_lossy();
        let shown = causeway(&["session", "show", &data, "--json"]).await?;
        ensure!(shown.status.success(), "{shown:?}");
        let mut sent = Vec::new();
        for line in String::from_utf8(shown.stdout)?.lines() {
            let step: Value = serde_json::from_str(line)?;
            let effects = step["output"]["effects"].as_array();
            let frames = effects.into_iter().flatten().map(|it| &it["Send"]["frame"]);
            let frames = frames.filter(|frame| frame["remote_id"] == remote_id);
            if step["step"]["seq"].as_u64() > Some(since) {
                sent.extend(frames.map(|frame| frame["msg"]["payload"].clone()));
            }
        }
        Ok(sent)
    }

    /// The number of the last entry in acme's journal.
    async fn last_entry(&self) -> Result<u64> {
        let journal = self.acme.side.admin.get("/causeway/journal").await?;
        journal["last_seq"].as_u64().context("a number")
    }
}

async fn acknowledge(user: &Client, post: &str) -> Result<()> {
    let path = format!("/users/me/posts/{post}/ack");
    user.post(&path, json!({})).await.map(|_| ())
}

async fn delete(user: &Client, post: &str) -> Result<()> {
    user.delete(&format!("/posts/{post}")).await.map(|_| ())
}

/// What somebody in a spoke has done.
struct Deeds {
    author: String,
    /// A post that was edited, one that was deleted, a reply, and a post with a file.
    edited: String,
    deleted: String,
    reply: String,
    with_file: String,
    /// The post that they answered, reacted to and acknowledged.
    on: String,
    /// Whom they added to the channel.
    newcomer: String,
}

/// A member of one spoke does everything; `theirs` is a post that all have, `far` a member of the other spoke.
async fn do_everything(hub: &Hub, near: &End, far: &Client, theirs: &str) -> Result<Deeds> {
    let (user, channel) = (&near.user, &hub.channel);
    let edited = post(user, channel, "", "the plan").await?;
    let deleted = post(user, channel, "", "a mistake").await?;
    let reply = post(user, channel, theirs, "thanks").await?;
    react(user, theirs, "anchor").await?;
    acknowledge(user, theirs).await?;
    let bytes = near.side.name.as_bytes();
    let with_file = write(user, channel, &[("chart.txt", bytes)]).await?;
    let newcomer = near.side.user(&format!("{}-dora", near.side.name)).await?;
    near.side.join(channel, &[&newcomer]).await?;
    arrives(far, &deleted).await?;
    for reader in [far, &hub.acme.user] {
        let there = shown(reader, &with_file, 1).await?;
        ensure!(there[0]["name"] == "chart.txt", "{there:?}");
        expect_bytes(reader, &there[0], bytes).await?;
    }
    edit(user, &edited, "the better plan").await?;
    delete(user, &deleted).await?;
    Ok(Deeds {
        author: id_of(user).await?,
        edited,
        deleted,
        reply,
        with_file,
        on: theirs.to_string(),
        newcomer: id_of(&newcomer).await?,
    })
}

impl Deeds {
    /// The events of which every member hears one.
    fn events(&self) -> Vec<String> {
        let (author, on) = (&self.author, &self.on);
        vec![
            format!("posted {}", self.edited),
            format!("posted {}", self.deleted),
            format!("posted {}", self.reply),
            format!("posted {}", self.with_file),
            format!("post_edited {}", self.edited),
            format!("post_deleted {}", self.deleted),
            format!("reaction_added {author} {on}"),
            format!("post_acknowledgement_added {author} {on}"),
            format!("user_added {}", self.newcomer),
        ]
    }

    /// What the hub tells the other spoke once, and this one not at all.
    fn items(&self) -> Vec<String> {
        let (author, on) = (&self.author, &self.on);
        vec![
            format!("posts {}", self.reply),
            format!("reactions {author} {on}"),
            format!("acknowledgements {author} {on}"),
            format!("membership_changes {}", self.newcomer),
        ]
    }

    /// What the hub does not tell the spoke in which it was done.
    fn own(&self) -> Vec<String> {
        let posts = [&self.edited, &self.deleted, &self.with_file];
        let posts = posts.map(|post| format!("posts {post}"));
        self.items().into_iter().chain(posts).collect()
    }
}

/// What somebody hears of a channel up to a post: how often each event came.
async fn heard(events: &mut Events, channel: &str, last: &str) -> Result<Counts> {
    let post = |event: &Value| -> Option<Value> {
        serde_json::from_str(event["data"]["post"].as_str()?).ok()
    };
    let is_last = |event: &Value| post(event).is_some_and(|post| post["id"] == last);
    let mut counts = Counts::new();
    for event in events.until("posted", is_last, HEARD_WITHIN).await? {
        if event["broadcast"]["channel_id"] != channel {
            continue;
        }
        let kind = event["event"].as_str().unwrap_or_default();
        let data = &event["data"];
        let object = |name: &str| -> Result<Value> {
            Ok(serde_json::from_str(data[name].as_str().context("JSON")?)?)
        };
        let subject = match kind {
            "posted" | "post_edited" | "post_deleted" => text(&object("post")?["id"])?,
            "reaction_added" | "reaction_removed" => of_post(&object("reaction")?)?,
            "post_acknowledgement_added" | "post_acknowledgement_removed" => {
                of_post(&object("acknowledgement")?)?
            }
            "user_added" | "user_removed" => text(&data["user_id"])?,
            _ => continue,
        };
        *counts.entry(format!("{kind} {subject}")).or_default() += 1;
    }
    Ok(counts)
}

fn of_post(part: &Value) -> Result<String> {
    let (user, post) = (text(&part["user_id"])?, text(&part["post_id"])?);
    Ok(format!("{user} {post}"))
}

/// How often each object is in these payloads.
fn items(payloads: &[Value]) -> Result<Counts> {
    let mut counts = Counts::new();
    let mut add = |kind: &str, subject: String| {
        *counts.entry(format!("{kind} {subject}")).or_default() += 1;
    };
    for payload in payloads {
        let list = |kind: &str| payload[kind].as_array().cloned().unwrap_or_default();
        for item in list("posts") {
            add("posts", text(&item["id"])?);
        }
        for kind in ["reactions", "acknowledgements"] {
            for item in list(kind) {
                add(kind, of_post(&item)?);
            }
        }
        for item in list("membership_changes") {
            add("membership_changes", text(&item["user_id"])?);
        }
    }
    Ok(counts)
}

#[tokio::test]
async fn what_happens_in_one_spoke_reaches_the_other_once_and_does_not_come_back() -> Result<()> {
    let hub = Hub::open().await?;
    let (ann, carla, ingo) = (&hub.acme.user, &hub.globex.user, &hub.initech.user);
    let welcome = post(ann, &hub.channel, "", "welcome aboard").await?;
    hub.converged().await?;
    let mut listeners = Vec::new();
    for end in hub.ends() {
        listeners.push((&end.side.name, end.user.events().await?));
    }
    let since = hub.last_entry().await?;

    let of_carla = do_everything(&hub, &hub.globex, ingo, &welcome).await?;
    let of_ingo = do_everything(&hub, &hub.initech, carla, &of_carla.edited).await?;
    hub.same_members(8).await?;
    // There and back after everything else.
    let there = post(carla, &hub.channel, "", "all aboard?").await?;
    arrives(ingo, &there).await?;
    let last = post(ingo, &hub.channel, "", "aye").await?;

    for (name, events) in &mut listeners {
        let counts = heard(events, &hub.channel, &last).await?;
        for event in of_carla.events().iter().chain(&of_ingo.events()) {
            ensure!(counts.contains_key(event), "{name}: {event} in {counts:?}");
        }
        let twice = counts.iter().find(|(_, number)| **number != 1);
        ensure!(twice.is_none(), "{name}: {twice:?}");
    }
    let posts = hub.converged().await?;
    let found = |id: &str| posts.iter().find(|it| it.id == id);
    for deeds in [&of_carla, &of_ingo] {
        let edited = found(&deeds.edited).context("the plan")?;
        ensure!(edited.message == "the better plan" && edited.edited);
        ensure!(found(&deeds.deleted).is_none(), "{posts:?}");
        let on = found(&deeds.on).context("what they reacted to")?;
        let reactions = [(deeds.author.clone(), "anchor".to_string())];
        ensure!(on.reactions == reactions, "{on:?}");
        let by: Vec<&String> = on.acknowledgements.iter().map(|(user, _)| user).collect();
        ensure!(by == [&deeds.author], "{on:?}");
    }

    let to_globex = items(&hub.sent(&hub.to_globex, since).await?)?;
    let to_initech = items(&hub.sent(&hub.to_initech, since).await?)?;
    for (deeds, back, on) in [
        (&of_carla, &to_globex, &to_initech),
        (&of_ingo, &to_initech, &to_globex),
    ] {
        for item in deeds.own() {
            ensure!(!back.contains_key(&item), "{item} came back: {back:?}");
        }
        for item in deeds.items() {
            ensure!(on.get(&item) == Some(&1), "{item} in {on:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_happens_while_a_spoke_is_cut_off_reaches_it_once_the_line_is_back() -> Result<()> {
    let mut hub = Hub::open().await?;
    let welcome = post(&hub.acme.user, &hub.channel, "", "welcome aboard").await?;
    let draft = post(&hub.initech.user, &hub.channel, "", "a draft").await?;
    hub.converged().await?;
    hub.initech.cable.cut();
    let ann = hub.acme.user.clone();
    let deeds = do_everything(&hub, &hub.globex, &ann, &welcome).await?;
    react(&hub.globex.user, &draft, "eyes").await?;
    edit(&hub.initech.user, &draft, "a fair copy").await?;
    wait_for("the edits at home", async || {
        let plan = ann.get(&format!("/posts/{}", deeds.edited)).await?;
        let is_deleted = ann.get(&format!("/posts/{}", deeds.deleted)).await.is_err();
        Ok(is_deleted && plan["message"] == "the better plan")
    })
    .await?;
    hub.acme.workspace.crash()?;
    hub.acme.workspace.start_again().await?;
    let mut events = hub.initech.user.events().await?;
    hub.initech.cable.mend();
    hub.same_members(7).await?;
    let there = shown(&hub.initech.user, &deeds.with_file, 1).await?;
    expect_bytes(&hub.initech.user, &there[0], b"globex").await?;
    wait_for("the edits on all sides", async || {
        let posts = hub.converged().await?;
        let found = |id: &str| posts.iter().find(|it| it.id == id);
        let (plan, draft) = (found(&deeds.edited), found(&draft));
        let rewritten = plan.is_some_and(|it| it.message == "the better plan")
            && draft.is_some_and(|it| it.message == "a fair copy" && it.reactions.len() == 1);
        Ok(rewritten && found(&deeds.deleted).is_none() && found(&deeds.reply).is_some())
    })
    .await?;

    let last = post(&hub.globex.user, &hub.channel, "", "all aboard").await?;
    let counts = heard(&mut events, &hub.channel, &last).await?;
    ensure!(counts.values().all(|number| *number == 1), "{counts:?}");
    // What was edited or deleted meanwhile came as it was in the end.
    let edit = format!("post_edited {}", deeds.edited);
    for event in deeds.events() {
        let missed = event.ends_with(&deeds.deleted) || event == edit;
        ensure!(
            counts.contains_key(&event) != missed,
            "{event} in {counts:?}"
        );
    }
    Ok(())
}

/// Initech is removed by a command of acme's administrator; everybody else goes on, and it is told nothing.
async fn removed(hub: &Hub, command: &str) -> Result<()> {
    let (ann, carla, ingo) = (&hub.acme.user, &hub.globex.user, &hub.initech.user);
    let welcome = post(ann, &hub.channel, "", "welcome aboard").await?;
    let kept = post(carla, &hub.channel, "", "as it was").await?;
    let doomed = post(carla, &hub.channel, "", "to be deleted").await?;
    let before = hub.converged().await?;
    let at_initech = members(&hub.initech.side, &hub.channel).await?;

    let admin = &hub.acme.side.admin;
    let said = admin.command(&hub.channel, command).await?;
    ensure!(said.contains(&hub.to_initech), "{said}");
    let since = hub.last_entry().await?;
    do_everything(hub, &hub.globex, ann, &welcome).await?;
    edit(carla, &kept, "as it is now").await?;
    delete(carla, &doomed).await?;
    // There and back after everything else.
    let there = post(carla, &hub.channel, "", "all aboard?").await?;
    arrives(ann, &there).await?;
    let last = post(ann, &hub.channel, "", "aye").await?;
    arrives(carla, &last).await?;
    let shown = scene::converged(ann, carla, &hub.channel).await?;
    ensure!(
        shown.iter().any(|it| it.message == "as it is now"),
        "{shown:?}"
    );
    ensure!(shown.iter().all(|it| it.id != doomed), "{shown:?}");

    let on = items(&hub.sent(&hub.to_globex, since).await?)?;
    ensure!(on.contains_key(&format!("posts {last}")), "{on:?}");
    let told = hub.sent(&hub.to_initech, since).await?;
    ensure!(told.is_empty(), "it is still told of: {told:?}");
    ensure!(!hub.sent(&hub.to_initech, 0).await?.is_empty());
    ensure!(visible(ingo, &hub.channel).await? == before);
    ensure!(members(&hub.initech.side, &hub.channel).await? == at_initech);
    Ok(())
}

#[tokio::test]
async fn an_uninvited_spoke_gets_nothing_more_and_what_it_writes_stays_there() -> Result<()> {
    let hub = Hub::open().await?;
    // Otherwise the channel is archived there.
    let to_acme = hub.initech.side.remote_id("acme").await?;
    let keep = ["edit", &*to_acme, "--removed-channels", "keep"];
    connection(&hub.initech.side, &keep, "").await?;
    let command = format!("/share-channel uninvite --connectionID {}", hub.to_initech);
    removed(&hub, &command).await?;
    let links = format!("/remotecluster/{}/sharedchannelremotes", hub.to_initech);
    let links = hub.acme.side.admin.get(&links).await?;
    ensure!(links.as_array().is_some_and(Vec::is_empty), "{links}");

    let ingo = &hub.initech.user;
    let late = post(ingo, &hub.channel, "", "is anybody there?").await?;
    wait_for("the sharing to end there too", async || {
        let path = format!("/channels/{}", hub.channel);
        Ok(ingo.get(&path).await?["shared"] != true)
    })
    .await?;
    let last = post(&hub.globex.user, &hub.channel, "", "nobody is missing").await?;
    arrives(&hub.acme.user, &last).await?;
    for end in [&hub.acme, &hub.globex] {
        let path = format!("/posts/{late}");
        let asked = end.side.admin.call(Method::GET, &path, None).await?;
        ensure!(asked.status == 404, "{}: {}", end.side.name, asked.body);
    }
    Ok(())
}

#[tokio::test]
async fn a_spoke_whose_connection_was_removed_gets_nothing_more() -> Result<()> {
    let hub = Hub::open().await?;
    let command = format!(
        "/secure-connection remove --connectionID {}",
        hub.to_initech
    );
    removed(&hub, &command).await
}
