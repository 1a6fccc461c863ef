//! The gate of posts.

use causeway_kernel::boundary::policy::{Denial, Gate, PostQuestion, Revision, TextLeaf, Verdict};
use causeway_kernel::model::limits::QUESTION_TEXTS_BYTES_MAX;
use wasmtime::Store;

use super::bindings::v0_2::exports::causeway::policy::post_gate as v0_2;
use super::bindings::v0_3::causeway::policy::context as wit;
use super::bindings::v0_3::exports::causeway::policy::post_gate::{
    Post, Revision as Revised, TextLeaf as Leaf, Verdict as Answer,
};
use super::context::{author_of, channel_of, context_v0_2, crossing_of};
use super::exports::GateExports;
use super::guest::Guest;
use super::inquiry::{self, Inquiry, Ruling};
use super::link::Link;

/// Maximum bytes of a revised message: four for each of a post's 16,383 characters.
const REVISED_BYTES_MAX: usize = 4 * 16_383;

/// The reason for denying a post whose text cannot be shown to a policy completely.
const NOT_SHOWN_WHOLE: &str =
    "its properties hold more text than a policy can be asked about, or cannot be read";

/// The verdict on a post.
pub(super) fn judge(links: &mut [Link], fuel: &mut u64, post: &PostQuestion<'_>) -> Verdict {
    if !links.iter().any(|link| link.answers(Gate::Post)) {
        return Verdict::Allow;
    }
    let Some(texts) = &post.texts else {
        return Verdict::Deny(Denial::for_reason(NOT_SHOWN_WHOLE));
    };
    let words = Words {
        post,
        message: post.message.to_owned(),
        texts: texts.clone(),
        revision: Revision::default(),
    };
    inquiry::judge(links, fuel, words)
}

/// A post on its way through the chain.
struct Words<'a> {
    post: &'a PostQuestion<'a>,
    /// Its text, as earlier slots left it.
    message: String,
    texts: Vec<TextLeaf>,
    /// What they changed.
    revision: Revision,
}

impl Words<'_> {
    fn revise(&mut self, revised: Revised) -> Result<Ruling, &'static str> {
        if revised.texts.len() > self.texts.len() {
            return Err("it revised more texts than the post has");
        }
        let message = revised.message.as_ref().map_or(0, String::len);
        let texts: usize = revised.texts.iter().map(|leaf| leaf.text.len()).sum();
        if message > REVISED_BYTES_MAX || texts > QUESTION_TEXTS_BYTES_MAX {
            return Err("its revised text is too long");
        }
        let is_known = |leaf: &Leaf| self.texts.iter().any(|it| it.path == leaf.path);
        if !revised.texts.iter().all(is_known) {
            return Err("it revised a text that the post does not have");
        }
        if let Some(message) = revised.message {
            self.message.clone_from(&message);
            self.revision.message = Some(message);
        }
        for Leaf { path, text } in revised.texts {
            let same = self.texts.iter_mut().filter(|it| it.path == path);
            same.for_each(|it| it.text.clone_from(&text));
            self.revision.texts.retain(|it| it.path != path);
            self.revision.texts.push(TextLeaf { path, text });
        }
        Ok(Ruling::Revise)
    }

    /// The question as the current version of the contract puts it.
    fn asked(&self) -> Post {
        let post = self.post;
        let texts = self.texts.iter().map(|leaf| Leaf {
            path: leaf.path.clone(),
            text: leaf.text.clone(),
        });
        Post {
            id: post.id.to_owned(),
            channel: channel_of(&post.context),
            author: author_of(&post.context),
            root_id: post.root_id.to_owned(),
            message: self.message.clone(),
            texts: texts.collect(),
            post_type: post.kind.to_owned(),
            create_at_ms: post.create_at,
            is_edit: post.is_edit,
        }
    }

    /// The question as the version before puts it.
    fn asked_v0_2(&self) -> v0_2::Post {
        let post = self.post;
        let texts = self.texts.iter().map(|leaf| v0_2::TextLeaf {
            path: leaf.path.clone(),
            text: leaf.text.clone(),
        });
        v0_2::Post {
            id: post.id.to_owned(),
            root_id: post.root_id.to_owned(),
            message: self.message.clone(),
            texts: texts.collect(),
            post_type: post.kind.to_owned(),
            create_at_ms: post.create_at,
            is_edit: post.is_edit,
        }
    }
}

/// An answer in the version before. Its denials have no code, so they get the default one.
fn of_v0_2(answer: v0_2::Verdict) -> Answer {
    match answer {
        v0_2::Verdict::Allow => Answer::Allow,
        v0_2::Verdict::Deny(text) => Answer::Deny(wit::Denial {
            code: String::new(),
            text,
        }),
        v0_2::Verdict::Revise(v0_2::Revision { message, texts }) => {
            let leaf = |v0_2::TextLeaf { path, text }| Leaf { path, text };
            Answer::Revise(Revised {
                message,
                texts: texts.into_iter().map(leaf).collect(),
            })
        }
    }
}

impl Inquiry for Words<'_> {
    type Answer = Answer;

    fn gate(&self) -> Gate {
        Gate::Post
    }

    fn now_ms(&self) -> i64 {
        self.post.context.now_ms
    }

    fn connection_id(&self) -> &str {
        self.post.context.connection_id
    }

    fn ask(&self, gates: &GateExports, store: &mut Store<Guest>) -> wasmtime::Result<Answer> {
        let context = &self.post.context;
        if let Some(gate) = &gates.post_gate {
            return gate.call_decide(store, &crossing_of(context), &self.asked());
        }
        match &gates.post_gate_v0_2 {
            Some(gate) => gate
                .call_decide(store, &context_v0_2(context), &self.asked_v0_2())
                .map(of_v0_2),
            None => Ok(Answer::Allow),
        }
    }

    fn take(&mut self, answer: Answer) -> Result<Ruling, &'static str> {
        match answer {
            Answer::Allow => Ok(Ruling::Allow),
            Answer::Deny(denial) => Ok(Ruling::Deny(denial)),
            Answer::Revise(revised) => self.revise(revised),
        }
    }

    fn verdict(self) -> Verdict {
        if self.revision == Revision::default() {
            Verdict::Allow
        } else {
            Verdict::Revise(self.revision)
        }
    }
}
