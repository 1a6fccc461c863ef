//! The lines to local clients: numbered frames, kept a while so that a cut line can be resumed,
//! and never more of them than the limits. Client API §9.4.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use causeway_kernel::rows::id::{Id, UserNo};
use tokio::sync::Notify;

use crate::http::random_id;

/// Frames that wait for a client; one more and the client is too slow: its line is dropped.
pub const FRAMES_WAITING_MAX: usize = 256;
/// Frames kept after they were sent, for a client that lost its line.
const FRAMES_SENT_KEPT: usize = 128;
/// How long a line without a client is kept.
const RESUME_TIME: Duration = Duration::from_secs(120);
/// Lines in all; a further socket is refused.
const LINES_MAX: usize = 10_000;
/// Lines of one user; a further socket is refused.
const LINES_PER_USER_MAX: usize = 64;

/// An event without its number: JSON text up to and including `broadcast`, without the closing
/// brace.
pub type Frame = Arc<str>;

/// Every line of the service.
#[derive(Default)]
pub struct Hub {
    lines: Mutex<BTreeMap<String, Arc<Line>>>,
}

/// The events for one client, over one socket or over several that follow each other.
pub struct Line {
    /// `connection_id`.
    pub id: String,
    /// Whose.
    pub user: UserNo,
    state: Mutex<LineState>,
    wake: Notify,
}

struct LineState {
    /// The session of the socket that reads the line, or read it last.
    session: Id,
    /// Frames by rising number, the first one has the number `first`.
    frames: VecDeque<Frame>,
    first: u64,
    /// Number of the next frame to send.
    next: u64,
    /// Which socket reads the line; rises with every one.
    socket: u64,
    detached_at: Option<Instant>,
    closed: bool,
}

/// What a socket gets from its line.
pub enum Next {
    /// A frame and its number.
    Frame(Frame, u64),
    /// The line is over: too slow, another socket took it, the session ended, or the service ends.
    Closed,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every critical section leaves the state whole, so a poisoned lock is still good.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hub {
    /// A new line, which begins with `hello` (made from its id); `None` beyond the limits.
    pub fn open(
        &self,
        user: UserNo,
        session: Id,
        hello: impl FnOnce(&str) -> Frame,
    ) -> Option<(Arc<Line>, u64)> {
        let mut lines = lock(&self.lines);
        lines.retain(|_, line| !line.is_stale());
        let own = lines.values().filter(|line| line.user == user).count();
        if lines.len() >= LINES_MAX || own >= LINES_PER_USER_MAX {
            return None;
        }
        let id = random_id().to_string();
        let state = LineState {
            session,
            frames: VecDeque::from([hello(&id)]),
            first: 0,
            next: 0,
            socket: 1,
            detached_at: None,
            closed: false,
        };
        let line = Arc::new(Line {
            id: id.clone(),
            user,
            state: Mutex::new(state),
            wake: Notify::new(),
        });
        lines.insert(id, Arc::clone(&line));
        Some((line, 1))
    }

    /// The line that a client lost, if it is still here and holds everything from `sequence` on. It
    /// belongs to the client's present session from now on.
    pub fn resume(
        &self,
        id: &str,
        user: UserNo,
        session: Id,
        sequence: u64,
    ) -> Option<(Arc<Line>, u64)> {
        let line = lock(&self.lines).get(id).cloned()?;
        let mut state = lock(&line.state);
        let end = state.first + state.frames.len() as u64;
        if line.user != user || state.closed || sequence < state.first || sequence > end {
            return None;
        }
        state.next = sequence;
        state.session = session;
        state.socket += 1;
        state.detached_at = None;
        let socket = state.socket;
        drop(state);
        // A socket that still reads the line learns that it was replaced.
        line.wake.notify_waiters();
        line.wake.notify_one();
        Some((line, socket))
    }

    /// Gives an event to every line whose user hears of it; `frame` is asked once for each user.
    pub fn publish(&self, mut frame: impl FnMut(UserNo) -> Option<Frame>) {
        let lines: Vec<Arc<Line>> = lock(&self.lines).values().cloned().collect();
        let mut by_user: BTreeMap<UserNo, Option<Frame>> = BTreeMap::new();
        let mut slow = Vec::new();
        for line in lines {
            let found = by_user.entry(line.user).or_insert_with(|| frame(line.user));
            if let Some(found) = found
                && !line.push(Arc::clone(found))
            {
                slow.push(line.id.clone());
            }
        }
        if !slow.is_empty() {
            tracing::info!(lines = slow.len(), "dropped clients that read too slowly");
            lock(&self.lines).retain(|id, _| !slow.contains(id));
        }
    }

    /// Whether anybody listens at all.
    pub fn is_idle(&self) -> bool {
        lock(&self.lines).is_empty()
    }

    /// Lines, those that wait for their client to come back included.
    pub fn lines(&self) -> usize {
        lock(&self.lines).len()
    }

    /// Ends the lines of a session.
    pub fn close_session(&self, session: Id) {
        self.close(|line| line.session() == session);
    }

    /// Ends the lines of a user, but for those of the session that is kept.
    pub fn close_user(&self, user: UserNo, keep: Option<Id>) {
        self.close(|line| line.user == user && Some(line.session()) != keep);
    }

    /// Ends every line.
    pub fn close_all(&self) {
        self.close(|_| true);
    }

    fn close(&self, which: impl Fn(&Line) -> bool) {
        lock(&self.lines).retain(|_, line| {
            if which(line) {
                line.close();
                return false;
            }
            true
        });
    }

    /// Drops lines whose client did not come back.
    pub fn sweep(&self) {
        lock(&self.lines).retain(|_, line| !line.is_stale());
    }
}

impl Line {
    fn session(&self) -> Id {
        lock(&self.state).session
    }

