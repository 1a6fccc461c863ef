//! Who a request turns out to be from, for the layers around its handler.

use std::sync::{Arc, OnceLock};

use axum::http::Extensions;
use causeway_kernel::rows::id::{ConnectionNo, UserNo};

use super::connections::Slot;

/// Somebody who is known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// A user with a session.
    User(UserNo),
    /// A connected workspace.
    Peer(ConnectionNo),
}

/// An extension of every request; whoever checks the request's credential says whose it is.
#[derive(Clone, Debug, Default)]
pub struct Visitor(Arc<OnceLock<Who>>);

impl Visitor {
    /// Says who the request with these extensions is from.
    pub fn introduce(extensions: &Extensions, who: Who) {
        if let Some(visitor) = extensions.get::<Visitor>() {
            // A request has one credential; a second look finds the same.
            let _ = visitor.0.set(who);
        }
        if let Some(slot) = extensions.get::<Arc<Slot>>() {
            slot.know(who);
        }
    }

    /// Who it is; `None` for a stranger, and before the credential was checked.
    #[must_use]
    pub fn who(&self) -> Option<Who> {
        self.0.get().copied()
    }
}
