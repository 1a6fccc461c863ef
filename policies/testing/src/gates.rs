//! The gates: what their questions call a name, and the revisions that only some of them have.

use crate::Testing;
use crate::behaviour::{decide, verb_at};
use crate::bindings::causeway::policy::context::{Crossing, Decision};
use crate::bindings::exports::causeway::policy::channel_gate::{self, Invitation};
use crate::bindings::exports::causeway::policy::component_gate::{self, Component, Occurrence};
use crate::bindings::exports::causeway::policy::direct_gate::{self, Conversation};
use crate::bindings::exports::causeway::policy::file_gate::{self, File};
use crate::bindings::exports::causeway::policy::member_gate::{self, Membership};
use crate::bindings::exports::causeway::policy::mention_gate;
use crate::bindings::exports::causeway::policy::post_gate::{self, Post, TextLeaf};
use crate::bindings::exports::causeway::policy::profile_gate::{self, Profile};
use crate::bindings::exports::causeway::policy::reaction_gate::{self, Mark, Reaction};

impl post_gate::Guest for Testing {
    fn decide(crossing: Crossing, post: Post) -> post_gate::Verdict {
        let (verb, rest) = verb_at("post-gate");
        match verb.as_str() {
            "append" => return post_gate::Verdict::Revise(append(post, &rest)),
            "rewrite" => {
                return post_gate::Verdict::Revise(post_gate::Revision {
                    message: None,
                    texts: vec![leaf(rest, "rewritten".into())],
                });
            }
            _ => {}
        }
        let said = || format!("{crossing:?} {post:?}");
        match decide((&verb, &rest), &post.message, said) {
            Decision::Allow => post_gate::Verdict::Allow,
            Decision::Deny(denial) => post_gate::Verdict::Deny(denial),
        }
    }
}

fn append(post: Post, end: &str) -> post_gate::Revision {
    let texts = post.texts.into_iter();
    post_gate::Revision {
        message: Some(post.message + end),
        texts: texts.map(|it| leaf(it.path, it.text + end)).collect(),
    }
}

fn leaf(path: String, text: String) -> TextLeaf {
    TextLeaf { path, text }
}

impl file_gate::Guest for Testing {
    fn decide(crossing: Crossing, file: File) -> Decision {
        let (verb, rest) = verb_at("file-gate");
        let said = || format!("{crossing:?} {file:?}");
        decide((&verb, &rest), &file.name, said)
    }
}

impl reaction_gate::Guest for Testing {
    fn decide(crossing: Crossing, reaction: Reaction) -> Decision {
        let (verb, rest) = verb_at("reaction-gate");
        let name = match &reaction.mark {
            Mark::Emoji(name) => name,
            Mark::Acknowledgement => "",
        };
        let said = || format!("{crossing:?} {reaction:?}");
        decide((&verb, &rest), name, said)
    }
}

impl member_gate::Guest for Testing {
    fn decide(crossing: Crossing, membership: Membership) -> Decision {
        let (verb, rest) = verb_at("member-gate");
        let said = || format!("{crossing:?} {membership:?}");
        decide((&verb, &rest), &membership.person.name, said)
    }
}

impl profile_gate::Guest for Testing {
    fn decide(crossing: Crossing, profile: Profile) -> profile_gate::Verdict {
        let (verb, rest) = verb_at("profile-gate");
        if verb == "fill" {
            return profile_gate::Verdict::Revise(profile_gate::Revision {
                nickname: None,
                first_name: None,
                last_name: None,
                position: None,
                email: Some(rest),
            });
        }
        if verb == "strip" {
            return profile_gate::Verdict::Revise(profile_gate::Revision {
                nickname: Some(String::new()),
                first_name: Some(String::new()),
                last_name: Some(String::new()),
                position: Some(String::new()),
                email: Some(String::new()),
            });
        }
        let said = || format!("{crossing:?} {profile:?}");
        match decide((&verb, &rest), &profile.person.name, said) {
            Decision::Allow => profile_gate::Verdict::Allow,
            Decision::Deny(denial) => profile_gate::Verdict::Deny(denial),
        }
    }
}

impl channel_gate::Guest for Testing {
    fn decide(crossing: Crossing, invitation: Invitation) -> Decision {
        let (verb, rest) = verb_at("channel-gate");
        let said = || format!("{crossing:?} {invitation:?}");
        decide((&verb, &rest), &invitation.channel.name, said)
    }
}

impl direct_gate::Guest for Testing {
    fn decide(crossing: Crossing, conversation: Conversation) -> Decision {
        let (verb, rest) = verb_at("direct-gate");
        let said = || format!("{crossing:?} {conversation:?}");
        decide((&verb, &rest), &conversation.opener.name, said)
    }
}

impl mention_gate::Guest for Testing {
    fn decide(crossing: Crossing, post: mention_gate::Post) -> mention_gate::Verdict {
        let (verb, rest) = verb_at("mention-gate");
        if verb == "silence" {
            let positions = rest.split(' ').filter_map(|it| it.parse().ok());
            return mention_gate::Verdict::Silence(positions.collect());
        }
        let said = || format!("{crossing:?} {post:?}");
        let first = post.mentions.first();
        let name = first.map_or("", |mention| &mention.name);
        match decide((&verb, &rest), name, said) {
            Decision::Allow => mention_gate::Verdict::Allow,
            Decision::Deny(denial) => mention_gate::Verdict::Deny(denial),
        }
    }
}

impl component_gate::Guest for Testing {
    fn decide(crossing: Crossing, occurrence: Occurrence) -> Decision {
        let (verb, rest) = verb_at("component-gate");
        let name = match &occurrence.component {
            Component::SlashCommand(name)
            | Component::Webhook(name)
            | Component::PostType(name) => name,
            Component::Button(action) | Component::Menu(action) => &action.id,
        };
        let said = || format!("{crossing:?} {occurrence:?}");
        decide((&verb, &rest), name, said)
    }
}
