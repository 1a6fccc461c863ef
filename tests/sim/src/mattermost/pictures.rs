//! Profile pictures at such a server. Semantics §3.8.
//!
//! A real server sends a picture at the end of the next round of a channel; this one sends it at once, and like the
//! real one does not send it again by itself if that fails (W7).

use causeway_kernel::rows::id::Id;

use super::Server;

impl Server {
    /// A local user has another picture. The peer gets it if it was sent the profile.
    pub(crate) fn set_picture(&mut self, user: Id, digest: String) {
        self.rows.pictures.insert(user, digest.clone());
        let is_sent = self.rows.synced.keys().any(|(of, _)| *of == user);
        if is_sent && !self.shared().is_empty() {
            self.out_picture = Some((user, digest));
        }
    }

    /// The peer sends a picture; whether it is taken.
    pub fn take_picture(&mut self, user: Id, digest: &str) -> bool {
        let row = self.rows.users.get(&user);
        let is_theirs = row.is_some_and(|row| row.is_remote);
        if is_theirs {
            self.rows.pictures.insert(user, digest.to_string());
        }
        is_theirs
    }
}
