//! Files in flight. A file is announced by a message, then its bytes follow in a request of their own (protocol
//! §6.5, §5.6).

use super::exception;
use super::files::is_awaited;
use super::owed::{self, Owed, Sent};
use super::withheld_files::{self, Passage};
use crate::boundary::env::Rows;
use crate::boundary::input::{Receipt, SendOutcome};
use crate::boundary::output::{Effect, SendFile};
use crate::model::limits::{
    BACKOFF_FIRST_MS, BACKOFF_MAX_MS, FILE_RETRY_FIRST_MS, FILE_RETRY_MAX_MS, REASON_CHARS_MAX,
};
use crate::model::{
    Connection, File, FileDebt, FileStanding, FileTime, Link, LinkState, PeerKind, SentFile,
    Transfer, TransferStage, reasons,
};
use crate::objects::files::described;
use crate::rows::id::{ConnectionNo, FileNo, Id};
use crate::rows::tx::{Read, Tx};
use crate::sharing::{self, quoted};
use crate::wire::frame;
use crate::wire::message::{UploadSession, is_stored};
use crate::wire::response;
use crate::wire::write::JsonWriter;

/// Files, as they are owed to peers.
pub enum Files {}

impl Owed for Files {
    type What = FileNo;
    type Debt = FileDebt;
    type Time = FileTime;
    type InFlight = Transfer;

    const TIME: FileTime = FileTime;

    fn retry_at(debt: &FileDebt) -> i64 {
        debt.retry_at
    }

    fn attempt(transfer: &Transfer) -> u64 {
        transfer.attempt
    }

    /// Announces a file; the answer says how much of it the peer holds.
    fn send(tx: &mut Tx<'_>, key: (ConnectionNo, FileNo), connection: Connection) -> Sent {
        let (no, file_no) = key;
        let Some((file, debt)) = tx.get::<File>(&file_no).zip(tx.get::<FileDebt>(&key)) else {
            return Sent::Dropped;
        };
        if !is_for(tx, no, &file) {
            return Sent::Dropped;
        }
        let upload = debt.upload;
        match withheld_files::ask(tx, key, &connection, (&file, debt)) {
            Passage::Free => {}
            Passage::Barred => return Sent::Waits,
            Passage::Void => return Sent::Dropped,
        }
        let wire = described(tx, &file);
        let Some(channel) = tx.channel(file.channel) else {
            return Sent::Dropped;
        };
        let session = UploadSession {
            id: upload.into(),
            kind: UploadSession::ATTACHMENT.to_string(),
            create_at: 0,
            user_id: wire.user_id,
            channel_id: channel.id.into(),
            filename: wire.name,
            file_size: i64::try_from(file.size).unwrap_or(i64::MAX),
            file_offset: 0,
            remote_id: connection.remote_id.into(),
            req_file_id: wire.id,
        };
        let payload = session.encode(JsonWriter::portable());
        let id = tx.new_id();
        let now_ms = tx.now_ms();
        let frame = frame::encode(
            connection.remote_id,
            id,
            frame::TOPIC_UPLOAD,
            now_ms,
            &payload,
        );
        let attempt = start(tx, no, connection, file_no, TransferStage::Announced);
        tx.effect(Effect::Send {
            connection: no,
            attempt,
            frame,
        });
        Sent::InFlight
    }
}

/// Whether the peer of a connection is to get a file: a post has it, and the peer is invited to its channel.
fn is_for(tx: &Tx<'_>, no: ConnectionNo, file: &File) -> bool {
    let link = tx.get::<Link>(&(file.channel, no));
    link.is_some_and(|link| link.state == LinkState::Active) && file.post.is_some()
}

/// Records an attempt before its first byte leaves.
fn start(
    tx: &mut Tx<'_>,
    no: ConnectionNo,
    connection: Connection,
    file: FileNo,
    stage: TransferStage,
) -> u64 {
    let attempt = owed::next_attempt(tx, no, connection);
    tx.put(
        &no,
        &Transfer {
            attempt,
            file,
            stage,
        },
    );
    attempt
}

