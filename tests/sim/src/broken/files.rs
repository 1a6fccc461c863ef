//! Corrupted outputs that are about files.

use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::env::{Host, StepContext};
use causeway_kernel::boundary::input::{Input, SendOutcome, UploadProgress};
use causeway_kernel::boundary::output::{Effect, Write};
use causeway_kernel::model::{Channel, Connection, File, Post, Transfer, Upload, User};
use causeway_kernel::rows::id::{ConnectionNo, FileNo, Id};
use causeway_kernel::rows::key;
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::Read;
use causeway_kernel::wire::frame;
use serde_json::json;

use super::{Defect, rows};
use crate::kernel::StepBytes;

pub(super) fn spoil(
    defect: Defect,
    host: &dyn Host,
    context: StepContext,
    input: &Input,
    output: &mut StepBytes,
) {
    match (defect, input) {
        (Defect::ForgetsFailedFiles, Input::Receipt(receipt))
            if !matches!(receipt.outcome, SendOutcome::Answered(_)) =>
        {
            let transfer = host.get::<Transfer>(&receipt.connection);
            if let Some(transfer) = transfer.filter(|it| it.attempt == receipt.attempt) {
                let of_debts = [Table::FileDebts, Table::FileTimes];
                output
                    .writes
                    .retain(|write| !of_debts.contains(&write.table));
                output.writes.push(Write {
                    table: Table::FileDebts,
                    key: key::encode(&(receipt.connection, transfer.file)),
                    value: None,
                });
            }
        }
        (Defect::SkipsFiles, Input::Upload { progress, .. }) if is_whole(progress) => {
            output.writes.clear();
            output.effects.clear();
        }
        (Defect::LosesFilesOfPosts, Input::Frame { .. }) => {
            rows::change::<Post>(output, |post| {
                if !post.origin.is_ours() {
                    post.files.clear();
                }
            });
        }
        (Defect::MixesFilesUp, Input::Frame { .. }) => {
            let first = FileNo(1);
            let is_here = host.get::<File>(&first).is_some_and(|file| file.is_here());
            rows::change::<Post>(output, |post| {
                let is_bare = post.delete_at == 0 && post.files.is_empty();
                if is_here && is_bare && !post.origin.is_ours() {
                    post.files.push(first);
                }
            });
        }
        (
            Defect::EchoesFiles,
            Input::Upload {
                connection,
                upload,
                progress,
            },
        ) if is_whole(progress) => {
            let upload = host.get::<Upload>(&(*connection, *upload));
            let effect =
                upload.and_then(|upload| announcement(host, context, *connection, &upload));
            output
                .effects
                .extend(effect.iter().map(codec::encode_effect));
        }
        _ => {}
    }
}

fn is_whole(progress: &UploadProgress) -> bool {
    matches!(progress, UploadProgress::Whole { .. })
}

/// The announcement of an uploaded file to where it comes from.
fn announcement(
    host: &dyn Host,
    context: StepContext,
    connection: ConnectionNo,
    upload: &Upload,
) -> Option<Effect> {
    let row = host.get::<Connection>(&connection)?;
    let id = Id::from_uuid_bytes(context.seed);
    let payload = json!({
        "id": id.as_str(),
        "type": "attachment",
        "create_at": 0,
        "user_id": host.get::<User>(&upload.user)?.id.as_str(),
        "channel_id": host.get::<Channel>(&upload.channel)?.id.as_str(),
        "filename": upload.name,
        "file_size": upload.size,
        "file_offset": 0,
        "remote_id": row.remote_id.as_str(),
        "req_file_id": upload.file.as_str(),
    });
    Some(Effect::Send {
        connection,
        attempt: 0,
        frame: frame::encode(
            row.remote_id,
            id,
            frame::TOPIC_UPLOAD,
            context.now_ms,
            payload.to_string().as_bytes(),
        ),
    })
}
