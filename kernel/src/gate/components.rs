//! Components of integrations in shared channels at the gate: before somebody uses one, and when a post shows some.
//!
//! The workspace's setting is the outermost rule: while it is off nothing is asked, so that it holds whatever a policy
//! does. With it on, a policy at the gate decides; every connection of the channel is asked about, and the first answer
//! that is not an allowance decides.

use super::homes::Homes;
use super::{Crossing, Judgement, context, is_asked, plain};
use crate::boundary::env::Rows;
use crate::boundary::output::Refusal;
use crate::boundary::policy::{ComponentQuestion, Direction, Gate, Question};
use crate::model::limits::COMPONENT_QUESTIONS_MAX;
use crate::model::{Component, Connection, Post, User};
use crate::rows::counters::connected_workspaces;
use crate::rows::id::{ChannelNo, UserNo, WorkspaceNo};
use crate::rows::tx::{Read, Tx};
use crate::sharing::feed;

/// What decides about components in a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing: the channel is not shared, or no policy decides.
    Free,
    /// The workspace's setting: they do not work in shared channels.
    Off,
    /// The policies.
    Asked,
}

/// What decides about components in a channel; one that is not known counts as shared.
pub fn standing(rows: &(impl Read + ?Sized), channel: ChannelNo) -> Standing {
    let is_shared = rows.channel(channel).is_none_or(|channel| channel.shared);
    if is_shared && !connected_workspaces(rows).plugins {
        Standing::Off
    } else if is_shared && is_asked(rows, Gate::Component) {
        Standing::Asked
    } else {
        Standing::Free
    }
}

/// Requires that the workspace's setting does not forbid components in a channel; returns whether the policies are to
/// be asked.
///
/// # Errors
/// 403 in a shared channel, unless the feature flag is on.
pub fn require_on(rows: &(impl Read + ?Sized), channel: ChannelNo) -> Result<bool, Refusal> {
    match standing(rows, channel) {
        Standing::Free => Ok(false),
        Standing::Asked => Ok(true),
        Standing::Off => Err(Refusal::new(
            403,
            "api.causeway.integrations.shared_channel.app_error",
            "Integrations do not work in channels that are shared with other workspaces; the feature flag \
             EnableSharedChannelsPlugins allows it.",
        )),
    }
}

/// Whether somebody may use a component in a channel.
///
/// # Errors
/// The setting forbids it, the policies do not allow it, or they failed.
pub fn may_use(
    tx: &Tx<'_>,
    channel: ChannelNo,
    user: UserNo,
    component: Component,
) -> Result<(), Refusal> {
    if !require_on(tx, channel)? {
        return Ok(());
    }
    let user = tx.user(user);
    let asked = Asked {
        channel,
        origin: WorkspaceNo::OURS,
        person: user.as_deref(),
        is_used: true,
    };
    asked.ask(tx, &[component]).permission()?;
    Ok(())
}

/// Whether a post may show these components in its channel, which is shared; `None` = more than can be asked about.
pub fn may_show(tx: &Tx<'_>, post: &Post, components: Option<&[Component]>) -> Judgement {
    let author = tx.user(post.user);
    let asked = Asked {
        channel: post.channel,
        origin: post.origin,
        person: author.as_deref(),
        is_used: false,
    };
    components.map_or_else(too_many, |components| asked.ask(tx, components))
}

fn too_many() -> Judgement {
    Judgement::Denied("It has more buttons and menus than the policies can be asked about.".into())
}

/// What is the same in all questions about some components.
struct Asked<'u> {
    channel: ChannelNo,
    /// The workspace that the components come from.
    origin: WorkspaceNo,
    person: Option<&'u User>,
    is_used: bool,
}

impl Asked<'_> {
    fn ask(&self, tx: &Tx<'_>, components: &[Component]) -> Judgement {
        let Some(channel) = tx.channel(self.channel) else {
            return Judgement::Pass(None);
        };
        let followers = feed::channel_followers(tx, self.channel);
        if followers.len().saturating_mul(components.len()) > COMPONENT_QUESTIONS_MAX {
            return too_many();
        }
        let homes = Homes::load(tx, self.person.into_iter());
        let now_ms = tx.now_ms();
        for follower in followers {
            let Some(connection) = tx.get::<Connection>(&follower.connection) else {
                continue;
            };
            let crossing = Crossing {
                direction: if follower.workspace == self.origin {
                    Direction::Inbound
                } else {
                    Direction::Outbound
                },
                connection_no: follower.connection,
                connection: &connection,
                channel: self.channel,
            };
            let person = (self.person, homes.of(self.person));
            let questions: Vec<Question<'_>> = components
                .iter()
                .map(|component| {
                    Question::Component(ComponentQuestion {
                        context: context(crossing, &channel, person, now_ms),
                        component: component.clone(),
                        is_used: self.is_used,
                    })
                })
                .collect();
            let judged = plain(tx.ask(&questions), questions.len());
            let objection = judged
                .into_iter()
                .find(|it| !matches!(it, Judgement::Pass(_)));
            if let Some(objection) = objection {
                return objection;
            }
        }
        Judgement::Pass(None)
    }
}