/// The outcome of an announcement, or of sending bytes.
pub fn receipt(tx: &mut Tx<'_>, receipt: &Receipt) {
    let Some(transfer) = owed::ended::<Files>(tx, receipt) else {
        return;
    };
    let no = receipt.connection;
    let key = (no, transfer.file);
    let file = tx.get::<File>(&key.1).filter(|file| is_for(tx, no, file));
    let Some((file, debt)) = file.zip(tx.get::<FileDebt>(&key)) else {
        return owed::settle::<Files>(tx, key);
    };
    let sending = Sending { key, file, debt };
    match (&receipt.outcome, transfer.stage) {
        (SendOutcome::Answered(bytes), TransferStage::Announced) => sending.answered(tx, bytes),
        (SendOutcome::Answered(bytes), TransferStage::Bytes)
            if is_stored(bytes, sending.file.id) =>
        {
            sending.done(tx);
        }
        // The peer does not know us now; or it does not know the upload any more, or expects more bytes.
        (SendOutcome::Refused(204 | 401 | 403 | 404 | 408 | 429), stage) => {
            sending.failed(tx, Failure::after(stage));
        }
        // Bytes of an earlier attempt are still on their way.
        (SendOutcome::Refused(400), TransferStage::Bytes)
            if sending.peer_kind(tx) == Some(PeerKind::Causeway) =>
        {
            sending.failed(tx, Failure::Broken);
        }
        (SendOutcome::Refused(status @ (400..=499 | 501)), _) => {
            sending.failed(tx, Failure::Refusal(format!("HTTP status {status}")));
        }
        (SendOutcome::Refused(_) | SendOutcome::Answered(_), stage) => {
            sending.failed(tx, Failure::after(stage));
        }
        (SendOutcome::Unknown, TransferStage::Bytes) => sending.failed(tx, Failure::Broken),
        (SendOutcome::Unknown | SendOutcome::NeverLeft, _) => sending.not_reached(tx),
    }
}

/// Why an attempt to send a file failed.
enum Failure {
    /// The connection broke, or the peer was not understood: it is asked again soon, and may hold a part.
    Broken,
    /// The peer answered to the bytes, and does not hold the file.
    InVain,
    /// The peer refused the file, in these words.
    Refusal(String),
}

impl Failure {
    /// The failure after an answer that neither takes nor refuses the file.
    fn after(stage: TransferStage) -> Failure {
        match stage {
            TransferStage::Announced => Failure::Broken,
            TransferStage::Bytes => Failure::InVain,
        }
    }
}

/// A file whose attempt has ended.
struct Sending {
    key: (ConnectionNo, FileNo),
    file: File,
    debt: FileDebt,
}

impl Sending {
    /// The peer answered the announcement: its bytes follow, from where the peer says.
    fn answered(self, tx: &mut Tx<'_>, bytes: &[u8]) {
        let session = match response::decode_session(bytes) {
            Ok(Ok(session)) => session,
            Ok(Err(error)) => return self.failed(tx, Failure::Refusal(error)),
            Err(_) => return self.failed(tx, Failure::Broken),
        };
        let size = self.file.size;
        let offset = u64::try_from(session.file_offset).unwrap_or(0);
        if offset >= size {
            return self.done(tx);
        }
        let connection = tx.get::<Connection>(&self.key.0);
        let Some((upload, connection)) = Id::parse(&session.id).zip(connection) else {
            return self.failed(tx, Failure::Broken);
        };
        let (no, file) = self.key;
        let attempt = start(tx, no, connection, file, TransferStage::Bytes);
        tx.effect(Effect::SendFile(SendFile {
            connection: no,
            attempt,
            upload,
            digest: self.file.digest,
            offset,
            size,
        }));
    }

