//! What users and admins do, one file per act: how often it is chosen, what it requests from a workspace,
//! and what it does at a Mattermost-like server. A new act is a file here and a line in the list
//! below; its consequences are judged by the [oracle](crate::oracle).

mod account;
mod acknowledge;
mod appear;
mod archive;
mod attach;
mod bot;
mod change_channel;
mod consent;
mod create_channel;
mod custom_status;
mod delete;
mod direct;
mod edit;
mod group;
mod invite;
mod leave;
mod leave_team;
mod moderate;
mod pin;
mod post;
mod profile;
mod react;
mod reconnect;
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
/// Emoji with which users react.
const EMOJI: [&str; 3] = ["tada", "+1", "eyes"];

/// The definition of an act.
pub(crate) struct Spec {
    /// How often it is chosen, relative to all others.
    weight: u64,
    /// The same, for runs with only acts that affect nothing but their channel.
    weight_in_channel: u64,
    /// What it does at a workspace.
    pub(crate) at_workspace: AtWorkspace,
    /// What it does at a Mattermost-like server, described in words; `None` if there is no object for it.
    pub(crate) at_mattermost: fn(&mut Turn<'_>) -> Option<String>,
}

/// What an act does at a workspace.
pub(crate) enum AtWorkspace {
    /// Requests about something visible there; `None` if there is no object for it.
    Asks(fn(&Scene<'_>, &mut Dice) -> Option<Vec<Request>>),
    /// Admins of several workspaces act together.
    Arranges(fn(&mut World<'_>, usize) -> Result<(), Violation>),
}

/// The list of acts, each with the file that defines it.
macro_rules! acts {
    ($($(#[$doc:meta])* $act:ident => $file:ident,)*) => {
        /// What a user or an admin does. In the text of a plan it has the name of its variant.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Act {
            $($(#[$doc])* $act,)*
        }

        impl Act {
            /// Every act.
            pub const ALL: &[Act] = &[$(Act::$act),*];

            /// Its name.
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
    /// Adds a file, or writes a post with the files added before.
    Attach => attach,
    /// Replies to a post.
    Reply => reply,
    /// Changes the text of one's own post.
    Edit => edit,
    /// Deletes one's own post.
    Delete => delete,
    /// Deletes somebody else's post, as an administrator.
    Moderate => moderate,
    /// Pins or unpins a post.
    Pin => pin,
    /// Reacts to a post.
    React => react,
    /// Removes a reaction.
    Unreact => unreact,
    /// Acknowledges a post.
    Acknowledge => acknowledge,
    /// Withdraws an acknowledgement.
    Withdraw => withdraw,
    /// Changes the user name, the nickname or the picture.
    Profile => profile,
    /// Creates a channel.
    CreateChannel => create_channel,
    /// Opens a direct channel with anybody.
    Direct => direct,
    /// Opens a group channel with anybody.
    Group => group,
    /// Invites a peer to a channel.
    Invite => invite,
    /// Answers the offer of a channel, or changes whether such offers wait for an answer.
    Consent => consent,
    /// Ends the sharing of a channel with a peer.
    Uninvite => uninvite,
    /// Ends the sharing of a channel.
    Unshare => unshare,
    /// Archives a channel, or restores an archived one.
    Archive => archive,
    /// Leaves a channel.
    Leave => leave,
    /// Removes the connection to the hub, and creates it again.
    Reconnect => reconnect,
    /// Users come, go, or choose statuses.
    Appear => appear,
    /// Sets the custom status, or removes it.
    CustomStatus => custom_status,
    /// Deactivates an account, or reactivates a deactivated one.
    Account => account,
    /// Makes an account a bot's, or changes what is said of a bot.
    Bot => bot,
    /// Renames a channel, changes its header, or makes it private or public.
    ChangeChannel => change_channel,
    /// Leaves the team and all its channels, or joins it again.
    LeaveTeam => leave_team,
}

impl Act {
    /// The act with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Act> {
        Act::ALL.iter().copied().find(|act| act.name() == name)
    }

    /// Draws any act.
    pub(crate) fn draw(dice: &mut Dice) -> Act {
        Act::draw_by(dice, |spec| spec.weight)
    }

    /// Draws an act that affects nothing but its channel.
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
