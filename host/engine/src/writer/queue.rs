//! What waits for the writer, by class, so that nobody who floods one class starves the others.
//! The order in which the writer takes them is free: the journal records it.

use std::collections::{BTreeMap, VecDeque};

use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::Reply;
use causeway_kernel::rows::id::ConnectionNo;

use crate::SubmitError;
use crate::policy::PolicyChain;

/// Local users' acts that may wait; one more is refused.
pub const LOCAL_MAX: usize = 4_096;
/// Receipts and pings that may wait; one more is refused. There is one in flight a connection.
pub const RECEIPTS_MAX: usize = 4_096;
/// Frames of one connection that may wait; one more is refused, and its peer tries again.
pub const FRAMES_PER_CONNECTION_MAX: usize = 16;

/// Completion callback: told how an input fared, once that is durable.
pub type Completion = Box<dyn FnOnce(Result<Reply, SubmitError>) + Send>;

/// An input that waits.
pub struct Job {
    /// What to carry out.
    pub input: Input,
    /// The policies that are in force from this step on, if it changes them.
    pub chain: Option<Box<dyn PolicyChain>>,
    /// Who waits.
    pub done: Completion,
}

/// The classes.
#[derive(Default)]
pub struct Queue {
    /// The operator's and the engine's own: always first, and few.
    control: VecDeque<Job>,
    receipts: VecDeque<Job>,
    local: VecDeque<Job>,
    frames: BTreeMap<ConnectionNo, VecDeque<Job>>,
    /// Whose frame was taken last.
    last_peer: u64,
    turn: u8,
}

impl Queue {
    /// Adds an input.
    ///
    /// # Errors
    /// Gives it back when too many of its class wait already.
    pub fn push(&mut self, job: Job) -> Result<(), Box<Job>> {
        let (queue, max) = match &job.input {
            Input::Command { .. } => (&mut self.local, LOCAL_MAX),
            Input::Frame { connection, .. } => {
                let queue = self.frames.entry(*connection).or_default();
                (queue, FRAMES_PER_CONNECTION_MAX)
            }
            Input::Receipt(_) | Input::Ping { .. } => (&mut self.receipts, RECEIPTS_MAX),
            _ => (&mut self.control, usize::MAX),
        };
        if queue.len() >= max {
            return Err(Box::new(job));
        }
        queue.push_back(job);
        Ok(())
    }

    /// The next input: the classes take turns, and within the frames the connections do.
    pub fn pop(&mut self) -> Option<Job> {
        if let Some(job) = self.control.pop_front() {
            return Some(job);
        }
        for _ in 0..3 {
            self.turn = (self.turn + 1) % 3;
            let job = match self.turn {
                0 => self.receipts.pop_front(),
                1 => self.local.pop_front(),
                _ => self.pop_frame(),
            };
            if job.is_some() {
                return job;
            }
        }
        None
    }

    fn pop_frame(&mut self) -> Option<Job> {
        let after = ConnectionNo(self.last_peer.saturating_add(1));
        let next = self.frames.range(after..).next();
        let peer = *next.or_else(|| self.frames.iter().next())?.0;
        let queue = self.frames.get_mut(&peer)?;
        let job = queue.pop_front();
        if queue.is_empty() {
            self.frames.remove(&peer);
        }
        self.last_peer = peer.0;
        job
    }

    /// How many inputs wait.
    #[must_use]
    pub fn len(&self) -> usize {
        let frames: usize = self.frames.values().map(VecDeque::len).sum();
        self.control.len() + self.receipts.len() + self.local.len() + frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use causeway_kernel::boundary::input::Actor;
    use causeway_kernel::command::{Command, Configure};
    use causeway_kernel::model::Config;

    fn job(input: Input) -> Job {
        Job {
            input,
            chain: None,
            done: Box::new(|_| {}),
        }
    }

    fn frame(connection: u64) -> Job {
        job(Input::Frame {
            connection: ConnectionNo(connection),
            body: Vec::new(),
            skip: Vec::new(),
        })
    }

    fn command() -> Job {
        job(Input::Command {
            actor: Actor::System,
            key: None,
            command: Command::Configure(Configure {
                site_url: String::new(),
                config: Config::default(),
            }),
        })
    }

    fn names(queue: &mut Queue) -> Vec<String> {
        let name = |job: Job| match job.input {
            Input::Frame { connection, .. } => format!("frame {}", connection.0),
            Input::Command { .. } => "command".to_string(),
            _ => "control".to_string(),
        };
        std::iter::from_fn(|| queue.pop()).map(name).collect()
    }

    #[test]
    fn a_flooding_peer_starves_neither_users_nor_other_peers() {
        let mut queue = Queue::default();
        for _ in 0..FRAMES_PER_CONNECTION_MAX {
            assert!(queue.push(frame(1)).is_ok());
        }
        assert!(queue.push(frame(1)).is_err());
        assert!(queue.push(frame(2)).is_ok());
        assert!(queue.push(command()).is_ok());
        assert!(queue.push(job(Input::Timer)).is_ok());
        assert_eq!(queue.len(), FRAMES_PER_CONNECTION_MAX + 3);
        let order = names(&mut queue);
        let at = |name: &str| order.iter().position(|it| it == name);
        assert_eq!(at("control"), Some(0));
        assert!(at("command") <= Some(3), "{order:?}");
        assert!(at("frame 2") <= Some(4), "{order:?}");
        assert_eq!(queue.len(), 0);
    }
}
