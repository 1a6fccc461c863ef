//! The events for one client: numbered, bounded in count and bytes, and kept for a while after sending so
//! that a dropped socket can be resumed. Client API §9.4.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use causeway_kernel::rows::id::{Id, UserNo};
use tokio::sync::Notify;

use super::frame::EventFrame;

/// Maximum frames waiting for a client; beyond it the client is too slow and its line ends.
pub const FRAMES_WAITING_MAX: usize = 256;
/// Maximum bytes of waiting frames; likewise.
pub const WAITING_BYTES_MAX: usize = 2 << 20;
/// Frames kept after they were sent, for a client that lost its socket.
pub const FRAMES_SENT_KEPT: usize = 128;
/// Bytes of the frames that are kept after they were sent.
pub const SENT_BYTES_KEPT: usize = 256 * 1024;
/// How long a line without a client is kept.
const RESUME_TIME: Duration = Duration::from_secs(120);

/// Why a line ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The client reads more slowly than events come.
    TooSlow,
    /// Another socket took over the line.
    Replaced,
    /// The session or the account ended.
    SessionEnded,
    /// The service is stopping.
    ServiceEnds,
}

/// The events for one client, over one socket or several in succession.
pub struct Line {
    /// `connection_id`.
    pub id: String,
    /// Its user.
    pub user: UserNo,
    state: Mutex<State>,
    wake: Notify,
}

struct State {
    /// The session of the last socket.
    session: Id,
    /// Frames by ascending number; `first` is the number of the first one.
    frames: VecDeque<EventFrame>,
    first: u64,
    /// Number of the next frame to send.
    next: u64,
    waiting_bytes: usize,
    sent_bytes: usize,
    /// Number of the socket that reads the line; each new one gets a higher number.
    socket: u64,
    detached_at: Option<Instant>,
    ended: Option<Ending>,
}

/// Result of reading a line.
pub enum Next {
    /// A frame and its number.
    Frame(EventFrame, u64),
    /// The line is over for this socket.
    Ended(Ending),
}

impl Line {
    /// Creates a line that starts with a frame; returns it with the number of the socket that reads it.
    pub(super) fn new(id: String, user: UserNo, session: Id, hello: EventFrame) -> (Line, u64) {
        let state = State {
            session,
            waiting_bytes: hello.bytes(),
            frames: VecDeque::from([hello]),
            first: 0,
            next: 0,
            sent_bytes: 0,
            socket: 1,
            detached_at: None,
            ended: None,
        };
        let line = Line {
            id,
            user,
            state: Mutex::new(state),
            wake: Notify::new(),
        };
        (line, 1)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every critical section leaves the state consistent, so a poisoned lock is still usable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands the line to another socket, of this session, which has everything before `sequence`. Returns the
    /// socket's number, or `None` if frames from there on are missing.
    pub(super) fn resume(&self, session: Id, sequence: u64) -> Option<u64> {
        let mut state = self.lock();
        if state.ended.is_some() || sequence < state.first || sequence > state.end() {
            return None;
        }
        state.session = session;
        state.go_to(sequence);
        state.socket += 1;
        state.detached_at = None;
        let socket = state.socket;
        drop(state);
        // A socket that still reads the line finds out that it was replaced.
        self.wake();
        Some(socket)
    }

    /// Appends a frame; ends the line if its client is too slow.
    pub(super) fn push(&self, frame: EventFrame) {
        let mut state = self.lock();
        if state.ended.is_some() {
            return;
        }
        state.waiting_bytes += frame.bytes();
        state.frames.push_back(frame);
        let waiting = state.end() - state.next;
        if waiting > FRAMES_WAITING_MAX as u64 || state.waiting_bytes > WAITING_BYTES_MAX {
            state.end_with(Ending::TooSlow);
        }
        drop(state);
        self.wake.notify_one();
    }

    /// Returns what this socket sends next, waiting until there is something. Cancel safe.
    pub async fn next(&self, socket: u64) -> Next {
        loop {
            let woken = self.wake.notified();
            if let Some(next) = self.try_next(socket) {
                return next;
            }
            woken.await;
        }
    }

    /// What this socket sends next, if anything.
    pub fn try_next(&self, socket: u64) -> Option<Next> {
        let mut state = self.lock();
        if let Some(ending) = state.ended {
            return Some(Next::Ended(ending));
        }
        if state.socket != socket {
            return Some(Next::Ended(Ending::Replaced));
        }
        let at = usize::try_from(state.next - state.first).ok()?;
        let frame = state.frames.get(at).cloned()?;
        let number = state.next;
        state.next += 1;
        state.waiting_bytes -= frame.bytes();
        state.sent_bytes += frame.bytes();
        state.forget(FRAMES_SENT_KEPT, SENT_BYTES_KEPT);
        Some(Next::Frame(frame, number))
    }

    /// The socket has closed; the line waits for its client, unless another socket has taken over.
    pub(super) fn detach(&self, socket: u64) {
        let mut state = self.lock();
        if state.socket == socket {
            state.detached_at = Some(Instant::now());
        }
    }

    /// Ends the line.
    pub(super) fn end(&self, ending: Ending) {
        self.lock().end_with(ending);
        self.wake();
    }

    fn wake(&self) {
        self.wake.notify_waiters();
        self.wake.notify_one();
    }

    /// Drops frames already sent.
    pub(super) fn forget_sent(&self) {
        self.lock().forget(0, 0);
    }

    /// The session of the last socket.
    pub(super) fn session(&self) -> Id {
        self.lock().session
    }

    /// When the last socket closed, if none reads the line.
    pub(super) fn detached_at(&self) -> Option<Instant> {
        self.lock().detached_at
    }

    /// Whether the line can be dropped: it ended, or its client did not come back.
    pub(super) fn is_over(&self) -> bool {
        let state = self.lock();
        let left = state
            .detached_at
            .is_some_and(|since| since.elapsed() > RESUME_TIME);
        left || state.ended.is_some()
    }

    /// Bytes of the frames that wait.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.lock().waiting_bytes
    }

    /// Bytes of all frames.
    pub(super) fn bytes(&self) -> usize {
        let state = self.lock();
        state.waiting_bytes + state.sent_bytes
    }
}

impl State {
    /// Number after that of the last frame.
    fn end(&self) -> u64 {
        self.first + self.frames.len() as u64
    }

    /// Marks frames from this number on as waiting, and those before it as sent.
    fn go_to(&mut self, number: u64) {
        let sent = usize::try_from(number - self.first).unwrap_or(usize::MAX);
        let bytes =
            |frames: &mut dyn Iterator<Item = &EventFrame>| frames.map(EventFrame::bytes).sum();
        self.next = number;
        self.sent_bytes = bytes(&mut self.frames.iter().take(sent));
        self.waiting_bytes = bytes(&mut self.frames.iter().skip(sent));
    }

    /// Drops the oldest sent frames beyond a count or a number of bytes.
    fn forget(&mut self, frames_max: usize, bytes_max: usize) {
        while self.next - self.first > frames_max as u64 || self.sent_bytes > bytes_max {
            let Some(frame) = self.frames.pop_front() else {
                return;
            };
            self.sent_bytes -= frame.bytes();
            self.first += 1;
        }
    }

    fn end_with(&mut self, ending: Ending) {
        self.ended.get_or_insert(ending);
        // Freed now, as the socket may take a while to notice.
        self.first = self.end();
        self.next = self.first;
        self.frames.clear();
        (self.waiting_bytes, self.sent_bytes) = (0, 0);
    }
}
