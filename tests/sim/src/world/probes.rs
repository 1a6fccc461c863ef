//! Steps that are tried without lasting effect: items that were taken are delivered again (I9),
//! and forbidden items are refused without a trace (I13).

use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::{Effect, Reply};
use causeway_kernel::model::File;
use causeway_kernel::rows::id::Id;
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::Read;
use serde_json::{Value, json};

use super::{Event, Note, World};
use crate::frames;
use crate::node::Probed;
use crate::oracle::{IDEMPOTENCE, INERT, RUNS, Violation, broken};
use crate::story;

/// Deliveries kept for a probe.
const KEPT_MAX: usize = 200;
/// Probes per run.
const PROBES: i64 = 60;

/// A message of which a node took every item.
pub(super) struct Delivered {
    node: usize,
    input: Input,
    body: Vec<u8>,
}

impl World<'_> {
    pub(super) fn plan_probes(&mut self) {
        for _ in 0..PROBES {
            let at_ms = self.prober.between(5_000, self.plan.heal_at_ms + 60_000);
            self.agenda.at(at_ms, Event::Probe);
        }
    }

    /// Keeps a message of which every item was carried out.
    pub(super) fn remember(&mut self, node: usize, note: &Note) {
        let (Input::Frame { .. }, Some(Reply::Http { status: 200, body })) =
            (&note.input, &note.reply)
        else {
            return;
        };
        let left_out = |effect: &Effect| matches!(effect, Effect::Refused { .. });
        let is_ok = frames::read_answer(body).is_some_and(|answer| answer.is_ok);
        if !is_ok || note.effects.iter().any(left_out) {
            return;
        }
        if self.delivered.len() >= KEPT_MAX {
            let at = self.prober.below(KEPT_MAX as u64) as usize;
            self.delivered.swap_remove(at);
        }
        self.delivered.push(Delivered {
            node,
            input: note.input.clone(),
            body: body.clone(),
        });
    }

    /// A restored node has not taken anything that came after its backup.
    pub(super) fn forget_delivered(&mut self, node: usize) {
        self.delivered.retain(|kept| kept.node != node);
    }

    /// Tries a delivery again, and a forgery made from it.
    pub(super) fn probe(&mut self) -> Result<(), Violation> {
        let at = self.prober.below(self.delivered.len() as u64) as usize;
        let Some(kept) = self.delivered.get(at) else {
            return Ok(());
        };
        if !self.nodes[kept.node].is_running {
            return Ok(());
        }
        let (node, input, first) = (kept.node, kept.input.clone(), kept.body.clone());
        let Input::Frame { body, .. } = &input else {
            return Ok(());
        };
        let Some(frame) = frames::read(body) else {
            return Ok(());
        };
        // A repeated invitation has a meaning of its own after an end, a repeated announcement begins another
        // upload, and a repeated post takes a file that came meanwhile, or that another post has lost.
        if frame.is_invitation() || frame.is_announcement() || self.takes_late_file(node, body) {
            return Ok(());
        }
        let probed = self.probed(node, &input)?;
        check_idempotent(node, &input, frame.is_sharing_state(), &first, &probed)?;
        if frame.is_sharing_state() {
            // It has nothing that could be forged.
            return Ok(());
        }
        let kind = self.prober.below(5);
        let json = serde_json::from_slice(body).ok();
        if let Some(forged) = json.and_then(|json| self.forge(node, json, kind)) {
            let input = match input {
                Input::Frame {
                    connection, skip, ..
                } => Input::Frame {
                    connection,
                    body: forged.to_string().into_bytes(),
                    skip,
                },
                other => other,
            };
            let probed = self.probed(node, &input)?;
            check_refused(node, &forged, &probed)?;
        }
        Ok(())
    }

    /// Whether a frame names a file that its post may take now: one that no post has, or that is gone.
    fn takes_late_file(&self, node: usize, body: &[u8]) -> bool {
        let rows = &self.nodes[node].rows;
        let is_late = |id: &str| {
            let file = lookup::file(rows, id).and_then(|no| rows.get::<File>(&no));
            file.is_none_or(|file| file.post.is_none())
        };
        let json: Value = serde_json::from_slice(body).unwrap_or_default();
        let posts = json["msg"]["payload"]["posts"].as_array();
        let named = posts.into_iter().flatten().map(|post| &post["file_ids"]);
        let mut ids = named.filter_map(Value::as_array).flatten();
        ids.any(|id| id.as_str().is_some_and(is_late))
    }

    fn probed(&mut self, node: usize, input: &Input) -> Result<Probed, Violation> {
        self.probes += 1;
        let seed = self.prober.bytes();
        self.nodes[node]
            .probe(self.now_ms, seed, input)
            .map_err(|error| {
                broken(
                    RUNS,
                    format!("node {node}: {error} in {}", story::input(input)),
                )
            })
    }

    /// Makes a frame that names objects that do not belong to its sender.
    fn forge(&mut self, node: usize, mut frame: Value, kind: u64) -> Option<Value> {
        let channel = frame["msg"]["payload"]["channel_id"].as_str()?.to_string();
        let channel = Id::parse(&channel)?;
        let ledger = &self.oracle.ledger;
        let own_user = ledger.users.values().find(|user| user.home == node)?;
        let own_user = own_user.view.id.to_string();
        // This host does not have what another host of the node made.
        let is_held = |id: &Id| lookup::post(&self.nodes[node].rows, id.as_str()).is_some();
        let own_post = ledger
            .posts
            .values()
            .filter(|post| post.origin == node && post.view.channel == channel && !post.is_lost)
            .find(|post| is_held(&post.view.id))
            .map(|post| post.view.id.to_string());
        let fresh = Id::from_uuid_bytes(self.prober.bytes()).to_string();
        let payload = frame["msg"]["payload"].as_object_mut()?;
        if let Some(users) = payload.get_mut("users").and_then(Value::as_object_mut) {
            for user in users.values_mut() {
                user["id"] = json!(own_user);
                user["update_at"] = json!(9_000_000_000_000_i64);
                user["username"] = json!("mallory");
            }
        }
        if let Some(posts) = payload.get_mut("posts").and_then(Value::as_array_mut) {
            posts.truncate(1);
            for post in posts {
                post["update_at"] = json!(9_000_000_000_000_i64);
                post["message"] = json!("forged");
                match kind {
                    0 => {
                        post["id"] = json!(fresh);
                        post["user_id"] = json!(own_user);
                    }
                    1 => post["id"] = json!(own_post.clone()?),
                    2 => {
                        post["id"] = json!(own_post.clone()?);
                        post["delete_at"] = json!(9_000_000_000_000_i64);
                    }
                    3 => post["channel_id"] = json!(fresh),
                    _ => post["create_at"] = json!(-1),
                }
            }
        }
        if let Some(reactions) = payload.get_mut("reactions").and_then(Value::as_array_mut) {
            for reaction in reactions {
                reaction["update_at"] = json!(9_000_000_000_000_i64);
                reaction["delete_at"] = json!(0);
                reaction["user_id"] = json!(own_user);
            }
        }
        Some(frame)
    }
}

