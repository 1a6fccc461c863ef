//! One step of the workspace.

use crate::boundary::behaviour::{self, Behaviour};
use crate::boundary::env::{Host, StepContext};
use crate::boundary::input::{DuePart, Input};
use crate::boundary::output::{Output, Refusal, Reply};
use crate::boundary::policy::Gate;
use crate::command;
use crate::gate;
use crate::inbound;
use crate::model::limits::DUE_PER_STEP_MAX;
use crate::model::{DueKind, Job};
use crate::objects::{
    administrators, files, hidden_components, members, order, posts, remote_names, statuses,
};
use crate::outbound::{self, receipt};
use crate::rows::due;
use crate::rows::jobs;
use crate::rows::tx::{Read, Tx};
use crate::sharing::{self, connection};

/// Carries out one input; at the end of the step, the connections that it touched send what is pending.
pub fn step(host: &dyn Host, context: StepContext, input: &Input) -> Output {
    let mut tx = Tx::new(host, context);
    let reply = carry_out(&mut tx, input);
    outbound::pump(&mut tx);
    let (writes, effects) = tx.finish();
    Output {
        reply,
        writes,
        effects,
    }
}

fn carry_out(tx: &mut Tx<'_>, input: &Input) -> Reply {
    match input {
        Input::Genesis(genesis) => return command::begin(tx, genesis),
        Input::Command {
            actor,
            key,
            command,
        } => return command::carry_out(tx, *actor, key.as_deref(), command),
        Input::Frame {
            connection,
            body,
            skip,
        } => return inbound::frame(tx, *connection, body, skip),
        Input::FramePart { connection, part } => return inbound::part(tx, *connection, part),
        Input::Quarantine {
            connection,
            body,
            reason,
        } => return inbound::quarantine(tx, *connection, body, reason),
        Input::Receipt(receipt) => receipt::receipt(tx, receipt),
        Input::Ping { connection, answer } => connection::ping(tx, *connection, *answer),
        Input::Timer => timer(tx, DUE_PER_STEP_MAX),
        Input::DuePart(DuePart::Rows(most)) => timer(tx, (*most).min(DUE_PER_STEP_MAX)),
        Input::DuePart(DuePart::PutOff) => due::put_off(tx),
        Input::Resume => match adopt(tx) {
            Ok(()) => {
                inbound::forget_parts(tx);
                receipt::resume(tx);
                sharing::interruption::begin_anew(tx);
            }
            Err(refusal) => return Reply::Refused(refusal),
        },
        Input::Statuses(changes) => statuses::give(tx, changes),
        Input::Upload {
            connection,
            upload,
            progress,
        } => return inbound::arrived(tx, *connection, *upload, progress),
        Input::Picture {
            connection,
            user,
            digest,
            size,
        } => return inbound::picture(tx, *connection, *user, digest, *size),
        Input::Restored => connection::restored(tx),
        Input::PolicyChanged { gates, .. } => {
            let had_files = gate::is_asked(tx, Gate::File);
            let had_components = gate::is_asked(tx, Gate::Component);
            gate::note(tx, *gates);
            inbound::again::start(tx);
            outbound::again::start(tx);
            if had_files || gate::is_asked(tx, Gate::File) {
                outbound::again::start_files(tx);
            }
            if had_components || gate::is_asked(tx, Gate::Component) {
                hidden_components::start(tx);
            }
        }
        // From here on, steps run on the new kernel.
        Input::KernelChanged { .. } => {
            if let Err(refusal) = adopt(tx) {
                return Reply::Refused(refusal);
            }
        }
    }
    Reply::Done
}

/// Brings everything that this kernel knows into force. In an older workspace users get the names that the
/// current rules require, and items held since before the index existed are asked about at once and are
/// thereby indexed.
fn adopt(tx: &mut Tx<'_>) -> Result<(), Refusal> {
    let is_named = Behaviour::SearchedNames.is_in_force(tx);
    let is_indexed = Behaviour::IndexedHeld.is_in_force(tx);
    behaviour::adopt(tx)?;
    if !is_named {
        remote_names::settle(tx);
    }
    if !is_indexed {
        inbound::again::start(tx);
    }
    Ok(())
}

/// Carries out a bounded portion of the due work, and has the host wake the workspace for the rest.
fn timer(tx: &mut Tx<'_>, rows_max: u32) {
    for kind in due::take(tx, rows_max) {
        match kind {
            DueKind::Send(connection) => {
                tx.touched.insert(connection);
            }
            DueKind::Link(connection, channel) => sharing::link::go_on(tx, channel, connection),
            DueKind::Held(connection) => inbound::held_step(tx, connection),
            DueKind::Job(number) => job(tx, number),
            DueKind::Requests => command::expire_requests(tx),
            DueKind::Interruption(connection) => sharing::interruption::look(tx, connection),
            DueKind::UnpostedFiles => files::expire(tx),
        }
    }
    due::wake(tx);
}

fn job(tx: &mut Tx<'_>, number: u64) {
    let Some(job) = tx.get::<Job>(&number) else {
        return;
    };
    let rest = match job {
        Job::DeleteReplies {
            root,
            delete_at,
            position,
        } => {
            let position = posts::delete_replies(tx, root, delete_at, position);
            position.map(|position| Job::DeleteReplies {
                root,
                delete_at,
                position,
            })
        }
        Job::EndLinks {
            connection,
            position,
        } => sharing::jobs::end_links(tx, connection, position),
        Job::DropFeed { channel, to } => sharing::jobs::drop_feed(tx, channel, to),
        Job::Resend {
            connection,
            position,
        } => sharing::jobs::resend(tx, connection, position),
        Job::AskAgain {
            connection,
            position,
        } => outbound::again::ask_again(tx, connection, position),
        Job::AskInboundAgain {
            connection,
            position,
        } => inbound::again::ask_again(tx, number, connection, position),
        Job::CountPosts { channel } => order::count_older(tx, channel),
        Job::SettleNames { position } => remote_names::settle_portion(tx, position),
        Job::OfferMembers {
            connection,
            position,
        } => sharing::jobs::offer_members(tx, connection, position),
        Job::TellInterruption {
            connection,
            over,
            position,
        } => sharing::interruption::tell_channels(tx, connection, over, position),
        Job::OfferAgain { connection } => {
            sharing::directory::offer_again(tx, connection);
            None
        }
        Job::AskFilesAgain {
            connection,
            position,
        } => outbound::again::ask_files_again(tx, connection, position),
        Job::FindAdmins { position } => administrators::find_portion(tx, position),
        Job::TryWaiting {
            connection,
            channel,
            users,
            position,
        } => outbound::profiles::try_waiting(tx, (connection, channel), users, position),
        Job::OfferWithheld { connection } => outbound::again::offer_withheld(tx, connection),
        Job::AskOfPost { post } => {
            hidden_components::ask_again(tx, number, post);
            None
        }
        Job::AskOfPosts {
            channel,
            position,
            only,
        } => hidden_components::look_through(tx, channel, position, only),
        Job::TryPeople {
            connection,
            users,
            position,
        } => outbound::profiles::try_people(tx, connection, users, position),
        Job::ProfilesElsewhere {
            connection,
            channel,
            position,
        } => outbound::profiles::try_all_elsewhere(tx, (connection, channel), &position),
        Job::LeaveChannels {
            team,
            user,
            position,
        } => members::leave_channels(tx, team, user, position),
    };
    match rest {
        Some(job) => jobs::again(tx, number, &job),
        None => tx.delete::<Job>(&number),
    }
}
