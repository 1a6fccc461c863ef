//! Who sent a request, for the layers around its handler.

use std::sync::{Arc, OnceLock};

use axum::http::Extensions;
use causeway_kernel::rows::id::{ConnectionNo, UserNo};

use super::connections::Slot;

/// An authenticated client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// A user with a session.
    User(UserNo),
    /// A connected workspace.
    Peer(ConnectionNo),
}

/// An extension of every request, set by the code that checks the request's credential.
#[derive(Clone, Debug, Default)]
pub struct Visitor(Arc<OnceLock<Who>>);

impl Visitor {
    /// Records who sent the request with these extensions.
    pub fn introduce(extensions: &Extensions, who: Who) {
        if let Some(visitor) = extensions.get::<Visitor>() {
            // A request has one credential; checking it again gives the same.
            let _ = visitor.0.set(who);
        }
        if let Some(slot) = extensions.get::<Arc<Slot>>() {
            slot.know(who);
        }
    }

    /// The sender; `None` for a stranger, and before the credential was checked.
    #[must_use]
    pub fn who(&self) -> Option<Who> {
        self.0.get().copied()
    }
}
