//! Kernels with a defect: the tester's own test. Each wraps the real kernel and spoils what goes
//! in or what comes out; a checker that catches none of them checks nothing.

use std::sync::atomic::{AtomicU32, Ordering};

use causeway_kernel::codec;
use causeway_kernel::command::Command;
use causeway_kernel::env::{Host, StepContext};
use causeway_kernel::id::{ConnectionNo, FeedSeq, Id, UserNo};
use causeway_kernel::input::{Input, Receipt, SendOutcome};
use causeway_kernel::lookup;
use causeway_kernel::model::{Channel, Connection, Due, DueKind, Link, Post, Round, RoundSource};
use causeway_kernel::output::{Effect, Reply, Write};
use causeway_kernel::table::Table;
use causeway_kernel::tx::{Read, Record};
use causeway_kernel::{key, wire::frame};
use serde_json::{Value, json};

use crate::frames;
use crate::kernel::{Kernel, NativeKernel, StepBytes};
use crate::oracle;

/// What is wrong with a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// Some posts of peers are answered as taken and not stored.
    SkipsWrites,
    /// A message of unknown outcome counts as delivered.
    AdvancesCursorsEarly,
    /// After a start, what was in flight stays in flight for ever.
    ForgetsRounds,
    /// A peer that was restored is not sent again what it lost.
    ForgetsRestores,
    /// Deletions of posts stay at home.
    KeepsDeletions,
    /// Whatever comes last wins, whether it is older or not.
    LosesEditOrder,
    /// A post that comes again is stored again.
    SkipsDedupe,
    /// A client's key is not remembered.
    ForgetsKeys,
    /// What a peer sends is sent back to it.
    Echoes,
    /// The author of a peer's post is somebody else.
    ForgesAuthors,
    /// A peer may delete any post.
    DropsAuthority,
    /// A message leaves for a peer that was uninvited.
    SendsAfterUninvite,
    /// A cursor moves back when a message is delivered.
    MovesCursorsBack,
    /// Something is counted for every delivery, whether it is new or not.
    CountsDeliveries,
    /// Every ping leaves a row that nobody takes away.
    PilesUpRows,
    /// A command that is refused leaves a row.
    RefusalsLeaveTraces,
    /// What a step returns depends on more than its input.
    IsNotDeterministic,
}

impl Defect {
    /// Every defect, with the checkers one of which must name it.
    pub const ALL: [(Defect, &'static [&'static str]); 17] = [
        (Defect::SkipsWrites, &[oracle::NO_LOSS, oracle::IDEMPOTENCE]),
        (
            Defect::AdvancesCursorsEarly,
            &[oracle::NO_LOSS, oracle::CONVERGENCE, oracle::ORDER],
        ),
        (
            Defect::ForgetsRounds,
            &[oracle::NO_LOSS, oracle::CONVERGENCE],
        ),
        (
            Defect::ForgetsRestores,
            &[oracle::NO_LOSS, oracle::CONVERGENCE],
        ),
        (Defect::KeepsDeletions, &[oracle::CONVERGENCE]),
        (
            Defect::LosesEditOrder,
            &[oracle::IDEMPOTENCE, oracle::CONVERGENCE],
        ),
        (
            Defect::SkipsDedupe,
            &[oracle::NO_DUPLICATES, oracle::IDEMPOTENCE],
        ),
        (Defect::ForgetsKeys, &[oracle::NO_DUPLICATES]),
        (Defect::Echoes, &[oracle::NO_ECHO]),
        (Defect::ForgesAuthors, &[oracle::AUTHORSHIP]),
        (Defect::DropsAuthority, &[oracle::INERT]),
        (Defect::SendsAfterUninvite, &[oracle::ENTITLEMENT]),
        (Defect::MovesCursorsBack, &[oracle::CURSORS]),
        (Defect::CountsDeliveries, &[oracle::IDEMPOTENCE]),
        (Defect::PilesUpRows, &[oracle::BOUNDED]),
        (Defect::RefusalsLeaveTraces, &[oracle::INERT]),
        (Defect::IsNotDeterministic, &[oracle::REPLAY]),
    ];
}

/// Counts steps of all kernels of the process: no input of any step.
static STEPS: AtomicU32 = AtomicU32::new(0);

/// A row that no record of the kernel stands in.
const STRAY_KEY: &[u8] = b"stray";

/// A kernel with a defect.
pub struct Broken(pub Defect);

