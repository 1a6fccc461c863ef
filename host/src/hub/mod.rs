//! The lines to local clients, and how many bytes they hold: each, those of a user, and all.
//! Client API §9.4.

mod frame;
mod line;
#[cfg(test)]
mod tests;

pub use frame::Frame;
pub use line::{Ending, Line, Next};

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use causeway_kernel::rows::id::{Id, UserNo};
use frame::HeldBytes;

use crate::http::random_id;

/// Lines in all; a further socket is refused.
const LINES_MAX: usize = 10_000;
/// Lines of one user that a socket reads; a further socket is refused.
pub const LINES_PER_USER_MAX: usize = 64;
/// Lines of one user that wait for their client to come back; the oldest goes when one more does.
pub const DETACHED_PER_USER_MAX: usize = 8;
/// Bytes of the frames of one user's lines, shared texts counted in each.
pub const USER_BYTES_MAX: usize = 8 << 20;
/// Bytes of the frames of all lines, shared texts counted once.
pub const BYTES_MAX: usize = 32 << 20;

/// Every line of the service.
#[derive(Default)]
pub struct Hub {
    lines: Mutex<BTreeMap<String, Arc<Line>>>,
    held: HeldBytes,
}

/// A user while an event is published.
struct Reader {
    frame: Option<Frame>,
    bytes: usize,
}

impl Hub {
    /// A text for frames; it counts as held until the last line has dropped it.
    #[must_use]
    pub fn hold(&self, text: String) -> Bytes {
        self.held.hold(text)
    }

    /// A new line, which begins with `hello` (made from its id), and the number of its socket;
    /// `None` beyond the limits.
    pub fn open(
        &self,
        user: UserNo,
        session: Id,
        hello: impl FnOnce(&str) -> String,
    ) -> Option<(Arc<Line>, u64)> {
        let mut lines = self.lock();
        lines.retain(|_, line| !line.is_over());
        let read = lines
            .values()
            .filter(|line| line.user == user && line.detached_at().is_none());
        if lines.len() >= LINES_MAX || read.count() >= LINES_PER_USER_MAX {
            return None;
        }
        let id = random_id().to_string();
        let hello = Frame {
            shared: Bytes::new(),
            own: self.hold(hello(&id)),
        };
        let (line, socket) = Line::new(id.clone(), user, session, hello);
        let line = Arc::new(line);
        lines.insert(id, Arc::clone(&line));
        Some((line, socket))
    }

    /// The line that a client lost, if it is still here and holds everything from `sequence` on. It
    /// belongs to the new socket's session from now on.
    pub fn resume(
        &self,
        id: &str,
        user: UserNo,
        session: Id,
        sequence: u64,
    ) -> Option<(Arc<Line>, u64)> {
        let line = self.lock().get(id).cloned()?;
        if line.user != user {
            return None;
        }
        let socket = line.resume(session, sequence)?;
        Some((line, socket))
    }

    /// The socket of a line is gone.
    pub fn detach(&self, line: &Line, socket: u64) {
        line.detach(socket);
        let mut lines = self.lock();
        let mut waiting: Vec<_> = lines
            .values()
            .filter(|other| other.user == line.user)
            .filter_map(|other| Some((Reverse(other.detached_at()?), other.id.clone())))
            .collect();
        waiting.sort_unstable();
        for (_, id) in waiting.into_iter().skip(DETACHED_PER_USER_MAX) {
            lines.remove(&id);
        }
        lines.retain(|_, line| !line.is_over());
    }

    /// Gives an event to every line whose user hears of it; `frame` is asked once for each user.
    pub fn publish(&self, mut frame: impl FnMut(UserNo) -> Option<Frame>) {
        let lines: Vec<Arc<Line>> = self.lock().values().cloned().collect();
        let mut readers: BTreeMap<UserNo, Reader> = BTreeMap::new();
        for line in &lines {
            let reader = readers.entry(line.user).or_insert_with(|| Reader {
                frame: frame(line.user),
                bytes: 0,
            });
            if let Some(frame) = &reader.frame {
                line.push(frame.clone());
            }
            reader.bytes += line.bytes();
        }
        readers.retain(|_, reader| reader.bytes > USER_BYTES_MAX);
        for user in readers.into_keys() {
            let own: Vec<_> = lines.iter().filter(|line| line.user == user).collect();
            let bytes = || own.iter().map(|line| line.bytes()).sum::<usize>();
            relieve(&own, || bytes() > USER_BYTES_MAX);
        }
        if self.held.get() > BYTES_MAX {
            let all: Vec<_> = lines.iter().collect();
            relieve(&all, || self.held.get() > BYTES_MAX);
        }
        let slow = lines.iter().filter(|line| line.is_over()).count();
        if slow > 0 {
            tracing::info!(lines = slow, "dropped clients that read too slowly or left");
            self.sweep();
        }
    }

    /// Whether anybody listens at all.
    pub fn is_idle(&self) -> bool {
        self.lock().is_empty()
    }

    /// Lines, those that wait for their client to come back included.
    pub fn lines(&self) -> usize {
        self.lock().len()
    }

    /// Bytes of the frames of all lines, shared texts counted once.
    pub fn held_bytes(&self) -> usize {
        self.held.get()
    }

    /// Ends the lines of a session.
    pub fn close_session(&self, session: Id) {
        self.end(Ending::SessionEnded, |line| line.session() == session);
    }

    /// Ends the lines of a user, but for those of the session that is kept.
    pub fn close_user(&self, user: UserNo, keep: Option<Id>) {
        self.end(Ending::SessionEnded, |line| {
            line.user == user && Some(line.session()) != keep
        });
    }

    /// Ends every line.
    pub fn close_all(&self) {
        self.end(Ending::ServiceEnds, |_| true);
    }

    fn end(&self, ending: Ending, which: impl Fn(&Line) -> bool) {
        self.lock().retain(|_, line| {
            let ends = which(line);
            if ends {
                line.end(ending);
            }
            !ends
        });
    }

    /// Drops lines whose client did not come back.
    pub fn sweep(&self) {
        self.lock().retain(|_, line| !line.is_over());
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Line>>> {
        // Every critical section leaves the map whole, so a poisoned lock is still good.
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets go of what was sent already, and then of the lines that are furthest behind, while there is
/// an excess.
fn relieve(lines: &[&Arc<Line>], is_excess: impl Fn() -> bool) {
    for line in lines {
        line.forget_sent();
    }
    let mut lines = lines.to_vec();
    lines.sort_by_key(|line| Reverse(line.waiting_bytes()));
    for line in lines {
        if !is_excess() {
            return;
        }
        line.end(Ending::TooSlow);
    }
}
