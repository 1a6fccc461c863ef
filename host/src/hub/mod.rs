//! The lines to local clients, and their byte limits: per line, per user and in total. Client API §9.4.

mod frame;
mod line;
#[cfg(test)]
mod tests;

pub use frame::EventFrame;
pub use line::{Ending, Line, Next};

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use causeway_kernel::rows::id::{Id, UserNo};
use frame::HeldBytes;

use crate::http::random_id;

/// Maximum lines in total; a further socket is refused.
const LINES_MAX: usize = 10_000;
/// Maximum lines of one user that a socket reads; a further socket is refused.
pub const LINES_PER_USER_MAX: usize = 64;
/// Maximum lines of one user that wait for their client to come back; the oldest is dropped beyond it.
pub const DETACHED_PER_USER_MAX: usize = 8;
/// Maximum bytes of the frames of one user's lines, shared texts counted in each.
pub const USER_BYTES_MAX: usize = 8 << 20;
/// Maximum bytes of the frames of all lines, shared texts counted once.
pub const BYTES_MAX: usize = 32 << 20;

/// All lines of the service.
#[derive(Default)]
pub struct Hub {
    lines: Mutex<BTreeMap<String, Arc<Line>>>,
    held: HeldBytes,
}

/// A user while an event is published.
struct Reader {
    frame: Option<EventFrame>,
    bytes: usize,
}

impl Hub {
    /// Wraps a text for frames; it counts as held until the last line drops it.
    #[must_use]
    pub fn hold(&self, text: String) -> Bytes {
        self.held.hold(text)
    }

    /// Opens a line that starts with `hello` (made from its id); returns it with the number of its socket, or
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
        let hello = EventFrame {
            shared: Bytes::new(),
            own: self.hold(hello(&id)),
        };
        let (line, socket) = Line::new(id.clone(), user, session, hello);
        let line = Arc::new(line);
        lines.insert(id, Arc::clone(&line));
        Some((line, socket))
    }

    /// The line that a client lost, if it still exists and holds everything from `sequence` on. From now on
    /// it belongs to the new socket's session.
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

    /// The socket of a line has closed.
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

    /// Passes an event to every line whose user receives it, except to the line `omitted`; `frame` is called once per
    /// user.
    pub fn publish(
        &self,
        omitted: Option<&str>,
        mut frame: impl FnMut(UserNo) -> Option<EventFrame>,
    ) {
        let mut lines: Vec<Arc<Line>> = self.lock().values().cloned().collect();
        lines.retain(|line| omitted != Some(&*line.id));
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

    /// Whether there are no lines.
    pub fn is_idle(&self) -> bool {
        self.lock().is_empty()
    }

    /// Number of lines, including those that wait for their client to come back.
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

    /// Ends the lines of a user, except those of the session `keep`.
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
        // Every critical section leaves the map consistent, so a poisoned lock is still usable.
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops frames already sent, and then the lines with the most waiting bytes, while there is an excess.
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
