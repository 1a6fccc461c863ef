//! Two hosts with one identity: a copy of a workspace is started on another host, and the original
//! continues. Both call all peers; the network chooses which of them is reached at their address.

use super::{Event, World};
use crate::dice::Dice;
use crate::oracle::{Mark, Violation};
use crate::plan::{Host, Reached};

/// A running copy.
pub(super) struct Copy {
    of: usize,
    reached: Reached,
    stays: Host,
    /// The state of the oracle when the copy was made.
    mark: Option<Mark>,
}

impl Copy {
    pub(super) fn new(of: usize, reached: Reached, stays: Host) -> Copy {
        Copy {
            of,
            reached,
            stays,
            mark: None,
        }
    }
}

impl World<'_> {
    /// Whether a copy of a node is running.
    pub(super) fn is_cloned(&self, node: usize) -> bool {
        self.copy.as_ref().is_some_and(|copy| copy.of == node)
    }

    /// Whether there is a backup from which to create a host, and a free number for it: other servers have
    /// the numbers after the nodes.
    pub(super) fn may_clone(&self, node: usize) -> bool {
        let is_alone = self.plan.seats() == self.plan.nodes;
        is_alone && self.copy.is_none() && self.backups.contains_key(&node)
    }

    /// The host that is reached at the address of a node.
    pub(super) fn host(&mut self, node: usize) -> usize {
        let Some(copy) = self.copy.as_ref().filter(|copy| copy.of == node) else {
            return node;
        };
        let is_original = match copy.reached {
            Reached::Always(host) => host == Host::Original,
            Reached::Either => self.network.chance(500),
        };
        if is_original {
            node
        } else {
            self.nodes.len() - 1
        }
    }

    /// Creates a host from the backup of a node.
    pub(super) fn clone_node(&mut self, node: usize, mut copy: Copy, for_ms: i64) {
        let backup = self.backups.get(&node).cloned();
        let Some((backup, mark)) = backup.filter(|_| self.may_clone(node)) else {
            return;
        };
        let no = self.nodes.len();
        let kernel = (self.make_kernel)(self.nodes[node].release());
        let born = format!("a copy of node {node} after {} steps", self.steps);
        let seeds = Dice::new(self.plan.seed, &born);
        let machine = self.nodes[node].copy(no, seeds, kernel, &backup);
        self.nodes.push(machine);
        self.crash_points.push(0);
        self.oracle.cloned(node, no, &mark);
        self.forget_delivered(node);
        let reached = match copy.reached {
            Reached::Always(Host::Original) => "it is not reached",
            Reached::Always(Host::Copy) => "it is reached instead",
            Reached::Either => "now one is reached, now the other",
        };
        let name = self.nodes[node].name();
        self.tell(format!(
            "A copy of {name} goes on beside it for {for_ms} ms; {reached}."
        ));
        copy.mark = Some(mark);
        self.copy = Some(copy);
        self.agenda.at(self.now_ms, Event::Start(no));
        self.agenda.at(self.now_ms + for_ms, Event::CopyEnds);
    }

    /// One of two hosts ends, and the other one continues alone.
    pub(super) fn copy_ends(&mut self) -> Result<(), Violation> {
        let Some(copy) = self.copy.take() else {
            return Ok(());
        };
        let (node, no) = (copy.of, self.nodes.len() - 1);
        let ends = match copy.stays {
            Host::Original => no,
            Host::Copy => node,
        };
        if self.nodes[ends].is_running {
            self.die(ends, "for good", 0)?;
        }
        self.agenda.change(|event| event.without(ends));
        self.forget_delivered(node);
        self.forget_delivered(no);
        if let (Host::Copy, Some(mark)) = (copy.stays, &copy.mark) {
            self.put_in_place(node, no);
            self.oracle.copy_takes_over(node, no, mark);
        } else {
            self.oracle.copy_ended(node, no);
        }
        self.nodes.truncate(no);
        self.crash_points.truncate(no);
        let name = self.nodes[node].name();
        let what = match copy.stays {
            Host::Original => "the copy is gone",
            Host::Copy => "it is the copy that goes on under this name",
        };
        self.tell(format!("{name} is one again: {what}."));
        Ok(())
    }

    /// The copy gets the number of the original, which has ended.
    fn put_in_place(&mut self, node: usize, no: usize) {
        self.nodes.swap(node, no);
        let (nodes, original) = self.nodes.split_at_mut(no);
        nodes[node].take_over(&original[0]);
        // A backup of the original is not one of the copy.
        self.backups.remove(&node);
        self.agenda.change(|event| Some(event.renumbered(no, node)));
        for call in self.calls.values_mut().filter(|call| call.from == no) {
            call.from = node;
        }
        let pings = std::mem::take(&mut self.pinging).into_iter();
        self.pinging = pings
            .map(|((from, to), again)| ((if from == no { node } else { from }, to), again))
            .collect();
    }
}

impl Event {
    /// The node at which it happens, if any.
    fn node_mut(&mut self) -> Option<&mut usize> {
        match self {
            Event::Again(request) => Some(&mut request.node),
            Event::Synced(node, _)
            | Event::Wake(node, _)
            | Event::PingRound(node, _)
            | Event::Unreported(node, ..)
            | Event::Start(node) => Some(node),
            Event::Planned(_)
            | Event::Arrives(..)
            | Event::Ends(..)
            | Event::CopyEnds
            | Event::Probe
            | Event::Foreign(..)
            | Event::Heal => None,
        }
    }

    /// The event, unless it happens at this node.
    fn without(mut self, node: usize) -> Option<Event> {
        let is_there = self.node_mut().is_some_and(|of| *of == node);
        (!is_there).then_some(self)
    }

    fn renumbered(mut self, from: usize, to: usize) -> Event {
        if let Some(node) = self.node_mut().filter(|node| **node == from) {
            *node = to;
        }
        self
    }
}
