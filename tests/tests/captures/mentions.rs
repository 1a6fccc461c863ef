//! The expected texts of recorded posts with mentions on the other side, and what their authors
//! typed where the server of 2021 rewrote them before sending.

use std::collections::BTreeMap;

use crate::differences::Difference;
use crate::json::Json;
use crate::player::Player;
use crate::recording::{Exchange, Set};

/// Texts that come with a map of mentions, and how our host shows them: every mention names the
/// intended person by the name that this person has in the reader's workspace.
const SHOWN: [(&str, &str); 22] = [
    ("@dan left the channel.", "@dan:site-a left the channel."),
    (
        "@kim:site-a hello, says @kim",
        "@kim hello, says @kim:site-b",
    ),
    ("@kim:site-b hello back", "@kim hello back"),
    (
        "Urgent, persistent, for @dan",
        "Urgent, persistent, for @dan:site-a",
    ),
    (
        "Urgent, persistent, for @bob:site-b",
        "Urgent, persistent, for @bob",
    ),
    ("@bob:site-b with suffix", "@bob with suffix"),
    ("@alice herself", "@alice:site-a herself"),
    ("@dan local", "@dan:site-a local"),
    ("@sam on both sides", "@sam:site-a on both sides"),
    ("@sam:site-b and @sam", "@sam and @sam:site-a"),
    ("@zoe never seen at B", "@zoe:site-a never seen at B"),
    (
        "@zoe.x and @zoe and @zoe.",
        "@zoe.x:site-a and @zoe:site-a and @zoe:site-a.",
    ),
    ("@dan.", "@dan:site-a."),
    (
        "@DAN upper case and @Dan",
        "@dan:site-a upper case and @dan:site-a",
    ),
    (
        "mail dan@dan and (@dan) and `@dan` and ```\n@dan\n```",
        "mail dan@dan and (@dan:site-a) and `@dan` and ```\n@dan\n```",
    ),
    (
        "@channel @all @here @admina",
        "@channel @all @here @admina:site-a",
    ),
    ("@danx and @dan", "@danx and @dan:site-a"),
    ("@alice:site-a with suffix", "@alice with suffix"),
    ("@sam and @sam:site-a", "@sam:site-b and @sam"),
    ("@eve local", "@eve:site-b local"),
    ("@dan:site-a @sam @eve", "@dan @sam:site-b @eve:site-b"),
    (
        "edited: @dan and @bob:site-b and @sam",
        "edited: @dan:site-a and @bob and @sam:site-a",
    ),
];

/// The beginnings of longer texts.
const SHOWN_BEGINNINGS: [(&str, &str); 2] = [
    (
        "Hey @bob:site-b and @dan and @bob, look",
        "Hey @bob and @dan:site-a and @bob, look",
    ),
    (
        "Thanks @alice:site-a and @sam, see",
        "Thanks @alice and @sam:site-b, see",
    ),
];

/// Texts in which the reference, which replaces parts of words, hits the wrong person or leaves a
/// mention unchanged (semantics W35; recorded receivers are described in the set's README).
const DAMAGED_BY_THE_REFERENCE: [&str; 6] = [
    "@kim:site-a hello, says @kim",
    "@zoe.x and @zoe and @zoe.",
    "@danx and @dan",
    "@sam:site-b and @sam",
    "mail dan@dan and (@dan) and `@dan` and ```\n@dan\n```",
    "@DAN upper case and @Dan",
];

/// What a user of 2021 typed for a sent text: the sending server cut off the suffix.
const TYPED_IN_2021: [(&str, &str); 4] = [
    (
        "Hey @bob and @dan and @bob, look",
        "Hey @bob:site-b and @dan and @bob, look",
    ),
    (
        "Thanks @alice and @sam, see",
        "Thanks @alice:site-a and @sam, see",
    ),
    ("@kim hello, says @kim", "@kim:site-a hello, says @kim"),
    ("@kim hello back", "@kim:site-b hello back"),
];

/// The end of a report of a removal.
const REMOVED: &str = " removed from the channel.";

/// Who was removed, according to a report.
fn removed(text: &str) -> Option<&str> {
    text.strip_prefix('@')?.strip_suffix(REMOVED)
}

/// The text that our host should show for a received one.
pub fn expected(player: &mut Player, text: &str, transforms: &Json) -> String {
    if !text.contains('@') || !transforms.is_filled() {
        return text.to_string();
    }
    if DAMAGED_BY_THE_REFERENCE.contains(&text) {
        player.differs(Difference::MentionsAsWholeWords);
    }
    if let Some((_, shown)) = SHOWN.iter().find(|(sent, _)| *sent == text) {
        return (*shown).to_string();
    }
    if let Some(name) = removed(text) {
        return match name.split_once(':') {
            Some((own, _)) => format!("@{own}{REMOVED}"),
            None => format!("@{name}:{}{REMOVED}", player.connection_name()),
        };
    }
    let beginning = SHOWN_BEGINNINGS
        .iter()
        .find(|(sent, _)| text.starts_with(sent));
    match beginning {
        Some((sent, shown)) => text.replacen(sent, shown, 1),
        // A batch's map also contains mentions from its other posts.
        None => {
            let in_batch = ["first @dan", "second, by dan, @alice", "third @sam"];
            if text == "third @sam" {
                return "third @sam:site-a".to_string();
            }
            if !in_batch.contains(&text) {
                player.mismatch(format!("nobody says how {text:?} should read"));
            }
            text.to_string()
        }
    }
}

/// What the author of a recorded text typed.
pub fn typed(set: Set, text: &str) -> String {
    let found = TYPED_IN_2021
        .iter()
        .find(|(sent, _)| set == Set::V2021 && text.starts_with(sent));
    match found {
        Some((sent, typed)) => text.replacen(sent, typed, 1),
        None => text.to_string(),
    }
}

impl Player {
    /// Checks that every mention in the recorded server's map is in ours, too.
    pub fn compare_transforms(&mut self, exchange: &Exchange, ours: &BTreeMap<String, String>) {
        let theirs = exchange.payload().get("mention_transforms").clone();
        let posts = exchange.payload().get("posts").list();
        if posts.is_empty() {
            return;
        }
        for (mention, id) in theirs.members() {
            let is_said = posts.iter().any(|post| {
                let text = post.get("message").text().to_lowercase();
                text.contains(&format!("@{mention}"))
            });
            let told = ours.get(mention).map(String::as_str);
            // The reference makes one map for the texts of the whole batch, including unsent ones.
            if !is_said || (told.is_none() && self.was_unchanged(posts)) {
                continue;
            }
            let live = self.live(id.text());
            self.expect(&format!("whom @{mention} means"), told, Some(&*live));
        }
        if ours.len() > theirs.members().len() {
            self.differs(Difference::EveryMentionMapped);
        }
    }

    fn was_unchanged(&self, posts: &[Json]) -> bool {
        posts.iter().all(|post| !post.get("type").text().is_empty())
    }
}
