//! Sends the kernel's frames to peers. Protocol §4 and §10.
//!
//! Each connection has its own outbox, so that peers never wait for each other. The kernel has one message of
//! a connection in flight at a time; the receipt reports its outcome, and the kernel decides what is sent
//! next, and when.

use std::time::Duration;

use causeway_engine::SubmitError;
use causeway_kernel::boundary::input::{Input, Receipt, SendOutcome};
use causeway_kernel::rows::id::ConnectionNo;
use causeway_kernel::wire::secrets;
use tokio::sync::mpsc;

use super::client::{Call, Payload, incarnation_of};
use super::reach::{self, Trouble, What};
use super::{Federation, lock, pinger};
use crate::http::client::{CallError, Response};

/// Path of messages.
const MESSAGE_PATH: &str = "/api/v4/remotecluster/msg";

/// Maximum frames waiting in an outbox. The kernel has one in flight at a time; one that finds no room counts
/// as never sent.
const OUTBOX_MAX: usize = 8;

/// Pauses between attempts to submit a receipt to a workspace that accepts none now.
const RECEIPT_PAUSE_FIRST: Duration = Duration::from_millis(100);
const RECEIPT_PAUSE_MAX: Duration = Duration::from_secs(5);

/// Channel to the task that sends for a connection; the task ends when it is dropped.
pub(super) type Outbox = mpsc::Sender<Letter>;

/// A frame to send.
pub(super) struct Letter {
    attempt: u64,
    frame: Vec<u8>,
}

/// Puts a frame into the outbox of its connection.
pub(super) fn dispatch(
    federation: &Federation,
    connection: ConnectionNo,
    attempt: u64,
    frame: Vec<u8>,
) {
    let letter = Letter { attempt, frame };
    let refused = {
        let mut outboxes = lock(&federation.inner.outboxes);
        let outbox = outboxes
            .entry(connection)
            .or_insert_with(|| open(federation, connection));
        outbox.try_send(letter).is_err()
    };
    if refused {
        let never_left = std::future::ready(SendOutcome::NeverLeft);
        beside(federation, (connection, attempt), never_left);
    }
}

/// Sends something beside the messages of a connection, and submits the receipt of the attempt.
pub(super) fn beside(
    federation: &Federation,
    (connection, attempt): (ConnectionNo, u64),
    sending: impl Future<Output = SendOutcome> + Send + 'static,
) {
    let (federation, mut stop) = (federation.clone(), federation.stopping());
    federation.clone().spawn(async move {
        let outcome = tokio::select! {
            outcome = sending => outcome,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        report(&federation, (connection, attempt), outcome).await;
    });
}

fn open(federation: &Federation, connection: ConnectionNo) -> Outbox {
    let (outbox, mut letters) = mpsc::channel::<Letter>(OUTBOX_MAX);
    let (federation, mut stop) = (federation.clone(), federation.stopping());
    federation.clone().spawn(async move {
        loop {
            let letter = tokio::select! {
                letter = letters.recv() => letter,
                _ = stop.wait_for(|stop| *stop) => None,
            };
            let Some(Letter { attempt, frame }) = letter else {
                break;
            };
            let outcome = send(&federation, connection, frame).await;
            report(&federation, (connection, attempt), outcome).await;
        }
    });
    outbox
}

/// Sends one frame.
pub(super) async fn send(
    federation: &Federation,
    connection: ConnectionNo,
    frame: Vec<u8>,
) -> SendOutcome {
    let Some((row, site_url, token)) = federation.route(connection) else {
        return SendOutcome::NeverLeft;
    };
    let call = Call {
        site_url: &site_url,
        path: MESSAGE_PATH,
        remote_id: row.remote_id,
        token: &token,
        incarnation: None,
        own_site_url: None,
        body: Payload::Frame(frame),
        timeout: federation.settings().send_timeout(),
    };
    let answered = federation.inner.client.post(call).await;
    let trouble = match &answered {
        Ok(answer) if answer.status == 200 => None,
        Ok(answer) => Some(Trouble::Status(answer.status)),
        Err(error) => Some(error.clone().into()),
    };
    reach::note(federation, (connection, &row), What::Messages, trouble);
    let outcome = outcome_of(federation, connection, answered);
    if !matches!(outcome, SendOutcome::Answered(_)) {
        tracing::debug!(name = row.name, ?outcome, "a message was not accepted");
    }
    outcome
}

/// What a peer's answer, or its absence, means for what was sent.
pub(super) fn outcome_of(
    federation: &Federation,
    connection: ConnectionNo,
    answered: Result<Response, CallError>,
) -> SendOutcome {
    match answered {
        // What was accepted by another host of the peer, or by one that was restored since the last ping, may
        // be missing at the host we know: it counts as delivered to neither, and the pings will tell.
        Ok(answer)
            if incarnation_of(&answer.headers)
                .is_some_and(|told| pinger::is_another(federation, connection, told)) =>
        {
            SendOutcome::Unknown
        }
        Ok(answer) if answer.status == 200 => {
            let mut body = Vec::from(answer.body);
            secrets::blank(&mut body);
            SendOutcome::Answered(body)
        }
        Ok(answer) => SendOutcome::Refused(answer.status),
        Err(CallError::NeverLeft(_)) => SendOutcome::NeverLeft,
        Err(CallError::Unknown(_)) => SendOutcome::Unknown,
    }
}

/// Counts an outcome and submits its receipt to the workspace, waiting while that accepts none. Without a receipt
/// the connection would stay silent until the next start, so if a response stops the step, the outcome is reported
/// as unknown.
async fn report(
    federation: &Federation,
    (connection, attempt): (ConnectionNo, u64),
    mut outcome: SendOutcome,
) {
    federation.inner.counters.count_send(&outcome);
    let mut pause = RECEIPT_PAUSE_FIRST;
    let mut stop = federation.stopping();
    loop {
        let receipt = Receipt {
            connection,
            attempt,
            outcome: outcome.clone(),
        };
        match federation.submit(Input::Receipt(receipt)).await {
            Ok(_) | Err(SubmitError::ShuttingDown) => return,
            Err(SubmitError::Stopped(error)) => {
                tracing::warn!(error, "the workspace could not process a receipt");
                outcome = SendOutcome::Unknown;
            }
            Err(SubmitError::ReadOnly(_) | SubmitError::Overloaded) => {}
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(RECEIPT_PAUSE_MAX),
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}
