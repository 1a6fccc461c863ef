//! Files between workspaces. In the end every post has the files that it has at its origin, in the same order, unless
//! one had to wait for the policies, and with the same bytes (I1). No bytes are there that the origin never had (I5), none go back to where they
//! came from (I4), none go to anyone who is not invited (I6), and a connection has one file in flight (I12).
//!
//! A post may lack a file that a policy denied on its way, one that its origin's server could not send, that nobody posted within a day, that a
//! restore of a Mattermost-like server took, or that came to a server of 2021 after its post; and one that its
//! origin had put into another post before it was restored, which has it at others.

use std::collections::{BTreeMap, BTreeSet};

use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::SendFile;
use causeway_kernel::boundary::policy::Direction;
use causeway_kernel::rows::id::{ConnectionNo, Id};

use super::convergence::Show;
use super::facts::PostView;
use super::gates::FileVerdict;
use super::ledger::PostModel;
use super::{
    AUTHORSHIP, BOUNDED, CONVERGENCE, Durable, ENTITLEMENT, NO_ECHO, Oracle, Violation, broken,
};
use crate::frames::{self, Item};
use crate::mattermost::debts::Debts;
use crate::plan::HUB;

/// A file of a post, with its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileView {
    /// Id.
    pub id: Id,
    /// Digest of its bytes.
    pub digest: String,
}

/// A file of somebody else whose row was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    /// The file.
    pub view: FileView,
    /// Whether it had a row before.
    pub was_known: bool,
}

/// A file as its origin has it.
struct FileModel {
    origin: usize,
    digest: String,
    channel: Id,
}

/// See the module.
#[derive(Default)]
pub struct Transfers {
    /// Files of posts.
    files: BTreeMap<Id, FileModel>,
    /// The file that was announced last on a connection.
    announced: BTreeMap<(usize, ConnectionNo), Id>,
    /// The attempt in flight on a connection.
    out: BTreeMap<(usize, ConnectionNo), u64>,
    /// Files that a node may lack.
    excused: BTreeSet<(usize, Id)>,
    /// Files that a node's policies denied to another node; whether they still do.
    denied: BTreeMap<(usize, usize, Id), bool>,
    /// Files that policies denied or failed on somewhere: a post that comes without one does not say at which place
    /// it will be.
    withheld: BTreeSet<Id>,
    /// The only files that a node looks at for a post.
    linked: BTreeMap<(usize, Id), Vec<Id>>,
}

impl Transfers {
    /// A node's own post has these files.
    pub(super) fn posted(&mut self, origin: usize, post: &PostView) {
        for file in &post.files {
            self.files.entry(file.id).or_insert_with(|| FileModel {
                origin,
                digest: file.digest.clone(),
                channel: post.channel,
            });
        }
    }

    /// A post of the malicious peer has these files; false if one belongs to somebody else. An id of a file that
    /// is gone belongs to whoever names it next, with bytes of its own.
    pub(super) fn claimed(&mut self, seat: usize, post: &PostView) -> bool {
        let is_theirs = |file: &FileView| {
            let model = self.files.get(&file.id);
            model.is_none_or(|model| model.origin == seat || model.digest != file.digest)
        };
        let are_theirs = post.files.iter().all(is_theirs);
        for file in &post.files {
            self.files.remove(&file.id);
        }
        self.posted(seat, post);
        are_theirs
    }

    /// A node may lack a file.
    pub(super) fn excuse(&mut self, node: usize, file: Id) {
        self.excused.insert((node, file));
    }

    /// A node took a post with the names of these files, and looks at no others later.
    pub(super) fn linked(&mut self, node: usize, post: Id, named: Vec<Id>) {
        self.linked.insert((node, post), named);
    }

    /// A node was restored, or replaced by its copy: what its policies denied then may be denied again, and nobody
    /// asks.
    pub(super) fn restored(&mut self, node: usize) {
        let of_node = self.denied.iter_mut().filter(|((of, ..), _)| *of == node);
        of_node.for_each(|(_, is_denied)| *is_denied = true);
    }

    /// Whether a node's policies deny a file to another node.
    fn is_denied(&self, from: usize, to: usize, file: Id) -> bool {
        self.denied.get(&(from, to, file)) == Some(&true)
    }

