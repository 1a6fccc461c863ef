//! Why a post is as it is, or is not there: everything in a session that led to it.

mod changes;
mod inbound;
mod now;
mod outbound;
mod refused;

use std::ops::ControlFlow;

use causeway_kernel::boundary::input::Input;
use causeway_kernel::model::Post;
use causeway_kernel::rows::id::PostNo;
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;
use serde::Serialize;

use super::walk::{Passed, Seen, walk};
use crate::file::{SessionError, SessionFile};

/// Maximum facts reported; further ones are counted.
const FACTS_MAX: usize = 10_000;

/// Something that happened to a post.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// Number of the entry.
    pub seq: u64,
    /// Its time, in ms.
    pub time_ms: i64,
    /// What happened.
    pub what: String,
}

/// The history of a post in a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Why {
    /// The requested id.
    pub post: String,
    /// Whether it is there at the end of the session, even if deleted.
    pub is_there: bool,
    /// Where it came from, or why it is not there.
    pub conclusion: String,
    /// What happened to it, in order.
    pub facts: Vec<Fact>,
    /// Number of further facts.
    pub more: u64,
    /// Its state at the end.
    pub now: Vec<String>,
}

/// Looks for a post in a session; also returns the damage of the file.
#[must_use]
pub fn why(file: &SessionFile, post: &str) -> (Why, Vec<SessionError>) {
    let mut search = Search {
        post,
        facts: Vec::new(),
        more: 0,
        begun: None,
        last_ms: 0,
        last_refusal: None,
    };
    let (rows, damage) = walk(file, None, |passed| {
        if let Passed::Step(seen) = passed {
            search.step(&seen);
        }
        ControlFlow::Continue(())
    });
    let row = lookup::post(&rows, post).and_then(|no| Some((no, rows.get::<Post>(&no)?)));
    let why = Why {
        post: post.to_string(),
        is_there: row.is_some(),
        conclusion: search.conclusion(row.is_some(), file.header().selection.is_partial()),
        now: now::standing(&rows, post, row.as_ref(), search.last_ms),
        more: search.more,
        facts: search.facts,
    };
    (why, damage)
}

/// The search for a post.
struct Search<'p> {
    post: &'p str,
    facts: Vec<Fact>,
    /// Number of further facts.
    more: u64,
    /// The entry that stored it.
    begun: Option<u64>,
    /// The time of the last step, in ms.
    last_ms: i64,
    /// The last refusal, and its entry.
    last_refusal: Option<(u64, String)>,
}

impl Search<'_> {
    fn step(&mut self, seen: &Seen<'_>) {
        self.last_ms = seen.step.time_ms;
        let no = lookup::post(seen.rows, self.post);
        let mut said = Vec::new();
        if let Some(come) = inbound::facts(seen, self.post) {
            if let Some(refusal) = come.refusal {
                self.last_refusal = Some((seen.step.seq, refusal));
            }
            said.extend(come.said);
        }
        if let Some(no) = no {
            said.extend(changes::by_command(seen, no));
            if is_stored(seen, no) {
                self.begun = Some(seen.step.seq);
            }
            said.extend(changes::of_rows(seen, no));
        }
        said.extend(changes::verdicts(seen, self.post));
        if let Some(no) = no {
            said.extend(outbound::facts(seen, no, self.post));
        }
        for what in said {
            if self.facts.len() >= FACTS_MAX {
                self.more += 1;
                continue;
            }
            self.facts.push(Fact {
                seq: seen.step.seq,
                time_ms: seen.step.time_ms,
                what,
            });
        }
    }

    fn conclusion(&self, is_there: bool, is_partial: bool) -> String {
        match (is_there, self.begun, &self.last_refusal) {
            (true, Some(seq), _) => format!("It was stored by entry {seq}."),
            (true, None, _) => "It was there before the session's first step.".into(),
            (false, _, Some((seq, reason))) => {
                format!("It is not there: {reason} (entry {seq}).")
            }
            (false, _, None) if !self.facts.is_empty() => {
                "It is not there; no entry that names it stored it.".into()
            }
            (false, _, None) if is_partial => {
                "It is not there: nothing in this part of a session names it.".into()
            }
            (false, _, None) => "It is not there: nothing in this session names it.".into(),
        }
    }
}

fn is_stored(seen: &Seen<'_>, no: PostNo) -> bool {
    let changes = seen.changes::<Post>();
    let mut own = changes.iter().filter(|it| it.key == no);
    own.any(|it| it.old.is_none() && it.new.is_some())
}

/// Whether bytes contain an id.
fn names(bytes: &[u8], id: &str) -> bool {
    !id.is_empty() && bytes.windows(id.len()).any(|part| part == id.as_bytes())
}

/// Whether the input is a frame or a part of one.
fn is_frame(seen: &Seen<'_>) -> bool {
    matches!(
        seen.input,
        Ok(Input::Frame { .. } | Input::FramePart { .. })
    )
}