    /// Appends a frame; false when the client is too slow, which ends the line.
    fn push(&self, frame: Frame) -> bool {
        let mut state = lock(&self.state);
        if state.closed {
            return false;
        }
        state.frames.push_back(frame);
        let end = state.first + state.frames.len() as u64;
        let waiting = (end - state.next) as usize;
        if waiting > FRAMES_WAITING_MAX {
            state.closed = true;
        }
        let sent = state.frames.len().saturating_sub(waiting);
        let excess = sent.saturating_sub(FRAMES_SENT_KEPT);
        state.frames.drain(..excess);
        state.first += excess as u64;
        let open = !state.closed;
        drop(state);
        self.wake.notify_one();
        open
    }

    /// What this socket sends next; waits until there is something. May be dropped and called
    /// again without losing anything.
    pub async fn next(&self, socket: u64) -> Next {
        loop {
            let woken = self.wake.notified();
            if let Some(next) = self.try_next(socket) {
                return next;
            }
            woken.await;
        }
    }

    fn try_next(&self, socket: u64) -> Option<Next> {
        let mut state = lock(&self.state);
        if state.closed || state.socket != socket {
            return Some(Next::Closed);
        }
        let at = usize::try_from(state.next - state.first).ok()?;
        let frame = state.frames.get(at).cloned()?;
        let number = state.next;
        state.next += 1;
        Some(Next::Frame(frame, number))
    }

    /// The socket is gone; the line waits for its client, unless another socket has it by now.
    pub fn detach(&self, socket: u64) {
        let mut state = lock(&self.state);
        if state.socket == socket {
            state.detached_at = Some(Instant::now());
        }
    }

    fn close(&self) {
        lock(&self.state).closed = true;
        self.wake.notify_waiters();
        self.wake.notify_one();
    }