    /// A node received an input.
    fn hears(&mut self, node: usize, input: &Input) {
        match input {
            Input::Receipt(receipt) => {
                let key = (node, receipt.connection);
                if self.out.get(&key) == Some(&receipt.attempt) {
                    self.out.remove(&key);
                }
            }
            Input::Resume | Input::Restored => self.ends(node),
            _ => {}
        }
    }

    /// A host ends.
    pub(super) fn ends(&mut self, host: usize) {
        self.out.retain(|(of, _), _| *of != host);
    }

    fn leaves(&mut self, key: (usize, ConnectionNo), attempt: u64) -> Result<(), Violation> {
        match self.out.insert(key, attempt) {
            None => Ok(()),
            Some(out) => Err(broken(
                BOUNDED,
                format!(
                    "node {} sends a file as attempt {attempt} while attempt {out} is out",
                    key.0
                ),
            )),
        }
    }

    /// Renumbers nodes.
    pub(super) fn renumber(&mut self, name: impl Fn(usize) -> usize) {
        let out = std::mem::take(&mut self.out).into_iter();
        self.out = out.map(|((of, no), it)| ((name(of), no), it)).collect();
        let announced = std::mem::take(&mut self.announced).into_iter();
        self.announced = announced
            .map(|((of, no), it)| ((name(of), no), it))
            .collect();
    }
}

impl Oracle {
    /// Judges what a durable step of a node did with files, before what it sends.
    pub(super) fn transfers(
        &mut self,
        node: usize,
        step: &Durable<'_>,
        is_by_intruder: bool,
    ) -> Result<(), Violation> {
        self.transfers.hears(node, step.input);
        for gone in &step.facts.files_gone {
            self.transfers.excuse(self.identity(node), *gone);
        }
        for file in &step.facts.files {
            self.comes(node, file, is_by_intruder)?;
        }
        Ok(())
    }

    /// The policies of a node answered about a file from or to a peer. A peer that announced a denied file in vain
    /// need not announce it again.
    pub(super) fn judged_file(&mut self, (node, peer): (usize, usize), verdict: &FileVerdict) {
        if verdict.is_withheld {
            self.transfers.withheld.insert(verdict.file);
        }
        let is_one_of_two = self
            .copy
            .is_some_and(|(copy, of)| copy == node || of == node);
        let (node, peer) = (self.identity(node), self.identity(peer));
        match verdict.direction {
            Direction::Inbound if verdict.is_denied => self.transfers.excuse(node, verdict.file),
            Direction::Inbound => {}
            Direction::Outbound => {
                let key = (node, peer, verdict.file);
                if verdict.is_denied {
                    self.transfers.denied.insert(key, true);
                } else if let Some(is_denied) = self.transfers.denied.get_mut(&key) {
                    *is_denied = is_one_of_two;
                }
            }
        }
    }

    /// Bytes of a file of somebody else are at a node.
    fn comes(&self, node: usize, file: &FileChange, by_intruder: bool) -> Result<(), Violation> {
        let view = &file.view;
        let fault = match self.transfers.files.get(&view.id) {
            // An id that is free again belongs to whoever names it first.
            Some(model) if by_intruder && self.is_intruder(model.origin) => None,
            Some(_) if by_intruder && !file.was_known => None,
            Some(model) if model.digest != view.digest => Some("other bytes than its origin"),
            Some(_) => None,
            None if by_intruder => None,
            None => Some("bytes that nobody has posted"),
        };
        match fault {
            None => Ok(()),
            Some(what) => Err(broken(
                AUTHORSHIP,
                format!("node {node} has a file with {what}: {view:?}"),
            )),
        }
    }

    /// Judges the announcement of a file.
    pub(super) fn announces(
        &mut self,
        (node, connection): (usize, ConnectionNo),
        peer: usize,
        attempt: u64,
        frame: &[u8],
    ) -> Result<(), Violation> {
        let file = frames::read_announcement(frame).and_then(|id| Id::parse(&id));
        let Some(file) = file.filter(|file| self.transfers.files.contains_key(file)) else {
            return Err(broken(
                NO_ECHO,
                format!("node {node} announces a file that nobody has posted"),
            ));
        };
        self.is_no_echo(node, peer, file)?;
        self.transfers.announced.insert((node, connection), file);
        self.transfers.leaves((node, connection), attempt)
    }

