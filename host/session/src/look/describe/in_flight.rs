//! Files and pictures, which cross beside the rounds of messages.

use causeway_kernel::boundary::input::{Receipt, SendOutcome, UploadProgress};
use causeway_kernel::model::{File, PictureTransfer, Transfer, TransferStage, Upload};
use causeway_kernel::rows::id::{ConnectionNo, Id};

use super::frame::Answer;
use crate::look::names::{Names, count, plain};
use crate::look::walk::Seen;

/// Bytes of a file have arrived.
pub(super) fn upload_sentence(
    seen: &Seen<'_>,
    key: (ConnectionNo, Id),
    progress: &UploadProgress,
) -> String {
    let who = Names(seen.rows).connection(key.0);
    let announced = seen.before::<Upload>(&key);
    let name = announced.map_or_else(
        || "a file that is not announced".to_string(),
        |upload| format!("the file {}", plain(&upload.name)),
    );
    match progress {
        UploadProgress::Part { offset } => {
            let bytes = count(usize::try_from(*offset).unwrap_or(usize::MAX), "byte");
            format!("{bytes} of {name} have arrived from {who}")
        }
        UploadProgress::Whole { .. } => format!("{name} has arrived from {who}"),
    }
}

/// The file in flight on a connection, if the attempt is its.
fn transfer_of(seen: &Seen<'_>, receipt: &Receipt) -> Option<Transfer> {
    let transfer = seen.before::<Transfer>(&receipt.connection);
    transfer.filter(|it| it.attempt == receipt.attempt)
}

/// The answer of the peer with this body to an attempt.
pub(super) fn answer_to(seen: &Seen<'_>, receipt: &Receipt, body: &[u8]) -> Answer {
    let transfer = transfer_of(seen, receipt);
    let sent = transfer.filter(|transfer| transfer.stage == TransferStage::Bytes);
    match sent.and_then(|transfer| seen.before::<File>(&transfer.file)) {
        Some(file) => Answer::to_bytes(file.id, body),
        None => Answer::of(200, body),
    }
}

/// What has become of a file or a picture, if the attempt is one's.
pub(super) fn receipt_sentence(seen: &Seen<'_>, receipt: &Receipt) -> Option<String> {
    let names = Names(seen.rows);
    let what = match transfer_of(seen, receipt) {
        Some(transfer) => {
            let file = seen.before::<File>(&transfer.file);
            let name = file.map_or_else(String::new, |file| plain(&file.name));
            match transfer.stage {
                TransferStage::Announced => format!("the announcement of the file {name}"),
                TransferStage::Bytes => format!("the bytes of the file {name}"),
            }
        }
        None => {
            let picture = seen.before::<PictureTransfer>(&receipt.connection);
            let picture = picture.filter(|it| it.attempt == receipt.attempt)?;
            format!("the picture of {}", names.user(picture.user))
        }
    };
    let come = match &receipt.outcome {
        SendOutcome::Answered(body) => match answer_to(seen, receipt, body).refusal {
            Some(why) => format!("answered: refused, {}", plain(&why)),
            None => "answered".to_string(),
        },
        SendOutcome::Refused(status) => format!("answered with HTTP {status}"),
        SendOutcome::Unknown => "interrupted: it is unknown whether it arrived".to_string(),
        SendOutcome::NeverLeft => "never sent".to_string(),
    };
    let who = names.connection(receipt.connection);
    let attempt = receipt.attempt;
    Some(format!("{what} to {who} (attempt {attempt}): {come}"))
}