    fn is_stale(&self) -> bool {
        let state = lock(&self.state);
        let left = state
            .detached_at
            .is_some_and(|since| since.elapsed() > RESUME_TIME);
        left || state.closed
    }
}

/// The whole text of a frame.
#[must_use]
pub fn numbered(frame: &str, number: u64) -> String {
    format!("{frame},\"seq\":{number}}}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: UserNo = UserNo(1);

    fn hub() -> (Hub, Arc<Line>) {
        let hub = Hub::default();
        let session = random_id();
        let (line, _) = hub.open(USER, session, |_| Arc::from("hello")).unwrap();
        (hub, line)
    }

    async fn read(line: &Line, socket: u64) -> Option<(String, u64)> {
        match line.next(socket).await {
            Next::Frame(frame, number) => Some((frame.to_string(), number)),
            Next::Closed => None,
        }
    }

    #[tokio::test]
    async fn frames_are_numbered_without_gaps_after_filtering() {
        let (hub, line) = hub();
        hub.publish(|user| (user == USER).then(|| Arc::from("a")));
        hub.publish(|_| None);
        hub.publish(|_| Some(Arc::from("b")));
        assert_eq!(read(&line, 1).await, Some(("hello".into(), 0)));
        assert_eq!(read(&line, 1).await, Some(("a".into(), 1)));
        assert_eq!(read(&line, 1).await, Some(("b".into(), 2)));
    }

    #[tokio::test]
    async fn a_cut_line_is_resumed_without_loss() {
        let (hub, line) = hub();
        hub.publish(|_| Some(Arc::from("a")));
        assert_eq!(read(&line, 1).await.unwrap().1, 0);
        assert_eq!(read(&line, 1).await.unwrap().1, 1);
        line.detach(1);
        hub.publish(|_| Some(Arc::from("b")));
        // The client saw `hello` only: number 1 was lost with the line.
        let (again, socket) = hub.resume(&line.id, USER, random_id(), 1).unwrap();
        assert_eq!(read(&again, socket).await, Some(("a".into(), 1)));
        assert_eq!(read(&again, socket).await, Some(("b".into(), 2)));
        assert_eq!(
            read(&line, 1).await,
            None,
            "the older socket has lost the line"
        );
    }

    #[tokio::test]
    async fn nobody_else_resumes_a_line() {
        let (hub, line) = hub();
        assert!(hub.resume(&line.id, UserNo(2), random_id(), 0).is_none());
        assert!(hub.resume(&line.id, USER, random_id(), 9).is_none());
        assert!(hub.resume("other", USER, random_id(), 0).is_none());
    }

    #[tokio::test]
    async fn a_slow_client_loses_its_line() {
        let (hub, line) = hub();
        for _ in 0..=FRAMES_WAITING_MAX {
            hub.publish(|_| Some(Arc::from("x")));
        }
        assert_eq!(hub.lines(), 0);
        assert_eq!(read(&line, 1).await, None);
    }

    #[tokio::test]
    async fn what_was_sent_is_kept_up_to_a_limit() {
        let (hub, line) = hub();
        assert_eq!(read(&line, 1).await.unwrap().1, 0);
        for _ in 0..FRAMES_SENT_KEPT + 10 {
            hub.publish(|_| Some(Arc::from("x")));
            read(&line, 1).await.unwrap();
        }
        assert!(hub.resume(&line.id, USER, random_id(), 5).is_none());
        assert!(hub.resume(&line.id, USER, random_id(), 11).is_some());
    }

    #[tokio::test]
    async fn a_session_that_ends_takes_its_lines_along() {
        let (hub, line) = hub();
        hub.close_session(random_id());
        assert_eq!(hub.lines(), 1);
        hub.close_session(line.session());
        assert_eq!(hub.lines(), 0);
        read(&line, 1).await;
        assert!(read(&line, 1).await.is_none());
    }

    #[tokio::test]
    async fn a_line_ends_with_the_session_that_resumed_it() {
        let (hub, line) = hub();
        let (first, second) = (line.session(), random_id());
        hub.resume(&line.id, USER, second, 0).unwrap();
        hub.close_session(first);
        assert_eq!(hub.lines(), 1);
        hub.close_session(second);
        assert_eq!(hub.lines(), 0);
    }

    #[tokio::test]
    async fn a_user_keeps_the_lines_of_one_session() {
        let (hub, line) = hub();
        hub.open(USER, random_id(), |_| Arc::from("hello")).unwrap();
        hub.open(UserNo(2), random_id(), |_| Arc::from("hello"))
            .unwrap();
        hub.close_user(USER, Some(line.session()));
        assert_eq!(hub.lines(), 2);
        assert!(read(&line, 1).await.is_some());
        hub.close_user(USER, None);
        assert_eq!(hub.lines(), 1);
    }

    #[tokio::test]
    async fn lines_of_a_user_are_limited() {
        let hub = Hub::default();
        for _ in 0..LINES_PER_USER_MAX {
            assert!(
                hub.open(USER, random_id(), |_| Arc::from("hello"))
                    .is_some()
            );
        }
        assert!(
            hub.open(USER, random_id(), |_| Arc::from("hello"))
                .is_none()
        );
        assert!(
            hub.open(UserNo(2), random_id(), |_| Arc::from("hello"))
                .is_some()
        );
    }
}