fn heard(effects: &[Effect]) -> Vec<&Effect> {
    let silent = |effect: &&Effect| !matches!(effect, Effect::Refused { .. });
    effects.iter().filter(silent).collect()
}

/// Whether all that a step does is to ask the peer whether it shares a channel, or to let its offer wait or rest.
fn only_asks(probed: &Probed) -> bool {
    // The question, or what was to be sent before it: also files and pictures, what failed before, whose pause is
    // just over, and what a job that is due finds to send.
    let is_question = |effect: &Effect| {
        matches!(
            effect,
            Effect::Send { .. }
                | Effect::SendFile(_)
                | Effect::SendPicture(_)
                | Effect::Wake { .. }
                | Effect::Refused { .. }
        )
    };
    let is_of_it = |table: Table| {
        matches!(
            table,
            Table::Meta
                | Table::Connections
                | Table::Links
                | Table::Rounds
                | Table::Pending
                | Table::Due
                | Table::Jobs
                | Table::ChannelInvitations
                | Table::Exceptions
                | Table::ExceptionTimes
                | Table::FileDebts
                | Table::FileTimes
                | Table::Transfers
                | Table::PictureDebts
                | Table::PictureTimes
                | Table::PictureTransfers
        )
    };
    probed.changes.iter().all(|write| is_of_it(write.table))
        && probed.effects.iter().all(is_question)
}

fn check_idempotent(
    node: usize,
    input: &Input,
    may_ask: bool,
    first: &[u8],
    probed: &Probed,
) -> Result<(), Violation> {
    let effects = heard(&probed.effects);
    let is_silent = probed.changes.is_empty() && effects.is_empty();
    if !(is_silent || may_ask && only_asks(probed)) {
        return Err(broken(
            IDEMPOTENCE,
            format!(
                "node {node} took again {} and changed {}, with effects {effects:?}",
                story::input(input),
                story::writes(&probed.changes)
            ),
        ));
    }
    let Reply::Http { status: 200, body } = &probed.reply else {
        return Err(broken(
            IDEMPOTENCE,
            format!("node {node} answered {:?}, not 200", probed.reply),
        ));
    };
    let (first, again) = (frames::read_answer(first), frames::read_answer(body));
    // If a channel is no longer shared, that is the reason for the refusal.
    let ended = again.as_ref().is_some_and(|again| !again.is_ok);
    if first != again && !ended {
        return Err(broken(
            IDEMPOTENCE,
            format!(
                "node {node} answered {again:?} to what it had answered {first:?}: {}",
                story::input(input)
            ),
        ));
    }
    Ok(())
}

fn check_refused(node: usize, forged: &Value, probed: &Probed) -> Result<(), Violation> {
    let mut changes = probed.changes.clone();
    changes
        .retain(|write| write.table != Table::Quarantine && write.table != Table::QuarantineShares);
    let effects = heard(&probed.effects);
    if changes.is_empty() && effects.is_empty() {
        return Ok(());
    }
    Err(broken(
        INERT,
        format!(
            "node {node} was told a forgery and changed {}, with effects {effects:?}: {forged}",
            story::writes(&changes)
        ),
    ))
}
