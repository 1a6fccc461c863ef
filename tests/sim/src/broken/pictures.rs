//! Corrupted outputs that are about profile pictures.

use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::env::Host;
use causeway_kernel::boundary::input::{Input, SendOutcome};
use causeway_kernel::boundary::output::{Effect, SendPicture, Write};
use causeway_kernel::model::{Picture, PictureDebt, PictureTransfer};
use causeway_kernel::rows::id::UserNo;
use causeway_kernel::rows::key;
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::{Read, Record};

use super::Defect;
use crate::kernel::StepBytes;

pub(super) fn spoil(defect: Defect, host: &dyn Host, input: &Input, output: &mut StepBytes) {
    match (defect, input) {
        (Defect::ForgetsFailedPictures, Input::Receipt(receipt))
            if !matches!(receipt.outcome, SendOutcome::Answered(_)) =>
        {
            let transfer = host.get::<PictureTransfer>(&receipt.connection);
            if let Some(transfer) = transfer.filter(|it| it.attempt == receipt.attempt) {
                let at = (receipt.connection, transfer.user);
                let due = host.get::<PictureDebt>(&at).map_or(0, |debt| debt.retry_at);
                let of_debts = [Table::PictureDebts, Table::PictureTimes];
                output
                    .writes
                    .retain(|write| !of_debts.contains(&write.table));
                for (table, key) in [
                    (Table::PictureDebts, key::encode(&at)),
                    (Table::PictureTimes, key::encode(&(at.0, due, at.1))),
                ] {
                    let value = None;
                    output.writes.push(Write { table, key, value });
                }
            }
        }
        (Defect::SetsOthersPictures, Input::Picture { digest, size, .. })
            if output.writes.iter().any(|it| it.table == Table::Pictures) =>
        {
            let picture = Picture {
                digest: digest.clone(),
                size: *size,
                is_generated: false,
            };
            output.writes.push(Write {
                table: Table::Pictures,
                key: key::encode(&UserNo(1)),
                value: Some(picture.to_bytes()),
            });
        }
        (
            Defect::EchoesPictures,
            Input::Picture {
                connection,
                user,
                digest,
                size,
            },
        ) if output.writes.iter().any(|it| it.table == Table::Pictures) => {
            let effect = Effect::SendPicture(SendPicture {
                connection: *connection,
                attempt: 0,
                user: *user,
                digest: digest.clone(),
                size: *size,
            });
            output.effects.push(codec::encode_effect(&effect));
        }
        _ => {}
    }
}