impl Kernel for Broken {
    fn step(
        &mut self,
        host: &dyn Host,
        context: StepContext,
        input: &[u8],
    ) -> Result<StepBytes, String> {
        let input = codec::decode_input(input).map_err(|error| error.to_string())?;
        if self.0 == Defect::ForgetsRounds && input == Input::Resume {
            return Ok(StepBytes {
                reply: codec::encode_reply(&Reply::Done),
                writes: Vec::new(),
                effects: Vec::new(),
            });
        }
        let spoilt = spoil_input(self.0, host, context, input);
        let mut output = NativeKernel.step(host, context, &codec::encode_input(&spoilt))?;
        spoil_output(self.0, host, context, &spoilt, &mut output);
        // The order of writes is part of the contract.
        output
            .writes
            .sort_by(|a, b| (a.table, &a.key).cmp(&(b.table, &b.key)));
        Ok(output)
    }
}

fn spoil_input(defect: Defect, host: &dyn Host, context: StepContext, input: Input) -> Input {
    match (defect, input) {
        (Defect::ForgetsRestores, Input::Ping { connection, answer }) => Input::Ping {
            connection,
            answer: answer.map(|answer| causeway_kernel::input::PingAnswer {
                incarnation: None,
                ..answer
            }),
        },
        (Defect::ForgetsKeys, Input::Command { actor, command, .. }) => Input::Command {
            actor,
            key: None,
            command,
        },
        (Defect::LosesEditOrder, frame @ Input::Frame { .. }) => on_posts(frame, |post| {
            post["update_at"] = json!(context.now_ms);
        }),
        (Defect::SkipsDedupe, frame @ Input::Frame { .. }) => {
            let mut made = 0_u8;
            on_posts(frame, |post| {
                let id = post["id"].as_str().unwrap_or_default();
                if lookup::post(host, id).is_some() && post["delete_at"] == 0 {
                    let mut bytes = context.seed;
                    bytes[0] ^= made;
                    made = made.wrapping_add(1);
                    post["id"] = json!(Id::from_uuid_bytes(bytes).as_str());
                }
            })
        }
        (_, input) => input,
    }
}

/// Changes every post of a frame.
fn on_posts(frame: Input, mut change: impl FnMut(&mut Value)) -> Input {
    let Input::Frame {
        connection,
        body,
        skip,
    } = frame
    else {
        return frame;
    };
    let body = match serde_json::from_slice::<Value>(&body) {
        Ok(mut json) => {
            let posts = json["msg"]["payload"].get_mut("posts");
            let posts = posts.and_then(Value::as_array_mut);
            posts.into_iter().flatten().for_each(&mut change);
            json.to_string().into_bytes()
        }
        Err(_) => body,
    };
    Input::Frame {
        connection,
        body,
        skip,
    }
}

fn spoil_output(
    defect: Defect,
    host: &dyn Host,
    context: StepContext,
    input: &Input,
    output: &mut StepBytes,
) {
    let stray = Write {
        table: Table::Meta,
        key: STRAY_KEY.to_vec(),
        value: Some(context.seed.to_vec()),
    };
    let reply = codec::decode_reply(&output.reply);
    match (defect, input) {
        (Defect::SkipsWrites, Input::Frame { .. }) => {
            let skipped = |write: &Write| {
                let new = host.get_many(write.table, std::slice::from_ref(&write.key));
                write.table == Table::Posts && new == [None] && write.key.last() < Some(&32)
            };
            if output.writes.iter().filter(|write| skipped(write)).count() == 1 {
                // The post is missing wholly, as if it had never come.
                let rows = [
                    Table::Posts,
                    Table::Ids,
                    Table::ChannelPosts,
                    Table::ThreadPosts,
                ];
                output.writes.retain(|write| !rows.contains(&write.table));
            }
        }
        (Defect::ForgesAuthors, Input::Frame { .. }) => on_rows::<Post>(output, |post| {
            if !post.origin.is_ours() {
                post.user = UserNo(1);
            }
        }),
        (Defect::AdvancesCursorsEarly, Input::Receipt(receipt))
            if receipt.outcome == SendOutcome::Unknown =>
        {
            pass_round(host, receipt, output);
        }
        (Defect::MovesCursorsBack, Input::Receipt(_)) => on_rows::<Link>(output, |link| {
            link.cursor.seq = FeedSeq(link.cursor.seq.0.saturating_sub(1));
        }),
        (Defect::CountsDeliveries, Input::Frame { .. }) => output.writes.push(stray),
        (Defect::RefusalsLeaveTraces, _) if matches!(reply, Ok(Reply::Refused(_))) => {
            output.writes.push(stray);
        }
        (Defect::DropsAuthority, Input::Frame { body, .. }) => delete_named(host, body, output),
        (Defect::PilesUpRows, Input::Ping { .. }) => output.writes.push(Write {
            table: Table::Due,
            key: key::encode(&(i64::MAX, u64::from_be_bytes(first_eight(context.seed)))),
            value: Some(
                Due {
                    kind: DueKind::Requests,
                }
                .to_bytes(),
            ),
        }),
        (
            Defect::Echoes,
            Input::Frame {
                connection, body, ..
            },
        ) if frames::read(body).is_some_and(|frame| !frame.items.is_empty()) => {
            output.effects.push(codec::encode_effect(&Effect::Send {
                connection: *connection,
                attempt: 0,
                frame: body.clone(),
            }));
        }
        (
            Defect::SendsAfterUninvite,
            Input::Command {
                command:
                    Command::UninviteFromChannel {
                        channel,
                        connection,
                    },
                ..
            },
        ) if !matches!(reply, Ok(Reply::Refused(_))) => {
            let channel = host.get::<Channel>(channel).map(|channel| channel.id);
            send_late(host, context, (*connection, channel), output);
        }
        (Defect::KeepsDeletions, _) => output.effects = without_deletions(&output.effects),
        (Defect::IsNotDeterministic, _) => {
            let items = STEPS.fetch_add(1, Ordering::Relaxed);
            output.effects.push(codec::encode_effect(&Effect::Refused {
                connection: ConnectionNo(1),
                reason: "none".to_string(),
                items,
            }));
        }
        _ => {}
    }
}

