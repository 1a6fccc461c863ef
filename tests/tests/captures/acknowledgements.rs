//! Acknowledgements of posts: made at our host, and checked when they are received.

use std::collections::BTreeSet;

use anyhow::Result;
use hyper::Method;
use serde_json::json;

use crate::differences::Difference;
use crate::json::Json;
use crate::player::{Player, text};

impl Player {
    /// Performs the action that a sent acknowledgement implies; returns whether there was one.
    pub async fn act_acknowledgement(&mut self, item: &Json) -> Result<bool> {
        let part = |key: &str| item.get(key).text().to_string();
        let key = (part("post_id"), part("user_id"));
        let person = self.world.people.get(&key.1);
        if person.is_none_or(|person| person.home != self.seat) {
            self.differs(Difference::EchoesNotSent);
            return Ok(false);
        }
        if self.acknowledged.contains(&key) {
            self.differs(Difference::AcknowledgementsOnce);
            return Ok(false);
        }
        self.ensure_letter(&key.0).await?;
        self.join(&key.1, item.get("channel_id").text()).await?;
        let (user, post) = (self.live(&key.1), self.live(&key.0));
        let session = self.session(&key.1).await?;
        session
            .post(&format!("/users/{user}/posts/{post}/ack"), json!({}))
            .await?;
        self.acknowledged.insert(key);
        Ok(true)
    }

    /// Notes the state that our host should have after receiving an acknowledgement.
    pub fn note_acknowledgement(&mut self, item: &Json, refused: bool) {
        let part = |key: &str| item.get(key).text().to_string();
        let key = (part("post_id"), part("user_id"));
        let known = self.held.contains_key(&key.0) || self.acted.contains_key(&key.0);
        if self.sessions.contains_key(&key.1) {
            self.differs(Difference::EchoesIgnored);
        } else if known && !refused && item.get("acknowledged_at").integer() == 0 {
            self.acknowledged.remove(&key);
        } else if known && !refused {
            self.acknowledged.insert(key);
        }
    }

    /// Compares the acknowledgements of a post that our host shows.
    pub async fn check_acknowledgements(&mut self, post: &str) -> Result<()> {
        let path = format!("/posts/{}", self.live(post));
        let reader = self.reader_of(post).await?;
        let answer = reader.call(Method::GET, &path, None).await?;
        if answer.status != 200 {
            return Ok(());
        }
        let list = &answer.body["metadata"]["acknowledgements"];
        let shown = list.as_array().into_iter().flatten();
        let shown: BTreeSet<String> = shown.map(|it| text(it, "user_id")).collect();
        let of_it = self.acknowledged.iter().filter(|(of, _)| of == post);
        let expected: BTreeSet<String> = of_it.map(|(_, user)| self.live(user)).collect();
        self.expect("the acknowledgements of a post", shown, expected);
        Ok(())
    }

    /// Acknowledgements that the list in a post's metadata omits are kept all the same.
    pub fn note_list(&mut self, post: &Json) {
        let list = post.get("metadata").get("acknowledgements").list();
        let is_listed = |user: &str| list.iter().any(|it| it.get("user_id").text() == user);
        let id = post.get("id").text();
        let mut of_it = self.acknowledged.iter().filter(|(of, _)| of == id);
        if !list.is_empty() && of_it.any(|(_, user)| !is_listed(user)) {
            self.differs(Difference::ListsOfAcknowledgements);
        }
    }
}