    fn is_no_echo(&self, node: usize, peer: usize, file: Id) -> Result<(), Violation> {
        let model = self.transfers.files.get(&file);
        if model.is_none_or(|model| model.origin != self.identity(peer)) {
            return Ok(());
        }
        Err(broken(
            NO_ECHO,
            format!("node {node} sends the file {file} back to node {peer}, where it came from"),
        ))
    }

    /// Judges the bytes of a file that leave a node.
    pub(super) fn sends_bytes(
        &mut self,
        node: usize,
        peer: usize,
        file: &SendFile,
    ) -> Result<(), Violation> {
        let SendFile {
            connection,
            attempt,
            digest,
            ..
        } = file;
        let announced = self.transfers.announced.get(&(node, *connection)).copied();
        let model = announced.and_then(|id| Some((id, self.transfers.files.get(&id)?)));
        let Some((id, model)) = model.filter(|(_, model)| model.digest == *digest) else {
            return Err(broken(
                NO_ECHO,
                format!("node {node} sends bytes to node {peer} that it did not announce"),
            ));
        };
        if !self.links.contains_key(&(node, model.channel, *connection)) {
            return Err(broken(
                ENTITLEMENT,
                format!(
                    "node {node} sends node {peer} the file {id} of a channel that is not shared with it"
                ),
            ));
        }
        self.is_no_echo(node, peer, id)?;
        self.transfers.leaves((node, *connection), *attempt)
    }

    /// Stops requiring files of a server that the hub did not take before their post.
    pub(super) fn forgive_files(&mut self, seat: usize, debts: &Debts) {
        let joins_late = self.foreign.tells_of_files(seat);
        for (id, model) in &self.ledger.posts {
            if model.origin != seat {
                continue;
            }
            let item = Item::Post(id.to_string());
            for file in &model.view.files {
                if !debts.is_file_due(&item, &file.id, joins_late) {
                    self.transfers.excused.insert((HUB, file.id));
                }
            }
        }
    }

    /// Whether a post that a restore removed at its origin had a file.
    fn is_of_lost_post(&self, file: &FileView) -> bool {
        let mut posts = self.ledger.posts.values();
        posts.any(|model| model.is_lost && model.files.contains_key(&file.id))
    }

    /// Checks that a post that is shown has the files that it has at its origin.
    pub(super) fn files_at(
        &self,
        shows: &[Show],
        peer: usize,
        model: &PostModel,
        copy: &PostView,
    ) -> Result<(), Violation> {
        let excused = &self.transfers.excused;
        let at_hub = shows[HUB].post(&model.view.id);
        let passes_hub = peer != HUB && model.origin != HUB;
        let linked = self.transfers.linked.get(&(peer, model.view.id));
        let may_lack = |file: &FileView| {
            let is_missing_at_hub = at_hub.is_none_or(|post| !post.files.contains(file));
            let is_unnamed = linked.is_some_and(|named| !named.contains(&file.id));
            let hub = if passes_hub { HUB } else { model.origin };
            let is_denied = self.transfers.is_denied(model.origin, hub, file.id)
                || self.transfers.is_denied(hub, peer, file.id);
            is_unnamed
                || is_denied
                || self.is_of_lost_post(file)
                || excused.contains(&(peer, file.id))
                || (passes_hub && (excused.contains(&(HUB, file.id)) || is_missing_at_hub))
        };
        let own = model.view.files.iter();
        let expected: Vec<&FileView> = own
            .filter(|file| copy.files.contains(file) || !may_lack(file))
            .collect();
        if copy.files.iter().eq(expected.iter().copied()) {
            return Ok(());
        }
        let is_withheld = |file: &FileView| self.transfers.withheld.contains(&file.id);
        let has_all = expected.iter().all(|file| copy.files.contains(file));
        if has_all && copy.files.len() == expected.len() && copy.files.iter().any(is_withheld) {
            return Ok(());
        }
        Err(broken(
            CONVERGENCE,
            format!(
                "node {peer} shows the post {} with the files {:?}, not {expected:?}",
                model.view.id, copy.files
            ),
        ))
    }
}
