//! Corrupted outputs.

use std::sync::atomic::{AtomicU32, Ordering};

use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::env::{Host, StepContext};
use causeway_kernel::boundary::input::{Input, SendOutcome};
use causeway_kernel::boundary::output::{Effect, Reply, Write};
use causeway_kernel::command::{Command, SetActive, UninviteFromChannel};
use causeway_kernel::model::{
    Channel, Due, DueKind, Link, LinkState, Post, Status, StatusRow, User,
};
use causeway_kernel::rows::id::{ConnectionNo, FeedSeq, UserNo};
use causeway_kernel::rows::key;
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::{Read, Record};

use super::{Defect, rows, sends};
use crate::frames;
use crate::kernel::StepBytes;
use crate::oracle::is_refusal;

/// Counts steps of all kernels in the process; it is not an input of any step.
static STEPS: AtomicU32 = AtomicU32::new(0);

/// A key that no record of the kernel uses.
const STRAY_KEY: &[u8] = b"stray";

fn is_invitation(body: &[u8]) -> bool {
    frames::read(body).is_some_and(|frame| frame.is_invitation())
}

pub(super) fn spoil(
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
    let is_refused = reply.as_ref().is_ok_and(is_refusal);
    match (defect, input) {
        // Without the post of an invitation, the channel would be missing as well.
        (Defect::SkipsWrites, Input::Frame { body, .. }) if !is_invitation(body) => {
            let skipped = |write: &Write| {
                let new = host.get_many(write.table, std::slice::from_ref(&write.key));
                write.table == Table::Posts && new == [None] && write.key.last() < Some(&32)
            };
            // With files, what says that a post has them would be left.
            let has_files = output.writes.iter().any(|it| it.table == Table::Files);
            let count = output.writes.iter().filter(|write| skipped(write)).count();
            if count == 1 && !has_files {
                // The post is missing completely, as if it had never come.
                let rows = [
                    Table::Posts,
                    Table::Ids,
                    Table::ChannelPosts,
                    Table::ThreadPosts,
                    Table::PostBlocks,
                    Table::Mentions,
                    Table::PostMentions,
                ];
                output.writes.retain(|write| !rows.contains(&write.table));
            }
        }
        (Defect::ForgesAuthors, Input::Frame { .. }) => rows::change::<Post>(output, |post| {
            if !post.origin.is_ours() {
                post.user = UserNo(1);
            }
        }),
        (
            Defect::LosesFileBytes,
            Input::Command {
                command: Command::AddFile(_),
                ..
            },
        ) => output
            .writes
            .retain(|write| write.table != Table::FileBytes),
        (Defect::LosesPriorities, Input::Frame { .. }) => rows::change::<Post>(output, |post| {
            if !post.origin.is_ours() {
                post.priority = None;
            }
        }),
        (Defect::AdvancesCursorsEarly, Input::Receipt(receipt))
            if receipt.outcome == SendOutcome::Unknown =>
        {
            rows::pass_round(host, receipt, output);
        }
        (Defect::MovesCursorsBack, Input::Receipt(_)) => rows::change::<Link>(output, |link| {
            link.cursor.seq = FeedSeq(link.cursor.seq.0.saturating_sub(1));
        }),
        // Refused frames leave no trace: leaving one is a different defect.
        (Defect::CountsDeliveries, Input::Frame { .. }) if !is_refused => output.writes.push(stray),
        (Defect::RefusalsLeaveTraces, _) if matches!(reply, Ok(Reply::Refused(_))) => {
            output.writes.push(stray);
        }
        (Defect::DropsAuthority, Input::Frame { body, .. }) => {
            rows::delete_named(host, body, output)
        }
        (Defect::SetsOthersStatuses, Input::Frame { .. }) if !is_refused => {
            let row = StatusRow {
                status: Status::UNKNOWN,
                update_at: context.now_ms,
                feed_seq: FeedSeq(0),
            };
            let key = key::encode(&UserNo(1));
            output
                .writes
                .retain(|write| (write.table, &write.key) != (Table::Statuses, &key));
            output.writes.push(Write {
                table: Table::Statuses,
                key,
                value: Some(row.to_bytes()),
            });
        }
        (Defect::KeepsStatuses, Input::Statuses(_))
        | (
            Defect::KeepsDeactivations,
            Input::Command {
                command:
                    Command::SetActive(SetActive {
                        is_active: false, ..
                    }),
                ..
            },
        ) => sends::keep_to_itself(output),
        (Defect::LosesCustomStatuses, Input::Frame { .. }) => {
            rows::change::<User>(output, |user| {
                if !user.origin.is_ours() {
                    user.props.clear();
                }
            })
        }
        (Defect::PilesUpRows, Input::Ping { .. }) => output.writes.push(Write {
            table: Table::Due,
            key: key::encode(&(
                i64::MAX,
                u64::from_be_bytes(rows::first_eight(context.seed)),
            )),
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
        ) if !is_refused && frames::read(body).is_some_and(|frame| !frame.items.is_empty()) => {
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
                    Command::UninviteFromChannel(UninviteFromChannel {
                        channel,
                        connection,
                    }),
                ..
            },
        ) if !matches!(reply, Ok(Reply::Refused(_))) => {
            let channel = host.get::<Channel>(channel).map(|channel| channel.id);
            sends::late(host, context, (*connection, channel), output);
        }
        (Defect::KeepsDeletions, _) => sends::list(output, "posts", |_, posts| {
            posts.retain(|post| post["delete_at"] == 0);
        }),
        (Defect::TurnsPostsAround, _) => sends::list(output, "posts", |_, posts| posts.reverse()),
        (Defect::OnePeerHaltsAll, _) => sends::list(output, "posts", |connection, posts| {
            if rows::is_another_paused(host, context.now_ms, connection) {
                posts.clear();
            }
        }),
        (Defect::PromotesPeers, Input::Frame { .. }) => rows::change::<User>(output, |user| {
            if !user.origin.is_ours() {
                user.roles = "system_user system_admin".to_string();
            }
        }),
        (
            Defect::OffersGuests,
            Input::Frame {
                connection, body, ..
            },
        ) if frames::read(body).is_some_and(|frame| frame.is_of_directory()) => {
            output.effects.push(codec::encode_effect(&Effect::Send {
                connection: *connection,
                attempt: 0,
                frame: body.clone(),
            }));
        }
        (Defect::WidensMembers, Input::Frame { .. }) => rows::widen_members(output),
        (Defect::GrantsByFrames, Input::Frame { .. }) => rows::grant(output),
        (Defect::KeepsMembers, _) => sends::list(output, "membership_changes", |_, changes| {
            changes.retain(|change| change["is_add"] == true);
        }),
        (Defect::FailuresEndLinks, Input::Receipt(receipt))
            if !matches!(receipt.outcome, SendOutcome::Answered(_)) =>
        {
            rows::change::<Link>(output, |link| link.state = LinkState::Ended);
        }
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
