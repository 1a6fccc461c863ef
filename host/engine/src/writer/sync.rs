//! The thread that makes groups durable and then releases their results: replies and effects leave
//! only after the sync that covers them.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Instant;

use causeway_kernel::boundary::output::{Effect, Reply};
use tokio::sync::mpsc::UnboundedSender;

use super::inbox::EngineState;
use crate::SubmitError;
use crate::changes::Changed;
use crate::journal::{Group, Journal};
use crate::writer::queue::Completion;

/// A group and the results to be released once it is durable.
pub struct SyncGroup {
    /// For the journal.
    pub group: Group,
    /// In the order of the steps.
    pub releases: Vec<Release>,
}

/// The results of a step, held back until it is durable.
pub struct Release {
    /// Completion callback, if any.
    pub done: Option<Completion>,
    /// Its argument.
    pub reply: Result<Reply, SubmitError>,
    /// The effects to carry out.
    pub effects: Vec<Effect>,
    /// Rows of followed tables that it changed.
    pub changed: Vec<Changed>,
}

/// Syncs groups until the writer ends.
pub fn run(
    mut journal: Box<dyn Journal>,
    groups: &Receiver<SyncGroup>,
    shared: &Arc<EngineState>,
    effects: &UnboundedSender<Effect>,
) {
    let mut is_failing = false;
    while let Ok(SyncGroup {
        group,
        mut releases,
    }) = groups.recv()
    {
        let begun = Instant::now();
        let result = journal.append(&group);
        let took = begun.elapsed();
        match &result {
            Ok(()) => {
                if std::mem::take(&mut is_failing) {
                    tracing::info!("the journal can be written again");
                }
                let seq = group.first_seq + group.count - 1;
                shared.publish_seq(seq);
                let changed = releases.iter_mut();
                let changed = changed.flat_map(|release| std::mem::take(&mut release.changed));
                shared.changes.add(changed, seq);
                shared.note(|status| status.note_sync(&group, took));
                for release in releases {
                    release.now(effects);
                }
            }
            Err(error) => {
                // It is retried every second: one line for the first failure is enough.
                if !std::mem::replace(&mut is_failing, true) {
                    tracing::error!(
                        %error,
                        "cannot write the journal: the workspace is read-only until it succeeds"
                    );
                }
                let error = SubmitError::ReadOnly(error.to_string());
                for release in releases {
                    release.refuse(&error);
                }
            }
        }
        let result = result.map_err(|error| error.to_string());
        shared.put(|inbox| inbox.synced = Some(result));
    }
}

impl Release {
    fn now(self, effects: &UnboundedSender<Effect>) {
        // Effects first, so that they are under way when the caller gets its reply.
        for effect in self.effects {
            // The receiver is gone when the service is shutting down.
            let _ = effects.send(effect);
        }
        if let Some(done) = self.done {
            done(self.reply);
        }
    }

    /// Reports that the step did not happen.
    pub fn refuse(self, error: &SubmitError) {
        if let Some(done) = self.done {
            done(Err(error.clone()));
        }
    }
}
