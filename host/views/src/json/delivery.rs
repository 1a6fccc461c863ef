//! How posts stand at the workspaces that their channel is shared with. Not part of Mattermost's API; see
//! `docs/admin-api.md`.

use causeway_kernel::model::{ExceptionState, File, FileDebt, FileStanding, PictureDebt, Post};
use causeway_kernel::outbound::delivery::{Change, Delivery, Peer, Standing, Undelivered};
use causeway_kernel::rows::id::{FileNo, PostNo};
use causeway_kernel::rows::tx::Read;
use serde::Serialize;

use super::Views;

/// A post, and how it stands at the peers of its channel.
#[derive(Serialize)]
pub struct PostDeliveryView<'a> {
    post_id: String,
    channel_id: String,
    create_at: i64,
    edit_at: i64,
    delete_at: i64,
    /// Whether no workspace is to get anything of it any more.
    is_delivered: bool,
    workspaces: Vec<DeliveryView<'a>>,
}

/// How a post stands at a peer.
#[derive(Serialize)]
struct DeliveryView<'a> {
    remote_id: &'a str,
    name: &'a str,
    display_name: &'a str,
    is_online: bool,
    last_ping_at: i64,
    state: &'static str,
    pending: &'static str,
    may_hold_earlier_version: bool,
    reason: &'a str,
    attempts: u32,
    retry_at: i64,
    files: Vec<FileDeliveryView<'a>>,
}

/// A file that a peer is still to get, or does not take.
#[derive(Serialize)]
struct FileDeliveryView<'a> {
    file_id: String,
    name: String,
    state: &'static str,
    attempts: u32,
    reason: &'a str,
    retry_at: i64,
}

/// Posts of an author that are not yet everywhere.
#[derive(Serialize)]
pub struct UndeliveredView<'a> {
    posts: Vec<PostDeliveryView<'a>>,
    has_more: bool,
}

impl<R: Read + ?Sized> Views<'_, R> {
    /// A post, and how it stands at the peers of its channel.
    pub fn post_delivery<'a>(
        &self,
        (no, post): (PostNo, &Post),
        stands: impl Iterator<Item = (&'a Peer, &'a Delivery)>,
    ) -> PostDeliveryView<'a> {
        let mut is_delivered = true;
        let mut workspaces = Vec::new();
        for (peer, delivery) in stands {
            is_delivered &= !delivery.is_outstanding();
            workspaces.push(self.delivery(peer, delivery));
        }
        PostDeliveryView {
            post_id: self.post_id(no),
            channel_id: self.channel_id(post.channel),
            create_at: post.create_at,
            edit_at: post.edit_at,
            delete_at: post.delete_at,
            is_delivered,
            workspaces,
        }
    }

    /// Posts of an author that are not yet everywhere, each with the peers that are still to get something of it.
    pub fn undelivered<'a>(
        &self,
        found: &'a Undelivered,
        peers: &'a [Peer],
    ) -> UndeliveredView<'a> {
        let posts = found.posts.iter().map(|(no, post, deliveries)| {
            let stands = peers.iter().zip(deliveries);
            self.post_delivery((*no, post), stands.filter(|(_, it)| it.is_outstanding()))
        });
        UndeliveredView {
            posts: posts.collect(),
            has_more: found.has_more,
        }
    }

    fn delivery<'a>(&self, peer: &'a Peer, delivery: &'a Delivery) -> DeliveryView<'a> {
        let (state, attempts, reason, retry_at) = match &delivery.standing {
            Standing::Delivered => ("delivered", 0, "", 0),
            Standing::Origin => ("origin", 0, "", 0),
            Standing::NotSent(why) => ("not_sent", 0, why.reason(), 0),
            Standing::Sending => ("sending", 0, "", 0),
            Standing::Waiting(wait) => ("waiting", 0, wait.reason(), wait.retry_at()),
            Standing::Excepted(row) => {
                let (state, attempts) = exception_state(&row.state);
                (state, attempts, row.reason.as_str(), row.retry_at)
            }
        };
        let files = delivery.files.iter();
        DeliveryView {
            remote_id: peer.connection.remote_id.as_str(),
            name: &peer.connection.name,
            display_name: &peer.connection.display_name,
            is_online: peer.is_online,
            last_ping_at: peer.connection.last_ping_at,
            state,
            pending: match delivery.pending {
                None => "",
                Some(Change::Post) => "post",
                Some(Change::Edit) => "edit",
                Some(Change::Deletion) => "deletion",
            },
            may_hold_earlier_version: delivery.may_hold_earlier,
            reason,
            attempts,
            retry_at,
            files: files
                .filter_map(|(no, debt)| self.file_delivery(*no, debt))
                .collect(),
        }
    }

    fn file_delivery<'a>(&self, no: FileNo, debt: &'a FileDebt) -> Option<FileDeliveryView<'a>> {
        let file = self.rows.get::<File>(&no)?;
        Some(FileDeliveryView {
            file_id: file.id.into(),
            name: file.name,
            state: file_state(debt),
            attempts: debt.failures,
            reason: &debt.reason,
            retry_at: debt.retry_at,
        })
    }
}

/// The state of an item whose turn has passed, and how often its peer refused it.
#[must_use]
pub fn exception_state(state: &ExceptionState) -> (&'static str, u32) {
    match state {
        ExceptionState::Held | ExceptionState::Outdated => ("held", 0),
        ExceptionState::Denied => ("denied", 0),
        ExceptionState::Refused(attempts) => ("refused", *attempts),
        ExceptionState::Dead => ("dead", 0),
    }
}

/// The state of a picture that a peer does not have.
#[must_use]
pub fn picture_state(debt: &PictureDebt) -> &'static str {
    match (debt.refusals, debt.failures) {
        (0, 0) => "waiting",
        (0, _) => "interrupted",
        _ if debt.retry_at == 0 => "dead",
        _ => "refused",
    }
}

/// The state of a file that a peer is still to get.
#[must_use]
pub fn file_state(debt: &FileDebt) -> &'static str {
    match debt.standing {
        FileStanding::Denied => "denied",
        FileStanding::Held => "held",
        FileStanding::Expected | FileStanding::Late | FileStanding::Released => {
            match debt.retry_at {
                0 => "dead",
                _ if debt.refusals > 0 => "refused",
                _ if debt.failures > 0 => "interrupted",
                _ => "waiting",
            }
        }
    }
}
