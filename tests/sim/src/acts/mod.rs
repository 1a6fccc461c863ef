//! What users and admins do, a file an act: how often it is chosen, what it asks of a workspace,
//! and what it does at a server of another make. A new act is a file here and its line in the list
//! below; what it leaves behind is judged by the [oracle](crate::oracle).

mod acknowledge;
mod create_channel;
mod delete;
mod edit;
mod invite;
mod leave;
mod moderate;
mod pin;
mod post;
mod react;
mod reconnect;
mod rename;
mod reply;
pub(crate) mod scene;
mod uninvite;
mod unreact;
mod unshare;
mod withdraw;

use crate::dice::Dice;
use crate::mattermost::acts::Turn;
use crate::oracle::Violation;
use crate::world::World;
use scene::{Request, Scene};

/// Names that users take.
const NAMES: [&str; 4] = ["zoe", "yan", "bob", "xenia"];
/// What users react with.
const EMOJI: [&str; 3] = ["tada", "+1", "eyes"];

/// Everything about an act.
pub(crate) struct Spec {
    /// How often it is chosen, in proportion to all others.
    weight: u64,
    /// The same among acts that concern nothing beyond the channel in which they are done.
    weight_in_channel: u64,
    /// What it does at a workspace.
    pub(crate) at_workspace: AtWorkspace,
    /// What it does at a server of another make, if there is anything to do it with; told in words.
    pub(crate) at_mattermost: fn(&mut Turn<'_>) -> Option<String>,
}

/// What an act does at a workspace.
pub(crate) enum AtWorkspace {
    /// Somebody asks for something that shows there, if there is anything to ask for.
    Asks(fn(&Scene<'_>, &mut Dice) -> Option<Vec<Request>>),
    /// Admins of several workspaces do something together.
    Arranges(fn(&mut World<'_>, usize) -> Result<(), Violation>),
}

/// The list of acts, each with the file that says everything about it.
macro_rules! acts {
    ($($(#[$doc:meta])* $act:ident => $file:ident,)*) => {
        /// What a user or an admin does. In the text of a plan it bears the name of its variant.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Act {
            $($(#[$doc])* $act,)*
        }

        impl Act {
            /// Every act.
            pub const ALL: &[Act] = &[$(Act::$act),*];

            /// What it is called.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Act::$act => stringify!($act),)*
                }
            }

            pub(crate) const fn spec(self) -> &'static Spec {
                match self {
                    $(Act::$act => &$file::SPEC,)*
                }
            }
        }
    };
}

acts! {
    /// Writes a post.
    Post => post,
    /// Answers a post.
    Reply => reply,
    /// Changes the text of a post of one's own.
    Edit => edit,
    /// Deletes a post of one's own.
    Delete => delete,
    /// Deletes somebody else's post, as an administrator.
    Moderate => moderate,
    /// Pins or unpins a post.
    Pin => pin,
    /// Reacts to a post.
    React => react,
    /// Takes a reaction back.
    Unreact => unreact,
    /// Acknowledges a post.
    Acknowledge => acknowledge,
    /// Withdraws an acknowledgement.
    Withdraw => withdraw,
    /// Takes another user name or nickname.
    Rename => rename,
    /// Makes a channel.
    CreateChannel => create_channel,
    /// Invites a peer to a channel.
    Invite => invite,
    /// Ends the sharing of a channel with a peer.
    Uninvite => uninvite,
    /// Ends the sharing of a channel.
    Unshare => unshare,
    /// Leaves a channel.
    Leave => leave,
    /// Removes the connection to the hub, and makes it anew.
    Reconnect => reconnect,
}

impl Act {
    /// The act of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Act> {
        Act::ALL.iter().copied().find(|act| act.name() == name)
    }

    /// Any act.
    pub(crate) fn draw(dice: &mut Dice) -> Act {
        Act::draw_by(dice, |spec| spec.weight)
    }

    /// An act that concerns nothing beyond the channel in which it is done.
    pub(crate) fn draw_in_channel(dice: &mut Dice) -> Act {
        Act::draw_by(dice, |spec| spec.weight_in_channel)
    }

    fn draw_by(dice: &mut Dice, weight: fn(&Spec) -> u64) -> Act {
        let sum: u64 = Act::ALL.iter().map(|act| weight(act.spec())).sum();
        let mut rest = dice.below(sum);
        for act in Act::ALL {
            let weight = weight(act.spec());
            if rest < weight {
                return *act;
            }
            rest -= weight;
        }
        Act::Post
    }
}

/// The name of a new channel; sometimes both sides choose the same.
fn channel_name(number: usize, dice: &mut Dice) -> String {
    if dice.chance(100) {
        "room".to_string()
    } else {
        format!("room-{number}")
    }
}
