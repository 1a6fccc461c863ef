//! The post gate: combines the verdicts of a chain's slots on a post.

use causeway_kernel::boundary::policy::{
    Audience, Context, Direction, Home, PostQuestion, Revision, TextLeaf, Verdict,
};
use causeway_kernel::model::limits::QUESTION_TEXTS_BYTES_MAX;

use super::bindings::causeway::policy::context as wit;
use super::bindings::exports::causeway::policy::post_gate::{
    Post, Revision as Revised, TextLeaf as Leaf, Verdict as Answer,
};
use super::chain::{Link, STEP_FUEL_USED_UP};
use super::contract::{REASON_BYTES_MAX, cut};

/// Maximum bytes of a revised message: four for each of a post's 16,383 characters.
const REVISED_BYTES_MAX: usize = 4 * 16_383;

/// The reason for denying a post whose text cannot be shown to a policy completely.
const NOT_SHOWN_WHOLE: &str =
    "its properties hold more text than a policy can be asked about, or cannot be read";

/// The verdict on a post: the first denial decides, and the next slot sees the revised text. If the
/// step's fuel does not suffice, the question fails whatever the slots' settings say: other content
/// of the step must not open a gate.
pub(super) fn judge(links: &mut [Link], fuel: &mut u64, post: &PostQuestion<'_>) -> Verdict {
    let mut links = links
        .iter_mut()
        .filter(|link| link.judges_posts())
        .peekable();
    if links.peek().is_none() {
        return Verdict::Allow;
    }
    let Some(texts) = &post.texts else {
        return Verdict::Deny(NOT_SHOWN_WHOLE.into());
    };
    let mut words = Words {
        message: post.message.to_owned(),
        texts: texts.clone(),
        revision: Revision::default(),
    };
    for link in links {
        let decided = decide(link, fuel, post, &words);
        if *fuel == 0 {
            return Verdict::Failed(STEP_FUEL_USED_UP.into());
        }
        let taken = match decided {
            Ok(Answer::Allow) => Ok(()),
            Ok(Answer::Deny(reason)) => return Verdict::Deny(cut(reason, REASON_BYTES_MAX)),
            Ok(Answer::Revise(revised)) => words.revise(revised).map_err(str::to_string),
            Err(why) => Err(why),
        };
        if let Err(why) = taken
            && let Some(failed) = link.failed(&why)
        {
            return failed;
        }
    }
    words.verdict()
}

/// The text of a post on its way through the chain.
struct Words {
    message: String,
    texts: Vec<TextLeaf>,
    /// What earlier slots changed.
    revision: Revision,
}

impl Words {
    /// Applies a slot's revision if it is valid for this post: all of it or nothing.
    fn revise(&mut self, revised: Revised) -> Result<(), &'static str> {
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
        Ok(())
    }

    fn verdict(self) -> Verdict {
        if self.revision == Revision::default() {
            Verdict::Allow
        } else {
            Verdict::Revise(self.revision)
        }
    }
}

fn decide(
    link: &mut Link,
    fuel: &mut u64,
    post: &PostQuestion<'_>,
    words: &Words,
) -> Result<Answer, String> {
    let context = context(&post.context);
    let texts = words.texts.iter().map(|leaf| Leaf {
        path: leaf.path.clone(),
        text: leaf.text.clone(),
    });
    let asked = Post {
        id: post.id.to_owned(),
        root_id: post.root_id.to_owned(),
        message: words.message.clone(),
        texts: texts.collect(),
        post_type: post.kind.to_owned(),
        create_at_ms: post.create_at,
        is_edit: post.is_edit,
    };
    link.call(fuel, |gates, store| match &gates.post {
        Some(gate) => gate.call_decide(store, &context, &asked),
        None => Ok(Answer::Allow),
    })
}

fn context(context: &Context<'_>) -> wit::Context {
    let connection = |id: &str, name: &str| wit::Connection {
        id: id.to_owned(),
        name: name.to_owned(),
    };
    wit::Context {
        direction: match context.direction {
            Direction::Inbound => wit::Direction::Inbound,
            Direction::Outbound => wit::Direction::Outbound,
        },
        connection: connection(context.connection_id, context.connection_name),
        channel: wit::Channel {
            id: context.channel_id.to_owned(),
            name: context.channel_name.to_owned(),
            kind: match context.audience {
                Audience::Open => wit::ChannelKind::Open,
                Audience::Private => wit::ChannelKind::Private,
                Audience::Direct => wit::ChannelKind::Direct,
                Audience::Group => wit::ChannelKind::Group,
            },
        },
        author: wit::Person {
            id: context.author_id.to_owned(),
            name: context.author_name.to_owned(),
            home: match context.author_home {
                Home::Here => wit::Home::Here,
                Home::Connected { id, name } => wit::Home::Connected(connection(id, name)),
                Home::Elsewhere => wit::Home::Elsewhere,
            },
        },
        time_ms: context.now_ms,
    }
}
