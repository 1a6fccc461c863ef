//! The conversation, and checks that it arrives.

use anyhow::{Result, ensure};
use causeway_tests::client::Client;
use causeway_tests::scene::{edit, post, react, visible, wait_for};
use hyper::Method;
use serde_json::{Value, json};

use crate::filter::Filter;
use crate::say;
use crate::town::Town;

/// Number of posts of each side written while the filter is swapped.
const CRATES: usize = 4;

/// Bytes of the file that is sent.
const PLAN_BYTES: u32 = 300_000;

/// How the first post of every run begins.
const OPENING: &str = "Voyage";

/// The people, in the shared channel.
pub struct Conversation<'t> {
    town: &'t Town,
    channel: &'t str,
    /// Number of this run.
    voyage: usize,
}

impl<'t> Conversation<'t> {
    /// Finds how many conversations took place before.
    pub async fn open(town: &'t Town, channel: &'t str) -> Result<Conversation<'t>> {
        let before = visible(&town.acme.local, channel).await?;
        let voyages = before
            .iter()
            .filter(|post| post.message.starts_with(OPENING));
        Ok(Conversation {
            town,
            channel,
            voyage: 1 + voyages.count(),
        })
    }

    /// The whole conversation, with the filter swapped in the middle.
    pub async fn hold(&self, filter: &Filter) -> Result<()> {
        self.thread().await?;
        self.plan().await?;
        self.deletions().await?;
        let denied = self.denied().await?;
        self.crates_while(filter.swap()).await?;
        self.arrives(&self.town.globex.ben, &denied, |_| true)
            .await?;
        say("the policy is asked again about the post that it held back, and it arrives");
        Ok(())
    }

    /// A question, replies from the other side, an edit, reactions in both directions.
    async fn thread(&self) -> Result<()> {
        let (acme, globex) = (&self.town.acme, &self.town.globex);
        let (ann, carla) = (&acme.local, &globex.local);
        let opening = format!(
            "{OPENING} {}: the cargo is on the quay. When do you sail?",
            self.voyage
        );
        let question = post(ann, self.channel, "", &opening).await?;
        self.arrives(carla, &question, |_| true).await?;
        let answer = post(carla, self.channel, &question, "At nooon.").await?;
        let pier = post(&globex.ben, self.channel, &question, "From pier 7.").await?;
        self.arrives(ann, &answer, |_| true).await?;
        self.arrives(&acme.ben, &pier, |_| true).await?;
        edit(carla, &answer, "At noon.").await?;
        react(&acme.ben, &pier, "thumbsup").await?;
        react(carla, &question, "sailboat").await?;
        self.arrives(ann, &answer, |post| post["message"] == "At noon.")
            .await?;
        self.arrives(&globex.ben, &pier, |post| reactions(post) == 1)
            .await?;
        self.arrives(ann, &question, |post| reactions(post) == 1)
            .await?;
        say("ann asks, carla and her ben answer in the thread, carla edits her answer, two react");
        Ok(())
    }

    /// An important post with a file, which the other side reads and acknowledges.
    async fn plan(&self) -> Result<()> {
        let (ann, carla) = (&self.town.acme.local, &self.town.globex.local);
        let plan = (0..PLAN_BYTES).map(|at| at.to_le_bytes()[0]);
        let plan: Vec<u8> = plan.collect();
        let path = format!("/files?channel_id={}&filename=plan.bin", self.channel);
        let made = ann
            .call_bytes(Method::POST, &path, plan.clone(), &[])
            .await?
            .ok()?;
        let file = made["file_infos"][0]["id"]
            .as_str()
            .unwrap_or_default()
            .to_string();
        let body = json!({
            "channel_id": self.channel, "message": "The plan of the hold.", "file_ids": [file],
            "metadata": {"priority": {"priority": "important", "requested_ack": true}},
        });
        let post = ann.post("/posts", body).await?;
        let post = post["id"].as_str().unwrap_or_default().to_string();
        self.arrives(carla, &post, |post| post["file_ids"][0] == file.as_str())
            .await?;
        let there = carla
            .call_bytes(Method::GET, &format!("/files/{file}"), Vec::new(), &[])
            .await?;
        ensure!(there.bytes == plan, "the file arrived with other bytes");
        let me = carla.get("/users/me").await?;
        let id = me["id"].as_str().unwrap_or_default();
        carla
            .post(&format!("/users/{id}/posts/{post}/ack"), json!({}))
            .await?;
        self.arrives(ann, &post, |post| {
            let list = post["metadata"]["acknowledgements"].as_array();
            list.is_some_and(|list| !list.is_empty())
        })
        .await?;
        say("ann sends the plan of the hold, carla reads the file and acknowledges it");
        Ok(())
    }

    /// A post deleted on each side after the other one saw it.
    async fn deletions(&self) -> Result<()> {
        let (acme, globex) = (&self.town.acme, &self.town.globex);
        for (writer, reader) in [(&acme.ben, &globex.ben), (&globex.ben, &acme.ben)] {
            let slip = post(
                writer,
                self.channel,
                "",
                "This belongs into another channel.",
            )
            .await?;
            self.arrives(reader, &slip, |_| true).await?;
            writer.delete(&format!("/posts/{slip}")).await?;
            wait_for("a deleted post to go", async || {
                let shown = visible(reader, self.channel).await?;
                Ok(shown.iter().all(|post| post.id != slip))
            })
            .await?;
        }
        say("each ben deletes a post, and it disappears on the other side, too");
        Ok(())
    }

    /// A post that the filter denies; returns its id.
    async fn denied(&self) -> Result<String> {
        let (acme, globex) = (&self.town.acme, &self.town.globex);
        let text = "Project Falcon travels with it.";
        let denied = post(&acme.local, self.channel, "", text).await?;
        wait_for("the filter to hold a post back", async || {
            let list = acme.side.admin.get("/causeway/exceptions").await?;
            let found = list.as_array().into_iter().flatten();
            Ok(found
                .into_iter()
                .any(|row| row["post_id"] == denied.as_str() && row["state"] == "denied"))
        })
        .await?;
        // This later post passes the filter.
        let later = post(&acme.ben, self.channel, "", "And twelve barrels of salt.").await?;
        self.arrives(&globex.ben, &later, |_| true).await?;
        let shown = visible(&globex.ben, self.channel).await?;
        ensure!(
            shown.iter().all(|post| post.id != denied),
            "the filter let a post with a denied word through"
        );
        say("ann writes of project falcon: globex does not get it, and gets what follows");
        Ok(denied)
    }

    /// Both sides write during another action; all posts arrive.
    async fn crates_while(&self, done: impl Future<Output = Result<()>>) -> Result<()> {
        let (acme, globex) = (&self.town.acme, &self.town.globex);
        let write = async |writer: &Client, side: &str| -> Result<Vec<String>> {
            let mut written = Vec::new();
            for number in 1..=CRATES {
                let text = format!("{side} crate {number} of {CRATES} is aboard.");
                written.push(post(writer, self.channel, "", &text).await?);
            }
            Ok(written)
        };
        let (ours, theirs, done) = tokio::join!(
            write(&acme.ben, "acme"),
            write(&globex.local, "globex"),
            done
        );
        done?;
        for (written, reader) in [(ours?, &globex.ben), (theirs?, &acme.ben)] {
            for post in &written {
                self.arrives(reader, post, |_| true).await?;
            }
        }
        say(&format!(
            "{} posts were written meanwhile, and none is lost",
            2 * CRATES
        ));
        Ok(())
    }

    /// Waits until a reader sees a post as expected.
    async fn arrives(
        &self,
        reader: &Client,
        post: &str,
        is_right: impl Fn(&Value) -> bool,
    ) -> Result<()> {
        wait_for("a post to arrive", async || {
            Ok(is_right(&reader.get(&format!("/posts/{post}")).await?))
        })
        .await
    }
}

fn reactions(post: &Value) -> usize {
    let list = post["metadata"]["reactions"].as_array();
    list.map_or(0, Vec::len)
}