/// Moves the cursor behind a round that is out, and ends the round.
fn pass_round(host: &dyn Host, receipt: &Receipt, output: &mut StepBytes) {
    let round = host.get::<Round>(&receipt.connection);
    let Some(RoundSource::Feed { to }) = round.map(|round| round.source) else {
        return;
    };
    on_rows::<Link>(output, |link| link.cursor.seq = link.cursor.seq.max(to));
    let rounds = output.writes.iter_mut();
    for write in rounds.filter(|write| write.table == Table::Rounds) {
        write.value = None;
    }
}

fn first_eight(seed: [u8; 16]) -> [u8; 8] {
    let mut out = [0; 8];
    out.copy_from_slice(&seed[..8]);
    out
}

/// Changes the rows of a record among a step's writes.
fn on_rows<R: Record>(output: &mut StepBytes, change: impl Fn(&mut R)) {
    for write in output
        .writes
        .iter_mut()
        .filter(|write| write.table == R::TABLE)
    {
        if let Some(mut row) = write.value.as_deref().and_then(R::from_bytes) {
            change(&mut row);
            write.value = Some(row.to_bytes());
        }
    }
}

/// Deletes whatever a frame says is deleted.
fn delete_named(host: &dyn Host, body: &[u8], output: &mut StepBytes) {
    let Ok(json) = serde_json::from_slice::<Value>(body) else {
        return;
    };
    let posts = json["msg"]["payload"]["posts"].as_array();
    for post in posts
        .into_iter()
        .flatten()
        .filter(|post| post["delete_at"] != 0)
    {
        let id = post["id"].as_str().unwrap_or_default();
        let Some(no) = lookup::post(host, id) else {
            continue;
        };
        let key = key::encode(&no);
        let written = output
            .writes
            .iter()
            .any(|write| (write.table, &write.key) == (Table::Posts, &key));
        if let Some(mut row) = host
            .get::<Post>(&no)
            .filter(|row| !written && row.delete_at == 0)
        {
            row.delete_at = 1;
            output.writes.push(Write {
                table: Table::Posts,
                key,
                value: Some(row.to_bytes()),
            });
        }
    }
}

fn send_late(
    host: &dyn Host,
    context: StepContext,
    (connection, channel): (ConnectionNo, Option<Id>),
    output: &mut StepBytes,
) {
    let row = host.get::<Connection>(&connection);
    let (Some(row), Some(channel)) = (row, channel) else {
        return;
    };
    let payload = json!({"id": channel.as_str(), "channel_id": channel.as_str()}).to_string();
    let id = Id::from_uuid_bytes(context.seed);
    output.effects.push(codec::encode_effect(&Effect::Send {
        connection,
        attempt: 0,
        frame: frame::encode(
            row.remote_id,
            id,
            frame::TOPIC_SYNC,
            context.now_ms,
            payload.as_bytes(),
        ),
    }));
}

fn without_deletions(effects: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let spoil = |bytes: &Vec<u8>| match codec::decode_effect(bytes) {
        Ok(Effect::Send {
            connection,
            attempt,
            frame,
        }) => {
            let Ok(mut json) = serde_json::from_slice::<Value>(&frame) else {
                return bytes.clone();
            };
            let posts = json["msg"]["payload"].get_mut("posts");
            if let Some(posts) = posts.and_then(Value::as_array_mut) {
                posts.retain(|post| post["delete_at"] == 0);
            }
            codec::encode_effect(&Effect::Send {
                connection,
                attempt,
                frame: json.to_string().into_bytes(),
            })
        }
        _ => bytes.clone(),
    };
    effects.iter().map(spoil).collect()
}