    /// The peer holds the file.
    fn done(self, tx: &mut Tx<'_>) {
        owed::settle::<Files>(tx, self.key);
        let link = tx.get::<Link>(&(self.file.channel, self.key.0));
        if let Some(link) = link.filter(|link| link.state == LinkState::Active) {
            let epoch = link.epoch;
            tx.put(&self.key, &SentFile { epoch });
            self.release(tx, self.went_without());
        }
    }

    /// Whether the post may have gone without the file.
    fn went_without(&self) -> bool {
        let is_untimely = matches!(
            self.debt.standing,
            FileStanding::Late | FileStanding::Released
        );
        is_untimely || !is_awaited(&self.debt)
    }

    /// The peer was not reached: the file is announced anew.
    fn not_reached(mut self, tx: &mut Tx<'_>) {
        self.debt.upload = self.next_upload(tx);
        owed::put::<Files>(tx, self.key, &self.debt);
        owed::not_reached(tx, self.key.0);
    }

    /// A Causeway continues an upload under its id; a Mattermost server does not take the id again.
    fn next_upload(&self, tx: &mut Tx<'_>) -> Id {
        if self.peer_kind(tx) == Some(PeerKind::Causeway) {
            self.debt.upload
        } else {
            tx.new_id()
        }
    }

    /// The attempt failed: another one follows, unless the peer refuses the file again and again.
    fn failed(mut self, tx: &mut Tx<'_>, failure: Failure) {
        let debt = &mut self.debt;
        debt.failures = debt.failures.saturating_add(1);
        let (limits_ms, times) = if matches!(failure, Failure::Broken) {
            ((BACKOFF_FIRST_MS, BACKOFF_MAX_MS), debt.failures)
        } else {
            debt.in_vain = debt.in_vain.saturating_add(1);
            ((FILE_RETRY_FIRST_MS, FILE_RETRY_MAX_MS), debt.in_vain)
        };
        let is_refused = matches!(failure, Failure::Refusal(_));
        debt.refusals = debt.refusals.saturating_add(u32::from(is_refused));
        let reason = match &failure {
            Failure::Refusal(words) => words,
            Failure::Broken | Failure::InVain => reasons::FILE_NOT_ARRIVED,
        };
        debt.reason = reason.chars().take(REASON_CHARS_MAX).collect();
        debt.retry_at = owed::next_try(tx, limits_ms, times, debt.refusals);
        self.debt.upload = self.next_upload(tx);
        owed::put::<Files>(tx, self.key, &self.debt);
        if is_refused && self.debt.refusals == 1 {
            self.tell_author(tx);
        }
        self.release(tx, false);
    }

    /// Tells a local author that a peer does not take the file (W10: the reference does not). What the peer says
    /// is shown as it is: it is nobody's message.
    fn tell_author(&self, tx: &mut Tx<'_>) {
        if !self.file.origin.is_ours() {
            return;
        }
        let text = format!(
            "The file {} has not reached {}, which refuses it: {}. It is offered a few times more; your message \
             is delivered without it.",
            quoted(&self.file.name),
            quoted(&sharing::display_name(tx, self.key.0)),
            quoted(&self.debt.reason)
        );
        sharing::tell(tx, self.file.channel, self.file.user, text);
    }

    /// The post of the file is sent, if it waits for that. A server of the 11 line gets it once more with a file
    /// that it went without, a Causeway with one that it did not name; one of 2021 does not look at a version that
    /// it has.
    fn release(&self, tx: &mut Tx<'_>, went_without: bool) {
        let (no, channel) = (self.key.0, self.file.channel);
        let is_looked_at = match self.peer_kind(tx) {
            Some(PeerKind::Mattermost11) => true,
            Some(PeerKind::Causeway) => self.debt.standing == FileStanding::Released,
            Some(PeerKind::Mattermost2021) | None => false,
        };
        let goes_again = went_without && is_looked_at;
        if let Some(post) = self.file.post {
            exception::release(tx, (no, channel), post, goes_again);
        }
    }

    fn peer_kind(&self, tx: &Tx<'_>) -> Option<PeerKind> {
        tx.get::<Connection>(&self.key.0).map(|it| it.kind)
    }
}
